"""Plans of hedges: which holdings bring the net delta of an underlying back into its band, all rules of it together.

    missing     the delta as it is, or as it will be when all planned cuts are made: the one nearer to 0, and nothing
                while they differ in sign. What a reducer is about to sell needs no hedge, and what it has not sold
                yet cannot be hedged.
    traded      once missing is outside the band, until ``to`` is left. By default that is the band's edge: with costs
                in proportion to what is traded, trading to the nearest edge costs least (Whalley and Wilmott 1997,
                "An asymptotic analysis of an optimal hedging model"). Whole lots, and never past zero.
    by          letting out what the hedge's instrument holds of the delta's own sign, then adding to its other side
    no further  than a reducer has let be kept since the hedge began, than free margin opens, than leaves liquidation
                as far off as the gate asks; nothing is added while a rule brings gross value or leverage down
    lacking     what may not be hedged is let out of the other positions that make the delta, the largest first; or,
                if the rule says so or there are none, a person is told

Rules are taken with the widest goal first, each on top of what those before it trade, so two on one underlying make
the larger of their trades and never the sum. A plan is one in absolute lots. It is looked at anew at every decision;
one that would trade too much is changed at once, one that wants more a second after the last at the earliest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.domain.account import PositionSide
from bot.domain.effects import PlanEpisode, PlannedHolding, RaiseAlarm
from bot.domain.goal import Goal, GoalKind, Lacking
from bot.domain.order import Side
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND, cash_text, units_per_one
from bot.engine.controls.halts import awaits_venue
from bot.engine.deciding.arbiter import cap_of
from bot.engine.desk import Desk
from bot.engine.measures.deltas import coin_delta, position_deltas
from bot.engine.measures.distance_with import bears, distance_with
from bot.engine.record.book import Episode
from bot.execution.slicer import smallest_order
from bot.risk.delta import delta_of, quantity_of

LOOK_AGAIN = 5 * NS_PER_SECOND       # a coin's price moves the delta of what is settled in it, without any fact
MORE_NOT_BEFORE = NS_PER_SECOND
STEPS = 50                           # of what is wanted, where margin allows less: two hundredths, as in other plans
# What a hedge that is added to could undo; a distance grows with a smaller delta, so it is none of these.
OF_SIZE = (GoalKind.LEVERAGE, GoalKind.MARGIN_RATIO, GoalKind.GROSS_NOTIONAL, GoalKind.NET_NOTIONAL)


@dataclass(frozen=True, slots=True)
class Band:
    """What a hedge's goal allows of a delta, and what it trades to; unsigned, base units at 10^-8."""

    edge: int
    to: int


@dataclass
class Solving:
    """One underlying of one account while its rules are gone through."""

    account: int
    missing: int                     # signed; what no rule has dealt with yet
    held: dict[int, int]             # signed, by column: after planned cuts and what was planned here so far
    why: list[str] = field(default_factory=list)

    @property
    def direction(self) -> int:
        """+1 when coins are to be bought, -1 when they are to be sold."""
        return -1 if self.missing > 0 else 1


class Hedges:
    """Keeps the plans of one engine's hedges."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.told: dict[int, str] = {}               # by episode, what a person was told it lacks

    def plan(self, account: int, now: int) -> None:
        """Bring the plans of an account's hedges up to ``now``; nothing while the account is not known."""
        live = [episode for episode in self.desk.book.episodes.values() if _is_of(episode, account)]
        if not live or not self.desk.columns.known[account]:
            return
        groups: dict[str, list[Episode]] = {}
        for episode in sorted(live, key=lambda each: (each.rule, each.number)):
            groups.setdefault(self._underlying(episode.goal), []).append(episode)
        for underlying in sorted(groups):
            self._plan_all(account, underlying, groups[underlying], now)
        self.told = {number: told for number, told in self.told.items() if number in self.desk.book.episodes}
        self.desk.timers.set(account, now + LOOK_AGAIN)

    def is_done(self, episode: Episode) -> bool:
        """True when nothing that an episode has planned is left to trade."""
        return next(self._unfinished(episode), None) is None

    def is_met(self, episode: Episode) -> bool:
        """True when the delta is inside an episode's band, and it has nothing left to trade."""
        account, band = episode.element.account, self.band(episode.goal)
        if not self.desk.columns.known[account] or band is None or episode.planned is None:
            return False
        deltas = position_deltas(self.desk.columns, account, self._underlying(episode.goal))
        stands = coin_delta(self.desk.columns, account, self._underlying(episode.goal)) + sum(deltas.values())
        return abs(stands) <= band.edge and self.is_done(episode)

    def band(self, goal: Goal) -> Band | None:
        """Return a goal's band in coins; None while an amount of the quote currency has no price."""
        instrument = self.desk.layout.instruments[self._instrument(goal)]
        assert goal.target is not None and goal.hedge is not None
        if goal.currency == instrument.base:
            return Band(round(goal.target * CASH_UNIT), round(goal.hedge.to * CASH_UNIT))
        mark = self.desk.columns.mark[instrument.index]
        if mark is None:
            return None
        per_coin = mark / units_per_one(instrument.price_digits)
        return Band(round(goal.target / per_coin * CASH_UNIT), round(goal.hedge.to / per_coin * CASH_UNIT))

    def legs(self, account: int, goal: Goal) -> list[int]:
        """Return the columns of an account in which a hedge trades; none where it has no such instrument."""
        instrument, keys = self._instrument(goal), self.desk.layout.keys
        return [each for each in self.desk.layout.positions_of[account] if keys[each].instrument == instrument]

    # One underlying ----------------------------------------------------------------------------------------

    def _plan_all(self, account: int, underlying: str, episodes: Sequence[Episode], now: int) -> None:
        kept = self._after_cuts(account)
        solving = Solving(account, self._missing(account, underlying, kept), kept)
        bands = [(band, episode) for episode in episodes if (band := self.band(episode.goal)) is not None]
        size, direction = abs(solving.missing), solving.direction
        for band, episode in sorted(bands, key=lambda each: (-each[0].to, each[1].rule, each[1].number)):
            before = dict(solving.held)
            need = abs(solving.missing) - band.to
            solving.why.clear()
            if need > 0 and (size > band.edge or self._is_under_way(episode, direction)):
                self._trade(solving, episode, need)
            changed = {
                position: quantity for position, quantity in solving.held.items() if quantity != before[position]
            }
            self._adopt(episode, changed, now)
            self._tell(episode, ", ".join(solving.why), now)

    def _after_cuts(self, account: int) -> dict[int, int]:
        """Return what will be held of each position when the reducers' plans are carried out, signed.

        A parent that its budget or the venue holds up carries nothing out.
        """
        book = self.desk.book
        found: dict[int, int] = {}
        for position in self.desk.layout.positions_of[account]:
            held, cap, name = book.quantity[position], cap_of(book, position), book.parent_of[position]
            parent = None if name is None else book.parents[name]
            is_held_up = parent is not None and (parent.paused is not None or awaits_venue(book, parent))
            size = abs(held) if cap is None or is_held_up else min(abs(held), cap)
            found[position] = size if held > 0 else -size
        return found

    def _missing(self, account: int, underlying: str, kept: dict[int, int]) -> int:
        columns = self.desk.columns
        coins = coin_delta(columns, account, underlying)
        now = coins + sum(position_deltas(columns, account, underlying).values())
        then = coins + sum(position_deltas(columns, account, underlying, instead=kept).values())
        return 0 if now * then <= 0 else min(now, then, key=abs)

    def _is_under_way(self, episode: Episode, direction: int) -> bool:
        """True when an episode has something left to trade to a side: it goes on past the edge to its ``to``."""
        return any(left * direction > 0 for left in self._unfinished(episode))

    def _unfinished(self, episode: Episode) -> Iterator[int]:
        """Yield what is left to trade of each planned holding, signed, where the venue takes an order for it."""
        for position, planned in episode.holdings.items():
            left = planned - self.desk.book.quantity[position]
            if abs(left) >= self._smallest(position, left):
                yield left

    def _smallest(self, position: int, change: int) -> int:
        """Return the least quantity that the venue takes to change a position to a side."""
        if self.desk.book.quantity[position] * change < 0:
            return smallest_order(self.desk.layout.instrument_of(position).filters)
        return smallest_order(self.desk.adding_filters(position))

    # One rule ----------------------------------------------------------------------------------------------

    def _trade(self, solving: Solving, episode: Episode, need: int) -> None:
        """Plan ``need`` coins less of the delta, by the hedge's instrument and what it leaves by other positions."""
        terms = episode.goal.hedge
        assert terms is not None
        instrument, legs = self._instrument(episode.goal), self.legs(solving.account, episode.goal)
        if not legs:
            solving.why.append(f"{terms.symbol} is not one of its instruments")
        elif self.desk.columns.mark[instrument] is None:
            return                       # it comes, or a person is told of the silence
        left = self._let_out(solving, legs, need)
        left = self._add(solving, episode, legs, left) if legs else left
        if legs and left < self._least(legs[0]):
            left = 0                     # too little for an order, and for cutting anything else
        if left and terms.lacking is Lacking.CUT:
            others = [position for position in self._by_size(solving, instrument) if position not in legs]
            left = self._let_out(solving, others, left)
        if left == 0:
            solving.why.clear()
        elif solving.why:
            solving.why.append(f"{cash_text(left)} coins of delta are not hedged")

    def _let_out(self, solving: Solving, positions: Sequence[int], need: int) -> int:
        """Take what is needed off positions that have the delta's sign; return what is still needed."""
        for position in positions:
            held = solving.held[position]
            if need <= 0 or held * solving.direction >= 0:
                continue
            smallest = smallest_order(self.desk.layout.instrument_of(position).filters)
            need = self._move(solving, position, min(abs(held), self._lots(solving, position, need, smallest)), need)
        return need

    def _add(self, solving: Solving, episode: Episode, legs: Sequence[int], need: int) -> int:
        """Add what is needed to the leg on the other side, as far as it may be; return what is still needed."""
        if need <= 0:
            return 0
        position = next(leg for leg in legs if self._may_hold(leg, solving.direction))
        smallest = smallest_order(self.desk.adding_filters(position))
        wish = self._lots(solving, position, need, smallest)
        if not wish or solving.held[position] * solving.direction < 0:
            return need
        side = Side.BUY if solving.direction > 0 else Side.SELL
        allowed, why = self._allowed(solving, position, wish, episode.most(position, side))
        if allowed < wish:
            solving.why.append(why)
        if allowed < smallest:
            return need
        return self._move(solving, position, allowed, need)

    def _allowed(self, solving: Solving, position: int, wish: int, most: int | None) -> tuple[int, str]:
        """Return how much of ``wish`` may be added to a position, whole lots, and why no more.

        ``most`` is how large a reducer lets it become, unsigned.
        """
        desk = self.desk
        lot = desk.layout.instrument_of(position).filters.lot
        held = abs(solving.held[position])
        if most is not None and most - held < wish:
            return max(0, most - held) // lot * lot, "a reducer lets no more of it be kept"
        if any(_brings_size_down(episode, solving.account) for episode in desk.book.episodes.values()):
            return 0, "a rule is bringing the account's size down"
        room = self._opened_by_free_margin(position)
        if room < wish:
            return _in_steps(room, wish, lot), "free margin opens no more of it"
        if self._is_borne(solving, position, wish):
            return wish, ""
        low, high = 0, wish // lot           # some of it may be borne where all is not
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._is_borne(solving, position, middle * lot) else (low, middle)
        return _in_steps(low * lot, wish, lot), "with more of it liquidation would come too near"

    def _is_borne(self, solving: Solving, position: int, added: int) -> bool:
        """True when margin bears an addition to what will be held of a position by then."""
        columns = self.desk.columns
        by_then = solving.held[position] - self.desk.book.quantity[position]
        before = distance_with(columns, position, by_then)
        return bears(before, distance_with(columns, position, by_then + solving.direction * added), self.desk.limits)

    def _opened_by_free_margin(self, position: int) -> int:
        """Return how much of a position the account's free cash opens at the mark."""
        desk = self.desk
        key, instrument = desk.layout.keys[position], desk.layout.instrument_of(position)
        mark = desk.columns.mark[key.instrument]
        if mark is None:
            return 0
        slot = desk.layout.accounts[key.account]
        opened = desk.readings.accounts.available(key.account) * slot.leverage_of(key.instrument) * CASH_UNIT
        lot = instrument.filters.lot
        return int(opened / max(1, instrument.value(price=mark, quantity=lot))) * lot

    # Lots --------------------------------------------------------------------------------------------------

    def _least(self, position: int) -> int:
        """Return the delta of the smallest order that adds to a position."""
        instrument = self.desk.layout.instrument_of(position)
        smallest = smallest_order(self.desk.adding_filters(position))
        return delta_of(instrument, quantity=smallest, mark=self.desk.columns.mark[instrument.index] or 0)

    def _lots(self, solving: Solving, position: int, need: int, smallest: int) -> int:
        """Return whole lots worth at least ``need`` coins, and an order; none that would turn the delta round."""
        instrument = self.desk.layout.instrument_of(position)
        mark = self.desk.columns.mark[instrument.index]
        assert mark is not None, "only what has a mark is traded"
        lot = instrument.filters.lot
        enough = -(-(quantity_of(instrument, delta=need - 1, mark=mark) + 1) // lot) * lot
        most = quantity_of(instrument, delta=abs(solving.missing), mark=mark) // lot * lot
        wish = min(max(enough, smallest), most)
        return wish if wish >= smallest else 0

    def _move(self, solving: Solving, position: int, quantity: int, need: int) -> int:
        """Count a trade as planned; return what is still needed after it."""
        instrument = self.desk.layout.instrument_of(position)
        moved = delta_of(instrument, quantity=quantity, mark=self.desk.columns.mark[instrument.index] or 0)
        direction = solving.direction
        solving.held[position] += direction * quantity
        solving.missing += direction * moved
        return max(0, need - moved)

    def _by_size(self, solving: Solving, instrument: int) -> list[int]:
        """Return the positions of an instrument's underlying, the largest delta first."""
        underlying = self.desk.layout.instruments[instrument].underlying
        deltas = position_deltas(self.desk.columns, solving.account, underlying, instead=solving.held)
        return sorted(deltas, key=lambda position: (-abs(deltas[position]), position))

    def _may_hold(self, position: int, direction: int) -> bool:
        """True of the leg on which something is bought, or sold, to open; in one-way mode there is only one."""
        side = self.desk.layout.keys[position].side
        return side is PositionSide.NET or (side is PositionSide.LONG) == (direction > 0)

    # Words -------------------------------------------------------------------------------------------------

    def _adopt(self, episode: Episode, fresh: dict[int, int], now: int) -> None:
        """Take a plan, unless it is the present one in all but what no order is small enough for."""
        book = self.desk.book
        is_first = episode.planned is None
        more = False
        differs = is_first
        for position in {**episode.holdings, **fresh}:
            held = book.quantity[position]
            old, new = (holdings.get(position, held) for holdings in (episode.holdings, fresh))
            if abs(new - old) < self._smallest(position, new - held or old - held):
                continue
            differs = True
            more = more or ((new - held) * (old - held) >= 0 and abs(new - held) > abs(old - held))
        if not differs:
            return
        if more and not is_first and now < (episode.planned or 0) + MORE_NOT_BEFORE:
            self.desk.timers.set(episode.element.account, (episode.planned or 0) + MORE_NOT_BEFORE)
            return
        cost = 0
        for position, holding in fresh.items():
            cost += int(self.desk.cost_at(position, abs(holding - book.quantity[position])))
        keys = self.desk.layout.keys
        holdings = tuple(PlannedHolding(keys[position], fresh[position]) for position in sorted(fresh))
        self.desk.emit(PlanEpisode(episode.number, (), now, cost, holdings))

    def _tell(self, episode: Episode, why: str, now: int) -> None:
        """Tell a person once why a hedge falls short, for each reason anew."""
        reason = why.partition(",")[0]
        if not reason or self.told.get(episode.number) == reason:
            return
        self.told[episode.number] = reason
        name = self.desk.layout.accounts[episode.element.account].name
        self.desk.emit(RaiseAlarm("hedge_falls_short", f"{name}: {episode.rule}: {why}", now))

    def _instrument(self, goal: Goal) -> int:
        assert goal.hedge is not None, "only a net delta is hedged"
        symbol = goal.hedge.symbol
        return next(each.index for each in self.desk.layout.instruments if each.symbol == symbol)

    def _underlying(self, goal: Goal) -> str:
        return self.desk.layout.instruments[self._instrument(goal)].underlying


def _in_steps(room: int, wish: int, lot: int) -> int:
    """Return what margin allows of a wish, in steps that are worth an order: it changes with every price."""
    step = max(1, wish // lot // STEPS) * lot
    return room // step * step


def _is_of(episode: Episode, account: int) -> bool:
    return episode.element.account == account and episode.goal.kind is GoalKind.NET_DELTA


def _brings_size_down(episode: Episode, account: int) -> bool:
    """True of an episode of the whole account that a larger position would set back."""
    return episode.element.account == account and episode.element.key is None and episode.goal.kind in OF_SIZE
