"""What texts mean: units, signs, strong Kleene logic, and what is unavailable. Interpreted and compiled."""

from __future__ import annotations

import itertools
import math
from random import Random

import pytest

from bot.rules.language.explain import expression_text
from bot.rules.language.interpret import interpret
from bot.rules.language.typed import Compare, Literal
from tests.rules.language_builders import (
    REFS,
    ROW,
    Readings,
    compiled,
    condition,
    condition_of,
    lookup_in,
    random_number,
    random_truth,
    truth_in,
)


def meaning(text: str, readings: Readings) -> bool | None:
    """Return what the text says of the readings, having asked both evaluators."""
    each = condition(text)
    plain = interpret(each, lookup_in(readings))
    assert truth_in(compiled([each], readings)(ROW, ROW, ROW), 0) is plain
    return plain


def literal(text: str, beside: str) -> float:
    root = condition(f"{beside} > {text}").root
    assert isinstance(root, Compare) and isinstance(root.right, Literal)
    return root.right.value


UNITS = [
    ("70%", "account.margin_ratio", 0.7),
    ("1.5%", "account.margin_ratio", 0.015),
    ("25bps", "account.margin_ratio", 0.0025),
    ("0.7", "account.margin_ratio", 0.7),
    ("150%", "account.margin_ratio", 1.5),
    ("250ms", "position.age", 250e6),
    ("90s", "position.age", 90e9),
    ("1.5s", "position.age", 1.5e9),
    ("15m", "position.age", 900e9),
    ("1h", "position.age", 3600e9),
    ("1d", "position.age", 86400e9),
    ("250_000 USDT", "account.equity", 250_000.0),
    ("250_000USDT", "account.equity", 250_000.0),
    ("0.5 BTC", "position.amount", 0.5),
    ("3", "account.leverage", 3.0),
    ("0.1", "account.leverage", 0.1),
    ("12345678901234567890", "account.leverage", 12345678901234567890.0),
]


@pytest.mark.parametrize(("text", "beside", "value"), UNITS)
def test_literal_is_the_nearest_float_in_the_unit_of_the_core(text: str, beside: str, value: float) -> None:
    """Ratios are fractions, durations nanoseconds, money units of its currency, rounded once."""
    assert literal(text, beside) == value


# Kleene's strong tables (Introduction to Metamathematics, 1952, section 64); None is "unavailable".
AND = {
    (True, True): True, (True, False): False, (True, None): None,
    (False, True): False, (False, False): False, (False, None): False,
    (None, True): None, (None, False): False, (None, None): None,
}
OR = {
    (True, True): True, (True, False): True, (True, None): True,
    (False, True): True, (False, False): False, (False, None): None,
    (None, True): True, (None, False): None, (None, None): None,
}
READING_OF: dict[bool | None, float | None] = {True: 9.0, False: 1.0, None: None}
LEFT, RIGHT = "account.leverage > 5", "position.side > 5"


@pytest.mark.parametrize(("left", "right"), AND)
def test_and_or_not_follow_kleene(left: bool | None, right: bool | None) -> None:
    """False and unavailable is false, true or unavailable is true, otherwise unavailable stays so."""
    readings = {"account.leverage": READING_OF[left], "position.side": READING_OF[right]}
    assert meaning(f"{LEFT} and {RIGHT}", readings) is AND[left, right]
    assert meaning(f"{LEFT} or {RIGHT}", readings) is OR[left, right]
    assert meaning(f"not {LEFT}", readings) is {True: False, False: True, None: None}[left]
    assert meaning(f"not ({LEFT} and {RIGHT}) or {RIGHT}", readings) is OR[
        {True: False, False: True, None: None}[AND[left, right]], right
    ]


@pytest.mark.parametrize("truths", list(itertools.product((True, False, None), repeat=3)))
def test_long_chains_do_not_depend_on_where_the_hole_is(truths: tuple[bool | None, ...]) -> None:
    """In a chain of three, the order of operands changes nothing."""
    names = ("account.leverage", "position.side", "account.liquidation_sigmas")
    readings = {name: READING_OF[truth] for name, truth in zip(names, truths, strict=True)}
    expected_and = False if False in truths else None if None in truths else True
    expected_or = True if True in truths else None if None in truths else False
    for order in itertools.permutations(names):
        assert meaning(" and ".join(f"{name} > 5" for name in order), readings) is expected_and
        assert meaning(" or ".join(f"{name} > 5" for name in order), readings) is expected_or


RELATIONS = [("<", True, False, False), ("<=", True, True, False), (">", False, False, True),
             (">=", False, True, True), ("==", False, True, False), ("!=", True, False, True)]


@pytest.mark.parametrize(("sign", "under", "at", "over"), RELATIONS)
def test_comparison_just_under_at_and_just_over(sign: str, under: bool, at: bool, over: bool) -> None:
    """A limit is met, or not, to the last bit of the reading; a missing one decides nothing."""
    text = f"account.margin_ratio {sign} 70%"
    for reading, expected in (
        (math.nextafter(0.7, 0), under), (0.7, at), (math.nextafter(0.7, 1), over), (None, None), (math.nan, None),
    ):
        assert meaning(text, {"account.margin_ratio": reading}) is expected


x, y = "account.leverage", "position.side"
SUMS: list[tuple[str, Readings, bool | None]] = [
    (f"{x} + {y} == 5", {x: 2.0, y: 3.0}, True),
    (f"{x} - {y} - 1 == -2", {x: 2.0, y: 3.0}, True),
    (f"{x} - ({y} - 1) == 0", {x: 2.0, y: 3.0}, True),
    (f"{x} / {y} * 2 == 12", {x: 18.0, y: 3.0}, True),
    (f"2 + {x} * 3 == 8", {x: 2.0}, True),
    (f"-{x} * 2 == -4", {x: 2.0}, True),
    (f"--{x} == 2", {x: 2.0}, True),
    (f"abs({x}) == 2", {x: -2.0}, True),
    (f"abs(-{x}) == 2", {x: 2.0}, True),
    (f"min({x}, {y}, 4) == 2", {x: 3.0, y: 2.0}, True),
    (f"max({x}, {y}, 4) == 4", {x: 3.0, y: 2.0}, True),
    (f"min({x}, {y}, 4) < 9", {x: 3.0, y: None}, None),
    (f"max({x}, {y}, 4) > 0", {x: None, y: 3.0}, None),
    (f"clamp({x}, 1, 3) == 1", {x: 0.5}, True),
    (f"clamp({x}, 1, 3) == 2", {x: 2.0}, True),
    (f"clamp({x}, 1, 3) == 3", {x: 9.0}, True),
    (f"clamp({x}, 1, 3) == 3", {x: math.inf}, True),
    (f"clamp({x}, 1, 3) > 0", {x: None}, None),
    (f"clamp(2, {x}, 3) > 0", {x: None}, None),
    (f"clamp(2, {x}, {y}) > 0", {x: 3.0, y: 1.0}, None),       # contradictory bounds
    (f"clamp(2, {x}, {y}) == 1", {x: 1.0, y: 1.0}, True),
    (f"{x} / {y} > 0", {x: 1.0, y: 0.0}, None),
    (f"{x} / {y} > 0", {x: 1.0, y: -0.0}, None),
    (f"{x} / {y} > 0", {x: 0.0, y: 0.0}, None),
    (f"{x} / {y} > 0", {x: math.inf, y: 0.0}, None),
    (f"{x} * {y} > 0", {x: 1e200, y: 1e200}, None),            # out of the range of floats
    (f"{x} + {y} > 0", {x: 1.7e308, y: 1.7e308}, None),
    (f"{x} / {y} > 0", {x: 1e200, y: 1e-200}, None),
    (f"{x} * {y} > 0", {x: math.inf, y: 0.0}, None),           # not a number
    (f"{x} - {y} > 0", {x: math.inf, y: math.inf}, None),
    (f"2 * {x} > 3", {x: math.inf}, True),                     # no equity: infinite leverage, no less real
    (f"{x} - 2 > 3", {x: math.inf}, True),
    (f"1 / {x} == 0", {x: math.inf}, True),
    (f"{x} > 25", {x: math.inf}, True),
    (f"not {x} < 25", {x: math.inf}, True),
    (f"-{x} < 25", {x: math.inf}, True),
    (f"{x} * 2 > 3", {x: math.nan}, None),
    (f"abs({x}) > 3", {x: math.nan}, None),
    (f"-{x} > 3", {x: None}, None),
    (f"{x} + 1 > 0 or {y} > 0", {x: None, y: 1.0}, True),
]


@pytest.mark.parametrize(("text", "readings", "expected"), SUMS)
def test_sum_by_hand(text: str, readings: Readings, expected: bool | None) -> None:
    """Arithmetic as on paper; what has no answer is unavailable, and never zero."""
    assert meaning(text, readings) is expected


def test_losing_a_reading_never_makes_a_condition_true() -> None:
    """A hole in the data can silence a rule, but it can neither fire nor clear one that was not so before."""
    random = Random(5)
    decided = 0
    for _ in range(3_000):
        each = condition_of(random_truth(random, random.randint(1, 3)))
        if "default(" in expression_text(each.root):
            continue                     # which says what to do about a hole
        readings: Readings = {str(ref): random_number(random) for ref in REFS}
        before = interpret(each, lookup_in(readings))
        decided += before is not None
        for ref in REFS:
            after = interpret(each, lookup_in({**readings, str(ref): None}))
            assert after is before or after is None, (each.root, readings, ref)
    assert decided > 500
