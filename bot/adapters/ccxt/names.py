"""Order names as each venue wants to be told them, and what a client id says of whose order it was.

A name is at most 26 lower-case letters and digits (``bot.domain.names``), which nearly every venue takes as it is:

    Binance 36 of [.A-Z:/a-z0-9_-], Bybit 36, OKX 32 alphanumeric, Deribit label 64, Bitget and KuCoin 40
    Gate           28 after "t-", which ccxt would put there itself
    Hyperliquid    128 bits in hexadecimal
    Kraken Futures a UUID: the same 128 bits with dashes

The 128 bits are the name read as one number in base 36. A name begins with a letter, so nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.errors import ContractError
from bot.domain.events import FillOrigin
from bot.domain.names import parse_name

_NAME = re.compile(r"[a-z][a-z0-9]{0,25}")
_HEX = re.compile(r"0x[0-9a-f]{32}")
_BITS_MAX = 128


@dataclass(frozen=True, slots=True)
class NameCode:
    """A pair of ways between our name and the venue's client id; ``parameter`` is what ccxt calls it on an order.

    ``decode`` returns None for what cannot be a name of anybody like us.
    """

    parameter: str
    encode: Callable[[str], str]
    decode: Callable[[str], str | None]


def _same(name: str) -> str:
    return name


def _plain(identity: str) -> str | None:
    return identity if _NAME.fullmatch(identity) else None


def _to_gate(name: str) -> str:
    return f"t-{name}"


def _from_gate(identity: str) -> str | None:
    return _plain(identity.removeprefix("t-")) if identity.startswith("t-") else None


def _to_hex(name: str) -> str:
    number = int(name, 36)
    if number.bit_length() > _BITS_MAX:
        raise ContractError(f"name: does not fit {_BITS_MAX} bits, was {name!r}; shorten the marker")
    return f"0x{number:032x}"


def _from_hex(identity: str) -> str | None:
    if not _HEX.fullmatch(identity):
        return None
    number, letters = int(identity, 16), ""
    while number:
        number, digit = divmod(number, 36)
        letters = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + letters
    return _plain(letters)


def _to_uuid(name: str) -> str:
    digits = _to_hex(name)[2:]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _from_uuid(identity: str) -> str | None:
    return _from_hex(f"0x{identity.replace('-', '')}")


PLAIN = NameCode("clientOrderId", _same, _plain)
_CODES: Mapping[str, NameCode] = {
    "bybit": NameCode("orderLinkId", _same, _plain),     # cancelOrder of ccxt ignores clientOrderId there
    "bybitid": NameCode("orderLinkId", _same, _plain),
    "deribit": NameCode("label", _same, _plain),         # and here it is not mapped at all
    "gate": NameCode("text", _to_gate, _from_gate),
    "hyperliquid": NameCode("clientOrderId", _to_hex, _from_hex),
    "krakenfutures": NameCode("cliOrdId", _to_uuid, _from_uuid),
}


def code_of(exchange_id: str) -> NameCode:
    """Return how a venue of ccxt's id is told names."""
    return _CODES.get(exchange_id, PLAIN)


# What the venue itself names its orders, by how the client id begins. Settlement and delivery close a position by
# decree, which is neither a liquidation nor ours.
_VENUE_PREFIXES = (
    ("adl_autoclose", FillOrigin.ADL),
    ("autoclose-", FillOrigin.LIQUIDATION),
    ("auto_deleverag", FillOrigin.ADL),                  # Gate's text
    ("liquidation", FillOrigin.LIQUIDATION),
    ("insurance", FillOrigin.LIQUIDATION),
)
# What it says of an order or trade in a field of its own: OKX's category, Bybit's execType, Deribit's and others'.
_VENUE_WORDS = {
    "full_liquidation": FillOrigin.LIQUIDATION,
    "partial_liquidation": FillOrigin.LIQUIDATION,
    "LIQUIDATION": FillOrigin.LIQUIDATION,
    "BustTrade": FillOrigin.LIQUIDATION,
    "adl": FillOrigin.ADL,
    "AdlTrade": FillOrigin.ADL,
}


def origin_of(identity: str, *, marker: str, account: int, words: tuple[str, ...] = ()) -> FillOrigin:
    """Return whose order one is: by our marker and account, the venue's prefixes, or its ``words`` of the kind.

    ``identity`` is the client id as decoded to a name where it is one. What nobody claims is external: a person's
    or another program's.
    """
    parsed = parse_name(marker, identity)
    if parsed is not None and parsed.account == account:
        return FillOrigin.OURS
    for prefix, origin in _VENUE_PREFIXES:
        if identity.startswith(prefix):
            return origin
    return next((_VENUE_WORDS[word] for word in words if word in _VENUE_WORDS), FillOrigin.EXTERNAL)
