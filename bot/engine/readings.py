"""The columns that rules read: one list per distinct reading, written when what it depends on changes.

``bot.rules.language.measures`` says what each measure is; here stands how it is worked out from the state.
Only readings that some rule uses have a column. Values are floats in the units of the rule language, None
where unavailable.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from bot.domain.errors import ContractError
from bot.domain.scale import CASH_UNIT, NS_PER_MINUTE, units_per_one
from bot.engine.book import Book
from bot.engine.columns import Columns
from bot.engine.derived import DerivedReadings
from bot.engine.layout import Layout
from bot.engine.market import Market
from bot.rules.language.measures import Subject
from bot.rules.language.typed import ReadingRef

Column = list[float | None]
Compute = Callable[[int], float | None]

FIFTEEN_MINUTES = 15 * NS_PER_MINUTE


class Readings:
    """Columns by reading, and what to rewrite when a price, a minute or a position changes."""

    def __init__(self, layout: Layout, book: Book, columns: Columns, market: Market) -> None:
        self.layout = layout
        self.book = book
        self.columns = columns
        self.market = market
        self.columns_by_ref: dict[ReadingRef, Column] = {}
        self.of_account: list[tuple[Column, Compute]] = []
        self.of_account_by_minute: list[tuple[Column, Compute]] = []
        self.of_position: list[tuple[Column, Compute]] = []
        self.of_market: list[tuple[Column, Compute]] = []
        self.of_time: list[tuple[Column, Compute]] = []
        self.derived = DerivedReadings(self)

    def column_of(self, ref: ReadingRef) -> Column:
        """Return the column of a reading, making it when it is asked for first."""
        # a named market is the same column, at another index
        plain = ReadingRef(ref.measure, ref.args) if ref.derived is None else ref
        column = self.columns_by_ref.get(plain)
        if column is None:
            column = self._make(plain)
            self.columns_by_ref[plain] = column
        return column

    def element_of(self, ref: ReadingRef) -> int | None:
        """Return the fixed index of a named market, or None where the rule's own element is meant."""
        if ref.symbol is None:
            return None
        for index, instrument in enumerate(self.layout.instruments):
            if instrument.symbol == ref.symbol:
                return index
        raise ContractError(f"reading: {ref} names a market that no account trades")

    def value(self, ref: ReadingRef, *, position: int, account: int) -> float | None:
        """Return a reading as it is now, for an explanation."""
        column = self.column_of(ref)
        fixed = self.element_of(ref)
        if fixed is not None:
            return column[fixed]
        match ref.subject:
            case Subject.ACCOUNT:
                return column[account]
            case Subject.POSITION:
                return column[position]
            case Subject.MARKET:
                return column[self.layout.keys[position].instrument]
            case Subject.TIME:
                return column[0]

    def refresh_time(self) -> None:
        for column, compute in self.of_time:
            column[0] = compute(0)

    def refresh_account(self, account: int) -> None:
        """Rewrite an account's readings after a price."""
        for column, compute in self.of_account:
            column[account] = compute(account)

    def refresh_position(self, position: int) -> None:
        for column, compute in self.of_position:
            column[position] = compute(position)

    def refresh_market(self, instrument: int) -> None:
        for column, compute in self.of_market:
            column[instrument] = compute(instrument)

    def refresh_all(self, account: int) -> None:
        """Rewrite everything about an account: after a fill, a snapshot, or the end of a minute."""
        self.refresh_time()
        for position in self.layout.positions_of[account]:
            self.refresh_market(self.layout.keys[position].instrument)
        for column, compute in self.of_account_by_minute:
            column[account] = compute(account)
        for column, compute in self.of_account:
            column[account] = compute(account)
        for position in self.layout.positions_of[account]:
            self.refresh_position(position)

    # How each measure is worked out ------------------------------------------------------------------------

    def _make(self, ref: ReadingRef) -> Column:
        subject = ref.subject
        if ref.derived is not None or subject is Subject.TIME:
            return self.derived.make(ref)
        compute = self._compute(ref)
        column: Column
        match subject:
            case Subject.ACCOUNT:
                column = [None] * len(self.layout.accounts)
                slow = ref.measure == "account.sigma"
                (self.of_account_by_minute if slow else self.of_account).append((column, compute))
            case Subject.POSITION:
                column = [None] * len(self.layout.keys)
                self.of_position.append((column, compute))
            case Subject.MARKET:
                column = [None] * len(self.layout.instruments)
                self.of_market.append((column, compute))
        return column

    def _compute(self, ref: ReadingRef) -> Compute:
        if ref.measure == "account.sigma":
            window = int(ref.args[0])
            return lambda account: self.account_sigma(account, window)
        if ref.measure.startswith("account."):
            return self._when_known(self._account_measure(ref.measure))
        if ref.measure.startswith("position."):
            return self._position_measure(ref.measure)
        return self._market_measure(ref.measure)

    def _when_known(self, compute: Callable[[int], float]) -> Compute:
        known = self.columns.known
        return lambda account: compute(account) if known[account] else None

    def _account_measure(self, name: str) -> Callable[[int], float]:
        columns = self.columns
        match name:
            case "account.liquidation_distance":
                return lambda a: columns.distance[a]
            case "account.liquidation_sigmas":
                return lambda a: columns.distance[a] / self.account_sigma(a, FIFTEEN_MINUTES)
            case "account.margin_ratio":
                return columns.margin_ratio
            case "account.leverage":
                return self._leverage
            case "account.equity":
                return lambda a: columns.equity[a] / CASH_UNIT
            case "account.wallet":
                return lambda a: self.book.accounts[a].wallet / CASH_UNIT
            case "account.maintenance_margin":
                return lambda a: columns.maintenance(a) / CASH_UNIT
            case "account.initial_margin":
                return self._initial_margin
            case "account.available":
                return lambda a: max(0.0, columns.equity[a] / CASH_UNIT - self._initial_margin(a))
            case "account.gross_notional":
                return lambda a: columns.gross[a] / CASH_UNIT
            case "account.net_notional":
                return lambda a: columns.net[a] / CASH_UNIT
        raise ContractError(f"reading: nothing works out {name}")

    def _leverage(self, account: int) -> float:
        gross, equity = self.columns.gross[account], self.columns.equity[account]
        if not gross:
            return 0.0
        return gross / equity if equity > 0 else inf

    def _initial_margin(self, account: int) -> float:
        return self.columns.gross[account] / self.layout.accounts[account].leverage / CASH_UNIT

    def account_sigma(self, account: int, window: int) -> float:
        """Return the volatility over ``window`` of equity per unit of common move, a fraction.

        The underlyings' volatilities weighted by |net value|; without a position the largest of them.
        """
        net: dict[str, int] = {}
        sigma: dict[str, float] = {}
        for position in self.layout.positions_of[account]:
            instrument = self.layout.instrument_of(position)
            net[instrument.underlying] = net.get(instrument.underlying, 0) + self.columns.value[position]
            sigma[instrument.underlying] = self.market.volatility[instrument.index].sigma(window)
        weight = sum(abs(value) for value in net.values())
        if not weight:
            return max(sigma.values())
        weighted = 0.0
        for underlying, value in net.items():
            weighted += abs(value) * sigma[underlying]
        return weighted / weight

    def _position_measure(self, name: str) -> Compute:
        book, columns = self.book, self.columns
        marks = [self.layout.keys[position].instrument for position in range(len(self.layout.keys))]

        def marked(compute: Callable[[int], float]) -> Compute:
            return lambda p: compute(p) if columns.mark[marks[p]] is not None else None

        match name:
            case "position.side":
                return lambda p: float((book.quantity[p] > 0) - (book.quantity[p] < 0))
            case "position.amount":
                return lambda p: book.quantity[p] / units_per_one(self.layout.instrument_of(p).quantity_digits)
            case "position.notional":
                return marked(lambda p: abs(columns.value[p]) / CASH_UNIT)
            case "position.entry_price":
                return self._entry_price
            case "position.unrealised_pnl":
                return marked(lambda p: (columns.value[p] - book.entry_value[p]) / CASH_UNIT)
            case "position.loss_ratio":
                return marked(self._loss_ratio)
            case "position.age":
                return lambda p: float(book.now - book.opened[p]) if book.quantity[p] else None
        raise ContractError(f"reading: nothing works out {name}")

    def _loss_ratio(self, position: int) -> float:
        entry = self.book.entry_value[position]
        return (entry - self.columns.value[position]) / abs(entry) if entry else 0.0

    def _entry_price(self, position: int) -> float | None:
        held = self.book.quantity[position]
        if not held:
            return None
        instrument = self.layout.instrument_of(position)
        per_unit = held * instrument.value_multiplier * units_per_one(instrument.price_digits)
        return self.book.entry_value[position] / per_unit

    def _market_measure(self, name: str) -> Compute:
        market = self.market
        units = [units_per_one(instrument.price_digits) for instrument in self.layout.instruments]

        def price(source: list[int | None]) -> Compute:
            return lambda i: None if (found := source[i]) is None else found / units[i]

        match name:
            case "market.mark_price":
                return price(self.columns.mark)
            case "market.last_price":
                return price(market.last)
            case "market.index_price":
                return price(market.index)
            case "market.funding_rate":
                return market.funding_rate.__getitem__
            case "market.age":
                return lambda i: float(self.book.now - market.stamp[i]) if market.stamp[i] else None
        raise ContractError(f"reading: nothing works out {name}")
