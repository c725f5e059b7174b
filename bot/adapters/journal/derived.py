"""What people ask of a journal in SQL: rows that repeat some effects as columns."""

from __future__ import annotations

from collections.abc import Iterable

from bot.adapters.journal.codec import Message, encode
from bot.domain.effects import OpenEpisode, ReserveNames

Columns = tuple[int | str, ...]

DECISION_COLUMNS = "seq, now, rule, scope, episode, why, readings"
RESERVATION_COLUMNS = (
    "parent, account, instrument, leg, mode, side, first_child, count, quantity_max, seq"
)


def derived_rows(messages: Iterable[tuple[int, Message]]) -> tuple[list[Columns], list[Columns]]:
    """Return the rows of ``decisions`` and of ``reservations`` that follow from (seq, message) pairs."""
    decisions: list[Columns] = []
    reservations: list[Columns] = []
    for seq, message in messages:
        match message:
            case OpenEpisode():
                decisions.append(_decision(seq, message))
            case ReserveNames():
                reservations.append(_reservation(seq, message))
            case _:
                pass
    return decisions, reservations


def insertion(table: str, columns: str) -> str:
    """Return the SQL that inserts one row of ``columns``."""
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(columns.split(', ')))})"


def _decision(seq: int, fired: OpenEpisode) -> Columns:
    return (
        seq, fired.now, fired.rule, encode(fired.element).decode(), fired.episode, fired.why,
        encode(fired.readings).decode(),
    )


def _reservation(seq: int, names: ReserveNames) -> Columns:
    key = names.key
    return (
        names.parent, key.account, key.instrument, key.side.value, key.mode.value, names.side.value,
        names.first_child, names.count, names.quantity_max, seq,
    )
