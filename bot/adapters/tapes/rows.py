"""One row of a tape, exactly: the slow way, and the judge of what a good row is."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from bot.adapters.tapes.faults import FaultReason
from bot.adapters.tapes.layout import Layout
from bot.adapters.tapes.stamps import TEXT_STAMP, UNIT_DIGITS, is_date, moment, unit_ns
from bot.adapters.tapes.table import DIGITS_MAX
from bot.domain.scale import NS_PER_SECOND

STAMP_MIN: Final = 1_230_768_000 * NS_PER_SECOND     # 2009-01-01: no coin is older
STAMP_MAX: Final = 4_102_444_800 * NS_PER_SECOND     # 2100-01-01
_STAMP_DIGITS_MAX = 19               # ns since 1970
_TEXT_MAX = 40                       # float64 written in full has 17 digits; longer is no market's number
_EXACT = Context(prec=100)           # more than _TEXT_MAX and DIGITS_MAX together: nothing is rounded early
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_FLAGS = {"true": 1, "false": 0}


class BadRow(Exception):
    """A row that is no fact; carries the reason."""

    def __init__(self, reason: FaultReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def split_row(text: str, layout: Layout) -> list[str]:
    """Return the row's fields without spaces around them; raises BadRow when their number is wrong."""
    fields = [field.strip() for field in text.split(",")]
    if len(fields) != layout.columns:
        raise BadRow(FaultReason.COLUMNS_WRONG)
    return fields


def number(text: str, digits: int, digits_max: int = DIGITS_MAX) -> int:
    """Return decimal text at 10^-digits, rounded half to even; raises BadRow. ``1e-05`` is a number."""
    decimal = _decimal(text)
    if decimal and decimal.adjusted() + digits >= digits_max:
        raise BadRow(FaultReason.NUMBER_TOO_LARGE)
    return int(decimal.scaleb(digits, _EXACT).to_integral_value(ROUND_HALF_EVEN, _EXACT))


def whole(text: str) -> int:
    """Return an integer, such as a trade id; raises BadRow when it has a fraction."""
    return _whole(text, DIGITS_MAX)


def _whole(text: str, digits_max: int) -> int:
    decimal = _decimal(text)
    if decimal and decimal.adjusted() >= digits_max:
        raise BadRow(FaultReason.NUMBER_TOO_LARGE)
    if decimal != decimal.to_integral_value():
        raise BadRow(FaultReason.NUMBER_INVALID)
    return int(decimal)


def stamp(text: str, layout: Layout) -> int:
    """Return a stamp in ns; raises BadRow outside 2009 to 2100."""
    return plausible(date(text) if layout.stamp_ns == TEXT_STAMP else _whole(text, _STAMP_DIGITS_MAX) * layout.stamp_ns)


def date(text: str) -> int:
    """Return a stamp written as a date in ns; raises BadRow."""
    try:
        return moment(text)
    except (ValueError, OverflowError):
        raise BadRow(FaultReason.STAMP_IMPLAUSIBLE) from None


def time_of(text: str) -> int:
    """Return a stamp in ns, a date or a number of any unit, with decimals or without; raises BadRow."""
    if text.isascii() and text.isdigit() and len(text) <= _STAMP_DIGITS_MAX:
        whole_stamp = int(text)
        return plausible(whole_stamp * unit_ns(whole_stamp))
    if is_date(text):
        return plausible(date(text))
    digits = UNIT_DIGITS[unit_ns(abs(number(text, 0, _STAMP_DIGITS_MAX)))]
    return plausible(number(text, digits, _STAMP_DIGITS_MAX))


def plausible(nanoseconds: int) -> int:
    """Return the stamp; raises BadRow outside 2009 to 2100."""
    if not STAMP_MIN <= nanoseconds < STAMP_MAX:
        raise BadRow(FaultReason.STAMP_IMPLAUSIBLE)
    return nanoseconds


def flag(text: str) -> int:
    """Return 1 for true and 0 for false, in any case; raises BadRow."""
    value = _FLAGS.get(text.lower())
    if value is None:
        raise BadRow(FaultReason.FLAG_INVALID)
    return value


def decimals_of(text: str) -> int:
    """Return how many decimals a number is written with; 0 for what is not a number."""
    try:
        exponent = _decimal(text).as_tuple().exponent
    except BadRow:
        return 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _decimal(text: str) -> Decimal:
    if len(text) > _TEXT_MAX or _NUMBER.fullmatch(text) is None:
        raise BadRow(FaultReason.NUMBER_INVALID)
    return Decimal(text)
