"""What the source of a plug-in may hold: the core's own bans, and what a pure function has no use for.

A list of what is allowed, not of what is forbidden: whatever Python adds tomorrow is refused until somebody has
thought of it. It catches mistakes; it is no wall against malice: load only what you would run as a program of yours.
"""

from __future__ import annotations

import ast
import builtins
from typing import Final

from bot.domain.errors import InputError
from bot.rules import plugins as contract

CONTRACT: Final = "bot.rules.plugins"
IMPORTS: Final = f"`math` and `{CONTRACT}`"
BUILTINS: Final = (
    "ValueError", "abs", "all", "any", "bool", "enumerate", "float", "int", "len", "max", "min", "range", "reversed",
    "round", "sorted", "tuple", "zip",
)

_ALLOWED: Final = (
    # statements
    ast.AnnAssign, ast.Assert, ast.Assign, ast.AugAssign, ast.Break, ast.Continue, ast.Expr, ast.For, ast.FunctionDef,
    ast.If, ast.Import, ast.ImportFrom, ast.Pass, ast.Raise, ast.Return,
    # values
    ast.Attribute, ast.BinOp, ast.BoolOp, ast.Call, ast.Compare, ast.Constant, ast.FormattedValue, ast.GeneratorExp,
    ast.IfExp, ast.JoinedStr, ast.List, ast.ListComp, ast.Name, ast.Slice, ast.Subscript, ast.Tuple, ast.UnaryOp,
    # parts
    ast.alias, ast.arg, ast.keyword,
)
_AT_TOP: Final = (ast.AnnAssign, ast.Assign, ast.Expr, ast.FunctionDef, ast.Import, ast.ImportFrom)
_CURES: Final[dict[type[ast.AST], str]] = {
    ast.While: "a loop must be seen to end: write `for`",
    ast.Try: "let it fail: a failure is counted and told; ask before you divide",
    ast.Global: "a function keeps nothing between calls",
    ast.Nonlocal: "a function keeps nothing between calls",
    ast.ClassDef: "write functions",
    ast.Lambda: "write a function with a name",
    ast.With: "there is nothing to open",
    ast.Set: "the order of a set may change between runs: write a tuple",
    ast.Dict: "write a tuple, or one `if` after the other",
    ast.SetComp: "the order of a set may change between runs: write a list",
    ast.AsyncFunctionDef: "the core never waits",
    ast.Await: "the core never waits",
}


def lint(tree: ast.Module, path: str) -> None:
    """Raise InputError at the first line that a plug-in may not hold."""
    for statement in tree.body:
        if not isinstance(statement, _AT_TOP):
            raise _fault(path, statement, _word(statement), "the top of a file holds imports, constants and functions")
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            _require_constant(path, statement)
    imported = _imported(tree, path)
    for node in sorted((node for node in ast.walk(tree) if hasattr(node, "lineno")), key=_place):
        _require_allowed(path, node)
        if isinstance(node, ast.Attribute):
            _require_harmless_attribute(path, node, imported)
        elif isinstance(node, ast.Name):
            _require_harmless_name(path, node)
        elif isinstance(node, ast.FunctionDef):
            _require_plain_function(path, node)
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            raise _fault(path, node, "an assignment into a value", "a function changes nothing: make a new value")


def _require_allowed(path: str, node: ast.AST) -> None:
    if not isinstance(node, _ALLOWED):
        raise _fault(path, node, _word(node), _CURES.get(type(node), "write it with plain statements and functions"))


def _require_constant(path: str, statement: ast.Assign | ast.AnnAssign) -> None:
    """A list at the top of a file is where state would hide."""
    if statement.value is None:
        return
    for node in ast.walk(statement.value):
        is_state = isinstance(node, ast.List | ast.ListComp | ast.GeneratorExp | ast.Dict | ast.Set)
        is_call = isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute)
        if is_state or is_call:
            raise _fault(path, node, _word(node), "constants are numbers, texts and tuples of them")


def _imported(tree: ast.Module, path: str) -> frozenset[str]:
    """Return the names of imported modules; raises InputError for an import that is not on the list."""
    modules: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name != "math":
                    raise _fault(path, node, f"the import of {alias.name}", f"a plug-in may import {IMPORTS}")
                _require_plain_alias(path, node, alias)
                modules[alias.asname or alias.name] = None
        elif isinstance(node, ast.ImportFrom):
            _require_known_import(path, node)
    return frozenset(modules)


def _require_known_import(path: str, node: ast.ImportFrom) -> None:
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        _require_plain_alias(path, node, alias)
        is_future = module == "__future__" and alias.name == "annotations"
        is_math = module == "math" and alias.name.isidentifier() and not alias.name.startswith("_")
        is_ours = module == CONTRACT and alias.name in contract.__all__
        if module == CONTRACT and not is_ours:
            raise _fault(path, node, f"the import of {alias.name}", f"{CONTRACT} has {', '.join(contract.__all__)}")
        if not (is_future or is_math or is_ours):
            raise _fault(path, node, f"the import of {module}", f"a plug-in may import {IMPORTS}")


def _require_plain_alias(path: str, node: ast.AST, alias: ast.alias) -> None:
    if (alias.asname or "").startswith("_"):
        raise _fault(path, node, f"the name {alias.asname}", "an import has a name without underscore")


def _require_harmless_attribute(path: str, node: ast.Attribute, imported: frozenset[str]) -> None:
    is_of_module = isinstance(node.value, ast.Name) and node.value.id in imported
    if not is_of_module or node.attr.startswith("_") or not isinstance(node.ctx, ast.Load):
        raise _fault(path, node, f"the attribute .{node.attr}", "only modules have attributes here, as in math.log")


def _require_harmless_name(path: str, node: ast.Name) -> None:
    name = node.id
    if name.startswith("__"):
        raise _fault(path, node, f"the name {name}", "names with two underscores belong to Python")
    if hasattr(builtins, name) and name not in BUILTINS:
        cure = "use math.fsum: the sum of floats differs between versions of Python" if name == "sum" else (
            f"of Python's own names a plug-in has {', '.join(BUILTINS)}"
        )
        raise _fault(path, node, f"the name {name}", cure)


def _require_plain_function(path: str, node: ast.FunctionDef) -> None:
    if node.args.defaults or any(node.args.kw_defaults):
        raise _fault(path, node, "a default of an argument", "arguments are the inputs, and all of them are given")
    if node.name.startswith("__"):
        raise _fault(path, node, f"the name {node.name}", "names with two underscores belong to Python")


def _fault(path: str, node: ast.AST, found: str, cure: str) -> InputError:
    line, column = _place(node)
    return InputError(f"{path}:{line}:{column}: plug-in holds what it may not, was {found}; {cure}")


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1


def _word(node: ast.AST) -> str:
    """Return a node as a person calls it: ``while``, ``a set``."""
    words = {"AsyncFunctionDef": "async def", "ClassDef": "class", "FunctionDef": "def", "Set": "a set",
             "SetComp": "a set", "List": "a list", "Dict": "a dict", "Call": "a call"}
    name = type(node).__name__
    return words.get(name, name.lower())
