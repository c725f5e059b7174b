"""One account at Binance USD-M as the daemon's venue: orders out, and what became of them back as facts.

No call here waits. Each starts a task that asks in its lane and tells what it learned; a task cannot fail, since
every way in which a request can go wrong is an outcome. What is not known stays not known: an unknown order is told as
such and looked up by its name, and "not found" is told only on the venue's word that it is not.

    place             NOT_SENT, REJECTED, ACCEPTED, or unknown; a stop counts as accepted when it was read back
    cancel            the end, as the venue states it; what it does not find is looked up
    look_up           the fills, again, then the state; or the venue's "does not exist"
    report_account    the whole account, when both of its pages agree
    catch_up          orders, fills and stops of every market since a time
    reconcile         all of it: at start, on a timer, after every reconnect
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import Any

from bot.adapters.ccxt import binance_account, binance_orders
from bot.adapters.ccxt.account_stream import AccountDecoder, Attention, Wanted
from bot.adapters.ccxt.arrivals import Arrivals
from bot.adapters.ccxt.binance_account import Incomes
from bot.adapters.ccxt.binance_orders import Ask
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.errands import Errands
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.order_questions import HISTORY_MAX, OrderQuestions, require_order
from bot.adapters.ccxt.outcome import (
    BINANCE,
    Answer,
    Outcome,
    fact_of,
    outcome_of_error,
    outcome_of_order,
    says_absent,
    venue_code,
)
from bot.adapters.ccxt.patience import CATCH_UP_MAX, CATCH_UP_WAITS, READ_BACK_WAITS
from bot.adapters.ccxt.replies import as_row, as_rows
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.turnstile import TooLate
from bot.adapters.ccxt.witnesses import Witnesses
from bot.domain.events import AccountFact, OpenOrderGone, OrderFilled, OrderNotFound
from bot.domain.open_order import OpenOrder
from bot.domain.order import Approved, OrderClass, OrderRequest
from bot.domain.scale import NS_PER_MINUTE, NS_PER_MS

READS_MAX = 3                        # of an account whose pages contradict each other, as they do while it trades
READ_AGAIN = 0.5                     # s between two of them
TRADES_SEEN_MAX = 10_000             # trade ids that the witness has counted
OVERLAP = 50 * NS_PER_MS             # a request may be read so much before its stamp says, beside the clock's error
# ms that an order may be on its way: below the least a slow minute refuses all; for the most a restart has to wait
WINDOW_MIN, WINDOW_MAX = 1_000, 2_000
_URGENT = frozenset({OrderClass.MARGIN, OrderClass.STOP, OrderClass.OPERATOR})


class BinanceVenue:
    """The venue port of one account. ``tell`` takes facts, ``report`` troubles; both are called on the loop.

    ``symbols`` are the venue's own, in the order of the account's instruments.
    """

    def __init__(
        self,
        connection: Connection,
        decoder: AccountDecoder,
        time: VenueTime,
        *,
        tell: Callable[[AccountFact], None],
        report: Callable[[Trouble], None],
    ) -> None:
        self.connection = connection
        self.decoder = decoder
        self.view = decoder.view
        self.time = time
        self.questions = OrderQuestions(connection, decoder, time)
        self.symbols: Sequence[str] = tuple(self.view.instruments)
        self.witnesses = Witnesses()
        self.arrivals = Arrivals(time.now, window=WINDOW_MAX * NS_PER_MS)
        self.incomes: Incomes | None = None
        self.on_read_fill: Callable[[OrderFilled], None] = lambda _: None    # of each that a page was the first to tell
        self._tell_on = tell
        self._report = report
        self._by_index = {each.index: symbol for symbol, each in self.view.instruments.items()}
        self._errands = Errands(self._trouble)
        self._trades: OrderedDict[str, None] = OrderedDict()
        self._catching_up: asyncio.Task[None] | None = None
        self._is_reading = False
        self._is_reconciling = False

    # The port ---------------------------------------------------------------------------------------------

    def place(self, now: int, approved: Approved) -> None:
        """Send an order that the gate passed: in this call where nothing holds it up."""
        try:
            reply = self._sent(now, approved)
        except Exception as error:  # noqa: BLE001  # nothing was sent; the engine asks for it like for any other
            self._errands.died(error)
            return
        self._errands.start(self._placed(approved.request, reply))

    def cancel(self, now: int, account: int, name: str) -> None:
        """Ask for an order's end."""
        del now, account
        self._errands.start(self._cancel(name))

    def cancel_foreign(self, now: int, account: int, order: OpenOrder) -> None:
        """Ask for the end of an order that is not ours."""
        del now, account
        self._errands.start(self._cancel_foreign(order))

    def look_up(self, now: int, account: int, name: str) -> None:
        """Ask what became of an order."""
        del now, account
        self._errands.start(self._look_up(name))

    def report_account(self, now: int, account: int) -> None:
        """Ask for balances and positions; while they are being read, that reading is the answer.

        What is being caught up with is waited for, and what a dead process sent, until it can come no more: the engine
        decides on this word, and must neither sell that again nor use its name.
        """
        del now, account
        if not self._is_reading:
            self._is_reading = True
            self._errands.start(self._report_account())

    def catch_up(self, now: int, account: int, facts_after: int, orders_after: int) -> None:
        """Ask for everything since ``orders_after``; this venue numbers no facts, so ``facts_after`` says nothing."""
        del account, facts_after
        self._catching_up = self._errands.start(self._catch_up_surely(max(orders_after, now - HISTORY_MAX)))

    # For the rim ------------------------------------------------------------------------------------------

    def tell(self, fact: AccountFact) -> None:
        """Pass a fact on, from the stream or a reply; fills count for what is expected to be held."""
        if isinstance(fact, OrderFilled) and fact.trade_id not in self._trades:
            self._trades[fact.trade_id] = None
            while len(self._trades) > TRADES_SEEN_MAX:
                self._trades.popitem(last=False)
            self.witnesses.note(fact)
        self._tell_on(fact)

    def attend(self, attention: Attention) -> None:
        """Ask for what the stream did not say."""
        match attention.wanted:
            case Wanted.ACCOUNT:
                self.report_account(attention.now, attention.account)
            case Wanted.FUNDING:
                self._errands.start(self._read_incomes())
                self.report_account(attention.now, attention.account)
            case Wanted.ORDERS | Wanted.STREAM:
                self.ask_all(attention.now - NS_PER_MINUTE)

    def ask_all(self, since: int) -> None:
        """Begin to reconcile from a time on (ns), unless that is under way."""
        if not self._is_reconciling:
            self._is_reconciling = True
            self._errands.start(self._reconcile_once(since))

    async def _reconcile_once(self, since: int) -> None:
        try:
            await self.reconcile(since)
        finally:
            self._is_reconciling = False

    async def reconcile(self, since: int) -> None:
        """Ask for orders and fills since a time (ns), for what is open, and for the account."""
        await asyncio.gather(self._catch_up(since), self._list_open(), self._read_incomes())
        self.report_account(self.time.now(), self.view.account)

    async def close(self) -> None:
        """Cancel what is under way; an order among it is told as unknown."""
        await self._errands.close()

    # Tasks ------------------------------------------------------------------------------------------------

    async def _placed(self, request: OrderRequest, reply: Awaitable[Any]) -> None:
        """Tell what became of an order that was sent, or is on its way."""
        try:
            answer = outcome_of_order(binance_orders.unified(await reply), self.view.names.encode(request.name))
        except TooLate as late:
            answer = Answer(Outcome.NOT_SENT, "", str(late))
        except asyncio.CancelledError as error:
            self._tell_outcome(outcome_of_error(error, BINANCE), request)
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it has an outcome
            answer = outcome_of_error(error, BINANCE)
        self.arrivals.learned(request.name, answer.outcome)
        if answer.outcome is Outcome.ACCEPTED and request.trigger_price is not None:
            await self._read_back(request.name)
            return
        self._tell_outcome(answer, request)

    async def _read_back(self, name: str) -> None:
        """Look for a stop that was taken, for a while: one that nobody can see protects nobody, but pages lag."""
        for wait in READ_BACK_WAITS:
            try:
                self._tell_all(await self.questions.about(name))
            except Exception as error:  # noqa: BLE001  # absent or not told: it is asked again
                if not says_absent(error, BINANCE):
                    self._trouble("look_up_unanswered", f"{name}: {outcome_of_error(error, BINANCE).detail}")
                await asyncio.sleep(wait)
            else:
                return
        await self._look_up(name)

    async def _cancel(self, name: str) -> None:
        symbol = self.questions.symbol_of(name)
        conditional = self.questions.is_stop(name)
        ask = binance_orders.cancel(symbol, self.view.names.encode(name), is_conditional=conditional)
        try:
            reply = await self._call(ask, Lane.CANCEL)
            if not conditional:
                row = require_order(as_row(reply), self.view.names.encode(name))
                facts = binance_orders.facts_of_order(row, self.view, now=self.time.now(), name=name)
                self._tell_all(list(facts))
                return
        except Exception as error:  # noqa: BLE001  # not cancelled, as far as we know: the engine asks again
            if venue_code(str(error)) != "-2011":
                self._trouble("cancel_unanswered", f"{name}: {outcome_of_error(error, BINANCE).detail}")
                return
        await self._look_up(name)

    async def _cancel_foreign(self, order: OpenOrder) -> None:
        symbol, conditional = self._by_index[order.key.instrument], order.trigger_price is not None
        ask = binance_orders.cancel_number(symbol, order.venue_id, is_conditional=conditional)
        try:
            await self._call(ask, Lane.CANCEL)
        except Exception as error:  # noqa: BLE001  # not cancelled, as far as we know: the engine asks again
            if venue_code(str(error)) != "-2011":
                self._trouble("cancel_unanswered", f"{order.venue_id}: {outcome_of_error(error, BINANCE).detail}")
                return
        self.tell(OpenOrderGone(self.time.now(), self.view.account, order.venue_id))

    async def _look_up(self, name: str) -> None:
        asked = self.time.now()
        try:
            facts = await self.questions.about(name)
        except Exception as error:  # noqa: BLE001  # a failure to ask is no witness; the engine asks again
            if says_absent(error, BINANCE):
                may_come = self.arrivals.may_come(name, asked)
                self.tell(OrderNotFound(self.time.now(), self.view.account, name, asked, may_come))
            else:
                self._trouble("look_up_unanswered", f"{name}: {outcome_of_error(error, BINANCE).detail}")
            return
        self._tell_all(facts)

    async def _report_account(self) -> None:
        doubt: str | None = None
        try:
            await self.arrivals.quiet()
            if self._catching_up is not None:
                await asyncio.wait({self._catching_up}, timeout=CATCH_UP_MAX)
            for _ in range(READS_MAX):
                doubt = await self._read_account()
                if doubt is None:
                    return
                await asyncio.sleep(READ_AGAIN)
            self._trouble("account_doubted", str(doubt))
        except Exception as error:  # noqa: BLE001  # the account stays as it was known; the engine asks again
            self._trouble("account_unread", outcome_of_error(error, BINANCE).detail)
        finally:
            self._is_reading = False

    async def _read_account(self) -> str | None:
        """Read the account once and tell it, or return why it is not to be believed."""
        asked = self.time.venue_now() - self.time.error - OVERLAP
        page, positions, orders = await asyncio.gather(
            self._call(binance_account.ACCOUNT, Lane.READ), self._call(binance_account.POSITIONS, Lane.READ),
            self._open_orders(),
        )
        read = binance_account.read_account(as_row(page), self.view, now=self.time.now(), asked=asked)
        doubt = self.witnesses.doubts(read, binance_account.read_positions(as_rows(positions), self.view))
        if doubt is not None:
            return doubt
        for stray in read.strays:
            self._trouble("position_stray", f"{stray}: is held in a market that is not configured; nobody guards it")
        self.tell(replace(read.snapshot, orders=orders))
        return None

    async def _open_orders(self) -> tuple[OpenOrder, ...] | None:
        """Return all open orders, None where they cannot be read: what is held is worth telling all the same."""
        try:
            return await self.questions.open_everywhere()
        except Exception as error:  # noqa: BLE001  # the next reading asks again
            self._trouble("open_orders_unread", outcome_of_error(error, BINANCE).detail)
            return None

    async def _catch_up_surely(self, since: int) -> None:
        """Ask until every market has answered, for a while: an exit must not wait for a page that stays broken.

        What a dead process sent is waited for first: before it has come, no list has it.
        """
        await self.arrivals.quiet()
        for wait in CATCH_UP_WAITS:
            if await self._catch_up(since):
                return
            await asyncio.sleep(wait)
        await self._catch_up(since)

    async def _catch_up(self, since: int) -> bool:
        """Tell of orders and fills since a time; return whether every market has answered."""
        answered = await asyncio.gather(*(
            self._tell_answer(self.questions.since(symbol, since), "catch_up_failed", symbol) for symbol in self.symbols
        ))
        return all(answered)

    async def _list_open(self) -> None:
        """Tell of every order of ours that rests, so that the engine finds what it does not know."""
        for symbol in self.symbols:
            await self._tell_answer(self.questions.resting(symbol), "open_orders_unread", symbol)

    async def _tell_answer(self, answer: Awaitable[list[AccountFact]], code: str, symbol: str) -> bool:
        """Tell what a question brings; a failure to ask is told to a person and returns False: it is asked again."""
        try:
            facts = await answer
        except Exception as error:  # noqa: BLE001  # nothing is believed of what was not read whole
            self._trouble(code, f"{symbol}: {outcome_of_error(error, BINANCE).detail}")
            return False
        self._tell_all(facts)
        return True

    async def _read_incomes(self) -> None:
        if self.incomes is None:
            self.incomes = Incomes(self.time.venue_now())
        try:
            rows = await self._call(binance_account.incomes_since(self.incomes.since), Lane.READ)
            self._tell_all(list(self.incomes.facts(as_rows(rows), self.view, now=self.time.now())))
        except Exception as error:  # noqa: BLE001  # as above
            self._trouble("incomes_unread", outcome_of_error(error, BINANCE).detail)

    # Helpers ----------------------------------------------------------------------------------------------

    def _sent(self, now: int, approved: Approved) -> Coroutine[Any, Any, Any]:
        """Begin the call for an order, which the venue itself refuses when it comes too late to be wanted."""
        request, valid_until = approved.request, approved.valid_until
        symbol = self._by_index[request.key.instrument]
        identity = self.view.names.encode(request.name)
        ask = binance_orders.place(request, self.view.instruments[symbol], symbol, identity, now=now)
        self.arrivals.sent(request.name, max(now, valid_until))
        ask.parameters["recvWindow"] = str(min(WINDOW_MAX, max(WINDOW_MIN, (valid_until - now) // NS_PER_MS)))
        lane = Lane.RISK if request.order_class in _URGENT else Lane.SLICE
        return self.connection.send(
            ask.method, ask.parameters, lane, weight=ask.weight, orders=ask.orders, valid_until=valid_until
        )

    def _call(self, ask: Ask, lane: Lane) -> Awaitable[Any]:
        return self.connection.call(ask.method, ask.parameters, lane, weight=ask.weight, orders=ask.orders)

    def _tell_outcome(self, answer: Answer, request: OrderRequest) -> None:
        self.tell(fact_of(answer, now=self.time.now(), account=self.view.account, name=request.name))

    def _tell_all(self, facts: Iterable[AccountFact]) -> None:
        for fact in facts:
            if isinstance(fact, OrderFilled) and fact.trade_id not in self._trades:
                self.on_read_fill(fact)
            self.tell(fact)

    def _trouble(self, code: str, detail: str) -> None:
        self._report(Trouble(self.time.now(), code, detail))
