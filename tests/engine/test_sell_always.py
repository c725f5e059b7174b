"""Sales between everything else: whatever happens in whatever order, no more is sold than was asked for."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.events import Command, CommandKind
from bot.domain.instrument import TradingState
from bot.domain.order import OrderClass, Side
from bot.domain.sale import Sale, SaleTerms, TakeSale
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from tests.builders import KEY
from tests.engine.test_halts_always import HELD, Storm

CALM = (8_100, 7_900, 7_700)         # no rule fires: what is sold is sold for a person


class SaleStorm(Storm):
    """The storm of halts, with sales in it, and people who buy as well."""

    def __init__(self) -> None:
        super().__init__()
        self.bought = self.sold_by_others = 0

    def sell(self, name: int, quantity: int, over: int) -> None:
        self._say(Sale(f"sale {name}", KEY, SaleTerms(over * NS_PER_SECOND, "taker"), quantity))

    def raise_cash(self, name: int, usdt: int) -> None:
        self._say(Sale(f"sale {name}", None, SaleTerms(0, "taker"), cash=usdt * CASH_UNIT))

    def take_back(self, name: int) -> None:
        kind = CommandKind.END_SALE
        self.driver.step(Command(self.now, 0, kind, "a storm", rule=f"sale {name}", by="ann"))

    def buy(self, quantity: int) -> None:
        if self.driver.held > 0:         # opened anew it would be another position
            self.bought += quantity
            self.driver.external(self.second, quantity, price=8_000, side=Side.BUY)

    def external(self, quantity: int) -> None:
        before = self.driver.held
        super().external(quantity)
        self.sold_by_others += before - self.driver.held

    def check(self) -> None:
        held = self.driver.held
        sold = HELD + self.bought - self.sold_by_others - held
        asked = sum(taken.offer.quantity for taken in self.driver.found(TakeSale))
        assert held >= 0
        assert 0 <= sold <= asked
        book = self.driver.engine.book
        assert book.working[0] >= 0
        if book.accounts[0].latch.is_killed:
            assert not book.parents and not book.episodes
        names = [order.approved.request.name for order in self.driver.orders]
        assert len(set(names)) == len(names)

    def _say(self, what: Sale) -> None:
        self.driver.step(Command(self.now, 0, CommandKind.SELL, "a storm", by="ann", sale=what))


NAMES = st.integers(0, 5)
ACTS = st.one_of(
    st.tuples(st.just("sell"), NAMES, st.integers(0, 700), st.sampled_from([0, 5, 30])),
    st.tuples(st.just("sell"), NAMES, st.integers(1, 300), st.sampled_from([0, 30])),
    st.tuples(st.just("raise_cash"), NAMES, st.integers(500, 1_600)),
    st.tuples(st.just("take_back"), NAMES),
    st.tuples(st.just("buy"), st.integers(1, 300)),
    st.tuples(st.just("external"), st.integers(1, 300)),
    st.tuples(st.just("price"), st.sampled_from(CALM)),
    st.tuples(st.just("command"), st.sampled_from([CommandKind.FREEZE, CommandKind.KILL, CommandKind.RESUME])),
    st.tuples(st.just("status"), st.sampled_from(list(TradingState))),
    st.tuples(st.just("answer"), st.sampled_from(["fill", "part", "accept", "unknown", "reject", "late"])),
    st.tuples(st.just("answer"), st.sampled_from(["fill", "part"])),
    st.tuples(st.just("restart")),
)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(acts=st.lists(ACTS, min_size=10, max_size=60))
def test_sales_among_prices_people_halts_and_restarts_never_sell_more_than_was_asked(
    acts: list[tuple[object, ...]]
) -> None:
    """Never more than all that were taken add up to, never below zero, always reduce-only and in the class of cost; and
    with answers that come in the end, no sale is left over."""
    storm = SaleStorm()
    for act, *arguments in acts:
        method = getattr(storm, str(act))
        storm.live(lambda method=method, arguments=arguments: method(*arguments))  # type: ignore[misc]
    storm.live(lambda: storm.status(TradingState.TRADING))
    storm.live(lambda: storm.price(8_000))
    for _ in range(60):
        storm.live(lambda: storm.answer("fill"))

    requests = [order.approved.request for order in storm.driver.orders]
    assert all(request.reduce_only and request.order_class is OrderClass.COST for request in requests)
    book = storm.driver.engine.book
    assert not book.episodes and not book.parents
    assert all(record.ended is not None for record in book.sales.values())
