"""Conditional orders on their own endpoints: kinds, refusals, what a trigger does, trailing, closing a position."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.builders import BTC, Bench, Listener, account

ALGO = "/fapi/v1/algoOrder"
ORDER = "/fapi/v1/order"


def stop(kind: str = "STOP_MARKET", **more: object) -> dict[str, object]:
    """A reduce-only stop at 55,000 under 0.1 BTC."""
    good: dict[str, object] = {
        "symbol": BTC, "side": "SELL", "type": kind, "algoType": "CONDITIONAL", "triggerPrice": "55000",
        "quantity": "0.100", "reduceOnly": "true",
    }
    return good | more


def held() -> Bench:
    """An account that is long 0.1 BTC from 60,000."""
    return Bench.make(account(btc=100))


def states(listener: Listener, event: str) -> list[tuple[str, str]]:
    """Return (status, client id) of the events of one kind that have come."""
    name = {"ALGO_UPDATE": "caid", "ORDER_TRADE_UPDATE": "c"}[event]
    return [(each["o"]["X"], each["o"][name]) for each in listener.events() if each["e"] == event]


REFUSALS: dict[str, tuple[dict[str, object], int]] = {
    "algo type": ({"algoType": "VP"}, -1130),
    "no algo type": ({"algoType": ""}, -1102),
    "plain kind": ({"type": "LIMIT"}, -1116),
    "no trigger": ({"triggerPrice": ""}, -1102),
    "trigger reached already": ({"triggerPrice": "60000.1"}, -2021),
    "trigger off tick": ({"triggerPrice": "55000.05"}, -4014),
    "price of a market kind": ({"price": "54000"}, -1106),
    "working type": ({"workingType": "INDEX"}, -1130),
    "client id": ({"clientAlgoId": "with space"}, -4015),
    "reduces nothing": ({"side": "BUY", "triggerPrice": "65000"}, -2022),
    "closes and has a quantity": ({"closePosition": "true"}, -1106),
    "leg in one-way mode": ({"positionSide": "SHORT"}, -4061),
}


@pytest.mark.parametrize(("changed", "code"), REFUSALS.values(), ids=REFUSALS)
def test_conditional_order_with_one_thing_wrong_is_refused(changed: dict[str, object], code: int) -> None:
    """The venue's code, and nothing waits afterwards."""
    bench = held()
    assert bench.refused("POST", ALGO, **stop(**changed)) == code
    assert bench.get("/fapi/v1/openAlgoOrders") == []


def test_stop_waits_apart_from_orders_and_sells_when_its_price_comes() -> None:
    """It has an id of its own; the order it sends carries its client id, and it ends as finished."""
    bench = held()
    listener = bench.user_stream()
    placed = bench.good("POST", ALGO, **stop(clientAlgoId="guard"))
    assert (placed["algoStatus"], placed["actualOrderId"]) == ("NEW", "")
    assert bench.get("/fapi/v1/openOrders") == []
    bench.trade("55000.1")
    assert bench.get(ALGO, clientAlgoId="guard")["algoStatus"] == "NEW"
    assert states(listener, "ALGO_UPDATE") == [("NEW", "guard")]
    bench.trade("55000.0")
    events = listener.events()
    assert [each["o"]["X"] for each in events if each["e"] == "ALGO_UPDATE"] == ["TRIGGERING", "TRIGGERED", "FINISHED"]
    assert [each["o"]["X"] for each in events if each["e"] == "ORDER_TRADE_UPDATE"] == ["NEW", "FILLED"]
    finished = bench.get(ALGO, algoId=placed["algoId"])
    sent = bench.get(ORDER, symbol=BTC, orderId=finished["actualOrderId"])
    assert (sent["clientOrderId"], sent["type"], sent["origType"], sent["status"]) == (
        "guard", "MARKET", "STOP_MARKET", "FILLED",
    )
    assert bench.get("/fapi/v3/positionRisk") == []


@pytest.mark.parametrize(("working", "told", "sold"), [("MARK_PRICE", False, True), ("CONTRACT_PRICE", True, True)])
def test_stop_watches_the_price_it_names(working: str, told: bool, sold: bool) -> None:
    """By the mark a wick of the last price does nothing; by the last price it sells."""
    bench = held()
    bench.mark("60000.0")
    placed = bench.good("POST", ALGO, **stop(workingType=working, triggerPrice="58000"))
    bench.trade("58000.0")
    assert (bench.get(ALGO, algoId=placed["algoId"])["algoStatus"] == "FINISHED") is told
    bench.mark("58000.0")
    assert (bench.get(ALGO, algoId=placed["algoId"])["algoStatus"] == "FINISHED") is sold


def test_stop_limit_can_trigger_and_not_fill() -> None:
    """In a gap the limit rests above the market: triggered, and still holding."""
    bench = held()
    placed = bench.good("POST", ALGO, **stop("STOP", price="54990"))
    bench.trade("54000.0")
    found = bench.get(ALGO, algoId=placed["algoId"])
    assert found["algoStatus"] == "TRIGGERED"
    resting = bench.get(ORDER, symbol=BTC, orderId=found["actualOrderId"])
    assert (resting["status"], resting["type"]) == ("NEW", "LIMIT")
    bench.good("DELETE", ORDER, symbol=BTC, orderId=resting["orderId"])
    assert bench.get(ALGO, algoId=placed["algoId"])["algoStatus"] == "FINISHED"


def test_take_profit_sells_above() -> None:
    """The other way round."""
    bench = held()
    placed = bench.good("POST", ALGO, **stop("TAKE_PROFIT_MARKET", triggerPrice="65000"))
    bench.trade("64999.9")
    assert bench.get(ALGO, algoId=placed["algoId"])["algoStatus"] == "NEW"
    bench.trade("65000.0")
    assert bench.get(ALGO, algoId=placed["algoId"])["algoStatus"] == "FINISHED"


def test_stop_by_the_last_price_is_rejected_where_the_mark_is_too_far_away() -> None:
    """A wick of 10 % triggers it, and the venue's price band around the mark refuses what it sends: still holding."""
    bench = held()
    bench.mark("60000.0")
    placed = bench.good("POST", ALGO, **stop())
    bench.trade("54000.0")
    assert bench.get(ALGO, algoId=placed["algoId"])["algoStatus"] == "REJECTED"
    assert bench.get("/fapi/v3/positionRisk")[0]["positionAmt"] == "0.100"


def test_order_that_is_refused_when_triggered_is_rejected_and_never_an_order() -> None:
    """Opening without the margin for it: accepted while it waits, rejected when it is sent."""
    bench = Bench.make(account(balance=1_000))
    placed = bench.good("POST", ALGO, **stop(side="BUY", triggerPrice="61000", quantity="5", reduceOnly="false"))
    bench.trade("61000.0")
    found = bench.get(ALGO, algoId=placed["algoId"])
    assert (found["algoStatus"], found["actualOrderId"]) == ("REJECTED", "")
    assert bench.get("/fapi/v1/allOrders", symbol=BTC) == []


def closing(trigger: str = "55000") -> dict[str, object]:
    """A stop that closes whatever is held."""
    return {
        "symbol": BTC, "side": "SELL", "type": "STOP_MARKET", "algoType": "CONDITIONAL", "triggerPrice": trigger,
        "closePosition": "true",
    }


def test_close_position_sells_what_is_held_then_and_there_is_one_of_each() -> None:
    """It names no quantity, sells the position as it has become, and a second one is refused."""
    bench = held()
    placed = bench.good("POST", ALGO, **closing())
    assert (placed["closePosition"], placed["quantity"]) == (True, "0.000")
    assert bench.refused("POST", ALGO, **closing("54000")) == -4130
    bench.order("BUY", "0.050")
    bench.trade("55000.0")
    found = bench.get(ALGO, algoId=placed["algoId"])
    assert bench.get(ORDER, symbol=BTC, orderId=found["actualOrderId"])["executedQty"] == "0.150"
    assert bench.get("/fapi/v3/positionRisk") == []


def test_stop_expires_with_the_position_that_it_would_reduce() -> None:
    """Flat by another order: the stop is gone, and its stream says so."""
    bench = held()
    listener = bench.user_stream()
    bench.good("POST", ALGO, **stop(clientAlgoId="guard"))
    bench.order("SELL", "0.100", reduceOnly="true")
    assert states(listener, "ALGO_UPDATE") == [("NEW", "guard"), ("EXPIRED", "guard")]
    assert bench.get("/fapi/v1/openAlgoOrders") == []


def test_client_algo_id_is_unique_among_those_that_wait() -> None:
    """-4116 while it waits; free again once it is cancelled."""
    bench = held()
    bench.good("POST", ALGO, **stop(clientAlgoId="guard"))
    assert bench.refused("POST", ALGO, **stop(clientAlgoId="guard")) == -4116
    assert bench.good("DELETE", ALGO, clientAlgoId="guard")["code"] == "200"
    assert bench.refused("DELETE", ALGO, clientAlgoId="guard") == -2011
    bench.good("POST", ALGO, **stop(clientAlgoId="guard"))
    assert bench.refused("GET", ALGO, algoId=1) == -2013


def trailing(bench: Bench, **more: object) -> Any:
    """A trailing stop that gives 1 % back."""
    return bench.good("POST", ALGO, **stop("TRAILING_STOP_MARKET", callbackRate="1.0", triggerPrice="", **more))


@pytest.mark.parametrize("rate", ["0.09", "10.1", "0.15", "-1"])
def test_callback_rate_outside_a_tenth_to_ten_percent_is_refused(rate: str) -> None:
    """Steps of a tenth, from 0.1 to 10."""
    assert held().refused("POST", ALGO, **stop("TRAILING_STOP_MARKET", callbackRate=rate)) == -2007


def test_trailing_stop_follows_the_highest_price_and_sells_one_percent_below() -> None:
    """From 62,000 it falls back to 61,380 before anything is sold."""
    bench = held()
    placed = trailing(bench)
    bench.trade("62000.0")
    bench.trade("61380.1")
    assert bench.get(ALGO, algoId=placed["algoId"])["algoStatus"] == "NEW"
    bench.trade("61380.0")
    assert bench.get(ALGO, algoId=placed["algoId"])["algoStatus"] == "FINISHED"
    assert bench.get("/fapi/v3/positionRisk") == []


def test_trailing_stop_waits_for_its_activation_price() -> None:
    """Before 61,000 a fall does nothing; an activation price below the market is refused."""
    bench = held()
    assert bench.refused("POST", ALGO, **stop("TRAILING_STOP_MARKET", callbackRate="1", activatePrice="59000")) == -2021
    placed = trailing(bench, activatePrice="61000")
    bench.trade("59000.0")
    assert bench.get(ALGO, algoId=placed["algoId"])["algoStatus"] == "NEW"
    bench.trade("61000.0")
    bench.trade("60390.0")
    assert bench.get(ALGO, algoId=placed["algoId"])["algoStatus"] == "FINISHED"


def test_trailing_stop_ends_by_cancel_and_with_its_position() -> None:
    """Cancelled it sends nothing; without a position it expires."""
    bench = held()
    first, second = trailing(bench), trailing(bench)
    bench.good("DELETE", ALGO, algoId=first["algoId"])
    bench.order("SELL", "0.100", reduceOnly="true")
    bench.trade("59000.0")
    found = [bench.get(ALGO, algoId=each["algoId"])["algoStatus"] for each in (first, second)]
    assert found == ["CANCELED", "EXPIRED"]
    assert len(bench.get("/fapi/v1/userTrades", symbol=BTC)) == 1
