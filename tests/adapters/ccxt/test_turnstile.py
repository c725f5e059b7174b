"""The limiter as tasks meet it: passages, lateness, and the venue's headers."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from bot.adapters.ccxt.limiter import Lane, Limiter, Quota, Unit
from bot.adapters.ccxt.turnstile import TooLate, Turnstile
from bot.domain.scale import NS_PER_MS, NS_PER_SECOND

WALL = 1_700_000_000 * NS_PER_SECOND
SMALL = Quota(Unit.WEIGHT, 50 * NS_PER_MS, 10, "x-used")


class Hands:
    """A monotonic clock that follows the loop's, and a wall clock that began at ``WALL``."""

    born: ClassVar[float] = 0.0

    @staticmethod
    def monotonic() -> int:
        return int(asyncio.get_running_loop().time() * NS_PER_SECOND)

    @staticmethod
    def wall() -> int:
        return WALL + Hands.monotonic()


def turnstile(quota: Quota = SMALL) -> Turnstile:
    return Turnstile(Limiter([quota]), monotonic=Hands.monotonic, wall=Hands.wall)


def test_passage_that_fits_is_entered_without_a_turn_of_the_loop() -> None:
    """An order that may go goes in the callback that decided it."""
    async def run() -> list[str]:
        gate, done = turnstile(), []
        asyncio.get_running_loop().call_soon(lambda: done.append("loop"))
        async with gate.passage(Lane.RISK, weight=1):
            done.append("sent")
        return list(done)

    assert asyncio.run(run()) == ["sent"]


def test_passage_that_does_not_fit_waits_for_the_quota() -> None:
    """The second fills the quota: it leaves when the span of the first is over, by the turnstile's own timer."""
    async def run() -> list[Lane]:
        gate, left = turnstile(), []

        async def send(lane: Lane) -> None:
            async with gate.passage(lane, weight=6):
                left.append(lane)

        await asyncio.gather(send(Lane.READ), send(Lane.READ), send(Lane.RISK))
        return left

    assert asyncio.run(run()) == [Lane.READ, Lane.RISK, Lane.READ]


def test_passage_past_its_time_raises_and_sends_nothing() -> None:
    """An order that could not leave in time is given back as not sent."""
    async def run() -> str:
        gate = turnstile(Quota(Unit.WEIGHT, 60 * NS_PER_SECOND, 10))
        async with gate.passage(Lane.RISK, weight=10):
            pass
        with pytest.raises(TooLate) as raised:
            async with gate.passage(Lane.RISK, weight=1, valid_until=Hands.wall() + 5 * NS_PER_MS):
                raise AssertionError("was let through")
        return str(raised.value)

    assert "risk" in asyncio.run(run())


def test_passage_of_a_cancelled_task_leaves_its_place() -> None:
    """Who gives up while waiting does not hold up the next."""
    async def run() -> int:
        gate = turnstile(Quota(Unit.WEIGHT, 60 * NS_PER_SECOND, 10))

        async def send() -> None:
            async with gate.passage(Lane.SLICE, weight=8):
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(send()) for _ in range(2)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(tasks[1], return_exceptions=True)
        waiting = gate.limiter.waiting
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        return waiting

    assert asyncio.run(run()) == 0


def test_turnstile_hears_the_count_and_the_refusal_in_any_case_of_letters() -> None:
    """Headers come as the venue likes to write them."""
    async def run() -> tuple[float, int | None]:
        gate = turnstile(Quota(Unit.WEIGHT, 60 * NS_PER_SECOND, 10, "x-used"))
        now = gate.limiter
        gate.heard(429, {"X-Used": "5", "Retry-After": "7"})
        at = Hands.monotonic()
        level = now.level(at, Unit.WEIGHT)
        now.ask(Lane.READ, weight=1)
        opens = now.next_at(at)
        return level, None if opens is None else round((opens - at) / NS_PER_SECOND)

    assert asyncio.run(run()) == (0.5, 7)
