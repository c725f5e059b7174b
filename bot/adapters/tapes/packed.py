"""Our own tape: every kind of one market in one file, exactly, quick to read, with nothing but the base install.

    gzip( "PENSTOCK TAPE 1\\n"
          one line of JSON: symbol, price_digits, quantity_digits, codes of the facts in it
          frames: length in 4 bytes, big end first, then a msgpack array of facts [code, fields...] )

gzip has a checksum, so that a damaged file is told from a whole one; an unfinished one has no end.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec

from bot.adapters.tapes.blocks import open_unpacked
from bot.adapters.tapes.faults import FaultReason, TapeFaults
from bot.adapters.tapes.json_rows import Readable
from bot.adapters.tapes.kinds import BY_CODE, BY_TYPE, TapeFact, numbers_of
from bot.adapters.tapes.markets import Target
from bot.adapters.tapes.rescale import rescaled
from bot.adapters.tapes.rows import BadRow
from bot.domain.errors import InputError
from bot.domain.market import BookUpdate, Quote

MAGIC = b"PENSTOCK TAPE 1\n"
FRAME_FACTS = 4_096
_FRAME_BYTES_MAX = 1 << 28           # 4,096 snapshots of 1,000 levels each
_HEADER_MAX = 1 << 12
_PLAIN = {int, bool, tuple}          # tuples are the sides of a book, looked into by themselves


class Header(msgspec.Struct, frozen=True):
    """What the facts of a tape are of, and the scales of their numbers."""

    symbol: str
    price_digits: int
    quantity_digits: int
    codes: tuple[int, ...]


def read_header(path: Path) -> Header | None:
    """Return the header of one of our tapes, None for any other file."""
    try:
        with open_unpacked(path) as file:
            return _header(path, file) if file.read(len(MAGIC)) == MAGIC else None
    except (OSError, EOFError, zlib.error):
        return None                  # damaged: the readers of text say how


def read_packed(path: Path, target: Target, wanted: frozenset[type], faults: TapeFaults) -> Iterator[TapeFact]:
    """Yield the facts of the ``wanted`` types at the target's scales.

    A price that is nothing at a coarser scale is counted as bad. Raises InputError when the file is damaged,
    cut off, or out of time order.
    """
    try:
        with open_unpacked(path) as file:
            file.read(len(MAGIC))
            header = _header(path, file)
            last = 0
            for number, frame in enumerate(_frames(path, file), 1):
                for fact in _facts(path, number, frame, header, target, wanted, faults):
                    if fact.now < last:
                        raise InputError(f"tape {path}: frame {number} goes back in time; write it again")
                    last = fact.now
                    yield fact
    except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise InputError(f"tape {path}: is cut off or damaged, {error}; write it again") from error


def write_packed(path: Path, header: Header, facts: Iterable[TapeFact]) -> int:
    """Write the facts, which are at the header's scales, and return how many there were."""
    written = 0
    encode = msgspec.msgpack.encode
    # No time and no name in the gzip header: the same facts are the same bytes.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        file.write(MAGIC + msgspec.json.encode(header) + b"\n")
        frame: list[tuple[object, ...]] = []
        for fact in facts:
            frame.append((BY_TYPE[type(fact)].code, *msgspec.structs.astuple(fact)))
            if len(frame) == FRAME_FACTS:
                written += _write_frame(file, encode(frame), len(frame))
                frame.clear()
        if frame:
            written += _write_frame(file, encode(frame), len(frame))
    return written


def _write_frame(file: gzip.GzipFile, frame: bytes, facts: int) -> int:
    file.write(len(frame).to_bytes(4, "big") + frame)
    return facts


def _header(path: Path, file: Readable) -> Header:
    line = b""
    while not line.endswith(b"\n"):
        byte = file.read(1)
        line += byte
        if not byte or len(line) > _HEADER_MAX:
            raise InputError(f"tape {path}: its header is cut off; write it again")
    return msgspec.json.decode(line, type=Header)


def _frames(path: Path, file: Readable) -> Iterator[list[list[Any]]]:
    while prefix := file.read(4):
        size = int.from_bytes(prefix, "big")
        frame = file.read(size) if size <= _FRAME_BYTES_MAX else b""
        if len(prefix) < 4 or len(frame) < size:
            raise InputError(f"tape {path}: is cut off inside a frame; write it again")
        yield msgspec.msgpack.decode(frame, type=list[list[Any]])


def _facts(
    path: Path, number: int, frame: list[list[Any]], header: Header, target: Target, wanted: frozenset[type],
    faults: TapeFaults,
) -> Iterator[TapeFact]:
    scales = header.price_digits, header.quantity_digits
    is_same = scales == (target.scales.price_digits, target.scales.quantity_digits)
    for fields in frame:
        kind = BY_CODE.get(fields[0])
        if kind is None:
            raise InputError(f"tape {path}: frame {number} has a fact of unknown code, was {fields[0]!r}; "
                             "it was written by a later version, which can read it")
        if kind.fact not in wanted:
            continue
        try:
            fact = _fact(kind.fact, fields, target.instrument)
            yield fact if is_same else rescaled(fact, *scales, target.scales)
        except BadRow as bad:
            faults.add(number, bad.reason, repr(fields))


def _fact(kind: type, fields: list[Any], instrument: int) -> TapeFact:
    """Return one fact; raises BadRow for what no writer of ours writes."""
    try:
        if kind is BookUpdate:
            fields[4], fields[5] = (tuple([(price, amount) for price, amount in side]) for side in fields[4:6])
        fact = cast("TapeFact", kind(*fields[1:3], instrument, *fields[4:]))
        prices, quantities = numbers_of(fact)
    except (TypeError, ValueError, IndexError):
        raise BadRow(FaultReason.MESSAGE_INVALID) from None
    if not {*map(type, fields), *map(type, prices), *map(type, quantities)} <= _PLAIN:
        raise BadRow(FaultReason.NUMBER_INVALID)
    if min(prices, default=1) < (0 if kind is Quote else 1):
        raise BadRow(FaultReason.PRICE_NOT_POSITIVE)
    if min(quantities, default=0) < 0:
        raise BadRow(FaultReason.VOLUME_NEGATIVE)
    return fact
