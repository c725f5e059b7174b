"""Columns of readings that are worked out from others: windows, indicators, time.

They are refreshed like measures, after those they look at. A window over a position's measures belongs to
that position: it begins again when the position is closed or turned. Windows over an account or a position
begin again with a restart too, because the prices that a restart catches up with met another book.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan
from typing import TYPE_CHECKING

from bot.domain.errors import ContractError
from bot.domain.scale import units_per_one
from bot.engine.measures.indicators import Indicator
from bot.engine.measures.storage import Column
from bot.engine.measures.windows import WINDOWS, Plain, Window
from bot.rules.language.compile import ValueOf, compile_value
from bot.rules.language.measures import Subject
from bot.rules.language.moments import time_value
from bot.rules.language.typed import ReadingRef, Value, reads_in

if TYPE_CHECKING:
    from bot.engine.measures.readings import Readings

Compute = Callable[[int], float | None]
NONE = -1                            # the index of what a reading is not of


class DerivedReadings:
    """Makes the columns, and keeps the windows behind them."""

    def __init__(self, readings: Readings) -> None:
        self.readings = readings
        self.windows: dict[ReadingRef, list[Window]] = {}
        self.warm_at: int | None = None      # when a price was that is only caught up with

    def make(self, ref: ReadingRef) -> Column:
        """Return the column of a derived reading or of time, made to be refreshed after what it reads."""
        derived = ref.derived
        if ref.subject is Subject.TIME:
            column: Column = [None]
            self.readings.of_time.append((column, lambda _: time_value(ref, self.readings.book.now)))
            return column
        if derived is None:
            raise ContractError(f"reading: {ref} is not worked out from others")
        if derived.operand is None:
            return self._indicator(ref)
        value_of = compile_value(derived.operand, self.readings.column_of, self.readings.element_of)
        match derived.subject:
            case Subject.ACCOUNT:
                return self._of_account(ref, value_of)
            case Subject.POSITION:
                return self._of_position(ref, value_of)
            case Subject.MARKET:
                return self._of_market(ref, derived.operand, value_of)
            case Subject.PORTFOLIO:
                return self._of_portfolio(ref, value_of)
        raise ContractError(f"reading: no window is kept for each {derived.subject.value}, as {ref} wants")

    @property
    def now(self) -> int:
        """When the prices are that readings are made of: in the past while an engine is warmed."""
        return self.readings.book.now if self.warm_at is None else self.warm_at

    def forget_own(self) -> None:
        """Begin every window anew that looks at an account or a position."""
        for ref, windows in self.windows.items():
            if ref.subject is not Subject.MARKET:
                for window in windows:
                    window.forget()

    def dump(self) -> dict[str, list[Plain]]:
        """Return the state of all windows as plain data, by reading and element."""
        return {str(ref): [window.dump() for window in windows] for ref, windows in self.windows.items()}

    def load(self, plain: Mapping[str, list[Plain]]) -> None:
        """Take up a dumped state where nothing was seen yet; the time since it was dumped is a gap.

        Raises JournalError for a state that is not one of its window.
        """
        for ref, windows in self.windows.items():
            for window, state in zip(windows, plain.get(str(ref), ()), strict=False):
                if window.since is None:
                    window.load(state)
                    window.interrupt()

    # One kind each ----------------------------------------------------------------------------------------

    def _windows(self, ref: ReadingRef, count: int) -> list[Window]:
        windows = [WINDOWS[ref.measure](int(ref.args[0])) for _ in range(count)]
        self.windows[ref] = windows
        return windows

    def _of_account(self, ref: ReadingRef, value_of: ValueOf) -> Column:
        readings = self.readings
        count = len(readings.layout.accounts)
        windows = self._windows(ref, count)
        column: Column = [None] * count

        def compute(account: int) -> float | None:
            if self.warm_at is not None:
                return None
            return windows[account].update(readings.book.now, value_of(NONE, account, NONE))

        readings.of_account.append((column, compute))
        return column

    def _of_portfolio(self, ref: ReadingRef, value_of: ValueOf) -> Column:
        readings = self.readings
        (window,) = self._windows(ref, 1)
        column: Column = [None]

        def compute(_: int) -> float | None:
            if self.warm_at is not None:
                return None
            return window.update(readings.book.now, value_of(NONE, NONE, NONE))

        readings.of_portfolio.append((column, compute))
        return column

    def _of_position(self, ref: ReadingRef, value_of: ValueOf) -> Column:
        readings = self.readings
        book, keys = readings.book, readings.layout.keys
        windows = self._windows(ref, len(keys))
        column = readings.blank(len(keys))

        def compute(position: int) -> float | None:
            window = windows[position]
            if self.warm_at is not None:
                return None
            if not book.quantity[position]:
                window.forget()
                return None
            if window.since is not None and window.since < book.opened[position]:
                window.forget()
            key = keys[position]
            return window.update(book.now, value_of(position, key.account, key.instrument))

        readings.of_position.append((column, compute))
        readings.of_position_elsewhere.append((column, compute))
        return column

    def _of_market(self, ref: ReadingRef, operand: Value, value_of: ValueOf) -> Column:
        """Make a column by instrument; a window over named markets only is kept at the first of them."""
        readings = self.readings
        count = len(readings.layout.instruments)
        column = readings.blank(count)
        windows = self._windows(ref, count)
        named = {readings.element_of(read.ref) for read in reads_in(operand)} - {None}
        fixed = readings.element_of(ref)

        def refresh(instrument: int) -> None:
            value = windows[instrument].update(self.now, value_of(NONE, NONE, instrument))
            column[instrument] = nan if value is None else value

        def compute(instrument: int) -> float | None:
            if fixed is not None:
                if instrument in named:
                    refresh(fixed)
            elif instrument in named:
                for each in range(count):
                    refresh(each)
            else:
                refresh(instrument)
            return column[instrument]

        readings.of_market.append((column, compute))
        return column

    def _indicator(self, ref: ReadingRef) -> Column:
        """Make a column by instrument, from trades where there are any and else from the mark."""
        readings = self.readings
        instruments = readings.layout.instruments
        units = [units_per_one(instrument.price_digits) for instrument in instruments]
        *numbers, bar = ref.args
        indicators = [Indicator(ref.measure, tuple(numbers), int(bar)) for _ in instruments]
        last, marks = readings.market.last, readings.columns.mark

        def compute(instrument: int) -> float | None:
            price = marks[instrument] if last[instrument] is None else last[instrument]
            return indicators[instrument].update(self.now, None if price is None else price / units[instrument])

        column = self.readings.blank(len(instruments))
        readings.of_market.append((column, compute))
        return column
