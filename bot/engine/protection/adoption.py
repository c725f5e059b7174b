"""Takes the venue's whole word on an account, and tells a person where it is not what we thought."""

from __future__ import annotations

from bot.domain.effects import RaiseAlarm
from bot.domain.events import AccountSnapshot
from bot.domain.scale import to_text
from bot.engine.desk import Desk
from bot.engine.protection.catching_up import catch_up, pass_over_reserved
from bot.engine.protection.marks import Marks
from bot.engine.protection.venue_margin import compare
from bot.engine.record.fold import fold
from bot.engine.record.heard import newest_heard


def adopt(desk: Desk, marks: Marks, fact: AccountSnapshot, *, is_first: bool) -> None:
    """Fold a snapshot; alarm for holdings that differ, and for equity that changed without a trade.

    With the first one of a process everything is caught up with: names that were not seen by then are given up.
    """
    layout, book, columns = desk.layout, desk.book, desk.columns
    positions = layout.positions_of[fact.account]
    before = [book.quantity[position] for position in positions]
    was_adopted = book.accounts[fact.account].adopted
    equity = columns.equity[fact.account] if columns.known[fact.account] else None
    is_behind = was_adopted and fact.number > newest_heard(book.accounts[fact.account])
    fold(book, fact)
    if book.accounts[fact.account].snapshot_taken == fact.taken:
        ranks = {report.key: report.adl_rank for report in fact.positions}
        for position in positions:
            columns.adl_rank[position] = ranks.get(layout.keys[position])
    if is_behind:
        catch_up(desk, fact.account)
    if is_first:
        pass_over_reserved(desk, fact.account)
    _tell_of_strangers(desk, fact)
    differing = [
        (position, old) for position, old in zip(positions, before, strict=True) if book.quantity[position] != old
    ]
    for position, old in differing if was_adopted else ():
        digits = layout.instrument_of(position).quantity_digits
        desk.emit(
            RaiseAlarm(
                "position_differs",
                f"{layout.position_label(layout.keys[position])}: the venue holds "
                f"{to_text(book.quantity[position], digits)}, we had {to_text(old, digits)}; "
                "the venue's word is taken",
                book.now,
            )
        )
    compare(desk, fact)
    if equity is not None and not differing:
        columns.rebuild(fact.account)
        marks.judge(fact.account, before=equity)


def _tell_of_strangers(desk: Desk, fact: AccountSnapshot) -> None:
    """Alarm for what the venue holds and no column is for: another market, leg or margin mode than configured."""
    layout = desk.layout
    for report in fact.positions:
        if not report.quantity or report.key in layout.position_index:
            continue
        instrument = layout.instruments[report.key.instrument]
        desk.emit(
            RaiseAlarm(
                "position_unguarded",
                f"{layout.position_label(report.key)}: the venue holds "
                f"{to_text(report.quantity, instrument.quantity_digits)} "
                f"({report.key.side.value}, {report.key.mode.value}), which the configuration does not know; it is "
                "neither measured nor sold",
                desk.book.now,
            )
        )
