"""The short way of an order: written in the callback that decided it, and told of like any other."""

from __future__ import annotations

import gc
import warnings

import pytest

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.limiter import Lane, Limiter, Quota, Unit
from bot.adapters.ccxt.line import HttpRequest, Line, Sent
from bot.domain.events import OrderAccepted, OrderNotSent, OrderOutcomeUnknown
from bot.domain.scale import NS_PER_SECOND
from paper.wire.exchange import Request
from paper.wire.faults import Fate
from tests.adapters.ccxt.carriers import Plain
from tests.adapters.ccxt.wired import Wired, wired
from tests.wire.builders import account, run


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was written without waiting, by its verb."""
    verbs: list[str] = []
    begin = Line.begin

    def noting(line: Line, request: HttpRequest) -> Sent | None:
        sent = begin(line, request)
        if sent is not None:
            verbs.append(request.method)
        return sent

    monkeypatch.setattr(Line, "begin", noting)
    return verbs


def room(bench: Wired) -> int:
    """Return how many units of the only quota are used now."""
    turnstile = bench.connection.turnstile
    return round(turnstile.limiter.level(turnstile._monotonic(), Unit.ORDERS) * 10)


def only(limit: int) -> Limiter:
    """Return a limiter of one quota: so many orders an hour."""
    return Limiter([Quota(Unit.ORDERS, 3_600 * NS_PER_SECOND, limit)])


def test_order_is_written_before_place_returns(written: list[str]) -> None:
    """No turn of the loop lies between the decision and the bytes: the connection is warm, and nobody waits."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            bench.connection.turnstile.limiter = only(10)
            written.clear()
            bench.place(bench.request())
            assert written == ["POST"]
            assert room(bench) == 1
            await bench.until(lambda: bench.of(OrderAccepted))

    run(scenario)


def test_order_without_a_warm_connection_is_sent_once_it_has_one(written: list[str]) -> None:
    """The second of a burst finds the only warm connection taken: it opens one, and neither is sent twice."""
    seen: list[str] = []

    class Reads(Plain):
        def fate(self, now: int, request: Request) -> Fate:
            if request.method == "POST" and request.path.endswith("/order"):
                seen.append(request.params["newClientOrderId"])
            return super().fate(now, request)

    async def scenario() -> None:
        async with wired(account(btc=50), carrier=Reads()) as bench:
            written.clear()
            names = [bench.place(bench.request()) for _ in range(2)]
            assert written == ["POST"]
            await bench.until(lambda: len(bench.of(OrderAccepted)) == 2)
            assert sorted(seen) == sorted(names)

    run(scenario)


def test_order_over_the_quota_waits_and_is_told_as_not_sent(written: list[str]) -> None:
    """With no room nothing is written, and past its time the order is given back."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            bench.connection.turnstile.limiter = only(1)
            bench.place(bench.request())
            await bench.until(lambda: bench.of(OrderAccepted))
            written.clear()
            name = bench.place(bench.request(), valid_for=0.05)
            await bench.until(lambda: bench.of(OrderNotSent))
            assert [fact.name for fact in bench.of(OrderNotSent)] == [name]
            assert written == []

    run(scenario)


def test_order_behind_another_that_waits_does_not_pass_it(written: list[str]) -> None:
    """It would fit by itself, but its lane is a queue: the short way is for when nobody waits."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            turnstile = bench.connection.turnstile
            turnstile.limiter = only(10)
            first = turnstile.enter(Lane.RISK, weight=0, orders=1)
            giant = turnstile.limiter.ask(Lane.RISK, weight=0, orders=10)
            written.clear()
            bench.place(bench.request())
            assert written == []
            turnstile.limiter.withdraw(giant)
            assert first is not None
            turnstile.leave(first)
            await bench.until(lambda: bench.of(OrderAccepted))

    run(scenario)


def test_order_that_cannot_be_signed_is_told_and_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong on the short way has an outcome, told where answers are, and holds up nobody."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            left: list[int] = []

            def timeless() -> int:
                raise ValueError("no time")

            monkeypatch.setattr(bench.connection.turnstile, "leave", lambda ticket: left.append(ticket.number))
            monkeypatch.setattr(bench.connection.exchange, "nonce", timeless)
            name = bench.place(bench.request())
            assert len(left) == 1
            await bench.until(lambda: bench.facts)
            assert [fact.name for fact in bench.of(OrderOutcomeUnknown)] == [name]

    run(scenario)


def test_order_written_in_the_turn_that_ends_the_process_is_told_as_unknown() -> None:
    """Its bytes are out before its task has begun: the record must say so, however soon the end comes."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            name = bench.place(bench.request())
            await bench.venue.close()
            assert [fact.name for fact in bench.of(OrderOutcomeUnknown)] == [name]

    with warnings.catch_warnings():
        warnings.simplefilter("error")               # a wait that nobody waited for would be one
        run(scenario)
        gc.collect()


def test_other_requests_go_as_they_did() -> None:
    """What is no order is begun by waiting for it."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            connection: Connection = bench.connection
            reply = await connection.send("fapiPublicGetExchangeInfo", {}, Lane.READ, weight=1)
            assert "symbols" in reply

    run(scenario)
