"""The net delta of an account in one underlying: positions and coins together, base units at 10^-8.

Coins count whole, whatever share of them the venue takes as collateral: their owner bears all of their price.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.engine.measures.columns import Columns
from bot.risk.delta import delta_of

NOTHING: Mapping[int, int] = {}


def net_delta(columns: Columns, account: int, underlying: str) -> int | None:
    """Return coins and positions of an underlying together, signed; None while the account is not known."""
    if not columns.known[account]:
        return None
    return coin_delta(columns, account, underlying) + sum(position_deltas(columns, account, underlying).values())


def coin_delta(columns: Columns, account: int, underlying: str) -> int:
    """Return the coins that an account has; where it is settled in them, its equity. Only for one that is known."""
    book = columns.book.accounts[account]
    if columns.layout.accounts[account].settle == underlying:
        return book.wallet + columns.unrealised(account)
    return book.assets.get(underlying, 0)


def position_deltas(
    columns: Columns, account: int, underlying: str, *, instead: Mapping[int, int] = NOTHING
) -> dict[int, int]:
    """Return the delta of every open position in an underlying, by column; only for an account that is known.

    ``instead`` are signed quantities to count in the place of those that are held.
    """
    layout = columns.layout
    found: dict[int, int] = {}
    for position in layout.positions_of[account]:
        instrument = layout.instrument_of(position)
        quantity = instead.get(position, columns.book.quantity[position])
        mark = columns.mark[instrument.index]
        if instrument.underlying == underlying and quantity and mark is not None:
            found[position] = delta_of(instrument, quantity=quantity, mark=mark)
    return found
