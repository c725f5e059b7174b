"""Over random cases: what the gate approves never raises exposure, and nothing of ours holds an exit up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.copying import replace
from bot.domain.denials import CONTROLS, DenialCode, Denied, Exits
from bot.domain.effects import ReserveNames, SetLatch
from bot.domain.instrument import TradingState
from bot.domain.latch import Latch
from bot.domain.market import Quote
from bot.domain.names import child_name, parent_name
from bot.domain.order import Approved, OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import CASH_UNIT, NS_PER_HOUR
from bot.domain.units import Money
from bot.engine.gate import Gate
from bot.engine.measures.columns import Columns
from bot.engine.measures.market import Market
from bot.engine.record.book import Book, Hour, Order
from bot.engine.record.fold import fold
from bot.engine.spec import LimitsSpec
from bot.execution.slicer import limit_price
from tests.builders import KEY, T0, layout
from tests.engine.gate_bench import FILTERS, HELD, Bench, order

MARK = 500_000
CLASSES = st.sampled_from(list(OrderClass))
SIDES = st.sampled_from(list(Side))
# What only a venue, a bug of ours, or an order that is no exit can bring about.
HARD = {code for code, control in CONTROLS.items() if control.exits in (Exits.VENUE, Exits.NEVER, Exits.OURS)}


LATCHES = st.sampled_from([Latch.OPEN, Latch.OPEN, Latch.OPEN, *Latch])


def book_of(held: int, others: int, out: list[Order], *, cash: int, shut: Latch, side: Side) -> Book:
    """BTC and ETH in one account; ``out`` works on the first."""
    book = Book.empty(layout())
    book.accounts[0].adopted = True
    book.accounts[0].wallet = cash * CASH_UNIT
    book.quantity[:] = [held, others]
    book.entry_value[:] = [held * MARK * 1_000, others * MARK * 1_000]
    for working in out:
        book.orders[working.name] = working
        book.working[0] += working.leaves
    fold(book, ReserveNames(parent_name("pen", KEY, side, 0), KEY, side, 0, 32, abs(held)))
    fold(book, SetLatch(0, shut, "test", "ann", T0))
    return book


def gate_over(book: Book, mark: int | None, limits: LimitsSpec, quote: Quote | None = None) -> Gate:
    columns, market = Columns(book.layout, book), Market(book.layout)
    if mark is not None:
        columns.move_price(0, mark)
        columns.move_price(1, mark)
        columns.rebuild(0)
    if quote is not None:
        market.take(quote)
    return Gate(book, columns, market, limits)


@st.composite
def requests(draw: st.DrawFn, side: Side) -> OrderRequest:
    """An order that is nearly good, of one reserved name: each part may be bent, most are not."""

    def mostly(good: st.SearchStrategy[Any], bent: st.SearchStrategy[Any]) -> Any:
        return draw(bent if draw(st.integers(0, 9)) == 0 else good)

    order_class = draw(CLASSES)
    is_stop = order_class is OrderClass.STOP
    is_reducer = order_class in (OrderClass.MARGIN, OrderClass.COST, OrderClass.STOP)
    losing = MARK - side.sign * -50 * draw(st.integers(1, 9_000))
    return OrderRequest(
        name=child_name(parent_name("pen", KEY, side, 0), mostly(st.integers(0, 31), st.integers(32, 40))),
        key=KEY,
        side=mostly(st.just(side), SIDES),
        quantity=mostly(st.integers(1, 1_200), st.integers(-5, 5_000)),
        limit_price=mostly(
            st.none() if is_stop else st.integers(9_800, 10_200).map(lambda ticks: ticks * 50),
            st.one_of(st.none(), st.integers(-10, 1_000_000)),
        ),
        time_in_force=draw(st.sampled_from([TimeInForce.IOC, TimeInForce.POST_ONLY])),
        reduce_only=mostly(st.just(is_reducer), st.booleans()),
        order_class=order_class,
        trigger_price=mostly(st.just(losing if is_stop else None), st.one_of(st.none(), st.integers(-10, 1_000_000))),
    )


@settings(derandomize=True, deadline=None, max_examples=800)
@given(data=st.data(), held=st.integers(0, 2_000), others=st.integers(-2_000, 2_000), side=SIDES,
       cash=st.integers(-1_000, 100_000), shut=LATCHES)
def test_approved_order_never_raises_exposure_whatever_else_fills(
    data: st.DataObject, held: int, others: int, side: Side, cash: int, shut: Latch
) -> None:
    """With every other order filled or none, |position| or |delta| is no larger after it, and keeps its sign."""
    held *= -side.sign                                 # else there is nothing to approve
    sizes = data.draw(st.lists(st.integers(1, 300), max_size=3))
    out = [Order(f"o{n}", "p", 0, side, size, MARK, T0, T0) for n, size in enumerate(sizes)]
    book = book_of(held, others, out, cash=cash, shut=shut, side=side)
    request = data.draw(requests(side))
    limits = LimitsSpec(order_notional_max=Money(Decimal(10**9), "USDT"))

    verdict = gate_over(book, MARK, limits).judge(request, T0)

    if isinstance(verdict, Denied):
        return
    assert verdict.request is request
    assert request.quantity > 0
    for working in (0, sum(sizes)) if request.side is side and request.order_class is not OrderClass.STOP else (0,):
        after = held + request.side.sign * (request.quantity + working)
        assert held * after >= 0, "flipped"
        assert abs(after) < abs(held), "larger"
    if shut.is_killed:
        assert request.reduce_only
    if request.order_class in (OrderClass.MARGIN, OrderClass.COST, OrderClass.STOP):
        assert request.reduce_only


@settings(derandomize=True, deadline=None, max_examples=300)
@given(data=st.data(), side=SIDES, held=st.integers(-2_000, 2_000), mark=st.sampled_from([None, 0, -1]))
def test_without_a_mark_only_a_stop_is_ever_approved(
    data: st.DataObject, side: Side, held: int, mark: int | None
) -> None:
    """None, zero and less are no prices, and nothing but the venue's own stop goes without one."""
    book = book_of(held, 0, [], cash=10_000, shut=Latch.OPEN, side=side)
    gate = gate_over(book, None, LimitsSpec())
    gate.columns.mark[0] = mark
    verdict = gate.judge(data.draw(requests(side)), T0)
    assert isinstance(verdict, Denied) or verdict.request.order_class is OrderClass.STOP


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    held=st.integers(1, 2_000), others=st.integers(-2_000, 2_000), is_long=st.booleans(), share=st.floats(0.01, 1),
    cash=st.integers(-100_000, 100_000), shut=LATCHES, bid=st.integers(1, 1_000_000),
    sent=st.integers(0, 10**6), collar=st.sampled_from([0.001, 0.01, 0.02, 0.08]),
)
def test_good_exit_of_survival_passes_every_control_of_ours(
    held: int, others: int, is_long: bool, share: float, cash: int, shut: Latch, bid: int, sent: int, collar: float
) -> None:
    """Frozen or killed, broke, amid nonsense quotes, after a million orders: a clean reducer always goes out."""
    side = Side.SELL if is_long else Side.BUY
    book = book_of(held if is_long else -held, others, [], cash=cash, shut=shut, side=side)
    book.accounts[0].hours = [Hour(T0 // NS_PER_HOUR, survival=sent, others=sent)]
    book.trading[0] = TradingState.REDUCE_ONLY
    quote = Quote(T0, T0, 0, bid, 1, max(1, bid - 1_000), 1)
    filters = book.layout.instruments[0].filters
    request = OrderRequest(
        name=child_name(parent_name("pen", KEY, side, 0), 0), key=KEY, side=side,
        quantity=max(filters.quantity_min, filters.lot, int(held * share)),
        limit_price=limit_price(mark=MARK, collar=collar, sign=side.sign, tick=filters.tick),
        time_in_force=TimeInForce.IOC, reduce_only=True, order_class=OrderClass.MARGIN,
    )
    limits = LimitsSpec(order_notional_max=Money(Decimal(10**9), "USDT"))

    assert isinstance(gate_over(book, MARK, limits, quote).judge(request, T0), Approved)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(data=st.data(), held=st.integers(-2_000, 2_000), side=SIDES, shut=LATCHES)
def test_denial_of_an_exit_is_never_of_a_control_that_lets_exits_pass(
    data: st.DataObject, held: int, side: Side, shut: Latch
) -> None:
    """The table of the docs is true: what it says of exits is what happens to them."""
    book = book_of(held, 0, [], cash=data.draw(st.integers(-1_000, 100_000)), shut=shut, side=side)
    book.trading[0] = data.draw(st.sampled_from(list(TradingState)))
    quote = Quote(T0, T0, 0, *data.draw(st.tuples(st.just(MARK), st.just(1), st.sampled_from([MARK, MARK + 50]))), 1)
    request = replace(data.draw(requests(side)), reduce_only=True)

    verdict = gate_over(book, MARK, LimitsSpec(), quote).judge(request, T0)

    if isinstance(verdict, Denied):
        exits = CONTROLS[verdict.code].exits
        assert exits is not Exits.PASS, verdict
        assert request.order_class not in (OrderClass.MARGIN, OrderClass.STOP) or exits is not Exits.MARGIN_PASS


def test_controls_that_stop_an_exit_for_good_are_the_venues_or_no_exits() -> None:
    """Ours that bind an exit shape it; a new code has to take a stand here."""
    ours = set(DenialCode) - HARD
    assert all(
        CONTROLS[code].exits in (Exits.PASS, Exits.MARGIN_PASS, Exits.SHAPED) for code in ours
    )
    assert {code for code in ours if CONTROLS[code].exits is Exits.SHAPED} == {
        DenialCode.COLLAR_BREACHED, DenialCode.MARK_UNAVAILABLE, DenialCode.NOTIONAL_ABOVE_MAX,
        DenialCode.PRICE_MISSING, DenialCode.RATE_EXCEEDED,
    }


COLLARS = st.sampled_from([0.001, 0.0025, 0.005, 0.01, 0.0125, 0.015, 0.02, 0.04, 0.06, 0.07, 0.08])


@settings(derandomize=True, deadline=None, max_examples=400)
@given(mark=st.integers(100, 10**10), collar=COLLARS, tick=st.sampled_from([1, 5, 10, 50]), is_sell=st.booleans())
def test_limit_price_at_any_collar_passes_that_collar(mark: int, collar: float, tick: int, is_sell: bool) -> None:
    """What the slicer prices at a collar the gate never takes to be beyond it, whatever floats do."""
    side = Side.SELL if is_sell else Side.BUY
    limits = LimitsSpec(
        order_notional_max=Money(Decimal(10**12), "USDT"), price_collar=collar, margin_collar_max=collar
    )
    bench = Bench(
        filters=replace(FILTERS, tick=tick), limits=limits, mark=mark, held=-side.sign * HELD, side=side
    )
    limit = limit_price(mark=mark, collar=collar, sign=side.sign, tick=tick)
    if limit <= 0:
        return

    verdict = bench.judge(order(side=side, limit_price=limit, quantity=10))

    assert isinstance(verdict, Approved), verdict
