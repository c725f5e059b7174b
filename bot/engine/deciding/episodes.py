"""From truth to plan: triggers move, episodes open, are planned in absolute lots, and end.

An episode keeps one plan: how much of each position may be kept. (Those of hedges are made in ``hedging``, last and
on their own terms.) A later plan starts from the earlier one and never relieves less, so a price that runs to and fro
cannot make us sell and regret by turns; what is not sold yet may be swapped for the cut of another position where
that saves a fifth of what the rest will cost.

    a plan is looked at again    a second after the last at the earliest: when something filled, or when what is
                                 missing outgrew by a tenth what the plan makes up; else after five
    and cut deeper               when its forecast misses the goal by more than a tolerance
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite

from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.effects import (
    PORTFOLIO,
    GoalKind,
    MoveTrigger,
    PlanEpisode,
    PlannedCut,
    RaiseAlarm,
    ScopeElement,
    TriggerState,
)
from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_SECOND
from bot.engine.deciding.fires import end_episode, open_episode
from bot.engine.deciding.hedging import Hedges
from bot.engine.deciding.killed_rules import rests
from bot.engine.deciding.plans import Case, level
from bot.engine.deciding.plugin_remedies import PluginRemedies
from bot.engine.desk import Desk
from bot.engine.measures.watch import Watch
from bot.engine.record.book import Episode
from bot.engine.record.fold import reducing_side
from bot.engine.record.foreign_orders import is_of_cancels
from bot.risk.deleverage import Plan, wanted
from bot.risk.exposure import kept_after
from bot.rules.language.typed import Scope
from bot.rules.ruleset import Rule
from bot.rules.spec import Until
from bot.rules.triggers import FREE, IDLE, Allowance, Conditions, Trigger, advance, deadline, rearm

REPLAN_NOT_BEFORE = 1 * NS_PER_SECOND
REPLAN_AT_LEAST = 5 * NS_PER_SECOND  # without a fill the market is looked at this often
STANDING = (TriggerState.FIRING, TriggerState.CLEARING)      # fired, and not cleared yet
GOAL_TOLERANCE = 0.02                # of the goal: a forecast this near is not worth another order
OUTGROWN = 1.1                       # times what a plan makes up: more is missing than it was made for
LOST_MAX = 60 * NS_PER_SECOND        # prices that a start finds apart or stale are whole again within seconds
SWAP_AT_MOST = 0.8                   # of the cost of what is left: less saving is within what an estimate errs


class Episodes:
    """Moves triggers and keeps the plans of one engine's episodes."""

    def __init__(self, desk: Desk, watch: Watch, rules: dict[str, Rule]) -> None:
        self.desk = desk
        self.watch = watch
        self.rules = rules
        self.remedies = PluginRemedies(desk, rules.values())
        self.hedges = Hedges(desk)
        self.left_band: set[int] = set()             # the episodes of which a person was told so
        layout = desk.layout
        self.elements = [ScopeElement(account) for account in range(len(layout.accounts))]
        self.elements_of_positions = [ScopeElement(key.account, key) for key in layout.keys]
        # by episode, when its cuts were last held against others, and by what
        self.compared: dict[int, tuple[int, object]] = {}

    def decide(self, account: int, now: int, *, is_first: bool) -> None:
        """Bring triggers, episodes and plans of one account up to ``now``.

        ``is_first`` is the first decision after a restart, which waits for no hold.
        """
        # Before any trigger moves: a position that was replaced must not find its predecessor's episode open.
        self._end_met(account, now)
        watch = self.watch
        self._move_all(watch.account_rules, self.elements[account], watch.account_bits[account], now, is_first)
        for position in self.desk.layout.positions_of[account]:
            element, bits = self.elements_of_positions[position], watch.position_bits[position]
            self._move_all(watch.position_rules, element, bits, now, is_first)
        self._end_met(account, now)
        has_hedges = False
        for episode in self._live(account):
            if episode.goal.kind is GoalKind.NET_DELTA:
                has_hedges = True
            elif not is_of_cancels(episode.goal):
                self._plan(episode, now)
        if has_hedges:
            self.hedges.plan(account, now)   # on top of what all others will have cut

    def decide_portfolio(self, now: int, *, is_first: bool) -> None:
        """Bring the triggers of the rules of the portfolio up to ``now``, before any account is decided."""
        self._move_all(self.watch.portfolio_rules, PORTFOLIO, self.watch.portfolio_bits, now, is_first)

    def _live(self, account: int) -> list[Episode]:
        return [episode for episode in self.desk.book.episodes.values() if episode.element.account == account]

    def _end_met(self, account: int, now: int) -> None:
        for episode in self._live(account):
            reason = self._end_reason(episode)
            if reason is not None:
                end_episode(self.desk, episode, reason, now)

    def ends_at_goal(self, episode: Episode) -> bool:
        """True unless the episode keeps to its goal until its rule is cleared."""
        return self.rules[episode.rule].until is Until.GOAL or episode.goal.kind is GoalKind.FLAT

    def _end_reason(self, episode: Episode) -> str | None:
        """Say why an episode is over, or None while it is not."""
        if self.desk.is_gone(episode) and episode.goal.kind is GoalKind.REDUCE and any(episode.keeps.values()):
            return "position gone"
        is_hedge = episode.goal.kind is GoalKind.NET_DELTA
        if self.ends_at_goal(episode):
            is_met = self.hedges.is_met(episode) if is_hedge else self.desk.is_goal_met(episode)
            return "goal met" if is_met else None
        if is_hedge and not self.hedges.is_done(episode):
            return None                  # its rule may be cleared at the band's edge, its trade goes on to its ``to``
        is_of_portfolio = self.rules[episode.rule].scope is Scope.PORTFOLIO
        element = PORTFOLIO if is_of_portfolio else episode.element
        trigger = self.desk.book.triggers.get((episode.rule, element), IDLE)
        return None if trigger.state in STANDING else "cleared"

    # Triggers ----------------------------------------------------------------------------------------------

    def _move_all(
        self, rules: Sequence[Rule], element: ScopeElement, bits: int, now: int, is_first: bool
    ) -> None:
        watch, triggers = self.watch, self.desk.book.triggers
        for rule in rules:
            stored = triggers.get((rule.name, element), IDLE)
            # nothing but its condition moves an idle trigger, and most are idle most of the time
            if stored.state is not TriggerState.INACTIVE or watch.is_true(rule, bits):
                self._move(rule, element, watch.conditions(rule, bits), now, is_first)

    def _move(
        self, rule: Rule, element: ScopeElement, conditions: Conditions, now: int, is_first: bool
    ) -> None:
        if rests(self.desk.book, rule, element):
            return
        key = (rule.name, element)
        stored = self.desk.book.triggers.get(key, IDLE)
        trigger = rearm(stored, now) if self._is_replaced(element, stored) else stored
        allowance = self._allowance(rule, element)
        hold = 0 if is_first else rule.hold
        moved, fires = advance(trigger, conditions, hold=hold, now=now, allowance=allowance)
        if moved is not stored:
            self.desk.emit(MoveTrigger(rule.name, element, moved.state, moved.since, moved.held))
        if moved.state is TriggerState.LATCHED and stored.state is not TriggerState.LATCHED:
            self._tell_spent(rule, element, "rule_latched", "it is off until it is re-armed", now)
        if fires and self._open_all(rule, element, now) and allowance.is_pardoned:
            what = "it stays armed, since a position is open and its class is margin"
            self._tell_spent(rule, element, "rule_not_latched", what, now)
        again = deadline(moved, rule.hold, allowance.not_before)
        if again is not None and again > now:
            self.desk.timers.set(max(element.account, 0), again)     # any account's timer wakes the portfolio

    def _open_all(self, rule: Rule, element: ScopeElement, now: int) -> bool:
        """Open an episode wherever a fire acts and none is open yet; return whether any was opened."""
        book = self.desk.book
        acts_on = self._accounts_missing(rule, now) if element == PORTFOLIO else [element]
        opened = [each for each in acts_on if book.live_episode(rule.name, each) is None]
        for each in opened:
            self._open(rule, each, now)
        return bool(opened)

    def _accounts_missing(self, rule: Rule, now: int) -> list[ScopeElement]:
        """Return the accounts that are not where a rule of the portfolio wants the worst of them to be."""
        accounts = range(len(self.desk.layout.accounts))
        missing = [ScopeElement(account) for account in accounts if not self.desk.reaches(rule.goal, account)]
        if not missing:
            detail = f"portfolio: {rule.name} fires, but every account has reached its goal; nothing is sold"
            self.desk.emit(RaiseAlarm("goal_met_already", detail, now))
        return missing

    def _allowance(self, rule: Rule, element: ScopeElement) -> Allowance:
        """Return what earlier fires leave a rule; one of survival stays armed while a position is open."""
        fires = self.desk.book.fires_of(rule.name, element)
        if not fires.count:
            return FREE
        stays_armed = rule.execute.order_class is OrderClass.MARGIN and self.desk.book.is_open(element)
        is_spent = rule.fires_max is not None and fires.count >= rule.fires_max
        return Allowance(fires.last + rule.cooldown, is_spent and not stays_armed, is_spent and stays_armed)

    def _tell_spent(self, rule: Rule, element: ScopeElement, code: str, what: str, now: int) -> None:
        """Tell a person that a rule has fired as often as it may, and what becomes of it."""
        desk = self.desk
        count = desk.book.fires_of(rule.name, element).count
        where = "portfolio" if element == PORTFOLIO else desk.layout.accounts[element.account].name
        if element.key is not None:
            where = desk.layout.position_label(element.key)
        times = "once" if count == 1 else f"{count} times"
        desk.emit(RaiseAlarm(code, f"{where}: {rule.name} has fired {times}, may {rule.fires_max}; {what}", now))

    def _is_replaced(self, element: ScopeElement, trigger: Trigger) -> bool:
        """True when the position that a trigger has looked at is closed, or was opened anew since."""
        if element.key is None:
            return False
        position = self.desk.layout.position(element.key)
        return not self.desk.book.quantity[position] or trigger.since < self.desk.book.opened[position]

    def _open(self, rule: Rule, element: ScopeElement, now: int) -> None:
        position = self.desk.layout.position(element.key) if element.key is not None else -1
        goal = self.remedies.goal_of(rule, account=element.account, position=position, now=now)
        legs = self.hedges.legs(element.account, goal) if goal.hedge is not None else ()
        open_episode(self.desk, rule, element, goal, legs=legs, now=now)

    # Plans -------------------------------------------------------------------------------------------------

    def _plan(self, episode: Episode, now: int) -> None:
        if episode.element.key is not None:
            self._plan_position(episode, episode.element.key, now)
            return
        account = episode.element.account
        if not self.desk.columns.known[account]:
            return
        if self.desk.is_goal_met(episode):
            self._rest(episode, now)
            return
        case = self.desk.case(account)
        if episode.planned is not None:
            has_filled = self.desk.book.accounts[account].last_fill > episode.planned
            is_soon = has_filled or self._spare(episode, case, self._forecast(episode, case)) < 0
            earliest = episode.planned + (REPLAN_NOT_BEFORE if is_soon else REPLAN_AT_LEAST)
            if now < earliest:
                self.desk.timers.set(account, earliest)
                return
        self._plan_cuts(episode, case, now)
        self.desk.timers.set(account, now + REPLAN_AT_LEAST)

    def outgrown_below(self, account: int) -> float:
        """Return the distance below which a price makes some plan too small; -1 where none waits for one.

        A plan that is too small already waits for its timer.
        """
        if not self.desk.columns.known[account]:
            return -1.0
        stands = self.desk.columns.distance[account]
        bound = -1.0
        for episode in self._live(account):
            if episode.goal.kind is not GoalKind.LIQUIDATION_DISTANCE or not episode.keeps or stands <= 0:
                continue
            case = self.desk.case(account)
            lands = self._forecast(episode, case)
            spare = max(self._spare(episode, case, lands), _within_tolerance(wanted(episode.goal), lands))
            if spare > 0:
                # Where most is to be sold, a move of the whole book is many times as large a move of what is kept.
                rate = max(1.0, OUTGROWN * wanted(episode.goal) / stands)
                bound = max(bound, stands - spare / rate)
        return bound

    def _spare(self, episode: Episode, case: Case, lands: float) -> float:
        """Return by how much more the goal's measure may fall before a plan is outgrown; below 0 it is."""
        goal = episode.goal
        stands = level(self.desk.columns, goal, case.account, case.holdings)
        if stands == -inf:
            return -inf
        return OUTGROWN * (lands - stands) - (wanted(goal) - stands)

    def _forecast(self, episode: Episode, case: Case) -> float:
        """Return where the goal's measure would stand if an episode's plan were carried out now."""
        return self.desk.forecast(episode.goal, case, self._keeps(episode, case))

    def _keeps(self, episode: Episode, case: Case) -> list[int]:
        """Return what a plan keeps of each position of a case, unsigned; all of those that it does not name."""
        return [
            min(abs(holding.quantity), episode.keeps.get(position, abs(holding.quantity)))
            for position, holding in zip(case.positions, case.holdings, strict=True)
        ]

    def _rest(self, episode: Episode, now: int) -> None:
        """Want nothing more sold while the goal of an episode that goes on is met."""
        if any(abs(self.desk.book.quantity[position]) > keep for position, keep in episode.keeps.items()):
            self.desk.emit(PlanEpisode(episode.number, (), now, 0))
        self.desk.timers.set(episode.element.account, now + REPLAN_AT_LEAST)

    def _plan_position(self, episode: Episode, key: PositionKey, now: int) -> None:
        """Plan once, at the fire: a share is one of what is held now, whatever is held when an order goes.

        What a fire sold that was lost with its process is counted in: this is that fire again.
        """
        if episode.planned is not None:
            return
        position = self.desk.layout.position(key)
        held = abs(self.desk.book.quantity[position])
        lot = self.desk.layout.instruments[key.instrument].filters.lot
        share = episode.goal.target
        before = held + self._sold_before(position, now)
        keep = 0 if share is None else min(held, kept_after(share, held=before, lot=lot))
        self.desk.emit(PlanEpisode(episode.number, (PlannedCut(key, keep),), now, self._cost_of_sale(key, held - keep)))

    def _sold_before(self, position: int, now: int) -> int:
        """Return what a lost fire has sold of a position; nothing once its rule had time to come true again."""
        lost = self.desk.book.lost.get(position)
        held = self.desk.book.quantity[position]
        if lost is None or not held or reducing_side(held) is not lost.side or now - lost.heard > LOST_MAX:
            return 0
        return lost.filled

    def _cost_of_sale(self, key: PositionKey, quantity: int) -> int:
        """Return what a sale is expected to cost, cash; nothing can be said before there is a mark."""
        return int(self.desk.cost_at(self.desk.layout.position(key), quantity))

    def _plan_cuts(self, episode: Episode, case: Case, now: int) -> None:
        """Cut deeper when the present plan, carried out at today's prices, would miss the goal; else perhaps swap."""
        desk = self.desk
        keeps = self._keeps(episode, case)
        if episode.planned is not None:
            goal = wanted(episode.goal)
            lands = desk.forecast(episode.goal, case, keeps)
            if _within_tolerance(goal, lands) >= 0:
                self._swap(episode, case, keeps, lands, now)
                return
        plan = desk.plan(episode.goal, case, keeps=keeps, lowest=[0] * len(keeps))
        if episode.planned is None or list(plan.keeps) != keeps:
            self._adopt(episode, case.positions, plan, now)

    def _swap(self, episode: Episode, case: Case, keeps: list[int], lands: float, now: int) -> None:
        """Take other cuts that relieve as much as those left, where they are much cheaper; what is out stays sold.

        A plan costs hundreds of times what a look at the present one does, so this waits even after fills.
        """
        desk = self.desk
        at, before = self.compared.get(episode.number, (-REPLAN_AT_LEAST, None))
        if now < at + REPLAN_AT_LEAST:
            return
        unsold = [
            abs(holding.quantity) - desk.book.working[position]
            for holding, position in zip(case.holdings, case.positions, strict=True)
        ]
        basis = (desk.columns.equity[case.account], lands, keeps, unsold, case)
        known = desk.book.episodes
        self.compared = {number: last for number, last in self.compared.items() if number in known}
        self.compared[episode.number] = now, basis
        held = [abs(holding.quantity) for holding in case.holdings]
        if len(held) < 2 or keeps == held or not isfinite(lands) or basis == before:
            return
        target = lands if episode.goal.kind is GoalKind.LIQUIDATION_DISTANCE else -lands
        if target <= 0:
            return
        fresh = desk.plan(
            replace(episode.goal, target=target), case,
            keeps=[max(*each) for each in zip(unsold, keeps, strict=True)], lowest=[0] * len(held),
        )
        left = sum(
            int(case.cost_of(place, size - keep)) for place, (size, keep) in enumerate(zip(held, keeps, strict=True))
            if keep < size
        )
        if fresh.reached and fresh.estimated_cost <= SWAP_AT_MOST * left:
            self._adopt(episode, case.positions, fresh, now)

    def _adopt(self, episode: Episode, positions: Sequence[int], plan: Plan, now: int) -> None:
        desk = self.desk
        cuts = tuple(
            PlannedCut(desk.layout.keys[position], keep)
            for position, keep in zip(positions, plan.keeps, strict=True)
            if keep < abs(desk.book.quantity[position])
        )
        desk.emit(PlanEpisode(episode.number, cuts, now, plan.estimated_cost))
        if plan.leaves_band and episode.number not in self.left_band:
            self.left_band.add(episode.number)
            name = desk.layout.accounts[episode.element.account].name
            detail = f"{name}: {episode.rule} reaches {episode.goal.kind.value} only by cuts that enlarge a net delta"
            desk.emit(RaiseAlarm("delta_band_left", detail, now))
        if not plan.reached:
            name = desk.layout.accounts[episode.element.account].name
            desk.emit(
                RaiseAlarm(
                    "goal_unreachable",
                    f"{name}: {episode.rule} will hardly reach {episode.goal.kind.value} at today's cost; "
                    "selling all the same",
                    now,
                )
            )


def _within_tolerance(goal: float, lands: float) -> float:
    """Return how much lower a forecast may be before it misses a goal by more than is worth an order."""
    return abs(goal) * GOAL_TOLERANCE - (goal - lands)
