"""Minutes of a market, generated or recorded, and the figures that crashes are compared by."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.domain.instrument import Instrument
from bot.domain.scale import NS_PER_MINUTE
from paper.generate.character import CHARACTERS, Character
from paper.generate.crash import GENERATED_SPAN, black_thursday_prints
from paper.generate.prints import Prints
from tests.paper.builders import PRICE_DIGITS, START

MINUTES = GENERATED_SPAN // NS_PER_MINUTE


@dataclass(frozen=True)
class Minutes:
    """One instrument's highs, lows and closes by the minute, 36 hours of them."""

    open_price: float
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]

    @property
    def returns(self) -> NDArray[np.float64]:
        """Log returns of minute closes."""
        return np.diff(np.log(self.close))


def generated_minutes(
    seed: int, instruments: Sequence[Instrument], trades_per_second: float,
    characters: Mapping[str, Character] = CHARACTERS,
) -> list[Minutes]:
    """Return the minutes of one seed, per instrument."""
    hours = list(
        black_thursday_prints(seed, instruments, trades_per_second=trades_per_second, characters=characters)
    )
    return [_minutes([hour[at] for hour in hours]) for at in range(len(instruments))]


def recorded_minutes(path: Path) -> Minutes:
    """Return the same 36 hours of a recorded candle file."""
    with gzip.open(path, "rt") as lines:
        rows = np.array([[float(cell) for cell in row] for row in list(csv.reader(lines))[1:]])
    inside = (rows[:, 0] * 1e6 >= START) & (rows[:, 0] * 1e6 < START + GENERATED_SPAN)
    _, opens, highs, lows, closes, _ = rows[inside].T
    return Minutes(float(opens[0]), highs, lows, closes)


def worst_hour(minutes: Minutes) -> tuple[float, float]:
    """Return the lowest low over the highest high of the 60 minutes up to it, less one; and its end in hours."""
    padded = np.concatenate((np.full(59, minutes.high[0]), minutes.high))
    highs = np.lib.stride_tricks.sliding_window_view(padded, 60).max(axis=1)
    falls = minutes.low / highs - 1.0
    at = int(falls.argmin())
    return float(falls[at]), at / 60


def kurtosis(values: NDArray[np.float64]) -> float:
    """Return the fourth moment over the squared variance: 3 for a normal law."""
    return float(((values - values.mean()) ** 4).mean() / values.var() ** 2)


def figures(btc: Minutes, eth: Minutes) -> dict[str, float]:
    """Return what a crash is compared by; times in hours since the start."""
    found: dict[str, float] = {}
    for name, minutes in (("btc", btc), ("eth", eth)):
        fall, ended = worst_hour(minutes)
        low_at = int(minutes.low.argmin())
        found |= {
            f"{name}_low": float(minutes.low.min()),
            f"{name}_low_hours": low_at / 60,
            f"{name}_worst_hour": fall,
            f"{name}_worst_hour_hours": ended,
            f"{name}_range": float(minutes.high.max() / minutes.low.min()),
            f"{name}_rebound_high": float(minutes.high[low_at:].max()),
            f"{name}_close": float(minutes.close[-1]),
            f"{name}_sigma": float(minutes.returns.std()),
            f"{name}_kurtosis": kurtosis(minutes.returns),
        }
    found["correlation"] = float(np.corrcoef(btc.returns, eth.returns)[0, 1])
    return found


def _minutes(hours: Sequence[Prints]) -> Minutes:
    prices = np.concatenate([hour.prices for hour in hours]) / 10**PRICE_DIGITS
    minute = np.concatenate([hour.times for hour in hours]) // NS_PER_MINUTE
    begins = np.searchsorted(minute, np.arange(MINUTES))
    ends = np.searchsorted(minute, np.arange(MINUTES), side="right")
    last = prices[np.maximum(ends - 1, 0)]
    traded = ends > begins
    first = np.minimum(begins, len(prices) - 1)
    high = np.where(traded, np.maximum.reduceat(prices, first), last)
    low = np.where(traded, np.minimum.reduceat(prices, first), last)
    return Minutes(float(prices[0]), high, low, last)
