"""The checked tree: a closed set of nodes, and the condition that the rest of the program holds.

Values carry their dimension; conditions need none. Every walk over them is a ``match`` with
``assert_never``, so a new node cannot be forgotten anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import msgspec

from bot.domain.units import SourceText
from bot.rules.language.dimension import Dimension
from bot.rules.language.measures import MEASURES, Subject
from bot.rules.language.wording import bps_text, duration_text


class Scope(Enum):
    """What one instance of a rule looks at: its ``for_each``."""

    ACCOUNT = "account"
    POSITION = "position"
    PORTFOLIO = "portfolio"          # one element: all accounts of this process


@dataclass(frozen=True, slots=True)
class Derived:
    """What tells a reading that is worked out from others: a window, an indicator, a period of time, a plug-in.

    ``text`` is the reading as a person writes it, ``operand`` what a window looks at; ``inputs`` is what a plug-in
    reads, and ``sha256`` that of its file, empty for all others.
    """

    text: str
    subject: Subject
    unit: str
    operand: Value | None = None
    inputs: tuple[Read, ...] = ()
    sha256: str = ""

    @property
    def is_plugged(self) -> bool:
        """True for what a plug-in works out."""
        return bool(self.sha256)


class ReadingRef(msgspec.Struct, frozen=True):
    """One thing to read: a measure, its arguments (durations in ns, ratios as floats), and the market if one
    was named.

    Where ``derived`` is given, ``measure`` is the name of a function.
    """

    measure: str
    args: tuple[int | float, ...] = ()
    symbol: str | None = None
    derived: Derived | None = None

    @property
    def subject(self) -> Subject:
        """What it is a reading of: the kind of index its column has."""
        return MEASURES[self.measure].subject if self.derived is None else self.derived.subject

    @property
    def unit(self) -> str:
        """What it is counted in, in a word or two."""
        return MEASURES[self.measure].unit.value if self.derived is None else self.derived.unit

    def __str__(self) -> str:
        if self.derived is not None:
            return self.derived.text
        name = self.measure
        if self.symbol is not None:
            subject, _, rest = name.partition(".")
            name = f'{subject}("{self.symbol}").{rest}'
        if not self.args:
            return name
        return f"{name}({', '.join(_argument_text(argument) for argument in self.args)})"


def _argument_text(argument: int | float) -> str:
    """Return a duration (ns, an int) or a ratio (a float) as a person would write it."""
    return duration_text(argument) if isinstance(argument, int) else bps_text(argument)


class Sign(Enum):
    """The four sums."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"


class Relation(Enum):
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    EQUAL = "=="
    UNEQUAL = "!="


class Extreme(Enum):
    LARGEST = "max"
    SMALLEST = "min"


@dataclass(frozen=True, slots=True)
class Literal:
    """A finite number of at least zero; ``text`` is as the user wrote it."""

    value: float
    dimension: Dimension
    text: str


@dataclass(frozen=True, slots=True)
class Read:
    ref: ReadingRef
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Negate:
    operand: Value
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Absolute:
    operand: Value
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum of two values.

    Its value is unavailable when an operand is, on division by zero, when it is not a number, and when it
    is infinite though both operands were finite. Infinity that came in with a reading goes through: the
    margin ratio of an account without equity is infinite, and twice that is no less of an emergency.
    """

    sign: Sign
    left: Value
    right: Value
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Clamp:
    operand: Value
    low: Value
    high: Value
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Select:
    """The largest or the smallest of ``operands``."""

    extreme: Extreme
    operands: tuple[Value, ...]
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Default:
    """``operand``, or ``fallback`` while that is unavailable."""

    operand: Value
    fallback: Value
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Compare:
    relation: Relation
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Not:
    operand: Truth


@dataclass(frozen=True, slots=True)
class All:
    """``and``: false when one is false, else unavailable when one is, else true."""

    operands: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``or``: true when one is true, else unavailable when one is, else false."""

    operands: tuple[Truth, ...]


Value = Literal | Read | Negate | Absolute | Arithmetic | Clamp | Select | Default
Truth = Compare | Not | All | AnyOf


def compares_in(truth: Truth) -> Iterator[Compare]:
    """Yield every comparison of a condition, in the order in which they are written."""
    match truth:
        case Compare():
            yield truth
        case Not():
            yield from compares_in(truth.operand)
        case All() | AnyOf():
            for operand in truth.operands:
                yield from compares_in(operand)
        case _:
            assert_never(truth)


def reads_in(value: Value) -> Iterator[Read]:
    """Yield the readings of a value, in order of appearance; none for a constant."""
    match value:
        case Literal():
            return
        case Read():
            yield value
        case Negate() | Absolute():
            yield from reads_in(value.operand)
        case Arithmetic():
            yield from reads_in(value.left)
            yield from reads_in(value.right)
        case Clamp():
            for part in (value.operand, value.low, value.high):
                yield from reads_in(part)
        case Select():
            for part in value.operands:
                yield from reads_in(part)
        case Default():
            yield from reads_in(value.operand)
            yield from reads_in(value.fallback)
        case _:
            assert_never(value)


def is_constant(value: Value) -> bool:
    """True for a value without readings."""
    return next(reads_in(value), None) is None


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition. ``reads`` holds its distinct readings in order of appearance."""

    root: Truth
    reads: tuple[Read, ...]
    scope: Scope
    source: SourceText

    @property
    def readings(self) -> tuple[ReadingRef, ...]:
        """The distinct readings, in order of appearance."""
        return tuple(read.ref for read in self.reads)
