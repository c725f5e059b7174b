"""Everything the venue remembers, as plain data: what a snapshot holds and a restart begins from."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from bot.domain.account import MarginMode, PositionKey
from bot.domain.events import Liquidity
from bot.domain.instrument import TradingState
from bot.domain.order import OrderRequest, OrderStatus
from paper.book import Book
from paper.messages import (
    AddMargin,
    CancelById,
    CancelRequest,
    QueryAccount,
    QueryHistory,
    QueryOrder,
    SetLeverage,
    SetMarginMode,
    SetPositionMode,
    SubmitOrder,
    SubmitOutside,
)
from paper.spec import AssetMode, PositionMode

FORM = 3                             # of a snapshot; another one is refused, never guessed at
NEVER = 1 << 62                      # beyond every price and every moment, and still 64 bits in the file


class FundingDue(msgspec.Struct, frozen=True, tag=True):
    """It is the instrument's time to pay or receive."""

    instrument: int


class GoodUntil(msgspec.Struct, frozen=True, tag=True):
    """A good-till-date order dies, if it still rests."""

    account: int
    name: str


class StatusDue(msgspec.Struct, frozen=True, tag=True):
    """The venue takes other orders in an instrument, as was planned."""

    instrument: int
    state: TradingState


class WarningDue(msgspec.Struct, frozen=True, tag=True):
    """An account was warned; it is looked at again."""

    account: int


Due = (
    SubmitOrder | SubmitOutside | CancelRequest | CancelById | QueryOrder | QueryAccount | QueryHistory | SetMarginMode
    | SetPositionMode | SetLeverage | AddMargin | FundingDue | GoodUntil | WarningDue | StatusDue
)


@dataclass(slots=True)
class Market:
    """One instrument's tape, and what was learnt from it.

    Between ``low`` and ``high`` (exclusive) a price has no consequence: nothing rests there and nobody
    is liquidated; the same for the mark between ``mark_low`` and ``mark_high``. The estimates are sums
    with their weights, one term a minute (see ``paper.activity``).
    """

    last: int | None = None
    mark: int | None = None          # None until the tape carries marks: then mark = last
    bid: int = 0                     # 0 until the tape carries quotes
    bid_quantity: int = 0
    ask: int = 0
    ask_quantity: int = 0
    book: Book | None = None         # None until the tape carries one
    has_prints: bool = False         # False as long as the tape carried neither trades nor candles
    low: int = 0
    high: int = 0
    mark_low: int = 0
    mark_high: int = 0
    minute_ends: int = 0             # ns; 0 before the first price
    volume: int = 0                  # of the running minute
    close: int = 0                   # last price of the minute before
    variance_sum: float = 0.0
    variance_weight: float = 0.0
    volume_sum: float = 0.0
    volume_weight: float = 0.0
    has_volume: bool = False         # False as long as the tape carried none
    bought: float = 0.0              # our own recent takings, decaying: see ``paper.impact``
    sold: float = 0.0
    pressed_at: int = 0
    bar_ranges: list[int] = field(default_factory=list)
    bar_ends: int = 0
    bar_floor: int = 0               # least distance of a fill from the last price in this bar
    funding_rate: int = 0
    funding_at: int = 0
    funding_done: int = 0
    state: TradingState = TradingState.TRADING


@dataclass(slots=True)
class Holding:
    """A position: signed quantity and signed entry value (quantity x average entry price, cash).

    ``margin`` is the wallet of an isolated position, which was taken from the account's; 0 for cross.
    """

    key: PositionKey
    quantity: int
    entry_value: int
    margin: int = 0


@dataclass(slots=True)
class Execution:
    """One trade of an order, kept so that a look-up can tell it again."""

    trade_id: str
    stamp: int
    price: int
    quantity: int
    fee: int
    liquidity: Liquidity
    modelled: bool


@dataclass(slots=True)
class Order:
    """An order that arrived; ``rank`` is its place in time among all orders.

    ``ahead`` is what waits before it at its price, None when that is not known (see ``paper.queue``);
    ``is_triggered`` is True of a conditional order whose price was reached. ``number`` is what the venue calls it, its
    rank on arrival; ``is_outside`` that not the account's client placed it.
    """

    request: OrderRequest
    rank: int
    filled: int = 0
    status: OrderStatus = OrderStatus.WORKING
    executions: list[Execution] = field(default_factory=list)
    ahead: int | None = None
    is_triggered: bool = False
    arrived: int = 0                 # ns
    number: int = 0
    is_outside: bool = False

    @property
    def leaves(self) -> int:
        """Return the quantity that is not filled."""
        return self.request.quantity - self.filled


@dataclass(slots=True)
class Starting:
    """A position that begins with its instrument's first price."""

    key: PositionKey
    quantity: int
    entry_price: int | None


@dataclass(slots=True)
class Told:
    """A fact that its client did not ask for: the name of its class, and the fact as it is written to the file."""

    kind: str
    fact: msgspec.Raw


@dataclass(slots=True)
class Account:
    """One client. ``taken`` and ``moved`` are the venue's times of the last snapshot and of the last fill
    or movement of cash.

    ``wallets`` is cash by asset, without what isolated positions hold; ``asset`` is the first of them. Leverage
    and margin mode are per instrument; ``leverage`` is that of the instruments not set otherwise.

    Ended orders are kept as they are written to the file, so that a snapshot copies them and does not
    encode thousands of them again at every answer.
    """

    index: int
    asset: str
    wallets: dict[str, int]
    leverage: int
    position_mode: PositionMode = PositionMode.ONE_WAY
    asset_mode: AssetMode = AssetMode.SINGLE
    leverages: dict[int, int] = field(default_factory=dict)
    isolated: list[int] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    starting: list[Starting] = field(default_factory=list)
    starting_orders: list[OrderRequest] = field(default_factory=list)    # of outsiders
    resting: dict[str, Order] = field(default_factory=dict)
    conditional: dict[str, Order] = field(default_factory=dict)      # waiting for their trigger price
    ended: dict[str, msgspec.Raw] = field(default_factory=dict)
    traded: dict[int, int] = field(default_factory=dict)             # cash by UTC day, for the fee tier
    taken: int = 0
    moved: int = 0
    warned_until: int = 0            # ns: no second margin call before
    numbered: int = 0                # how many facts it was told unasked, but for its orders
    told: list[Told] = field(default_factory=list)       # the newest of them

    def pay(self, asset: str, amount: int) -> None:
        """Add ``amount`` (cash, signed) to the wallet of ``asset``."""
        self.wallets[asset] = self.wallets.get(asset, 0) + amount

    def leverage_of(self, instrument: int) -> int:
        """Return the leverage that is set for an instrument."""
        return self.leverages.get(instrument, self.leverage)

    def mode_of(self, instrument: int) -> MarginMode:
        """Return how an instrument is held."""
        return MarginMode.ISOLATED if instrument in self.isolated else MarginMode.CROSS


@dataclass(slots=True)
class Ledger:
    """Where cash of one asset went that is in no wallet; all in cash units.

    ``counterparty`` is what the other sides of all trades received. At every moment the wallets and isolated
    margins, less the entry values of what is held (linear; plus those of inverse contracts), plus these five are
    the balances that the accounts began with.
    """

    fees: int = 0
    funding: int = 0
    insurance: int = 0               # the fund: liquidation fees in, bankrupt accounts' losses out
    counterparty: int = 0
    exchanged: int = 0               # what debts in another asset were paid with


@dataclass(slots=True)
class VenueState:
    """The whole venue. ``due`` is a heap by (time, order of entry)."""

    markets: list[Market]
    accounts: list[Account]
    ledgers: dict[str, Ledger] = field(default_factory=dict)     # by asset
    due: list[tuple[int, int, Due]] = field(default_factory=list)
    entered: int = 0
    trades: int = 0
    autocloses: int = 0
    names_reused: int = 0            # orders refused because their name was taken
    form: int = FORM
