"""The rules of a run, checked: every condition typed, every goal known, in one fixed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import InputError
from bot.domain.order import OrderClass
from bot.domain.units import SourceText
from bot.execution.spec import ExecutionSpec
from bot.rules.bound_plugins import NO_PLUGINS, BoundPlugins, BoundRemedy
from bot.rules.language.check import check_condition
from bot.rules.language.currency import currencies_of
from bot.rules.language.measures import Subject
from bot.rules.language.typed import Condition, Scope
from bot.rules.spec import AskPlugin, Deleverage, HedgeDelta, RuleSpec, Until


@dataclass(frozen=True, slots=True)
class Rule:
    """One checked rule; times in ns. ``fires_max`` None is no limit.

    Where a plug-in has a ``remedy``, ``goal`` is what is done when it gives none.
    """

    name: str
    scope: Scope
    when: Condition
    clear: Condition | None
    hold: int
    goal: Goal
    execute: ExecutionSpec
    confirm: Condition | None = None
    until: Until = Until.GOAL
    cooldown: int = 0
    fires_max: int | None = None
    remedy: BoundRemedy | None = None

    @property
    def is_hedge(self) -> bool:
        """True of a rule that trades a net delta back into its band."""
        return self.goal.kind is GoalKind.NET_DELTA

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All there are, ``when`` first."""
        return tuple(each for each in (self.when, self.clear, self.confirm) if each is not None)


def make_rule(name: str, spec: RuleSpec, symbols: Sequence[str], plugins: BoundPlugins = NO_PLUGINS) -> Rule:
    """Return the rule with its conditions and its goal checked over the markets ``symbols``.

    Raises LanguageError for a condition, InputError for an amount in another currency than the accounts', for a
    remedy that no plug-in has, and for a hedge that its instrument cannot be.
    """

    def checked(source: SourceText) -> Condition:
        return check_condition(source, spec.for_each, symbols, plugins.plugged)

    if isinstance(spec.plain_remedy, Deleverage):
        _require_currency(spec.plain_remedy, symbols)
    when, execute = checked(spec.when), spec.execute
    if isinstance(spec.do, HedgeDelta):
        _require_instrument(spec.do, symbols)
        _require_underlying(spec.do, when)
        execute = replace(execute, order_class=OrderClass.HEDGE)
    return Rule(
        name=name,
        scope=spec.for_each,
        when=when,
        clear=None if spec.clear is None else checked(spec.clear),
        hold=spec.hold,
        goal=spec.do.goal,
        execute=execute,
        confirm=None if spec.confirm is None else checked(spec.confirm),
        until=spec.until_or_default,
        cooldown=spec.cooldown,
        fires_max=1 if spec.latch else spec.max_fires,
        remedy=_remedy(spec.do, spec.for_each, plugins) if isinstance(spec.do, AskPlugin) else None,
    )


def _remedy(asked: AskPlugin, scope: Scope, plugins: BoundPlugins) -> BoundRemedy:
    found = plugins.remedies.get(asked.remedy)
    if found is None:
        known = f"they have {', '.join(plugins.remedies)}" if plugins.remedies else "name its file under `plugins:`"
        raise InputError(f"{asked.place}: remedy is of no plug-in, was {asked.remedy!r}; {known}")
    if found.scope is not scope:
        raise InputError(
            f"{asked.place}: remedy {asked.remedy} is for each {found.scope.value}, was asked for each {scope.value}; "
            "change for_each, or take another remedy"
        )
    return found


def _require_currency(remedy: Deleverage, symbols: Sequence[str]) -> None:
    goal = remedy.goal
    settled = currencies_of(symbols).account
    if goal.currency is not None and goal.currency != settled:
        raise InputError(
            f"{remedy.to.place}: {goal.kind.value} is counted in {settled}, was an amount of {goal.currency}; write "
            f"the amount in {settled}, or set a leverage instead"
        )


def _require_instrument(remedy: HedgeDelta, symbols: Sequence[str]) -> None:
    """Raise InputError for an instrument that cannot move a net delta by a known amount, or is not traded."""
    symbol = remedy.with_
    if symbol not in symbols:
        close = get_close_matches(symbol, symbols, n=1, cutoff=0.4)
        cure = f"did you mean {close[0]}?" if close else "add it to the account's instruments"
        raise InputError(f"{remedy.place}: with is not among the instruments, was {symbol!r}; {cure}")
    if symbol.endswith(("-C", "-P")):
        raise InputError(
            f"{remedy.place}: with is an option, whose delta moves with the market, was {symbol!r}; hedge with its "
            "perpetual or future"
        )
    known = currencies_of((symbol,))
    if remedy.band.currency not in (known.base, known.quote):
        raise InputError(
            f"{remedy.place}: band is an amount of {known.base} or {known.quote} for {symbol}, was {remedy.band}; "
            f"write it in {known.base}, or hedge with an instrument on {remedy.band.currency}"
        )


def _require_underlying(remedy: HedgeDelta, when: Condition) -> None:
    """Raise InputError where ``when`` looks at other underlyings than the one that the hedge moves."""
    looked_at = [ref.symbol for ref in when.readings if ref.subject is Subject.UNDERLYING]
    base = currencies_of((remedy.with_,)).base
    if looked_at and base not in looked_at:
        raise InputError(
            f"{remedy.place}: with is not of the underlying that the rule looks at, was {remedy.with_!r}; write "
            f'underlying("{base}").net_delta, or an instrument on {looked_at[0]}'
        )


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules, in the order of their files; the order decides nothing."""

    rules: tuple[Rule, ...] = ()
    plugins: BoundPlugins = NO_PLUGINS

    def of_scope(self, scope: Scope) -> tuple[Rule, ...]:
        """Return the rules that look at one kind of element, by name.

        Episodes of one step are numbered in this order, and what is hashed or listed by number must not depend on
        the order of the files.
        """
        return tuple(sorted((rule for rule in self.rules if rule.scope is scope), key=lambda rule: rule.name))

    def by_name(self) -> Mapping[str, Rule]:
        return {rule.name: rule for rule in self.rules}
