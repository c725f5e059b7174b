"""A regular block of lines as integer columns, all rows at once.

Theory of operation: one pass over the bytes finds the separators and decimal points. When every row has the
same number of columns, every other byte is a digit or part of a flag, and no number is too long, then the
text without its points is a list of integers, and the distance from point to separator is the number of
decimals of each. Anything else returns None, and the block is read row by row in ``rows``. Every test is on
bytes and integers, so the result is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.adapters.tapes.layout import Layout

DIGITS_MAX = 18                      # 10^18 is the largest power of ten in a signed 64-bit integer

Integers = NDArray[np.int64]

_NEWLINE, _POINT, _ZERO, _E = (np.uint8(letter) for letter in b"\n.0e")
_TWO, _NINE = np.uint8(2), np.uint8(9)
_POWERS = 10 ** np.arange(DIGITS_MAX + 1, dtype=np.int64)
# Flags become one digit: t and f turn into 1 and 0, their other letters and all points are dropped.
_TO_INTEGERS = bytes.maketrans(b"\nTtFf", b",1100")
_DROPPED = b".rueals"
_TRUE, _TRUE_CAPITAL, _FALSE, _FALSE_CAPITAL = np.frombuffer(b"trueTruefalsFals", "<u4")


@dataclass(frozen=True, slots=True)
class Table:
    """The block's numbers without their points, and how many decimals each had; both rows x columns."""

    values: Integers
    decimals: Integers

    @property
    def rows(self) -> int:
        return len(self.values)


def tabulate(text: bytes, layout: Layout) -> Table | None:
    """Return the block's numbers, or None when it is not regular. Flags are 1 (true) and 0 (false)."""
    raw = np.frombuffer(text, np.uint8)
    ends, points, fields = _marks(raw)
    rows, odd = divmod(len(ends), layout.columns)
    if odd or rows == 0:
        return None
    row_ends = ends.reshape(rows, layout.columns)
    newlines = np.count_nonzero(raw == _NEWLINE)
    if newlines != rows or not (raw[row_ends[:, -1]] == _NEWLINE).all():
        return None
    decimals = np.zeros((rows, layout.columns), np.int64)
    decimals.reshape(-1)[fields] = ends[fields] - points - 1
    digits = np.diff(ends, prepend=-1) - 1
    digits[fields] -= 1
    by_row = digits.reshape(rows, layout.columns)
    for column in layout.flags:
        ended = row_ends[:, column]
        if decimals[:, column].any() or not _are_flags(text, raw, ended, by_row[:, column]):
            return None
        by_row[:, column] = 0
    if np.count_nonzero((raw - _ZERO) <= _NINE) != digits.sum():
        return None                  # some byte is none of the above, or the second point of a number
    by_row[:, layout.flags] = 1
    if digits.min() < 1 or digits.max() > DIGITS_MAX:
        return None
    integers = text.translate(_TO_INTEGERS, _DROPPED)
    values = np.fromstring(integers, np.int64, count=len(ends), sep=",")
    return Table(values.reshape(rows, layout.columns), decimals)


def _marks(raw: NDArray[np.uint8]) -> tuple[Integers, Integers, Integers]:
    """Return where fields end, where points are, and the field that each point is in (ascending)."""
    # Comma and point differ in one bit: ``| 2`` makes them the same byte, which spares a pass.
    marks = np.flatnonzero(((raw | _TWO) == _POINT) | (raw == _NEWLINE))
    is_point = raw[marks] == _POINT
    at = np.flatnonzero(is_point)
    return marks[~is_point], marks[at], at - np.arange(len(at))


def _are_flags(text: bytes, raw: NDArray[np.uint8], ends: Integers, lengths: Integers) -> bool:
    """True when every field is one of true, True, false, False."""
    if lengths.min() < 4 or lengths.max() > 5:
        return False
    # Every four bytes of the block as one number, so that a word is compared at once.
    fours: NDArray[np.uint32] = np.ndarray((len(text) - 3,), "<u4", text, 0, (1,))
    words = fours[ends - lengths]
    is_true = ((words == _TRUE) | (words == _TRUE_CAPITAL)) & (lengths == 4)
    is_false = ((words == _FALSE) | (words == _FALSE_CAPITAL)) & (lengths == 5) & (raw[ends - 1] == _E)
    return bool((is_true | is_false).all())


def at_scale(values: Integers, decimals: Integers, digits: int) -> Integers | None:
    """Return the numbers as integers at 10^-digits, half to even, or None when one reaches 10^18 there."""
    least, most = int(decimals.min()), int(decimals.max())
    if least == most == digits:
        return values
    if most - digits > DIGITS_MAX or digits - least > DIGITS_MAX:
        return None
    if least == most:
        decimals = decimals[:1]      # one shift for all: cheaper, and the same below
    up = np.maximum(digits - decimals, 0)
    if (values >= _POWERS[DIGITS_MAX - up]).any():
        return None
    raised = values * _POWERS[up]
    if most <= digits:
        return raised
    divisor = _POWERS[np.maximum(decimals - digits, 0)]
    quotient, rest = np.divmod(raised, divisor)
    twice = 2 * rest
    up_by_one: Integers = ((twice > divisor) | ((twice == divisor) & (quotient % 2 == 1))).astype(np.int64)
    return quotient + up_by_one
