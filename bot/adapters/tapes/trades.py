"""Trades of a tape: Binance aggTrades and trades as a stream of ``Trade``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from pathlib import Path

import numpy as np

from bot.adapters.tapes import rows
from bot.adapters.tapes.faults import FaultReason, TapeFaults
from bot.adapters.tapes.layout import Layout, sniff
from bot.adapters.tapes.reader import Columns, RowReader, tape_blocks
from bot.adapters.tapes.source import TapeArgument, TapeKind
from bot.adapters.tapes.table import Table, tabulate
from bot.domain.errors import ContractError
from bot.domain.instrument import Instrument
from bot.domain.market import Trade


def read_trades(
    argument: TapeArgument, instrument: Instrument, faults: TapeFaults | None = None
) -> Iterator[Trade]:
    """Yield the file's trades in its own order; ``now`` and ``stamp`` are the venue's time.

    Prices and quantities are at the instrument's scales, rounded half to even where the file has more
    digits. ``side`` is the taker's: -1 when the buyer was the maker. Bad and repeated rows are skipped
    and counted in ``faults``. Raises InputError when the file cannot be read or holds no trades.
    """
    layout = sniff(argument.path, TapeKind.TRADES)
    reader = TradeRows(
        layout,
        price_digits=instrument.price_digits,
        quantity_digits=instrument.quantity_digits,
        faults=TapeFaults() if faults is None else faults,
    )
    # From here on no Python code runs per trade: chain and map do, which halves the cost.
    return chain.from_iterable(_trades_by_block(argument.path, reader, instrument.index))


def _trades_by_block(path: Path, reader: RowReader, instrument: int) -> Iterator[Iterable[Trade]]:
    for block in tape_blocks(path, reader):
        columns = reader.take(block, tabulate(block.text, reader.layout))
        if columns:
            stamps, prices, quantities, sides = (column.tolist() for column in columns)
            yield map(Trade, stamps, stamps, repeat(instrument), prices, quantities, sides)


class TradeRows(RowReader):
    """Columns: stamp, price, quantity, side. Trade ids must ascend, stamps must not descend."""

    def __init__(self, layout: Layout, *, price_digits: int, quantity_digits: int, faults: TapeFaults) -> None:
        super().__init__(layout, price_digits=price_digits, quantity_digits=quantity_digits, faults=faults)
        self._point_at_columns(layout)
        self.last_id = -1

    def turn_to(self, layout: Layout, path: Path) -> None:
        super().turn_to(layout, path)
        self._point_at_columns(layout)

    def _point_at_columns(self, layout: Layout) -> None:
        if layout.trade_id is None or layout.maker is None:
            raise ContractError(f"trades: the layout has no trade id or maker flag, was {layout.name}")
        self.trade_id = layout.trade_id
        self.maker = layout.maker

    def _row(self, fields: list[str]) -> tuple[int, ...]:
        trade_id = rows.whole(fields[self.trade_id])
        price = rows.number(fields[self.layout.prices[0]], self.price_digits)
        quantity = rows.number(fields[self.layout.quantity], self.quantity_digits)
        stamp = rows.stamp(fields[self.layout.stamp], self.layout)
        maker = rows.flag(fields[self.maker])
        if price <= 0:
            raise rows.BadRow(FaultReason.PRICE_NOT_POSITIVE)
        if quantity <= 0:
            raise rows.BadRow(FaultReason.QUANTITY_NOT_POSITIVE)
        if trade_id <= self.last_id:
            raise rows.BadRow(FaultReason.DUPLICATE)
        if self.last_stamp is not None and stamp < self.last_stamp:
            raise rows.BadRow(FaultReason.STAMP_BACKWARDS)
        if not self.watch.admits(low=price, high=price, close=price):
            raise rows.BadRow(FaultReason.PRICE_JUMPED)
        self.last_id, self.last_stamp = trade_id, stamp
        return stamp, price, quantity, 1 - 2 * maker

    def _at_once(self, table: Table) -> Columns | None:
        stamps, prices, quantities = self._stamps(table), self._prices(table), self._quantities(table)
        if stamps is None or prices is None or quantities is None or quantities.min() < 1:
            return None
        ids = table.values[:, self.trade_id]
        if table.decimals[:, self.trade_id].any() or ids[0] <= self.last_id or (np.diff(ids) <= 0).any():
            return None
        descends = self.last_stamp is not None and stamps[0] < self.last_stamp
        if descends or (np.diff(stamps) < 0).any():
            return None
        price = prices[0]
        if not self.watch.admits_all(lows=price, highs=price, closes=price):
            return None
        self.last_id, self.last_stamp = int(ids[-1]), int(stamps[-1])
        return stamps, price, quantities, 1 - 2 * table.values[:, self.maker]
