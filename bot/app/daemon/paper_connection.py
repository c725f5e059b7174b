"""Paper mode with live prices: somebody's feed, the simulated venue in this process, its state in a file beside.

The venue outlives the daemon: what it has done is in ``venue.sqlite`` before anybody hears of it, so a restart finds
positions, orders and fills where they were. While nobody runs, nothing is liquidated either: its prices stand still.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from bot.app.daemon.clock import WallClock
from bot.app.daemon.connection import NamedJob
from bot.app.daemon.paper_port import PaperPort
from bot.app.loading import Loaded
from bot.app.running import VENUE_NAME
from bot.app.wiring import layout_of, make_venue, restore_venue
from bot.domain.events import AccountFact
from bot.domain.instrument import Instrument
from bot.domain.market import MarketFact
from bot.engine.measures.layout import Layout
from paper.store import PaperStore


class PriceFeed(Protocol):
    """Where live prices come from."""

    @property
    def instruments(self) -> tuple[Instrument, ...]: ...

    def jobs(self, put: Callable[[MarketFact], None], ring: Callable[[str, str], None]) -> Sequence[NamedJob]: ...

    async def close(self) -> None: ...


class PaperConnection:
    """A ``Connection`` to a simulated venue that sees the prices of ``feed``."""

    def __init__(self, loaded: Loaded, clock: WallClock, feed: PriceFeed, out: Path) -> None:
        self._feed = feed
        self._store = PaperStore(out / VENUE_NAME)
        self._layout = layout_of(loaded.config, feed.instruments)
        saved = self._store.load()
        venue = (
            make_venue(loaded.config, self._layout) if saved is None
            else restore_venue(loaded.config, self._layout, saved[1])
        )
        self._port = PaperPort(
            venue, clock, accounts=len(self._layout.accounts), keep=lambda: self._store.save("", venue.snapshot())
        )
        self._jobs: Sequence[NamedJob] = ()

    @property
    def layout(self) -> Layout:
        """Accounts as they are configured, instruments as the feed has them."""
        return self._layout

    @property
    def venue(self) -> PaperPort:
        """Where orders go."""
        return self._port

    def attach(
        self, *, put: Callable[[MarketFact], None], tell: Callable[[AccountFact], None],
        ring: Callable[[str, str], None],
    ) -> None:
        """Let prices flow to the venue, and through it to the engine."""
        self._port.attach(put=put, tell=tell)
        self._jobs = self._feed.jobs(self._port.hear, ring)

    def took_over(self, at: int) -> None:
        """Wait for nothing: what was sent to a venue in the same process has arrived, or never will."""
        del at

    def jobs(self) -> Sequence[NamedJob]:
        """Return the feed's tasks; the venue has none of its own."""
        return self._jobs

    async def history(self) -> Sequence[MarketFact]:
        """Return nothing: a feed begins when it begins."""
        return ()

    async def close(self) -> None:
        """Let go of the feed and of the venue's file."""
        self._port.close()
        await self._feed.close()
        self._store.close()
