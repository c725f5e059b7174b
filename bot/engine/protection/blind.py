"""What is done for a held position when no source gives a price any more. Nothing here uses a frozen price.

     5 s   ``bot.engine.measures.freshness`` takes the mark away and alarms; no rule decides by it
    20 s   other people's orders that could open are cancelled; we send none
    60 s   the venue is asked whether the stop rests; where none does, a reduce-only stop for a share of what is held
           is placed there: the venue knows the price when we do not

The times count from the last price where that comes by the second; from later by as much where the stream is slower
than ``stale_after``. Quantities are what is held. The trigger is where a stop belonged when the liquidation price
could last be known: it moves with cash and positions, not with the price that is missing.
"""

from __future__ import annotations

from math import ceil

from bot.domain.effects import LookUpOrder, RaiseAlarm
from bot.domain.scale import NS_PER_SECOND, to_text
from bot.engine.desk import Desk
from bot.engine.protection.protect import Protect
from bot.engine.record.stops import Stop
from bot.engine.spec import BlindSpec, SafetySpec
from bot.execution.slicer import smallest_order


class Blind:
    """Deadlines of positions without a price, as those of their accounts."""

    def __init__(self, desk: Desk, protect: Protect) -> None:
        count = len(desk.layout.keys)
        self.desk = desk
        self.protect = protect
        self.specs: tuple[SafetySpec, ...] = ()
        self.dark_since: list[int | None] = [None] * count
        self.why_cancel: list[str | None] = [None] * len(desk.layout.accounts)   # orders that could open, while blind

    def look(self, account: int, now: int) -> None:
        """Do what is due for an account's positions without a price."""
        desk = self.desk
        if account >= len(self.specs):
            return
        spec = self.specs[account].blind
        self.why_cancel[account] = None
        for position in desk.layout.positions_of[account]:
            is_dark = desk.columns.mark[desk.layout.keys[position].instrument] is None
            if desk.book.quantity[position] and is_dark:
                self._wait(position, spec, now)
            elif self.dark_since[position] is not None:
                self._see(position, now)

    def _wait(self, position: int, spec: BlindSpec, now: int) -> None:
        """Act when it has been dark for long enough: ``stale_after`` of it had passed before it was noticed."""
        since = self.dark_since[position]
        since = self.dark_since[position] = now if since is None else since
        account = self.desk.layout.keys[position].account
        cancels_at = since + max(0, spec.cancel_after - self.desk.limits.stale_after)
        if now < cancels_at:
            self.desk.timers.set(account, cancels_at)
        else:
            symbol = self.desk.layout.instrument_of(position).symbol
            self.why_cancel[account] = f"{symbol} has no price for {spec.cancel_after / NS_PER_SECOND:g} s"
        acts_at = since + max(0, spec.after - self.desk.limits.stale_after)
        if now < acts_at:
            self.desk.timers.set(account, acts_at)
            return
        standing = [stop for stop in self.protect.standing(position) if stop.absent_since is None]
        if not self.protect.is_blind[position]:
            self.protect.is_blind[position] = True
            self._begin(position, spec, standing, now)
        if not standing and not self.protect.is_closing(position):
            self._reduce(position, spec, now)

    def _begin(self, position: int, spec: BlindSpec, standing: list[Stop], now: int) -> None:
        level = self.protect.levels[position]
        if standing:
            what = f"a stop is to rest at {self._price(position, standing[-1].trigger_price)}"
            what += "; the venue is asked for it" if spec.verify_stop else ""
        elif level is None or not spec.else_reduce:
            what = "no stop rests, and none is placed"
        else:
            what = f"no stop rests; one for {spec.else_reduce:.0%} is placed at {self._price(position, level.trigger)}"
        length = f"{spec.after / NS_PER_SECOND:g} s"
        self._alarm("blind", position, f"no price for {length} and no other source; {what}", now)
        if spec.verify_stop:
            for stop in standing:
                self.desk.emit(LookUpOrder(self.desk.layout.keys[position].account, stop.name, now))

    def _reduce(self, position: int, spec: BlindSpec, now: int) -> None:
        """Place a stop for a share of what one would be for, rounded up to what the venue takes."""
        level = self.protect.levels[position]
        filters = self.desk.layout.instrument_of(position).filters
        held = self.protect.share(position)
        lot = filters.market_lot or filters.lot
        most = min(held, filters.market_quantity_max or filters.quantity_max) // lot * lot
        share = max(ceil(held * spec.else_reduce / lot) * lot, smallest_order(filters))
        if level is not None and spec.else_reduce and most >= smallest_order(filters):
            self.protect.place(position, min(share, most), level, now)

    def _see(self, position: int, now: int) -> None:
        self.dark_since[position] = None
        if self.protect.is_blind[position]:
            self.protect.is_blind[position] = False
            self.protect.changed(self.desk.layout.keys[position].account)
            self._alarm("blind_over", position, "there is a price again, or nothing is held", now)

    def _price(self, position: int, price: int) -> str:
        return to_text(price, self.desk.layout.instrument_of(position).price_digits)

    def _alarm(self, code: str, position: int, detail: str, now: int) -> None:
        label = self.desk.layout.position_label(self.desk.layout.keys[position])
        self.desk.emit(RaiseAlarm(code, f"{label}: {detail}", now))
