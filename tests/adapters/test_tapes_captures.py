"""Raw websocket captures: what each message becomes, and that a book can be rebuilt from them without a gap."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.tapes.book_sequence import BookSequence
from bot.adapters.tapes.captures import is_capture, read_capture
from bot.adapters.tapes.faults import FaultReason, TapeFaults
from bot.adapters.tapes.markets import EveryMarket, Scales
from bot.adapters.tapes.rows import BadRow, number
from bot.domain.market import (
    BookUpdate,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarketEvent,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from tests.adapters.tape_files import START_MS, START_NS, write
from tests.shared_data import shared

P, Q = 10**12, 10**8                 # the wide scales of a survey
RECEIVED = START_NS + 7_000_000


def read(path: Path, faults: TapeFaults | None = None) -> list[MarketEvent]:
    return list(read_capture(path, EveryMarket(), TapeFaults() if faults is None else faults))


def line(body: dict[str, Any], stream: str = "", received: str | None = str(RECEIVED)) -> str:
    message = {"stream": stream, "data": body} if stream else body
    return (f"{received} " if received else "") + json.dumps(message)


# Bodies as the venue's documentation shows them, and tardis-node's recorded messages (test/mappers.test.ts).
MESSAGES: list[tuple[str, dict[str, Any], list[MarketEvent]]] = [
    ("trade", {"e": "trade", "E": START_MS + 2, "T": START_MS, "s": "BTCUSDT", "t": 5, "p": "100.5", "q": "2",
               "X": "MARKET", "m": True}, [Trade(RECEIVED, START_NS, 0, 1_005 * P // 10, 2 * Q, -1)]),
    ("aggTrade", {"e": "aggTrade", "E": START_MS, "a": 9, "s": "BTCUSDT", "p": "100", "q": "2", "T": START_MS,
                  "m": False}, [Trade(RECEIVED, START_NS, 0, 100 * P, 2 * Q, 1)]),
    ("bookTicker", {"e": "bookTicker", "u": 4, "s": "BTCUSDT", "b": "100", "B": "1", "a": "101", "A": "3",
                    "T": START_MS, "E": START_MS}, [Quote(RECEIVED, START_NS, 0, 100 * P, Q, 101 * P, 3 * Q)]),
    ("spot bookTicker", {"u": 4, "s": "BTCUSDT", "b": "100", "B": "1", "a": "101", "A": "3"},
     [Quote(RECEIVED, RECEIVED, 0, 100 * P, Q, 101 * P, 3 * Q)]),
    ("markPriceUpdate", {"e": "markPriceUpdate", "E": START_MS, "s": "BTCUSDT", "p": "100.25", "i": "100.5",
                         "r": "0.00015640", "T": START_MS + 1_000},
     [MarkPrice(RECEIVED, START_NS, 0, 10_025 * P // 100), IndexPrice(RECEIVED, START_NS, 0, 1_005 * P // 10),
      FundingRate(RECEIVED, START_NS, 0, 15_640, START_NS + 10**9)]),
    ("markPriceUpdate of a dated future", {"e": "markPriceUpdate", "E": START_MS, "s": "BTCUSDT_210129", "p": "100",
                                           "r": "0.00000000", "T": 0}, [MarkPrice(RECEIVED, START_NS, 0, 100 * P)]),
    ("forceOrder", {"e": "forceOrder", "E": START_MS, "o": {"s": "BTCUSDT", "S": "BUY", "q": "0.014", "p": "4793.91",
                    "ap": "4706.04", "X": "FILLED", "l": "0.014", "z": "0.014", "T": START_MS}},
     [ForcedTrade(RECEIVED, START_NS, 0, 470_604 * P // 100, 14 * Q // 1_000, 1)]),
    ("openInterest", {"symbol": "BTCUSDT", "openInterest": "12.5", "time": START_MS},
     [OpenInterest(RECEIVED, START_NS, 0, 125 * Q // 10)]),
]


@pytest.mark.parametrize(("body", "expected"), [each[1:] for each in MESSAGES], ids=[each[0] for each in MESSAGES])
def test_read_capture_of_each_message_is_the_fact_it_tells(
    tmp_path: Path, body: dict[str, Any], expected: list[MarketEvent]
) -> None:
    """`now` is when the recorder received it, `stamp` the venue's own time; wrapped in a stream or bare."""
    bare = write(tmp_path / "bare", [line(body)]).path
    wrapped = write(tmp_path / "wrapped", [line(body, "btcusdt@any")]).path
    assert read(bare) == read(wrapped) == expected
    assert is_capture(bare)


@pytest.mark.parametrize(
    ("received", "now"),
    [(str(RECEIVED), RECEIVED), (f"{RECEIVED // 1_000_000_000}.007:", RECEIVED), ("2020-03-12T00:00:00.007Z", RECEIVED),
     (str(RECEIVED // 1_000_000), RECEIVED), (None, START_NS)],
)
def test_read_capture_knows_the_ways_of_writing_when(tmp_path: Path, received: str | None, now: int) -> None:
    """Recorders write ns, seconds with decimals, dates, ms or nothing; with nothing the venue's time counts."""
    (fact,) = read(write(tmp_path / "c", [line(MESSAGES[0][1], received=received)]).path)
    assert (fact.now, fact.stamp) == (now, START_NS)


def change(first: int, last: int, previous: int = 0, bids: tuple[tuple[int, int], ...] = ()) -> BookUpdate:
    return BookUpdate(0, 0, 0, bids, (), False, first, last, previous)


def snapshot(last: int) -> BookUpdate:
    return BookUpdate(0, 0, 0, (), (), True, 0, last)


# Numbers of changes given, numbers of those let through ("s" is a snapshot), gaps.
ORDERS: list[tuple[str, list[BookUpdate], list[int], int]] = [
    ("spot: bridged at exactly the next number", [snapshot(10), change(11, 12), change(13, 13)], [10, 12, 13], 0),
    ("spot: one number missing at the bridge", [snapshot(10), change(12, 12)], [10], 1),
    ("spot: bridged by a change around the snapshot", [change(9, 11), snapshot(10), change(12, 12)], [10, 11, 12], 0),
    ("an old change is dropped", [change(9, 10), snapshot(10), change(11, 11)], [10, 11], 0),
    ("futures: numbers left out, pu holds", [snapshot(10), change(8, 14, 7), change(20, 25, 14)], [10, 14, 25], 0),
    ("futures: pu does not follow", [snapshot(10), change(8, 14, 7), change(20, 25, 15), change(26, 27, 25)],
     [10, 14], 1),
    ("a gap ends with the next snapshot", [snapshot(10), change(12, 12), snapshot(20), change(21, 21)],
     [10, 20, 21], 1),
    ("a snapshot older than the book is dropped", [snapshot(10), change(11, 30), snapshot(20), change(31, 31)],
     [10, 30, 31], 0),
    ("nothing before a snapshot", [change(1, 2), change(3, 4)], [], 0),
]


@pytest.mark.parametrize(("given_updates", "passed", "gaps"), [each[1:] for each in ORDERS],
                         ids=[each[0] for each in ORDERS])
def test_book_sequence_lets_through_what_a_live_client_would(
    given_updates: list[BookUpdate], passed: list[int], gaps: int
) -> None:
    """Binance's rule for a local book: U <= lastUpdateId + 1 <= u at the bridge, then each where the last ended."""
    book = BookSequence()
    found = []
    for update in given_updates:
        found += book.snapshot(update) if update.is_snapshot else book.change(update)
    assert [update.last for update in found] == passed
    assert book.gaps == gaps


def test_read_capture_bad_lines_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    """A torn line, a price of zero and a message without its fields cost nothing but themselves."""
    good = {"e": "trade", "T": START_MS, "s": "BTCUSDT", "t": 1, "p": "100", "q": "1", "m": True}
    lines = [
        line(good), line(good), line(good | {"t": 2, "p": "0"}), line(good | {"t": 3, "p": "NaN"}), f"{RECEIVED} {{",
        line({"e": "trade", "s": "BTCUSDT", "T": START_MS, "t": 4}), line({"e": "kline", "s": "BTCUSDT"}),
        line(good | {"t": 5, "X": "INSURANCE_FUND"}), line(good | {"t": 6}, received=str(RECEIVED - 61 * 10**9)),
        line(good | {"t": 7, "q": "-1"}), "no json", line(good | {"t": 8}),
    ]
    faults = TapeFaults()
    assert len(read(write(tmp_path / "c", lines).path, faults)) == 2
    assert faults.counts == {
        FaultReason.DUPLICATE: 1, FaultReason.PRICE_NOT_POSITIVE: 1, FaultReason.NUMBER_INVALID: 1,
        FaultReason.MESSAGE_INVALID: 3, FaultReason.NO_FACT: 2, FaultReason.STAMP_BACKWARDS: 1,
        FaultReason.QUANTITY_NOT_POSITIVE: 1,
    }
    assert faults.rows_bad == 7
    assert [sample.line for sample in faults.samples] == [2, 3, 4, 5, 6, 9, 10, 11]


def test_read_capture_futures_partial_depth_is_a_whole_book_each_time(tmp_path: Path) -> None:
    """Futures call a book of 20 levels depthUpdate; read as changes, levels would never go away."""
    body = {"e": "depthUpdate", "E": START_MS, "T": START_MS, "s": "BTCUSDT", "U": 1, "u": 5, "pu": 0,
            "b": [["100", "1"]], "a": [["101", "2"]]}
    (fact,) = read(write(tmp_path / "c", [line(body, "btcusdt@depth20@100ms")]).path)
    assert isinstance(fact, BookUpdate) and fact.is_snapshot
    assert read(write(tmp_path / "d", [line(body, "btcusdt@depth@100ms")]).path) == []


@settings(derandomize=True, deadline=None, max_examples=200)
@given(text=st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=0, max_value=10**9).map(str),
    st.from_regex(r"[+-]?[0-9]{0,12}\.?[0-9]{0,14}([eE]-?[0-9])?", fullmatch=True), st.text(max_size=8),
), digits=st.integers(0, 12))
def test_scales_quick_way_equals_the_judge(text: str, digits: int) -> None:
    """Plain decimals take a short cut to their integer; it is the integer that the exact way gives, or its refusal."""
    scales = Scales(price_digits=digits, quantity_digits=0)
    try:
        expected: int | FaultReason = number(text, digits)
    except BadRow as bad:
        expected = bad.reason
    try:
        found: int | FaultReason = scales.price(text)
    except BadRow as bad:
        found = bad.reason
    assert found == expected


# Recorded captures ----------------------------------------------------------------------------------------


def rebuild(facts: list[MarketEvent]) -> tuple[int, int, float]:
    """Fold the book by dicts; return its levels, and how often its top is the one that the quotes around it tell.

    Quotes are another stream of the venue: they know nothing of our snapshot and changes.
    """
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    tops: list[tuple[int, tuple[int, int]]] = []
    quotes: list[tuple[int, int]] = []
    for number_of, fact in enumerate(facts):
        if isinstance(fact, Quote):
            quotes.append((fact.bid, fact.ask))
        if not isinstance(fact, BookUpdate):
            continue
        if fact.is_snapshot:
            bids, asks = {}, {}
        for side, changes in ((bids, fact.bids), (asks, fact.asks)):
            for price, quantity in changes:
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)
        if number_of % LOOKED_AT == 0:       # the whole book is searched for its top each time
            tops.append((len(quotes), (max(bids), min(asks))))
    agreeing = [top in quotes[max(0, at - QUOTES_AROUND): at + QUOTES_AROUND] for at, top in tops]
    return len(bids), len(asks), agreeing.count(True) / max(1, len(agreeing))


LOOKED_AT = 20
QUOTES_AROUND = 200                  # books come every 100 ms, quotes at each change


@pytest.mark.parametrize(
    ("name", "updates", "trades", "quotes"),
    [
        # Lines of each kind as counted by grep; a book has the snapshot, and no change older than it.
        ("binance_spot_btcusdt", 3_450, 9_757, 28_040),
        ("binance_cm_btcusd_perp", 26_825, 2_286, 19_136),
    ],
)
def test_read_capture_of_a_recorded_one_rebuilds_the_book_without_a_gap(
    name: str, updates: int, trades: int, quotes: int
) -> None:
    """Snapshot and changes chain from the first to the last, and the book is never crossed."""
    faults = TapeFaults()
    facts = read(shared(f"data/l2_trades/{name}_20240808_raw-ws.gz"), faults)
    kinds = [type(fact) for fact in facts]
    assert [kinds.count(kind) for kind in (BookUpdate, Trade, Quote)] == [updates, trades, quotes]
    assert (faults.book_gaps, faults.rows_bad, faults.left_out) == (0, 0, 0)
    books = [fact for fact in facts if isinstance(fact, BookUpdate)]
    assert [book.is_snapshot for book in books] == [True] + [False] * (updates - 1)
    assert all(later.previous in (0, before.last) for before, later in pairwise(books[1:]))
    bids, asks, agreement = rebuild(facts)
    assert min(bids, asks) > 500
    assert agreement > 0.99


def test_read_capture_of_bybit_is_a_snapshot_and_its_deltas() -> None:
    """Fifty messages of a 500-level book, each numbered after the last."""
    faults = TapeFaults()
    facts = read(shared("data/l2_trades/nautilus_bybit_xrpusdt-ob500.data.zip"), faults)
    assert len(facts) == 50 and faults.book_gaps == 0
    assert min(rebuild(facts)[:2]) >= 400


def test_read_capture_without_a_snapshot_tells_no_book() -> None:
    """Changes of a book that nobody knows are left out and counted, not guessed at."""
    faults = TapeFaults()
    facts = read(shared("data/api_fixtures/cryptofeed/BINANCE_FUTURES.ws.1.0.gz"), faults)
    assert not any(isinstance(fact, BookUpdate) for fact in facts)
    assert faults.counts[FaultReason.BOOK_UNANCHORED] == 764
