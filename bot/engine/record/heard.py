"""Which of the venue's numbered facts of an account were heard: each counts once, and a gap is seen.

Numbers come in any order. What is missing is asked for again; what was told twice changes nothing.
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
from bot.engine.record.book import AccountBook, Book

BEYOND_MAX = 1_000                   # as many as the venue keeps: what is missing before them cannot be had any more
_NUMBERED = (
    AssetsExchanged, CashMoved, FundingPaid, LiquidationStage, MarginCall, OpenOrderGone, OpenOrderSeen, OrderFilled,
)


def was_heard(book: Book, fact: AccountFact) -> bool:
    """True of a numbered fact that was folded already."""
    return isinstance(fact, _NUMBERED) and fact.number > 0 and not _is_new(book.accounts[fact.account], fact.number)


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
