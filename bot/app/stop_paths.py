"""Where the stops that rest at the venue stood over a run, for drawing: they are no parents, and mostly never trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.app.record import StopPath
from bot.domain.account import PositionKey
from bot.domain.effects import CancelOrder, Effect, PlaceStop
from bot.domain.events import (
    AccountFact,
    FillOrigin,
    OrderEnded,
    OrderFilled,
    OrderNotSent,
    OrderRejected,
    OrderTriggered,
)
from bot.domain.scale import units_per_one
from bot.engine.measures.layout import Layout

LEVELS_MAX = 4_000                   # of one position; stops move every ten seconds, and a run may last for months


@dataclass
class _Line:
    """The stops of one position: those that stand, by name, and the level of the newest over time."""

    standing: dict[str, int] = field(default_factory=dict)
    levels: list[tuple[int, int | None]] = field(default_factory=list)
    placed: int = 0
    triggered: list[int] = field(default_factory=list)
    filled: int = 0
    value: int = 0                   # price x quantity of the fills


class StopPaths:
    """Follows the stops of one run by their effects and facts alone."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._lines: dict[PositionKey, _Line] = {}
        self._key_of: dict[str, PositionKey] = {}

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Keep what is placed and taken back."""
        for effect in effects:
            if isinstance(effect, PlaceStop):
                request = effect.approved.request
                if request.trigger_price is None:
                    continue
                line = self._lines.setdefault(request.key, _Line())
                self._key_of[request.name] = request.key
                line.placed += 1
                line.standing[request.name] = request.trigger_price
                _mark_level(line, effect.now)
            elif isinstance(effect, CancelOrder):
                self._gone(effect.name, effect.now)

    def on_fact(self, fact: AccountFact) -> None:
        """Keep what the venue says of a stop: triggered, filled, ended."""
        match fact:
            case OrderTriggered():
                key = self._key_of.get(fact.name)
                if key is not None:
                    self._lines[key].triggered.append(fact.now)
            case OrderFilled():
                key = self._key_of.get(fact.name)
                if key is not None and fact.origin is FillOrigin.OURS:
                    line = self._lines[key]
                    line.filled += fact.quantity
                    line.value += fact.quantity * fact.price
                    self._gone(fact.name, fact.now)
            case OrderEnded() | OrderRejected() | OrderNotSent():
                self._gone(fact.name, fact.now)
            case _:
                pass

    def _gone(self, name: str, now: int) -> None:
        """Take a stop from those that stand; two overlap while one replaces the other."""
        key = self._key_of.get(name)
        if key is not None and self._lines[key].standing.pop(name, None) is not None:
            _mark_level(self._lines[key], now)

    def paths(self) -> list[StopPath]:
        """Return the path of every position that ever had a stop."""
        return [self._path(key, line) for key, line in self._lines.items()]

    def _path(self, key: PositionKey, line: _Line) -> StopPath:
        instrument = self.layout.instruments[key.instrument]
        price_unit = units_per_one(instrument.price_digits)
        return StopPath(
            account=self.layout.accounts[key.account].name,
            symbol=self.layout.market_label(key),
            levels=[(at, None if level is None else level / price_unit) for at, level in line.levels],
            placed=line.placed,
            triggered=line.triggered,
            filled=line.filled / units_per_one(instrument.quantity_digits),
            average=line.value / line.filled / price_unit if line.filled else None,
        )


def _mark_level(line: _Line, now: int) -> None:
    """Keep the level of the newest stop that stands, where it is another than before."""
    level = next(reversed(line.standing.values()), None)
    if line.levels and line.levels[-1][1] == level:
        return
    if line.levels and line.levels[-1][0] == now:
        line.levels.pop()
    line.levels.append((now, level))
    if len(line.levels) > LEVELS_MAX:
        del line.levels[1:-1:2]
