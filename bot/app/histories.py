"""What a day usually brings, read from the recordings that rules name under ``history:``.

Only what had ended by the start of the run is read; a bar that ends later is from the future. Whole days count, the
newest ones, so that each minute of the day was seen equally often.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.adapters.tapes.formats import read_tape
from bot.adapters.tapes.kinds import TapeFact
from bot.app.bound_tapes import BoundTape, bind_tapes, digits_of
from bot.app.loading import Loaded
from bot.app.markets import MarketSource
from bot.domain.errors import InputError
from bot.domain.events import VolumeHistory
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, Trade
from bot.domain.scale import NS_PER_MINUTE
from bot.execution.profile import MINUTES_PER_DAY

DAYS_MAX = 28                        # four of each weekday; older days are of another market


def load_histories(loaded: Loaded, market: MarketSource, *, now: int) -> tuple[VolumeHistory, ...]:
    """Return the volume histories of all rules, as known at ``now``, in the order of the instruments.

    Raises InputError for a file that cannot be read, fits no market or says the same of one as another file.
    """
    symbols = [instrument.symbol for instrument in market.instruments]
    by_symbol: dict[str, tuple[str, BoundTape]] = {}
    for path in dict.fromkeys(rule.execute.history for rule in loaded.rules.rules):
        if path is None:
            continue
        text = f"{symbols[0]}={path}" if len(symbols) == 1 else path
        for tape in bind_tapes([text], symbols):
            known = by_symbol.setdefault(tape.symbol, (path, tape))
            if known[0] != path:
                raise InputError(
                    f"execute.history: {known[0]} and {path} are both of {tape.symbol}; name one of them in all rules"
                )
    found = [
        _history(by_symbol[instrument.symbol][1], instrument, now)
        for instrument in market.instruments if instrument.symbol in by_symbol
    ]
    return tuple(history for history in found if history is not None)


def _history(tape: BoundTape, instrument: Instrument, now: int) -> VolumeHistory | None:
    """Add up the newest whole days before ``now``; None where there is not one."""
    price_digits, recorded_digits = digits_of([tape])
    quantity_digits = max(recorded_digits, instrument.quantity_digits)   # a share of a bar is finer than the bar
    as_recorded = replace(instrument, price_digits=price_digits, quantity_digits=quantity_digits)
    by_minute: dict[int, int] = {}
    for stream in read_tape(tape.argument, tape.survey.market, as_recorded):
        _count(stream, by_minute, now)
    if not by_minute:
        return None
    end = max(by_minute) + 1
    days = min(DAYS_MAX, (end - min(by_minute)) // MINUTES_PER_DAY)
    if days == 0:
        return None
    minutes = [0] * MINUTES_PER_DAY
    for minute, quantity in by_minute.items():
        if minute >= end - days * MINUTES_PER_DAY:
            minutes[minute % MINUTES_PER_DAY] += quantity
    finer = 10 ** (quantity_digits - instrument.quantity_digits)
    scaled = tuple(quantity // finer for quantity in minutes)
    return VolumeHistory(now, min(now, end * NS_PER_MINUTE), instrument.index, days, scaled)


def _count(facts: Iterable[TapeFact], by_minute: dict[int, int], now: int) -> None:
    """Add what was traded before ``now`` to its minutes; a longer bar is spread evenly over its own."""
    for fact in facts:
        if type(fact) is Candle and fact.opened + fact.span <= now:
            first, parts = fact.opened // NS_PER_MINUTE, max(1, fact.span // NS_PER_MINUTE)
            for part in range(parts):
                share = fact.volume * (part + 1) // parts - fact.volume * part // parts
                by_minute[first + part] = by_minute.get(first + part, 0) + share
        elif type(fact) is Trade and fact.now < now:
            minute = fact.now // NS_PER_MINUTE
            by_minute[minute] = by_minute.get(minute, 0) + fact.quantity
