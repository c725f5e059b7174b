"""Resting stops from the configuration to the venue and back: replayed, told of, killed and taken up again."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from bot.app.cli import main
from bot.domain.effects import CancelOrder, PlaceStop, RaiseAlarm
from bot.domain.events import AccountSnapshot, OrderTriggered
from paper.state import VenueState
from tests.app.killing import (
    Script,
    end,
    finish,
    folded_twice,
    held,
    journal_of,
    reserved_names,
    start,
    venue_of,
    wait_until_it_works,
)
from tests.app.runs import (
    BTC,
    ETH,
    NEVER_FIRES,
    NO_STOPS,
    Print,
    crash,
    long_of,
    penstock,
    write_candles,
    write_config,
    write_trades,
)


def replayed(folder: Path, *, more: str = "", usdt: str = "1000") -> dict[str, Any]:
    """A long of 1 BTC that no rule looks after, through the crash."""
    folder.mkdir()
    config = write_config(folder, {BTC: long_of("1")}, usdt=usdt, books=[NEVER_FIRES], instruments=[BTC], more=more)
    tape = write_candles(folder / "btc.csv", crash())
    found = penstock("replay", config, "--tape", f"{BTC}={tape}", "--out", folder / "out", "--json")
    return {"code": found.returncode, **json.loads(found.stdout)}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The run that its stop saves."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    return folder / "out", replayed(folder)


def test_account_that_nobody_looks_after_is_saved_by_its_stop(
    tmp_path: Path, stopped: tuple[Path, dict[str, Any]]
) -> None:
    """Left alone it is liquidated; the default stop closes it before that, and what is left is left."""
    told = stopped[1]
    bare = replayed(tmp_path / "bare", more=NO_STOPS)
    assert (told["code"], bare["code"]) == (0, 5)
    assert told["accounts"]["main"]["liquidations"] == []
    assert len(bare["accounts"]["main"]["liquidations"]) == 1
    assert float(told["accounts"]["main"]["equity_end"]) > float(bare["accounts"]["main"]["equity_end"])
    assert [fill["quantity"] for fill in told["fills"]] == ["1"]
    assert (told["parents"], told["fires"], told["denials"]) == ([], [], {})


def test_journal_tells_of_a_stop_from_its_placing_to_its_trigger(stopped: tuple[Path, dict[str, Any]]) -> None:
    """One was placed, reserved before, and triggered; a person is told; folding the record gives the same book."""
    out, told = stopped
    with journal_of(out) as journal:
        assert journal.verify() > 0
        items = [item for _, item in journal.read()]
        assert all(name in names for name, names in reserved_names(journal))
    placed = [item for item in items if isinstance(item, PlaceStop)]
    assert told["fills"][0]["child"] == placed[-1].approved.request.name
    assert sum(isinstance(item, OrderTriggered) for item in items) == 1
    assert "stop_triggered" in [item.code for item in items if isinstance(item, RaiseAlarm)]


def test_venue_tells_its_own_sums_of_margin_and_ours_are_the_same(stopped: tuple[Path, dict[str, Any]]) -> None:
    """Two programs that share no sum: every word of the venue was held against ours, and no alarm was given."""
    with journal_of(stopped[0]) as journal:
        items = [item for _, item in journal.read()]
    margins = [item.margin for item in items if isinstance(item, AccountSnapshot)]
    assert margins and None not in margins
    assert "margin_differs" not in [item.code for item in items if isinstance(item, RaiseAlarm)]


def test_explain_of_a_run_with_a_stop_reads(
    stopped: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing fired, and the run is told of all the same."""
    assert main(["explain", str(stopped[0])]) == 0
    assert capsys.readouterr().out


# Killed -----------------------------------------------------------------------------------------------------------


def swings(count: int) -> list[Print]:
    """Prints in which ETH goes to and fro, and with it BTC's liquidation price and stop; then a calm minute."""
    return [
        (second * 1000, 200 + (second // 20 % 2) * 4 if second < count - 60 else 200, 500.001)
        for second in range(count)
    ]


def waiting(state: VenueState) -> list[tuple[int, int]]:
    """Instrument and quantity of every stop that waits at the venue."""
    return sorted(
        (order.request.key.instrument, order.request.quantity)
        for account in state.accounts for order in account.conditional.values()
    )


def test_run_killed_while_stops_are_replaced_ends_with_one_for_each_position(tmp_path: Path) -> None:
    """SIGKILL four times in the middle of it: exactly one whole stop per position is at the venue in the end."""
    positions = {BTC: long_of("1"), ETH: long_of("20")}
    config = write_config(tmp_path, positions, usdt="2500", books=[NEVER_FIRES], latency="1s")
    btc = write_trades(tmp_path / "b.csv", [(second * 1000, 10_000, 500.001) for second in range(400)])
    eth = write_trades(tmp_path / "e.csv", swings(400))
    script = Script(config, (f"{BTC}={btc}", f"{ETH}={eth}"), pace=60)
    out = tmp_path / "out"
    for _ in range(4):
        process = start(script, out, script.pace)
        wait_until_it_works(process, out)
        process_code = end(process, signal.SIGKILL)[0]
        assert process_code == -signal.SIGKILL
    finish(script, out)
    state = venue_of(out)
    assert held(state) == {0: 1_000, 1: 20_000}
    assert waiting(state) == [(0, 1_000), (1, 20_000)]
    assert state.names_reused == 0
    with journal_of(out) as journal:
        kept, again = folded_twice(journal, script.layout())
        items = [item for _, item in journal.read()]
    assert again == kept
    assert sum(isinstance(item, PlaceStop) for item in items) > 3
    assert any(isinstance(item, CancelOrder) for item in items)
