"""Builders for the paper venue's tests: instruments at round scales, prices, orders, and a patient driver."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.events import AccountFact
from bot.domain.instrument import Filters, Instrument, InstrumentKind
from bot.domain.market import BookUpdate, Trade
from bot.domain.order import OrderClass, OrderRequest, SelfTrade, Side, TimeInForce, TriggerBy, TriggerKind
from bot.domain.scale import CASH_UNIT, NS_PER_MS, to_fixed
from paper.messages import Message, SubmitOrder, Wake
from paper.spec import AccountStart, PositionStart, VenueSpec
from paper.venue import PaperVenue

START = 1_583_971_200_000_000_000        # 2020-03-12 00:00 UTC, a whole minute
MS = NS_PER_MS
LATENCY = 50 * MS
PRICE_DIGITS = 2
QUANTITY_DIGITS = 3


def perpetual(index: int = 0, base: str = "BTC", **filters: int) -> Instrument:
    """Return a linear perpetual with prices in cents and quantities in thousandths."""
    usual = Filters(tick=1, lot=1, quantity_min=1, quantity_max=10**9, notional_min=5 * CASH_UNIT)
    return Instrument(
        index=index,
        symbol=f"{base}/USDT:USDT",
        underlying=base,
        kind=InstrumentKind.LINEAR,
        base=base,
        quote="USDT",
        settle="USDT",
        price_digits=PRICE_DIGITS,
        quantity_digits=QUANTITY_DIGITS,
        filters=replace(usual, **filters),      # type: ignore[arg-type]  # its one boolean stays as it is
    )


def usd(text: str | int) -> int:
    """Return an amount of cash."""
    return to_fixed(Decimal(text), 8)


def cents(text: str | int) -> int:
    """Return a price."""
    return to_fixed(Decimal(text), PRICE_DIGITS)


def lots(text: str | int) -> int:
    """Return a quantity."""
    return to_fixed(Decimal(text), QUANTITY_DIGITS)


def start(balance: str | int, *positions: tuple[int, str | int, str | int | None], account: int = 0) -> AccountStart:
    """Return an account; positions are (instrument, amount, entry price or None)."""
    return AccountStart(
        account=account,
        asset="USDT",
        balance=usd(balance),
        positions=tuple(
            PositionStart(index, lots(amount), None if entry is None else cents(entry))
            for index, amount, entry in positions
        ),
    )


def order(
    side: Side,
    amount: str | int,
    limit: str | int | None,
    *,
    name: str = "a1",
    instrument: int = 0,
    account: int = 0,
    time_in_force: TimeInForce = TimeInForce.IOC,
    reduce_only: bool = False,
    good_until: int | None = None,
    trigger: str | int | None = None,
    trigger_kind: TriggerKind = TriggerKind.STOP,
    trigger_by: TriggerBy = TriggerBy.MARK,
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER,
) -> OrderRequest:
    """Return a request; amount, limit and trigger as a person writes them; no limit is a market order."""
    return OrderRequest(
        name=name,
        key=PositionKey(account, instrument),
        side=side,
        quantity=lots(amount),
        limit_price=None if limit is None else cents(limit),
        time_in_force=time_in_force,
        reduce_only=reduce_only,
        order_class=OrderClass.OPERATOR,
        good_until=good_until,
        trigger_price=None if trigger is None else cents(trigger),
        trigger_kind=trigger_kind,
        trigger_by=trigger_by,
        self_trade=self_trade,
    )


Levels = Sequence[tuple[str | int, str | int]]


def levels(pairs: Levels) -> tuple[tuple[int, int], ...]:
    """Return levels of a book from (price, amount) pairs."""
    return tuple((cents(price), lots(amount)) for price, amount in pairs)


class Bench:
    """A venue with a driver that brings every message to its end."""

    def __init__(
        self, *accounts: AccountStart, spec: VenueSpec | None = None, instruments: Sequence[Instrument] | None = None
    ) -> None:
        self.spec = VenueSpec(latency=LATENCY) if spec is None else spec
        self.instruments = tuple(instruments or (perpetual(),))
        self.venue = PaperVenue(self.spec, self.instruments, accounts)
        self.now = START
        self.told: list[tuple[int, AccountFact]] = []

    def price(self, text: str | int, *, instrument: int = 0, quantity: str = "0.001") -> list[AccountFact]:
        """Print a trade one millisecond later; return what clients learn of it."""
        self.now += MS
        print_ = Trade(self.now, self.now, instrument, cents(text), lots(quantity), 0)
        return self.say(print_)

    def book(
        self, bids: Levels = (), asks: Levels = (), *, snapshot: bool = False, instrument: int = 0
    ) -> list[AccountFact]:
        """Update the tape's book one millisecond later; levels are (price, amount) as a person writes them."""
        self.now += MS
        return self.say(
            BookUpdate(self.now, self.now, instrument, levels(bids), levels(asks), is_snapshot=snapshot)
        )

    def say(self, message: Message) -> list[AccountFact]:
        """Hand in one message now; return what it alone caused at once."""
        answers = list(self.venue.handle(self.now, message))
        self.told += answers
        return [fact for _, fact in answers]

    def finish(self) -> list[AccountFact]:
        """Let everything arrive that is on its way; return what clients learn."""
        facts: list[AccountFact] = []
        for _ in range(1_000):
            wake = self.venue.next_wake()
            if wake is None:
                return facts
            self.now = max(self.now, wake)
            facts += self.say(Wake())
        raise AssertionError("the venue never comes to rest")

    def send(self, request: OrderRequest) -> list[AccountFact]:
        """Submit an order and let it arrive; return all that was said of it."""
        facts = self.say(SubmitOrder(request))
        self.now += self.spec.latency
        return facts + self.say(Wake())
