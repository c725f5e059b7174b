"""Facts that come in from the world besides prices: about accounts, orders, time and operators.

They are never merged and never dropped. All of them are journaled. ``now`` is the engine's time.

What the venue tells of an account unasked, but for our own orders, carries the account's running ``number``, from 1
on without a gap, so that it can be asked for again; 0 where the venue counts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.account import Balance, MarginReport, PositionKey, PositionReport
from bot.domain.denials import DenialCode
from bot.domain.instrument import TradingState
from bot.domain.market import MarketFact
from bot.domain.open_order import OpenOrder
from bot.domain.order import OrderStatus, Side
from bot.domain.sale import Sale


class FillOrigin(Enum):
    """Whose order was filled."""

    OURS = "ours"
    EXTERNAL = "external"            # a person, another bot
    LIQUIDATION = "liquidation"      # the venue closed us out
    ADL = "adl"                      # the venue took a winning position to pay a loser's loss


class Liquidity(Enum):
    MAKER = "maker"
    TAKER = "taker"


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    now: int
    account: int
    name: str


@dataclass(frozen=True, slots=True)
class OrderRejected:
    """The venue refused it, for certain."""

    now: int
    account: int
    name: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class OrderNotSent:
    """It never left: late, superseded, or no connection before the first byte."""

    now: int
    account: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderOutcomeUnknown:
    """It may or may not be at the venue; it counts as working until two witnesses say otherwise."""

    now: int
    account: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderTriggered:
    """A conditional order's price was reached: from now on it is an ordinary order of the same name."""

    now: int
    account: int
    name: str


@dataclass(frozen=True, slots=True)
class OrderFilled:
    """One trade of one order. ``trade_id`` is unique per account: a repeat is ignored.

    ``stamp`` is the venue's time of the trade: a fill no later than the last snapshot is already in it.
    ``fee`` is cash paid (negative when it is a rebate), in the settlement currency. ``modelled`` says
    that price and size come from a fill model and not from a recorded book.
    """

    now: int
    stamp: int
    account: int
    name: str
    trade_id: str
    key: PositionKey
    side: Side
    price: int
    quantity: int
    fee: int
    liquidity: Liquidity
    origin: FillOrigin
    modelled: bool
    number: int = 0                  # of a fill that was not ours


@dataclass(frozen=True, slots=True)
class OrderEnded:
    """It can fill no more; ``status`` is FILLED, CANCELED or EXPIRED, ``filled`` its total quantity.

    When our fills for it add up to less than ``filled``, the missing ones are on their way: the order
    stays live until they have come.
    """

    now: int
    account: int
    name: str
    status: OrderStatus
    filled: int


@dataclass(frozen=True, slots=True)
class OrderNotFound:
    """One witness that the venue does not have it; two of them, far enough apart, settle it.

    ``asked`` is when the venue was asked, 0: at ``now``. ``may_come`` says that the order's request could still have
    been on its way then: such a witness is a first one at most.
    """

    now: int
    account: int
    name: str
    asked: int = 0
    may_come: bool = False


@dataclass(frozen=True, slots=True)
class OpenOrderSeen:
    """An order that we did not send is open, or what it leaves has changed."""

    now: int
    account: int
    order: OpenOrder
    number: int = 0


@dataclass(frozen=True, slots=True)
class OpenOrderGone:
    """An order that we did not send is open no more: filled, cancelled, refused at its trigger, or never there."""

    now: int
    account: int
    venue_id: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class FundingPaid:
    """Cash paid (positive) or received (negative) for holding a perpetual; ``stamp`` is the venue's time.

    One no later than the last snapshot is already in it, as with fills.
    """

    now: int
    stamp: int
    account: int
    key: PositionKey
    amount: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class CashMoved:
    """A deposit (positive) or withdrawal (negative): neither profit nor loss; ``stamp`` is the venue's time.

    One no later than the last snapshot is already in it, as with fills.
    """

    now: int
    stamp: int
    account: int
    asset: str
    amount: int
    reason: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class AssetsExchanged:
    """The venue sold some of one asset and paid a debt in another with it, both amounts unsigned, at one moment.

    Neither deposit nor profit: what stands behind the positions counts as much as before. ``stamp`` is the venue's
    time: one no later than the last snapshot is already in it.
    """

    now: int
    stamp: int
    account: int
    sold: Balance
    bought: Balance
    number: int = 0


@dataclass(frozen=True, slots=True)
class MarginCall:
    """The venue warns that the account is near liquidation (Binance MARGIN_CALL); ``stamp`` is its time."""

    now: int
    stamp: int
    account: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class SettingAnswered:
    """The venue's answer to a change of leverage, mode or isolated margin; ``code`` is None when it was made."""

    now: int
    account: int
    code: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class LiquidationStage:
    """One step of the venue's own liquidation of us, after its fills; ``kind`` is the venue's word.

    ``trade_id`` is that of its fill where the venue numbers nothing, and tells of it as often as it is asked.
    """

    now: int
    account: int
    key: PositionKey
    notional: int
    fee: int
    kind: str
    number: int = 0
    trade_id: str = ""


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """The venue's whole word on an account, read at ``taken``: what is, as of then.

    ``number`` is that of the last it had told of the account unasked by then. ``orders`` are all that are open, ours
    included; None where the venue did not say, and so with its own sums of the account, ``margin``.
    """

    now: int
    taken: int
    account: int
    balances: tuple[Balance, ...]
    positions: tuple[PositionReport, ...]
    number: int = 0
    orders: tuple[OpenOrder, ...] | None = None
    margin: MarginReport | None = None


@dataclass(frozen=True, slots=True)
class VolumeHistory:
    """What others traded in each minute of the day (UTC), added over ``days`` whole days that ended by ``until``.

    ``minutes`` are 1440 quantities. ``until`` is never later than ``now``: nothing of it is from the future.
    """

    now: int
    until: int
    instrument: int
    days: int
    minutes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InstrumentStatus:
    """What orders the venue takes in an instrument from now on, for all accounts; ``stamp`` is its time."""

    now: int
    stamp: int
    instrument: int
    state: TradingState


@dataclass(frozen=True, slots=True)
class Timer:
    """The engine asked to be woken by now."""

    now: int


class CommandKind(Enum):
    FREEZE = "freeze"                # send nothing that could raise exposure
    KILL = "kill"                    # freeze, cancel children, end what rules began; stops stay
    FLATTEN = "flatten"              # kill, and reduce every position to zero
    RESUME = "resume"                # undo any of them
    REARM = "rearm"                  # set a rule's count of fires back, so that it is latched no more
    OVERRIDE = "override"            # let one control of the gate rest for a time
    SELL = "sell"                    # let so much of a position out
    QUOTE_SALE = "quote_sale"        # say what a sale would come to, and do nothing
    END_SALE = "end_sale"            # sell no more of a position for what was said earlier


@dataclass(frozen=True, slots=True)
class Command:
    """An operator's word; it enters by the same door as a price.

    ``by`` names the person; without one only FREEZE, KILL, FLATTEN and QUOTE_SALE are obeyed. ``rule`` goes with
    REARM, and ``key`` where one position's count is meant and not the account's; ``control`` and ``until`` (ns) go
    with OVERRIDE, ``sale`` with SELL and QUOTE_SALE, and its name as ``rule`` with END_SALE. A SELL is refused after
    its ``until``.
    """

    now: int
    account: int
    kind: CommandKind
    reason: str
    rule: str | None = None
    by: str = ""
    control: DenialCode | None = None
    until: int | None = None
    key: PositionKey | None = None
    sale: Sale | None = None


@dataclass(frozen=True, slots=True)
class Restarted:
    """The first event after recovery: rules that are true now act without waiting for their hold."""

    now: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Other rules and limits are in force from here on; ``config_hash`` is that of their configuration."""

    now: int
    config_hash: str


AccountFact = (
    OrderAccepted | OrderRejected | OrderNotSent | OrderOutcomeUnknown | OrderTriggered | OrderFilled
    | OrderEnded | OrderNotFound | OpenOrderSeen | OpenOrderGone | FundingPaid | CashMoved | AssetsExchanged
    | MarginCall | SettingAnswered | LiquidationStage | InstrumentStatus | AccountSnapshot | VolumeHistory
    | Timer | Command | Restarted | Reloaded
)
Event = MarketFact | AccountFact
