"""Which rules a kill keeps from firing."""

from __future__ import annotations

from bot.domain.effects import PORTFOLIO, ScopeElement
from bot.domain.order import OrderClass
from bot.engine.record.book import Book
from bot.rules.ruleset import Rule


def rests(book: Book, rule: Rule, element: ScopeElement) -> bool:
    """True while a kill keeps a rule from firing: one of the cost class, for a killed account."""
    if rule.execute.order_class is OrderClass.MARGIN:
        return False
    if element == PORTFOLIO:
        return any(account.latch.is_killed for account in book.accounts)
    return book.accounts[element.account].latch.is_killed
