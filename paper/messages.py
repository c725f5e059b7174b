"""What a client may say to the venue. Each takes one latency to arrive and its answer one to come back."""

from __future__ import annotations

import msgspec

from bot.domain.account import MarginMode, PositionKey
from bot.domain.instrument import TradingState
from bot.domain.market import Candle, MarketFact
from bot.domain.order import OrderRequest
from paper.spec import PositionMode


class SubmitOrder(msgspec.Struct, frozen=True, tag=True):
    """Place ``request``. Answered by OrderAccepted or OrderRejected, then by fills and an end."""

    request: OrderRequest


class CancelRequest(msgspec.Struct, frozen=True, tag=True):
    """End an order that rests. Answered by OrderEnded, or OrderNotFound when it never arrived."""

    account: int
    name: str


class SubmitOutside(msgspec.Struct, frozen=True, tag=True):
    """Place ``request`` beside the account's client: a person at the venue's page, or another program.

    The client is told unasked: OpenOrderSeen, fills of external origin, OpenOrderGone; of a refusal nothing.
    """

    request: OrderRequest


class CancelById(msgspec.Struct, frozen=True, tag=True):
    """End an open order, whoever placed it. Answered by its end, or OpenOrderGone when there is none."""

    account: int
    venue_id: str


class QueryOrder(msgspec.Struct, frozen=True, tag=True):
    """Ask what became of an order: its fills again (same trade ids) and its state, or OrderNotFound."""

    account: int
    name: str


class QueryAccount(msgspec.Struct, frozen=True, tag=True):
    """Ask for balances and positions. Answered by AccountSnapshot."""

    account: int


class QueryHistory(msgspec.Struct, frozen=True, tag=True):
    """Ask again for what was told. Answered by every fact of the account numbered above ``facts_after``.

    Then by all that is known of each of its orders that arrived at ``orders_after`` (ns) or later, as by QueryOrder.
    """

    account: int
    facts_after: int
    orders_after: int


class SetMarginMode(msgspec.Struct, frozen=True, tag=True):
    """Hold an instrument cross or isolated from now on. Answered by SettingAnswered, like the next three."""

    account: int
    instrument: int
    mode: MarginMode


class SetPositionMode(msgspec.Struct, frozen=True, tag=True):
    """Hold one net position per instrument, or two legs."""

    account: int
    mode: PositionMode


class SetLeverage(msgspec.Struct, frozen=True, tag=True):
    """Set the leverage of one instrument: what its initial margin is counted with, and how large it may grow."""

    account: int
    instrument: int
    leverage: int


class AddMargin(msgspec.Struct, frozen=True, tag=True):
    """Move ``amount`` (cash) from the wallet into an isolated position; a negative amount moves it back."""

    account: int
    key: PositionKey
    amount: int


class SetStatus(msgspec.Struct, frozen=True, tag=True):
    """The venue itself takes other orders in an instrument from now on, and tells everybody."""

    instrument: int
    state: TradingState


class Wake(msgspec.Struct, frozen=True, tag=True):
    """Do what is due by now."""


Setting = SetMarginMode | SetPositionMode | SetLeverage | AddMargin
ClientMessage = (
    SubmitOrder | SubmitOutside | CancelRequest | CancelById | QueryOrder | QueryAccount | QueryHistory | Setting
)
Message = ClientMessage | SetStatus | Wake | MarketFact | Candle
