"""Bars in memory as a market: read once, walked once, run through as often as one likes, whole or by the window."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from bot.adapters.tapes.merge import merge
from bot.adapters.tapes.source import TapeKind
from bot.adapters.tapes.walk import Walk, walk
from bot.app.bound_tapes import HeldSign
from bot.app.markets import RecordedMarket, TapeEvent
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.market import Candle
from bot.domain.run import TapeSource

NEVER = 1 << 63


class Bars:
    """One instrument's bars in time order, with the two ways in which they can be walked, made when first asked."""

    def __init__(self, bars: Sequence[Candle]) -> None:
        self.bars = tuple(bars)
        self.opened = [bar.opened for bar in self.bars]
        self._walks: dict[bool, list[Walk]] = {}

    def walks(self, sign: int) -> list[Walk]:
        """Return every bar's points, for one who holds a quantity of ``sign`` when it opens."""
        is_short = sign < 0              # to a long and to nobody the low comes first
        found = self._walks.get(is_short)
        if found is None:
            found = self._walks[is_short] = [walk(bar, sign) for bar in self.bars]
        return found


@dataclass(frozen=True)
class BarMarket:
    """Bars from ``first`` (ns) on that open before ``until``; a window shares them with the market it is cut from."""

    instruments: tuple[Instrument, ...]
    modelled: tuple[str, ...]
    sources: tuple[TapeSource, ...]
    bars: tuple[Bars, ...]
    first: int = 0
    until: int = NEVER

    @classmethod
    def of(cls, market: RecordedMarket) -> BarMarket:
        """Read all of a recorded market; raises InputError unless it is bars of trades alone."""
        for tape in market.tapes:
            if tape.kinds != {TapeKind.CANDLES}:
                raise InputError(
                    f"--tape {tape.argument.path}: holds more than candles; a market in memory is made of those alone"
                )
        by_instrument: dict[int, list[Candle]] = {instrument.index: [] for instrument in market.instruments}
        for event in market.events(lambda _: 0):
            if type(event) is Candle:
                by_instrument[event.instrument].append(event)
        return cls(
            market.instruments, market.modelled, market.sources, tuple(Bars(bars) for bars in by_instrument.values())
        )

    def window(self, first: int, until: int) -> BarMarket:
        """Return the bars that open from ``first`` on and before ``until``, ns; costs next to nothing."""
        return replace(self, first=max(first, self.first), until=min(until, self.until))

    @property
    def span(self) -> tuple[int, int]:
        """Return when the first and the last bar open, ns; raises InputError when there is none."""
        ends = [
            (each.opened[start], each.opened[end - 1])
            for each, (start, end) in zip(self.bars, self._places(), strict=True) if start < end
        ]
        if not ends:
            raise InputError(f"bars: none opens from {self.first} on and before {self.until}; choose another window")
        return min(first for first, _ in ends), max(last for _, last in ends)

    def events(self, held_sign: HeldSign) -> Iterator[TapeEvent]:
        """Yield each bar whole, then its points; ``held_sign`` is asked after the whole bar was taken."""
        streams: list[Iterable[TapeEvent]] = [
            chain.from_iterable(_walked(index, bars, start, end, held_sign))
            for index, (bars, (start, end)) in enumerate(zip(self.bars, self._places(), strict=True)) if start < end
        ]
        return merge(streams)

    def _places(self) -> list[tuple[int, int]]:
        return [(bisect_left(each.opened, self.first), bisect_left(each.opened, self.until)) for each in self.bars]


def _walked(index: int, bars: Bars, start: int, end: int, held_sign: HeldSign) -> Iterator[Iterable[TapeEvent]]:
    for place in range(start, end):
        yield (bars.bars[place],)
        yield bars.walks(held_sign(index))[place]
