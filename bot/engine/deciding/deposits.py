"""The other way out: how much cash, paid in at the moment a rule fires, would reach its goal without a sale."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from bot.domain.account import Balance
from bot.domain.effects import Goal, GoalKind
from bot.engine.deciding.plans import BY_POOL
from bot.engine.measures.columns import Columns
from bot.engine.measures.layout import AccountSlot
from bot.engine.record.book import Book
from bot.risk.collateral import Asset
from bot.risk.margin import AccountMargin, account_margin
from bot.risk.pool import Pool
from bot.risk.top_up import top_up


def deposit_for(columns: Columns, book: Book, slot: AccountSlot, goal: Goal, account: int) -> Balance | None:
    """Return the least deposit of the settlement currency that reaches ``goal`` at present marks.

    Of an account with several margin pools, what all of them lack together. None for goals that no deposit reaches
    (flat, a share, an exposure), while the account is not known, and where nothing is missing.
    """
    if goal.target is None or not columns.known[account]:
        return None
    if goal.kind is GoalKind.LEVERAGE:
        lacking = [_short_of(columns.gross[account], goal.target, columns.equity[account])]
    elif goal.kind in BY_POOL:
        lacking = [
            _lacking(pool, totals, goal, goal.target, slot.settle)
            for pool, totals in _pools(columns, book, slot, account)
        ]
    else:
        return None
    found = [amount for amount in lacking if amount is not None]
    total = sum(found)
    return Balance(slot.settle, total) if total and len(found) == len(lacking) else None


def _pools(columns: Columns, book: Book, slot: AccountSlot, account: int) -> list[tuple[Pool, AccountMargin]]:
    """Return what of an account is liquidated together, with its totals; pools that hold nothing are left out."""
    several = columns.pools[account]
    if several is not None:
        return [(each.pool, each.totals) for each in several.pools if each.pool is not None and each.held]
    holdings = tuple(columns.holdings(account)[1])
    wallet = book.accounts[account].wallet - columns.withheld[account]
    return [(Pool((Asset(slot.settle, wallet),), holdings), account_margin(wallet, holdings))] if holdings else []


def _lacking(pool: Pool, totals: AccountMargin, goal: Goal, target: float, asset: str) -> int | None:
    """Return what one pool lacks, 0 when it is where the goal wants it; None when no deposit does it."""
    if goal.kind is GoalKind.LIQUIDATION_DISTANCE:
        return top_up(pool, distance=target, asset=asset)
    return _short_of(totals.maintenance, target, totals.equity)


def _short_of(numerator: int, target: float, equity: int) -> int | None:
    """Return by how much equity is too small for ``numerator`` over it to be ``target``, cash, rounded up."""
    return max(0, ceil(numerator / Fraction(target)) - equity) if target > 0 else None
