"""Which currencies the values of a rule are counted in, as its markets' symbols tell.

Symbols are ccxt's unified ones: ``BTC/USDT:USDT``, ``BTC/USD:BTC-251226``, ``BTC/USDT``. Where the markets
of a rule differ, the currency has no name, and no literal can be compared with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.rules.language.dimension import ACCOUNT_CURRENCY, BASE, QUOTE, SETTLE


@dataclass(frozen=True, slots=True)
class Currencies:
    """The name of each currency, or its role in lower case where the markets differ."""

    account: str
    base: str
    quote: str
    settle: str


def currencies_of(symbols: Sequence[str]) -> Currencies:
    """Return the currencies that all of ``symbols`` share."""
    parts = [_split(symbol) for symbol in symbols]
    settle = _shared((part[2] for part in parts), SETTLE)
    return Currencies(
        account=_shared((part[2] for part in parts), ACCOUNT_CURRENCY),
        base=_shared((part[0] for part in parts), BASE),
        quote=_shared((part[1] for part in parts), QUOTE),
        settle=settle,
    )


def _split(symbol: str) -> tuple[str, str, str]:
    """Return base, quote and settlement currency; a spot market settles in its quote."""
    pair, _, contract = symbol.partition(":")
    base, _, quote = pair.partition("/")
    return base or BASE, quote or QUOTE, contract.partition("-")[0] or quote or SETTLE


def _shared(names: Iterable[str], role: str) -> str:
    found = list(dict.fromkeys(names))
    return found[0] if len(found) == 1 else role
