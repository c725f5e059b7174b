"""Which orders may leave, and when: at once where their names were durable before, else when their record is.

    name lies in a durable reservation      leaves in the step that decided it
    any other                               waits for the commit of that step
    of the cost class, after a sale         waits for the commit of the sale: a sale that is lost with the process is
    was taken up                            heard again, and what it had sold by then would be sold twice
    cancelled while it waits                never leaves, and is told as not sent
    decided too long ago when it may leave  never leaves, and is told as not sent
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.effects import CancelOrder, Effect, EndParent, PlaceOrder, PlaceStop, ReserveNames, ReserveStopNames
from bot.domain.names import child_name
from bot.domain.order import OrderClass
from bot.domain.sale import TakeSale

CHILD_LETTERS = len(child_name("", 0))
_Placing = PlaceOrder | PlaceStop


@dataclass(frozen=True, slots=True)
class _Reserved:
    step: int
    parent: str
    until: int                       # the first child that it does not cover


@dataclass(frozen=True, slots=True)
class _Waiting:
    step: int
    effect: _Placing


class Departures:
    """Holds orders back until their names are durable."""

    def __init__(self) -> None:
        self._reserving: list[_Reserved] = []        # in steps that are not durable yet
        self._reserved: dict[str, int] = {}          # per parent, the first child that is not covered
        self._waiting: dict[str, _Waiting] = {}
        self._sale_step: int | None = None           # of a sale whose taking up is not durable yet

    @property
    def is_holding(self) -> bool:
        """True while an order waits for its record."""
        return bool(self._waiting)

    def take(self, step: int, effects: Sequence[Effect]) -> tuple[list[_Placing], list[_Placing]]:
        """Take a step's effects; return what leaves at once, and what was called back before it could leave."""
        leaving: list[_Placing] = []
        recalled: list[_Placing] = []
        for effect in effects:
            match effect:
                case PlaceOrder() | PlaceStop():
                    if self._is_covered(effect) and not self._awaits_sale(effect):
                        leaving.append(effect)
                    else:
                        self._waiting[effect.approved.request.name] = _Waiting(step, effect)
                case ReserveNames() | ReserveStopNames():
                    self._reserving.append(_Reserved(step, effect.parent, effect.first_child + effect.count))
                case CancelOrder():
                    waiting = self._waiting.pop(effect.name, None)
                    if waiting is not None:
                        recalled.append(waiting.effect)
                case TakeSale():
                    self._sale_step = step
                case EndParent():
                    self._reserved.pop(effect.parent, None)
                case _:
                    pass
        return leaving, recalled

    def durable(self, step: int) -> list[_Placing]:
        """Everything up to ``step`` is durable: return the orders that waited for it, in the order of their steps."""
        kept = []
        for each in self._reserving:
            if each.step <= step:
                self._reserved[each.parent] = each.until
            else:
                kept.append(each)
        self._reserving = kept
        if self._sale_step is not None and self._sale_step <= step:
            self._sale_step = None
        ready = [name for name, waiting in self._waiting.items() if waiting.step <= step]
        return [self._waiting.pop(name).effect for name in ready]

    def drop_all(self) -> list[_Placing]:
        """Return everything that waits, and hold nothing any more."""
        effects = [waiting.effect for waiting in self._waiting.values()]
        self._waiting.clear()
        return effects

    def _awaits_sale(self, effect: _Placing) -> bool:
        return self._sale_step is not None and effect.approved.request.order_class is OrderClass.COST

    def _is_covered(self, effect: _Placing) -> bool:
        name = effect.approved.request.name
        until = self._reserved.get(name[:-CHILD_LETTERS])
        return until is not None and effect.child < until
