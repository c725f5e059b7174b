"""Files in any packing, blocks of any size, and the two ways through a block that must agree."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.tapes import blocks
from bot.adapters.tapes.blocks import Block, read_blocks
from bot.adapters.tapes.candles import CandleRows, read_candles
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.layout import Layout
from bot.adapters.tapes.reader import RowReader
from bot.adapters.tapes.source import TapeArgument, TapeKind
from bot.adapters.tapes.table import at_scale, tabulate
from bot.adapters.tapes.trades import TradeRows, read_trades
from bot.domain.errors import InputError
from tests.adapters.tape_files import (
    CANDLE_HEADER,
    FIVE_BARS,
    MINUTE_NS,
    START_MS,
    TRADE_HEADER,
    candle_lines,
    instrument,
    text_of,
    trade_lines,
    write,
    write_gzip,
    write_zip,
)

TRADES = Layout(TapeKind.TRADES, "", 7, False, 5, (1,), 2, 0, 6, (6,))
CANDLES = Layout(TapeKind.CANDLES, "", 6, False, 0, (1, 2, 3, 4), 5, span=MINUTE_NS)


def test_read_trades_plain_gzip_and_zip_are_equal(tmp_path: Path) -> None:
    """Packing is told from the first bytes; the names here lie on purpose."""
    lines = [TRADE_HEADER, *trade_lines()]
    plain = list(read_trades(write(tmp_path / "a.gz", lines), instrument()))
    assert len(plain) == 5
    assert list(read_trades(write_gzip(tmp_path / "b.zip", lines), instrument())) == plain
    assert list(read_trades(write_zip(tmp_path / "c.csv", lines), instrument())) == plain
    assert list(read_trades(write_zip(tmp_path / "d.zip", lines, "__MACOSX/._tape.csv"), instrument())) == plain


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.removesuffix(b"\n"),
        lambda text: text + b"\n\n",
    ],
    ids=["windows line ends", "byte-order mark", "no last line end", "blank lines at the end"],
)
def test_read_candles_with_other_line_habits_are_equal(tmp_path: Path, change: object) -> None:
    """Files pass through editors and spreadsheets; none of their habits is a price."""
    assert callable(change)
    text = text_of([CANDLE_HEADER, *candle_lines()])
    path = tmp_path / "t.csv"
    path.write_bytes(change(text))
    faults = TapeFaults()
    expected = list(read_candles(write(tmp_path / "u.csv", candle_lines()), instrument()))
    assert list(read_candles(TapeArgument(None, None, path), instrument(), faults)) == expected
    assert faults == TapeFaults()


@pytest.mark.parametrize("size", [1, 7, 64, 1_000])
def test_readers_in_blocks_of_any_size_are_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Where a block ends changes nothing: not rows, not holes, not duplicates, not line numbers."""
    later = candle_lines((*FIVE_BARS, *FIVE_BARS))[7:]
    candles = [CANDLE_HEADER, *candle_lines(), "bad", *candle_lines()[-1:], *later]
    argument = write(tmp_path / "c.csv", candles)
    whole_faults, faults = TapeFaults(), TapeFaults()
    whole = list(read_candles(argument, instrument(), whole_faults))
    trades = write(tmp_path / "t.csv", trade_lines())
    whole_trades = list(read_trades(trades, instrument()))
    # The head from which the layout is told must hold two rows; so only the reading is cut small.
    reading, reading_trades = read_candles(argument, instrument(), faults), read_trades(trades, instrument())
    monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
    assert list(reading) == whole
    assert list(reading_trades) == whole_trades
    assert faults == whole_faults
    assert (faults.rows_bad, faults.duplicates, faults.gaps, faults.bars_missing) == (1, 1, 1, 2)


@pytest.mark.parametrize("packing", ["gzip", "zip"])
def test_read_blocks_of_a_cut_off_file_is_an_input_error(tmp_path: Path, packing: str) -> None:
    """Half a download is a sentence with the path in it, not a short market."""
    lines = [f"{n},{n * n}" for n in range(20_000)]
    path = (write_gzip if packing == "gzip" else write_zip)(tmp_path / "t", lines).path
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="cut off or damaged"):
        list(read_blocks(path))


def test_read_blocks_of_a_damaged_gzip_is_an_input_error(tmp_path: Path) -> None:
    """A wrong checksum is found even when the text still reads."""
    path = tmp_path / "t.gz"
    packed = bytearray(gzip.compress(b"1,2\n" * 100))
    packed[-6] ^= 1
    path.write_bytes(packed)
    with pytest.raises(InputError, match="cannot be read"):
        list(read_blocks(path))


def test_read_blocks_of_an_archive_with_two_files_asks_for_one(tmp_path: Path) -> None:
    """Which of several files is the tape is not ours to guess."""
    path = write_zip(tmp_path / "t.zip", candle_lines(), "second.csv").path
    with pytest.raises(InputError, match="must hold one file, was 2"):
        list(read_blocks(path))


def test_read_blocks_of_an_absent_path_or_folder_is_an_input_error(tmp_path: Path) -> None:
    """A wrong path ends in a sentence, not in a traceback."""
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            list(read_blocks(path))


def test_read_blocks_of_a_file_without_lines_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    """A video named .csv is refused after one megabyte."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"\x00" * 3_000_000)
    with pytest.raises(InputError, match="line 1 is longer than"):
        list(read_blocks(path))


def test_read_trades_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Ten times the rows need the same memory: one block at a time."""

    def peak(rows: int) -> int:
        lines = [f"{n},100.5,1.000,{n},{n},{START_MS + n},true" for n in range(1_000_000, 1_000_000 + rows)]
        argument = write(tmp_path / "t.csv", lines)
        del lines
        tracemalloc.start()
        for _ in read_trades(argument, instrument()):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    short, long = peak(5_000), peak(50_000)
    assert long < 1.2 * short


# The two ways through a block ------------------------------------------------------------------------------


def _rarely(rare: st.SearchStrategy[str], usual: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 60).flatmap(lambda n: rare if n == 0 else usual)


_ODD_NUMBERS = (
    "", ".", "nan", "-1", "1e2", "1.2.3", " 99", "0", "0.0", "1" * 19, "99", "99.", ".99", "t", "true", "1_0", "+99"
)
_ODD_FLAGS = ("treu", "TRUE", "1", "", ".true", "falsee", "fals")
_FLAGS = ("true", "false", "True", "False")


class _Hand:
    """Writes rows from a seed; one field in ``odds`` is odd."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.odds = self.random.choice((20, 60, 500))
        self.trade_id, self.stamp, self.level = 1_000, START_MS, 1

    def rarely(self, rare: tuple[str, ...], usual: str) -> str:
        return self.random.choice(rare) if self.random.randrange(self.odds) == 0 else usual

    def around_100(self) -> str:
        """A price; rarely a row, and more rarely all that follow, are far away."""
        if self.random.randrange(4 * self.odds) == 0:
            self.level = self.random.choice((1, 1_000))
        level = 1_000 if self.random.randrange(self.odds) == 0 else self.level
        return self.decimal(95 * level, 105 * level)

    def decimal(self, low: float, high: float) -> str:
        return f"{self.random.uniform(low, high):.{self.random.choice((0, 1, 3, 3, 3, 5))}f}"

    def trade(self) -> str:
        self.trade_id += int(self.rarely(("0", "-3"), "2"))
        self.stamp += int(self.rarely(("-1",), self.random.choice("001")))
        price = self.rarely(_ODD_NUMBERS, self.around_100())
        quantity = self.rarely(_ODD_NUMBERS, self.decimal(1, 9))
        flag = self.rarely(_ODD_FLAGS, self.random.choice(_FLAGS))
        return f"{self.trade_id},{price},{quantity},5,6,{self.stamp},{flag}"

    def candle(self) -> str:
        self.stamp += int(self.rarely(("120000", "0", "59999", "-60000"), "60000"))
        low, first, second, high = sorted((self.around_100() for _ in range(4)), key=Decimal)
        if self.random.randrange(self.odds) == 0:
            low, high = high, low
        close = self.rarely(_ODD_NUMBERS, second)
        return f"{self.stamp},{first},{high},{low},{close},{self.rarely(_ODD_NUMBERS, self.decimal(0, 9))}"


@pytest.mark.parametrize("digits", [(0, 0), (2, 3), (3, 4), (8, 8)])
@pytest.mark.parametrize("layout", [TRADES, CANDLES], ids=["trades", "candles"])
def test_table_of_a_block_equals_row_by_row(layout: Layout, digits: tuple[int, int]) -> None:
    """Whatever the rows, good or bad, the fast way gives the rows, faults and memory of the slow way."""
    at_once = 0
    for seed in range(250):
        hand = _Hand(seed)
        row = hand.trade if layout is TRADES else hand.candle
        fast, slow = _reader(layout, digits), _reader(layout, digits)
        line = 1
        for rows in (hand.random.randrange(1, 20) for _ in range(3)):
            text = text_of([row() for _ in range(rows)])
            table = tabulate(text, layout)
            left, right = fast.take(Block(text, line), table), slow.take(Block(text, line), None)
            assert [c.tolist() for c in left] == [c.tolist() for c in right], f"seed {seed}: {text!r}"
            assert all(column.dtype == np.int64 for column in left)
            at_once += table is not None and bool(left) and len(left[0]) == rows
            line += rows
        assert fast.faults == slow.faults, f"seed {seed}"
        assert (fast.last_stamp, fast.watch) == (slow.last_stamp, slow.watch), f"seed {seed}"
    assert 150 < at_once < 650       # of 750 blocks; the property would be empty near either end


def _reader(layout: Layout, digits: tuple[int, int]) -> RowReader:
    make = TradeRows if layout is TRADES else CandleRows
    return make(layout, price_digits=digits[0], quantity_digits=digits[1], faults=TapeFaults())


@settings(derandomize=True, deadline=None, max_examples=100, database=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**18 - 1), st.integers(0, 18)), min_size=1, max_size=6),
    st.integers(0, 18),
)
def test_at_scale_of_any_numbers_equals_decimal_half_even(numbers: list[tuple[int, int]], digits: int) -> None:
    """Rounding of whole columns is the decimal module's, and refuses what does not fit 18 digits."""
    context = Context(prec=60)
    expected = [
        int(Decimal(value).scaleb(digits - decimals, context).to_integral_value(ROUND_HALF_EVEN, context))
        for value, decimals in numbers
    ]
    values, decimals = (np.array(column, np.int64) for column in zip(*numbers, strict=True))
    scaled = at_scale(values, decimals, digits)
    if scaled is None:
        assert max(expected) >= 10**18
    else:
        assert scaled.tolist() == expected


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [(5, 1, 0), (15, 1, 2), (25, 1, 2), (26, 1, 3), (250001, 5, 3), (249999, 5, 2), (35, 1, 4)],
)
def test_at_scale_halves_go_to_the_even_number(value: int, decimals: int, expected: int) -> None:
    """0.5 is 0, 1.5 and 2.5 are 2: by hand."""
    scaled = at_scale(np.array([value], np.int64), np.array([decimals], np.int64), 0)
    assert scaled is not None
    assert scaled.tolist() == [expected]


@pytest.mark.parametrize(
    "row",
    [
        f"16,100.0,1.000,58,58,{START_MS},treu",
        f"16,100.0,1.000,58,58,{START_MS},.true",
        f"16,100.0,1.000,58,58,{START_MS},tr.ue",
        f"16,100.0,1.000,58,58,{START_MS},falst",
        f"16,100.0,1.000,58,58,{START_MS},",
        f"16,1e2,1.000,58,58,{START_MS},true",
        f"16,1true,1.000,58,58,{START_MS},true",
        f"16,1rue,1.000,58,58,{START_MS},true",
        f"16,,1.000,58,58,{START_MS},true",
        f"16,.,1.000,58,58,{START_MS},true",
        f"16,1.0.0,1.000,58,58,{START_MS},true",
        f"16,-1,1.000,58,58,{START_MS},true",
        f"16, 1,1.000,58,58,{START_MS},true",
        f"16,{'1' * 19},1.000,58,58,{START_MS},true",
        f"16,100.0,1.000,58,58,{START_MS}",
        f"16,100.0,1.000,58,58,{START_MS},true,true",
        "",
    ],
)
def test_tabulate_of_an_irregular_row_leaves_the_block_to_the_slow_way(row: str) -> None:
    """One byte that is no digit, point, separator or flag, and the fast way gives up."""
    assert tabulate(text_of(trade_lines()), TRADES) is not None
    assert tabulate(text_of([*trade_lines(), row, *trade_lines()]), TRADES) is None


def test_tabulate_of_shifted_commas_is_not_fooled_by_their_number() -> None:
    """Six columns and eight, or three and four, are as many separators as rows of seven."""
    assert tabulate(text_of(["1,100,1,58,5,true", "2,100,1,58,58,5,9,true"]), TRADES) is None
    assert tabulate(text_of(["1,100,1", "58,58,5,true"]), TRADES) is None
