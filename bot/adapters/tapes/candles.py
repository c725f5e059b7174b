"""Candles of a tape: bars as they were recorded, before they are walked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from pathlib import Path

import numpy as np

from bot.adapters.tapes import rows
from bot.adapters.tapes.bars import BARS
from bot.adapters.tapes.blocks import Block
from bot.adapters.tapes.faults import FaultReason, TapeFaults
from bot.adapters.tapes.layout import Layout, sniff
from bot.adapters.tapes.reader import Columns, RowReader, tape_blocks
from bot.adapters.tapes.source import TapeArgument, TapeKind
from bot.adapters.tapes.table import Integers, Table, tabulate
from bot.domain.errors import ContractError
from bot.domain.instrument import Instrument
from bot.domain.market import Candle


def read_candles(
    argument: TapeArgument, instrument: Instrument, faults: TapeFaults | None = None
) -> Iterator[Candle]:
    """Yield the file's bars in time order; of the mark or index price when the argument's kind says so.

    Prices and volume (base units) are at the instrument's scales, rounded half to even where the file has
    more digits. Bad and repeated rows are skipped and counted in ``faults``, and so are holes between bars.
    Raises InputError when the file cannot be read or holds no candles.
    """
    layout = sniff(argument.path, argument.kind or TapeKind.CANDLES)
    reader = CandleRows(
        layout,
        price_digits=instrument.price_digits,
        quantity_digits=instrument.quantity_digits,
        faults=TapeFaults() if faults is None else faults,
    )
    return chain.from_iterable(_candles_by_block(argument.path, reader, instrument.index))


def _candles_by_block(path: Path, reader: CandleRows, instrument: int) -> Iterator[Iterable[Candle]]:
    bar_type = BARS[reader.layout.kind]
    for block in tape_blocks(path, reader):
        columns = reader.take(block, tabulate(block.text, reader.layout))
        if columns:
            opened, opens, highs, lows, closes, volumes = (column.tolist() for column in columns)
            yield map(
                bar_type, opened, repeat(reader.span), repeat(instrument), opens, highs, lows, closes, volumes
            )


class CandleRows(RowReader):
    """Columns: open time, open, high, low, close, volume. Bars must not overlap."""

    def __init__(self, layout: Layout, *, price_digits: int, quantity_digits: int, faults: TapeFaults) -> None:
        super().__init__(layout, price_digits=price_digits, quantity_digits=quantity_digits, faults=faults)
        if layout.span is None:
            raise ContractError(f"candles: the layout has no length of a bar, was {layout.name}")
        self.span = layout.span

    def take(self, block: Block, table: Table | None) -> Columns:
        before = self.last_stamp
        columns = super().take(block, table)
        if columns:
            self._count_gaps(columns[0], before)
        return columns

    def _count_gaps(self, opened: Integers, before: int | None) -> None:
        steps = np.diff(opened) if before is None else np.diff(opened, prepend=before)
        gaps = steps[steps > self.span]
        if len(gaps):
            self.faults.gaps += len(gaps)
            self.faults.bars_missing += int((gaps // self.span - 1).sum())
            self.faults.gap_max_ns = max(self.faults.gap_max_ns, int(gaps.max()))

    def _row(self, fields: list[str]) -> tuple[int, ...]:
        opened = rows.stamp(fields[self.layout.stamp], self.layout)
        prices = [rows.number(fields[column], self.price_digits) for column in self.layout.prices]
        open_, high, low, close = prices
        volume = rows.number(fields[self.layout.quantity], self.quantity_digits)
        if min(prices) <= 0:
            raise rows.BadRow(FaultReason.PRICE_NOT_POSITIVE)
        if volume < 0:
            raise rows.BadRow(FaultReason.VOLUME_NEGATIVE)
        if high < max(prices) or low > min(prices):
            raise rows.BadRow(FaultReason.BAR_CONTRADICTORY)
        if self.last_stamp is not None and opened < self.last_stamp + self.span:
            raise rows.BadRow(self._why_early(opened, self.last_stamp))
        if not self.watch.admits(low=low, high=high, close=close):
            raise rows.BadRow(FaultReason.PRICE_JUMPED)
        self.last_stamp = opened
        return opened, open_, high, low, close, volume

    @staticmethod
    def _why_early(opened: int, last: int) -> FaultReason:
        if opened == last:
            return FaultReason.DUPLICATE
        return FaultReason.STAMP_BACKWARDS if opened < last else FaultReason.BAR_OVERLAPPING

    def _at_once(self, table: Table) -> Columns | None:
        opened, prices, volumes = self._stamps(table), self._prices(table), self._quantities(table)
        if opened is None or prices is None or volumes is None:
            return None
        opens, highs, lows, closes = prices
        if (np.maximum(np.maximum(opens, closes), lows) > highs).any():
            return None
        if (np.minimum(opens, closes) < lows).any():
            return None
        early = self.last_stamp is not None and opened[0] < self.last_stamp + self.span
        if early or (np.diff(opened) < self.span).any():
            return None
        if not self.watch.admits_all(lows=lows, highs=highs, closes=closes):
            return None
        self.last_stamp = int(opened[-1])
        return opened, opens, highs, lows, closes, volumes
