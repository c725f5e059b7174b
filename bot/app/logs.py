"""Logs for people: one line per event, on one stream. The journal is the truth for machines.

    log = structlog.get_logger()
    log.warning("order_refused", now=event.now, account="main", code=-2019, notional_quote=250_000)

The event is a constant in snake_case (a test reads the sources for it); what varies goes into fields with
their units in the name. ``now`` is nanoseconds UTC, and becomes the line's time; a line without it is
stamped by the clock, so a replay's log has the tape's times. The core logs nothing.

Nothing that looks like a secret leaves: neither a field with such a name, at any depth, nor a
``signature=`` inside an error's text (ccxt's errors quote the signed address, its debug lines the key).
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.app.wording import iso_time
from bot.domain.errors import InputError

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
HIDDEN = "***"

_SECRET_WORDS = (
    "secret", "apikey", "password", "passphrase", "token", "signature", "privatekey", "authorization",
    "cookie", "listenkey", "mnemonic",
)
_SECRET_KEY = re.compile("|".join(_SECRET_WORDS))
# the same words before "=" or ":" inside a text, with whatever quotes, up to the end of the value
_SECRET_TEXT = re.compile(
    r"((?:secret|api[-_]?key|password|passphrase|token|signature|private[-_]?key|authorization|cookie"
    r"|listen[-_]?key|mnemonic)[\"']?\s*[=:]\s*[\"']?(?:bearer |basic )?)[^\s&\"',;}]+",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_DEPTH_MAX = 8                       # deeper than anything we log; a value that holds itself must end


def configure(stream: TextIO, level: str, *, json: bool) -> None:
    """Send all logs of at least ``level`` to ``stream``, as JSON lines or as text for a terminal.

    Sets structlog's configuration for the process; the command line calls it once, before anything else.
    A stream that refuses (full disk, closed pipe) loses lines and never raises: a log must not stop an
    exit. Raises InputError for an unknown level.
    """
    if level not in LEVELS:
        raise InputError(f"log level: is unknown, was {level!r}; use one of {', '.join(LEVELS)}")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            stamp,
            redact,
            _renderer(stream, json=json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Lines(stream),
        cache_logger_on_first_use=False,
    )


def stamp(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Put time, level and event first; the time is the record's own ``now``, else the clock's."""
    now = event_dict.pop("now", None)
    first = {
        "time": iso_time(now if isinstance(now, int) else time.time_ns()),
        "level": event_dict.pop("level", ""),
        "event": event_dict.pop("event", ""),
    }
    return first | dict(event_dict)


def redact(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Hide what looks like a secret, and make every value printable on one line."""
    exception = event_dict.pop("exception", None)
    clean = {key: _clean(key, value, _DEPTH_MAX) for key, value in event_dict.items()}
    if isinstance(exception, str):
        clean["exception"] = _CONTROL.sub(_escaped, _hidden(exception))
    return clean


class _Lines:
    """Where rendered lines go: one write each, so that two processes do not mix within a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            self._write(line)
        except UnicodeEncodeError:
            self._write(line.encode("ascii", "backslashreplace").decode())

    debug = info = warning = error = critical = msg

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except UnicodeEncodeError:
            raise
        except (OSError, ValueError):     # full, gone, or closed: the journal has what matters
            return


def _renderer(stream: TextIO, *, json: bool) -> Processor:
    if json:
        return structlog.processors.JSONRenderer(default=str)
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty() and not os.environ.get("NO_COLOR"),
        # the pretty ones print local variables, keys among them
        exception_formatter=structlog.dev.plain_traceback,
        sort_keys=False,
        timestamp_key="time",
    )


def _clean(key: str, value: object, depth: int) -> object:
    if _SECRET_KEY.search(key.lower().replace("-", "").replace("_", "")):
        return HIDDEN
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else repr(value)
        case Mapping() if depth:
            return {str(name): _clean(str(name), item, depth - 1) for name, item in value.items()}
        case list() | tuple() if depth:
            return [_clean("", item, depth - 1) for item in value]
        case _:
            return _one_line(str(value))


def _one_line(text: str) -> str:
    return _CONTROL.sub(_escaped, _hidden(text).replace("\t", "\\t").replace("\n", "\\n"))


def _hidden(text: str) -> str:
    return _SECRET_TEXT.sub(rf"\1{HIDDEN}", text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
