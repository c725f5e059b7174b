"""What ccxt would send for our orders, of exchanges that nobody here has driven: made, signed, read and never sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.adapters.ccxt.names import code_of
from bot.adapters.ccxt.unified.client import adapt
from bot.adapters.ccxt.unified.habits import Habits, habits_of
from bot.adapters.ccxt.unified.rehearsal import Abilities, Rehearsal, StopWay
from bot.domain.copying import replace
from bot.domain.errors import InputError

KEYS = {
    "apiKey": "k" * 16, "secret": "c2VjcmV0c2VjcmV0", "password": "p", "walletAddress": "0x" + "1" * 40,
    "privateKey": "0x" + "2" * 64,
}
TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]
IN_LOTS = ("gate", "kucoinfutures")      # whose amounts are whole contracts


def client(kind: Any) -> Any:
    """Return a client that knows one market, as the exchange might list it."""
    exchange = kind(KEYS)
    adapt(exchange)
    lot = 1 if exchange.id in IN_LOTS else 0.001
    exchange.set_markets([exchange.safe_market_structure({
        "id": "BTCUSDT", "symbol": "BTC/USDT:USDT", "base": "BTC", "quote": "USDT", "baseId": "0", "quoteId": "USDT",
        "settle": "USDC" if exchange.id == "hyperliquid" else "USDT", "settleId": "usdt", "type": "swap", "swap": True,
        "contract": True, "linear": True, "inverse": False, "spot": False, "option": False, "future": False,
        "active": True, "contractSize": lot if lot == 1 else 1.0, "precision": {"amount": lot, "price": 0.1},
        "limits": {"amount": {"min": lot, "max": 1000.0}, "price": {}, "cost": {}, "leverage": {}},
        "taker": 0.0005, "maker": 0.0002, "info": {"orderTypes": TYPES},
    })])
    return exchange


def rehearsed(exchange_id: str, habits: Habits | None = None, kind: Any = None) -> Abilities:
    """Return what was seen of an exchange; raises InputError where that is too little."""
    import ccxt.pro

    async def look() -> Abilities:
        exchange = client(kind or type("Client", (getattr(ccxt.pro, exchange_id),), {}))
        rehearsal = Rehearsal(exchange, "BTC/USDT:USDT", code_of(exchange_id), habits or habits_of(exchange_id))
        try:
            return await rehearsal.look()
        finally:
            await exchange.close()
            await rehearsal.close()

    return asyncio.run(look())


@pytest.mark.parametrize(
    ("exchange_id", "loss", "by_mark", "apart"),
    [
        ("binance", "stopLossPrice", {"workingType": "MARK_PRICE"}, True),
        ("bybit", "stopLossPrice", {"triggerBy": "MarkPrice"}, False),
        ("okx", "stopLossPrice", {"slTriggerPxType": "mark"}, True),
        ("bitget", "stopLossPrice", {}, True),
        ("gate", "stopLossPrice", {"price_type": 1}, True),
        ("kucoinfutures", "stopLossPrice", {}, True),
        ("hyperliquid", "stopLossPrice", {}, False),
        ("krakenfutures", "stopLossPrice", {"triggerSignal": "mark"}, False),
    ],
)
def test_rehearsal_sees_our_name_reduce_only_and_the_stop_in_what_ccxt_would_send(
    exchange_id: str, loss: str, by_mark: Mapping[str, object], apart: bool
) -> None:
    """By ccxt's own code and a made-up key: orders can be named, reduce only, end at once and be asked for by name."""
    seen = rehearsed(exchange_id)
    assert seen.post_only and (seen.asks_by_name or seen.histories)
    assert isinstance(seen.stop, StopWay)
    assert (seen.stop.loss, seen.stop.by_mark, seen.stop.apart) == (loss, by_mark, apart)
    assert seen.stop.reduces
    assert [lack for lack in seen.lacks if "its lists" not in lack and "its own number" not in lack] == []


def test_rehearsal_finds_that_ccxt_drops_a_word_without_a_word() -> None:
    """Kraken's IOC in capitals is left out by ccxt 4.5.90: such an order would rest, so nobody is guarded by it."""
    with pytest.raises(InputError, match="immediate-or-cancel"):
        rehearsed("krakenfutures", replace(habits_of("krakenfutures"), immediate="IOC"))


@pytest.mark.parametrize(("dropped", "said"), [("reduceOnly", "reduce-only"), ("orderLinkId", "client id")])
def test_rehearsal_refuses_an_exchange_whose_orders_lose_what_an_exit_needs(dropped: str, said: str) -> None:
    """A class that takes a parameter and sends nothing of it is found out before anything is sent."""
    import ccxt.pro

    class Forgetful(ccxt.pro.bybit):  # type: ignore[misc]  # ccxt's classes are untyped
        async def create_order(self, symbol: str, *order: Any) -> Any:
            *rest, parameters = order
            kept = {key: value for key, value in parameters.items() if key != dropped}
            return await super().create_order(symbol, *rest, kept)

    class Client(Forgetful):
        pass

    with pytest.raises(InputError, match=said):
        rehearsed("bybit", kind=Client)


def test_rehearsal_tells_of_stops_that_do_not_say_that_they_only_reduce() -> None:
    """The order itself reduces only, its stop says nothing: a person is told."""
    import ccxt.pro

    class Forgetful(ccxt.pro.krakenfutures):  # type: ignore[misc]  # ccxt's classes are untyped
        async def create_order(self, symbol: str, kind: str, *order: Any) -> Any:
            *rest, parameters = order
            kept = dict(parameters)
            if kind == "market":
                kept["triggerPrice"] = kept.pop("stopLossPrice")
                kept.pop("reduceOnly", None)
            return await super().create_order(symbol, kind, *rest, kept)

    class Client(Forgetful):
        pass

    seen = rehearsed("krakenfutures", kind=Client)
    assert seen.stop is not None and not seen.stop.reduces
    assert [lack for lack in seen.lacks if "only reduces" in lack]


def test_rehearsal_of_a_mark_that_is_not_known_says_that_the_exchange_chooses() -> None:
    """Where nothing makes a stop watch the mark, a person is told before it is relied on."""
    seen = rehearsed("bybit", replace(habits_of("bybit"), by_mark={}))
    assert seen.stop is not None and seen.stop.by_mark == {}
    assert [lack for lack in seen.lacks if "price that the exchange chooses" in lack]
    assert not [lack for lack in rehearsed("bybit").lacks if "price that the exchange chooses" in lack]


@pytest.mark.parametrize(("exchange_id", "passed"), [("mexc", "timeInForce"), ("htx", "clientOrderId")])
def test_rehearsal_refuses_what_is_only_passed_on_to_an_exchange_that_nobody_has_looked_at(
    exchange_id: str, passed: str
) -> None:
    """MEXC's kind of order is another field, so this immediate order would rest: it is in the request all the same."""
    with pytest.raises(InputError, match=f"passes {passed} on as it is"):
        rehearsed(exchange_id)


@pytest.mark.parametrize(
    ("exchange_id", "asks", "cancels"),
    [("okx", True, True), ("gate", True, True), ("bybit", False, True), ("krakenfutures", False, False)],
)
def test_rehearsal_takes_no_question_by_name_that_has_an_empty_number_beside_it(
    exchange_id: str, asks: bool, cancels: bool
) -> None:
    """ccxt sends ``orderId=`` beside the name to some: what those make of it nobody knows, so lists are searched."""
    seen = rehearsed(exchange_id)
    assert (seen.asks_by_name, seen.cancels_by_name) == (asks, cancels)
