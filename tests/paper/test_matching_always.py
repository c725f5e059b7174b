"""What holds of matching under every sequence of books, prints, orders, stops and cancels of several clients."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import cache

import pytest

from bot.domain.account import PositionKey
from bot.domain.events import AccountFact, FillOrigin, OrderEnded, OrderFilled, OrderTriggered
from bot.domain.market import BookUpdate, MarkPrice, Trade
from bot.domain.order import OrderRequest, SelfTrade, Side, TimeInForce, TriggerBy, TriggerKind
from paper.messages import CancelRequest, Message, SubmitOrder, Wake
from paper.spec import VenueSpec
from paper.venue import PaperVenue
from tests.paper.builders import MS, START, order, perpetual, start

INSTRUMENTS = (perpetual(orders_max=8, conditional_orders_max=6),)
SPEC = VenueSpec(latency=3 * MS)
ACCOUNTS = 5
LENGTH = 5_000
REDUCER = "r"                            # what the name of a reduce-only order begins with


def _market(draw: random.Random, now: int, middle: int) -> Message:
    """Return a print, a mark, or a change of the book about ``middle``; now and then a snapshot or a gap."""
    kind = draw.random()
    if kind < 0.35:
        return Trade(now, now, 0, middle + draw.randrange(-12, 13), draw.randrange(1, 4_000), draw.choice((-1, 0, 1)))
    if kind < 0.40:
        return MarkPrice(now, now, 0, middle + draw.randrange(-5, 6))
    is_snapshot = kind < 0.60
    count = 9 if is_snapshot else 2
    low = middle - draw.randrange(0, 3)
    bids = {low - draw.randrange(0, 15): draw.randrange(is_snapshot, 3_000) for _ in range(count)}
    asks = {low + 1 + draw.randrange(0, 15): draw.randrange(is_snapshot, 3_000) for _ in range(count)}
    return BookUpdate(now, now, 0, tuple(bids.items()), tuple(asks.items()), is_snapshot)


def _request(draw: random.Random, number: int, middle: int, now: int) -> OrderRequest:
    reduce_only = draw.random() < 0.5
    is_market = draw.random() < 0.2
    trigger = middle + draw.randrange(-60, 61) if draw.random() < 0.3 else None
    limit = middle + draw.randrange(-25, 26)
    return order(
        draw.choice(tuple(Side)),
        draw.choice((1, 1, 2, 5)),
        None if is_market else f"{limit / 100:.2f}",
        name=f"{REDUCER if reduce_only else 'n'}{number}",
        account=draw.randrange(ACCOUNTS),
        time_in_force=draw.choice(tuple(TimeInForce)),
        reduce_only=reduce_only,
        good_until=now + draw.randrange(1, 2_000) * MS,
        trigger=None if trigger is None else f"{trigger / 100:.2f}",
        trigger_kind=draw.choice(tuple(TriggerKind)),
        trigger_by=draw.choice(tuple(TriggerBy)),
        self_trade=draw.choice(tuple(SelfTrade)),
    )


@cache
def _messages(seed: int) -> tuple[tuple[int, Message], ...]:
    return tuple(_storm(seed))


def _storm(seed: int) -> Iterator[tuple[int, Message]]:
    draw = random.Random(seed)
    now, middle = START, 10_000
    for number in range(LENGTH):
        now += draw.choice((0, 1, MS, MS, 5 * MS, 40 * MS))
        middle = min(11_500, max(8_500, middle + draw.randrange(-9, 10)))
        kind = draw.random()
        if kind < 0.55:
            yield now, _market(draw, now, middle)
        elif kind < 0.65:
            name = f"{draw.choice((REDUCER, 'n'))}{draw.randrange(max(0, number - 40), number + 1)}"
            yield now, CancelRequest(draw.randrange(ACCOUNTS), name)
        else:
            yield now, SubmitOrder(_request(draw, number, middle, now))


def _venue(kind: type[PaperVenue] = PaperVenue) -> PaperVenue:
    accounts = [start("700", (0, "4" if each % 2 else "-4", "100"), account=each) for each in range(ACCOUNTS)]
    return kind(SPEC, INSTRUMENTS, accounts)


def _drive(venue: PaperVenue, messages: Iterable[tuple[int, Message]]) -> list[AccountFact]:
    told: list[AccountFact] = []
    for now, message in messages:
        while (wake := venue.next_wake()) is not None and wake < now:
            told += [fact for _, fact in venue.handle(wake, Wake())]
        told += [fact for _, fact in venue.handle(now, message)]
    return told


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fills_respect_limits_quantities_and_reduce_only(seed: int) -> None:
    """No fill is beyond its limit or its order's quantity, no reducer opens or flips, and an ended order is silent."""
    messages = _messages(seed)
    asked = {message.request.name: message.request for _, message in messages if isinstance(message, SubmitOrder)}
    venue = _venue()
    held = {PositionKey(each, 0): 4_000 if each % 2 else -4_000 for each in range(ACCOUNTS)}
    filled: dict[str, int] = {}
    ended: set[str] = set()
    kinds: list[tuple[bool, object]] = []
    triggered = 0
    for fact in _drive(venue, messages):
        triggered += isinstance(fact, OrderTriggered)
        if isinstance(fact, OrderEnded) and fact.name in asked:
            ended.add(fact.name)
            assert fact.filled == filled.get(fact.name, 0)
        if not isinstance(fact, OrderFilled):
            continue
        before = held[fact.key]
        held[fact.key] = before + fact.quantity * fact.side.sign
        if fact.origin is not FillOrigin.OURS:
            continue
        request = asked[fact.name]
        assert fact.name not in ended
        filled[fact.name] = filled.get(fact.name, 0) + fact.quantity
        assert fact.quantity > 0 and filled[fact.name] <= request.quantity
        if request.limit_price is not None:
            assert (request.limit_price - fact.price) * request.side.sign >= 0
        if request.reduce_only:
            assert before * request.side.sign < 0 and fact.quantity <= abs(before)
        kinds.append((fact.modelled, fact.liquidity))
    for each in range(ACCOUNTS):
        assert sum(report.quantity for report in venue.positions(each)) == held[PositionKey(each, 0)]
    assert len(kinds) > 200 and len(set(kinds)) == 4 and triggered > 50, "a storm in which nothing happens"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cash_is_conserved_between_clients_and_the_tape(seed: int) -> None:
    """What left the wallets is in fees, in the fund or with those on the other side of the tape's trades."""
    venue = _venue()
    _drive(venue, _messages(seed))
    state = venue._exchange.state
    ledger = state.ledgers["USDT"]
    wallets = sum(account.wallets["USDT"] for account in state.accounts)
    entries = sum(holding.entry_value for account in state.accounts for holding in account.holdings)
    assert wallets - entries + ledger.fees + ledger.insurance + ledger.counterparty == ACCOUNTS * 700 * 10**8
    assert ledger.fees > 0


class Restless(PaperVenue):
    """A venue that never trusts a quiet range."""

    def _settle_quiet_ranges(self) -> None:
        super()._settle_quiet_ranges()
        for market in self._markets:
            market.low = market.high = market.mark_low = market.mark_high = 0


def test_quiet_ranges_hide_no_trigger_and_no_fill() -> None:
    """A venue that looks at every print tells exactly what the fast one tells."""
    assert _drive(_venue(), _messages(4)) == _drive(_venue(Restless), _messages(4))


def test_restored_venue_keeps_book_queues_and_waiting_orders() -> None:
    """Killed and restored at ten random messages, it tells the same and ends in the same bytes."""
    messages = _messages(5)
    whole = _venue()
    expected = _drive(whole, messages)
    cuts = sorted(random.Random(5).sample(range(1, LENGTH), 10))
    venue, told = _venue(), []
    for begin, end in zip([0, *cuts], [*cuts, LENGTH], strict=True):
        venue = PaperVenue.restore(SPEC, INSTRUMENTS, venue.snapshot())
        told += _drive(venue, messages[begin:end])
    assert told == expected
    assert venue.snapshot() == whole.snapshot()
