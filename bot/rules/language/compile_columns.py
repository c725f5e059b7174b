"""Many conditions to one function over arrays: the truths of hundreds of elements in one go.

The same tree as ``bot.rules.language.compile`` and the same answers to the last bit; an element costs little and a
call much, so it is for wide books (``python -m bench.rules`` times both). Needs numpy, so it is imported by whoever has
such a book.

Unavailable is NaN. Every condition has two arrays, where it is surely true and where it is surely false; an
element in neither is unavailable. NaN compares false with everything, so comparing both ways gives strong
Kleene logic without a mask: ``and`` is true where both are, false where one is, ``not`` swaps the two.

Elementwise sums only: IEEE says what they give, whatever the width of the machine. No reductions over floats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from bot.domain.errors import ContractError
from bot.rules.language.compile import Column, index_of, make_function
from bot.rules.language.interpret import value_of
from bot.rules.language.measures import Subject
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
    is_constant,
)

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]           # one row per condition, one column per element
Places = slice | NDArray[np.intp]
EvaluateColumns = Callable[[Places, int, Places, Truths, Truths], None]

# In these the elements differ; any other reading is one value for all of them.
_MANY: Final = {Subject.POSITION: "position", Subject.MARKET: "instrument"}
_OF_ACCOUNT: Final = (Subject.ACCOUNT, Subject.UNDERLYING)
_SUMS: Final = {Sign.ADD: "add", Sign.SUBTRACT: "subtract", Sign.MULTIPLY: "multiply"}
# What makes a relation true, and what makes it false; NaN is in neither.
_RELATIONS: Final[dict[Relation, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    Relation.BELOW: (("less",), ("greater_equal",)),
    Relation.AT_MOST: (("less_equal",), ("greater",)),
    Relation.ABOVE: (("greater",), ("less_equal",)),
    Relation.AT_LEAST: (("greater_equal",), ("less",)),
    Relation.EQUAL: (("equal",), ("less", "greater")),
    Relation.UNEQUAL: (("less", "greater"), ("equal",)),
}


def compile_columns(
    conditions: Sequence[Condition],
    column_of: Callable[[ReadingRef], Column],
    element_of: Callable[[ReadingRef], int | None],
) -> EvaluateColumns:
    """Return one function ``(positions, account, instruments, true, false)`` that fills the two truths.

    ``positions`` and ``instruments`` say which rows of the columns of positions and of markets are meant, as
    many as the truths have columns; the account is the same for all. Columns of positions and of markets
    must be buffers of doubles (``array("d")``) with NaN for unavailable; they are bound now and read at each
    call. Raises ContractError for one that is no such buffer.
    """
    writer = _Writer(column_of, element_of)
    for number, condition in enumerate(conditions):
        true, false = writer.truth(condition.root)
        writer.store(true, f"true[{number}]")
        writer.store(false, f"false[{number}]")
    evaluate: EvaluateColumns = make_function(
        "position, account, instrument, true, false", [*writer.lines, " return None"], {**_FUNCTIONS, **writer.columns}
    )

    def evaluate_quietly(
        positions: Places, account: int, instruments: Places, true: Truths, false: Truths
    ) -> None:
        with np.errstate(all="ignore"):          # what overflows is found and made unavailable below
            evaluate(positions, account, instruments, true, false)

    return evaluate_quietly


def _single(column: Column, place: int) -> Floats:
    value = column[place]
    return np.array((math.nan if value is None else value,))


def _without_overflow(result: Floats, left: Floats | float, right: Floats | float) -> Floats:
    """Make infinite results of finite operands unavailable, in place."""
    infinite = np.isinf(result)
    if np.count_nonzero(infinite):
        result[infinite & np.isfinite(left) & np.isfinite(right)] = math.nan
    return result


def _quotient(left: Floats | float, right: Floats | float) -> Floats:
    """Divide; what is divided by zero is unavailable, infinity included."""
    result = np.divide(left, right)
    infinite = np.isinf(result)
    if np.count_nonzero(infinite):
        result[infinite & ((np.isfinite(left) & np.isfinite(right)) | np.equal(right, 0.0))] = math.nan
    return result


_FUNCTIONS: Final[dict[str, object]] = {
    "single": _single, "checked": _without_overflow, "quotient": _quotient, "nan": math.nan,
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "negative": np.negative,
    "absolute": np.absolute, "maximum": np.maximum, "minimum": np.minimum, "where": np.where, "isnan": np.isnan,
    "less": np.less, "less_equal": np.less_equal, "greater": np.greater, "greater_equal": np.greater_equal,
    "equal": np.equal, "both": np.logical_and, "either": np.logical_or,
}  # fmt: skip


class _Writer:
    """Writes one assignment for each distinct sum: what two conditions share is worked out once."""

    def __init__(
        self, column_of: Callable[[ReadingRef], Column], element_of: Callable[[ReadingRef], int | None]
    ) -> None:
        self.lines: Final[list[str]] = []
        self.columns: Final[dict[str, object]] = {}
        self._column_of = column_of
        self._element_of = element_of
        self._names: Final[dict[str, str]] = {}          # by the text of what they hold
        self._line_of: Final[dict[str, int]] = {}
        self._read: Final[dict[ReadingRef, str]] = {}

    def _call(self, function: str, *operands: str) -> str:
        text = f"{function}({', '.join(operands)})"
        name = self._names.get(text)
        if name is None:
            name = self._names[text] = f"t{len(self._names)}"
            self._line_of[name] = len(self.lines)
            self.lines.append(f" {name} = {text}")
        return name

    def store(self, name: str, row: str) -> None:
        """Have a truth written to a row; where it is worked out, unless an earlier row has it already."""
        line = self._line_of.pop(name, None)
        if line is None:
            self.lines.append(f" {row} = {name}")
        else:
            self.lines[line] = f"{self.lines[line][:-1]}, {row})"

    # Conditions -------------------------------------------------------------------------------------------

    def truth(self, node: Truth) -> tuple[str, str]:
        """Write the code of a condition; return the names of where it is true and where it is false."""
        match node:
            case Compare():
                left, right = self._value(node.left), self._value(node.right)
                true, false = (
                    self._joined("either", [self._call(test, left, right) for test in tests])
                    for tests in _RELATIONS[node.relation]
                )
                return true, false
            case Not():
                true, false = self.truth(node.operand)
                return false, true
            case All() | AnyOf():
                names = [self.truth(operand) for operand in node.operands]
                for_true, for_false = ("both", "either") if isinstance(node, All) else ("either", "both")
                return (
                    self._joined(for_true, [true for true, _ in names]),
                    self._joined(for_false, [false for _, false in names]),
                )
            case _:
                assert_never(node)

    def _joined(self, function: str, names: Sequence[str]) -> str:
        joined, *rest = names
        for name in rest:
            joined = self._call(function, joined, name)
        return joined

    # Values -----------------------------------------------------------------------------------------------

    def _value(self, node: Value) -> str:
        """Write the code of a value; return the number or the name that holds it."""
        if is_constant(node):
            return _number(value_of(node, _no_reading))
        match node:
            case Read():
                return self._reading(node.ref)
            case Negate():
                return self._call("negative", self._value(node.operand))
            case Absolute():
                return self._call("absolute", self._value(node.operand))
            case Arithmetic():
                left, right = self._value(node.left), self._value(node.right)
                if node.sign is Sign.DIVIDE:
                    return self._call("quotient", left, right)
                return self._call("checked", self._call(_SUMS[node.sign], left, right), left, right)
            case Clamp():
                return self._clamp(node)
            case Select():
                function = "maximum" if node.extreme is Extreme.LARGEST else "minimum"    # NaN wins in both
                return self._joined(function, [self._value(operand) for operand in node.operands])
            case Default():
                operand, fallback = self._value(node.operand), self._value(node.fallback)
                return self._call("where", self._call("isnan", operand), fallback, operand)
            case Literal():
                return _number(node.value)
            case _:
                assert_never(node)

    def _clamp(self, node: Clamp) -> str:
        value, low, high = (self._value(part) for part in (node.operand, node.low, node.high))
        inside = self._call("minimum", self._call("maximum", value, low), high)
        if is_constant(node.low) and is_constant(node.high) and float(low) <= float(high):
            return inside
        return self._call("where", self._call("greater", low, high), "nan", inside)

    def _reading(self, ref: ReadingRef) -> str:
        if ref in self._read:
            return self._read[ref]
        name = f"c{len(self._read)}"
        column = self._column_of(ref)
        element = index_of(ref, self._element_of)
        many = _MANY.get(ref.subject) if element is None else None
        if many is not None:
            self.columns[name] = _view(ref, column)
            text = f"{name}[{many}]"
        else:
            self.columns[name] = column
            place = element if element is not None else "account" if ref.subject in _OF_ACCOUNT else 0
            text = f"single({name}, {place})"
        variable = self._read[ref] = f"v{len(self._read)}"
        self.lines.append(f" {variable} = {text}")
        return variable


def _view(ref: ReadingRef, column: Column) -> Floats:
    try:
        return np.frombuffer(column, dtype=np.float64)  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError):
        raise ContractError(
            f"{ref}: its column must be a buffer of doubles, was {type(column).__name__}; keep it in array('d')"
        ) from None


def _number(value: float | None) -> str:
    return "nan" if value is None else repr(value)


def _no_reading(ref: ReadingRef) -> float | None:
    raise ContractError(f"{ref}: a constant reads nothing")
