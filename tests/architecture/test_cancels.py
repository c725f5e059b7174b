"""Cancels leave by one door: nobody else in the engine makes one."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.test_house import MODULES

DOOR = "bot.engine.cancels"
NAMES = ("CancelOrder", "CancelForeignOrder")


def makings(text: str) -> list[int]:
    """Lines at which a cancel is made, or got hold of under another name."""
    return [
        node.lineno for node in ast.walk(ast.parse(text))
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in NAMES)
        or (isinstance(node, ast.alias) and node.name in NAMES and node.asname is not None)
    ]


def test_no_module_of_the_engine_but_the_door_makes_a_cancel() -> None:
    """What leaves by another door counts towards no rate and is in no test of this one."""
    for module, path in MODULES:
        if module.startswith("bot.engine.") and module != DOOR:
            assert makings(path.read_text()) == [], module
    assert len(makings(dict(MODULES)[DOOR].read_text())) == 2


@pytest.mark.parametrize(
    "text",
    ["x = CancelOrder(0, 'a', 1)", "x = effects.CancelOrder(0, 'a', 1)",
     "from bot.domain.effects import CancelOrder as Gone"],
)
def test_search_finds_the_ways_that_we_could_think_of(text: str) -> None:
    """The search is worth what it finds."""
    assert makings(text)
