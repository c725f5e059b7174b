"""The truths of an account with many positions, worked out by column; which of them changed since last.

One walk: the columns of readings are arrays, one generated function fills two truths for every position and
condition, and they are held against those of the last time. Only positions that differ become integers
again, so trigger code runs for them alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bot.engine.measures.layout import Layout
from bot.engine.measures.readings import Readings
from bot.engine.record.book import Book
from bot.rules.language.compile_columns import Places, compile_columns
from bot.rules.language.typed import Condition


class WideAccount:
    """One account's positions, which the layout numbers one after the other."""

    def __init__(
        self, layout: Layout, book: Book, readings: Readings, account: int, conditions: Sequence[Condition]
    ) -> None:
        positions = layout.positions_of[account]
        self.book = book
        self.account = account
        self.first = positions[0]
        self.positions = slice(positions[0], positions[-1] + 1)
        self.instruments = _places([layout.keys[position].instrument for position in positions])
        self.evaluate = compile_columns(conditions, readings.column_of, readings.element_of)
        shape = (len(conditions), len(positions))
        self.true = np.zeros(shape, dtype=np.bool_)
        self.false = np.zeros(shape, dtype=np.bool_)
        # true and unavailable by turns, the bits of a position from the top down
        self.pairs = np.zeros((len(conditions), 2, len(positions)), dtype=np.bool_)
        self.last = np.zeros_like(self.pairs)
        self.held = np.ones(len(positions), dtype=np.bool_)
        self.is_all_held = True
        self.take_quantities()

    def take_quantities(self) -> None:
        """Note which positions are open; one that is not has no bits. To be called when quantities changed."""
        self.held = np.array([quantity != 0 for quantity in self.book.quantity[self.positions]])
        self.is_all_held = bool(self.held.all())

    def changes(self) -> list[tuple[int, int]]:
        """Evaluate all; return the positions whose bits are not those of the last time, with their bits."""
        self.evaluate(self.positions, self.account, self.instruments, self.true, self.false)
        pairs = self.pairs
        pairs[:, 0] = self.true
        np.logical_or(self.true, self.false, out=self.true)
        np.logical_not(self.true, out=pairs[:, 1])
        if not self.is_all_held:
            pairs &= self.held
        differs = pairs != self.last
        if not np.count_nonzero(differs):
            return []
        self.pairs, self.last = self.last, pairs
        places = np.flatnonzero(differs.any(axis=(0, 1)))
        rows = pairs.reshape(-1, pairs.shape[2])[:, places].T
        packed = np.packbits(rows, axis=1, bitorder="little")
        return [
            (self.first + place, int.from_bytes(row.tobytes(), "little"))
            for place, row in zip(places.tolist(), packed, strict=True)
        ]

    def note(self, position: int, bits: int) -> None:
        """Take up bits that were worked out for one position alone."""
        count = 2 * len(self.last)
        row = np.frombuffer(bits.to_bytes(-(-count // 8), "little"), dtype=np.uint8)
        self.last[:, :, position - self.first] = np.unpackbits(row, count=count, bitorder="little").reshape(-1, 2)


def _places(indexes: Sequence[int]) -> Places:
    """Return a slice where the indexes are neighbours, which spares a copy at every look."""
    if list(indexes) == list(range(indexes[0], indexes[0] + len(indexes))):
        return slice(indexes[0], indexes[0] + len(indexes))
    return np.array(indexes, dtype=np.intp)
