"""What is kept of a run to draw it again: the summary, and how its accounts went over time.

It is stored as JSON in the journal, so ``penstock report RUN`` needs neither tape nor engine. Series are
plain parallel lists in float quote and base units: they are for the eye, no sum is made from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bot.domain.errors import ContractError, JournalError

DO_NOTHING = "do_nothing"
SELL_AT_ONCE = "sell_at_once"

Line = Sequence[float | None]        # None: not available at that moment


@dataclass(frozen=True, slots=True)
class AccountSeries:
    """One account over time; every list is as long as ``ts``, else ContractError.

    ``ts`` is ns UTC, ascending; ``equity`` in quote units; ``distance`` and ``margin_ratio`` are fractions,
    None without a position; ``marks`` and signed ``quantities`` go by symbol. ``thresholds`` is, by rule,
    the distance below which it fires, ``ratio_thresholds`` the margin ratio above which.
    """

    ts: Sequence[int]
    equity: Line
    distance: Line
    margin_ratio: Line
    marks: Mapping[str, Line]
    quantities: Mapping[str, Line]
    thresholds: Mapping[str, Line] = field(default_factory=dict)
    ratio_thresholds: Mapping[str, Line] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, line in self._lines():
            if len(line) != len(self.ts):
                raise ContractError(
                    f"series {name}: must be as long as its times ({len(self.ts)}), was {len(line)}"
                )

    def _lines(self) -> Iterator[tuple[str, Line]]:
        yield "equity", self.equity
        yield "distance", self.distance
        yield "margin_ratio", self.margin_ratio
        for group, lines in (
            ("marks", self.marks), ("quantities", self.quantities), ("thresholds", self.thresholds),
            ("ratio_thresholds", self.ratio_thresholds),
        ):
            for name, line in lines.items():
                yield f"{group}[{name}]", line


@dataclass(frozen=True, slots=True)
class CostSources:
    """Where a parent's cost came from, in its settlement currency; positive is cost.

    ``delay`` lies before arrival; ``market`` + ``spread`` + ``impact`` are the shortfall against arrival.
    """

    delay: float
    market: float
    spread: float
    impact: float
    fees: float


@dataclass(frozen=True, slots=True)
class ParentPath:
    """A parent order over time, as (ns UTC, base units in all from then on): what was due by its curves, and filled.

    ``costs`` is None where nothing filled, or where the process was away during its fills. ``steps`` are (ns, what was
    let go of and why): the steps of its ladder, and its pauses.
    """

    due: Sequence[tuple[int, float]]
    filled: Sequence[tuple[int, float]]
    costs: CostSources | None = None
    steps: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True, slots=True)
class StopPath:
    """The resting stops of one position: ``levels`` are (ns UTC, trigger price from then on, None: none rests).

    ``triggered`` are the moments, ns, at which one was set off; ``filled`` is in base units.
    """

    account: str
    symbol: str
    levels: Sequence[tuple[int, float | None]]
    placed: int
    triggered: Sequence[int]
    filled: float
    average: float | None


@dataclass(frozen=True, slots=True)
class AlarmCount:
    """All alarms of one code: how many, the first and the last (ns UTC), and what the first one said."""

    code: str
    times: int
    first: int
    last: int
    detail: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run: its title, the summary of the command line's contract, and its series.

    ``series`` goes by account; ``baseline_series`` by account, then DO_NOTHING and SELL_AT_ONCE, as pairs of
    (ns UTC, equity). ``story_facts`` are lines for the reader, such as where a generated market comes from.
    ``parent_paths`` goes by the parent's id. A journal of an earlier version has none of the last three.
    """

    title: str
    summary: dict[str, Any]
    series: Mapping[str, AccountSeries]
    baseline_series: Mapping[str, Mapping[str, Sequence[tuple[int, float | None]]]] = field(default_factory=dict)
    story_facts: Sequence[str] = ()
    parent_paths: Mapping[str, ParentPath] = field(default_factory=dict)
    stops: Sequence[StopPath] = ()
    alarms: Sequence[AlarmCount] = ()

    @property
    def markets(self) -> dict[str, list[str]]:
        """The symbols of every account that has a series."""
        return {name: list(series.marks) for name, series in self.series.items()}


_DECODER = msgspec.json.Decoder(RunRecord)


def to_json(record: RunRecord) -> bytes:
    """Return the record as JSON; infinite and missing figures become null."""
    return msgspec.json.encode(record)


def from_json(stored: bytes) -> RunRecord:
    """Return a stored record; raises JournalError when it is not one."""
    try:
        return _DECODER.decode(stored)
    except (msgspec.DecodeError, ContractError, UnicodeDecodeError) as error:
        raise JournalError(f"journal series: is not a run's record, was {error}; replay the run") from error
