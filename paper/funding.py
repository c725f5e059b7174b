"""What holding a perpetual costs: the rate of the tape's FundingRate facts, paid at their time, on the mark."""

from __future__ import annotations

from bot.domain.account import MarginMode
from bot.domain.events import FundingPaid
from bot.domain.market import FundingRate
from paper.exchange import Exchange, charge
from paper.margin import value_at_mark
from paper.state import Market


def announce(market: Market, fact: FundingRate) -> int | None:
    """Note the rate; return the time of payment when it is a new one.

    A later fact for the same time replaces the rate. A time that is past, or has been paid for, is ignored.
    """
    if fact.next_at < fact.now or fact.next_at <= market.funding_done:
        return None
    market.funding_rate = fact.rate
    if fact.next_at == market.funding_at:
        return None
    market.funding_at = fact.next_at
    return fact.next_at


def pay(exchange: Exchange, index: int) -> None:
    """Move what is due at this instant between the holders of an instrument and its other side.

    A positive rate is paid by longs to shorts, a negative one by shorts to longs: out of the wallet, or of the
    margin of an isolated position. Rounded up per holding, against the account.
    """
    market = exchange.markets[index]
    if market.funding_at != exchange.at or market.funding_done == exchange.at or exchange.mark(index) is None:
        return                       # moved to another time since, paid already, or nothing was ever traded
    market.funding_done = market.funding_at
    settle = exchange.instruments[index].settle
    for account in exchange.state.accounts:
        for holding in account.holdings:
            if holding.key.instrument != index:
                continue
            amount = charge(value_at_mark(exchange, holding), market.funding_rate)
            if holding.key.mode is MarginMode.ISOLATED:
                holding.margin -= amount
            else:
                account.pay(settle, -amount)
            exchange.ledger(settle).funding += amount
            stamp = exchange.fill_stamp(account)
            exchange.tell(account, FundingPaid(exchange.told, stamp, account.index, holding.key, amount))
