"""Nobody but the gate makes an ``Approved``, by whatever name or back door: read from the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.test_house import MODULES

NAME = "Approved"
FIELDS = {"request", "valid_until", "book_version"}
MAKERS = {"replace", "force_setattr", "__replace__", "copy", "deepcopy", "type", "__new__", "__setattr__", "setattr"}


def annotations_of(tree: ast.AST) -> set[int]:
    """The nodes that stand in an annotation, by identity: there a type is only named."""
    found: set[int] = set()
    for node in ast.walk(tree):
        places: list[ast.AST | None] = []
        if isinstance(node, ast.AnnAssign | ast.arg):
            places = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            places = [node.returns]
        for place in places:
            if place is not None:
                found |= {id(part) for part in ast.walk(place)}
    return found


def makings(tree: ast.AST) -> Iterator[int]:
    """Lines at which an ``Approved`` is made, changed, or could be got hold of to make one."""
    named_only = annotations_of(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="Approved") if id(node) not in named_only:
                yield node.lineno
            case ast.Attribute(attr="Approved"):
                yield node.lineno
            case ast.alias(name="Approved", asname=str()):
                yield node.lineno
            case ast.Constant(value="Approved"):
                yield node.lineno
            case ast.Attribute(value=ast.Attribute(attr="approved"), attr=attr) if attr not in FIELDS:
                yield node.lineno
            case ast.Call() if _called(node.func) in MAKERS and any(_is_approved(each) for each in node.args):
                yield node.lineno
            case _:
                pass


def _called(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _is_approved(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in {"approved", "verdict", NAME}


def test_no_module_but_the_gate_makes_an_approved_order() -> None:
    """An order that was approved anywhere else went round every control."""
    for module, path in MODULES:
        text = path.read_text()
        if NAME.lower() in text.lower() and module != "bot.engine.gate":
            assert list(makings(ast.parse(text))) == [], module


def test_gate_makes_its_approved_order_in_one_place() -> None:
    """One call, at the end of the one function that asks every control."""
    tree = ast.parse(dict(MODULES)["bot.engine.gate"].read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node.func) == NAME]
    judge = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "judge")
    assert len(calls) == 1
    assert isinstance(judge.body[-1], ast.Return) and judge.body[-1].value is calls[0]


@pytest.mark.parametrize(
    "text",
    [
        "x = Approved(request, 1, 2)",
        "from bot.domain.order import Approved as Fine\nx = Fine(request, 1, 2)",
        "make = Approved\nx = make(request, 1, 2)",
        "import bot.domain.order as o\nx = o.Approved(request, 1, 2)",
        "x = getattr(order, 'Approved')(request, 1, 2)",
        "x = vars(order)['Approved'](request, 1, 2)",
        "x = replace(effect.approved, valid_until=9)",
        "x = dataclasses.replace(approved, valid_until=9)",
        "x = msgspec.structs.replace(effect.approved, valid_until=9)",
        "msgspec.structs.force_setattr(effect.approved, 'valid_until', 9)",
        "x = msgspec.convert(row, Approved)",
        "x = copy.copy(effect.approved)",
        "x = type(effect.approved)(request, 1, 2)",
        "x = effect.approved.__class__(request, 1, 2)",
        "x = object.__new__(Approved)",
        "object.__setattr__(verdict, 'request', other)",
        "class Mine(Approved): pass",
        "x = [Approved]",
    ],
)
def test_search_finds_every_way_that_we_could_think_of(text: str) -> None:
    """The search above is worth what it finds: these must not get past it."""
    assert list(makings(ast.parse(text)))


@pytest.mark.parametrize(
    "text",
    [
        "from bot.domain.order import Approved\ndef place(now: int, approved: Approved) -> None: ...",
        "class PlaceOrder:\n    approved: Approved",
        "x = effect.approved.request.name",
        "late = now > effect.approved.valid_until",
        "def judge(x: int) -> Approved | Denied: ...",
    ],
)
def test_search_lets_an_approved_order_be_named_and_read(text: str) -> None:
    """Ports and effects carry approved orders; that is what they are for."""
    assert not list(makings(ast.parse(text)))
