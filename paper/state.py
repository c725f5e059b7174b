"""Everything the venue remembers, as plain data: what a snapshot holds and a restart begins from."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from bot.domain.account import PositionKey
from bot.domain.events import Liquidity
from bot.domain.order import OrderRequest, OrderStatus
from paper.messages import CancelRequest, QueryAccount, QueryOrder, SubmitOrder

FORM = 1                             # of a snapshot; another one is refused, never guessed at
NEVER = 1 << 62                      # beyond every price and every moment, and still 64 bits in the file


class FundingDue(msgspec.Struct, frozen=True, tag=True):
    """It is the instrument's time to pay or receive."""

    instrument: int


class GoodUntil(msgspec.Struct, frozen=True, tag=True):
    """A good-till-date order dies, if it still rests."""

    account: int
    name: str


Due = SubmitOrder | CancelRequest | QueryOrder | QueryAccount | FundingDue | GoodUntil


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
    ask: int = 0
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


@dataclass(slots=True)
class Holding:
    """A position: signed quantity and signed entry value (quantity x average entry price, cash)."""

    key: PositionKey
    quantity: int
    entry_value: int


@dataclass(slots=True)
class Execution:
    """One trade of an order, kept so that a look-up can tell it again."""

    trade_id: str
    stamp: int
    price: int
    quantity: int
    fee: int
    liquidity: Liquidity


@dataclass(slots=True)
class Order:
    """An order that arrived; ``rank`` is its place in time among all orders."""

    request: OrderRequest
    rank: int
    filled: int = 0
    status: OrderStatus = OrderStatus.WORKING
    executions: list[Execution] = field(default_factory=list)

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
class Account:
    """One client. ``taken`` and ``moved`` are the venue's times of the last snapshot and the last fill.

    Ended orders are kept as they are written to the file, so that a snapshot copies them and does not
    encode thousands of them again at every answer.
    """

    index: int
    asset: str
    wallet: int
    leverage: int
    holdings: list[Holding] = field(default_factory=list)
    starting: list[Starting] = field(default_factory=list)
    resting: dict[str, Order] = field(default_factory=dict)
    ended: dict[str, msgspec.Raw] = field(default_factory=dict)
    taken: int = 0
    moved: int = 0


@dataclass(slots=True)
class Ledger:
    """Where cash went that is in no wallet; all in cash units.

    ``counterparty`` is what the other sides of all trades received. At every moment the wallets, less
    the entry values of what is held, plus these four are the balances that the accounts began with.
    """

    fees: int = 0
    funding: int = 0
    insurance: int = 0               # the fund: liquidation fees in, bankrupt accounts' losses out
    counterparty: int = 0


@dataclass(slots=True)
class VenueState:
    """The whole venue. ``due`` is a heap by (time, order of entry)."""

    markets: list[Market]
    accounts: list[Account]
    ledger: Ledger = field(default_factory=Ledger)
    due: list[tuple[int, int, Due]] = field(default_factory=list)
    entered: int = 0
    trades: int = 0
    autocloses: int = 0
    names_reused: int = 0            # orders refused because their name was taken
    form: int = FORM
