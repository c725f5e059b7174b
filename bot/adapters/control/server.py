"""The daemon's side: takes one question per connection, answers it, and hangs up.

It listens on loopback only. A stranger on this machine gets one word, whatever he says; who holds the connection open
or sends without end is cut off, since nothing here may slow the loop that trades.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from hmac import compare_digest
from typing import Any

from bot.adapters.control.address import HOST, Address
from bot.domain.errors import PenstockError

LINE_MAX = 64 * 1024                 # bytes; the longest question is a reason that a person typed
PATIENCE = 5.0                       # seconds for the question to arrive and for the answer to be taken
CONNECTIONS_MAX = 16                 # one person, some scripts; more is somebody's loop

Answer = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class ControlServer:
    """Asks ``answer(verb, arguments)`` for every question that carries the token."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._open = 0
        self._server: asyncio.Server | None = None
        self.address: Address | None = None

    async def start(self, config: str) -> Address:
        """Listen on a free port and return where; ``config`` is the path of the daemon's configuration."""
        self._server = await asyncio.start_server(self._serve, HOST, 0, limit=LINE_MAX)
        self.address = Address.of(self._server.sockets[0].getsockname()[1], config)
        return self.address

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= CONNECTIONS_MAX:
                async with asyncio.timeout(PATIENCE):
                    line = await reader.readline()
                writer.write(json.dumps(await self._reply(line)).encode() + b"\n")
                async with asyncio.timeout(PATIENCE):
                    await writer.drain()
        except (TimeoutError, ValueError, OSError):      # too slow, too long, or gone: nobody to tell
            pass
        finally:
            self._open -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _reply(self, line: bytes) -> Mapping[str, Any]:
        try:
            asked = json.loads(line)
            token, verb, arguments = asked["token"], asked["verb"], asked["arguments"]
        except (ValueError, KeyError, TypeError):
            return {"error": "control: the question is not understood", "exit_code": 2}
        if self.address is None or not isinstance(token, str) or not compare_digest(
            token.encode(), self.address.token.encode()
        ):
            return {"error": "control: the token is not the daemon's", "exit_code": 3}
        try:
            return {"answer": await self._answer(str(verb), arguments)}
        except PenstockError as error:
            return {"error": str(error), "exit_code": error.exit_code}
