"""Prices decoded from recorded streams, and from streams that somebody broke."""

from __future__ import annotations

import copy
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.ccxt.failures import TEXT_MAX, DecodeFailed
from bot.domain.market import (
    BookUpdate,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarkPrice,
    Quote,
    Trade,
)
from bot.domain.scale import NS_PER_MS, to_decimal
from tests.adapters.ccxt.samples import BTC, NOW, fixture, market_decoder, recorded

QUOTE = {
    "e": "bookTicker", "u": 400900217, "E": 1_765_431_097_033, "T": 1_765_431_097_031, "s": "BTCUSDT", "b": "60000.10",
    "B": "1.250", "a": "60000.20", "A": "0.500",
}
TRADE = {
    "e": "aggTrade", "E": 1_765_431_097_033, "a": 5933014, "s": "BTCUSDT", "p": "60000.1", "q": "0.1", "f": 100,
    "l": 105, "T": 1_765_431_097_031, "m": True,
}
MARK = {
    "e": "markPriceUpdate", "E": 1_765_431_097_033, "s": "BTCUSDT", "p": "60000.15000000", "i": "60001.62659091",
    "P": "60002.25641265", "r": "0.00038167", "T": 1_765_440_000_000,
}
DEPTH = {
    "e": "depthUpdate", "E": 1_765_431_097_033, "T": 1_765_431_097_031, "s": "BTCUSDT", "U": 157, "u": 160, "pu": 149,
    "b": [["60000.10", "10.000"]], "a": [["60000.20", "0.000"]],
}
FORCED = {
    "e": "forceOrder", "E": 1_765_431_097_033, "o": {
        "s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.014", "p": "59910.00", "ap": "59910.12",
        "X": "FILLED", "l": "0.014", "z": "0.014", "T": 1_765_431_097_031,
    },
}
STAMP = 1_765_431_097_031 * NS_PER_MS


def test_decode_of_each_kind_gives_its_facts() -> None:
    """A message a kind, and what the engine hears of it."""
    decode = market_decoder().decode
    assert decode(NOW, QUOTE) == [Quote(NOW, STAMP, 0, 6_000_010, 1_250, 6_000_020, 500)]
    assert decode(NOW, TRADE) == [Trade(NOW, STAMP, 0, 6_000_010, 100, -1)]
    told = 1_765_431_097_033 * NS_PER_MS
    assert decode(NOW, MARK) == [
        MarkPrice(NOW, told, 0, 6_000_015), IndexPrice(NOW, told, 0, 6_000_163),
        FundingRate(NOW, told, 0, 38_167, 1_765_440_000_000 * NS_PER_MS),
    ]
    assert decode(NOW, DEPTH) == [
        BookUpdate(NOW, STAMP, 0, ((6_000_010, 10_000),), ((6_000_020, 0),), False, 157, 160, 149)
    ]
    assert decode(NOW, FORCED) == [ForcedTrade(NOW, STAMP, 0, 5_991_012, 14, -1)]


def test_decode_of_an_envelope_and_of_a_list_gives_the_same_facts() -> None:
    """Combined streams wrap a message, and the stream of all marks is a list."""
    decode = market_decoder().decode
    assert decode(NOW, {"stream": "btcusdt@bookTicker", "data": QUOTE}) == decode(NOW, QUOTE)
    assert decode(NOW, [MARK, MARK]) == decode(NOW, MARK) * 2


@pytest.mark.parametrize(
    "message",
    [{"result": None, "id": 1}, {"e": "24hrTicker", "s": "BTCUSDT"}, {**QUOTE, "s": "XYZUSDT"}, {}],
)
def test_decode_of_what_we_do_not_use_gives_nothing(message: dict[str, Any]) -> None:
    """Answers to subscriptions, other kinds and other markets are no failures."""
    assert market_decoder().decode(NOW, message) == []


def test_decode_of_an_empty_side_is_a_quote_without_it() -> None:
    """Nobody bids: that is a fact of a bad day, not a broken message."""
    found = market_decoder().decode(NOW, {**QUOTE, "b": "0.00", "B": "0.000"})
    assert found == [Quote(NOW, STAMP, 0, 0, 0, 6_000_020, 500)]


def test_decode_of_a_stamp_ahead_of_our_clock_counts_as_now() -> None:
    """A price cannot be fresher than new: the stamp of tomorrow would never grow stale."""
    early = STAMP - 1
    assert market_decoder().decode(early, QUOTE)[0].now == early
    fact = market_decoder().decode(early, QUOTE)[0]
    assert isinstance(fact, Quote)
    assert fact.stamp == early


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("a bid of nothing", {**QUOTE, "b": "0"}),
    ("an ask of nothing", {**QUOTE, "a": "0.00"}),
    ("a bid without quantity", {**QUOTE, "B": "0"}),
    ("crossed", {**QUOTE, "b": "60000.30"}),
    ("locked", {**QUOTE, "b": "60000.20"}),
    ("a bid that is no number", {**QUOTE, "b": "NaN"}),
    ("an infinite ask", {**QUOTE, "a": "Infinity"}),
    ("a negative ask", {**QUOTE, "a": "-1"}),
    ("no ask", {key: QUOTE[key] for key in QUOTE if key != "a"}),
    ("null for a bid", {**QUOTE, "b": None}),
    ("no stamp", {key: QUOTE[key] for key in QUOTE if key not in ("T", "E")}),
    ("a stamp of 1970", {**QUOTE, "T": 1}),
    ("a stamp in words", {**QUOTE, "T": "now", "E": "now"}),
    ("a price too long to be one", {**QUOTE, "b": "9" * 50}),
    ("a mark of zero", {**MARK, "p": "0.00000000"}),
    ("a mark that is no number", {**MARK, "p": "nan"}),
    ("an index below zero", {**MARK, "i": "-60000"}),
    ("funding that is no number", {**MARK, "r": "NaN"}),
    ("funding due in 1970", {**MARK, "T": 1}),
    ("a trade at zero", {**TRADE, "p": "0"}),
    ("a trade of nothing", {**TRADE, "q": "0"}),
    ("a trade without a side", {key: TRADE[key] for key in TRADE if key != "m"}),
    ("a level at zero", {**DEPTH, "b": [["0", "1"]]}),
    ("a level below nothing", {**DEPTH, "a": [["60000.20", "-1"]]}),
    ("half a level", {**DEPTH, "a": [["60000.20"]]}),
    ("numbers backwards", {**DEPTH, "U": 161}),
    ("no number", {key: DEPTH[key] for key in DEPTH if key != "u"}),
    ("a previous one of later", {**DEPTH, "pu": 161}),
    ("a forced order on no side", {**FORCED, "o": {**FORCED["o"], "S": "BOTH"}}),  # type: ignore[dict-item]
    ("a forced order in words", {**FORCED, "o": "x"}),
]


@pytest.mark.parametrize(("label", "message"), BROKEN, ids=[label for label, _ in BROKEN])
def test_decode_of_a_broken_message_is_a_failure_and_no_fact(label: str, message: dict[str, Any]) -> None:
    """Nothing of it reaches a rule, and it says what it was."""
    found = market_decoder().decode(NOW, message)
    assert [type(each) for each in found] == [DecodeFailed], label
    failed = found[0]
    assert isinstance(failed, DecodeFailed)
    assert failed.reason
    assert 0 < len(failed.text) <= TEXT_MAX


def test_decode_of_a_crossed_snapshot_is_a_failure() -> None:
    """A book whose bids reach its asks is no book, whoever sent it; both sides of the limit."""
    whole = {"lastUpdateId": 5, "symbol": "BTCUSDT", "T": 1_765_431_097_031, "asks": [["100.2", "1"], ["100.1", "1"]]}
    for bid, kind in (("100.0", BookUpdate), ("100.1", DecodeFailed)):
        found = market_decoder().decode(NOW, {**whole, "bids": [[bid, "1"]]})
        assert [type(each) for each in found] == [kind]


@pytest.mark.parametrize("message", [None, 1, "x", [], [1], [None], {"data": 1}, {"topic": 1}, {"e": "forceOrder"}])
def test_decode_of_what_is_no_message_never_raises(message: object) -> None:
    """A loop that dies of one frame is deaf for good."""
    for each in market_decoder().decode(NOW, message):
        assert isinstance(each, DecodeFailed)


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(
    ["0", "NaN", "-1", "1e400", "Infinity", "", "0x1", "60000.1"]
)
_ANYTHING = _LEAVES | st.lists(_LEAVES, max_size=3) | st.dictionaries(st.text(max_size=3), _LEAVES, max_size=2)


@given(data=st.data(), message=st.sampled_from([QUOTE, TRADE, MARK, DEPTH, FORCED]))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_decode_of_any_broken_copy_never_raises_and_makes_no_bad_price(
    data: st.DataObject, message: dict[str, Any]
) -> None:
    """Any field may be anything: what comes out is a plausible fact or a failure, never an exception."""
    broken = copy.deepcopy(message)
    inside = broken["o"] if "o" in broken and isinstance(broken["o"], dict) else broken
    for key in data.draw(st.lists(st.sampled_from(sorted(inside)), min_size=1, max_size=3, unique=True)):
        if data.draw(st.booleans()):
            inside[key] = data.draw(_ANYTHING)
        else:
            del inside[key]
    for fact in market_decoder().decode(NOW, broken):
        match fact:
            case MarkPrice() | IndexPrice() | Trade() | ForcedTrade():
                assert fact.price > 0
            case Quote():
                assert min(fact.bid, fact.ask) >= 0
                assert not fact.bid >= fact.ask > 0
            case BookUpdate():
                assert all(price > 0 and quantity >= 0 for price, quantity in fact.bids + fact.asks)
        if not isinstance(fact, DecodeFailed):
            assert fact.stamp <= fact.now == NOW


@pytest.mark.parametrize("number", [0.1 + 0.2, float("nan"), float("inf")])
def test_decode_of_bare_numbers_is_exact_or_a_failure(number: float) -> None:
    """Some venues write prices without quotes; NaN of a lenient JSON reader is none."""
    found = market_decoder().decode(NOW, {**MARK, "p": number})
    assert found
    assert isinstance(found[0], MarkPrice) is (number < 1)


def test_decode_of_a_recorded_stream_is_exact() -> None:
    """Twenty thousand messages of a night in August 2024: every number as it was sent, and nothing refused."""
    decode = market_decoder().decode
    kinds: Counter[str] = Counter()
    for received, message in recorded(20_000):
        body = message.get("data", message)
        found = decode(received + 5_000_000_000, message)        # the recorder's clock was behind the venue's
        if body.get("e") == "trade" and body.get("X") != "MARKET":
            assert found == []
            continue
        for fact in found:
            kinds[type(fact).__name__] += 1
            match fact:
                case Quote():
                    shown = [to_decimal(fact.bid, BTC.price_digits), to_decimal(fact.ask, BTC.price_digits)]
                    assert shown == [Decimal(body["b"]), Decimal(body["a"])]
                case Trade():
                    assert to_decimal(fact.price, BTC.price_digits) == Decimal(body["p"])
                    assert to_decimal(fact.quantity, BTC.quantity_digits) == Decimal(body["q"])
                case BookUpdate() if not fact.is_snapshot:
                    assert (fact.first, fact.last, fact.previous) == (body["U"], body["u"], body["pu"])
                    assert len(fact.bids) == len(body["b"])
    assert kinds["Quote"] > 1_000 and kinds["Trade"] > 1_000 and kinds["BookUpdate"] > 100
    assert kinds["DecodeFailed"] == 0


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("agg_trade_stream", []),                # stamped 1970, as samples of a page are
        ("book_ticker_stream", [Quote]),
        ("liquidation_stream", [ForcedTrade]),
        ("mark_price_stream", [MarkPrice, IndexPrice, FundingRate]),
    ],
)
def test_decode_of_the_pages_own_samples_gives_facts(name: str, kinds: list[type]) -> None:
    """What the venue's pages show is read as they mean it."""
    found = market_decoder().decode(NOW, fixture(f"market_data_json/{name}.json"))
    assert [type(each) for each in found] == (kinds or [DecodeFailed])
