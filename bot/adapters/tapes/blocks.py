"""A tape file as blocks of whole lines, unpacked on the way; never more than one block in memory.

A JSON array, a feather or a Parquet file comes as the lines of CSV that its rows would be.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.adapters.tapes.arrow_rows import ARROW_MAGICS, arrow_lines
from bot.adapters.tapes.json_rows import Readable, json_lines
from bot.domain.errors import InputError

# A block and its columns stay in the cache of the processor; 1 MB was no faster and held 20 MB more.
BLOCK_BYTES = 1 << 17
LINE_BYTES_MAX = 1 << 20             # longer "lines" are not text
_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_NEWLINE = np.uint8(10)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each ended by ``\\n``; ``line`` is the number of the first, from 1.

    Of JSON arrays and tables the rows are counted from 1, so that a header has number 0.
    """

    text: bytes
    line: int


def read_blocks(path: Path) -> Iterator[Block]:
    """Yield the file's lines in blocks; plain, gzip or zip by its first bytes, not by its name.

    Carriage returns and a byte-order mark are dropped; a missing last line end is added. Raises InputError
    when the file is absent, damaged, holds no text lines, or is a zip of more than one file.
    """
    try:
        with open_unpacked(path) as file:
            start = file.read(BLOCK_BYTES)
            if start[:4] in ARROW_MAGICS and b"\0" in start:
                yield from _gathered(arrow_lines(path, start[:4]))
            elif start.removeprefix(_BOM).lstrip()[:1] == b"[":
                yield from _gathered(json_lines(path, file, start))
            else:
                yield from _blocks(path, file, start)
    except OSError as error:         # BadGzipFile is one, too
        raise InputError(f"tape {path}: cannot be read, {error.strerror or error}; check the file") from error
    except (EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:  # RuntimeError: encrypted
        raise InputError(f"tape {path}: is cut off or damaged, {error}; fetch it again") from error


@contextmanager
def open_unpacked(path: Path) -> Iterator[Readable]:
    """Open a file for its bytes, plain, gzip or zip by the first of them."""
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


def _gathered(lines: Iterator[str]) -> Iterator[Block]:
    """Lines as blocks; the first is number 0 when it is a header."""
    gathered: list[str] = []
    size = 0
    first = -1
    for line in lines:
        if first < 0:
            first = 1 if line[:1] in "-+.0123456789" else 0
        gathered.append(line)
        size += len(line)
        if size >= BLOCK_BYTES:
            yield Block(("\n".join(gathered) + "\n").encode(), first)
            first += len(gathered)
            gathered, size = [], 0
    if gathered:
        yield Block(("\n".join(gathered) + "\n").encode(), first)


def _blocks(path: Path, file: Readable, start: bytes) -> Iterator[Block]:
    line = 1
    rest = b""
    chunk = start
    while chunk:
        text = rest + chunk
        cut = text.rfind(b"\n") + 1
        text, rest = text[:cut], text[cut:]
        if len(rest) > LINE_BYTES_MAX:
            raise InputError(f"tape {path}: line {line} is longer than {LINE_BYTES_MAX} bytes; is it a CSV file?")
        if text:
            yield _block(text, line)
            line += int(np.count_nonzero(np.frombuffer(text, np.uint8) == _NEWLINE))
        chunk = file.read(BLOCK_BYTES)
    if rest:
        yield _block(rest + b"\n", line)


def _block(text: bytes, line: int) -> Block:
    if line == 1:
        text = text.removeprefix(_BOM)
    if b"\r" in text:
        text = text.replace(b"\r", b"")
    return Block(text, line)
