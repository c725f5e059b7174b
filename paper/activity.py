"""Volatility and volume as the venue sees them on its own tape: what the fill model is fed with.

Once a minute the squared log return and the volume of that minute enter two exponentially weighted means
(half-life 60 minutes). A prior worth ten minutes of data stands in before there is any. Minutes without a
print count as calm and empty, but never more than an hour of them: a day without data is no evidence of calm.
"""

from __future__ import annotations

from math import ceil, log, sqrt

from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.scale import CASH_UNIT, NS_PER_MINUTE, units_per_one
from paper.spec import ImpactSpec
from paper.state import Market

MINUTES_PER_DAY = 1_440
MINUTES_PER_YEAR = 365 * MINUTES_PER_DAY
KEEP = 0.5 ** (1 / 60)               # half-life 60 minutes: one regime of a crash, not the week before it
PRIOR_MINUTES = 10.0                 # what the prior is worth: gone within the first half hour of data
IDLE_MINUTES_MAX = 60
BARS_KEPT = 60
BARS_NEEDED = 5                      # a median of fewer bars says nothing


def begin(market: Market, instrument: Instrument, spec: ImpactSpec, *, now: int, price: int) -> None:
    """Set the priors and the first minute when the first price comes."""
    market.minute_ends = (now // NS_PER_MINUTE + 1) * NS_PER_MINUTE
    market.close = price
    market.variance_weight = market.volume_weight = PRIOR_MINUTES
    market.variance_sum = PRIOR_MINUTES * spec.sigma_year_prior**2 / MINUTES_PER_YEAR
    market.volume_sum = PRIOR_MINUTES * quantity_of(spec.volume_day_prior, instrument, price) / MINUTES_PER_DAY


def close_minutes(market: Market, now: int) -> None:
    """Take the minutes that ended by ``now`` into the estimates; ``last`` is still the last print of the first."""
    assert market.last is not None, "a minute ends only after a price"
    change = log(market.last / market.close)
    market.close = market.last
    _add(market, change * change, market.volume)
    market.volume = 0
    idle = (now - market.minute_ends) // NS_PER_MINUTE
    for _ in range(min(idle, IDLE_MINUTES_MAX)):
        _add(market, 0.0, 0)
    market.minute_ends += (idle + 1) * NS_PER_MINUTE


def open_bar(market: Market, spec: ImpactSpec, *, width: int, ends: int) -> None:
    """Begin a candle bar of which only the venue knows the range; a wide one makes every fill in it dear."""
    ranges = market.bar_ranges
    market.bar_floor = 0
    market.bar_ends = ends
    if len(ranges) >= BARS_NEEDED:
        ordered = sorted(ranges)
        middle = len(ordered) // 2
        twice_median = ordered[middle] + ordered[-1 - middle]
        if 2 * width > spec.wide_bar_factor * twice_median:
            market.bar_floor = ceil(width * spec.wide_bar_share)
    ranges.append(width)
    del ranges[:-BARS_KEPT]


def sigma_minute(market: Market, spec: ImpactSpec) -> float:
    """Return the estimated volatility of one minute, a fraction."""
    estimate = sqrt(market.variance_sum / market.variance_weight)
    return max(estimate, spec.sigma_year_min / sqrt(MINUTES_PER_YEAR))


def volume_day(market: Market, instrument: Instrument, spec: ImpactSpec) -> float:
    """Return the estimated volume of a day in quantity units."""
    assert market.last is not None, "volume is estimated only after a price"
    estimate = market.volume_sum / market.volume_weight * MINUTES_PER_DAY
    return max(estimate, quantity_of(spec.volume_day_min, instrument, market.last))


def quantity_of(quote: float, instrument: Instrument, price: int) -> float:
    """Return how many quantity units an amount of quote currency buys; of inverse contracts the same at any price."""
    if instrument.kind is InstrumentKind.INVERSE:
        return quote * units_per_one(instrument.quantity_digits) / float(instrument.contract_size)
    return quote * CASH_UNIT / (price * instrument.value_multiplier)


def _add(market: Market, squared_change: float, volume: int) -> None:
    market.variance_sum = market.variance_sum * KEEP + squared_change
    market.variance_weight = market.variance_weight * KEEP + 1.0
    market.has_volume = market.has_volume or volume > 0
    if market.has_volume:            # a tape without volumes keeps the prior: it does not say that nobody traded
        market.volume_sum = market.volume_sum * KEEP + volume
        market.volume_weight = market.volume_weight * KEEP + 1.0
