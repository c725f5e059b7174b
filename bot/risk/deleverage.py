"""Which positions to cut, and how much, so that a margin goal is reached at the least cost.

A goal is a condition in cash, or two: a distance of 30 % means that after a move of 30 %, down or up,
equity still covers maintenance. What a condition lacks is a sum over holdings, so the relief of a cut is
known without looking at the rest of the book, and it is counted where the goal will stand and not where
the account stands now: near liquidation every cut that frees margin looks good, the hedge's first of all.

    lacks = -(equity - cost + move x net - maintenance at the move)              distance, both moves
    lacks = maintenance - ratio x (equity - cost),   gross - leverage x (equity - cost)
    lacks = gross - limit,   net - limit and -net - limit                        exposure

After a move d a linear contract has gained value x d and is worth value x (1 + d); an inverse one, in its coin,
value x d / (1 + d) and value / (1 + d). ``moving`` is what of the equity is in coins that move with the market
(collateral of linear contracts): it gains moving x d.

Greedy on equal marginal relief per marginal cost: the next slice is taken from the holding whose cut makes
up most of what all conditions lack per unit of expected cost. Costs are convex per holding (square root of
the quantity), so small slices come near the optimum; the last slice is shrunk to the lot that just does it.
In a hedged book each cut alone may cost one direction what it gives the other; then a long and a short of
like value are cut together. No cut carries the net delta of an underlying further than its ``DeltaLimit`` lets it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import ContractError
from bot.domain.instrument import InstrumentKind
from bot.domain.scale import CASH_UNIT
from bot.risk.conditions import conditions_of, target_of
from bot.risk.delta_limit import DeltaLimit, Deltas
from bot.risk.exposure import EXPOSURES, exposure_of
from bot.risk.margin import AccountMargin, Holding, distances_if_worth
from bot.risk.settled import Coin, Currency, Leg, distances
from bot.risk.tiers import PPM

SLICES = 48                          # per holding; the last one is refined to a single lot
STEPS_MAX = 10_000                   # four times what 50 holdings of 48 slices need; a limit, not a tuning
COIN_MOVE_MIN = -0.999999            # an inverse contract has no value at a price of nothing; none survives this

CostOf = Callable[[int, int], float]
"""(holding's position in the list, unsigned quantity) -> expected cost in cash units."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Unsigned quantities to keep, one per holding; ``reached`` is False when even the best cuts fall short.

    ``leaves_band`` says that limits on net deltas were given up for the goal.
    """

    keeps: tuple[int, ...]
    estimated_cost: int
    reached: bool
    leaves_band: bool = False


NO_LIMITS: Mapping[str, DeltaLimit] = {}


def measure(goal: Goal, equity: int, holdings: Sequence[Holding], *, moving: int = 0) -> float:
    """Return the goal's measure, oriented so that more is safer, for a book worth ``equity`` cash.

    Fractions, leverage as a multiple, exposures in whole units of the currency. ``moving`` as above.
    """
    return _measure(goal, equity, holdings, [holding.value for holding in holdings], moving)


def _measure(goal: Goal, equity: int, holdings: Sequence[Holding], values: Sequence[int], moving: int) -> float:
    """Return the goal's measure if the holdings had other signed values, those of 0 being gone."""
    if goal.kind in EXPOSURES:
        return -exposure_of(goal.kind, values) / CASH_UNIT
    if goal.kind is GoalKind.LIQUIDATION_DISTANCE:
        held = [holding for holding, value in zip(holdings, values, strict=True) if value]
        own = [value for value in values if value]
        if moving and held:
            legs = tuple(Leg(value, value, holding.tiers) for value, holding in zip(own, held, strict=True))
            return min(distances([Currency(equity - moving, CASH_UNIT, PPM, legs), Coin(moving, CASH_UNIT, PPM)]))
        return distances_if_worth(equity, held, own).nearest
    gross = sum(abs(value) for value in values)
    if goal.kind is GoalKind.LEVERAGE:
        return -AccountMargin(equity, equity, 0, 0, gross).leverage
    if goal.kind is GoalKind.MARGIN_RATIO:
        kept = sum(holding.tiers.maintenance(abs(value)) for holding, value in zip(holdings, values, strict=True))
        return -AccountMargin(equity, equity, kept, 0, gross).margin_ratio
    raise ContractError(f"deleverage: has no measure for a goal of kind {goal.kind.value}")


def wanted(goal: Goal) -> float:
    """Return the value that ``measure`` must reach."""
    target = target_of(goal)
    return target if goal.kind is GoalKind.LIQUIDATION_DISTANCE else -target


def plan_cuts(
    goal: Goal,
    wallet: int,
    holdings: Sequence[Holding],
    cost_of: CostOf,
    *,
    keeps: Sequence[int],
    lowest: Sequence[int],
    moving: int = 0,
    deltas: Mapping[str, DeltaLimit] = NO_LIMITS,
) -> Plan:
    """Return the cheapest cuts from ``keeps`` on that reach ``goal`` at present marks.

    ``keeps`` are the unsigned quantities that earlier plans leave, so a later plan only ever cuts more;
    none goes below its entry in ``lowest``. For all but a distance, which a cut hedge would improve too (or,
    for a net exposure, make worse), only the heavier side is cut, and a book in balance evenly, to the lot.
    ``deltas`` limits net deltas, by underlying.
    """
    equity = wallet + sum(holding.unrealised for holding in holdings)
    book = _Book(goal, equity, holdings, cost_of, list(keeps), list(lowest), moving, Deltas(holdings, keeps, deltas))
    for _ in range(STEPS_MAX):
        step = book.best_step()
        if step is None:
            break
        book.take(step)
    cost = book.cost()
    reached = _level(goal, equity - cost, holdings, book.keeps, moving) >= wanted(goal)
    return Plan(tuple(book.keeps), cost, reached=reached or book.lack(book.free) == 0)


def forecast_level(
    goal: Goal, wallet: int, holdings: Sequence[Holding], cost_of: CostOf, keeps: Sequence[int], *, moving: int = 0
) -> float:
    """Return where the goal's measure would stand if a plan were carried out at present marks."""
    equity = wallet + sum(holding.unrealised for holding in holdings)
    for position, (holding, keep) in enumerate(zip(holdings, keeps, strict=True)):
        equity -= _cost_of_cut(cost_of, position, abs(holding.quantity) - keep)
    return _level(goal, equity, holdings, keeps, moving)


def _level(goal: Goal, equity: int, holdings: Sequence[Holding], keeps: Sequence[int], moving: int) -> float:
    left = [
        holding.instrument.value(price=holding.mark, quantity=keep if holding.quantity > 0 else -keep)
        for holding, keep in zip(holdings, keeps, strict=True)
    ]
    return _measure(goal, equity, holdings, left, moving)


def _cost_of_cut(cost_of: CostOf, position: int, quantity: int) -> int:
    return int(cost_of(position, quantity)) if quantity > 0 else 0


class _Cut(NamedTuple):
    """Slices of one or two holdings, as (position, quantity): their price, and what each condition gains, cash."""

    parts: tuple[tuple[int, int], ...]
    price: int
    gains: tuple[int, ...]


class _Book:
    """The book as it would be after the cuts taken so far; ``free`` is what each condition has to spare."""

    def __init__(
        self,
        goal: Goal,
        equity: int,
        holdings: Sequence[Holding],
        cost_of: CostOf,
        keeps: list[int],
        lowest: list[int],
        moving: int,
        deltas: Deltas,
    ) -> None:
        self.conditions = conditions_of(goal)
        self.nothing = (0,) * len(self.conditions)
        self.deltas = deltas
        self.spares_hedges = goal.kind is GoalKind.LIQUIDATION_DISTANCE    # of itself: a hedge's cut has no relief
        self.holdings = holdings
        self.cost_of = cost_of
        self.keeps = keeps
        self.lowest = lowest
        self.slices = [_slice(holding) for holding in holdings]
        self.units = [holding.instrument.value(price=holding.mark, quantity=1) for holding in holdings]
        self.afters = [[self._after(holding, each.move) for each in self.conditions] for holding in holdings]
        self.stands: list[dict[int, tuple[int, tuple[int, ...]]]] = [{} for _ in holdings]    # by what is kept
        self.standing = [self._stand(position, keep) for position, keep in enumerate(keeps)]
        self.next_cuts: list[_Cut | None] = [None] * len(keeps)
        self.free = [
            condition.allowed + int(condition.equity * equity) + int(condition.move * moving)
            + sum(stand[place] for _, stand in self.standing)
            for place, condition in enumerate(self.conditions)
        ]

    def cost(self) -> int:
        """Return the expected cost of all cuts so far, cash."""
        return sum(cost for cost, _ in self.standing)

    def lack(self, free: Sequence[int]) -> int:
        """Return what the conditions are short of, together: 0 when the goal is reached."""
        lack = 0
        for left in free:
            if left < 0:
                lack -= left
        return lack

    def best_step(self) -> _Cut | None:
        """Return the cut with the most relief per cost, or None if nothing is lacking or no cut helps."""
        if self.lack(self.free) == 0:
            return None
        places = self._open_positions()
        if self.spares_hedges:
            return self._best([self._next_cut(position) for position in places]) or self._best(self._pairs(places))
        return self._best(self._evening(places)) or self._best([self._next_cut(position) for position in places])

    def _pairs(self, places: Sequence[int]) -> list[_Cut]:
        return [self._pair(long, short) for long in places for short in places if self._is_hedged_by(long, short)]

    def _evening(self, places: Sequence[int]) -> list[_Cut]:
        """Return cuts that leave a hedged book no further out of balance: slices of the heavier side up to the lot
        that evens it, and then slices of both sides together. Nothing of a book that has only one side to cut.
        """
        left = [position for position, keep in enumerate(self.keeps) if keep > self.lowest[position]]
        if len({self.holdings[position].quantity > 0 for position in left}) < 2:
            return []
        net = abs(self._net())
        lots = {place: self.units[place] * self.holdings[place].instrument.filters.lot for place in left}
        if net <= max(lots.values()):
            return self._pairs(left)
        return [
            self._cut((place, self.deltas.room(place, self._room(place, min(self.slices[place], even)))))
            for place in places
            if (even := net // lots[place] * self.holdings[place].instrument.filters.lot)
        ]

    def _best(self, cuts: Sequence[_Cut]) -> _Cut | None:
        lack = self.lack(self.free)
        best: _Cut | None = None
        best_worth = 0.0
        for cut in cuts:
            least = self._smallest(cut) if self._makes_up(cut) else cut
            worth = (lack - self._lack_after(least)) / max(least.price, 1)
            if worth > best_worth:
                best, best_worth = least, worth
        return best

    def take(self, cut: _Cut) -> None:
        """Cut what it says."""
        self.free = [left + gain for left, gain in zip(self.free, cut.gains, strict=True)]
        for position, quantity in cut.parts:
            self.keeps[position] -= quantity
            self.standing[position] = self._stand(position, self.keeps[position])
            self.next_cuts[position] = None
            self.deltas.take(position, quantity)
            for other in self.deltas.fellows(position):
                self.next_cuts[other] = None         # its room has changed

    def _open_positions(self) -> list[int]:
        """Return the holdings that may be cut: all for a distance, else those of the heavier side."""
        left = [position for position, keep in enumerate(self.keeps) if keep > self.lowest[position]]
        if self.spares_hedges:
            return left
        net = self._net()
        return [position for position in left if self.holdings[position].quantity * net >= 0]

    def _net(self) -> int:
        """Return the signed value of what is kept, cash."""
        net = 0
        for holding, keep, unit in zip(self.holdings, self.keeps, self.units, strict=True):
            net += keep * unit if holding.quantity > 0 else -keep * unit
        return net

    def _next_cut(self, position: int) -> _Cut:
        cut = self.next_cuts[position]
        if cut is None:
            room = self.deltas.room(position, self._room(position, self.slices[position]))
            cut = self.next_cuts[position] = self._cut((position, room))
        return cut

    def _is_hedged_by(self, long: int, short: int) -> bool:
        """True of a long and a short that may be cut together."""
        if not self.holdings[long].quantity > 0 > self.holdings[short].quantity:
            return False
        return not self.deltas.are_one(long, short) or self.deltas.allows(self._pair(long, short).parts)

    def _pair(self, long: int, short: int) -> _Cut:
        """Return a slice of two holdings, as much of each as comes to the smaller one's value."""
        rooms = {place: self._room(place, self.slices[place]) for place in (long, short)}
        if not self.deltas.are_one(long, short):
            rooms = {place: self.deltas.room(place, room) for place, room in rooms.items()}
        value = min(self.units[place] * room for place, room in rooms.items())
        return self._cut(*((place, min(rooms[place], self._lots_worth(place, value))) for place in rooms))

    def _lots_worth(self, position: int, value: int) -> int:
        """Return the quantity nearest to ``value``, at least one lot, as far as there is room."""
        lot = self.holdings[position].instrument.filters.lot
        lots = max(1, (2 * value // (self.units[position] * lot) + 1) // 2)
        return self._room(position, lots * lot)

    def _room(self, position: int, quantity: int) -> int:
        return min(quantity, self.keeps[position] - self.lowest[position])

    def _cut(self, *parts: tuple[int, int]) -> _Cut:
        price = 0
        gains = self.nothing
        for position, quantity in parts:
            paid, stood = self.standing[position]
            cost, then = self._stand(position, self.keeps[position] - quantity)
            price += cost - paid
            gains = tuple([gain + new - old for gain, new, old in zip(gains, then, stood, strict=True)])
        return _Cut(parts, price, gains)

    def _lack_after(self, cut: _Cut) -> int:
        lack = 0
        for left, gain in zip(self.free, cut.gains, strict=True):
            if left + gain < 0:
                lack -= left + gain
        return lack

    def _makes_up(self, cut: _Cut) -> bool:
        """True when no condition that lacks something now would still lack it, whatever becomes of the others."""
        for left, gain in zip(self.free, cut.gains, strict=True):      # noqa: SIM110  # plans spend their time here
            if left < 0 and left + gain < 0:
                return False
        return True

    def _smallest(self, cut: _Cut) -> _Cut:
        """Return the cut of the fewest whole lots, at most ``cut``, that makes up what is lacking."""
        lead, quantity = cut.parts[0]
        lot = self.holdings[lead].instrument.filters.lot
        low, high = 1, -(-quantity // lot)
        while low < high:
            middle = (low + high) // 2
            value = middle * lot * self.units[lead]
            smaller = self._cut(
                (lead, middle * lot), *((place, self._lots_worth(place, value)) for place, _ in cut.parts[1:])
            )
            if self._makes_up(smaller):
                cut, high = smaller, middle
            else:
                low = middle + 1
        return cut

    def _stand(self, position: int, keep: int) -> tuple[int, tuple[int, ...]]:
        """Return what a holding's cut to ``keep`` costs, and what is left adds to what each condition spares, cash."""
        found = self.stands[position].get(keep)
        if found is not None:
            return found
        holding = self.holdings[position]
        value = holding.instrument.value(price=holding.mark, quantity=keep)
        signed = value if holding.quantity > 0 else -value
        cost = _cost_of_cut(self.cost_of, position, abs(holding.quantity) - keep)
        stand: list[int] = []
        for factor, (gain, size) in zip(self.conditions, self.afters[position], strict=True):
            spare = gain * signed - factor.equity * cost
            maintenance = holding.tiers.maintenance(int(value * size)) if factor.maintenance else 0
            stand.append(int(spare) - maintenance - factor.gross * value)
        found = self.stands[position][keep] = cost, tuple(stand)
        return found

    def _after(self, holding: Holding, move: float) -> tuple[float, float]:
        """Return what a move gains per signed value, and what becomes of the value, both as factors."""
        if not self.spares_hedges or holding.instrument.kind is not InstrumentKind.INVERSE:
            return move, 1 + move        # for a limit on the net exposure, ``move`` is but a sign
        move = max(move, COIN_MOVE_MIN)
        return move / (1 + move), 1 / (1 + move)


def _slice(holding: Holding) -> int:
    """Return one slice of a holding, whole lots."""
    return max(holding.instrument.filters.lot, _whole_lots(holding, abs(holding.quantity) // SLICES))


def _whole_lots(holding: Holding, quantity: int) -> int:
    lot = holding.instrument.filters.lot
    return quantity // lot * lot
