"""Names of orders: a pure function of what they are, so that a restart finds its own.

    p7 a i0 s 000042 001
    |  | |  | |      +-- child, base 36, 3 characters
    |  | |  | +--------- parent counter of the account, base 36, 6; from STOPS_FROM on that of its resting stops
    |  | |  +----------- b or s, and the leg: n net, l long, s short
    |  | +-------------- instrument index, base 36, 2
    |  +---------------- account index, base 36, 1
    +------------------- marker, a letter and 1 to 5 letters or digits, lower case, from the configuration

At most 21 lower-case letters and digits: every venue takes that (OKX allows 32, Binance 36, Gate 28).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bot.domain.account import PositionKey, PositionSide
from bot.domain.errors import ContractError
from bot.domain.order import Side

NAME_LENGTH_MAX = 26
CHILD_LETTERS = 3                    # at the end of a child's name, after its parent's
CHILDREN_MAX = 36**CHILD_LETTERS
# Stops are named from a counter of their own, so that parents have the same names, and slices, with and without them.
STOPS_FROM = 36**6 // 2
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LEG = {PositionSide.NET: "n", PositionSide.LONG: "l", PositionSide.SHORT: "s"}
_LEG_OF = {letter: side for side, letter in _LEG.items()}
_SIDE = {Side.BUY: "b", Side.SELL: "s"}
_SIDE_OF = {letter: side for side, letter in _SIDE.items()}
_MARKER = re.compile(r"[a-z][a-z0-9]{1,5}")
_TAIL = re.compile(r"([0-9a-z])([0-9a-z]{2})([bs])([nls])([0-9a-z]{6})([0-9a-z]{3})")


@dataclass(frozen=True, slots=True)
class ParsedName:
    """What an order's name says."""

    account: int
    instrument: int
    side: Side
    leg: PositionSide
    counter: int
    child: int

    @property
    def is_stop(self) -> bool:
        """True of a stop that rests, or rested, at the venue."""
        return self.counter >= STOPS_FROM


@lru_cache(maxsize=1024)             # the same few numbers are written again and again while an order is decided
def base36(value: int, width: int) -> str:
    """Return ``value`` in lower-case base 36, zero-filled to ``width``; raises ContractError if too big."""
    if not 0 <= value < 36**width:
        raise ContractError(f"name: does not fit {width} base-36 characters, was {value}")
    letters = []
    for _ in range(width):
        value, digit = divmod(value, 36)
        letters.append(_DIGITS[digit])
    return "".join(reversed(letters))


@lru_cache(maxsize=16)
def is_marker(text: str) -> bool:
    """True when names of orders may begin with ``text``."""
    return _MARKER.fullmatch(text) is not None


def parent_name(marker: str, key: PositionKey, side: Side, counter: int) -> str:
    """Return the name shared by all children of one parent; it identifies the parent everywhere."""
    if not is_marker(marker):
        raise ContractError(f"marker: must be a letter and 1 to 5 letters or digits, lower case, was {marker!r}")
    return (
        f"{marker}{base36(key.account, 1)}{base36(key.instrument, 2)}"
        f"{_SIDE[side]}{_LEG[key.side]}{base36(counter, 6)}"
    )


def child_name(parent: str, child: int) -> str:
    """Return the name of the parent's child number ``child`` (from 0)."""
    return parent + base36(child, CHILD_LETTERS)


def parent_of(name: str) -> str:
    """Return the name of the parent whose child's name this is."""
    return name[:-CHILD_LETTERS]


def parse_name(marker: str, name: str) -> ParsedName | None:
    """Return what a name says, or None when it is not one of ours."""
    if not name.startswith(marker):
        return None
    match = _TAIL.fullmatch(name, len(marker))
    if match is None:
        return None
    account, instrument, side, leg, counter, child = match.groups()
    return ParsedName(
        account=int(account, 36),
        instrument=int(instrument, 36),
        side=_SIDE_OF[side],
        leg=_LEG_OF[leg],
        counter=int(counter, 36),
        child=int(child, 36),
    )
