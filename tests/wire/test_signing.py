"""Who may ask: keys, signatures over what was sent, and the receive window."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper.wire.exchange import Request
from tests.wire.builders import KEY, MS, SECOND, SECRET, Bench

ACCOUNT = "/fapi/v3/account"


def signed(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


@settings(derandomize=True, deadline=None, max_examples=50)
@given(order=st.permutations(["timestamp", "recvWindow", "symbol", "signature"]), in_body=st.integers(0, 4))
def test_signature_holds_in_any_order_of_parameters_and_wherever_it_stands(order: list[str], in_body: int) -> None:
    """What counts is the text as it was sent: query, then body, without the signature."""
    bench = Bench.make()
    values = {"timestamp": str(bench.now // MS), "recvWindow": "5000", "symbol": "BTCUSDT"}
    query, body = (
        "&".join(f"{name}={values[name]}" for name in part if name != "signature")
        for part in (order[in_body:], order[:in_body])
    )
    signature = signed(query + body)
    texts = [
        "&".join(f"{name}={signature if name == 'signature' else values[name]}" for name in part)
        for part in (order[in_body:], order[:in_body])
    ]
    params = {**values, "signature": signature}
    reply = bench.exchange.request(
        bench.now, Request("GET", "/fapi/v3/positionRisk", query=texts[0], body=texts[1], params=params, key=KEY)
    )
    assert reply.status == 200, reply.body


def test_signature_over_other_parameters_is_refused() -> None:
    """A request that was changed on its way is not the one that was signed."""
    bench = Bench.make()
    stamp = str(bench.now // MS)
    signature = signed(f"symbol=ETHUSDT&timestamp={stamp}")
    params = {"symbol": "BTCUSDT", "timestamp": stamp, "signature": signature}
    query = "&".join(f"{name}={value}" for name, value in params.items())
    reply = bench.exchange.request(
        bench.now, Request("GET", "/fapi/v3/positionRisk", query=query, params=params, key=KEY)
    )
    assert (reply.status, json.loads(reply.body)["code"]) == (400, -1022)


@pytest.mark.parametrize(
    ("key", "secret", "status", "code"),
    [("", "any", 401, -2014), ("nobody's", "any", 401, -2015), (KEY, "wrong", 400, -1022)],
)
def test_request_of_a_stranger_is_refused(key: str, secret: str, status: int, code: int) -> None:
    """No key, an unknown key, a known key with another secret: three answers, as at the venue."""
    reply = Bench.make().ask("GET", ACCOUNT, key=key, secret=secret)
    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)


@pytest.mark.parametrize(
    ("off_ms", "window_ms", "code"),
    [
        (0, 5_000, None), (-5_000, 5_000, None), (-5_001, 5_000, -1021), (-5_001, 6_000, None),
        (1_000, 5_000, None), (1_001, 5_000, -1021), (1_001, 60_000, -1021), (0, 60_000, None), (0, 60_001, -1131),
    ],
)
def test_receive_window_is_held_on_both_sides(off_ms: int, window_ms: int, code: int | None) -> None:
    """Too old by one millisecond is too old; ahead by more than a second is refused whatever the window."""
    bench = Bench.make()
    reply = bench.ask("GET", ACCOUNT, timestamp=bench.now // MS + off_ms, recvWindow=window_ms)
    assert reply.status == (200 if code is None else 400)
    assert json.loads(reply.body).get("code") == code


def test_receive_window_is_five_seconds_where_none_is_sent() -> None:
    """The venue's default, which ccxt widens to ten."""
    bench = Bench.make()
    assert bench.ask("GET", ACCOUNT, timestamp=bench.now // MS - 5_000).status == 200
    assert bench.refused("GET", ACCOUNT, timestamp=bench.now // MS - 5_001) == -1021


def test_missing_timestamp_or_signature_is_named() -> None:
    """The refusal says which parameter is missing."""
    bench = Bench.make()
    reply = bench.exchange.request(bench.now, Request("GET", ACCOUNT, key=KEY))
    assert (reply.status, json.loads(reply.body)) == (
        400, {"code": -1102, "msg": "Mandatory parameter 'signature' was not sent, was empty/null, or malformed."},
    )
    assert bench.refused("GET", ACCOUNT, timestamp="") == -1102


def test_two_keys_open_two_accounts() -> None:
    """What one account does is not in the other's pages."""
    from tests.wire.builders import OTHER_KEY, OTHER_SECRET, account

    bench = Bench.make(account(0), account(1, balance=500))
    bench.order()
    other = bench.good("GET", ACCOUNT, key=OTHER_KEY, secret=OTHER_SECRET)
    assert (other["totalWalletBalance"], other["positions"]) == ("500.00000000", [])


def test_listen_key_needs_the_key_and_no_signature() -> None:
    """As at the venue: the key alone."""
    bench = Bench.make()
    reply = bench.exchange.request(bench.now, Request("POST", "/fapi/v1/listenKey", key=KEY))
    assert reply.status == 200 and len(json.loads(reply.body)["listenKey"]) == 64
    assert bench.exchange.request(bench.now, Request("POST", "/fapi/v1/listenKey")).status == 401


def api(bench: Bench, method: str, sign: bool = True, **params: object) -> dict[str, object]:
    """Ask over the WebSocket API."""
    values: dict[str, object] = {"apiKey": KEY, "timestamp": bench.now // MS, **params}
    text = "&".join(
        f"{name}={str(values[name]).lower() if isinstance(values[name], bool) else values[name]}"
        for name in sorted(values)
    )
    values["signature"] = signed(text) if sign else "0" * 64
    answer = bench.exchange.api(bench.now, json.dumps({"id": "7", "method": method, "params": values}))
    found = json.loads(answer)
    assert isinstance(found, dict)
    return found


def test_websocket_api_signs_sorted_parameters_with_booleans_spelled_out() -> None:
    """The signature is over name=value by name; true is written true."""
    bench = Bench.make()
    bench.order("BUY", "0.020")
    order = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.010", "reduceOnly": True}
    answer = api(bench, "order.place", **order)
    assert (answer["status"], answer["id"]) == (200, "7")
    assert api(bench, "order.place", sign=False, **order)["status"] == 400


def test_websocket_api_answers_nonsense_with_an_error_and_the_id() -> None:
    """Text that is no request, and methods that are none, do not end the connection."""
    bench = Bench.make()
    for text in ("{", "[]", '{"id": 3}', '{"id": 3, "method": "no.such"}', '{"id": 3, "method": "time", "params": []}'):
        answer = json.loads(bench.exchange.api(bench.now, text))
        assert answer["status"] >= 400 and answer["error"]["code"] < 0
    assert json.loads(bench.exchange.api(bench.now, '{"id": 3, "method": "time"}')) == {
        "id": 3, "status": 200, "result": {"serverTime": bench.now // MS}, "rateLimits": [],
    }
    assert bench.now % SECOND == 0
