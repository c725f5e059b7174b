"""The driver by the wall clock: what leaves when, what is durable first, and what a failure stops."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.journal.reader import open_readonly
from bot.adapters.journal.spare import SPARE_NAME, restore
from bot.adapters.journal.sqlite import SqliteJournal
from bot.app.daemon import committer
from bot.domain.effects import CancelOrder, PlaceOrder, ReserveNames
from bot.domain.errors import JournalError
from bot.domain.events import OrderNotSent
from bot.domain.market import Trade
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.record.recovery import refold
from tests import builders
from tests.daemon.house import LOT, WAIT, House, house, run_head

STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: now}
"""


class BlockedJournal(SqliteJournal):
    """A journal whose disk does not answer while ``gate`` is shut."""

    gate: threading.Event

    def commit(self) -> None:
        self.gate.wait(60)
        super().commit()


class RefusingJournal(SqliteJournal):
    """A journal whose disk refuses while ``is_full``."""

    is_full = True

    def commit(self) -> None:
        if self.is_full:
            raise JournalError("journal: the disk is full; free space")
        super().commit()


def as_recorded(book: Book) -> dict[str, Any]:
    """What a book amounts to; the number and time of the last price are in no record."""
    body: dict[str, Any] = json.loads(checkpoint.dump(book))
    return {name: value for name, value in body.items() if name not in ("now", "seq")}


def is_flat(home: House) -> bool:
    return home.port.venue.net_quantity(0) == 0


def test_driver_loss_beyond_the_stop_ends_flat_with_every_name_reserved_before(tmp_path: Path) -> None:
    """A price comes in, the position goes, and the journal folds to the very book that the engine holds."""

    async def live() -> None:
        async with house(tmp_path, STOP) as home:
            home.price(94)
            await home.until(lambda: is_flat(home) and not home.engine.book.orders)
            await home.until(lambda: not home.engine.book.parents)
            placed = [effect for effect in home.seen.effects if isinstance(effect, PlaceOrder)]
            reserved = [effect for effect in home.seen.effects if isinstance(effect, ReserveNames)]
            assert placed and home.port.placed == [effect.approved.request.name for effect in placed]
            assert home.seen.effects.index(reserved[0]) < home.seen.effects.index(placed[0])
            held = home.engine.book
        with open_readonly(tmp_path / "journal.sqlite") as journal:
            journal.verify()
            folded = refold(builders.layout(), None, journal.read())
        assert as_recorded(folded) == as_recorded(held)

    asyncio.run(live())


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is silent is waited for, however slowly the test itself gets on: nothing is written beside it."""
    monkeypatch.setattr(committer, "PATIENCE", 60.0)


def blocked(folder: Path) -> BlockedJournal:
    """A new journal whose disk answers nothing until its gate is opened."""
    journal = BlockedJournal.create(folder / "journal.sqlite", run_head())
    journal.gate = threading.Event()
    return journal


def has_decided(home: House) -> bool:
    return any(isinstance(effect, PlaceOrder) for effect in home.seen.effects)


@pytest.mark.usefixtures("_patient")
def test_driver_order_whose_name_is_not_durable_waits_for_the_disk(tmp_path: Path) -> None:
    """No name reaches the venue before it is durable, if only as a reservation."""

    async def live() -> None:
        journal = blocked(tmp_path)
        async with house(tmp_path, STOP, journal=journal) as home:
            home.price(94)
            await home.until(lambda: has_decided(home))
            await asyncio.sleep(0.05)
            assert home.port.placed == []
            journal.gate.set()
            await home.until(lambda: is_flat(home))

    asyncio.run(live())


@pytest.mark.usefixtures("_patient")
def test_driver_order_whose_name_was_reserved_leaves_while_the_disk_is_slow(tmp_path: Path) -> None:
    """An armed rule's names are durable beforehand, so that no disk stands between a price and an order."""

    async def live() -> None:
        journal = blocked(tmp_path)
        journal.gate.set()
        async with house(tmp_path, STOP, journal=journal) as home:
            await home.until_reserved()
            journal.gate.clear()
            home.price(94)
            await home.until(lambda: is_flat(home))
            assert journal.waiting()
            journal.gate.set()

    asyncio.run(live())


def test_driver_disk_refuses_records_beside_it_and_still_sells(tmp_path: Path) -> None:
    """A full disk stops no exit: the record goes to the spare file, and the next start has it all."""
    killed = tmp_path.with_name("killed")

    async def live() -> None:
        journal = RefusingJournal.create(tmp_path / "journal.sqlite", run_head())
        journal.is_full = False
        async with house(tmp_path, STOP, journal=journal) as home:
            await home.until(lambda: not journal.waiting())
            journal.is_full = True
            home.price(94)
            await home.until(lambda: is_flat(home) and not home.engine.book.orders)
            await home.until(lambda: not home.engine.book.parents)
            await home.until(lambda: bool(home.troubles))
            assert home.troubles[0] is not None and not home.troubles[0].is_lost
            spare = tmp_path / SPARE_NAME
            await home.until(lambda: spare.read_bytes().count(b"\n") == len(journal.waiting()))
            shutil.copytree(tmp_path, killed)    # as a kill -9 would leave it
            held = home.engine.book
            journal.is_full = False              # so that the house can be closed
        assert not (tmp_path / SPARE_NAME).exists()
        with SqliteJournal.open(killed / "journal.sqlite") as again:
            missed = refold(builders.layout(), None, again.read())
            assert restore(killed, again) > 0
            folded = refold(builders.layout(), None, again.read())
        assert as_recorded(missed) != as_recorded(held)
        assert as_recorded(folded) == as_recorded(held)
        assert not (killed / SPARE_NAME).exists()

    asyncio.run(live())


@pytest.mark.usefixtures("_patient")
def test_driver_cancelled_before_its_record_was_durable_never_leaves(tmp_path: Path) -> None:
    """A cancel that overtakes its order would find nothing at the venue, and the order would come after it."""

    async def live() -> None:
        journal = blocked(tmp_path)
        async with house(tmp_path, STOP, journal=journal) as home:
            home.price(94)
            await home.until(lambda: has_decided(home))
            name = next(each.approved.request.name for each in home.seen.effects if isinstance(each, PlaceOrder))
            now = home.clock.now()
            home.driver._perform(now, [CancelOrder(0, name, now)])  # as an operator's kill would
            await home.until(lambda: any(isinstance(fact, OrderNotSent) for fact in home.seen.facts))
            assert home.port.placed == []
            journal.gate.set()

    asyncio.run(live())


def test_driver_error_in_a_step_lets_nothing_leave_after_it(tmp_path: Path) -> None:
    """A bug in the core ends the driver: prices that come later are not decided on."""

    async def live() -> None:
        async with house(tmp_path, STOP) as home:
            now = home.clock.now()
            home.driver.inbox.put(Trade(now, now, 99, 9_400, LOT, -1))
            await asyncio.wait_for(home.driver.stopped.wait(), WAIT)
            assert isinstance(home.driver.failure, IndexError)
            steps = home.driver.steps
            home.price(90)
            await asyncio.sleep(0.05)
            assert home.driver.steps == steps and home.port.placed == []

    asyncio.run(live())
