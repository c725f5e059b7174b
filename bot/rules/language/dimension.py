"""What a value is counted in: a product of powers of time and currencies, or nothing at all.

A ratio and a plain number are both of no dimension and may be compared; they differ only in how a person
reads them (70 % or 0.7). A price is its quote currency per base currency, so that amount x price is money.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

TIME = "ns"

# Where the markets of a rule differ in a currency, there is no one name for it. Names of currencies are
# upper-case, so these cannot be mistaken for one.
ACCOUNT_CURRENCY = "account currency"
BASE = "base"
QUOTE = "quote"
SETTLE = "settlement currency"


class Dimension(msgspec.Struct, frozen=True):
    """``powers`` is sorted by name and holds no zero; ``is_ratio`` only says how to show it."""

    powers: tuple[tuple[str, int], ...] = ()
    is_ratio: bool = False

    def is_like(self, other: Dimension) -> bool:
        """True where values of both may be compared, added, or be each other's bound."""
        return self.powers == other.powers

    @property
    def is_price(self) -> bool:
        return self.quote is not None

    @property
    def quote(self) -> str | None:
        """The currency that a price is counted in; None for what is no price."""
        return _quote_of(self.powers)

    @property
    def unit(self) -> str:
        """The unit in one or a few words, as it stands behind a value: ``USDT``, ``USDT per BTC``."""
        return _unit_of(self)

    def __str__(self) -> str:
        if not self.powers:
            return "a ratio" if self.is_ratio else "a plain number"
        if self == DURATION:
            return "a duration"
        if self.is_price:
            return f"a price in {self.unit}"
        if len(self.powers) == 1 and self.powers[0][1] == 1:
            return f"an amount of {self.unit}"
        return f"a value in {self.unit}"


NUMBER = Dimension()
RATIO = Dimension(is_ratio=True)
DURATION = Dimension(((TIME, 1),))


def amount_of(currency: str) -> Dimension:
    """Return the dimension of money, or of a quantity of coins."""
    return Dimension(((currency, 1),))


def price_of(*, quote: str, base: str) -> Dimension:
    """Return the dimension of a price: units of ``quote`` for one unit of ``base``."""
    return quotient(amount_of(quote), amount_of(base))


def product(left: Dimension, right: Dimension) -> Dimension:
    """Return the dimension of left x right; a ratio times a number is shown as a ratio."""
    powers = _combined(left, right, 1)
    return Dimension(powers, is_ratio=not powers and (left.is_ratio or right.is_ratio))


def quotient(left: Dimension, right: Dimension) -> Dimension:
    """Return the dimension of left / right; only a ratio by a plain number is shown as a ratio."""
    powers = _combined(left, right, -1)
    return Dimension(powers, is_ratio=left.is_ratio and right == NUMBER)


def _combined(left: Dimension, right: Dimension, sign: int) -> tuple[tuple[str, int], ...]:
    powers = dict(left.powers)
    for name, power in right.powers:
        powers[name] = powers.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in powers.items() if power))


# The dimensions of a program are a few, and every fire asks for the words of some.
@lru_cache(maxsize=256)
def _quote_of(powers: tuple[tuple[str, int], ...]) -> str | None:
    if len(powers) != 2 or TIME in (powers[0][0], powers[1][0]):
        return None
    above = [name for name, power in powers if power == 1]
    below = [name for name, power in powers if power == -1]
    return above[0] if above and below else None


@lru_cache(maxsize=256)
def _unit_of(dimension: Dimension) -> str:
    if not dimension.powers:
        return "ratio" if dimension.is_ratio else "number"
    if dimension == DURATION:
        return "duration"
    above = " ".join(_power_text(name, power) for name, power in dimension.powers if power > 0) or "1"
    below = " ".join(_power_text(name, -power) for name, power in dimension.powers if power < 0)
    return f"{above} per {below}" if below else above


def _power_text(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"
