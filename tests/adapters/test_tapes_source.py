"""What a ``--tape`` argument means, which instrument a file stands for, and what its columns are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bot.adapters.tapes.layout import sniff
from bot.adapters.tapes.source import TapeArgument, TapeKind, match_symbol, parse_tape_argument, tape_hash
from bot.domain.errors import InputError, Unsupported
from tests.adapters.tape_files import CANDLE_HEADER, START_MS, TRADE_HEADER, candle_lines, trade_lines, write

ACCOUNT = ("BTC/USDT:USDT", "ETH/USDT:USDT", "1000PEPE/USDT:USDT")


@pytest.mark.parametrize(
    ("text", "symbol", "kind", "path"),
    [
        ("tape.csv", None, None, "tape.csv"),
        ("BTC/USDT:USDT=tape.csv", "BTC/USDT:USDT", None, "tape.csv"),
        ("BTC/USDT=a/b.csv.gz", "BTC/USDT", None, "a/b.csv.gz"),
        ("BTCUSDT=tape.csv", "BTCUSDT", None, "tape.csv"),
        ("1000PEPEUSDT=tape.csv", "1000PEPEUSDT", None, "tape.csv"),
        ("BTC/USDT:USDT@trades=tape.zip", "BTC/USDT:USDT", TapeKind.TRADES, "tape.zip"),
        ("BTC/USD:BTC-241227-60000-C@candles=t.csv", "BTC/USD:BTC-241227-60000-C", TapeKind.CANDLES, "t.csv"),
        ("BTCUSDT=run=1/tape.csv", "BTCUSDT", None, "run=1/tape.csv"),
        ("run=1/tape.csv", None, None, "run=1/tape.csv"),
        ("data/year=2020/BTCUSDT.csv", None, None, "data/year=2020/BTCUSDT.csv"),
        ("./DATA/X=1.csv", None, None, "./DATA/X=1.csv"),
        ("2020-03=a.csv", None, None, "2020-03=a.csv"),
    ],
)
def test_parse_tape_argument_forms_split_only_at_a_symbol(
    text: str, symbol: str | None, kind: TapeKind | None, path: str
) -> None:
    """Only what looks like a symbol before the first = is one; every other = belongs to the path."""
    assert parse_tape_argument(text) == TapeArgument(symbol, kind, Path(path))


@pytest.mark.parametrize("text", ["", "BTC/USDT:USDT=", "BTCUSDT@trades="])
def test_parse_tape_argument_without_path_is_refused(text: str) -> None:
    """A tape without a file is a mistake of the caller."""
    with pytest.raises(InputError, match="path is missing"):
        parse_tape_argument(text)


def test_parse_tape_argument_with_unknown_kind_lists_the_kinds() -> None:
    """A misspelt kind is answered with the words that would do."""
    with pytest.raises(InputError, match=r"was 'trade'; write one of trades, book, candles") as caught:
        parse_tape_argument("BTCUSDT@trade=x.csv")
    assert not isinstance(caught.value, Unsupported)


@pytest.mark.parametrize("kind", list(TapeKind))
def test_parse_tape_argument_takes_every_kind_of_the_contract(kind: TapeKind) -> None:
    """Every kind that the command line names can be written there."""
    assert parse_tape_argument(f"BTC/USDT:USDT@{kind.value}=x.csv").kind is kind


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2020-03_black-thursday_BTCUSDT_1m.csv.gz", "BTC/USDT:USDT"),
        ("BTCUSDT-aggTrades-2024-10-18.zip", "BTC/USDT:USDT"),
        ("ETH_USDT-1m.csv", "ETH/USDT:USDT"),
        ("btc-usdt.csv", "BTC/USDT:USDT"),
        ("1000PEPEUSDT.csv", "1000PEPE/USDT:USDT"),
        ("WBTCUSDT.csv", None),
        ("BTCUSDTDOM.csv", None),
        ("SOLUSDT_1m.csv", None),
    ],
)
def test_match_symbol_by_file_name_finds_the_account_instrument(name: str, expected: str | None) -> None:
    """A file's name tells its instrument when it holds it as a word of its own."""
    assert match_symbol(TapeArgument(None, None, Path("dir_SOLUSDT") / name), ACCOUNT) == expected


@pytest.mark.parametrize("written", ["BTC/USDT:USDT", "BTC/USDT", "BTCUSDT", "BTC-USDT"])
def test_match_symbol_written_by_the_user_wins_over_the_name(written: str) -> None:
    """A spot tape, or another coin's, may stand for a perpetual when the user says so."""
    assert match_symbol(TapeArgument(written, None, Path("ETHUSDT.csv")), ACCOUNT) == "BTC/USDT:USDT"


def test_match_symbol_unknown_to_the_account_is_refused() -> None:
    """A symbol that the account does not trade is a mistake, not a reason to guess."""
    with pytest.raises(InputError, match="no such instrument in the account, was 'SOL/USDT'"):
        match_symbol(TapeArgument("SOL/USDT", None, Path("x.csv")), ACCOUNT)


def test_match_symbol_that_fits_two_instruments_asks_which() -> None:
    """Spot and perpetual of one pair have one name in files; an exact symbol still decides."""
    both = ("BTC/USDT", "BTC/USDT:USDT")
    with pytest.raises(InputError, match="say which"):
        match_symbol(TapeArgument(None, None, Path("BTCUSDT.csv")), both)
    assert match_symbol(TapeArgument("BTC/USDT", None, Path("BTCUSDT.csv")), both) == "BTC/USDT"


def test_tape_hash_equals_the_sha256_of_the_bytes_on_disk(tmp_path: Path) -> None:
    """The hash in a run's record is the one that sha256sum prints."""
    path = tmp_path / "tape.csv"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert tape_hash(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(b"x" * 3_000_000)
    assert tape_hash(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_tape_hash_of_an_absent_file_is_an_input_error(tmp_path: Path) -> None:
    """A wrong path ends in a sentence, not in a traceback."""
    with pytest.raises(InputError, match="cannot be read"):
        tape_hash(tmp_path / "none.csv")


KLINE = f"{START_MS},100,103,99,102,5,{START_MS + 59_999},510,7,2,204,0"
KLINE_2 = f"{START_MS + 60_000},102,103,99,102,5,{START_MS + 119_999},510,7,2,204,0"
KLINE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore"
)


@pytest.mark.parametrize(
    ("lines", "kind", "name", "has_header"),
    [
        ([CANDLE_HEADER, *candle_lines()], TapeKind.CANDLES, "candles CSV", True),
        (candle_lines(), TapeKind.CANDLES, "candles CSV", False),
        ([KLINE_HEADER, KLINE, KLINE_2], TapeKind.CANDLES, "candles CSV", True),
        ([KLINE_HEADER.replace("open_time", "open_time_ms"), KLINE, KLINE_2], TapeKind.CANDLES, "candles CSV", True),
        ([KLINE, KLINE_2], TapeKind.CANDLES, "Binance klines", False),
        ([TRADE_HEADER, *trade_lines()], TapeKind.TRADES, "Binance aggTrades", True),
        (trade_lines(), TapeKind.TRADES, "Binance aggTrades", False),
        ([line + ",True" for line in trade_lines()], TapeKind.TRADES, "Binance aggTrades", False),
    ],
)
def test_sniff_by_the_first_lines_ignores_the_name(
    tmp_path: Path, lines: list[str], kind: TapeKind, name: str, has_header: bool
) -> None:
    """The columns decide what a file is, with or without a header, whatever it is called."""
    layout = sniff(write(tmp_path / "whatever.bin", lines).path, None)
    assert (layout.kind, layout.name, layout.has_header) == (kind, name, has_header)


def test_sniff_headed_candles_in_another_order_follow_the_names(tmp_path: Path) -> None:
    """With a header the order of columns is free."""
    lines = ["volume,close,low,high,open,ts_ms", f"5,102,99,103,100,{START_MS}", f"5,1,1,1,1,{START_MS + 60_000}"]
    layout = sniff(write(tmp_path / "t.csv", lines).path, None)
    assert (layout.stamp, layout.prices, layout.quantity) == (5, (4, 3, 2, 1), 0)


@pytest.mark.parametrize(
    ("factor", "divisor", "unit_ns"), [(1, 1000, 10**9), (1, 1, 10**6), (10**3, 1, 10**3), (10**6, 1, 1)]
)
def test_sniff_stamps_in_any_unit_are_told_by_magnitude(
    tmp_path: Path, factor: int, divisor: int, unit_ns: int
) -> None:
    """Binance spot files moved from ms to us in 2025; seconds and nanoseconds are known too."""
    lines = [f"{(START_MS + n * 60_000) * factor // divisor},1,1,1,1,1" for n in range(3)]
    layout = sniff(write(tmp_path / "t.csv", lines).path, None)
    assert layout.stamp_ns == unit_ns
    assert layout.span == 60 * 10**9


def test_sniff_span_with_holes_is_the_commonest_step(tmp_path: Path) -> None:
    """A hole near the start does not make bars longer."""
    minutes = (0, 5, 6, 7, 20, 21)
    lines = [f"{START_MS + minute * 60_000},1,1,1,1,1" for minute in minutes]
    assert sniff(write(tmp_path / "t.csv", lines).path, None).span == 60 * 10**9


@pytest.mark.parametrize(
    ("lines", "error", "words"),
    [
        ([], InputError, "is empty"),
        (["", ""], InputError, "is empty"),
        ([CANDLE_HEADER], Unsupported, "no row has a stamp"),
        (candle_lines()[:1], InputError, "cannot be told from one row"),
        (["ts_ms,close", f"{START_MS},5"], Unsupported, "ts_ms,close"),
        (["1,2,3"], Unsupported, "no known layout has 3 columns"),
        (["2021-13-31 23:01:00,1,1,1,1,1", "2021-13-31 23:02:00,1,1,1,1,1"], Unsupported, "has a stamp"),
        (["PARX\x00\x01\x02"], Unsupported, "no known layout"),
    ],
)
def test_sniff_of_what_is_no_known_tape_says_what_it_found(
    tmp_path: Path, lines: list[str], error: type[InputError], words: str
) -> None:
    """A file of another kind is refused with its own columns in the message."""
    with pytest.raises(error, match=words):
        sniff(write(tmp_path / "t.csv", lines).path, None)


def test_sniff_against_the_named_kind_is_refused(tmp_path: Path) -> None:
    """Candles named as trades would replay as nothing; the message says what to write."""
    tape = write(tmp_path / "t.csv", candle_lines())
    with pytest.raises(InputError, match=r"holds candles .* was named trades; write @candles"):
        sniff(tape.path, TapeKind.TRADES)
    assert sniff(tape.path, TapeKind.CANDLES).kind is TapeKind.CANDLES
