"""What went through a market within a window: volume, order flow, liquidations, and the way of the price.

A window is cut into sixtieths that are aligned to the epoch. It holds the one that is under way and the 59
before it, so it looks back up to a sixtieth too little and never too far. Quantities are integers, so sums
that grow and shrink leave nothing behind. Unavailable until it has looked for its whole length.
"""

from __future__ import annotations

from typing import Final

BUCKETS: Final = 60                  # 15 s of 15 minutes: finer than any such rule means


class Flow:
    """The sum of integers that came within the window."""

    __slots__ = ("amounts", "bucket", "number", "since", "total", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.bucket = -(-window // BUCKETS)
        self.amounts = [0] * BUCKETS
        self.number = 0                      # of the bucket under way, from the epoch
        self.since: int | None = None        # when it began to look
        self.total = 0

    def take(self, now: int, amount: int) -> None:
        """Count ``amount`` at ``now``."""
        self._roll(now)
        self.amounts[self.number % BUCKETS] += amount
        self.total += amount

    def sum(self, now: int) -> int | None:
        """Return what came within the window, or None until it is covered."""
        if self.since is None or now - self.since < self.window:
            return None
        self._roll(now)
        return self.total

    def _roll(self, now: int) -> None:
        number = now // self.bucket
        if self.since is None:
            self.since, self.number = now, number
        elif number > self.number:
            for passed in range(min(number - self.number, BUCKETS)):
                place = (number - passed) % BUCKETS
                self.total -= self.amounts[place]
                self.amounts[place] = 0
            self.number = number


class SidedFlow:
    """Bought less sold by takers; unavailable while a trade in the window does not say which it was."""

    __slots__ = ("signed", "unsided")

    def __init__(self, window: int) -> None:
        self.signed = Flow(window)
        self.unsided = Flow(window)

    def take(self, now: int, quantity: int, side: int) -> None:
        """Count a trade; ``side`` is +1, -1, or 0 where it is not known."""
        self.signed.take(now, quantity * side)
        self.unsided.take(now, 0 if side else quantity)

    def sum(self, now: int) -> int | None:
        """Return the signed quantity within the window."""
        return None if self.unsided.sum(now) else self.signed.sum(now)


class PriceWay:
    """The price that held when the window began, to measure a return from."""

    __slots__ = ("bucket", "closes", "number", "price", "since", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.bucket = -(-window // BUCKETS)
        self.closes = [0] * BUCKETS          # the last price of each whole bucket
        self.number = 0
        self.since: int | None = None
        self.price = 0

    def take(self, now: int, price: int) -> None:
        """Take a new price; the one before held until now."""
        if self.since is None:
            self.since, self.number = now, now // self.bucket
        else:
            self._roll(now)
        self.price = price

    def change(self, now: int) -> float | None:
        """Return the price over the one at the beginning of the window, less 1; None until it is covered."""
        if self.since is None or now - self.since < self.window:
            return None
        self._roll(now)
        return self.price / self.closes[self.number % BUCKETS] - 1.0

    def _roll(self, now: int) -> None:
        number = now // self.bucket
        for whole in range(max(self.number, number - BUCKETS), number):
            self.closes[whole % BUCKETS] = self.price
        self.number = number
