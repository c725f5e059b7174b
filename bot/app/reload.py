"""Take another configuration while a run goes on: on SIGHUP, validated first, rules and limits only.

A configuration that is wrong, or that would change what the run stands on (accounts, instruments, what the
simulated venue began with), leaves the old one in force; the log says why.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import FrameType
from typing import Protocol

import structlog

from bot.adapters.journal.sqlite import SqliteJournal
from bot.app.charter import CHARTER_SERIES, charter_of
from bot.app.config import AccountSpec, Config
from bot.app.loading import Loaded, load_all
from bot.app.wiring import safety_specs
from bot.domain.errors import InputError, PenstockError
from bot.domain.events import Reloaded
from bot.engine.engine import Engine

MAY_CHANGE = frozenset({"survival", "protect", "blind"})    # of an account; limits and strategies of the file

log = structlog.get_logger()


class Hangup:
    """Hears SIGHUP from the moment it is made: before that, the signal ends the process."""

    def __init__(self) -> None:
        self.is_heard = False
        signal.signal(signal.SIGHUP, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.is_heard = True


class Reloadable(Protocol):
    """Who takes other rules: a paper session or the daemon's driver."""

    @property
    def engine(self) -> Engine: ...

    def reload(self, now: int, config_hash: str) -> None: ...


class Reloader:
    """Reloads when it is asked to; ``loaded`` is the configuration in force."""

    def __init__(
        self, loaded: Loaded, environ: Mapping[str, str], hangup: Hangup, session: Reloadable, journal: SqliteJournal
    ) -> None:
        self.loaded = loaded
        self.environ = environ
        self.hangup = hangup
        self.session = session
        self.journal = journal

    def look(self, now: int) -> None:
        """Reload if the signal was heard since the last look; ``now`` is the market's time."""
        if not self.hangup.is_heard:
            return
        self.hangup.is_heard = False
        try:
            found = load_all(self.loaded.path, self.environ)
            require_same_ground(self.loaded.config, found.config, str(found.path))
        except (PenstockError, OSError) as error:        # OSError: a rule book that went while it was read
            log.error("reload_refused", now=now, reason=str(error))
            return
        self._adopt(found, now)
        log.warning("reloaded", now=now, config_hash=found.digest, rules=len(found.rules.rules))

    def _adopt(self, found: Loaded, now: int) -> None:
        engine = self.session.engine
        engine.replace_rules(
            found.rules,
            limits=found.config.limits,
            survival=tuple(account.survival for account in found.config.accounts.values()),
            safety=safety_specs(found.config),
        )
        self.loaded = found
        stored = self.journal.get_series(CHARTER_SERIES)
        self.journal.put_series(CHARTER_SERIES, charter_of(found, engine.layout, stored))
        self.session.reload(now, found.digest)


def require_same_ground(old: Config, new: Config, path: str) -> None:
    """Raise InputError when a configuration differs in what may not change while a run goes on."""
    _require_equal(f"{path}: accounts", list(old.accounts), list(new.accounts))
    for name, account in old.accounts.items():
        for field in fields(AccountSpec):
            if field.name not in MAY_CHANGE:
                where = f"{path}: accounts.{name}.{field.name}"
                _require_equal(where, getattr(account, field.name), getattr(new.accounts[name], field.name))
    _require_equal(f"{path}: marker", old.marker, new.marker)


def _require_equal(where: str, before: object, after: object) -> None:
    """Raise InputError at the innermost key in which two values differ."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and before.keys() == after.keys():
        for key in before:
            _require_equal(f"{where}[{key}]", before[key], after[key])
    if is_dataclass(before) and type(before) is type(after):
        for field in fields(before):
            _require_equal(f"{where}.{field.name}", getattr(before, field.name), getattr(after, field.name))
    raise InputError(
        f"{where}: may not change while a run goes on, was {_text(after)} after {_text(before)}; change it back, or "
        "stop the run and start another in a new folder"
    )


def _text(value: object) -> str:
    """Return a value as the configuration writes it, nearly."""
    match value:
        case Enum():
            return str(value.value)
        case Mapping():
            return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_text(item) for item in value) + "]"
        case _ if is_dataclass(value):
            return _text({field.name: getattr(value, field.name) for field in fields(value)})
        case _:
            return str(value)


def hash_in_force(journal: SqliteJournal) -> str:
    """Return the hash of the configuration that a run was last under: its first, or that of its last reload."""
    found = journal.head.config_hash
    for _, item in journal.read():
        if isinstance(item, Reloaded):
            found = item.config_hash
    return found
