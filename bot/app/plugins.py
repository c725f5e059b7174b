"""Plug-ins from their files: read, hashed, linted, run with next to nothing of Python in reach, and looked through."""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib
from dataclasses import replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from bot.app.plugin_lint import BUILTINS, CONTRACT, lint
from bot.domain.errors import InputError
from bot.domain.units import Place, SourceText
from bot.rules.plugins import Plugin, PluginMeasure, PluginRemedy

SIZE_MAX = 256 * 1024                # bytes; a plug-in is a few functions
_VARIADIC = 0x0C                     # CO_VARARGS | CO_VARKEYWORDS of a code object
_IMPORTED = ("math", "__future__", CONTRACT)


def load_plugin(path: Path) -> Plugin:
    """Return what a plug-in's file declares; raises InputError, at the line, for whatever it may not hold."""
    source = _read(path)
    where = str(path)
    try:
        tree = ast.parse(source, where)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
        raise InputError(f"{where}:{line}:{column}: plug-in is no Python, was {error}; correct it") from error
    lint(tree, where)
    namespace = _run(tree, where)
    measures: list[PluginMeasure] = []
    remedies: list[PluginRemedy] = []
    for node in tree.body:
        found = namespace.get(node.name) if isinstance(node, ast.FunctionDef) else None
        if isinstance(node, ast.FunctionDef) and isinstance(found, PluginMeasure):
            measures.append(replace(found, **_placed(found, node, where)))
        elif isinstance(node, ast.FunctionDef) and isinstance(found, PluginRemedy):
            remedies.append(replace(found, **_placed(found, node, where)))
    if not measures and not remedies:
        raise InputError(f"{where}: declares neither a measure nor a remedy; decorate a function with @measure(...)")
    return Plugin(where, hashlib.sha256(source).hexdigest(), tuple(measures), tuple(remedies))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            source = file.read(SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: plug-in cannot be read, was {reason}; check its path under `plugins:`") from error
    if len(source) > SIZE_MAX:
        raise InputError(f"{path}: plug-in is longer than {SIZE_MAX} bytes; check that this is the right file")
    return source


def _run(tree: ast.Module, where: str) -> dict[str, Any]:
    """Run the file's top level: imports, constants, and the decorators of its functions."""
    reachable: dict[str, object] = {name: getattr(builtins, name) for name in BUILTINS}
    reachable["__import__"] = _import
    namespace: dict[str, Any] = {"__builtins__": reachable, "__name__": Path(where).stem}
    try:
        exec(compile(tree, where, "exec", dont_inherit=True), namespace)
    except Exception as error:
        line = _line_of(error, where)
        raise InputError(f"{where}:{line}:1: plug-in does not load, {error}; correct its declaration") from error
    return namespace


def _import(name: str, *_: object) -> ModuleType:
    """Import what the lint lets through; ``from`` takes its names off the module itself."""
    if name not in _IMPORTED:
        raise ImportError(f"a plug-in has no {name}")
    return importlib.import_module(name)


def _line_of(error: Exception, where: str) -> int:
    """Return the line of the plug-in at which an error was raised."""
    line, step = 1, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == where:
            line = step.tb_lineno
        step = step.tb_next
    return line


def _placed(found: PluginMeasure | PluginRemedy, node: ast.FunctionDef, where: str) -> dict[str, Any]:
    """Return the places of a declaration and its inputs; raises InputError unless it takes just as many."""
    place = Place(where, node.lineno, node.col_offset + 1)
    function = found.function
    if not isinstance(function, FunctionType):
        raise InputError(f"{place}: {found.name} decorates what is no function; give each its own `def`")
    code = function.__code__
    if code.co_argcount != len(found.inputs) or code.co_kwonlyargcount or code.co_flags & _VARIADIC:
        raise InputError(
            f"{place}: {found.name} takes {code.co_argcount} arguments, and has {len(found.inputs)} inputs; give one "
            "argument for each, in their order"
        )
    written = {
        part.value: Place(where, part.lineno, part.col_offset + 2)       # behind the quotation mark
        for decorator in node.decorator_list for part in ast.walk(decorator)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }
    inputs = tuple(SourceText(text.text, written.get(text.text, place)) for text in found.inputs)
    return {"place": place, "inputs": inputs}
