"""What was wrong in a tape: counted by reason, the first of them kept with line and text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

SAMPLES_MAX = 20                     # enough to see a pattern; a rotten file must not fill the memory
SAMPLE_TEXT_MAX = 160


class FaultReason(Enum):
    """Why a row was skipped; the value is the sentence that reports print."""

    COLUMNS_WRONG = "the row has not as many columns as the file's layout"
    NUMBER_INVALID = "a field is not a finite decimal number"
    NUMBER_TOO_LARGE = "a number has more than 18 digits at the instrument's scale"
    FLAG_INVALID = "the maker flag is neither true nor false"
    STAMP_IMPLAUSIBLE = "the stamp lies outside 2009 to 2100"
    STAMP_BACKWARDS = "the stamp is earlier than the row before"
    PRICE_NOT_POSITIVE = "a price is zero or negative at the instrument's scale"
    QUANTITY_NOT_POSITIVE = "the quantity of a trade is zero or negative at the instrument's scale"
    VOLUME_NEGATIVE = "the volume is negative"
    BAR_CONTRADICTORY = "the high is not the highest of the bar, or the low not the lowest"
    BAR_OVERLAPPING = "the bar opens before the one before it has ended"
    SIDE_INVALID = "the side is neither a buy nor a sell"
    QUOTE_CROSSED = "the bid is not below the ask"
    MESSAGE_INVALID = "the line holds no JSON message, or one that lacks what its kind has"
    STAMP_MISSING = "nothing on the line or before it says when it was"
    SYMBOL_MISSING = "the message does not say of which market it is, and the file has several"
    PRICE_JUMPED = "a price is more than 100 times, or less than a hundredth of, the one before"
    DUPLICATE = "a row of this stamp (candles) or number (trades, quotes), or the very same row, was there already"
    BOOK_UNANCHORED = "a change of the book that no snapshot, or a gap in the numbers, lets us place"
    NO_FACT = "a message of a kind that says nothing about prices we use"


# Rows that are left out though nothing is wrong with them.
NOT_BAD = (FaultReason.DUPLICATE, FaultReason.BOOK_UNANCHORED, FaultReason.NO_FACT)


@dataclass(frozen=True, slots=True)
class TapeFault:
    """One skipped row; ``line`` counts from 1 in the unpacked file, elements in a JSON array or a table.

    ``file`` is its name when the tape is a folder, else "".
    """

    line: int
    reason: FaultReason
    text: str
    file: str = ""

    def place(self, path: Path) -> str:
        """Return where the row is, ``path`` being the tape's."""
        return f"{path / self.file if self.file else path}:{self.line}"


@dataclass(slots=True)
class TapeFaults:
    """Collects the faults of one pass over one file; also the holes between candles.

    ``gaps`` is the number of holes, ``bars_missing`` the bars that would fill them and ``gap_max_ns`` the
    longest time from one bar's open to the next one's; a hole is no bad row. ``book_gaps`` are the places where
    the numbers of a book's changes do not follow each other; the book is unknown from there to the next snapshot.
    """

    counts: Counter[FaultReason] = field(default_factory=Counter)
    samples: list[TapeFault] = field(default_factory=list)
    gaps: int = 0
    bars_missing: int = 0
    gap_max_ns: int = 0
    book_gaps: int = 0
    file: str = ""

    @property
    def rows_bad(self) -> int:
        """Rows skipped because something is wrong with them."""
        return self.counts.total() - self.left_out - self.duplicates

    @property
    def left_out(self) -> int:
        """Rows skipped though nothing is wrong with them, repetitions not counted."""
        return sum(self.counts[reason] for reason in NOT_BAD if reason is not FaultReason.DUPLICATE)

    @property
    def duplicates(self) -> int:
        """Rows skipped because they repeat an earlier one."""
        return self.counts[FaultReason.DUPLICATE]

    def count(self, reason: FaultReason, rows: int) -> None:
        """Count rows of which no single one is worth keeping."""
        if rows:
            self.counts[reason] += rows

    def add(self, line: int, reason: FaultReason, text: str) -> None:
        """Count one skipped row; keep it when it is among the first."""
        self.counts[reason] += 1
        if reason not in NOT_BAD[1:] and len(self.samples) < SAMPLES_MAX:
            self.samples.append(TapeFault(line, reason, text[:SAMPLE_TEXT_MAX], self.file))
