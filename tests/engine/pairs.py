"""Two bundled rules on one book through a generated market, judged at every step.

The market is a storm with a toy venue (``tests.engine.storm``), of a character that gives every bundled rule
something to do: prices that fall or rise by a fifth and may turn, funding that is dear, positions a day old, books
with and without a hedge. Afterwards the venue works perfectly for longer than any schedule lasts. Its prices are the
same for all rules. In most markets a sale goes in a twelfth of its time as a slice, in every eighth as it is shipped.

Most rules never meet: in ``alone`` one rule acts and all others only watch. Where neither of two fires alone, or one
does and what it does never makes the other's condition true, the run of both is that of the one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from random import Random

from bot.domain.copying import replace
from bot.domain.effects import (
    Effect,
    EndEpisode,
    EndParent,
    Goal,
    GoalKind,
    MoveTrigger,
    OpenEpisode,
    ParentEnd,
    PauseParent,
    PlaceOrder,
    PlanEpisode,
    RaiseAlarm,
    RecordDenial,
    TriggerState,
)
from bot.domain.market import FundingRate
from bot.domain.scale import CASH_UNIT, NS_PER_DAY, NS_PER_HOUR, NS_PER_SECOND
from bot.engine.deciding.plans import level
from bot.engine.engine import Engine
from bot.engine.record.book import Episode
from bot.engine.record.fold import reducing_side
from bot.engine.spec import SurvivalSpec
from bot.risk.deleverage import wanted
from bot.rules.ruleset import Rule, RuleSet
from tests.builders import STRATEGIES, rules
from tests.engine.storm import LIMITS, UNIT, Storm, Watcher

PRICES = 100
CALM_STEP = 10 * NS_PER_SECOND
CALM_STEPS_MIN = 30                  # with the prices before it more than the longest hold, which is 10 minutes
CALM_STEPS_MAX = 360                 # an hour: the longest schedule is 30 minutes
NEAR = 0.03                          # of the goal: a plan whose forecast is within 0.02 of it is not deepened


SLICES = 12                          # of a sale, but in every eighth market: five times fewer orders, the same curves
SHIPPED_EVERY = 8
FOR_EVER = 1_000 * NS_PER_DAY        # a hold that no market serves: such a rule says that it is true, and never fires


@cache
def bundled() -> dict[str, Rule]:
    """Every rule that is shipped, by name."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(STRATEGIES.glob("*.yaml")))
    return dict(sorted((rule.name, rule) for rule in rules(*texts).rules))


@cache
def bundled_in(number: int) -> dict[str, Rule]:
    """The same as they sell in one market."""
    return dict(bundled()) if number % SHIPPED_EVERY == 0 else {name: coarse(rule) for name, rule in bundled().items()}


def coarse(rule: Rule) -> Rule:
    """A rule with fewer slices."""
    execute = rule.execute
    if not execute.over:
        return rule
    return replace(rule, execute=replace(execute, slice=max(execute.interval, execute.over // SLICES)))


def pairs() -> list[tuple[str, str]]:
    """Every two of them."""
    return list(combinations(bundled(), 2))


class Judge(Watcher):
    """Fails at the first step in which two rules get in each other's way."""

    def __init__(self) -> None:
        self.goals: dict[int, Goal] = {}
        self.fired: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.parents_ended: Counter[ParentEnd] = Counter()
        self.lowest: dict[int, int] = {}             # per position: the least that any plan ever kept
        self.held: list[int] | None = None
        self.reasons: set[str] = set()               # why something was not done
        self.stirred: set[str] = set()               # the rules whose condition was true at some time

    def on_step(self, engine: Engine, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case OpenEpisode():
                    self.goals[effect.episode] = effect.goal
                    self.fired[effect.rule] += 1
                case MoveTrigger(state=TriggerState.PENDING | TriggerState.FIRING):
                    self.stirred.add(effect.rule)
                case PlanEpisode():
                    self.note_plan(engine, effect)
                case EndEpisode():
                    self.ends[effect.reason] += 1
                case EndParent():
                    self.parents_ended[effect.reason] += 1
                case PlaceOrder():
                    self.check_order(engine, effect)
                case PauseParent():
                    self.reasons.add("paused")
                case RecordDenial():
                    self.reasons.add(effect.code.name)
                case RaiseAlarm():
                    self.reasons.add(effect.code)
                case _:
                    pass
        self.check_held(engine)

    def note_plan(self, engine: Engine, effect: PlanEpisode) -> None:
        """A deleverage carried out alone leaves no more net than there was: the cheapest cut is not the hedge."""
        left = list(engine.book.quantity)
        for cut in effect.cuts:
            position = engine.layout.position(cut.key)
            self.lowest[position] = min(cut.keep, self.lowest.get(position, cut.keep))
            left[position] = cut.keep if left[position] > 0 else -cut.keep
        for each in effect.holdings:
            position, keep = engine.layout.position(each.key), abs(each.quantity)
            self.lowest[position] = min(keep, self.lowest.get(position, keep))
        if self.goals[effect.episode].kind in (GoalKind.FLAT, GoalKind.REDUCE, GoalKind.NET_DELTA):
            return
        marks = [engine.columns.mark[key.instrument] or 0 for key in engine.layout.keys]
        before = sum(quantity * mark * UNIT for quantity, mark in zip(engine.book.quantity, marks, strict=True))
        after = sum(quantity * mark * UNIT for quantity, mark in zip(left, marks, strict=True))
        assert abs(after) <= abs(before) + max(marks) * UNIT, "a deleverage sold the hedge"

    def check_order(self, engine: Engine, effect: PlaceOrder) -> None:
        request, book = effect.approved.request, engine.book
        position = book.layout.position(request.key)
        assert request.side is reducing_side(book.quantity[position]), "an order that adds"
        left = abs(book.quantity[position]) - book.working[position]
        assert left >= self.lowest[position], "more than the deepest of the plans: wishes were added up"

    def check_held(self, engine: Engine) -> None:
        """Nobody else trades here: what is held only ever shrinks, so nothing that was done is undone."""
        held = list(engine.book.quantity)
        before = self.held
        if before is not None and any(before):
            for old, new in zip(before, held, strict=True):
                assert abs(new) <= abs(old) and new * old >= 0, "a position grew or turned round"
        self.held = held


class Market(Storm):
    """One generated market; the same number is the same market for every pair of rules."""

    def __init__(self, number: int, chosen: RuleSet, watcher: Watcher) -> None:
        super().__init__(number, watcher)
        self.engine = Engine(
            self.shape, chosen, limits=LIMITS, survival=(SurvivalSpec(),), marker="pen"
        )
        self.venue.rng = Random(~number)             # what is sold must not change the prices that come
        rng = self.rng
        values = [q * p * UNIT for q, p in zip(self.venue.quantity, self.venue.price, strict=True)]
        self.against = -1 if sum(values) > 0 else 1
        self.target = rng.choice((-0.25, -0.15, -0.1, -0.06, 0.22))      # of the heavier side; below 0 it loses
        self.turns_at = rng.choice((None, None, rng.randrange(PRICES)))
        self.venue.health = rng.choice((0.0, 0.5, 1.0))
        scale = rng.choice((0.3, 1.0, 2.5))                                  # below, near and above the caps
        gross = max(1, sum(abs(value) for value in values))
        wanted = int(scale * 200_000 * CASH_UNIT)
        self.venue.quantity = [quantity * wanted // gross for quantity in self.venue.quantity]
        self.venue.entry = [q * p * UNIT for q, p in zip(self.venue.quantity, self.venue.price, strict=True)]
        self.venue.wallet = int(wanted / rng.choice((2.5, 4.8, 8.0, 12.0)))
        self.funding = [rng.choice((-300_000, 0, 0, 300_000)) for _ in range(2)]
        self.is_old = rng.random() < 0.5

    def live(self) -> None:
        """Open the account, live through the prices, then through a calm until every schedule is over."""
        self.price(0)
        self.price(1)
        self.venue.snapshot(self.now)
        self.advance(NS_PER_SECOND)
        for place, rate in enumerate(self.funding):
            self.give(FundingRate(self.now, self.now, place, rate, self.now + 8 * NS_PER_HOUR))
        if self.is_old:
            self.advance(NS_PER_DAY + NS_PER_HOUR)
        step = self.target / PRICES * -self.against
        for number in range(PRICES):
            if number == self.turns_at:
                step = -step
            self.advance(int(self.rng.expovariate(0.15) * NS_PER_SECOND))
            for place in range(2):
                moved = self.venue.price[place] * (1 + self.rng.gauss(step, 0.001))
                self.venue.price[place] = max(1, round(moved))
                self.price(place)
        self.venue.health = 1.0
        for number in range(CALM_STEPS_MAX):
            self.advance(CALM_STEP)
            self.price(0)
            self.price(1)
            # an answer may be lost even in a calm; its order is asked about five seconds later
            if number >= CALM_STEPS_MIN and not (self.engine.book.parents or self.engine.book.orders):
                break
        self.venue.snapshot(self.now)
        self.advance(NS_PER_SECOND)


@dataclass
class Verdict:
    """What came of one pair in one market; ``stirred`` are the rules whose condition was true at some time."""

    fired: Counter[str]
    ends: Counter[str]
    orders: int
    unmet: list[str] = field(default_factory=list)
    stirred: set[str] = field(default_factory=set)


def is_near(engine: Engine, episode: Episode) -> bool:
    """True when an episode that goes on has next to nothing left to do."""
    if episode.goal.kind in (GoalKind.FLAT, GoalKind.REDUCE):
        return False
    if episode.goal.kind is GoalKind.NET_DELTA:
        return engine.episodes.hedges.is_met(episode)
    account, goal = episode.element.account, episode.goal
    stands = level(engine.columns, goal, account, engine.columns.holdings(account)[1])
    return stands >= wanted(goal) - abs(wanted(goal)) * NEAR


def judged(names: tuple[str, ...], number: int) -> Verdict:
    """Run some rules through market ``number``; raises AssertionError where they get in each other's way."""
    return _judged([bundled_in(number)[name] for name in names], number)


def alone(name: str, number: int) -> Verdict:
    """Run one rule through market ``number`` while all others watch."""
    watching = [
        rule if rule.name == name else replace(rule, hold=FOR_EVER) for rule in bundled_in(number).values()
    ]
    return _judged(watching, number)


def may_meet(pair: tuple[str, str], solos: Mapping[str, Verdict]) -> bool:
    """True unless the run of two rules in a market is the run of one of them ``alone`` there."""
    one, other = pair
    return any(
        solos[acts].fired and watches in solos[acts].stirred for acts, watches in ((one, other), (other, one))
    )


def _judged(chosen: Sequence[Rule], number: int) -> Verdict:
    judge = Judge()
    market = Market(number, RuleSet(tuple(chosen)), judge)
    market.live()
    engine = market.engine
    assert engine.book.quantity == market.venue.quantity, "the books differ"
    assert not engine.book.orders, "an order is out for ever"
    for parent in engine.book.parents.values():
        assert parent.denied or parent.paused is not None, f"{parent.name} sells nothing and gives no reason"
    unmet = []
    for episode in engine.book.episodes.values():
        if is_near(engine, episode):
            continue
        assert judge.reasons, f"{episode.rule} lives on in a calm and gives no reason"
        unmet.append(f"{episode.rule}: {', '.join(sorted(judge.reasons))}")
    orders = sum(isinstance(effect, PlaceOrder) for effect in market.effects)
    return Verdict(judge.fired, judge.ends, orders, unmet, judge.stirred)
