"""`penstock tape`: what it says of a tape, and that what it writes is the same market."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.tapes.bars import MarkBar
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.kinds import FACT_KINDS, TapeFact, types_of
from bot.adapters.tapes.markets import Scales, Target
from bot.adapters.tapes.packed import Header, read_header, read_packed, write_packed
from bot.adapters.tapes.rescale import shifted
from bot.app.cli import main
from bot.app.markets import RecordedMarket
from bot.app.tape.cutting import cut
from bot.app.tape.hours import HourWatch
from bot.app.tape.source import open_market
from bot.domain.errors import InputError
from bot.domain.market import (
    BookUpdate,
    Candle,
    CandlePoint,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from tests.adapters.tape_files import CANDLE_HEADER, MINUTE_NS, START_MS, START_NS, candle_lines, write
from tests.shared_data import shared

BTC = "BTC/USDT:USDT"
CODES = tuple(kind.code for kind in FACT_KINDS)
T = START_NS
# One of each kind, in time order.
ONE_OF_EACH: list[TapeFact] = [
    Candle(T, MINUTE_NS, 0, 10_000, 10_300, 9_900, 10_200, 5_500),
    MarkBar(T, MINUTE_NS, 0, 10_000, 10_200, 9_950, 10_100, 0),
    Trade(T + 1, T, 0, 10_000, 1_500, -1),
    MarkPrice(T + 2, T + 1, 0, 10_001),
    IndexPrice(T + 2, T + 1, 0, 10_002),
    Quote(T + 3, T + 3, 0, 9_999, 20, 0, 0),
    BookUpdate(T + 4, T + 3, 0, ((9_999, 20),), ((10_001, 30), (10_002, 5)), True, 0, 7, 0),
    BookUpdate(T + 5, T + 3, 0, ((9_999, 0), (9_998, 4)), (), False, 8, 9, 7),
    FundingRate(T + 6, T + 6, 0, -12_359, T + 10**9),
    OpenInterest(T + 7, T + 7, 0, 70_000_125),
    ForcedTrade(T + 8, T + 8, 0, 9_950, 450, 1),
]


def penstock(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    """Run `penstock tape ... --json`; return the exit code and the one object it prints."""
    code = main(["tape", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def packed(path: Path, facts: list[TapeFact], *, price_digits: int = 2, quantity_digits: int = 3) -> Path:
    write_packed(path, Header(BTC, price_digits, quantity_digits, CODES), facts)
    return path


def unpacked(path: Path, *, price_digits: int = 2, quantity_digits: int = 3) -> list[TapeFact]:
    target = Target(0, Scales(price_digits=price_digits, quantity_digits=quantity_digits))
    return list(read_packed(path, target, types_of(None), TapeFaults()))


def test_packed_tape_of_every_kind_comes_back_as_it_was(tmp_path: Path) -> None:
    """Our own form loses nothing, and the same facts are the same bytes."""
    path = packed(tmp_path / "a.tape", ONE_OF_EACH)
    assert unpacked(path) == ONE_OF_EACH
    assert [type(fact) for fact in unpacked(path)] == [type(fact) for fact in ONE_OF_EACH]
    assert packed(tmp_path / "b.tape", ONE_OF_EACH).read_bytes() == path.read_bytes()
    assert read_header(path) == Header(BTC, 2, 3, CODES)


def test_packed_tape_at_other_scales_is_the_same_market(tmp_path: Path) -> None:
    """Finer scales add zeros, coarser ones round half to even; a price that would become nothing is refused."""
    path = packed(tmp_path / "a.tape", [Trade(T, T, 0, 10_050, 1_500, 1), Trade(T, T, 0, 4, 1_000, 1)])
    assert unpacked(path, price_digits=4, quantity_digits=0) == [
        Trade(T, T, 0, 1_005_000, 2, 1), Trade(T, T, 0, 400, 1, 1)
    ]
    assert unpacked(path, price_digits=0) == [Trade(T, T, 0, 100, 1_500, 1)]


@settings(derandomize=True, deadline=None, max_examples=100)
@given(value=st.integers(-10**15, 10**15), digits=st.integers(-9, 9))
def test_shifted_numbers_round_half_to_even_as_python_does(value: int, digits: int) -> None:
    """Python rounds integers half to even; so do we."""
    assert shifted(value, digits) == (value * 10**digits if digits >= 0 else round(value, digits) // 10**-digits)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_packed_tape_that_is_cut_off_is_an_input_error(tmp_path: Path, share: float) -> None:
    """A half-copied tape is told from a whole one wherever it ends."""
    path = packed(tmp_path / "a.tape", [Trade(T + n, T, 0, 10_000 + n * n % 977, n + 1, 1) for n in range(9_000)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match="cut off"):
        unpacked(path)


@pytest.mark.parametrize(
    "fact", [Trade(T, T, 0, "5", 1, 1), Trade(T, T, 0, -5, 1, 1), Trade(T, T, 0, 5, -1, 1), Trade(T, T, 0, 0, 1, 1)]
)
def test_packed_tape_with_a_strange_number_counts_it_as_bad(tmp_path: Path, fact: TapeFact) -> None:
    """What no writer of ours writes never becomes a price."""
    path = packed(tmp_path / "a.tape", [fact])
    faults = TapeFaults()
    target = Target(0, Scales(price_digits=2, quantity_digits=3))
    assert list(read_packed(path, target, types_of(None), faults)) == []
    assert faults.rows_bad == 1


def test_packed_tape_that_goes_back_in_time_is_refused(tmp_path: Path) -> None:
    """A merge of such a tape would take the engine's clock backwards."""
    path = packed(tmp_path / "a.tape", [Trade(T + 1, T, 0, 5, 1, 1), Trade(T, T, 0, 5, 1, 1)])
    with pytest.raises(InputError, match="goes back in time"):
        unpacked(path)


# The verb -------------------------------------------------------------------------------------------------


def test_tape_inspect_of_recorded_candles_agrees_with_the_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows, span, range and the worst hour are those that others computed from the same file."""
    path = shared("data/candles/spot_binance_1m/2020-03_black-thursday_BTCUSDT_1m.csv.gz")
    code, found = penstock(capsys, "inspect", path)
    (tape,) = found["tapes"]
    assert code == 0
    assert (tape["rows"], tape["low"], tape["high"], tape["market"]) == (7_200, "3782.13", "7980", "BTCUSDT")
    assert (tape["first_ts"], tape["last_ts"]) == ("2020-03-11T00:00:00Z", "2020-03-15T23:59:00Z")
    # MANIFEST.csv: drop1h_pct -24.78 at 2020-03-12 10:48, rise1h_pct 39.52
    assert round(tape["worst_hour"]["fall"]["ratio"] * 100, 2) == -24.78
    assert tape["worst_hour"]["fall"]["ts"] == "2020-03-12T10:48:00Z"
    assert round(tape["worst_hour"]["rise"]["ratio"] * 100, 2) == 39.52


def test_tape_inspect_tells_holes_repetitions_and_bad_rows_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five bars with the third missing, the last one twice, and one row torn."""
    lines = candle_lines()
    path = write(tmp_path / "t.csv", [CANDLE_HEADER, *lines[:2], "torn", *lines[3:], lines[4]]).path
    code, found = penstock(capsys, "inspect", path)
    (tape,) = found["tapes"]
    assert code == 0
    assert (tape["rows"], tape["bad_rows"], tape["duplicates"]) == (4, 1, 1)
    assert tape["gaps"]["count"] == tape["gaps"]["bars_missing"] == 1
    assert [sample["place"] for sample in tape["samples"]] == [f"{path}:4", f"{path}:7"]


def test_hour_watch_compares_with_sixty_bars_and_no_more() -> None:
    """A high 59 minutes ago counts, one an hour ago no longer does; the volume is the hour's."""
    watch = HourWatch(MINUTE_NS)
    watch.add(now=T, low=200, high=200, volume=1)
    for minute in range(1, 60):
        watch.add(now=T + minute * MINUTE_NS, low=150, high=150, volume=1)
    watch.add(now=T + 60 * MINUTE_NS, low=90, high=90, volume=1)
    watch.close()
    assert watch.fall is not None and watch.rise is not None
    assert (watch.fall.ratio, watch.fall.volume) == (90 / 150 - 1, 60)
    assert watch.rise.ratio == 0


@pytest.mark.parametrize("end", [".tape", ".csv", ".csv.gz"])
def test_tape_convert_of_candles_holds_the_same_bars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], end: str
) -> None:
    """Whatever the form, reading it back gives the bars of the source."""
    path = write(tmp_path / "BTCUSDT.csv", [CANDLE_HEADER, *candle_lines()]).path
    out = tmp_path / f"BTCUSDT_out{end}"
    code, done = penstock(capsys, "convert", path, "--out", out)
    assert (code, done["facts"], done["symbol"]) == (0, 5, "BTCUSDT")
    assert list(open_market([str(out)]).facts()) == list(open_market([str(path)]).facts())
    assert sorted(tmp_path.iterdir()) == sorted([path, out])


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is not None, reason="pyarrow is installed")
def test_tape_convert_to_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The base install names the extra, and leaves nothing behind."""
    path = write(tmp_path / "BTCUSDT.csv", [CANDLE_HEADER, *candle_lines()]).path
    code, said = penstock(capsys, "convert", path, "--out", tmp_path / "t.parquet")
    assert code == 2 and "penstock[lab]" in said["error"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_read_tape_of_arrow_files_is_the_table(tmp_path: Path, suffix: str) -> None:
    """Feather candles as freqtrade keeps them, and Parquet; dates with a zone, prices as floats."""
    pyarrow = pytest.importorskip("pyarrow")
    feather = pytest.importorskip("pyarrow.feather")
    parquet = pytest.importorskip("pyarrow.parquet")
    names = ("open", "high", "low", "close", "volume")
    bars = [[float(cell) for cell in line.split(",")[1:]] for line in candle_lines()]
    table = pyarrow.table({
        "date": pyarrow.array([START_MS + n * 60_000 for n in range(5)], pyarrow.timestamp("ms", "UTC")),
        **{name: [bar[column] for bar in bars] for column, name in enumerate(names)},
    })
    path = tmp_path / f"BTC_USDT_USDT-1m-futures.{suffix}"
    if suffix == "parquet":
        parquet.write_table(table, path)
    else:
        feather.write_feather(table, path)
    csv = write(tmp_path / "t.csv", [CANDLE_HEADER, *candle_lines()]).path
    assert list(open_market([str(path)]).facts()) == list(open_market([str(csv)]).facts())


@pytest.mark.parametrize("fact", [fact for fact in ONE_OF_EACH if not isinstance(fact, BookUpdate | Candle)],
                         ids=lambda fact: type(fact).__name__)
def test_tape_convert_of_each_kind_to_columns_and_back_is_exact(tmp_path: Path, fact: TapeFact) -> None:
    """The columns we write are columns we read, with both times, the side and the scale."""
    path = packed(tmp_path / "a.tape", [fact])
    out = tmp_path / "a.csv"
    assert main(["tape", "convert", str(path), "--out", str(out)]) == 0
    market = open_market([str(out)])
    target = Target(0, Scales(price_digits=market.price_digits, quantity_digits=market.quantity_digits))
    assert list(market.facts()) == list(read_packed(path, target, types_of(None), TapeFaults()))


def test_tape_import_puts_kinds_in_time_order_into_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Candles, marks and funding of one market become one tape, which a replay then lives through."""
    bars = write(tmp_path / "BTCUSDT.csv", [CANDLE_HEADER, *candle_lines()]).path
    marks = write(tmp_path / "BTCUSDT_mark.csv", candle_lines(("100,103,99,102,0",) * 5)).path
    rates = write(tmp_path / "BTCUSDT_funding.csv", ["ts_ms,funding_rate", f"{START_MS + 90_000},0.0001"]).path
    out = tmp_path / "BTCUSDT.tape"
    code, done = penstock(capsys, "import", bars, f"BTCUSDT@mark={marks}", rates, "--out", out)
    assert (code, done["facts"]) == (0, 11)
    market = RecordedMarket.open([str(out)], [BTC])
    together = RecordedMarket.open([str(bars), f"{BTC}@mark={marks}", str(rates)], [BTC])
    events = list(market.events(lambda _: 1))
    assert events == list(together.events(lambda _: 1))
    assert [event.now for event in events] == sorted(event.now for event in events)
    kinds = [type(event) for event in events]
    assert [kinds.count(kind) for kind in (Candle, CandlePoint, MarkPrice, FundingRate)] == [5, 20, 20, 1]
    assert not any("mark = last" in note or "no funding" in note for note in market.modelled)


def test_recorded_market_with_two_tapes_of_one_kind_is_refused(tmp_path: Path) -> None:
    """Two sources of the last price would make one market out of two."""
    bars = write(tmp_path / "BTCUSDT.csv", [CANDLE_HEADER, *candle_lines()]).path
    trades = write(tmp_path / "BTCUSDT_trades.csv", [f"{START_MS // 1000},100,1,buy"]).path
    for other in (bars, trades):
        with pytest.raises(InputError, match="already"):
            RecordedMarket.open([str(bars), str(other)], [BTC])


def test_cut_of_a_book_begins_with_a_snapshot_of_what_was_before() -> None:
    """A stretch can be replayed by itself: its first fact is the book as the changes had left it."""
    found = list(cut(ONE_OF_EACH, T + 6, T + 8))
    assert found == [
        BookUpdate(T + 6, T + 3, 0, ((9_998, 4),), ((10_001, 30), (10_002, 5)), True, 0, 9, 0), *ONE_OF_EACH[8:10]
    ]
    assert list(cut(ONE_OF_EACH, None, T + 2)) == ONE_OF_EACH[:3]


def test_tape_cut_takes_from_the_first_moment_to_before_the_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bar that opens at --from is in, the one that opens at --to is not."""
    path = write(tmp_path / "BTCUSDT.csv", [CANDLE_HEADER, *candle_lines()]).path
    span = ("--from", "2020-03-12T00:01:00Z", "--to", "2020-03-12T00:03:00Z")
    code, done = penstock(capsys, "cut", path, *span, "--out", tmp_path / "c.tape")
    assert (code, done["facts"]) == (0, 2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("inspect", "none.csv"), "none.csv: cannot be read"),
        (("convert", "BTCUSDT.csv"), "needs --out"),
        (("convert", "BTCUSDT.csv", "BTCUSDT.csv", "--out", "x.tape"), "takes one tape"),
        (("convert", "BTCUSDT.csv", "--out", "x.doc"), "unknown form"),
        (("convert", "BTCUSDT.csv", "--out", "BTCUSDT.csv"), "exists already"),
        (("cut", "BTCUSDT.csv", "--out", "x.tape"), "cut needs one of them"),
        (("cut", "BTCUSDT.csv", "--out", "x.tape", "--from", "noon"), "--from: is no time, was 'noon'"),
        (("cut", "BTCUSDT.csv", "--out", "x.tape", "--from", "2030-01-01T00:00Z"), "nothing to write"),
        (("inspect", "BTCUSDT.csv", "--to", "2030-01-01T00:00Z"), "go with cut"),
        (("inspect", "bad.csv"), "bad.csv:2: the row has not as many columns"),
    ],
)
def test_tape_with_wrong_words_is_bad_input_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...],
    says: str,
) -> None:
    """Every mistake ends with 2, one sentence, and no file, whole or half."""
    monkeypatch.chdir(tmp_path)
    write(Path("BTCUSDT.csv"), [CANDLE_HEADER, *candle_lines()])
    write(Path("bad.csv"), ["time,funding_rate", "x", "y"])
    before = sorted(tmp_path.iterdir())
    code, said = penstock(capsys, *words)
    assert (code, said["exit_code"]) == (2, 2)
    assert says in said["error"]
    assert sorted(tmp_path.iterdir()) == before


CONFIG = """
accounts:
  main:
    exchange: {id: binanceusdm, apiKey: env:K, secret: env:S}
    mode: paper
    instruments: ["BTC/USDT:USDT"]
    paper:
      balances: {USDT: 1_000}
      positions: {"BTC/USDT:USDT": {amount: 1, entry_price: first}}
      leverage: 10
strategies: [rules.yaml]
"""
RULES = """
rules:
  stop_loss:
    for_each: position
    when: position.loss_ratio > 2%
    do: close
    execute: {algo: now, collar: 2%}
"""


def test_replay_of_a_capture_lives_through_its_book_trades_quotes_and_marks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One file of everything that a venue sent is enough for a run: nothing has to be named or split."""
    lines = []
    for second in range(60):
        price, at = 1_000 - second, START_MS + second * 1_000
        body = {"s": "BTCUSDT", "T": at, "E": at}
        book = {"b": [[str(price - 1), "5"]], "a": [[str(price + 1), "5"], [str(price + 2), "0"]]}
        number = 10 * second
        messages: list[dict[str, Any]] = [
            {"lastUpdateId": 1, "bids": book["b"], "asks": [book["a"][0]], "symbol": "BTCUSDT", "T": at} if not second
            else body | book | {"e": "depthUpdate", "U": number, "u": number + 1, "pu": max(1, number - 9)},
            body | {"e": "trade", "t": second, "p": str(price), "q": "0.5", "m": True, "X": "MARKET"},
            body | {"e": "bookTicker", "u": number + 1, "b": str(price - 1), "B": "5", "a": str(price + 1), "A": "5"},
            {"e": "markPriceUpdate", "s": "BTCUSDT", "E": at, "p": f"{price}.12345678", "i": str(price),
             "r": "0.0001", "T": START_MS + 3_600_000},
            body | {"e": "forceOrder", "o": {"s": "BTCUSDT", "S": "SELL", "p": str(price), "q": "1", "T": at}},
        ]
        lines += [f"{at * 10**6 + n} {json.dumps(message)}" for n, message in enumerate(messages)]
    (tmp_path / "penstock.yaml").write_text(CONFIG)
    (tmp_path / "rules.yaml").write_text(RULES)
    capture = write(tmp_path / "capture.jsonl", lines).path
    assert main(["replay", str(tmp_path / "penstock.yaml"), "--tape", str(capture), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["rules"]["stop_loss"]["fires"] == 1
    assert [parent["end_reason"] for parent in summary["parents"]] == ["filled"]
    assert not any("no mark tape" in note or "no funding" in note for note in summary["tape"]["modelled"])
