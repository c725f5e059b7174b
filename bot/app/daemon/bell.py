"""Rings for a person: every alarm of the engine, and what the house itself has to say, to log and webhook."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.adapters.webhook import Webhook
from bot.app.daemon.clock import WallClock
from bot.app.wording import iso_time
from bot.domain.effects import Effect, OpenEpisode, RaiseAlarm
from bot.domain.events import AccountFact, LiquidationStage

log = structlog.get_logger()


class Bell:
    """A watcher of the driver. The log gets the engine's alarms from ``OperatorLog``, so only the webhook does here."""

    def __init__(self, clock: WallClock, webhook: Webhook | None) -> None:
        self._clock = clock
        self._webhook = webhook

    def ring(self, code: str, detail: str) -> None:
        """Tell of something that is no decision of the engine."""
        now = self._clock.now()
        log.warning("alarm", now=now, code=code, detail=detail)
        self._post(code, detail, now)

    def on_fact(self, fact: AccountFact) -> None:
        """Tell of the venue's own liquidation: the worst that can be told."""
        if isinstance(fact, LiquidationStage):
            self._post("liquidated", f"the venue has liquidated a position ({fact.kind})", fact.now)

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Tell of alarms and of rules that fired."""
        for effect in effects:
            if isinstance(effect, RaiseAlarm):
                self._post(effect.code, effect.detail, effect.now)
            elif isinstance(effect, OpenEpisode):
                self._post("rule_fired", f"{effect.rule}: {effect.why}", effect.now)

    def _post(self, code: str, detail: str, now: int) -> None:
        if self._webhook is not None:
            self._webhook.post(code, detail, iso_time(now))
