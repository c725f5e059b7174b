"""The life of one instance of a rule: when it fires, when it may fire again.

    from        condition     after         to          fires
    inactive    true          hold = 0      firing      yes
    inactive    true          hold > 0      pending
    pending     true          hold served   firing      yes
    pending     false                       inactive
    pending     unavailable                 suspended           the hold timer stands still
    suspended   true                        pending             and goes on
    suspended   false                       inactive
    firing      cleared       with clear:   inactive
    firing      false         no clear      clearing            inactive at once when hold = 0
    clearing    true                        firing              (it never stopped: no second fire)
    clearing    false         hold served   inactive
    any         its position is gone        inactive            the next one is another story

Unavailable neither fires nor clears. The first decision after a restart does not wait for any hold.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.effects import TriggerState


@dataclass(frozen=True, slots=True)
class Trigger:
    """``since`` is when the state began, ``held`` how much of the hold was served before that, ns."""

    state: TriggerState = TriggerState.INACTIVE
    since: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the rule's conditions say now; None is unavailable. ``has_clear`` tells a missing ``clear:``."""

    when: bool | None
    clear: bool | None
    has_clear: bool


IDLE = Trigger()


def advance(trigger: Trigger, conditions: Conditions, *, hold: int, now: int) -> tuple[Trigger, bool]:
    """Return the trigger after looking at its conditions at ``now``, and whether it fires.

    ``hold`` is 0 for a decision that must not wait. The same inputs twice change nothing.
    """
    match trigger.state:
        case TriggerState.INACTIVE:
            if conditions.when is not True:
                return trigger, False
            if hold == 0:
                return Trigger(TriggerState.FIRING, now), True
            return Trigger(TriggerState.PENDING, now), False
        case TriggerState.PENDING:
            return _pending(trigger, conditions.when, hold=hold, now=now)
        case TriggerState.SUSPENDED:
            if conditions.when is None:
                return trigger, False
            if conditions.when is False:
                return Trigger(TriggerState.INACTIVE, now), False
            return _pending(
                Trigger(TriggerState.PENDING, now, trigger.held), True, hold=hold, now=now
            )
        case TriggerState.FIRING:
            return _firing(trigger, conditions, hold=hold, now=now), False
        case TriggerState.CLEARING:
            if conditions.when is True:
                return Trigger(TriggerState.FIRING, now), False
            if conditions.when is False and now - trigger.since >= hold:
                return Trigger(TriggerState.INACTIVE, now), False
            return trigger, False


def rearm(trigger: Trigger, now: int) -> Trigger:
    """Return the trigger of an element that was replaced: a position that was closed or changed its sign."""
    return trigger if trigger.state is TriggerState.INACTIVE else Trigger(TriggerState.INACTIVE, now)


def deadline(trigger: Trigger, hold: int) -> int | None:
    """Return when the trigger must be looked at again although nothing changed, or None."""
    if trigger.state is TriggerState.PENDING:
        return trigger.since + hold - trigger.held
    if trigger.state is TriggerState.CLEARING:
        return trigger.since + hold
    return None


def _pending(trigger: Trigger, when: bool | None, *, hold: int, now: int) -> tuple[Trigger, bool]:
    served = trigger.held + now - trigger.since
    if when is None:
        return Trigger(TriggerState.SUSPENDED, now, served), False
    if when is False:
        return Trigger(TriggerState.INACTIVE, now), False
    if served >= hold:
        return Trigger(TriggerState.FIRING, now), True
    return trigger, False


def _firing(trigger: Trigger, conditions: Conditions, *, hold: int, now: int) -> Trigger:
    if conditions.has_clear:
        return Trigger(TriggerState.INACTIVE, now) if conditions.clear is True else trigger
    if conditions.when is not False:
        return trigger
    return Trigger(TriggerState.INACTIVE if hold == 0 else TriggerState.CLEARING, now)
