"""Cancels other people's resting orders where they would make worse what is being mended, and says so.

    while an episode of the margin class is open     those that could open or add to a position: of the whole account,
                                                     or where the rule looks at one position, of its market
    while a flatten goes on                          those of the account
    while an account is blind                        the same, from 20 s on (``bot.engine.protection.blind``)
    while an episode of ``do: cancel_orders`` is     what the rule says, reducing orders too where it says all
    open

What closes, or is reduce-only, stays, and so does all that is ours. It is done as long as the cause lasts: an order
that comes later is cancelled too, and a cancel that got lost is asked for again. ``cancel_opening: false`` leaves
other people's orders alone, whatever happens.
"""

from __future__ import annotations

from bot.domain.effects import RaiseAlarm
from bot.domain.latch import Latch
from bot.domain.open_order import OpenOrder
from bot.domain.order import OrderClass
from bot.domain.scale import to_text
from bot.engine.cancels import cancel_foreign
from bot.engine.desk import Desk
from bot.engine.record.foreign_orders import foreign_orders, is_of_cancels, opening_of, wanted_gone
from bot.engine.spec import SafetySpec
from bot.rules.ruleset import Rule


class OpeningOrders:
    """Looks after one engine's accounts."""

    def __init__(self, desk: Desk, rules: dict[str, Rule], specs: tuple[SafetySpec, ...]) -> None:
        self.desk = desk
        self.rules = rules
        self.specs = specs

    def decide(self, account: int, now: int, *, blind: str | None) -> None:
        """Cancel what an account's emergencies want cancelled; ``blind`` says so where it is, and why."""
        if not self.desk.book.accounts[account].open_orders:
            return
        orders = foreign_orders(self.desk.book, self.desk.marker, account)
        if not orders:
            return
        self._for_rules(account, now)
        if account >= len(self.specs) or not self.specs[account].cancel_opening:
            return
        causes = self._causes(account) if blind is None else [(None, blind), *self._causes(account)]
        for order in opening_of(self.desk.book, orders) if causes else ():
            why = next((why for instrument, why in causes if instrument in (None, order.key.instrument)), None)
            if why is not None:
                self._cancel(account, order, why, now)

    def _for_rules(self, account: int, now: int) -> None:
        """Cancel what rules were written to cancel, whatever the account's setting."""
        for episode in list(self.desk.book.episodes.values()):
            if episode.element.account == account and is_of_cancels(episode.goal):
                for order in wanted_gone(self.desk.book, self.desk.marker, episode):
                    self._cancel(account, order, f"{episode.rule} fired (episode {episode.number})", now)

    def _causes(self, account: int) -> list[tuple[int | None, str]]:
        """Return why orders are to go, each with its market's index, or None for those of all markets."""
        book = self.desk.book
        found: list[tuple[int | None, str]] = []
        if book.accounts[account].latch is Latch.FLATTENING:
            found.append((None, "an operator flattens the account"))
        for episode in book.episodes.values():
            rule = self.rules.get(episode.rule)
            if episode.element.account != account or rule is None or is_of_cancels(episode.goal):
                continue
            if rule.execute.order_class is OrderClass.MARGIN:
                key = episode.element.key
                found.append((None if key is None else key.instrument, f"{rule.name} fired (episode {episode.number})"))
        return found

    def _cancel(self, account: int, order: OpenOrder, why: str, now: int) -> None:
        is_news = order.venue_id not in self.desk.book.accounts[account].cancels_asked
        if cancel_foreign(self.desk, account, order, why, now) and is_news:
            label = order_label(self.desk, order)
            self.desk.emit(RaiseAlarm("foreign_order_cancelled", f"{label} is cancelled: {why}", now))


def order_label(desk: Desk, order: OpenOrder) -> str:
    """Return what a person calls somebody's order."""
    instrument = desk.layout.instruments[order.key.instrument]
    price, at = (order.limit_price, "at") if order.limit_price is not None else (order.trigger_price, "triggered at")
    where = "" if price is None else f" {at} {to_text(price, instrument.price_digits)}"
    return (
        f"{desk.layout.position_label(order.key)}: {order.side.value} of "
        f"{to_text(order.leaves, instrument.quantity_digits)}{where} ({order.venue_id}, {order.name})"
    )
