"""The engine: ``step(event)`` returns effects and when it wants to be woken next.

The walk of one price: ``step`` dispatches by type -> the market and the mark take it -> the positions on it
and their account's totals change by the difference -> the conditions that depend on it are evaluated to
bits. When no bit changed, no bound that an open episode waits for was crossed and no timer is due, that is
all. Otherwise the account is decided: triggers -> episodes and plans -> parents -> children through the
gate. What was decided is folded into the book within the step and returned.

No I/O, no clock, no logging, no randomness: time is the event's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bot.domain.effects import Effect, LookUpOrder, RaiseAlarm
from bot.domain.errors import ContractError
from bot.domain.events import (
    AccountFact,
    AccountSnapshot,
    AssetsExchanged,
    CashMoved,
    Command,
    Event,
    FundingPaid,
    InstrumentStatus,
    LiquidationStage,
    MarginCall,
    OpenOrderGone,
    OpenOrderSeen,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderTriggered,
    Reloaded,
    Restarted,
    Timer,
    VolumeHistory,
)
from bot.domain.market import (
    BookUpdate,
    CandlePoint,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarketFact,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from bot.engine.deciding.bounds import Bounds
from bot.engine.deciding.episodes import Episodes
from bot.engine.deciding.parents import Parents
from bot.engine.deciding.replacing import end_what_is_gone
from bot.engine.desk import Desk
from bot.engine.gate import Gate
from bot.engine.measures.bad_data import BadData
from bot.engine.measures.columns import Columns
from bot.engine.measures.divergence import Divergence
from bot.engine.measures.freshness import Freshness
from bot.engine.measures.layout import Layout
from bot.engine.measures.market import BARS_UNHEARD, TRADE_LULL, Market
from bot.engine.measures.readings import Readings
from bot.engine.measures.watch import Watch
from bot.engine.protection.account_alarms import tell_of
from bot.engine.protection.adoption import adopt
from bot.engine.protection.catching_up import catch_up, take
from bot.engine.protection.halts import FLATTEN, Halts, flatten_rule
from bot.engine.protection.marks import Marks
from bot.engine.protection.opening_orders import OpeningOrders
from bot.engine.protection.protect import PROTECT, protect_rule
from bot.engine.protection.safety import Safety
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from bot.engine.selling.overdue import look_up_overdue
from bot.engine.selling.seller import Seller
from bot.engine.spec import LimitsSpec, SafetySpec, SurvivalSpec
from bot.rules.ruleset import RuleSet

NOTHING: tuple[Effect, ...] = ()


class Engine:
    """One engine over one layout. Events must not go back in time."""

    def __init__(
        self,
        layout: Layout,
        rules: RuleSet,
        *,
        limits: LimitsSpec,
        survival: tuple[SurvivalSpec, ...],
        marker: str,
        safety: tuple[SafetySpec, ...] = (),
        book: Book | None = None,
    ) -> None:
        self.book = Book.empty(layout) if book is None else book
        self.market = Market(layout)
        self.columns = Columns(layout, self.book)
        self.readings = Readings(layout, self.book, self.columns, self.market)
        self.desk = Desk(layout, self.book, self.columns, self.market, self.readings, limits, survival, marker)
        self.layout = layout
        self.safety = Safety(self.desk)
        self._take_rules(rules, safety)
        accounts = range(len(layout.accounts))
        self.bounds = Bounds(self.desk)
        self.is_first = [False for _ in accounts]    # the next decision is the first after a restart
        self.is_ready = [False for _ in accounts]    # the venue's word was taken since this process began
        self.marks = Marks(self.desk, self.readings.peaks)
        self.freshness = Freshness(self.desk)
        self.divergence = Divergence(self.desk)
        self.bad_data = BadData(self.desk)
        self.is_warming = False                      # old prices: they say nothing of the equity of today
        self.dirty: list[int] = []
        handlers: dict[type, Callable[[Any], None]] = {
            Trade: self._on_trade,
            CandlePoint: self._on_candle_point,
            MarkPrice: self._on_mark,
            IndexPrice: self._on_told,
            Quote: self._on_quotes,
            BookUpdate: self._on_quotes,
            FundingRate: self._on_told,
            OpenInterest: self._on_told,
            ForcedTrade: self._on_told,
            Timer: lambda _: None,           # due deadlines are taken by ``step`` itself
            Command: self._on_command,
            InstrumentStatus: self._on_status,
            Restarted: self._on_restarted,
            Reloaded: self._on_reloaded,
            AccountSnapshot: self._on_snapshot,
            OrderOutcomeUnknown: self._on_unknown,
            VolumeHistory: self.market.take_history,
        }
        for kind in (
            OrderAccepted, OrderRejected, OrderNotSent, OrderNotFound, OrderFilled, OrderEnded, FundingPaid, CashMoved,
            AssetsExchanged, MarginCall, OrderTriggered, LiquidationStage, OpenOrderSeen, OpenOrderGone,
        ):
            handlers[kind] = self._on_account_fact
        self._handlers = handlers

    def replace_rules(
        self, rules: RuleSet, *, limits: LimitsSpec, survival: tuple[SurvivalSpec, ...],
        safety: tuple[SafetySpec, ...] = (),
    ) -> None:
        """Take other rules and limits; the next event must be ``Reloaded``, which ends what they leave without a rule.

        Readings stay, so a window that old and new rules read alike is not covered anew.
        """
        self.desk.limits = limits
        self.desk.survival = survival
        self._take_rules(rules, safety)

    def _take_rules(self, rules: RuleSet, safety: tuple[SafetySpec, ...]) -> None:
        by_name = {**rules.by_name(), FLATTEN: flatten_rule(self.desk.limits), PROTECT: protect_rule()}
        self.readings.plugins.take(rules.plugins, self._alarm)
        self.watch = Watch(self.layout, self.book, self.columns, self.readings, rules)
        self.accounts_on = self.watch.accounts_moved_by()
        self.episodes = Episodes(self.desk, self.watch, by_name)
        self.parents = Parents(self.desk, by_name)
        self.halts = Halts(self.desk, self.episodes, self.parents)
        self.opening_orders = OpeningOrders(self.desk, by_name, safety)
        gate = Gate(self.book, self.columns, self.market, self.desk.limits)
        self.seller = Seller(self.desk, gate)
        self.safety.take(safety, gate)

    def step(self, event: Event) -> tuple[Sequence[Effect], int | None]:
        """Take one event; return what was decided, in order, and the next time a Timer is due.

        Raises ContractError for an event older than the one before it.
        """
        now = event.now
        book = self.book
        if now < book.now:
            raise ContractError(f"event: time goes back, was {now} after {book.now}; {type(event).__name__}")
        book.now = now
        book.seq += 1
        self._handlers[event.__class__](event)
        timers = self.desk.timers
        if timers.next_at is not None and timers.next_at <= now:
            self._take_due(timers.take_due(now))
        if self.dirty:
            self._decide(now)
        effects = self.desk.out
        if not effects:
            return NOTHING, timers.next_at
        self.desk.out = []
        return effects, timers.next_at

    def warm(self, fact: MarketFact) -> None:
        """Take a price without deciding anything: history before a start, or what a restart missed."""
        self.book.now = max(self.book.now, fact.now)
        self.readings.derived.warm_at = fact.now
        self.is_warming = True
        self._handlers[fact.__class__](fact)
        self.is_warming = False
        self.readings.derived.warm_at = None
        self.dirty.clear()

    # Prices ------------------------------------------------------------------------------------------------

    def _on_trade(self, event: Trade) -> None:
        is_plain = event.price > 0 and event.quantity >= 0 and event.stamp <= event.now
        if is_plain or not self.bad_data.is_bad(event):
            self._take_price(event, event.quantity, event.side)

    def _on_candle_point(self, event: CandlePoint) -> None:
        is_plain = event.price > 0 and event.volume >= 0 and event.stamp <= event.now
        if not is_plain and self.bad_data.is_bad(event):
            return
        self.market.lull[event.instrument] = BARS_UNHEARD * event.span or TRADE_LULL
        self._take_price(event, event.volume, 0)

    def _take_price(self, event: Trade | CandlePoint, quantity: int, side: int) -> None:
        """Take a traded price and volume; without a mark stream it is the mark."""
        market, instrument, price, now = self.market, event.instrument, event.price, event.now
        for tell in market.on_trade[instrument]:
            tell(now, quantity, side)
        if now >= market.bucket_end[instrument]:
            market.roll_bucket(instrument, now)
        if now >= market.minute_end[instrument]:
            self._roll_minute(instrument, now)
        market.traded[instrument] += quantity
        market.turnover[instrument] += price * quantity
        market.volatility[instrument].close = price
        market.trade_stamp[instrument] = event.stamp
        is_same = price == market.last[instrument]
        market.last[instrument] = price
        if not is_same and not market.has_marks[instrument]:
            self._move_mark(instrument, price, now)
        elif self.divergence.look(instrument, price, is_warming=self.is_warming) or (
            market.on_trade[instrument] if is_same else self.readings.of_market
        ):
            self._look(instrument)

    def _on_mark(self, event: MarkPrice) -> None:
        if not (event.price > 0 and event.stamp <= event.now) and self.bad_data.is_bad(event):
            return
        instrument, market, lull = event.instrument, self.market, BARS_UNHEARD * event.span
        if not self.is_warming and event.now - event.stamp >= max(self.desk.limits.stale_after, lull):
            return                           # as old as this it is none; the deadline of the one before tells
        is_quicker = not market.has_marks[instrument] or lull < market.lull[instrument]
        market.mark_stamp[instrument], market.lull[instrument], market.has_marks[instrument] = event.stamp, lull, True
        if is_quicker:
            self.freshness.watch(instrument)
        if event.price != self.columns.mark[instrument]:
            self._move_mark(instrument, event.price, event.now)

    def _move_mark(self, instrument: int, price: int, now: int) -> None:
        columns = self.columns
        is_first = columns.mark[instrument] is None
        columns.move_price(instrument, price)
        if is_first:
            self.freshness.heard(instrument)
        divergence = self.divergence
        if not divergence.low[instrument] <= price <= divergence.high[instrument]:     # its own first question
            divergence.look(instrument, price, is_warming=self.is_warming)
        for tell in self.market.on_mark[instrument]:
            tell(now, price)
        if self.readings.peaks.is_wanted and not self.is_warming:
            self.marks.follow_price(instrument)
        watch = self.watch
        if watch.look(instrument) or is_first:
            self.dirty.extend(self.accounts_on[instrument])
            return
        for account in self.accounts_on[instrument]:
            if self.bounds.are_crossed(account, columns.distance[account], now):
                self.dirty.append(account)

    def _roll_minute(self, instrument: int, now: int) -> None:
        self.market.roll_minute(instrument, now)
        for account in self.accounts_on[instrument]:
            if self.watch.look_again(account):
                self.dirty.append(account)

    def _on_quotes(self, event: Quote | BookUpdate) -> None:
        if self.bad_data.is_bad(event):
            return
        self.market.take(event)
        if self.readings.markets.is_quoted:
            self._look(event.instrument)

    def _on_told(self, event: IndexPrice | FundingRate | OpenInterest | ForcedTrade) -> None:
        """Take what is told of a market besides its price."""
        if self.bad_data.is_bad(event):
            return
        self.market.take(event)
        if isinstance(event, IndexPrice):
            self.divergence.look(event.instrument, event.price, is_warming=self.is_warming)
        self._look(event.instrument)
        if self.watch.ages and isinstance(event, FundingRate):
            self.dirty.extend(self.accounts_on[event.instrument])

    def _look(self, instrument: int) -> None:
        if self.watch.look(instrument):
            self.dirty.extend(self.accounts_on[instrument])

    # Accounts ----------------------------------------------------------------------------------------------

    def _on_account_fact(self, fact: AccountFact) -> None:
        if take(self.desk, fact):
            self._account_changed(fact.account)  # type: ignore[union-attr]

    def _account_changed(self, account: int) -> None:
        self.columns.rebuild(account)
        self.safety.protect.changed(account)
        self.marks.follow_account(account)
        for each in range(len(self.layout.accounts)) if self.readings.of_portfolio else (account,):
            self.watch.look_again(each)
            self.dirty.append(each)

    def _on_snapshot(self, fact: AccountSnapshot) -> None:
        adopt(self.desk, self.marks, fact, is_first=not self.is_ready[fact.account])
        self.is_ready[fact.account] = True
        self._account_changed(fact.account)

    def _on_unknown(self, fact: OrderOutcomeUnknown) -> None:
        fold(self.book, fact)
        self.desk.emit(LookUpOrder(fact.account, fact.name, fact.now))
        self._alarm("order_unknown", f"order {fact.name}: {fact.reason}; counted as working until it is found")
        self.dirty.append(fact.account)

    def _on_command(self, command: Command) -> None:
        fold(self.book, command)
        self.halts.obey(command)
        self.dirty.append(command.account)

    def _on_status(self, fact: InstrumentStatus) -> None:
        """What waits for the venue to take orders again is judged anew, never sent blindly."""
        tell_of(self.desk, fact)
        fold(self.book, fact)
        self.dirty.extend(self.accounts_on[fact.instrument])

    def _on_restarted(self, event: Restarted) -> None:
        """Ask what was missed, and for every order that was out; decide nothing before the venue's word is in."""
        self.readings.derived.forget_own()
        for account in range(len(self.layout.accounts)):
            self.is_first[account] = True
            self.is_ready[account] = False
            self.columns.rebuild(account)
            catch_up(self.desk, account)
        for order in list(self.book.orders.values()):
            account = self.layout.keys[order.position].account
            self.desk.emit(LookUpOrder(account, order.name, event.now))
        self.safety.ask_for_all(event.now)
        self.dirty.extend(range(len(self.layout.accounts)))

    def _on_reloaded(self, event: Reloaded) -> None:
        """End what the old rules began and no new one goes on with; look at everything with the new eyes."""
        self.divergence.forget()
        if end_what_is_gone(self.desk, self.episodes.rules, event.now):
            self.parents.cancel_unwanted(event.now)
        for account in range(len(self.layout.accounts)):
            self.watch.look_again(account)
            self.dirty.append(account)

    def _take_due(self, due: list[int]) -> None:
        """Look again at the accounts whose deadline has come, and at those on a market that fell silent."""
        for account in due:
            if account < len(self.layout.accounts):
                if self.watch.is_moved_by_time:
                    self.watch.look_again(account)
                self.dirty.append(account)
        for instrument in self.freshness.judge(due):
            for account in self.accounts_on[instrument]:
                self._account_changed(account)

    def _alarm(self, code: str, detail: str) -> None:
        self.desk.emit(RaiseAlarm(code, detail, self.book.now))

    # Deciding ----------------------------------------------------------------------------------------------

    def _decide(self, now: int) -> None:
        if self.watch.portfolio_rules and all(self.is_ready):
            self.episodes.decide_portfolio(now, is_first=any(self.is_first))
            self.dirty.extend(range(len(self.is_ready)))
        for account in dict.fromkeys(self.dirty):
            if self.is_ready[account]:
                self._decide_account(account, now)
        self.dirty.clear()

    def _decide_account(self, account: int, now: int) -> None:
        self.halts.decide(account, now)
        self.episodes.decide(account, now, is_first=self.is_first[account])
        if self.columns.known[account]:
            self.is_first[account] = False
        self.safety.decide(account, now)
        self.opening_orders.decide(account, now, blind=self.safety.blind.why_cancel[account])
        self.parents.reconcile(account, now)
        self.seller.sell(account, now)
        look_up_overdue(self.desk, account, now)
        self.bounds.set(account, self.episodes, now, watched=self.safety.protect.watch_distance(account))
        moment = self.watch.next_moment(account, now)
        if moment is not None:
            self.desk.timers.set(account, moment)
