"""One account at any exchange of ccxt's as the daemon's venue, by unified methods: orders out, facts back.

As with Binance's (``bot.adapters.ccxt.venue``): no call waits, each starts a task that asks in its lane and tells what
it learned, and what is not known stays not known. What differs is whom is believed: an account's stream only rings, so
what became of an order that ends by itself is asked for until it is told, and of those that rest at every reading.

    place             NOT_SENT, REJECTED, ACCEPTED, or unknown; a stop counts as accepted when it was read back
    cancel, look_up   the fills, then the state; or the exchange's "does not exist"
    report_account    balances, positions, what is open, and every trade since the last reading
    catch_up          trades and ended orders of every market since a time
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.arrivals import Arrivals
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.errands import Errands
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.outcome import Answer, Dialect, Outcome, fact_of, outcome_of_error, outcome_of_order
from bot.adapters.ccxt.patience import CATCH_UP_MAX, CATCH_UP_WAITS, READ_BACK_WAITS
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.turnstile import TooLate
from bot.adapters.ccxt.unified import orders
from bot.adapters.ccxt.unified.client import WINDOW_MS
from bot.adapters.ccxt.unified.habits import CashPage, Total
from bot.adapters.ccxt.unified.orders import Arts
from bot.adapters.ccxt.unified.questions import Questions
from bot.adapters.ccxt.unified.reading import HISTORY_MAX, OVERLAP, AccountReader
from bot.domain.errors import Unsupported
from bot.domain.events import (
    AccountFact,
    OpenOrderGone,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderRejected,
)
from bot.domain.open_order import OpenOrder
from bot.domain.order import Approved, OrderClass, OrderRequest, TimeInForce
from bot.domain.scale import NS_PER_MS

FOLLOWED = (0.0, 0.2, 0.4, 0.8, 1.6, 3.2)    # s between questions about an order that ends by itself
LIVE_MAX = 1_000                     # orders of ours at work; the engine's own limits are far below
_URGENT = frozenset({OrderClass.MARGIN, OrderClass.STOP, OrderClass.OPERATOR})
_ENDINGS = (OrderEnded, OrderRejected, OrderNotSent, OrderNotFound)


class UnifiedVenue:
    """The venue port of one account. ``tell`` takes facts, ``report`` troubles; both are called on the loop."""

    def __init__(
        self,
        connection: Connection,
        view: AccountView,
        arts: Arts,
        dialect: Dialect,
        cash: CashPage | Total,
        time: VenueTime,
        *,
        tell: Callable[[AccountFact], None],
        report: Callable[[Trouble], None],
    ) -> None:
        self.connection = connection
        self.view = view
        self.time = time
        self.questions = Questions(connection, view, arts, dialect, time)
        self.reader = AccountReader(
            connection, view, self.questions, dialect, cash, time, tell=self.tell, settle=self._settle, report=report
        )
        self.arrivals = Arrivals(time.now, window=WINDOW_MS * NS_PER_MS)
        self._arts = arts
        self._dialect = dialect
        self._tell_on = tell
        self._report = report
        self._by_index = {each.index: each for each in view.instruments.values()}
        self._errands = Errands(self._trouble)
        self._live: OrderedDict[str, None] = OrderedDict()
        self._followed: set[str] = set()
        self._catching_up: asyncio.Task[None] | None = None

    # The port ---------------------------------------------------------------------------------------------

    def place(self, now: int, approved: Approved) -> None:
        """Send an order that the gate passed."""
        self._errands.start(self._place(now, approved))

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

        What is being caught up with is waited for, and what a dead process sent, for as long as an exchange that takes
        no late requests would take it: the engine decides on this word, and must neither sell that again nor use its
        name.
        """
        del now, account
        if not self.reader.is_busy:
            self._errands.start(self.read())

    def catch_up(self, now: int, account: int, facts_after: int, orders_after: int) -> None:
        """Ask for everything since ``orders_after``; nothing is numbered here, so ``facts_after`` says nothing."""
        del account, facts_after
        self._catching_up = self._errands.start(self._catch_up(max(orders_after, now - HISTORY_MAX)))

    # For the rim ------------------------------------------------------------------------------------------

    def tell(self, fact: AccountFact) -> None:
        """Pass a fact on; fills count for what is expected to be held, ends for what is asked about."""
        if isinstance(fact, OrderFilled):
            self.reader.note(fact)
        if isinstance(fact, OrderAccepted):
            self._live[fact.name] = None
            while len(self._live) > LIVE_MAX:
                self._live.popitem(last=False)
        elif isinstance(fact, _ENDINGS):
            self._live.pop(fact.name, None)
        self._tell_on(fact)

    async def read(self) -> None:
        """Read the account, after what is being caught up with: its fills explain what is held."""
        await self.arrivals.quiet()
        if self._catching_up is not None:
            await asyncio.wait({self._catching_up}, timeout=CATCH_UP_MAX)
        await self.reader.read()

    async def close(self) -> None:
        """Cancel what is under way; an order among it is told as unknown."""
        await self._errands.close()

    # Orders -----------------------------------------------------------------------------------------------

    async def _place(self, now: int, approved: Approved) -> None:
        request = approved.request
        instrument = self._by_index[request.key.instrument]
        lane = Lane.RISK if request.order_class in _URGENT else Lane.SLICE
        self.questions.note_sent(request.name, now)
        self.arrivals.sent(request.name, max(now, approved.valid_until))
        try:
            asked = orders.place(request, instrument, self.view, self._arts)
            reply = await self.connection.ask("create_order", *asked, lane=lane, valid_until=approved.valid_until)
            answer = outcome_of_order(reply, self.view.names.encode(request.name))
        except TooLate as late:
            answer = Answer(Outcome.NOT_SENT, "", str(late))
        except Unsupported as refused:
            answer = Answer(Outcome.REJECTED, "unsupported", str(refused))
        except asyncio.CancelledError as error:
            self._tell_outcome(outcome_of_error(error, self._dialect), request)
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it has an outcome
            answer = outcome_of_error(error, self._dialect)
        self.arrivals.learned(request.name, answer.outcome)
        if answer.outcome is Outcome.ACCEPTED:
            self.questions.note_ours(request.name, answer.detail)
            if request.trigger_price is not None:
                await self._read_back(request.name)
                return
        self._tell_outcome(answer, request)
        if answer.outcome is Outcome.ACCEPTED and request.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            await self._follow(request.name)

    async def _read_back(self, name: str) -> None:
        """Look for a stop that was taken, for a while: one that nobody can see protects nobody, but pages lag."""
        for wait in READ_BACK_WAITS:
            if await self._found(name):
                return
            await asyncio.sleep(wait)
        await self._look_up(name)

    async def _follow(self, name: str) -> None:
        """Ask about an order that ends by itself until its end is told; every reading asks again."""
        self._followed.add(name)
        try:
            for wait in FOLLOWED:
                await asyncio.sleep(wait)
                if name not in self._live:
                    return
                await self._found(name)
        finally:
            self._followed.discard(name)

    async def _cancel(self, name: str) -> None:
        instrument, is_stop = self.questions.instrument_of(name), self.questions.is_stop(name)
        asked, number = orders.asking(self._arts, is_stop=is_stop), self.questions.number_of(name)
        try:
            if number is None and not self._arts.abilities.cancels_by_name:
                await self.questions.open_orders()
                number = self.questions.number_of(name)
            if number is None:
                identity = self.view.names.encode(name)
                number, asked = orders.by_name(identity, self.view.names.parameter, self._arts, is_stop=is_stop)
            await self.connection.ask("cancel_order", number, instrument.symbol, asked, lane=Lane.CANCEL)
        except Exception as error:  # noqa: BLE001  # not cancelled, as far as we know: the engine asks again
            if not self._says_gone(error):
                self._trouble("cancel_unanswered", f"{name}: {outcome_of_error(error, self._dialect).detail}")
                return
        await self._look_up(name)

    async def _cancel_foreign(self, order: OpenOrder) -> None:
        symbol, is_stop = self._by_index[order.key.instrument].symbol, order.venue_id.startswith(orders.STOP)
        asked = orders.asking(self._arts, is_stop=is_stop)
        try:
            number = order.venue_id.removeprefix(orders.STOP)
            await self.connection.ask("cancel_order", number, symbol, asked, lane=Lane.CANCEL)
        except Exception as error:  # noqa: BLE001  # as above
            if not self._says_gone(error):
                detail = outcome_of_error(error, self._dialect).detail
                self._trouble("cancel_unanswered", f"{order.venue_id}: {detail}")
                return
        self.tell(OpenOrderGone(self.time.now(), self.view.account, order.venue_id))

    async def _look_up(self, name: str) -> None:
        """Tell what became of an order, or that the exchange knows none of that name."""
        asked = self.time.now()
        if await self._found(name) is False:
            may_come = self.arrivals.may_come(name, asked)
            self.tell(OrderNotFound(self.time.now(), self.view.account, name, asked, may_come))

    async def _found(self, name: str) -> bool | None:
        """Tell what became of an order; False where the exchange has none of that name, None where it is silent."""
        try:
            facts = await self.questions.about(name)
        except Exception as error:  # noqa: BLE001  # a failure to ask is no witness; the engine asks again
            if self.questions.says_absent(error):
                return False
            self._trouble("look_up_unanswered", f"{name}: {outcome_of_error(error, self._dialect).detail}")
            return None
        self._tell_all(facts)
        return True

    # Rounds -----------------------------------------------------------------------------------------------

    async def _settle(self, opened: tuple[OpenOrder, ...]) -> None:
        """Tell which orders of ours rest, and ask about those that were at work and rest no more."""
        resting = {order.name for order in opened}
        for name in resting:
            if self.questions.is_ours(name) and name not in self._live:
                self.tell(OrderAccepted(self.time.now(), self.view.account, name))
        for name in [name for name in self._live if name not in resting and name not in self._followed]:
            await self._look_up(name)

    async def _catch_up(self, since: int) -> None:
        """Ask until every market has answered, for a while: an exit must not wait for a page that stays broken.

        What a dead process sent is waited for first: before it has come, no list has it.
        """
        await self.arrivals.quiet()
        asked = since + self.time.ahead - self.time.error - OVERLAP
        left = await self._unanswered(self.view.instruments, asked)
        for wait in CATCH_UP_WAITS:
            if not left:
                return
            await asyncio.sleep(wait)
            left = await self._unanswered(left, asked)

    async def _unanswered(self, symbols: Iterable[str], since: int) -> list[str]:
        """Tell what happened in some markets since a time; return those that could not be read."""
        asked = [*symbols]
        answered = await asyncio.gather(*(self._catch_up_in(symbol, since) for symbol in asked))
        return [symbol for symbol, is_read in zip(asked, answered, strict=True) if not is_read]

    async def _catch_up_in(self, symbol: str, since: int) -> bool:
        """Tell a market's fills, then the ends of orders; a failure to ask is told and returns False."""
        try:
            rows = await self.questions.trades(symbol, since)
            self._tell_all(await self.questions.fills(symbol, rows))
            self._tell_all(await self.questions.ended_since(symbol, since))
        except Exception as error:  # noqa: BLE001  # nothing is believed of what was not read whole
            self._trouble("catch_up_failed", f"{symbol}: {outcome_of_error(error, self._dialect).detail}")
            return False
        return True

    # Helpers ----------------------------------------------------------------------------------------------

    def _says_gone(self, error: BaseException) -> bool:
        """True when a cancel found nothing to cancel: filled, ended, or never there; which of them is asked then."""
        return self.questions.says_absent(error) or "OrderNotFound" in {each.__name__ for each in type(error).__mro__}

    def _tell_outcome(self, answer: Answer, request: OrderRequest) -> None:
        self.tell(fact_of(answer, now=self.time.now(), account=self.view.account, name=request.name))

    def _tell_all(self, facts: Iterable[AccountFact]) -> None:
        for fact in facts:
            self.tell(fact)

    def _trouble(self, code: str, detail: str) -> None:
        self._report(Trouble(self.time.now(), code, detail))
