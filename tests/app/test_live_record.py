"""What a daemon keeps for its report stays small, loses no hour, and stops no guard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.adapters.journal.reader import open_readonly
from bot.adapters.journal.sqlite import SqliteJournal
from bot.app.charter import CHARTER_SERIES
from bot.app.daemon.clock import WallClock
from bot.app.daemon.recording import Recording
from bot.app.live_record import LAYOUT_SERIES, live_record
from bot.app.performance import hourly_returns, unit_values
from bot.app.recorder import RunRecorder
from bot.domain.effects import RaiseAlarm
from bot.domain.errors import JournalError
from bot.domain.scale import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE
from tests.builders import BTC, STOP, T0, snapshot, trade
from tests.daemon.house import run_head
from tests.engine.driver import Trader, engine


def recorded(minutes: int) -> RunRecorder:
    """A recorder that took a point a minute of an account whose price rises by one each time."""
    driver = Trader(engine(STOP))
    recorder = RunRecorder(driver.engine, NS_PER_MINUTE)
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000))
    for minute in range(minutes):
        driver.step(trade(60 * minute, 8_000 + minute))
        recorder.on_moment(T0 + minute * NS_PER_MINUTE, 0)
    return recorder


def test_thinned_series_keep_every_hours_last_point_and_all_that_is_young() -> None:
    """Ten hours, of which the last two stay as they are; the hourly returns are the same to the bit."""
    recorder = recorded(600)
    (lines,) = recorder.lines
    before = hourly_returns(unit_values(lines.ts, lines.equity, ()))
    fine = T0 + 8 * NS_PER_HOUR
    recorder.thin(fine)
    assert [ts for ts in lines.ts if ts >= fine] == [T0 + minute * NS_PER_MINUTE for minute in range(480, 600)]
    assert len(lines.ts) == 120 + 8 + 1
    assert hourly_returns(unit_values(lines.ts, lines.equity, ())) == before
    assert {len(line) for line in (lines.equity, lines.distance, lines.margin_ratio, lines.marks[BTC])} == {129}
    recorder.thin(fine)
    assert len(lines.ts) == 129


@pytest.mark.parametrize("minutes", [0, 1])
def test_thinned_series_of_next_to_nothing_stay_as_they_are(minutes: int) -> None:
    """No point, and one."""
    recorder = recorded(minutes)
    recorder.thin(T0 + NS_PER_DAY)
    assert len(recorder.lines[0].ts) == minutes


def test_forgotten_record_keeps_what_is_open_and_what_no_journal_has() -> None:
    """Alarms go, series stay, and a parent that is at work is still followed."""
    driver = Trader(engine(STOP))
    recorder = RunRecorder(driver.engine, NS_PER_MINUTE)
    for event in (trade(0, 8_000), snapshot(0, usdt=10_000, btc=1_000, entry=8_000), trade(1, 7_500)):
        recorder.on_effects(driver.step(event))
    recorder.on_effects([RaiseAlarm("a", "b", T0)])
    recorder.on_moment(T0, 0)
    (name,) = recorder.parents
    recorder.forget_recorded()
    assert (list(recorder.parents), recorder.fires, recorder.alarms) == ([name], [], [])
    assert recorder.lines[0].ts
    told = len(driver.effects)
    driver.fill_all(2, price=7_500)
    recorder.on_effects(driver.effects[told:])
    recorder.forget_recorded()
    assert not recorder.parents


def test_recording_that_breaks_is_told_once_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard that ended for the sake of a report would be none."""
    with SqliteJournal.create(tmp_path / "journal.sqlite", run_head()) as journal:
        recording = Recording(engine(STOP), journal, WallClock(), "Guarding")
        calls: list[Any] = []

        def broken(effects: Any) -> None:
            calls.append(effects)
            raise KeyError("nobody knows")

        monkeypatch.setattr(recording.recorder, "on_effects", broken)
        recording.on_effects([])
        recording.on_effects([])
        recording.save()
        assert len(calls) == 1


def test_live_record_is_none_of_a_journal_that_keeps_no_layout_and_an_error_of_one_that_does_not_read(
    tmp_path: Path
) -> None:
    """A run of an earlier version has none; one that was written by a later one is said to be so."""
    path = tmp_path / "journal.sqlite"
    with SqliteJournal.create(path, run_head()) as journal:
        journal.commit()
        with open_readonly(path) as read:
            assert live_record(read) is None
        journal.put_series(LAYOUT_SERIES, b"{}")
        journal.put_series(CHARTER_SERIES, b"{}")
        journal.commit()
        with open_readonly(path) as read, pytest.raises(JournalError, match="does not read"):
            live_record(read)
