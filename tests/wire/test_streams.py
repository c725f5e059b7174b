"""Public streams: subscriptions, the depth stream's sequence rule, marks, bars, trades."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.tapes.formats import read_tape
from bot.adapters.tapes.source import TapeArgument
from bot.domain.market import BookUpdate, ForcedTrade, Quote
from paper.wire.playback import played
from tests.shared_data import shared
from tests.wire.builders import BTC, SECOND, START, Bench, Listener, instruments


def test_subscriptions_are_acknowledged_listed_and_ended() -> None:
    """The ack carries the id; after UNSUBSCRIBE nothing more comes."""
    bench = Bench.make()
    listener = bench.listen()
    assert listener.say(method="SUBSCRIBE", params=["btcusdt@aggTrade", "btcusdt@nosuch"], id=3) == {
        "result": None, "id": 3,
    }
    assert listener.say(method="LIST_SUBSCRIPTIONS", id=4) == {"result": ["btcusdt@aggTrade"], "id": 4}
    bench.trade("60010.0")
    assert [(each["e"], each["p"], each["m"]) for each in listener.events()] == [("aggTrade", "60010.00", False)]
    listener.say(method="UNSUBSCRIBE", params=["btcusdt@aggTrade"], id=5)
    bench.trade("60020.0")
    assert listener.events() == []


def test_combined_connection_wraps_events_in_their_streams_name() -> None:
    """/stream?streams=... and SET_PROPERTY combined."""
    bench = Bench.make()
    listener = Listener(bench, bench.exchange.connect(bench.now, ["btcusdt@trade"], is_combined=True))
    bench.trade("60010.0")
    (event,) = listener.events()
    assert (event["stream"], event["data"]["e"]) == ("btcusdt@trade", "trade")
    listener.say(method="SET_PROPERTY", params=["combined", False], id=1)
    bench.trade("60020.0")
    assert listener.events()[0]["e"] == "trade"


@pytest.mark.parametrize("text", ["{", "[1]", '{"id": 1}', '{"id": 1, "method": "DANCE"}'])
def test_nonsense_on_a_stream_connection_is_answered_with_an_error(text: str) -> None:
    """The connection goes on."""
    bench = Bench.make()
    listener = bench.listen("btcusdt@trade")
    bench.exchange.hear(bench.now, listener.number, text)
    assert "error" in listener.events()[0]
    bench.trade("60010.0")
    assert len(listener.events()) == 1


class FollowedBook:
    """A client that follows the venue's page to the letter, and notices when it cannot."""

    def __init__(self, snapshot: Any, buffered: list[Any]) -> None:
        self.last = snapshot["lastUpdateId"]
        self.bids = dict(snapshot["bids"])
        self.asks = dict(snapshot["asks"])
        self.is_first = True
        for event in buffered:
            self.apply(event)

    def apply(self, event: Any) -> None:
        """Take in an event, by rules 4 to 7 of the page."""
        if event["u"] < self.last:
            return
        if self.is_first:
            assert event["U"] <= self.last <= event["u"], "the first event does not reach back to the snapshot"
            self.is_first = False
        else:
            assert event["pu"] == self.last, "an event is missing"
        self.last = event["u"]
        for side, changes in ((self.bids, event["b"]), (self.asks, event["a"])):
            for price, quantity in changes:
                if float(quantity) == 0:
                    side.pop(price, None)
                else:
                    side[price] = quantity


LEVELS = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 3)), min_size=1, max_size=4)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    moves=st.lists(st.tuples(st.sampled_from(["bids", "asks", "order", "wait"]), LEVELS), min_size=1, max_size=14),
    snapshot_at=st.integers(0, 13), speed=st.sampled_from(["@100ms", "", "@500ms"]),
)
def test_book_followed_by_the_venues_rules_is_the_venues_book(
    moves: list[tuple[str, list[tuple[int, int]]]], snapshot_at: int, speed: str
) -> None:
    """Whenever the snapshot is taken, and whatever the speed: no event is missing, and both books end the same."""
    bench = Bench.make()
    now = bench.now
    bench.exchange.market(now, BookUpdate(now, now, 0, ((5_999_000, 5),), ((6_001_000, 5),), True))
    listener = bench.listen(f"btcusdt@depth{speed}")
    buffered: list[Any] = []
    followed: FollowedBook | None = None
    for place, (what, levels) in enumerate(moves):
        if what == "wait":
            bench.wait(0.137)
        elif what == "order":
            bench.order("BUY", "0.010", f"59{levels[0][0]}00")
        else:
            sign = 1 if what == "asks" else -1
            prices = tuple({6_000_000 + sign * 1_000 * step: quantity for step, quantity in levels}.items())
            bids, asks = (prices, ()) if what == "bids" else ((), prices)
            bench.exchange.market(bench.now, BookUpdate(bench.now, bench.now, 0, bids, asks, False))
        buffered += listener.events()
        if place == min(snapshot_at, len(moves) - 1):
            followed = FollowedBook(bench.public("/fapi/v1/depth", symbol=BTC, limit=1000), buffered)
            buffered = []
    assert followed is not None
    bench.wait(1.2)
    for event in [*buffered, *listener.events()]:
        followed.apply(event)
    final = bench.public("/fapi/v1/depth", symbol=BTC, limit=1000)
    assert followed.bids == dict(final["bids"])
    assert followed.asks == dict(final["asks"])


def test_depth_without_a_recorded_book_is_what_the_fill_model_gives() -> None:
    """A market order that takes the first levels pays their average, as far as the model's rounding goes."""
    bench = Bench.make()
    book = bench.public("/fapi/v1/depth", symbol=BTC)
    assert float(book["bids"][0][0]) < 60_000 < float(book["asks"][0][0])
    assert [float(price) for price, _ in book["asks"]] == sorted(float(price) for price, _ in book["asks"])
    first = sum(float(quantity) for _, quantity in book["asks"][:5])
    order = bench.order("BUY", f"{first:.3f}")
    assert float(book["asks"][0][0]) < float(order["avgPrice"]) <= float(book["asks"][4][0])


def test_own_resting_order_is_seen_in_the_book_by_everybody() -> None:
    """Its price and its quantity, and gone when it is cancelled."""
    bench = Bench.make()
    bench.order("BUY", "0.010", "59999.9")
    top = bench.public("/fapi/v1/depth", symbol=BTC, limit=5)["bids"][0]
    assert top == ["59999.90", "0.010"]
    assert bench.public("/fapi/v1/ticker/bookTicker", symbol=BTC)["bidPrice"] == "59999.90"
    bench.good("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
    assert bench.public("/fapi/v1/depth", symbol=BTC, limit=5)["bids"][0] != top


def test_marks_come_each_second_for_one_symbol_and_in_one_list_for_all() -> None:
    """@1s and !markPrice@arr@1s; the slow one each three seconds."""
    bench = Bench.make()
    listener = bench.listen("btcusdt@markPrice@1s", "!markPrice@arr@1s", "btcusdt@markPrice")
    bench.wait(6)
    events = listener.events()
    lists = [each for each in events if isinstance(each, list)]
    assert len(lists) == 6 and [each["s"] for each in lists[0]] == ["BTCUSDT", "ETHUSDT"]
    assert len(events) - len(lists) == 6 + 2


def test_bars_tell_the_running_minute_and_its_trades() -> None:
    """Open, high, low, close and volume of what was traded; a new minute is a new bar."""
    bench = Bench.make()
    listener = bench.listen("btcusdt@kline_1m")
    for price in ("60100.0", "59900.0", "60050.0"):
        bench.trade(price)
    bench.wait(0.3)
    bar = listener.events()[-1]["k"]
    assert [bar[name] for name in "ohlcv"] == ["60000.00", "60100.00", "59900.00", "60050.00", "4.000"]
    assert bar["x"] is False
    bench.wait(60)
    bench.trade("60060.0")
    rows = bench.public("/fapi/v1/klines", symbol=BTC, interval="1m")
    assert [(row[1], row[4]) for row in rows] == [("60000.00", "60050.00"), ("60060.00", "60060.00")]
    (hour,) = bench.public("/fapi/v1/klines", symbol=BTC, interval="1h")
    assert (hour[1], hour[2], hour[4], hour[5]) == ("60000.00", "60100.00", "60060.00", "5.000")


def test_best_prices_are_told_when_they_change_and_only_then() -> None:
    """One event for a new quote of the tape, none for a trade that leaves it where it is."""
    bench = Bench.make()
    listener = bench.listen("btcusdt@bookTicker")
    bench.exchange.market(bench.now, Quote(bench.now, bench.now, 0, 5_999_000, 5, 6_001_000, 5))
    assert [(each["b"], each["a"]) for each in listener.events()] == [("59990.00", "60010.00")]
    bench.trade("60010.0")
    assert listener.events() == []


def test_forced_trade_of_the_tape_is_told_as_a_liquidation() -> None:
    """On the symbol's stream and on that of all."""
    bench = Bench.make()
    listener = bench.listen("btcusdt@forceOrder", "!forceOrder@arr")
    bench.exchange.market(bench.now, ForcedTrade(bench.now, bench.now, 0, 5_990_000, 250, -1))
    events = listener.events()
    assert [(each["o"]["S"], each["o"]["q"], each["o"]["ap"]) for each in events] == [("SELL", "0.250", "59900.00")] * 2


def test_own_trade_is_printed_for_everybody() -> None:
    """The taker's side, and once."""
    bench = Bench.make()
    listener = bench.listen("btcusdt@aggTrade")
    order = bench.order("SELL", "0.010")
    assert [(each["q"], each["m"]) for each in listener.events()] == [("0.010", True)]
    newest = bench.public("/fapi/v1/trades", symbol=BTC)[-1]
    assert float(newest["price"]) == float(order["avgPrice"])
    assert json.dumps(newest)


def test_book_of_a_recorded_morning_is_followed_without_a_gap() -> None:
    """A real capture of the venue's own stream: what a client rebuilds from ours is the book that the venue holds."""
    tape = shared("data/l2_trades/binance_usdm_btcusdt_20240808_raw-ws.gz")
    (facts,) = read_tape(TapeArgument(None, None, tape), "BTCUSDT", instruments()[0])
    bench = Bench.make()
    listener = bench.listen("btcusdt@depth@100ms")
    followed: FollowedBook | None = None
    buffered: list[Any] = []
    for count, fact in enumerate(islice(played(facts, starts=START, pace=1.0), 1_500)):
        bench.wait(max(0, fact.now - bench.now) / SECOND)
        bench.exchange.market(bench.now, fact)
        buffered += listener.events()
        if count == 500:
            followed = FollowedBook(bench.public("/fapi/v1/depth", symbol=BTC, limit=1000), buffered)
        elif followed is not None:
            for event in buffered:
                followed.apply(event)
        if followed is not None:
            buffered = []
    assert followed is not None and not followed.is_first
    bench.wait(0.2)
    for event in listener.events():
        followed.apply(event)
    final = bench.public("/fapi/v1/depth", symbol=BTC, limit=1000)
    assert len(final["bids"]) > 100
    assert (followed.bids, followed.asks) == (dict(final["bids"]), dict(final["asks"]))
