"""Commands between everything else: no order of events sells too much, and what is shut stays shut."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.effects import EndParent, OpenParent, PlaceOrder
from bot.domain.events import (
    Command,
    CommandKind,
    InstrumentStatus,
    OrderAccepted,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
    Restarted,
)
from bot.domain.instrument import TradingState
from bot.domain.latch import Latch
from bot.domain.order import OrderClass, Side
from bot.domain.scale import NS_PER_SECOND
from bot.engine.record import checkpoint
from tests.builders import GUARD, T0, layout, trade
from tests.engine.driver import SLOW_STOP, Trader, engine, long_of

HELD = 1_000
RULES = (SLOW_STOP.replace("collar: 2%", "collar: 2%, order_class: cost"), GUARD)


class Storm:
    """A long under random prices, commands and answers; one second passes between two of them."""

    def __init__(self) -> None:
        self.driver = long_of(HELD, *RULES, usdt=1_500)
        self.second = 0
        self.placed_while: list[tuple[Latch, PlaceOrder]] = []
        self.known = 0

    def out(self) -> list[PlaceOrder]:
        live = self.driver.engine.book.orders
        return [order for order in self.driver.orders if order.approved.request.name in live]

    def price(self, value: int) -> None:
        self.driver.step(trade(self.second, value))

    def command(self, kind: CommandKind) -> None:
        self.driver.step(Command(self.now, 0, kind, "a storm", by="ann"))

    def status(self, state: TradingState) -> None:
        self.driver.step(InstrumentStatus(self.now, self.now, 0, state))

    def external(self, quantity: int) -> None:
        left = self.driver.held
        if left > 0:
            self.driver.external(self.second, min(quantity, left), price=8_000, side=Side.SELL)

    def answer(self, how: str) -> None:
        for order in self.out():
            name = order.approved.request.name
            size = min(order.approved.request.quantity, max(self.driver.held, 0))
            match how:
                case "fill":
                    self.driver.fill(order, self.second, size, price=7_600)
                case "part":
                    self.driver.fill(order, self.second, size // 2, price=7_600)
                case "accept":
                    self.driver.step(OrderAccepted(self.now, 0, name))
                case "unknown":
                    self.driver.step(OrderOutcomeUnknown(self.now, 0, name, "timeout"))
                case "reject":
                    self.driver.step(OrderRejected(self.now, 0, name, "-1", "a storm"))
                case _:
                    self.driver.step(OrderNotSent(self.now, 0, name, "late"))

    def restart(self) -> None:
        """Take up again from the checkpoint; it equals the book that the effects fold to."""
        body = checkpoint.dump(self.driver.engine.book)
        book = checkpoint.load(body, layout())
        assert checkpoint.dump(book) == body
        again = Trader(engine(*RULES, book=book))
        again.effects, again.trades = self.driver.effects, self.driver.trades
        self.driver = again
        self.driver.step(Restarted(self.now, "restart"))
        self.driver.engine.is_ready[0] = True            # the venue's word agrees with ours
        self.price(7_700)

    @property
    def now(self) -> int:
        return T0 + self.second * NS_PER_SECOND

    def live(self, act: Callable[[], None]) -> None:
        self.second += 1
        before = self.driver.engine.book.accounts[0].latch
        self.driver.run_timers(until=self.second)
        act()
        after = self.driver.engine.book.accounts[0].latch
        new = self.driver.orders[self.known:]
        self.known = len(self.driver.orders)
        if before is after:
            self.placed_while += [(after, order) for order in new]
        self.check()

    def check(self) -> None:
        book = self.driver.engine.book
        assert 0 <= self.driver.held <= HELD
        assert book.working[0] >= 0
        shut = book.accounts[0].latch
        names = [order.approved.request.name for order in self.driver.orders]
        assert len(set(names)) == len(names)
        if shut.is_killed:
            assert all(
                duty.order_class is OrderClass.MARGIN for parent in book.parents.values() for duty in parent.obligations
            )


ACTS = st.one_of(
    st.tuples(st.just("price"), st.sampled_from([8_100, 7_900, 7_650, 7_500, 7_300])),
    st.tuples(st.just("command"), st.sampled_from(
        [CommandKind.FREEZE, CommandKind.KILL, CommandKind.FLATTEN, CommandKind.RESUME]
    )),
    st.tuples(st.just("status"), st.sampled_from(list(TradingState))),
    st.tuples(st.just("answer"), st.sampled_from(["fill", "part", "accept", "unknown", "reject", "late"])),
    st.tuples(st.just("answer"), st.sampled_from(["fill", "part"])),
    st.tuples(st.just("external"), st.integers(1, 300)),
    st.tuples(st.just("restart")),
)


@settings(derandomize=True, deadline=None, max_examples=80)
@given(acts=st.lists(ACTS, min_size=10, max_size=60))
def test_commands_among_prices_and_answers_never_sell_too_much(acts: list[tuple[object, ...]]) -> None:
    """Never below zero, no name twice, killed sells for nobody but survival, every parent ends for a reason; and told
    to flatten in the end, with answers that come, nothing is left and the account is shut."""
    storm = Storm()
    for act, *arguments in acts:
        method = getattr(storm, str(act))
        storm.live(lambda method=method, arguments=arguments: method(*arguments))  # type: ignore[misc]
    for shut, order in storm.placed_while:
        request = order.approved.request
        assert request.reduce_only
        assert not shut.is_killed or request.order_class is OrderClass.MARGIN

    storm.live(lambda: storm.status(TradingState.TRADING))
    storm.live(lambda: storm.command(CommandKind.FLATTEN))
    for _ in range(90):
        storm.live(lambda: storm.answer("fill"))

    assert storm.driver.held == 0
    assert storm.driver.engine.book.accounts[0].latch is Latch.KILLED
    assert storm.driver.engine.book.parents == {}
    opened, ended = storm.driver.found(OpenParent), storm.driver.found(EndParent)
    assert {parent.parent for parent in opened} == {end.parent for end in ended}
    assert all(end.reason for end in ended)
