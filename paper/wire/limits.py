"""How much may be asked: request weight per address and orders per account, in windows that begin on the clock.

Over a limit the answer is 429 with the seconds until the window ends. Who goes on asking is banned: 418, for
longer each time. Source: Binance USDⓈ-M futures API, "General Info", LIMITS, read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.scale import NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND
from paper.wire.refusals import Refused
from paper.wire.spec import LimitSpec


@dataclass(slots=True)
class Window:
    """A count that begins anew with each span of the clock."""

    span: int
    began: int = 0
    used: int = 0

    def add(self, now: int, amount: int) -> int:
        """Add to the count of the span in which ``now`` lies; return it."""
        began = now - now % self.span
        if began != self.began:
            self.began, self.used = began, 0
        self.used += amount
        return self.used

    def seconds_left(self, now: int) -> int:
        """Return whole seconds until the span ends, at least 1."""
        return max(1, -(-(self.span - now % self.span) // NS_PER_SECOND))


@dataclass(slots=True)
class Address:
    """What one address has used."""

    weight: Window = field(default_factory=lambda: Window(NS_PER_MINUTE))
    refused: Window = field(default_factory=lambda: Window(NS_PER_MINUTE))
    banned_until: int = 0
    bans: int = 0


@dataclass(slots=True)
class Orders:
    """What one account has sent."""

    ten_seconds: Window = field(default_factory=lambda: Window(10 * NS_PER_SECOND))
    minute: Window = field(default_factory=lambda: Window(NS_PER_MINUTE))


class Limits:
    """Counts what is asked, and refuses what is too much."""

    def __init__(self, spec: LimitSpec) -> None:
        self.spec = spec
        self._addresses: dict[str, Address] = {}
        self._orders: dict[int, Orders] = {}

    def weigh(self, address: str, weight: int, *, now: int) -> int:
        """Count ``weight``; return the weight used this minute, or refuse."""
        known = self._addresses.setdefault(address, Address())
        if now < known.banned_until:
            raise self._banned(address, known, now)
        used = known.weight.add(now, weight)
        if used <= self.spec.weight_1m:
            return used
        if known.refused.add(now, 1) > self.spec.refusals_before_ban:
            known.banned_until = now + min(self.spec.ban_first << min(known.bans, 20), self.spec.ban_most)
            known.bans += 1
            raise self._banned(address, known, now)
        raise Refused(
            -1003,
            f"Too many requests; current limit of IP({address}) is {self.spec.weight_1m} requests per minute. "
            "Please use the websocket for live updates to avoid polling the API.",
            status=429, retry_after=known.weight.seconds_left(now),
        )

    def count_orders(self, account: int, count: int, *, now: int) -> tuple[int, int]:
        """Count new orders; return those of these ten seconds and of this minute, or refuse."""
        sent = self._orders.setdefault(account, Orders())
        used = sent.ten_seconds.add(now, count), sent.minute.add(now, count)
        for window, many, most, words in (
            (sent.ten_seconds, used[0], self.spec.orders_10s, "TEN_SECONDS"),
            (sent.minute, used[1], self.spec.orders_1m, "MINUTE"),
        ):
            if many > most:
                raise Refused(
                    -1015, f"Too many new orders; current limit is {most} orders per {words}.",
                    status=429, retry_after=window.seconds_left(now),
                )
        return used

    def used_weight(self, address: str, *, now: int) -> int:
        """Return the weight used this minute."""
        return self._addresses.setdefault(address, Address()).weight.add(now, 0)

    def used_orders(self, account: int, *, now: int) -> tuple[int, int]:
        """Return the orders of these ten seconds and of this minute."""
        sent = self._orders.setdefault(account, Orders())
        return sent.ten_seconds.add(now, 0), sent.minute.add(now, 0)

    def _banned(self, address: str, known: Address, now: int) -> Refused:
        return Refused(
            -1003,
            f"Way too many requests; IP({address}) banned until {known.banned_until // NS_PER_MS}. "
            "Please use the websocket for live updates to avoid bans.",
            status=418, retry_after=max(1, -(-(known.banned_until - now) // NS_PER_SECOND)),
        )
