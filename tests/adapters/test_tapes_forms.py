"""Every form of file that users own, by hand: what one row of it becomes, and what a bad row never becomes."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bot.adapters.tapes.bars import IndexBar, MarkBar
from bot.adapters.tapes.faults import FaultReason, TapeFaults
from bot.adapters.tapes.formats import read_tape
from bot.adapters.tapes.kinds import TapeFact
from bot.adapters.tapes.source import TapeArgument, TapeKind, parse_tape_argument
from bot.adapters.tapes.survey import survey, survey_markets
from bot.domain.errors import InputError, Unsupported
from bot.domain.market import (
    BookUpdate,
    Candle,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from tests.adapters.tape_files import MINUTE_NS, START_MS, START_NS, instrument, text_of, write, write_gzip, write_zip

START_US = START_MS * 1_000
MS = 10**6
EIGHT_HOURS = 8 * 60 * MINUTE_NS


def facts_of(
    path: Path, kind: TapeKind | None = None, market: str = "", faults: TapeFaults | None = None
) -> list[TapeFact]:
    """All facts of a tape at 2 price digits and 3 quantity digits."""
    streams = read_tape(TapeArgument(None, kind, path), market, instrument(), faults)
    return [fact for stream in streams for fact in stream]


# (name, kind written by the user, market as the file calls it, lines, facts)
FORMS: list[tuple[str, TapeKind | None, str, list[str], list[TapeFact]]] = [
    (
        # data.binance.vision, futures/um/daily/bookTicker
        "binance bookTicker", None, "",
        ["update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time",
         f"7,100.10,2.500,100.20,1.000,{START_MS},{START_MS + 3}"],
        [Quote(START_NS, START_NS, 0, 10_010, 2_500, 10_020, 1_000)],
    ),
    (
        # futures/um/daily/metrics
        "binance metrics", None, "BTCUSDT",
        ["create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio",
         "2020-03-12 00:05:00,BTCUSDT,70000.125,5600000000.0,1.2"],
        [OpenInterest(START_NS + 5 * MINUTE_NS, START_NS + 5 * MINUTE_NS, 0, 70_000_125)],
    ),
    (
        # futures/um/daily/liquidationSnapshot: a long was sold
        "binance liquidationSnapshot", None, "",
        ["time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,"
         "last_fill_quantity,accumulated_fill_quantity",
         f"{START_MS},SELL,LIMIT,IOC,0.500,99.00,99.50,FILLED,0.100,0.450"],
        [ForcedTrade(START_NS, START_NS, 0, 9_950, 450, -1)],
    ),
    (
        # futures/um/monthly/fundingRate; settled at its stamp, and known only then
        "binance fundingRate", None, "",
        ["calc_time,funding_interval_hours,last_funding_rate", f"{START_MS},8,-0.00012359",
         f"{START_MS + 8 * 3_600_000},8,0.00010000"],
        [FundingRate(START_NS, START_NS, 0, -12_359, START_NS),
         FundingRate(START_NS + EIGHT_HOURS, START_NS + EIGHT_HOURS, 0, 10_000, START_NS + EIGHT_HOURS)],
    ),
    (
        # docs.tardis.dev, downloadable CSV: trades
        "tardis trades", None, "BTCUSDT",
        ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
         f"binance-futures,BTCUSDT,{START_US},{START_US + 5_000},11,buy,100.5,2",
         f"binance-futures,BTCUSDT,{START_US + 1},{START_US + 5_000},12,sell,100.4,0.5",
         f"binance-futures,BTCUSDT,{START_US + 2},{START_US + 5_000},13,unknown,100.4,0.25"],
        [Trade(START_NS + 5 * MS, START_NS, 0, 10_050, 2_000, 1),
         Trade(START_NS + 5 * MS, START_NS + 1_000, 0, 10_040, 500, -1),
         Trade(START_NS + 5 * MS, START_NS + 2_000, 0, 10_040, 250, 0)],
    ),
    (
        "tardis liquidations, by the kind the user wrote", TapeKind.LIQUIDATIONS, "BTCUSDT",
        ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
         f"binance-futures,BTCUSDT,{START_US},{START_US},,sell,100.5,2"],
        [ForcedTrade(START_NS, START_NS, 0, 10_050, 2_000, -1)],
    ),
    (
        "tardis quotes", None, "BTCUSDT",
        ["exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
         f"binance-futures,BTCUSDT,{START_US},{START_US},1.5,100.2,100.1,2",
         f"binance-futures,BTCUSDT,{START_US + 1},{START_US + 1},,,100.1,2"],
        [Quote(START_NS, START_NS, 0, 10_010, 2_000, 10_020, 1_500),
         Quote(START_NS + 1_000, START_NS + 1_000, 0, 10_010, 2_000, 0, 0)],
    ),
    (
        "tardis derivative_ticker", None, "BTCUSDT",
        ["exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,"
         "open_interest,last_price,index_price,mark_price",
         f"binance-futures,BTCUSDT,{START_US},{START_US},{START_US + 1_000_000},0.0001,,12.5,100.3,100.2,100.25",
         f"binance-futures,BTCUSDT,{START_US + 9},{START_US + 9},,,,,,,100.26"],
        [MarkPrice(START_NS, START_NS, 0, 10_025), IndexPrice(START_NS, START_NS, 0, 10_020),
         OpenInterest(START_NS, START_NS, 0, 12_500),
         FundingRate(START_NS, START_NS, 0, 10_000, START_NS + 1_000 * MS),
         MarkPrice(START_NS + 9_000, START_NS + 9_000, 0, 10_026)],
    ),
    (
        "tardis derivative_ticker, its index alone", TapeKind.INDEX, "BTCUSDT",
        ["exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,"
         "open_interest,last_price,index_price,mark_price",
         f"binance-futures,BTCUSDT,{START_US},{START_US},,0.0001,,12.5,100.3,100.2,100.25"],
        [IndexPrice(START_NS, START_NS, 0, 10_020)],
    ),
    (
        "tardis incremental_book_L2", None, "BTCUSDT",
        ["exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount",
         f"binance-futures,BTCUSDT,{START_US},{START_US},true,bid,100.1,1",
         f"binance-futures,BTCUSDT,{START_US},{START_US},true,ask,100.2,2",
         f"binance-futures,BTCUSDT,{START_US + 7},{START_US + 8},false,ask,100.2,0",
         f"binance-futures,BTCUSDT,{START_US + 7},{START_US + 8},false,bid,100.0,3",
         f"binance-futures,BTCUSDT,{START_US + 9},{START_US + 9},false,bid,100.0,4"],
        [BookUpdate(START_NS, START_NS, 0, ((10_010, 1_000),), ((10_020, 2_000),), True),
         BookUpdate(START_NS + 8_000, START_NS + 7_000, 0, ((10_000, 3_000),), ((10_020, 0),), False),
         BookUpdate(START_NS + 9_000, START_NS + 9_000, 0, ((10_000, 4_000),), (), False)],
    ),
    (
        "tardis book_snapshot_2", None, "BTCUSDT",
        ["exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,"
         "asks[1].price,asks[1].amount,bids[1].price,bids[1].amount",
         f"binance-futures,BTCUSDT,{START_US},{START_US},100.2,1,100.1,2,100.3,3,,"],
        [BookUpdate(START_NS, START_NS, 0, ((10_010, 2_000),), ((10_020, 1_000), (10_030, 3_000)), True)],
    ),
    (
        "binance spot trades without a header", None, "",
        [f"4,100.5,0.020,2.01,{START_MS},True,True", f"5,100.6,0.010,1.006,{START_MS},False,True"],
        [Trade(START_NS, START_NS, 0, 10_050, 20, -1), Trade(START_NS, START_NS, 0, 10_060, 10, 1)],
    ),
    (
        "binance futures trades", None, "",
        ["id,price,qty,quote_qty,time,is_buyer_maker", f"4,100.5,0.020,2.01,{START_MS},true"],
        [Trade(START_NS, START_NS, 0, 10_050, 20, -1)],
    ),
    (
        "trades of four columns, two equal ones in one second", None, "",
        [f"{START_MS // 1000},100.5,0.02,ANY", f"{START_MS // 1000},100.5,0.02,ANY"],
        [Trade(START_NS, START_NS, 0, 10_050, 20, 0)] * 2,
    ),
    (
        "candles with dates", None, "",
        ["timestamp,open,high,low,close,volume", "2020-03-12 00:00:00.000000,100,103,99,102,5",
         "2020-03-12 00:01:00.000000,102,102,98,98.5,7"],
        [Candle(START_NS, MINUTE_NS, 0, 10_000, 10_300, 9_900, 10_200, 5_000),
         Candle(START_NS + MINUTE_NS, MINUTE_NS, 0, 10_200, 10_200, 9_800, 9_850, 7_000)],
    ),
    (
        "candles of freqtrade's JSON", None, "",
        [f"[[{START_MS}, 100.0, 103.0, 99.0, 102.0, 5.5],[{START_MS + 60_000},102.0,102.5,98.0,98.5,7e0]]"],
        [Candle(START_NS, MINUTE_NS, 0, 10_000, 10_300, 9_900, 10_200, 5_500),
         Candle(START_NS + MINUTE_NS, MINUTE_NS, 0, 10_200, 10_250, 9_800, 9_850, 7_000)],
    ),
    (
        "trades of ccxt's JSON", None, "BTC/USDT:USDT",
        ['[{"info": {"a": [1, 2]}, "id": "9", "timestamp": ' + str(START_MS) + ', "symbol": "BTC/USDT:USDT", '
         '"side": "sell", "price": 100.10, "amount": 0.5, "fee": null}]'],
        [Trade(START_NS, START_NS, 0, 10_010, 500, -1)],
    ),
    (
        "funding of a JSON array", None, "BTC",
        ["[", '  {"coin": "BTC", "funding_rate": "0.00010000", "time": ' + str(START_MS) + "}", "]"],
        [FundingRate(START_NS, START_NS, 0, 10_000, START_NS)],
    ),
    (
        "funding rates in freqtrade's bars", TapeKind.FUNDING, "",
        [f"[[{START_MS}, -0.0001, 0.0, 0.0, 0.0, 0.0]]"],
        [FundingRate(START_NS, START_NS, 0, -10_000, START_NS)],
    ),
    (
        "mark price candles", TapeKind.MARK, "",
        [f"{START_MS},100,103,99,102,0", f"{START_MS + 60_000},102,103,99,102,0"],
        [MarkBar(START_NS, MINUTE_NS, 0, 10_000, 10_300, 9_900, 10_200, 0),
         MarkBar(START_NS + MINUTE_NS, MINUTE_NS, 0, 10_200, 10_300, 9_900, 10_200, 0)],
    ),
]


@pytest.mark.parametrize(("kind", "market", "lines", "expected"), [form[1:] for form in FORMS],
                         ids=[form[0] for form in FORMS])
def test_read_tape_of_each_form_is_what_one_reads_off_the_page(
    tmp_path: Path, kind: TapeKind | None, market: str, lines: list[str], expected: list[TapeFact]
) -> None:
    """The columns tell what a file is, and its rows become the facts that a person would write down."""
    path = write(tmp_path / "file", lines).path
    assert facts_of(path, kind, market) == expected
    assert {each.market for each in survey_markets(path, kind)} == {market}


@pytest.mark.parametrize("pack", [write_gzip, write_zip])
def test_read_tape_packed_or_with_windows_line_ends_is_the_same(tmp_path: Path, pack: object) -> None:
    """Packing, a byte-order mark and carriage returns are habits of tools, not facts of the market."""
    _, kind, market, lines, expected = FORMS[0]
    assert callable(pack)
    assert facts_of(pack(tmp_path / "packed", lines).path, kind, market) == expected
    plain = tmp_path / "plain"
    plain.write_bytes(b"\xef\xbb\xbf" + text_of(lines).replace(b"\n", b"\r\n"))
    assert facts_of(plain, kind, market) == expected


@pytest.mark.parametrize(("folder", "bar"), [("markPriceKlines", MarkBar), ("indexPriceKlines", IndexBar)])
def test_read_tape_of_a_binance_folder_of_bars_knows_whose_they_are(
    tmp_path: Path, folder: str, bar: type
) -> None:
    """Bars of the mark have the columns of any bar, so the folder that Binance files them under counts."""
    (tmp_path / folder).mkdir()
    path = write(tmp_path / folder / "BTCUSDT-1m.csv", FORMS[-1][3]).path
    assert {type(fact) for fact in facts_of(path)} == {bar}
    assert {type(fact) for fact in facts_of(path, TapeKind.CANDLES)} == {Candle}


def test_detect_of_depth_in_bands_says_why_it_is_no_fact(tmp_path: Path) -> None:
    """Depth in bands has no prices to match by: it is refused, and never read as a book."""
    path = write(tmp_path / "t.csv", ["timestamp,percentage,depth,notional", "2024-01-01 00:00:10,-5,10,400000"]).path
    with pytest.raises(Unsupported, match="depth in bands"):
        survey(path, None)


def test_detect_of_the_premium_index_says_what_to_give_instead(tmp_path: Path) -> None:
    """A premium has the columns of a bar and is no price; small positive ones would pass for a cheap coin."""
    (tmp_path / "premiumIndexKlines").mkdir()
    lines = [f"{START_MS + n * 60_000},0.0001,0.0002,0.0001,0.0001,0" for n in range(3)]
    path = write(tmp_path / "premiumIndexKlines" / "BTCUSDT-1m.csv", lines).path
    with pytest.raises(Unsupported, match="give the tapes of mark and index"):
        survey(path, None)


ROWS: list[tuple[str, FaultReason]] = [
    (f"{START_MS},nan,1,100.2,1", FaultReason.NUMBER_INVALID),
    (f"{START_MS},-100.1,1,100.2,1", FaultReason.PRICE_NOT_POSITIVE),
    (f"{START_MS},100.1,-1,100.2,1", FaultReason.VOLUME_NEGATIVE),
    (f"{START_MS},100.2,1,100.2,1", FaultReason.QUOTE_CROSSED),
    (f"{START_MS},{'9' * 30},1,100.2,1", FaultReason.NUMBER_TOO_LARGE),
    (f"{START_MS},100.1,1,100.2", FaultReason.COLUMNS_WRONG),
    (f"{START_MS}\0,100.1,1,100.2,1", FaultReason.NUMBER_INVALID),
    (f"{START_MS - 1},100.1,1,100.2,1", FaultReason.STAMP_BACKWARDS),
    ("99999999999999999999,100.1,1,100.2,1", FaultReason.NUMBER_TOO_LARGE),
    ("0,100.1,1,100.2,1", FaultReason.STAMP_IMPLAUSIBLE),
    (f"{START_MS},0.01,1,0.02,1", FaultReason.PRICE_JUMPED),
    (f"{START_MS},100.1,1,100.2,1", FaultReason.DUPLICATE),
]


@pytest.mark.parametrize(("row", "reason"), ROWS, ids=[f"{reason.name}-{number}" for number, (_, reason) in
                                                      enumerate(ROWS)])
def test_read_form_bad_row_is_counted_by_line_and_never_becomes_a_price(
    tmp_path: Path, row: str, reason: FaultReason
) -> None:
    """The rows around a bad one are read, the bad one is named by its line."""
    good = f"{START_MS},100.1,1,100.2,1"
    path = write(tmp_path / "q.csv", ["time,bid,bid_qty,ask,ask_qty", good, row, good.replace("100.2", "100.3")]).path
    faults = TapeFaults()
    found = facts_of(path, faults=faults)
    assert [fact.ask for fact in found if isinstance(fact, Quote)] == [10_020, 10_030]
    assert faults.counts == {reason: 1}
    assert [(sample.line, sample.place(path)) for sample in faults.samples] == [(3, f"{path}:3")]


def test_survey_of_a_kind_the_tape_has_not_says_so(tmp_path: Path) -> None:
    """A capture without a book is no bad file; it only lacks what was asked for."""
    lines = [f'{{"e":"trade","T":{START_MS},"s":"BTCUSDT","t":1,"p":"100","q":"1","m":true}}']
    path = write(tmp_path / "c", lines).path
    assert survey(path, TapeKind.TRADES).rows == 1
    with pytest.raises(InputError, match="holds no book"):
        survey(path, TapeKind.BOOK)


def test_read_tape_of_mixed_symbols_gives_each_its_own(tmp_path: Path) -> None:
    """A file of several markets never lends one the prices of another."""
    lines = ["symbol,time,price,amount", f"BTCUSDT,{START_MS},100,1", f"ETHUSDT,{START_MS},5,1",
             f"BTCUSDT,{START_MS + 1},101,1"]
    path = write(tmp_path / "t.csv", lines).path
    assert [fact.price for fact in facts_of(path, market="BTCUSDT") if isinstance(fact, Trade)] == [10_000, 10_100]
    assert [fact.price for fact in facts_of(path, market="ETHUSDT") if isinstance(fact, Trade)] == [500]
    with pytest.raises(InputError, match="holds 2 markets, BTCUSDT, ETHUSDT; say which"):
        survey(path, None)


def test_read_tape_of_a_folder_is_its_days_in_order(tmp_path: Path) -> None:
    """Daily files follow each other by name; one has a header and the next not; a bad row is told with its file."""
    days = tmp_path / "BTCUSDT"
    days.mkdir()
    header = "id,price,qty,quote_qty,time,is_buyer_maker"
    write(days / "2020-03-13.csv", [f"3,102,1,1,{START_US + 86_400_000_000},true", f"x,102,1,1,{START_US},true"])
    write_zip(days / "2020-03-12.zip", [header, f"1,100,1,1,{START_MS},true", f"2,101,1,1,{START_MS},true"])
    write(days / "2020-03-12.zip.CHECKSUM", ["abc"])
    faults = TapeFaults()
    found = facts_of(days, faults=faults)
    assert [fact.price for fact in found if isinstance(fact, Trade)] == [10_000, 10_100, 10_200]
    assert [sample.place(days) for sample in faults.samples] == [f"{days / '2020-03-13.csv'}:2"]
    assert survey(days, None).rows == 3


def test_read_tape_of_a_folder_of_two_forms_is_refused(tmp_path: Path) -> None:
    """Files of two kinds in one folder are two tapes."""
    days = tmp_path / "mixed"
    days.mkdir()
    write(days / "a.csv", ["time,funding_rate", f"{START_MS},0.0001"])
    write(days / "b.csv", ["time,open_interest", f"{START_MS},5"])
    with pytest.raises(InputError, match="keep them apart"):
        facts_of(days)


@pytest.mark.parametrize("text", ['[[1, 2, 3], "x"]', "[[1, 2", '[[1583971200000,1,1,1,1,1] 7]', "[5]"])
def test_json_lines_of_a_broken_array_name_the_element(tmp_path: Path, text: str) -> None:
    """A cut-off or crooked array is an input error with its place, and nothing of it is a price."""
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"t\.json(:\d+: element \d+|: no known layout)"):
        list(survey_markets(path, None))


def test_read_form_of_a_cut_off_gzip_is_an_input_error(tmp_path: Path) -> None:
    """Half a download is told from a whole one."""
    lines = ["time,funding_rate", *[f"{START_MS + n},0.000{n}" for n in range(5_000)]]
    whole = gzip.compress(text_of(lines))
    path = tmp_path / "t.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut off or damaged"):
        facts_of(path)


def test_parse_tape_argument_of_every_kind_reads_its_form(tmp_path: Path) -> None:
    """A kind that the file is not is refused with what it is."""
    path = write(tmp_path / "f.csv", ["time,funding_rate", f"{START_MS},0.0001"]).path
    argument = parse_tape_argument(f"BTCUSDT@open_interest={path}")
    with pytest.raises(InputError):
        survey(argument.path, argument.kind)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("binance-futures_liquidations_BTCUSDT.csv", ForcedTrade), ("binance-futures_trades_BTCUSDT.csv", Trade)],
)
def test_detect_of_columns_that_two_kinds_have_asks_the_name(tmp_path: Path, name: str, expected: type) -> None:
    """Tardis files its liquidations under the columns of trades; read as trades they would be a market of panic."""
    lines = ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
             f"binance-futures,BTCUSDT,{START_US},{START_US},5,sell,100.5,2"]
    path = write(tmp_path / name, lines).path
    assert [type(fact) for fact in facts_of(path, market="BTCUSDT")] == [expected]
    assert [type(fact) for fact in facts_of(path, TapeKind.TRADES, "BTCUSDT")] == [Trade]


def test_survey_of_more_markets_than_any_venue_lists_is_refused(tmp_path: Path) -> None:
    """A column of numbers under the name of a symbol must not fill the memory."""
    lines = [f"{n},{START_MS},0.0001" for n in range(10_001)]
    path = write(tmp_path / "f.csv", ["symbol,time,funding_rate", *lines[:-1]]).path
    assert len(survey_markets(path, None)) == 10_000
    write(path, ["symbol,time,funding_rate", *lines])
    with pytest.raises(InputError, match="more than 10000 markets"):
        survey_markets(path, None)
