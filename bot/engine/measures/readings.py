"""The columns that rules read: one list per distinct reading, written when what it depends on changes.

``bot.rules.language.measures`` says what each measure is; how it is worked out stands in
``account_readings``, ``position_readings`` and ``market_readings``. Only readings that some rule uses have a
column. Values are floats in the units of the rule language, None or NaN where unavailable.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan
from typing import assert_never

from bot.domain.errors import ContractError
from bot.engine.measures.account_readings import BY_MINUTE, AccountReadings
from bot.engine.measures.columns import Columns
from bot.engine.measures.derived import DerivedReadings
from bot.engine.measures.layout import Layout
from bot.engine.measures.market import Market
from bot.engine.measures.market_readings import MarketReadings
from bot.engine.measures.plugin_readings import PluginReadings
from bot.engine.measures.position_readings import OWN_PRICE_ONLY, PositionReadings
from bot.engine.measures.storage import Column, blank_column
from bot.engine.record.book import Book
from bot.engine.record.peaks import Peaks
from bot.rules.language.measures import Subject
from bot.rules.language.typed import ReadingRef

Compute = Callable[[int], float | None]


class Readings:
    """Columns by reading, and what to rewrite when a price, a minute or a position changes."""

    def __init__(self, layout: Layout, book: Book, columns: Columns, market: Market) -> None:
        self.layout = layout
        self.book = book
        self.columns = columns
        self.market = market
        self.peaks = Peaks(layout, book, columns)
        self.accounts = AccountReadings(layout, book, columns, market, self.peaks)
        self.positions = PositionReadings(layout, book, columns, self.peaks)
        self.markets = MarketReadings(layout, book, columns, market)
        self.columns_by_ref: dict[ReadingRef, Column] = {}
        self.of_account: list[tuple[Column, Compute]] = []
        self.of_account_by_minute: list[tuple[Column, Compute]] = []
        self.of_position: list[tuple[Column, Compute]] = []
        self.of_position_elsewhere: list[tuple[Column, Compute]] = []    # without its own price
        self.of_market: list[tuple[Column, Compute]] = []
        self.of_portfolio: list[tuple[Column, Compute]] = []
        self.of_time: list[tuple[Column, Compute]] = []
        self.derived = DerivedReadings(self)
        self.plugins = PluginReadings(self)

    def column_of(self, ref: ReadingRef) -> Column:
        """Return the column of a reading, making it when it is asked for first."""
        # a named market is the same column, at another index; each named underlying has its own, by account
        is_plain = ref.derived is None and ref.subject is not Subject.UNDERLYING
        plain = ReadingRef(ref.measure, ref.args) if is_plain else ref
        column = self.columns_by_ref.get(plain)
        if column is None:
            column = self._make(plain)
            self.columns_by_ref[plain] = column
        return column

    def element_of(self, ref: ReadingRef) -> int | None:
        """Return the fixed index of a named market, or None where the rule's own element is meant."""
        if ref.symbol is None or ref.subject is Subject.UNDERLYING:
            return None
        for index, instrument in enumerate(self.layout.instruments):
            if instrument.symbol == ref.symbol:
                return index
        raise ContractError(f"reading: {ref} names a market that no account trades")

    def blank(self, count: int) -> Column:
        """Return a column for ``count`` positions or markets, all unavailable."""
        return blank_column(count, len(self.layout.keys))

    def value(self, ref: ReadingRef, *, position: int, account: int) -> float | None:
        """Return a reading as it is now, for an explanation."""
        place = self.element_of(ref)
        if place is None:
            match ref.subject:
                case Subject.ACCOUNT | Subject.UNDERLYING:
                    place = account
                case Subject.POSITION:
                    place = position
                case Subject.MARKET:
                    place = self.layout.keys[position].instrument
                case Subject.TIME | Subject.PORTFOLIO:
                    place = 0
        value = self.column_of(ref)[place]
        return None if value is None or isnan(value) else value

    def refresh_time(self) -> None:
        for column, compute in self.of_time:
            column[0] = compute(0)

    def refresh_portfolio(self) -> None:
        for column, compute in self.of_portfolio:
            column[0] = compute(0)

    def refresh_position(self, position: int) -> None:
        for column, compute in self.of_position:
            value = compute(position)
            column[position] = nan if value is None else value

    def refresh_elsewhere(self, account: int) -> None:
        """Rewrite what another market's price, or time, changes about the open positions of an account."""
        quantity = self.book.quantity
        for column, compute in self.of_position_elsewhere:
            for position in self.layout.positions_of[account]:
                if quantity[position]:
                    value = compute(position)
                    column[position] = nan if value is None else value

    def refresh_market(self, instrument: int) -> None:
        for column, compute in self.of_market:
            value = compute(instrument)
            column[instrument] = nan if value is None else value

    def refresh_all(self, account: int) -> None:
        """Rewrite everything about an account: after a fill, a snapshot, or the end of a minute."""
        self.refresh_time()
        self.refresh_portfolio()
        for instrument in range(len(self.layout.instruments) if self.of_market else 0):
            self.refresh_market(instrument)
        for column, compute in self.of_account_by_minute:
            column[account] = compute(account)
        for column, compute in self.of_account:
            column[account] = compute(account)
        for position in self.layout.positions_of[account]:
            self.refresh_position(position)

    # How each measure is worked out ------------------------------------------------------------------------

    def _make(self, ref: ReadingRef) -> Column:
        subject = ref.subject
        if ref.derived is not None and ref.derived.is_plugged:
            return self.plugins.make(ref)
        if ref.derived is not None or subject is Subject.TIME:
            return self.derived.make(ref)
        column: Column
        match subject:
            case Subject.ACCOUNT:
                column = [None] * len(self.layout.accounts)
                worked_out = self.of_account_by_minute if ref.measure in BY_MINUTE else self.of_account
                worked_out.append((column, self.accounts.compute(ref.measure, ref.args)))
            case Subject.POSITION:
                column = self.blank(len(self.layout.keys))
                entry = (column, self.positions.compute(ref.measure))
                self.of_position.append(entry)
                if ref.measure not in OWN_PRICE_ONLY:
                    self.of_position_elsewhere.append(entry)
            case Subject.MARKET:
                column = self.blank(len(self.layout.instruments))
                self.of_market.append((column, self.markets.compute(ref.measure, ref.args)))
            case Subject.UNDERLYING:
                column = [None] * len(self.layout.accounts)
                self.of_account.append((column, self.accounts.compute_underlying(ref.symbol or "")))
            case Subject.PORTFOLIO:
                column = [None]
                self.of_portfolio.append((column, self.accounts.compute_portfolio(ref.measure, ref.args)))
            case _:
                assert_never(subject)
        return column
