"""The carrier that does harm, by a plan: faults of requests and frames, counted, so that a run can show what it met.

Some faults need to remember: ``reordered`` holds a frame back until the next one of its connection has gone out,
``repeated`` sends the one before again after it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from paper.wire.exchange import Request
from paper.wire.faults import Fate, Frame
from paper.wire.frame_faults import FRAME_FAULTS
from paper.wire.hub import Outgoing
from paper.wire.refusals import malformed
from paper.wire.request_faults import REQUEST_FAULTS
from paper.wire.rules import PlanText, Rule, Turns, parse_plan

ALL_FAULTS = (*REQUEST_FAULTS, *FRAME_FAULTS)


class _Event(msgspec.Struct):
    """What of a frame says which event it is."""

    e: str = ""
    data: _Named | None = None


class _Named(msgspec.Struct):
    e: str = ""


class Mischief:
    """A carrier with a plan; without one it carries faithfully."""

    def __init__(self, plan: PlanText | None = None) -> None:
        self._begin(plan or PlanText())
        self._held: dict[int, list[bytes]] = {}
        self.counts: dict[str, int] = {}

    def follow(self, text: str | bytes) -> None:
        """Take up a plan from now on; refuse one that names a fault that there is not."""
        plan = parse_plan(text)
        for rule in plan.rules:
            if rule.fault not in ALL_FAULTS:
                raise malformed("fault", ", ".join(ALL_FAULTS))
        self._begin(plan)

    def _begin(self, plan: PlanText) -> None:
        self._turns = Turns(plan)
        self._repeats = any(rule.fault == "repeated" for rule in plan.rules)
        self._last: dict[int, bytes] = {}

    def fate(self, now: int, request: Request) -> Fate:
        """Return what happens to a request: the first rule that has its turn, else nothing bad."""
        del now
        for place, rule in enumerate(self._turns.plan.rules):
            if rule.fault in REQUEST_FAULTS and rule.befalls(request) and self._turns.takes(place):
                self._count(rule)
                return REQUEST_FAULTS[rule.fault](rule, request)
        return Fate()

    def carried(self, now: int, outgoing: Outgoing) -> Sequence[Frame]:
        """Return the frames that go out for one."""
        del now
        number = outgoing.connection
        before = self._last.get(number)
        if self._repeats:
            self._last[number] = outgoing.body
        found: list[tuple[bytes | None, int]] = [(outgoing.body, 0)]
        for place, rule in enumerate(self._turns.plan.rules):
            if rule.fault in FRAME_FAULTS and _befalls(rule, outgoing) and self._turns.takes(place):
                self._count(rule)
                if rule.fault == "reordered":
                    self._held.setdefault(number, []).append(outgoing.body)
                    return ()
                found = FRAME_FAULTS[rule.fault](rule, outgoing)
                if rule.fault == "repeated" and before is not None:
                    found.append((before, 0))
                break
        found += [(body, 0) for body in self._held.pop(number, [])]
        return [Frame(number, body, delay) for body, delay in found]

    def _count(self, rule: Rule) -> None:
        self.counts[rule.fault] = self.counts.get(rule.fault, 0) + 1


def _befalls(rule: Rule, outgoing: Outgoing) -> bool:
    """True when a rule is about a frame like this one; acknowledgements only when it says so."""
    if rule.method or rule.path or (outgoing.stream == "answer") != (rule.stream == "answer"):
        return False
    if not outgoing.stream.startswith(rule.stream):
        return False
    return not rule.event or _event_of(outgoing.body).startswith(rule.event)


def _event_of(body: bytes) -> str:
    try:
        event = msgspec.json.decode(body, type=_Event)
    except msgspec.MsgspecError:
        return ""                        # a list of events, which has no name of its own
    return event.data.e if event.data is not None else event.e
