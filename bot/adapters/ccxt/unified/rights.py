"""Whether a key may withdraw, where an exchange says so: ccxt unifies no question for it.

Source: Bybit v5 "Get API Key Information" (permissions.Wallet), OKX v5 "Get account configuration" (perm; 2026-11).
Neither was asked over a wire.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.adapters.ccxt import probe
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.unified.account import follow
from bot.adapters.ccxt.unified.habits import Steps
from bot.domain.errors import CredentialError


@dataclass(frozen=True, slots=True)
class _RightsPage:
    """The endpoint, in ccxt's implicit name, where its answer has the rights, and the word that is refused."""

    method: str
    steps: Steps
    word: str


_OKX = _RightsPage("privateGetAccountConfig", ("data", 0, "perm"), "withdraw")
_BYBIT = _RightsPage("privateGetV5UserQueryApi", ("result", "permissions", "Wallet"), "Withdraw")
_PAGES = {
    "bybit": _BYBIT,
    "bybitid": _BYBIT,
    "okx": _OKX,
    "okxus": _OKX,
    "myokx": _OKX,
}


async def refuse_withdrawals(connection: Connection) -> str | None:
    """Raise CredentialError when the key may withdraw; return why that could not be asked, None where it was."""
    exchange_id = connection.access.exchange_id
    if exchange_id.startswith("binance"):
        await probe.refuse_withdrawals(connection)
        return None
    page = _PAGES.get(exchange_id)
    told = None if page is None else follow(await connection.ask(page.method, {}), page.steps)
    if page is None or not isinstance(told, str | list):
        return "whether the key may withdraw cannot be asked: make sure that it may not"
    if page.word in (told.split(",") if isinstance(told, str) else told):
        raise CredentialError(
            "exchange.apiKey: the key may withdraw, which a guard must not; make one that may read and trade, no more"
        )
    return None
