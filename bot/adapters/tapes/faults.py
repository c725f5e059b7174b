"""What was wrong in a tape: counted by reason, the first of them kept with line and text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

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
    PRICE_JUMPED = "a price is more than 100 times, or less than a hundredth of, the one before"
    DUPLICATE = "a row of this stamp (candles) or trade id (trades) was there already"


@dataclass(frozen=True, slots=True)
class TapeFault:
    """One skipped row; ``line`` counts from 1 in the unpacked file."""

    line: int
    reason: FaultReason
    text: str


@dataclass(slots=True)
class TapeFaults:
    """Collects the faults of one pass over one file; also the holes between candles.

    ``gaps`` is the number of holes, ``bars_missing`` the bars that would fill them and ``gap_max_ns`` the
    longest time from one bar's open to the next one's; a hole is no bad row.
    """

    counts: Counter[FaultReason] = field(default_factory=Counter)
    samples: list[TapeFault] = field(default_factory=list)
    gaps: int = 0
    bars_missing: int = 0
    gap_max_ns: int = 0

    @property
    def rows_bad(self) -> int:
        """Rows skipped for any reason but repetition."""
        return self.counts.total() - self.duplicates

    @property
    def duplicates(self) -> int:
        """Rows skipped because they repeat an earlier one."""
        return self.counts[FaultReason.DUPLICATE]

    def add(self, line: int, reason: FaultReason, text: str) -> None:
        """Count one skipped row; keep it when it is among the first."""
        self.counts[reason] += 1
        if len(self.samples) < SAMPLES_MAX:
            self.samples.append(TapeFault(line, reason, text[:SAMPLE_TEXT_MAX]))
