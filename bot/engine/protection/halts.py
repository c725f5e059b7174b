"""Carries out what a person commands: freeze, kill, flatten, resume, re-arm, sales, overrides of single controls.

    freeze    the gate passes reducers and bounded hedges only; rules go on
    kill      open episodes end, their parents are cancelled and every child too; stops stay. Rules of the cost
              class rest until a person resumes. A margin rule that becomes true after the kill still acts: no halt
              may keep a reduce-only exit of survival from going out. One that was cut short must clear first.
    flatten   kill, then one episode per position that is held, all begun in one step along one curve, so that legs
              shrink side by side. It ends as killed when nothing is left that the venue takes an order for.
    resume    open; rules that were cut short and are true still may fire again

What a kill leaves is decided anew in every step from the latch and what is held, so a restart goes on with it.
"""

from __future__ import annotations

from typing import assert_never

from bot.domain.denials import CONTROLS
from bot.domain.effects import (
    PORTFOLIO,
    EndEpisode,
    Goal,
    GoalKind,
    MoveTrigger,
    RaiseAlarm,
    ScopeElement,
    SetLatch,
    SetOverride,
    TriggerState,
)
from bot.domain.events import Command, CommandKind
from bot.domain.latch import Latch, stricter
from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_SECOND, to_text
from bot.domain.units import SourceText
from bot.engine.cancels import cancel
from bot.engine.deciding.episodes import STANDING, Episodes
from bot.engine.deciding.fires import end_episode, open_for_person
from bot.engine.deciding.parents import Parents
from bot.engine.deciding.sales import Sales
from bot.engine.desk import Desk
from bot.engine.protection.protect import PROTECT
from bot.engine.spec import LimitsSpec
from bot.execution.slicer import smallest_order
from bot.execution.spec import Algo, ExecutionSpec, Tactic
from bot.rules.language.typed import Scope
from bot.rules.ruleset import Rule, make_rule
from bot.rules.spec import NOWHERE, Close, RuleSpec

FLATTEN = "operator:flatten"         # no name that a rule file can have
_NEEDS_A_NAME = frozenset({
    CommandKind.RESUME, CommandKind.REARM, CommandKind.OVERRIDE, CommandKind.SELL, CommandKind.END_SALE,
})
_WORDS = {
    Latch.OPEN: "account_resumed", Latch.FROZEN: "account_frozen", Latch.KILLED: "account_killed",
    Latch.FLATTENING: "account_flattening",
}


def flatten_rule(limits: LimitsSpec) -> Rule:
    """Return what a flatten sells by: no watch evaluates its condition, its class is that of survival."""
    over = limits.flatten_over
    execute = ExecutionSpec(algo=Algo.TWAP if over else Algo.NOW, over=over, tactic=Tactic.LADDER)
    when = SourceText("position.age >= 0s", NOWHERE)
    return make_rule(FLATTEN, RuleSpec(for_each=Scope.POSITION, when=when, do=Close(), execute=execute), ())


class Halts:
    """Obeys the commands on one engine's accounts, and brings a flatten to its end."""

    def __init__(self, desk: Desk, episodes: Episodes, parents: Parents) -> None:
        self.desk = desk
        self.episodes = episodes
        self.parents = parents
        self.sales = Sales(desk, episodes.rules)

    def obey(self, command: Command) -> None:
        """Do what a command says, or say why not."""
        held = self.desk.book.accounts[command.account].latch
        if command.kind in _NEEDS_A_NAME and not command.by:
            self._refuse(command, "names no person; say who wants it")
            return
        match command.kind:
            case CommandKind.FREEZE:
                self._set(command, stricter(held, Latch.FROZEN))
            case CommandKind.KILL:
                self._set(command, Latch.KILLED)
                self._end_all(command)
            case CommandKind.FLATTEN:
                self._set(command, Latch.FLATTENING)
                self._end_all(command)
            case CommandKind.RESUME:
                self._set(command, Latch.OPEN)
                if held.is_killed:
                    self._end_flatten(command)
                    self._free_rules(command)
            case CommandKind.REARM:
                if command.rule not in self.episodes.rules:
                    self._refuse(command, f"there is no rule of that name, was {command.rule!r}")
                else:
                    self._alarm("rule_rearmed", command.account, f"{command.rule} by {command.by}: {command.reason}")
            case CommandKind.OVERRIDE:
                self._override(command)
            case CommandKind.SELL:
                self.sales.sell(command)
            case CommandKind.QUOTE_SALE:
                self.sales.quote(command)
            case CommandKind.END_SALE:
                if self.sales.end(command):
                    self.parents.cancel_unwanted(command.now)
            case _:
                assert_never(command.kind)

    def decide(self, account: int, now: int) -> None:
        """Before an account is decided: take overrides back that are over, and go on with a flatten."""
        book = self.desk.book.accounts[account]
        for code, until in list(book.overrides.items()):
            if now >= until:
                control = next(each for each in CONTROLS if each.name == code)
                self.desk.emit(SetOverride(account, control, now, "its time is over", "", now))
                self._alarm("override_ended", account, f"{code} binds again")
            else:
                self.desk.timers.set(account, until)
        if book.latch is Latch.FLATTENING:
            self._flatten(account, now)
        self.sales.decide(account, now)

    def _set(self, command: Command, latch: Latch) -> None:
        """Shut or open the account; the same again is told again, since somebody asked."""
        self.desk.emit(SetLatch(command.account, latch, command.reason, command.by, command.now))
        who = f"by {command.by}: " if command.by else ""
        self._alarm(_WORDS[latch], command.account, f"{latch.value} {who}{command.reason}")

    def _end_all(self, command: Command) -> None:
        """End what rules began and cancel what is out; stops stay, and so does one that we act in place of."""
        book = self.desk.book
        why = f"{command.kind.value} by {command.by or 'an operator'}: {command.reason}"
        for episode in list(book.episodes.values()):
            if episode.element.account == command.account and episode.rule != PROTECT:
                end_episode(self.desk, episode, why, command.now)
        self.parents.cancel_unwanted(command.now)
        for order in list(book.orders.values()):
            is_own = book.layout.keys[order.position].account == command.account
            if is_own and order.order_class is not OrderClass.STOP and order.parent not in book.parents:
                cancel(self.desk, command.account, order.name, command.now)

    def _end_flatten(self, command: Command) -> None:
        for episode in list(self.desk.book.episodes.values()):
            if episode.rule == FLATTEN and episode.element.account == command.account:
                self.desk.emit(EndEpisode(episode.number, f"resumed by {command.by}", command.now))
        self.parents.cancel_unwanted(command.now)

    def _free_rules(self, command: Command) -> None:
        """Let rules fire again whose episodes were cut short: what is true still is acted on as if it were new."""
        book = self.desk.book
        for (rule, element), trigger in list(book.triggers.items()):
            is_own = element.account == command.account or element == PORTFOLIO
            if is_own and trigger.state in STANDING and book.live_episode(rule, element) is None:
                self.desk.emit(MoveTrigger(rule, element, TriggerState.INACTIVE, command.now, 0))

    def _override(self, command: Command) -> None:
        control, until = command.control, command.until
        if control is None or not CONTROLS[control].is_overridable:
            known = ", ".join(code.name for code, each in CONTROLS.items() if each.is_overridable)
            self._refuse(command, f"this control never rests, was {control.name if control else None}; may be {known}")
            return
        longest = self.desk.limits.override_max
        if until is None or not command.now < until <= command.now + longest:
            self._refuse(command, f"must end within {longest / NS_PER_SECOND:g} s from now")
            return
        self.desk.emit(SetOverride(command.account, control, until, command.reason, command.by, command.now))
        self._alarm(
            "control_overridden", command.account,
            f"{control.name} rests for {(until - command.now) / NS_PER_SECOND:g} s by {command.by}: {command.reason}",
        )

    # Flatten -----------------------------------------------------------------------------------------------

    def _flatten(self, account: int, now: int) -> None:
        """Open an episode for each position that the venue takes an order for; end when there is none."""
        layout, book = self.desk.layout, self.desk.book
        held = [position for position in layout.positions_of[account] if book.quantity[position]]
        sellable = [
            position for position in held
            if abs(book.quantity[position]) >= smallest_order(layout.instrument_of(position).filters)
        ]
        for position in sellable:
            element = ScopeElement(account, layout.keys[position])
            if book.live_episode(FLATTEN, element) is None:
                why = "an operator flattens the account"
                open_for_person(self.desk, FLATTEN, element, Goal(GoalKind.FLAT), why=why, now=now)
        if sellable or self._is_working(account):
            return
        left = ", ".join(
            f"{to_text(book.quantity[position], layout.instrument_of(position).quantity_digits)} of "
            f"{layout.market_label(layout.keys[position])} left, below the venue's minimum" for position in held
        )
        self.desk.emit(SetLatch(account, Latch.KILLED, "flat", "", now))
        self._alarm("account_flat", account, left or "nothing is held; it stays killed until a person resumes")

    def _is_working(self, account: int) -> bool:
        book = self.desk.book
        return any(
            book.layout.keys[order.position].account == account and order.order_class is not OrderClass.STOP
            for order in book.orders.values()
        )

    def _refuse(self, command: Command, why: str) -> None:
        self.desk.emit(RaiseAlarm("command_refused", f"{command.kind.value}: {why}", command.now))

    def _alarm(self, code: str, account: int, detail: str) -> None:
        name = self.desk.layout.accounts[account].name
        self.desk.emit(RaiseAlarm(code, f"{name}: {detail}", self.desk.book.now))
