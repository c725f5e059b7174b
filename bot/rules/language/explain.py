"""A condition in words, with or without its readings: one line for a person, never read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from bot.rules.language.interpret import Lookup, value_of
from bot.rules.language.moments import OF_DAY, OF_WEEK, clock_text
from bot.rules.language.typed import (
    Absolute,
    All,
    AnyOf,
    Arithmetic,
    Clamp,
    Compare,
    Condition,
    Default,
    Literal,
    Negate,
    Not,
    Read,
    Select,
    Sign,
    Truth,
    Value,
    compares_in,
)
from bot.rules.language.wording import shows_apart, value_text

_DECIMALS = (2, 4, 8, 12)            # more only where fewer would show two different sides as equal

Leaf = Callable[[Literal | Read], str]


def explain(condition: Condition, lookup: Lookup) -> str:
    """Return the condition with its readings behind them and the values of its compound sides.

    ``account.liquidation_distance 4.93 % < clamp(6 * account.sigma(15m) 0.92 %, 5 %, 8 %) = 5.52 %``.
    What is not available is shown so.
    """
    decimals = _decimals_needed(condition.root, lookup)

    def leaf(node: Literal | Read) -> str:
        if isinstance(node, Literal):
            return node.text if ":" in node.text else value_text(node.value, node.dimension, decimals)
        found = lookup(node.ref)
        if found is not None and node.ref.measure in (OF_DAY.measure, OF_WEEK.measure):
            return f"{node.ref} {clock_text(found, is_of_week=node.ref == OF_WEEK)}"
        return f"{node.ref} {value_text(found, node.dimension, decimals)}"

    def side(node: Value) -> str:
        if isinstance(node, (Literal, Read)):
            return leaf(node)
        text = _value_text(node, leaf)
        return f"{text} = {value_text(value_of(node, lookup), node.dimension, decimals)}"

    return _truth_text(condition.root, side)


def expression_text(node: Value | Truth) -> str:
    """Return the expression as a person would write it, without values."""
    if isinstance(node, Compare | Not | All | AnyOf):
        return _truth_text(node, expression_text)
    return _value_text(node, lambda leaf: leaf.text if isinstance(leaf, Literal) else str(leaf.ref))


def _decimals_needed(root: Truth, lookup: Lookup) -> int:
    pairs = [(node, value_of(node.left, lookup), value_of(node.right, lookup)) for node in compares_in(root)]
    close = [each for each in pairs if not shows_apart(each[1], each[2], each[0].left.dimension)]
    if not close:
        return _DECIMALS[0]
    for decimals in _DECIMALS:
        if all(
            left == right
            or value_text(left, node.left.dimension, decimals)
            != value_text(right, node.right.dimension, decimals)
            for node, left, right in close
        ):
            return decimals
    return _DECIMALS[-1]



def _truth_text(node: Truth, side: Callable[[Value], str]) -> str:
    match node:
        case Compare():
            return f"{side(node.left)} {node.relation.value} {side(node.right)}"
        case Not():
            return f"not {_nested(node.operand, side, (Compare, Not))}"
        case All():
            return " and ".join(_nested(part, side, (Compare, Not)) for part in node.operands)
        case AnyOf():
            return " or ".join(_nested(part, side, (Compare, Not, All)) for part in node.operands)
        case _:
            assert_never(node)


def _nested(node: Truth, side: Callable[[Value], str], bare: tuple[type, ...]) -> str:
    text = _truth_text(node, side)
    return text if isinstance(node, bare) else f"({text})"


# How tightly a value's outermost sign binds: a looser one inside a tighter one needs parentheses.
_SUM, _PRODUCT, _SIGNED, _ATOM = range(4)


def _binding(node: Value) -> int:
    if isinstance(node, Arithmetic):
        return _SUM if node.sign in (Sign.ADD, Sign.SUBTRACT) else _PRODUCT
    return _SIGNED if isinstance(node, Negate) else _ATOM


def _value_text(node: Value, leaf: Leaf) -> str:
    match node:
        case Literal() | Read():
            return leaf(node)
        case Negate():
            return f"-{_tight(node.operand, leaf, _SIGNED)}"
        case Absolute():
            return f"abs({_value_text(node.operand, leaf)})"
        case Arithmetic():
            binding = _binding(node)
            left = _tight(node.left, leaf, binding)
            return f"{left} {node.sign.value} {_tight(node.right, leaf, binding + 1)}"
        case Clamp():
            parts = (node.operand, node.low, node.high)
            return f"clamp({', '.join(_value_text(part, leaf) for part in parts)})"
        case Select():
            return f"{node.extreme.value}({', '.join(_value_text(part, leaf) for part in node.operands)})"
        case Default():
            return f"default({_value_text(node.operand, leaf)}, {_value_text(node.fallback, leaf)})"
        case _:
            assert_never(node)


def _tight(node: Value, leaf: Leaf, at_least: int) -> str:
    text = _value_text(node, leaf)
    return text if _binding(node) >= at_least else f"({text})"
