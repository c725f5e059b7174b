"""When an order is believed not to be at the venue: two looks, far enough apart, at what could not come any more."""

from __future__ import annotations

from bot.domain.events import OrderNotFound
from bot.domain.order import OrderStatus
from bot.domain.scale import NS_PER_SECOND
from bot.engine.record.book import Book

WITNESSES_APART = 5 * NS_PER_SECOND  # two look-ups this far apart must both miss it before it is believed absent


def is_second_witness(fact: OrderNotFound, since: int | None) -> bool:
    """Say whether a look was taken long enough after the first, at ``since``, and at what could not come any more."""
    return since is not None and not fact.may_come and (fact.asked or fact.now) - since >= WITNESSES_APART


def settles_absence(book: Book, fact: OrderNotFound) -> bool:
    """True when an order was missed before, and long enough ago for this to be another look.

    One that the venue had accepted may have filled before it was lost: that is waited for until a snapshot taken
    since says what is held, or the same would be sold again.
    """
    order = book.orders.get(fact.name)
    if order is None or order.absent_since is None or not is_second_witness(fact, order.absent_since):
        return False
    return order.status is not OrderStatus.WORKING or book.accounts[fact.account].snapshot_taken > order.absent_since
