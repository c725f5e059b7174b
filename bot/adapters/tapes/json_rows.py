"""A JSON array of rows as lines of CSV, read piece by piece: what freqtrade, ccxt and many scripts write.

Rows are lists of numbers, or objects, whose keys become the header. Numbers keep the text they were written
with, so that no float stands between file and price.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, Protocol

from bot.domain.errors import InputError

PIECE_BYTES = 1 << 17
ELEMENT_MAX = 1 << 20                # a row of a market is a few hundred bytes
_BETWEEN = " \t\r\n,"


class Readable(Protocol):
    """A file open for reading bytes."""

    def read(self, size: int, /) -> bytes: ...


class _Number(str):
    """A number as it stands in the file."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number)


def json_lines(path: Path, file: Readable, start: bytes) -> Iterator[str]:
    """Yield the elements of the array as lines of CSV without line ends; ``start`` was read from ``file`` already.

    Objects give their first one's keys as the first line. Raises InputError where the text is no array of rows.
    """
    text = start.decode("utf-8", "replace").lstrip("\ufeff \t\r\n").removeprefix("[")
    names: list[str] | None = None
    element = 0
    while True:
        text = text.lstrip(_BETWEEN)
        if text.startswith("]"):
            return
        value, end = _decode(text)
        # A number at the end of the piece may go on in the next one, but rows end with a bracket.
        if value is None:
            more = file.read(PIECE_BYTES)
            if not more or len(text) > ELEMENT_MAX:
                _refuse(path, element + 1, text)
            text += more.decode("utf-8", "replace")
            continue
        element += 1
        text = text[end:]
        if isinstance(value, dict):
            if names is None:
                names = list(value)
                yield ",".join(_cell(name) for name in names)
            yield ",".join(_cell(value.get(name)) for name in names)
        elif isinstance(value, list) and names is None:
            yield ",".join(_cell(cell) for cell in value)
        else:
            _refuse(path, element, str(value))


def _decode(text: str) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        return None, 0


def _cell(value: object) -> str:
    """A cell of the line; nested values are left out, as the ``info`` of ccxt, which repeats what stands beside it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.replace(",", ";").replace("\n", " ").replace("\r", " ")
    return ""


def _refuse(path: Path, element: int, text: str) -> NoReturn:
    raise InputError(
        f"tape {path}:{element}: element {element} of the JSON array is no row, was {text[:60]!r}; "
        "rows are lists of numbers or objects"
    )
