"""A plan of faults: which of them befall what, how often, drawn from a seed.

    {"seed": 7, "rules": [{"fault": "executed_lost", "method": "POST", "path": "/fapi/v1/order", "times": 1}]}

The first rule that matches and has its turn is what happens. Every draw is a hash of seed, rule and count, so that
the same requests in the same order meet the same faults.
"""

from __future__ import annotations

import hashlib

import msgspec

from bot.domain.scale import NS_PER_MS
from paper.wire.exchange import Request
from paper.wire.refusals import malformed

DRAWS = 1 << 32


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault and what it befalls.

    ``path``, ``stream`` and ``event`` are beginnings; empty ones match everything of their kind. ``skip`` lets the
    first ones pass, ``times`` (0: no end) is how many are hit, ``share`` the fraction of those in between.
    ``spares_reducers`` leaves reduce-only requests alone, as the venue does when it is overloaded.
    """

    fault: str
    method: str = ""
    path: str = ""
    stream: str = ""                 # a stream's name, "user" for the user stream, "answer" for acknowledgements
    event: str = ""                  # the "e" of a frame
    skip: int = 0
    times: int = 0
    share: float = 1.0
    delay_ms: int = 0
    code: int = -1000
    status: int | None = None
    message: str = ""
    spares_reducers: bool = False

    @property
    def delay(self) -> int:
        """Return the delay in ns."""
        return self.delay_ms * NS_PER_MS

    def befalls(self, request: Request) -> bool:
        """True when the rule is about a request like this one."""
        if self.stream or self.event:
            return False
        if self.spares_reducers and request.params.get("reduceOnly", "").lower() == "true":
            return False
        return request.method.startswith(self.method) and request.path.startswith(self.path)


class PlanText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan as it is written."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0


def parse_plan(text: str | bytes) -> PlanText:
    """Return the plan that a text states; refuse what cannot be read."""
    try:
        return msgspec.json.decode(text, type=PlanText)
    except msgspec.MsgspecError as error:
        raise malformed("plan", f"a plan of faults: {error}") from error


class Turns:
    """How often each rule of a plan has matched and hit."""

    def __init__(self, plan: PlanText) -> None:
        self.plan = plan
        self._matched = [0] * len(plan.rules)
        self.hits = [0] * len(plan.rules)

    def takes(self, place: int) -> bool:
        """Count a match of the rule at ``place``; return whether it hits this time."""
        rule = self.plan.rules[place]
        self._matched[place] += 1
        if self._matched[place] <= rule.skip or (rule.times and self.hits[place] >= rule.times):
            return False
        if rule.share < 1.0 and self._draw(place) >= rule.share:
            return False
        self.hits[place] += 1
        return True

    def _draw(self, place: int) -> float:
        text = f"{self.plan.seed} {place} {self._matched[place]}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / DRAWS
