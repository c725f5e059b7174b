"""An engine with plug-ins written as text, or those of a file."""

from __future__ import annotations

from pathlib import Path

from bot.app.plugins import load_plugin
from bot.engine.engine import Engine
from bot.rules.bound_plugins import BoundPlugins, bind_plugins
from bot.rules.ruleset import RuleSet, make_rule
from bot.rules.spec import RuleBook
from bot.settings.load import load_text
from tests.builders import BTC, ETH
from tests.engine.driver import Trader, engine

HEAD = "from bot.rules.plugins import *\n".replace(
    "*", "Goal, close, measure, reduce, remedy, to_leverage, to_liquidation_distance"
)


def plugins(folder: Path, *sources: str) -> BoundPlugins:
    """Plug-ins from the bodies of their files, imports left out."""
    files = []
    for number, source in enumerate(sources):
        path = folder / f"plugin{number}.py"
        path.write_text(HEAD + source, encoding="utf-8")
        files.append(load_plugin(path))
    return bind_plugins(files, [BTC, ETH])


def rules(bound: BoundPlugins, text: str) -> RuleSet:
    """Rules from YAML that may use the plug-ins."""
    specs = load_text(text, "rules.yaml", RuleBook, {}).rules
    return RuleSet(tuple(make_rule(name, spec, [BTC, ETH], bound) for name, spec in specs.items()), bound)


def plugged(folder: Path, source: str, text: str) -> Trader:
    """A driver over an engine with one plug-in and the rules of ``text``."""
    driver = Trader(engine())
    take(driver.engine, rules(plugins(folder, source), text))
    return driver


def take(made: Engine, found: RuleSet) -> None:
    """Give an engine other rules, as a reload does."""
    made.replace_rules(found, limits=made.desk.limits, survival=made.desk.survival)
