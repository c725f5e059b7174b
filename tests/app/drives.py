"""Drives the real session in process, with an engine that writes down what it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.journal.null import NullJournal
from bot.app.loading import load_all
from bot.app.markets import RecordedMarket, sign_of
from bot.app.running import run_head
from bot.app.session import Session
from bot.app.wiring import make_layout, make_venue
from bot.domain.effects import Effect, OpenEpisode, PlaceOrder
from bot.domain.events import AccountFact, AccountSnapshot, Event, LiquidationStage, OrderFilled
from bot.domain.market import CandlePoint
from bot.engine.engine import Engine
from tests.app.runs import BTC, ETH


class SpyEngine(Engine):
    """The engine; ``shown`` is every event it was given, in order."""

    shown: list[Event]

    def step(self, event: Event) -> tuple[Sequence[Effect], int | None]:
        self.shown.append(event)
        return super().step(event)


@dataclass
class Onlooker:
    """Keeps facts and effects, the latter with their step, and the moments it was asked at."""

    facts: list[AccountFact] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    moments: list[tuple[int, int]] = field(default_factory=list)
    ended: list[tuple[int, int, int]] = field(default_factory=list)
    session: Session | None = None

    def on_fact(self, fact: AccountFact) -> None:
        self.facts.append(fact)

    def on_effects(self, effects: Sequence[Effect]) -> None:
        self.effects.extend(effects)

    def on_moment(self, now: int, consumed: int) -> int:
        self.moments.append((now, consumed))
        return now + 1

    def on_end(self, now: int, *, tape_ended: int, consumed: int) -> None:
        self.ended.append((now, tape_ended, consumed))


@dataclass
class Drive:
    """A session that has been driven to the end of its tape."""

    session: Session
    engine: SpyEngine
    seen: Onlooker

    @property
    def points(self) -> list[CandlePoint]:
        return [event for event in self.engine.shown if isinstance(event, CandlePoint)]

    @property
    def orders(self) -> list[PlaceOrder]:
        return [effect for effect in self.seen.effects if isinstance(effect, PlaceOrder)]

    @property
    def fires(self) -> list[OpenEpisode]:
        return [effect for effect in self.seen.effects if isinstance(effect, OpenEpisode)]

    @property
    def fills(self) -> list[OrderFilled]:
        return [fact for fact in self.seen.facts if isinstance(fact, OrderFilled)]

    @property
    def snapshots(self) -> list[AccountSnapshot]:
        return [fact for fact in self.seen.facts if isinstance(fact, AccountSnapshot)]

    @property
    def liquidations(self) -> list[LiquidationStage]:
        return [fact for fact in self.seen.facts if isinstance(fact, LiquidationStage)]


def drive(config: Path, *tapes: str, seen: Onlooker | None = None) -> Drive:
    """Take a configuration through tapes, wired as ``replay`` wires it but for the spies."""
    loaded = load_all(config, {})
    market = RecordedMarket.open(tapes, list(dict.fromkeys(
        symbol for account in loaded.config.accounts.values() for symbol in account.instruments
    )))
    layout = make_layout(loaded.config, market)
    engine = SpyEngine(
        layout, loaded.rules, limits=loaded.config.limits,
        survival=tuple(account.survival for account in loaded.config.accounts.values()), marker=loaded.config.marker,
    )
    engine.shown = []
    venue = make_venue(loaded.config, layout)
    seen = Onlooker() if seen is None else seen
    session = Session(engine, venue, NullJournal(run_head(loaded, market)), seen)
    seen.session = session
    session.run(market.events(lambda index: sign_of(venue.net_quantity(index))))
    return Drive(session, engine, seen)


def tape(path: Path, symbol: str = BTC) -> str:
    """A ``--tape`` argument that names its instrument."""
    return f"{symbol}={path}"


def both(btc: Path, eth: Path) -> tuple[str, str]:
    """The two ``--tape`` arguments of an account on BTC and ETH."""
    return tape(btc), tape(eth, ETH)
