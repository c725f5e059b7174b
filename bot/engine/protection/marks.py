"""Tells the book of the marks that drawdowns are counted from, and a person of what cannot be explained."""

from __future__ import annotations

from bot.domain.effects import Effect, RaiseAlarm
from bot.domain.scale import cash_text
from bot.engine.desk import Desk
from bot.engine.record.peaks import Peaks


class Marks:
    """Follows prices and accounts, as far as some rule reads a drawdown."""

    def __init__(self, desk: Desk, peaks: Peaks) -> None:
        self.desk = desk
        self.peaks = peaks

    def follow_price(self, instrument: int) -> None:
        """Let a new mark raise what drawdowns are counted from."""
        layout, now = self.desk.layout, self.desk.book.now
        for position in layout.positions_on[instrument]:
            self._tell(self.peaks.follow_position(position, now))
            self._tell(self.peaks.follow_account(layout.keys[position].account, now))

    def follow_account(self, account: int) -> None:
        """Take what a fill, a snapshot or cash has changed."""
        now = self.desk.book.now
        for position in self.desk.layout.positions_of[account]:
            self._tell(self.peaks.follow_position(position, now))
        self._tell(self.peaks.follow_account(account, now))

    def judge(self, account: int, *, before: int) -> None:
        """Note a change of equity by a snapshot that no trade explains; a later deposit may."""
        now = self.desk.book.now
        jump = self.peaks.jump(account, before=before, now=now)
        if jump is None:
            return
        self.desk.emit(jump)
        self.desk.emit(
            RaiseAlarm(
                "equity_jumped",
                f"{self.desk.layout.accounts[account].name}: equity changed from {cash_text(before)} to "
                f"{cash_text(self.desk.columns.equity[account])} and no fact says why; its drawdown is unavailable "
                "until a deposit or withdrawal explains it",
                now,
            )
        )

    def _tell(self, effect: Effect | None) -> None:
        if effect is not None:
            self.desk.emit(effect)
