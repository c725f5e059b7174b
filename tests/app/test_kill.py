"""Kill a paper run over and over: it comes to the same position, and nothing is sold twice."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.domain.events import Restarted
from paper.state import VenueState
from tests.app.killing import (
    PACE_HUGE,
    START_UP_MAX,
    Script,
    end,
    fills_of,
    finish,
    folded_twice,
    held,
    journal_of,
    kill_over_and_over,
    orders_of,
    reserved_names,
    sold_by_instrument,
    start,
    venue_of,
    wait_until_it_waits,
    wait_until_it_works,
)
from tests.app.runs import (
    BTC,
    ETH,
    NEVER_FIRES,
    NO_STOPS,
    Print,
    long_of,
    one_object,
    penstock,
    write_config,
    write_trades,
)

KILLS = 10
STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 6m, collar: 2%}
"""
# 10 % of distance at the start, 5 % after the fall: what is sold is asked of both positions.
DELEVERAGE = """
rules:
  guard:
    for_each: account
    when: account.liquidation_distance < 6%
    do: {deleverage: {to: {liquidation_distance: 20%}}}
    execute: {algo: twap, over: 6m, collar: 2%}
"""


def ticks(price: float, fallen: float, *, minutes: int = 9) -> list[Print]:
    """A print a second: calm for 10 s, then the fall, and not a cent of change after it.

    A run that dies before its plan is durable plans when it comes back; only at one price is that one plan.
    """
    return [(second * 1000, price if second < 10 else fallen, 500.001) for second in range(minutes * 60)]


def stop_loss(folder: Path) -> Script:
    """One position that is closed by a TWAP of six minutes."""
    config = write_config(folder, {BTC: long_of("1.5")}, usdt="3000", books=[STOP], instruments=[BTC], latency="2s")
    return Script(config, (f"{BTC}={write_trades(folder / 'b.csv', ticks(10_000, 9_550))}",), pace=60)


def deleverage(folder: Path) -> Script:
    """Two positions that are cut until the account stands 20 % from liquidation."""
    positions = {BTC: long_of("1.5"), ETH: long_of("60")}
    config = write_config(folder, positions, usdt="3000", books=[DELEVERAGE], latency="2s")
    btc = write_trades(folder / "b.csv", ticks(10_000, 9_500))
    eth = write_trades(folder / "e.csv", ticks(250, 237.5))
    return Script(config, (f"{BTC}={btc}", f"{ETH}={eth}"), pace=60)


@pytest.mark.parametrize("make", [stop_loss, deleverage])
def test_run_killed_ten_times_sells_what_an_undisturbed_run_sells(
    tmp_path: Path, make: Callable[[Path], Script]
) -> None:
    """SIGKILL at any instant: the same final position, the same total sold, no name twice, a sound journal."""
    script = make(tmp_path)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    told = one_object(finish(script, whole))
    sold_at_deaths = kill_over_and_over(script, broken, times=KILLS, longest=0.35, seed=12)
    told_after = one_object(finish(script, broken))

    calm, killed = venue_of(whole), venue_of(broken)
    total = sold_by_instrument(orders_of(calm))
    assert held(killed) == held(calm)
    assert sold_by_instrument(orders_of(killed)) == total != {}
    half_sold = [sold for sold in sold_at_deaths if 0 < sold < sum(total.values())]
    assert len(half_sold) >= KILLS // 2, f"too few died while selling: {sold_at_deaths}"

    assert_nothing_was_sold_twice(broken, killed)
    assert_journal_is_sound(broken, script)
    assert restarts_in(broken) >= KILLS // 2
    assert [_sold(parent) for parent in told_after["parents"]] == [_sold(parent) for parent in told["parents"]]
    assert [parent["residual"] for parent in told_after["parents"]] == ["0"] * len(total)


def assert_nothing_was_sold_twice(out: Path, state: VenueState) -> None:
    """Every name came to the venue once, was reserved before, and the journal has each of its fills."""
    orders = orders_of(state)
    names = [order.request.name for order in orders]
    assert len(set(names)) == len(names)
    assert state.names_reused == 0
    assert all(order.filled <= order.request.quantity for order in orders)
    with journal_of(out) as journal:
        decided = list(reserved_names(journal))
        fills = fills_of(journal)
    assert len({name for name, _ in decided}) == len(decided)
    assert all(name in reserved for name, reserved in decided)
    assert set(names) <= {name for name, _ in decided}
    assert {trade_id for _, trade_id in fills} == {
        execution.trade_id for order in orders for execution in order.executions
    }


def assert_journal_is_sound(out: Path, script: Script) -> None:
    """The chain of digests holds, and folding the record anew gives the book that was checkpointed."""
    with journal_of(out) as journal:
        assert journal.verify() > 0
        kept, again = folded_twice(journal, script.layout())
    assert again == kept


def restarts_in(out: Path) -> int:
    """Return how often the journal says that the run was taken up."""
    with journal_of(out) as journal:
        return sum(isinstance(item, Restarted) for _, item in journal.read())


def _sold(parent: dict[str, Any]) -> tuple[str, str, str, str]:
    return parent["symbol"], parent["quantity"], parent["filled"], parent["end_reason"]


def test_run_that_is_told_to_stop_ends_well_and_is_taken_up_again(tmp_path: Path) -> None:
    """SIGTERM: exit 0 at once though no price comes for ten minutes; the same command goes on to the same end."""
    script = stop_loss(tmp_path)
    stopped = tmp_path / "stopped"
    process = start(script, stopped, 1 / (10 * START_UP_MAX))    # the next print is due when this has long failed
    wait_until_it_works(process, stopped)
    wait_until_it_waits(process)
    code, out, err = end(process, signal.SIGTERM)
    assert (code, out, err) == (0, b"", b"")
    assert not (stopped / "summary.json").exists()
    finish(script, stopped)
    assert sold_by_instrument(orders_of(venue_of(stopped))) == {0: 1_500}
    assert_journal_is_sound(stopped, script)


def test_run_stopped_while_it_sells_is_taken_up_with_the_same_parent(tmp_path: Path) -> None:
    """A stop in the midst of a TWAP leaves its parent open in the journal; the next start goes on with it."""
    script = stop_loss(tmp_path)
    out = tmp_path / "out"
    process = start(script, out, 60)
    wait_until_it_works(process, out)
    while not any(order.filled for order in orders_of(venue_of(out))):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    assert end(process, signal.SIGTERM)[0] == 0
    sold = sum(order.filled for order in orders_of(venue_of(out)))
    assert 0 < sold < 1_500
    told = one_object(finish(script, out))
    assert [_sold(parent) for parent in told["parents"]] == [(BTC, "1.5", "1.5", "filled")]


def test_run_stopped_before_it_heard_of_its_liquidation_still_tells_of_it(tmp_path: Path) -> None:
    """The venue's word of it is on its way when the process goes: the next start hears it, and ends with 5."""
    config = write_config(
        tmp_path, {BTC: long_of("1")}, usdt="10", books=[NEVER_FIRES], instruments=[BTC], more=NO_STOPS
    )
    tape = write_trades(tmp_path / "b.csv", [(0, 100.01, 5), (100_000, 85, 5), (200_000, 90, 5)])
    script = Script(config, (f"{BTC}={tape}",), pace=1)
    out = tmp_path / "out"
    process = start(script, out, 1)
    wait_until_it_works(process, out)
    wait_until_it_waits(process)                       # the second price is taken, and 100 s are waited for the next
    assert end(process, signal.SIGTERM)[0] == 0
    assert venue_of(out).autocloses == 1
    found = penstock(*script.words(out, PACE_HUGE))
    assert found.returncode == 5, found.stdout
    assert len(one_object(found.stdout)["accounts"]["main"]["liquidations"]) == 1


def test_run_that_has_ended_says_the_same_when_it_is_taken_up_again(tmp_path: Path) -> None:
    """Nothing happens twice, and nothing of the summary but its timing changes."""
    script = stop_loss(tmp_path)
    first, second = (one_object(finish(script, tmp_path / "out")) for _ in range(2))
    assert {**second, "timing": None} == {**first, "timing": None}


def test_run_in_the_folder_of_a_running_one_is_refused_and_does_no_harm(tmp_path: Path) -> None:
    """One writer per journal: the second is told who is there, exit 4, and the first goes on."""
    script = stop_loss(tmp_path)
    out = tmp_path / "out"
    process = start(script, out, 0.02)
    wait_until_it_works(process, out)
    second = penstock(*script.words(out, 60))
    replayed = penstock("replay", script.config, "--tape", script.tapes[0], "--out", out, "--json")
    assert process.poll() is None
    assert end(process, signal.SIGTERM)[0] == 0
    for refused in (second, replayed):
        assert refused.returncode == 4, refused.stdout
        assert str(process.pid) in one_object(refused.stdout)["error"]
    finish(script, out)


@pytest.mark.parametrize("what", ["configuration", "tape"])
def test_run_taken_up_with_another_configuration_or_tape_is_refused(tmp_path: Path, what: str) -> None:
    """A half-sold position under other rules or other prices would be a run that never was."""
    script = stop_loss(tmp_path)
    out = tmp_path / "out"
    process = start(script, out, 60)
    wait_until_it_works(process, out)
    end(process, signal.SIGKILL)
    if what == "configuration":
        script.config.write_text(script.config.read_text().replace("USDT: 3000", "USDT: 4000"), encoding="utf-8")
    else:
        write_trades(tmp_path / "b.csv", ticks(10_000, 9_540))
    found = penstock(*script.words(out, 60))
    assert found.returncode == 2, found.stdout
    assert f"another {what}" in one_object(found.stdout)["error"]
