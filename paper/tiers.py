"""Binance USD-M leverage brackets, typed in from the venue's "Leverage & Margin" page as of 2024-10-24.

    maintenance margin = notional x rate - cum

A bracket holds up to and including its cap, and its last one has no cap here: the venue refuses larger
positions, but a price can carry one there. Source of the formula: Binance FAQ "How to Calculate Liquidation
Price of USDⓈ-M Futures Contracts", retrieved 2024-10-24.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.scale import CASH_UNIT

RATE_UNIT = 100_000                  # rates are typed as integers at 10^-5: 0.0065 is 650


@dataclass(frozen=True, slots=True)
class Brackets:
    """One symbol's brackets: caps in quote units, rates at 10^-5, ``cums`` in quote units."""

    caps: tuple[int, ...]
    rates: tuple[int, ...]
    cums: tuple[int, ...]

    def maintenance(self, notional: int) -> int:
        """Return the maintenance margin of an unsigned notional, both in cash units; rounded up."""
        at = 0
        last = len(self.rates) - 1
        while at < last and notional > self.caps[at] * CASH_UNIT:
            at += 1
        return -(-notional * self.rates[at] // RATE_UNIT) - self.cums[at] * CASH_UNIT


def _brackets(*rows: tuple[int, int, int]) -> Brackets:
    caps, rates, cums = zip(*rows, strict=True)
    return Brackets(tuple(caps), tuple(rates), tuple(cums))


_BTC = _brackets(
    (50_000, 400, 0),
    (600_000, 500, 50),
    (3_000_000, 650, 950),
    (12_000_000, 1_000, 11_450),
    (70_000_000, 2_000, 131_450),
    (100_000_000, 2_500, 481_450),
    (230_000_000, 5_000, 2_981_450),
    (480_000_000, 10_000, 14_481_450),
    (600_000_000, 12_500, 26_481_450),
    (800_000_000, 15_000, 41_481_450),
    (1_200_000_000, 25_000, 121_481_450),
    (1_800_000_000, 50_000, 421_481_450),
)

_ETH = _brackets(
    (50_000, 400, 0),
    (600_000, 500, 50),
    (3_000_000, 650, 950),
    (12_000_000, 1_000, 11_450),
    (50_000_000, 2_000, 131_450),
    (65_000_000, 2_500, 381_450),
    (150_000_000, 5_000, 2_006_450),
    (320_000_000, 10_000, 9_506_450),
    (400_000_000, 12_500, 17_506_450),
    (530_000_000, 15_000, 27_506_450),
    (800_000_000, 25_000, 80_506_450),
    (1_200_000_000, 50_000, 280_506_450),
)

_SOL = _brackets(
    (20_000, 500, 0),
    (100_000, 650, 30),
    (800_000, 1_000, 380),
    (4_000_000, 2_000, 8_380),
    (8_000_000, 2_500, 28_380),
    (40_000_000, 5_000, 228_380),
    (80_000_000, 10_000, 2_228_380),
    (100_000_000, 12_500, 4_228_380),
    (200_000_000, 25_000, 16_728_380),
    (400_000_000, 50_000, 66_728_380),
)

# SUIUSDT of the same day, from the middle of the field: what stands for a symbol that is not typed in.
_OTHERS = _brackets(
    (20_000, 1_000, 0),
    (200_000, 1_500, 100),
    (1_000_000, 2_000, 1_100),
    (2_000_000, 2_500, 6_100),
    (10_000_000, 5_000, 56_100),
    (20_000_000, 10_000, 556_100),
    (25_000_000, 12_500, 1_056_100),
    (50_000_000, 25_000, 4_181_100),
    (100_000_000, 50_000, 16_681_100),
)

_BY_BASE = {"BTC": _BTC, "ETH": _ETH, "SOL": _SOL}


def brackets_of(base: str) -> Brackets:
    """Return the brackets of the USDT perpetual on ``base``, or the stated stand-in."""
    return _BY_BASE.get(base, _OTHERS)
