"""How much may be asked: weights, order counts, 429 and 418."""

from __future__ import annotations

import json

import pytest

from paper.wire.params import Params
from paper.wire.routes import ROUTES
from paper.wire.spec import LimitSpec
from tests.wire.builders import Bench, order_params

TIME = "/fapi/v1/time"


def test_weight_used_stands_in_the_headers_and_starts_anew_each_minute() -> None:
    """Reading the header is how a client knows what it may still ask."""
    bench = Bench.make()
    first = bench.ask("GET", "/fapi/v3/account")
    second = bench.ask("GET", "/fapi/v3/account")
    assert [each.headers["X-MBX-USED-WEIGHT-1M"] for each in (first, second)] == ["5", "10"]
    bench.wait(60)
    assert bench.ask("GET", "/fapi/v3/account").headers["X-MBX-USED-WEIGHT-1M"] == "5"


def test_orders_are_counted_in_ten_seconds_and_a_minute() -> None:
    """Placing counts, cancelling and reading do not."""
    bench = Bench.make()
    reply = bench.ask("POST", "/fapi/v1/order", **order_params("BUY", "0.010", "59000"))
    assert (reply.headers["X-MBX-ORDER-COUNT-10S"], reply.headers["X-MBX-ORDER-COUNT-1M"]) == ("1", "1")
    bench.wait(10)
    bench.good("DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=json.loads(reply.body)["orderId"])
    reply = bench.ask("POST", "/fapi/v1/order", **order_params("BUY", "0.010", "59000"))
    assert (reply.headers["X-MBX-ORDER-COUNT-10S"], reply.headers["X-MBX-ORDER-COUNT-1M"]) == ("1", "2")


def test_weight_at_the_limit_passes_and_one_over_is_429_with_the_rest_of_the_minute() -> None:
    """Retry-After says when the minute is over, and then it passes again."""
    bench = Bench.make(limits=LimitSpec(weight_1m=10))
    bench.wait(20)
    assert [bench.ask("GET", "/fapi/v3/account").status for _ in range(2)] == [200, 200]
    refused = bench.ask("GET", TIME)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "40")
    assert json.loads(refused.body)["code"] == -1003
    bench.wait(40)
    assert bench.ask("GET", TIME).status == 200


def test_who_goes_on_asking_is_banned_and_longer_the_next_time() -> None:
    """429, 429, then 418: for two minutes the first time, for four the second."""
    bench = Bench.make(limits=LimitSpec(weight_1m=1, refusals_before_ban=2))
    waits = []
    for _ in range(2):
        answers = [bench.ask("GET", TIME) for _ in range(4)]
        assert [each.status for each in answers] == [200, 429, 429, 418]
        waits.append(int(answers[-1].headers["Retry-After"]))
        assert "banned until" in json.loads(answers[-1].body)["msg"]
        bench.wait(waits[-1] - 1)
        assert bench.ask("GET", TIME).status == 418
        bench.wait(61)
    assert waits == [120, 240]


@pytest.mark.parametrize(("limits", "wait"), [(LimitSpec(orders_10s=2), "10"), (LimitSpec(orders_1m=2), "60")])
def test_one_order_too_many_is_429_and_not_placed(limits: LimitSpec, wait: str) -> None:
    """The limit of ten seconds and that of a minute, each with its own time to wait."""
    bench = Bench.make(limits=limits)
    for _ in range(2):
        bench.order(price="59000")
    refused = bench.ask("POST", "/fapi/v1/order", **order_params("BUY", "0.010", "59000"))
    assert (refused.status, json.loads(refused.body)["code"], refused.headers["Retry-After"]) == (429, -1015, wait)
    assert len(bench.get("/fapi/v1/openOrders")) == 2


@pytest.mark.parametrize(
    ("method", "path", "params", "weight"),
    [
        ("GET", "/fapi/v1/depth", {"limit": "50"}, 2), ("GET", "/fapi/v1/depth", {"limit": "100"}, 5),
        ("GET", "/fapi/v1/depth", {}, 10), ("GET", "/fapi/v1/depth", {"limit": "1000"}, 20),
        ("GET", "/fapi/v1/klines", {"limit": "99"}, 1), ("GET", "/fapi/v1/klines", {"limit": "100"}, 2),
        ("GET", "/fapi/v1/klines", {"limit": "1500"}, 10),
        ("GET", "/fapi/v1/openOrders", {}, 40), ("GET", "/fapi/v1/openOrders", {"symbol": "BTCUSDT"}, 1),
        ("GET", "/fapi/v1/positionSide/dual", {}, 30), ("POST", "/fapi/v1/order", {}, 0),
        ("POST", "/fapi/v1/countdownCancelAll", {}, 10),
    ],
)
def test_weight_of_a_request_is_the_venues(method: str, path: str, params: dict[str, str], weight: int) -> None:
    """Weights from the venue's pages, where they depend on what is asked."""
    assert ROUTES[method, path].weigh(Params(params)) == weight


@pytest.mark.parametrize(("limit", "status"), [("5", 200), ("1000", 200), ("25", 400), ("0", 400), ("1001", 400)])
def test_depth_is_given_in_the_venues_sizes_only(limit: str, status: int) -> None:
    """-4021 for any other, which a client with a size of its own should learn here."""
    bench = Bench.make()
    reply = bench.ask("GET", "/fapi/v1/depth", symbol="BTCUSDT", limit=limit)
    assert reply.status == status
    assert json.loads(reply.body).get("code") == (None if status == 200 else -4021)
