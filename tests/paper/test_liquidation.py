"""How the venue closes accounts out, by hand arithmetic; and what funding moves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.account import PositionKey
from bot.domain.events import (
    CashMoved,
    FillOrigin,
    FundingPaid,
    LiquidationStage,
    OrderEnded,
    OrderFilled,
    OrderRejected,
)
from bot.domain.market import FundingRate, MarkPrice
from bot.domain.order import OrderStatus, Side, TimeInForce
from bot.domain.scale import NS_PER_HOUR
from paper.messages import SubmitOrder, Wake
from paper.spec import ImpactSpec, VenueSpec
from tests.paper.builders import LATENCY, MS, START, Bench, cents, lots, order, perpetual, start, usd

KEY = PositionKey(0, 0)
# no volatility to speak of and an ocean of volume: the market takes everything 1.5 bps away from the last price
DEEP = VenueSpec(
    latency=LATENCY,
    impact=ImpactSpec(sigma_year_prior=0.1, volume_day_prior=1e15, volume_day_min=1e15, half_spread_min=1.5e-4),
)


def _fills(facts: Sequence[object]) -> list[OrderFilled]:
    return [fact for fact in facts if isinstance(fact, OrderFilled)]


def _stages(facts: Sequence[object]) -> list[LiquidationStage]:
    return [fact for fact in facts if isinstance(fact, LiquidationStage)]


# 100 BTC from 100 with 1,000: equity = 1,000 - 100 x (100 - p), maintenance = 0.4 % of 100 p;
# equal at p = 9,000 / 99.6 = 90.3614...


@pytest.mark.parametrize(("price", "liquidated"), [("90.37", False), ("90.36", True)])
def test_long_is_liquidated_at_the_first_price_below_the_formulas(price: str, liquidated: bool) -> None:
    """The formula says 90.3614: the cent above lives, the cent below does not."""
    bench = Bench(start("1000", (0, "100", "100")), spec=DEEP)
    bench.price("100")
    assert bool(_stages(bench.price(price))) is liquidated
    assert bench.venue.net_quantity(0) == (0 if liquidated else lots(100))


# short 100 BTC from 100 with 1,000: equity = 1,000 - 100 x (p - 100); equal at p = 11,000 / 100.4 = 109.5617...


@pytest.mark.parametrize(("price", "liquidated"), [("109.56", False), ("109.57", True)])
def test_short_is_liquidated_at_the_first_price_above_the_formulas(price: str, liquidated: bool) -> None:
    """The formula says 109.5617."""
    bench = Bench(start("1000", (0, "-100", "100")), spec=DEEP)
    bench.price("100")
    assert bool(_stages(bench.price(price))) is liquidated


def test_liquidation_inside_the_bankruptcy_price_fills_at_the_market_and_takes_all_that_is_left() -> None:
    """At 90.36 bankruptcy is 90.00; the market takes it at 90.34, 34 are left, and the fee of 113 takes them all."""
    bench = Bench(start("1000", (0, "100", "100")), spec=DEEP)
    bench.price("100")
    at = bench.now + MS
    fill, stage = bench.price("90.36")
    assert isinstance(fill, OrderFilled) and isinstance(stage, LiquidationStage)
    assert (fill.price, fill.quantity, fill.side) == (cents("90.34"), lots(100), Side.SELL)
    assert (fill.origin, fill.name, fill.stamp, fill.now) == (
        FillOrigin.LIQUIDATION, "autoclose-1", at, at + LATENCY,
    )
    assert fill.fee == stage.fee == usd("34")
    assert (stage.notional, stage.kind, stage.key) == (usd("9034"), "liquidation", KEY)
    assert bench.venue.account_totals(0) == (0, 0, 0)
    assert bench.venue.insurance("USDT") == usd("34")


def test_liquidation_fee_is_the_venues_rate_when_more_is_left() -> None:
    """Near 100 million maintenance is 2.5 %, which leaves room: 1.25 % of notional is charged, the rest is kept."""
    bench = Bench(start("11000000", (0, "1000000", "100")), spec=DEEP, instruments=(perpetual(quantity_max=10**12),))
    bench.price("100")
    fill, stage = bench.price("90.78")
    assert isinstance(fill, OrderFilled) and isinstance(stage, LiquidationStage)
    value = fill.price * fill.quantity * 1_000
    assert fill.fee == stage.fee == value * 125 // 10_000
    assert bench.venue.account_totals(0)[0] == usd("11000000") + value - usd("100000000") - fill.fee > 0


def test_liquidation_beyond_the_bankruptcy_price_is_borne_by_the_insurance_fund() -> None:
    """A gap to 80: the account is closed at 90.00, keeps nothing, owes nothing; the fund sells at 79.98."""
    bench = Bench(start("1000", (0, "100", "100")), spec=DEEP)
    bench.price("100")
    fill, stage = bench.price("80")
    assert isinstance(fill, OrderFilled) and isinstance(stage, LiquidationStage)
    assert (fill.price, fill.fee) == (cents("90"), 0)
    assert bench.venue.account_totals(0) == (0, 0, 0)
    assert bench.venue.insurance("USDT") == -100 * (usd("90") - usd("79.98"))


def test_liquidation_of_a_short_beyond_bankruptcy_mirrors_the_long() -> None:
    """A gap to 120: closed at 110.00; the fund buys at 120.02 (1.5 bps above, rounded up)."""
    bench = Bench(start("1000", (0, "-100", "100")), spec=DEEP)
    bench.price("100")
    fill, _ = bench.price("120")
    assert isinstance(fill, OrderFilled)
    assert (fill.price, fill.side) == (cents("110"), Side.BUY)
    assert bench.venue.insurance("USDT") == -100 * (usd("120.02") - usd("110"))


def test_liquidation_cancels_the_accounts_orders_first() -> None:
    """Resting orders of the account end before the first forced fill; another account's stay."""
    bench = Bench(
        start("1000", (0, "100", "100"), account=0), start("1000", account=1), spec=DEEP,
    )
    bench.price("100")
    for account in (0, 1):
        bench.send(
            order(Side.SELL, "1", "150", name="a1", account=account, time_in_force=TimeInForce.GTC)
        )
    facts = bench.price("85")
    assert isinstance(facts[0], OrderEnded)
    assert (facts[0].account, facts[0].status) == (0, OrderStatus.CANCELED)
    assert [fact.account for fact in facts if isinstance(fact, OrderEnded)] == [0]


def test_liquidation_takes_the_largest_maintenance_first_and_stops_when_covered() -> None:
    """A big BTC and a small ETH long: closing BTC alone restores the account, so ETH stays."""
    instruments = (perpetual(), perpetual(1, "ETH"))
    held = (0, "1000000", "100"), (1, "1000", "100")
    bench = Bench(start("11000000", *held), spec=DEEP, instruments=instruments)
    bench.price("100", instrument=1)
    bench.price("100", instrument=0)
    stages = _stages(bench.price("90.78"))
    assert [stage.key.instrument for stage in stages] == [0]
    assert [held.key.instrument for held in bench.venue.positions(0)] == [1]
    assert bench.venue.account_totals(0)[1] > bench.venue.account_totals(0)[2]


def test_liquidation_that_one_position_does_not_heal_goes_on_to_the_next() -> None:
    """After a gap through bankruptcy nothing is left to carry the second position either."""
    instruments = (perpetual(), perpetual(1, "ETH"))
    bench = Bench(start("1000", (1, "1", "100"), (0, "100", "100")), spec=DEEP, instruments=instruments)
    bench.price("100", instrument=1)
    bench.price("100", instrument=0)
    facts = bench.price("80")
    assert [stage.key.instrument for stage in _stages(facts)] == [0, 1]
    assert [fill.price for fill in _fills(facts)] == [cents("90"), cents("100")]
    assert bench.venue.account_totals(0) == (0, 0, 0)


def test_liquidation_waits_until_every_starting_position_has_a_price() -> None:
    """A hedge whose second leg is not priced yet is no reason to liquidate the first."""
    instruments = (perpetual(), perpetual(1, "ETH"))
    bench = Bench(start("1000", (0, "100", "100"), (1, "-100", "100")), spec=DEEP, instruments=instruments)
    assert bench.price("80", instrument=0) == []
    assert bench.price("80", instrument=1) == []
    assert bench.venue.account_totals(0)[1] == usd("1000")


def test_liquidation_by_mark_ignores_the_last_price() -> None:
    """Once the tape carries marks, a wick in the last price liquidates nobody, and a mark alone does."""
    bench = Bench(start("1000", (0, "100", "100")), spec=DEEP)
    bench.price("100")
    bench.say(MarkPrice(bench.now, bench.now, 0, cents("100")))
    assert bench.price("50") == []
    bench.price("100")
    assert _stages(bench.say(MarkPrice(bench.now, bench.now, 0, cents("90.37")))) == []
    assert len(_stages(bench.say(MarkPrice(bench.now, bench.now, 0, cents("90.36"))))) == 1


def test_liquidation_comes_before_a_message_of_the_same_nanosecond() -> None:
    """An exit that arrives in the instant of the fatal price finds nothing to reduce any more."""
    bench = Bench(start("1000", (0, "100", "100")), spec=DEEP)
    bench.price("100")
    bench.say(SubmitOrder(order(Side.SELL, "100", "80", reduce_only=True)))
    bench.now += LATENCY - MS
    assert len(_stages(bench.price("90"))) == 1
    (refused,) = bench.say(Wake())
    assert isinstance(refused, OrderRejected) and refused.code == "-2022"


def test_exit_that_arrives_a_nanosecond_before_the_fatal_price_saves_the_account() -> None:
    """The same exit a nanosecond earlier is filled before the price."""
    bench = Bench(start("1000", (0, "100", "100")), spec=DEEP)
    bench.price("100")
    bench.say(SubmitOrder(order(Side.SELL, "100", "80", reduce_only=True)))
    bench.now += LATENCY - MS + 1
    facts = bench.price("90")
    assert [fill.origin for fill in _fills(facts)] == [FillOrigin.OURS]
    assert _stages(facts) == []


def test_closing_at_a_loss_beyond_the_wallet_is_made_good_by_the_fund() -> None:
    """An own exit through a thin book can cost more than there is: the wallet ends at zero, not below."""
    thin = VenueSpec(latency=LATENCY, impact=ImpactSpec(half_spread_min=0.2))
    bench = Bench(start("1000", (0, "100", "100")), spec=thin)
    bench.price("100")
    facts = bench.send(order(Side.SELL, "100", "1", reduce_only=True))
    (moved,) = [fact for fact in facts if isinstance(fact, CashMoved)]
    assert (moved.reason, moved.amount) == ("insurance fund", -bench.venue.insurance("USDT"))
    assert moved.amount > 0 and bench.venue.account_totals(0)[0] == 0


def test_liquidation_of_an_account_that_owes_more_than_a_price_can_pay_ends_at_zero() -> None:
    """A short's bankruptcy price cannot fall below a cent; what is still owed then comes from the fund."""
    bench = Bench(start("-150", (0, "-1", "100")), spec=DEEP)
    facts = bench.price("100")
    assert [fill.price for fill in _fills(facts)] == [1]
    (moved,) = [fact for fact in facts if isinstance(fact, CashMoved)]
    assert moved.amount == usd("150") - usd("99.99")
    assert bench.venue.account_totals(0) == (0, 0, 0)


def test_own_exit_at_a_bad_price_can_bring_the_rest_below_maintenance() -> None:
    """Selling 49 of 100 at 20 % below the mark leaves 18 against 20.4 of maintenance: the venue closes the rest."""
    ocean = ImpactSpec(half_spread_min=0.2, volume_day_prior=1e15, volume_day_min=1e15)
    thin = VenueSpec(latency=LATENCY, impact=ocean)
    bench = Bench(start("1000", (0, "100", "100")), spec=thin)
    bench.price("100")
    facts = bench.send(order(Side.SELL, "49", "1", reduce_only=True))
    assert [fill.origin for fill in _fills(facts)] == [FillOrigin.OURS, FillOrigin.LIQUIDATION]


def test_forced_selling_takes_depth_from_whoever_sells_next() -> None:
    """Another account's sale in the same second pays for what the liquidation took from the book."""
    prices = []
    for held in ("100", "0"):
        bench = Bench(start("1000", (0, held, "100"), account=0), start("1000000", (0, "100", "100"), account=1))
        bench.price("100")
        bench.price("90")
        (fill,) = _fills(bench.send(order(Side.SELL, "100", "50", account=1, reduce_only=True)))
        prices.append(fill.price)
    assert prices[0] < prices[1]


# Funding --------------------------------------------------------------------------------------------------

AT = START + 8 * NS_PER_HOUR


def _funded(rate: int, amount: str = "2", *, price: str = "150") -> list[object]:
    bench = Bench(start("1000", (0, amount, "150")), spec=DEEP)
    bench.price("100")
    bench.say(FundingRate(bench.now, bench.now, 0, rate, AT))
    bench.price(price)
    bench.now = AT
    return list(bench.say(Wake()))


@pytest.mark.parametrize(
    ("rate", "amount", "paid"),
    [(10_000, "2", "0.03"), (10_000, "-2", "-0.03"), (-10_000, "2", "-0.03"), (-10_000, "-2", "0.03")],
)
def test_funding_is_rate_times_notional_at_the_mark(rate: int, amount: str, paid: str) -> None:
    """One basis point on 2 x 150 is three cents: longs pay a positive rate, shorts receive it."""
    assert _funded(rate, amount) == [FundingPaid(AT + LATENCY, AT, 0, KEY, usd(paid), 1)]


def test_funding_without_a_fact_is_none() -> None:
    """Eight hours pass and nobody was told a rate: nothing is paid and nothing is due."""
    bench = Bench(start("1000", (0, "2", "150")), spec=DEEP)
    bench.price("150")
    assert bench.venue.next_wake() is None


def test_funding_is_paid_once_and_the_last_rate_counts() -> None:
    """The rate is told again and again until its time; then it is paid once, and not again when told late."""
    bench = Bench(start("1000", (0, "2", "150")), spec=DEEP)
    bench.price("150")
    for rate in (10_000, 20_000):
        bench.say(FundingRate(bench.now, bench.now, 0, rate, AT))
    bench.now = AT
    assert bench.say(Wake()) == [FundingPaid(AT + LATENCY, AT, 0, KEY, usd("0.06"), 1)]
    bench.say(FundingRate(AT, AT, 0, 30_000, AT))
    assert bench.venue.next_wake() is None
    assert bench.say(Wake()) == []


def test_funding_told_at_the_time_of_the_last_does_not_replace_it() -> None:
    """The next rate arrives in the very instant of the payment: both are paid, each at its time."""
    bench = Bench(start("1000", (0, "2", "150")), spec=DEEP)
    bench.price("150")
    bench.say(FundingRate(bench.now, bench.now, 0, 10_000, AT))
    bench.now = AT
    first = bench.say(FundingRate(AT, AT, 0, 50_000, AT + 8 * NS_PER_HOUR))
    assert [fact.amount for fact in first if isinstance(fact, FundingPaid)] == [usd("0.03")]
    assert bench.say(Wake()) == []
    second = bench.finish()
    assert [fact.amount for fact in second if isinstance(fact, FundingPaid)] == [usd("0.15")]


def test_funding_time_that_moves_away_and_back_is_paid_once() -> None:
    """The venue postpones a payment and takes it back: one payment at the first time, none at the second."""
    bench = Bench(start("1000", (0, "2", "150")), spec=DEEP)
    bench.price("150")
    for at in (AT, AT + NS_PER_HOUR, AT):
        bench.say(FundingRate(bench.now, bench.now, 0, 10_000, at))
    assert [fact.now for fact in bench.finish() if isinstance(fact, FundingPaid)] == [AT + LATENCY]


def test_funding_for_a_time_that_is_past_is_ignored() -> None:
    """A late fact moves no cash."""
    bench = Bench(start("1000", (0, "2", "150")), spec=DEEP)
    bench.price("150")
    bench.say(FundingRate(bench.now, bench.now, 0, 10_000, bench.now - 1))
    assert bench.venue.next_wake() is None


def test_funding_that_eats_the_margin_liquidates() -> None:
    """100 longs at 91 with 100 of equity pay 1 %: 9 are left against 36 of maintenance."""
    bench = Bench(start("1000", (0, "100", "100")), spec=DEEP)
    bench.price("91")
    bench.say(FundingRate(bench.now, bench.now, 0, 1_000_000, AT))
    bench.now = AT
    facts = bench.say(Wake())
    assert isinstance(facts[0], FundingPaid) and facts[0].amount == usd("91")
    assert len(_stages(facts)) == 1
