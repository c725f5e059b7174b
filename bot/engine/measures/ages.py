"""Readings that change by themselves: ages, the time to the next funding or expiry, windows over what went through.

No price comes when a condition over one of them becomes true, so the engine asks to be woken. Where such a
reading is compared with a constant the moment is known; otherwise it is looked at again every second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.domain.scale import NS_PER_SECOND
from bot.engine.measures.flows import BUCKETS
from bot.engine.measures.layout import Layout
from bot.engine.measures.market import Market
from bot.engine.record.book import Book
from bot.engine.record.margin_calls import stands_until
from bot.rules.language.measures import Subject
from bot.rules.language.typed import (
    Compare,
    Condition,
    Literal,
    Read,
    ReadingRef,
    compares_in,
    reads_in,
)

LOOK_EVERY: Final = NS_PER_SECOND    # what a person means by "at once" where a sum of ages is compared
GROWING: Final = ("position.age", "market.age")
SHRINKING: Final = ("market.next_funding", "position.expiry")
CALLS: Final = {"account.margin_call": False, "portfolio.margin_call": True}     # whether of all accounts
WINDOWED: Final = ("market.volume", "market.order_flow", "market.liquidations", "market.return")


class Ages:
    """When an account must be looked at again although nothing is told."""

    def __init__(self, layout: Layout, book: Book, market: Market, conditions: Sequence[Condition]) -> None:
        self.layout = layout
        self.book = book
        self.market = market
        self.index_of = {instrument.symbol: instrument.index for instrument in layout.instruments}
        self.limits: dict[tuple[ReadingRef, int], None] = {}
        self.steps: dict[int, None] = {}
        self.calls: dict[bool, None] = {}
        for condition in conditions:
            for compare in compares_in(condition.root):
                self._take(compare)

    def __bool__(self) -> bool:
        return bool(self.limits or self.steps or self.calls)

    def _take(self, compare: Compare) -> None:
        left, right = compare.left, compare.right
        refs = [read.ref for side in (left, right) for read in reads_in(side)]
        for ref in _with_operands(refs):
            if ref.measure in CALLS:
                self.calls[CALLS[ref.measure]] = None
        for ref in refs:
            if ref.measure in WINDOWED:
                self.steps[max(int(ref.args[0]) // BUCKETS, LOOK_EVERY)] = None
        if not any(ref.measure in GROWING or ref.measure in SHRINKING for ref in refs):
            return
        if isinstance(left, Read) and isinstance(right, Literal):
            self.limits[left.ref, int(right.value)] = None
        elif isinstance(left, Literal) and isinstance(right, Read):
            self.limits[right.ref, int(left.value)] = None
        else:
            self.steps[LOOK_EVERY] = None

    def next_moment(self, account: int, now: int) -> int | None:
        """Return the first moment after ``now`` at which a truth of the account may change by time alone."""
        moments = [(now // step + 1) * step for step in self.steps]
        for ref, limit in self.limits:
            for start in self._starts(ref, account):
                # `>` becomes true just after its limit
                at = start - limit if ref.measure in SHRINKING else start + limit
                moments += [moment for moment in (at, at + 1, start) if moment > now]
        for of_all in self.calls:
            for each in range(len(self.layout.accounts)) if of_all else (account,):
                end = stands_until(self.layout, self.book, each)
                moments += [end] if end is not None and end > now else []
        return min(moments, default=None)

    def _starts(self, ref: ReadingRef, account: int) -> Iterator[int]:
        """Return the moments that a reading counts from, or to, for all elements of an account."""
        held = [position for position in self.layout.positions_of[account] if self.book.quantity[position]]
        if ref.subject is Subject.POSITION:
            for position in held:
                expiry = self.layout.instrument_of(position).expiry
                moment = expiry if ref.measure in SHRINKING else self.book.opened[position]
                if moment is not None:
                    yield moment
            return
        markets = (
            [self.layout.keys[position].instrument for position in held]
            if ref.symbol is None else [self.index_of[ref.symbol]]
        )
        for instrument in markets:
            market = self.market
            told = market.next_funding[instrument] if ref.measure in SHRINKING else market.marked_at(instrument)
            if told:
                yield told


def _with_operands(refs: Sequence[ReadingRef]) -> Iterator[ReadingRef]:
    """Return readings, and those that windows among them look at."""
    for ref in refs:
        yield ref
        if ref.derived is not None and ref.derived.operand is not None:
            yield from (read.ref for read in reads_in(ref.derived.operand))
