"""Closed bars, and the indicators on them against their definitions."""

from __future__ import annotations

import statistics
import sys
from itertools import pairwise
from random import Random

import pytest

from bot.domain.effects import OpenEpisode
from bot.domain.errors import Unsupported
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.measures.bars import Bars
from bot.engine.measures.indicators import FED_PERIODS, Indicator
from tests.builders import T0, snapshot, trade
from tests.engine.driver import Driver, engine

pytest.importorskip("talib", reason="indicators are worked out by TA-Lib, which is not installed")

MINUTE = NS_PER_MINUTE
Price = tuple[int, float]


def walk(random: Random, minutes: int) -> list[Price]:
    """Prices at irregular times, the first at a full minute; some minutes have none."""
    now, price, found = 0, 8_000.0, [(0, 8_000.0)]
    while now < minutes * MINUTE:
        now += round(random.choice((0.1, 0.3, 0.9, 1.7)) * MINUTE)
        price = round(price + random.gauss(0, 10), 2)
        found.append((now, price))
    return found


def bars_of(prices: list[Price]) -> list[tuple[float, float, float]]:
    """High, low and close of every closed minute, from the definition; a bar begins at the close before."""
    found, held = [], prices[0][1]
    for minute in range(prices[-1][0] // MINUTE):
        inside = [held, *(price for at, price in prices if at // MINUTE == minute)]
        held = inside[-1]
        found.append((max(inside), min(inside), held))
    return found


def wilder(values: list[float], periods: int) -> float:
    """Wilder's average: a plain mean of the first values, then a share of each next one."""
    average = sum(values[:periods]) / periods
    for value in values[periods:]:
        average = (average * (periods - 1) + value) / periods
    return average


def defined(name: str, periods: int, width: float, bars: list[tuple[float, float, float]]) -> float:
    """The indicator of the last ten times ``periods`` bars, from its definition (Wilder 1978, Bollinger 1992)."""
    fed = bars[-FED_PERIODS * periods:]
    closes = [close for _, _, close in fed]
    match name:
        case "sma":
            return statistics.fmean(closes[-periods:])
        case "bollinger":
            return statistics.fmean(closes[-periods:]) + width * statistics.pstdev(closes[-periods:])
        case "rsi":
            moves = [after - before for before, after in pairwise(closes)]
            gain = wilder([max(move, 0.0) for move in moves], periods)
            loss = wilder([max(-move, 0.0) for move in moves], periods)
            return 100.0 * gain / (gain + loss)
        case _:
            ranges = [
                max(high, before[2]) - min(low, before[2])
                for before, (high, low, _) in pairwise(fed)
            ]
            return wilder(ranges, periods)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("sma", (5,)), ("rsi", (7,)), ("atr", (7,)), ("bollinger", (5, 2.0)), ("bollinger", (5, -1.5))],
)
def test_indicator_of_a_random_walk_equals_its_definition(name: str, numbers: tuple[float, ...]) -> None:
    """After every bar the value is what the definition says of exactly ten periods of bars, and none before."""
    random = Random(3)
    periods, width = int(numbers[0]), numbers[-1]
    prices = walk(random, 130)
    indicator = Indicator(name, numbers, MINUTE)
    values = 0
    for count, (at, price) in enumerate(prices, start=1):
        found = indicator.update(at, price)
        bars = bars_of(prices[:count])
        if len(bars) < FED_PERIODS * periods:
            assert found is None
        else:
            values += 1
            assert found == pytest.approx(defined(name, periods, width, bars), rel=1e-9)
    assert values > 40


@pytest.mark.parametrize(("name", "numbers"), [("rsi", (7,)), ("atr", (7,)), ("sma", (7,)), ("bollinger", (7, 2.0))])
def test_indicator_started_later_reads_the_same_to_the_last_bit(name: str, numbers: tuple[float, ...]) -> None:
    """A bot that was restarted and one that ran on see one value, as soon as both see any."""
    prices = walk(Random(4), 200)
    early, late = Indicator(name, numbers, MINUTE), Indicator(name, numbers, MINUTE)
    compared = 0
    for place, (at, price) in enumerate(prices):
        first = early.update(at, price)
        second = late.update(at, price) if place > 37 else None
        if second is not None:
            compared += 1
            assert second == first
    assert compared > 50


def test_bars_first_one_that_was_not_seen_whole_does_not_count() -> None:
    """A bot that starts in the middle of a minute does not know that minute's high."""
    bars = Bars(bar=MINUTE, kept=20)
    assert not bars.take(30 * NS_PER_SECOND, 9.0)
    assert bars.take(MINUTE, 5.0) and list(bars.closes) == []
    bars.take(MINUTE + 1, 7.0)
    bars.take(MINUTE + 2, 6.0)
    assert bars.take(2 * MINUTE, 6.5)
    assert (list(bars.highs), list(bars.lows), list(bars.closes)) == ([9.0], [5.0], [6.0])
    assert not bars.is_full
    for minute in range(3, 21):
        bars.take(minute * MINUTE, 6.5)
    assert not bars.is_full and bars.take(21 * MINUTE, 6.5) and bars.is_full


def test_bars_without_a_price_are_flat_and_a_long_silence_starts_anew() -> None:
    """A tenth of the bars may pass without a price; after one more the past is dropped."""
    for silence, closes in ((2, [1.0, 1.0, 1.0]), (3, [])):
        bars = Bars(bar=MINUTE, kept=20)
        bars.take(0, 1.0)
        bars.take(MINUTE, 1.0)
        bars.take((1 + silence) * MINUTE, 2.0)
        assert list(bars.closes) == closes


def test_indicator_rule_fires_through_the_engine_when_its_bars_are_closed() -> None:
    """A plain average of two one-minute closes needs twenty bars; then a jump in one close moves it."""
    driver = Driver(engine("""
rules:
  probe:
    for_each: position
    when: sma(market.close, 2, 1m) > 8_040 USDT
    do: close
    execute: {algo: now}
"""))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=4_000, btc=1_000, entry=8_000))
    for minute in range(22):
        driver.step(trade(60 * minute + 30, 8_000 + minute % 2))
    driver.step(trade(60 * 22 + 30, 8_100))
    assert driver.found(OpenEpisode) == []
    driver.step(trade(60 * 23, 8_100))
    (opened,) = driver.found(OpenEpisode)
    assert opened.now == T0 + 23 * MINUTE
    assert "sma(market.close, 2, 1m) 8_050.5 USDT" in opened.why


def test_indicator_without_talib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """TA-Lib is wanted only by rules that use it, and its absence is said in a sentence."""
    monkeypatch.setitem(sys.modules, "talib", None)
    with pytest.raises(Unsupported, match=r"rsi: is worked out by TA-Lib.*install the package TA-Lib"):
        Indicator("rsi", (14,), MINUTE)


def test_rules_without_indicators_do_not_load_talib() -> None:
    """Loading it takes a tenth of a second and much memory: an engine without indicators does not."""
    loaded = [name for name in sys.modules if name == "talib" or name.startswith("talib.")]
    for name in loaded:
        del sys.modules[name]
    engine("""
rules:
  probe:
    for_each: position
    when: max(market.mark_price, 15m) > 8_040 USDT
    do: close
""")
    assert "talib" not in sys.modules
