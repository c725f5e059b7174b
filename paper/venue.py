"""The simulated venue: messages in, facts out, one heap of what is due; no clock, no I/O.

    handle(now, message)   take a price from the tape, a client's message, or Wake; return (delivery time, fact)
    next_wake()            when something is due by itself: messages on their way, funding, good-till dates

Prices reach venue and clients at the same instant; a client's message arrives one latency after it was handed
in, and its answers come back one latency later. At one instant a price comes first: what it liquidates is gone
before a message that arrives then. So a driver hands in the tape's facts of an instant before it wakes the venue
for that instant.

The hot path is a print that changes nothing: it lies inside the range in which nothing rests and no account
can fall below its margin (see ``paper.margin.quiet_range``), inside the running minute, with nothing due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop
from typing import Any

import msgspec

from bot.domain.account import PositionReport
from bot.domain.errors import ContractError
from bot.domain.events import AccountFact
from bot.domain.instrument import Instrument
from bot.domain.market import (
    BookUpdate,
    Candle,
    CandlePoint,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from paper import activity, funding, matching, status
from paper.book import Book
from paper.desk import judge, perform, position_reports
from paper.exchange import Exchange
from paper.margin import totals
from paper.messages import (
    AddMargin,
    CancelById,
    CancelRequest,
    ClientMessage,
    Message,
    QueryAccount,
    QueryHistory,
    QueryOrder,
    SetLeverage,
    SetMarginMode,
    SetPositionMode,
    SetStatus,
    SubmitOrder,
    SubmitOutside,
    Wake,
)
from paper.opening import open_account, start_positions
from paper.quiet import settle_quiet_ranges
from paper.spec import AccountStart, VenueSpec
from paper.state import FORM, NEVER, FundingDue, Holding, Market, Starting, VenueState

Answers = Sequence[tuple[int, AccountFact]]
NOTHING: Answers = ()


class PaperVenue:
    """A Binance style exchange: linear and inverse contracts, cross and isolated margin, one-way and hedge mode."""

    def __init__(
        self, spec: VenueSpec, instruments: Sequence[Instrument], accounts: Sequence[AccountStart]
    ) -> None:
        state = VenueState(
            markets=[Market() for _ in instruments],
            accounts=[open_account(spec, start, instruments) for start in accounts],
        )
        self._attach(Exchange(spec, instruments, state))

    @classmethod
    def restore(cls, spec: VenueSpec, instruments: Sequence[Instrument], snapshot: bytes) -> PaperVenue:
        """Return a venue that behaves from now on exactly as the one that made ``snapshot``.

        Raises ContractError when the bytes are no snapshot of this form, or of other instruments.
        """
        try:
            state = msgspec.json.decode(snapshot, type=VenueState)
        except msgspec.MsgspecError as error:
            raise ContractError(f"venue snapshot: cannot be read, {error}; start a new venue") from error
        if state.form != FORM:
            raise ContractError(f"venue snapshot: form must be {FORM}, was {state.form}; start a new venue")
        if len(state.markets) != len(instruments):
            raise ContractError(
                f"venue snapshot: was made with {len(state.markets)} instruments, there are {len(instruments)} now"
            )
        venue = cls.__new__(cls)
        venue._attach(Exchange(spec, instruments, state))
        return venue

    def snapshot(self) -> bytes:
        """Return everything the venue remembers, as JSON."""
        return msgspec.json.encode(self._exchange.state)

    def _attach(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._markets = exchange.markets
        self._due = exchange.state.due
        self._due_at = self._due[0][0] if self._due else NEVER
        self._doors: dict[type, Callable[[int, Any], Answers]] = {
            Trade: self._trade,
            CandlePoint: self._point,
            MarkPrice: self._mark,
            Quote: self._quote,
            BookUpdate: self._book,
            IndexPrice: self._told,
            OpenInterest: self._told,
            ForcedTrade: self._told,
            FundingRate: self._funding_rate,
            Candle: self._candle,
            SubmitOrder: self._client,
            SubmitOutside: self._client,
            CancelRequest: self._client,
            CancelById: self._client,
            QueryOrder: self._client,
            QueryAccount: self._client,
            QueryHistory: self._client,
            SetMarginMode: self._client,
            SetPositionMode: self._client,
            SetLeverage: self._client,
            AddMargin: self._client,
            SetStatus: self._status,
            Wake: self._wake,
        }

    # What a driver uses -----------------------------------------------------------------------------------

    def handle(self, now: int, message: Message) -> Answers:
        """Take one message at ``now``; return what clients will learn, with the time at which they do."""
        return self._doors[message.__class__](now, message)

    def next_wake(self) -> int | None:
        """Return when something is due by itself, or None."""
        return None if self._due_at == NEVER else self._due_at

    def admit(self, start: AccountStart) -> None:
        """Let one more account begin now, its positions at the present prices where there are any.

        Raises ContractError when the venue has an account of that index, or cannot hold this one.
        """
        exchange = self._exchange
        if start.account in exchange.accounts:
            raise ContractError(f"venue: there is an account {start.account} already; give the new one another index")
        account = open_account(exchange.spec, start, exchange.instruments)
        exchange.state.accounts.append(account)
        exchange.accounts[account.index] = account
        for index, market in enumerate(self._markets):
            if market.last is not None:
                start_positions(exchange, index, market.last)
        self._settle_quiet_ranges()

    # What may be looked at --------------------------------------------------------------------------------

    def is_started(self, account: int) -> bool:
        """True when every position that the account starts with has had its first price."""
        return not self._exchange.accounts[account].starting

    def net_quantity(self, instrument: int) -> int:
        """Return the signed quantity that all accounts hold together, starting positions included."""
        held: list[Holding | Starting] = []
        for account in self._exchange.state.accounts:
            held += account.holdings
            held += account.starting
        return sum(each.quantity for each in held if each.key.instrument == instrument)

    def account_totals(self, account: int) -> tuple[int, int, int]:
        """Return wallet, equity and maintenance margin, cash units, at the present marks."""
        now = totals(self._exchange, self._exchange.accounts[account])
        return now.wallet, now.equity, now.maintenance

    def positions(self, account: int) -> tuple[PositionReport, ...]:
        """Return what the account holds."""
        return position_reports(self._exchange.accounts[account])

    def insurance(self, asset: str) -> int:
        """Return what the insurance fund gained in an asset since the venue began, cash units."""
        return self._exchange.ledger(asset).insurance

    @property
    def names_reused(self) -> int:
        """Return how many orders were refused because their name was taken."""
        return self._exchange.state.names_reused

    # The tape's facts -------------------------------------------------------------------------------------

    def _trade(self, now: int, fact: Trade) -> Answers:
        market = self._markets[fact.instrument]
        price = fact.price
        if market.low < price < market.high and now < market.minute_ends and now <= self._due_at:
            market.last = price
            market.volume += fact.quantity
            return NOTHING
        market.has_prints = True
        return self._price(
            now, fact.instrument, price=price, volume=fact.quantity, printed=fact.quantity, side=fact.side
        )

    def _point(self, now: int, fact: CandlePoint) -> Answers:
        market = self._markets[fact.instrument]
        price = fact.price
        if market.low < price < market.high and now < market.minute_ends and now <= self._due_at:
            market.last = price
            market.volume += fact.volume
            return NOTHING
        market.has_prints = True
        return self._price(now, fact.instrument, price=price, volume=fact.volume, printed=None, side=0)

    def _mark(self, now: int, fact: MarkPrice) -> Answers:
        market = self._markets[fact.instrument]
        if market.mark_low < fact.price < market.mark_high and now <= self._due_at:
            market.mark = fact.price
            return NOTHING
        self._before(now)
        _require_price(fact.price, self._exchange.instruments[fact.instrument])
        market.mark = fact.price
        return self._consequences(fact.instrument)

    def _quote(self, now: int, fact: Quote) -> Answers:
        answers = self._overdue(now)
        market = self._markets[fact.instrument]
        market.bid, market.bid_quantity = fact.bid, fact.bid_quantity
        market.ask, market.ask_quantity = fact.ask, fact.ask_quantity
        matching.refresh_queues(self._exchange, fact.instrument)
        return answers

    def _book(self, now: int, fact: BookUpdate) -> Answers:
        """Take in a change of the book; while the tape has no prints, its middle stands for the last price."""
        answers = list(self._overdue(now))
        self._exchange.begin(at=now, now=now)
        market = self._markets[fact.instrument]
        if market.book is None:
            market.book = Book()
        market.book.fold(fact)
        matching.cross_by_book(self._exchange, fact.instrument)
        mid = None if market.has_prints else market.book.mid()
        if mid is not None:
            return [*answers, *self._price(now, fact.instrument, price=mid, volume=0, printed=0, side=0)]
        return [*answers, *self._after()] if self._exchange.reports else answers

    def _told(self, now: int, fact: IndexPrice | OpenInterest | ForcedTrade) -> Answers:
        del now, fact                # for rules to read: marks come ready-made, and forced trades as trades too
        return NOTHING

    def _funding_rate(self, now: int, fact: FundingRate) -> Answers:
        self._before(now)
        funding.pay(self._exchange, fact.instrument)     # the next rate is often told at the very time of the last
        at = funding.announce(self._markets[fact.instrument], fact)
        if at is not None:
            self._exchange.schedule(at, FundingDue(fact.instrument))
        judge(self._exchange, fact.instrument)
        return self._after()

    def _candle(self, now: int, candle: Candle) -> Answers:
        answers = self._overdue(now)
        activity.open_bar(
            self._markets[candle.instrument],
            self._exchange.spec.impact,
            width=candle.high - candle.low,
            ends=candle.opened + candle.span,
        )
        return answers

    def _price(
        self, now: int, index: int, *, price: int, volume: int, printed: int | None, side: int
    ) -> Answers:
        """Take a price that may have consequences."""
        self._before(now)
        exchange = self._exchange
        instrument = exchange.instruments[index]
        _require_price(price, instrument)
        market = self._markets[index]
        if market.last is None:
            activity.begin(market, instrument, exchange.spec.impact, now=now, price=price)
            market.last = price
            start_positions(exchange, index, price)
            matching.start_orders(exchange, index)
            status.plan(exchange, index)
        elif now >= market.minute_ends:
            activity.close_minutes(market, now)
        market.last = price
        market.volume += volume
        matching.cross_by_print(exchange, index, price=price, printed=printed, side=side)
        return self._consequences(index)

    def _consequences(self, index: int) -> Answers:
        """Send the conditional orders whose price has come, then judge the holders.

        A price passes a stop before it reaches what lies beyond, so what the stop could sell is sold first.
        """
        matching.trigger(self._exchange, index)
        judge(self._exchange, index)
        return self._after()

    def _status(self, now: int, message: SetStatus) -> Answers:
        self._before(now)
        status.change(self._exchange, message.instrument, message.state)
        return self._consequences(message.instrument)

    # What is due ------------------------------------------------------------------------------------------

    def _client(self, now: int, message: ClientMessage) -> Answers:
        account = message.request.key.account if isinstance(message, SubmitOrder | SubmitOutside) else message.account
        if account not in self._exchange.accounts:
            raise ContractError(f"venue: there is no account {account}; it was asked {message}")
        self._exchange.schedule(now + self._exchange.spec.latency, message)
        self._due_at = self._due[0][0]
        return self._wake(now, Wake())

    def _wake(self, now: int, message: Wake) -> Answers:
        del message
        if self._due_at > now:
            return NOTHING
        self._run_due(now + 1, now)
        return self._after()

    def _before(self, now: int) -> None:
        """Do what was due before ``now``; what is due at ``now`` waits for the price."""
        self._run_due(now, now)
        self._exchange.begin(at=now, now=now)

    def _overdue(self, now: int) -> Answers:
        """Do what was due before ``now`` and tell of it."""
        if now <= self._due_at:
            return NOTHING
        self._before(now)
        return self._after()

    def _after(self) -> Answers:
        """Settle how far prices may move unnoticed and when something is due, and hand out what there is to tell."""
        exchange = self._exchange
        self._settle_quiet_ranges()
        self._due_at = self._due[0][0] if self._due else NEVER
        reports = exchange.reports
        if not reports:
            return NOTHING
        exchange.reports = []
        return reports

    def _settle_quiet_ranges(self) -> None:
        settle_quiet_ranges(self._exchange)

    def _run_due(self, until: int, now: int) -> None:
        """Do everything that is due before ``until``, each thing at its own time."""
        while self._due and self._due[0][0] < until:
            at, _, due = heappop(self._due)
            self._exchange.begin(at=at, now=now)
            perform(self._exchange, due)


def _require_price(price: int, instrument: Instrument) -> None:
    if price <= 0:
        raise ContractError(
            f"venue: a price of {instrument.symbol} must be above 0, was {price}; mend the tape's reader"
        )
