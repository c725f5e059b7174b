"""What a tape says of the market whoever trades in it: every market reading and volatility, bar by bar.

An engine without an account sees the tape once; what it reads is what any engine would, since no run's orders are on
the tape. So these bounds are exact, and ``outlook`` needs no theory of windows and indicators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan, nan

import numpy as np
import numpy.typing as npt

from bench.rescue.account import ACCOUNT
from bench.rescue.tape import TapeBars
from bot.domain.market import Candle
from bot.domain.scale import NS_PER_MINUTE
from bot.engine.engine import Engine
from bot.rules.intervals import Span
from bot.rules.language.measures import Subject
from bot.rules.language.typed import ReadingRef

Floats = npt.NDArray[np.float64]
STOP_SIGMA = ReadingRef("market.volatility", (NS_PER_MINUTE,))
"""What the distance of a resting stop is counted in."""


def is_of_market(ref: ReadingRef) -> bool:
    """True for what is the same for every account: market readings, and the volatility of an account of one market."""
    return ref.subject is Subject.MARKET or ref.measure == "account.sigma"


class MarketRecord:
    """Least and largest value of each reading by bar; NaN where it was never available in one."""

    def __init__(self, tape: TapeBars, engine: Engine, refs: Sequence[ReadingRef], sign: int) -> None:
        wanted = [ref for ref in dict.fromkeys((*refs, STOP_SIGMA)) if is_of_market(ref)]
        readers = [_reader(engine, ref) for ref in wanted]
        self.low: dict[ReadingRef, Floats] = {ref: np.full(len(tape.bars), nan) for ref in wanted}
        self.high: dict[ReadingRef, Floats] = {ref: np.full(len(tape.bars), nan) for ref in wanted}
        columns = [(read, self.low[ref], self.high[ref]) for ref, read in zip(wanted, readers, strict=True)]
        bar = -1
        for event in tape.events(0, len(tape.bars), lambda _: sign):
            if isinstance(event, Candle):
                bar += 1
                continue
            engine.warm(event)
            for read, low, high in columns:
                value = read()
                if value is not None and not isnan(value):
                    low[bar] = value if isnan(low[bar]) else min(low[bar], value)
                    high[bar] = value if isnan(high[bar]) else max(high[bar], value)

    def span(self, ref: ReadingRef, first: int, end: int) -> Span | None:
        """Return between what a reading lies in bars ``first`` to ``end`` - 1 and one before; None if unavailable."""
        low = self.low[ref][max(0, first - 1):end]
        known = ~np.isnan(low)
        if not known.any():
            return None
        return Span(float(low[known].min()), float(self.high[ref][max(0, first - 1):end][known].max()))


def _reader(engine: Engine, ref: ReadingRef) -> Callable[[], float | None]:
    if ref.measure in ("account.sigma", "market.volatility") and ref.derived is None:
        window = int(ref.args[0])
        return lambda: engine.readings.accounts.sigma(ACCOUNT, window)
    column = engine.readings.column_of(ref)
    return lambda: column[0]
