"""The life of one instance of a rule: when it fires, when it may fire again.

    from        condition     after         to          fires
    inactive    true          may fire      firing      yes
    inactive    true          must wait     pending
    pending     true          may fire      firing      yes
    pending     false                       inactive
    pending     unavailable                 suspended           the hold timer stands still
    suspended   true                        pending             and goes on
    suspended   false                       inactive
    firing      cleared       with clear:   inactive
    firing      false         no clear      clearing            inactive at once when hold = 0
    clearing    true                        firing              (it never stopped: no second fire)
    clearing    false         hold served   inactive
    firing, clearing          spent         latched             wherever the rows above say inactive
    latched     any           not spent     inactive            and on from there at once
    any         its position is gone        inactive            the next one is another story

A rule *may fire* when its hold is served, ``confirm`` is true and no cooldown runs. It is *spent* when it
has fired ``max_fires`` times (``latch: true`` is once) and nothing keeps it armed; an operator's command
sets the count back. Hold and cooldown pass side by side: a danger that outlasts both is acted on at once.

Unavailable neither fires nor clears. The first decision after a restart does not wait for any hold; a
cooldown and a confirmation it does wait for.
"""

from __future__ import annotations

import msgspec

from bot.domain.effects import TriggerState


class Trigger(msgspec.Struct, frozen=True):
    """``since`` is when the state began, ``held`` how much of the hold was served before that, ns."""

    state: TriggerState = TriggerState.INACTIVE
    since: int = 0
    held: int = 0


class Conditions(msgspec.Struct, frozen=True):
    """What the rule's conditions say now; None is unavailable. ``has_clear`` tells a missing ``clear:``.

    A rule without ``confirm:`` is always confirmed.
    """

    when: bool | None
    clear: bool | None
    has_clear: bool
    confirm: bool | None = True


class Fires(msgspec.Struct, frozen=True):
    """How often one instance has fired since it was last set back, and when it did last, ns."""

    count: int = 0
    last: int = 0


class Allowance(msgspec.Struct, frozen=True):
    """What an instance's earlier fires leave it: no fire before ``not_before`` (ns), none at all once spent.

    Pardoned it would be spent, but fires on; whoever opens its episode tells a person.
    """

    not_before: int = 0
    is_spent: bool = False
    is_pardoned: bool = False


IDLE = Trigger()
NEVER_FIRED = Fires()
FREE = Allowance()


def advance(
    trigger: Trigger, conditions: Conditions, *, hold: int, now: int, allowance: Allowance = FREE
) -> tuple[Trigger, bool]:
    """Return the trigger after looking at its conditions at ``now``, and whether it fires.

    ``hold`` is 0 for a decision that must not wait. The same inputs twice change nothing.
    """
    match trigger.state:
        case TriggerState.INACTIVE:
            if conditions.when is not True:
                return trigger, False
            return _pending(Trigger(TriggerState.PENDING, now), conditions, allowance, hold=hold, now=now)
        case TriggerState.PENDING:
            return _pending(trigger, conditions, allowance, hold=hold, now=now)
        case TriggerState.SUSPENDED:
            if conditions.when is None:
                return trigger, False
            if conditions.when is False:
                return Trigger(TriggerState.INACTIVE, now), False
            return _pending(
                Trigger(TriggerState.PENDING, now, trigger.held), conditions, allowance, hold=hold, now=now
            )
        case TriggerState.FIRING:
            return _firing(trigger, conditions, allowance, hold=hold, now=now), False
        case TriggerState.CLEARING:
            if conditions.when is True:
                return Trigger(TriggerState.FIRING, now), False
            if conditions.when is False and now - trigger.since >= hold:
                return _over(allowance, now), False
            return trigger, False
        case TriggerState.LATCHED:
            if allowance.is_spent:
                return trigger, False
            return advance(Trigger(TriggerState.INACTIVE, now), conditions, hold=hold, now=now, allowance=allowance)


def rearm(trigger: Trigger, now: int) -> Trigger:
    """Return the trigger of an element that was replaced: a position that was closed or changed its sign."""
    return trigger if trigger.state is TriggerState.INACTIVE else Trigger(TriggerState.INACTIVE, now)


def deadline(trigger: Trigger, hold: int, not_before: int = 0) -> int | None:
    """Return when the trigger must be looked at again although nothing changed, or None."""
    if trigger.state is TriggerState.PENDING:
        return max(trigger.since + hold - trigger.held, not_before)
    if trigger.state is TriggerState.CLEARING:
        return trigger.since + hold
    return None


def _pending(
    trigger: Trigger, conditions: Conditions, allowance: Allowance, *, hold: int, now: int
) -> tuple[Trigger, bool]:
    served = trigger.held + now - trigger.since
    if conditions.when is None:
        return Trigger(TriggerState.SUSPENDED, now, served), False
    if conditions.when is False:
        return Trigger(TriggerState.INACTIVE, now), False
    if served >= hold and now >= allowance.not_before and conditions.confirm is True:
        return Trigger(TriggerState.FIRING, now), True
    return trigger, False


def _firing(trigger: Trigger, conditions: Conditions, allowance: Allowance, *, hold: int, now: int) -> Trigger:
    if conditions.has_clear:
        return _over(allowance, now) if conditions.clear is True else trigger
    if conditions.when is not False:
        return trigger
    return _over(allowance, now) if hold == 0 else Trigger(TriggerState.CLEARING, now)


def _over(allowance: Allowance, now: int) -> Trigger:
    """Return the trigger of a rule that has been cleared."""
    return Trigger(TriggerState.LATCHED if allowance.is_spent else TriggerState.INACTIVE, now)
