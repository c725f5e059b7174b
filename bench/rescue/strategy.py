"""What is tried on every entry: rule books over the bundled configuration, and what is done without any rule."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.rescue.account import ASSET, VENUE_LEVERAGE
from bot.app.loading import Loaded, load_all
from bot.domain.errors import InputError
from bot.rules.ruleset import RuleSet

BOOKS = Path(__file__).resolve().parents[2] / "strategies"
DO_NOTHING = "do nothing"
SELL_AT_ONCE = "sell at once"
VENUE = "the venue's liquidation"
DEFAULT = "default"
STOP_ONLY = "resting stop alone"
PLAIN = "stop_loss and margin_guard"
EARLY = "volatility_stop and margin_guard"
# What holds a book of several markets in balance saves no single position.
NO_RESCUES = ("delta_hedge",)

# The bundled configuration but for its market and its money. What is not said is as config/penstock.yaml says it:
# these are the defaults of the program, and a test holds the two together.
_CONFIG = """
accounts:
  main:
    instruments: ["{symbol}"]
    mode: paper
    paper: {{balances: {{{asset}: 1}}, leverage: {leverage}}}
strategies: [{books}]
"""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A name and the rule books that are loaded; none leaves the stop that rests at the venue."""

    name: str
    books: tuple[Path, ...] = ()


def bundled() -> tuple[Strategy, ...]:
    """Return the default of config/penstock.yaml, two sisters of it, every rule book alone, and the stop alone."""
    guard, plain, crash, early = (
        BOOKS / f"{name}.yaml" for name in ("margin_guard", "stop_loss", "crash_stop", "volatility_stop")
    )
    alone = [Strategy(path.stem, (path,)) for path in sorted(BOOKS.glob("*.yaml")) if path.stem not in NO_RESCUES]
    return (
        Strategy(DEFAULT, (plain, crash, guard)), Strategy(PLAIN, (plain, guard)), Strategy(EARLY, (early, guard)),
        *alone, Strategy(STOP_ONLY),
    )


def of_files(text: str) -> Strategy:
    """Return the strategy of rule books ``FILE[+FILE]``, named like them; raises InputError for one that is no file."""
    paths = tuple(Path(part) for part in text.split("+"))
    for path in paths:
        if not path.is_file():
            raise InputError(f"--book {text}: is no file, was {path}; write FILE, or FILE+FILE for books together")
    return Strategy(" and ".join(path.stem for path in paths), tuple(path.resolve() for path in paths))


def written(texts: Mapping[str, Sequence[str]], folder: Path) -> tuple[Strategy, ...]:
    """Return strategies whose rule books are given as text; they are written to ``folder``."""
    found = []
    for name, bodies in texts.items():
        paths = []
        for number, body in enumerate(bodies):
            path = folder / f"{name.replace(' ', '_').replace('%', '')}-{number}.yaml"
            path.write_text(body, encoding="utf-8")
            paths.append(path)
        found.append(Strategy(name, tuple(paths)))
    return tuple(found)


def load_strategy(strategy: Strategy, symbol: str) -> Loaded:
    """Return the configuration with a strategy's books over one market; raises InputError when it is wrong."""
    any_book = BOOKS / "stop_loss.yaml"              # a configuration without one is refused
    books = ", ".join(f'"{path}"' for path in strategy.books or (any_book,))
    text = _CONFIG.format(symbol=symbol, asset=ASSET, leverage=VENUE_LEVERAGE, books=books)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rescue.yaml"
        path.write_text(text, encoding="utf-8")
        loaded = load_all(path, {})
    return loaded if strategy.books else replace(loaded, rules=RuleSet())
