"""What the venue counts at: index, mark, and the funding rate that follows the premium.

    perpetual   the path of ``paper.generate.path``, with its leaps
    index       what lies behind it: path / (1 + premium), less what of a leap it does not share
    premium     the regime's, eased; a wander; and a share of the last minute's move, in which futures lead
    mark        median of (index (1 + rate x time left / interval), index + mean basis of 30 s, last price)
    rate        P + clamp(interest - P, -0.05 %, 0.05 %), P the mean of premiums since the last funding, later ones
                weighted more (1, 2, 3, ...); a premium is how far the bid is above or the ask below the index

Sources: Binance, "What Are Mark Price and Price Index in USD-M Futures", with the change of 18 September 2025 to one
basis a second over 30 seconds; "Introduction to Binance Futures Funding Rates". In outline: our premiums are of
the best prices and not of an impact notional, and one a quote instead of one in five seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

import numpy as np

from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.market import FundingRate, IndexPrice, MarkPrice
from bot.domain.scale import CASH_UNIT, NS_PER_HOUR, NS_PER_MINUTE
from paper.generate.decay import Floats, decayed, keep_of_half_life, keep_of_mean_life

WANDER_KEEP = keep_of_half_life(120)
WANDER_SIGMA = 0.00015               # one and a half basis points around the index on quiet days
LEAD = 0.15                          # futures run ahead of spot by this share of what moved in about a minute
LEAD_KEEP = keep_of_mean_life(60)
BASIS_SECONDS = 30
FUNDING_INTERVAL = 8 * NS_PER_HOUR
INTEREST = 0.0001                    # 0.01 % an interval
DAMPER = 0.0005
RATE_MAX = 0.02                      # ours: venues cap between 0.3 % and 3 % by symbol


@dataclass(slots=True)
class Premium:
    """What one underlying's premium carries from hour to hour."""

    wander: float = 0.0
    lead: float = 0.0


def index_path(
    log_mids: Floats, unshared: Floats, premium: Floats, carry: Premium, noise: np.random.Generator
) -> Floats:
    """Return the log index at the block's start and at the end of every second; moves ``carry`` on."""
    count = len(log_mids) - 1
    draws = noise.standard_normal(count) * (WANDER_SIGMA * sqrt(1.0 - WANDER_KEEP**2))
    wanders = np.concatenate(([carry.wander], decayed(draws, WANDER_KEEP, carry.wander)))
    moves = np.diff(log_mids - unshared)
    leads = np.concatenate(([carry.lead], decayed(LEAD * moves, LEAD_KEEP, carry.lead)))
    carry.wander, carry.lead = float(wanders[-1]), float(leads[-1])
    index: Floats = log_mids - unshared - np.log1p(premium + wanders + leads)
    return index


@dataclass(slots=True)
class Valuation:
    """What mark and funding of one contract remember."""

    instrument: Instrument
    basis: Floats = field(default_factory=lambda: np.zeros(0))       # of the last seconds, price units
    rate: float = INTEREST
    weight: int = 0
    weights: int = 0
    weighted: float = 0.0
    interval: int = -1

    def mean_basis(self, mids: Floats, index: Floats) -> Floats:
        """Return the mean of the last 30 seconds' mid less index at each second, of fewer in the beginning."""
        known = np.concatenate((self.basis, mids - index))
        sums = np.concatenate(([0.0], np.cumsum(known)))
        ends = np.arange(len(self.basis), len(known)) + 1
        begins = np.maximum(ends - BASIS_SECONDS, 0)
        self.basis = known[-(BASIS_SECONDS - 1):]
        means: Floats = (sums[ends] - sums[begins]) / (ends - begins)
        return means

    def tell(
        self, now: int, *, bid: int, ask: int, last: float, index: float, mean_basis: float
    ) -> list[IndexPrice | MarkPrice | FundingRate]:
        """Return what is told at ``now``; prices are in price units, rounded to whole ones, at least one."""
        at = self.instrument.index
        shown = max(1, round(index))
        told: list[IndexPrice | MarkPrice | FundingRate] = [IndexPrice(now, now, at, shown)]
        if self.instrument.expiry is not None:       # a dated future pays no funding
            told.append(MarkPrice(now, now, at, max(1, round(index + mean_basis))))
            return told
        next_at = now - now % FUNDING_INTERVAL + FUNDING_INTERVAL
        # of the index as it is shown, so that whoever reads the stream comes to the same rate
        self._count(next_at, (max(0, bid - shown) - max(0, shown - ask)) / shown)
        by_rate = index * (1.0 + self.rate * (next_at - now) / FUNDING_INTERVAL)
        told.append(MarkPrice(now, now, at, max(1, round(sorted((by_rate, index + mean_basis, last))[1]))))
        if now % NS_PER_MINUTE == 0:
            told.append(FundingRate(now, now, at, round(self.rate * CASH_UNIT), next_at))
        return told

    def _count(self, interval: int, premium: float) -> None:
        """Take one more premium into the rate that is due when ``interval`` ends."""
        if interval != self.interval:
            self.interval, self.weight, self.weights, self.weighted = interval, 0, 0, 0.0
        self.weight += 1
        self.weights += self.weight
        self.weighted += self.weight * premium
        mean = self.weighted / self.weights
        rate = mean + min(DAMPER, max(-DAMPER, INTEREST - mean))
        self.rate = min(RATE_MAX, max(-RATE_MAX, rate))


def is_valued(instrument: Instrument) -> bool:
    """True for what has an index and a mark: contracts, not spot."""
    return instrument.kind is not InstrumentKind.SPOT
