"""The user stream: listen keys that expire, and events of orders, balances, margin calls, liquidation and ADL."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.market import FundingRate
from bot.domain.scale import CASH_UNIT
from paper.spec import VenueSpec
from tests.wire.builders import BTC, OTHER_KEY, OTHER_SECRET, SECOND, Bench, account

LISTEN = "/fapi/v1/listenKey"


def of(events: list[Any], kind: str) -> list[Any]:
    """Return the events of one kind."""
    return [each for each in events if each["e"] == kind]


def test_listen_key_is_the_same_while_it_lives_and_goes_quiet_when_it_expires() -> None:
    """An hour after the last sign of life: listenKeyExpired, then silence, then another key."""
    bench = Bench.make()
    first = bench.good("POST", LISTEN)["listenKey"]
    listener = bench.listen(key=first)
    bench.wait(3_000)
    assert bench.good("POST", LISTEN)["listenKey"] == first
    assert bench.good("PUT", LISTEN)["listenKey"] == first
    bench.wait(3_599)
    assert listener.events() == []
    bench.wait(1)
    assert listener.events() == [{"e": "listenKeyExpired", "E": bench.now // 10**6, "listenKey": first}]
    bench.order()
    assert listener.events() == []
    assert bench.refused("PUT", LISTEN) == -1125
    assert bench.good("POST", LISTEN)["listenKey"] != first


def test_listen_key_that_was_ended_or_never_was_tells_nothing() -> None:
    """The connection stays open and silent: nothing but silence says that something is wrong."""
    bench = Bench.make()
    ended, invented = bench.user_stream(), bench.listen(key="0" * 64)
    bench.good("DELETE", LISTEN)
    bench.order()
    assert ended.events() == [] and invented.events() == []


def test_listen_key_may_stand_among_the_stream_names() -> None:
    """/ws/KEY, as older clients have it."""
    bench = Bench.make()
    listener = bench.listen(bench.good("POST", LISTEN)["listenKey"])
    bench.order()
    assert of(listener.events(), "ORDER_TRADE_UPDATE")


def test_market_order_is_told_as_new_then_filled_and_the_account_once() -> None:
    """NEW, TRADE_LITE, TRADE, and one ACCOUNT_UPDATE in which balance and position agree with the pages."""
    bench = Bench.make()
    listener = bench.user_stream()
    placed = bench.order(newClientOrderId="mine")
    events = listener.events()
    assert [each["e"] for each in events] == [
        "ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE",
    ]
    new, filled = (each["o"] for each in of(events, "ORDER_TRADE_UPDATE"))
    assert (new["x"], new["X"], new["z"]) == ("NEW", "NEW", "0.000")
    assert (filled["x"], filled["X"], filled["z"], filled["c"], filled["i"]) == (
        "TRADE", "FILLED", "0.010", "mine", placed["orderId"],
    )
    (told,) = of(events, "ACCOUNT_UPDATE")
    (row,) = bench.get("/fapi/v3/positionRisk")
    assert told["a"]["m"] == "ORDER"
    assert (told["a"]["P"][0]["pa"], told["a"]["P"][0]["ep"]) == (row["positionAmt"], row["entryPrice"])
    assert told["a"]["B"][0]["wb"] == bench.get("/fapi/v3/account")["totalWalletBalance"]


def test_position_that_is_closed_is_told_as_zero() -> None:
    """pa 0 with ps BOTH: not a missing row."""
    bench = Bench.make()
    bench.order()
    listener = bench.user_stream()
    bench.order("SELL", "0.010", reduceOnly="true")
    (told,) = of(listener.events(), "ACCOUNT_UPDATE")
    assert [(each["pa"], each["ps"], each["ep"]) for each in told["a"]["P"]] == [("0.000", "BOTH", "0")]


def test_each_account_hears_of_itself_alone() -> None:
    """Two keys, two streams."""
    bench = Bench.make(account(0), account(1))
    mine, other = bench.user_stream(), bench.user_stream(key=OTHER_KEY, secret=OTHER_SECRET)
    bench.order("BUY", "0.010", "59000")
    waiting = bench.exchange.take_outbox()
    assert {each.connection for each in waiting} == {mine.number} != {other.number}


def test_leverage_change_is_told() -> None:
    """ACCOUNT_CONFIG_UPDATE, which many clients ignore."""
    bench = Bench.make()
    listener = bench.user_stream()
    bench.good("POST", "/fapi/v1/leverage", symbol=BTC, leverage=10)
    assert [each["ac"] for each in of(listener.events(), "ACCOUNT_CONFIG_UPDATE")] == [{"s": BTC, "l": 10}]


def test_funding_is_told_and_entered_as_income() -> None:
    """A long pays a positive rate at its time: balance change, reason and income agree."""
    bench = Bench.make(account(btc=100))
    listener = bench.user_stream()
    due = bench.now + 60 * SECOND
    bench.exchange.market(bench.now, FundingRate(bench.now, bench.now, 0, CASH_UNIT // 1_000, due))
    bench.wait(59)
    assert of(listener.events(), "ACCOUNT_UPDATE") == []
    bench.wait(1)
    (told,) = of(listener.events(), "ACCOUNT_UPDATE")
    assert (told["a"]["m"], told["a"]["B"][0]["bc"]) == ("FUNDING_FEE", "-6.00000000")
    (row,) = bench.get("/fapi/v1/income", incomeType="FUNDING_FEE")
    assert (row["income"], row["symbol"]) == ("-6.00000000", BTC)


def leveraged(**more: Any) -> Bench:
    """An account of 1,000 that is long 0.3 BTC: 18 times its cash."""
    return Bench.make(account(balance=1_000, btc=300, leverage=50), **more)


def test_margin_call_comes_before_liquidation() -> None:
    """At four fifths of the margin ratio, with what is held."""
    bench = leveraged()
    listener = bench.user_stream()
    bench.trade("56960.0")
    assert of(listener.events(), "MARGIN_CALL") == []
    bench.trade("56950.0")
    (call,) = of(listener.events(), "MARGIN_CALL")
    (row,) = bench.get("/fapi/v3/positionRisk")
    assert [(each["s"], each["pa"], each["mm"]) for each in call["p"]] == [(BTC, "0.300", row["maintMargin"])]
    assert call["cw"] == bench.get("/fapi/v3/account")["totalCrossWalletBalance"]


def test_liquidation_cancels_orders_and_closes_under_the_venues_own_name() -> None:
    """autoclose- and CALCULATED in the user stream, forceOrder for everybody, and no position afterwards."""
    bench = leveraged()
    bench.order("SELL", "0.010", "65000", newClientOrderId="mine", reduceOnly="true")
    listener = bench.user_stream()
    public = bench.listen("btcusdt@forceOrder")
    bench.trade("56800.0")
    waiting = bench.exchange.take_outbox()
    events = [each["o"] for each in of(_decoded(waiting, listener.number), "ORDER_TRADE_UPDATE")]
    assert (events[0]["c"], events[0]["X"]) == ("mine", "CANCELED")
    assert all(each["c"].startswith("autoclose-") for each in events[1:])
    assert (events[1]["x"], {each["x"] for each in events[2:]}) == ("NEW", {"CALCULATED"})
    assert (events[-1]["X"], events[-1]["z"]) == ("FILLED", "0.300")
    (forced,) = _decoded(waiting, public.number)
    assert (forced["e"], forced["o"]["S"], forced["o"]["q"]) == ("forceOrder", "SELL", "0.300")
    assert bench.get("/fapi/v3/positionRisk") == []
    assert bench.get("/fapi/v1/income", incomeType="INSURANCE_CLEAR")
    (closed,) = bench.get("/fapi/v1/forceOrders", autoCloseType="LIQUIDATION")
    assert (closed["clientOrderId"], bench.get("/fapi/v1/forceOrders", autoCloseType="ADL")) == (events[-1]["c"], [])


def test_auto_deleveraging_takes_the_winner_under_its_own_name() -> None:
    """With an empty insurance fund the short is closed against the bankrupt long, as adl_autoclose."""
    spec = VenueSpec(latency=0, insurance={"USDT": 0})
    bench = Bench.make(account(0, balance=1_000, btc=300, leverage=50), account(1, balance=100_000), spec=spec)
    bench.order("SELL", "0.300", key=OTHER_KEY, secret=OTHER_SECRET)
    winner = bench.user_stream(key=OTHER_KEY, secret=OTHER_SECRET)
    bench.trade("50000.0")
    events = of(_decoded(bench.exchange.take_outbox(), winner.number), "ORDER_TRADE_UPDATE")
    assert events and all(each["o"]["c"].startswith("adl_autoclose") for each in events)
    assert events[-1]["o"]["X"] == "FILLED"
    assert bench.good("GET", "/fapi/v3/positionRisk", key=OTHER_KEY, secret=OTHER_SECRET) == []


def test_realised_profit_of_each_fill_is_told() -> None:
    """rp of the closing trade is price difference x quantity; of the opening one it is zero."""
    bench = Bench.make()
    listener = bench.user_stream()
    bought = bench.order("BUY", "0.010")
    bench.trade("61000.0")
    sold = bench.order("SELL", "0.010")
    fills = [each["o"] for each in of(listener.events(), "ORDER_TRADE_UPDATE") if each["o"]["x"] == "TRADE"]
    profit = (float(sold["avgPrice"]) - float(bought["avgPrice"])) * 0.01
    assert [float(each["rp"]) for each in fills] == [0.0, pytest.approx(profit, abs=1e-8)]


def _decoded(waiting: list[Any], connection: int) -> list[Any]:
    return [json.loads(each.body) for each in waiting if each.connection == connection]
