"""What became of an order request, from what ccxt raised or returned: the venue's own code first, then the class.

    NOT_SENT      no byte of it reached the venue: no connection, or ccxt refused to build the request
    REJECTED      the venue refused it, for certain; it has no such order
    ACCEPTED      the venue has it, and said under which id
    DUPLICATE_ID  the venue has, or had, an order of this name: ours of an earlier attempt
    UNKNOWN       anything else: it may be there or not, and counts as working until it is looked up

A class alone decides little. The same refusal is another class when the URL is overridden, an answer that was cut
off has the class of a refusal, and an empty answer raises nothing at all: ccxt makes an order of Nones out of it.
Hence the order here, and hence UNKNOWN wherever nothing says otherwise: to send again what is already there sells
twice, to wait for what is not there costs a look-up.

Sources: Binance USD-M futures API, "Error Codes" and "General Info" (the texts of 503), read 2026-11; the tables of
exceptions in ccxt 4.5.90, with the venues' words beside their codes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot.domain.events import AccountFact, OrderAccepted, OrderNotSent, OrderOutcomeUnknown, OrderRejected

DETAIL_MAX = 300                     # characters of a venue's words that go to the journal; some send a whole page


class Outcome(Enum):
    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    DUPLICATE_ID = "duplicate_id"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, the venue's code (Binance's where ours reacts to it; "" where none was given), and its words."""

    outcome: Outcome
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one venue says it. ``codes`` come before everything, ``judge`` decides codes that have no line there.

    ``translated`` are the codes of refusals that the engine reacts to, in Binance's terms. ``absent`` are those by
    which a look-up says that there is no such order; None where ccxt's class has to do.
    """

    codes: Mapping[str, Outcome]
    judge: Callable[[str, str], Outcome | None]
    translated: Mapping[str, str]
    absent: frozenset[str] | None


_NOT_SENT_CAUSES = frozenset({
    "ClientConnectorError",          # refused, unreachable, name not resolved, TLS refused: aiohttp gives them all this
    "ConnectionTimeoutError",        # while connecting; the one for reading is another
    "NotConnected",                  # of our own line
    "gaierror",
    "ConnectionRefusedError",
})
# Raised before anything is sent, or on a code that was matched by its words: there is no order either way.
_REFUSING_CLASSES = frozenset({
    "ArgumentsRequired", "AuthenticationError", "BadRequest", "InsufficientFunds", "InvalidAddress", "InvalidOrder",
    "NotSupported", "OperationRejected", "RateLimitExceeded", "DDoSProtection", "InvalidNonce",
})
_UNSENT_CLASSES = frozenset({"InvalidProxySettings"})
_CODE = re.compile(r'"(?:sCode|retCode|code|label)"\s*:\s*"?(-?\w+)')
_QUERY = re.compile(r"\?\S*=\S*")
_STATUS = re.compile(r"\b(4\d\d|5\d\d)\b")


def outcome_of_error(error: BaseException, dialect: Dialect) -> Answer:
    """Return what an exception of ``create_order`` says of the order; never raises."""
    text = str(error)
    detail = _shorten(text) or type(error).__name__
    if _NOT_SENT_CAUSES & _names_of_causes(error):
        return Answer(Outcome.NOT_SENT, "", detail)
    classes = _classes(error)
    if not classes & {"BaseError"}:              # not ccxt's: our own bug, a cancelled task, a broken reply
        return Answer(Outcome.UNKNOWN, "", f"{type(error).__name__}: {detail}")
    code = venue_code(text)
    if code:
        by_code = dialect.codes.get(code) or dialect.judge(code, _words(text))
        if by_code is not None:
            return Answer(by_code, dialect.translated.get(code, code), detail)
    if "DuplicateOrderId" in classes:
        return Answer(Outcome.DUPLICATE_ID, code, detail)
    if classes & _UNSENT_CLASSES:
        return Answer(Outcome.NOT_SENT, code, detail)
    if classes & _REFUSING_CLASSES:
        return Answer(Outcome.REJECTED, dialect.translated.get(code, code) or _status(text), detail)
    if _is_refused_by_text(text):
        return Answer(Outcome.REJECTED, "503", detail)
    return Answer(Outcome.UNKNOWN, code or _status(text), detail)


def outcome_of_order(order: object, venue_name: str) -> Answer:
    """Return what the dict that ``create_order`` returned says of the order named ``venue_name``.

    An order without an id is no order; one of another name is somebody else's.
    """
    if not isinstance(order, Mapping):
        return Answer(Outcome.UNKNOWN, "", f"the answer is no order, was {_shorten(repr(order))}")
    identity = order.get("id")
    named = order.get("clientOrderId")
    if str(identity).strip() in ("", "None"):
        return Answer(Outcome.UNKNOWN, "", "the answer names no order")
    if named not in (None, "", venue_name):
        return Answer(Outcome.UNKNOWN, "", f"the answer is of another order, was {named!r} for {venue_name!r}")
    return Answer(Outcome.ACCEPTED, "", str(identity))


def fact_of(answer: Answer, *, now: int, account: int, name: str) -> AccountFact:
    """Return the fact that an answer amounts to. A duplicate is to be looked up, so it is an unknown one."""
    match answer.outcome:
        case Outcome.ACCEPTED:
            return OrderAccepted(now, account, name)
        case Outcome.REJECTED:
            return OrderRejected(now, account, name, answer.code or "refused", answer.detail)
        case Outcome.NOT_SENT:
            return OrderNotSent(now, account, name, answer.detail)
        case Outcome.DUPLICATE_ID:
            return OrderOutcomeUnknown(now, account, name, f"the venue knows the name already: {answer.detail}")
        case Outcome.UNKNOWN:
            return OrderOutcomeUnknown(now, account, name, answer.detail)


def says_absent(error: BaseException, dialect: Dialect) -> bool:
    """True when the error of a look-up is the venue's word that it has no such order, and no failure to ask."""
    if dialect.absent is None:
        return "OrderNotFound" in _classes(error)
    return venue_code(str(error)) in dialect.absent


def venue_code(text: str) -> str:
    """Return the venue's code in the body that an exception quotes, "" where there is none.

    Of an answer with an envelope ("code": "1", its order refused for a reason of its own) that reason's.
    """
    start = text.find("{")
    if start < 0:
        return ""
    try:
        found = list(_codes_in(json.loads(text[start:])))
    except ValueError:                           # cut off, or words after it
        match = _CODE.search(text, start)
        return match[1] if match else ""
    return found[-1] if found else ""


def _codes_in(body: Any) -> Iterator[str]:
    """Yield the codes in a body, the outermost first."""
    if isinstance(body, list):
        for each in body[:1]:
            yield from _codes_in(each)
        return
    if not isinstance(body, dict):
        return
    for key in ("retCode", "code", "sCode", "label"):
        value = body.get(key)
        if isinstance(value, int | str) and str(value) not in ("", "0", "200"):
            yield str(value)
    for key in ("error", "data", "sendStatus"):
        if isinstance(body.get(key), dict | list):
            yield from _codes_in(body[key])


def _words(text: str) -> str:
    """Return the venue's message, or the whole text where it is not in JSON."""
    start = text.find("{")
    try:
        body = json.loads(text[start:]) if start >= 0 else None
    except ValueError:
        return text
    return str(body.get("msg", text)) if isinstance(body, dict) else text


def _is_refused_by_text(text: str) -> bool:
    """True of the two plain texts of 503 that mean it was not done; the reason phrase of HTTP has no full stop."""
    words = _words(text).rstrip()
    return " 503 " in text and words.endswith(("Service Unavailable.", _INTERNAL_ERROR))


def _classes(error: BaseException) -> frozenset[str]:
    return frozenset(each.__name__ for each in type(error).__mro__)


def _names_of_causes(error: BaseException) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    cause: BaseException | None = error
    for _ in range(8):                           # a chain that is longer is a ring
        if cause is None:
            break
        found |= _classes(cause)
        cause = cause.__cause__
    return found


def _status(text: str) -> str:
    match = _STATUS.search(text.partition("{")[0])
    return match[1] if match else ""


def _shorten(text: str) -> str:
    """Return the words for the journal: not a whole page, and no query, which carries a signature."""
    text = _QUERY.sub("?...", text)
    return text if len(text) <= DETAIL_MAX else f"{text[:DETAIL_MAX]}..."


# The venues ------------------------------------------------------------------------------------------------

_INTERNAL_ERROR = "Internal error; unable to process your request. Please try again."


def _binance_judge(code: str, words: str) -> Outcome | None:
    """Decide by the family of the code: 11xx the request, 2xxx the order, 4xxx the filters, 5xxx the matching.

    10xx is the network and the server: those that say that nothing was done stand in the table.
    """
    if code == "-1001":
        return Outcome.REJECTED if words == _INTERNAL_ERROR else Outcome.UNKNOWN
    if re.fullmatch(r"-(11\d\d|[245]\d{3})", code):
        return Outcome.REJECTED
    return Outcome.UNKNOWN


def _by_class(code: str, words: str) -> Outcome | None:
    """Leave it to the class of the exception."""
    del code, words
    return None


BINANCE = Dialect(
    codes={
        "-1000": Outcome.UNKNOWN,                # "An unknown error occurred while processing the request."
        "-1002": Outcome.REJECTED,               # not authorised
        "-1003": Outcome.REJECTED,               # too many requests
        "-1005": Outcome.REJECTED,               # the address is not on the list
        "-1006": Outcome.UNKNOWN,                # unexpected response; execution status unknown
        "-1007": Outcome.UNKNOWN,                # timeout waiting for the backend; execution status unknown
        "-1008": Outcome.REJECTED,               # throttled; not for reduce-only orders, by the venue's word
        "-1011": Outcome.REJECTED,
        "-1013": Outcome.REJECTED,
        "-1014": Outcome.REJECTED,               # unsupported combination
        "-1015": Outcome.REJECTED,               # too many orders
        "-1016": Outcome.REJECTED,               # the service is no longer available
        "-1020": Outcome.REJECTED,
        "-1021": Outcome.REJECTED,               # outside recvWindow: not executed, though ccxt calls it the network
        "-1022": Outcome.REJECTED,               # signature
        "-1099": Outcome.REJECTED,
        "-4116": Outcome.DUPLICATE_ID,
    },
    judge=_binance_judge,
    translated={},
    absent=frozenset({"-2013"}),                 # -2011 answers a cancel, and also when the order has filled
)
BYBIT = Dialect(
    codes={
        "10000": Outcome.UNKNOWN,                # server timeout
        "10016": Outcome.UNKNOWN,                # server error, or restarting
        "110072": Outcome.DUPLICATE_ID,
    },
    judge=_by_class,
    translated={"110003": "-4016", "140003": "-4016"},           # out of the permissible range of prices
    absent=frozenset({"110001"}),
)
OKX = Dialect(
    codes={
        "50004": Outcome.UNKNOWN,                # "does not indicate success or failure of order"
        "50013": Outcome.UNKNOWN,                # systems are busy
        "50026": Outcome.UNKNOWN,                # system error
        "51016": Outcome.DUPLICATE_ID,
    },
    judge=_by_class,
    translated={"51006": "-4016", "51137": "-4016", "51138": "-4024"},   # beyond the highest buy, the lowest sell
    absent=frozenset({"51603"}),
)
OTHERS = Dialect(codes={}, judge=_by_class, translated={}, absent=None)
_DIALECTS = {"binance": BINANCE, "bybit": BYBIT, "bybitid": BYBIT, "okx": OKX, "okxus": OKX, "myokx": OKX}


def dialect_of(exchange_id: str) -> Dialect:
    """Return how a venue of ccxt's id says what became of an order."""
    if exchange_id.startswith("binance"):
        return BINANCE
    return _DIALECTS.get(exchange_id, OTHERS)
