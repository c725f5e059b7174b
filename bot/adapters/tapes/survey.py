"""What a tape holds, found in one pass: the digits from which its instrument is made, span, range, faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.adapters.tapes import rows
from bot.adapters.tapes.blocks import Block
from bot.adapters.tapes.candles import CandleRows
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.layout import Layout, sniff
from bot.adapters.tapes.reader import Columns, RowReader, tape_blocks
from bot.adapters.tapes.source import BAR_KINDS, TapeKind
from bot.adapters.tapes.table import Integers, Table, tabulate
from bot.adapters.tapes.trades import TradeRows
from bot.domain.errors import InputError
from bot.domain.scale import CASH_DIGITS

# 10^12 x 100,000 USDT is 10^17: any price of today still fits 18 digits. Coins of tiny price trade in
# volumes of 10^10 a bar, which leaves 8 decimals.
_PRICE_DIGITS_MAX = 12
_QUANTITY_DIGITS_MAX = CASH_DIGITS


@dataclass(frozen=True, slots=True)
class TapeSurvey:
    """The file at ``path``. Prices are integers at ``price_digits``, stamps are ns.

    ``rows`` counts the good rows; ``price_digits`` and ``quantity_digits`` are the decimals that they use,
    trailing zeros not counted. ``first_ts`` and ``last_ts`` are the stamps of the first and last good row,
    for candles their open times; ``span_ns`` is the length of a bar, None for trades.
    """

    path: Path
    kind: TapeKind
    layout: str
    rows: int
    first_ts: int
    last_ts: int
    span_ns: int | None
    price_digits: int
    quantity_digits: int
    first_price: int
    last_price: int
    low: int
    high: int
    faults: TapeFaults

    @property
    def instrument_digits(self) -> tuple[int, int]:
        """Price and quantity digits for an instrument: those of the file, together no finer than cash.

        The price keeps its digits; quantities are then rounded when they are read.
        """
        price = min(self.price_digits, CASH_DIGITS)
        return price, min(self.quantity_digits, CASH_DIGITS - price)


def survey(path: Path, kind: TapeKind | None) -> TapeSurvey:
    """Read the whole file once and return what it holds; ``kind`` None takes what the columns say.

    Raises InputError when the file cannot be read, has no good row, or more bad rows than good ones: a
    tape of which most is refused would replay as a market that never was.
    """
    layout = sniff(path, kind)
    faults = TapeFaults()
    tally = _Tally(_reader(layout, faults))
    for block in tape_blocks(path, tally.reader):
        tally.add(block, tabulate(block.text, tally.reader.layout))
    if tally.rows <= faults.rows_bad:
        first = f"; line {faults.samples[0].line}: {faults.samples[0].reason.value}" if faults.samples else ""
        raise InputError(f"tape {path}: {tally.rows} good rows and {faults.rows_bad} bad ones{first}; mend the file")
    return tally.result(path, layout, faults)


def _reader(layout: Layout, faults: TapeFaults) -> RowReader:
    if layout.kind in BAR_KINDS:
        return CandleRows(layout, price_digits=0, quantity_digits=0, faults=faults)
    return TradeRows(layout, price_digits=0, quantity_digits=0, faults=faults)


class _Tally:
    """Runs a reader whose scale grows with the decimals it meets."""

    def __init__(self, reader: RowReader) -> None:
        self.reader = reader
        self.rows = 0
        self.first_ts = self.last_ts = 0
        self.first_price = self.last_price = self.low = self.high = 0
        self.price_digits = self.quantity_digits = 0             # those that are needed

    def add(self, block: Block, table: Table | None) -> None:
        self._refine(*_decimals(block, table, self.reader.layout))
        columns = self.reader.take(block, table)
        if columns:
            self._count(columns)

    def _refine(self, price_digits: int, quantity_digits: int) -> None:
        reader = self.reader
        price_digits = max(reader.price_digits, min(price_digits, _PRICE_DIGITS_MAX))
        quantity_digits = max(reader.quantity_digits, min(quantity_digits, _QUANTITY_DIGITS_MAX))
        factor = 10 ** (price_digits - reader.price_digits)
        self.first_price, self.last_price = self.first_price * factor, self.last_price * factor
        self.low, self.high = self.low * factor, self.high * factor
        reader.refine(price_digits=price_digits, quantity_digits=quantity_digits)

    def _count(self, columns: Columns) -> None:
        stamps, prices = columns[0], columns[1 : 1 + len(self.reader.layout.prices)]
        quantity = columns[1 + len(prices)]
        low, high = min(int(price.min()) for price in prices), max(int(price.max()) for price in prices)
        if self.rows == 0:
            self.first_ts, self.first_price = int(stamps[0]), int(prices[0][0])
            self.low, self.high = low, high
        self.rows += len(stamps)
        self.last_ts, self.last_price = int(stamps[-1]), int(prices[-1][-1])
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.price_digits = _digits_needed(prices, self.reader.price_digits, self.price_digits)
        self.quantity_digits = _digits_needed((quantity,), self.reader.quantity_digits, self.quantity_digits)

    def result(self, path: Path, layout: Layout, faults: TapeFaults) -> TapeSurvey:
        surplus = 10 ** (self.reader.price_digits - self.price_digits)   # zeros at the end of all prices
        return TapeSurvey(
            path=path,
            kind=layout.kind,
            layout=layout.name,
            rows=self.rows,
            first_ts=self.first_ts,
            last_ts=self.last_ts,
            span_ns=layout.span,
            price_digits=self.price_digits,
            quantity_digits=self.quantity_digits,
            first_price=self.first_price // surplus,
            last_price=self.last_price // surplus,
            low=self.low // surplus,
            high=self.high // surplus,
            faults=faults,
        )


def _decimals(block: Block, table: Table | None, layout: Layout) -> tuple[int, int]:
    """The most decimals that a price and a quantity of the block are written with."""
    if table is not None:
        price = max(int(table.decimals[:, column].max()) for column in layout.prices)
        return price, int(table.decimals[:, layout.quantity].max())
    price = quantity = 0
    for text in block.text.decode("latin-1").split("\n"):
        try:
            fields = rows.split_row(text, layout)
        except rows.BadRow:
            continue
        price = max(price, *(rows.decimals_of(fields[column]) for column in layout.prices))
        quantity = max(quantity, rows.decimals_of(fields[layout.quantity]))
    return price, quantity


def _digits_needed(columns: Sequence[Integers], scale: int, known: int) -> int:
    """The least number of decimals, and at least ``known``, that hold all numbers exactly."""
    while known < scale and any(np.any(column % 10 ** (scale - known)) for column in columns):
        known += 1
    return known
