"""The compiled function: what it reads, what reaches its source. Random conditions: test_language_scale."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bot
from bot.domain.errors import ContractError
from bot.rules.language.compile import compile_conditions
from bot.rules.language.interpret import interpret
from bot.rules.language.typed import ReadingRef
from tests.rules.language_builders import (
    BTC,
    ETH,
    ROW,
    condition,
    lookup_in,
    subject_of,
    truth_in,
)


def test_compiled_reading_is_indexed_by_what_its_measure_is_of() -> None:
    """An account's column is read at the account, a position's at the position, a market's at the market."""
    each = condition("account.leverage > 1 and position.side > 1 and market.age > 1s")
    columns: dict[ReadingRef, list[float | None]] = {ref: [0.0] * 9 for ref in each.readings}
    evaluate = compile_conditions([each], columns.__getitem__, lambda _: None)
    rows = {"position": 2, "account": 4, "market": 6}
    assert evaluate(rows["position"], rows["account"], rows["market"]) == 0
    for ref, column in columns.items():
        column[rows[subject_of(ref)]] = 5e9
    assert evaluate(rows["position"], rows["account"], rows["market"]) == 1


def test_compiled_named_market_is_read_at_its_own_element() -> None:
    """A rule on one market that names another reads the other's row, wherever the rule itself stands."""
    each = condition(f'market("{ETH}").funding_rate < market.funding_rate', symbols=(BTC, ETH))
    column: list[float | None] = [3.0, 1.0, 2.0]
    evaluate = compile_conditions([each], lambda _: column, lambda ref: None if ref.symbol is None else 1)
    assert evaluate(0, 0, 2) == 1
    assert evaluate(0, 0, 1) == 0


def test_compiled_columns_changed_in_place_are_seen() -> None:
    """Columns are bound once and read at each call: that is what makes a tick cheap."""
    each = condition("account.leverage > 3")
    column: list[float | None] = [None]
    evaluate = compile_conditions([each], lambda _: column, lambda _: None)
    answers = []
    for value in (None, 3.0, 3.1, float("nan")):
        column[0] = value
        answers.append(truth_in(evaluate(0, 0, 0), 0))
    assert answers == [None, False, True, None]


def test_compiled_reading_shared_by_conditions_is_loaded_once() -> None:
    """Twenty rules on one distance cost one load."""

    class Counted(list[float | None]):
        loads = 0

        def __getitem__(self, index):  # type: ignore[no-untyped-def]
            self.loads += 1
            return super().__getitem__(index)

    column = Counted([0.04])
    each = condition("account.liquidation_distance < 5% or account.liquidation_distance > 2 * 5%")
    assert compile_conditions([each] * 20, lambda _: column, lambda _: None)(0, 0, 0) == int("01" * 20, 2)
    assert column.loads == 1


def test_compiled_without_conditions_gives_no_bits() -> None:
    """An account whose rules are all elsewhere costs nothing and answers nothing."""
    assert compile_conditions([], lambda _: [], lambda _: None)(0, 0, 0) == 0


@pytest.mark.parametrize("element", [-1, True, 1.0, "0"])
def test_compiled_element_that_is_no_index_is_our_bug(element: object) -> None:
    """Nothing but a plain index may reach the generated source."""
    with pytest.raises(ContractError, match=r"account\.leverage: its element"):
        compile_conditions([condition("account.leverage > 3")], lambda _: [1.0], lambda _: element)  # type: ignore[arg-type,return-value]


def test_interpreted_conditions_taken_from_text_equal_compiled() -> None:
    """The three files of the design, evaluated both ways on the same readings."""
    texts = (
        "account.liquidation_distance < clamp(6 * account.sigma(15m), 5%, 8%)",
        "account.liquidation_distance > 25%",
        "position.loss_ratio > 8%",
    )
    readings = {"account.liquidation_distance": 0.06, "account.sigma(15m)": 0.011, "position.loss_ratio": None}
    conditions = [condition(text) for text in texts]
    evaluate = compile_conditions(
        conditions, lambda ref: [0.0] * ROW + [readings[str(ref)]], lambda _: None
    )
    bits = evaluate(ROW, ROW, ROW)
    assert [truth_in(bits, number) for number in range(3)] == [True, False, None]
    assert [interpret(each, lookup_in(readings)) for each in conditions] == [True, False, None]


def test_code_is_run_from_text_in_two_files_only() -> None:
    """Generated code has one maker, and users' plug-ins one loader, so that each can be read for its safety."""
    root = Path(bot.__file__).parent
    callers = set()
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in ("exec", "eval", "compile", "__import__"):
                callers.add(path.relative_to(root).as_posix())
    assert callers == {"rules/language/compile.py", "app/plugins.py"}
