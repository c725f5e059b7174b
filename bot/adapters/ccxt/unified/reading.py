"""Readings of one account: two pages and its trades, made again until they are of one moment, and then told.

An exchange's balances and positions are two pages, and its list of trades lags behind both. A reading is believed when
what is held is what the last one and the trades since make it, and no trade fell into it. What stays unexplained is
believed all the same after a while, dated after the pages, so that a trade which is listed later is not counted on top.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.outcome import Dialect, outcome_of_error
from bot.adapters.ccxt.replies import as_row, as_rows
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.unified.account import read_account, with_orders
from bot.adapters.ccxt.unified.habits import CashPage, Total
from bot.adapters.ccxt.unified.questions import Questions
from bot.adapters.ccxt.witnesses import AccountRead, Witnesses
from bot.domain.events import AccountFact, OrderFilled
from bot.domain.open_order import OpenOrder
from bot.domain.scale import NS_PER_DAY, NS_PER_MS, NS_PER_SECOND

READS_MAX = 3                        # of an account that trades while it is read
READ_AGAIN = 0.4                     # s between two of them
OVERLAP = 50 * NS_PER_MS             # a page may be of so much before its question's stamp, beside the clock's error
TRADES_AGAIN = 60 * NS_PER_SECOND    # lists of trades lag: what was listed is listed again, and told once
LISTED_EVERY = 60 * NS_PER_SECOND    # between two readings of all markets' trades
HISTORY_MAX = 7 * NS_PER_DAY         # the lists of most exchanges reach no further back at once
TRADES_SEEN_MAX = 10_000
UNREAD_MAX = 30 * NS_PER_SECOND      # for so long an account may trade during every reading before a person is told
MOVED = "the account trades while it is read"


class AccountReader:
    """Reads one account. ``tell`` takes facts; ``settle`` is given what is open, once in each reading."""

    def __init__(
        self,
        connection: Connection,
        view: AccountView,
        questions: Questions,
        dialect: Dialect,
        cash: CashPage | Total,
        time: VenueTime,
        *,
        tell: Callable[[AccountFact], None],
        settle: Callable[[tuple[OpenOrder, ...]], Awaitable[None]],
        report: Callable[[Trouble], None],
    ) -> None:
        self._connection = connection
        self._view = view
        self._questions = questions
        self._dialect = dialect
        self._cash = cash
        self._time = time
        self._tell = tell
        self._settle = settle
        self._report = report
        self._witnesses = Witnesses()
        self._trades: OrderedDict[str, None] = OrderedDict()
        self._since = 0                          # the exchange's time up to which all trades were listed, ns
        self._read_at = 0                        # when a reading was believed last, ns; 0 before the first
        self.is_busy = False

    def note(self, fill: OrderFilled) -> None:
        """Take a fill into account, from whichever question it came, once."""
        if fill.trade_id in self._trades:
            return
        self._trades[fill.trade_id] = None
        while len(self._trades) > TRADES_SEEN_MAX:
            self._trades.popitem(last=False)
        self._witnesses.note(fill)

    async def read(self) -> None:
        """Read the account, as often as it takes, unless that is under way; tell it, or that it is not believed."""
        if self.is_busy:
            return
        self.is_busy = True
        try:
            doubt = await self._read(is_last=False)
            for left in reversed(range(READS_MAX - 1)):
                if doubt is None:
                    return
                await asyncio.sleep(READ_AGAIN)
                doubt = await self._read(is_last=not left)
            if doubt is not None and (doubt != MOVED or self._time.now() - self._read_at > UNREAD_MAX):
                self._trouble("account_doubted", doubt)
        except Exception as error:  # noqa: BLE001  # the account stays as it was known; the engine asks again
            self._trouble("account_unread", outcome_of_error(error, self._dialect).detail)
        finally:
            self.is_busy = False

    async def _read(self, *, is_last: bool) -> str | None:
        """Read the account once and tell it, or return why it is not to be believed."""
        taken = self._time.venue_now() - self._time.error - OVERLAP
        balance, positions = await asyncio.gather(
            self._connection.ask("fetch_balance"), self._connection.ask("fetch_positions")
        )
        until = self._time.venue_now() + self._time.error + OVERLAP
        read = read_account(
            as_row(balance), as_rows(positions), self._view, self._cash, now=self._time.now(), taken=taken
        )
        opened = await self._open_orders()
        moved = await self._new_trades(taken, until, read)
        if opened is not None:
            await self._settle(opened)
        if moved:
            return MOVED
        other = read.held
        if not self._read_at:                    # nothing is known yet that an empty page would contradict: ask twice
            self._witnesses.expected.clear()
            again = as_rows(await self._connection.ask("fetch_positions"))
            now = self._time.now()
            other = read_account(as_row(balance), again, self._view, self._cash, now=now, taken=taken).held
        elif read.held != {key: quantity for key, quantity in self._witnesses.expected.items() if quantity}:
            if not is_last:
                return "its positions are not what its trades say"       # they may come in a moment
            read = replace(read, snapshot=replace(read.snapshot, taken=until))
        doubt = self._witnesses.doubts(read, other)
        if doubt is None:
            self._believe(read, opened)
        return doubt

    def _believe(self, read: AccountRead, opened: tuple[OpenOrder, ...] | None) -> None:
        for stray in read.strays:
            self._trouble("position_stray", f"{stray}: is held in a market that is not configured; nobody guards it")
        self._read_at = read.snapshot.now
        self._tell(read.snapshot if opened is None else with_orders(read, opened))

    async def _new_trades(self, taken: int, until: int, read: AccountRead) -> bool:
        """Tell trades that were not told before; return whether one fell between two times.

        They are asked for where what is held is not what is expected, and everywhere once a minute: the pages of trades
        are the dearest of all.
        """
        is_due = taken - self._since >= LISTED_EVERY
        since = max(self._since, taken - HISTORY_MAX) if self._since else taken
        moved = False
        for symbol, instrument in self._view.instruments.items():
            key = self._view.whole(instrument)
            if not is_due and read.held.get(key, 0) == self._witnesses.expected.get(key, 0):
                continue
            rows = await self._questions.trades(symbol, since - TRADES_AGAIN)
            for fact in await self._questions.fills(symbol, rows):
                if isinstance(fact, OrderFilled):
                    moved = moved or taken <= fact.stamp <= until
                    if fact.trade_id in self._trades:
                        continue
                self._tell(fact)
        if is_due:
            self._since = taken
        return moved

    async def _open_orders(self) -> tuple[OpenOrder, ...] | None:
        """Return all open orders, None where they cannot be read: what is held is worth telling all the same."""
        try:
            return await self._questions.open_orders()
        except Exception as error:  # noqa: BLE001  # the next reading asks again
            self._trouble("open_orders_unread", outcome_of_error(error, self._dialect).detail)
            return None

    def _trouble(self, code: str, detail: str) -> None:
        self._report(Trouble(self._time.now(), code, detail))
