"""Minute bars as the venue draws them, and longer ones made of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.domain.scale import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE
from paper.wire.contracts import Contract
from paper.wire.refusals import Refused
from paper.wire.values import Json, Row, cash, ms

MINUTES_KEPT = 3 * 24 * 60           # three days: what a client's windows and profiles usually ask for
INTERVALS: Mapping[str, int] = {
    "1m": NS_PER_MINUTE, "3m": 3 * NS_PER_MINUTE, "5m": 5 * NS_PER_MINUTE, "15m": 15 * NS_PER_MINUTE,
    "30m": 30 * NS_PER_MINUTE, "1h": NS_PER_HOUR, "2h": 2 * NS_PER_HOUR, "4h": 4 * NS_PER_HOUR,
    "6h": 6 * NS_PER_HOUR, "8h": 8 * NS_PER_HOUR, "12h": 12 * NS_PER_HOUR, "1d": NS_PER_DAY, "3d": 3 * NS_PER_DAY,
}


@dataclass(slots=True)
class Bar:
    """Prices and quantities at the contract's scales; values are cash; ``first`` and ``last`` are trade ids."""

    opened: int
    open: int
    high: int
    low: int
    close: int
    quantity: int = 0
    value: int = 0
    trades: int = 0
    bought: int = 0
    bought_value: int = 0
    first: int = 0
    last: int = 0

    def add(self, other: Bar) -> None:
        """Take in a bar that follows."""
        self.high, self.low, self.close = max(self.high, other.high), min(self.low, other.low), other.close
        self.quantity += other.quantity
        self.value += other.value
        self.trades += other.trades
        self.bought += other.bought
        self.bought_value += other.bought_value
        self.first = self.first or other.first
        self.last = other.last or self.last


@dataclass(slots=True)
class Bars:
    """The newest minutes in which anything was traded."""

    minutes: deque[Bar] = field(default_factory=lambda: deque(maxlen=MINUTES_KEPT))

    def price(self, now: int, price: int) -> Bar:
        """Take in a price; return the minute that it belongs to."""
        opened = now - now % NS_PER_MINUTE
        if not self.minutes or self.minutes[-1].opened < opened:
            self.minutes.append(Bar(opened, price, price, price, price))
        bar = self.minutes[-1]
        bar.high, bar.low, bar.close = max(bar.high, price), min(bar.low, price), price
        return bar

    def trade(self, now: int, price: int, *, quantity: int, value: int, is_buy: bool, number: int) -> None:
        """Take in a trade; ``value`` is cash, ``is_buy`` the taker's side."""
        bar = self.price(now, price)
        bar.quantity += quantity
        bar.value += value
        bar.trades += 1
        bar.first = bar.first or number
        bar.last = number
        if is_buy:
            bar.bought += quantity
            bar.bought_value += value

    def since(self, start: int) -> Bar | None:
        """Return everything from ``start`` on as one bar, or None when nothing was traded."""
        return next(_merged(iter([bar for bar in self.minutes if bar.opened >= start]), 1 << 62), None)

    def spans(self, interval: int, *, start: int, end: int, limit: int) -> list[Bar]:
        """Return bars of ``interval`` ns opened from ``start`` to ``end``: the first, or without a start the newest."""
        found = [bar for bar in _merged(iter(self.minutes), interval) if start <= bar.opened <= end]
        return found[:limit] if start else found[-limit:]


def interval_of(name: str) -> int:
    """Return the ns of an interval's name; refuse one that is not offered."""
    found = INTERVALS.get(name)
    if found is None:
        raise Refused(-1120, "Invalid interval.")
    return found


def bar_reply(contract: Contract, bar: Bar, interval: int) -> Json:
    """Return a bar as a row of GET /fapi/v1/klines."""
    return [
        ms(bar.opened), contract.price(bar.open), contract.price(bar.high), contract.price(bar.low),
        contract.price(bar.close), contract.quantity(bar.quantity), ms(bar.opened + interval) - 1, cash(bar.value),
        bar.trades, contract.quantity(bar.bought), cash(bar.bought_value), "0",
    ]


def bar_event(contract: Contract, bar: Bar, name: str, *, now: int) -> Row:
    """Return a bar as an event of the kline stream."""
    interval = INTERVALS[name]
    return {
        "e": "kline", "E": ms(now), "s": contract.symbol,
        "k": {
            "t": ms(bar.opened), "T": ms(bar.opened + interval) - 1, "s": contract.symbol, "i": name,
            "f": bar.first, "L": bar.last, "o": contract.price(bar.open), "c": contract.price(bar.close),
            "h": contract.price(bar.high), "l": contract.price(bar.low), "v": contract.quantity(bar.quantity),
            "n": bar.trades, "x": now >= bar.opened + interval, "q": cash(bar.value),
            "V": contract.quantity(bar.bought), "Q": cash(bar.bought_value), "B": "0",
        },
    }


def _merged(minutes: Iterator[Bar], interval: int) -> Iterator[Bar]:
    """Yield minutes put together, aligned to the epoch."""
    running: Bar | None = None
    for minute in minutes:
        opened = minute.opened - minute.opened % interval
        if running is not None and running.opened == opened:
            running.add(minute)
            continue
        if running is not None:
            yield running
        running = Bar(opened, minute.open, minute.high, minute.low, minute.close)
        running.high, running.low = minute.open, minute.open
        running.add(minute)
    if running is not None:
        yield running
