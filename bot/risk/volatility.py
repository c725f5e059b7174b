"""Volatility per instrument: the larger of two EWMAs of one-minute log returns, never zero.

    variance <- decay * variance + (1 - decay) * r^2,    decay = 0.5 ** (1 / half_life_minutes)

Half-lives 60 minutes and one day; scaled by the square root of time. While less than 6 hours of minutes
were seen, the larger of that and a stated prior (60 % a year for BTC, 120 % for others): a bot that was
just started must not think that the market is calm because it has not looked yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

from bot.domain.scale import NS_PER_MINUTE

MINUTES_PER_YEAR = 365 * 24 * 60
HISTORY_MINUTES = 6 * 60
FAST_DECAY = 0.5 ** (1 / 60)
SLOW_DECAY = 0.5 ** (1 / (24 * 60))
PRIOR_PER_YEAR = {"BTC": 0.60}
PRIOR_PER_YEAR_OTHERS = 1.20


def prior_variance(underlying: str) -> float:
    """Return the prior variance of a one-minute return."""
    yearly = PRIOR_PER_YEAR.get(underlying, PRIOR_PER_YEAR_OTHERS)
    return yearly * yearly / MINUTES_PER_YEAR


@dataclass(slots=True)
class Volatility:
    """Running estimate for one instrument; ``close`` is the last price of the minute being watched."""

    prior: float
    fast: float
    slow: float
    minute: int = -1                 # the epoch minute of ``close``
    close: int = 0
    previous_close: int = 0
    minutes_seen: int = 0

    @classmethod
    def starting(cls, underlying: str) -> Volatility:
        """Return an estimate that knows only the prior."""
        prior = prior_variance(underlying)
        return cls(prior=prior, fast=prior, slow=prior)

    def roll(self, minute: int) -> None:
        """Close the watched minute because ``minute`` has begun; empty minutes in between return zero."""
        if self.minute >= 0 and self.previous_close > 0:
            change = log(self.close / self.previous_close)
            square = change * change
            self.fast = FAST_DECAY * self.fast + (1 - FAST_DECAY) * square
            self.slow = SLOW_DECAY * self.slow + (1 - SLOW_DECAY) * square
            empty = minute - self.minute - 1
            if empty > 0:
                self.fast *= FAST_DECAY**empty
                self.slow *= SLOW_DECAY**empty
            self.minutes_seen += 1 + max(empty, 0)
        if self.minute >= 0:
            self.previous_close = self.close
        self.minute = minute

    def per_minute(self) -> float:
        """Return the variance of a one-minute return, never below the prior while history is short."""
        seen = max(self.fast, self.slow)
        return max(seen, self.prior) if self.minutes_seen < HISTORY_MINUTES else seen

    def sigma(self, window: int) -> float:
        """Return the standard deviation of the return over ``window`` ns, a fraction."""
        return sqrt(self.per_minute() * (window / NS_PER_MINUTE))
