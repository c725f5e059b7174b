"""Windows, defaults and time in rules, through the engine: fed by prices, fired at the right moment."""

from __future__ import annotations

import pytest

from bot.domain.effects import OpenEpisode
from bot.domain.errors import JournalError
from bot.domain.events import Restarted, Timer
from bot.domain.market import IndexPrice
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.record import checkpoint
from bot.rules.language.typed import ReadingRef
from tests.builders import ETH, T0, ended, fill, snapshot, trade
from tests.engine.driver import WIDE, Driver, engine

HOUR = 3_600
MIDNIGHT_OF_FRIDAY = 24 * HOUR       # T0 is Thursday 2020-03-12 00:00 UTC


def rule(when: str, *, scope: str = "position", hold: str = "0s") -> str:
    """A rule that closes the position, or deleverages the account."""
    do = "close" if scope == "position" else "{deleverage: {to: {liquidation_distance: 90%}}}"
    return f"""
rules:
  probe:
    for_each: {scope}
    when: '{when}'
    hold: {hold}
    do: {do}
    execute: {{algo: now}}
"""


def held(when: str, *, scope: str = "position", hold: str = "0s", btc: int = 1_000) -> Driver:
    """An engine with one rule, and a long of one BTC entered at 8,000."""
    driver = Driver(engine(rule(when, scope=scope, hold=hold)))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=4_000, btc=btc, entry=8_000))
    return driver


def fires(driver: Driver) -> list[float]:
    """When episodes were opened, seconds after T0."""
    return [(effect.now - T0) / NS_PER_SECOND for effect in driver.found(OpenEpisode)]


def derived_value(made: Engine, text: str) -> float | None:
    """The reading that a person writes as ``text``, as the engine has it for the first element."""
    refs: list[ReadingRef] = [ref for ref in made.readings.columns_by_ref if str(ref) == text]
    (ref,) = refs
    return made.readings.value(ref, position=0, account=0)


# Windows --------------------------------------------------------------------------------------------------


def test_window_rule_fires_on_a_fall_from_the_highest_mark() -> None:
    """A fall of 3 % from the best price of ten minutes fires, one of 2.9 % does not."""
    driver = held("market.mark_price < 97% * max(market.mark_price, 10m)")
    driver.step(trade(300, 8_200))
    driver.step(trade(600, 8_100))
    driver.step(trade(601, 7_963))
    assert fires(driver) == []
    driver.step(trade(602, 7_953))
    assert fires(driver) == [602]
    (opened,) = driver.found(OpenEpisode)
    assert "max(market.mark_price, 10m) 8_200 USDT = 7_954 USDT" in opened.why
    assert [(reading.text, reading.value, reading.unit) for reading in opened.readings] == [
        ("market.mark_price", 7_953.0, "quote per base"), ("max(market.mark_price, 10m)", 8_200.0, "USDT per base"),
    ]


def test_window_rule_before_its_window_is_covered_does_not_fire() -> None:
    """A fall in the first ten minutes is not one from the best price of ten minutes."""
    driver = held("market.mark_price < 97% * max(market.mark_price, 10m)")
    driver.step(trade(599, 7_000))
    assert fires(driver) == []
    driver.step(trade(600, 7_001))
    assert fires(driver) == [600]


def test_window_over_an_account_follows_prices_between_minutes() -> None:
    """Equity loses 500 within a minute: rate sees it at the price, without waiting for a bar."""
    driver = held("change(account.equity, 1m) < -499 USDT", scope="account")
    for second in range(1, 91):
        driver.step(trade(second, 8_000 + second % 2))
    driver.step(trade(91, 7_502))
    assert fires(driver) == []
    driver.step(trade(92, 7_500))
    assert fires(driver) == [92]


def test_window_over_a_named_market_is_kept_for_that_market() -> None:
    """A BTC position is closed by what ETH did, and BTC's own prices do not come into it."""
    driver = held(f'change(market("{ETH}").mark_price, 1m) / market("{ETH}").mark_price < -5%')
    for second in range(1, 91):
        driver.step(trade(second, 8_000 + 50 * second))
        driver.step(trade(second, 200, instrument=1))
    driver.step(trade(91, 4_000))
    assert fires(driver) == []
    driver.step(trade(92, 189, instrument=1))
    assert fires(driver) == [92]


def test_window_over_two_markets_follows_both() -> None:
    """The mean of a quotient of own and named market moves with either price."""
    text = f'mean(market.mark_price / market("{ETH}").mark_price, 1m)'
    driver = held(f"{text} > 1_000_000 ETH")
    # BTC at 8,000 by ETH at 200 is 40; then ETH falls to 160 for the second half: 50
    for second in range(1, 121):
        driver.step(trade(second, 200 if second <= 90 else 160, instrument=1))
    driver.step(trade(120, 8_001))
    assert derived_value(driver.engine, text) == pytest.approx((30 * 40 + 30 * 50) / 60, rel=2e-2)


def test_window_over_a_position_begins_again_with_the_next_position() -> None:
    """The best profit of a closed position is no reason to close the next one."""
    text = "max(position.unrealised_pnl, 1m)"
    driver = held(f"{text} > 900 USDT and position.unrealised_pnl < 100 USDT")
    for second in range(1, 100):
        driver.step(trade(second, 8_850 + second % 2))
    assert derived_value(driver.engine, text) == 851.0
    driver.step(snapshot(100, usdt=4_850, btc=0, entry=0))
    assert derived_value(driver.engine, text) is None
    driver.step(snapshot(101, usdt=4_850, btc=1_000, entry=8_850))
    driver.step(trade(160, 8_851))
    assert derived_value(driver.engine, text) is None
    driver.step(trade(161, 8_850))
    assert derived_value(driver.engine, text) == 1.0


def test_window_moves_on_with_the_minute_when_the_price_stands_still() -> None:
    """A spike leaves the window although every trade since had one price."""
    driver = held("max(market.mark_price, 1m) > 1_000_000 USDT")
    driver.step(trade(61, 9_000))
    driver.step(trade(62, 8_000))
    for second in range(63, 130):
        driver.step(trade(second, 8_000))
    assert derived_value(driver.engine, "max(market.mark_price, 1m)") == 9_000
    driver.step(trade(180, 8_000))
    assert derived_value(driver.engine, "max(market.mark_price, 1m)") == 8_000


def walked(when: str, *, until: int) -> Driver:
    """An engine that has seen a price every second."""
    driver = held(when)
    for second in range(1, until):
        driver.step(trade(second, 8_000 + second % 7))
    return driver


ACCOUNT, MARKET, BARS = "max(account.equity, 1m)", "stdev(market.mark_price, 1m)", "sma(market.close, 2, 1m)"
NEVER = f"{ACCOUNT} > 1_000_000 USDT or {MARKET} > 1_000_000 USDT or {BARS} > 1_000_000 USDT"


def test_windows_after_a_restart_know_the_market_and_not_the_account() -> None:
    """Prices that a restart catches up with are the market's past at their own times, but not the account's."""
    pytest.importorskip("talib")
    ran_on = walked(NEVER, until=1_300)
    restarted = Driver(engine(rule(NEVER)))
    restarted.step(Restarted(T0 + 1_299 * NS_PER_SECOND, "test"))
    restarted.engine.warm(trade(0, 8_000))
    for second in range(1, 1_300):
        restarted.engine.warm(trade(second, 8_000 + second % 7))
    restarted.step(snapshot(1_299, usdt=4_000, btc=1_000, entry=8_000))
    for driver in (ran_on, restarted):
        driver.step(trade(1_301, 8_123))
    for text in (MARKET, BARS):
        found = derived_value(restarted.engine, text)
        assert found is not None and found == derived_value(ran_on.engine, text)
    assert derived_value(ran_on.engine, ACCOUNT) == 4_123
    assert derived_value(restarted.engine, ACCOUNT) is None
    restarted.step(trade(1_359, 8_001))
    assert derived_value(restarted.engine, ACCOUNT) == 4_123


@pytest.mark.parametrize(("gap", "is_bridged"), [(6, True), (7, False)])
def test_windows_of_an_account_loaded_after_a_restart_bridge_a_short_gap(gap: int, is_bridged: bool) -> None:
    """With a checkpoint's state a window over the account goes on, unless too long was not looked at."""
    first = walked(NEVER, until=100)
    second = Driver(engine(rule(NEVER)))
    second.step(Restarted(T0 + 99 * NS_PER_SECOND, "test"))
    checkpoint.load_windows(checkpoint.dump_windows(first.engine.readings.derived), second.engine.readings.derived)
    second.engine.warm(trade(99, 8_000))
    second.step(snapshot(99 + gap, usdt=4_000, btc=1_000, entry=8_000))
    assert derived_value(second.engine, ACCOUNT) == (4_006 if is_bridged else None)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"max(account.equity, 1m)": [[1, 2]]}'])
def test_windows_that_cannot_be_read_are_refused(body: bytes) -> None:
    """A damaged state is an error with a name, not a window with wrong numbers."""
    made = engine(rule("max(account.equity, 1m) > 1_000_000 USDT"))
    with pytest.raises(JournalError, match="window"):
        checkpoint.load_windows(body, made.readings.derived)


# Defaults -------------------------------------------------------------------------------------------------


def test_default_stands_in_while_a_reading_is_unavailable_and_no_longer() -> None:
    """Without an index the rule assumes the mark; with one it believes the index."""
    driver = held("default(market.index_price, 9_000 USDT) < 8_500 USDT")
    driver.step(trade(1, 8_001))
    assert fires(driver) == []
    now = T0 + 2 * NS_PER_SECOND
    driver.step(IndexPrice(now, now, 0, 850_000))
    assert fires(driver) == []
    now += NS_PER_SECOND
    driver.step(IndexPrice(now, now, 0, 849_999))
    assert fires(driver) == [3]


# Time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "at"),
    [
        ("time.between(00:10, 00:20)", 600),
        ("time.of_day >= 00:10", 600),
        ("time.of_day > 00:10", 600 + 1e-9),
        ("time.every(10m) and time.of_day > 00:05", 600),
        ("time.between(fri 00:00, fri 00:10)", MIDNIGHT_OF_FRIDAY),
        ("time.of_week >= fri 00:00", MIDNIGHT_OF_FRIDAY),
        ("not time.between(fri 20:00, fri 00:00)", MIDNIGHT_OF_FRIDAY),
        ("time.of_day - 5m > 5m", 660),      # a sum is looked at every minute
    ],
)
@pytest.mark.parametrize("scope", ["position", "account"])
def test_time_rule_fires_at_its_moment_although_no_price_comes(when: str, at: float, scope: str) -> None:
    """The engine asks to be woken when time alone makes a rule true, and not a nanosecond later."""
    driver = held(when, scope=scope)
    driver.run_timers(until=at - 1e-6)
    assert fires(driver) == []
    driver.run_timers(until=at + 1)
    assert [effect.now for effect in driver.found(OpenEpisode)] == [T0 + round(at * NS_PER_SECOND)]


def test_time_rule_ends_at_its_moment_and_fires_again_the_next_day() -> None:
    """A rule over part of the day is armed again when that part is over."""
    driver = held("time.between(00:10, 00:20)")
    driver.run_timers(until=600)
    (order,) = driver.orders
    driver.step(fill(order, 601, 1_000, 8_000))
    driver.step(ended(order, 601, 1_000))
    driver.step(snapshot(1_300, usdt=4_000, btc=1_000, entry=8_000))
    driver.run_timers(until=24 * HOUR + 600)
    assert fires(driver) == [600, 24 * HOUR + 600]


def test_time_rule_with_a_hold_waits_for_it() -> None:
    """Time is a condition like any other."""
    driver = held("time.between(00:10, 00:20)", hold="30s")
    driver.run_timers(until=629.9)
    assert fires(driver) == []
    driver.run_timers(until=630)
    assert fires(driver) == [630]


def test_time_rule_at_its_end_is_no_longer_true() -> None:
    """Between is from the first time until just before the second."""
    driver = held("time.between(22:00, 00:00)")
    assert fires(driver) == []
    driver.step(Timer(T0 + 22 * HOUR * NS_PER_SECOND - 1))
    assert fires(driver) == []
    other = held("time.between(23:00, 00:01)")
    assert fires(other) == [0]


def test_engine_without_time_in_its_rules_asks_for_no_moments() -> None:
    """Whoever does not use the clock is woken by it for one thing only: to see whether prices still come."""
    driver = held("market.mark_price < 1 USDT")
    assert driver.engine.watch.next_moment(0, driver.engine.book.now) is None
    assert driver.wake == T0 + WIDE.stale_after
