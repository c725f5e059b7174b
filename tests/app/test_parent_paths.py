"""What the recorder keeps of parents for drawing: curves, fills, and where the cost came from, by hand."""

from __future__ import annotations

import msgspec
import pytest

from bot.app.parent_paths import PATHS_MAX, POINTS_MAX, STEPS_MAX, ParentPaths
from bot.app.recorder import RunRecorder
from bot.domain.copying import replace
from bot.domain.effects import (
    EndParent,
    OpenParent,
    ParentEnd,
    PauseParent,
    PlaceOrder,
    Relaxation,
    RelaxParent,
    ReviseParent,
)
from bot.domain.events import Event
from bot.domain.market import Quote
from bot.domain.obligation import Obligation
from bot.domain.order import OrderClass, Side
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from tests.builders import KEY, STOP, T0, fill, snapshot, trade
from tests.engine.driver import engine

NAME = "pen000sn000000"


def duty(quantity: int, *, seconds: int, start: int = 0, base: int = 0, episode: int = 1) -> Obligation:
    """A straight line of ``quantity`` thousandths from ``start`` on, in slices of a second."""
    begin = T0 + start * NS_PER_SECOND
    return Obligation(
        episode, "guard", quantity, base, begin, begin + seconds * NS_PER_SECOND, NS_PER_SECOND, "twap", "taker",
        OrderClass.MARGIN, 0.01, None,
    )


def opened(*duties: Obligation, quantity: int) -> OpenParent:
    return OpenParent(NAME, KEY, Side.SELL, quantity, 0, duties, 800_000, 800_000, 0, 0, T0)


def ended(seconds: int) -> EndParent:
    return EndParent(NAME, ParentEnd.FILLED, 0, 0, T0 + seconds * NS_PER_SECOND)


@pytest.fixture
def recorder() -> RunRecorder:
    """1 BTC at 8,000; the stop fires at 7,500, and its order is out."""
    made = RunRecorder(engine(STOP), NS_PER_MINUTE)
    show(made, trade(0, 8_000.0))
    show(made, snapshot(1, usdt=2_000.0, btc=1_000, entry=8_000.0))
    show(made, trade(2, 7_500.0))
    return made


def show(recorder: RunRecorder, event: Event) -> None:
    """Give the engine an event and show it to the recorder, in the session's order."""
    effects, _ = recorder.engine.step(event)
    recorder.on_fact(event)  # type: ignore[arg-type]  # of a price it keeps nothing
    recorder.on_effects(effects)
    sent.extend(effect for effect in effects if isinstance(effect, PlaceOrder))


sent: list[PlaceOrder] = []


@pytest.fixture(autouse=True)
def nothing_sent() -> None:
    """Each test begins with no order out."""
    sent.clear()


# Curves ---------------------------------------------------------------------------------------------------


def test_path_rises_with_its_curve_to_all_of_it_at_the_deadline() -> None:
    """100 in 100 s: at any moment what is due is within one slice of the straight line."""
    paths = ParentPaths(engine(STOP))
    paths.on_effects([opened(duty(100_000, seconds=100), quantity=100_000), ended(100)])
    due = paths.paths(T0)[NAME].due
    assert len(due) == POINTS_MAX + 1
    for at, quantity in due:
        assert quantity == pytest.approx((at - T0) / NS_PER_SECOND, abs=1.000001)
    assert due[-1] == (T0 + 100 * NS_PER_SECOND, 100.0)


def test_path_steps_up_where_the_duty_was_increased() -> None:
    """10 are due at once; after 50 s 20 in all, as well at once."""
    paths = ParentPaths(engine(STOP))
    more = ReviseParent(
        NAME, 20_000, 0, (duty(10_000, seconds=0), duty(10_000, seconds=0, start=50, base=10_000, episode=2)),
        T0 + 50 * NS_PER_SECOND,
    )
    paths.on_effects([opened(duty(10_000, seconds=0), quantity=10_000), more, ended(100)])
    due = dict(paths.paths(T0)[NAME].due)
    assert due[T0] == 10.0
    assert due[T0 + 50 * NS_PER_SECOND] == due[T0 + 100 * NS_PER_SECOND] == 20.0


def test_path_of_a_duty_that_was_cut_never_asks_for_more_than_is_left_of_it() -> None:
    """A curve of 100 of which 40 remain wanted."""
    paths = ParentPaths(engine(STOP))
    less = ReviseParent(NAME, 40_000, 0, (duty(100_000, seconds=100),), T0)
    paths.on_effects([opened(duty(100_000, seconds=100), quantity=100_000), less, ended(100)])
    assert max(quantity for _, quantity in paths.paths(T0)[NAME].due) == 40.0


def test_path_of_an_open_parent_is_drawn_up_to_the_end_of_the_run() -> None:
    """What the tape's end left open has no end of its own."""
    paths = ParentPaths(engine(STOP))
    paths.on_effects([opened(duty(100_000, seconds=100), quantity=100_000)])
    assert paths.paths(T0 + 30 * NS_PER_SECOND)[NAME].due[-1][0] == T0 + 30 * NS_PER_SECOND


def test_path_keeps_what_an_order_let_go_of_and_why() -> None:
    """The steps of the ladder and the pauses, in order, up to so many as are read."""
    paths = ParentPaths(engine(STOP))
    paths.on_effects([
        opened(duty(1_000, seconds=100), quantity=1_000),
        RelaxParent(NAME, Relaxation.COLLAR, 1, "an order did not fill", T0 + 1),
        PauseParent(NAME, 400, "the budget is spent", T0 + 2),
    ])
    assert list(paths.paths(T0)[NAME].steps) == [
        (T0 + 1, "collar: an order did not fill"), (T0 + 2, "paused: the budget is spent"),
    ]
    paths.on_effects([PauseParent(NAME, 400, "again", T0 + 3)] * 100)
    assert len(paths.paths(T0)[NAME].steps) == STEPS_MAX


# Sources of cost ------------------------------------------------------------------------------------------


def test_cost_splits_into_market_spread_and_impact_by_hand(recorder: RunRecorder) -> None:
    """Arrival 7,500. At the fill mid is 7,480, bid 7,479: 1 BTC sold at 7,475 lost 20 to the market, 1 to the spread
    and 4 to its own size, and paid 3.74 of fees."""
    show(recorder, Quote(T0 + 3 * NS_PER_SECOND, T0 + 3 * NS_PER_SECOND, 0, 747_900, 10_000, 748_100, 10_000))
    show(recorder, replace(fill(sent[-1], 3, 1_000, 7_475.0), fee=374_000_000))
    costs = recorder.paths.paths(T0)[NAME].costs
    assert costs is not None
    assert (costs.delay, costs.market, costs.spread, costs.impact, costs.fees) == (0.0, 20.0, 1.0, 4.0, 3.74)


def test_cost_of_a_price_better_than_mid_is_no_impact(recorder: RunRecorder) -> None:
    """A resting order that is filled at 7,481 earned its half spread: all of it is the spread's."""
    show(recorder, Quote(T0 + 3 * NS_PER_SECOND, T0 + 3 * NS_PER_SECOND, 0, 747_900, 10_000, 748_100, 10_000))
    show(recorder, fill(sent[-1], 3, 1_000, 7_481.0))
    costs = recorder.paths.paths(T0)[NAME].costs
    assert costs is not None
    assert (costs.market, costs.spread, costs.impact) == (20.0, -1.0, 0.0)


def test_cost_outlives_a_restart_and_is_not_known_when_a_fill_was_missed(recorder: RunRecorder) -> None:
    """The journal tells fills again, not the mid at each: the memory has those up to the checkpoint, of a later one
    nothing is known, and then the page does not guess."""
    first = fill(sent[-1], 3, 400, 7_490.0)
    show(recorder, first)
    memory = recorder.memory()
    again = RunRecorder(recorder.engine, NS_PER_MINUTE)
    again.recall(memory)
    again.on_effects([opened(duty(1_000, seconds=0), quantity=1_000)])
    recorder.engine.step(trade(9, 7_500.0))          # the book is further than what is told again
    again.on_fact(first)
    known = again.paths.paths(T0)[NAME]
    assert known.costs is not None
    assert known.filled == [(first.now, 0.4)]
    again.on_fact(fill(sent[-1], 4, 600, 7_490.0, trade_id="t2"))
    assert again.paths.paths(T0)[NAME].costs is None
    older = msgspec.msgpack.decode(memory)
    del older["crossed"]
    again.recall(msgspec.msgpack.encode(older))      # of an earlier version


def test_cost_of_a_parent_without_fills_is_not_known() -> None:
    """Nothing traded, nothing to explain."""
    paths = ParentPaths(engine(STOP))
    paths.on_effects([opened(duty(1_000, seconds=0), quantity=1_000), ended(1)])
    path = paths.paths(T0)[NAME]
    assert (path.costs, path.filled) == (None, [])


def test_parents_beyond_those_that_are_drawn_leave_nothing_behind() -> None:
    """A daemon that runs for months keeps the first sixty; what happens to later ones is passed over."""
    paths = ParentPaths(engine(STOP))
    for number in range(PATHS_MAX + 5):
        name = f"p{number}"
        paths.on_effects([replace(opened(duty(1_000, seconds=0), quantity=1_000), parent=name)])
        paths.on_effects([replace(ended(1), parent=name), ReviseParent(name, 1, 0, (duty(1, seconds=0),), T0)])
    assert list(paths.paths(T0)) == [f"p{number}" for number in range(PATHS_MAX)]
