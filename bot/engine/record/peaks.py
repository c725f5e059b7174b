"""The best an account and a position have been: what a drawdown is counted from.

The high-water mark of an account is that of its net asset value per unit: see ``bot.risk.nav``.

A restart must find the marks, so the book keeps them. It is told of a new one by an effect, in steps of 5
basis points: an effect for every tick of a rising market would fill the journal, and after a restart 5 basis
points are what a drawdown can be too small. Nothing here is kept unless a rule reads it.
"""

from __future__ import annotations

from typing import Final

from bot.domain.effects import Effect, MarkBest, MarkHighWater, NoteJump
from bot.engine.measures.columns import Columns
from bot.engine.measures.layout import Layout
from bot.engine.record.book import Book
from bot.risk.nav import drawdown, mark_after_flow

STEPS_PER_ONE: Final = 2_000         # 5 basis points
JUMP_MIN: Final = 0.005              # of equity; fees and a funding payment that crossed the snapshot are less


class Peaks:
    """Live marks; ``is_of_accounts`` and ``is_of_positions`` say which of them some rule reads."""

    def __init__(self, layout: Layout, book: Book, columns: Columns) -> None:
        self.layout = layout
        self.book = book
        self.columns = columns
        self.is_of_accounts = False
        self.is_of_positions = False
        self.is_wanted = False               # one of the two; asked for at every price
        self.high_water = [account.high_water for account in book.accounts]
        self.best_mark = list(book.best_mark)

    def follow_account(self, account: int, now: int) -> Effect | None:
        """Raise an account's mark to its equity; return what the book must be told, if anything."""
        if not self.is_of_accounts or not self.columns.known[account]:
            return None
        kept = self.book.accounts[account]
        if kept.unexplained or self.columns.is_in_dispute(account):
            return None
        equity = self.columns.equity[account]
        high = self.high_water[account]
        if high is None or kept.flow:
            high = self.high_water[account] = mark_after_flow(high, before=equity - kept.flow, after=equity)
            return MarkHighWater(account, high, now)
        if equity <= high:
            return None
        self.high_water[account] = equity
        recorded = kept.high_water
        if recorded is not None and (equity - recorded) * STEPS_PER_ONE < recorded:
            return None
        return MarkHighWater(account, equity, now)

    def follow_position(self, position: int, now: int) -> Effect | None:
        """Raise a position's best mark; return what the book must be told, if anything."""
        held = self.book.quantity[position]
        instrument = self.layout.keys[position].instrument
        mark = self.columns.mark[instrument]
        if not self.is_of_positions or not held or mark is None or self.columns.is_disputed[instrument]:
            return None
        best = self.best_mark[position]
        recorded = self.book.best_mark[position]
        if recorded is not None and best is not None:
            if (mark - best) * held <= 0:
                return None
            self.best_mark[position] = mark
            if abs(mark - recorded) * STEPS_PER_ONE < recorded:
                return None
        self.best_mark[position] = mark
        return MarkBest(self.layout.keys[position], mark, now)

    def jump(self, account: int, *, before: int, now: int) -> Effect | None:
        """Return what to note when a snapshot changed the equity without a trade that would explain it."""
        change = self.columns.equity[account] - before
        if not self.is_of_accounts or not self.columns.known[account] or abs(change) <= abs(before) * JUMP_MIN:
            return None
        return NoteJump(account, change, now)

    def account_drawdown(self, account: int) -> float | None:
        """Return the fall from the high-water mark, a fraction of it; None while it is not known, or disputed."""
        kept = self.book.accounts[account]
        high = self.high_water[account]
        if high is None or kept.unexplained or kept.flow or self.columns.is_in_dispute(account):
            return None
        return drawdown(high, self.columns.equity[account])

    def position_drawdown(self, position: int) -> float | None:
        """Return what was given back since the best mark, over entry notional; None when flat, unmarked or disputed."""
        best = self.best_mark[position]
        of = self.layout.keys[position].instrument
        mark = None if self.columns.is_disputed[of] else self.columns.mark[of]
        entry = abs(self.book.entry_value[position])
        if best is None or self.book.best_mark[position] is None or mark is None or not entry:
            return None
        held = self.book.quantity[position]
        instrument = self.layout.instrument_of(position)
        best_value, value = (instrument.value(price=price, quantity=held) for price in (best, mark))
        return max(0, instrument.profit(entry_value=value, value=best_value)) / entry
