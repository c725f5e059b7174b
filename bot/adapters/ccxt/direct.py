"""Requests that cannot wait: signed as ccxt would, carried by a line of our own, their answers judged by ccxt.

    begin   in the callback that decided an order: a place in the turnstile, a signature, the bytes on a warm
            connection, all without a turn of the loop; what is left is to wait for the answer
    call    the same for one that holds its place already, and opens a connection where none is warm
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from bot.adapters.ccxt.limiter import Ticket
from bot.adapters.ccxt.line import BrokenAnswer, HttpRequest, Line, NotConnected, Sent
from bot.adapters.ccxt.signing import Signer
from bot.adapters.ccxt.turnstile import Turnstile

# What cannot wait, and what keeps its way warm: ccxt's path, its api and the verb, as its own tables have them.
_BY_LINE = {
    "fapiPrivatePostOrder": ("order", "fapiPrivate", "POST"),
    "fapiPrivateDeleteOrder": ("order", "fapiPrivate", "DELETE"),
    "fapiPrivatePostAlgoOrder": ("algoOrder", "fapiPrivate", "POST"),
    "fapiPublicGetTime": ("time", "fapiPublic", "GET"),
}


@dataclass(frozen=True, slots=True)
class Direct:
    """The short way of one ccxt client. ``exchange`` is the client."""

    exchange: Any
    turnstile: Turnstile
    line: Line
    signer: Signer

    def takes(self, method: str) -> bool:
        """True of ccxt's implicit methods that go this way."""
        return self.exchange.id == "binanceusdm" and method in _BY_LINE

    def begin(self, ticket: Ticket, method: str, parameters: dict[str, object]) -> Coroutine[Any, Any, Any]:
        """Sign and write a request that has its place; return the wait for its answer, which gives the place back.

        Raises nothing: whatever goes wrong is raised by the wait. Where no connection is warm, the wait opens one.
        """
        try:
            request = self._signed(method, parameters)
            sent = self.line.begin(request)
        except Exception as error:  # noqa: BLE001  # it has an outcome, which is told where answers are
            self.turnstile.leave(ticket)
            return _failed(error)
        return self._finish(ticket, request, sent)

    async def call(self, method: str, parameters: dict[str, object]) -> Any:
        """Sign, send and judge; raises what ccxt would."""
        return await self._answer(self._signed(method, parameters), None)

    async def _finish(self, ticket: Ticket, request: HttpRequest, sent: Sent | None) -> Any:
        try:
            return await self._answer(request, sent)
        finally:
            self.turnstile.leave(ticket)

    def _signed(self, method: str, parameters: dict[str, object]) -> HttpRequest:
        return self.signer.signed(*_BY_LINE[method], parameters)

    async def _answer(self, request: HttpRequest, sent: Sent | None) -> Any:
        """Return what the venue answers, as ccxt reads and judges it; sends the request unless it is ``sent``."""
        from ccxt.base.errors import ExchangeError, ExchangeNotAvailable, RequestTimeout

        method, url = request.method, request.url
        what = f"{self.exchange.id} {method} {url}"
        try:
            async with asyncio.timeout(self.exchange.timeout / 1000):
                answer = await (self.line.send(request) if sent is None else self.line.finish(sent))
        except TimeoutError as error:
            raise RequestTimeout(what) from error
        except (NotConnected, OSError, EOFError) as error:       # a connection that ended early is an EOFError
            raise ExchangeNotAvailable(what) from error
        except BrokenAnswer as error:
            raise ExchangeError(what) from error
        self.turnstile.heard(answer.status, answer.headers)
        parsed = self.exchange.parse_json(answer.body)
        judged = answer.status, answer.reason, url, method, answer.headers, answer.body
        self.exchange.handle_errors(*judged, parsed, request.headers, request.body)
        self.exchange.handle_http_status_code(answer.status, answer.reason, url, method, answer.body)
        return answer.body if parsed is None else parsed


async def _failed(error: Exception) -> Any:
    raise error
