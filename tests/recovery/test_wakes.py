"""A wake that stands in for a later one does not make it forgotten."""

from __future__ import annotations

from bot.domain.scale import NS_PER_SECOND
from tests.builders import T0
from tests.engine.guarded import guarded


def test_stop_of_a_shrunk_position_follows_though_something_else_wakes_first() -> None:
    """The wake at 1.5 s, too early to look again, was the only one set; the stop must not stay too large for good."""
    driver = guarded()
    driver.accept(0.1)
    driver.engine.desk.timers.set(0, T0 + 3 * NS_PER_SECOND // 2)
    driver.external(1, 300, price=8_000)
    driver.run_timers(until=30)
    assert [stop.quantity for stop in driver.placed] == [1_000, 700]
