"""One pass over a file of columns: bars or trades, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bot.adapters.tapes import rows
from bot.adapters.tapes.blocks import Block
from bot.adapters.tapes.candles import CandleRows
from bot.adapters.tapes.contents import TapeSurvey
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.layout import Layout
from bot.adapters.tapes.markets import PRICE_DIGITS_WIDE, QUANTITY_DIGITS_WIDE
from bot.adapters.tapes.reader import Columns, RowReader, tape_blocks
from bot.adapters.tapes.source import BAR_KINDS
from bot.adapters.tapes.table import Integers, Table, tabulate
from bot.adapters.tapes.trades import TradeRows


def survey_columns(path: Path, layout: Layout, faults: TapeFaults) -> tuple[TapeSurvey, ...]:
    """Read bars or trades once; nothing when no row is good."""
    tally = _Tally(_reader(layout, faults))
    for block in tape_blocks(path, tally.reader):
        tally.add(block, tabulate(block.text, tally.reader.layout))
    return (tally.result(path, layout, faults),) if tally.rows else ()


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
        self.silence_max = 0

    def add(self, block: Block, table: Table | None) -> None:
        self._refine(*_decimals(block, table, self.reader.layout))
        columns = self.reader.take(block, table)
        if columns:
            self._count(columns)

    def _refine(self, price_digits: int, quantity_digits: int) -> None:
        reader = self.reader
        price_digits = max(reader.price_digits, min(price_digits, PRICE_DIGITS_WIDE))
        quantity_digits = max(reader.quantity_digits, min(quantity_digits, QUANTITY_DIGITS_WIDE))
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
        between = np.diff(stamps, prepend=self.last_ts if self.rows else stamps[0])
        self.silence_max = max(self.silence_max, int(between.max()))
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
            kinds={layout.kind: self.rows},
            silence_max_ns=self.silence_max,
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
