"""What the readers of candles and trades share: blocks in, columns of good rows out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bot.adapters.tapes import rows
from bot.adapters.tapes.blocks import Block, read_blocks
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.jumps import JumpWatch
from bot.adapters.tapes.layout import Layout, sniff
from bot.adapters.tapes.source import files_of
from bot.adapters.tapes.table import Integers, Table, at_scale
from bot.domain.errors import InputError

# Stamp in ns first, then the prices, then the quantity; for trades also the taker's side.
Columns = tuple[Integers, ...]


def data_blocks(path: Path, layout: Layout) -> Iterator[Block]:
    """Yield the file's blocks without its header."""
    header_due = layout.has_header
    for block in read_blocks(path):
        if not header_due:
            yield block
            continue
        header_due = False
        lines = block.text.lstrip(b"\n")
        body = lines.partition(b"\n")[2]
        yield Block(body, block.line + len(block.text) - len(lines) + 1)


def tape_blocks(path: Path, reader: RowReader) -> Iterator[Block]:
    """Yield the blocks of a tape, of each file of a folder in turn, for ``reader``, whose layout follows them."""
    files = files_of(path)
    for file in files:
        if len(files) > 1:
            reader.turn_to(sniff(file, reader.layout.kind), file)
            reader.faults.file = file.name
        yield from data_blocks(file, reader.layout)


class RowReader(ABC):
    """Tells good rows from bad ones at one scale; remembers of the past only the last good row.

    Numbers with more decimals than the scale are rounded half to even.
    """

    def __init__(self, layout: Layout, *, price_digits: int, quantity_digits: int, faults: TapeFaults) -> None:
        self.layout = layout
        self.price_digits = price_digits
        self.quantity_digits = quantity_digits
        self.faults = faults
        self.watch = JumpWatch()
        self.last_stamp: int | None = None

    def take(self, block: Block, table: Table | None) -> Columns:
        """Return the good rows of the block; ``table`` is the block's table, or None when it has none.

        A block that is good throughout is taken at once, any other row by row.
        """
        columns = self._at_once(table) if table is not None else None
        return columns if columns is not None else self._row_by_row(block)

    def refine(self, *, price_digits: int, quantity_digits: int) -> None:
        """Go on at a finer scale."""
        self.watch.rescale(10 ** (price_digits - self.price_digits))
        self.price_digits = price_digits
        self.quantity_digits = quantity_digits

    def turn_to(self, layout: Layout, path: Path) -> None:
        """Go on with the next file of a folder, whose header and stamps may be written another way.

        Raises InputError when its bars have another length.
        """
        if layout.span != self.layout.span:
            raise InputError(f"tape {path}: its bars have another length than in the files before; keep them apart")
        self.layout = layout

    @abstractmethod
    def _row(self, fields: list[str]) -> tuple[int, ...]:
        """Return one good row and remember it; raises BadRow."""

    @abstractmethod
    def _at_once(self, table: Table) -> Columns | None:
        """Return all rows and remember the last, or None and nothing when one of them may be bad."""

    def _row_by_row(self, block: Block) -> Columns:
        good: list[tuple[int, ...]] = []
        for line, text in enumerate(block.text.decode("latin-1").split("\n"), block.line):
            if not text.strip():
                continue
            try:
                good.append(self._row(rows.split_row(text, self.layout)))
            except rows.BadRow as bad:
                self.faults.add(line, bad.reason, text)
        return tuple(np.array(good, np.int64).T)

    def _stamps(self, table: Table) -> Integers | None:
        if table.decimals[:, self.layout.stamp].any():
            return None
        stamps = table.values[:, self.layout.stamp]
        unit = self.layout.stamp_ns
        if stamps.min() < rows.STAMP_MIN // unit or stamps.max() >= rows.STAMP_MAX // unit:
            return None
        return stamps * unit

    def _prices(self, table: Table) -> tuple[Integers, ...] | None:
        prices = []
        for column in self.layout.prices:
            price = at_scale(table.values[:, column], table.decimals[:, column], self.price_digits)
            if price is None or price.min() < 1:
                return None
            prices.append(price)
        return tuple(prices)

    def _quantities(self, table: Table) -> Integers | None:
        column = self.layout.quantity
        return at_scale(table.values[:, column], table.decimals[:, column], self.quantity_digits)
