"""Sales that a person asks for once, by name: refused with a reason, or carried out as an episode of the cost class.

    said                    the position after it is fixed in lots: what is held, less what sales under way still want
                            of it, less the amount. All sales of one position are one episode; each adds its own curve
    cash                    the cuts that let it leave are found once, and sold as sales of their positions
    said again by its name  nothing: it is the same sale
    somebody adds to it     as much more is kept; what somebody else sells of it counts towards the sale
    kill, flatten           end it as they end every episode; freeze lets it go on, since it only reduces

Participation and collar hold to the end and the deadline gives, as for every rule of the cost class.
"""

from __future__ import annotations

from dataclasses import replace

from bot.domain.account import PositionKey
from bot.domain.effects import Goal, GoalKind, PlanEpisode, PlannedCut, RaiseAlarm, ScopeElement
from bot.domain.events import Command
from bot.domain.order import OrderClass
from bot.domain.sale import PART, QuoteSale, RefuseSale, Sale, SaleOffer, SaleTerms, TakeSale
from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND, cash_text, to_text
from bot.domain.units import SourceText
from bot.engine.deciding.cash import cash_cuts
from bot.engine.deciding.fires import end_episode, open_for_person
from bot.engine.desk import Desk
from bot.execution.slicer import smallest_order
from bot.execution.spec import Algo, ExecutionSpec, Tactic
from bot.risk.exposure import kept_after
from bot.rules.language.typed import Scope
from bot.rules.ruleset import Rule, make_rule
from bot.rules.spec import NOWHERE, RuleSpec
from bot.rules.spec import Close as CloseSpec

SELL = "operator:sell"               # before the position's name; no name that a rule file can have
AT_ONCE_MAX = NS_PER_MINUTE          # a market that has not taken it by then is thin, halted, or outside its collar
CASH_DISTANCE = 0.1                  # above where the guards that come with us fire (8 %): withdrawing sets none off
UNKNOWN = "what is held, or its price, is not known now; say it again when it is, under another name"


def terms_of(terms: SaleTerms) -> ExecutionSpec:
    """Return the terms as a rule's ``execute:`` block says them; raises ValueError for what cannot be meant."""
    return ExecutionSpec(
        algo=Algo.TWAP if terms.over else Algo.NOW,
        over=terms.over,
        tactic=Tactic(terms.tactic),
        participation_max=terms.participation_max,
        collar=terms.collar,
        order_class=OrderClass.COST,
    )


def sale_rule(name: str, terms: SaleTerms) -> Rule:
    """Return what a position's sales are carried out by: no watch evaluates its condition."""
    when = SourceText("position.age >= 0s", NOWHERE)
    return make_rule(name, RuleSpec(for_each=Scope.POSITION, when=when, do=CloseSpec(), execute=terms_of(terms)), ())


class Sales:
    """Takes, refuses and ends the sales of one engine; ``rules`` gets one for every position that is being sold."""

    def __init__(self, desk: Desk, rules: dict[str, Rule]) -> None:
        self.desk = desk
        self.rules = rules
        self.least: dict[int, int] = {}              # by episode: the least that was held of its position since
        self.late_at: dict[str, int] = {}            # by name: when a person is told that it is not done yet
        for record in desk.book.sales.values():      # the newest terms hold for what is still to come
            key = record.sale.key
            if record.ended is None and record.episode is not None and key is not None:
                rule, position = self._rule_of(key), desk.layout.position(key)
                rules[rule] = sale_rule(rule, record.sale.terms)
                self.least[record.episode] = abs(desk.book.quantity[position])
                self.late_at[record.sale.name] = record.at + max(record.sale.terms.over, AT_ONCE_MAX)

    def sell(self, command: Command) -> None:
        """Take a sale up, or refuse it for good; one that is known by its name stays as it is."""
        sale, desk = command.sale, self.desk
        if sale is None:
            self._alarm("command_refused", command, "names no sale")
            return
        if sale.name in desk.book.sales:
            self._alarm("sale_known", command, f"sale {sale.name} was said before; it is one sale")
            return
        offers = self._offers(command, sale)
        if isinstance(offers, str):
            desk.emit(RefuseSale(command.account, sale, offers, command.by, command.now))
            self._alarm("sale_refused", command, f"sale {sale.name}: {offers}")
            return
        for number, offer in enumerate(offers, 1):
            name = sale.name if number == 1 else f"{sale.name}{PART}{number}"
            self._begin(command, replace(sale, name=name, key=offer.key), offer)

    def quote(self, command: Command) -> None:
        """Say what a sale would come to."""
        sale, now = command.sale, command.now
        if sale is None:
            self._alarm("command_refused", command, "names no sale")
            return
        offers = self._offers(command, sale)
        if isinstance(offers, str):
            self.desk.emit(QuoteSale(command.account, sale, None, offers, now))
            return
        for offer in offers:
            self.desk.emit(QuoteSale(command.account, sale, offer, "", now))

    def end(self, command: Command) -> bool:
        """End the episodes that a sale belongs to, with all sales of its positions; return whether any was open."""
        book, name = self.desk.book, command.rule or ""
        found = [record for record in book.sales.values() if record.sale.is_of(name)]
        live = dict.fromkeys(record.episode for record in found if record.ended is None)
        for number in live:
            if number is not None:
                why = f"taken back by {command.by}: {command.reason}"
                end_episode(self.desk, book.episodes[number], why, command.now)
        if not live:
            what = f"is over: {found[0].ended}" if found else "is not known"
            self._alarm("command_refused", command, f"sale {name} {what}")
        return bool(live)

    def decide(self, account: int, now: int) -> None:
        """Before an account is decided: keep what somebody else has added to a position that is being sold."""
        book = self.desk.book
        for episode in list(book.episodes.values()):
            key = episode.element.key
            if episode.number not in self.least or key is None or key.account != account:
                continue
            position = self.desk.layout.position(key)
            held = abs(book.quantity[position])
            added = held - self.least[episode.number]
            self.least[episode.number] = held
            if added > 0 and not self.desk.is_gone(episode):
                keep = episode.keeps[position] + added
                cost = int(self.desk.cost_at(position, held - keep))
                self.desk.emit(PlanEpisode(episode.number, (PlannedCut(key, keep),), now, cost))

        for name, late_at in list(self.late_at.items()):
            self._tell_late(name, late_at, account, now)

    def _tell_late(self, name: str, late_at: int, account: int, now: int) -> None:
        """Say once of a sale that its time is over and it is not; it goes on."""
        record, desk = self.desk.book.sales.get(name), self.desk
        if record is not None and record.account != account:
            return
        if record is None or record.ended is not None:       # one that is over may be forgotten already
            del self.late_at[name]
        elif now < late_at:
            desk.timers.set(account, late_at)
        elif (key := record.sale.key) is not None:
            del self.late_at[name]
            left = to_text(
                self._wanted(key, desk.layout.position(key)), desk.layout.instruments[key.instrument].quantity_digits
            )
            what = f"sale {name} is not done in its time, {left} of {self._label(key)} is left"
            desk.emit(RaiseAlarm("sale_late", f"{what}; it goes on inside its limits", now))

    # One sale ----------------------------------------------------------------------------------------------

    def _begin(self, command: Command, sale: Sale, offer: SaleOffer) -> None:
        desk, now, key = self.desk, command.now, offer.key
        element, rule, position = ScopeElement(command.account, key), self._rule_of(key), desk.layout.position(key)
        self.rules[rule] = sale_rule(rule, sale.terms)
        live = desk.book.live_episode(rule, element)
        number = desk.book.next_episode if live is None else live.number
        if live is None:
            goal = Goal(GoalKind.REDUCE, offer.quantity / abs(desk.book.quantity[position]))
            open_for_person(desk, rule, element, goal, why=f"{command.by}: {command.reason}", now=now)
            self.least[number] = abs(desk.book.quantity[position])
        desk.emit(TakeSale(command.account, sale, number, offer, command.by, now))
        self.late_at[sale.name] = now + max(sale.terms.over, AT_ONCE_MAX)
        desk.emit(PlanEpisode(number, (PlannedCut(key, offer.keep),), now, offer.cost))
        self._alarm("sale_taken", command, f"sale {sale.name} by {command.by}: {self._told(offer)}")

    def _offers(self, command: Command, sale: Sale) -> list[SaleOffer] | str:
        """Return what a sale comes to, position by position, or why it is refused."""
        latch = self.desk.book.accounts[command.account].latch
        if latch.is_killed:
            return f"the account is {latch.value}; resume it first"
        if command.until is not None and command.until < command.now:
            return "it was said too long ago to begin now; say it anew"
        if sale.terms.over < 0:
            return "its time is over already; give a later one"
        try:
            execute = terms_of(sale.terms)
        except ValueError as error:
            return str(error)
        if sale.key is None:
            return self._cash_offers(command.account, sale, execute)
        offer = self._offer(sale.key, sale, execute)
        return offer if isinstance(offer, str) else [offer]

    def _offer(self, key: PositionKey, sale: Sale, execute: ExecutionSpec) -> SaleOffer | str:
        desk, position = self.desk, self.desk.layout.position(key)
        mark = desk.columns.mark[key.instrument]
        if not desk.book.accounts[key.account].adopted or mark is None:
            return UNKNOWN
        quantity = self._quantity(sale, position, self._left(key, position))
        return quantity if isinstance(quantity, str) else self._costed(key, quantity, mark, execute)

    def _cash_offers(self, account: int, sale: Sale, execute: ExecutionSpec) -> list[SaleOffer] | str:
        """Return the sales that let cash leave; each is at least as large as the venue's smallest order."""
        desk = self.desk
        if not desk.columns.known[account]:
            return UNKNOWN
        kept = {position: self._left(desk.layout.keys[position], position) for position in self._positions(account)}
        distance = CASH_DISTANCE if sale.distance is None else sale.distance
        found = cash_cuts(desk, account, cash=sale.cash or 0, distance=distance, kept=kept)
        if isinstance(found, str):
            return found
        offers = []
        for position, quantity in found.quantities:
            key, smallest = desk.layout.keys[position], smallest_order(desk.layout.instrument_of(position).filters)
            mark = desk.columns.mark[key.instrument]
            if mark is not None and kept[position] >= smallest:
                offers.append(self._costed(key, max(quantity, smallest), mark, execute))
        return offers or "what would have to be sold is less than the venue takes"

    def _positions(self, account: int) -> list[int]:
        return [position for position in self.desk.layout.positions_of[account] if self.desk.book.quantity[position]]

    def _quantity(self, sale: Sale, position: int, left: int) -> int | str:
        """Return how much a sale is of, whole lots, or why that cannot be sold."""
        instrument = self.desk.layout.instrument_of(position)
        filters, digits = instrument.filters, instrument.quantity_digits
        if left <= 0:
            under_way = self.desk.book.quantity[position]
            return "all that is held is being sold already" if under_way else "nothing is held"
        if sale.share is not None:
            quantity = left - kept_after(sale.share, held=left, lot=filters.lot)
        else:
            quantity = sale.quantity or 0
        if quantity > left:
            return f"only {to_text(left, digits)} can be sold, was {to_text(quantity, digits)}"
        smallest = smallest_order(filters)
        if quantity % filters.lot and quantity != left:
            return f"must be whole lots of {to_text(filters.lot, digits)}, was {to_text(quantity, digits)}"
        if quantity < smallest:
            return f"the venue takes no less than {to_text(smallest, digits)}, was {to_text(quantity, digits)}"
        return quantity

    def _wanted(self, key: PositionKey, position: int) -> int:
        """Return what sales under way still want of a position."""
        live = self.desk.book.live_episode(self._rule_of(key), ScopeElement(key.account, key))
        held = abs(self.desk.book.quantity[position])
        return 0 if live is None or self.desk.is_gone(live) else max(0, held - live.keeps.get(position, held))

    def _left(self, key: PositionKey, position: int) -> int:
        return abs(self.desk.book.quantity[position]) - self._wanted(key, position)

    def _costed(self, key: PositionKey, quantity: int, mark: int, execute: ExecutionSpec) -> SaleOffer:
        desk = self.desk
        keep = self._left(key, desk.layout.position(key)) - quantity
        instrument = desk.layout.instruments[key.instrument]
        liquidity = desk.market.liquidity(
            key.instrument, price=mark, fee=desk.layout.accounts[key.account].taker_fee, now=desk.book.now
        )
        most = max(1, quantity // smallest_order(instrument.filters))
        slices = min(most, max(1, -(-execute.over // execute.interval)))
        value = abs(instrument.value(price=mark, quantity=quantity))
        length = execute.over
        if execute.participation_max is not None:
            of_others = liquidity.volume_day * execute.participation_max / (1 - execute.participation_max)
            length = max(length, int(quantity / of_others * NS_PER_DAY))
        return SaleOffer(
            key, quantity, keep, mark, value, slices,
            cost=int(liquidity.cost(quantity=-(-quantity // slices), value=value)),
            cost_at_once=int(liquidity.cost(quantity=quantity, value=value)),
            length=length,
        )

    # Words -------------------------------------------------------------------------------------------------

    def _rule_of(self, key: PositionKey) -> str:
        return f"{SELL} {self._label(key)}"

    def _label(self, key: PositionKey) -> str:
        return self.desk.layout.position_label(key)

    def _told(self, offer: SaleOffer) -> str:
        instrument = self.desk.layout.instruments[offer.key.instrument]
        digits, settle = instrument.quantity_digits, instrument.settle
        return (
            f"{to_text(offer.quantity, digits)} of {self._label(offer.key)} in {offer.slices} orders over "
            f"{offer.length / NS_PER_SECOND:g} s, about {cash_text(offer.cost)} {settle}; "
            f"{to_text(offer.keep, digits)} is kept"
        )

    def _alarm(self, code: str, command: Command, detail: str) -> None:
        name = self.desk.layout.accounts[command.account].name
        self.desk.emit(RaiseAlarm(code, f"{name}: {detail}", command.now))
