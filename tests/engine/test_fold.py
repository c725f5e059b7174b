"""Folding facts: cash and positions to the last unit, and what late, doubled and contradictory reports may do."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from random import Random

import pytest

from bot.domain.account import Balance, PositionReport
from bot.domain.copying import replace
from bot.domain.effects import LookUpOrder, OpenParent, PlaceOrder, ReserveNames
from bot.domain.events import (
    AccountFact,
    AccountSnapshot,
    CashMoved,
    FillOrigin,
    FundingPaid,
    Liquidity,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
)
from bot.domain.names import child_name, parent_name
from bot.domain.order import Approved, OrderClass, OrderRequest, OrderStatus, Side, TimeInForce
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from bot.engine.record.absence import WITNESSES_APART
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from tests.builders import KEY, T0, layout

PARENT = parent_name("pen", KEY, Side.SELL, 0)
NAME = child_name(PARENT, 0)
PER_UNIT = 1_000                     # cash units per price unit x quantity unit: 10^(8 - 2 - 3)


def at(seconds: float) -> int:
    return T0 + round(seconds * NS_PER_SECOND)


def a_fill(side: Side, quantity: int, price: float, *, trade_id: str, seconds: float = 1, fee: int = 0,
           origin: FillOrigin = FillOrigin.EXTERNAL, name: str = "web", stamp: float | None = None) -> OrderFilled:
    return OrderFilled(
        now=at(seconds), stamp=at(seconds if stamp is None else stamp), account=0, name=name, trade_id=trade_id,
        key=KEY, side=side, price=round(price * 100), quantity=quantity, fee=fee, liquidity=Liquidity.TAKER,
        origin=origin, modelled=False,
    )


def ours(quantity: int, *, trade_id: str, price: float = 8_000, seconds: float = 1) -> OrderFilled:
    """A fill of the order that ``selling`` has out."""
    return a_fill(Side.SELL, quantity, price, trade_id=trade_id, seconds=seconds, origin=FillOrigin.OURS, name=NAME)


def adopted(*, usdt: int = 1_000, btc: int = 0, entry: float = 8_000) -> Book:
    """A book that took the venue's word at T0."""
    book = Book.empty(layout())
    positions = (PositionReport(KEY, btc, round(entry * 100) * btc * PER_UNIT),) if btc else ()
    fold(book, AccountSnapshot(T0, T0, 0, (Balance("USDT", usdt * CASH_UNIT),), positions))
    return book


def selling(quantity: int = 10, *, held: int = 100) -> Book:
    """A long book with one order of ``quantity`` out."""
    book = adopted(btc=held)
    request = OrderRequest(
        NAME, KEY, Side.SELL, quantity, 792_000, TimeInForce.IOC, reduce_only=True, order_class=OrderClass.MARGIN
    )
    fold(book, ReserveNames(PARENT, KEY, Side.SELL, 0, 32, held))
    fold(book, OpenParent(PARENT, KEY, Side.SELL, held, 0, (), 800_000, 800_000, 0, 0, T0))
    fold(book, PlaceOrder(Approved(request, T0 + NS_PER_SECOND, 1), PARENT, 0, T0))
    return book


# Positions and cash ---------------------------------------------------------------------------------------

# (fills as (side, quantity, price), quantity, entry value in USDT, realised in USDT); hand arithmetic
FILLS: list[tuple[str, list[tuple[Side, int, float]], int, str, str]] = [
    ("open long", [(Side.BUY, 1_000, 8_000)], 1_000, "8000", "0"),
    ("add at another price", [(Side.BUY, 1_000, 8_000), (Side.BUY, 3_000, 7_000)], 4_000, "29000", "0"),
    ("close a quarter at the average of 7,250", [(Side.BUY, 1_000, 8_000), (Side.BUY, 3_000, 7_000),
                                                 (Side.SELL, 1_000, 7_500)], 3_000, "21750", "250"),
    ("close it all", [(Side.BUY, 2_000, 8_000), (Side.SELL, 2_000, 7_900)], 0, "0", "-200"),
    ("flip to short", [(Side.BUY, 1_000, 8_000), (Side.SELL, 3_000, 8_100)], -2_000, "-16200", "100"),
    ("short gains when it falls", [(Side.SELL, 1_000, 8_000), (Side.BUY, 400, 7_000)], -600, "-4800", "400"),
    ("short flips to long", [(Side.SELL, 1_000, 8_000), (Side.BUY, 1_500, 8_200)], 500, "4100", "-200"),
    ("a third of an odd entry", [(Side.BUY, 3, 0.01), (Side.SELL, 1, 0.02)], 2, "0.00002", "0.00001"),
]


@pytest.mark.parametrize(
    ("fills", "quantity", "entry", "realised"), [row[1:] for row in FILLS], ids=[row[0] for row in FILLS]
)
def test_fold_fills_book_profit_at_average_cost(
    fills: list[tuple[Side, int, float]], quantity: int, entry: str, realised: str
) -> None:
    """A closing fill takes its share of the entry value out; what crosses zero opens at its own price."""
    book = adopted()
    for number, (side, size, price) in enumerate(fills):
        fold(book, a_fill(side, size, price, trade_id=f"t{number}"))
    assert book.quantity[0] == quantity
    assert book.entry_value[0] == Fraction(entry) * CASH_UNIT
    assert book.accounts[0].realised == Fraction(realised) * CASH_UNIT
    assert book.accounts[0].wallet == (1_000 + Fraction(realised)) * CASH_UNIT


def test_fold_of_a_doubled_trade_id_changes_nothing() -> None:
    """A venue that tells a trade twice has not traded twice."""
    book = adopted()
    first = a_fill(Side.BUY, 100, 8_000, trade_id="t1", fee=7)
    fold(book, first)
    fold(book, replace(first, now=at(9), stamp=at(9)))
    assert book.quantity[0] == 100
    assert book.accounts[0].fees == 7


def test_fold_of_a_flip_starts_a_new_age_and_adding_does_not() -> None:
    """A position's age begins when it is opened or changes sign, and never when it grows or shrinks."""
    book = adopted()
    fold(book, a_fill(Side.BUY, 100, 8_000, trade_id="t1", seconds=1))
    fold(book, a_fill(Side.BUY, 100, 8_000, trade_id="t2", seconds=2))
    fold(book, a_fill(Side.SELL, 50, 8_000, trade_id="t3", seconds=3))
    assert book.opened[0] == at(1)
    fold(book, a_fill(Side.SELL, 200, 8_000, trade_id="t4", seconds=4))
    assert book.opened[0] == at(4)


# Snapshots and fills in either order ----------------------------------------------------------------------


def venue_says(taken: float, *, btc: int, usdt: int, arrives: float | None = None) -> AccountSnapshot:
    positions = (PositionReport(KEY, btc, 800_000 * btc * PER_UNIT),) if btc else ()
    return AccountSnapshot(
        at(taken if arrives is None else arrives), at(taken), 0, (Balance("USDT", usdt * CASH_UNIT),), positions
    )


@pytest.mark.parametrize(("stamp", "booked"), [(1.9, False), (2.0, False), (2.1, True)])
def test_fold_of_a_fill_not_newer_than_the_snapshot_moves_only_its_order(stamp: float, booked: bool) -> None:
    """A fill up to the snapshot's own instant is already in the venue's word; a later one is not."""
    book = selling()
    fold(book, venue_says(2, btc=90, usdt=999))
    fold(book, replace(ours(10, trade_id="t1", seconds=3), stamp=at(stamp), fee=5))
    assert book.quantity[0] == (80 if booked else 90)
    assert book.accounts[0].wallet == 999 * CASH_UNIT - (5 if booked else 0)
    assert book.accounts[0].fees == 5
    assert not book.orders
    assert book.working[0] == 0
    assert book.parents[PARENT].filled == 10


@pytest.mark.parametrize(("taken", "held"), [(4.9, 90), (5.0, 77), (5.1, 77)])
def test_fold_of_a_snapshot_older_than_our_last_fill_is_not_taken(taken: float, held: int) -> None:
    """A snapshot that cannot contain our newest fill would undo it."""
    book = selling()
    fold(book, ours(10, trade_id="t1", seconds=5))
    fold(book, venue_says(taken, btc=77, usdt=1_000, arrives=6))
    assert book.quantity[0] == held


def test_fold_of_snapshots_out_of_order_keeps_the_newer() -> None:
    """Two answers that overtook each other leave the later state."""
    book = adopted()
    fold(book, venue_says(3, btc=30, usdt=300))
    fold(book, venue_says(2, btc=20, usdt=200, arrives=4))
    assert (book.quantity[0], book.accounts[0].wallet) == (30, 300 * CASH_UNIT)


def test_fold_of_a_snapshot_without_a_position_means_it_is_flat() -> None:
    """What the venue does not list, we do not hold."""
    book = adopted(btc=100)
    fold(book, venue_says(1, btc=0, usdt=1_000))
    assert (book.quantity[0], book.entry_value[0]) == (0, 0)


# Orders ---------------------------------------------------------------------------------------------------

EXPIRED, FILLED = OrderStatus.EXPIRED, OrderStatus.FILLED


@dataclass(frozen=True)
class After:
    """What is expected of an order of 10 after a sequence of reports."""

    is_out: bool
    working: int
    filled: int


def end(filled: int, status: OrderStatus = EXPIRED, seconds: float = 2) -> OrderEnded:
    return OrderEnded(at(seconds), 0, NAME, status, filled)


ACCEPTED = OrderAccepted(at(1), 0, NAME)
REJECTED = OrderRejected(at(1), 0, NAME, "-2022", "ReduceOnly rejected")
NOT_SENT = OrderNotSent(at(1), 0, NAME, "late")
UNKNOWN = OrderOutcomeUnknown(at(1), 0, NAME, "503")


def missing(seconds: float, *, asked: float = 0, may_come: bool = False) -> OrderNotFound:
    return OrderNotFound(at(seconds), 0, NAME, at(asked) if asked else 0, may_come)


REPORTS: list[tuple[str, list[AccountFact], After]] = [
    ("nothing yet", [], After(True, 10, 0)),
    ("accepted", [ACCEPTED], After(True, 10, 0)),
    ("partly filled", [ACCEPTED, ours(4, trade_id="a")], After(True, 6, 4)),
    ("filled before it was accepted", [ours(10, trade_id="a"), ACCEPTED], After(False, 0, 10)),
    ("filled in two", [ours(4, trade_id="a"), ours(6, trade_id="b")], After(False, 0, 10)),
    ("filled, then ended", [ours(10, trade_id="a"), end(10, FILLED)], After(False, 0, 10)),
    ("ended before its fills", [end(10, FILLED)], After(True, 10, 0)),
    ("ended before its last fill", [ours(4, trade_id="a"), end(7)], After(True, 3, 4)),
    ("and then it comes", [ours(4, trade_id="a"), end(7), ours(3, trade_id="b")], After(False, 0, 7)),
    ("expired unfilled", [ACCEPTED, end(0)], After(False, 0, 0)),
    ("expired partly filled", [ours(4, trade_id="a"), end(4)], After(False, 0, 4)),
    ("ended twice", [end(4), end(0)], After(True, 4, 0)),
    ("rejected", [REJECTED], After(False, 0, 0)),
    ("rejected twice", [REJECTED, REJECTED], After(False, 0, 0)),
    ("rejected after it was accepted", [ACCEPTED, REJECTED], After(True, 10, 0)),
    ("not sent", [NOT_SENT], After(False, 0, 0)),
    ("not sent after it was accepted", [ACCEPTED, NOT_SENT], After(True, 10, 0)),
    ("rejected after a fill", [ours(4, trade_id="a"), REJECTED], After(True, 6, 4)),
    ("not sent after a fill", [ours(4, trade_id="a"), NOT_SENT], After(True, 6, 4)),
    ("a fill after the end", [end(0), ours(4, trade_id="a")], After(False, 0, 4)),
    ("more fills than the end said", [end(7), ours(4, trade_id="a"), ours(6, trade_id="b")], After(False, 0, 10)),
    ("more fills than were asked for", [ours(4, trade_id="a"), ours(9, trade_id="b")], After(False, 0, 13)),
    ("the end says less than has come", [ours(8, trade_id="a"), end(4)], After(False, 0, 8)),
    ("unknown", [UNKNOWN], After(True, 10, 0)),
    ("unknown, then filled", [UNKNOWN, ours(10, trade_id="a")], After(False, 0, 10)),
    ("unknown after it was accepted", [ACCEPTED, UNKNOWN], After(True, 10, 0)),
    ("one witness", [UNKNOWN, missing(2)], After(True, 10, 0)),
    ("two witnesses too near", [UNKNOWN, missing(2), missing(6.9)], After(True, 10, 0)),
    ("two witnesses far enough apart", [UNKNOWN, missing(2), missing(7)], After(False, 0, 0)),
    ("two witnesses against one that is sending", [missing(2), missing(7)], After(False, 0, 0)),
    ("two looks while it may be on its way", [missing(2, may_come=True), missing(7, may_come=True)],
     After(True, 10, 0)),
    ("a look while it may be, then one", [missing(2, may_come=True), missing(7)], After(False, 0, 0)),
    ("a second look that was long on its way", [missing(2, asked=1.9), missing(7, asked=6.9)], After(True, 10, 0)),
    ("and one that was not", [missing(2, asked=1.9), missing(7.1, asked=7)], After(False, 0, 0)),
    ("a fill between two witnesses", [UNKNOWN, missing(2), ours(4, trade_id="a", seconds=3), missing(7)],
     After(True, 6, 4)),
    ("found between two witnesses", [UNKNOWN, missing(2), ACCEPTED, missing(7)], After(True, 10, 0)),
    ("found, then missed twice more", [UNKNOWN, missing(2), ACCEPTED, missing(7), missing(20)], After(True, 10, 0)),
]


@pytest.mark.parametrize(("reports", "after"), [row[1:] for row in REPORTS], ids=[row[0] for row in REPORTS])
def test_fold_of_reports_on_an_order_in_any_order(reports: list[AccountFact], after: After) -> None:
    """Late, doubled and contradictory reports leave an order working until it is certain that it is not."""
    book = selling()
    for report in reports:
        fold(book, report)
    assert (NAME in book.orders) == after.is_out
    assert book.working[0] == after.working
    assert book.parents[PARENT].filled == after.filled
    assert book.quantity[0] == 100 - after.filled


OUT_OF_BAND = OrderRejected(at(2), 0, NAME, "-4024", "Price is lower than mark price multiplier floor.")


@pytest.mark.parametrize("report", [end(0), end(9), OUT_OF_BAND], ids=["unfilled", "partly", "price refused"])
def test_fold_of_an_order_that_fell_short_tells_its_parent(report: AccountFact) -> None:
    """The ladder begins with an order that did not do all that it was to do."""
    book = selling()
    fold(book, report)
    assert book.parents[PARENT].fell_short == report.now
    assert book.parents[PARENT].refused is None


@pytest.mark.parametrize("report", [REJECTED, NOT_SENT], ids=["rejected", "late"])
def test_fold_of_an_order_refused_for_no_price_is_no_shortfall(report: AccountFact) -> None:
    """A wider collar cures no refusal but one of the price: the parent waits, and climbs nothing."""
    book = selling()
    fold(book, report)
    assert book.parents[PARENT].refused == report.now
    assert book.parents[PARENT].fell_short is None


def test_fold_of_a_whole_fill_is_no_shortfall() -> None:
    """An order that filled wholly gives no reason to go further."""
    book = selling()
    fold(book, ours(10, trade_id="a"))
    fold(book, end(10, FILLED))
    assert book.parents[PARENT].fell_short is None


def test_fold_of_reports_on_names_we_never_sent_changes_no_order() -> None:
    """A report on a stranger's order is a stranger's."""
    book = selling()
    for report in (ACCEPTED, REJECTED, NOT_SENT, UNKNOWN, missing(1), missing(9), end(0)):
        fold(book, replace(report, name="web_1"))
    assert book.working[0] == 10
    assert book.orders[NAME].status is OrderStatus.SENDING


def test_fold_of_a_look_up_notes_when_it_was_asked_and_keeps_the_order_working() -> None:
    """Asking changes nothing about what may still fill; the next question waits for it."""
    book = selling()
    assert book.orders[NAME].asked == T0
    fold(book, LookUpOrder(0, NAME, at(1)))
    fold(book, LookUpOrder(0, "web_1", at(1)))
    assert book.orders[NAME].asked == at(1)
    assert book.working[0] == 10


# Always ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_fold_of_any_sequence_keeps_the_cash_identity(seed: int) -> None:
    """wallet = start + realised - fees - funding + moves, to the last unit, and profit is what prices gave.

    The oracle is the cash that changed hands: at the end, closed at one price, every sale's value less every
    purchase's is the realised profit, however average cost was rounded on the way.
    """
    rng = Random(seed)
    book = adopted()
    moved = proceeds = 0
    for number in range(400):
        roll = rng.random()
        if roll < 0.7:
            side = rng.choice((Side.BUY, Side.SELL))
            made = a_fill(
                side, rng.randrange(1, 5_000), rng.randrange(1, 2_000_000) / 100, trade_id=f"t{number}",
                fee=rng.randrange(-(10**6), 10**8), seconds=1 + number,
            )
            fold(book, made)
            proceeds -= made.price * made.quantity * PER_UNIT * side.sign
        elif roll < 0.85:
            fold(book, FundingPaid(at(number), at(1 + number), 0, KEY, rng.randrange(-(10**8), 10**8)))
        else:
            amount = rng.randrange(-(10**9), 10**9)
            moved += amount
            fold(book, CashMoved(at(number), at(1 + number), 0, "USDT", amount, "deposit"))
            fold(book, CashMoved(at(number), at(1 + number), 0, "BNB", amount, "another asset"))
        account = book.accounts[0]
        assert account.wallet == 1_000 * CASH_UNIT + account.realised - account.fees - account.funding + moved
        assert proceeds == account.realised - book.entry_value[0]
        assert (book.entry_value[0] > 0) == (book.quantity[0] > 0)


def test_fold_remembers_only_so_many_trade_ids() -> None:
    """What was seen is bounded: the oldest trade is forgotten first."""
    book = adopted()
    for number in range(10_001):
        fold(book, a_fill(Side.BUY, 1, 1.0, trade_id=f"t{number}"))
    kept = book.accounts[0].trade_ids
    assert len(kept) == 10_000
    assert "t0" not in kept
    assert "t10000" in kept


def test_witnesses_are_five_seconds_apart() -> None:
    """The table above is written for this distance."""
    assert WITNESSES_APART == 5 * NS_PER_SECOND
