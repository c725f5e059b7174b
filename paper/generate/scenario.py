"""The kinds of market that can be generated: one table, each kind a few numbers of the same machine.

What makes a kind is the course of its regimes (volatility, drift, jumps, makers' depth, premium of the perpetual,
worth of a stablecoin) and its leaps. The crash is that of March 2020, fitted to published facts (see
``paper.generate.crash``); calm has the minute deviation of recorded quiet days (tests/paper/test_generate_kinds.py).
The others are shapes, not days: their sizes are of events as they happened, rounded, and stated beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bot.domain.errors import InputError
from paper.generate.crash import REGIMES, SPAN_SECONDS
from paper.generate.leaps import Leap
from paper.generate.regimes import SECONDS_PER_HOUR, Regime
from paper.generate.streams import stream


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of market.

    ``quote_seconds`` is how often book, mark and index are told; it divides an hour. ``sigma_spread`` is the deviation
    of the log of volatility between seeds; of ``mirrored_share`` of the seeds up is down. ``loses_peg`` says that the
    regimes' ``peg`` is that of a stablecoin among the instruments' currencies.
    """

    name: str
    summary: str
    hours: int
    regimes: tuple[Regime, ...]
    leaps: tuple[Leap, ...] = ()
    quote_seconds: int = 2
    sigma_spread: float = 0.0
    mirrored_share: float = 0.0

    @property
    def span_seconds(self) -> int:
        return self.hours * SECONDS_PER_HOUR

    @property
    def loses_peg(self) -> bool:
        """True when a stablecoin is worth less than one at some time."""
        return any(regime.peg for regime in self.regimes)

    def regimes_of(self, seed: int) -> tuple[Regime, ...]:
        """Return the regimes with the volatility of one seed."""
        draw = float(stream(seed, "scale").standard_normal())
        scale = float(np.exp(self.sigma_spread * draw))
        return tuple(
            replace(regime, sigma_minute=regime.sigma_minute * scale, jump_mean=regime.jump_mean * scale)
            for regime in self.regimes
        )

    def direction_of(self, seed: int) -> float:
        """Return -1.0 where a seed turns the market upside down, else 1.0."""
        return -1.0 if float(stream(seed, "direction").random()) < self.mirrored_share else 1.0


# Minutes of quiet days deviate by 1 to 6 bps, 3 in the middle (BTC, September 2023 and August 2025).
_CALM = Regime("calm", hours=12.0, hours_spread=0.0,
               move=0.0, sigma_minute=0.00030, jumps_per_hour=0.7, jump_mean=0.0005, sell_share=0.5)
_USUAL = replace(_CALM, name="usual", sigma_minute=0.0005, jumps_per_hour=2, jump_mean=0.0008)

SCENARIOS: Final[Mapping[str, Scenario]] = {scenario.name: scenario for scenario in (
    Scenario(
        "calm", "a quiet half day: minutes of 3 bps, no direction, no forced closings to speak of",
        hours=12, regimes=(_CALM,), sigma_spread=0.4,
    ),
    Scenario(
        "trend", "a day that goes one way by about 8 %, up or down by seed, premium with it",
        hours=24, mirrored_share=0.5, sigma_spread=0.3,
        regimes=(
            replace(_USUAL, name="start", hours=2.0, hours_spread=0.3),
            replace(_USUAL, name="run", hours=16.0, hours_spread=0.2, move=0.08, sigma_minute=0.0008,
                    jumps_per_hour=3, sell_share=0.35, premium=0.0008),
            replace(_USUAL, name="rest", hours=6.0, premium=0.0003),
        ),
    ),
    Scenario(
        "gap", "about 8 % from one second to the next on all venues, up or down by seed, without a trade on the way",
        hours=6, mirrored_share=0.3,
        regimes=(replace(_USUAL, hours=6.0),),
        leaps=(Leap(0.3, 0.7, move=-0.08, spread=0.3, seconds=1, back=0.2, back_seconds=1_800, shared=1.0,
                    halt_seconds=20),),
    ),
    Scenario(
        "wick", "about 12 % within 8 seconds on this venue alone, and back within a minute; the index hardly moves",
        hours=6, mirrored_share=0.3, quote_seconds=1,
        regimes=(replace(_USUAL, hours=6.0),),
        leaps=(Leap(0.3, 0.7, move=-0.12, spread=0.3, seconds=8, back=1.0, back_seconds=20, shared=0.15),),
    ),
    Scenario(
        "crash", "12 and 13 March 2020, 36 hours: half of the price and most of the depth go, and come back in part",
        hours=SPAN_SECONDS // SECONDS_PER_HOUR, regimes=REGIMES,
    ),
    Scenario(                        # USDC from 10 to 12 March 2023: 0.87 at worst, 0.96 half a day later, then 1
        "depeg", "a stablecoin falls to about 0.88 and comes back in a day: the base of a pair, else its quote",
        hours=24,
        regimes=(
            replace(_USUAL, name="before", hours=4.0, hours_spread=0.2),
            replace(_USUAL, name="doubt", hours=4.0, hours_spread=0.2, move=-0.02, sigma_minute=0.0010, depth=0.7,
                    peg=-0.03),
            replace(_USUAL, name="run", hours=3.0, hours_spread=0.3, move=-0.02, sigma_minute=0.0018, depth=0.3,
                    jumps_per_hour=6, peg=-0.105),
            replace(_USUAL, name="relief", hours=5.0, hours_spread=0.2, move=0.03, sigma_minute=0.0012, depth=0.5,
                    peg=-0.04),
            replace(_USUAL, name="after", hours=8.0, sigma_minute=0.0007, depth=0.8, peg=-0.008),
        ),
    ),
    Scenario(
        "funding_spike", "longs crowd in until funding is ten times the usual or more, then unwind below the index",
        hours=24,
        regimes=(
            replace(_USUAL, name="before", hours=3.0, hours_spread=0.2),
            replace(_USUAL, name="crowding", hours=9.0, hours_spread=0.1, move=0.05, sigma_minute=0.0009,
                    sell_share=0.35, premium=0.0040),
            replace(_USUAL, name="unwinding", hours=5.0, hours_spread=0.2, move=-0.06, sigma_minute=0.0016, depth=0.5,
                    jumps_per_hour=8, jump_mean=0.0015, sell_share=0.8, premium=-0.0025),
            replace(_USUAL, name="after", hours=7.0),
        ),
    ),
)}


def scenario_of(name: str) -> Scenario:
    """Return the kind of market called ``name``; raises InputError with the names that there are."""
    found = SCENARIOS.get(name)
    if found is None:
        raise InputError(f"generator: no such kind of market, was {name!r}; choose one of {', '.join(SCENARIOS)}")
    return found
