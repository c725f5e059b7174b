"""The house rules of DESIGN section 3, read from the sources: who imports whom, what the core may not do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Every room, and the rooms it may import. A longer name is a stricter room inside a wider one.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "bot.domain": ("bot.domain",),
    "bot.risk": ("bot.domain", "bot.risk"),
    "bot.execution": ("bot.domain", "bot.execution"),
    "bot.rules": ("bot.domain", "bot.risk", "bot.execution", "bot.rules"),
    "bot.engine": ("bot.domain", "bot.risk", "bot.execution", "bot.rules", "bot.engine", "bot.ports"),
    "bot.ports": ("bot.domain", "bot.ports"),
    "bot.adapters": (
        "bot.domain", "bot.risk", "bot.execution", "bot.rules", "bot.engine", "bot.ports", "bot.adapters",
    ),
    "bot.settings": ("bot.domain", "bot.settings"),
    "bot.app": ("bot", "paper", "strategies"),
    "bot.__main__": ("bot.app",),
    "bot": (),
    "paper": ("bot.domain", "paper"),
    "strategies": ("bot.rules",),
}
CORE = ("bot.domain", "bot.risk", "bot.execution", "bot.rules", "bot.engine", "bot.ports")
# numpy and others may join when a room needs them; each line is a decision.
CORE_LIBRARIES: dict[str, tuple[str, ...]] = {
    "msgspec": ("bot",),
    "lark": ("bot.rules.language",),
    # comparisons and sums element by element, which IEEE fixes; never numpy.sum, whose order depends on the machine
    "numpy": ("bot.engine.measures.indicators", "bot.engine.measures.wide", "bot.rules.language.compile_columns"),
    "talib": ("bot.engine.measures.indicators",),
}
# What adds floats up in an order of its own; booleans are counted by count_nonzero.
REDUCTIONS = {"sum", "mean", "std", "var", "dot", "cumsum", "average", "prod", "nansum", "matmul", "einsum"}
BANNED_MODULES = {
    "asyncio", "datetime", "io", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket", "sqlite3",
    "ssl", "structlog", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid",
}
BANNED_CALLS = {"eval", "exec", "open", "print", "input", "__import__", "compile", "globals"}
# Of the wire only what holds sockets, a clock or files: its protocol is a function of what it is told.
PAPER_WITH_IO = ("paper.store", "paper.generate", "paper.wire.server", "paper.wire.clock", "paper.wire.tls")
LINES_MAX = 400
FUNCTION_LINES_MAX = 70


def modules() -> list[tuple[str, Path]]:
    """Every module of the program by its dotted name."""
    found = []
    for room in ("bot", "paper", "strategies"):
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = list(path.relative_to(ROOT).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts.pop()
            found.append((".".join(parts), path))
    return found


def room_of(module: str) -> str:
    """The narrowest room that a module lies in."""
    return max((room for room in MAY_IMPORT if f"{module}.".startswith(f"{room}.")), key=len)


def imports_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every imported module with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


def is_core(module: str) -> bool:
    if module.startswith("paper"):
        return not module.startswith(PAPER_WITH_IO)
    return room_of(module) in CORE


MODULES = modules()


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_module_imports_only_rooms_below_it(module: str, path: Path) -> None:
    """The import list of the design holds; a venue that imported our margin code could not judge it."""
    allowed = MAY_IMPORT[room_of(module)]
    for imported, line in imports_of(ast.parse(path.read_text())):
        if imported.split(".")[0] not in ("bot", "paper", "strategies"):
            continue
        if module == "bot" or imported == "bot":
            assert imported == "bot" and room_of(module) == "bot.app", f"{path.name}:{line} imports {imported}"
            continue
        assert any(f"{imported}.".startswith(f"{room}.") for room in allowed), f"{path.name}:{line} imports {imported}"


@pytest.mark.parametrize(("module", "path"), [entry for entry in MODULES if is_core(entry[0])],
                         ids=[name for name, _ in MODULES if is_core(name)])
def test_core_has_no_clock_random_io_asyncio_or_logging(module: str, path: Path) -> None:
    """The core is a function of its events: nothing in it may ask the world."""
    tree = ast.parse(path.read_text())
    for imported, line in imports_of(tree):
        top = imported.split(".")[0]
        assert top not in BANNED_MODULES, f"{path.name}:{line} imports {imported}"
        if top in CORE_LIBRARIES:
            allowed = (*(f"{room}." for room in CORE_LIBRARIES[top]), "paper.")
            assert f"{module}.".startswith(allowed), f"{path.name}:{line} imports {imported}"
        else:
            assert top in ("bot", "paper", "__future__") or top in STANDARD, f"{path.name}:{line} imports {imported}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS:
            assert node.func.id == "exec" and module == "bot.rules.language.compile", f"{path.name}:{node.lineno}"
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"{path.name}: the core never waits"


@pytest.mark.parametrize("module", CORE_LIBRARIES["numpy"])
def test_core_numpy_never_adds_floats_up(module: str) -> None:
    """The order in which numpy adds depends on the machine's vector width, and a replay must not."""
    tree = ast.parse(dict(MODULES)[module].read_text())
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & REDUCTIONS


STANDARD = {
    "abc", "array", "bisect", "collections", "contextlib", "dataclasses", "decimal", "difflib", "enum", "fractions",
    "functools", "hashlib", "heapq", "hmac", "itertools", "math", "operator", "re", "statistics", "string", "types",
    "typing", "unicodedata",
}


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_files_and_functions_stay_small(module: str, path: Path) -> None:
    """A file near 400 lines or a function near 70 asks for a missing noun."""
    text = path.read_text()
    assert text.count("\n") <= LINES_MAX, f"{module} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            assert size <= FUNCTION_LINES_MAX, f"{module}.{node.name} has {size} lines"


def test_only_the_gate_approves_orders() -> None:
    """An order that was approved anywhere else went round every control."""
    makers = [
        module
        for module, path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Approved"
    ]
    assert makers == ["bot.engine.gate"]


def test_no_exception_is_swallowed() -> None:
    """`except Exception: pass` hides the crash that somebody will lose money by."""
    for module, path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                is_silent = all(isinstance(statement, ast.Pass) for statement in node.body)
                assert not (is_silent and node.type is None), f"{module}:{node.lineno}"
                names = ast.unparse(node.type) if node.type is not None else "everything"
                assert not (is_silent and names in ("Exception", "BaseException")), f"{module}:{node.lineno}"
