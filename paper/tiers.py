"""Binance leverage brackets: of USD-M contracts in the quote currency, of COIN-M contracts in the coin.

    maintenance margin = notional x rate - cum

A bracket holds up to and including its cap, and its last one has no cap here: the venue refuses larger
positions, but a price can carry one there. Source of the formula: Binance FAQ "How to Calculate Liquidation
Price of USDⓈ-M Futures Contracts", retrieved 2024-10-24.

USD-M is typed in from the venue's "Leverage & Margin" page as of 2024-10-24. COIN-M: the rates from 5 % on and
their cums (1.81, 6.81, 11.81 BTC) are those of Binance FAQ "Leverage and Margin of COIN-M Futures" (2021); the
rows below them are the ones that lead to these cums, the rows above continue them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.scale import CASH_DIGITS, CASH_UNIT, to_fixed

RATE_UNIT = 100_000                  # rates are typed as integers at 10^-5: 0.0065 is 650


@dataclass(frozen=True, slots=True)
class Brackets:
    """One symbol's brackets: caps and ``cums`` in cash units, rates at 10^-5, and the highest leverage in each."""

    caps: tuple[int, ...]
    rates: tuple[int, ...]
    cums: tuple[int, ...]
    leverages: tuple[int, ...]

    def maintenance(self, notional: int) -> int:
        """Return the maintenance margin of an unsigned notional, both in cash units; rounded up."""
        at = 0
        last = len(self.rates) - 1
        while at < last and notional > self.caps[at]:
            at += 1
        return -(-notional * self.rates[at] // RATE_UNIT) - self.cums[at]

    @property
    def leverage_max(self) -> int:
        """Return the highest leverage that the venue offers at all."""
        return self.leverages[0]

    def notional_max(self, leverage: int) -> int:
        """Return the largest notional that may be held with ``leverage``, cash units; 0 when none may."""
        allowed = [cap for cap, offered in zip(self.caps, self.leverages, strict=True) if offered >= leverage]
        return max(allowed, default=0)


def brackets(*rows: tuple[int, int, int | str, int]) -> Brackets:
    """Return brackets from rows of (cap, rate at 10^-5, cum, leverage), caps and cums in whole units."""
    return Brackets(
        caps=tuple(cap * CASH_UNIT for cap, _, _, _ in rows),
        rates=tuple(rate for _, rate, _, _ in rows),
        cums=tuple(to_fixed(Decimal(cum), CASH_DIGITS) for _, _, cum, _ in rows),
        leverages=tuple(leverage for _, _, _, leverage in rows),
    )


def chained(caps: Sequence[int], rates: Sequence[int], leverages: Sequence[int]) -> Brackets:
    """Return brackets whose cums make maintenance margin continuous: cum_n = cum_n-1 + cap_n-1 x (rate_n - rate_n-1).

    Caps in cash units, rates at 10^-5; cums are rounded down. So every table of the venue is built; for those that
    are not typed in here.
    """
    cums = [0]
    for cap, rate, following in zip(caps, rates, rates[1:], strict=False):
        cums.append(cums[-1] + cap * (following - rate) // RATE_UNIT)
    return Brackets(tuple(caps), tuple(rates), tuple(cums), tuple(leverages))


_BTC = brackets(
    (50_000, 400, 0, 125),
    (600_000, 500, 50, 100),
    (3_000_000, 650, 950, 75),
    (12_000_000, 1_000, 11_450, 50),
    (70_000_000, 2_000, 131_450, 25),
    (100_000_000, 2_500, 481_450, 20),
    (230_000_000, 5_000, 2_981_450, 10),
    (480_000_000, 10_000, 14_481_450, 5),
    (600_000_000, 12_500, 26_481_450, 4),
    (800_000_000, 15_000, 41_481_450, 3),
    (1_200_000_000, 25_000, 121_481_450, 2),
    (1_800_000_000, 50_000, 421_481_450, 1),
)

_ETH = brackets(
    (50_000, 400, 0, 125),
    (600_000, 500, 50, 100),
    (3_000_000, 650, 950, 75),
    (12_000_000, 1_000, 11_450, 50),
    (50_000_000, 2_000, 131_450, 25),
    (65_000_000, 2_500, 381_450, 20),
    (150_000_000, 5_000, 2_006_450, 10),
    (320_000_000, 10_000, 9_506_450, 5),
    (400_000_000, 12_500, 17_506_450, 4),
    (530_000_000, 15_000, 27_506_450, 3),
    (800_000_000, 25_000, 80_506_450, 2),
    (1_200_000_000, 50_000, 280_506_450, 1),
)

_SOL = brackets(
    (20_000, 500, 0, 100),
    (100_000, 650, 30, 75),
    (800_000, 1_000, 380, 50),
    (4_000_000, 2_000, 8_380, 25),
    (8_000_000, 2_500, 28_380, 20),
    (40_000_000, 5_000, 228_380, 10),
    (80_000_000, 10_000, 2_228_380, 5),
    (100_000_000, 12_500, 4_228_380, 4),
    (200_000_000, 25_000, 16_728_380, 2),
    (400_000_000, 50_000, 66_728_380, 1),
)

# SUIUSDT of the same day, from the middle of the field: what stands for a symbol that is not typed in.
_OTHERS = brackets(
    (20_000, 1_000, 0, 75),
    (200_000, 1_500, 100, 50),
    (1_000_000, 2_000, 1_100, 25),
    (2_000_000, 2_500, 6_100, 20),
    (10_000_000, 5_000, 56_100, 10),
    (20_000_000, 10_000, 556_100, 5),
    (25_000_000, 12_500, 1_056_100, 4),
    (50_000_000, 25_000, 4_181_100, 2),
    (100_000_000, 50_000, 16_681_100, 1),
)

_COIN_BTC = brackets(
    (10, 400, 0, 125),
    (20, 500, "0.01", 100),
    (30, 1_000, "0.11", 50),
    (50, 2_500, "0.56", 20),
    (100, 5_000, "1.81", 10),
    (200, 10_000, "6.81", 5),
    (400, 12_500, "11.81", 4),
    (1_000, 15_000, "21.81", 3),
    (1_500, 25_000, "121.81", 2),
)

# Coins differ too much in worth for a stand-in with caps: one rate that holds in the middle of BTC's table.
_COIN_OTHERS = brackets((1_000_000_000, 2_500, 0, 20))

_BY_BASE = {"BTC": _BTC, "ETH": _ETH, "SOL": _SOL}
_COIN_BY_BASE = {"BTC": _COIN_BTC}


def brackets_of(instrument: Instrument) -> Brackets:
    """Return the brackets of a perpetual, or the stated stand-in; in the currency that it settles in."""
    if instrument.kind is InstrumentKind.INVERSE:
        return _COIN_BY_BASE.get(instrument.base, _COIN_OTHERS)
    return _BY_BASE.get(instrument.base, _OTHERS)
