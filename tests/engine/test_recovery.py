"""What was recorded is enough: the book folded from it is the book that was lived through, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest

from bot.adapters.journal import codec
from bot.domain.copying import replace
from bot.domain.effects import Effect
from bot.domain.errors import JournalError
from bot.engine.measures.layout import Layout
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.record.recovery import refold
from tests.builders import layout
from tests.engine.storm import Storm, make_engine

SEEDS = range(8)
STEPS = 700


@dataclass(frozen=True)
class Checkpoint:
    """The book at one moment, and how much was recorded by then."""

    body: bytes
    recorded: int


@cache
def storm(seed: int) -> tuple[Storm, tuple[Checkpoint, ...]]:
    """A storm that has been lived through, with what was checkpointed on the way."""
    made = Storm(seed, others_trade=seed % 2 == 0)
    taken = []
    for _ in range(4):
        made.run(STEPS // 4)
        taken.append(Checkpoint(checkpoint.dump(made.engine.book), len(made.record)))
    return made, tuple(taken)


def body_of(book: Book, like: Book) -> bytes:
    """The bytes of a folded book; prices move only a live book's clock and step, so both are taken from it."""
    assert book.seq <= like.seq
    assert book.now <= like.now
    book.seq, book.now = like.seq, like.now
    return checkpoint.dump(book)


@pytest.mark.parametrize("seed", SEEDS)
def test_refold_from_zero_gives_the_book_at_every_checkpoint(seed: int) -> None:
    """Facts and effects, in order, leave nothing of the durable state to chance."""
    made, taken = storm(seed)
    assert len(made.record) > 200
    for point in taken:
        live = checkpoint.load(point.body, made.shape)
        folded = refold(made.shape, None, made.record[:point.recorded])
        assert body_of(folded, live) == point.body


@pytest.mark.parametrize("seed", SEEDS)
def test_refold_from_any_checkpoint_and_the_rest_gives_the_last_book(seed: int) -> None:
    """It does not matter which checkpoint recovery begins with."""
    made, taken = storm(seed)
    last = checkpoint.dump(made.engine.book)
    for point in taken:
        folded = refold(made.shape, point.body, made.record[point.recorded:])
        assert body_of(folded, made.engine.book) == last


@pytest.mark.parametrize("seed", SEEDS)
def test_refold_of_a_record_cut_off_anywhere_is_the_book_of_that_moment(seed: int) -> None:
    """A process that dies between two commits finds the book of the first."""
    made, _ = storm(seed)
    engine = make_engine(made.shape)
    marks = []
    for number, event in enumerate(made.events):
        engine.step(event)
        if number % 211 == 0:
            marks.append((engine.book.seq, checkpoint.dump(engine.book)))
    for seq, body in marks:
        record = [item for item in made.record if item[0] <= seq]
        live = checkpoint.load(body, made.shape)
        assert body_of(refold(made.shape, None, record), live) == body


def encoded(effects: list[Effect]) -> list[bytes]:
    return [type(effect).__name__.encode() + codec.encode(effect) for effect in effects]


@pytest.mark.parametrize("seed", SEEDS)
def test_deciding_again_gives_the_recorded_effects_byte_for_byte(seed: int) -> None:
    """The same events, the same code: the same decisions, and the same wakes."""
    made, _ = storm(seed)
    again = make_engine(made.shape)
    effects: list[Effect] = []
    for event in made.events:
        effects.extend(again.step(event)[0])
    assert encoded(effects) == encoded(made.effects)
    assert checkpoint.dump(again.book) == checkpoint.dump(made.engine.book)


@pytest.mark.parametrize("seed", SEEDS)
def test_dump_and_load_of_a_living_book_is_the_identity(seed: int) -> None:
    """A checkpoint holds everything, and in the same order."""
    made, taken = storm(seed)
    for point in taken:
        assert checkpoint.dump(checkpoint.load(point.body, made.shape)) == point.body
    loaded = checkpoint.load(taken[-1].body, made.shape)
    assert loaded.accounts[0].sends.maxlen == made.engine.book.accounts[0].sends.maxlen
    for name, parent in loaded.parents.items():
        assert parent == made.engine.book.parents[name]
        assert parent.fills.maxlen == made.engine.book.parents[name].fills.maxlen


@pytest.mark.parametrize("seed", SEEDS)
def test_record_read_back_from_its_bytes_folds_to_the_same_book(seed: int) -> None:
    """What goes through the journal's text comes back as it was."""
    made, _ = storm(seed)
    read = [(seq, codec.decode(type(item).__name__, codec.encode(item))) for seq, item in made.record]
    folded = refold(made.shape, None, read)  # type: ignore[arg-type]
    assert body_of(folded, made.engine.book) == checkpoint.dump(made.engine.book)


def test_storms_reach_every_kind_of_fact_and_effect() -> None:
    """The storms are bad enough: what the tests above compare has happened in them."""
    seen = {type(item).__name__ for seed in SEEDS for _, item in storm(seed)[0].record}
    assert seen >= {
        "AccountSnapshot", "OrderAccepted", "OrderFilled", "OrderEnded", "OrderRejected", "OrderNotSent",
        "OrderOutcomeUnknown", "OrderNotFound", "Timer",
        "MoveTrigger", "OpenEpisode", "PlanEpisode", "EndEpisode", "OpenParent", "ReviseParent", "RelaxParent",
        "EndParent", "ReserveNames", "PlaceOrder", "LookUpOrder", "RaiseAlarm",
    }


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b'{"now": 1}', checkpoint.dump(Book.empty(layout()))[:-2]],
    ids=["nothing", "empty", "a list", "no text", "too little", "cut off"],
)
def test_load_of_a_damaged_checkpoint_says_so(body: bytes) -> None:
    """A checkpoint that cannot be read is a journal's fault, with the cure, and never half a book."""
    with pytest.raises(JournalError, match=r"checkpoint: cannot be read.*fold the journal from zero"):
        checkpoint.load(body, layout())


def test_load_of_a_checkpoint_of_another_configuration_is_refused() -> None:
    """Columns are indexes: a book of one instrument is no book of two."""
    plain = layout()
    account = replace(plain.accounts[0], instruments=(0,))
    other = Layout(plain.instruments[:1], plain.tiers[:1], (account,))
    with pytest.raises(JournalError, match="may not change in a run"):
        checkpoint.load(checkpoint.dump(Book.empty(other)), plain)
