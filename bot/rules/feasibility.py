"""Rules that read well and cannot work: refused when they are loaded, with the place, the reason and a cure.

    what is refused                                             because
    a condition that is never true, or true whatever happens    it fires never, or says nothing
    ``when`` and ``confirm`` that exclude each other            it fires never
    a goal that is met while the rule is still true             it would sell nothing
    a ``clear`` that is not true when the goal is met           its own selling would never arm it again
    a hedge whose rule is true inside its band                  it would fire, and trade nothing
    ``when`` and ``clear`` true together                        it would fire at every look
    ``and`` with nothing but optional readings (margin class)   the guard is off while they are missing
    a ``cooldown`` no longer than the ``hold``                  it never delays anything
    a schedule of one slice, or of more than the gate lets out  it is no schedule, or never kept

Goals are tried out: the conditions are evaluated as they would be when the goal is just met, by a single
position, with volatility at both ends of its range.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.domain.copying import replace
from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import InputError
from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_SECOND
from bot.execution.spec import Algo
from bot.risk.levels import Single, meaning_of
from bot.rules.intervals import Ranges, can_be, narrowed, span_of
from bot.rules.language.currency import currencies_of
from bot.rules.language.explain import expression_text
from bot.rules.language.interpret import Lookup, interpret
from bot.rules.language.measures import MEASURES, Subject
from bot.rules.language.typed import (
    Absolute,
    All,
    AnyOf,
    Arithmetic,
    Clamp,
    Compare,
    Condition,
    Default,
    Literal,
    Negate,
    Not,
    Read,
    ReadingRef,
    Relation,
    Scope,
    Select,
    Truth,
    Value,
    reads_in,
)
from bot.rules.language.wording import duration_text, number_text, value_text
from bot.rules.ruleset import Rule
from bot.rules.spec import Until

MEASURE_OF = {
    GoalKind.LIQUIDATION_DISTANCE: "account.liquidation_distance",
    GoalKind.LEVERAGE: "account.leverage",
    GoalKind.MARGIN_RATIO: "account.margin_ratio",
}
EXPOSURE_OF = {
    GoalKind.GROSS_NOTIONAL: "account.gross_notional",
    GoalKind.NET_NOTIONAL: "account.net_notional",
}
NET_DELTA = "underlying.net_delta"
AMPLE = 1e15                         # of any currency: an exposure beyond every limit
CALM, WILD = 0.0, 1.0                # a sigma of nothing and of 100 %: what any market lies between
GOAL_MARGIN = 0.02                   # a calm minute moves distances and exposures by as much
# What a venue always sends of a market; anything else of it may be missing for long.
ALWAYS_THERE = ("market.mark_price", "market.last_price", "market.age")
OFTEN_MISSING = ("position.adl_rank", "position.expiry")      # not every venue tells it; a perpetual has none
STEPPED = ("position.side", "position.amount", "position.adl_rank", "account.margin_call")    # these stand still


def require_feasible(rule: Rule, singles: Sequence[Single] = (), *, order_rate_max: float | None = None) -> None:
    """Raise InputError when the rule cannot do what it says.

    ``singles`` are the positions that it may find, each alone; what is said of goals in another measure than
    the condition's is refused only when it cannot work for any of them. ``order_rate_max`` is per second.
    """
    for key, condition in (("when", rule.when), ("confirm", rule.confirm), ("clear", rule.clear)):
        if condition is not None:
            _refuse_constant(key, condition)
    if rule.confirm is not None and not can_be(All((rule.when.root, rule.confirm.root)), True):
        raise InputError(
            f"{rule.confirm.source.place}: confirm and when are never true together, was "
            f"{expression_text(rule.confirm.root)}; correct the limits of one of them"
        )
    _refuse_met_goal(rule, singles)
    if rule.clear is not None:
        _refuse_overlap(rule.when, rule.clear)
    if rule.execute.order_class is OrderClass.MARGIN:
        _refuse_disarming(rule)
    _refuse_timing(rule, order_rate_max)


def optional_reads(truth: Truth) -> tuple[list[Read], list[Read]]:
    """Return the readings of a condition that may be missing for long, and the others; both without those
    that have a ``default``."""
    optional: list[Read] = []
    certain: list[Read] = []
    for read in _bare_reads(truth):
        (optional if _is_optional(read.ref) else certain).append(read)
    return optional, certain


def is_goal_at_trigger(rule: Rule) -> bool:
    """True when the rule is true again a fiftieth short of its goal, so that it sells a little at every tick."""
    goal = rule.goal
    if goal.target is None:
        return False
    sign = -1 if goal.kind is GoalKind.LIQUIDATION_DISTANCE else 1
    near = replace(rule, goal=replace(goal, target=goal.target * (1 + sign * GOAL_MARGIN)))
    if goal.kind in MEASURE_OF:
        lookups: tuple[Lookup, ...] = tuple(_at_goal(near, None, sigma) for sigma in (CALM, WILD))
    elif goal.kind in EXPOSURE_OF:
        lookups = _at_exposures(near, are_alone=False)[0]
    else:
        return False
    return any(interpret(rule.when, lookup) is True for lookup in lookups)


def exact_comparisons(truth: Truth) -> Iterator[Compare]:
    """Yield where a reading that moves is compared with one exact value that is not zero, by == or !=."""
    match truth:
        case Compare():
            sides = (truth.left, truth.right)
            is_exact = truth.relation in (Relation.EQUAL, Relation.UNEQUAL)
            moves = any(isinstance(side, Read) and side.ref.measure not in STEPPED for side in sides)
            if is_exact and moves and any(isinstance(side, Literal) and side.value != 0 for side in sides):
                yield truth
        case Not():
            yield from exact_comparisons(truth.operand)
        case All() | AnyOf():
            for operand in truth.operands:
                yield from exact_comparisons(operand)


def _refuse_constant(key: str, condition: Condition) -> None:
    text = expression_text(condition.root)
    if not can_be(condition.root, True):
        raise InputError(f"{condition.source.place}: {key} can never be true, was {text}; correct its limits")
    if not can_be(condition.root, False):
        raise InputError(
            f"{condition.source.place}: {key} is true whatever happens, was {text}; correct its limits, or leave it out"
        )


def _refuse_met_goal(rule: Rule, singles: Sequence[Single]) -> None:
    lookups: list[tuple[Lookup, ...]]
    if rule.goal.kind in MEASURE_OF:
        lookups = [tuple(_at_goal(rule, single, sigma) for sigma in (CALM, WILD)) for single in (None, *singles)]
        target = f"{_of_scope(rule, MEASURE_OF[rule.goal.kind])} {_target_text(rule.goal)}"
    elif rule.goal.kind in EXPOSURE_OF:
        lookups = _at_exposures(rule, are_alone=bool(singles))
        target = f"{EXPOSURE_OF[rule.goal.kind]} {_target_text(rule.goal)}"
    elif rule.is_hedge:
        _refuse_idle_hedge(rule)
        return
    else:
        return
    direct, *by_position = [
        any(interpret(rule.when, lookup) is True for lookup in both) for both in lookups
    ]
    if direct or (by_position and all(by_position)):
        raise InputError(
            f"{rule.when.source.place}: when is still true where its goal is met ({target}), so the rule would find "
            "its goal reached and sell nothing; set the goal further from the trigger"
        )
    if rule.clear is None or rule.until is Until.CLEAR:
        return
    direct, *by_position = [
        all(interpret(rule.clear, lookup) is False for lookup in both) for both in lookups
    ]
    if direct or (by_position and all(by_position)):
        raise InputError(
            f"{rule.clear.source.place}: clear is not true when the goal is met ({target}), so the rule would never "
            "be armed again by its own selling; set clear between the trigger and the goal"
        )


def _refuse_idle_hedge(rule: Rule) -> None:
    """Refuse a hedge whose rule is still true where it trades to, or inside the band, or never cleared there."""
    goal = rule.goal
    base = _base_hedged(rule)
    if goal.hedge is None or goal.target is None or goal.currency != base:
        return                           # of a band in another currency nothing is known before there is a price
    for level in (goal.hedge.to, goal.target):
        if any(interpret(rule.when, lookup) is True for lookup in _at_delta(base, level)):
            raise InputError(
                f"{rule.when.source.place}: when is still true at a net delta of {level:g} {base}, inside the band of "
                f"{goal.target:g} {base}, where nothing is traded; make the band smaller, or let when begin beyond it"
            )
    if rule.clear is not None and all(interpret(rule.clear, at) is False for at in _at_delta(base, goal.hedge.to)):
        raise InputError(
            f"{rule.clear.source.place}: clear is not true where the hedge trades to ({goal.hedge.to:g} {base}), so "
            "the rule would never be armed again by its own trades; let clear be true there"
        )


def _base_hedged(rule: Rule) -> str:
    return currencies_of((rule.goal.hedge.symbol,)).base if rule.goal.hedge is not None else ""


def _at_delta(base: str, size: float) -> tuple[Lookup, ...]:
    """Return the readings of an account whose net delta is ``size``, long and short, in calm and in storm."""

    def at(delta: float, sigma: float) -> Lookup:
        return lambda ref: delta if (ref.measure, ref.symbol) == (NET_DELTA, base) else (
            sigma if ref.measure == "account.sigma" else None
        )

    return tuple(at(delta, sigma) for delta in (size, -size) for sigma in (CALM, WILD))


def _of_scope(rule: Rule, measure: str) -> str:
    """Return an account's measure, or for a rule of the portfolio the same of the worst account."""
    return measure if rule.scope is not Scope.PORTFOLIO else f"portfolio.{measure.partition('.')[2]}"


def _at_goal(rule: Rule, single: Single | None, sigma: float) -> Lookup:
    """Return the readings of an account that has just reached the goal; what does not follow is unavailable."""
    goal = rule.goal
    known: dict[str, float | None] = {MEASURE_OF[goal.kind]: goal.target, "account.sigma": sigma}
    if single is not None and goal.target is not None:
        meaning = meaning_of(goal.kind, goal.target, single)
        for kind, measure in MEASURE_OF.items():
            known.setdefault(measure, getattr(meaning, kind.value))
    of_scope = {_of_scope(rule, measure): value for measure, value in known.items()}
    return lambda ref: of_scope.get(ref.measure)


def _at_exposures(rule: Rule, *, are_alone: bool) -> list[tuple[Lookup, ...]]:
    """Return the readings of an account that has just come to a goal of exposure, by the sides it can come from.

    Those of any book; and, for positions ``are_alone``, those of one position, whose net is its gross.
    """
    sides = tuple(side for side in (1, -1) if _is_about(rule.when, side)) or (1, -1)
    target = rule.goal.target or 0.0

    def at(side: int, sigma: float, measures: Sequence[str]) -> Lookup:
        known = {
            measure: side * target if measure == EXPOSURE_OF[GoalKind.NET_NOTIONAL] else target for measure in measures
        }
        return lambda ref: sigma if ref.measure == "account.sigma" else known.get(ref.measure)

    found = [(EXPOSURE_OF[rule.goal.kind],), tuple(EXPOSURE_OF.values())]
    return [
        tuple(at(side, sigma, measures) for side in sides for sigma in (CALM, WILD))
        for measures in (found if are_alone else found[:1])
    ]


def _is_about(when: Condition, side: int) -> bool:
    """True when the condition holds of an exposure beyond every limit, long (+1) or short (-1)."""
    known = dict.fromkeys(EXPOSURE_OF.values(), AMPLE) | {EXPOSURE_OF[GoalKind.NET_NOTIONAL]: side * AMPLE}
    return interpret(when, lambda ref: known.get(ref.measure)) is True


def _refuse_overlap(when: Condition, clear: Condition) -> None:
    """Refuse a pair of conditions for which readings can be named that make both true."""
    both = narrowed(All((when.root, clear.root)), True, {})
    refs = {ref for ref in (*when.readings, *clear.readings) if ref.measure != "account.sigma"}
    if both is None or len(refs) != 1:
        return
    (ref,) = refs
    read = next(read for read in when.reads + clear.reads if read.ref == ref)
    for value in _samples(read, both):
        for sigma in (CALM, WILD):
            lookup = _fixed(ref, value, sigma)
            if interpret(when, lookup) is True and interpret(clear, lookup) is True:
                raise InputError(
                    f"{clear.source.place}: clear and when are both true at {ref} {value_text(value, read.dimension)}, "
                    "so the rule would fire at every look; set clear beyond the trigger"
                )


def _samples(read: Read, ranges: Ranges) -> list[float]:
    """Return values of a reading that are worth trying: the ends of its range and what lies between."""
    span = span_of(read, ranges)
    low, high = max(span.low, -1e18), min(span.high, 1e18)
    return [low, high, (low + high) / 2]


def _fixed(ref: ReadingRef, value: float, sigma: float) -> Lookup:
    return lambda asked: value if asked == ref else sigma if asked.measure == "account.sigma" else None


def _refuse_disarming(rule: Rule) -> None:
    """Refuse a guard that is off while something may be missing that it only asks beside its danger."""
    truths: list[tuple[Condition, Truth]] = [
        (rule.when, part) for group in _conjunctions(rule.when.root) if _has_certain(group) for part in group.operands
    ]
    if rule.confirm is not None:
        truths.append((rule.confirm, rule.confirm.root))
    for condition, truth in truths:
        optional, certain = optional_reads(truth)
        if optional and not certain:
            name = str(optional[0].ref)
            raise InputError(
                f"{condition.source.place}: {name} may be unavailable, and then this margin rule is off, was "
                f"{expression_text(truth)}; write default({name}, VALUE) with the value to assume, "
                "or say `order_class: cost`"
            )


def _conjunctions(truth: Truth) -> Iterator[All]:
    match truth:
        case All():
            yield truth
            for operand in truth.operands:
                yield from _conjunctions(operand)
        case AnyOf():
            for operand in truth.operands:
                yield from _conjunctions(operand)
        case Compare() | Not():
            return


def _has_certain(group: All) -> bool:
    return any(optional_reads(operand)[1] for operand in group.operands)


def _bare_reads(truth: Truth) -> Iterator[Read]:
    match truth:
        case Compare():
            yield from _bare(truth.left)
            yield from _bare(truth.right)
        case Not():
            yield from _bare_reads(truth.operand)
        case All() | AnyOf():
            for operand in truth.operands:
                yield from _bare_reads(operand)


def _bare(value: Value) -> Iterator[Read]:
    match value:
        case Literal() | Default():
            return
        case Read():
            yield value
        case Negate() | Absolute():
            yield from _bare(value.operand)
        case Arithmetic():
            yield from _bare(value.left)
            yield from _bare(value.right)
        case Clamp():
            for part in (value.operand, value.low, value.high):
                yield from _bare(part)
        case Select():
            for part in value.operands:
                yield from _bare(part)


def _is_optional(ref: ReadingRef) -> bool:
    if ref.derived is None:
        is_of_market = MEASURES[ref.measure].subject is Subject.MARKET
        return ref.measure in OFTEN_MISSING or (is_of_market and ref.measure not in ALWAYS_THERE)
    if ref.derived.is_plugged:
        return True                      # it may fail, and no guard must be off for that
    if ref.derived.operand is None:
        return ref.derived.subject is Subject.MARKET
    return any(_is_optional(read.ref) for read in reads_in(ref.derived.operand))


def _refuse_timing(rule: Rule, order_rate_max: float | None) -> None:
    place, execute = rule.when.source.place, rule.execute
    if 0 < rule.cooldown <= rule.hold:
        raise InputError(
            f"{place}: cooldown is no longer than hold and never delays a fire, was {duration_text(rule.cooldown)} "
            f"with hold {duration_text(rule.hold)}; make it longer, or leave it out"
        )
    if execute.algo is Algo.NOW:
        return
    if 2 * execute.interval > execute.over:
        raise InputError(
            f"{place}: execute has one slice of {duration_text(execute.interval)} in {duration_text(execute.over)}, so "
            "it is no schedule; make slice shorter or over longer, or say `algo: now`"
        )
    if order_rate_max is not None and execute.interval * order_rate_max < NS_PER_SECOND:
        raise InputError(
            f"{place}: execute has slices of {duration_text(execute.interval)}, more than the gate's order_rate_max of "
            f"{order_rate_max:g}/s lets out; make slice longer"
        )


def _target_text(goal: Goal) -> str:
    if goal.target is None or goal.kind is GoalKind.LEVERAGE:
        return f"{goal.target}"
    if goal.currency is not None:
        return f"{number_text(goal.target, 2)} {goal.currency}"
    return f"{goal.target * 100:g}%"
