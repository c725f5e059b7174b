"""Many conditions to one generated Python function. The only file of the program with ``exec``.

Nothing of the user's text reaches the source: it is written from the typed tree, whose nodes are a closed
set, and holds numeric literals, element numbers and names made here (``c0`` columns, ``v0`` readings, ``t0``
values, ``b0`` truths). Truths are 0 false, 1 true, 2 unavailable: also the two bits of a condition's result.

Why a function and not a tree: this runs on every tick, and a tree would pay a call and a match for every node.
``python -m bench.rules`` times it. ``compile_columns`` beside it takes hundreds of elements at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, assert_never

from bot.domain.errors import ContractError
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
    Select,
    Sign,
    Truth,
    Value,
    reads_in,
)


class Column(Protocol):
    """Readings of one kind by element; None or NaN where unavailable."""

    def __getitem__(self, place: int, /) -> float | None: ...


Evaluate = Callable[[int, int, int], int]
ValueOf = Callable[[int, int, int], float | None]

# Which argument of the generated function is the index into the column of a measure.
_INDEX = {
    Subject.POSITION: "position",
    Subject.ACCOUNT: "account",
    Subject.UNDERLYING: "account",   # each that is named has a column of its own
    Subject.MARKET: "instrument",
    Subject.TIME: "0",               # there is one time
    Subject.PORTFOLIO: "0",          # and one portfolio
}


def compile_conditions(
    conditions: Sequence[Condition],
    column_of: Callable[[ReadingRef], Column],
    element_of: Callable[[ReadingRef], int | None],
) -> Evaluate:
    """Return one function ``(position, account, instrument) -> bits`` for all of ``conditions``.

    Bit 2j is set when condition j is true, bit 2j + 1 when it is unavailable. Columns are bound now and read
    at each call, so they are to be changed in place and never replaced. A reading's column is indexed by
    the argument that its measure is of, or by the element that ``element_of`` gives (a named market). The
    result is the interpreter's, to the last bit. Raises ContractError for an element that is no index.
    """
    writer = _Writer(column_of, element_of)
    writer.write_all(conditions)
    evaluate: Evaluate = _made(writer)
    return evaluate


def compile_value(
    value: Value,
    column_of: Callable[[ReadingRef], Column],
    element_of: Callable[[ReadingRef], int | None],
) -> ValueOf:
    """Return one function ``(position, account, instrument) -> value``, None while it is unavailable.

    Columns and elements as for conditions; what a window looks at is compiled so.
    """
    writer = _Writer(column_of, element_of)
    writer.write_value(value)
    evaluate: ValueOf = _made(writer)
    return evaluate


def _made(writer: _Writer) -> Any:
    return make_function("position, account, instrument", writer.lines, writer.columns)


def make_function(arguments: str, lines: Sequence[str], bound: Mapping[str, object]) -> Any:
    """Return the function of generated ``lines``, with ``bound`` as what its other names stand for.

    Only for the two compilers of typed trees, whose lines hold nothing of the user's text.
    """
    names = ", ".join(f"{name}={name}" for name in bound)
    head = f"def evaluate({arguments}{', ' + names if names else ''}):"
    namespace: dict[str, object] = {"__builtins__": {}, **bound}
    exec("\n".join((head, *lines)), namespace)
    return namespace["evaluate"]


def index_of(ref: ReadingRef, element_of: Callable[[ReadingRef], int | None]) -> int | None:
    """Return the fixed element of a reading, or None; raises ContractError for what is no index."""
    element = element_of(ref)
    if element is not None and (type(element) is not int or element < 0):
        raise ContractError(f"{ref}: its element must be an index of at least 0, was {element!r}")
    return element


class _Writer:
    """Writes the body, top down; ``lines`` is the source and ``columns`` the lists it is bound to."""

    def __init__(
        self, column_of: Callable[[ReadingRef], Column], element_of: Callable[[ReadingRef], int | None]
    ) -> None:
        self.lines: Final[list[str]] = []
        self.columns: Final[dict[str, Column]] = {}
        self._column_of = column_of
        self._element_of = element_of
        self._loaded: Final[dict[ReadingRef, str]] = {}
        self._depth = 1
        self._count = 0

    def write_all(self, conditions: Sequence[Condition]) -> None:
        for condition in conditions:
            for ref in condition.readings:
                self._load(ref)
        self._line("bits = 0")
        for number, condition in enumerate(conditions):
            self._branch(
                condition.root,
                on_true=f"bits |= {1 << 2 * number}",
                on_false="",
                on_missing=f"bits |= {2 << 2 * number}",
            )
        self._line("return bits")

    def write_value(self, value: Value) -> None:
        for read in reads_in(value):
            self._load(read.ref)
        self._line(f"return {self._value(value)}")

    def _line(self, text: str) -> None:
        self.lines.append(" " * self._depth + text)

    def _fresh(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def _load(self, ref: ReadingRef) -> None:
        if ref in self._loaded:
            return
        number = len(self._loaded)
        column, variable = f"c{number}", f"v{number}"
        element = index_of(ref, self._element_of)
        index = _INDEX[ref.subject] if element is None else str(element)
        self.columns[column] = self._column_of(ref)
        self._loaded[ref] = variable
        self._line(f"{variable} = {column}[{index}]")
        self._line(f"if {variable} != {variable}: {variable} = None")  # NaN is no number to act on

    # Conditions -------------------------------------------------------------------------------------------

    def _branch(self, node: Truth, *, on_true: str, on_false: str, on_missing: str) -> None:
        """Write code that runs one of three statements; an empty one does nothing."""
        match node:
            case Compare():
                left, right = self._value(node.left), self._value(node.right)
                relation = f"{left} {node.relation.value} {right}"
                missing = _any_missing(left, right)
                cases = [(missing, on_missing)] if missing else []
                self._choose([*cases, (relation, on_true), (f"not {relation}", on_false)])
            case Not():
                self._branch(node.operand, on_true=on_false, on_false=on_true, on_missing=on_missing)
            case All() | AnyOf():
                truth = self._join(node)
                self._choose([(f"{truth} == 1", on_true), (f"{truth} == 0", on_false),
                              (f"{truth} == 2", on_missing)])
            case _:
                assert_never(node)

    def _choose(self, cases: list[tuple[str, str]]) -> None:
        """Write an if-chain over cases of which always one holds."""
        word = "if"
        written = [case for case in cases if case[1]]
        for test, statement in written:
            if word == "elif" and len(written) == len(cases) and (test, statement) == cases[-1]:
                self._line(f"else: {statement}")
                return
            self._line(f"{word} {test}: {statement}")
            word = "elif"

    def _join(self, node: All | AnyOf) -> str:
        """Write the code of ``and`` or ``or``; an operand is looked at only while it can still matter."""
        truth = self._fresh("b")
        first, *rest = node.operands
        self._branch(first, on_true=f"{truth} = 1", on_false=f"{truth} = 0", on_missing=f"{truth} = 2")
        is_all = isinstance(node, All)
        for operand in rest:
            self._line(f"if {truth}:" if is_all else f"if {truth} != 1:")
            self._depth += 1
            self._branch(
                operand,
                on_true="" if is_all else f"{truth} = 1",
                on_false=f"{truth} = 0" if is_all else "",
                on_missing=f"{truth} = 2",
            )
            self._depth -= 1
        return truth

    # Values -----------------------------------------------------------------------------------------------

    def _value(self, node: Value) -> str:
        """Write the code of a value; return the literal or the variable that holds it."""
        match node:
            case Literal():
                return repr(node.value)
            case Read():
                return self._loaded[node.ref]
            case Negate():
                operand = self._value(node.operand)
                return self._assign([operand], [("", f"-{operand}")])
            case Absolute():
                operand = self._value(node.operand)
                return self._assign([operand], [(f"{operand} > 0.0", operand), ("", f"0.0 - {operand}")])
            case Arithmetic():
                return self._arithmetic(node.sign, self._value(node.left), self._value(node.right))
            case Clamp():
                value, low, high = (self._value(part) for part in (node.operand, node.low, node.high))
                return self._assign(
                    [value, low, high],
                    # of two literals the checker has seen to it that they are in order
                    [*([] if _is_literal(low) and _is_literal(high) else [(f"{low} > {high}", "None")]),
                     (f"{value} < {low}", low), (f"{value} > {high}", high), ("", value)],
                )
            case Select():
                return self._select(node.extreme, [self._value(operand) for operand in node.operands])
            case Default():
                operand, fallback = self._value(node.operand), self._value(node.fallback)
                cases = [] if _is_literal(operand) else [(f"{operand} is None", fallback)]
                return self._assign([], [*cases, ("", operand)])
            case _:
                assert_never(node)

    def _assign(self, operands: list[str], cases: list[tuple[str, str]]) -> str:
        """Write an if-chain that gives a fresh variable its value; None when an operand is missing."""
        target = self._fresh("t")
        missing = _any_missing(*operands)
        word = "if"
        for test, value in ([(missing, "None")] if missing else []) + cases:
            if not test:
                self._line(f"{target} = {value}" if word == "if" else f"else: {target} = {value}")
            else:
                self._line(f"{word} {test}: {target} = {value}")
                word = "elif"
        return target

    def _arithmetic(self, sign: Sign, left: str, right: str) -> str:
        target = self._fresh("t")
        missing = _any_missing(left, right)
        if sign is Sign.DIVIDE:
            missing = f"{missing} or {right} == 0.0" if missing else f"{right} == 0.0"
        if missing:
            self._line(f"if {missing}: {target} = None")
            self._line("else:")
            self._depth += 1
        self._line(f"{target} = {left} {sign.value} {right}")
        # x - x is 0 unless x is infinite or NaN: one test on the way that is nearly always taken
        finite = " and ".join(f"{name} - {name} == 0.0" for name in (left, right) if not _is_literal(name))
        self._line(f"if {target} - {target} != 0.0 and ({target} != {target} or {finite or '0 == 0'}): "
                   f"{target} = None")
        if missing:
            self._depth -= 1
        return target

    def _select(self, extreme: Extreme, values: list[str]) -> str:
        target = self._fresh("t")
        missing = _any_missing(*values)
        relation = ">" if extreme is Extreme.LARGEST else "<"
        if missing:
            self._line(f"if {missing}: {target} = None")
            self._line("else:")
            self._depth += 1
        self._line(f"{target} = {values[0]}")
        for value in values[1:]:
            self._line(f"if {value} {relation} {target}: {target} = {value}")
        if missing:
            self._depth -= 1
        return target


def _is_literal(operand: str) -> bool:
    return operand[0].isdigit()      # variables begin with a letter, and literals have no sign


def _any_missing(*operands: str) -> str:
    """Return the test for a missing operand; empty when all are literals, which cannot be missing."""
    names = dict.fromkeys(operand for operand in operands if not _is_literal(operand))
    return " or ".join(f"{name} is None" for name in names)
