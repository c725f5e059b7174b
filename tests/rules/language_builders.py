"""Builders for the tests of the rule language: conditions from text, and random typed trees."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from bot.domain.units import Place, SourceText
from bot.rules.language.check import check_condition
from bot.rules.language.compile import Evaluate, compile_conditions
from bot.rules.language.dimension import NUMBER
from bot.rules.language.functions import FUNCTION_ROWS
from bot.rules.language.measures import MEASURES, Subject
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


def has_default(node: Truth | Value) -> bool:
    """True when a tree says anywhere what to assume without a reading."""
    match node:
        case Default():
            return True
        case Literal() | Read():
            return False
        case Negate() | Absolute() | Not():
            return has_default(node.operand)
        case Compare() | Arithmetic():
            return has_default(node.left) or has_default(node.right)
        case Clamp():
            return any(has_default(part) for part in (node.operand, node.low, node.high))
        case Select() | All() | AnyOf():
            return any(has_default(part) for part in node.operands)


def condition_of(root: Truth) -> Condition:
    """Return a condition over every reading that random trees use."""
    return Condition(root, tuple(Read(ref, NUMBER) for ref in REFS), Scope.POSITION, source("random"))


def subject_of(ref: ReadingRef) -> str:
    return ref.subject.value


# Random texts ---------------------------------------------------------------------------------------------

WORDS = (
    "(", ")", ",", "+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "and", "or", "not", ".", '"', "%",
    "5%", "90s", "250_000 USDT", "0.5 BTC", "3", "0", "0.7", f'market("{BTC}").mark_price', "market", "x",
    *MEASURES, *(row.name for row in FUNCTION_ROWS), "09:30", "fri 20:00", "account.sigma(15m)",
    "\x00", "\u00e9", "\n", "[", "**",
)
VALID = (
    "account.liquidation_distance < clamp(6 * account.sigma(15m), 5%, 8%)",
    "position.loss_ratio > 8% and not account.margin_ratio < 50%",
    "max(position.drawdown, 15m) > 3% or position.unrealised_pnl < -1_000 USDT",
    f'market("{BTC}").return(15m) < -5%',
    "default(market.funding_rate, 0) > 5bps and time.of_day > 09:30",
    "rsi(market.close, 14, 1m) < 30",
    "position.age > 90s and position.notional > 20_000 USDT",
)


def condition_text(random: Random, depth: int) -> str:
    """Return a well-formed text of any dimension; the checker takes some and refuses some."""
    kind = random.randrange(5) if depth else 0
    if kind == 1:
        return f"not {condition_text(random, depth - 1)}"
    if kind == 2:
        return f"({condition_text(random, depth - 1)} or {condition_text(random, depth - 1)})"
    if kind == 3:
        return f"{condition_text(random, depth - 1)} and {condition_text(random, depth - 1)}"
    sign = random.choice(("<", "<=", ">", ">=", "==", "!="))
    return f"{value_text(random, depth)} {sign} {value_text(random, depth)}"


def value_text(random: Random, depth: int) -> str:
    """Return the text of a value."""
    kind = random.randrange(10) if depth else random.randrange(6)
    if kind < 4:
        return random.choice(("account.leverage", "account.sigma(1h)", "account.margin_ratio", "position.side"))
    if kind < 6:
        return random.choice(("3", "5%", "0.5", "90s", "10 USDT", "0"))
    inner = [value_text(random, depth - 1) for _ in range(3)]
    return (f"({inner[0]} * {inner[1]})", f"-{inner[0]}", f"clamp({', '.join(inner)})",
            f"max({inner[0]}, {inner[1]})")[kind - 6]


def word_soup(random: Random) -> str:
    """Return a heap of the language's own words, and a few that are not."""
    return " ".join(random.choice(WORDS) for _ in range(random.randint(1, 9)))


def byte_soup(random: Random) -> str:
    """Return what stands in a file that is no text; bytes that are not UTF-8 become lone surrogates."""
    return random.randbytes(random.randint(1, 40)).decode("utf-8", "surrogateescape")


def mutated(random: Random, text: str) -> str:
    """Return a text with one to three places cut out, doubled, changed or filled with another word."""
    for _ in range(random.randint(1, 3)):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.randrange(8))
        put = random.choice((
            "", text[start:end] * 2, random.choice(WORDS), chr(random.randrange(0x250)), str(random.randrange(10)),
        ))
        text = text[:start] + put + text[end:]
    return text
