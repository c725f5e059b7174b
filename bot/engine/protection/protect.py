"""Keeps one stop resting at the venue for every position, for the day on which nothing of ours is left running.

    nothing rests, or too little          placed at once
    the right price or quantity moved     a new one is placed, and once the venue has it the old one is cancelled;
                                          at most once in ``replace_every``
    more than the net of a group rests    at once: it would unhedge the book
    it rests                              looked up every ``verify_every``, after a restart, and when doubtful
    the position is gone, or hedged       cancelled
    none rests for 3 s, or one was refused   alarm ``unprotected``; the same level is watched from here, and the
                                          position is closed by us when the mark passes it

Two stops may overlap while one replaces the other: both are reduce-only, so the venue lets neither turn a position
round. Where stops are per group (see ``groups``) they are for its net only. A stop is the one market-type order that
is sent. It takes nothing from what may be sold meanwhile; once triggered it does, as any order. A stop that the mark
has passed and that the venue says nothing of protects nobody.
"""

from __future__ import annotations

from bot.domain.denials import Denied
from bot.domain.effects import (
    Goal,
    GoalKind,
    LookUpOrder,
    MarkAtFire,
    OpenEpisode,
    PlaceStop,
    PlanEpisode,
    PlannedCut,
    RaiseAlarm,
    Reading,
    RecordDenial,
    ReserveStopNames,
    ScopeElement,
)
from bot.domain.names import STOPS_FROM, child_name, parent_name
from bot.domain.order import OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import NS_PER_SECOND, to_text, units_per_one
from bot.domain.units import SourceText
from bot.engine.cancels import cancel
from bot.engine.deciding.parents import CHILDREN_PER_PARENT, NAMES_AT_ONCE
from bot.engine.desk import Desk
from bot.engine.gate import Gate, may_send
from bot.engine.protection.groups import Group, groups_of
from bot.engine.protection.stop_level import StopLevel, has_passed, is_measured, stop_level
from bot.engine.record.absence import WITNESSES_APART
from bot.engine.record.fold import reducing_side
from bot.engine.record.stops import Stop
from bot.engine.spec import UNGUARDED, Per, ProtectSpec, SafetySpec
from bot.execution.slicer import smallest_order
from bot.execution.spec import Algo, ExecutionSpec, Tactic
from bot.rules.language.typed import Scope
from bot.rules.ruleset import Rule, make_rule
from bot.rules.spec import NOWHERE, Close, RuleSpec

PROTECT = "protect:stop"             # no name that a rule file can have
T_STOP = 3 * NS_PER_SECOND           # an order is answered in well under one; three are an alarm
LOOK_EVERY = NS_PER_SECOND           # prices alone move no stop sooner
RETRY_MAX = 60 * NS_PER_SECOND       # waits double from 1 s: a venue that always refuses is asked once a minute
STANDING_MAX = 4                     # of one position: cancels that never succeed must not pile stops up


def protect_rule() -> Rule:
    """Return what is sold by where a stop should have been: at once, in the class of survival.

    No watch evaluates its condition.
    """
    when = SourceText("position.liquidation_distance < 1.5%", NOWHERE)
    execute = ExecutionSpec(algo=Algo.NOW, tactic=Tactic.LADDER)
    return make_rule(PROTECT, RuleSpec(for_each=Scope.POSITION, when=when, do=Close(), execute=execute), ())


class Protect:
    """Places, replaces, verifies and ends the stops of one engine's positions."""

    def __init__(self, desk: Desk) -> None:
        count = len(desk.layout.keys)
        self.desk = desk
        self.specs: tuple[SafetySpec, ...] = ()
        self.gate: Gate | None = None
        self.groups: list[tuple[Group, ...]] = []                # by account
        self.group_of: dict[int, Group] = {}                     # by position
        self.levels: list[StopLevel | None] = [None] * count     # the last that could be known
        self.uncovered_since: list[int | None] = [None] * count
        self.is_alarmed = [False] * count
        self.is_blind = [False] * count                          # then ``bot.engine.protection.blind`` has the word
        self.look_at = [0] * len(desk.layout.accounts)

    def take(self, specs: tuple[SafetySpec, ...], gate: Gate) -> None:
        """Take what the configuration says, account by account; accounts beyond its end have no stops."""
        self.specs = specs
        self.gate = gate
        layout = self.desk.layout
        self.groups = [groups_of(layout, account, self._spec(account).per) for account in range(len(layout.accounts))]
        self.group_of = {position: group for groups in self.groups for group in groups for position in group.positions}
        self.look_at = [0] * len(self.look_at)

    def changed(self, account: int) -> None:
        """Look at an account's stops in this step, whatever was looked at lately."""
        self.look_at[account] = 0

    def watch_distance(self, account: int) -> float:
        """Return the distance to liquidation below which prices must be decided on for the sake of a stop."""
        spec = self._spec(account)
        return -1.0 if spec.per is Per.NONE else spec.distance_max

    def keep(self, account: int, now: int) -> None:
        """Bring the stops of an account in line with what it holds."""
        if now < self.look_at[account]:
            self.desk.timers.set(account, self.look_at[account])     # this wake may have stood in for a later one
            return
        self.look_at[account] = now + LOOK_EVERY
        spec = self._spec(account)
        for group in self.groups[account]:
            self._keep_group(group, spec, now)
        held = sum(1 for position in self.desk.layout.positions_of[account] if self.desk.book.quantity[position])
        if held and spec.per is not Per.NONE and (held > 1 or not self.desk.layout.is_plain(account)):
            self._wake(account, now + spec.replace_every)    # other markets move its liquidation prices

    def standing(self, position: int) -> list[Stop]:
        """Return the stops that may rest for what is held, the newest last; those asked to end are left out."""
        held = self.desk.book.quantity[position]
        if not held:
            return []
        side = reducing_side(held)
        return [stop for stop in self._all(position) if stop.side is side and stop.cancel_asked is None]

    def is_closing(self, position: int) -> bool:
        """True while a stop that was triggered is at work, on the position or one of its group."""
        legs = self.group_of[position].positions
        return any(
            order.order_class is OrderClass.STOP and order.position in legs
            for order in self.desk.book.orders.values()
        )

    def share(self, position: int) -> int:
        """Return how much of a position stops are for, unsigned: all of it, or its part in the net of its group."""
        return self.group_of[position].shares(self.desk.book.quantity).get(position, 0)

    # One group ---------------------------------------------------------------------------------------------

    def _keep_group(self, group: Group, spec: ProtectSpec, now: int) -> None:
        """First the legs on which stops are to rest, then those on which none is."""
        for position in group.positions:
            if is_measured(self.desk, position):
                self.levels[position] = stop_level(self.desk, spec, position, group.positions)
        needy = [] if spec.per is Per.NONE else [position for position in group.positions if self._orderable(position)]
        for position in needy:
            self._keep(position, spec, now)
        for position in group.positions:
            if position not in needy:
                self._let_go(position, spec, needy, now)

    def _let_go(self, position: int, spec: ProtectSpec, needy: list[int], now: int) -> None:
        """End the stops of a leg that needs none; one that closes the same net waits until the new leg is covered."""
        if not self.is_blind[position]:
            bare = [leg for leg in needy if self.uncovered_since[leg] is not None]
            sides = {reducing_side(self.desk.book.quantity[leg]) for leg in bare}
            self._cancel([stop for stop in self._all(position) if stop.side not in sides], now)
            self._is_covered(position)
        self._read_back(position, spec, now)

    # One position ------------------------------------------------------------------------------------------

    def _keep(self, position: int, spec: ProtectSpec, now: int) -> None:
        measured = is_measured(self.desk, position)
        if self.is_blind[position]:
            self._judge(position, now)
        elif measured and self.levels[position] is None:
            self._cancel(self._all(position), now)
            self._is_covered(position)
        else:
            side = reducing_side(self.desk.book.quantity[position])
            self._cancel([stop for stop in self._all(position) if stop.side is not side], now)
            if measured:
                self._renew(position, spec, now)
            self._judge(position, now)
        self._read_back(position, spec, now)

    def _renew(self, position: int, spec: ProtectSpec, now: int) -> None:
        """Place a stop where none fits; end the older ones once the venue has the newest."""
        level, quantity = self.levels[position], self._orderable(position)
        if level is None or self.is_closing(position):
            return
        standing = self.standing(position)
        valid = [place for place, stop in enumerate(standing) if self._covers(position, stop)]
        self._cancel(standing[: valid[-1]] if valid else [], now)        # a newer one does as well
        newest = standing[-1] if standing else None
        if newest is not None and newest.absent_since is None:
            if not newest.is_seen or self._passed(position, newest.trigger_price):
                return               # its answer, or that of its trigger, is on the way
            drift = abs(newest.trigger_price - level.trigger)
            if newest.quantity == quantity and drift <= spec.tolerance * level.trigger:
                self._cancel(standing[:-1], now)
                return
            again = newest.sent + spec.replace_every
            if self._covers(position, newest) and now < again:
                self._wake(self.desk.layout.keys[position].account, again)
                return
        if not self._passed(position, level.trigger):
            self.place(position, quantity, level, now)

    def place(self, position: int, quantity: int, level: StopLevel, now: int) -> None:
        """Let one more stop rest, if the gate passes it; soon again when that has failed."""
        desk, book = self.desk, self.desk.book
        key = desk.layout.keys[position]
        line = book.stop_lines[position]
        if line.failures:
            retry = line.failed_at + min(NS_PER_SECOND << min(line.failures - 1, 6), RETRY_MAX)
            if now < retry:
                self._wake(key.account, retry)
                return
        is_full = len(self._all(position)) >= STANDING_MAX
        if is_full:
            self._cancel([stop for stop in self.standing(position) if not self._covers(position, stop)][:1], now)
        if is_full or not may_send(book, key.account, desk.limits, now):
            self._wake(key.account, now + LOOK_EVERY)
            return
        side = reducing_side(book.quantity[position])
        parent = self._reserve(position, side, quantity)
        child = book.stop_lines[position].next_child
        request = OrderRequest(
            name=child_name(parent, child),
            key=key,
            side=side,
            quantity=quantity,
            limit_price=None,
            time_in_force=TimeInForce.GTC,
            reduce_only=True,
            order_class=OrderClass.STOP,
            trigger_price=level.trigger,
        )
        assert self.gate is not None, "specs and gate are taken together"
        verdict = self.gate.judge(request, now)
        if isinstance(verdict, Denied):
            desk.emit(RecordDenial(request, verdict.code, verdict.detail, now))
            self._wake(key.account, now + NS_PER_SECOND)
            return
        liquidation = None if self.is_blind[position] else level.liquidation
        desk.emit(PlaceStop(verdict, child, liquidation, now))
        self._wake(key.account, now + T_STOP)

    def _reserve(self, position: int, side: Side, quantity: int) -> str:
        """Return the name that the next stop is a child of, with names left."""
        desk = self.desk
        key = desk.layout.keys[position]
        line = desk.book.stop_lines[position]
        known = None if line.parent is None else desk.book.reservations.get(line.parent)
        if known is None or known.side is not side or line.next_child >= CHILDREN_PER_PARENT:
            counter = STOPS_FROM + desk.book.accounts[key.account].next_stops
            name = parent_name(desk.marker, key, side, counter)
            desk.emit(ReserveStopNames(name, key, side, 0, NAMES_AT_ONCE, quantity))
            return name
        if line.next_child >= known.end or known.quantity_max < quantity:
            more = NAMES_AT_ONCE if line.next_child >= known.end else 0
            desk.emit(ReserveStopNames(known.parent, key, side, known.end, more, quantity))
        return known.parent

    def _cancel(self, stops: list[Stop], now: int) -> None:
        for stop in stops:
            if stop.cancel_asked is None or now - stop.cancel_asked >= WITNESSES_APART:
                account = self.desk.layout.keys[stop.position].account
                cancel(self.desk, account, stop.name, now)

    def _read_back(self, position: int, spec: ProtectSpec, now: int) -> None:
        """Ask the venue what it has: now and then, and soon where that is doubtful."""
        account = self.desk.layout.keys[position].account
        for stop in self._all(position):
            apart = spec.verify_every if stop.is_seen else WITNESSES_APART
            at = max(stop.asked, stop.absent_since or 0) + apart
            if now >= at:
                self.desk.emit(LookUpOrder(account, stop.name, now))
                at = now + apart
            self._wake(account, at)
            if stop.cancel_asked is not None:
                self._cancel([stop], now)
                self._wake(account, stop.cancel_asked + WITNESSES_APART)

    # Protected or not --------------------------------------------------------------------------------------

    def _covers(self, position: int, stop: Stop) -> bool:
        """True when the venue has a stop that closes all it is for, and no more, before the account is liquidated."""
        level = self.levels[position]
        sign = -stop.side.sign
        is_inside = level is None or (stop.trigger_price - level.liquidation) * sign > 0
        filters = self.desk.layout.instrument_of(position).filters
        closes = min(stop.quantity, abs(self.desk.book.quantity[position]))      # the venue caps it
        is_whole = abs(self.share(position) - closes) < (filters.market_lot or filters.lot)
        return stop.is_seen and is_inside and is_whole and not self._passed(position, stop.trigger_price)

    def _judge(self, position: int, now: int) -> None:
        """Alarm where nothing valid rests, and close where a stop would have."""
        standing = self.standing(position)
        if self.is_closing(position) or any(self._covers(position, stop) for stop in standing):
            self._is_covered(position)
            return
        account = self.desk.layout.keys[position].account
        since = self.uncovered_since[position]
        since = self.uncovered_since[position] = now if since is None else since
        silent = [stop for stop in standing if stop.is_seen and self._passed(position, stop.trigger_price)]
        level = self.levels[position]
        has_passed_level = level is not None and self._passed(position, level.trigger)
        is_hopeless = not silent and (has_passed_level or self.desk.book.stop_lines[position].failures > 0)
        if now < since + T_STOP and not is_hopeless:
            self._wake(account, since + T_STOP)
            return
        for stop in silent:
            if now - stop.asked >= WITNESSES_APART:
                self.desk.emit(LookUpOrder(account, stop.name, now))
        if not self.is_alarmed[position]:
            self.is_alarmed[position] = True
            at = "no level is known" if level is None else f"we close it at {self._price(position, level.trigger)}"
            self._alarm("unprotected", position, f"no valid stop rests at the venue; {at}")
        if level is not None and has_passed_level:
            self._close(position, level, now)
        self._wake(account, now + LOOK_EVERY)

    def _is_covered(self, position: int) -> None:
        self.uncovered_since[position] = None
        if self.is_alarmed[position]:
            self.is_alarmed[position] = False
            is_held = self.desk.book.quantity[position] != 0
            self._alarm("protected", position, "a stop rests at the venue" if is_held else "nothing is held")

    def _close(self, position: int, level: StopLevel, now: int) -> None:
        """Open an episode that closes what the stop was for, unless one is open."""
        desk = self.desk
        key = desk.layout.keys[position]
        held, share = abs(desk.book.quantity[position]), self.share(position)
        element = ScopeElement(key.account, key)
        mark = desk.columns.mark[key.instrument]
        if mark is None or desk.book.live_episode(PROTECT, element) is not None:
            return
        unit = units_per_one(desk.layout.instruments[key.instrument].price_digits)
        number = desk.book.next_episode
        desk.emit(
            OpenEpisode(
                episode=number,
                rule=PROTECT,
                element=element,
                goal=Goal(GoalKind.FLAT) if share == held else Goal(GoalKind.REDUCE, share / held),
                why=(
                    f"the mark {self._price(position, mark)} has passed {self._price(position, level.trigger)}, where "
                    "a stop belongs, and none at the venue acted"
                ),
                readings=(
                    Reading("market.mark_price", mark / unit, "price"),
                    Reading("position.liquidation_price", level.liquidation / unit, "price"),
                ),
                marks=tuple(MarkAtFire(each.key, each.mark) for each in desk.columns.holdings(key.account)[1]),
                equity=desk.columns.equity[key.account],
                now=now,
            )
        )
        desk.emit(PlanEpisode(number, (PlannedCut(key, held - share),), now, 0))

    # Small things ------------------------------------------------------------------------------------------

    def _spec(self, account: int) -> ProtectSpec:
        return (self.specs[account] if account < len(self.specs) else UNGUARDED).protect

    def _all(self, position: int) -> list[Stop]:
        return [stop for stop in self.desk.book.stops.values() if stop.position == position]

    def _orderable(self, position: int) -> int:
        """Return what a stop of a position is to be for: whole lots, as many as one order may have; 0 for dust."""
        filters = self.desk.layout.instrument_of(position).filters
        lot = filters.market_lot or filters.lot
        most = filters.market_quantity_max or filters.quantity_max
        size = min(self.share(position), most) // lot * lot
        return size if size >= smallest_order(filters) else 0

    def _passed(self, position: int, trigger: int) -> bool:
        mark = self.desk.columns.mark[self.desk.layout.keys[position].instrument]
        return has_passed(mark, trigger, sign=1 if self.desk.book.quantity[position] > 0 else -1)

    def _price(self, position: int, price: int) -> str:
        return to_text(price, self.desk.layout.instrument_of(position).price_digits)

    def _wake(self, account: int, at: int) -> None:
        """Look again at ``at``, if nothing calls sooner."""
        self.desk.timers.set(account, at)
        self.look_at[account] = min(self.look_at[account], at)

    def _alarm(self, code: str, position: int, detail: str) -> None:
        label = self.desk.layout.position_label(self.desk.layout.keys[position])
        self.desk.emit(RaiseAlarm(code, f"{label}: {detail}", self.desk.book.now))
