"""Our own line: one request, one answer, in whatever pieces it comes; and connections that are kept or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.ccxt.line import IDLE_MAX, BrokenAnswer, HttpAnswer, HttpRequest, Line, NotConnected, _read

BODY = b'{"orderId":1,"clientOrderId":"x"}'
PLAIN = b"HTTP/1.1 200 OK\r\nX-Used: 7\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" + BODY[:5] + b"\r\n%x;a=b\r\n" % len(BODY[5:])
    + BODY[5:] + b"\r\n0\r\nTrailer: 1\r\n\r\n"
)


def read(*pieces: bytes) -> tuple[HttpAnswer, bool]:
    """Read one answer that comes in these pieces, after which the other side hangs up."""
    async def run() -> tuple[HttpAnswer, bool]:
        reader = asyncio.StreamReader()
        for piece in pieces:
            reader.feed_data(piece)
        reader.feed_eof()
        return await _read(reader)

    return asyncio.run(run())


@given(cuts=st.lists(st.integers(0, 120), max_size=5), whole=st.sampled_from([PLAIN, CHUNKED]))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_answer_is_the_same_in_whatever_pieces_it_comes(cuts: list[int], whole: bytes) -> None:
    """The network cuts where it likes."""
    marks = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    answer, is_reusable = read(*(whole[begin:end] for begin, end in pairwise(marks)))
    assert (answer.status, answer.reason, answer.body.encode()) == (200, "OK", BODY)
    assert is_reusable


@pytest.mark.parametrize("keep", range(0, len(PLAIN), 7))
def test_answer_that_is_cut_off_is_an_error_and_never_half_an_answer(keep: int) -> None:
    """Whatever is missing, what came is not taken for the whole."""
    with pytest.raises((asyncio.IncompleteReadError, BrokenAnswer)):
        read(PLAIN[:keep])


@pytest.mark.parametrize(
    ("raw", "body", "is_reusable"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "ok", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "", True),
        (b"HTTP/1.1 503\r\ncontent-length: 0\r\n\r\n", "", True),
    ],
)
def test_answer_ends_where_its_head_says(raw: bytes, body: str, is_reusable: bool) -> None:
    """A length, chunks, nothing, or the end of the connection, which then carries no other."""
    answer, kept = read(raw)
    assert (answer.body, kept) == (body, is_reusable)


@pytest.mark.parametrize("raw", [
    b"SMTP ready\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"x" * 70_000 + b"\r\n\r\n",
])
def test_answer_that_is_none_is_broken(raw: bytes) -> None:
    """What is no answer is an error of its own, and no order is inferred from it."""
    with pytest.raises(BrokenAnswer):
        read(raw)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def with_server(serve: Serve, scenario: Callable[[Line, str], Awaitable[None]]) -> None:
    """Run a scenario against a server on loopback."""
    serving: set[asyncio.Task[None]] = set()

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await serve(reader, writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def run() -> None:
        server = await asyncio.start_server(kept, "127.0.0.1", 0)
        line = Line()
        try:
            await scenario(line, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a?b=c")
        finally:
            await line.close()
            server.close()
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(run(), 60))


def test_line_keeps_a_few_connections_and_says_what_was_asked() -> None:
    """Six at once open six; four are kept; the next one is sent on a warm one."""
    opened: list[int] = []
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(1)
        while True:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(5)
            await asyncio.sleep(0.05)
            writer.write(PLAIN)

    async def scenario(line: Line, url: str) -> None:
        request = HttpRequest("POST", url, {"X-Key": "k"}, "a=b&c")
        answers = await asyncio.gather(*(line.send(request) for _ in range(6)))
        assert {answer.headers["x-used"] for answer in answers} == {"7"}
        assert len(opened) == 6
        assert sum(len(kept) for kept in line._idle.values()) == IDLE_MAX
        await line.send(HttpRequest("POST", url, {}, "a=b&c"))
        assert len(opened) == 6

    with_server(serve, scenario)
    first = heads[0].decode().split("\r\n")
    assert first[0] == "POST /a?b=c HTTP/1.1"
    assert {"X-Key: k", "Content-Length: 5"} <= set(first)


def test_line_that_is_cancelled_keeps_no_half_read_connection() -> None:
    """The answer of a request that was given up must not be taken for the next one's."""
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.write(PLAIN)

    async def scenario(line: Line, url: str) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.send(HttpRequest("GET", url, {}, "")), 0.03)
        assert not any(line._idle.values())

    with_server(serve, scenario)


def test_line_to_nobody_is_not_connected() -> None:
    """A refused connection, and a name that does not exist: nothing was written."""
    async def run() -> None:
        for url in ("http://127.0.0.1:1/", "http://no-such-host.invalid/"):
            with pytest.raises(NotConnected):
                await Line().send(HttpRequest("GET", url, {}, ""))

    asyncio.run(run())
