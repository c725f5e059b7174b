"""What a survey says of a file, by hand and on recorded markets."""

from __future__ import annotations

import csv
import zipfile
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from bot.adapters.tapes.candles import read_candles
from bot.adapters.tapes.contents import TapeSurvey
from bot.adapters.tapes.faults import FaultReason, TapeFaults
from bot.adapters.tapes.source import TapeArgument, TapeKind, tape_hash
from bot.adapters.tapes.survey import survey
from bot.adapters.tapes.trades import read_trades
from bot.domain.errors import InputError
from bot.domain.scale import to_fixed
from tests.adapters.tape_files import (
    CANDLE_HEADER,
    MINUTE_NS,
    START_NS,
    candle_lines,
    instrument,
    trade_lines,
    write,
)
from tests.shared_data import shared


def test_survey_of_five_bars_is_what_one_reads_off_the_page(tmp_path: Path) -> None:
    """Rows, span, digits, first open, last close, low and high of the hand-made tape."""
    path = write(tmp_path / "t.csv", [CANDLE_HEADER, *candle_lines()]).path
    assert survey(path, None) == TapeSurvey(
        path=path,
        kind=TapeKind.CANDLES,
        layout="candles CSV",
        rows=5,
        first_ts=START_NS,
        last_ts=START_NS + 4 * MINUTE_NS,
        span_ns=MINUTE_NS,
        price_digits=1,
        quantity_digits=2,
        first_price=1_000,
        last_price=920,
        low=800,
        high=1_030,
        faults=TapeFaults(),
        kinds={TapeKind.CANDLES: 5},
        silence_max_ns=MINUTE_NS,
    )


def test_survey_of_five_trades_is_what_one_reads_off_the_page(tmp_path: Path) -> None:
    """Trades have no bar; trailing zeros of a quantity are no digits, the last trade's are."""
    found = survey(write(tmp_path / "t.csv", trade_lines()).path, TapeKind.TRADES)
    assert (found.rows, found.span_ns, found.price_digits, found.quantity_digits) == (5, None, 1, 3)
    assert (found.first_price, found.last_price, found.low, found.high) == (1_005, 1_000, 999, 1_006)


@pytest.mark.parametrize(
    ("bar", "digits"),
    [
        ("100,100,100,100,5", (0, 0)),
        ("100.0000,100.00,100.0,100,5.00000000", (0, 0)),
        ("100.10,100.10,100.10,100.10,0.1", (1, 1)),
        ("100,100.123,100,100,5.00000001", (3, 8)),
        ("100,1.00125e2,100,100,5e-3", (3, 3)),
        ("100,100.1234567890129,100,100,5.123456785", (12, 8)),
    ],
)
def test_survey_digits_are_those_in_use_up_to_a_limit(
    tmp_path: Path, bar: str, digits: tuple[int, int]
) -> None:
    """Zeros at the end carry nothing; float noise beyond 12 and 8 decimals is rounded away."""
    found = survey(write(tmp_path / "t.csv", candle_lines(("100,100,100,100,5", bar))).path, None)
    assert (found.price_digits, found.quantity_digits) == digits


@pytest.mark.parametrize(
    ("written", "expected"),
    [((2, 3), (2, 3)), ((2, 8), (2, 6)), ((8, 2), (8, 0)), ((12, 4), (8, 0)), ((0, 8), (0, 8))],
)
def test_survey_instrument_digits_are_no_finer_than_cash_together(
    tmp_path: Path, written: tuple[int, int], expected: tuple[int, int]
) -> None:
    """A price of p and a quantity of q decimals make cash of p + q decimals, and cash has 8."""
    price, quantity = f"100.{'1' * written[0]}", f"5.{'1' * written[1]}"
    bars = (f"{price},{price},{price},{price},{quantity}",) * 2
    found = survey(write(tmp_path / "t.csv", candle_lines(bars)).path, None)
    assert found.instrument_digits == expected


def test_survey_digits_that_appear_late_rescale_what_came_before(tmp_path: Path) -> None:
    """The scale grows with the file: block after block of whole prices, then one with cents."""
    bars = ("100,103,99,102,5",) * 6_000 + ("102.25,102.25,98.75,102,5.5",)
    found = survey(write(tmp_path / "t.csv", candle_lines(bars)).path, None)
    assert (found.rows, found.price_digits, found.quantity_digits) == (6_001, 2, 1)
    assert (found.first_price, found.last_price, found.low, found.high) == (10_000, 10_200, 9_875, 10_300)
    assert found.faults == TapeFaults()


@pytest.mark.parametrize(("bad", "is_refused"), [(4, False), (5, True)])
def test_survey_of_a_mostly_bad_file_is_refused(tmp_path: Path, bad: int, is_refused: bool) -> None:
    """A tape of which half is refused is no market; the message shows the first bad line."""
    path = write(tmp_path / "t.csv", [*candle_lines(), *["x"] * bad]).path
    if not is_refused:
        assert survey(path, None).faults.rows_bad == bad
        return
    with pytest.raises(InputError, match=r"5 good rows and 5 bad ones; .*t.csv:6: the row has not as many columns"):
        survey(path, None)


# Recorded markets -----------------------------------------------------------------------------------------


def _manifest(folder: str) -> list[dict[str, str]]:
    with shared("data/MANIFEST.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["file"].startswith(folder)]


@pytest.mark.parametrize(
    "folder",
    [
        "candles/spot_binance_1m/",
        "candles/spot_binance_5m/",
        "candles/perp_binance-usdm_1m/",
        "candles/perp_binance-usdm_5m/",
        "candles/perp_bybit_5m/",
        "candles/perp_okx_5m/",
    ],
)
def test_survey_of_recorded_candles_equals_the_manifest(folder: str) -> None:
    """Rows, span of time, bar length, lowest low and highest high of every file, as others counted them."""
    rows = _manifest(folder)
    assert rows
    for row in rows:
        found = survey(shared("data/" + row["file"]), None)
        assert found.rows + found.faults.duplicates == int(row["rows"]), row["file"]
        assert found.faults.rows_bad == found.faults.gaps == 0, row["file"]
        assert found.span_ns == int(row["step_s"]) * 10**9, row["file"]
        scale = Decimal(10) ** found.price_digits
        # The manifest prints six significant digits.
        assert float(found.low / scale) == pytest.approx(float(row["lo"]), rel=5e-6), row["file"]
        assert float(found.high / scale) == pytest.approx(float(row["hi"]), rel=5e-6), row["file"]


def test_read_candles_xtzbtc_drops_its_repeated_stamp() -> None:
    """The one recorded file with a repeated bar: 6,448 rows, 6,447 bars."""
    path = shared("data/candles/spot_binance_1m/2020-03_black-thursday_XTZBTC_1m.csv.gz")
    faults = TapeFaults()
    argument = TapeArgument(None, None, path)
    candles = list(read_candles(argument, instrument(price_digits=8, quantity_digits=2), faults))
    assert len(candles) == 6_447
    assert faults.counts == {FaultReason.DUPLICATE: 1}
    assert all(later.opened - earlier.opened == MINUTE_NS for earlier, later in pairwise(candles))


def test_read_candles_black_thursday_has_the_published_low() -> None:
    """BTC on 2020-03-13 fell to 3,782.13 on Binance spot; the file's hash is the manifest's."""
    row = next(row for row in _manifest("candles/spot_binance_1m/2020-03_black-thursday_BTCUSDT"))
    path = shared("data/" + row["file"])
    candles = list(read_candles(TapeArgument(None, None, path), instrument()))
    assert min(candle.low for candle in candles) == to_fixed("3782.13", 2)
    assert tape_hash(path) == row["sha256"]


@pytest.mark.parametrize(
    ("file", "digits", "rows", "has_header"),
    [
        # The manifest counts the header of this file as a row.
        ("binance_futures-APEUSDT-aggTrades-2024-10-18.zip", (4, 1), 45_343 - 1, True),
        ("binance_spot-PEPEUSDT-aggTrades-2024-10-27.zip", (8, 0), 57_229, False),
    ],
)
def test_read_trades_recorded_day_equals_the_csv_module_and_decimal(
    file: str, digits: tuple[int, int], rows: int, has_header: bool
) -> None:
    """A futures day and a spot day, every trade of it, against the slowest reader there is."""
    path = shared("data/l2_trades/" + file)
    faults = TapeFaults()
    made = instrument(price_digits=digits[0], quantity_digits=digits[1])
    trades = list(read_trades(TapeArgument(None, None, path), made, faults))
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    expected = [
        (
            int(row[5]) * 10**6,
            to_fixed(row[1], digits[0]),
            to_fixed(row[2], digits[1]),
            -1 if row[6].lower() == "true" else 1,
        )
        for row in csv.reader(lines[1:] if has_header else lines)
    ]
    assert [(trade.now, trade.price, trade.quantity, trade.side) for trade in trades] == expected
    assert len(trades) == rows
    assert faults == TapeFaults()
