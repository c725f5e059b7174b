"""The insurance fund's last unit, and who pays when it is gone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.events import CashMoved, FillOrigin, OrderEnded, OrderFilled
from bot.domain.order import Side, TimeInForce
from paper.spec import AccountStart
from tests.paper.builders import Bench, cents, lots, order, perpetual, start, usd
from tests.paper.test_liquidation import DEEP

# account 0: long 100 from 100 with 1,000, bankrupt at 90; a gap to 80 sells at 79.98: 10.02 x 100 beyond it
LOSS = usd("1002")


def _bench(fund: int, *others: AccountStart) -> Bench:
    bench = Bench(start("1000", (0, "100", "100")), *others, spec=replace(DEEP, insurance={"USDT": fund}))
    bench.price("100")
    return bench


def _adl(facts: Sequence[object]) -> list[OrderFilled]:
    return [fact for fact in facts if isinstance(fact, OrderFilled) and fact.origin is FillOrigin.ADL]


@pytest.mark.parametrize(("fund", "deleveraged"), [(LOSS, False), (LOSS - 1, True)])
def test_fund_pays_to_its_last_unit_and_not_beyond(fund: int, deleveraged: bool) -> None:
    """1,002 are needed: with them the fund is empty, with the smallest unit less it keeps what it has."""
    bench = _bench(fund, start("100000", (0, "-100", "100"), account=1))
    facts = bench.price("80")
    assert bool(_adl(facts)) is deleveraged
    assert bench.venue.insurance("USDT") == (0 if deleveraged else -LOSS)
    assert bench.venue.account_totals(0) == (0, 0, 0)


def test_adl_closes_a_winner_at_the_bankruptcy_price_without_a_fee() -> None:
    """Short 60 from 100 is bought back at 90.00, not at the 80 of the market; the rest of the market takes the 40."""
    bench = _bench(0, start("100000", (0, "-60", "100"), account=1))
    at = bench.now
    (fill,) = _adl(bench.price("80"))
    assert (fill.account, fill.key, fill.side, fill.price, fill.quantity, fill.fee) == (
        1, PositionKey(1, 0), Side.BUY, cents("90"), lots(60), 0,
    )
    assert fill.name.startswith("adl_autoclose") and fill.stamp > at
    assert bench.venue.account_totals(1) == (usd("100600"), usd("100600"), 0)
    assert bench.venue.net_quantity(0) == 0


def test_adl_takes_the_highest_profit_and_leverage_first_and_only_as_much_as_it_needs() -> None:
    """At 80, from 100 at 1.9x: 0.38; from 120 at 1.2x: 0.40; the second goes whole, the first gives the other 40."""
    bench = _bench(
        0,
        start("64", (0, "-1", "100"), account=1),                   # a bystander of 0.2 x 0.95
        start("2210.52631578", (0, "-100", "100"), account=2),
        start("1600", (0, "-60", "120"), account=3),
    )
    fills = _adl(bench.price("80"))
    assert [(fill.account, fill.quantity) for fill in fills] == [(3, lots(60)), (2, lots(40))]


def test_adl_never_takes_a_loser_or_the_same_side() -> None:
    """A short from 70 loses at 80, a long is on the same side: the rest of the market takes all."""
    bench = _bench(0, start("100000", (0, "-100", "70"), account=1), start("100000", (0, "50", "100"), account=2))
    assert _adl(bench.price("80")) == []
    assert [report.quantity for account in (1, 2) for report in bench.venue.positions(account)] == [
        lots(-100), lots(50),
    ]


def test_adl_cancels_the_open_orders_of_whom_it_closes() -> None:
    """The winner's resting order in the instrument ends before his position does."""
    bench = _bench(0, start("100000", (0, "-100", "100"), account=1))
    bench.send(order(Side.BUY, "1", "70", name="low", account=1, time_in_force=TimeInForce.GTC))
    facts = bench.price("80")
    (ended,) = [fact for fact in facts if isinstance(fact, OrderEnded)]
    assert (ended.account, ended.name) == (1, "low")
    assert facts.index(ended) < facts.index(_adl(facts)[0])


def _ruined_by_eth(*others: AccountStart) -> list[object]:
    """Long 100 BTC and 100 ETH from 100 with 1,000; ETH gaps to 80, so BTC goes first, at a bankruptcy price of 110."""
    bench = Bench(
        start("1000", (0, "100", "100"), (1, "100", "100")), *others,
        spec=replace(DEEP, insurance={"USDT": 0}), instruments=(perpetual(), perpetual(1, "ETH")),
    )
    bench.price("100", instrument=1)
    bench.price("100")
    return list(bench.price("80", instrument=1))


def test_adl_at_a_price_that_ruins_the_winner_liquidates_him_too() -> None:
    """Short 200 from 105 with 20: half is taken at 110 for a loss of 500, and 20 do not cover 40 for the rest."""
    facts = _ruined_by_eth(start("20", (0, "-200", "105"), account=1))
    origins = [(fact.account, fact.origin) for fact in facts if isinstance(fact, OrderFilled)]
    assert origins == [
        (0, FillOrigin.LIQUIDATION), (1, FillOrigin.ADL), (0, FillOrigin.LIQUIDATION), (1, FillOrigin.LIQUIDATION),
    ]


def test_adl_that_leaves_the_winner_with_a_debt_has_it_made_good() -> None:
    """Short 100 from 105 with 300 is closed at 110 for a loss of 500: the 200 beyond it are the venue's."""
    facts = _ruined_by_eth(start("300", (0, "-100", "105"), account=1))
    moved = [fact for fact in facts if isinstance(fact, CashMoved)]
    assert [(fact.account, fact.amount, fact.reason) for fact in moved] == [(1, usd(200), "insurance fund")]
