"""Volume histories: read from recordings, never from the future, and a vwap that goes by them in a whole run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.app.cli import main
from bot.app.histories import load_histories
from bot.app.loading import Loaded, load_all
from bot.app.markets import RecordedMarket
from bot.app.running import replay
from bot.domain.effects import OpenParent
from bot.domain.errors import InputError
from bot.domain.events import OrderFilled, VolumeHistory
from bot.execution.profile import MINUTES_PER_DAY
from tests.app.drives import Onlooker
from tests.app.runs import BTC, START, START_MS, flat, long_of, write_candles, write_config

DAY_MS = 86_400_000
MINUTE_MS = 60_000
VWAP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: vwap, over: 110m, order_class: cost, collar: 2%, history: HISTORY}
"""


def write_history(path: Path, *, first_ms: int, count: int, span_ms: int = MINUTE_MS, busy_hour: int = 0) -> Path:
    """Bars with a volume of 10, and of 90 in one hour of each day."""
    lines = ["ts_ms,open,high,low,close,volume"]
    for number in range(count):
        stamp = first_ms + number * span_ms
        volume = 90 if stamp % DAY_MS // 3_600_000 == busy_hour else 10
        lines.append(f"{stamp},9000.00,9000.00,9000.00,9000.00,{volume}.000")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def opened(tmp_path: Path, history: Path) -> tuple[Loaded, RecordedMarket]:
    """A long that loses 5 % at once, over two hours of tape from the start on."""
    config = write_config(
        tmp_path, {BTC: long_of("1")}, usdt="9000", instruments=[BTC], books=[VWAP.replace("HISTORY", str(history))]
    )
    tape = write_candles(tmp_path / "tape.csv", [*flat(10_000.0, 2), *flat(9_500.0, 118)])
    loaded = load_all(config, {})
    return loaded, RecordedMarket.of(loaded.config, [f"{BTC}={tape}"])


def loaded_history(tmp_path: Path, history: Path) -> tuple[VolumeHistory, ...]:
    return load_histories(*opened(tmp_path, history), now=START)


def test_history_of_six_days_counts_each_minute_six_times(tmp_path: Path) -> None:
    """Quantities at the instrument's scale, added over whole days; the busy hour is where it was."""
    history = write_history(tmp_path / "h.csv", first_ms=START_MS - 6 * DAY_MS, count=6 * MINUTES_PER_DAY)
    (found,) = loaded_history(tmp_path, history)
    assert (found.days, found.instrument, found.until, found.now) == (6, 0, START, START)
    assert found.minutes[0] == 6 * 90_000
    assert found.minutes[60] == 6 * 10_000
    assert sum(found.minutes) == 6 * (60 * 90_000 + 1_380 * 10_000)


def test_history_takes_nothing_from_the_future(tmp_path: Path) -> None:
    """A file that goes on into the run counts up to its start, and a bar that ends after it not at all."""
    history = write_history(tmp_path / "h.csv", first_ms=START_MS - DAY_MS - 30_000, count=5 * MINUTES_PER_DAY)
    (found,) = loaded_history(tmp_path, history)
    assert found.days == 1
    assert found.until <= START
    assert sum(found.minutes) <= 60 * 90_000 + 1_380 * 10_000


def test_history_of_hours_is_spread_over_their_minutes(tmp_path: Path) -> None:
    """An hourly bar of 90 is one and a half a minute, to the unit."""
    history = write_history(tmp_path / "h.csv", first_ms=START_MS - 5 * DAY_MS, count=120, span_ms=3_600_000)
    (found,) = loaded_history(tmp_path, history)
    assert found.days == 5
    assert set(found.minutes[:60]) == {5 * 1_500}


def test_history_of_less_than_a_day_is_none(tmp_path: Path) -> None:
    """Half a day says nothing of the other half."""
    history = write_history(tmp_path / "h.csv", first_ms=START_MS - DAY_MS // 2, count=MINUTES_PER_DAY // 2)
    assert loaded_history(tmp_path, history) == ()


def test_history_that_is_not_there_is_bad_input_at_load(tmp_path: Path) -> None:
    """A path that leads nowhere is told before anything runs."""
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        opened(tmp_path, tmp_path / "nowhere.csv")


def test_configuration_with_another_history_is_another_configuration(tmp_path: Path) -> None:
    """Other volumes are other orders: the run's hash tells them apart."""
    history = write_history(tmp_path / "h.csv", first_ms=START_MS - 5 * DAY_MS, count=5 * MINUTES_PER_DAY)
    before = opened(tmp_path, history)[0].digest
    write_history(history, first_ms=START_MS - 5 * DAY_MS, count=5 * MINUTES_PER_DAY, busy_hour=7)
    assert opened(tmp_path, history)[0].digest != before


@pytest.mark.parametrize(("days", "is_shaped"), [(5, True), (4, False)])
def test_vwap_in_a_run_goes_by_its_history_or_says_why_not(tmp_path: Path, days: int, is_shaped: bool) -> None:
    """The curve is fixed in the parent when it opens, and told with it; short of five days it is a straight line."""
    history = write_history(tmp_path / "h.csv", first_ms=START_MS - days * DAY_MS, count=days * MINUTES_PER_DAY)
    loaded, market = opened(tmp_path, history)
    seen = Onlooker()
    finished = replay(loaded, market, title="t", out=None, make_observers=[lambda *_: seen])
    (parent,) = [effect for effect in seen.effects if isinstance(effect, OpenParent)]
    (duty,) = parent.obligations
    assert (duty.shape is not None) is is_shaped
    assert (duty.why_linear is None) is is_shaped
    assert finished.record.summary["parents"][0]["residual"] == "0"
    sold = sum(
        fact.quantity for fact in seen.facts
        if isinstance(fact, OrderFilled) and fact.now < duty.start + 40 * 60 * 10**9
    )
    assert 560 < sold < 680 if is_shaped else 320 < sold < 400       # of 1,000 after 40 of 110 minutes


def test_explain_says_why_a_vwap_goes_straight_and_why_a_sale_paused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a history, and half of it sold far below its arrival: both are told, with what was not sold."""
    book = VWAP.replace(", history: HISTORY", ", budget: 5%").replace("110m", "60m")
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="9000", instruments=[BTC], books=[book])
    bars = [*flat(10_000.0, 2), *flat(9_500.0, 1), *flat(8_550.0, 117)]
    tape = write_candles(tmp_path / "tape.csv", bars)
    out = tmp_path / "run"
    assert main(["replay", str(config), "--tape", f"{BTC}={tape}", "--out", str(out), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    residual = float(summary["parents"][0]["residual"])
    assert 0.45 < residual < 0.55
    assert main(["explain", str(out), "--fire", "1"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"with {summary['parents'][0]['residual']} to go: lost 5." in text
    order = summary["fills"][0]["child"]
    assert main(["explain", str(out), "--order", order]) == 0
    assert "vwap (vwap without a volume history goes in a straight line)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("execute", "word"),
    [
        ("algo: vwap, over: 1h", "without a volume history"), ("algo: vwap, over: 29m, history: HISTORY", "30 minutes"),
        ("algo: vwap, over: 30m, history: HISTORY", None), ("algo: twap, over: 1h", None),
    ],
)
def test_check_warns_of_a_vwap_that_will_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], execute: str, word: str | None
) -> None:
    """Before the run, not in its record: why the curve would be a straight line."""
    history = write_history(tmp_path / "h.csv", first_ms=START_MS - DAY_MS, count=2)
    book = VWAP.replace("algo: vwap, over: 110m", execute.replace("HISTORY", str(history))).replace(
        ", history: HISTORY}", "}"
    )
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="9000", instruments=[BTC], books=[book])
    assert main(["check", str(config), "--json"]) == 0
    warned = [text for text in json.loads(capsys.readouterr().out)["warnings"] if "vwap" in text]
    assert [word in text for text in warned] == ([] if word is None else [True])
