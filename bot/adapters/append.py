"""Appending to a small file so that a power cut cannot take it: whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def append_through(path: Path, body: bytes, *, mode: int) -> None:
    """Append ``body`` and return once it is on the disk; ``mode`` is that of a new file.

    Raises OSError when the disk takes not all of it; then the file is as it was, so that no half of a line stands
    before the next one.
    """
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, mode)
    try:
        before = os.fstat(file).st_size
        try:
            left = memoryview(body)
            while left:
                left = left[os.write(file, left):]
            os.fsync(file)
        except OSError:
            os.ftruncate(file, before)
            raise
    finally:
        os.close(file)
