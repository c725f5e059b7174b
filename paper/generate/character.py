"""How one underlying follows the common factor of the market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from paper.generate.facts import BTC_FACTS, ETH_FACTS


@dataclass(frozen=True, slots=True)
class Character:
    """One underlying. To trade another one beside BTC and ETH, state these four numbers for it.

    ``beta`` is its log move per log move of the factor (BTC: 1). ``own`` is the deviation of the part of its
    minute moves that is its alone, over the deviation of the factor's. ``hourly_notional`` is what is traded in
    an hour whose minute volatility is 30 bps, in quote units.
    """

    open_price: float
    beta: float
    own: float
    hourly_notional: float


# ETH's beta lies between two readings of the day: to the low it fell 1.10 times as far as BTC (in logs), and its
# minutes regress on BTC's at 0.99, a figure that BTC's own noise makes too small.
# The own parts give minute returns a correlation of 0.87 and ETH 1.14 times BTC's deviation, as published.
# Notionals are of the same spot candles: BTC 40 M USDT in hours of 20 bps a minute, 110 M at 56, 190 M at 197.
CHARACTERS: Final[Mapping[str, Character]] = {
    "BTC": Character(open_price=BTC_FACTS.open_price, beta=1.0, own=0.2, hourly_notional=59e6),
    "ETH": Character(open_price=ETH_FACTS.open_price, beta=1.08, own=0.5, hourly_notional=19e6),
}

# What is quoted in, and the pairs between such coins. They follow no market: a fiftieth of its noise is their own.
STABLECOINS: Final[Mapping[str, Character]] = {
    name: Character(open_price=1.0, beta=0.0, own=0.02, hourly_notional=5e6)
    for name in ("USDC", "USDT", "FDUSD", "DAI", "USDE")
}
