"""When a row was: a number since 1970 in some unit, or a date. One way per file."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bot.domain.scale import NS_PER_MS, NS_PER_SECOND

TEXT_STAMP = 0                       # the unit of stamps that are written as dates
UNIT_DIGITS = {NS_PER_SECOND: 9, NS_PER_MS: 6, 1_000: 3, 1: 0}

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def is_date(text: str) -> bool:
    """Return whether a stamp is written as a date."""
    return _DATE.match(text) is not None


def moment(text: str) -> int:
    """Return an ISO 8601 time in ns, cut off below microseconds; without a zone it is UTC. Raises ValueError."""
    at = datetime.fromisoformat(text)
    since = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - _EPOCH
    return since // _MICROSECOND * 1_000


def unit_ns(stamp: int) -> int:
    """Return the unit by the digits: a stamp of 2001 to 2286 has 10 in seconds, 13 in ms, 16 in us, 19 in ns."""
    if stamp < 10**11:
        return NS_PER_SECOND
    if stamp < 10**14:
        return NS_PER_MS
    if stamp < 10**17:
        return 1_000
    return 1
