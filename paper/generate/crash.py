"""The crash of 12 and 13 March 2020 as a model: seeded trades for BTC, ETH and whatever is described beside them.

What was published of those days (Binance spot minute candles; the figures are in ``facts``): BTC fell from 7,900
to 3,782, low at 02:16 UTC on the 13th; its worst hour, minus 25 %, ended at 10:48 on the 12th. ETH fell from 195
to 86; its worst hour, minus 27 %, ended at 11:01. By noon on the 13th BTC was back in the 5,000s.

``REGIMES`` turns these into a course of events: the medians of the lengths, moves and volatilities are theirs.
Everything else is the seed's: how long each stretch lasts, when and how cascades break out, how far they go, what
they drag along. No seed repeats the day; it lies near the middle of what they make (tests/paper/test_generate.py).
The numbers were fitted to the day and to nothing else, no account or rule among them.

The factor's path depends on the seed alone; trades along it, on the seed and the instrument. All is numpy on one
thread, in blocks of an hour; there is no library underneath whose result could depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from bot.domain.errors import InputError, Unsupported
from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.market import Trade
from bot.domain.scale import NS_PER_SECOND
from paper.generate.cascade import draw_jumps
from paper.generate.character import CHARACTERS, Character
from paper.generate.path import FactorBlock, OwnPart, follow, walk_factor
from paper.generate.prints import Prints, draw_prints
from paper.generate.regimes import SECONDS_PER_HOUR, Regime, place_spells
from paper.generate.streams import stream

SPAN_SECONDS = 36 * SECONDS_PER_HOUR     # 12 March 00:00 to 13 March 12:00
GENERATED_SPAN = SPAN_SECONDS * NS_PER_SECOND
TRADES_PER_SECOND = 0.75             # per instrument at usual volatility: 100,000 each over the span
TRADES_PER_SECOND_MAX = 100.0        # a million trades an hour in a crash: what one block may hold in memory

# Lengths are by the clock of the day, moves the log of BTC's prices at their ends: 7,935 at 00:00, 7,355 at 10:00,
# 5,550 at 10:48, 6,037 at 20:00, 5,800 at 23:00, 4,131 at 02:00, 3,782 at 02:16, 5,277 before 03:00, 5,404 at 12:00;
# 0.01 less where it fell and rose most, since the extremes of a random path lie beyond its ends. Volatilities are
# those of the minutes less what the jumps add; rates and sizes of jumps give the minutes their kurtosis of 20-25.
REGIMES: Final[tuple[Regime, ...]] = (
    Regime("calm", hours=1.0, hours_spread=0.3,
           move=0.0, sigma_minute=0.0010, jumps_per_hour=1, jump_mean=0.0010, sell_share=0.5),
    Regime("slide", hours=9.3, hours_spread=0.12,
           move=-0.075, sigma_minute=0.0014, jumps_per_hour=3, jump_mean=0.0012, sell_share=0.8),
    Regime("crash", hours=0.75, hours_spread=0.2,
           move=-0.27, sigma_minute=0.0095, jumps_per_hour=45, jump_mean=0.0040, sell_share=0.9,
           depth=0.4, premium=-0.0010),
    Regime("aftershocks", hours=2.0, hours_spread=0.2,
           move=0.08, sigma_minute=0.0065, jumps_per_hour=10, jump_mean=0.0030, sell_share=0.45,
           depth=0.5),
    Regime("lull", hours=7.0, hours_spread=0.12,
           move=0.0, sigma_minute=0.0028, jumps_per_hour=2, jump_mean=0.0018, sell_share=0.5,
           depth=0.7),
    Regime("unrest", hours=3.0, hours_spread=0.2,
           move=-0.04, sigma_minute=0.0038, jumps_per_hour=3, jump_mean=0.0025, sell_share=0.6,
           depth=0.6),
    Regime("second leg", hours=3.0, hours_spread=0.15,
           move=-0.33, sigma_minute=0.0085, jumps_per_hour=16, jump_mean=0.0040, sell_share=0.85,
           depth=0.4, premium=-0.0015),
    Regime("capitulation", hours=0.25, hours_spread=0.3,
           move=-0.09, sigma_minute=0.0120, jumps_per_hour=50, jump_mean=0.0050, sell_share=0.85,
           depth=0.25, premium=-0.0030),
    Regime("rebound", hours=0.7, hours_spread=0.15,
           move=0.32, sigma_minute=0.0140, jumps_per_hour=25, jump_mean=0.0040, sell_share=0.25,
           depth=0.3, premium=-0.0010),
    Regime("recovery", hours=9.0, hours_spread=0.1,
           move=0.03, sigma_minute=0.0055, jumps_per_hour=2.5, jump_mean=0.0025, sell_share=0.45,
           depth=0.6),
)


def black_thursday(
    seed: int, instruments: Sequence[Instrument], *, start: int,
    trades_per_second: float = TRADES_PER_SECOND, characters: Mapping[str, Character] = CHARACTERS,
) -> Iterator[Trade]:
    """Return the generated trades of all ``instruments`` in time order, 36 hours from ``start`` (ns UTC).

    Equal arguments give equal trades in any process. ``trades_per_second`` is per instrument at a minute
    volatility of 30 bps; fewer trades are drawn along the same path and are larger, so volume stays. An
    instrument moves as the character of its underlying says; give ``characters`` to describe others than BTC
    and ETH: ``{**CHARACTERS, "SOL": Character(open_price=20.0, beta=1.2, own=0.7, hourly_notional=5e6)}``.
    ``now`` and ``stamp`` of a trade are equal.

    Raises InputError at once for a negative seed, a rate out of range, or an underlying without
    character; Unsupported for an option.
    """
    blocks = black_thursday_prints(
        seed, instruments, trades_per_second=trades_per_second, characters=characters
    )
    return _merged(blocks, instruments, start)


def black_thursday_prints(
    seed: int, instruments: Sequence[Instrument], *,
    trades_per_second: float = TRADES_PER_SECOND, characters: Mapping[str, Character] = CHARACTERS,
) -> Iterator[tuple[Prints, ...]]:
    """Return the same trades as columns, an hour at a time: one ``Prints`` per instrument, times from 0."""
    check_rate(trades_per_second)
    cast = [find_character(instrument, characters) for instrument in instruments]
    spells = place_spells(REGIMES, SPAN_SECONDS, stream(seed, "spells"))
    jumps = draw_jumps(spells, SPAN_SECONDS, stream(seed, "jumps"))
    factor = walk_factor(
        spells, jumps, SPAN_SECONDS, noise=stream(seed, "factor"), mood=stream(seed, "mood"),
        tide=stream(seed, "tide"),
    )
    return _prints(seed, instruments, cast, factor, trades_per_second)


def check_rate(trades_per_second: float) -> None:
    """Raise InputError for a rate at which no market can be made."""
    if not 0 < trades_per_second <= TRADES_PER_SECOND_MAX:
        raise InputError(
            f"generator: trades_per_second must be positive and at most {TRADES_PER_SECOND_MAX:g}, "
            f"was {trades_per_second}; {TRADES_PER_SECOND:g} is usual"
        )


def find_character(instrument: Instrument, characters: Mapping[str, Character]) -> Character:
    """Return how an instrument's underlying moves; raises InputError, or Unsupported for an option."""
    found = characters.get(instrument.underlying)
    if found is None:
        raise InputError(
            f"generator: no character for {instrument.underlying} of {instrument.symbol}, known are "
            f"{', '.join(sorted(characters))}; leave it out, or describe it in `characters`"
        )
    if instrument.kind is InstrumentKind.OPTION:
        raise Unsupported(
            f"generator: {instrument.symbol} is an option; only spot, futures and "
            "perpetuals are generated"
        )
    return found


def _prints(
    seed: int, instruments: Sequence[Instrument], cast: Sequence[Character], factor: Iterator[FactorBlock],
    trades_per_second: float,
) -> Iterator[tuple[Prints, ...]]:
    # by underlying: BTC's spot and perpetual move as one; by symbol: they do not print the same trades
    own_noises = [stream(seed, f"own {instrument.underlying}") for instrument in instruments]
    tapes = [stream(seed, f"prints {instrument.symbol}") for instrument in instruments]
    own_parts = [OwnPart() for _ in instruments]
    pressures = [0.0 for _ in instruments]
    for block in factor:
        columns = []
        for at, instrument in enumerate(instruments):
            log_prices = follow(block, cast[at], own_parts[at], own_noises[at])
            prints, pressures[at] = draw_prints(
                instrument, cast[at], block, log_prices,
                trades_per_second=trades_per_second, pressure=pressures[at], random=tapes[at],
            )
            columns.append(prints)
        yield tuple(columns)


def _merged(
    blocks: Iterator[tuple[Prints, ...]], instruments: Sequence[Instrument], start: int
) -> Iterator[Trade]:
    if not instruments:
        return
    indexes = [instrument.index for instrument in instruments]
    for columns in blocks:
        times = np.concatenate([prints.times for prints in columns])
        order = np.argsort(times, kind="stable")     # stable: two trades of one instant keep the order given
        owners = np.repeat(indexes, [len(prints.times) for prints in columns])
        prices = np.concatenate([prints.prices for prints in columns])
        quantities = np.concatenate([prints.quantities for prints in columns])
        sides = np.concatenate([prints.sides for prints in columns])
        for now, owner, price, quantity, side in zip(
            (times[order] + start).tolist(), owners[order].tolist(), prices[order].tolist(),
            quantities[order].tolist(), sides[order].tolist(), strict=True,
        ):
            yield Trade(now, now, owner, price, quantity, side)
