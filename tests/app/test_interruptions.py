"""The venue halts the market in the middle of a rescue: nothing is sent blindly, a person is told, and it goes on."""

from __future__ import annotations

import json
from pathlib import Path

from bot.domain.effects import PlaceOrder, RaiseAlarm, RecordDenial
from bot.domain.events import InstrumentStatus, OrderFilled, OrderRejected
from bot.domain.instrument import TradingState
from tests.app.killing import journal_of
from tests.app.runs import (
    BTC,
    NO_STOPS,
    SECOND,
    START,
    Print,
    long_of,
    one_object,
    penstock,
    write_config,
    write_trades,
)

RESCUE = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 3m, slice: 5s, collar: 2%, tactic: ladder}
"""
HALT = f"""      interruptions:
        - {{symbol: "{BTC}", after: 60s, lasts: 90s, state: STATE}}
"""


def falling() -> list[Print]:
    """Five calm seconds, then 4.5 % lower for six minutes."""
    return [
        (second * 1000, 10_000 * (1 if second < 5 else 0.955) + 0.01 * (second % 2), 500.001) for second in range(360)
    ]


def replayed(folder: Path, state: str) -> tuple[Path, dict[str, object]]:
    folder.mkdir(exist_ok=True)
    more = HALT.replace("STATE", state) + NO_STOPS
    config = write_config(folder, {BTC: long_of("1.5")}, usdt="4000", books=[RESCUE], instruments=[BTC], more=more)
    tape = write_trades(folder / "btc.csv", falling())
    found = penstock("replay", config, "--tape", f"{BTC}={tape}", "--out", folder / "out", "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    return folder / "out", one_object(found.stdout)


def test_rescue_waits_while_the_venue_is_halted_and_goes_on_when_it_trades(tmp_path: Path) -> None:
    """No order leaves between the venue's two words, one refusal of ours is told, and all is sold in the end."""
    out, told = replayed(tmp_path / "run", "halted")
    with journal_of(out) as journal:
        items = [item for _, item in journal.read()]
    words = [item for item in items if isinstance(item, InstrumentStatus)]
    assert [word.state for word in words] == [TradingState.HALTED, TradingState.TRADING]
    begun, ended = (word.now for word in words)
    assert begun >= START + 60 * SECOND
    assert ended == begun + 90 * SECOND
    sent = [item.now for item in items if isinstance(item, PlaceOrder)]
    assert any(now < begun for now in sent)
    assert [now for now in sent if begun <= now < ended] == []
    assert min(now for now in sent if now >= ended) == ended
    denials = [item for item in items if isinstance(item, RecordDenial)]
    assert [denial.code.name for denial in denials] == ["INSTRUMENT_HALTED"]
    assert len([item for item in items if isinstance(item, OrderRejected)]) <= 1     # one may have been on its way
    alarms = [item.code for item in items if isinstance(item, RaiseAlarm)]
    assert alarms.count("instrument_status") == 2
    assert sum(item.quantity for item in items if isinstance(item, OrderFilled)) == 1_500
    assert told["denials"] == {"INSTRUMENT_HALTED": 1}
    explained = json.loads(penstock("explain", out, "--json").stdout)
    assert "instrument_status" in [alarm["code"] for alarm in explained["alarms"]]


def test_rescue_sells_through_a_time_in_which_only_reducing_orders_are_taken(tmp_path: Path) -> None:
    """Exits are what such a time is for: nothing waits, nothing is refused."""
    out, told = replayed(tmp_path / "run", "reduce_only")
    with journal_of(out) as journal:
        items = [item for _, item in journal.read()]
    begun, ended = (item.now for item in items if isinstance(item, InstrumentStatus))
    assert any(begun <= item.now < ended for item in items if isinstance(item, PlaceOrder))
    assert told["denials"] == {}


def test_interruption_that_is_none_is_refused(tmp_path: Path) -> None:
    """The checker says so before any run."""
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="4000", books=[RESCUE], instruments=[BTC],
                          more=HALT.replace("STATE", "trading") + NO_STOPS)
    found = penstock("check", config)
    assert found.returncode == 2
    assert "trading is no interruption" in found.stderr
