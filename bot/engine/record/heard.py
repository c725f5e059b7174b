"""Which facts of an account were heard: each counts once, and a gap is seen.

Numbers come in any order. What is missing is asked for again; what was told twice changes nothing. A fill is known by
its trade's id as well: pages tell it again and again, and it must be the same each time.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from bot.domain.events import (
    AccountFact,
    AssetsExchanged,
    CashMoved,
    FundingPaid,
    LiquidationStage,
    MarginCall,
    OpenOrderGone,
    OpenOrderSeen,
    OrderFilled,
)
from bot.engine.record.book import AccountBook, Book, Gist

BEYOND_MAX = 1_000                   # as many as the venue keeps: what is missing before them cannot be had any more
_NUMBERED = (
    AssetsExchanged, CashMoved, FundingPaid, LiquidationStage, MarginCall, OpenOrderGone, OpenOrderSeen, OrderFilled,
)


def was_heard(book: Book, fact: AccountFact) -> bool:
    """True of a numbered fact that was folded already, and of a fill that is known just so."""
    if not isinstance(fact, _NUMBERED):
        return False
    account = book.accounts[fact.account]
    if fact.number > 0:
        return not _is_new(account, fact.number)
    if isinstance(fact, LiquidationStage):
        return _stage_of(fact) in account.trade_ids
    return isinstance(fact, OrderFilled) and is_known(account, fact) and not contradicts(account, fact)


def hear_stage(account: AccountBook, fact: LiquidationStage) -> None:
    """Note a step of a liquidation, by its number or by its fill's trade."""
    hear(account, fact.number)
    if fact.trade_id:
        account.trade_ids[_stage_of(fact)] = None


def _stage_of(fact: LiquidationStage) -> str:
    return f"{fact.trade_id} liquidates"


def is_known(account: AccountBook, fact: OrderFilled) -> bool:
    """True when a fill's trade was folded already, whatever was said of it then."""
    return fact.trade_id in account.trade_ids


def contradicts(account: AccountBook, fact: OrderFilled) -> bool:
    """True when a trade that is known is told with another market, side, quantity or price."""
    known = account.trade_ids.get(fact.trade_id)
    return known is not None and tuple(known) != gist_of(fact)


def gist_of(fact: OrderFilled) -> Gist:
    """Return what of a fill must not change: instrument, signed quantity and price. Fees, names and stamps may."""
    return fact.key.instrument, fact.side.sign * fact.quantity, fact.price


def opens_gap(book: Book, fact: AccountFact) -> bool:
    """True of a numbered fact that says that some before it were missed; before it is folded.

    The facts that follow it do not say so again. Before the first snapshot nothing was missed: what was told before
    we began is none of ours.
    """
    if not isinstance(fact, _NUMBERED) or not book.accounts[fact.account].adopted:
        return False
    return fact.number > newest_heard(book.accounts[fact.account]) + 1


def newest_heard(account: AccountBook) -> int:
    """Return the highest number that was heard, whatever is missing before it."""
    return account.facts_beyond[-1] if account.facts_beyond else account.facts_through


def hear(account: AccountBook, number: int) -> bool:
    """Note a number; return False when it was heard before. What is not numbered is always new."""
    if number == 0:
        return True
    if not _is_new(account, number):
        return False
    beyond = account.facts_beyond
    insort(beyond, number)
    if len(beyond) > BEYOND_MAX:
        account.facts_through = beyond[0] - 1
    joined = 0
    while joined < len(beyond) and beyond[joined] == account.facts_through + 1:
        account.facts_through += 1
        joined += 1
    del beyond[:joined]
    return True


def _is_new(account: AccountBook, number: int) -> bool:
    if number <= account.facts_through:
        return False
    place = bisect_left(account.facts_beyond, number)
    return place == len(account.facts_beyond) or account.facts_beyond[place] != number
