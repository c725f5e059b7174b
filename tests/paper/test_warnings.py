"""When the venue warns, how often, and that no price slips past it unseen."""

from __future__ import annotations

import pytest

from bot.domain.events import LiquidationStage, MarginCall
from bot.domain.scale import NS_PER_HOUR
from paper.spec import VenueSpec
from tests.paper.builders import LATENCY, Bench, start
from tests.paper.test_liquidation import DEEP


def _calls(facts: list[object]) -> int:
    return sum(isinstance(fact, MarginCall) for fact in facts)


def _bench() -> Bench:
    bench = Bench(start("1000", (0, "100", "100")), spec=DEEP)
    bench.price("100")
    return bench


# 0.4 % of 100 p is four fifths of 1,000 - 100 (100 - p) at p = 7,200 / 79.6 = 90.4522...


@pytest.mark.parametrize(("price", "calls"), [("90.46", 0), ("90.45", 1)])
def test_margin_call_comes_at_four_fifths_of_the_margin_ratio(price: str, calls: int) -> None:
    """The formula says 90.4522: the cent above is quiet, the cent below is not."""
    assert _calls(list(_bench().price(price))) == calls


def test_margin_call_says_when_the_venue_made_it() -> None:
    """The stamp is the venue's time, and the fact arrives a latency later."""
    bench = _bench()
    (call,) = bench.price("90.4")
    assert call == MarginCall(bench.now + LATENCY, bench.now, 0, 1)


def test_margin_call_is_repeated_each_hour_while_it_lasts_and_ends_with_its_cause() -> None:
    """Once at the price, not again at the next ones, again after an hour, and no more after a recovery."""
    bench = _bench()
    assert _calls(list(bench.price("90.4"))) == 1
    assert _calls(list(bench.price("90.41"))) == 0
    assert bench.venue.next_wake() == bench.now - 1_000_000 + NS_PER_HOUR
    bench.now += NS_PER_HOUR - 3_000_000
    assert _calls(list(bench.price("90.39"))) == 0
    bench.now += NS_PER_HOUR // 2
    assert _calls(list(bench.price("90.39"))) == 1
    bench.price("99")
    bench.now += 2 * NS_PER_HOUR
    assert _calls(list(bench.price("99"))) == 0
    assert bench.venue.next_wake() is None
    assert _calls(list(bench.price("90.4"))) == 1


def test_margin_call_is_not_made_when_the_position_is_gone_already() -> None:
    """A gap through both levels liquidates, and nobody is left to warn."""
    facts = _bench().price("85")
    assert _calls(list(facts)) == 0
    assert any(isinstance(fact, LiquidationStage) for fact in facts)


@pytest.mark.parametrize("level", [0.49, 1.01])
def test_margin_call_level_outside_a_half_and_one_is_refused(level: float) -> None:
    """Below a half the quiet range would not hold, above one the account is gone first."""
    with pytest.raises(Exception, match=r"margin_call_level must be from 0.5 to 1"):
        VenueSpec(margin_call_level=level)
