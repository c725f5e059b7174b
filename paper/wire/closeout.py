"""The mark at which a position would be liquidated, the others staying where they are.

Sought by halving on the venue's own sums, so that it is the first price unit at which the venue acts: equity is no
more than maintenance margin. It moves with every fill, fee and funding of the pool.
"""

from __future__ import annotations

from paper.exchange import Exchange
from paper.margin import maintenance_of, pool_totals, pools, unrealised
from paper.state import Account, Holding

REACH = 100                          # times the mark: a short that survives that has no liquidation price


def closeout_price(exchange: Exchange, account: Account, holding: Holding) -> int | None:
    """Return the price, or None when there is none within ``REACH``: hedged legs, or more cash than value."""
    index = holding.key.instrument
    mark = exchange.mark(index)
    pool = next((each for each in pools(exchange, account) if holding in each.holdings), None)
    if mark is None or pool is None:
        return None
    own = [each for each in pool.holdings if each.key.instrument == index]
    now = pool_totals(exchange, pool)
    rest = now.equity - now.maintenance
    for each in own:
        rest -= unrealised(exchange, each) - maintenance_of(exchange, each)
    net = sum(each.quantity for each in own)
    if net == 0:
        return None

    def survives(price: int) -> bool:
        return rest + _room(exchange, own, price) > 0

    low, high = (1, mark) if net > 0 else (mark, mark * REACH)
    if net > 0:
        if survives(low) or not survives(high):
            return None if survives(low) else mark
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if survives(middle) else (middle, high)
        return low
    if survives(high) or not survives(low):
        return None if survives(high) else mark
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if survives(middle) else (low, middle)
    return high


def _room(exchange: Exchange, own: list[Holding], price: int) -> int:
    """Return profit less maintenance of holdings of one instrument at a price, cash."""
    room = 0
    for each in own:
        instrument = exchange.instruments[each.key.instrument]
        value = instrument.value(price=price, quantity=each.quantity)
        room += instrument.profit(entry_value=each.entry_value, value=value)
        room -= exchange.brackets[each.key.instrument].maintenance(abs(value))
    return room
