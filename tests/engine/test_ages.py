"""Rules over what changes by itself fire at their moment, though no price comes."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.effects import OpenEpisode
from bot.domain.market import FundingRate, Quote
from bot.domain.scale import NS_PER_SECOND
from bot.rules.language.typed import ReadingRef
from tests.builders import BTC, ETH, T0, layout, snapshot, trade
from tests.engine.driver import Driver, engine

RULE = """
rules:
  timed:
    for_each: position
    when: {when}
    do: close
    execute: {{algo: now}}
"""
HELD = (trade(0, 8_000.0), snapshot(1, usdt=2_000.0, btc=1_000, entry=8_000.0))


def fired(when: str, *events: object, until: float) -> list[float]:
    """Seconds after T0 at which the rule fired, with nothing but timers after the events."""
    driver = Driver(engine(RULE.format(when=when)))
    for event in (*HELD, *events):
        driver.step(event)  # type: ignore[arg-type]
    driver.run_timers(until=until)
    return [(effect.now - T0) / NS_PER_SECOND for effect in driver.found(OpenEpisode)]


FUNDING = FundingRate(T0 + 2 * NS_PER_SECOND, T0 + 2 * NS_PER_SECOND, 0, 10_000, T0 + 600 * NS_PER_SECOND)
MOMENTS: dict[str, tuple[str, tuple[object, ...], float]] = {
    "position_age": ("position.age >= 90s", (), 91.0),
    "limit_first": ("90s <= position.age", (), 91.0),
    "market_age": ("market.age >= 30s", (trade(10, 8_001.0),), 40.0),
    "of_another_market": (f'market("{ETH}").age >= 30s', (trade(10, 200.0, instrument=1),), 40.0),
    "next_funding": ("market.next_funding <= 1m", (FUNDING,), 540.0),
    "sum_of_ages": ("position.age + 10s >= 90s", (), 81.0),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_age_reaches_its_limit_at_the_moment_itself(name: str) -> None:
    """The engine asks to be woken when time alone makes a condition true, and not before it is."""
    when, events, expected = MOMENTS[name]
    assert fired(when, *events, until=expected - 0.001) == []
    assert fired(when, *events, until=expected + 0.001) == [expected]


@pytest.mark.parametrize(("until", "fires"), [(539.999, []), (540.001, [540.0])], ids=["before", "at the moment"])
def test_expiry_of_a_dated_future_fires_though_no_price_comes(until: float, fires: list[float]) -> None:
    """Its moment is known from the contract; a perpetual beside it has none, and no rule fires for that."""
    plain = layout()
    future = replace(plain.instruments[0], expiry=T0 + 600 * NS_PER_SECOND)
    driver = Driver(engine(
        RULE.format(when="position.expiry <= 1m"), shape=replace(plain, instruments=(future, plain.instruments[1]))
    ))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(1, usdt=2_000.0, btc=1_000, entry=8_000.0, eth=1_000, eth_entry=200))
    driver.run_timers(until=until)
    found = driver.found(OpenEpisode)
    assert [(effect.now - T0) / NS_PER_SECOND for effect in found] == fires
    assert all(effect.element.key is not None and effect.element.key.instrument == 0 for effect in found)


@pytest.mark.parametrize(("at", "left"), [(0, 600.0), (599, 1.0), (600, None), (601, None)])
def test_time_to_expiry_ends_with_it(at: float, left: float | None) -> None:
    """What has expired is gone or about to be settled: nothing is measured in it any more."""
    plain = layout()
    future = replace(plain.instruments[0], expiry=T0 + 600 * NS_PER_SECOND)
    made = engine(RULE.format(when="position.expiry < 1s"),
                  shape=replace(plain, instruments=(future, plain.instruments[1])))
    made.step(snapshot(0, usdt=2_000.0, btc=1_000, entry=8_000.0))
    made.step(trade(at, 8_000))
    value = made.readings.value(ReadingRef("position.expiry"), position=0, account=0)
    assert value == (None if left is None else left * NS_PER_SECOND)


def test_age_strictly_above_its_limit_fires_a_nanosecond_later() -> None:
    """At the limit itself `>` is not true yet."""
    assert fired("position.age > 90s", until=92) == [pytest.approx(91.0, abs=1e-8)]


def test_quotes_and_trades_wake_the_rules_that_read_them() -> None:
    """A spread that opens fires without a trade; equal prices still count into a volume."""
    wide = Quote(T0 + 5 * NS_PER_SECOND, T0 + 5 * NS_PER_SECOND, 0, 790_000, 5, 810_000, 5)
    assert fired("market.spread_bps > 50bps", wide, until=4) == [5.0]
    same = [trade(seconds, 8_000.0) for seconds in range(2, 70, 4)]
    assert fired(f'market("{BTC}").volume(1m) > 14 BTC', *same, until=1) == [62.0]
