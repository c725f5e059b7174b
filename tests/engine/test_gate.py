"""The gate, code by code: what is refused, and what on the other side of the same limit is not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.account import PositionKey
from bot.domain.denials import DenialCode, Denied
from bot.domain.effects import OpenParent, PlaceOrder, ReserveNames, SetFreeze
from bot.domain.instrument import Filters
from bot.domain.names import NAME_LENGTH_MAX, child_name, parent_name
from bot.domain.order import Approved, OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from bot.domain.units import Money
from bot.engine.book import Book
from bot.engine.columns import Columns
from bot.engine.fold import fold
from bot.engine.gate import CONTROLS, VALID_FOR, Gate
from bot.engine.layout import Layout
from bot.engine.spec import LimitsSpec
from bot.execution.slicer import limit_price
from tests.builders import ETH_KEY, KEY, T0, layout

MARK = 500_000                       # 5,000.00
HELD = 1_000                         # 1.000 BTC long
FILTERS = Filters(tick=50, lot=5, quantity_min=10, quantity_max=800, notional_min=50 * CASH_UNIT)
PARENT = parent_name("pen", KEY, Side.SELL, 0)
RESERVED = 32


@dataclass
class Bench:
    """A book with one marked long position, and the gate over it; everything may be bent before judging."""

    filters: Filters = FILTERS
    limits: LimitsSpec = field(
        default_factory=lambda: LimitsSpec(order_notional_max=Money(Decimal(3_000), "USDT"), order_rate_max=3.0)
    )
    mark: int | None = MARK
    held: int = HELD
    working: int = 0
    side: Side = Side.SELL
    sent_ago: tuple[int, ...] = ()
    frozen: bool = False
    used: int = 0

    def judge(self, request: OrderRequest) -> Approved | Denied:
        book = Book.empty(self._layout())
        book.accounts[0].adopted = True
        book.quantity[0] = self.held
        book.working[0] = self.working
        fold(book, ReserveNames(PARENT, KEY, self.side, 0, RESERVED, HELD))
        book.accounts[0].sends.extend(T0 - ago for ago in self.sent_ago)
        if self.frozen:
            fold(book, SetFreeze(0, True, "test", T0))
        if self.used:
            fold(book, OpenParent(PARENT, KEY, self.side, HELD, 0, (), MARK, MARK, 0, 0, T0))
            book.parents[PARENT].next_child = self.used
        columns = Columns(book.layout, book)
        if self.mark is not None:
            columns.move_price(0, self.mark)
            columns.move_price(1, self.mark)
        return Gate(book, columns, self.limits).judge(request, T0)

    def _layout(self) -> Layout:
        plain = layout()
        first = replace(plain.instruments[0], filters=self.filters)
        return Layout((first, *plain.instruments[1:]), plain.tiers, plain.accounts)


def order(child: int = 0, **changes: object) -> OrderRequest:
    """A sell of 0.400 BTC at 1 % under the mark that nothing is wrong with."""
    good = OrderRequest(
        name=child_name(PARENT, child), key=KEY, side=Side.SELL, quantity=400, limit_price=495_000,
        time_in_force=TimeInForce.IOC, reduce_only=True, order_class=OrderClass.MARGIN,
    )
    return replace(good, **changes)  # type: ignore[arg-type]


def hedge(quantity: int = 400) -> OrderRequest:
    return order(reduce_only=False, order_class=OrderClass.HEDGE, quantity=quantity)


def sell(limit: int, order_class: OrderClass) -> OrderRequest:
    return order(limit_price=limit, order_class=order_class)


def buy(limit: int, order_class: OrderClass) -> OrderRequest:
    return order(side=Side.BUY, limit_price=limit, order_class=order_class)


SHORT = Bench(held=-HELD, side=Side.BUY)
SMALL = Bench(filters=replace(FILTERS, reduce_only_below_notional_min=False))
OPENING = Bench(filters=replace(FILTERS, reduce_only_below_notional_min=True))

# (what is judged, the bench, the request, the code or None)
ROWS: list[tuple[str, Bench, OrderRequest, DenialCode | None]] = [
    ("good", Bench(), order(), None),
    ("unknown account", Bench(), order(key=PositionKey(1, 0)), DenialCode.INSTRUMENT_UNKNOWN),
    ("unknown instrument", Bench(), order(key=PositionKey(0, 2)), DenialCode.INSTRUMENT_UNKNOWN),
    ("no mark", Bench(mark=None), order(), DenialCode.MARK_UNAVAILABLE),

    ("last reserved name", Bench(), order(RESERVED - 1), None),
    ("first name past the reservation", Bench(), order(RESERVED), DenialCode.NAME_NOT_RESERVED),
    ("name of no parent", Bench(), order(name="pena00sn000009000"), DenialCode.NAME_NOT_RESERVED),
    ("name of a person", Bench(), order(name="web_1"), DenialCode.NAME_NOT_RESERVED),
    ("empty name", Bench(), order(name=""), DenialCode.NAME_NOT_RESERVED),
    ("name longer than any of ours", Bench(), order(name="p" * (NAME_LENGTH_MAX + 1)), DenialCode.NAME_NOT_RESERVED),
    ("name of another instrument", Bench(), order(key=ETH_KEY), DenialCode.NAME_NOT_RESERVED),
    ("name reserved for the other side", Bench(side=Side.BUY), order(), DenialCode.NAME_NOT_RESERVED),
    ("next name", Bench(used=3), order(3), None),
    ("name just used", Bench(used=3), order(2), DenialCode.NAME_REUSED),
    ("first name again", Bench(used=3), order(0), DenialCode.NAME_REUSED),

    ("frozen, reducing", Bench(frozen=True), order(), None),
    ("frozen, hedging", Bench(frozen=True), hedge(), DenialCode.ACCOUNT_FROZEN),
    ("not frozen, hedging", Bench(), hedge(), None),

    ("margin class without reduce-only", Bench(), order(reduce_only=False), DenialCode.REDUCE_ONLY_MISSING),
    ("cost class without reduce-only", Bench(), order(reduce_only=False, order_class=OrderClass.COST),
     DenialCode.REDUCE_ONLY_MISSING),
    ("sell of a short", Bench(held=-HELD), order(), DenialCode.REDUCE_ONLY_INCREASES),
    ("sell of nothing", Bench(held=0), order(), DenialCode.REDUCE_ONLY_INCREASES),
    ("buy of a long", replace(SHORT, held=HELD), buy(505_000, OrderClass.MARGIN), DenialCode.REDUCE_ONLY_INCREASES),
    ("buy of a short", SHORT, buy(505_000, OrderClass.MARGIN), None),
    ("all that is held", Bench(held=400), order(), None),
    ("a lot more than is held", Bench(held=400), order(quantity=405), DenialCode.REDUCE_ONLY_FLIPS),
    ("all that is held and not working", Bench(working=600), order(), None),
    ("one unit of it is working", Bench(working=601), order(), DenialCode.REDUCE_ONLY_FLIPS),
    ("all is working", Bench(working=HELD), order(quantity=10), DenialCode.REDUCE_ONLY_FLIPS),
    ("all of a short is working", replace(SHORT, working=601), buy(505_000, OrderClass.MARGIN),
     DenialCode.REDUCE_ONLY_FLIPS),

    ("a unit above the lot", Bench(), order(quantity=401), DenialCode.QUANTITY_OFF_LOT),
    ("a unit below the lot", Bench(), order(quantity=399), DenialCode.QUANTITY_OFF_LOT),
    ("at the venue's minimum", Bench(), order(quantity=10), None),
    ("a lot below it", Bench(), order(quantity=5), DenialCode.QUANTITY_BELOW_MIN),
    ("zero", Bench(), order(quantity=0), DenialCode.QUANTITY_BELOW_MIN),
    ("zero where the venue has no minimum", Bench(filters=replace(FILTERS, quantity_min=0)), order(quantity=0),
     DenialCode.QUANTITY_BELOW_MIN),
    ("negative", Bench(), order(quantity=-5), DenialCode.QUANTITY_BELOW_MIN),
    ("at the venue's maximum", Bench(filters=replace(FILTERS, quantity_max=400)), order(), None),
    ("a lot above it", Bench(filters=replace(FILTERS, quantity_max=395)), order(), DenialCode.QUANTITY_ABOVE_MAX),

    ("no price", Bench(), order(limit_price=None), DenialCode.PRICE_MISSING),
    ("a price of zero", Bench(), order(limit_price=0), DenialCode.PRICE_MISSING),
    ("a negative price", Bench(), order(limit_price=-50), DenialCode.PRICE_MISSING),
    ("a stop without a limit", Bench(), order(limit_price=None, order_class=OrderClass.STOP),
     DenialCode.PRICE_MISSING),
    ("a unit above the tick", Bench(), order(limit_price=495_001), DenialCode.PRICE_OFF_TICK),
    ("a unit below the tick", Bench(), order(limit_price=494_999), DenialCode.PRICE_OFF_TICK),

    ("margin sell at 8 %", Bench(), sell(460_000, OrderClass.MARGIN), None),
    ("margin sell a tick further", Bench(), sell(459_950, OrderClass.MARGIN), DenialCode.COLLAR_BREACHED),
    ("cost sell at 2 %", Bench(), sell(490_000, OrderClass.COST), None),
    ("cost sell a tick further", Bench(), sell(489_950, OrderClass.COST), DenialCode.COLLAR_BREACHED),
    ("margin buy at 8 %", SHORT, buy(540_000, OrderClass.MARGIN), None),
    ("margin buy a tick further", SHORT, buy(540_050, OrderClass.MARGIN), DenialCode.COLLAR_BREACHED),
    ("cost buy at 2 %", SHORT, buy(510_000, OrderClass.COST), None),
    ("cost buy a tick further", SHORT, buy(510_050, OrderClass.COST), DenialCode.COLLAR_BREACHED),
    ("sell above the mark", Bench(), sell(550_000, OrderClass.COST), None),
    ("buy below the mark", SHORT, buy(450_000, OrderClass.COST), None),
    ("operator at 2 %", Bench(), sell(490_000, OrderClass.OPERATOR), None),
    ("operator a tick further", Bench(), sell(489_950, OrderClass.OPERATOR), DenialCode.COLLAR_BREACHED),

    ("at the cap: 0.600 at 5,000", Bench(), order(quantity=600), None),
    ("a lot above the cap", Bench(), order(quantity=605), DenialCode.NOTIONAL_ABOVE_MAX),
    ("a buy counts at its limit: 0.595 at 5,050", SHORT, order(side=Side.BUY, limit_price=505_000, quantity=595),
     DenialCode.NOTIONAL_ABOVE_MAX),
    ("a buy at the cap: 0.590 at 5,050", SHORT, order(side=Side.BUY, limit_price=505_000, quantity=590), None),
    ("a sell counts at least at the mark", Bench(), order(limit_price=460_000, quantity=605),
     DenialCode.NOTIONAL_ABOVE_MAX),
    ("worth the venue's least", SMALL, order(quantity=10), None),
    ("worth less", replace(SMALL, mark=499_999), order(quantity=10), DenialCode.NOTIONAL_BELOW_MIN),
    ("worth less, but reducing", Bench(mark=499_999), order(quantity=10), None),
    ("worth less, and opening", replace(OPENING, mark=499_999), hedge(quantity=10),
     DenialCode.NOTIONAL_BELOW_MIN),

    ("two in the last second", Bench(sent_ago=(0, 0)), order(), None),
    ("three in the last second", Bench(sent_ago=(NS_PER_SECOND - 1, 0, 0)), order(), DenialCode.RATE_EXCEEDED),
    ("the third a second ago", Bench(sent_ago=(NS_PER_SECOND, 0, 0)), order(), None),
    ("three in this instant", Bench(sent_ago=(0, 0, 0)), order(), DenialCode.RATE_EXCEEDED),
    ("a rate with a fraction is rounded down", Bench(limits=LimitsSpec(order_rate_max=2.9), sent_ago=(0, 0)), order(),
     DenialCode.RATE_EXCEEDED),
]


@pytest.mark.parametrize(("bench", "request_", "code"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_gate_each_side_of_each_limit_answers_as_the_table_says(
    bench: Bench, request_: OrderRequest, code: DenialCode | None
) -> None:
    """At a limit an order passes, one step beyond it is refused with the one code that names the reason."""
    verdict = bench.judge(request_)

    if code is None:
        assert isinstance(verdict, Approved), verdict
        assert verdict.request == request_
        assert verdict.valid_until == T0 + VALID_FOR
    else:
        assert isinstance(verdict, Denied)
        assert verdict.code is code
        assert verdict.detail.startswith("order")


def test_table_covers_every_code_on_both_sides() -> None:
    """No code is without a row that produces it: a code that nothing can produce is to be deleted."""
    assert {code for *_, code in ROWS if code is not None} == set(DenialCode)


def test_name_of_an_order_still_out_is_refused_after_its_parent_ended() -> None:
    """The names of an ended parent are no longer reserved, though its last order may still be at the venue."""
    book = Book.empty(layout())
    book.quantity[0] = HELD
    columns = Columns(book.layout, book)
    columns.move_price(0, MARK)
    gate = Gate(book, columns, LimitsSpec())
    fold(book, ReserveNames(PARENT, KEY, Side.SELL, 0, RESERVED, HELD))
    first = gate.judge(order(quantity=10), T0)
    assert isinstance(first, Approved)

    fold(book, PlaceOrder(first, PARENT, 0, T0))
    again = gate.judge(order(quantity=10), T0)

    assert isinstance(again, Denied)
    assert again.code is DenialCode.NAME_REUSED


def test_gate_with_two_reasons_names_the_first_control() -> None:
    """Controls stand in one fixed order, so that a denial's code does not depend on chance."""
    assert [control.__name__ for control in CONTROLS] == [
        "_name", "_freeze", "_reduce_only", "_filters", "_price", "_notional", "_rate"
    ]
    verdict = Bench(held=-HELD).judge(order(quantity=401, limit_price=None))
    assert isinstance(verdict, Denied)
    assert verdict.code is DenialCode.REDUCE_ONLY_INCREASES


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
