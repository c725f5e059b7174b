"""The venue's warning that an account is near liquidation (Binance MARGIN_CALL).

It is sent when the margin ratio of a pool, maintenance over margin balance, has risen to the level of
``paper.spec.VenueSpec``, and again after each pause for as long as it stays there.
"""

from __future__ import annotations

from bot.domain.events import MarginCall
from paper.exchange import Exchange
from paper.margin import is_called, pools
from paper.state import Account, WarningDue


def warn(exchange: Exchange, account: Account) -> None:
    """Warn ``account`` when one of its pools is at the level and the pause since the last warning is over."""
    if exchange.at < account.warned_until or not any(is_called(exchange, pool) for pool in pools(exchange, account)):
        return
    account.warned_until = exchange.at + exchange.spec.margin_call_pause
    exchange.schedule(account.warned_until, WarningDue(account.index))
    exchange.tell(account, MarginCall(exchange.told, exchange.at, account.index))
