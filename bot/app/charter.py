"""What a run is made of, in words: kept with its journal, so that explaining it needs neither rule books nor tape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from bot.app.loading import Loaded
from bot.app.summary import remedy_text
from bot.domain.account import PositionKey
from bot.domain.effects import PORTFOLIO, ScopeElement
from bot.domain.errors import JournalError
from bot.domain.instrument import InstrumentKind
from bot.engine.measures.layout import Layout, leg_label
from bot.rules.language.explain import expression_text
from bot.rules.language.wording import duration_text
from bot.rules.ruleset import Rule

CHARTER_SERIES = "charter"


@dataclass(frozen=True, slots=True)
class InstrumentWords:
    """``value_multiplier`` is cash units per (price unit x quantity unit)."""

    symbol: str
    price_digits: int
    quantity_digits: int
    value_multiplier: int
    is_inverse: bool = False


@dataclass(frozen=True, slots=True)
class AccountWords:
    name: str
    settle: str


@dataclass(frozen=True, slots=True)
class RuleWords:
    """A rule as the program understood it; ``clear`` is None where it re-arms by itself; ``hold`` is in words."""

    scope: str
    when: str
    clear: str | None
    hold: str
    goal: str
    execute: str
    hold_ns: int = 0
    confirm: str | None = None
    cooldown: str | None = None
    fires_max: int | None = None


@dataclass(frozen=True, slots=True)
class Charter:
    """Accounts and instruments by their indexes in the journal, rules by name; how far the ladder may widen.

    ``plugins`` is the SHA-256 of every plug-in's file by its path; ``keys`` are the positions that there may be, none
    in a run of an earlier version.
    """

    accounts: tuple[AccountWords, ...]
    instruments: tuple[InstrumentWords, ...]
    rules: Mapping[str, RuleWords]
    collar_max: float
    plugins: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[PositionKey, ...] = ()

    def key_label(self, key: PositionKey) -> str:
        """Return what a person calls a position: account and symbol, and in hedge mode the leg."""
        return f"{self.accounts[key.account].name} {leg_label(self.instruments[key.instrument].symbol, key.side)}"

    def label(self, element: ScopeElement) -> str:
        """Return what a person calls what a rule looks at."""
        if element == PORTFOLIO:
            return "portfolio"
        return self.accounts[element.account].name if element.key is None else self.key_label(element.key)


def charter_of(loaded: Loaded, layout: Layout, before: bytes | None = None) -> bytes:
    """Return the charter of a run that is about to begin, as JSON.

    ``before`` is the charter of a run that goes on: rules that a reload has taken away keep their words.
    """
    charter = Charter(
        accounts=tuple(AccountWords(slot.name, slot.settle) for slot in layout.accounts),
        instruments=tuple(
            InstrumentWords(
                instrument.symbol, instrument.price_digits, instrument.quantity_digits, instrument.value_multiplier,
                is_inverse=instrument.kind is InstrumentKind.INVERSE,
            )
            for instrument in layout.instruments
        ),
        rules={rule.name: _rule(rule) for rule in loaded.rules.rules},
        collar_max=loaded.config.limits.margin_collar_max,
        plugins={plugin.path: plugin.sha256 for plugin in loaded.rules.plugins.files},
        keys=layout.keys,
    )
    if before is not None:
        charter = replace(charter, rules={**read_charter(before).rules, **charter.rules})
    return msgspec.json.encode(charter)


def read_charter(stored: bytes) -> Charter:
    """Return a stored charter; raises JournalError when it is not one."""
    try:
        return msgspec.json.decode(stored, type=Charter)
    except msgspec.DecodeError as error:
        raise JournalError(f"journal charter: does not read, was {error}; replay the run") from error


def _rule(rule: Rule) -> RuleWords:
    execute = rule.execute
    return RuleWords(
        scope=rule.scope.value,
        when=expression_text(rule.when.root),
        clear=None if rule.clear is None else expression_text(rule.clear.root),
        hold=duration_text(rule.hold) if rule.hold else "0s",
        goal=remedy_text(rule),
        execute=f"{execute.algo.value} by {execute.tactic.value}, class {execute.order_class.value}",
        hold_ns=rule.hold,
        confirm=None if rule.confirm is None else expression_text(rule.confirm.root),
        cooldown=duration_text(rule.cooldown) if rule.cooldown else None,
        fires_max=rule.fires_max,
    )
