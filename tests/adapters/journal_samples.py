"""Builders for journal tests: a head, and steps as the engine would append them."""

from __future__ import annotations

from collections.abc import Iterable

from bot.adapters.journal.codec import Fact
from bot.adapters.journal.sqlite import SqliteJournal
from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.effects import (
    Effect,
    Goal,
    GoalKind,
    MarkAtFire,
    OpenEpisode,
    RaiseAlarm,
    Reading,
    ReserveNames,
    ScopeElement,
)
from bot.domain.events import Timer
from bot.domain.order import Side
from bot.domain.run import RunHead, TapeSource

HEAD = RunHead(
    version="0.1.0",
    config_hash="ab" * 32,
    config="accounts:\n  main: {}\n",
    marker="p7",
    created=1_583_971_200_000_000_000,
    tapes=(TapeSource(path="btc.csv.gz", sha256="cd" * 32),),
)
KEY = PositionKey(account=0, instrument=1, side=PositionSide.LONG, mode=MarginMode.ISOLATED)
FIRED = OpenEpisode(
    episode=4,
    rule="margin_guard",
    element=ScopeElement(account=0, key=KEY),
    goal=Goal(GoalKind.LIQUIDATION_DISTANCE, 0.3),
    why="4.9% is less than 5%",
    readings=(Reading("account.liquidation_distance", 0.049, "ratio"), Reading("account.leverage", None, "x")),
    marks=(MarkAtFire(key=KEY, price=790_000),),
    equity=1_200_00000000,
    now=20,
)
RESERVED = ReserveNames(
    parent="p7001sl000000", key=KEY, side=Side.SELL, first_child=8, count=16, quantity_max=150_000
)


def step(seq: int) -> tuple[Timer, list[RaiseAlarm]]:
    """Return the fact and the two effects of a step, told apart by its number."""
    alarms = [RaiseAlarm(code="SAMPLE", detail=f"{seq}.{n}", now=seq * 10) for n in (0, 1)]
    return Timer(now=seq * 10), alarms


def append_step(journal: SqliteJournal, seq: int) -> None:
    """Append one fact and two effects."""
    fact, effects = step(seq)
    journal.append_fact(seq, fact)
    journal.append_effects(seq, fact.now, effects)


def record(steps: Iterable[int]) -> list[tuple[int, Fact | Effect]]:
    """Return what reading these steps back must give."""
    rows: list[tuple[int, Fact | Effect]] = []
    for seq in steps:
        fact, effects = step(seq)
        rows.append((seq, fact))
        rows += [(seq, effect) for effect in effects]
    return rows
