"""What is said of a sale: quotes before it, and the record that outlives the process."""

from __future__ import annotations

import pytest

from bot.domain.effects import (
    OpenParent,
    PlaceOrder,
    PlanEpisode,
)
from bot.domain.events import CommandKind, Reloaded, Restarted
from bot.domain.order import OrderClass
from bot.domain.sale import QuoteSale, SaleOffer, SaleTerms, TakeSale
from bot.domain.scale import CASH_UNIT, NS_PER_DAY
from bot.engine.deciding.sales import terms_of
from bot.engine.record import checkpoint
from bot.engine.spec import SurvivalSpec
from bot.execution.spec import Algo
from tests.builders import T0, layout, rules, snapshot, trade
from tests.engine.driver import SLOW_STOP, WIDE, Trader, engine, long_of
from tests.engine.sold import NO_RULES, S, alarms, ends, sale, say


def test_quote_says_what_a_sale_comes_to_and_does_nothing() -> None:
    """Value, orders, time and both costs; more slices cost less, and its name stays free."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, sale(quantity=500, over=600, participation_max=0.1), CommandKind.QUOTE_SALE)
    driver.live_through(1, 700, price=8_000)
    (quote,) = driver.found(QuoteSale)
    offer = quote.offer
    assert isinstance(offer, SaleOffer)
    assert (offer.quantity, offer.keep, offer.slices) == (500, 500, 60)
    assert offer.value == 4_000 * CASH_UNIT
    assert 0 < offer.cost < offer.cost_at_once < offer.value // 50
    assert driver.held == 1_000 and not driver.orders
    say(driver, 701, sale(quantity=500))
    assert len(driver.found(TakeSale)) == 1


def test_quote_of_a_capped_sale_in_a_thin_market_says_that_it_takes_longer() -> None:
    """10 % of the volume: a day's volume of others takes nine days to sell."""
    driver = long_of(1_000, NO_RULES)
    liquidity = driver.engine.market.liquidity(0, price=800_000, fee=0.0, now=T0)
    say(driver, 1, sale(quantity=1_000, over=1, participation_max=0.00001), CommandKind.QUOTE_SALE)
    offer = driver.found(QuoteSale)[0].offer
    assert offer is not None
    expected = 1_000 / (liquidity.volume_day * 0.00001 / 0.99999) * NS_PER_DAY
    assert offer.length == pytest.approx(expected, rel=1e-6) and offer.length > S


def test_quote_of_what_would_be_refused_says_why() -> None:
    """The same reason as the sale would have, without using up its name."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, sale(quantity=5_000), CommandKind.QUOTE_SALE)
    (quote,) = driver.found(QuoteSale)
    assert quote.offer is None and quote.why.startswith("only 1 can be sold")
    assert not driver.engine.book.sales


# The record -------------------------------------------------------------------------------------------------


def test_sale_survives_a_restart_from_the_checkpoint_and_is_sold_once() -> None:
    """The next process has its terms, its curve and its name; the same words sell nothing more."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale(quantity=600, over=600, tactic="taker", collar=0.01))
    driver.live_through(0, 200, price=8_000)
    body = checkpoint.dump(driver.engine.book)
    book = checkpoint.load(body, layout())
    assert checkpoint.dump(book) == body
    again = Trader(engine(NO_RULES, book=book))
    again.trades = 1_000
    again.step(Restarted(T0 + 300 * S, "test"))
    again.step(trade(300, 8_000))
    again.step(snapshot(300, usdt=10_000, btc=driver.held, entry=8_000))
    say(again, 301, sale(quantity=600, over=600, collar=0.01))
    again.live_through(301, 700, price=8_000)
    assert again.held == 400
    assert alarms(again)[-2:] == ["sale_known", "sale_ended"]


def test_sale_after_a_restart_knows_what_was_bought_while_nobody_ran() -> None:
    """The venue says more is held than the record: that is kept."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale(quantity=600, over=600))
    book = checkpoint.load(checkpoint.dump(driver.engine.book), layout())
    again = Trader(engine(NO_RULES, book=book))
    again.trades = 1_000
    again.step(Restarted(T0 + 300 * S, "test"))
    again.step(trade(300, 8_000))
    again.step(snapshot(300, usdt=10_000, btc=1_500, entry=8_000))
    again.live_through(301, 700, price=8_000)
    assert again.held == 900


def test_sale_goes_on_through_a_reload_of_rules() -> None:
    """A person's sale is no rule's: other rules leave it alone, and its terms stay."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale(quantity=600, over=600, collar=0.01))
    driver.live_through(0, 100, price=8_000)
    driver.engine.replace_rules(rules(SLOW_STOP), limits=WIDE, survival=(SurvivalSpec(),))
    driver.step(Reloaded(T0 + 101 * S, "other"))
    say(driver, 102, sale("second", quantity=100))
    driver.live_through(102, 700, price=8_000)
    assert driver.held == 300
    assert ends(driver) == ["goal met"]


def test_sale_names_are_forgotten_oldest_first_and_never_while_at_work() -> None:
    """A thousand are remembered; the one that is being sold is among them, however old."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale("at work", 600, over=NS_PER_DAY // S))
    for number in range(1_005):
        say(driver, 1, sale(f"refused {number}", 5_000))
    sales = driver.engine.book.sales
    assert len(sales) == 1_000
    assert "at work" in sales and "refused 5" not in sales and "refused 1004" in sales


def test_terms_are_those_of_a_rule_of_the_cost_class() -> None:
    """At once, or evenly over the time; nothing of it relaxes."""
    spec = terms_of(SaleTerms(0, "taker"))
    assert (spec.algo, spec.order_class) == (Algo.NOW, OrderClass.COST)
    assert terms_of(SaleTerms(60 * S, "passive")).algo is Algo.TWAP


def test_sale_parent_opens_with_the_price_at_which_it_was_said() -> None:
    """What it cost is counted from the moment of the word."""
    driver = long_of(1_000, NO_RULES)
    driver.step(trade(1, 8_100))
    say(driver, 1, sale(quantity=500))
    (parent,) = driver.found(OpenParent)
    assert parent.decision_price == 810_000
    assert driver.found(PlanEpisode)[-1].cuts[0].keep == 500
    assert isinstance(driver.found(PlaceOrder)[0], PlaceOrder)
