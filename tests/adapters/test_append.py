"""Small files that grow by whole lines, on disks that take less than is given."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bot.adapters.append import append_through


def test_append_through_twice_keeps_both_lines_in_order(tmp_path: Path) -> None:
    """What is appended stands behind what was there."""
    path = tmp_path / "wishes"
    append_through(path, b"one\n", mode=0o600)
    append_through(path, b"two\n", mode=0o600)
    assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_append_through_a_disk_that_takes_a_byte_at_a_time_writes_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short write is no error: the rest follows."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, body: write(file, bytes(body[:1])))
    path = tmp_path / "wishes"
    append_through(path, b"line\n", mode=0o600)
    assert path.read_bytes() == b"line\n"


def test_append_through_a_disk_that_fills_up_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a line would make the next one unreadable: the file is as it was, and the error is told."""
    path = tmp_path / "wishes"
    append_through(path, b"one\n", mode=0o600)
    write = os.write
    taken: list[int] = []

    def short(file: int, body: memoryview) -> int:
        if taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken.append(1)
        return write(file, bytes(body[:2]))

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(OSError, match="No space left"):
        append_through(path, b"two\n", mode=0o600)
    assert path.read_bytes() == b"one\n"
