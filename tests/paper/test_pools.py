"""Liquidation and funding of inverse contracts, isolated positions and legs, by hand arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.account import Balance, MarginMode, PositionKey, PositionSide
from bot.domain.copying import replace
from bot.domain.events import FillOrigin, FundingPaid, LiquidationStage, OrderEnded, OrderFilled
from bot.domain.market import FundingRate
from bot.domain.order import Side, TimeInForce
from bot.domain.scale import NS_PER_HOUR
from paper.messages import Wake
from paper.spec import AccountStart, PositionMode, PositionStart
from tests.paper.builders import START, Bench, cents, lots, order, perpetual, usd
from tests.paper.pool_storm import inverse
from tests.paper.test_liquidation import DEEP

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def _fills(facts: Sequence[object]) -> list[OrderFilled]:
    return [fact for fact in facts if isinstance(fact, OrderFilled)]


def _stages(facts: Sequence[object]) -> list[LiquidationStage]:
    return [fact for fact in facts if isinstance(fact, LiquidationStage)]


def _coin(contracts: int, balance: str, *, mode: MarginMode = MarginMode.CROSS, leverage: int = 20) -> Bench:
    """An account in BTC with 100-dollar contracts from 50,000 on."""
    begin = AccountStart(0, "BTC", usd(balance), (PositionStart(0, contracts),), leverage=leverage, mode=mode)
    bench = Bench(begin, spec=DEEP, instruments=(inverse(),))
    bench.price("50000", quantity="0")
    return bench


# 1,000 contracts of 100 dollars from 50,000 are 2 BTC; 0.2 behind them: 0.2 + 2 - 100,000/p = 0.4 % of 100,000/p
# at p = 100,400 / 2.2 = 45,636.3636...


@pytest.mark.parametrize(("price", "liquidated"), [("45636.37", False), ("45636.36", True)])
def test_inverse_long_is_liquidated_at_the_first_price_below_the_formulas(price: str, liquidated: bool) -> None:
    """The formula says 45,636.3636: the cent above lives, the cent below does not."""
    assert bool(_stages(_coin(1_000, "0.2").price(price, quantity="0"))) is liquidated


# short: 0.2 - 2 + 100,000/p = 0.4 % of 100,000/p at p = 99,600 / 1.8 = 55,333.3333...


@pytest.mark.parametrize(("price", "liquidated"), [("55333.33", False), ("55333.34", True)])
def test_inverse_short_is_liquidated_at_the_first_price_above_the_formulas(price: str, liquidated: bool) -> None:
    """The formula says 55,333.3333."""
    assert bool(_stages(_coin(-1_000, "0.2").price(price, quantity="0"))) is liquidated


def test_inverse_short_as_large_as_its_coins_has_no_liquidation_price() -> None:
    """A short of what one holds is a dollar balance: no rise can hurt it."""
    bench = _coin(-1_000, "2")
    assert _stages(bench.price("5000000", quantity="0")) == []
    assert bench.venue.account_totals(0)[1] == usd("0.02")


def test_inverse_long_beyond_bankruptcy_is_taken_over_at_the_price_that_leaves_nothing() -> None:
    """2.2 BTC are worth 100,000 at 45,454.54...: a gap to 40,000 closes it at 45,454.55, and the fund pays in BTC."""
    bench = _coin(1_000, "0.2")
    facts = bench.price("40000", quantity="0")
    (fill,) = _fills(facts)
    assert (fill.price, fill.quantity, fill.side) == (cents("45454.55"), 1_000, Side.SELL)
    assert bench.venue.account_totals(0) == (0, 0, 0)
    sold_at = cents("39993.99")          # a hair over 1.5 bps below 40,000, rounded down
    assert bench.venue.insurance("BTC") == usd("0.2") + usd(2) - 100_000 * 10**10 // sold_at


def test_inverse_profit_is_paid_in_coin() -> None:
    """Half of 2 BTC closed a third higher at 66,666.67 leaves 1 - 0.75 BTC of profit, less half a thousandth fee."""
    bench = _coin(1_000, "0.2")
    bench.price("66666.67", quantity="0")
    request = replace(order(Side.SELL, "1", "60000"), quantity=500)
    (fill,) = _fills(bench.send(request))
    value = 50_000 * 10**10 // fill.price
    assert fill.fee == -(-value * 5 // 10_000)
    assert bench.venue.account_totals(0)[0] == usd("0.2") + usd(1) - value - fill.fee


# Isolated: 10 BTC at 100 with 10x have 100 of their own. 100 - 10 (100 - p) = 0.4 % of 10 p at 900 / 9.96 = 90.3614


def _isolated(*positions: PositionStart, hedged: bool = False) -> Bench:
    begin = AccountStart(
        0, "USDT", usd(1_000), positions, leverage=10, mode=MarginMode.ISOLATED,
        position_mode=PositionMode.HEDGE if hedged else PositionMode.ONE_WAY,
    )
    bench = Bench(begin, spec=DEEP, instruments=(perpetual(), perpetual(1, "ETH")))
    bench.price("100", instrument=1)
    bench.price("100")
    return bench


@pytest.mark.parametrize(("price", "liquidated"), [("90.37", False), ("90.36", True)])
def test_isolated_long_is_liquidated_on_its_own_margin(price: str, liquidated: bool) -> None:
    """900 lie in the wallet beside it, and do not help."""
    assert bool(_stages(_isolated(PositionStart(0, lots(10))).price(price))) is liquidated


def test_isolated_liquidation_takes_its_margin_and_leaves_wallet_orders_and_other_positions() -> None:
    """A gap to 80 closes it at 90.00: the 100 are gone, the 800 in the wallet and the ETH position are not."""
    bench = _isolated(PositionStart(0, lots(10)), PositionStart(1, lots(10)))
    for name, instrument in (("btc", 0), ("eth", 1)):
        request = order(Side.BUY, "1", "70", name=name, instrument=instrument, time_in_force=TimeInForce.GTC)
        bench.send(replace(request, key=PositionKey(0, instrument, mode=MarginMode.ISOLATED)))
    facts = bench.price("80")
    (fill,) = _fills(facts)
    assert fill.price == cents("90") and fill.origin is FillOrigin.LIQUIDATION
    assert [fact.name for fact in facts if isinstance(fact, OrderEnded)] == ["btc"]
    assert bench.venue._exchange.accounts[0].wallets == {"USDT": usd(800)}
    assert [report.key.instrument for report in bench.venue.positions(0)] == [1]


def test_isolated_position_closed_by_half_gives_half_of_its_margin_back() -> None:
    """5 of 10 sold at 109.98: 50 of margin and 49.9 of profit, less 5 bps of 549.9, go to the wallet."""
    bench = _isolated(PositionStart(0, lots(10)))
    bench.price("110")
    request = order(Side.SELL, "5", "100", reduce_only=True)
    (fill,) = _fills(bench.send(replace(request, key=PositionKey(0, 0, mode=MarginMode.ISOLATED))))
    assert (fill.price, fill.fee) == (cents("109.98"), usd("0.27495"))
    (report,) = bench.venue.positions(0)
    assert report.isolated_margin == usd(50)
    assert bench.venue._exchange.accounts[0].wallets == {"USDT": usd("900") + usd(50) + usd("49.9") - usd("0.27495")}


def test_cross_legs_each_have_maintenance_of_their_own() -> None:
    """Long 10 and short 10 at 100 need 4 + 4, though no price can move their sum."""
    begin = AccountStart(
        0, "USDT", usd(1_000), (PositionStart(0, lots(10), None, LONG), PositionStart(0, lots(-10), None, SHORT)),
        position_mode=PositionMode.HEDGE,
    )
    bench = Bench(begin, spec=DEEP)
    bench.price("100")
    assert bench.venue.account_totals(0) == (usd(1_000), usd(1_000), usd(8))


def test_isolated_legs_are_liquidated_one_by_one() -> None:
    """At 90.36 the long leg is gone; the short one has won."""
    bench = _isolated(PositionStart(0, lots(10), None, LONG), PositionStart(0, lots(-10), None, SHORT), hedged=True)
    (stage,) = _stages(bench.price("90.36"))
    assert stage.key.side is LONG
    assert [report.key.side for report in bench.venue.positions(0)] == [SHORT]


# Funding --------------------------------------------------------------------------------------------------

AT = START + 8 * NS_PER_HOUR


def _fund(bench: Bench, rate: int) -> list[FundingPaid]:
    bench.say(FundingRate(bench.now, bench.now, 0, rate, AT))
    bench.now = AT
    return [fact for fact in bench.say(Wake()) if isinstance(fact, FundingPaid)]


@pytest.mark.parametrize(("rate", "left"), [(10_000, "99.9"), (-10_000, "100.1")])
def test_funding_of_an_isolated_position_moves_its_own_margin(rate: int, left: str) -> None:
    """One basis point of 1,000 is 0.1, out of or into the 100 of the position; the wallet stays at 900."""
    bench = _isolated(PositionStart(0, lots(10)))
    (paid,) = _fund(bench, rate)
    assert paid.amount == usd(100) - usd(left)
    assert bench.venue.positions(0)[0].isolated_margin == usd(left)
    assert bench.venue._exchange.accounts[0].wallets == {"USDT": usd(900)}


def test_funding_can_liquidate_an_isolated_position() -> None:
    """9.7 % of 1,000 are 97: the 3 that are left do not cover 4 of maintenance."""
    bench = _isolated(PositionStart(0, lots(10)))
    bench.say(FundingRate(bench.now, bench.now, 0, 9_700_000, AT))
    bench.now = AT
    assert len(_stages(bench.say(Wake()))) == 1


@pytest.mark.parametrize(
    ("contracts", "rate", "paid"),
    [(1_000, 10_000, "0.0002"), (-1_000, 10_000, "-0.0002"), (1_000, -10_000, "-0.0002")],
)
def test_funding_of_inverse_contracts_is_paid_in_coin(contracts: int, rate: int, paid: str) -> None:
    """One basis point of 2 BTC is 0.0002 BTC: longs pay a positive rate, shorts receive it."""
    bench = _coin(contracts, "0.2")
    (fact,) = _fund(bench, rate)
    assert fact.amount == usd(paid)
    assert bench.venue._exchange.accounts[0].wallets == {"BTC": usd("0.2") - usd(paid)}


def test_account_with_two_currencies_is_liquidated_in_one_of_them_only() -> None:
    """The BTC contracts fall, the USDT position beside them stands on its own wallet."""
    begin = AccountStart(
        0, "USDT", usd(1_000), (PositionStart(0, lots(10)), PositionStart(1, 1_000)),
        balances=(Balance("BTC", usd("0.2")),),
    )
    bench = Bench(begin, spec=DEEP, instruments=(perpetual(), inverse(1)))
    bench.price("100")
    bench.price("50000", instrument=1, quantity="0")
    (stage,) = _stages(bench.price("45636.36", instrument=1, quantity="0"))
    assert stage.key.instrument == 1
    assert bench.venue._exchange.accounts[0].wallets == {"USDT": usd(1_000), "BTC": 0}
    assert [report.key.instrument for report in bench.venue.positions(0)] == [0]


def test_orders_that_meet_before_the_first_price_wait_for_it() -> None:
    """Two clients cross at 100 in a market without a price: nothing is held that could not be counted."""
    bench = Bench(*(AccountStart(account, "USDT", usd(1_000)) for account in (0, 1)), spec=DEEP)
    facts = bench.send(order(Side.SELL, "1", "100", name="s", time_in_force=TimeInForce.GTC))
    facts += bench.send(order(Side.BUY, "1", "100", name="b", account=1, time_in_force=TimeInForce.GTC))
    assert _fills(facts) == [] and bench.venue.positions(1) == ()
    assert {fill.name for fill in _fills(bench.price("100", quantity="2"))} == {"s", "b"}
