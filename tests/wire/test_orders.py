"""New orders, cancels and queries over the wire, without sockets: the venue's answers to what is right and wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.market import BookUpdate
from tests.wire.builders import BTC, ETH, Bench, account, order_params

ORDER = "/fapi/v1/order"


def test_market_order_is_acknowledged_as_new_and_shown_filled_when_asked_for() -> None:
    """ACK, the default, says NEW of an order that has filled already; RESULT says FILLED."""
    bench = Bench.make()
    plain = {name: value for name, value in order_params("BUY", "0.010", None).items() if name != "newOrderRespType"}
    acknowledged = bench.good("POST", ORDER, **plain)
    assert (acknowledged["status"], acknowledged["executedQty"]) == ("NEW", "0.000")
    assert bench.get(ORDER, symbol=BTC, orderId=acknowledged["orderId"])["status"] == "FILLED"
    assert bench.order()["status"] == "FILLED"


REFUSALS: dict[str, tuple[dict[str, object], int]] = {
    "symbol not listed": ({"symbol": "NOSUCH"}, -1121),
    "no symbol": ({"symbol": ""}, -1102),
    "side": ({"side": "HOLD"}, -1117),
    "type": ({"type": "ICEBERG"}, -1116),
    "no type": ({"type": ""}, -1102),
    "time in force": ({"timeInForce": "DAY"}, -1115),
    "no time in force": ({"timeInForce": ""}, -1102),
    "no price": ({"price": ""}, -1102),
    "price no number": ({"price": "a lot"}, -1100),
    "price NaN": ({"price": "NaN"}, -1100),
    "price zero": ({"price": "0"}, -4001),
    "price too fine": ({"price": "59000.001"}, -1111),
    "price off tick": ({"price": "59000.05"}, -4014),
    "price above the most": ({"price": "10000000.1"}, -4002),
    "buy above the band": ({"price": "63000.1"}, -4016),
    "sell below the band": ({"side": "SELL", "price": "56999.9"}, -4024),
    "no quantity": ({"quantity": ""}, -1102),
    "quantity zero": ({"quantity": "0"}, -4003),
    "quantity negative": ({"quantity": "-1"}, -4003),
    "quantity too fine": ({"quantity": "0.0011"}, -1111),
    "quantity above the most": ({"quantity": "1000.001"}, -4005),
    "notional below the least": ({"quantity": "0.001"}, -4164),
    "margin": ({"quantity": "5"}, -2019),
    "reduces nothing": ({"reduceOnly": "true"}, -2022),
    "client id malformed": ({"newClientOrderId": "with space"}, -4015),
    "client id too long": ({"newClientOrderId": "x" * 37}, -4015),
    "would take": ({"timeInForce": "GTX", "price": "61000"}, -5022),
    "conditional kind": ({"type": "STOP_MARKET", "stopPrice": "55000"}, -4120),
    "leg in one-way mode": ({"positionSide": "LONG"}, -4061),
    "no good-till date": ({"timeInForce": "GTD"}, -1102),
    "good-till date without GTD": ({"goodTillDate": "1895286880000"}, -1106),
}


@pytest.mark.parametrize(("changed", "code"), REFUSALS.values(), ids=REFUSALS)
def test_order_with_one_thing_wrong_is_refused_with_the_venues_code(changed: dict[str, object], code: int) -> None:
    """A good order with one thing changed; nothing is placed."""
    bench = Bench.make()
    good = order_params("BUY", "0.010", "59000")
    assert bench.refused("POST", ORDER, **{**good, **changed}) == code
    assert bench.get("/fapi/v1/allOrders", symbol=BTC) == []
    bench.good("POST", ORDER, **good)


@pytest.mark.parametrize(
    "changed",
    [
        {"price": "63000.0"}, {"quantity": "0.002"}, {"newClientOrderId": "x" * 36}, {"timeInForce": "GTX"},
        {"side": "SELL", "price": "57000.0", "timeInForce": "IOC"}, {"positionSide": "BOTH"},
    ],
)
def test_order_just_inside_a_limit_is_taken(changed: dict[str, object]) -> None:
    """The good side of the limits above."""
    Bench.make().good("POST", ORDER, **{**order_params("BUY", "0.010", "59000"), **changed})


@pytest.mark.parametrize("name", ["price", "timeInForce", "stopPrice"])
def test_market_order_with_what_it_does_not_need_is_refused(name: str) -> None:
    """-1106: sent when not required."""
    value = {"price": "59000", "timeInForce": "GTC", "stopPrice": "55000"}[name]
    assert Bench.make().refused("POST", ORDER, **(order_params("BUY", "0.010", None) | {name: value})) == -1106


def test_market_order_has_its_own_largest_quantity() -> None:
    """120 BTC in one market order; a limit order may be larger."""
    bench = Bench.make(account(balance=100_000_000, leverage=1))
    assert bench.refused("POST", ORDER, **order_params("BUY", "120.001", None)) == -4005
    bench.order("BUY", "120.001", "59000")


def test_reduce_only_order_below_the_least_notional_is_taken() -> None:
    """The least notional does not bind what only reduces."""
    bench = Bench.make()
    bench.order("BUY", "0.010")
    assert bench.order("SELL", "0.001", reduceOnly="true")["status"] == "FILLED"


def test_client_id_is_refused_while_its_order_is_open_and_taken_again_afterwards() -> None:
    """Client ids are unique among open orders only: a filled order's id places a second order, and sells twice."""
    bench = Bench.make()
    resting = bench.order("BUY", "0.010", "59000", newClientOrderId="mine")
    assert bench.refused("POST", ORDER, **order_params("BUY", "0.010", "59000", newClientOrderId="mine")) == -4116
    bench.good("DELETE", ORDER, symbol=BTC, origClientOrderId="mine")
    first = bench.order("BUY", "0.010", newClientOrderId="mine")
    second = bench.order("BUY", "0.010", newClientOrderId="mine")
    assert len({resting["orderId"], first["orderId"], second["orderId"]}) == 3
    assert bench.get("/fapi/v3/positionRisk")[0]["positionAmt"] == "0.020"
    assert bench.get(ORDER, symbol=BTC, origClientOrderId="mine")["orderId"] == second["orderId"]


def test_cancel_of_what_is_not_open_is_unknown_and_query_of_what_never_was_does_not_exist() -> None:
    """-2011 of a filled order as of one that never was; only the query tells them apart."""
    bench = Bench.make()
    filled = bench.order()
    assert bench.refused("DELETE", ORDER, symbol=BTC, orderId=filled["orderId"]) == -2011
    assert bench.refused("DELETE", ORDER, symbol=BTC, orderId=1) == -2011
    assert bench.refused("GET", ORDER, symbol=BTC, orderId=1) == -2013
    assert bench.refused("GET", ORDER, symbol=ETH, orderId=filled["orderId"]) == -2013
    assert bench.refused("GET", ORDER, symbol=BTC) == -1102
    assert bench.refused("GET", "/fapi/v1/openOrder", symbol=BTC, orderId=filled["orderId"]) == -2013


def test_cancel_all_ends_one_symbols_orders_and_leaves_conditional_ones() -> None:
    """allOpenOrders does not touch stops: who wants them gone must say so at their own endpoint."""
    bench = Bench.make(account(btc=100))
    bench.order("BUY", "0.010", "59000")
    other = bench.order("BUY", "0.100", "2900", symbol=ETH)
    stop = bench.good(
        "POST", "/fapi/v1/algoOrder", symbol=BTC, side="SELL", type="STOP_MARKET", algoType="CONDITIONAL",
        triggerPrice="55000", quantity="0.1", reduceOnly="true",
    )
    bench.good("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
    assert [each["orderId"] for each in bench.get("/fapi/v1/openOrders")] == [other["orderId"]]
    assert [each["algoId"] for each in bench.get("/fapi/v1/openAlgoOrders")] == [stop["algoId"]]


def test_countdown_cancels_when_it_runs_out_and_not_before_or_when_stopped() -> None:
    """A new countdown replaces the old one; 0 stops it; stops stay at the venue."""
    bench = Bench.make()
    bench.order("BUY", "0.010", "59000")
    bench.good("POST", "/fapi/v1/countdownCancelAll", symbol=BTC, countdownTime=5_000)
    bench.wait(4)
    bench.good("POST", "/fapi/v1/countdownCancelAll", symbol=BTC, countdownTime=5_000)
    bench.wait(4.999)
    assert len(bench.get("/fapi/v1/openOrders")) == 1
    bench.wait(0.001)
    assert bench.get("/fapi/v1/openOrders") == []
    bench.order("BUY", "0.010", "59000")
    bench.good("POST", "/fapi/v1/countdownCancelAll", symbol=BTC, countdownTime=5_000)
    bench.good("POST", "/fapi/v1/countdownCancelAll", symbol=BTC, countdownTime=0)
    bench.wait(60)
    assert len(bench.get("/fapi/v1/openOrders")) == 1


def test_good_till_date_order_expires_at_its_date() -> None:
    """It rests until then and is shown as expired afterwards."""
    bench = Bench.make()
    until = bench.now // 10**6 + 700_000
    order = bench.order("BUY", "0.010", "59000", timeInForce="GTD", goodTillDate=until)
    bench.wait(699)
    assert bench.get(ORDER, symbol=BTC, orderId=order["orderId"])["status"] == "NEW"
    bench.wait(2)
    assert bench.get(ORDER, symbol=BTC, orderId=order["orderId"])["status"] == "EXPIRED"


def test_immediate_order_that_finds_nothing_expires() -> None:
    """IOC below the market: nothing filled, nothing rests."""
    order = Bench.make().order("BUY", "0.010", "59000", timeInForce="IOC")
    assert (order["status"], order["executedQty"]) == ("EXPIRED", "0.000")


def test_batch_succeeds_and_fails_order_by_order() -> None:
    """The second of three is refused; the others are placed, and cancelled as a batch."""
    bench = Bench.make()
    orders = [order_params("BUY", quantity, "59000") for quantity in ("0.010", "0.001", "0.020")]
    placed: list[Any] = bench.good("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps(orders))
    assert [each.get("status", each.get("code")) for each in placed] == ["NEW", -4164, "NEW"]
    numbers = json.dumps([placed[0]["orderId"], 1, placed[2]["orderId"]])
    ended = bench.good("DELETE", "/fapi/v1/batchOrders", symbol=BTC, orderIdList=numbers)
    assert [each.get("status", each.get("code")) for each in ended] == ["CANCELED", -2011, "CANCELED"]
    assert bench.refused("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps(orders * 2)) == -4082


def test_trades_are_listed_by_order_by_id_and_by_time() -> None:
    """Each fill once, oldest first, with what it realised."""
    bench = Bench.make()
    bench.order("BUY", "0.010")
    bench.wait(1)
    bench.trade("61000.0")
    sold = bench.order("SELL", "0.010")
    bought, last = bench.get("/fapi/v1/userTrades", symbol=BTC)
    profit = (float(last["price"]) - float(bought["price"])) * 0.01
    assert (float(bought["realizedPnl"]), float(last["realizedPnl"])) == (0.0, pytest.approx(profit, abs=1e-8))
    assert bench.get("/fapi/v1/userTrades", symbol=BTC, orderId=sold["orderId"]) == [last]
    assert bench.get("/fapi/v1/userTrades", symbol=BTC, fromId=last["id"]) == [last]
    assert bench.get("/fapi/v1/userTrades", symbol=BTC, startTime=last["time"]) == [last]
    assert bench.get("/fapi/v1/userTrades", symbol=BTC, limit=1) == [last]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(texts=st.dictionaries(
    st.sampled_from(["symbol", "side", "type", "price", "quantity", "timeInForce", "reduceOnly", "newClientOrderId",
                     "positionSide", "goodTillDate", "selfTradePreventionMode", "newOrderRespType", "recvWindow"]),
    st.one_of(st.text(max_size=12), st.sampled_from(["-1", "0", "1e9", "9" * 40, "true", "NONE", "0x10", "１"])),
    max_size=4,
))
def test_any_nonsense_in_an_order_is_answered_and_breaks_nothing(texts: dict[str, str]) -> None:
    """Whatever is sent, the answer has the venue's form, and the next order is taken as before."""
    bench = Bench.make()
    reply = bench.ask("POST", ORDER, **{**order_params("BUY", "0.010", "59000"), **texts})
    body = json.loads(reply.body)
    assert (reply.status == 200 and "orderId" in body) or (reply.status == 400 and body["code"] < 0), body
    bench.order("BUY", "0.010", "59000")


def test_amended_order_keeps_its_number_and_rests_at_its_new_price() -> None:
    """One order before and after, told as AMENDMENT; the book shows the new price only."""
    bench = Bench.make()
    order = bench.order("BUY", "0.010", "59000", newClientOrderId="mine")
    listener = bench.user_stream()
    asked = {"symbol": BTC, "orderId": order["orderId"], "side": "BUY"}
    changed = bench.good("PUT", ORDER, **asked, quantity="0.020", price="59500")
    assert (changed["orderId"], changed["price"], changed["origQty"], changed["status"]) == (
        order["orderId"], "59500.00", "0.020", "NEW",
    )
    assert [(each["o"]["x"], each["o"]["p"]) for each in listener.events()] == [("AMENDMENT", "59500.00")]
    assert [each["orderId"] for each in bench.get("/fapi/v1/openOrders")] == [order["orderId"]]
    prices = [price for price, _ in bench.public("/fapi/v1/depth", symbol=BTC, limit=1000)["bids"]]
    assert "59000.00" not in prices and "59500.00" in prices
    bench.trade("59499.0")
    assert bench.get(ORDER, symbol=BTC, origClientOrderId="mine")["status"] == "FILLED"


def test_amendment_that_is_refused_leaves_the_order_as_it_was() -> None:
    """Too large for the margin, or no change at all: the old order still rests and fills."""
    bench = Bench.make()
    order = bench.order("BUY", "0.010", "59000")
    asked = {"symbol": BTC, "orderId": order["orderId"], "side": "BUY", "price": "59000"}
    assert bench.refused("PUT", ORDER, **asked, quantity="0.010") == -5027
    assert bench.refused("PUT", ORDER, **asked, quantity="50") == -2019
    assert bench.refused("PUT", ORDER, **{**asked, "side": "SELL"}, quantity="0.020") == -1117
    (resting,) = bench.get("/fapi/v1/openOrders")
    assert (resting["orderId"], resting["origQty"], resting["status"]) == (order["orderId"], "0.010", "NEW")
    bench.trade("58999.0")
    assert bench.get(ORDER, symbol=BTC, orderId=order["orderId"])["executedQty"] == "0.010"
    assert bench.refused("PUT", ORDER, **asked, quantity="0.020") == -2013


def test_amendment_counts_what_has_filled_already() -> None:
    """Filled 0.004 of 0.010, amended to 0.006: two thousandths are left; to 0.004: nothing is, and it ends."""
    bench = Bench.make()
    now = bench.now
    bench.exchange.market(now, BookUpdate(now, now, 0, ((5_990_000, 50),), ((6_001_000, 4),), True))
    order = bench.order("BUY", "0.010", "60010")
    assert order["executedQty"] == "0.004"
    asked = {"symbol": BTC, "orderId": order["orderId"], "side": "BUY", "price": "60005"}
    assert bench.good("PUT", ORDER, **asked, quantity="0.006")["status"] == "PARTIALLY_FILLED"
    (resting,) = bench.exchange.floor.account(0).resting.values()
    assert resting.leaves == 2
    assert bench.good("PUT", ORDER, **asked, quantity="0.004")["status"] == "CANCELED"
    assert bench.get("/fapi/v1/openOrders") == []
