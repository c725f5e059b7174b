"""Builders for the tests of the rule language: conditions from text, and random typed trees."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from bot.domain.units import Place, SourceText
from bot.rules.language.check import check_condition
from bot.rules.language.compile import Evaluate, compile_conditions
from bot.rules.language.dimension import NUMBER
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
    Derived,
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
)

BTC = "BTC/USDT:USDT"
ETH = "ETH/USDT:USDT"
ROW = 3                              # an index that is neither the first nor the last of a column
Readings = dict[str, float | None]


def source(text: str) -> SourceText:
    """Return text that stands at line 5, column 11 of ``rules.yaml``."""
    return SourceText(text, Place("rules.yaml", 5, 11))


def condition(text: str, scope: Scope = Scope.POSITION, symbols: tuple[str, ...] = (BTC,)) -> Condition:
    return check_condition(source(text), scope, symbols)


def lookup_in(readings: Readings) -> Callable[[ReadingRef], float | None]:
    """Return a lookup by what a person would write; what is not there is unavailable."""
    return lambda ref: readings.get(str(ref))


def compiled(conditions: list[Condition], readings: Readings) -> Evaluate:
    """Compile over columns that hold the readings at ``ROW`` and a wrong number everywhere else."""
    columns: dict[ReadingRef, list[float | None]] = {}

    def column_of(ref: ReadingRef) -> list[float | None]:
        column: list[float | None] = [-12345.0] * (ROW + 2)
        column[ROW] = readings.get(str(ref))
        return columns.setdefault(ref, column)

    return compile_conditions(conditions, column_of, lambda _: None)


def truth_in(bits: int, number: int) -> bool | None:
    """Return what the bits say of condition ``number``."""
    return (False, True, None)[bits >> 2 * number & 3]


# Random typed trees ---------------------------------------------------------------------------------------

REFS = (
    ReadingRef("account.equity"), ReadingRef("account.sigma", (900_000_000_000,)),
    ReadingRef("position.amount"), ReadingRef("position.loss_ratio"), ReadingRef("market.mark_price"),
    ReadingRef("market.mark_price", (), BTC), ReadingRef("time.of_day"),
    ReadingRef("max", (900_000_000_000,), None, Derived("max(account.equity, 15m)", Subject.ACCOUNT, "USDT")),
    ReadingRef("rsi", (14, 60_000_000_000), BTC, Derived("rsi(...)", Subject.MARKET, "number")),
)
ODD_NUMBERS: tuple[float | None, ...] = (
    None, None, math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 1e-308, 1.7e308, -1.7e308, 0.1, 0.3,
)
LITERALS = (0.0, 1.0, 2.0, 3.0, 0.1, 0.05, 6.0, 1e300, 900e9)


def random_number(random: Random) -> float | None:
    """Return a reading: half the time a plain one, half the time one of the kind that breaks programs."""
    return random.uniform(-4.0, 4.0) if random.random() < 0.5 else random.choice(ODD_NUMBERS)


def random_value(random: Random, depth: int) -> Value:
    kind = random.randrange(9) if depth > 0 else random.randrange(2)
    if kind == 0:
        number = random.choice(LITERALS)
        return Literal(number, NUMBER, repr(number))
    if kind <= 2:
        return Read(random.choice(REFS), NUMBER)
    if kind == 3:
        return random.choice((Negate, Absolute))(random_value(random, depth - 1), NUMBER)
    if kind == 4:
        low, middle, high = (random_value(random, depth - 1) for _ in range(3))
        if isinstance(low, Literal) and isinstance(high, Literal) and low.value > high.value:
            low, high = high, low                # the checker refuses the other order
        return Clamp(middle, low, high, NUMBER)
    if kind == 5:
        parts = tuple(random_value(random, depth - 1) for _ in range(random.randint(2, 4)))
        return Select(random.choice(list(Extreme)), parts, NUMBER)
    left, right = random_value(random, depth - 1), random_value(random, depth - 1)
    if kind == 6:
        return Default(left, right, NUMBER)
    return Arithmetic(random.choice(list(Sign)), left, right, NUMBER)


def random_truth(random: Random, depth: int) -> Truth:
    kind = random.randrange(6) if depth > 0 else 0
    if kind <= 2:
        left, right = random_value(random, depth), random_value(random, depth)
        return Compare(random.choice(list(Relation)), left, right)
    if kind == 3:
        return Not(random_truth(random, depth - 1))
    parts = tuple(random_truth(random, depth - 1) for _ in range(random.randint(2, 4)))
    return All(parts) if kind == 4 else AnyOf(parts)


def condition_of(root: Truth) -> Condition:
    """Return a condition over every reading that random trees use."""
    return Condition(root, tuple(Read(ref, NUMBER) for ref in REFS), Scope.POSITION, source("random"))


def subject_of(ref: ReadingRef) -> str:
    return ref.subject.value
