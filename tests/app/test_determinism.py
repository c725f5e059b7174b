"""The same inputs give the same run, to the byte; and the guards come through the crashes on record."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.journal.reader import open_readonly
from bot.app.loading import load_all
from bot.app.markets import RecordedMarket
from bot.app.running import replay
from tests.app.runs import (
    BTC,
    ETH,
    STRATEGIES,
    crash,
    long_of,
    one_object,
    penstock,
    write_candles,
    write_config,
    write_trades,
)
from tests.shared_data import shared

TABLES = ("facts", "effects", "batches", "decisions", "reservations", "checkpoints", "head")
GUARD = (STRATEGIES / "margin_guard.yaml",)
BOTH = (STRATEGIES / "stop_loss.yaml", *GUARD)

# Tape of ../shared/data/candles/spot_binance_1m, base amount, and the cash that makes ten times of its first open.
RECORDED = {
    "2020-03 BTC": ("2020-03_black-thursday_BTCUSDT_1m.csv.gz", BTC, "1.5", "1184.1855"),      # 7,894.57
    "2020-03 ETH": ("2020-03_black-thursday_ETHUSDT_1m.csv.gz", ETH, "60", "1204.44"),         # 200.74
    "2021-05 BTC": ("2021-05_may19_BTCUSDT_1m.csv.gz", BTC, "1", "4353.802"),                  # 43,538.02
    "2021-05 ETH": ("2021-05_may19_ETHUSDT_1m.csv.gz", ETH, "10", "3282.25"),                  # 3,282.25
}


def twice_and_elsewhere(config: Path, *tapes: str) -> list[Path]:
    """Replay three times, in processes of different hash seeds; return the folders."""
    folders = []
    for name, seed in (("one", "1"), ("two", "1"), ("elsewhere", "4242")):
        out = config.parent / name
        words = [word for tape in tapes for word in ("--tape", tape)]
        found = penstock("replay", config, *words, "--out", out, "--json", PYTHONHASHSEED=seed)
        assert found.returncode in (0, 5), found.stdout
        assert one_object(found.stdout) == one_object((out / "summary.json").read_text(encoding="utf-8"))
        folders.append(out)
    return folders


def summary_of(out: Path) -> str:
    """Return the summary's text, its keys in the order in which they stand, without the timing."""
    told = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    del told["timing"]
    return json.dumps(told)


def table_of(out: Path, table: str) -> list[Any]:
    """Return every row of a table of the journal."""
    with closing(sqlite3.connect(out / "journal.sqlite")) as database:
        return database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


def cut(name: str, folder: Path, *, first: int, count: int) -> Path:
    """Write some bars of a recorded tape to a file of their own."""
    source = shared(f"data/candles/spot_binance_1m/{RECORDED[name][0]}")
    with gzip.open(source, "rt", encoding="utf-8") as file:
        header, *lines = file.read().splitlines()
    path = folder / f"{name.replace(' ', '_')}.csv"
    path.write_text("\n".join([header, *lines[first : first + count]]) + "\n", encoding="utf-8")
    return path


def assert_alike(folders: list[Path]) -> None:
    """Summary, report and journal of all the folders are the same to the byte, but for the timing."""
    first, *others = folders
    for other in others:
        assert summary_of(other) == summary_of(first)
        assert (other / "report.html").read_bytes() == (first / "report.html").read_bytes()
        for table in TABLES:
            assert table_of(other, table) == table_of(first, table), table
    assert table_of(first, "effects")


def test_replay_of_a_crash_is_the_same_to_the_byte_in_every_process(tmp_path: Path) -> None:
    """Two positions, two rule books, candles and prints: three processes, two hash seeds, one run."""
    config = write_config(tmp_path, {BTC: long_of("1"), ETH: long_of("-20")}, usdt="1_000", books=BOTH)
    btc = write_candles(tmp_path / "btc.csv", [(*bar[:4], 300.001) for bar in crash()])
    prints = [(second * 1000, 200.01 + second / 100, 20.001) for second in range(3_600)]
    folders = twice_and_elsewhere(config, f"{BTC}={btc}", f"{ETH}={write_trades(tmp_path / 'eth.zip', prints)}")
    assert_alike(folders)
    told = json.loads(summary_of(folders[0]))
    assert told["fills"]


def test_replay_of_a_recorded_crash_is_the_same_to_the_byte_in_every_process(tmp_path: Path) -> None:
    """The same on BTC and ETH of 12 March 2020 together: sixteen hours of real minutes, the worst among them."""
    tapes = [cut(name, tmp_path, first=1_860, count=960) for name in ("2020-03 BTC", "2020-03 ETH")]
    config = write_config(tmp_path, {BTC: long_of("0.75"), ETH: long_of("30")}, usdt="1_200", books=BOTH)
    assert_alike(twice_and_elsewhere(config, f"{BTC}={tapes[0]}", f"{ETH}={tapes[1]}"))


def ten_times_long(folder: Path, name: str, books: tuple[Path, ...], *, more: str = "") -> dict[str, Any]:
    """Return the summary of a recorded crash lived through at ten times; doing nothing is liquidated in it."""
    file, symbol, amount, cash = RECORDED[name]
    tape = shared(f"data/candles/spot_binance_1m/{file}")
    config = write_config(folder, {symbol: long_of(amount)}, usdt=cash, books=books, instruments=[symbol], more=more)
    loaded = load_all(config, {})
    finished = replay(loaded, RecordedMarket.of(loaded.config, [f"{symbol}={tape}"]), title=name, out=None)
    told: dict[str, Any] = finished.record.summary
    assert told["baselines"]["main"]["do_nothing"]["liquidations"] != []
    assert told["accounts"]["main"]["liquidations"] == []
    assert not finished.is_liquidated
    assert told["fires"] != []
    assert told["denials"] == {}
    return told


@pytest.mark.parametrize(
    ("name", "books"),
    [(name, books) for name in RECORDED for books in (GUARD, BOTH) if (name, books) != ("2021-05 ETH", GUARD)],
)
def test_guard_of_a_ten_times_long_comes_through_a_recorded_crash(
    tmp_path: Path, name: str, books: tuple[Path, ...]
) -> None:
    """Doing nothing is liquidated; the guard that comes with the program ends alive, with more, and nothing denied."""
    told = ten_times_long(tmp_path, name, books)
    nothing = told["baselines"]["main"]["do_nothing"]
    assert float(told["accounts"]["main"]["equity_end"]) > float(nothing["equity_end"])


def test_stop_that_a_bar_of_eight_percent_jumps_over_costs_all_that_the_guard_had_left(tmp_path: Path) -> None:
    """19 May 2021, ETH: the guard alone had 3.5 % left, and the stop is sold half a bar's range below the low.

    Not liquidated, and nothing left: with a ladder's limit instead of the stop something is kept. The default is
    for the day on which nothing of ours runs; this is what it cost on a day on which all did.
    """
    assert float(ten_times_long(tmp_path, "2021-05 ETH", GUARD)["accounts"]["main"]["equity_end"]) == 0
    without = ten_times_long(tmp_path, "2021-05 ETH", GUARD, more="    protect: {per: none}\n")
    assert 0 < float(without["accounts"]["main"]["equity_end"]) < 0.05 * 3282.25


def test_journal_of_a_replay_is_sound_and_names_its_tape_by_hash(tmp_path: Path) -> None:
    """A replay records path and hash of its tape, not its prices, and the chain of digests holds."""
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="1_000", books=GUARD, instruments=[BTC])
    tape = write_candles(tmp_path / "btc.csv", crash())
    found = penstock("replay", config, "--tape", f"{BTC}={tape}", "--out", tmp_path / "out", "--json")
    assert found.returncode == 0
    with open_readonly(tmp_path / "out" / "journal.sqlite") as journal:
        assert journal.verify() > 0
        head = journal.head
    assert [source.path for source in head.tapes] == [str(tape)]
    assert head.config_hash == one_object(found.stdout)["config_hash"]
    assert "amount: 1" in head.config
