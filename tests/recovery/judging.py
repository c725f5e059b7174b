"""Whether a run that was killed ended as one that was not: at the venue, and in its journal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.domain.account import PositionKey
from bot.domain.effects import PlaceOrder, PlaceStop, ReserveNames, ReserveStopNames
from bot.domain.events import OrderFilled
from bot.domain.names import child_name
from bot.domain.order import OrderClass, OrderRequest, OrderStatus
from bot.engine.record import checkpoint
from bot.engine.record.recovery import refold
from paper.state import VenueState
from tests.app.killing import journal_of, orders_of, venue_of
from tests.recovery.scripts import STRANGER, Script


@dataclass(frozen=True)
class Outcome:
    """What is left at the venue: what is held, what was traded, and how much rests with a trigger."""

    held: dict[PositionKey, int]
    traded: dict[PositionKey, int]
    resting: dict[PositionKey, int]

    def is_like(self, other: Outcome, tolerance: float) -> bool:
        """True when the same was traded, left and guarded, within a fraction of what was traded."""
        keys = {*self.held, *self.traded, *self.resting, *other.held, *other.traded, *other.resting}
        return all(
            abs(ours.get(key, 0) - theirs.get(key, 0)) <= tolerance * abs(other.traded.get(key, 0))
            for ours, theirs in (
                (self.held, other.held), (self.traded, other.traded), (self.resting, other.resting)
            )
            for key in keys
        )

    def __str__(self) -> str:
        return ", ".join(
            f"{what} " + " ".join(f"{key.instrument}/{key.side.value}:{amount}" for key, amount in each.items())
            for what, each in (("held", self.held), ("traded", self.traded), ("resting", self.resting))
        )


def outcome(out: Path) -> Outcome:
    """Read what a run has left."""
    state = venue_of(out)
    traded: dict[PositionKey, int] = {}
    for order in orders_of(state):
        key = order.request.key
        traded[key] = traded.get(key, 0) + order.filled * order.request.side.sign
    resting: dict[PositionKey, int] = {}
    for account in state.accounts:
        for order in account.conditional.values():
            resting[order.request.key] = resting.get(order.request.key, 0) + order.leaves
    held = {holding.key: holding.quantity for account in state.accounts for holding in account.holdings}
    return Outcome(held, {key: amount for key, amount in traded.items() if amount}, resting)


def judge(script: Script, out: Path, calm: Outcome, *, is_restored: bool = False) -> None:
    """Hold a run that was killed against an undisturbed one; raises AssertionError with what is wrong.

    The journal of a run that went on with an older copy of it does not know all that the venue does.
    """
    found = outcome(out)
    assert found.is_like(calm, script.tolerance), f"ended otherwise: {found}, undisturbed {calm}"
    state = venue_of(out)
    _nothing_was_sold_twice(state)
    if not is_restored:
        _journal_knows_all(out, state)
    _journal_is_sound(script, out)


def _nothing_was_sold_twice(state: VenueState) -> None:
    orders = orders_of(state)
    names = [order.request.name for order in orders]
    assert len(set(names)) == len(names), "a name came twice"
    assert state.names_reused == 0, "a name was refused because it was taken"
    for order in orders:
        assert order.filled <= order.request.quantity
        assert order.filled == sum(execution.quantity for execution in order.executions)
        assert order.request.reduce_only or order.request.order_class is OrderClass.HEDGE, "an order that may open"
        assert not order.status.can_fill or order.request.trigger_price is not None, "a child was left to rest"
        assert order.status is not OrderStatus.REJECTED


def _journal_knows_all(out: Path, state: VenueState) -> None:
    """Every order at the venue was decided on under a name reserved before, and each of its fills was heard."""
    reserved: set[str] = set()
    decided: list[str] = []
    heard: set[str] = set()
    with journal_of(out) as journal:
        for _, item in journal.read():
            match item:
                case ReserveNames() | ReserveStopNames():
                    first = item.first_child
                    reserved |= {child_name(item.parent, child) for child in range(first, first + item.count)}
                case PlaceOrder() | PlaceStop():
                    request: OrderRequest = item.approved.request
                    assert request.name in reserved, f"{request.name} was not reserved before"
                    decided.append(request.name)
                case OrderFilled():
                    heard.add(item.trade_id)
                case _:
                    pass
    assert len(set(decided)) == len(decided), "a name was decided on twice"
    orders = orders_of(state)
    assert {order.request.name for order in orders} - {STRANGER} <= set(decided), "the venue has one that was not"
    told = {execution.trade_id for order in orders for execution in order.executions}
    assert told == heard, f"fills not heard: {told - heard}, fills made up: {heard - told}"


def _journal_is_sound(script: Script, out: Path) -> None:
    """Its chain holds, and folding it from zero gives the book of its checkpoint."""
    with journal_of(out) as journal:
        journal.verify()
        found = journal.latest_checkpoint()
        assert found is not None
        seq, body = found
        layout = script.layout()
        kept = checkpoint.load(body, layout)
        again = refold(layout, None, (item for item in journal.read() if item[0] <= seq))
    again.now, again.seq = kept.now, kept.seq            # moved by prices, too, which are not journaled
    assert checkpoint.dump(again) == checkpoint.dump(kept), "the record and the checkpoint are two books"
