"""Sixty orders on a bad day: whatever becomes of requests, answers and frames, what we were told is what happened."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from bot.domain.events import (
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
)
from bot.domain.scale import NS_PER_MS
from paper.wire.exchange import Reply, Request
from paper.wire.faults import Fate, Frame
from paper.wire.hub import Outgoing
from tests.adapters.ccxt.carriers import Plain
from tests.adapters.ccxt.wired import Wired, wired
from tests.wire.builders import account, run

ORDERS = 60
BUSY = Reply(503, b'{"code":-1008,"msg":"Request throttled by system-level protection."}')


def fates(dice: random.Random) -> Fate:
    """Draw what happens to one request: one in two goes well."""
    slow = dice.randrange(600) * NS_PER_MS
    return dice.choice([
        Fate(), Fate(), Fate(), Fate(), Fate(), Fate(), Fate(wait_before=50 * NS_PER_MS),
        Fate(is_hung_up=True),                               # executed, and the answer lost
        Fate(hearings=0, is_hung_up=True),                   # lost on its way there
        Fate(cut_at=dice.randrange(1, 40)),
        Fate(answer=Reply(200, b"")), Fate(answer=Reply(200, b"<html></html>")), Fate(answer=BUSY, hearings=0),
        Fate(wait_after=slow), Fate(answer=Reply(504, b"")),
        Fate(answer=Reply(400, b'{"code":-1007,"msg":"Send status unknown; execution status unknown."}')),
    ])


class Storm(Plain):
    """Bends requests and the frames of the user stream by a seed, until it is over; counts what it did."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.is_over = True
        self.bent = 0
        self.held: list[Frame] = []

    def fate(self, now: int, request: Request) -> Fate:
        if self.is_over or request.path.endswith(("/time", "/listenKey")):
            return super().fate(now, request)
        fate = fates(self.dice)
        self.bent += fate != Fate()
        return fate

    def carried(self, now: int, outgoing: Outgoing) -> Sequence[Frame]:
        del now
        frame = Frame(outgoing.connection, outgoing.body)
        if self.is_over or outgoing.stream != "user":
            return [frame]
        before, self.held = self.held, []
        match self.dice.randrange(8):
            case 0:
                return before                                # lost
            case 1:
                return [*before, frame, frame]               # twice
            case 2:
                self.held = [frame]                          # behind the next one
                return before
            case 3:
                return [*before, Frame(outgoing.connection, outgoing.body[:50])]
            case _:
                return [*before, frame]


def settled(bench: Wired) -> set[str]:
    """Return the orders of which the end is known, and every fill before it."""
    missing = [fact.name for fact in bench.of(OrderNotFound)]
    trades = {(fact.name, fact.trade_id): fact.quantity for fact in bench.of(OrderFilled)}
    filled: dict[str, int] = {}
    for (name, _), quantity in trades.items():
        filled[name] = filled.get(name, 0) + quantity
    return (
        {fact.name for kind in (OrderRejected, OrderNotSent) for fact in bench.of(kind)}
        | {fact.name for fact in bench.of(OrderEnded) if filled.get(fact.name, 0) >= fact.filled}
        | {name for name in missing if missing.count(name) >= 2}
    )


async def sell(bench: Wired, storm: Storm) -> list[str]:
    """Send the orders, a few at a time, and look up what is not known until all of it is."""
    storm.is_over = False
    names = []
    for number in range(ORDERS):
        names.append(bench.place(bench.request(quantity=1 + number % 3)))
        await asyncio.sleep(0.02)
    await bench.until(lambda: {fact.name for fact in bench.facts if hasattr(fact, "name")} >= set(names))
    for round_of in range(100):
        if round_of == 6:
            storm.is_over = True
            bench.connection.exchange.timeout = 10_000           # a busy machine is no part of the storm
        if storm.is_over and settled(bench) >= set(names):
            break
        for name in sorted(set(names) - settled(bench)):
            bench.venue.look_up(bench.time.now(), 0, name)
        await asyncio.sleep(0.25)
    return names


@pytest.mark.parametrize("seed", [1, 2])
def test_storm_leaves_no_order_unknown_and_no_fill_counted_wrongly(seed: int) -> None:
    """Each order is at the venue at most once, and the fills that we were told are the fills that were."""
    storm = Storm(seed)

    async def scenario() -> None:
        async with wired(account(balance=1_000_000, btc=5_000), carrier=storm, streams=True) as bench:
            bench.connection.exchange.timeout = 300
            names = await sell(bench, storm)
            assert settled(bench) >= set(names)
            told: dict[str, dict[str, int]] = {}
            for fact in bench.of(OrderFilled):
                told.setdefault(fact.name, {})[fact.trade_id] = fact.quantity
            orders = bench.server.exchange.floor.register.shelf(0).orders.values()
            there = [order.terms.client_id for order in orders]
            assert len(there) == len(set(there))
            filled = {order.terms.client_id: order.filled for order in orders}
            assert {name: sum(trades.values()) for name, trades in told.items()} == filled
            refused = {fact.name for kind in (OrderRejected, OrderNotSent, OrderNotFound) for fact in bench.of(kind)}
            assert not refused & set(filled)
            assert storm.bent > ORDERS // 3
            assert len(bench.of(OrderOutcomeUnknown)) > 5

    run(scenario)
