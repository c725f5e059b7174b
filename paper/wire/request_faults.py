"""Faults of requests and their answers: one table.

Sources: CCXT's and the venue's words for what has been seen to happen; Binance USDⓈ-M futures API, "General Info"
(the meanings of 503) and "Error Codes", read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from bot.domain.scale import NS_PER_MS, NS_PER_SECOND
from paper.wire.exchange import Reply, Request
from paper.wire.faults import Fate
from paper.wire.rules import Rule
from paper.wire.values import Json, Row

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
NEVER = 3_600 * NS_PER_SECOND        # no client waits an hour
CUT_AT = 20                          # inside the first number of every reply that has one
UNKNOWN_503 = "Unknown error, please check your request or try again later."
UNAVAILABLE_503 = "Service Unavailable."
INTERNAL_503 = "Internal error; unable to process your request. Please try again."
OVERLOADED_503 = "Server is currently overloaded with other requests. Please try again in a few minutes."
WORDS: Mapping[int, tuple[int, str]] = {
    -1000: (400, "An unknown error occurred while processing the request."),
    -1001: (503, INTERNAL_503),
    -1003: (429, "Too many requests; please use the websocket for live updates."),
    -1006: (400, "An unexpected response was received from the message bus. Execution status unknown."),
    -1007: (408, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
    -1008: (503, OVERLOADED_503),
    -1015: (429, "Too many new orders."),
    -1021: (400, "Timestamp for this request is outside of the recvWindow."),
    -2011: (400, "Unknown order sent."),
    -2013: (400, "Order does not exist."),
    -2018: (400, "Balance is insufficient."),
    -2019: (400, "Margin is insufficient."),
    -2021: (400, "Order would immediately trigger."),
    -2022: (400, "ReduceOnly Order is rejected."),
    -2027: (400, "Exceeded the maximum allowable position at current leverage."),
    -4061: (400, "Order's position side does not match user's setting."),
    -4116: (400, "ClientOrderId is duplicated."),
    -4120: (400, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."),
    -4131: (400, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."),
    -4164: (400, "Order's notional must be no smaller than the minimum (unless you choose reduce only)."),
    -4400: (400, "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed."),
    -5021: (400, "Due to the order could not be filled immediately, the FOK order has been rejected."),
    -5022: (400, "Due to the order could not be executed as maker, the Post Only order will be rejected."),
    -5028: (400, "Timestamp for this request is outside of the ME recvWindow."),
}
RequestFault = Callable[[Rule, Request], Fate]


def refused(code: int, *, status: int | None = None, words: str = "", wait: int | None = None) -> Reply:
    """Return a refusal in the venue's form; ``wait`` are seconds of Retry-After."""
    usual, usual_words = WORDS.get(code, (400, "Refused by a plan of faults."))
    body: Row = {"code": code, "msg": words or usual_words}
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return Reply(usual if status is None else status, msgspec.json.encode(body), headers)


def _answered(reply: Reply) -> RequestFault:
    """Answer without having heard."""
    return lambda rule, _: Fate(hearings=0, answer=reply, wait_after=rule.delay)


def _executed(reply: Reply) -> RequestFault:
    """Hear, do what is asked, and answer something else."""
    return lambda rule, _: Fate(answer=reply, wait_after=rule.delay)


def _by_code(rule: Rule, request: Request) -> Fate:
    del request
    return Fate(hearings=0, answer=refused(rule.code, status=rule.status, words=rule.message), wait_after=rule.delay)


def _rewritten(change: Callable[[Json], Json]) -> RequestFault:
    """Let the exchange answer and change what it says; refusals stay as they are."""

    def rewrite(reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        return replace(reply, body=msgspec.json.encode(change(msgspec.json.decode(reply.body))))

    return lambda rule, _: Fate(rewrite=rewrite, wait_after=rule.delay)


def _without_positions(body: Json) -> Json:
    return {**body, "positions": []} if isinstance(body, dict) else []


def _without_last_position(body: Json) -> Json:
    if isinstance(body, dict):
        found = body.get("positions")
        return {**body, "positions": found[:-1]} if isinstance(found, list) else body
    return body[:-1] if isinstance(body, list) else body


def _cancelled(body: Json) -> Json:
    return {**body, "status": "CANCELED"} if isinstance(body, dict) else body


def _not_cancelled(rule: Rule, request: Request) -> Fate:
    """Acknowledge a cancel that the exchange never hears: the order goes on and may fill."""
    fate = _rewritten(_cancelled)(rule, request)
    return replace(fate, heard_as=replace(request, method="GET"))


def _skewed(rule: Rule, request: Request) -> Fate:
    def shift(body: Json) -> Json:
        if not isinstance(body, dict) or not isinstance(body.get("serverTime"), int):
            return body
        return {**body, "serverTime": body["serverTime"] + rule.delay // NS_PER_MS}

    return replace(_rewritten(shift)(rule, request), wait_after=0)


REQUEST_FAULTS: Mapping[str, RequestFault] = {
    "lost": lambda _, __: Fate(hearings=0, is_hung_up=True),
    "swallowed": lambda _, __: Fate(hearings=0, is_hung_up=True, wait_after=NEVER),
    "executed_lost": lambda rule, _: Fate(is_hung_up=True, wait_after=rule.delay),
    "executed_silent": lambda _, __: Fate(is_hung_up=True, wait_after=NEVER),
    "truncated": lambda rule, _: Fate(cut_at=CUT_AT, wait_after=rule.delay),
    "empty": _executed(Reply(200, b"")),
    "html": _executed(Reply(200, HTML, {"Content-Type": "text/html"})),
    "slow": lambda rule, _: Fate(wait_after=rule.delay),
    "late": lambda rule, _: Fate(wait_before=rule.delay),
    "twice": lambda rule, _: Fate(hearings=2, wait_after=rule.delay),
    "code": _by_code,
    "unknown_503": _executed(refused(-1000, status=503, words=UNKNOWN_503)),
    "unknown_503_lost": _answered(refused(-1000, status=503, words=UNKNOWN_503)),
    "unavailable_503": _answered(Reply(503, UNAVAILABLE_503.encode(), {"Content-Type": "text/plain"})),
    "internal_503": _answered(refused(-1001, status=503)),
    "overloaded_503": _answered(refused(-1008, status=503)),
    "timeout_1007": _executed(refused(-1007)),
    "too_many_429": _answered(refused(-1003, wait=5)),
    "too_many_429_bare": _answered(refused(-1003)),
    "banned_418": _answered(refused(-1003, status=418, words="Way too many requests; IP banned.", wait=120)),
    "no_positions": _rewritten(_without_positions),
    "part_of_positions": _rewritten(_without_last_position),
    "no_trades": _rewritten(lambda _: []),
    "not_cancelled": _not_cancelled,
    "removed": _answered(Reply(404, b'{"code":-5000,"msg":"Path is invalid"}')),
    "skewed_time": _skewed,
}
