"""Confirmation, cooldown, counted fires, latches and ``until``: row by row, in an engine, and over a restart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import pytest

from bot.domain.effects import Effect, EndEpisode, MoveTrigger, OpenEpisode, PlanEpisode, RaiseAlarm, TriggerState
from bot.domain.events import Command, CommandKind, Event, Restarted
from bot.domain.scale import NS_PER_SECOND
from bot.engine.record import checkpoint
from bot.engine.record.fold import fold
from bot.engine.record.recovery import refold
from bot.rules.triggers import IDLE, Allowance, Conditions, Trigger, advance, deadline
from tests.builders import T0, ended, fill, rules, snapshot, trade
from tests.engine import storm
from tests.engine.driver import Driver, engine

S = NS_PER_SECOND
HOLD = 10 * S
INACTIVE, PENDING, SUSPENDED, FIRING, CLEARING, LATCHED = TriggerState
SPENT = Allowance(is_spent=True)
COOL = Allowance(not_before=20 * S)
NO_CLEAR = "-"

Truth = tuple[bool | None, bool | str | None, bool | None]

# (name, from, (when, clear or "-", confirm), what is left, hold, at, to, fires); times in seconds
ROWS: list[tuple[str, Trigger, Truth, Allowance, int, int, Trigger, bool]] = [
    ("true and confirmed", IDLE, (True, "-", True), Allowance(), 0, 5, Trigger(FIRING, 5 * S), True),
    ("true, not confirmed", IDLE, (True, "-", False), Allowance(), 0, 5, Trigger(PENDING, 5 * S), False),
    ("true, confirmation unavailable", IDLE, (True, "-", None), Allowance(), 0, 5, Trigger(PENDING, 5 * S), False),
    ("confirmed alone", IDLE, (False, "-", True), Allowance(), 0, 5, IDLE, False),
    ("hold served, not confirmed", Trigger(PENDING, 5 * S), (True, "-", False), Allowance(), HOLD, 15,
     Trigger(PENDING, 5 * S), False),
    ("hold served, confirmed late", Trigger(PENDING, 5 * S), (True, "-", True), Allowance(), HOLD, 99,
     Trigger(FIRING, 99 * S), True),
    ("confirmed before the hold is served", Trigger(PENDING, 5 * S), (True, "-", True), Allowance(), HOLD, 14,
     Trigger(PENDING, 5 * S), False),
    ("false while it waits for confirmation", Trigger(PENDING, 5 * S), (False, "-", True), Allowance(), 0, 15,
     Trigger(INACTIVE, 15 * S), False),

    ("cooling, just before", IDLE, (True, "-", True), COOL, 0, 19, Trigger(PENDING, 19 * S), False),
    ("cooled", IDLE, (True, "-", True), COOL, 0, 20, Trigger(FIRING, 20 * S), True),
    ("hold served, cooling", Trigger(PENDING, 5 * S), (True, "-", True), COOL, HOLD, 19,
     Trigger(PENDING, 5 * S), False),
    ("hold served while it cooled", Trigger(PENDING, 5 * S), (True, "-", True), COOL, HOLD, 20,
     Trigger(FIRING, 20 * S), True),
    ("after a restart, cooling", Trigger(PENDING, 5 * S), (True, "-", True), COOL, 0, 19,
     Trigger(PENDING, 5 * S), False),

    ("spent, cleared", Trigger(FIRING, 5 * S), (False, True, True), SPENT, HOLD, 9, Trigger(LATCHED, 9 * S), False),
    ("spent, not cleared", Trigger(FIRING, 5 * S), (False, False, True), SPENT, HOLD, 9, Trigger(FIRING, 5 * S), False),
    ("spent, no clear, no hold", Trigger(FIRING, 5 * S), (False, "-", True), SPENT, 0, 9,
     Trigger(LATCHED, 9 * S), False),
    ("spent, no clear, hold", Trigger(FIRING, 5 * S), (False, "-", True), SPENT, HOLD, 9,
     Trigger(CLEARING, 9 * S), False),
    ("spent, clearing, hold served", Trigger(CLEARING, 9 * S), (False, "-", True), SPENT, HOLD, 19,
     Trigger(LATCHED, 19 * S), False),
    ("latched, true", Trigger(LATCHED, 9 * S), (True, "-", True), SPENT, 0, 99, Trigger(LATCHED, 9 * S), False),
    ("latched, re-armed, true", Trigger(LATCHED, 9 * S), (True, "-", True), Allowance(), 0, 99,
     Trigger(FIRING, 99 * S), True),
    ("latched, re-armed, true, hold", Trigger(LATCHED, 9 * S), (True, "-", True), Allowance(), HOLD, 99,
     Trigger(PENDING, 99 * S), False),
    ("latched, re-armed, false", Trigger(LATCHED, 9 * S), (False, "-", True), Allowance(), 0, 99,
     Trigger(INACTIVE, 99 * S), False),
    ("latched, re-armed, unavailable", Trigger(LATCHED, 9 * S), (None, "-", None), Allowance(), 0, 99,
     Trigger(INACTIVE, 99 * S), False),
]


@pytest.mark.parametrize(
    ("before", "truth", "left", "hold", "at", "after", "fires"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_trigger_with_more_conditions_moves_as_its_table_says(
    before: Trigger, truth: Truth, left: Allowance, hold: int, at: int,
    after: Trigger, fires: bool,
) -> None:
    """Each row of the module's table that confirm, cooldown, max_fires and latch add or change."""
    when, clear, confirm = truth
    conditions = Conditions(
        when=when, clear=None if isinstance(clear, str) else clear, has_clear=clear != NO_CLEAR, confirm=confirm
    )
    assert advance(before, conditions, hold=hold, now=at * S, allowance=left) == (after, fires)
    assert advance(after, conditions, hold=hold, now=at * S, allowance=left) == (after, False)


def test_deadline_of_a_pending_trigger_waits_for_hold_and_cooldown_alike() -> None:
    """The later of the two wakes the engine; neither is added to the other."""
    assert deadline(Trigger(PENDING, 5 * S), HOLD, 14 * S) == 15 * S
    assert deadline(Trigger(PENDING, 5 * S), HOLD, 16 * S) == 16 * S


# In an engine ---------------------------------------------------------------------------------------------


def guard(*lines: str, order_class: str = "margin") -> str:
    """A rule that fires below 6 % of distance and sells to 20 %, with more lines of its own."""
    return "\n".join([
        "rules:", "  guard:", "    for_each: account", "    when: account.liquidation_distance < 6%",
        "    do: {deleverage: {to: {liquidation_distance: 20%}}}", *(f"    {line}" for line in lines),
        f"    execute: {{algo: now, collar: 2%, order_class: {order_class}}}", "",
    ])


class Desk(Driver):
    """A long of 1 BTC bought at 8,000 with 1,000 USDT: 12 % from liquidation, 5 % at 7,400."""

    def __init__(self, text: str) -> None:
        super().__init__(engine(text))
        self.record: list[tuple[int, object]] = []
        self.trades = count()
        self.step(trade(0, 8_000))
        self.step(snapshot(0, usdt=1_000, btc=1_000, entry=8_000))

    def step(self, event: Event) -> Sequence[Effect]:
        """Step, and keep what the journal would hold."""
        effects = super().step(event)
        if type(event).__module__ != "bot.domain.market":
            self.record.append((self.engine.book.seq, event))
        self.record.extend((self.engine.book.seq, effect) for effect in effects)
        return effects

    def fill_all(self, seconds: float, price: float) -> None:
        """Fill the newest order whole."""
        order = self.orders[-1]
        quantity = order.approved.request.quantity
        self.step(fill(order, seconds, quantity, price, trade_id=f"t{next(self.trades)}"))
        self.step(ended(order, seconds, quantity))

    def breach(self, seconds: float, *, usdt: float = 1_000) -> None:
        """Bring the account into danger, whatever it was; then out of it, without a sale."""
        self.step(snapshot(seconds, usdt=usdt, btc=1_000, entry=8_000))
        self.step(trade(seconds + 1, 7_400))
        self.step(trade(seconds + 2, 8_000))
        self.step(snapshot(seconds + 3, usdt=9_000, btc=1_000, entry=8_000))

    @property
    def fires(self) -> list[int]:
        return [(effect.now - T0) // S for effect in self.found(OpenEpisode)]

    @property
    def state(self) -> TriggerState:
        return next(iter(self.engine.book.triggers.values())).state

    def alarms(self, code: str) -> list[str]:
        return [alarm.detail for alarm in self.found(RaiseAlarm) if alarm.code == code]

    def assert_refolds(self) -> None:
        """What the journal holds gives the living book, to the byte."""
        book = refold(self.engine.layout, None, self.record)  # type: ignore[arg-type]
        book.seq, book.now = self.engine.book.seq, self.engine.book.now
        assert checkpoint.dump(book) == checkpoint.dump(self.engine.book)
        again = checkpoint.load(checkpoint.dump(self.engine.book), self.engine.layout)
        assert checkpoint.dump(again) == checkpoint.dump(self.engine.book)


def rearm(seconds: float, rule: str = "guard") -> Command:
    return Command(T0 + round(seconds * S), 0, CommandKind.REARM, "test", rule, by="ann")


def test_engine_without_its_confirmation_does_not_fire_until_it_comes() -> None:
    """A breach alone is not enough; the second condition fires it, at once when the hold is served."""
    desk = Desk(guard("hold: 5s", "confirm: account.leverage > 18"))
    desk.step(trade(1, 7_450))                       # distance 5.6 %, leverage 16.6
    desk.run_timers(until=20)
    assert desk.fires == []
    desk.step(trade(21, 7_400))                      # leverage 18.5
    assert desk.fires == [21]


@pytest.mark.parametrize(("at", "expected"), [(8, [1, 11]), (11, [1, 12])], ids=["cooling", "cooled"])
def test_engine_in_cooldown_fires_no_earlier_than_it_ends(at: int, expected: list[int]) -> None:
    """Ten seconds lie between two fires; a breach inside them waits, by timer, and one after them does not."""
    desk = Desk(guard("cooldown: 10s"))
    desk.breach(0)
    desk.step(snapshot(at, usdt=1_000, btc=1_000, entry=8_000))
    desk.step(trade(at + 1, 7_400))
    desk.run_timers(until=30)
    assert desk.fires == expected
    desk.assert_refolds()


@pytest.mark.parametrize(
    ("line", "times"), [("latch: true", 1), ("max_fires: 1", 1), ("max_fires: 3", 3)], ids=["latch", "once", "thrice"]
)
def test_engine_rule_of_the_cost_class_latches_after_its_last_fire(line: str, times: int) -> None:
    """It fires as often as it may, says so, and is then off until an operator re-arms it."""
    desk = Desk(guard(line, order_class="cost"))
    for number in range(times + 2):
        desk.breach(10 * number)
    assert len(desk.fires) == times
    assert desk.state is LATCHED
    assert [alarm.partition(";")[0] for alarm in desk.alarms("rule_latched")] == [
        f"main: guard has fired {'once' if times == 1 else f'{times} times'}, may {times}"
    ]
    desk.step(rearm(100))
    assert desk.state is INACTIVE
    desk.breach(110)
    assert desk.fires[times:] == [111]
    desk.assert_refolds()


def test_engine_rule_of_the_margin_class_pages_instead_of_latching_while_a_position_is_open() -> None:
    """A guard that switched itself off would let the account die: it fires on, and calls a person each time more."""
    desk = Desk(guard("max_fires: 2"))
    for number in range(4):
        desk.breach(10 * number)
    assert len(desk.fires) == 4
    assert desk.state is INACTIVE
    assert [alarm.partition(",")[0] for alarm in desk.alarms("rule_not_latched")] == [
        "main: guard has fired 3 times", "main: guard has fired 4 times"
    ]
    assert desk.alarms("rule_latched") == []
    desk.assert_refolds()


def test_engine_rule_of_the_margin_class_latches_when_flat_and_arms_itself_with_the_next_position() -> None:
    """Nothing is guarded while nothing is held; the first new position finds its guard armed."""
    desk = Desk(guard("latch: true"))
    desk.step(trade(1, 7_400))
    desk.step(snapshot(2, usdt=400))
    assert desk.state is LATCHED
    desk.step(snapshot(3, usdt=400, btc=1_000, entry=7_400))
    assert desk.fires == [1, 3]
    desk.assert_refolds()


def test_engine_rearmed_inside_a_breach_fires_at_once() -> None:
    """The operator's word is looked at when it comes, not with the next price."""
    desk = Desk(guard("latch: true", order_class="cost"))
    desk.breach(0)
    desk.step(snapshot(10, usdt=1_000, btc=1_000, entry=8_000))
    desk.step(trade(11, 7_400))
    assert desk.fires == [1]
    desk.step(rearm(12))
    assert desk.fires == [1, 12]


def test_engine_rearm_of_an_unknown_rule_is_refused_aloud() -> None:
    """A slip of the pen must not look like a rule that was re-armed."""
    desk = Desk(guard("latch: true", order_class="cost"))
    desk.breach(0)
    desk.step(rearm(10, "gaurd"))
    assert desk.alarms("command_refused") == ["rearm: there is no rule of that name, was 'gaurd'"]
    assert desk.state is LATCHED


def test_engine_latched_before_a_restart_is_latched_after_it() -> None:
    """Count and latch are in the checkpoint: killing the process re-arms nothing."""
    desk = Desk(guard("latch: true", order_class="cost"))
    desk.breach(0)
    body = checkpoint.dump(desk.engine.book)
    text = guard("latch: true", order_class="cost")
    again = Driver(engine(text, book=checkpoint.load(body, desk.engine.layout)))
    again.step(Restarted(T0 + 20 * S, "test"))
    again.step(trade(20, 7_400))
    again.step(snapshot(20, usdt=1_000, btc=1_000, entry=8_000))
    assert again.found(OpenEpisode) == []
    again.step(rearm(21))
    assert len(again.found(OpenEpisode)) == 1


def test_engine_cooling_before_a_restart_cools_on_after_it() -> None:
    """A restart hurries a hold, not a cooldown."""
    desk = Desk(guard("hold: 2s", "cooldown: 30s"))
    desk.step(trade(1, 7_400))
    desk.run_timers(until=3)
    desk.step(trade(4, 8_000))
    desk.step(snapshot(5, usdt=9_000, btc=1_000, entry=8_000))
    desk.run_timers(until=8)
    assert desk.fires == [3]
    body = checkpoint.dump(desk.engine.book)
    again = Driver(engine(guard("hold: 2s", "cooldown: 30s"), book=checkpoint.load(body, desk.engine.layout)))
    again.step(Restarted(T0 + 10 * S, "test"))
    again.step(trade(10, 7_400))
    again.step(snapshot(10, usdt=1_000, btc=1_000, entry=8_000))
    again.run_timers(until=60)
    assert [(effect.now - T0) // S for effect in again.found(OpenEpisode)] == [33]


STOP_TWICE = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    latch: true
    cooldown: 1h
    do: close
"""


def test_engine_latched_close_ends_with_its_position() -> None:
    """A later re-entry is a new episode: its stop is armed and does not cool down for the one before."""
    driver = Driver(engine(STOP_TWICE))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=100, entry=8_000))
    driver.step(trade(1, 7_500))
    driver.step(snapshot(2, usdt=9_950))
    driver.step(snapshot(3, usdt=9_950, btc=100, entry=7_500))
    driver.step(trade(4, 7_000))
    assert [(effect.now - T0) // S for effect in driver.found(OpenEpisode)] == [1, 4]


def test_engine_counts_the_fires_of_each_position_by_itself() -> None:
    """Two positions do not share one latch."""
    driver = Driver(engine(STOP_TWICE))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=10_000, btc=100, entry=8_000, eth=1_000, eth_entry=200))
    driver.step(trade(1, 7_500))
    driver.step(trade(2, 180, instrument=1))
    assert len(driver.found(OpenEpisode)) == 2
    assert [fires.count for fires in driver.engine.book.fires.values()] == [1, 1]


@pytest.mark.parametrize(("until", "reasons"), [("goal", ["goal met"]), ("clear", [])], ids=["goal", "clear"])
def test_engine_until_decides_whether_a_goal_is_reached_once_or_kept(until: str, reasons: list[str]) -> None:
    """Until its goal an episode is over when it is reached; until cleared it sells again what is lost again."""
    desk = Desk(guard("clear: account.liquidation_distance > 40%", f"until: {until}"))
    desk.step(trade(1, 7_400))
    desk.fill_all(2, 7_400)
    assert [effect.reason for effect in desk.found(EndEpisode)] == reasons
    orders = len(desk.orders)
    desk.step(trade(3, 7_000))
    desk.run_timers(until=20)
    assert (len(desk.orders) > orders) is (until == "clear")
    assert desk.fires == [1]
    desk.assert_refolds()


def test_engine_until_clear_ends_when_the_rule_is_cleared() -> None:
    """Recovery far enough ends the duty, and the rule is armed again."""
    desk = Desk(guard("clear: account.liquidation_distance > 40%", "until: clear"))
    desk.step(trade(1, 7_400))
    desk.fill_all(2, 7_400)
    desk.step(snapshot(3, usdt=9_000, btc=100, entry=8_000))
    assert [effect.reason for effect in desk.found(EndEpisode)] == ["cleared"]
    assert desk.state is INACTIVE
    assert not desk.engine.book.episodes


def test_engine_until_clear_wants_nothing_sold_while_its_goal_is_met_by_recovery() -> None:
    """A market that comes back ends the selling, though the episode goes on."""
    desk = Desk(guard("clear: account.liquidation_distance > 40%", "until: clear"))
    desk.step(trade(1, 7_400))
    desk.step(ended(desk.orders[-1], 2, 0))
    desk.step(snapshot(3, usdt=2_500, btc=1_000, entry=8_000))       # 25 %: past the goal, not cleared
    orders = len(desk.orders)
    desk.run_timers(until=30)
    assert desk.found(PlanEpisode)[-1].cuts == ()
    assert not desk.engine.book.parents
    assert len(desk.orders) == orders
    assert len(desk.engine.book.episodes) == 1
    desk.assert_refolds()


STORMY = (
    guard("confirm: account.leverage > 3", "hold: 1s", "until: clear", "cooldown: 20s"),
    guard("max_fires: 1", order_class="cost").replace("guard", "once").replace("6%", "8%"),
    STOP_TWICE,
)


@pytest.mark.parametrize("seed", range(3))
def test_refold_of_a_storm_with_all_kinds_of_triggers_is_the_living_book(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a bad venue does in between, facts and effects give back counts, latches and cooldowns."""
    stormy = rules(*STORMY)
    monkeypatch.setattr(storm, "bundled_rules", lambda: stormy)
    made = storm.Storm(seed, others_trade=seed % 2 == 0)
    made.run(400)
    book, live = refold(made.shape, None, made.record), made.engine.book
    book.seq, book.now = live.seq, live.now
    assert live.fires
    assert checkpoint.dump(book) == checkpoint.dump(live)


def test_fold_of_a_command_about_another_account_or_rule_sets_nothing_back() -> None:
    """Only the named rule of the named account is re-armed."""
    desk = Desk(guard("latch: true", order_class="cost"))
    desk.breach(0)
    before = dict(desk.engine.book.fires)
    fold(desk.engine.book, Command(T0, 1, CommandKind.REARM, "test", "guard", by="ann"))
    fold(desk.engine.book, Command(T0, 0, CommandKind.REARM, "test", "other", by="ann"))
    fold(desk.engine.book, Command(T0, 0, CommandKind.FREEZE, "test", "guard"))
    fold(desk.engine.book, Command(T0, 0, CommandKind.REARM, "nobody says so", "guard"))
    assert desk.engine.book.fires == before
    assert len(desk.found(MoveTrigger)) == 2
