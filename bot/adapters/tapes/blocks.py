"""A tape file as blocks of whole lines, unpacked on the way; never more than one block in memory."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from bot.domain.errors import InputError

# A block and its columns stay in the cache of the processor; 1 MB was no faster and held 20 MB more.
BLOCK_BYTES = 1 << 17
LINE_BYTES_MAX = 1 << 20             # longer "lines" are not text
_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_NEWLINE = np.uint8(10)
_BOM = b"\xef\xbb\xbf"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each ended by ``\\n``; ``line`` is the number of the first, from 1."""

    text: bytes
    line: int


def read_blocks(path: Path) -> Iterator[Block]:
    """Yield the file's lines in blocks; plain, gzip or zip by its first bytes, not by its name.

    Carriage returns and a byte-order mark are dropped; a missing last line end is added. Raises InputError
    when the file is absent, damaged, holds no text lines, or is a zip of more than one file.
    """
    try:
        with _open(path) as file:
            yield from _blocks(path, file)
    except OSError as error:         # BadGzipFile is one, too
        raise InputError(f"tape {path}: cannot be read, {error.strerror or error}; check the file") from error
    except (EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:  # RuntimeError: encrypted
        raise InputError(f"tape {path}: is cut off or damaged, {error}; fetch it again") from error


@contextmanager
def _open(path: Path) -> Iterator[_Readable]:
    with path.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(_GZIP_MAGIC):
            with gzip.open(raw) as file:
                yield file
        elif magic == _ZIP_MAGIC:
            with zipfile.ZipFile(raw) as archive:
                names = [info.filename for info in archive.infolist() if not _is_clutter(info)]
                if len(names) != 1:
                    raise InputError(f"tape {path}: must hold one file, was {len(names)}; unpack it and name one")
                with archive.open(names[0]) as file:
                    yield file
        else:
            yield raw


def _is_clutter(info: zipfile.ZipInfo) -> bool:
    return info.is_dir() or info.filename.startswith("__MACOSX/")


def _blocks(path: Path, file: _Readable) -> Iterator[Block]:
    line = 1
    rest = b""
    while chunk := file.read(BLOCK_BYTES):
        text = rest + chunk
        cut = text.rfind(b"\n") + 1
        text, rest = text[:cut], text[cut:]
        if len(rest) > LINE_BYTES_MAX:
            raise InputError(f"tape {path}: line {line} is longer than {LINE_BYTES_MAX} bytes; is it a CSV file?")
        if text:
            yield _block(text, line)
            line += int(np.count_nonzero(np.frombuffer(text, np.uint8) == _NEWLINE))
    if rest:
        yield _block(rest + b"\n", line)


def _block(text: bytes, line: int) -> Block:
    if line == 1:
        text = text.removeprefix(_BOM)
    if b"\r" in text:
        text = text.replace(b"\r", b"")
    return Block(text, line)
