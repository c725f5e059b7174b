"""Hears what a person wishes of a running engine, and gives it to it as commands: overrides, and rules re-armed."""

from __future__ import annotations

from typing import Any, Protocol

import structlog

from bot.adapters.latch import ALL
from bot.adapters.wishes import WishFile
from bot.domain.account import PositionKey
from bot.domain.denials import DenialCode
from bot.domain.events import Command, CommandKind
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine

OVERRIDE, REARM = "override", "rearm"

log = structlog.get_logger()


class Commanded(Protocol):
    """Who obeys: a paper session or the daemon's driver."""

    @property
    def engine(self) -> Engine: ...

    def command(self, command: Command) -> None: ...


class Wishes:
    """Looks for new wishes whenever it is asked to; what cannot be meant is said in the operator's log."""

    def __init__(self, file: WishFile, session: Commanded) -> None:
        self.file = file
        self.session = session
        self.after = 0

    def start(self) -> None:
        """Leave what was said to earlier runs unheard: nobody waits for it any more."""
        self.after = self.file.end()

    def look(self, now: int) -> None:
        """Do what was wished since the last look; ``now`` is the market's time."""
        if self.file.end() == self.after:
            return
        wishes, self.after = self.file.read(self.after)
        for wish in wishes:
            try:
                commands = self._commands(wish, now)
            except (KeyError, TypeError, ValueError) as error:
                log.error("wish_not_understood", now=now, wish=wish, reason=str(error))
                continue
            for command in commands:
                self.session.command(command)

    def _commands(self, wish: dict[str, Any], now: int) -> list[Command]:
        """Return one command for each account that a wish is for; raises ValueError for what does not exist."""
        layout = self.session.engine.layout
        names = [slot.name for slot in layout.accounts]
        wanted = str(wish["account"])
        if wanted != ALL and wanted not in names:
            raise ValueError(f"this run's accounts are {', '.join(names)}, was {wanted!r}")
        accounts = [place for place, name in enumerate(names) if wanted in (ALL, name)]
        reason, by = str(wish["reason"]), str(wish["by"])
        if wish["verb"] == OVERRIDE:
            control, until = DenialCode[wish["control"]], now + int(wish["seconds"] * NS_PER_SECOND)
            return [
                Command(now, account, CommandKind.OVERRIDE, reason, by=by, control=control, until=until)
                for account in accounts
            ]
        if wish["verb"] != REARM:
            raise ValueError(f"known are {OVERRIDE} and {REARM}, was {wish['verb']!r}")
        rule = str(wish["rule"])
        if wish["scope"] is None:
            return [Command(now, account, CommandKind.REARM, reason, rule=rule, by=by) for account in accounts]
        return [
            Command(now, key.account, CommandKind.REARM, reason, rule=rule, by=by, key=key)
            for key in self._keys(accounts, str(wish["scope"]))
        ]

    def _keys(self, accounts: list[int], scope: str) -> list[PositionKey]:
        """Return the positions that a person calls by a market's symbol, in hedge mode with the leg after it."""
        layout = self.session.engine.layout
        own = [key for key in layout.keys if key.account in accounts]
        found = [key for key in own if scope in (layout.market_label(key), layout.instruments[key.instrument].symbol)]
        if not found:
            known = ", ".join(dict.fromkeys(layout.market_label(key) for key in own))
            raise ValueError(f"no such position, was {scope!r}; there are {known}")
        return found
