"""Binance's user stream as domain facts: orders, fills, movements of cash, warnings, liquidations.

Fills are booked from trades, by their ids, which are unique within a symbol; nothing is summed up from the states
of orders. What the stream does not say fully is not guessed: an ``Attention`` asks for the venue's whole word. So
with funding, which has a number only in the history of income and often no symbol here, and with everything that
changes cash otherwise.

Source: Binance USD-M futures API, "User Data Streams" (read 2026-11): ORDER_TRADE_UPDATE, ALGO_UPDATE,
ACCOUNT_UPDATE, ACCOUNT_CONFIG_UPDATE, MARGIN_CALL, listenKeyExpired, CONDITIONAL_ORDER_TRIGGER_REJECT.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bot.adapters.ccxt import open_orders
from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.failures import SHAPES, DecodeFailed, failure
from bot.adapters.ccxt.fills import facts_of_fill
from bot.adapters.ccxt.names import origin_of
from bot.adapters.tapes.rows import BadRow, plausible
from bot.domain.events import (
    AccountFact,
    CashMoved,
    FillOrigin,
    Liquidity,
    MarginCall,
    OpenOrderGone,
    OpenOrderSeen,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
)
from bot.domain.instrument import Instrument
from bot.domain.order import OrderStatus, Side
from bot.domain.scale import CASH_DIGITS, NS_PER_MS, to_fixed, to_fixed_rounded

ALIASES_MAX = 1_000                  # triggered stops remembered by the venue's order id; a stop lives on for seconds
MOVES_MAX = 1_000                    # deposits and the like that a repeated message would count twice


class Wanted(Enum):
    """What must be asked of the venue, since the stream told only that something happened."""

    ACCOUNT = "account"              # balances and positions
    FUNDING = "funding"              # the history of income
    ORDERS = "orders"                # open orders, plain and conditional
    STREAM = "stream"                # a new stream: this one has ended


@dataclass(frozen=True, slots=True)
class Attention:
    now: int
    account: int
    wanted: Wanted
    why: str


Told = AccountFact | Attention | DecodeFailed


_ENDINGS = {
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,         # self-trade prevention
    "FILLED": OrderStatus.FILLED,
}
# Reasons of ACCOUNT_UPDATE by which cash came or went; what positions earn and cost has others.
_MOVES = frozenset({
    "DEPOSIT", "WITHDRAW", "WITHDRAW_REJECT", "ADMIN_DEPOSIT", "ADMIN_WITHDRAW", "ASSET_TRANSFER",
    "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW",
})


@dataclass(slots=True)
class AccountDecoder:
    """Decodes one account's stream; remembers which order a triggered stop became, and the last movements of cash."""

    view: AccountView
    _aliases: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _moves: OrderedDict[tuple[object, ...], None] = field(default_factory=OrderedDict)

    def decode(self, now: int, parsed: object) -> list[Told]:
        """Return what one message says, in order; a failure where it is broken, nothing for kinds we do not use."""
        body = parsed.get("data", parsed) if isinstance(parsed, dict) else parsed
        if not isinstance(body, dict):
            return [failure(now, "", "the message is no JSON object", parsed)]
        kind = str(body.get("e", ""))
        decode = _DECODERS.get(kind)
        if decode is None:
            return []
        try:
            return list(decode(self, now, body))
        except BadRow as bad:
            return [failure(now, kind, bad.reason.value, body)]
        except SHAPES as error:
            return [failure(now, kind, error, body)]

    def note_alias(self, order_id: str, name: str) -> None:
        """Remember that a triggered stop goes on as the venue's order ``order_id``."""
        self._aliases[order_id] = name
        while len(self._aliases) > ALIASES_MAX:
            self._aliases.popitem(last=False)

    def _is_new(self, move: tuple[object, ...]) -> bool:
        """Return False of a movement of cash that was told before: it has no number of its own."""
        if move in self._moves:
            return False
        self._moves[move] = None
        while len(self._moves) > MOVES_MAX:
            self._moves.popitem(last=False)
        return True

    def name_of(self, order: Mapping[str, Any]) -> str:
        """Return the name of an order by its client id, or of the stop that it was."""
        return self._aliases.get(str(order["i"])) or self.view.name_of(_text(order["c"]))

    # One method a message ---------------------------------------------------------------------------------

    def on_order(self, now: int, body: Mapping[str, Any]) -> Iterator[Told]:
        """Tell of an order's acceptance, fill or end; of somebody else's that it is open, or no more."""
        order = body["o"]
        instrument = self.view.instruments.get(_text(order["s"]))
        if instrument is None:
            return
        name = self.name_of(order)
        origin = origin_of(
            name, marker=self.view.marker, account=self.view.account, words=(str(order.get("o")), str(order.get("ot")))
        )
        execution, status = _text(order["x"]), _text(order["X"])
        is_ours = origin is FillOrigin.OURS
        account = self.view.account
        if execution in ("TRADE", "CALCULATED") and to_fixed(_text(order["l"]), instrument.quantity_digits):
            yield from self._fill(now, order, instrument, name, origin)
        elif execution == "NEW" and is_ours:
            yield OrderAccepted(now, account, name)
        elif execution == "REJECTED" and is_ours:
            yield OrderRejected(now, account, name, str(order.get("r", "refused")), "the matching engine refused it")
        if status in _ENDINGS and is_ours:
            filled = _quantity(order["z"], instrument)
            yield OrderEnded(now, account, name, _ENDINGS[status], filled)
        elif status in _ENDINGS:
            yield OpenOrderGone(now, account, str(order["i"]))
        elif origin is FillOrigin.EXTERNAL and status in ("NEW", "PARTIALLY_FILLED"):
            yield OpenOrderSeen(now, account, open_orders.of_event(order, self.view, instrument))

    def _fill(
        self, now: int, order: Mapping[str, Any], instrument: Instrument, name: str, origin: FillOrigin
    ) -> Iterator[Told]:
        price = to_fixed(_text(order["L"]), instrument.price_digits)
        quantity = _quantity(order["l"], instrument)
        if price <= 0 or quantity <= 0:
            raise ValueError(f"a fill of {quantity} at {price}")
        in_settlement = order.get("N") == instrument.settle      # else paid in a coin of its own: the snapshot has it
        fee = _cash(order["n"]) if in_settlement else 0
        key = self.view.key(instrument, _text(order["ps"]))
        trade = f"{order['s']}:{int(order['t'])}"
        fill = OrderFilled(
            now, _stamp(order["T"]), self.view.account, name, trade, key, _side(order["S"]), price, quantity, fee,
            Liquidity.MAKER if order["m"] is True else Liquidity.TAKER, origin, False,
        )
        yield from facts_of_fill(fill, instrument)
        if order.get("N") is not None and not in_settlement:
            yield Attention(now, self.view.account, Wanted.ACCOUNT, f"a fee was paid in {order['N']}")

    def on_conditional(self, now: int, body: Mapping[str, Any]) -> Iterator[Told]:
        """Tell of a conditional order: at rest, triggered, or over."""
        order = body["o"]
        instrument = self.view.instruments.get(_text(order["s"]))
        name = self.view.name_of(_text(order["caid"]))
        account = self.view.account
        if instrument is None:
            return
        if origin_of(name, marker=self.view.marker, account=account) is not FillOrigin.OURS:
            yield self._strangers_stop(now, order, instrument)
            return
        became = str(order.get("ai") or "")
        if became not in ("", "0"):
            self.note_alias(became, name)
        filled = _quantity(order.get("aq") or "0", instrument)
        match _text(order["X"]):
            case "NEW":
                yield OrderAccepted(now, account, name)
            case "TRIGGERED":
                yield OrderTriggered(now, account, name)
            case "FINISHED":
                whole = filled >= _quantity(order["q"], instrument) > 0
                yield OrderEnded(now, account, name, OrderStatus.FILLED if whole else OrderStatus.EXPIRED, filled)
            case "CANCELED" | "EXPIRED" as ended:
                yield OrderEnded(now, account, name, _ENDINGS[ended], filled)
            case "REJECTED":
                yield OrderRejected(now, account, name, "conditional_rejected", str(order.get("rm", "")))

    def _strangers_stop(self, now: int, order: Mapping[str, Any], instrument: Instrument) -> Told:
        """Return that a conditional order that is not ours waits, or waits no more: what it became is another order."""
        account = self.view.account
        if _text(order["X"]) == "NEW":
            return OpenOrderSeen(now, account, open_orders.of_conditional_event(order, self.view, instrument))
        return OpenOrderGone(now, account, f"{open_orders.CONDITIONAL}{order['aid']}")

    def on_account(self, now: int, body: Mapping[str, Any]) -> Iterator[Told]:
        """Tell of cash that came or went, or of what must be asked for."""
        change, stamp, account = body["a"], _stamp(body["T"]), self.view.account
        reason = _text(change["m"])
        if reason == "ORDER":
            return
        if reason == "FUNDING_FEE":
            yield Attention(now, account, Wanted.FUNDING, "funding was settled")
            return
        if reason in _MOVES:
            for balance in change["B"]:
                amount = _cash(balance["bc"])
                if amount and self._is_new((stamp, reason, balance["a"], balance["bc"], balance["wb"])):
                    yield CashMoved(now, stamp, account, _text(balance["a"]), amount, reason.lower())
            return
        yield Attention(now, account, Wanted.ACCOUNT, f"the account changed: {reason.lower()}")

    def on_margin_call(self, now: int, body: Mapping[str, Any]) -> Iterator[Told]:
        """Tell of the venue's warning."""
        yield MarginCall(now, _stamp(body["E"]), self.view.account)

    def on_config(self, now: int, body: Mapping[str, Any]) -> Iterator[Told]:
        """Ask for the account: leverage or mode is not what it was."""
        del body
        yield Attention(now, self.view.account, Wanted.ACCOUNT, "leverage or mode was changed")

    def on_expiry(self, now: int, body: Mapping[str, Any]) -> Iterator[Told]:
        """Ask for another stream; ccxt passes over this message and waits in silence."""
        del body
        yield Attention(now, self.view.account, Wanted.STREAM, "the stream's key has expired")

    def on_trigger_refused(self, now: int, body: Mapping[str, Any]) -> Iterator[Told]:
        """Ask for the orders: a stop was triggered, and what it became was refused."""
        refused = body["or"]
        yield Attention(now, self.view.account, Wanted.ORDERS, f"a triggered order was refused: {refused.get('r')}")


_DECODERS: dict[str, Callable[[AccountDecoder, int, Mapping[str, Any]], Iterator[Told]]] = {
    "ORDER_TRADE_UPDATE": AccountDecoder.on_order,
    "ALGO_UPDATE": AccountDecoder.on_conditional,
    "ACCOUNT_UPDATE": AccountDecoder.on_account,
    "ACCOUNT_CONFIG_UPDATE": AccountDecoder.on_config,
    "MARGIN_CALL": AccountDecoder.on_margin_call,
    "listenKeyExpired": AccountDecoder.on_expiry,
    "CONDITIONAL_ORDER_TRIGGER_REJECT": AccountDecoder.on_trigger_refused,
}


def _text(value: object) -> str:
    """Return a field that must be text; numbers that were written bare may have been rounded on their way."""
    if not isinstance(value, str):
        raise TypeError(f"text was expected, was {value!r}")
    return value


def _quantity(value: object, instrument: Instrument) -> int:
    quantity = to_fixed(_text(value), instrument.quantity_digits)
    if quantity < 0:
        raise ValueError(f"a quantity is negative, was {value!r}")
    return quantity


def _cash(value: object) -> int:
    return to_fixed_rounded(_text(value), CASH_DIGITS)


def _side(value: object) -> Side:
    return {"BUY": Side.BUY, "SELL": Side.SELL}[_text(value)]


def _stamp(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"a stamp in ms was expected, was {value!r}")
    return plausible(value * NS_PER_MS)
