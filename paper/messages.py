"""What a client may say to the venue. Each takes one latency to arrive and its answer one to come back."""

from __future__ import annotations

import msgspec

from bot.domain.market import Candle, MarketFact
from bot.domain.order import OrderRequest


class SubmitOrder(msgspec.Struct, frozen=True, tag=True):
    """Place ``request``. Answered by OrderAccepted or OrderRejected, then by fills and an end."""

    request: OrderRequest


class CancelRequest(msgspec.Struct, frozen=True, tag=True):
    """End an order that rests. Answered by OrderEnded, or OrderNotFound when it never arrived."""

    account: int
    name: str


class QueryOrder(msgspec.Struct, frozen=True, tag=True):
    """Ask what became of an order: its fills again (same trade ids) and its state, or OrderNotFound."""

    account: int
    name: str


class QueryAccount(msgspec.Struct, frozen=True, tag=True):
    """Ask for balances and positions. Answered by AccountSnapshot."""

    account: int


class Wake(msgspec.Struct, frozen=True, tag=True):
    """Do what is due by now."""


ClientMessage = SubmitOrder | CancelRequest | QueryOrder | QueryAccount
Message = ClientMessage | Wake | MarketFact | Candle
