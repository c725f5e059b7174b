"""T1: what an order's outcome is judged to be, for forty shapes of answer through a real ccxt over real sockets."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import pytest

from bot.adapters.ccxt.binance_orders import unified
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.limiter import Lane, Limiter
from bot.adapters.ccxt.outcome import (
    BINANCE,
    DETAIL_MAX,
    OTHERS,
    Answer,
    Dialect,
    Outcome,
    dialect_of,
    fact_of,
    outcome_of_error,
    outcome_of_order,
    says_absent,
    venue_code,
)
from bot.domain.events import OrderAccepted, OrderNotSent, OrderOutcomeUnknown, OrderRejected
from bot.execution.refusals import PRICE_REFUSED, WOULD_TAKE
from tests.adapters.ccxt.raw_venue import (
    PATIENCE_MS,
    RawVenue,
    Reply,
    http,
    make_certificate,
    overridden_client,
    own_client,
    true_host_client,
)

NAME = "pena00sn000001000"
ACCEPTED, REJECTED, DUPLICATE, UNKNOWN, NOT_SENT = (
    Outcome.ACCEPTED, Outcome.REJECTED, Outcome.DUPLICATE_ID, Outcome.UNKNOWN, Outcome.NOT_SENT,
)
TAKEN = {
    "orderId": 1, "symbol": "BTCUSDT", "clientOrderId": NAME, "status": "NEW", "type": "LIMIT", "side": "SELL",
    "price": "61000", "origQty": "0.01", "executedQty": "0", "avgPrice": "0", "updateTime": 1_700_000_000_000,
}


def says(status: str, body: str | dict[str, Any], *headers: str, kind: str = "application/json") -> Reply:
    """Answer with these bytes."""
    async def reply(venue: RawVenue, writer: asyncio.StreamWriter, asked: dict[str, str]) -> None:
        del venue, asked
        writer.write(http(status, body, *headers, kind=kind))
    return reply


def says_in_pieces(body: dict[str, Any]) -> Reply:
    """Answer in chunks."""
    async def reply(venue: RawVenue, writer: asyncio.StreamWriter, asked: dict[str, str]) -> None:
        del venue, asked
        payload = json.dumps(body).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        pieces = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (payload[:20], payload[20:]))
        writer.write(head + pieces + b"0\r\n\r\n")
    return reply


def refuses(code: int, words: str, status: str = "400 Bad Request") -> Reply:
    """Answer with one of the venue's codes."""
    return says(status, {"code": code, "msg": words})


def cuts(whole: bytes, keep: int) -> Reply:
    """Send the first bytes of an answer and hang up."""
    async def reply(venue: RawVenue, writer: asyncio.StreamWriter, asked: dict[str, str]) -> None:
        del venue, asked
        writer.write(whole[:keep])
        await writer.drain()
        writer.close()
    return reply


def hangs_up_after(whole: bytes) -> Reply:
    """Answer well, and close the connection, as a venue does with those that are idle."""
    return cuts(whole, len(whole))


async def resets(venue: RawVenue, writer: asyncio.StreamWriter, asked: dict[str, str]) -> None:
    """Break the connection after the order was read."""
    del venue, asked
    writer.transport.abort()


async def stays_silent(venue: RawVenue, writer: asyncio.StreamWriter, asked: dict[str, str]) -> None:
    """Never answer."""
    del venue, writer, asked
    await asyncio.Event().wait()


BUSY = "503 Service Unavailable"
HTML = "<html><body>Just a moment...</body></html>"
UNKNOWN_503 = "Unknown error, please check your request or try again later."
INTERNAL_503 = "Internal error; unable to process your request. Please try again."
THROTTLED_503 = "Request throttled by system-level protection. Reduce-only/close-position orders are exempt."
SHAPES: list[tuple[str, Reply, Outcome, str]] = [
    ("taken", says("200 OK", TAKEN), ACCEPTED, ""),
    ("taken, and expired at once", says("200 OK", TAKEN | {"status": "EXPIRED"}), ACCEPTED, ""),
    ("taken, without an id", says("200 OK", {key: TAKEN[key] for key in TAKEN if key != "orderId"}), UNKNOWN, ""),
    ("taken, of another name", says("200 OK", TAKEN | {"clientOrderId": "someone"}), UNKNOWN, ""),
    ("empty 200", says("200 OK", ""), UNKNOWN, ""),
    ("an empty object", says("200 OK", {}), UNKNOWN, ""),
    ("null", says("200 OK", "null"), UNKNOWN, ""),
    ("a list", says("200 OK", "[]"), UNKNOWN, ""),
    ("html 200", says("200 OK", HTML, kind="text/html"), UNKNOWN, ""),
    ("half of the json", says("200 OK", '{"orderId":1,"symbol":"BTC'), UNKNOWN, ""),
    ("truncated body", cuts(http("200 OK", TAKEN), -40), UNKNOWN, ""),
    ("truncated head", cuts(http("200 OK", TAKEN), 20), UNKNOWN, ""),
    ("truncated refusal", cuts(http("400 Bad Request", {"code": -2019, "msg": "Margin"}), -10), UNKNOWN, ""),
    ("reset after it was read", resets, UNKNOWN, ""),
    ("slow", stays_silent, UNKNOWN, ""),
    ("503 unknown, plain", says(BUSY, UNKNOWN_503, kind="text/plain"), UNKNOWN, "503"),
    ("503 unknown, json", refuses(-1000, UNKNOWN_503, BUSY), UNKNOWN, "-1000"),
    ("503 unavailable, plain", says(BUSY, "Service Unavailable.", kind="text/plain"), REJECTED, "503"),
    ("503 internal, json", refuses(-1001, INTERNAL_503, BUSY), REJECTED, "-1001"),
    ("503 internal, plain", says(BUSY, INTERNAL_503, kind="text/plain"), REJECTED, "503"),
    ("503 throttled", refuses(-1008, THROTTLED_503, BUSY), REJECTED, "-1008"),
    ("503 of a gateway", says(BUSY, "<h1>503 Service Unavailable</h1>", kind="text/html"), UNKNOWN, "503"),
    ("disconnected", refuses(-1001, "Internal error.", BUSY), UNKNOWN, "-1001"),
    ("502", says("502 Bad Gateway", HTML, kind="text/html"), UNKNOWN, "502"),
    ("504", says("504 Gateway Timeout", "", kind="text/html"), UNKNOWN, "504"),
    ("404, the endpoint is gone", says("404 Not Found", HTML, kind="text/html"), UNKNOWN, "404"),
    ("429 json", refuses(-1003, "Too many requests.", "429 Too Many Requests"), REJECTED, "-1003"),
    ("chunked", says_in_pieces(TAKEN), ACCEPTED, ""),
    ("429 plain", says("429 Too Many Requests", "slow", "Retry-After: 3", kind="text/plain"), REJECTED, "429"),
    ("418", says("418 I'm a teapot", "banned until 1700000000000", "Retry-After: 120"), REJECTED, "418"),
    ("-1006", refuses(-1006, "Unexpected response. Execution status unknown."), UNKNOWN, "-1006"),
    ("-1007", refuses(-1007, "Timeout waiting. Send status unknown; execution status unknown."), UNKNOWN, "-1007"),
    ("-1015", refuses(-1015, "Too many new orders."), REJECTED, "-1015"),
    ("-1021", refuses(-1021, "Timestamp for this request is outside of the recvWindow."), REJECTED, "-1021"),
    ("-1022", refuses(-1022, "Signature for this request is not valid."), REJECTED, "-1022"),
    ("-1102", refuses(-1102, "Mandatory parameter was not sent."), REJECTED, "-1102"),
    ("-1106", refuses(-1106, "Parameter 'reduceonly' sent when not required."), REJECTED, "-1106"),
    ("-2015", refuses(-2015, "Invalid API-key, IP, or permissions for action."), REJECTED, "-2015"),
    ("-2019", refuses(-2019, "Margin is insufficient."), REJECTED, "-2019"),
    ("-2022", refuses(-2022, "ReduceOnly Order is rejected."), REJECTED, "-2022"),
    ("-2027", refuses(-2027, "Exceeded the maximum allowable position at current leverage."), REJECTED, "-2027"),
    ("-4061", refuses(-4061, "Order's position side does not match user's setting."), REJECTED, "-4061"),
    ("-4116", refuses(-4116, "ClientOrderId is duplicated."), DUPLICATE, "-4116"),
    ("-4120", refuses(-4120, "Order type not supported for this endpoint."), REJECTED, "-4120"),
    ("-4131", refuses(-4131, "The best price does not meet the PERCENT_PRICE filter limit."), REJECTED, "-4131"),
    ("-4164", refuses(-4164, "Order's notional must be no smaller than 100."), REJECTED, "-4164"),
    ("-4400", refuses(-4400, "Quantitative Rules violated, only reduceOnly order is allowed."), REJECTED, "-4400"),
    ("-5022", refuses(-5022, "Post Only order will be rejected."), REJECTED, "-5022"),
    ("-5028", refuses(-5028, "Timestamp for this request is outside of the ME recvWindow."), REJECTED, "-5028"),
    ("a code of tomorrow", refuses(-1999, "?"), UNKNOWN, "-1999"),
    ("a refusal with 200", says("200 OK", {"code": -2019, "msg": "Margin is insufficient."}), REJECTED, "-2019"),
    ("done, it says, and no more", says("200 OK", {"code": 200, "msg": "success"}), UNKNOWN, ""),
]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to place an order; ``client`` is whose patience counts."""

    client: Any
    place: Callable[[], Awaitable[Any]]


def by_ccxt(exchange: Any) -> Way:
    """Place an order as anybody would who uses ccxt."""
    return Way(exchange, lambda: exchange.create_order(
        "BTC/USDT:USDT", "limit", "sell", 0.01, 61000,
        {"newClientOrderId": NAME, "reduceOnly": True, "timeInForce": "IOC"},
    ))


def by_our_line(connection: Connection) -> Way:
    """Place an order as our adapter does: signed and judged by ccxt, on a line of our own."""
    asked = {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "IOC", "quantity": "0.01",
        "price": "61000", "newClientOrderId": NAME, "reduceOnly": "true",
    }

    async def place() -> Any:
        connection.turnstile.limiter = Limiter(())       # a 418 before this one would hold it back for two minutes
        return unified(await connection.call("fapiPrivatePostOrder", asked, Lane.RISK, weight=1, orders=1))

    return Way(connection.exchange, place)


async def judged(way: Way, venue: RawVenue, reply: Reply) -> Answer:
    """Place one order and judge what comes of it; only where no answer comes is the client short of patience."""
    venue.reply = reply
    way.client.timeout = 1_000 if reply is stays_silent else PATIENCE_MS
    try:
        order = await way.place()
    except Exception as error:  # noqa: BLE001  # whatever it is, it must be judged
        return outcome_of_error(error, BINANCE)
    return outcome_of_order(order, NAME)


async def all_judged(way: Way, venue: RawVenue) -> list[tuple[str, str, str]]:
    """Place one order for each shape; return what is not as the table says."""
    wrong = []
    for label, reply, outcome, code in SHAPES:
        sent = len(venue.orders)
        answer = await judged(way, venue, reply)
        if (answer.outcome, answer.code) != (outcome, code):
            wrong.append((label, f"{answer.outcome} {answer.code}", answer.detail))
        if len(venue.orders) != sent + 1:
            wrong.append((label, f"was sent {len(venue.orders) - sent} times", ""))
    return wrong


def test_outcome_of_every_shape_with_true_hosts_is_as_the_table_says(tmp_path: Path) -> None:
    """Fifty answers, with the venue's own host name over TLS: each in its class, and no order sent twice."""
    async def run() -> list[tuple[str, str, str]]:
        certificate = make_certificate(tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        async with RawVenue().open(context) as venue, true_host_client(venue, certificate) as exchange:
            await exchange.load_markets()
            return await all_judged(by_ccxt(exchange), venue)

    assert asyncio.run(run()) == []


def test_outcome_of_every_shape_with_other_hosts_is_the_same() -> None:
    """A proxy changes ccxt's classes, and must not change what we think of an order."""
    async def run() -> list[tuple[str, str, str]]:
        async with RawVenue().open() as venue, overridden_client(venue) as exchange:
            await exchange.load_markets()
            return await all_judged(by_ccxt(exchange), venue)

    assert asyncio.run(run()) == []


@pytest.mark.parametrize("is_tls", [True, False])
def test_outcome_of_every_shape_on_our_own_line_is_the_same(tmp_path: Path, is_tls: bool) -> None:
    """The quick way judges like the slow one, with the venue's true host and without, and sends nothing twice."""
    async def run() -> list[tuple[str, str, str]]:
        certificate = make_certificate(tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        trusted = certificate if is_tls else None
        async with RawVenue().open(context if is_tls else None) as venue, own_client(venue, trusted) as connection:
            return await all_judged(by_our_line(connection), venue)

    assert asyncio.run(run()) == []


def test_outcome_on_our_own_line_when_nobody_listens_is_not_sent() -> None:
    """A connection that the venue closed while it was idle is opened anew; one that is refused carried nothing."""
    async def run() -> list[Answer]:
        async with RawVenue().open() as venue, own_client(venue, None) as connection:
            way = by_our_line(connection)
            first = await judged(way, venue, hangs_up_after(http("200 OK", TAKEN)))
            await asyncio.sleep(0.05)
            second = await judged(way, venue, says("200 OK", TAKEN))
            for key, url in connection.exchange.urls["api"].items():
                if isinstance(url, str):
                    connection.exchange.urls["api"][key] = url.replace(f":{venue.port}", ":1")
            return [first, second, await judged(way, venue, stays_silent)]

    assert [answer.outcome for answer in asyncio.run(run())] == [ACCEPTED, ACCEPTED, NOT_SENT]


def test_outcome_when_nobody_listens_is_not_sent() -> None:
    """A connection that was refused carried no order."""
    async def run() -> Answer:
        async with RawVenue().open() as venue, overridden_client(venue) as exchange:
            await exchange.load_markets()
            closed = RawVenue()
            async with closed.open():
                pass
            for key, url in exchange.urls["api"].items():
                if isinstance(url, str):
                    exchange.urls["api"][key] = url.replace(str(venue.port), str(closed.port))
            return await judged(by_ccxt(exchange), venue, stays_silent)

    assert asyncio.run(run()).outcome is NOT_SENT


def test_outcome_when_the_task_is_cancelled_is_unknown() -> None:
    """We stopped listening; the venue may have heard."""
    assert outcome_of_error(asyncio.CancelledError(), BINANCE).outcome is UNKNOWN
    assert outcome_of_error(KeyError("linear"), BINANCE).outcome is UNKNOWN


@pytest.mark.parametrize(
    ("make", "outcome"),
    [
        (lambda: ccxt.ArgumentsRequired("binanceusdm createOrder requires a price"), REJECTED),
        (lambda: ccxt.InvalidOrder("amount must be greater than minimum amount precision"), REJECTED),
        (lambda: ccxt.InsufficientFunds("x"), REJECTED),
        (lambda: ccxt.DuplicateOrderId("x"), DUPLICATE),
        (lambda: ccxt.ExchangeError("x"), UNKNOWN),
        (lambda: ccxt.OperationFailed("x"), UNKNOWN),
        (lambda: ccxt.RequestTimeout("x"), UNKNOWN),
        (lambda: ccxt.OnMaintenance("x"), UNKNOWN),
        (lambda: ccxt.BadResponse("x"), UNKNOWN),
        (lambda: ccxt.NullResponse("x"), UNKNOWN),
        (lambda: ccxt.InvalidProxySettings("x"), NOT_SENT),
        (lambda: ValueError("x"), UNKNOWN),
    ],
)
def test_outcome_without_a_code_follows_the_class(make: Any, outcome: Outcome) -> None:
    """What names no code is judged by ccxt's class, and by nothing when that says nothing."""
    assert outcome_of_error(make(), OTHERS).outcome is outcome


@pytest.mark.parametrize(
    ("exchange", "body", "error", "outcome", "code"),
    [
        ("bybit", '{"retCode":10000,"retMsg":"Server Timeout"}', ccxt.ExchangeError, UNKNOWN, "10000"),
        ("bybit", '{"retCode":10016,"retMsg":"internal server error"}', ccxt.ExchangeError, UNKNOWN, "10016"),
        ("bybit", '{"retCode":110072,"retMsg":"duplicate"}', ccxt.InvalidOrder, DUPLICATE, "110072"),
        ("bybit", '{"retCode":110003,"retMsg":"price"}', ccxt.InvalidOrder, REJECTED, "-4016"),
        ("bybit", '{"retCode":110007,"retMsg":"balance"}', ccxt.InsufficientFunds, REJECTED, "110007"),
        ("okx", '{"code":"1","data":[{"sCode":"51016","sMsg":"dup"}],"msg":""}', ccxt.InvalidOrder, DUPLICATE, "51016"),
        ("okx", '{"code":"1","data":[{"sCode":"51138","sMsg":"low"}],"msg":""}', ccxt.InvalidOrder, REJECTED, "-4024"),
        ("okx", '{"code":"50004","data":[],"msg":"timeout"}', ccxt.RequestTimeout, UNKNOWN, "50004"),
        ("deribit", '{"error":{"code":10009,"message":"not_enough_funds"}}', ccxt.InsufficientFunds, REJECTED, "10009"),
        ("gate", '{"label":"TOO_BUSY","message":"x"}', ccxt.ExchangeNotAvailable, UNKNOWN, "TOO_BUSY"),
    ],
)
def test_outcome_at_other_venues_reads_their_codes(
    exchange: str, body: str, error: type[Exception], outcome: Outcome, code: str
) -> None:
    """Each venue has its own envelope; what our ladder reacts to comes out in one language."""
    answer = outcome_of_error(error(f"{exchange} {body}"), dialect_of(exchange))
    assert (answer.outcome, answer.code) == (outcome, code)


def test_outcome_codes_of_refusals_the_engine_reacts_to_are_rejections() -> None:
    """A price refusal climbs the ladder: it must arrive as one, with the very code."""
    for code in [*PRICE_REFUSED, WOULD_TAKE]:
        answer = outcome_of_error(ccxt.ExchangeError(f'binanceusdm {{"code":{code},"msg":"x"}}'), BINANCE)
        assert (answer.outcome, answer.code) == (REJECTED, code)


def test_outcome_connecting_too_slowly_is_not_sent_but_reading_too_slowly_is_unknown() -> None:
    """Of two time-outs one came before the first byte."""
    for cause, outcome in ((aiohttp.ConnectionTimeoutError(), NOT_SENT), (aiohttp.SocketTimeoutError(), UNKNOWN)):
        error = ccxt.RequestTimeout("binanceusdm POST")
        error.__cause__ = cause
        assert outcome_of_error(error, BINANCE).outcome is outcome


@pytest.mark.parametrize(
    ("code", "dialect", "absent"),
    [(-2013, BINANCE, True), (-2011, BINANCE, False), (-1007, BINANCE, False), (110001, dialect_of("bybit"), True)],
)
def test_lookup_is_absent_only_by_the_code_that_says_so(code: int, dialect: Dialect, absent: bool) -> None:
    """A failure to ask is no witness, and neither is the answer to a cancel, which a filled order gets as well."""
    assert says_absent(ccxt.OrderNotFound(f'x {{"code":{code},"msg":"x"}}'), dialect) is absent
    assert not says_absent(ccxt.RequestTimeout("x"), dialect)
    assert says_absent(ccxt.OrderNotFound("x"), OTHERS)


def test_detail_is_short_and_carries_no_signature() -> None:
    """What goes to the journal is a line, not a page, and not the query with our key's signature."""
    text = "binanceusdm GET https://x/fapi/v1/order?symbol=BTCUSDT&signature=abcdef " + "x" * 1000
    detail = outcome_of_error(ccxt.RequestTimeout(text), BINANCE).detail
    assert "abcdef" not in detail
    assert len(detail) <= DETAIL_MAX + 3


@pytest.mark.parametrize(
    ("text", "code"),
    [('a {"code":-1,"msg":"', "-1"), ("a", ""), ('a {"code":200}', ""), ('a {"code":"0"}', ""), ("a {]", "")],
)
def test_venue_code_reads_what_is_there(text: str, code: str) -> None:
    """The code is read from half a body, too, and success is no code."""
    assert venue_code(text) == code


def test_fact_of_each_outcome_is_the_event_the_engine_knows() -> None:
    """A duplicate is looked up like an unknown one; nothing else is folded as if it might be there."""
    kinds = {
        outcome: type(fact_of(Answer(outcome, "", ""), now=1, account=0, name=NAME)) for outcome in Outcome
    }
    assert kinds == {
        ACCEPTED: OrderAccepted, REJECTED: OrderRejected, NOT_SENT: OrderNotSent,
        DUPLICATE: OrderOutcomeUnknown, UNKNOWN: OrderOutcomeUnknown,
    }
    refused = fact_of(Answer(REJECTED, "-2019", "no"), now=1, account=2, name=NAME)
    assert refused == OrderRejected(1, 2, NAME, "-2019", "no")
