"""What a condition can be at all: the range of every value, and whether a truth is within reach.

Each reading is given the range that its meaning allows (a distance is never negative), and every sum the
range that follows. Readings are taken to be free of each other, except that one and the same reading is
one and the same; so what is called impossible here is impossible, and what is not may still be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isnan, nextafter

from bot.rules.language.typed import (
    Absolute,
    All,
    AnyOf,
    Arithmetic,
    Clamp,
    Compare,
    Default,
    Extreme,
    Literal,
    Negate,
    Not,
    Read,
    ReadingRef,
    Relation,
    Select,
    Sign,
    Truth,
    Value,
)


@dataclass(frozen=True, slots=True)
class Span:
    """All numbers from ``low`` to ``high``, both included."""

    low: float = -inf
    high: float = inf


EVERYTHING = Span()
NOT_NEGATIVE = Span(0.0)
RANGES = {
    **dict.fromkeys(
        (
            "account.available", "account.initial_margin", "account.maintenance_margin", "account.margin_ratio",
            "account.leverage", "account.gross_notional", "account.liquidation_distance",
            "account.liquidation_sigmas", "account.sigma", "position.notional", "position.entry_price",
            "position.age", "market.mark_price", "market.last_price", "market.index_price", "market.age",
            "account.liquidation_distance_worst", "position.liquidation_distance", "position.liquidation_price",
            "market.mid", "market.depth", "market.volume", "market.volatility", "market.open_interest",
            "market.liquidations", "time.of_day", "time.of_week",
        ),
        NOT_NEGATIVE,
    ),
    "position.side": Span(-1.0, 1.0),
    "account.margin_call": Span(0.0, 1.0),
    "rsi": Span(0.0, 100.0),
}
Ranges = Mapping[ReadingRef, Span]

_OPPOSITE = {
    Relation.BELOW: Relation.AT_LEAST, Relation.AT_LEAST: Relation.BELOW,
    Relation.ABOVE: Relation.AT_MOST, Relation.AT_MOST: Relation.ABOVE,
    Relation.EQUAL: Relation.UNEQUAL, Relation.UNEQUAL: Relation.EQUAL,
}
_MIRRORED = {
    Relation.BELOW: Relation.ABOVE, Relation.ABOVE: Relation.BELOW,
    Relation.AT_LEAST: Relation.AT_MOST, Relation.AT_MOST: Relation.AT_LEAST,
    Relation.EQUAL: Relation.EQUAL, Relation.UNEQUAL: Relation.UNEQUAL,
}


def can_be(root: Truth, truth: bool) -> bool:
    """False only when no readings whatever make the condition ``truth``."""
    return narrowed(root, truth, {}) is not None


def narrowed(node: Truth, truth: bool, ranges: Ranges) -> Ranges | None:
    """Return the ranges left to the readings when ``node`` is ``truth``; None when it cannot be."""
    match node:
        case Compare():
            relation = node.relation if truth else _OPPOSITE[node.relation]
            return _compared(node.left, relation, node.right, ranges)
        case Not():
            return narrowed(node.operand, not truth, ranges)
        case All() | AnyOf():
            if isinstance(node, All) is truth:
                found: Ranges | None = ranges
                for operand in node.operands:
                    found = None if found is None else narrowed(operand, truth, found)
                return found
            ways = [way for operand in node.operands if (way := narrowed(operand, truth, ranges)) is not None]
            return None if not ways else ways[0] if len(ways) == 1 else ranges


def span_of(value: Value, ranges: Ranges) -> Span:
    """Return between what a value lies whenever it is available."""
    match value:
        case Literal():
            return Span(value.value, value.value)
        case Read():
            return ranges.get(value.ref) or RANGES.get(value.ref.measure, EVERYTHING)
        case Negate():
            inner = span_of(value.operand, ranges)
            return Span(-inner.high, -inner.low)
        case Absolute():
            inner = span_of(value.operand, ranges)
            ends = (abs(inner.low), abs(inner.high))
            return Span(0.0 if inner.low <= 0.0 <= inner.high else min(ends), max(ends))
        case Arithmetic():
            return _arithmetic(value.sign, span_of(value.left, ranges), span_of(value.right, ranges))
        case Clamp():
            operand, low, high = (span_of(part, ranges) for part in (value.operand, value.low, value.high))
            return Span(max(low.low, min(operand.low, high.low)), min(high.high, max(operand.high, low.high)))
        case Select():
            spans = [span_of(operand, ranges) for operand in value.operands]
            pick = max if value.extreme is Extreme.LARGEST else min
            return Span(pick(span.low for span in spans), pick(span.high for span in spans))
        case Default():
            operand, fallback = span_of(value.operand, ranges), span_of(value.fallback, ranges)
            return Span(min(operand.low, fallback.low), max(operand.high, fallback.high))


def _arithmetic(sign: Sign, left: Span, right: Span) -> Span:
    match sign:
        case Sign.ADD:
            ends = [left.low + right.low, left.high + right.high]
        case Sign.SUBTRACT:
            ends = [left.low - right.high, left.high - right.low]
        case Sign.MULTIPLY:
            ends = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
        case Sign.DIVIDE:
            if right.low <= 0.0 <= right.high:
                return EVERYTHING
            ends = [a / b for a in (left.low, left.high) for b in (right.low, right.high)]
    return EVERYTHING if any(isnan(end) for end in ends) else Span(min(ends), max(ends))


def _compared(left: Value, relation: Relation, right: Value, ranges: Ranges) -> Ranges | None:
    first, second = span_of(left, ranges), span_of(right, ranges)
    narrow_first, narrow_second = _kept(first, relation, second), _kept(second, _MIRRORED[relation], first)
    if narrow_first is None or narrow_second is None:
        return None
    found = dict(ranges)
    if isinstance(left, Read):
        found[left.ref] = narrow_first
    if isinstance(right, Read):
        found[right.ref] = narrow_second
    return found


def _kept(span: Span, relation: Relation, other: Span) -> Span | None:
    """Return the part of ``span`` that stands in ``relation`` to something in ``other``, or None."""
    low, high = span.low, span.high
    match relation:
        case Relation.BELOW:
            high = min(high, nextafter(other.high, -inf)) if other.high < inf else high
            low = low if low < other.high else inf
        case Relation.AT_MOST:
            high = min(high, other.high)
        case Relation.ABOVE:
            low = max(low, nextafter(other.low, inf)) if other.low > -inf else low
            high = high if high > other.low else -inf
        case Relation.AT_LEAST:
            low = max(low, other.low)
        case Relation.EQUAL:
            low, high = max(low, other.low), min(high, other.high)
        case Relation.UNEQUAL:
            if low == high == other.low == other.high:
                return None
    return Span(low, high) if low <= high else None
