"""What a plug-in may not hold is refused at its line, before any of it has run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app.plugins import SIZE_MAX, load_plugin
from bot.domain.errors import InputError
from bot.rules.bound_plugins import bind_plugins
from tests.builders import BTC, ETH, STRATEGIES

GOOD = """from bot.rules.plugins import measure

LIMIT = 3


@measure("twice", of="position", unit="ratio", meaning="twice the loss", inputs=("position.loss_ratio",))
def twice(loss):
    return 2 * loss
"""


def loaded(folder: Path, source: str | bytes) -> None:
    path = folder / "mine.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    bind_plugins([load_plugin(path)], [BTC, ETH])


def in_function(line: str) -> str:
    """The good plug-in with one more line at the beginning of its function."""
    return GOOD.replace("    return 2 * loss", f"    {line}\n    return 2 * loss")


def at_top(line: str) -> str:
    """The good plug-in with another line instead of its constant."""
    return GOOD.replace("LIMIT = 3", line)


def declared(**changes: str) -> str:
    """The good plug-in with one argument of its decorator changed."""
    written = {
        "name": '"twice"', "of": '"position"', "unit": '"ratio"', "meaning": '"twice the loss"',
        "inputs": '("position.loss_ratio",)', **changes,
    }
    first = written.pop("name")
    arguments = ", ".join(f"{key}={value}" for key, value in written.items())
    lines = GOOD.splitlines()
    lines[5] = f"@measure({first}, {arguments})"
    return "\n".join(lines)


REFUSED = {
    # the world
    "import of os": (at_top("import os"), ":3:1:", "os"),
    "import of time": (at_top("import time"), ":3:1:", "time"),
    "import of random": (at_top("from random import random"), ":3:1:", "random"),
    "import of asyncio": (at_top("import asyncio"), ":3:1:", "asyncio"),
    "import of a submodule": (at_top("import os.path"), ":3:1:", "os.path"),
    "import beside a good one": (at_top("import math, sys"), ":3:1:", "sys"),
    "import inside a function": (in_function("import socket"), ":8:5:", "socket"),
    "import of our engine": (at_top("from bot.engine.engine import Engine"), ":3:1:", "bot.engine.engine"),
    "import of our domain": (at_top("from bot.domain.effects import Goal"), ":3:1:", "bot.domain.effects"),
    "import of a relative": (at_top("from . import carry"), ":3:1:", "."),
    "import of everything": (at_top("from bot.rules.plugins import *"), ":3:1:", "*"),
    "import of the contract's own imports": (at_top("from bot.rules.plugins import GoalKind"), ":3:1:", "GoalKind"),
    "import under Python's name": (at_top("import math as __builtins__"), ":3:1:", "__builtins__"),
    "open": (in_function("open('/etc/passwd')"), ":8:5:", "open"),
    "print": (in_function("print(loss)"), ":8:5:", "print"),
    "input": (in_function("input()"), ":8:5:", "input"),
    "exec": (in_function("exec('1')"), ":8:5:", "exec"),
    "eval": (in_function("eval('1')"), ":8:5:", "eval"),
    "__import__": (in_function("__import__('os')"), ":8:5:", "__import__"),
    "getattr": (in_function("getattr(loss, 'real')"), ":8:5:", "getattr"),
    "globals": (in_function("globals()"), ":8:5:", "globals"),
    "hash": (in_function("hash('a')"), ":8:5:", "hash"),
    "id": (in_function("id(loss)"), ":8:5:", "id"),
    "sum": (in_function("sum((loss, loss))"), ":8:5:", "math.fsum"),
    "await": (in_function("await loss"), ":", "await"),
    # escapes
    "class of a value": (in_function("().__class__"), ":8:5:", "__class__"),
    "globals of a function": (in_function("twice.__globals__"), ":8:5:", "__globals__"),
    "format of a text": (in_function("'{0.__class__}'.format(loss)"), ":8:5:", "format"),
    "attribute in an f-string": (in_function("f'{loss.real}'"), ":8:", "real"),
    "frame of a generator": (in_function("(x for x in ()).gi_frame"), ":8:5:", "gi_frame"),
    "private name of a module": (at_top("import math\nX = math.__loader__"), ":4:5:", "__loader__"),
    "attribute of an import's attribute": (at_top("import math\nX = math.pi.real"), ":4:5:", "real"),
    "builtins by name": (in_function("__builtins__"), ":8:5:", "__builtins__"),
    "assignment to builtins": (at_top("__builtins__ = 1"), ":3:1:", "__builtins__"),
    "match on a class": (in_function("match loss:\n        case float(real=x):\n            pass"), ":8:5:", "match"),
    # state
    "global": (in_function("global LIMIT"), ":8:5:", "global"),
    "list at the top": (at_top("SEEN = []"), ":3:8:", "a list"),
    "list inside a tuple at the top": (at_top("SEEN = (1, [2])"), ":3:12:", "a list"),
    "call at the top": (at_top("SEEN = sorted((2, 1))"), ":3:8:", "a call"),
    "dict": (in_function("seen = {}"), ":8:12:", "a dict"),
    "set": (in_function("seen = {1, 2}"), ":8:12:", "a set"),
    "default of an argument": (GOOD.replace("(loss)", "(loss=0)"), ":7:1:", "default"),
    "attribute of its own function": (in_function("twice.last = loss"), ":8:5:", "last"),
    "assignment into a value": (in_function("seen = [1]\n    seen[0] = loss"), ":9:5:", "assignment into a value"),
    "class": (at_top("class A:\n    pass"), ":3:1:", "class"),
    "loop at the top": (at_top("for x in (1, 2):\n    pass"), ":3:1:", "for"),
    "deletion": (in_function("del loss"), ":8:5:", "delete"),
    # what hides
    "while": (in_function("while loss > 1: pass"), ":8:5:", "while"),
    "try": (in_function("try:\n        pass\n    except ValueError:\n        pass"), ":8:5:", "try"),
    "with": (in_function("with loss: pass"), ":8:5:", "with"),
    "lambda": (in_function("f = lambda x: x"), ":8:9:", "lambda"),
    "yield": (in_function("yield loss"), ":8:5:", "yield"),
    "async": (at_top("async def f(x):\n    return x"), ":3:1:", "async def"),
    # declarations
    "no Python": ("def (", ":1:", "no Python"),
    "a zero byte": (b"x = 1\0", ":1:1:", "no Python"),
    "binary": (bytes(range(128, 256)), ":1:", "no Python"),
    "deep nesting": ("X = " + "(" * 500 + ")" * 500, ":1:", "no Python"),
    "nothing in it": ("LIMIT = 3\n", "mine.py:", "neither"),
    "a long file": ("#" * (SIZE_MAX + 1), "mine.py:", "longer"),
    "an odd name": (declared(name='"Twice it"'), ":6:1:", "name:"),
    "an unknown subject": (declared(of='"portfolio"'), ":6:1:", "of:"),
    "an unknown unit": (declared(unit='"percent"'), ":6:1:", "unit:"),
    "no meaning": (declared(meaning='" "'), ":6:1:", "meaning:"),
    "one text for inputs": (declared(inputs='("position.loss_ratio")'), ":6:1:", "inputs:"),
    "no inputs": (declared(inputs="()"), ":6:1:", "inputs:"),
    "too many inputs": (declared(inputs='("position.side",) * 17'), ":6:1:", "inputs:"),
    "a misspelt input": (declared(inputs='("position.los_ratio",)'), ":6:83:", "position.loss_ratio"),
    "a sum as an input": (declared(inputs='("2 * position.loss_ratio",)'), ":6:83:", "one reading"),
    "another plug-in as an input": (declared(inputs='("plugin.twice",)'), ":6:83:", "is of a plug-in"),
    "time as an input": (declared(inputs='("time.of_day",)'), ":6:83:", "time"),
    "a position in a market": (declared(of='"market"'), ":6:81:", "market.* alone"),
    "an account without the position": (declared(of='"account"'), ":6:82:", "position.loss_ratio"),
    "fewer inputs than arguments": (GOOD.replace("(loss)", "(loss, gain)"), ":7:1:", "2 arguments"),
    "more inputs than arguments": (GOOD.replace("(loss)", "()"), ":7:1:", "0 arguments"),
    "any number of arguments": (GOOD.replace("(loss)", "(*loss)"), ":7:1:", "arguments"),
    "a declaration of a declaration": (
        GOOD.replace("@measure", '@measure("b", of="position", unit="ratio", meaning="m", inputs=("a",))\n@measure'),
        ":8:1:", "no function",
    ),
    "one name twice": (GOOD + GOOD[GOOD.index("\n@measure"):].replace("def twice", "def again"), ":11:1:", "before"),
    "a mistake in a constant": (at_top("LIMIT = 1 / 0"), ":3:1:", "division by zero"),
}


@pytest.mark.parametrize(("source", "place", "words"), REFUSED.values(), ids=REFUSED)
def test_plugin_that_may_not_be_is_refused_at_its_line(
    tmp_path: Path, source: str | bytes, place: str, words: str
) -> None:
    """The message has the file, the line, what was found, and what to do."""
    with pytest.raises(InputError) as refused:
        loaded(tmp_path, source)
    text = str(refused.value)
    assert text.startswith(str(tmp_path / "mine.py")) and place in text and words in text and "; " in text


@pytest.mark.parametrize(
    "source",
    [
        GOOD,
        "from __future__ import annotations\n" + GOOD,
        at_top("import math\n\nLIMIT = (math.log(2.0), -1, 'text', None)"),
        at_top("from math import exp as e"),
        at_top("LIMIT: float = 3 * 60"),
        at_top("def half(x: float) -> float:\n    return x / 2"),
        in_function("for x in range(3):\n        if x > 1 and not loss:\n            continue"),
        in_function("found = [max(x, 0.0) for x in (loss, -loss)]; loss += found[0]"),
        in_function("if loss > 1:\n        raise ValueError(f'was {loss:.2f}')"),
        declared(inputs='("max(position.loss_ratio, 15m)",)'),
        declared(inputs="('market(\"ETH/USDT:USDT\").return(15m)',)"),
        declared(of='"account"', inputs='("account.sigma(15m)",)'),
        declared(of='"market"', inputs='("market.volatility(1h)",)'),
    ],
)
def test_plugin_of_plain_functions_is_taken(tmp_path: Path, source: str) -> None:
    """The other side of every ban: what a pure function needs is there."""
    loaded(tmp_path, source)


def test_refused_plugin_has_not_run(tmp_path: Path) -> None:
    """The file is read before it is run: a ban at its end stops what stands at its beginning."""
    with pytest.raises(InputError, match="open"):
        loaded(tmp_path, at_top("LIMIT = 1 / 0") + "\nX = open\n")


def test_plugin_that_is_not_there_is_refused_with_its_path(tmp_path: Path) -> None:
    """A path that is mistyped is told as such."""
    with pytest.raises(InputError, match=r"gone\.py: plug-in cannot be read, .*; check its path"):
        load_plugin(tmp_path / "gone.py")


@pytest.mark.parametrize("path", sorted((STRATEGIES / "plugins").glob("[!_]*.py")), ids=lambda path: path.stem)
def test_bundled_plugin_keeps_the_rules_of_conduct(path: Path) -> None:
    """We keep our own rules."""
    assert bind_plugins([load_plugin(path)], [BTC, ETH]).plugged
