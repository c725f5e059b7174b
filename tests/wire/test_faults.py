"""The menu of faults: what each does to a request, its answer or a frame; plans; and what ccxt makes of some."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import ccxt
import pytest

from paper.wire.exchange import Reply, Request
from paper.wire.frame_faults import FRAME_FAULTS
from paper.wire.hub import Outgoing
from paper.wire.mischief import Mischief
from paper.wire.refusals import Refused
from paper.wire.request_faults import NEVER, REQUEST_FAULTS, WORDS
from tests.wire.builders import BTC, START, Bench, account, run, serving, steer
from tests.wire.clients import ccxt_client

SYMBOL = "BTC/USDT:USDT"
ORDER = Request("POST", "/fapi/v1/order", params={"symbol": BTC})


def mischief(*rules: dict[str, object], seed: int = 0) -> Mischief:
    """A carrier with a plan."""
    carrier = Mischief()
    carrier.follow(json.dumps({"seed": seed, "rules": rules}))
    return carrier


def sent(carrier: Mischief, *bodies: object, stream: str = "btcusdt@trade") -> list[Any]:
    """Carry frames; return what goes out, as (body, delay in ms)."""
    found = []
    for body in bodies:
        for frame in carrier.carried(START, Outgoing(1, stream, json.dumps(body).encode())):
            found.append((None if frame.body is None else frame.body.decode(), frame.delay // 10**6))
    return found


def texts(*bodies: object) -> list[Any]:
    """What faithful frames look like."""
    return [(json.dumps(body), 0) for body in bodies]


# fault: (heard, answered: True, False for a closed connection, None for another answer; HTTP status, code)
TABLE: dict[str, tuple[int, bool | None, int | None, int | None]] = {
    "lost": (0, False, None, None), "swallowed": (0, False, None, None),
    "executed_lost": (1, False, None, None), "executed_silent": (1, False, None, None),
    "truncated": (1, True, 200, None), "empty": (1, None, 200, None), "html": (1, None, 200, None),
    "slow": (1, True, 200, None), "late": (1, True, 200, None), "twice": (2, True, 200, None),
    "code": (0, None, 400, -1000),
    "unknown_503": (1, None, 503, -1000), "unknown_503_lost": (0, None, 503, -1000),
    "unavailable_503": (0, None, 503, None), "internal_503": (0, None, 503, -1001),
    "overloaded_503": (0, None, 503, -1008), "timeout_1007": (1, None, 408, -1007),
    "too_many_429": (0, None, 429, -1003), "too_many_429_bare": (0, None, 429, -1003),
    "banned_418": (0, None, 418, -1003),
    "no_positions": (1, True, 200, None), "part_of_positions": (1, True, 200, None), "no_trades": (1, True, 200, None),
    "not_cancelled": (1, True, 200, None), "removed": (0, None, 404, -5000), "skewed_time": (1, True, 200, None),
}


def test_table_of_request_faults_is_the_menus() -> None:
    """No fault without a line below."""
    assert set(TABLE) == set(REQUEST_FAULTS)


@pytest.mark.parametrize("fault", TABLE)
def test_request_fault_is_heard_and_answered_as_the_table_says(fault: str) -> None:
    """Whether the order exists is what matters most; then what the client is told."""
    heard, answered, status, code = TABLE[fault]
    fate = mischief({"fault": fault}).fate(START, ORDER)
    assert fate.hearings == heard
    reply = fate.reply_for(Reply(200, b"{}") if heard else None)
    if answered is False:
        assert reply is None
        return
    assert reply is not None and reply.status == status
    if code is not None:
        assert json.loads(reply.body)["code"] == code


@pytest.mark.parametrize("code", WORDS)
def test_every_code_can_be_answered_in_the_venues_form(code: int) -> None:
    """Its own HTTP status and words, and others where the plan says so."""
    usual = mischief({"fault": "code", "code": code}).fate(START, ORDER).answer
    assert usual is not None and json.loads(usual.body) == {"code": code, "msg": WORDS[code][1]}
    assert usual.status == WORDS[code][0]
    other = mischief({"fault": "code", "code": code, "status": 500, "message": "x"}).fate(START, ORDER).answer
    assert other is not None and (other.status, json.loads(other.body)["msg"]) == (500, "x")


def test_silent_faults_outlast_every_client_and_slow_ones_take_their_delay() -> None:
    """Waits are the plan's; a swallowed request is never answered."""
    assert mischief({"fault": "swallowed"}).fate(START, ORDER).wait_after == NEVER
    assert mischief({"fault": "slow", "delay_ms": 250}).fate(START, ORDER).wait_after == 250 * 10**6
    assert mischief({"fault": "late", "delay_ms": 250}).fate(START, ORDER).wait_before == 250 * 10**6


@pytest.mark.parametrize(
    ("rule", "request_", "hit"),
    [
        ({"method": "POST"}, ORDER, True), ({"method": "GET"}, ORDER, False),
        ({"path": "/fapi/v1/order"}, ORDER, True), ({"path": "/fapi/v1/algo"}, ORDER, False),
        ({"stream": "user"}, ORDER, False), ({"spares_reducers": True}, ORDER, True),
        ({"spares_reducers": True}, Request("POST", "/fapi/v1/order", params={"reduceOnly": "true"}), False),
    ],
)
def test_rule_befalls_only_what_it_names(rule: dict[str, object], request_: Request, hit: bool) -> None:
    """Method, beginning of the path, and reduce-only orders spared where the venue spares them."""
    assert (mischief({"fault": "lost", **rule}).fate(START, request_).hearings == 0) is hit


def test_rule_skips_the_first_hits_so_many_and_is_counted() -> None:
    """The third and fourth of six; the counter says two."""
    carrier = mischief({"fault": "lost", "skip": 2, "times": 2})
    assert [carrier.fate(START, ORDER).hearings for _ in range(6)] == [1, 1, 0, 0, 1, 1]
    assert carrier.counts == {"lost": 2}


def test_share_is_drawn_from_the_seed() -> None:
    """The same seed hits the same requests, another one others, and about the share of them."""
    drawn = [
        [carrier.fate(START, ORDER).hearings for _ in range(400)]
        for carrier in (mischief({"fault": "lost", "share": 0.25}, seed=seed) for seed in (1, 1, 2))
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert 70 <= drawn[0].count(0) <= 130


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"rules": [{"fault": "rain"}]}', '{"rules": [{"fault": "lost", "colour": 1}]}', '{"rules": 3}']
)
def test_plan_that_cannot_be_read_is_refused_and_the_old_one_stays(text: str) -> None:
    """An unknown fault or a misspelt key is no silent no-op."""
    carrier = mischief({"fault": "lost"})
    with pytest.raises(Refused):
        carrier.follow(text)
    assert carrier.fate(START, ORDER).hearings == 0


def test_frames_pass_unchanged_without_a_plan() -> None:
    """And acknowledgements too."""
    assert sent(Mischief(), {"e": "trade"}) == texts({"e": "trade"})


FRAMES: dict[str, tuple[Any, list[Any]]] = {
    "gap": ({"e": "x"}, []),
    "frozen": ({"e": "x"}, []),
    "doubled": ({"e": "x"}, texts({"e": "x"}) * 2),
    "delayed": ({"e": "x"}, [('{"e": "x"}', 0)]),
    "cut": ({"e": "trade"}, [('{"e": "', 0)]),
    "disconnected": ({"e": "x"}, [(None, 0)]),
    "not_a_number": ({"p": "60000.0", "s": "BTC"}, [('{"p":"NaN","s":"BTC"}', 0)]),
    "zero": ({"o": {"ap": "60000.0", "o": "LIMIT"}}, [('{"o":{"ap":"0","o":"LIMIT"}}', 0)]),
    "crossed": ({"b": "1", "a": "2"}, [('{"b":"2","a":"1"}', 0)]),
    "stale": ({"E": 1_000_000, "T": 1_000_000}, [('{"E":1000000,"T":1000000}', 0)]),
    "reordered": ({"e": "x"}, []),
    "repeated": ({"e": "x"}, texts({"e": "x"})),
    "cancelled_after_fill": (
        {"o": {"x": "TRADE", "X": "FILLED", "z": "1"}},
        [('{"o": {"x": "TRADE", "X": "FILLED", "z": "1"}}', 0),
         ('{"o":{"x":"CANCELED","X":"CANCELED","z":"1","l":"0","L":"0","t":0}}', 0)],
    ),
}


@pytest.mark.parametrize("fault", FRAME_FAULTS)
def test_frame_fault_changes_a_frame_as_the_table_says(fault: str) -> None:
    """One frame in, and what goes out for it."""
    body, expected = FRAMES[fault]
    assert sent(mischief({"fault": fault}), body) == expected


def test_reordered_frame_follows_the_next_one() -> None:
    """Two frames of a connection change places."""
    assert sent(mischief({"fault": "reordered", "times": 1}), 1, 2, 3) == texts(2, 1, 3)


def test_repeated_frame_comes_again_after_the_next_one() -> None:
    """An old state after a new one: who takes the newest arrival for the newest state is wrong."""
    assert sent(mischief({"fault": "repeated", "skip": 1, "times": 1}), 1, 2, 3) == texts(1, 2, 1, 3)


def test_partial_fill_is_followed_by_no_cancel() -> None:
    """Only the last fill is, and other events pass."""
    for body in ({"o": {"X": "PARTIALLY_FILLED"}}, {"e": "ACCOUNT_UPDATE", "a": {}}, [{"o": {"X": "FILLED"}}]):
        assert sent(mischief({"fault": "cancelled_after_fill"}), body) == texts(body)


def test_stale_stamps_go_back_by_the_delay() -> None:
    """A minute old, and sent at once."""
    assert sent(mischief({"fault": "stale", "delay_ms": 60_000}), {"E": 100_000}) == [('{"E":40000}', 0)]


def test_stale_stamps_leave_alone_what_is_still_to_come() -> None:
    """``T`` is when funding is due, or a bar ends: a venue that is late tells those as ever."""
    stale = {"fault": "stale", "delay_ms": 60_000}
    mark = {"e": "markPriceUpdate", "E": 100_000, "T": 900_000}
    assert sent(mischief(stale), mark) == [('{"e":"markPriceUpdate","E":40000,"T":900000}', 0)]
    assert sent(mischief(stale), {"stream": "!markPrice@arr", "data": [mark]}) == [
        ('{"stream":"!markPrice@arr","data":[{"e":"markPriceUpdate","E":40000,"T":900000}]}', 0)
    ]
    bar = {"e": "kline", "E": 100_000, "k": {"t": 60_000, "T": 119_999}}
    assert sent(mischief(stale), bar) == [('{"e":"kline","E":40000,"k":{"t":60000,"T":119999}}', 0)]
    fill = {"e": "ORDER_TRADE_UPDATE", "E": 100_000, "T": 99_000, "o": {"T": 99_000}}
    assert sent(mischief(stale), fill) == [('{"e":"ORDER_TRADE_UPDATE","E":40000,"T":39000,"o":{"T":39000}}', 0)]


@pytest.mark.parametrize(
    ("rule", "stream", "body", "hit"),
    [
        ({"stream": "btcusdt@depth"}, "btcusdt@depth@100ms", {"e": "depthUpdate"}, True),
        ({"stream": "btcusdt@depth"}, "btcusdt@trade", {"e": "trade"}, False),
        ({"event": "ORDER_TRADE"}, "user", {"e": "ORDER_TRADE_UPDATE"}, True),
        ({"event": "ORDER_TRADE"}, "user", {"e": "ACCOUNT_UPDATE"}, False),
        ({"event": "trade"}, "btcusdt@trade", {"stream": "btcusdt@trade", "data": {"e": "trade"}}, True),
        ({}, "answer", {"result": None, "id": 1}, False), ({"stream": "answer"}, "answer", {"id": 1}, True),
        ({"event": "x"}, "!markPrice@arr", [{"e": "x"}], False),
    ],
)
def test_frame_rule_befalls_only_what_it_names(
    rule: dict[str, object], stream: str, body: object, hit: bool
) -> None:
    """By the stream's beginning or the event's; acknowledgements only where they are named."""
    assert (sent(mischief({"fault": "gap", **rule}), body, stream=stream) == []) is hit


def served_by(carrier: Mischief, bench: Bench, method: str, path: str, **params: object) -> Any:
    """Return the body that a client gets through a carrier."""
    reply = bench.ask(method, path, **params)
    request = Request(method, path, params={name: str(value) for name, value in params.items()})
    fate = carrier.fate(START, request)
    changed = fate.reply_for(reply)
    assert changed is not None
    return json.loads(changed.body)


def test_positions_and_trades_can_be_missing_while_they_are_there() -> None:
    """Empty, or all but the last: what is absent in one answer is not absent."""
    bench = Bench.make(account(btc=100))
    bench.order("BUY", "0.100", None, symbol="ETHUSDT")
    path = "/fapi/v3/positionRisk"
    assert served_by(mischief({"fault": "no_positions"}), bench, "GET", path) == []
    rows = served_by(mischief({"fault": "part_of_positions"}), bench, "GET", path)
    assert [row["symbol"] for row in rows] == [BTC]
    found = served_by(mischief({"fault": "no_positions"}), bench, "GET", "/fapi/v3/account")
    assert found["positions"] == [] and float(found["totalWalletBalance"]) > 0
    assert served_by(mischief({"fault": "no_trades"}), bench, "GET", "/fapi/v1/userTrades", symbol="ETHUSDT") == []
    assert len(bench.get(path)) == 2


def test_skewed_time_is_told_shifted() -> None:
    """The server's clock seems a minute ahead."""
    bench = Bench.make()
    found = served_by(mischief({"fault": "skewed_time", "delay_ms": 60_000}), bench, "GET", "/fapi/v1/time")
    assert found == {"serverTime": bench.now // 10**6 + 60_000}


CCXT: dict[str, tuple[type[Exception] | None, int]] = {
    "lost": (ccxt.ExchangeNotAvailable, 0),
    "executed_lost": (ccxt.ExchangeNotAvailable, 1),
    "truncated": (ccxt.ExchangeError, 1),
    "swallowed": (ccxt.RequestTimeout, 0),
    "executed_silent": (ccxt.RequestTimeout, 1),
    "empty": (None, 1),
    "html": (None, 1),
    "twice": (None, 2),
    "unavailable_503": (ccxt.ExchangeNotAvailable, 0),
    "too_many_429": (ccxt.DDoSProtection, 0),
    "banned_418": (ccxt.DDoSProtection, 0),
}


@pytest.mark.parametrize("fault", CCXT)
def test_ccxt_meets_a_fault_with_its_own_class_and_the_venue_knows_what_was_done(fault: str) -> None:
    """The class does not say whether the order exists; an empty or HTML 200 raises nothing at all."""
    raised, placed = CCXT[fault]

    async def scenario() -> None:
        carrier = Mischief()
        async with serving(carrier=carrier) as server, ccxt_client(server.port, timeout=60_000) as client:
            await client.load_markets()
            if raised is ccxt.RequestTimeout:
                client.timeout = 2_000           # long enough for the request to be heard, on a busy machine too
            carrier.follow(json.dumps({"rules": [{"fault": fault, "method": "POST", "path": "/fapi/v1/order"}]}))
            order = client.create_order(SYMBOL, "market", "buy", 0.01)
            if raised is None:
                placed_order = await order
                assert (placed_order["id"] is None) is (fault in ("empty", "html"))
            else:
                with pytest.raises(raised):
                    await order
            assert carrier.counts == {fault: 1}
            await asyncio.sleep(0.05)
            assert len(server.exchange.floor.register.shelf(0).orders) == placed

    run(scenario)


def test_order_whose_cancel_was_acknowledged_but_not_done_fills_afterwards() -> None:
    """Cancelled, says the answer; and then it trades."""
    async def scenario() -> None:
        carrier = Mischief()
        async with serving(carrier=carrier) as server, ccxt_client(server.port) as client:
            order = await client.create_order(SYMBOL, "limit", "buy", 0.01, 59_900)
            carrier.follow('{"rules": [{"fault": "not_cancelled", "method": "DELETE"}]}')
            assert (await client.cancel_order(order["id"], SYMBOL))["status"] == "canceled"
            steer(server, "59899.0")
            assert (await client.fetch_order(order["id"], SYMBOL))["status"] == "closed"

    run(scenario)


def test_plan_is_given_and_counted_over_the_control_endpoint() -> None:
    """POST a plan, meet it, read how often it happened; a bad plan is refused."""
    async def scenario() -> None:
        async with serving() as server, aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
            plan = json.dumps({"rules": [{"fault": "overloaded_503", "path": "/fapi/v1/time", "times": 1}]})
            async with session.post("/control/faults", data=plan) as answer:
                assert answer.status == 200
            statuses = []
            for _ in range(2):
                async with session.get("/fapi/v1/time") as answer:
                    statuses.append(answer.status)
            assert statuses == [503, 200]
            async with session.get("/control/faults") as answer:
                assert await answer.json() == {"counts": {"overloaded_503": 1}}
            async with session.post("/control/faults", data='{"rules": [{"fault": "rain"}]}') as answer:
                assert answer.status == 400

    run(scenario)


def test_frozen_stream_still_answers_pings() -> None:
    """Open, alive by its pings, and silent: only the content's time tells."""
    async def scenario() -> None:
        carrier = Mischief()
        async with (
            serving(carrier=carrier) as server, aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{server.port}/ws/btcusdt@trade", autoping=False) as stream,
        ):
            carrier.follow('{"rules": [{"fault": "frozen", "stream": "btcusdt"}]}')
            steer(server, "60100.0")
            await stream.ping()
            assert (await stream.receive()).type is aiohttp.WSMsgType.PONG
            assert carrier.counts == {"frozen": 1}

    run(scenario)
