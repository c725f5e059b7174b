"""What a trade costs: the rates of the account's tier, by what it traded in the 30 days before today.

A day is a UTC day, and today does not count: the venue settles tiers once a day, at midnight. Source: Binance,
"Futures Fee Structure & Fee Calculations", where the tiers are by the 30-day volume in the quote currency.
"""

from __future__ import annotations

from bot.domain.events import Liquidity
from bot.domain.scale import NS_PER_DAY
from paper.exchange import Exchange, charge
from paper.state import Account

DAYS = 30


def fee_of(exchange: Exchange, account: Account, *, value: int, liquidity: Liquidity) -> int:
    """Return the fee on a trade of ``value`` cash units, rounded up, and count the trade."""
    today = exchange.at // NS_PER_DAY
    tier = exchange.fee_tiers[0]
    if len(exchange.fee_tiers) > 1:
        volume = sum(traded for day, traded in account.traded.items() if today - DAYS <= day < today)
        for each in exchange.fee_tiers:
            if volume >= each.volume:
                tier = each
        for day in [day for day in account.traded if day < today - DAYS]:
            del account.traded[day]
        account.traded[today] = account.traded.get(today, 0) + value
    return charge(value, tier.maker if liquidity is Liquidity.MAKER else tier.taker)
