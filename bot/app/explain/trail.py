"""The trail of a run: its journal's facts and effects, put together by fire, parent and order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot.domain.effects import (
    Effect,
    EndEpisode,
    EndParent,
    MoveTrigger,
    OpenEpisode,
    OpenParent,
    PauseParent,
    PlaceOrder,
    PlanEpisode,
    RaiseAlarm,
    RecordDenial,
    RelaxParent,
    ReviseParent,
)
from bot.domain.events import (
    AccountFact,
    FillOrigin,
    LiquidationStage,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
    Reloaded,
)
from bot.domain.names import child_name
from bot.domain.obligation import Obligation
from bot.domain.open_order import CancelForeignOrder

OrderAnswer = (
    OrderAccepted | OrderRejected | OrderNotSent | OrderOutcomeUnknown | OrderFilled | OrderEnded | OrderNotFound
)
_CHILD_LETTERS = len(child_name("", 0))


@dataclass
class OrderTrail:
    """One child order and every answer to it, in order."""

    placed: PlaceOrder
    answers: list[OrderAnswer] = field(default_factory=list)

    @property
    def fills(self) -> list[OrderFilled]:
        return [answer for answer in self.answers if isinstance(answer, OrderFilled)]


@dataclass
class ParentTrail:
    """One parent order: how it was opened, what changed, what it sent, and how it ended."""

    opened: OpenParent
    revised: list[ReviseParent] = field(default_factory=list)
    relaxed: list[RelaxParent] = field(default_factory=list)
    paused: list[PauseParent] = field(default_factory=list)
    orders: dict[str, OrderTrail] = field(default_factory=dict)
    ended: EndParent | None = None

    @property
    def fills(self) -> list[OrderFilled]:
        return [fill for order in self.orders.values() for fill in order.fills]

    @property
    def quantity(self) -> int:
        """What it is to sell in all, by its last revision."""
        return self.revised[-1].quantity if self.revised else self.opened.quantity

    def episodes(self) -> list[int]:
        """Return the episodes that it ever worked for, each once, in order of appearance."""
        duties = [*self.opened.obligations, *(duty for change in self.revised for duty in change.obligations)]
        return list(dict.fromkeys(duty.episode for duty in duties))

    def obligations_at(self, now: int) -> tuple[Obligation, ...]:
        """Return its duties as they stood at ``now``."""
        standing = self.opened.obligations
        for change in self.revised:
            if change.now <= now:
                standing = change.obligations
        return standing


@dataclass
class FireTrail:
    """One fire and what came of it; ``number`` counts from 1 in the order of the run."""

    number: int
    opened: OpenEpisode
    plans: list[PlanEpisode] = field(default_factory=list)
    ended: EndEpisode | None = None


@dataclass
class Trail:
    """A whole run. Episodes and parents go by their number and name in the journal."""

    fires: dict[int, FireTrail] = field(default_factory=dict)
    parents: dict[str, ParentTrail] = field(default_factory=dict)
    denials: list[RecordDenial] = field(default_factory=list)
    moves: list[MoveTrigger] = field(default_factory=list)
    alarms: list[RaiseAlarm] = field(default_factory=list)
    cancels: list[CancelForeignOrder] = field(default_factory=list)
    reloads: list[Reloaded] = field(default_factory=list)
    liquidations: list[LiquidationStage] = field(default_factory=list)
    foreign_fills: list[OrderFilled] = field(default_factory=list)

    def parents_of(self, episode: int) -> list[ParentTrail]:
        """Return the parents that worked for an episode, in the order they were opened."""
        return [parent for parent in self.parents.values() if episode in parent.episodes()]

    def orders(self) -> Iterator[tuple[ParentTrail, OrderTrail]]:
        """Yield every order with its parent."""
        for parent in self.parents.values():
            for order in parent.orders.values():
                yield parent, order


def read_trail(record: Iterable[tuple[int, AccountFact | Effect]]) -> Trail:
    """Return the trail of a journal's record, as ``JournalReader.read`` yields it."""
    trail = Trail()
    for _, item in record:
        if isinstance(item, OrderAnswer):
            _take_answer(trail, item)
        elif isinstance(item, LiquidationStage):
            trail.liquidations.append(item)
        elif isinstance(item, Reloaded):
            trail.reloads.append(item)
        elif isinstance(item, Effect):
            _take_effect(trail, item)
    return trail


def parent_of(order: str) -> str:
    """Return the name of the parent that an order's name belongs to."""
    return order[:-_CHILD_LETTERS]


def _take_answer(trail: Trail, answer: OrderAnswer) -> None:
    parent = trail.parents.get(parent_of(answer.name))
    order = parent.orders.get(answer.name) if parent is not None else None
    if order is not None and isinstance(answer, OrderFilled) and answer.trade_id in {f.trade_id for f in order.fills}:
        return                       # told again, as after a restart
    if order is not None:
        order.answers.append(answer)
    elif isinstance(answer, OrderFilled) and answer.origin is not FillOrigin.OURS:
        trail.foreign_fills.append(answer)


def _take_effect(trail: Trail, effect: Effect) -> None:
    match effect:
        case OpenEpisode():
            trail.fires[effect.episode] = FireTrail(len(trail.fires) + 1, effect)
        case PlanEpisode():
            trail.fires[effect.episode].plans.append(effect)
        case EndEpisode():
            trail.fires[effect.episode].ended = effect
        case OpenParent():
            trail.parents[effect.parent] = ParentTrail(effect)
        case ReviseParent():
            trail.parents[effect.parent].revised.append(effect)
        case RelaxParent():
            trail.parents[effect.parent].relaxed.append(effect)
        case PauseParent():
            trail.parents[effect.parent].paused.append(effect)
        case EndParent():
            trail.parents[effect.parent].ended = effect
        case PlaceOrder():
            trail.parents[effect.parent].orders[effect.approved.request.name] = OrderTrail(effect)
        case RecordDenial():
            trail.denials.append(effect)
        case MoveTrigger():
            trail.moves.append(effect)
        case CancelForeignOrder():
            trail.cancels.append(effect)
        case RaiseAlarm():
            trail.alarms.append(effect)
        case _:
            pass
