"""What ccxt would send for our orders, looked at before anything is sent: a client whose requests go nowhere.

``has`` says that a method is there, not what becomes of its parameters: at one exchange a client id is left out of a
cancel without a word, at another reduce-only is. So each kind of request that we depend on is made once, signed, and
read: is our name in it, does reduce-only change it, is the trigger price there?

What an exchange does not know ccxt often passes on as it is, and the exchange passes over it. So a parameter that is
sent under its own name and word counts only where somebody has looked (``habits``).

    required    an order by our name · reduce-only · immediate or cancel · one way to ask what became of an order
    told        no resting stops · no post-only · stops that watch the exchange's default price · no cancel by name

A request that cannot be made here may be one that only a real answer completes; then, too, nothing is guessed: what
was not seen is not there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from bot.adapters.ccxt.names import NameCode
from bot.adapters.ccxt.unified.habits import HABITS, Habits
from bot.domain.errors import InputError

Ask = tuple[str, tuple[Any, ...]]
_NAME = "penz00sn000000000"                      # as long as names are, and of no order
# Times, nonces and seals: what differs each time a request is signed. Our price and name have no ten digits on end.
_TIMES = re.compile(r'[0-9]{10,}|0x[0-9a-fA-F]{16,}|[0-9a-f]{32,}|[A-Za-z0-9+/]{43,}=*|"v": ?[0-9]+')
# An id that is not there and is sent all the same: as a word, as nothing, or as a path that ends early.
_EMPTY = re.compile(r'\bNone\b|[?&][A-Za-z_]+=(?:&| |$)|"[A-Za-z_]+": ?(?:""|null)|/\?')
_REDUCES = re.compile(r'reduce_?only"?[=:] ?"?(?:true|1|yes)\b', re.IGNORECASE)
# Lists of orders that have ended; the first set that is there has all of them.
_HISTORIES = (("fetchOrders",), ("fetchCanceledAndClosedOrders",), ("fetchClosedOrders", "fetchCanceledOrders"))


@dataclass(frozen=True, slots=True)
class StopWay:
    """How a stop is asked for: ``loss`` and ``profit`` are ccxt's parameters of its trigger price."""

    loss: str
    profit: str
    directed: bool                   # it must be said which way the price goes
    by_mark: Mapping[str, object]
    apart: bool                      # it lives on pages of its own, asked for with ``trigger``
    histories: tuple[str, ...] = ()  # ccxt's methods that list those pages' orders which have ended
    reduces: bool = True             # it says that it only reduces


@dataclass(frozen=True, slots=True)
class Abilities:
    """What was seen to work. ``no_id`` stands for the id of an order that is asked for by its name."""

    asks_by_name: bool
    cancels_by_name: bool
    no_id: str | None
    histories: tuple[str, ...]       # ccxt's methods that list orders which have ended
    post_only: bool
    margin_mode: bool                # orders say whether they are cross or isolated
    stop: StopWay | None
    lacks: tuple[str, ...]           # for ``doctor``


class Rehearsal:
    """A client of the same class and markets. ``exchange`` is the one that will be used; nothing of it is changed."""

    def __init__(self, exchange: Any, symbol: str, names: NameCode, habits: Habits) -> None:
        self._symbol = symbol
        self._habits = habits
        self._names = names
        self._name = names.encode(_NAME)
        self._sent: list[str] = []
        self._stage = _stage_of(exchange, self._sent)
        market = exchange.market(symbol)
        self._amount = float((market.get("limits", {}).get("amount") or {}).get("min") or market["precision"]["amount"])
        self._price = 1_000 * float(market["precision"]["price"])
        self._features = features_of(exchange)

    async def look(self) -> Abilities:
        """Return what the exchange can do; raises InputError where that is too little to guard an account."""
        has = self._stage.has
        order = {self._names.parameter: self._name, "reduceOnly": True, "timeInForce": self._habits.immediate}
        plain = await self._order(order)
        where = f"exchange.id: {self._stage.id}"
        if not self._has_name(plain):
            raise InputError(f"{where}: ccxt sends no client id with its orders, so none could be found again; "
                             "use another exchange")
        self._require_heeded(plain, order, where)
        if not await self._differs(order, "reduceOnly"):
            raise InputError(f"{where}: ccxt sends no reduce-only with its orders, which an exit must be; "
                             "use another exchange")
        if not await self._differs(order, "timeInForce"):
            raise InputError(f"{where}: ccxt sends no immediate-or-cancel with its orders; use another exchange")
        for method in ("fetchBalance", "fetchPositions", "fetchOpenOrders", "fetchMyTrades"):
            if not has.get(method):
                raise InputError(f"{where}: ccxt has no {method} of it; use another exchange")
        no_id, asks = await self._by_name("fetch_order")
        _, cancels = await self._by_name("cancel_order", no_id)
        histories = _histories(has)
        if not asks and not histories:
            raise InputError(f"{where}: ccxt can ask for no order by its name and lists none that has ended; "
                             "use another exchange")
        post_only = await self._differs(order | {"postOnly": True}, "postOnly", instead={"timeInForce": None})
        stop = await self._stop()
        lacks = tuple(_lacks(has, asks=asks, cancels=cancels, post_only=post_only, stop=stop, habits=self._habits))
        create = self._features.get("createOrder") or {}
        return Abilities(
            asks, cancels, no_id, histories, post_only, bool(create.get("marginMode")), stop, lacks
        )

    async def close(self) -> None:
        """Let the client go; it has opened no connection."""
        await self._stage.close()

    # One request ------------------------------------------------------------------------------------------

    async def _request(self, method: str, *arguments: Any) -> list[str]:
        """Return what would have been sent, as plain text; empty where ccxt refuses to make it."""
        self._sent.clear()
        try:
            await getattr(self._stage, method)(*arguments)
        except Exception:  # noqa: BLE001  # answers here are empty, and ccxt may stumble over them in any way
            return list(self._sent)
        return list(self._sent)

    async def _order(self, parameters: Mapping[str, Any], kind: str = "limit", price: float | None = None) -> list[str]:
        sent = {key: value for key, value in parameters.items() if value is not None}
        stated = self._price if kind == "limit" else price
        return await self._request("create_order", self._symbol, kind, "sell", self._amount, stated, sent)

    def _has_name(self, requests: list[str]) -> bool:
        return any(self._name in request for request in requests)

    def _require_heeded(self, requests: list[str], parameters: Mapping[str, Any], where: str) -> None:
        """Raise InputError for a parameter that is only passed on, to an exchange that nobody has looked at."""
        if self._stage.id in HABITS:
            return
        for key, value in parameters.items():
            word = "true" if value is True else str(value)
            passed = re.compile(rf'\b{key}"?[=:] ?"?{re.escape(word)}\b', re.ASCII)
            if any(passed.search(request) for request in requests):
                raise InputError(
                    f"{where}: ccxt passes {key} on as it is, and nobody has looked whether the exchange heeds it; "
                    "use another exchange, or look and write it down in unified/habits.py"
                )

    async def _differs(
        self, parameters: Mapping[str, Any], key: str, instead: Mapping[str, Any] | None = None
    ) -> bool:
        """True when a parameter is seen in the request: without it another would be sent, its time and seal aside."""
        common = {**parameters, **(instead or {})}
        without = {name: value for name, value in common.items() if name != key}
        first, again = _bare(await self._order(common)), _bare(await self._order(common))
        other = _bare(await self._order(without))
        return first == again and bool(first) and first != other

    async def _by_name(self, method: str, no_id: str | None = None) -> tuple[str | None, bool]:
        """Return by which id an order is asked for, and whether its name arrives, with no empty id beside it."""
        parameters = {self._names.parameter: self._name, **self._habits.asking}
        if self._habits.name_is_id:
            requests = await self._request(method, self._name, self._symbol, dict(self._habits.asking))
            return None, self._has_name(requests)
        for identity in dict.fromkeys((no_id, None, "")):
            requests = await self._request(method, identity, self._symbol, dict(parameters))
            if self._has_name(requests) and not any(_EMPTY.search(each) for each in requests):
                return identity, True
        return None, False

    async def _reduces(self, requests: list[str], asked: Mapping[str, Any], price: float | None) -> bool:
        """True of a stop that says it only reduces, in a word of its own or in another way than one that does not."""
        without = {key: value for key, value in asked.items() if key != "reduceOnly"}
        other = _bare(await self._order(without, "market", price))
        return any(_REDUCES.search(each) for each in requests) or _bare(requests) != other

    def _stop_histories(self) -> tuple[str, ...]:
        listed = {name for name, said in self._features.items() if isinstance(said, Mapping) and said.get("trigger")}
        return _histories({name: self._stage.has.get(name) for name in listed})

    async def _stop(self) -> StopWay | None:
        """Return how a stop rests at the exchange; None where its price, name or reduce-only would not be sent."""
        create = self._features.get("createOrder") or {}
        opened = self._features.get("fetchOpenOrders") or {}
        apart = bool(opened.get("trigger")) if self._habits.stops_apart is None else self._habits.stops_apart
        for loss, profit, directed in (
            ("stopLossPrice", "takeProfitPrice", False), ("triggerPrice", "triggerPrice", True),
        ):
            if not create.get(loss):
                continue
            by_mark = self._habits.by_mark
            for marked in (by_mark, {}) if by_mark else ({},):
                asked: dict[str, Any] = {
                    self._habits.stop_name or self._names.parameter: self._name, "reduceOnly": True,
                    loss: self._price, **marked,
                }
                if directed:
                    asked["triggerDirection"] = "descending"
                price = self._price if self._habits.stop_needs_price else None
                requests = await self._order(asked, "market", price)
                trigger = self._stage.price_to_precision(self._symbol, self._price)
                if self._has_name(requests) and any(trigger in each for each in requests):
                    histories = self._stop_histories() if apart else ()
                    reduces = await self._reduces(requests, asked, price)
                    return StopWay(loss, profit, directed, marked, apart, histories, reduces)
        return None


def _histories(has: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the methods of the first set of lists of which any is there."""
    for names in _HISTORIES:
        found = tuple(method_of(name) for name in names if has.get(name) is True)
        if found:
            return found
    return ()


def method_of(name: str) -> str:
    """Return Python's name of a method that ``has`` lists: ``fetchOpenOrders`` is ``fetch_open_orders``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def features_of(exchange: Any) -> Mapping[str, Any]:
    """Return what ccxt lists of an exchange's linear swaps; empty where it lists nothing."""
    swap = (exchange.features or {}).get("swap") or {}
    linear = swap.get("linear") or swap
    return linear if isinstance(linear, Mapping) else {}


def _stage_of(exchange: Any, sent: list[str]) -> Any:
    """Return a client like another one, with its keys, whose requests are noted and go nowhere."""
    stage = type(exchange).__mro__[1]({
        **{key: getattr(exchange, key, None) for key in (
            "apiKey", "secret", "password", "uid", "walletAddress", "privateKey", "login", "token"
        )},
        "enableRateLimit": False,
        "options": {**exchange.options},
    })

    async def fetch(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        del headers
        sent.append(unquote(f"{method} {url} {body if isinstance(body, str) else json.dumps(body)}"))
        return {}

    stage.fetch = fetch
    stage.has = {**stage.has, "fetchCurrencies": False}
    stage.set_markets(exchange.markets, exchange.currencies)
    return stage


def _bare(requests: list[str]) -> list[str]:
    """Return requests without what differs each time they are signed: times, nonces, seals."""
    return [_TIMES.sub("", request) for request in requests]


def _lacks(
    has: Mapping[str, Any], *, asks: bool, cancels: bool, post_only: bool, stop: StopWay | None, habits: Habits
) -> list[str]:
    found = []
    if not asks:
        found.append("orders are found again in its lists, not by name: slower")
    if not cancels:
        found.append("orders are cancelled by its own number, once that is known")
    if not post_only:
        found.append("no post-only orders: passive tactics are refused by it")
    if stop is None:
        found.append("no resting stop: when this process ends, nothing guards the account")
    elif not stop.by_mark and not habits.always_mark:
        found.append("a resting stop watches the price that the exchange chooses")
    if stop is not None and not stop.reduces:
        found.append("a resting stop does not say that it only reduces: whether it does is the exchange's way")
    if not any(has.get(method) for method in ("watchOrders", "watchMyTrades", "watchPositions")):
        found.append("no stream of the account: it is polled")
    return found
