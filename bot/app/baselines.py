"""What would have happened otherwise: the same start left alone, and the same lots sold at once.

Both run the simulated venue over the same market without the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from bot.app.config import Config
from bot.app.markets import MarketSource, sign_of
from bot.app.recorder import RunRecorder
from bot.app.session import NEVER
from bot.app.wiring import make_venue
from bot.domain.account import PositionKey
from bot.domain.events import AccountFact, FillOrigin, LiquidationStage, OrderEnded, OrderFilled, OrderRejected
from bot.domain.instrument import Instrument
from bot.domain.names import child_name
from bot.domain.order import OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import CASH_UNIT
from bot.engine.measures.layout import Layout
from paper.messages import SubmitOrder, Wake
from paper.venue import PaperVenue

ANY_PRICE = 2                        # a buy at twice the mark takes whatever the impact model asks
FAR = 0.2                            # of the price: an order that opens is held against its margin at its limit


@dataclass
class Baseline:
    """One venue-only run: per account the equity over time and at the end, and what the venue did to it."""

    equity_end: list[int]
    series: list[list[tuple[int, float | None]]]
    liquidations: list[LiquidationStage] = field(default_factory=list)
    fills: list[OrderFilled] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sale:
    """An order of the "sell at once" baseline and when it is sent; without the engine there is no gate."""

    at: int
    request: OrderRequest


class _Inbox:
    """Answers on their way, in the order in which they are told."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, AccountFact]] = []
        self._count = 0
        self.has_some = False

    def put(self, answers: Sequence[tuple[int, AccountFact]]) -> None:
        for at, fact in answers:
            self._count += 1
            heappush(self._heap, (at, self._count, fact))
        self.has_some = bool(self._heap)

    def take(self, *, until: int) -> Iterator[AccountFact]:
        while self._heap and self._heap[0][0] <= until:
            yield heappop(self._heap)[2]
        self.has_some = bool(self._heap)


def run_alone(
    market: MarketSource, venue: PaperVenue, layout: Layout, interval: int, sales: Sequence[Sale]
) -> Baseline:
    """Drive the venue alone over the whole market; ``sales`` are sent at their times, in order of time."""
    accounts = range(len(layout.accounts))
    result = Baseline([0 for _ in accounts], [[] for _ in accounts])
    waiting = list(reversed(sales))
    out = {sale.request.name for sale in sales}
    inbox = _Inbox()
    look_at = 0
    handle, next_wake = venue.handle, venue.next_wake
    for event in market.events(lambda index: sign_of(venue.net_quantity(index))):
        now = event.now
        while waiting and waiting[-1].at <= now:
            sale = waiting.pop()
            inbox.put(handle(sale.at, SubmitOrder(sale.request)))
        while (wake := next_wake()) is not None and wake < now:
            inbox.put(handle(wake, Wake()))
        answers = handle(now, event)
        if answers:
            inbox.put(answers)
        if inbox.has_some:           # most prices are answered by nobody
            for fact in inbox.take(until=now):
                _keep(result, out, fact)
        if now >= look_at:
            _look(result, venue, now)
            look_at = now + interval
    while waiting:
        sale = waiting.pop()
        inbox.put(venue.handle(sale.at, SubmitOrder(sale.request)))
    for fact in inbox.take(until=NEVER):
        _keep(result, out, fact)
    while out and (wake := venue.next_wake()) is not None:       # orders sent at the tape's end arrive after it
        inbox.put(venue.handle(wake, Wake()))
        for fact in inbox.take(until=NEVER):
            _keep(result, out, fact)
    for account in accounts:
        result.equity_end[account] = venue.account_totals(account)[1]
    return result


def sales_at_first_fire(recorder: RunRecorder, layout: Layout) -> list[Sale]:
    """Return the orders that sell, at each account's first fire, all that its parents sold in the end.

    What was bought of it again counts against it; where a hedge added to a position, they may add as well.
    """
    first: dict[int, int] = {}
    for fire in recorder.fires:
        first.setdefault(fire.element.account, fire.now)
    lots: dict[PositionKey, int] = {}
    for record in recorder.parents.values():
        key = record.opened.key
        lots[key] = lots.get(key, 0) + record.filled * record.opened.side.sign
    hedged = {record.opened.key for record in recorder.parents.values() if record.opened.hedged_to is not None}
    parents = {record.opened.key: record.opened for record in recorder.parents.values()}
    sales = []
    for number, (key, quantity) in enumerate(lots.items()):
        opened = parents[key]
        instrument = layout.instruments[key.instrument]
        side = Side.BUY if quantity > 0 else Side.SELL
        for part, size in enumerate(_parts(abs(quantity), instrument.filters.quantity_max)):
            request = OrderRequest(
                name=child_name(f"atonce{number:03d}", part),
                key=key,
                side=side,
                quantity=size,
                limit_price=(_far_price if key in hedged else _any_price)(side, opened.arrival_price, instrument),
                time_in_force=TimeInForce.IOC,
                reduce_only=key not in hedged,
                order_class=OrderClass.OPERATOR,
            )
            sales.append(Sale(first[key.account], request))
    return sorted(sales, key=lambda sale: sale.at)


def compare(
    config: Config, market: MarketSource, layout: Layout, recorder: RunRecorder
) -> tuple[Baseline, Baseline | None]:
    """Return the two baselines of a run; there is no second one when nothing was sold."""
    nothing = run_alone(market, make_venue(config, layout), layout, recorder.interval, [])
    sales = sales_at_first_fire(recorder, layout)
    at_once = None
    if sales:
        at_once = run_alone(market, make_venue(config, layout), layout, recorder.interval, sales)
    return nothing, at_once


def _keep(result: Baseline, out: set[str], fact: AccountFact) -> None:
    if isinstance(fact, OrderEnded | OrderRejected):
        out.discard(fact.name)
    elif isinstance(fact, LiquidationStage):
        result.liquidations.append(fact)
    elif isinstance(fact, OrderFilled) and fact.origin is FillOrigin.OURS:
        result.fills.append(fact)


def _look(result: Baseline, venue: PaperVenue, now: int) -> None:
    for account, series in enumerate(result.series):
        if venue.is_started(account):
            series.append((now, venue.account_totals(account)[1] / CASH_UNIT))


def _parts(quantity: int, largest: int) -> list[int]:
    """Split a quantity into orders that the venue takes."""
    whole, rest = divmod(quantity, largest)
    return [largest] * whole + ([rest] if rest else [])


def _far_price(side: Side, price: int, instrument: Instrument) -> int:
    """Return a limit that fills in any book, and by which a venue still counts value and margin with sense."""
    tick = instrument.filters.tick
    return max(1, int(price * (1 + side.sign * FAR)) // tick) * tick


def _any_price(side: Side, price: int, instrument: Instrument) -> int:
    tick = instrument.filters.tick
    return tick if side is Side.SELL else price * ANY_PRICE // tick * tick
