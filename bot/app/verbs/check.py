"""``penstock check CONFIG``: what the configuration says, in the program's own words, or what is wrong in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.app import meanings
from bot.app.cli_codes import EXIT_GOOD
from bot.app.config import AccountSpec
from bot.app.loading import Loaded, load_all
from bot.app.meaning_text import meaning_lines
from bot.app.summary import remedy_text
from bot.app.symbols import perpetual_of
from bot.domain.account import MarginMode
from bot.domain.goal import GoalKind
from bot.domain.order import OrderClass
from bot.engine.deciding.plans import BY_POOL
from bot.execution.profile import SPAN_MIN, why_no_shape
from bot.execution.spec import Algo
from bot.rules.feasibility import exact_comparisons, is_goal_at_trigger, optional_reads
from bot.rules.language.explain import expression_text
from bot.rules.language.plugged import PLUGIN
from bot.rules.language.typed import Relation
from bot.rules.language.wording import duration_text
from bot.rules.plugins import Plugin
from bot.rules.ruleset import Rule


def check_config(path: Path, environ: Mapping[str, str], *, as_json: bool) -> int:
    """Print what was understood and what to beware of; errors in the file are raised."""
    loaded = load_all(path, environ)
    found = describe(loaded)
    if as_json:
        print(json.dumps(found))
        return EXIT_GOOD
    print(f"{path}: good")
    for name, account in found["accounts"].items():
        print(f"  account {name}: {account['mode']}, {', '.join(account['instruments'])}")
    for plugin in found["plugins"]:
        print(f"  plug-in {plugin['path']} ({plugin['sha256'][:12]}): {', '.join(_names(plugin))}")
    for rule in found["rules"]:
        print(f"  rule {rule['name']}: for each {rule['for_each']}, when {rule['when']}")
        print(f"    then {rule['goal']}, {rule['execute']}")
        for line in meaning_lines(rule["name"], found["levels"], found["prices"]):
            print(f"    {line}")
    if found["levels"]:
        print(f"  levels: {found['formula']}")
    for name, symbols in found["unpriced"].items():
        print(f"  account {name}: levels in price are known with the tape, by the first price of {', '.join(symbols)}")
    for warning in found["warnings"]:
        print(f"  beware: {warning}")
    return EXIT_GOOD


def describe(loaded: Loaded) -> dict[str, Any]:
    """Return the configuration as the program understood it."""
    return {
        "config": str(loaded.path),
        "config_hash": loaded.digest,
        "accounts": {
            name: {"mode": account.mode.value, "instruments": list(account.instruments)}
            for name, account in loaded.config.accounts.items()
        },
        "plugins": [_plugin(plugin) for plugin in loaded.rules.plugins.files],
        "rules": [_rule(rule) for rule in loaded.rules.rules],
        "formula": meanings.FORMULA,
        "levels": meanings.levels(loaded),
        "prices": meanings.prices(loaded),
        "unpriced": meanings.unpriced(loaded),
        "warnings": warnings(loaded),
    }


def warnings(loaded: Loaded) -> list[str]:
    """Return what a careful person would point out."""
    found = []
    for name, account in loaded.config.accounts.items():
        for symbol in account.instruments:
            named = perpetual_of(symbol)
            if not named.has_own_tiers:
                found.append(f"accounts.{name}: maintenance tiers of {symbol} are a stand-in: {named.tiers.source}")
        found += _isolated(name, account, loaded.rules.rules)
    found += meanings.untold(loaded)
    found += meanings.starts_liquidated(loaded)
    found += meanings.starts_inside(loaded)
    if not loaded.rules.rules:
        found.append("strategies: no book holds a rule, so nothing is ever done; write one, see docs/first-rule.md")
    for rule in loaded.rules.rules:
        if is_goal_at_trigger(rule):
            found.append(
                f"{rule.name}: its goal ({remedy_text(rule)}) lies at its trigger, so it sells a little and fires "
                "again; set the goal further away"
            )
        found += _exact(rule)
        found += _cautions(rule)
        found += _straight(rule)
        found += _legs_closed(rule, loaded.rules.rules)
    return found


def _exact(rule: Rule) -> list[str]:
    """Return what compares a moving reading with one exact value."""
    found = []
    for key, condition in (("when", rule.when), ("confirm", rule.confirm), ("clear", rule.clear)):
        for compare in () if condition is None else exact_comparisons(condition.root):
            often = "hardly ever" if compare.relation is Relation.EQUAL else "nearly always"
            found.append(
                f"{rule.name}: {key} {expression_text(compare)} is {often} true of what moves; write >= or <="
            )
    return found


def _legs_closed(hedge: Rule, rules: Sequence[Rule]) -> list[str]:
    """Return what becomes of a hedge whose own leg other rules look at."""
    closing = [rule.name for rule in rules if rule.goal.kind in (GoalKind.FLAT, GoalKind.REDUCE)]
    if hedge.goal.hedge is None or not closing:
        return []
    return [
        f"{hedge.name}: {', '.join(closing)} may sell its leg in {hedge.goal.hedge.symbol} as any position; what they "
        "cut it does not open again. Guard a hedged book by rules for_each: account, or leave that market to the hedge"
    ]


def _isolated(name: str, account: AccountSpec, rules: Sequence[Rule]) -> list[str]:
    """Return what deleveraging means for positions that are margined alone."""
    isolated = [symbol for symbol in account.instruments if account.paper.mode_of(symbol) is MarginMode.ISOLATED]
    return [
        f"accounts.{name}: {rule.name} deleverages, and {', '.join(isolated)} is isolated: a cut gives its share of "
        "the margin back and brings liquidation no further away, so such a position is closed whole"
        for rule in rules if isolated and rule.goal.kind in BY_POOL
    ]


def _straight(rule: Rule) -> list[str]:
    """Return why a vwap will be none, as far as the files tell."""
    execute = rule.execute
    if execute.algo is not Algo.VWAP or (execute.history is not None and execute.over >= SPAN_MIN):
        return []
    return [f"{rule.name}: {why_no_shape(None, execute.over)}"]


def _cautions(rule: Rule) -> list[str]:
    """Return what may keep a margin rule from firing though it can work."""
    if rule.execute.order_class is not OrderClass.MARGIN:
        return []
    found = []
    if rule.cooldown:
        found.append(
            f"{rule.name}: has a cooldown of {duration_text(rule.cooldown)} though its class is margin; so long after "
            "a fire it does not guard the account"
        )
    optional, _ = optional_reads(rule.when.root)
    for name in dict.fromkeys(str(read.ref) for read in optional):
        found.append(
            f"{rule.name}: reads {name}, which may be unavailable; write default({name}, VALUE) if it must not wait"
        )
    return found


def _plugin(plugin: Plugin) -> dict[str, Any]:
    return {
        "path": plugin.path,
        "sha256": plugin.sha256,
        "measures": [f"{PLUGIN}.{measure.name}" for measure in plugin.measures],
        "remedies": [remedy.name for remedy in plugin.remedies],
    }


def _names(plugin: dict[str, Any]) -> list[str]:
    return [*plugin["measures"], *(f"remedy {name}" for name in plugin["remedies"])]


def _rule(rule: Rule) -> dict[str, Any]:
    execute = rule.execute
    return {
        "name": rule.name,
        "for_each": rule.scope.value,
        "when": expression_text(rule.when.root),
        "clear": None if rule.clear is None else expression_text(rule.clear.root),
        "goal": remedy_text(rule),
        "confirm": None if rule.confirm is None else expression_text(rule.confirm.root),
        "hold": duration_text(rule.hold),
        "cooldown": duration_text(rule.cooldown),
        "max_fires": rule.fires_max,
        "until": rule.until.value,
        "execute": f"{execute.algo.value} by {execute.tactic.value}, class {execute.order_class.value}",
    }
