"""The operator's log of a run: every alarm, fire and end of a parent as one line, with the market's time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from bot.app.logs import configure
from bot.domain.effects import Effect, EndParent, OpenEpisode, OpenParent, RaiseAlarm, RelaxParent
from bot.domain.errors import InputError
from bot.domain.events import AccountFact

LOG_NAME = "penstock.log"

log = structlog.get_logger()


class OperatorLog:
    """An observer that writes what a person on duty must know; the journal has the rest."""

    def on_fact(self, fact: AccountFact) -> None:
        """Facts are in the journal; what matters of them raises an alarm."""

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Write one line per happening."""
        for effect in effects:
            match effect:
                case RaiseAlarm():
                    log.warning("alarm", now=effect.now, code=effect.code, detail=effect.detail)
                case OpenEpisode():
                    log.warning("rule_fired", now=effect.now, rule=effect.rule, episode=effect.episode, why=effect.why)
                case OpenParent():
                    log.info("parent_opened", now=effect.now, parent=effect.parent, side=effect.side.value)
                case RelaxParent():
                    log.warning("parent_relaxed", now=effect.now, parent=effect.parent, why=effect.why)
                case EndParent():
                    log.info("parent_ended", now=effect.now, parent=effect.parent, reason=effect.reason.value)
                case _:
                    pass

    def on_moment(self, now: int, consumed: int) -> int:
        """Time passing is no news."""
        del consumed
        return now + (1 << 62)

    def on_end(self, now: int, *, tape_ended: int, consumed: int) -> None:
        """The end of a tape is no news either."""


@contextmanager
def operator_log(out: Path | None) -> Iterator[Sequence[OperatorLog]]:
    """Yield the observer that writes ``penstock.log`` in a run folder; none where there is no folder."""
    if out is None:
        yield ()
        return
    path = out / LOG_NAME
    try:
        stream = path.open("a", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written, {error.strerror}; choose another --out") from error
    with stream:
        configure(stream, "info", json=True)
        yield (OperatorLog(),)
