"""Untyped to typed: names, scopes, arguments and dimensions. The only maker of a ``Condition``.

A constant (a value without readings) takes the dimension of what it meets, where that is beyond doubt: a
plain number beside a ratio, 0 beside anything, money beside a price in that money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from bot.domain.units import SourceText
from bot.rules.language.currency import currencies_of
from bot.rules.language.derived import indicator_of, window_of
from bot.rules.language.dimension import (
    ACCOUNT_CURRENCY,
    BASE,
    DURATION,
    NUMBER,
    QUOTE,
    RATIO,
    SETTLE,
    Dimension,
    amount_of,
    product,
    quotient,
)
from bot.rules.language.errors import Fault, located
from bot.rules.language.explain import expression_text
from bot.rules.language.functions import FUNCTIONS, INDICATORS, WINDOW_FUNCTIONS
from bot.rules.language.literals import literal_of
from bot.rules.language.moments import (
    between_of,
    clock_beside,
    every_condition,
    every_of,
    is_time_condition,
    stray_clock_fault,
)
from bot.rules.language.names import bare_name_fault, measure_of, reading_of, unknown_function_fault
from bot.rules.language.plugged import PLUGIN, Plugged, plugged_reading
from bot.rules.language.syntax import (
    ArithmeticSyntax,
    CallSyntax,
    ClockSyntax,
    ComparisonSyntax,
    LogicSyntax,
    NameSyntax,
    NotSyntax,
    NumberSyntax,
    ReadingSyntax,
    SignSyntax,
    Syntax,
    parse,
)
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
    Scope,
    Select,
    Sign,
    Truth,
    Value,
    is_constant,
)

READINGS_MAX = 64                    # one rule; each costs a load at every evaluation
NOTHING_PLUGGED: Final[Mapping[str, Plugged]] = {}


def check_condition(
    source: SourceText, scope: Scope, symbols: Sequence[str], plugged: Mapping[str, Plugged] = NOTHING_PLUGGED
) -> Condition:
    """Return the checked condition of a rule that looks at ``scope``, over the markets ``symbols``.

    The symbols give the currencies that literals are held against, and are the markets that can be named;
    ``plugged`` are the measures of plug-ins.
    Raises LanguageError, at ``path:line:column``, for whatever is not a condition of the language, and its
    subclass NotBuiltYet for names that a later version knows.
    """
    try:
        checker = _Checker(scope, symbols, plugged)
        root = checker.truth(parse(source.text))
        if not checker.reads:
            raise Fault(0, f"condition: reads no measure and never changes, was {expression_text(root)}; "
                           "compare a measure such as account.liquidation_distance")
    except Fault as fault:
        raise located(source, fault) from None
    return Condition(root, tuple(checker.reads.values()), scope, source)


def check_reading(source: SourceText, scope: Scope, symbols: Sequence[str]) -> Read:
    """Return the one reading that ``source`` names, such as an input of a plug-in; raises LanguageError."""
    try:
        value = _Checker(scope, symbols, NOTHING_PLUGGED).value(parse(source.text))
        if not isinstance(value, Read):
            raise Fault(0, f"input: is one reading, was {expression_text(value)}; name each measure that it is made of")
    except Fault as fault:
        raise located(source, fault) from None
    return value


class _Checker:
    """One walk over one tree; ``reads`` collects the distinct readings in order of appearance."""

    def __init__(self, scope: Scope, symbols: Sequence[str], plugged: Mapping[str, Plugged]) -> None:
        self.scope: Final = scope
        self.symbols: Final = symbols
        self.plugged: Final = plugged
        self.currencies: Final = currencies_of(symbols)
        self.reads: Final[dict[ReadingRef, Read]] = {}

    def truth(self, syntax: Syntax) -> Truth:
        match syntax:
            case ComparisonSyntax():
                left, right = self._sides(syntax)
                _agree((left, right), (syntax.left.offset, syntax.right.offset), f"{syntax.sign} compares")
                return Compare(Relation(syntax.sign), left, right)
            case NotSyntax():
                return Not(self.truth(syntax.operand))
            case LogicSyntax():
                operands = tuple(self.truth(operand) for operand in syntax.operands)
                return All(operands) if syntax.word == "and" else AnyOf(operands)
            case ReadingSyntax() if is_time_condition(syntax):
                return self._time_condition(syntax)
            case _:
                value = self.value(syntax)
                raise Fault(syntax.offset, f"condition: is needed here, was {expression_text(value)} "
                                           f"({value.dimension}); compare it with a limit by < or >")

    def value(self, syntax: Syntax) -> Value:
        match syntax:
            case NumberSyntax():
                return literal_of(syntax)
            case ClockSyntax():
                raise stray_clock_fault(syntax)
            case ReadingSyntax():
                return self._read(syntax)
            case NameSyntax():
                raise bare_name_fault(syntax)
            case CallSyntax():
                return self._call(syntax)
            case SignSyntax():
                operand = self.value(syntax.operand)
                return operand if syntax.sign == "+" else Negate(operand, operand.dimension)
            case ArithmeticSyntax():
                return self._arithmetic(syntax)
            case ComparisonSyntax() | NotSyntax() | LogicSyntax():
                raise Fault(syntax.offset, "value: is needed here, was a condition, which is true or false; "
                                           "join conditions by and, or, not, without sums or comparisons")
            case _:
                assert_never(syntax)

    def _sides(self, syntax: ComparisonSyntax) -> tuple[Value, Value]:
        if isinstance(syntax.right, ClockSyntax):
            left = self.value(syntax.left)
            return left, clock_beside(syntax.right, left)
        if isinstance(syntax.left, ClockSyntax):
            right = self.value(syntax.right)
            return clock_beside(syntax.left, right), right
        return self.value(syntax.left), self.value(syntax.right)

    def _time_condition(self, syntax: ReadingSyntax) -> Truth:
        if syntax.name == "every":
            return every_condition(self._read(syntax))
        read, condition = between_of(syntax)
        self._register(read, syntax.offset)
        return condition

    def _read(self, syntax: ReadingSyntax) -> Read:
        if is_time_condition(syntax):
            if syntax.name == "between":
                raise Fault(syntax.offset, "value: is needed here, was time.between, which is true or false; "
                                           "compare time.of_day instead")
            periods = [self.value(argument) for argument in syntax.arguments or ()]
            return self._register(every_of(syntax, periods), syntax.offset)
        if syntax.subject == PLUGIN:
            return self._register(
                plugged_reading(syntax, self.plugged, self.scope, self.currencies), syntax.offset
            )
        measure = measure_of(syntax)
        arguments = tuple(self.value(argument) for argument in syntax.arguments or ())
        read = reading_of(
            syntax, measure, arguments,
            scope=self.scope, symbols=self.symbols, currencies=self.currencies,
        )
        return self._register(read, syntax.offset)

    def _register(self, read: Read, offset: int) -> Read:
        if read.ref not in self.reads and len(self.reads) == READINGS_MAX:
            raise Fault(offset, f"condition: has more than {READINGS_MAX} readings; "
                                       "split it into several rules")
        return self.reads.setdefault(read.ref, read)

    def _call(self, syntax: CallSyntax) -> Value:
        if syntax.name in INDICATORS:
            read = indicator_of(syntax, scope=self.scope, symbols=self.symbols, value_of=self.value)
            return self._register(read, syntax.offset)
        if syntax.name not in FUNCTIONS and syntax.name not in WINDOW_FUNCTIONS:
            raise unknown_function_fault(syntax)
        values = tuple(self.value(argument) for argument in syntax.arguments)
        window = window_of(syntax, values)
        return self._plain_call(syntax, values) if window is None else self._register(window, syntax.offset)

    def _plain_call(self, syntax: CallSyntax, values: tuple[Value, ...]) -> Value:
        function = FUNCTIONS[syntax.name]
        count = len(syntax.arguments)
        if not function.arguments_min <= count <= function.arguments_max:
            raise Fault(syntax.offset, f"{function.name}: wants {function.signature}, was given {count} "
                                       f"argument{'' if count == 1 else 's'}")
        offsets = tuple(argument.offset for argument in syntax.arguments)
        dimension = _agree(values, offsets, f"{function.name} takes")
        match function.name:
            case "abs":
                return Absolute(values[0], dimension)
            case "clamp":
                return _clamp(syntax, values, dimension)
            case "default":
                return _default(syntax, values, dimension)
            case _:
                return Select(Extreme(function.name), values, dimension)

    def _arithmetic(self, syntax: ArithmeticSyntax) -> Value:
        left, right = self.value(syntax.left), self.value(syntax.right)
        sign = Sign(syntax.sign)
        match sign:
            case Sign.MULTIPLY:
                dimension = product(left.dimension, right.dimension)
            case Sign.DIVIDE:
                if isinstance(right, Literal) and right.value == 0.0:
                    raise Fault(syntax.right.offset, "value: is divided by zero, was "
                                                     f"{right.text}; divide by another number")
                dimension = quotient(left.dimension, right.dimension)
            case Sign.ADD | Sign.SUBTRACT:
                dimension = _common((left, right), (syntax.left.offset, syntax.right.offset),
                                    f"{syntax.sign} takes")
            case _:
                assert_never(sign)
        return Arithmetic(sign, left, right, dimension)


def _clamp(syntax: CallSyntax, values: tuple[Value, ...], dimension: Dimension) -> Clamp:
    operand, low, high = values
    if isinstance(low, Literal) and isinstance(high, Literal) and low.value > high.value:
        raise Fault(syntax.arguments[1].offset, f"clamp: the low bound is above the high one, was {low.text} "
                                                f"and {high.text}; write clamp(x, low, high)")
    return Clamp(operand, low, high, dimension)


def _default(syntax: CallSyntax, values: tuple[Value, ...], dimension: Dimension) -> Default:
    operand, fallback = values
    if is_constant(operand):
        raise Fault(syntax.arguments[0].offset, f"default: what is never unavailable needs no default, was "
                                                f"{expression_text(operand)}; write default(x, value)")
    return Default(operand, fallback, dimension)


def _agree(values: tuple[Value, ...], offsets: tuple[int, ...], what: str) -> Dimension:
    """Return the common dimension of values that are held against each other, or raise Fault."""
    common = _common(values, offsets, what)
    ratios = any(value.dimension.is_ratio for value in values)
    for value, offset in zip(values, offsets, strict=True):
        bare = value.operand if isinstance(value, Negate) else value
        if ratios and isinstance(bare, Literal) and bare.dimension == NUMBER and bare.value > 1.0:
            raise Fault(offset, f"number: beside a ratio it means {bare.value * 100.0:.10g}%, was {bare.text}; "
                                f"write {bare.text}%, or {bare.value * 100.0:.10g}% if that is meant")
    if any(isinstance(value, Read) and value.dimension == NUMBER for value in values):
        _refuse_percents(values, offsets)
    return common


def _refuse_percents(values: tuple[Value, ...], offsets: tuple[int, ...]) -> None:
    """Refuse 5% beside a multiple or a count: it would quietly mean 0.05."""
    for value, offset in zip(values, offsets, strict=True):
        bare = value.operand if isinstance(value, Negate) else value
        if isinstance(bare, Literal) and bare.dimension == RATIO:
            raise Fault(offset, f"number: beside a plain number it means {bare.value:.10g}, was {bare.text}; write "
                                f"{bare.text.rstrip('%bps')}, or {bare.value:.10g} if that is meant")


def _common(values: tuple[Value, ...], offsets: tuple[int, ...], what: str) -> Dimension:
    lead = values[0]
    if not all(value.dimension.is_like(lead.dimension) for value in values):
        lead = max(values, key=_certainty)
        for value, offset in zip(values, offsets, strict=True):
            if not _fits(value, lead.dimension):
                raise Fault(offset, _mismatch(value, lead, what))
    if lead.dimension.powers or not any(value.dimension.is_ratio for value in values):
        return lead.dimension
    return next(value.dimension for value in values if value.dimension.is_ratio)


def _certainty(value: Value) -> int:
    """Rank by how surely a value says what its fellows are counted in; of equals the first leads."""
    if not is_constant(value):
        return 2
    return 1 if value.dimension.powers else 0


def _fits(value: Value, dimension: Dimension) -> bool:
    if value.dimension.is_like(dimension):
        return True
    if not is_constant(value):
        return False
    is_zero = isinstance(value, Literal) and value.value == 0.0 and value.dimension == NUMBER
    quote = dimension.quote
    return is_zero or (quote is not None and value.dimension == amount_of(quote))


def _mismatch(value: Value, lead: Value, what: str) -> str:
    return (f"{what} values of one kind, was {expression_text(lead)} ({lead.dimension}) with "
            f"{expression_text(value)} ({value.dimension}); {_cure(value, lead)}")


def _cure(value: Value, lead: Value) -> str:
    wanted = [lead.dimension.quote] if lead.dimension.is_price else [name for name, _ in lead.dimension.powers]
    if value.dimension.powers and any(name in _ROLES for name in wanted):
        return ("the markets of this rule do not share that currency, so no amount fits them all; "
                "give each its own rule, or compare with another measure")
    dimension = lead.dimension
    if dimension == DURATION:
        return "write a duration such as 90s or 15m"
    if not dimension.powers:
        return "write a ratio such as 5% or 0.05" if dimension.is_ratio else "write a plain number such as 3"
    if dimension.quote is not None or len(dimension.powers) == 1:
        currency = dimension.quote or dimension.unit
        if isinstance(value, Literal) and value.dimension == NUMBER:
            return f"write {value.text} {currency}"
        return f"write an amount in {currency}"
    return "make both sides the same kind of value"


_ROLES: Final = (ACCOUNT_CURRENCY, BASE, QUOTE, SETTLE)
