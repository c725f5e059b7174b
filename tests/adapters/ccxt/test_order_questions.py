"""Questions about orders, answered by canned pages: what the wire's own exchange never shows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from bot.adapters.ccxt.binance_orders import facts_of_conditional, place
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.order_questions import OrderQuestions
from bot.adapters.ccxt.replies import BrokenReply, as_row, as_rows
from bot.adapters.ccxt.times import VenueTime
from bot.domain.account import PositionKey, PositionSide
from bot.domain.events import AccountFact, OrderEnded, OrderFilled, OrderRejected, OrderTriggered
from bot.domain.order import (
    OrderClass,
    OrderRequest,
    OrderStatus,
    SelfTrade,
    Side,
    TimeInForce,
    TriggerBy,
    TriggerKind,
)
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from tests.adapters.ccxt.samples import BTC, NAME, NOW, STOP, account_decoder

VIEW = account_decoder().view


class Pages:
    """Answers calls from a table, by method; what is not in it is an empty list."""

    def __init__(self, pages: Mapping[str, Any]) -> None:
        self.pages = pages
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def call(self, method: str, parameters: dict[str, str], lane: Lane, **more: Any) -> Any:
        del lane, more
        self.asked.append((method, parameters))
        page = self.pages.get(method, [])
        return page(parameters) if callable(page) else page


def ordinary(number: int, identity: str, **more: Any) -> dict[str, Any]:
    return {
        "orderId": number, "symbol": "BTCUSDT", "status": "FILLED", "clientOrderId": identity, "price": "0",
        "origQty": "0.038", "executedQty": "0.038", "type": "MARKET", "side": "SELL", "positionSide": "BOTH",
    } | more


def conditional(status: str, became: str, **more: Any) -> dict[str, Any]:
    return {
        "algoId": 5, "clientAlgoId": STOP, "symbol": "BTCUSDT", "quantity": "0.038", "algoStatus": status,
        "actualOrderId": became, "triggerPrice": "59000",
    } | more


TRADE = {
    "symbol": "BTCUSDT", "id": 7, "orderId": 88, "side": "SELL", "price": "58990.1", "qty": "0.038",
    "commission": "0.89", "commissionAsset": "USDT", "time": 1_765_431_097_031, "positionSide": "BOTH", "maker": False,
}


def since(pages: Mapping[str, Any]) -> tuple[list[AccountFact], Pages, str]:
    """Ask for everything of a market; return facts, what was asked, and whose the stream's order 88 is."""
    decoder, canned = account_decoder(), Pages(pages)
    questions = OrderQuestions(cast("Connection", canned), decoder, VenueTime(lambda: NOW))
    facts = asyncio.run(questions.since("BTCUSDT", NOW - NS_PER_MINUTE))
    return facts, canned, decoder.name_of({"i": 88, "c": "venues_own"})


def test_stop_that_became_an_order_under_the_venues_own_id_is_still_ours() -> None:
    """The stop rested for hours, the order it became is called something else: the week's stops say whose it was."""
    facts, pages, alias = since({
        "fapiPrivateGetUserTrades": [TRADE],
        "fapiPrivateGetOrder": ordinary(88, "venues_own"),
        "fapiPrivateGetAllAlgoOrders": lambda asked: [conditional("FINISHED", "88")] if int(asked["startTime"]) < (
            NOW - 60 * NS_PER_MINUTE) // 1_000_000 else [],
    })
    fills = [fact for fact in facts if isinstance(fact, OrderFilled)]
    assert [(fill.name, fill.origin.value, fill.trade_id) for fill in fills] == [(STOP, "ours", "BTCUSDT:7")]
    assert [type(fact) for fact in facts] == [OrderTriggered, OrderFilled, OrderEnded]
    assert alias == STOP
    assert sum(method == "fapiPrivateGetAllAlgoOrders" for method, _ in pages.asked) == 2


def test_fill_of_a_strangers_older_order_is_external() -> None:
    """A person's order from this morning: asked for once by its number, and told as his."""
    facts, pages, alias = since({
        "fapiPrivateGetUserTrades": [TRADE, TRADE | {"id": 8}],
        "fapiPrivateGetOrder": ordinary(88, "web_1"),
    })
    assert {fact.name for fact in facts if isinstance(fact, OrderFilled)} == {"web_1"}
    assert not [fact for fact in facts if isinstance(fact, OrderEnded)]
    assert alias == "venues_own"
    assert sum(method == "fapiPrivateGetOrder" for method, _ in pages.asked) == 1


def test_orders_on_the_list_are_not_asked_for_again() -> None:
    """What the list has needs no question of its own; the fill comes before the end."""
    facts, pages, _ = since({
        "fapiPrivateGetUserTrades": [TRADE], "fapiPrivateGetAllOrders": [ordinary(88, NAME)],
    })
    assert [type(fact) for fact in facts] == [OrderFilled, OrderEnded]
    assert "fapiPrivateGetOrder" not in {method for method, _ in pages.asked}


@pytest.mark.parametrize(
    ("row", "kinds"),
    [
        (conditional("EXPIRED", ""), [OrderEnded]), (conditional("REJECTED", "", failReason="no"), [OrderRejected]),
        (conditional("TRIGGERED", "88"), [OrderTriggered]), (conditional("TRIGGERING", ""), []),
    ],
)
def test_conditional_row_of_each_state_is_its_fact(row: dict[str, Any], kinds: list[type]) -> None:
    """What the page of a stop says, before the order that it became is asked for."""
    facts = list(facts_of_conditional(row, VIEW, now=NOW, name=STOP))
    assert [type(fact) for fact in facts] == kinds
    for fact in facts:
        if isinstance(fact, OrderEnded):
            assert (fact.status, fact.filled) == (OrderStatus.EXPIRED, 0)


def request(**more: Any) -> OrderRequest:
    asked: dict[str, Any] = {
        "name": NAME, "key": PositionKey(0, 0), "side": Side.SELL, "quantity": 5, "limit_price": 5_900_010,
        "time_in_force": TimeInForce.IOC, "reduce_only": True, "order_class": OrderClass.MARGIN,
    }
    return OrderRequest(**(asked | more))


@pytest.mark.parametrize(
    ("changed", "expected", "absent"),
    [
        ({}, {"type": "LIMIT", "price": "59000.1", "quantity": "0.005", "timeInForce": "IOC", "reduceOnly": "true",
              "newClientOrderId": NAME, "selfTradePreventionMode": "EXPIRE_MAKER"}, {"positionSide", "stopPrice"}),
        ({"time_in_force": TimeInForce.POST_ONLY, "reduce_only": False}, {"timeInForce": "GTX"}, {"reduceOnly"}),
        ({"key": PositionKey(0, 0, PositionSide.LONG)}, {"positionSide": "LONG"}, {"reduceOnly"}),
        ({"limit_price": None}, {"type": "MARKET"}, {"price", "timeInForce"}),
        ({"self_trade": SelfTrade.ALLOW}, {"selfTradePreventionMode": "NONE"}, set()),
        ({"time_in_force": TimeInForce.GTD, "good_until": NOW + 599 * NS_PER_SECOND}, {"timeInForce": "GTC"},
         {"goodTillDate"}),
        ({"time_in_force": TimeInForce.GTD, "good_until": NOW + 600 * NS_PER_SECOND},
         {"timeInForce": "GTD", "goodTillDate": str((NOW + 600 * NS_PER_SECOND) // 1_000_000)}, set()),
        ({"limit_price": None, "trigger_price": 5_800_000},
         {"type": "STOP_MARKET", "triggerPrice": "58000", "workingType": "MARK_PRICE", "algoType": "CONDITIONAL",
          "clientAlgoId": NAME, "reduceOnly": "true"}, {"newClientOrderId", "price", "timeInForce"}),
        ({"trigger_price": 6_500_000, "trigger_kind": TriggerKind.TAKE_PROFIT, "trigger_by": TriggerBy.LAST},
         {"type": "TAKE_PROFIT", "price": "59000.1", "workingType": "CONTRACT_PRICE"}, {"newClientOrderId"}),
    ],
)
def test_placing_an_order_asks_for_exactly_that(
    changed: dict[str, Any], expected: dict[str, str], absent: set[str]
) -> None:
    """Exact text for numbers, the leg or reduceOnly and never both, stops on their own endpoint."""
    ask = place(request(**changed), BTC, "BTCUSDT", NAME, now=NOW)
    assert {name: ask.parameters.get(name) for name in expected} == expected
    assert not absent & set(ask.parameters)
    assert ask.method.endswith("AlgoOrder") is ("trigger_price" in changed)
    assert ask.orders == 1


def about(pages: Mapping[str, Any], name: str = NAME) -> list[AccountFact]:
    """Ask about one order."""
    questions = OrderQuestions(cast("Connection", Pages(pages)), account_decoder(), VenueTime(lambda: NOW))
    return asyncio.run(questions.about(name))


def test_answer_about_another_order_is_no_answer() -> None:
    """An order of another name says nothing of ours, whatever it says."""
    with pytest.raises(BrokenReply, match="somebody"):
        about({"fapiPrivateGetOrder": ordinary(88, "somebody")})
    with pytest.raises(BrokenReply, match="somebody"):
        about({"fapiPrivateGetAlgoOrder": conditional("NEW", "", clientAlgoId="somebody")}, STOP)


def test_order_whose_trades_lag_behind_is_not_ended_yet() -> None:
    """The page says 0.038, the trades say less: fills are told, the end is not, until both agree."""
    order = ordinary(88, NAME)
    late = about({"fapiPrivateGetOrder": order, "fapiPrivateGetUserTrades": [TRADE | {"qty": "0.037"}]})
    assert [type(fact) for fact in late] == [OrderFilled]
    whole = about({"fapiPrivateGetOrder": order, "fapiPrivateGetUserTrades": [TRADE]})
    assert [type(fact) for fact in whole] == [OrderFilled, OrderEnded]


@pytest.mark.parametrize("reply", ["", "<html></html>", None, {}, [1], [[]], {"code": 200}])
def test_reply_that_is_no_list_is_never_an_empty_one(reply: object) -> None:
    """An empty body with status 200 is passed on by ccxt as text: that is not "no trades"."""
    with pytest.raises(BrokenReply):
        as_rows(reply)
    if not isinstance(reply, dict):
        with pytest.raises(BrokenReply):
            as_row(reply)
    with pytest.raises(BrokenReply):
        about({"fapiPrivateGetOrder": ordinary(88, NAME), "fapiPrivateGetUserTrades": reply})


def test_list_of_more_than_a_page_is_read_to_its_end() -> None:
    """A thousand trades and one more: the second page begins after the last number of the first."""
    def trades(asked: dict[str, str]) -> list[dict[str, Any]]:
        first = int(asked.get("fromId", 1))
        return [TRADE | {"id": number} for number in range(first, min(first + 1_000, 1_002))]

    facts, pages, _ = since({"fapiPrivateGetUserTrades": trades, "fapiPrivateGetAllOrders": [ordinary(88, NAME)]})
    assert sum(isinstance(fact, OrderFilled) for fact in facts) == 1_001
    assert [asked.get("fromId") for method, asked in pages.asked if method.endswith("UserTrades")] == [None, "1001"]


def test_list_that_does_not_end_is_an_error() -> None:
    """A page that is always full would be read for ever."""
    with pytest.raises(BrokenReply, match="20 pages"):
        since({"fapiPrivateGetUserTrades": [TRADE] * 1_000})
