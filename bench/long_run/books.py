"""The venue's books and the journal's beside each other: fills by their numbers, both ways, and what is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.adapters.journal.reader import open_readonly
from bot.domain.events import OrderFilled


@dataclass(frozen=True, slots=True)
class Books:
    """What differs; empty lists where all agrees.

    ``told_again`` counts facts of fills that the journal has already: an answer is a fact, and a fill counts once.
    """

    fills_at_venue: int = 0
    fills_in_journal: int = 0
    not_in_journal: list[str] = field(default_factory=list)
    not_at_venue: list[str] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    told_again: int = 0
    origins: dict[str, int] = field(default_factory=dict)

    @property
    def agree(self) -> bool:
        return not (self.not_in_journal or self.not_at_venue or self.otherwise)


def recorded(journal: Path) -> list[OrderFilled]:
    """Return the fills that a journal holds, oldest first."""
    with open_readonly(journal) as reader:
        return [item for _, item in reader.read() if isinstance(item, OrderFilled)]


def compare(trades: Mapping[str, Iterable[Mapping[str, Any]]], fills: Iterable[OrderFilled]) -> Books:
    """Hold the venue's trades, by its symbols, against the journal's fills: number, side and quantity."""
    at_venue = {
        f"{symbol}:{trade['id']}": (str(trade["side"]), round(float(trade["qty"]) * 1_000))
        for symbol, rows in trades.items() for trade in rows
    }
    told = list(fills)
    first = {fill.trade_id: fill for fill in reversed(told)}
    ours = {number: (fill.side.value.upper(), fill.quantity) for number, fill in first.items()}
    return Books(
        fills_at_venue=len(at_venue),
        fills_in_journal=len(ours),
        not_in_journal=sorted(at_venue.keys() - ours.keys()),
        not_at_venue=sorted(ours.keys() - at_venue.keys()),
        otherwise=sorted(number for number in at_venue.keys() & ours.keys() if at_venue[number] != ours[number]),
        told_again=len(told) - len(ours),
        origins=dict(Counter(fill.origin.value for fill in first.values())),
    )
