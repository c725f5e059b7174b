"""Who may send next: four lanes under the venue's quotas, with room kept for what cannot wait.

    lane     may fill a quota up to      what goes there
    RISK     100 %                       orders of the margin class, stops, a person's commands
    CANCEL    90 %                       cancels, and look-ups of orders whose outcome is not known
    SLICE     80 %                       all other orders
    READ      60 %                       polls of books, accounts, history; at most eight at once

The more urgent lane goes first, whatever waits in the others, and the share that others may not touch is free
when it comes. A quota counts what was sent in its span, sliding, which is never less than the venue's own fixed
window counts; the venue's headers say what others on the same address or key have used. Nothing waits here for
ever: what is not let through by its ``valid_until`` is late, and its sender is told.

After a 429 the two lower lanes are shut for as long as the venue asks, the upper two send one request a second:
to be refused again costs less than not to try. After a 418, which further requests make longer, all are shut.

No clock and no waiting here: time is an argument, ns, monotonic. ccxt's own limiter is a queue without lanes whose
bucket does not refill while it is idle: an emergency order behind 100 order books left it after 100 s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import msgspec

from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND

READS_AT_ONCE = 8                    # more would only fight each other for the loop and the sockets
WAITING_MAX = 1_000                  # of one lane: more is a flood, and the last of it is told so at once
PROBE_EVERY = NS_PER_SECOND          # of the urgent lanes after a 429
BAN_MIN = 2 * NS_PER_MINUTE          # the shortest ban that Binance gives, where it does not say how long


class Lane(IntEnum):
    """The lower the number, the more urgent."""

    RISK = 0
    CANCEL = 1
    SLICE = 2
    READ = 3


SHARES = {Lane.RISK: 1.0, Lane.CANCEL: 0.9, Lane.SLICE: 0.8, Lane.READ: 0.6}


class Unit(IntEnum):
    """What a quota counts."""

    WEIGHT = 0                       # requests by how heavy the venue says they are, per address
    ORDERS = 1                       # new orders, per account


@dataclass(frozen=True, slots=True)
class Quota:
    """So many units in any ``span`` (ns); ``header`` is where the venue says how many are used, lower case."""

    unit: Unit
    span: int
    limit: int
    header: str = ""


BINANCE_QUOTAS = (
    Quota(Unit.WEIGHT, NS_PER_MINUTE, 2_400, "x-mbx-used-weight-1m"),
    Quota(Unit.ORDERS, NS_PER_MINUTE, 1_200, "x-mbx-order-count-1m"),
    Quota(Unit.ORDERS, 10 * NS_PER_SECOND, 300, "x-mbx-order-count-10s"),
)
"""Of Binance USD-M, as exchangeInfo gave them in 2026-11; a client reads its own at start."""


class Ticket(msgspec.Struct, frozen=True):
    """One request that wants to leave. ``valid_until`` is None for one that may wait."""

    number: int
    lane: Lane
    weight: int
    orders: int
    valid_until: int | None


@dataclass(frozen=True, slots=True)
class Admission:
    """Who goes now, in order, and who has waited too long."""

    go: tuple[Ticket, ...]
    late: tuple[Ticket, ...]


@dataclass(slots=True)
class _Meter:
    """How much of one quota is used, by our own count and by the venue's word."""

    quota: Quota
    sent: deque[tuple[int, int]] = field(default_factory=deque)
    total: int = 0
    told: int = 0                    # the venue's last count, and what we sent since
    told_until: int = 0              # the end of the venue's window that it was the count of

    def level(self, now: int) -> int:
        """Return how many units count as used."""
        while self.sent and self.sent[0][0] <= now - self.quota.span:
            self.total -= self.sent.popleft()[1]
        return max(self.total, self.told if now < self.told_until else 0)

    def add(self, now: int, units: int) -> None:
        if units:
            self.sent.append((now, units))
            self.total += units
            self.told += units

    def hear(self, now: int, used: int, wall: int) -> None:
        """Take the venue's count, which holds until its window, aligned to its clock, ends."""
        self.told = used
        self.told_until = now + self.quota.span - wall % self.quota.span

    def units_of(self, ticket: Ticket) -> int:
        return ticket.weight if self.quota.unit is Unit.WEIGHT else ticket.orders

    def has_room(self, now: int, ticket: Ticket) -> bool:
        """True when the ticket's units fit below its lane's share; a lone giant passes an unused quota."""
        units = self.units_of(ticket)
        if not units:
            return True
        level = self.level(now)
        return level == 0 or level + units <= self.quota.limit * SHARES[ticket.lane]

    def room_at(self, now: int, ticket: Ticket) -> int:
        """Return when there will be room, if nothing else is sent."""
        if self.has_room(now, ticket):
            return now
        moments = [at + self.quota.span for at, _ in self.sent]
        if now < self.told_until:
            moments.append(self.told_until)
        return min((at for at in moments if at > now), default=now + 1)


class Limiter:
    """Lanes and meters of one key. Ask, then admit; tell it what finished and what the venue said."""

    def __init__(self, quotas: Sequence[Quota], *, reads_at_once: int = READS_AT_ONCE) -> None:
        self._meters = [_Meter(quota) for quota in quotas]
        self._lanes: dict[Lane, deque[Ticket]] = {lane: deque() for lane in Lane}
        self._reads_max = reads_at_once
        self._reads: set[int] = set()
        self._asked = 0
        self._late: list[Ticket] = []
        self._shut_until = 0                     # for the lower lanes
        self._banned_until = 0
        self._probe_at = 0

    def ask(self, lane: Lane, *, weight: int, orders: int = 0, valid_until: int | None = None) -> Ticket:
        """Queue a request and return its ticket; ``admit`` says what becomes of it."""
        self._asked += 1
        ticket = Ticket(self._asked, lane, weight, orders, valid_until)
        if len(self._lanes[lane]) >= WAITING_MAX:
            self._late.append(ticket)
        else:
            self._lanes[lane].append(ticket)
        return ticket

    def enter(self, now: int, lane: Lane, *, weight: int, orders: int = 0) -> Ticket | None:
        """Return the ticket of a request that leaves at ``now``, counted as sent; None where it must ``ask``.

        Only where nobody waits: there ``admit`` would let just this one through.
        """
        if self._late or any(self._lanes.values()):
            return None
        ticket = Ticket(self._asked + 1, lane, weight, orders, None)
        if not self._may_go(now, ticket):
            return None
        self._asked += 1
        self._send(now, ticket)
        return ticket

    def admit(self, now: int) -> Admission:
        """Return who leaves at ``now``, counted as sent, and who is late."""
        late, self._late = self._late, []
        go: list[Ticket] = []
        for queue in self._lanes.values():
            expired = [ticket for ticket in queue if ticket.valid_until is not None and ticket.valid_until < now]
            for ticket in expired:
                queue.remove(ticket)
            late += expired
            while queue and self._may_go(now, queue[0]):
                ticket = queue.popleft()
                self._send(now, ticket)
                go.append(ticket)
        return Admission(tuple(go), tuple(late))

    def withdraw(self, ticket: Ticket) -> None:
        """Forget a ticket whose sender has gone, queued or admitted."""
        if ticket in self._lanes[ticket.lane]:
            self._lanes[ticket.lane].remove(ticket)
        self.finish(ticket)

    def finish(self, ticket: Ticket) -> None:
        """Take note that an admitted request was answered, or given up."""
        self._reads.discard(ticket.number)

    def hear(self, now: int, headers: Mapping[str, str], wall: int) -> None:
        """Take the venue's counts from an answer's headers (names in lower case); ``wall`` is ns UTC."""
        for meter in self._meters:
            used = headers.get(meter.quota.header, "") if meter.quota.header else ""
            if used.isdigit():
                meter.hear(now, int(used), wall)

    def refuse(self, now: int, *, is_ban: bool, wait: int | None) -> None:
        """Take note of a 429, or of a 418 (``is_ban``); ``wait`` is Retry-After in ns, None where it was not given."""
        if is_ban:
            self._banned_until = max(self._banned_until, now + (BAN_MIN if wait is None else wait))
        else:
            self._shut_until = max(self._shut_until, now + (NS_PER_MINUTE if wait is None else wait))
            self._probe_at = max(self._probe_at, now + PROBE_EVERY)

    def next_at(self, now: int) -> int | None:
        """Return when ``admit`` may have something to say if nobody asks meanwhile; None when nothing waits."""
        if self._late:
            return now
        moments: list[int] = []
        for queue in self._lanes.values():
            if queue:
                if not self._is_full(queue[0]):          # one that leaves a full reading room lets the next one in
                    moments.append(self._open_at(now, queue[0]))
                moments += [ticket.valid_until + 1 for ticket in queue if ticket.valid_until is not None]
        return min(moments, default=None)

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return sum(len(queue) for queue in self._lanes.values())

    def level(self, now: int, unit: Unit) -> float:
        """Return the used share of the fullest quota of a unit, as a fraction."""
        return max(
            (meter.level(now) / meter.quota.limit for meter in self._meters if meter.quota.unit is unit), default=0.0
        )

    def _may_go(self, now: int, ticket: Ticket) -> bool:
        if now < self._banned_until or self._is_full(ticket):
            return False
        if now < self._shut_until and (ticket.lane > Lane.CANCEL or now < self._probe_at):
            return False
        return all(meter.has_room(now, ticket) for meter in self._meters)

    def _send(self, now: int, ticket: Ticket) -> None:
        for meter in self._meters:
            meter.add(now, meter.units_of(ticket))
        if ticket.lane is Lane.READ:
            self._reads.add(ticket.number)
        if now < self._shut_until:
            self._probe_at = now + PROBE_EVERY

    def _is_full(self, ticket: Ticket) -> bool:
        return ticket.lane is Lane.READ and len(self._reads) >= self._reads_max

    def _open_at(self, now: int, ticket: Ticket) -> int:
        """Return when the head of a lane may go, as far as the quotas are concerned."""
        shut = self._shut_until if ticket.lane > Lane.CANCEL else min(self._probe_at, self._shut_until)
        return max(now, self._banned_until, shut, *(meter.room_at(now, ticket) for meter in self._meters))
