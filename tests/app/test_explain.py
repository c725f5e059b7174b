"""``penstock explain`` on the replay of an hour that was made by hand: a 6.7x long while 10,000 falls to 8,000."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.journal.reader import open_readonly
from bot.app.cli import main
from bot.app.explain.questions import all_fires, at_time, one_fire, one_order, why_not
from bot.app.explain.telling import Run
from bot.app.explain.text import fires_text
from bot.app.explain.trail import read_trail
from bot.app.nearness import Nearest
from bot.app.verbs.explain import open_run
from bot.app.wording import cash, iso_time
from bot.domain.copying import replace
from bot.domain.errors import InputError
from bot.domain.events import OrderFilled, Reloaded
from tests.app.runs import BTC, NEVER_FIRES, STRATEGIES, crash, long_of, penstock, write_candles, write_config

TOO_SHORT = """
rules:
  patient:
    for_each: position
    when: position.loss_ratio > 1%
    hold: 2h
    do: close
"""
BLIND = """
rules:
  blind:
    for_each: position
    when: market.index_price < market.last_price and position.loss_ratio > 0%
    do: close
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the replayed hour, with its usual rules and three that do not fire."""
    base = tmp_path_factory.mktemp("explain")
    config = write_config(
        base, {BTC: long_of("1.5")}, usdt="2250", instruments=[BTC],
        books=[STRATEGIES / "margin_guard.yaml", NEVER_FIRES, TOO_SHORT],
    )
    tape = write_candles(base / "bars.csv", [(*bar[:4], 500.25) for bar in crash()])
    out = base / "run"
    assert main(["replay", str(config), "--tape", f"{BTC}={tape}", "--out", str(out), "--json"]) == 0
    return out


@pytest.fixture(scope="module")
def opened(folder: Path) -> tuple[Run, dict[str, Nearest]]:
    return open_run(folder)


def asked(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, dict[str, Any]]:
    """Return the text and the JSON of one question."""
    assert main(["explain", str(folder), *options]) == 0
    text = capsys.readouterr().out
    assert main(["explain", str(folder), *options, "--json"]) == 0
    return text, json.loads(capsys.readouterr().out)


def test_explain_lists_every_fire_of_the_summary_with_its_readings(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fires are those of summary.json, and each says what was read, planned and spent."""
    text, told = asked(folder, capsys)
    summary = json.loads((folder / "summary.json").read_text())
    assert [(fire["ts"], fire["rule"], fire["why"], fire["goal"]) for fire in told["fires"]] == [
        (fire["ts"], fire["rule"], fire["why"].partition("; deposit ")[0], fire["goal"]) for fire in summary["fires"]
    ]
    assert told["fires"]
    for fire in told["fires"]:
        assert f"fire {fire['fire']}: " in text
        assert {reading["reading"]: reading["value"] for reading in fire["readings"]} == next(
            row["readings"] for row in summary["fires"] if row["ts"] == fire["ts"]
        )
        assert fire["plans"][0]["ts"] == fire["ts"]
        assert float(fire["plans"][0]["estimated_cost"]) > 0
    assert told["never_fired"] == [rule for rule, row in summary["rules"].items() if row["fires"] == 0] != []


def test_explain_counts_a_parents_cost_as_the_summary_does(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Filled, arrival and fees agree with the contract; shortfall in cash over value at arrival is its bps."""
    _, told = asked(folder, capsys)
    parents = {parent["parent"]: parent for fire in told["fires"] for parent in fire["parents"]}
    rows = json.loads((folder / "summary.json").read_text())["parents"]
    assert set(parents) == {row["id"] for row in rows}
    for row in rows:
        found = parents[row["id"]]
        for key in ("quantity", "filled", "arrival_price", "fees"):
            assert found[key] == row[key]
        if row["shortfall_bps"] is not None:
            value = float(row["filled"]) * float(row["arrival_price"])
            assert float(found["shortfall"]) / value * 10_000 == pytest.approx(row["shortfall_bps"], abs=1e-3)


def test_explain_every_order_leads_to_a_fire_and_its_fills(opened: tuple[Run, dict[str, Nearest]]) -> None:
    """From each order the chain order, parent, duty, fire, readings is whole, and its fills add up."""
    run, _ = opened
    names = [order.placed.approved.request.name for _, order in run.trail.orders()]
    assert names
    filled = 0.0
    for name in names:
        told = one_order(run, name)
        (order,) = told["orders"]
        assert name in told["parent"]["orders"]
        fires = {fire["fire"]: fire for fire in told["fires"]}
        assert order["obligations"]
        for duty in order["obligations"]:
            assert fires[duty["fire"]]["rule"] == duty["rule"] and fires[duty["fire"]]["readings"]
        filled += sum(float(answer["quantity"]) for answer in order["answers"] if "price" in answer)
    assert filled == pytest.approx(sum(float(fill.quantity) for p in run.trail.parents.values() for fill in p.fills)
                                   / 10 ** run.charter.instruments[0].quantity_digits)


def test_explain_counts_a_fill_that_was_told_twice_once(folder: Path) -> None:
    """A restart asks the venue again for what it said last; the journal holds both answers."""
    with open_readonly(folder / "journal.sqlite") as journal:
        record = list(journal.read())
    doubled = [entry for entry in record for _ in range(2 if isinstance(entry[1], OrderFilled) else 1)]
    assert len(doubled) > len(record)
    once, twice = (
        {name: [fill.trade_id for fill in parent.fills] for name, parent in read_trail(told).parents.items()}
        for told in (record, doubled)
    )
    assert twice == once != {}


def test_explain_order_by_a_parents_name_tells_all_its_orders(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A parent's name is the beginning of its orders' names, and works as well."""
    rows = json.loads((folder / "summary.json").read_text())["parents"]
    row = next(row for row in rows if row["children"])
    text, told = asked(folder, capsys, "--order", row["id"])
    assert len(told["orders"]) == row["children"] == len(told["parent"]["orders"])
    assert f"parent {row['id']}: sell" in text and "owed to" in text


def test_explain_fire_shows_what_else_could_have_been(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Doing nothing and selling at once come from the record, the deposit from the fire itself."""
    text, told = asked(folder, capsys, "--fire", "1")
    baselines = json.loads((folder / "summary.json").read_text())["baselines"]["main"]
    assert told["alternatives"]["do_nothing"] == baselines["do_nothing"]
    assert told["alternatives"]["sell_at_once"] == baselines["sell_at_once"]
    # Equity E and value V with 0.4 % maintenance: distance = (E - 0.004 V) / (0.996 V), so a deposit of
    # (goal - distance) x 0.996 V reaches the goal; after the fall to it the bracket is the same.
    fire = told["fire"]
    mark = float(fire["marks"][f"main {BTC}"])
    distance = next(row["value"] for row in fire["readings"] if row["reading"] == "account.liquidation_distance")
    expected = (0.30 - distance) * 0.996 * 1.5 * mark
    assert float(told["alternatives"]["deposit"]["amount"]) == pytest.approx(expected, rel=1e-3)
    assert told["alternatives"]["deposit"]["asset"] == "USDT"
    assert "doing nothing" in text and "a deposit of" in text and "estimated" not in text
    fires = json.loads((folder / "summary.json").read_text())["fires"]
    assert f"; deposit {cash(told['alternatives']['deposit']['amount'], 'USDT')}, or sell " in fires[0]["why"]


def test_explain_of_a_journal_without_deposits_estimates_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run of an earlier version did not count it; the sample before the fire tells about what it was."""
    exact = float(asked(folder, capsys, "--fire", "1")[1]["alternatives"]["deposit"]["amount"])
    run, _ = open_run(folder)
    fire = run.trail.fires[1]
    fire.opened = replace(fire.opened, deposit=None)
    told = run.tell_alternatives("main", fire)["deposit"]
    assert float(told["amount"]) == pytest.approx(exact, rel=0.02)
    assert told["estimated_from"] <= iso_time(fire.opened.now)


@pytest.mark.parametrize("number", [0, -1, 99])
def test_explain_fire_that_is_not_there_says_which_there_are(
    opened: tuple[Run, dict[str, Nearest]], number: int
) -> None:
    """Fires count from 1; nothing else is one."""
    with pytest.raises(InputError, match=rf"was {number}; this run has fires 1 to \d+"):
        one_fire(opened[0], number)


def test_explain_why_not_says_how_near_a_rule_came(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The loss was largest just before the sale; the gap is what the 95 % still missed."""
    text, told = asked(folder, capsys, "--why-not", "never")
    assert told["fires"] == [] and told["looked"] > 40 and told["undecided"] == 0
    near = told["nearest"]
    loss = 0.95 * (1 - near["gap"])
    assert 0.05 < loss < 0.25
    assert near["why"].startswith(f"position.loss_ratio {loss * 100:.3g}")
    assert "of the bound was missing" in text


def test_explain_why_not_tells_of_a_condition_that_held_too_shortly(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hold of two hours in a run of one: a wick just past 1 %, and then the rest of the run, were both too short."""
    text, told = asked(folder, capsys, "--why-not", "patient")
    wick, rest = told["waited"]
    assert 0 < wick["seconds"] < 60 and rest["seconds"] is None
    assert wick["waited_for"] == rest["waited_for"] == ["its hold of 2h"]
    assert told["nearest"]["gap"] == 0
    assert "and the rule waited for its hold of 2h" in text


def test_explain_why_not_names_the_reading_that_was_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tape without an index: the rule was looked at and could never be decided."""
    config = write_config(tmp_path, {BTC: long_of("1.5")}, usdt="9000", books=[BLIND], instruments=[BTC])
    tape = write_candles(tmp_path / "bars.csv", [(*bar[:4], 500.25) for bar in crash()[:20]])
    main(["replay", str(config), "--tape", f"{BTC}={tape}", "--out", str(tmp_path / "run"), "--json"])
    capsys.readouterr()
    text, told = asked(tmp_path / "run", capsys, "--why-not", "blind")
    assert told["unavailable"] == {"market.index_price": told["undecided"]} and told["undecided"] > 10
    assert "unavailable" in text and "market.index_price" in text
    assert asked(tmp_path / "run", capsys)[1]["fires"] == []
    with pytest.raises(InputError, match="nothing fired in this run; ask --why-not"):
        one_fire(open_run(tmp_path / "run")[0], 1)


def test_explain_why_not_of_a_rule_that_fired_says_when(opened: tuple[Run, dict[str, Nearest]]) -> None:
    """Who asks wrongly is told so, and by which number to go on."""
    told = why_not(opened[0], "margin_guard", opened[1])
    assert told["fires"][0]["fire"] == 1 and told["nearest"]["gap"] == 0


@pytest.mark.parametrize(
    ("at", "equity"), [("00:03", 2_250.0), ("2020-03-12T00:03:00Z", 2_250.0), ("00:15:00", 1_500.0), ("00:59", None)]
)
def test_explain_at_a_time_shows_the_account_as_it_was(
    opened: tuple[Run, dict[str, Nearest]], at: str, equity: float | None
) -> None:
    """Flat until 00:05, then 50 a minute: at 00:15 1.5 BTC have lost 10 x 50 each; at the end nothing is held."""
    told = at_time(opened[0], at)
    account = told["accounts"]["main"]
    if equity is not None:
        assert account["equity"] == pytest.approx(equity, abs=80)
        assert account["quantities"][BTC] == 1.5 and account["liquidation_distance"] > 0
        assert told["fires"] == []
    else:
        assert account["quantities"][BTC] < 1.5 and told["parents"] == []


def test_explain_at_a_fire_shows_what_was_open(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second after the guard fired its episode and its parent are open, and its trigger is firing."""
    fired = json.loads((folder / "summary.json").read_text())["fires"][0]["ts"]
    later = f"{fired[:17]}{int(fired[17:19]) + 1:02d}Z"
    text, told = asked(folder, capsys, "--at", later)
    assert [fire["fire"] for fire in told["fires"]] == [1] and len(told["parents"]) == 1
    assert {row["rule"]: row["state"] for row in told["rules"]}["margin_guard"] == "firing"
    assert "filled by then" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--why-not", "nevr"], "did you mean never?"),
        (["--why-not", "zzz"], "it has margin_guard"),
        (["--order", "pen000sn0000"], "did you mean pen000sn000000?"),
        (["--order", "x"], "it has pen000sn"),
        (["--at", "noon"], "must be a time such as"),
        (["--at", "25:00"], "lies outside the run"),
        (["--at", "2020-03-11T23:59:00Z"], "this run goes from 2020-03-12T00:"),
        (["--at", "03:00"], "lies outside the run"),
        (["--fire", "7000"], "there is no such fire"),
        (["--fire", "one"], "invalid int value"),
        (["--fire", "1", "--at", "00:03"], "not allowed with"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_explain_what_is_not_known_is_bad_input_with_a_suggestion(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    """Exit 2, one line, and what there is instead."""
    assert main(["explain", str(folder), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_explain_tells_of_reloads_with_the_rules(opened: tuple[Run, dict[str, Nearest]]) -> None:
    """Who wonders why a rule behaves otherwise since noon sees that it was replaced, and by which file."""
    run, _ = opened
    again = Reloaded(next(iter(run.trail.fires.values())).opened.now, "ab12" * 16)
    told = all_fires(replace(run, trail=replace(run.trail, reloads=[again])))
    assert told["reloads"] == [{"ts": iso_time(again.now), "config_hash": "ab12" * 16}]
    assert "of configuration ab12ab12ab12" in " ".join(fires_text(told))
    assert read_trail([(1, again)]).reloads == [again]
    assert all_fires(run)["reloads"] == []


def test_explain_of_a_folder_without_a_run_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error in the folder's name is said plainly."""
    assert main(["explain", str(tmp_path)]) == 2
    assert "give the folder of a run" in capsys.readouterr().err


def test_explain_of_a_run_that_has_not_ended_says_what_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that was killed has no record yet: fires, orders and the series up to the last checkpoint are there."""
    config = write_config(
        tmp_path, {BTC: long_of("1.5")}, usdt="2250", instruments=[BTC], books=[STRATEGIES / "margin_guard.yaml"]
    )
    tape = write_candles(tmp_path / "bars.csv", [(*bar[:4], 500.25) for bar in crash()])
    out = tmp_path / "run"
    assert penstock("run", config, "--tape", f"{BTC}={tape}", "--pace", "1000000", "--out", out).returncode == 0
    ended = asked(out, capsys)[1]["fires"]
    with closing(sqlite3.connect(out / "journal.sqlite")) as journal:
        journal.execute("DELETE FROM series WHERE name = 'record'")
        journal.commit()
    assert asked(out, capsys)[1]["fires"] == ended != []
    text, told = asked(out, capsys, "--fire", "1")
    assert "not known, the run has not ended" in text and told["alternatives"]["deposit"] is not None
    assert asked(out, capsys, "--at", "00:15")[1]["accounts"]["main"]["quantities"][BTC] == 1.5
    assert asked(out, capsys, "--why-not", "margin_emergency")[1]["looked"] > 0


def test_explain_says_the_same_every_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reading a run changes nothing in it."""
    before = (folder / "journal.sqlite").read_bytes()
    assert asked(folder, capsys, "--fire", "1") == asked(folder, capsys, "--fire", "1")
    assert (folder / "journal.sqlite").read_bytes() == before
