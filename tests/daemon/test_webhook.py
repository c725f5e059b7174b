"""Alarms over HTTP: to a real server on loopback that answers well, badly or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web

from bot.adapters import webhook as webhook_module
from bot.adapters.webhook import Webhook
from bot.domain.errors import InputError


@asynccontextmanager
async def chat(statuses: list[int]) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A chat service that answers with ``statuses`` in turn, and 200 after them; yields its address and what it got."""
    got: list[dict[str, Any]] = []

    async def hook(request: web.Request) -> web.Response:
        got.append(await request.json())
        status = statuses.pop(0) if statuses else 200
        return web.Response(status=status, headers={"Location": "http://127.0.0.1:9/"})

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/hook", got
    finally:
        await runner.cleanup()


async def posted(statuses: list[int], *codes: str, expect: int) -> tuple[Webhook, list[dict[str, Any]]]:
    """Post alarms to a chat and wait until it was called ``expect`` times."""
    async with chat(statuses) as (address, got):
        hook = Webhook(address, pause=0.01)
        running = asyncio.create_task(hook.run(lambda: None))
        for code in codes:
            hook.post(code, "something is wrong", "2026-11-21T00:00:00Z")
        async with asyncio.timeout(60):
            while len(got) < expect:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        return hook, got


def test_webhook_alarm_arrives_once_and_reads_as_a_sentence() -> None:
    """A chat service shows the text, a script reads the code."""
    _, got = asyncio.run(posted([], "blind", expect=1))
    assert got == [{
        "code": "blind", "detail": "something is wrong", "time": "2026-11-21T00:00:00Z", "source": "penstock",
        "text": "penstock: blind: something is wrong",
    }]


def test_webhook_refused_twice_is_told_a_third_time() -> None:
    """A chat service that is busy is asked again, and a redirect is not followed."""
    hook, got = asyncio.run(posted([503, 302], "blind", expect=3))
    assert len(got) == 3 and hook.undelivered == 0


def test_webhook_refused_always_is_given_up_and_counted() -> None:
    """An alarm that nobody takes holds up no later one for ever."""
    hook, got = asyncio.run(posted([500] * webhook_module.TRIES, "first", "second", expect=webhook_module.TRIES + 1))
    assert hook.undelivered == 1
    assert got[-1]["code"] == "second"


def test_webhook_full_queue_drops_the_oldest_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A storm of alarms costs no memory, and the next that gets through says how many were lost."""
    monkeypatch.setattr(webhook_module, "QUEUE_MAX", 2)
    _, got = asyncio.run(posted([], "a", "b", "c", "d", expect=2))
    assert [each["code"] for each in got] == ["c", "d"]
    assert "(2 alarms before it were dropped)" in got[0]["text"] and "dropped" not in got[1]["text"]


@pytest.mark.parametrize("address", ["http://example.com/x", "ftp://example.com", "example.com/hook", ""])
def test_webhook_address_in_the_clear_is_refused_without_being_shown(address: str) -> None:
    """Alarms name positions: over the open net they go encrypted or not at all."""
    with pytest.raises(InputError, match="https") as refused:
        Webhook(address)
    assert "example" not in str(refused.value)
