"""Facts and effects as canonical JSON: fields in the order of the class, enums by value, no white space.

The kind of a message is the name of its class; renaming a class is therefore a new journal format. Equal
messages give equal bytes in every process, so a run decided again can be compared byte for byte.

JSON has no infinity, and a ratio may be infinite: such a number is written as the text ``"inf"``,
``"-inf"`` or ``"nan"``. Text that UTF-8 cannot carry (half of a surrogate pair, which a venue's own JSON
can hold) is written with a backslash escape: a journal that refuses an odd remark would stop the exits.
"""

from __future__ import annotations

import math
from functools import cache
from typing import get_args

import msgspec

from bot.domain.effects import Effect, Reading, ScopeElement
from bot.domain.errors import JournalError
from bot.domain.events import AccountFact, Event

Fact = AccountFact
Message = Event | Effect

KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in get_args(Message)}

_SPELLED = (b'"inf"', b'"-inf"', b'"nan"')


def encode(message: Message | tuple[Reading, ...] | ScopeElement) -> bytes:
    """Return the JSON of a message, or of a part of one; ``type(message).__name__`` is its kind."""
    try:
        body = msgspec.json.encode(message)
    except UnicodeEncodeError:
        body = b"null"
    # msgspec writes a number that is not finite as null, without a word
    if b"null" in body and (body == b"null" or _holds_ratios(type(message).__name__)):
        return msgspec.json.encode(_spelled(msgspec.to_builtins(message)))
    return body


def decode(kind: str, body: bytes) -> Message:
    """Return the message whose kind and JSON these are.

    Raises JournalError when the kind is unknown or the JSON is not one of its kind.
    """
    try:
        decoder = _decoder(kind, strict=not any(word in body for word in _SPELLED))
        return decoder.decode(body)
    except KeyError:
        raise JournalError(
            f"journal: the kind of a row is unknown, was {kind!r}; it was written by another version of "
            "penstock: read it with that one (its number is in the table `head`)"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalError(
            f"journal: a row of kind {kind} does not read ({error}), was {body[:80]!r}; it was written by "
            "another version of penstock, or the file is damaged: restore it from a backup"
        ) from error


@cache
def _decoder(kind: str, *, strict: bool) -> msgspec.json.Decoder[Message]:
    return msgspec.json.Decoder(KINDS[kind], strict=strict)


@cache
def _holds_ratios(kind: str) -> bool:
    # "number" is JSON's word for a float; the parts of messages are not in the table, and rare
    return kind not in KINDS or b'"number"' in msgspec.json.encode(msgspec.json.schema(KINDS[kind]))


def _spelled(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else repr(value)
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {key: _spelled(item) for key, item in value.items()}
        case list() | tuple():
            return [_spelled(item) for item in value]
        case _:
            return value
