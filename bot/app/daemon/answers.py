"""What a running daemon answers a person: how it stands. What he wants done he writes into files (``Latches``).

Amounts are decimal strings, ratios fractions, times ISO 8601; what is not known is null, never zero. An account's ratio
that is known and has no number is null too, with the reason under ``why``, as in a summary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from bot.app.daemon.driver import Driver
from bot.app.wording import iso_time
from bot.domain.errors import InputError
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND, cash_text, to_text
from bot.engine.record.stops import Stop


class Answers:
    """Answers the control socket; ``health`` says what is wrong with the house itself."""

    def __init__(self, driver: Driver, health: Callable[[], Mapping[str, Any]]) -> None:
        self._driver = driver
        self._health = health

    async def answer(self, verb: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what was asked for; raises InputError for what the daemon does not know."""
        del arguments
        if verb == "status":
            return self.status()
        if verb == "positions":
            return {"positions": self.positions()}
        raise InputError(f"control: the question is unknown, was {verb!r}; the daemon answers status and positions")

    def status(self) -> dict[str, Any]:
        """Return the house's health and every account in a few figures."""
        engine = self._driver.engine
        return {
            "time": iso_time(self._driver.clock.now()),
            "steps": self._driver.steps,
            "health": dict(self._health()),
            "accounts": {slot.name: self._account(index) for index, slot in enumerate(engine.layout.accounts)},
            "markets": {
                instrument.symbol: self._market(index) for index, instrument in enumerate(engine.layout.instruments)
            },
            "rules": self._rules(),
        }

    def positions(self) -> list[dict[str, Any]]:
        """Return every position that is held, with the stop that covers it and the parent that works on it."""
        engine = self._driver.engine
        book, columns = engine.book, engine.columns
        found = []
        for position, key in enumerate(engine.layout.keys):
            quantity = book.quantity[position]
            if not quantity:
                continue
            instrument = engine.layout.instruments[key.instrument]
            mark = columns.mark[key.instrument]
            found.append({
                "account": engine.layout.accounts[key.account].name,
                "symbol": instrument.symbol,
                "side": key.side.value,
                "margin_mode": key.mode.value,
                "amount": to_text(quantity, instrument.quantity_digits),
                "entry_value": cash_text(book.entry_value[position]),
                "mark_price": None if mark is None else to_text(mark, instrument.price_digits),
                "stop": self._stop(position),
                "parent": book.parent_of[position],
                "working": to_text(book.working[position], instrument.quantity_digits),
            })
        return found

    def _account(self, account: int) -> dict[str, Any]:
        engine = self._driver.engine
        book, columns = engine.book, engine.columns
        is_known, state = columns.known[account], book.accounts[account]
        held = [position for position in engine.layout.positions_of[account] if book.quantity[position]]
        ratio = columns.margin_ratio(account) if is_known else None
        distance = columns.distance[account] if is_known and held else None
        why = {}
        if not held:
            why["liquidation_distance"] = "nothing held"
        elif distance is not None and not isfinite(distance):
            distance, why["liquidation_distance"] = None, "none: no price liquidates it"
        if ratio is not None and not isfinite(ratio):
            ratio, why["margin_ratio"] = None, "infinite: equity is gone"
        return {
            "latch": state.latch.value,
            "ready": engine.is_ready[account],
            "currency": engine.layout.accounts[account].settle,
            "equity": cash_text(columns.equity[account]) if is_known else None,
            "margin_ratio": ratio,
            "liquidation_distance": distance,
            "why": why,
            "gross_notional": columns.gross[account] / CASH_UNIT if is_known else None,
            "positions": len(held),
            "unprotected": [
                engine.layout.market_label(engine.layout.keys[position]) for position in held
                if engine.safety.protect.uncovered_since[position] is not None
            ],
            "orders": [
                {"name": order.name, "status": order.status.value, "side": order.side.value}
                for order in book.orders.values() if engine.layout.keys[order.position].account == account
            ],
            "parents": [
                parent.name for parent in book.parents.values()
                if engine.layout.keys[parent.position].account == account
            ],
            "sales": self._sales(account),
            "overrides": {code: iso_time(until) for code, until in state.overrides.items()},
        }

    def _sales(self, account: int) -> list[dict[str, Any]]:
        """Return a person's sales that are at work; ``left`` is what all of its position still want sold."""
        book, layout = self._driver.engine.book, self._driver.engine.layout
        found = []
        for name, record in book.sales.items():
            key = record.sale.key
            if record.account != account or record.ended is not None or record.episode is None or key is None:
                continue
            position = layout.position(key)
            held = abs(book.quantity[position])
            keep = min(held, book.episodes[record.episode].keeps.get(position, held))
            digits = layout.instrument_of(position).quantity_digits
            found.append({
                "name": name, "position": layout.market_label(key), "by": record.by,
                "at": iso_time(record.at), "left": to_text(held - keep, digits), "keep": to_text(keep, digits),
            })
        return found

    def _market(self, instrument: int) -> dict[str, Any]:
        engine = self._driver.engine
        mark = engine.columns.mark[instrument]
        digits = engine.layout.instruments[instrument].price_digits
        age = (self._driver.clock.now() - engine.market.marked_at(instrument)) / NS_PER_SECOND
        return {
            "mark_price": None if mark is None else to_text(mark, digits),
            "age_seconds": None if mark is None else round(age, 3),
            "state": engine.book.trading[instrument].value,
        }

    def _rules(self) -> dict[str, dict[str, int]]:
        """Return how many elements of each rule stand in which state."""
        found: dict[str, dict[str, int]] = {}
        for (rule, _), trigger in self._driver.engine.book.triggers.items():
            states = found.setdefault(rule, {})
            states[trigger.state.value] = states.get(trigger.state.value, 0) + 1
        return found

    def _stop(self, position: int) -> dict[str, Any] | None:
        engine = self._driver.engine
        seen = [stop for stop in engine.book.stops.values() if stop.position == position and stop.is_seen]
        if not seen:
            return None
        newest: Stop = max(seen, key=lambda stop: stop.sent)
        instrument = engine.layout.instrument_of(position)
        return {
            "name": newest.name,
            "trigger_price": to_text(newest.trigger_price, instrument.price_digits),
            "amount": to_text(newest.quantity, instrument.quantity_digits),
        }
