"""Tells one web address of every alarm: a POST of JSON, beside the loop's work and never in its way.

    {"code": "stop_missing", "detail": "...", "time": "2026-11-21T18:00:00Z", "source": "penstock", "text": "..."}

``text`` holds both in one sentence, which is what chat services show. What the address does not take is tried again a
few times; what does not fit into the queue is dropped and counted, and the next message that gets through says so.
The address is a secret, since such addresses carry their token: it is never logged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp

from bot.domain.errors import InputError

QUEUE_MAX = 200                      # alarms; a storm of more says nothing new to a person
TRIES = 4
PATIENCE = 10.0                      # seconds for one try
PAUSE = 2.0                          # seconds before the second try, doubled for each after it
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Webhook:
    """``post`` puts an alarm into the queue, ``run`` empties it for ever."""

    def __init__(self, address: str, *, pause: float = PAUSE) -> None:
        """Raise InputError for an address that is neither https nor of this machine."""
        parts = urlsplit(address)
        if not (parts.scheme == "https" and parts.hostname) and not (
            parts.scheme == "http" and parts.hostname in _LOOPBACK
        ):
            raise InputError(
                f"alerts.webhook: must be an https address, was one of {parts.scheme or 'no'} scheme; give the whole "
                "address that your chat service shows"
            )
        self._address = address
        self._pause = pause
        self._queue: deque[dict[str, str]] = deque()
        self._filled = asyncio.Event()
        self.dropped = 0
        self.undelivered = 0

    def post(self, code: str, detail: str, time: str) -> None:
        """Take an alarm; a full queue drops its oldest."""
        if len(self._queue) >= QUEUE_MAX:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append({"code": code, "detail": detail, "time": time})
        self._filled.set()

    async def run(self, beat: Callable[[], None]) -> None:
        """Deliver what is posted, one after the other; ``beat`` is called after every try and every idle second."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
            while True:
                beat()
                if not self._queue:
                    self._filled.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(1.0):
                            await self._filled.wait()
                    continue
                await self._deliver(session, self._queue.popleft(), beat)

    async def drain(self, seconds: float) -> None:
        """Wait until everything posted was delivered or given up, but no longer than ``seconds``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._queue:
                    await asyncio.sleep(0.02)

    async def _deliver(self, session: aiohttp.ClientSession, alarm: dict[str, str], beat: Callable[[], None]) -> None:
        lost = f" ({self.dropped} alarms before it were dropped)" if self.dropped else ""
        body = {**alarm, "source": "penstock", "text": f"penstock: {alarm['code']}: {alarm['detail']}{lost}"}
        for tried in range(TRIES):
            if await self._is_taken(session, body):
                self.dropped = 0
                return
            beat()
            await asyncio.sleep(self._pause * 2**tried)
        self.undelivered += 1

    async def _is_taken(self, session: aiohttp.ClientSession, body: dict[str, str]) -> bool:
        try:
            # a redirect could lead the alarm, and the token in the address, to anybody
            async with session.post(self._address, json=body, allow_redirects=False) as reply:
                return 200 <= reply.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
