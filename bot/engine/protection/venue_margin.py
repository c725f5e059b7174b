"""Holds the venue's own sums of an account against ours; where they differ, the worse counts for margin.

The venue liquidates by its sums, and ours may lack a bracket that it changed or a charge that we were not told of. Both
are made at its marks, so that no price lies between them:

    equity       wallet + sum of profit           missing = what it counts less, 0 where it counts more
    maintenance  sum over brackets                extra = what it counts more, 0 where it counts less

In a plain account what is missing and extra is held back from every measure of margin, and from the plans made for
them, until the venue says otherwise. In one of several pools the sums do not say which pool it is in: there a person
is told, and no more. Profit, loss and drawdown are counted by ours.
"""

from __future__ import annotations

from typing import Final

from bot.domain.effects import RaiseAlarm
from bot.domain.events import AccountSnapshot
from bot.domain.scale import cash_text
from bot.engine.desk import Desk

SAME: Final = 10_000                 # one part in so many of the gross value: less moves no distance by more than 1 bp


def compare(desk: Desk, fact: AccountSnapshot) -> None:
    """Take what a snapshot says of margin, after it is folded; alarm when it begins to differ and when it is over."""
    account, told = fact.account, fact.margin
    slot = desk.layout.accounts[account]
    if told is None or slot.collateral or desk.book.accounts[account].snapshot_taken != fact.taken:
        return
    ours = _sums(desk, account, dict(told.marks))
    if ours is None:
        return
    equity, maintenance, gross = ours
    is_same = max(abs(equity - told.equity), abs(maintenance - told.maintenance)) * SAME <= gross
    is_plain = desk.layout.is_plain(account)
    missing, extra = max(0, equity - told.equity), max(0, told.maintenance - maintenance)
    if is_same or not is_plain:
        missing = extra = 0
    desk.columns.withhold(account, missing=missing, extra=extra)
    if is_same is not desk.columns.is_questioned[account]:
        return
    desk.columns.is_questioned[account] = not is_same
    detail = f"{slot.name}: the venue counts equity {cash_text(told.equity)}, maintenance {cash_text(told.maintenance)}"
    if is_same:
        desk.emit(RaiseAlarm("margin_agrees", f"{detail}, and so do we again", fact.now))
        return
    what = "the worse of each counts" if is_plain else "ours count, since it does not say in which pool it differs"
    detail += f"; we {cash_text(equity)} and {cash_text(maintenance)}; {what}"
    desk.emit(RaiseAlarm("margin_differs", detail, fact.now))


def _sums(desk: Desk, account: int, marks: dict[int, int]) -> tuple[int, int, int] | None:
    """Return our equity, maintenance and gross value at these marks, cash; None when one is missing."""
    equity, maintenance, gross = desk.book.accounts[account].wallet, 0, 0
    for position in desk.layout.positions_of[account]:
        held = desk.book.quantity[position]
        if not held:
            continue
        instrument = desk.layout.instrument_of(position)
        mark = marks.get(instrument.index)
        if mark is None:
            return None
        value = instrument.value(price=mark, quantity=held)
        equity += instrument.profit(entry_value=desk.book.entry_value[position], value=value)
        maintenance += desk.layout.tiers[instrument.index].maintenance(abs(value))
        gross += abs(value)
    return equity, maintenance, gross
