"""Trades drawn along a path of prices: when, which side, at what price, how many.

Trades come at random (Poisson). Their rate and their size rise alike with volatility: the volume goes with its
0.7th power, as it did hour by hour on the day modelled, half of it (in logs) in the rate. A trade prints half a spread
from the middle, on the taker's side; sellers take when it falls and buyers when it rises, more often than not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.scale import NS_PER_SECOND, units_per_one
from paper.generate.character import Character
from paper.generate.decay import Floats, decayed, keep_of_mean_life
from paper.generate.path import SECONDS_PER_MINUTE, FactorBlock
from paper.generate.regimes import SECONDS_PER_HOUR

SIGMA_USUAL = 0.003                  # minute deviation at which rate and volume are as stated
VOLUME_POWER = 0.7                   # log volume over log volatility, hour by hour, from 7 to 250 bps a minute
ACTIVITY_MIN, ACTIVITY_MAX = 0.1, 20.0    # of volatility over the usual: a rate stays a rate in any mood
RUSH_LOG_SIGMA = 0.6                 # of a minute's volume around what its volatility explains
SIZE_LOG_SIGMA = 1.3                 # sizes of trades spread over three orders of magnitude
HALF_SPREAD_MIN = 0.5e-4             # half a basis point: BTC and ETH perpetuals in calm hours
HALF_SPREAD_OF_SIGMA = 0.04          # of a minute's deviation: 8 bps when minutes move 2 %
PRESSURE_SECONDS = 20                # how far back takers look
PRESSURE_KEEP = keep_of_mean_life(PRESSURE_SECONDS)
PRESSURE_SHARE = 0.35                # at most 85 % of trades are on one side


@dataclass(frozen=True, slots=True)
class Prints:
    """Trades of one instrument in time order: ns since the start, price and quantity units, taker's sign."""

    times: NDArray[np.int64]
    prices: NDArray[np.int64]
    quantities: NDArray[np.int64]
    sides: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Takers:
    """Who takes in a block, in time order: second of the block, ns into it, sign, and worth in quote units."""

    seconds: NDArray[np.int64]
    into_second: Floats              # fraction of the second gone by
    times: NDArray[np.int64]         # ns since the block's start
    sides: NDArray[np.int64]
    notionals: Floats

    def only(self, kept: NDArray[np.bool_]) -> Takers:
        """Return those that are ``kept``."""
        return Takers(
            self.seconds[kept], self.into_second[kept], self.times[kept], self.sides[kept], self.notionals[kept]
        )


def draw_prints(
    instrument: Instrument, character: Character, block: FactorBlock, log_prices: Floats, *,
    trades_per_second: float, pressure: float, random: np.random.Generator,
) -> tuple[Prints, float]:
    """Return the trades of a block, and the pressure at its end, which goes into the next one.

    ``log_prices`` is the path at the block's start and at the end of each second; ``trades_per_second`` the rate
    at usual volatility. Prices are rounded to the nearest tick and quantities to the nearest lot, at least one.
    """
    takers, pressure = draw_takers(
        character, block, log_prices, trades_per_second=trades_per_second, pressure=pressure, random=random
    )
    quotes = np.exp(middles_met(takers, log_prices) + takers.sides * half_spreads(block.sigma_minutes)[takers.seconds])
    return Prints(
        times=takers.times + block.begins * NS_PER_SECOND,
        prices=to_step(quotes, instrument.price_digits, instrument.filters.tick),
        quantities=to_step(
            amounts(instrument, quotes, takers.notionals), instrument.quantity_digits, instrument.filters.lot
        ),
        sides=takers.sides,
    ), pressure


def draw_takers(
    character: Character, block: FactorBlock, log_prices: Floats, *,
    trades_per_second: float, pressure: float, random: np.random.Generator,
) -> tuple[Takers, float]:
    """Return who takes, when and for how much, and the pressure at the block's end."""
    activity = np.clip(block.sigma_minutes / SIGMA_USUAL, ACTIVITY_MIN, ACTIVITY_MAX)**VOLUME_POWER
    activity *= _rushes(len(activity), random)
    rates = trades_per_second * np.sqrt(activity)
    seconds = np.repeat(np.arange(len(rates)), random.poisson(rates))
    count = len(seconds)
    times = np.sort(seconds * NS_PER_SECOND + random.integers(0, NS_PER_SECOND, count))

    pressures = decayed(np.diff(log_prices), PRESSURE_KEEP, pressure)
    usual = block.sigma_minutes * sqrt(PRESSURE_SECONDS / SECONDS_PER_MINUTE)
    buyers = 0.5 + PRESSURE_SHARE * np.tanh(pressures / usual)
    sides = np.where(random.random(count) < buyers[seconds], 1, -1)

    notional_means = character.hourly_notional / SECONDS_PER_HOUR * activity / rates
    spread = SIZE_LOG_SIGMA * random.standard_normal(count) - SIZE_LOG_SIGMA**2 / 2
    return Takers(
        seconds=seconds,
        into_second=(times - seconds * NS_PER_SECOND) / NS_PER_SECOND,
        times=times,
        sides=sides,
        notionals=notional_means[seconds] * np.exp(spread),
    ), float(pressures[-1])


def middles_met(takers: Takers, log_prices: Floats) -> Floats:
    """Return the log of the path's price at the moment of each taker."""
    middles: Floats = log_prices[takers.seconds] + takers.into_second * np.diff(log_prices)[takers.seconds]
    return middles


def half_spreads(sigma_minutes: Floats) -> Floats:
    """Return half of the spread between bid and ask, a fraction."""
    spreads: Floats = np.maximum(HALF_SPREAD_MIN, HALF_SPREAD_OF_SIGMA * sigma_minutes)
    return spreads


def _rushes(count: int, random: np.random.Generator) -> Floats:
    """Return a factor of mean 1 for each second that changes by the minute."""
    minutes = random.standard_normal(-(-count // SECONDS_PER_MINUTE))
    rushes: Floats = np.repeat(np.exp(RUSH_LOG_SIGMA * minutes - RUSH_LOG_SIGMA**2 / 2), SECONDS_PER_MINUTE)[:count]
    return rushes


def amounts(instrument: Instrument, quotes: Floats, notionals: Floats) -> Floats:
    """Return how much of the instrument a notional is: base units, or contracts of an inverse one."""
    size = float(instrument.contract_size)
    found: Floats = notionals / size if instrument.kind is InstrumentKind.INVERSE else notionals / (quotes * size)
    return found


def to_step(values: Floats, digits: int, step: int) -> NDArray[np.int64]:
    """Return values at a scale, rounded to the nearest multiple of ``step``, at least one step."""
    steps = np.rint(values * (units_per_one(digits) / step)).astype(np.int64)
    return np.maximum(steps, 1) * step
