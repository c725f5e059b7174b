"""What each fire left open, in words: the deposit that would do, or the sale and what it is expected to cost."""

from __future__ import annotations

import pytest

from bot.app.ways_out import WaysOut, deposit_text, ways_out_of
from bot.domain.account import Balance
from bot.domain.effects import Goal, GoalKind, OpenEpisode, OpenParent, PlanEpisode, ReviseParent, ScopeElement
from bot.domain.obligation import Obligation
from bot.domain.order import OrderClass, Side
from bot.domain.scale import CASH_UNIT
from tests.builders import ETH_KEY, KEY, T0, layout


def fired(deposit: int | None, *, episode: int = 1) -> OpenEpisode:
    paid = None if deposit is None else Balance("USDT", deposit * CASH_UNIT)
    goal = Goal(GoalKind.LIQUIDATION_DISTANCE, 0.3)
    return OpenEpisode(episode, "guard", ScopeElement(0), goal, "why", (), (), 0, T0, deposit=paid)


def duty(quantity: int, *, episode: int = 1, start: int = T0) -> Obligation:
    return Obligation(
        episode, "guard", quantity, 0, start, start + 60, 5, "twap", "taker", OrderClass.MARGIN, 0.01, None
    )


def opened(name: str, quantity: int, *, price: int, at: int = T0) -> OpenParent:
    key = KEY if name == "btc" else ETH_KEY
    return OpenParent(name, key, Side.SELL, quantity, 0, (duty(quantity, start=at),), price, price, 0, 0, at)


def test_fire_says_what_deposit_or_which_sale_would_do_at_what_cost() -> None:
    """3.1 BTC at 8,000 and 20 ETH at 200 are worth 28,800; 98 of cost are 34 bps of that."""
    ways = WaysOut(layout())
    ways.on_effects([
        fired(12_400), PlanEpisode(1, (), T0, 98 * CASH_UNIT), opened("btc", 3_100, price=800_000),
        opened("eth", 20_000, price=20_000),
    ])
    assert ways.text(1) == "deposit 12,400 USDT, or sell 3.1 BTC and 20 ETH for about 34 bps"


def test_fire_tells_its_first_plan_and_no_later_one() -> None:
    """What is sold more when the price falls further is another decision, at another time."""
    ways = WaysOut(layout())
    first = opened("btc", 1_000, price=800_000)
    later = ReviseParent("btc", 1_500, 0, (*first.obligations, duty(500, start=T0 + 9)), T0 + 9)
    ways.on_effects([fired(500), PlanEpisode(1, (), T0, 8 * CASH_UNIT), first])
    ways.on_effects([PlanEpisode(1, (), T0 + 9, 80 * CASH_UNIT), later])
    assert ways.text(1) == "deposit 500 USDT, or sell 1 BTC for about 10 bps"


def test_fire_whose_sale_is_under_way_already_tells_the_deposit_alone() -> None:
    """Another rule's order sells as much; nothing is added for this one."""
    ways = WaysOut(layout())
    ways.on_effects([fired(500), PlanEpisode(1, (), T0, 0)])
    assert ways.text(1) == "deposit 500 USDT"


def test_fire_that_no_deposit_would_have_answered_says_nothing() -> None:
    """A stop-loss wants to be flat; so does a fire that the journal does not know."""
    ways = WaysOut(layout())
    ways.on_effects([fired(None), PlanEpisode(1, (), T0, 0), opened("btc", 1_000, price=800_000)])
    assert ways.text(1) is None
    assert ways.text(2) is None


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("1000", "1,000 USDT"), ("999.99", "1000 USDT"), ("493.611", "493.6 USDT"), ("0.31234", "0.3123 USDT")],
)
def test_deposit_is_told_in_as_many_digits_as_matter(amount: str, expected: str) -> None:
    """Cents of thousands say nothing, and thousandths of a coin do."""
    told = deposit_text(Balance("USDT", round(float(amount) * CASH_UNIT)))
    assert told.replace(",", "") == expected.replace(",", "")


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        ("x 3 % < 5 %; deposit 5 USDT, or sell 1 BTC for 9 bps", "deposit 5 USDT, or sell 1 BTC for 9 bps"),
        ("x 3 % < 5 %; deposit 500 USDT; x is infinite", "deposit 500 USDT"),
        ("x 3 % < 5 %", None),
        ("", None),
    ],
)
def test_ways_out_are_found_again_in_a_reason(why: str, expected: str | None) -> None:
    """What the summary says of a fire is all that a report has of it."""
    assert ways_out_of(why) == expected
