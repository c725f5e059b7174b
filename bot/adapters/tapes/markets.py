"""Whose facts are wanted of a tape, and at which scales its numbers are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from bot.adapters.tapes import rows
from bot.adapters.tapes.table import DIGITS_MAX
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.scale import CASH_DIGITS, units_per_one

# 10^12 x 100,000 USDT is 10^17: any price of today still fits 18 digits. Coins of tiny price trade in
# volumes of 10^10 a bar, which leaves 8 decimals.
PRICE_DIGITS_WIDE = 12
QUANTITY_DIGITS_WIDE = CASH_DIGITS
# A survey must hold a quantity of 10^13 coins at 8 digits; what a tape is replayed at is held to 18 digits.
_DIGITS_MAX_WIDE = 30
MARKETS_MAX = 10_000                 # no venue lists as many; a column of numbers would never end
_NUMBERS_KEPT = 1 << 14              # books name the same prices again and again


class Scales:
    """Turns decimal text to integers at two scales, rounded half to even; raises BadRow."""

    def __init__(self, *, price_digits: int, quantity_digits: int, digits_max: int = DIGITS_MAX) -> None:
        self.price_digits = price_digits
        self.quantity_digits = quantity_digits
        self.price = _converter(price_digits, digits_max)
        self.quantity = _converter(quantity_digits, digits_max)


class _Converter(Protocol):
    def __call__(self, text: str, /) -> int: ...


def _converter(digits: int, digits_max: int) -> _Converter:
    powers = [units_per_one(digits - decimals) for decimals in range(digits + 1)]
    whole_max = digits_max - digits

    @lru_cache(_NUMBERS_KEPT)
    def convert(text: str) -> int:
        # Plain decimals, nearly all there are, without Decimal: a fifth of the time, and the same integer.
        whole, _, fraction = text.partition(".")
        numerals = whole + fraction
        if len(fraction) <= digits and len(whole) <= whole_max and numerals.isdigit() and numerals.isascii():
            return int(numerals) * powers[len(fraction)]
        return rows.number(text, digits, digits_max)

    return convert


@dataclass(frozen=True, slots=True)
class Target:
    """One wanted market: the index that its facts carry, and their scales."""

    instrument: int
    scales: Scales


class Markets(Protocol):
    """Says which markets of a tape are wanted."""

    def find(self, name: str) -> Target | None:
        """Return the target of the market that the tape calls ``name``, "" where it has no names."""


class EveryMarket:
    """Wants all of them, wide enough for any number; each gets the next index. For looking a tape over."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._targets: dict[str, Target] = {}
        self._scales = Scales(
            price_digits=PRICE_DIGITS_WIDE, quantity_digits=QUANTITY_DIGITS_WIDE, digits_max=_DIGITS_MAX_WIDE
        )

    def find(self, name: str) -> Target:
        target = self._targets.get(name)
        if target is None:
            if len(self.names) == MARKETS_MAX:
                raise InputError(f"tape: speaks of more than {MARKETS_MAX} markets; is one of its columns a number?")
            target = self._targets[name] = Target(len(self.names), self._scales)
            self.names.append(name)
        return target


class OneMarket:
    """Wants the market that the tape calls ``name``, for one instrument."""

    def __init__(self, name: str, instrument: Instrument) -> None:
        self._name = name
        self.target = Target(
            instrument.index,
            Scales(price_digits=instrument.price_digits, quantity_digits=instrument.quantity_digits),
        )

    def find(self, name: str) -> Target | None:
        return self.target if name == self._name else None
