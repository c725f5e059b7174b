"""What holds after every step of any storm: the promises of DESIGN section 2 that the engine can keep alone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import pytest

from bot.domain.account import PositionKey
from bot.domain.effects import (
    Effect,
    EndParent,
    GoalKind,
    OpenEpisode,
    OpenParent,
    ParentEnd,
    PlaceOrder,
    PlanEpisode,
    ReserveNames,
)
from bot.domain.names import child_name
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.record.fold import reducing_side
from tests.engine.storm import LIMITS, Storm, Watcher

STEPS = 1_000                        # prices of the storm
CALM = 900                           # seconds of a perfect venue after it: longer than any schedule
SEEDS = range(14)
KINDS = ("alone", "with others", "with restarts")


class Invariants(Watcher):
    """Fails at the first step that breaks a promise."""

    def __init__(self) -> None:
        self.reserved: dict[str, int] = {}
        self.used: set[str] = set()
        self.open: dict[PositionKey, str] = {}
        self.ended: dict[str, ParentEnd] = {}
        self.sent: list[int] = []
        self.kept: dict[int, dict[PositionKey, int]] = {}
        self.held: dict[int, list[int]] = {}         # by episode: the quantities that its newest plan was made for
        self.orders = 0

    def on_step(self, engine: Engine, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case ReserveNames():
                    self.reserved[effect.parent] = effect.first_child + effect.count
                case OpenParent():
                    assert effect.key not in self.open, "one parent per key"
                    assert effect.parent not in self.ended
                    assert effect.quantity > 0
                    self.open[effect.key] = effect.parent
                case EndParent():
                    key = next(key for key, name in self.open.items() if name == effect.parent)
                    del self.open[key]
                    self.ended[effect.parent] = effect.reason
                case PlanEpisode():
                    self.check_plan(engine, effect)
                case PlaceOrder():
                    self.check_order(engine, effect)
                case _:
                    pass
        self.check_book(engine)

    def check_plan(self, engine: Engine, effect: PlanEpisode) -> None:
        """What a plan has reached it forgets; what it still wants sold it swaps, but never takes back.

        Where somebody turned a position round, it is another one, and so is the plan.
        """
        held, planned_for = list(engine.book.quantity), self.held.get(effect.episode, [])
        is_turned = any(now * then < 0 for now, then in zip(held, planned_for, strict=False))
        before = {} if is_turned else self.kept.get(effect.episode, {})
        self.held[effect.episode] = held
        assert all(cut.keep >= 0 for cut in effect.cuts)
        is_looser = any(cut.keep > before.get(cut.key, cut.keep) for cut in effect.cuts)
        is_deeper = any(cut.key not in before or cut.keep < before[cut.key] for cut in effect.cuts)
        assert is_deeper or not is_looser, "a later plan keeps more of one only for less of another"
        self.kept[effect.episode] = {cut.key: cut.keep for cut in effect.cuts}

    def check_order(self, engine: Engine, effect: PlaceOrder) -> None:
        request, book = effect.approved.request, engine.book
        position = book.layout.position(request.key)
        self.orders += 1
        assert request.reduce_only
        assert request.limit_price is not None
        assert engine.columns.mark[request.key.instrument] is not None
        assert request.side is reducing_side(book.quantity[position])
        assert book.working[position] <= abs(book.quantity[position]), "with what is working it would flip"
        assert self.open[request.key] == effect.parent, "no child of a parent that is not open"
        assert request.name == child_name(effect.parent, effect.child)
        assert effect.child < self.reserved[effect.parent], "reserved before it is used"
        assert request.name not in self.used, "a name is used once"
        self.used.add(request.name)
        parent = book.parents[effect.parent]
        out = sum(order.leaves for order in book.orders.values() if order.parent == effect.parent)
        assert out + parent.filled <= parent.quantity, "no more than the parent's total"
        self.sent.append(effect.now)
        recent = [moment for moment in self.sent[-20:] if moment > effect.now - NS_PER_SECOND]
        assert len(recent) <= LIMITS.order_rate_max

    def check_book(self, engine: Engine) -> None:
        book = engine.book
        out = [0] * len(book.working)
        for order in book.orders.values():
            assert order.leaves > 0
            out[order.position] += order.leaves
        assert out == book.working, "working is what the orders that are out may still fill"
        assert {engine.layout.keys[parent.position]: name for name, parent in book.parents.items()} == self.open


@cache
def survived(kind: str, seed: int) -> tuple[Storm, Invariants]:
    """A storm, and the calm after it, with every step looked at."""
    watcher = Invariants()
    storm = Storm(
        KINDS.index(kind) * 1_000 + seed, watcher, others_trade=kind == "with others", restarts=kind == "with restarts"
    )
    storm.run(STEPS)
    storm.calm_down(CALM)
    if storm.engine.book.parents:        # a plan swapped late in the calm has a schedule of its own
        storm.calm_down(CALM)
    return storm, watcher


CASES = [(kind, seed) for kind in KINDS for seed in SEEDS]


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_engine_through_a_storm_keeps_its_promises_at_every_step(kind: str, seed: int) -> None:
    """Reduce-only, never a flip, one parent per key, names reserved and used once, totals and rate kept.

    The venue itself asserts the first two where nobody else trades: it does not enforce reduce-only.
    """
    storm, watcher = survived(kind, seed)
    assert storm.steps > STEPS
    assert set(watcher.ended.values()) <= set(ParentEnd)


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_engine_after_a_storm_has_the_venues_books(kind: str, seed: int) -> None:
    """However reports came, positions, entries and cash end as the venue has them, with nothing left out."""
    storm, _ = survived(kind, seed)
    book = storm.engine.book
    assert book.quantity == storm.venue.quantity
    assert book.entry_value == storm.venue.entry
    assert book.accounts[0].wallet == storm.venue.wallet
    assert not book.orders
    assert book.working == [0, 0]


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_engine_after_a_storm_has_reached_its_goals(kind: str, seed: int) -> None:
    """With a venue that works again every stop is flat and every deleverage is where it was to be."""
    storm, _ = survived(kind, seed)
    engine = storm.engine
    loss_ratio = engine.readings.positions.compute("position.loss_ratio")
    assert not engine.book.parents
    for episode in engine.book.episodes.values():
        assert episode.goal.kind is GoalKind.LIQUIDATION_DISTANCE, "a close that did not close"
        assert engine.columns.distance[0] >= 0.97 * (episode.goal.target or 0)
    for position in range(len(engine.layout.keys)):
        if engine.book.quantity[position]:
            assert (loss_ratio(position) or 0.0) <= 0.08, "a stop-loss that did not stop"


def test_storms_are_many_and_bad_enough() -> None:
    """Over 100,000 steps, thousands of orders, every way for a parent to end that a storm can bring about."""
    storms = [survived(kind, seed) for kind, seed in CASES]
    assert sum(storm.steps for storm, _ in storms) >= 100_000
    assert sum(watcher.orders for _, watcher in storms) > 2_000
    assert sum(isinstance(effect, OpenEpisode) for storm, _ in storms for effect in storm.effects) > 100
    reasons = {reason for _, watcher in storms for reason in watcher.ended.values()}
    assert reasons == {
        ParentEnd.FILLED, ParentEnd.GOAL_MET, ParentEnd.SUPERSEDED, ParentEnd.POSITION_GONE
    }
