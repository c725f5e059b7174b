"""The engine's state in one place, and the one way to change it by deciding: ``emit``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.domain.effects import Effect, Goal, GoalKind
from bot.domain.instrument import Filters, Instrument
from bot.engine.deciding.plans import Case, forecast, level, plan
from bot.engine.measures.account_readings import FIFTEEN_MINUTES
from bot.engine.measures.columns import Columns
from bot.engine.measures.deltas import coin_delta
from bot.engine.measures.layout import Layout
from bot.engine.measures.market import Market
from bot.engine.measures.readings import Readings
from bot.engine.record.book import Book, Episode, Parent
from bot.engine.record.fold import fold
from bot.engine.record.foreign_orders import is_of_cancels, wanted_gone
from bot.engine.spec import LimitsSpec, SurvivalSpec
from bot.engine.timers import Timers
from bot.execution.impact import Liquidity
from bot.execution.slicer import filters_when_adding
from bot.risk.deleverage import NO_LIMITS, CostOf, Plan, wanted
from bot.risk.delta_limit import DeltaLimit
from bot.risk.margin import Holding


@dataclass(frozen=True, slots=True)
class Costs:
    """What cuts cost; the same where holdings and markets are the same."""

    holdings: Sequence[Holding]
    markets: Sequence[Liquidity]

    def __call__(self, place: int, quantity: int) -> float:
        """Return the expected cost of cutting a holding by a quantity, cash."""
        holding = self.holdings[place]
        value = abs(holding.instrument.value(price=holding.mark, quantity=quantity))
        return self.markets[place].cost(quantity=quantity, value=value)


@dataclass
class Desk:
    """What the deciding parts of the engine share; ``out`` collects the effects of the step."""

    layout: Layout
    book: Book
    columns: Columns
    market: Market
    readings: Readings
    limits: LimitsSpec
    survival: tuple[SurvivalSpec, ...]
    marker: str
    timers: Timers = field(default_factory=Timers)
    out: list[Effect] = field(default_factory=list)

    def emit(self, effect: Effect) -> None:
        """Fold an effect into the book and hand it to the dispatcher."""
        fold(self.book, effect)
        self.out.append(effect)

    def survival_level(self, account: int) -> float:
        """Return the distance below which what is missing is due now, a fraction."""
        return self.survival[account].level(self.readings.accounts.sigma(account, FIFTEEN_MINUTES))

    def cost_of(self, holdings: list[Holding]) -> CostOf:
        """Return the expected cost of cutting the n-th holding by a quantity, from the market as it is."""
        return Costs(holdings, [
            self.market.liquidity(
                holding.key.instrument,
                price=holding.mark,
                fee=self.layout.accounts[holding.key.account].taker_fee,
                now=self.book.now,
            )
            for holding in holdings
        ])

    def cost_at(self, position: int, quantity: int) -> float:
        """Return the expected cost of trading a quantity of a position, cash; 0 before there is a mark."""
        key, instrument = self.layout.keys[position], self.layout.instrument_of(position)
        mark = self.columns.mark[key.instrument]
        if mark is None:
            return 0.0
        market = self.market.liquidity(
            key.instrument, price=mark, fee=self.layout.accounts[key.account].taker_fee, now=self.book.now
        )
        return market.cost(quantity=quantity, value=abs(instrument.value(price=mark, quantity=quantity)))

    def instrument_for(self, parent: Parent) -> Instrument:
        """Return a parent's instrument, with the venue's filters on its orders."""
        instrument = self.layout.instrument_of(parent.position)
        return replace(instrument, filters=self.adding_filters(parent.position)) if parent.is_hedge else instrument

    def adding_filters(self, position: int) -> Filters:
        """Return the filters on orders that are not reduce-only; their least value counts as a least quantity."""
        instrument = self.layout.instrument_of(position)
        mark = self.columns.mark[instrument.index]
        lowest = 0 if mark is None else int(mark * (1 - self.limits.price_collar))
        return filters_when_adding(instrument, price=lowest)

    def is_gone(self, episode: Episode) -> bool:
        """True when the position that a rule fired for is sold; one of the other sign is another one."""
        key = episode.element.key
        if key is None:
            return False
        position = self.layout.position(key)
        return self.book.quantity[position] == 0 or self.book.opened[position] > episode.opened

    def case(self, account: int) -> Case:
        """Return an account's open positions as plans take them; only for one that is known."""
        positions, holdings = self.columns.holdings(account)
        return Case(account, positions, holdings, self.cost_of(holdings), self._delta_limits(account, holdings))

    def _delta_limits(self, account: int, holdings: list[Holding]) -> dict[str, DeltaLimit]:
        """Return what cuts may do to each net delta; none where any cut makes it smaller."""
        counts: dict[str, int] = {}
        for holding in holdings:
            underlying = holding.instrument.underlying
            counts[underlying] = counts.get(underlying, 0) + 1
        bands = self.layout.accounts[account].delta_bands
        limits = {
            underlying: DeltaLimit(coin_delta(self.columns, account, underlying), bands.get(underlying, 0))
            for underlying in counts
        }
        return {each: limit for each, limit in limits.items() if counts[each] > 1 or limit.coins}

    def plan(self, goal: Goal, case: Case, *, keeps: list[int], lowest: list[int]) -> Plan:
        """Return the cheapest cuts that reach a goal; when none do at the expected cost, those that would for free.

        An estimate is no reason to stand still: the collar keeps a sale from doing harm, whatever it costs. Nor is a
        delta that would leave its band, where no other cuts are left.
        """
        found = plan(self.columns, self.book, goal, case, keeps=keeps, lowest=lowest)
        if found.reached:
            return found
        leaves_band = bool(case.deltas)
        if leaves_band:
            case = replace(case, deltas=NO_LIMITS)
            found = plan(self.columns, self.book, goal, case, keeps=found.keeps, lowest=lowest)
            leaves_band = found.keeps != tuple(keeps)
            if found.reached:
                return replace(found, leaves_band=leaves_band)
        free = replace(case, cost_of=_for_nothing)
        for_free = plan(self.columns, self.book, goal, free, keeps=keeps, lowest=lowest)
        return Plan(for_free.keeps, found.estimated_cost, reached=False, leaves_band=leaves_band)

    def forecast(self, goal: Goal, case: Case, keeps: list[int]) -> float:
        """Return where the goal's measure would stand if a plan were carried out now."""
        return forecast(self.columns, self.book, goal, case, keeps)

    def is_goal_met(self, episode: Episode) -> bool:
        """True when what the episode wants is so, by selling or by recovery."""
        account = episode.element.account
        if is_of_cancels(episode.goal):
            return not wanted_gone(self.book, self.marker, episode)
        if episode.goal.kind is GoalKind.FLAT:
            return self.is_gone(episode)
        if episode.goal.kind is GoalKind.REDUCE:
            return self.is_gone(episode) or (
                episode.planned is not None
                and all(abs(self.book.quantity[position]) <= keep for position, keep in episode.keeps.items())
            )
        return self.reaches(episode.goal, account)

    def reaches(self, goal: Goal, account: int) -> bool:
        """True when an account is where a goal of deleveraging wants it; False while that cannot be known."""
        if not self.columns.known[account]:
            return False
        holdings = () if goal.kind is GoalKind.LIQUIDATION_DISTANCE else self.columns.holdings(account)[1]
        return level(self.columns, goal, account, holdings) >= wanted(goal)


def _for_nothing(_place: int, _quantity: int) -> float:
    return 0.0
