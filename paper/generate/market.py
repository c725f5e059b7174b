"""The door to generated markets: ``generate(scenario, seed, instruments, start=...)``, every kind of fact, streamed.

    scenario -> hours (what all share) -> listings (one instrument each) -> facts in time order

One hour of seconds is in memory at a time. The path of a crash is that of ``paper.generate.crash`` of the same seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.market import MarketEvent
from bot.domain.scale import NS_PER_SECOND
from paper.generate.character import CHARACTERS, STABLECOINS, Character
from paper.generate.crash import TRADES_PER_SECOND, check_rate, find_character
from paper.generate.hours import market_hours
from paper.generate.listing import Listing, Terms
from paper.generate.scenario import Scenario

ALL_CHARACTERS: Final[Mapping[str, Character]] = {**CHARACTERS, **STABLECOINS}


def generate(
    scenario: Scenario, seed: int, instruments: Sequence[Instrument], *, start: int,
    trades_per_second: float = TRADES_PER_SECOND, characters: Mapping[str, Character] = ALL_CHARACTERS,
) -> Iterator[MarketEvent]:
    """Return the facts of all ``instruments`` in time order, from ``start`` on (ns UTC, a whole second).

    Trades, quotes, books (a snapshot, then changes numbered without a gap) for all; index, mark, open interest and
    forced closings for contracts, funding for those without expiry. ``now`` and ``stamp`` are equal. Equal arguments
    give equal facts in any process; an instrument's facts depend on no other instrument asked for, except that a
    stablecoin traded as a base is the one to lose its peg.

    Raises InputError at once for a negative seed, a rate out of range, a start between seconds, an underlying without
    character, or a de-peg without a stablecoin; Unsupported for an option.
    """
    check_rate(trades_per_second)
    if start % NS_PER_SECOND:
        raise InputError(f"generator: a market starts at a whole second, was {start} ns; round it")
    terms = Terms(start, scenario.quote_seconds, trades_per_second)
    coin = coin_without_peg(instruments) if scenario.loses_peg and instruments else None
    listings = [
        Listing(
            instrument, find_character(instrument, characters), seed=seed, terms=terms,
            peg_exposure=(instrument.base == coin) - (instrument.quote == coin),
        )
        for instrument in instruments
    ]
    return _merged(scenario, seed, listings)


def coin_without_peg(instruments: Sequence[Instrument]) -> str:
    """Return the coin that a de-peg is about: the first stablecoin that is traded as a base, else as a quote."""
    for coin in (*(each.base for each in instruments), *(each.quote for each in instruments)):
        if coin in STABLECOINS:
            return coin
    raise InputError(
        f"generator: no stablecoin among {', '.join(each.symbol for each in instruments)}, so none can lose its peg; "
        f"trade one of {', '.join(STABLECOINS)}, or choose another kind of market"
    )


def _merged(scenario: Scenario, seed: int, listings: Sequence[Listing]) -> Iterator[MarketEvent]:
    if not listings:
        return
    for hour in market_hours(scenario, seed):
        facts = [fact for listing in listings for fact in listing.hour(hour)]
        facts.sort(key=_when)            # stable: at one instant in the order of the instruments
        yield from facts


def _when(fact: MarketEvent) -> int:
    return fact.now
