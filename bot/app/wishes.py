"""Hears what a person wishes of a running engine, and gives it to it as commands: overrides, rules re-armed, sales.

Overrides and re-arming are for the run that goes on when they are said, and for no later one. A sale is not lost with a
process: what was said and not answered is heard when the run is taken up again, within ``UNHEARD_MAX``; the engine
knows each by its name. It waits for the venue's word on its account.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
import structlog

from bot.adapters.latch import ALL
from bot.adapters.wishes import WishFile
from bot.domain.account import PositionKey
from bot.domain.denials import DenialCode
from bot.domain.events import Command, CommandKind
from bot.domain.sale import Sale
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.engine import Engine

OVERRIDE, REARM = "override", "rearm"
SALES = {kind.value: kind for kind in (CommandKind.SELL, CommandKind.QUOTE_SALE, CommandKind.END_SALE)}
UNHEARD_MAX = 10 * NS_PER_MINUTE     # a restart takes seconds; whoever said it longer ago has looked elsewhere by now
READY_WAIT = NS_PER_MINUTE           # a venue that has said nothing of an account by then is no venue to sell at
FORGOTTEN = 24 * 60 * NS_PER_MINUTE  # what lies in the file for a day is not even refused

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
        self.waiting: list[dict[str, Any]] = []      # sales, in the order in which they were said

    def start(self) -> None:
        """Leave what was said to earlier runs unheard, but for the sales that none of them has answered."""
        while True:
            wishes, after = self.file.read(self.after)
            if after == self.after:
                return
            self.after = after
            self.waiting += [wish for wish in wishes if self._is_unanswered(wish)]

    def look(self, now: int) -> None:
        """Do what was wished since the last look; ``now`` is the market's time."""
        if self.file.end() != self.after:
            wishes, self.after = self.file.read(self.after)
            for wish in wishes:
                if wish.get("verb") in SALES:
                    self.waiting.append(wish)
                else:
                    self._hear(wish, now)
        if self.waiting:
            waiting, self.waiting = self.waiting, []
            self.waiting = [wish for wish in waiting if not self._hear(wish, now)]

    def _hear(self, wish: dict[str, Any], now: int) -> bool:
        """Give a wish to the engine, or say that it is none; False while it has to wait."""
        try:
            commands = self._commands(wish, now)
        except (KeyError, TypeError, ValueError) as error:
            log.error("wish_not_understood", now=now, wish=wish, reason=str(error))
            return True
        is_ready = all(self.session.engine.is_ready[each.account] for each in commands)
        if wish["verb"] in SALES and not is_ready and _age(wish) < READY_WAIT:
            return False
        for command in commands:
            self.session.command(command)
        return True

    def _is_unanswered(self, wish: dict[str, Any]) -> bool:
        """Say whether an earlier process may have died before it heard a sale, or before it could write it down."""
        sales = self.session.engine.book.sales
        try:
            is_lately = _age(wish) < FORGOTTEN
            if wish["verb"] == CommandKind.SELL.value:
                return is_lately and wish["sale"]["name"] not in sales
            return is_lately and wish["verb"] == CommandKind.END_SALE.value and (
                wish["name"] not in sales or sales[wish["name"]].ended is None
            )
        except (KeyError, TypeError, ValueError):
            return False

    def _commands(self, wish: dict[str, Any], now: int) -> list[Command]:
        """Return one command for each account that a wish is for; raises ValueError for what does not exist."""
        layout = self.session.engine.layout
        names = [slot.name for slot in layout.accounts]
        wanted = str(wish["account"])
        if wanted != ALL and wanted not in names:
            raise ValueError(f"this run's accounts are {', '.join(names)}, was {wanted!r}")
        accounts = [place for place, name in enumerate(names) if wanted in (ALL, name)]
        reason, by = str(wish["reason"]), str(wish["by"])
        if wish["verb"] in SALES:
            return [self._sale(wish, now, accounts[0], reason, by)]
        if wish["verb"] == OVERRIDE:
            control, until = DenialCode[wish["control"]], now + int(wish["seconds"] * NS_PER_SECOND)
            return [
                Command(now, account, CommandKind.OVERRIDE, reason, by=by, control=control, until=until)
                for account in accounts
            ]
        if wish["verb"] != REARM:
            raise ValueError(f"known are {', '.join((OVERRIDE, REARM, *SALES))}, was {wish['verb']!r}")
        rule = str(wish["rule"])
        if wish["scope"] is None:
            return [Command(now, account, CommandKind.REARM, reason, rule=rule, by=by) for account in accounts]
        return [
            Command(now, key.account, CommandKind.REARM, reason, rule=rule, by=by, key=key)
            for key in self._keys(accounts, str(wish["scope"]))
        ]

    def _sale(self, wish: dict[str, Any], now: int, account: int, reason: str, by: str) -> Command:
        """Return the command of a sale; a moment by which it is to be done becomes a length from now on."""
        kind = SALES[wish["verb"]]
        if kind is CommandKind.END_SALE:
            return Command(now, account, kind, reason, rule=str(wish["name"]), by=by)
        sale = msgspec.convert(wish["sale"], Sale)
        if sale.key is not None and (
            sale.key not in self.session.engine.layout.position_index or sale.key.account != account
        ):
            raise ValueError(f"this run has no such position, was {sale.key}")
        if wish["until"] is not None:
            sale = replace(sale, terms=replace(sale.terms, over=max(-1, int(wish["until"]) - now)))
        late = now + max(-1, UNHEARD_MAX - _age(wish))
        return Command(now, account, kind, reason, by=by, until=late, sale=sale)

    def _keys(self, accounts: list[int], scope: str) -> list[PositionKey]:
        """Return the positions that a person calls by a market's symbol, in hedge mode with the leg after it."""
        layout = self.session.engine.layout
        own = [key for key in layout.keys if key.account in accounts]
        found = [key for key in own if scope in (layout.market_label(key), layout.instruments[key.instrument].symbol)]
        if not found:
            known = ", ".join(dict.fromkeys(layout.market_label(key) for key in own))
            raise ValueError(f"no such position, was {scope!r}; there are {known}")
        return found


def _age(wish: dict[str, Any]) -> int:
    """Return how long ago a wish was said by this machine's clock, ns; 0 where that clock was set back since."""
    said = datetime.fromisoformat(wish["at"])
    return max(0, int((datetime.now(UTC) - said).total_seconds() * NS_PER_SECOND))
