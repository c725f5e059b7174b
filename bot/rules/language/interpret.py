"""The plain meaning of a condition: the typed tree, walked node by node.

Slow and obvious on purpose. The compiler must agree with it to the last bit, and a test holds it to that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import assert_never

from bot.rules.language.typed import (
    Absolute,
    All,
    AnyOf,
    Arithmetic,
    Clamp,
    Compare,
    Condition,
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

Lookup = Callable[[ReadingRef], float | None]


def interpret(condition: Condition, lookup: Lookup) -> bool | None:
    """Return whether the condition holds; None when what is available does not decide it."""
    return truth_of(condition.root, lookup)


def truth_of(node: Truth, lookup: Lookup) -> bool | None:
    """Return the truth of one node of a condition, by strong Kleene logic."""
    match node:
        case Compare():
            return _compare(node.relation, value_of(node.left, lookup), value_of(node.right, lookup))
        case Not():
            inner = truth_of(node.operand, lookup)
            return None if inner is None else not inner
        case All():
            found = [truth_of(operand, lookup) for operand in node.operands]
            if False in found:
                return False
            return None if None in found else True
        case AnyOf():
            found = [truth_of(operand, lookup) for operand in node.operands]
            if True in found:
                return True
            return None if None in found else False
        case _:
            assert_never(node)


def value_of(node: Value, lookup: Lookup) -> float | None:
    """Return the value of one node; None when it is unavailable, never NaN."""
    match node:
        case Literal():
            return node.value
        case Read():
            reading = lookup(node.ref)
            return None if reading is None or math.isnan(reading) else reading
        case Negate():
            operand = value_of(node.operand, lookup)
            return None if operand is None else -operand
        case Absolute():
            operand = value_of(node.operand, lookup)
            return None if operand is None else abs(operand)
        case Arithmetic():
            return _arithmetic(node.sign, value_of(node.left, lookup), value_of(node.right, lookup))
        case Clamp():
            return _clamp(*(value_of(part, lookup) for part in (node.operand, node.low, node.high)))
        case Select():
            return _select(node.extreme, [value_of(operand, lookup) for operand in node.operands])
        case Default():
            operand = value_of(node.operand, lookup)
            return value_of(node.fallback, lookup) if operand is None else operand
        case _:
            assert_never(node)


def _arithmetic(sign: Sign, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    match sign:
        case Sign.ADD:
            result = left + right
        case Sign.SUBTRACT:
            result = left - right
        case Sign.MULTIPLY:
            result = left * right
        case Sign.DIVIDE:
            if right == 0.0:
                return None
            result = left / right
        case _:
            assert_never(sign)
    if math.isnan(result):
        return None
    if math.isinf(result) and math.isfinite(left) and math.isfinite(right):
        return None
    return result


def _clamp(value: float | None, low: float | None, high: float | None) -> float | None:
    if value is None or low is None or high is None or low > high:
        return None
    if value < low:
        return low
    return high if value > high else value


def _select(extreme: Extreme, values: list[float | None]) -> float | None:
    best = values[0]
    for value in values[1:]:
        if value is None or best is None:
            return None
        if value > best if extreme is Extreme.LARGEST else value < best:
            best = value
    return best


def _compare(relation: Relation, left: float | None, right: float | None) -> bool | None:
    if left is None or right is None:
        return None
    match relation:
        case Relation.BELOW:
            return left < right
        case Relation.AT_MOST:
            return left <= right
        case Relation.ABOVE:
            return left > right
        case Relation.AT_LEAST:
            return left >= right
        case Relation.EQUAL:
            return left == right
        case Relation.UNEQUAL:
            return left != right
        case _:
            assert_never(relation)
