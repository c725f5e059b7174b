"""Requests that are on their way: until when they may reach the venue, by our own clock alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.adapters.ccxt.account_stream import AccountDecoder
from bot.adapters.ccxt.arrivals import AHEAD_MAX, Arrivals
from bot.adapters.ccxt.outcome import Outcome
from bot.adapters.ccxt.venue import BinanceVenue
from bot.domain.events import AccountFact, AccountSnapshot, OrderFilled, OrderNotFound
from bot.domain.scale import NS_PER_SECOND
from paper.wire.mischief import Mischief
from tests.adapters.ccxt.unified.wired import wired as wired_unified
from tests.adapters.ccxt.wired import Wired, wired
from tests.wire.builders import account, run

S = NS_PER_SECOND
WINDOW = 2 * S
LATE = 0.5                           # seconds that an order takes to its exchange, far less than its window


@pytest.mark.parametrize(
    ("outcome", "asked", "may_come"),
    [
        (None, 13 * S, True), (None, 13 * S + 1, False),
        (Outcome.UNKNOWN, 12 * S, True), (Outcome.UNKNOWN, 12 * S + 1, False),
        (Outcome.DUPLICATE_ID, 12 * S, True),
        (Outcome.ACCEPTED, 9 * S, False), (Outcome.REJECTED, 9 * S, False), (Outcome.NOT_SENT, 9 * S, False),
    ],
)
def test_order_may_come_until_its_last_stamp_is_past_its_window(
    outcome: Outcome | None, asked: int, may_come: bool
) -> None:
    """Stamped at 10 s at the latest, good for 2 s, up to 1 s ahead: 13 s. Unanswered at 9 s, it was stamped by then."""
    arrivals = Arrivals(lambda: 9 * S, window=WINDOW)
    arrivals.sent("a", 10 * S)
    if outcome is not None:
        arrivals.learned("a", outcome)
    assert arrivals.may_come("a", asked) is may_come


def test_order_of_another_process_may_come_until_its_own_last_stamp_is_past_its_window() -> None:
    """Nothing is known of what a dead process sent but that it was sent before it was dead."""
    arrivals = Arrivals(lambda: 0, window=WINDOW)
    assert not arrivals.may_come("unknown", 1)           # a run of its own: nobody sent anything before
    arrivals.took_over(10 * S)
    assert arrivals.may_come("unknown", 10 * S + WINDOW + AHEAD_MAX)
    assert not arrivals.may_come("unknown", 10 * S + WINDOW + AHEAD_MAX + 1)


def late() -> Mischief:
    """An exchange that hears the first order only after a while, and what is asked after it before it."""
    carrier = Mischief()
    carrier.follow(json.dumps({"rules": [
        {"fault": "late", "method": "POST", "path": "/fapi/v1/order", "delay_ms": int(LATE * 1000), "times": 1},
    ]}))
    return carrier


def test_account_after_a_kill_is_told_with_the_order_that_was_on_its_way() -> None:
    """A dead process's order is heard late: no look before that settles it, and the account waits for it."""
    async def scenario() -> None:
        async with wired(account(btc=50), carrier=late()) as bench:
            sent = bench.time.now()
            name = bench.place(bench.request(quantity=10))
            facts, venue = _successor(bench)
            venue.look_up(sent, 0, name)
            venue.catch_up(sent, 0, 0, sent)
            venue.report_account(sent, 0)
            await bench.until(lambda: [fact for fact in facts if isinstance(fact, AccountSnapshot)], seconds=20)
            assert all(fact.may_come for fact in facts if isinstance(fact, OrderNotFound))
            kinds = [type(fact) for fact in facts]
            assert OrderFilled in kinds[: kinds.index(AccountSnapshot)]
            assert bench.time.now() - sent > WINDOW
            await venue.close()

    run(scenario, seconds=40)


def _successor(bench: Wired) -> tuple[list[AccountFact], BinanceVenue]:
    """The venue of the process that takes over now, on the same connection, and what it tells."""
    facts: list[AccountFact] = []
    decoder = AccountDecoder(bench.venue.view)
    venue = BinanceVenue(bench.connection, decoder, bench.time, tell=facts.append, report=bench.troubles.append)
    venue.arrivals.took_over(bench.time.now())
    return facts, venue


@pytest.mark.parametrize("house", [wired, wired_unified], ids=["binance", "unified"])
def test_missing_order_is_told_with_whether_it_may_come(house: Callable[..., Any]) -> None:
    """What the exchange does not have is told as such; whether that settles anything is a matter of time."""
    async def scenario() -> None:
        async with house(account(btc=50)) as bench:
            name = bench.request().name
            bench.venue.arrivals.sent(name, bench.time.now() + 3_600 * S)
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderNotFound))
            bench.venue.arrivals.learned(name, Outcome.ACCEPTED)
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: len(bench.of(OrderNotFound)) == 2)
            assert [fact.may_come for fact in bench.of(OrderNotFound)] == [True, False]

    run(scenario)


def test_unified_account_after_a_kill_waits_for_what_may_be_on_its_way() -> None:
    """An exchange of which nothing special is known takes a request for five seconds, and one of stamp."""
    async def scenario() -> None:
        async with wired_unified(account(btc=50)) as bench:
            at = bench.time.now()
            bench.venue.arrivals.took_over(at - 4 * S)
            bench.venue.report_account(at, 0)
            await bench.until(lambda: bench.of(AccountSnapshot), seconds=30)
            assert bench.of(AccountSnapshot)[0].taken > at + 1 * S
            assert bench.connection.exchange.options["recvWindow"] == 5_000

    run(scenario)
