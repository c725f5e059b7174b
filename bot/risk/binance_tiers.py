"""Binance leverage brackets: USD-M typed in from the venue's "Leverage & Margin" page, as of 2024-10-24.

COIN-M, in the coin that a contract settles in: of BTC what the venue's FAQ "Leverage and Margin of COIN-M Futures"
(2021) gives, which is from a rate of 5 % on, with the rows below that lead to its deductions; for other coins, which
differ too much in worth for a common table, one rate from the middle of BTC's.

The paper venue has its own copy in its own code, so that a slip in one shows up in the other. Brackets
change: a live account reads them from the venue at start and these serve paper and replay only.
"""

from __future__ import annotations

from bot.domain.instrument import Instrument, InstrumentKind
from bot.risk.tiers import TierTable, table

_AS_OF = "2024-10-24"
_SOURCE = f"Binance USD-M leverage brackets, {_AS_OF}"

_BTC = table(
    [
        (0, "0.004", 125), (50_000, "0.005", 100), (600_000, "0.0065", 75), (3_000_000, "0.01", 50),
        (12_000_000, "0.02", 25), (70_000_000, "0.025", 20), (100_000_000, "0.05", 10),
        (230_000_000, "0.1", 5), (480_000_000, "0.125", 4), (600_000_000, "0.15", 3),
        (800_000_000, "0.25", 2), (1_200_000_000, "0.5", 1),
    ],
    source=_SOURCE,
    as_of=_AS_OF,
)

_ETH = table(
    [
        (0, "0.004", 125), (50_000, "0.005", 100), (600_000, "0.0065", 75), (3_000_000, "0.01", 50),
        (12_000_000, "0.02", 25), (50_000_000, "0.025", 20), (65_000_000, "0.05", 10),
        (150_000_000, "0.1", 5), (320_000_000, "0.125", 4), (400_000_000, "0.15", 3),
        (530_000_000, "0.25", 2), (800_000_000, "0.5", 1),
    ],
    source=_SOURCE,
    as_of=_AS_OF,
)

_SOL = table(
    [
        (0, "0.005", 100), (20_000, "0.0065", 75), (100_000, "0.01", 50), (800_000, "0.02", 25),
        (4_000_000, "0.025", 20), (8_000_000, "0.05", 10), (40_000_000, "0.1", 5),
        (80_000_000, "0.125", 4), (100_000_000, "0.25", 2), (200_000_000, "0.5", 1),
    ],
    source=_SOURCE,
    as_of=_AS_OF,
)

# SUI's brackets: the middle of the field, stricter than LINK's or FIL's and milder than a new listing's.
_OTHERS = table(
    [
        (0, "0.01", 75), (20_000, "0.015", 50), (200_000, "0.02", 25), (1_000_000, "0.025", 20),
        (2_000_000, "0.05", 10), (10_000_000, "0.1", 5), (20_000_000, "0.125", 4),
        (25_000_000, "0.25", 2), (50_000_000, "0.5", 1),
    ],
    source=f"{_SOURCE}, SUI/USDT:USDT, standing for an instrument that is not typed in",
    as_of=_AS_OF,
)

_COIN_SOURCE = "Binance COIN-M leverage brackets, FAQ of 2021"
_COIN_BTC = table(
    [
        (0, "0.004", 125), (10, "0.005", 100), (20, "0.01", 50), (30, "0.025", 20), (50, "0.05", 10),
        (100, "0.1", 5), (200, "0.125", 4), (400, "0.15", 3), (1_000, "0.25", 2),
    ],
    source=_COIN_SOURCE,
)
_COIN_OTHERS = table(
    [(0, "0.025", 20)],
    source=f"{_COIN_SOURCE}, one rate from the middle of BTC's, standing for an instrument that is not typed in",
)

_TABLES = {"BTC": _BTC, "ETH": _ETH, "SOL": _SOL, "SUI": _OTHERS}


def tier_table(base: str) -> TierTable:
    """Return the brackets of the USDT perpetual on ``base``; a stated stand-in for those not typed in."""
    return _TABLES.get(base, _OTHERS)


def coin_table(base: str) -> TierTable:
    """Return the brackets of the inverse perpetual on ``base``, in that coin; a stated stand-in but for BTC."""
    return _COIN_BTC if base == "BTC" else _COIN_OTHERS


def tier_table_of(instrument: Instrument) -> TierTable:
    """Return the brackets of a perpetual, in the currency that it settles in."""
    is_inverse = instrument.kind is InstrumentKind.INVERSE
    return coin_table(instrument.base) if is_inverse else tier_table(instrument.base)


def is_typed_in(base: str) -> bool:
    """True when the brackets of the USDT perpetual are its own and not the stand-in."""
    return base in _TABLES
