"""Plug-ins from the configuration on: checked, listed, hashed into a run, and held to that hash."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from bot.app.cli import main
from bot.app.loading import load_all
from bot.app.running import JOURNAL_NAME, SUMMARY_NAME
from bot.domain.effects import OpenEpisode
from bot.domain.errors import InputError
from tests.app.killing import Script, end, journal_of, start, wait_until_it_works
from tests.app.runs import (
    BTC,
    STRATEGIES,
    long_of,
    one_object,
    penstock,
    write_config,
    write_trades,
)
from tests.app.test_reload import after_the_fall, wait_for

DEEP = """from bot.rules.plugins import Goal, close, measure, reduce, remedy


@measure("depth", of="position", unit="ratio", meaning="how deep it is under", inputs=("position.loss_ratio",))
def depth(loss: float) -> float:
    return loss


@remedy("half", of="position", meaning="sells half of it", inputs=("position.loss_ratio",))
def half(loss: float) -> Goal:
    return reduce(0.5) if loss < 0.5 else close()
"""
STOP = """rules:
  deep:
    for_each: position
    when: plugin.depth > 4%
    do: {plugin: {remedy: half, otherwise: close}}
    execute: {algo: now, collar: 2%, order_class: cost}
"""


def write(folder: Path, *, source: str = DEEP, book: str = STOP) -> Path:
    """A configuration with a plug-in of its own."""
    (folder / "mine.py").write_text(source, encoding="utf-8")
    return write_config(
        folder, {BTC: long_of("1.5")}, usdt="3000", books=[book], instruments=[BTC], more="plugins: [mine.py]\n"
    )


def test_check_tells_plugins_with_hash_and_what_they_add(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who runs somebody's code sees which, and that it is the file he read."""
    config = write(tmp_path)
    assert main(["check", str(config)]) == 0
    told = capsys.readouterr().out
    sha256 = load_all(config, {}).rules.plugins.files[0].sha256
    assert f"  plug-in {tmp_path / 'mine.py'} ({sha256[:12]}): plugin.depth, remedy half\n" in told
    assert "    then plug-in half, otherwise flat, " in told
    assert main(["check", str(config), "--json"]) == 0
    assert one_object(capsys.readouterr().out)["plugins"] == [
        {"path": str(tmp_path / "mine.py"), "sha256": sha256, "measures": ["plugin.depth"], "remedies": ["half"]}
    ]


def test_rules_with_a_configuration_explain_its_plugins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A measure that cannot be looked up is one that nobody dares to use."""
    config = str(write(tmp_path))
    assert main(["rules"]) == 0
    assert "plugin.depth" not in capsys.readouterr().out
    assert main(["rules", config]) == 0
    told = capsys.readouterr().out
    assert "\nplugin.depth\n  unit      ratio\n  source    position.loss_ratio\n  meaning   how deep it is " in told
    assert main(["rules", config, "--json"]) == 0
    found = one_object(capsys.readouterr().out)
    assert [entry["name"] for entry in found["plugin"]["entries"]] == ["plugin.depth"]
    assert [entry["name"] for entry in found["plug-in remedies"]["entries"]] == ["half"]


def test_check_refuses_a_plugin_with_a_clock_at_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, the place, and what to do."""
    assert main(["check", str(write(tmp_path, source=f"import time\n{DEEP}"))]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"penstock: {tmp_path / 'mine.py'}:1:1: plug-in holds what it may not")


@pytest.mark.parametrize(
    ("book", "words"),
    [
        (STOP.replace("plugin.depth", "plugin.dept"), "did you mean plugin.depth?"),
        (STOP.replace("plugin.depth", "plugin.depth(15m)"), "takes no arguments"),
        (STOP.replace("4%", "4s"), "compares values of one kind"),
        (STOP.replace("remedy: half", "remedy: halve"), "remedy is of no plug-in, was 'halve'; they have half"),
        (STOP.replace(", otherwise: close", ""), "lacks the key otherwise"),
        (STOP.replace("otherwise: close", "otherwise: {deleverage: {to: {leverage: 3}}}"), "acts on an account"),
        (STOP.replace("for_each: position", "for_each: account"), "close acts on a position"),
        (
            STOP.replace("for_each: position", "for_each: account").replace(
                "otherwise: close", "otherwise: {deleverage: {to: {leverage: 3}}}"
            ).replace("plugin.depth > 4%", "account.leverage > 5"),
            "remedy half is for each position, was asked for each account",
        ),
        (
            STOP.replace("for_each: position", "for_each: account").replace(
                "do: {plugin: {remedy: half, otherwise: close}}", "do: {deleverage: {to: {leverage: 3}}}"
            ),
            "plugin.depth: is of one position",
        ),
        # of the margin class, and off while the plug-in has no answer
        (
            STOP.replace(", order_class: cost", ", order_class: margin").replace(
                "plugin.depth > 4%", "plugin.depth > 4% and position.loss_ratio > 4%"
            ),
            "plugin.depth may be unavailable, and then this margin rule is off",
        ),
    ],
)
def test_rule_that_asks_a_plugin_for_what_it_has_not_is_refused(tmp_path: Path, book: str, words: str) -> None:
    """Names, units, scopes and feasibility hold for plug-ins as for everything else."""
    with pytest.raises(InputError) as refused:
        load_all(write(tmp_path, book=book), {})
    assert words in str(refused.value)


def test_margin_rule_that_says_what_to_assume_of_a_plugin_is_taken(tmp_path: Path) -> None:
    """The other side: with a default the guard stands whatever becomes of the plug-in."""
    book = STOP.replace(", order_class: cost", ", order_class: margin").replace(
        "plugin.depth > 4%", "default(plugin.depth, 1) > 4% and position.loss_ratio > 4%"
    )
    assert load_all(write(tmp_path, book=book), {}).rules.plugins.files


def test_two_plugins_with_one_name_are_refused(tmp_path: Path) -> None:
    """Which of the two a rule meant would depend on the order of a list."""
    (tmp_path / "other.py").write_text(DEEP, encoding="utf-8")
    config = write(tmp_path)
    config.write_text(config.read_text().replace("[mine.py]", "[mine.py, other.py]"), encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.py:5:1: depth was declared before, at .*mine\.py:5:1"):
        load_all(config, {})


def test_configuration_hash_changes_with_a_plugins_bytes(tmp_path: Path) -> None:
    """A comment is enough: what was run is known to the byte."""
    config = write(tmp_path)
    before = load_all(config, {}).digest
    assert load_all(config, {}).digest == before
    write(tmp_path, source=f"{DEEP}# said later\n")
    assert load_all(config, {}).digest != before


def test_bundled_example_passes_check_as_its_rule_book_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example is copied first and read later."""
    config = write_config(
        tmp_path, {BTC: long_of("1.5", "8000")}, usdt="3000", books=[STRATEGIES / "plugins" / "carry_stop.yaml"],
        instruments=[BTC], more=f"plugins: [{json.dumps(str(STRATEGIES / 'plugins' / 'carry.py'))}]\n",
    )
    assert main(["check", str(config)]) == 0
    told = capsys.readouterr().out
    assert "plugin.daily_carry, remedy halve_or_close" in told
    assert "plug-in halve_or_close, otherwise reduce 50%" in told


def test_replays_with_one_plugin_are_the_same_to_the_byte(tmp_path: Path) -> None:
    """Same plug-in, same tape: the same fires by its reading, the same goal, the same orders."""
    config = write(tmp_path)
    tape = f"{BTC}={write_trades(tmp_path / 'b.csv', after_the_fall(2))}"
    summaries = []
    for name in ("one", "two"):
        assert main(["replay", str(config), "--tape", tape, "--out", str(tmp_path / name)]) == 0
        summary = json.loads((tmp_path / name / SUMMARY_NAME).read_text())
        summaries.append({key: value for key, value in summary.items() if key != "timing"})
    assert summaries[0] == summaries[1]
    assert summaries[0]["rules"]["deep"]["fires"] == 1
    (fire,) = summaries[0]["fires"]
    assert fire["goal"] == "reduce 50%" and "plugin.depth" in fire["readings"]
    assert (tmp_path / "one" / JOURNAL_NAME).exists()
    with journal_of(tmp_path / "one") as one, journal_of(tmp_path / "two") as two:
        assert list(one.read()) == list(two.read())


def test_run_is_held_to_its_plugin_until_a_reload(tmp_path: Path) -> None:
    """A bad plug-in is refused while the run goes on, a good one takes over, and no other may resume the run."""
    patient = DEEP.replace("return loss\n", "return loss - 1\n")
    config = write(tmp_path, source=patient)
    mine = Script(config, (f"{BTC}={write_trades(tmp_path / 'b.csv', after_the_fall(20))}",), pace=20)
    out = tmp_path / "out"
    process = start(mine, out, mine.pace)
    wait_until_it_works(process, out)
    write(tmp_path, source=patient.replace("return loss", "return open(loss)"))
    process.send_signal(signal.SIGHUP)
    (refused,) = wait_for(process, out, "reload_refused")
    assert "mine.py:6:12: plug-in holds what it may not, was the name open" in refused["reason"]
    write(tmp_path, source=DEEP)
    process.send_signal(signal.SIGHUP)
    assert [line["rule"] for line in wait_for(process, out, "rule_fired")] == ["deep"]
    assert end(process, signal.SIGTERM)[0] == 0

    write(tmp_path, source=patient)
    told = penstock(*mine.words(out, 1_000_000))
    assert told.returncode == 2
    assert f"holds a run of another configuration, with another {tmp_path / 'mine.py'}, was " in told.stdout

    write(tmp_path, source=DEEP)
    assert penstock(*mine.words(out, 1_000_000)).returncode == 0
    with journal_of(out) as journal:
        assert [item.goal.target for _, item in journal.read() if isinstance(item, OpenEpisode)] == [0.5]
