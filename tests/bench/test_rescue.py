"""The bench of rescues: what is left out changes no figure, processes agree, and names tell tapes apart."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from bench.rescue.__main__ import main
from bench.rescue.account import enter
from bench.rescue.outcome import Outcome
from bench.rescue.passage import Passage, Plan, entries_of, forked, pass_through
from bench.rescue.strategy import (
    BOOKS,
    DEFAULT,
    DO_NOTHING,
    NO_RESCUES,
    SELL_AT_ONCE,
    Strategy,
    bundled,
    load_strategy,
)
from bench.rescue.tape import RescueTape, TapeBars, TapeKind, find_tapes
from bench.rescue.work import Task, perform
from bot.app.loading import load_all
from bot.domain.copying import replace
from bot.domain.errors import ContractError, InputError
from bot.domain.scale import CASH_UNIT, NS_PER_HOUR
from tests.bench.minutes import write_crash
from tests.shared_data import shared

GUARDED = Strategy(DEFAULT, tuple(BOOKS / f"{name}.yaml" for name in ("stop_loss", "crash_stop", "margin_guard")))
TRAILING = Strategy("trailing_stop", (BOOKS / "trailing_stop.yaml",))
HOURLY = Plan(every=NS_PER_HOUR, leverages=(10,), horizon=2 * NS_PER_HOUR)
CONFIG = BOOKS.parent / "config" / "penstock.yaml"


def made(folder: Path, fall: float = 0.25) -> tuple[RescueTape, TapeBars]:
    """Return a made crash, as it is found and as it is read."""
    write_crash(folder, fall=fall)
    tapes, _ = find_tapes(folder)
    return tapes[0], TapeBars.load(tapes[0])


# Nothing is changed by what is left out ---------------------------------------------------------------------------


def test_outcomes_shortened_are_those_of_whole_runs(tmp_path: Path) -> None:
    """Leaving out what arithmetic settles, beginning late and ending early change no outcome, to the last unit."""
    tape, bars = made(tmp_path)
    plan = replace(HOURLY, every=2 * NS_PER_HOUR)
    short = pass_through(bars, tape.symbol, [GUARDED, TRAILING], 1, plan)
    whole = pass_through(bars, tape.symbol, [GUARDED, TRAILING], 1, replace(plan, is_shortened=False))
    assert any(outcome.fires for outcome in short)
    assert all(outcome.is_run for outcome in whole)
    for cut, full in zip(short, whole, strict=True):
        assert cut == msgspec.structs.replace(full, is_run=cut.is_run), cut.strategy


def test_outcomes_of_a_short_are_those_of_whole_runs(tmp_path: Path) -> None:
    """A short is walked with the high first, before its run begins as well."""
    write_crash(tmp_path, fall=-0.25, name="2020-01_made-squeeze_BTCUSDT_1m.csv")
    tape = find_tapes(tmp_path)[0][0]
    assert tape.kind is TapeKind.SQUEEZE
    bars = TapeBars.load(tape)
    plan = replace(HOURLY, every=2 * NS_PER_HOUR)
    short = pass_through(bars, tape.symbol, [GUARDED], -1, plan)
    whole = pass_through(bars, tape.symbol, [GUARDED], -1, replace(plan, is_shortened=False))
    assert any(outcome.fires for outcome in short)
    for cut, full in zip(short, whole, strict=True):
        assert cut == msgspec.structs.replace(full, is_run=cut.is_run), cut.strategy


def test_entry_that_nothing_reaches_is_not_run(tmp_path: Path) -> None:
    """A fall of 1 % settles every entry up to 10x by arithmetic: it ends with what it holds at the last close."""
    tape, bars = made(tmp_path, fall=0.01)
    found = pass_through(bars, tape.symbol, [GUARDED], 1, HOURLY)
    assert found
    assert not any(outcome.is_run for outcome in found)
    entry = entries_of(bars, HOURLY, 1)[0]
    assert found[0].equity_end == entry.holding.equity(bars.instrument, int(bars.closes[entry.end - 1]))


def test_doing_nothing_through_a_crash_is_liquidated(tmp_path: Path) -> None:
    """A fall of a quarter takes every 10x long that is open before it, and the default loses none of them."""
    tape, bars = made(tmp_path)
    found = pass_through(bars, tape.symbol, [GUARDED], 1, replace(HOURLY, every=2 * NS_PER_HOUR))
    dead = [each.opened for each in found if each.strategy == DO_NOTHING and each.liquidated is not None]
    ours = {each.opened: each for each in found if each.strategy == DEFAULT}
    at_once = {each.opened: each for each in found if each.strategy == SELL_AT_ONCE}
    assert dead
    for opened in dead:
        assert ours[opened].liquidated is None
        assert ours[opened].kept > 0
        assert at_once[opened].kept > 0


# What an entry is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("leverage", "sign"), [(5, 1), (10, 1), (20, -1)])
def test_enter_leverage_is_value_over_equity(tmp_path: Path, leverage: int, sign: int) -> None:
    """An account begins with as much equity as its leverage leaves it, and whole lots for at most the notional."""
    _, bars = made(tmp_path)
    entry = enter(
        bars.instrument, first=0, end=60, price=int(bars.opens[0]), leverage=leverage, sign=sign,
        notional=100_000 * CASH_UNIT,
    )
    assert entry is not None
    value = abs(entry.holding.entry_value)
    assert entry.holding.wallet == value // leverage
    assert entry.holding.quantity * sign > 0
    assert 0 <= 100_000 * CASH_UNIT - value < bars.instrument.value(
        price=int(bars.opens[0]), quantity=bars.instrument.filters.lot
    )


def test_enter_less_than_a_lot_is_no_entry(tmp_path: Path) -> None:
    """Where the money does not buy one lot there is no account."""
    _, bars = made(tmp_path)
    assert enter(bars.instrument, first=0, end=60, price=10**12, leverage=5, sign=1, notional=1) is None


def test_entries_too_late_to_say_anything_are_left_out(tmp_path: Path) -> None:
    """An entry is watched for an hour at least: four hours of tape have four hourly entries, the last at the third."""
    _, bars = made(tmp_path)
    entries = entries_of(bars, HOURLY, 1)
    assert [entry.first for entry in entries] == [0, 60, 120, 180]
    assert [entry.end for entry in entries] == [120, 180, 240, 240]


def test_loaded_strategy_is_configured_as_the_bundled_one() -> None:
    """But for market and money the accounts are those of config/penstock.yaml, and so are the limits."""
    ours = load_strategy(GUARDED, "BTC/USDT:USDT")
    theirs = load_all(CONFIG, {})
    assert ours.config.limits == theirs.config.limits
    assert [rule.name for rule in ours.rules.rules] == [rule.name for rule in theirs.rules.rules]
    mine, bundled_one = ours.config.accounts["main"], theirs.config.accounts["main"]
    assert (mine.survival, mine.protect, mine.blind) == (bundled_one.survival, bundled_one.protect, bundled_one.blind)
    assert (mine.paper.fees, mine.paper.latency) == (bundled_one.paper.fees, bundled_one.paper.latency)


def test_bundled_strategies_are_all_the_rule_books() -> None:
    """No rule book that comes with the program is missing from the table but those that are no rescue."""
    books = {path.stem for strategy in bundled() for path in strategy.books}
    assert books == {path.stem for path in BOOKS.glob("*.yaml")} - set(NO_RESCUES)


# Tapes ------------------------------------------------------------------------------------------------------------


def test_find_tapes_tells_them_by_name(tmp_path: Path) -> None:
    """Event, coin, venue and kind of day stand in a file's name; what is not quoted in USDT is left out aloud."""
    for name in (
        "calm_2023-09_AVAXUSDT-PERP_1m.csv.gz", "2025-07_jul10-short-squeeze_ETHUSDT_1m.csv",
        "2020-03_black-thursday_XTZBTC_1m.csv.gz", "2020-03_black-thursday_BTCUSDT_5m.csv.gz", "BTCUSDT-1m.csv",
    ):
        (tmp_path / name).touch()
    tapes, left_out = find_tapes(tmp_path)
    assert {(tape.name, tape.symbol, tape.kind) for tape in tapes} == {
        ("calm_2023-09 AVAX perp", "AVAX/USDT:USDT", TapeKind.CALM),
        ("2025-07_jul10-short-squeeze ETH spot", "ETH/USDT:USDT", TapeKind.SQUEEZE),
        ("tape BTC spot", "BTC/USDT:USDT", TapeKind.CRASH),
    }
    assert [name for name, _ in left_out] == ["2020-03_black-thursday_XTZBTC_1m.csv.gz"]


def test_find_tapes_in_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """A folder without minute candles is a slip of the path."""
    with pytest.raises(InputError, match="no minute candles"):
        find_tapes(tmp_path)


# The command ------------------------------------------------------------------------------------------------------


def _printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main([*arguments, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert isinstance(body, dict)
    body.pop("seconds")
    return body


def test_main_in_two_processes_prints_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How many processes share the tapes is not in the figures, and neither is what was kept of an earlier command."""
    tapes, keep = tmp_path / "tapes", tmp_path / "keep"
    tapes.mkdir()
    write_crash(tapes)
    write_crash(tapes, name="2020-01_made_ETHUSDT_1m.csv", fall=0.15, seed=6)
    asked = ["--tapes", str(tapes), "--every", "120m", "--leverage", "10", "--strategies", "stop_loss"]
    alone = _printed(asked, capsys)
    together = _printed([*asked, "--jobs", "2", "--keep", str(keep)], capsys)
    for path in keep.iterdir():          # as two commands at once leave it
        path.write_bytes(2 * path.read_bytes())
    kept = _printed([*asked, "--keep", str(keep)], capsys)
    assert alone == together == kept
    rows = alone["rows"]
    assert isinstance(rows, list)
    assert {"tape", "strategy", "leverage", "n", "liquidated_share", "equity_kept", "cost_bps", "false_fires"} <= set(
        rows[0]
    )


def test_main_with_a_book_of_ones_own_has_rows_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A user tries his own rules on his own tapes: books that are loaded together are one strategy."""
    write_crash(tmp_path, fall=0.01)
    book = tmp_path / "mine.yaml"
    book.write_text((BOOKS / "stop_loss.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    found = _printed(
        ["--tapes", str(tmp_path), "--every", "120m", "--leverage", "5", "--strategies", "time_stop",
         "--book", f"{book}+{BOOKS / 'margin_guard.yaml'}"], capsys,
    )
    rows = found["rows"]
    assert isinstance(rows, list)
    assert {row["strategy"] for row in rows} == {DO_NOTHING, "time_stop", "mine and margin_guard"}


@pytest.mark.parametrize(
    "asked", [["--strategies", "hope"], ["--tapes", "/nowhere"], ["--book", "/nowhere/mine.yaml"]]
)
def test_main_with_what_is_not_there_is_refused(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that is none ends the command with 2 and a sentence, before anything is run."""
    write_crash(tmp_path)
    assert main(["--tapes", str(tmp_path), *asked]) == 2
    assert capsys.readouterr().err


def test_forked_work_that_fails_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    """A run that breaks is not a result: the copy's error is shown, and the command stops."""
    def broken() -> list[Outcome]:
        raise ZeroDivisionError("made to fail")

    with pytest.raises(ContractError, match="ended with status"):
        forked(broken)
    assert "made to fail" in capfd.readouterr().err


# Recorded tapes ---------------------------------------------------------------------------------------------------


def test_calm_days_on_record_need_no_run_and_fire_nothing() -> None:
    """On four calm days no BTC long at 10x comes near a trigger of the default."""
    path = shared("data/candles/spot_binance_1m/calm_2025-08_BTCUSDT_1m.csv.gz")
    tape = next(tape for tape in find_tapes(path.parent)[0] if tape.path == path)
    plan = Plan(every=NS_PER_HOUR, leverages=(10,))
    found = perform(Task(tape, 1, (GUARDED,), plan, keep=None))
    assert len(found.outcomes) == 3 * 96
    assert not any(outcome.is_run for outcome in found.outcomes)


def test_black_thursday_on_record_takes_no_guarded_account() -> None:
    """Of five BTC longs at 10x, opened a day apart around 12 March 2020, the default saves those that died."""
    path = shared("data/candles/spot_binance_1m/2020-03_black-thursday_BTCUSDT_1m.csv.gz")
    tape = next(tape for tape in find_tapes(path.parent)[0] if tape.path == path)
    bars = TapeBars.load(tape)
    passage = Passage(bars, tape.symbol, [GUARDED], 1)
    found = list(passage.outcomes(Plan(every=24 * NS_PER_HOUR, leverages=(10,))))
    nothing = [outcome for outcome in found if outcome.strategy == DO_NOTHING]
    ours = [outcome for outcome in found if outcome.strategy == DEFAULT]
    assert len(nothing) == len(ours) == 5
    assert sum(outcome.liquidated is not None for outcome in nothing) >= 1
    assert not any(outcome.liquidated for outcome in ours)
