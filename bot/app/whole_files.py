"""Files that are there whole or not at all, whatever the disk does meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, body: bytes) -> None:
    """Write a file, or put a new one in its place; after an OSError the old one stands as it was."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(body)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_all_new(files: Mapping[Path, bytes]) -> None:
    """Write files that are not there yet, in order, all or none; folders that they need are made.

    After an error nothing that this call wrote is left, its folders included.
    """
    made: list[Path] = []
    try:
        for path, body in files.items():
            new = [folder for folder in path.parents if not folder.exists()][::-1]
            path.parent.mkdir(parents=True, exist_ok=True)
            made += new
            with path.open("xb") as file:
                made.append(path)
                file.write(body)
    except BaseException:                # Ctrl-C as well
        for path in reversed(made):
            with suppress(OSError):
                _remove(path)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
