"""Units that a person writes in a file, as types: the loader reads them, every spec declares them.

    Ratio      70%, 25bps, 0.7            a fraction, float
    Duration   250ms, 90s, 10m, 1h, 1d    nanoseconds, int
    Money      250_000 USDT, 0.5 BTC      an exact amount and its currency
    Rate       10/s                       events per second, float
    FilePath   ../data/tape.csv           text; relative to the file that it stands in
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated


class Unit(Enum):
    RATIO = "ratio"
    DURATION = "duration"
    RATE = "rate"
    PATH = "path"


Ratio = Annotated[float, Unit.RATIO]
Duration = Annotated[int, Unit.DURATION]
Rate = Annotated[float, Unit.RATE]
FilePath = Annotated[str, Unit.PATH]
"""A path for the core, which opens no files and so has no ``pathlib``; it is made relative to where we run."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person wrote something; line and column count from 1, 0 where there are no lines."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class SourceText:
    """Text together with where it stands, so that an error inside it can be shown at its column."""

    text: str
    place: Place
