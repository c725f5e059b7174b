"""A run that nobody watches: no journal, no report, no baselines, no series. For sweeps of a hundred thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.adapters.journal.null import NullJournal
from bot.app.histories import load_histories
from bot.app.loading import Loaded
from bot.app.markets import MarketSource, TapeEvent, sign_of
from bot.app.recorder import RunRecorder
from bot.app.running import run_head
from bot.app.session import NEVER, Session
from bot.app.wiring import make_engine, make_layout, make_venue
from bot.domain.market import Candle
from bot.engine.engine import Engine
from bot.engine.measures.layout import Layout
from paper.venue import PaperVenue

IsOver = Callable[[Engine, PaperVenue], bool]


@dataclass(frozen=True, slots=True)
class QuietRun:
    """What came of it. ``recorder`` has fires, parents, fills, liquidations, denials and what each account began with.

    ``equity_end`` is the venue's, cash units, by account; ``ended`` is the last moment lived through, ns: earlier
    than the market's end where the run was over before.
    """

    layout: Layout
    recorder: RunRecorder
    equity_end: tuple[int, ...]
    ended: int


def all_are_flat(engine: Engine, venue: PaperVenue) -> bool:
    """True when nobody holds anything, here and at the venue, and no order is out; not before all have begun."""
    book = engine.book
    if any(book.quantity) or book.orders or book.parents:
        return False
    return all(
        venue.is_started(account) and not venue.positions(account) for account in range(len(engine.layout.accounts))
    )


def never_over(engine: Engine, venue: PaperVenue) -> bool:
    """Live through the whole market."""
    del engine, venue
    return False


def run_quietly(loaded: Loaded, market: MarketSource, *, is_over: IsOver = all_are_flat) -> QuietRun:
    """Take the configuration's accounts through a market and return what came of it; nothing is written.

    The same engine, venue and loop as ``replay``, so the orders are the same, byte for byte. The fixed cost is about
    a millisecond, a bar costs four prices: read the tape once (``BarMarket.of``), and give each run a window of it.
    ``is_over`` is asked once a bar. A configuration is a value: ``dataclasses.replace`` gives it other positions and
    balances without a file. ``bot.app.baselines.run_alone`` is the same for the venue without an engine.
    """
    layout = make_layout(loaded.config, market)
    engine = make_engine(loaded, layout)
    venue = make_venue(loaded.config, layout)
    recorder = RunRecorder(engine, NEVER)
    session = Session(engine, venue, NullJournal(run_head(loaded, market)), recorder)
    session.tell(load_histories(loaded, market, now=market.span[0]))
    events = market.events(lambda index: sign_of(venue.net_quantity(index)))
    session.run(_until(events, engine, venue, is_over))
    equity_end = tuple(venue.account_totals(account)[1] for account in range(len(layout.accounts)))
    return QuietRun(layout, recorder, equity_end, session.now)


def _until(events: Iterator[TapeEvent], engine: Engine, venue: PaperVenue, is_over: IsOver) -> Iterator[TapeEvent]:
    for event in events:
        if event.__class__ is Candle and is_over(engine, venue):
            return
        yield event
