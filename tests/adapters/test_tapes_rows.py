"""What the readers yield, row for row, and what they refuse: hand-made tapes of five rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.tapes.candles import read_candles
from bot.adapters.tapes.faults import SAMPLES_MAX, FaultReason, TapeFaults
from bot.adapters.tapes.trades import read_trades
from bot.domain.errors import InputError
from bot.domain.market import Candle, Trade
from tests.adapters.tape_files import (
    CANDLE_HEADER,
    FIVE_BARS,
    MINUTE_NS,
    START_MS,
    START_NS,
    TRADE_HEADER,
    candle_lines,
    instrument,
    trade_lines,
    write,
)


def _candles(path: Path, lines: list[str], faults: TapeFaults | None = None) -> list[Candle]:
    return list(read_candles(write(path / "t.csv", lines), instrument(), faults))


def _trades(path: Path, lines: list[str], faults: TapeFaults | None = None) -> list[Trade]:
    return list(read_trades(write(path / "t.csv", lines), instrument(), faults))


def test_read_candles_five_bars_come_at_the_instruments_scales(tmp_path: Path) -> None:
    """Every number of the file arrives as the integer one would write by hand."""
    argument = write(tmp_path / "t.csv", [CANDLE_HEADER, *candle_lines()])
    candles = list(read_candles(argument, instrument(index=7)))
    assert candles == [
        Candle(START_NS, MINUTE_NS, 7, 10_000, 10_300, 9_900, 10_200, 5_500),
        Candle(START_NS + MINUTE_NS, MINUTE_NS, 7, 10_200, 10_250, 9_800, 9_850, 7_000),
        Candle(START_NS + 2 * MINUTE_NS, MINUTE_NS, 7, 9_850, 9_900, 8_000, 9_700, 40_250),
        Candle(START_NS + 3 * MINUTE_NS, MINUTE_NS, 7, 9_700, 9_700, 9_700, 9_700, 0),
        Candle(START_NS + 4 * MINUTE_NS, MINUTE_NS, 7, 9_700, 9_750, 9_100, 9_200, 12_000),
    ]


def test_read_trades_five_trades_keep_file_order_and_the_takers_side(tmp_path: Path) -> None:
    """A maker that bought means a taker that sold; equal stamps stay as the venue wrote them."""
    faults = TapeFaults()
    assert _trades(tmp_path, [TRADE_HEADER, *trade_lines()], faults) == [
        Trade(START_NS, START_NS, 0, 10_050, 2_000, -1),
        Trade(START_NS, START_NS, 0, 10_040, 500, 1),
        Trade(START_NS + 7_000_000, START_NS + 7_000_000, 0, 10_060, 1_250, -1),
        Trade(START_NS + MINUTE_NS, START_NS + MINUTE_NS, 0, 9_990, 3_000, -1),
        Trade(START_NS + MINUTE_NS, START_NS + MINUTE_NS, 0, 10_000, 1, 1),
    ]
    assert faults == TapeFaults()


def test_read_trades_in_microseconds_have_the_same_stamps(tmp_path: Path) -> None:
    """Spot files of 2025 write us: the same instants come out."""
    in_us = [
        ",".join(field + "000" if column == 5 else field for column, field in enumerate(line.split(",")))
        for line in trade_lines()
    ]
    assert _trades(tmp_path, in_us) == _trades(tmp_path, trade_lines())


def test_readers_numbers_finer_than_the_scale_are_rounded_half_to_even(tmp_path: Path) -> None:
    """At 2 decimals, 100.005 is 100.00 and 100.015 is 100.02; quantities alike at 3."""
    bars = ("100.015,100.0151,100.005,100.0149,0.0005", "100.025,100.025,100.025,100.025,0.0015")
    first, second = _candles(tmp_path, candle_lines(bars))
    assert (first.open, first.high, first.low, first.close, first.volume) == (10_002, 10_002, 10_000, 10_001, 0)
    assert (second.close, second.volume) == (10_002, 2)


GOOD = "100.0,103.0,99.0,102.0,5.5"

BAD_BARS = {
    "five columns": ("100,103,99,102", FaultReason.COLUMNS_WRONG),
    "seven columns": ("100,103,99,102,5,6", FaultReason.COLUMNS_WRONG),
    "empty price": (",103,99,102,5", FaultReason.NUMBER_INVALID),
    "a word": ("100,high,99,102,5", FaultReason.NUMBER_INVALID),
    "nan": ("100,103,nan,102,5", FaultReason.NUMBER_INVALID),
    "inf": ("100,inf,99,102,5", FaultReason.NUMBER_INVALID),
    "minus infinity": ("100,103,-Infinity,102,5", FaultReason.NUMBER_INVALID),
    "two points": ("100,103.0.0,99,102,5", FaultReason.NUMBER_INVALID),
    "only a point": ("100,103,.,102,5", FaultReason.NUMBER_INVALID),
    "underscore": ("1_00,103,99,102,5", FaultReason.NUMBER_INVALID),
    "hexadecimal": ("0x64,103,99,102,5", FaultReason.NUMBER_INVALID),
    "other digits": ("١٠٠,103,99,102,5", FaultReason.NUMBER_INVALID),
    "flag for a price": ("true,103,99,102,5", FaultReason.NUMBER_INVALID),
    "nan volume": ("100,103,99,102,NaN", FaultReason.NUMBER_INVALID),
    "too many digits": ("100,103,99,102," + "1" * 16, FaultReason.NUMBER_TOO_LARGE),
    "huge exponent": ("100,1e999,99,102,5", FaultReason.NUMBER_TOO_LARGE),
    "endless text": ("100,103,99,102," + "0" * 41, FaultReason.NUMBER_INVALID),
    "zero price": ("100,103,0,102,5", FaultReason.PRICE_NOT_POSITIVE),
    "zero after rounding": ("100,103,0.005,102,5", FaultReason.PRICE_NOT_POSITIVE),
    "negative price": ("-100,103,99,102,5", FaultReason.PRICE_NOT_POSITIVE),
    "negative volume": ("100,103,99,102,-5", FaultReason.VOLUME_NEGATIVE),
    "high below low": ("100,99,103,100,5", FaultReason.BAR_CONTRADICTORY),
    "open above high": ("104,103,99,102,5", FaultReason.BAR_CONTRADICTORY),
    "close above high": ("100,103,99,103.01,5", FaultReason.BAR_CONTRADICTORY),
    "open below low": ("98.99,103,99,102,5", FaultReason.BAR_CONTRADICTORY),
    "close below low": ("100,103,99,98,5", FaultReason.BAR_CONTRADICTORY),
    "wick beyond 100 times": ("100,103,1.02,102,5", FaultReason.PRICE_JUMPED),
    "a hundredfold and more": ("10200.01,10300,10200.01,10300,5", FaultReason.PRICE_JUMPED),
    "a hundredth and less": ("1.01,1.01,1.01,1.01,5", FaultReason.PRICE_JUMPED),
}


@pytest.mark.parametrize("name", BAD_BARS)
def test_read_candles_bad_bar_is_counted_and_never_becomes_a_price(tmp_path: Path, name: str) -> None:
    """The bar is skipped with its line and reason, and the bars around it are untouched."""
    bar, reason = BAD_BARS[name]
    lines = candle_lines((GOOD, bar, GOOD, GOOD))
    faults = TapeFaults()
    candles = _candles(tmp_path, [CANDLE_HEADER, *lines], faults)
    assert [(candle.opened - START_NS) // MINUTE_NS for candle in candles] == [0, 2, 3]
    assert {candle.close for candle in candles} == {10_200}
    assert faults.counts == {reason: 1}
    assert [(fault.line, fault.reason) for fault in faults.samples] == [(3, reason)]
    assert (faults.rows_bad, faults.gaps, faults.bars_missing) == (1, 1, 1)


GOOD_AT_THE_LIMIT = {
    "largest number": "100,103,99,102,999999999999999.999",
    "high equals open": "103,103,99,102,5",
    "all equal": "102,102,102,102,0",
    "exactly 100 times": "10200,10200,10200,10200,5",
    "exactly a hundredth": "1.02,1.02,1.02,1.02,5",
    "least price after rounding": "1.02,1.0251,1.0151,1.02,5",
    "wick of exactly 100 times": "100,102,1.02,102,5",
    "exponent": "1e2,1.03E+2,9.9e1,102,5e-1",
    "plus sign and spaces": " +100 , 103,99 ,102, 5",
    "points without digits on one side": "100.,103.,99.,102.,.5",
    "leading zeros": "0100,00103,099,0102,05",
}


@pytest.mark.parametrize("name", GOOD_AT_THE_LIMIT)
def test_read_candles_bar_just_inside_the_limits_is_read(tmp_path: Path, name: str) -> None:
    """The other side of every limit: such bars are rare, but they are prices."""
    lines = candle_lines((GOOD, GOOD, GOOD_AT_THE_LIMIT[name]))
    faults = TapeFaults()
    assert len(_candles(tmp_path, lines, faults)) == 3
    assert faults == TapeFaults()
    # One bad row sends its whole block the slow way, where the same limits hold.
    assert len(_candles(tmp_path, [*lines, "x"], faults)) == 3
    assert faults.counts == {FaultReason.COLUMNS_WRONG: 1}


@pytest.mark.parametrize(
    ("offset_ms", "reason"),
    [
        (0, FaultReason.STAMP_BACKWARDS),
        (119_999, FaultReason.STAMP_BACKWARDS),
        (120_000, FaultReason.DUPLICATE),
        (120_001, FaultReason.BAR_OVERLAPPING),
        (179_999, FaultReason.BAR_OVERLAPPING),
        (180_000, None),
        (180_001, None),
    ],
)
def test_read_candles_bar_must_open_after_the_last_has_ended(
    tmp_path: Path, offset_ms: int, reason: FaultReason | None
) -> None:
    """After bars at 0, 60 and 120 s, one may open at 180 s and not 1 ms sooner; time never runs back."""
    faults = TapeFaults()
    lines = [*candle_lines((GOOD,) * 3), f"{START_MS + offset_ms},{GOOD}", f"{START_MS + 300_000},{GOOD}"]
    candles = _candles(tmp_path, lines, faults)
    assert len(candles) == (5 if reason is None else 4)
    assert faults.counts == ({} if reason is None else {reason: 1})


def test_read_candles_repeated_stamp_keeps_the_first(tmp_path: Path) -> None:
    """Of two bars with one stamp the later is dropped, and that is no bad row."""
    lines = candle_lines()
    lines.insert(2, f"{START_MS + 60_000},1,1,1,1,1".replace(",1", ",97"))
    faults = TapeFaults()
    assert _candles(tmp_path, lines, faults) == _candles(tmp_path, candle_lines())
    assert (faults.duplicates, faults.rows_bad) == (1, 0)


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("1230767999999", FaultReason.STAMP_IMPLAUSIBLE),
        ("1230768000000", FaultReason.STAMP_BACKWARDS),
        ("0", FaultReason.STAMP_IMPLAUSIBLE),
        ("-1", FaultReason.STAMP_IMPLAUSIBLE),
        ("1583971320", FaultReason.STAMP_IMPLAUSIBLE),
        ("1583971320000000", FaultReason.STAMP_IMPLAUSIBLE),
        ("1583971320000.5", FaultReason.NUMBER_INVALID),
        ("1583971320000.0", None),
    ],
)
def test_read_candles_stamp_before_2009_or_of_another_unit_is_refused(
    tmp_path: Path, stamp: str, reason: FaultReason | None
) -> None:
    """The unit is the file's: one stamp in seconds or us among milliseconds is no fact."""
    faults = TapeFaults()
    candles = _candles(tmp_path, [*candle_lines((GOOD, GOOD)), f"{stamp},{GOOD}"], faults)
    assert len(candles) == (3 if reason is None else 2)
    assert faults.counts == ({} if reason is None else {reason: 1})


def test_read_candles_stamp_with_decimals_is_not_read_without_its_point(tmp_path: Path) -> None:
    """In a file of seconds, 158397132.0 is 1975, though its digits alone are 2020."""
    lines = [f"{START_MS // 1000 + n * 60},{GOOD}" for n in range(2)]
    faults = TapeFaults()
    assert len(_candles(tmp_path, [*lines, f"158397132.0,{GOOD}"], faults)) == 2
    assert faults.counts == {FaultReason.STAMP_IMPLAUSIBLE: 1}


@pytest.mark.parametrize(("stamp", "is_read"), [("4102444799999", True), ("4102444800000", False)])
def test_read_candles_stamp_after_2099_is_refused(tmp_path: Path, stamp: str, is_read: bool) -> None:
    """A stamp of the year 2100 is a broken row."""
    lines = [*candle_lines((GOOD, GOOD)), f"{stamp},{GOOD}"]
    faults = TapeFaults()
    assert len(_candles(tmp_path, lines, faults)) == (3 if is_read else 2)
    assert faults.counts[FaultReason.STAMP_IMPLAUSIBLE] == (0 if is_read else 1)


def test_read_candles_holes_are_counted_with_the_longest(tmp_path: Path) -> None:
    """Bars at minutes 0 1 2 5 6 7 20: two holes, 2 + 12 bars missing, 13 minutes the longest step."""
    lines = [f"{START_MS + minute * 60_000},{GOOD}" for minute in (0, 1, 2, 5, 6, 7, 20)]
    faults = TapeFaults()
    assert len(_candles(tmp_path, lines, faults)) == 7
    assert (faults.gaps, faults.bars_missing, faults.gap_max_ns) == (2, 14, 13 * MINUTE_NS)
    assert faults.rows_bad == 0


def test_read_candles_level_that_stays_is_believed_at_the_third_bar(tmp_path: Path) -> None:
    """A first row a thousand times too low must not cost the whole tape: three bars that agree win."""
    wrong = "0.1,0.1,0.1,0.1,1"
    faults = TapeFaults()
    candles = _candles(tmp_path, candle_lines((wrong, *FIVE_BARS)), faults)
    assert [candle.close for candle in candles] == [10, 9_700, 9_700, 9_200]
    assert faults.counts == {FaultReason.PRICE_JUMPED: 2}


def test_read_candles_two_wrong_bars_in_a_row_do_not_move_the_level(tmp_path: Path) -> None:
    """Two bars that agree are still two wrong rows; the count starts anew after a good one."""
    wrong = "0.1,0.1,0.1,0.1,1"
    faults = TapeFaults()
    candles = _candles(tmp_path, candle_lines((GOOD, wrong, wrong, GOOD, wrong, wrong, GOOD)), faults)
    assert [candle.close for candle in candles] == [10_200] * 3
    assert faults.counts == {FaultReason.PRICE_JUMPED: 4}


TRADE = "16,100.0,1.000,58,58,{0},true"
T = START_MS + 60_000

BAD_TRADES = {
    "six columns": (f"16,100.0,1.000,58,58,{T}", FaultReason.COLUMNS_WRONG),
    "nan price": (f"16,NaN,1.000,58,58,{T},true", FaultReason.NUMBER_INVALID),
    "inf quantity": (f"16,100.0,inf,58,58,{T},true", FaultReason.NUMBER_INVALID),
    "empty price": (f"16,,1.000,58,58,{T},true", FaultReason.NUMBER_INVALID),
    "id with a fraction": (f"16.5,100.0,1.000,58,58,{T},true", FaultReason.NUMBER_INVALID),
    "zero price": (f"16,0.0,1.000,-1,-1,{T},true", FaultReason.PRICE_NOT_POSITIVE),
    "negative price": (f"16,-100.0,1.000,58,58,{T},true", FaultReason.PRICE_NOT_POSITIVE),
    "zero quantity": (f"16,100.0,0.000,58,58,{T},true", FaultReason.QUANTITY_NOT_POSITIVE),
    "dust": (f"16,100.0,0.0005,58,58,{T},true", FaultReason.QUANTITY_NOT_POSITIVE),
    "negative quantity": (f"16,100.0,-1.000,58,58,{T},true", FaultReason.QUANTITY_NOT_POSITIVE),
    "misspelt flag": (f"16,100.0,1.000,58,58,{T},treu", FaultReason.FLAG_INVALID),
    "pointed flag": (f"16,100.0,1.000,58,58,{T},.true", FaultReason.FLAG_INVALID),
    "number for a flag": (f"16,100.0,1.000,58,58,{T},1", FaultReason.FLAG_INVALID),
    "empty flag": (f"16,100.0,1.000,58,58,{T},", FaultReason.FLAG_INVALID),
    "earlier": (f"16,100.0,1.000,58,58,{T - 1},true", FaultReason.STAMP_BACKWARDS),
    "stamp in us": (f"16,100.0,1.000,58,58,{T}000,true", FaultReason.STAMP_IMPLAUSIBLE),
    "same id": (f"15,100.0,1.000,58,58,{T},true", FaultReason.DUPLICATE),
    "lower id": (f"12,100.0,1.000,58,58,{T},true", FaultReason.DUPLICATE),
    "jump up": (f"16,10000.1,1.000,58,58,{T},true", FaultReason.PRICE_JUMPED),
    "jump down": (f"16,0.99,1.000,58,58,{T},true", FaultReason.PRICE_JUMPED),
}


@pytest.mark.parametrize("name", BAD_TRADES)
def test_read_trades_bad_row_is_counted_and_never_becomes_a_price(tmp_path: Path, name: str) -> None:
    """The trade is skipped with its line and reason; those before and after are read as if alone."""
    row, reason = BAD_TRADES[name]
    after = f"17,100.0,1.000,58,58,{T},true"
    faults = TapeFaults()
    trades = _trades(tmp_path, [*trade_lines(), row, after], faults)
    assert trades == _trades(tmp_path, [*trade_lines(), after])
    assert faults.counts == {reason: 1}
    assert [(fault.line, fault.reason, fault.text) for fault in faults.samples] == [(6, reason, row)]


@pytest.mark.parametrize(
    "row",
    [
        f"16,100.0,0.0006,58,58,{T},true",
        f"16,10000.0,1.000,58,58,{T},true",
        f"16,1.00,1.000,58,58,{T},FALSE",
        f"999999999999999999,100.0,1.000,58,58,{T},true",
    ],
)
def test_read_trades_row_just_inside_the_limits_is_read(tmp_path: Path, row: str) -> None:
    """The other side of every limit of a trade."""
    faults = TapeFaults()
    assert len(_trades(tmp_path, [*trade_lines(), row], faults)) == 6
    assert faults == TapeFaults()


def test_faults_of_a_rotten_file_are_all_counted_and_few_kept(tmp_path: Path) -> None:
    """The memory for samples is bounded, the count is not, and long lines are cut."""
    bad = ["x" * 1_000] * (SAMPLES_MAX + 1)
    faults = TapeFaults()
    assert len(_candles(tmp_path, [*candle_lines(), *bad], faults)) == 5
    assert faults.rows_bad == SAMPLES_MAX + 1
    assert len(faults.samples) == SAMPLES_MAX
    assert max(len(fault.text) for fault in faults.samples) < 200


def test_read_candles_blank_lines_are_no_rows(tmp_path: Path) -> None:
    """Empty lines before the header, between rows and at the end mean nothing; line numbers count them."""
    lines = candle_lines()
    faults = TapeFaults()
    spaced = ["", CANDLE_HEADER, lines[0], "", *lines[1:], "bad", "", ""]
    assert _candles(tmp_path, spaced, faults) == _candles(tmp_path, lines)
    assert [fault.line for fault in faults.samples] == [9]


def test_readers_of_the_other_kind_refuse_before_the_first_row(tmp_path: Path) -> None:
    """A wrong kind shows at once, not in the middle of a replay."""
    candles = write(tmp_path / "c.csv", candle_lines())
    with pytest.raises(InputError, match="holds candles"):
        read_trades(candles, instrument())
    with pytest.raises(InputError, match="holds trades"):
        read_candles(write(tmp_path / "t.csv", trade_lines()), instrument())
