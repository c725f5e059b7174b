"""Recorded minute tapes: which there are, what market and what kind of day each is of, and its bars in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.adapters.tapes.candles import read_candles
from bot.adapters.tapes.walk import walk
from bot.app.bound_tapes import HeldSign
from bot.app.markets import RecordedMarket, TapeEvent
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.market import Candle

Integers = npt.NDArray[np.int64]
MAJORS = ("BTC", "ETH")
_NAME = re.compile(
    r"(?:(?P<event>.+?)_)?(?P<base>[A-Z0-9]{2,12}?)(?P<quote>USDT|BTC)(?P<perp>-PERP)?[_-]1m\.csv(?:\.gz)?"
)


class TapeKind(Enum):
    """What kind of day a tape is of, by its name: ``calm`` and ``squeeze`` say so, all others are crashes."""

    CRASH = "crash"
    SQUEEZE = "squeeze"
    CALM = "calm"

    @property
    def signs(self) -> tuple[int, ...]:
        """Return the sides that are entered: longs, and shorts where the rise is the danger."""
        return (1, -1) if self is TapeKind.SQUEEZE else (1,)


@dataclass(frozen=True, slots=True)
class RescueTape:
    """One file of minute candles; spot prices stand for the perpetual of the same coin."""

    path: Path
    name: str
    event: str
    base: str
    kind: TapeKind
    is_perpetual: bool

    @property
    def symbol(self) -> str:
        return f"{self.base}/USDT:USDT"

    @property
    def is_major(self) -> bool:
        return self.base in MAJORS


def find_tapes(folder: Path) -> tuple[list[RescueTape], list[tuple[str, str]]]:
    """Return the minute tapes below ``folder`` by name, and those left out with the reason.

    Raises InputError when there is none. Files that are no minute candles by their name are not mentioned.
    """
    found: list[RescueTape] = []
    left_out: list[tuple[str, str]] = []
    for path in sorted(folder.rglob("*_1m.csv*")) + sorted(folder.rglob("*-1m.csv*")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            left_out.append((path.name, "its name does not say of what market it is"))
        elif match["quote"] != "USDT":
            left_out.append((path.name, f"quoted in {match['quote']}: no perpetual is"))
        else:
            event = match["event"] or "tape"
            venue = "perp" if match["perp"] else "spot"
            name = f"{event} {match['base']} {venue}"
            found.append(RescueTape(path, name, event, match["base"], _kind(event), match["perp"] is not None))
    if not found:
        raise InputError(f"--tapes {folder}: no minute candles below it; name files like EVENT_BTCUSDT_1m.csv.gz")
    return found, left_out


def _kind(event: str) -> TapeKind:
    if "calm" in event:
        return TapeKind.CALM
    return TapeKind.SQUEEZE if "squeeze" in event else TapeKind.CRASH


@dataclass(frozen=True)
class TapeBars:
    """All bars of a tape, with their extremes as columns; prices in price units."""

    instrument: Instrument
    bars: list[Candle]
    opens: Integers
    highs: Integers
    lows: Integers
    closes: Integers
    stamps: Integers                 # when each opened, ns

    @classmethod
    def load(cls, tape: RescueTape) -> TapeBars:
        """Read a tape; raises InputError where it cannot be read."""
        market = RecordedMarket.open([f"{tape.symbol}={tape.path}"], [tape.symbol])
        instrument = market.instruments[0]
        return cls.of(instrument, list(read_candles(market.tapes[0].argument, instrument)))

    @classmethod
    def of(cls, instrument: Instrument, bars: list[Candle]) -> TapeBars:
        """Return the columns of bars in memory."""
        def column(name: str) -> Integers:
            return np.array([getattr(bar, name) for bar in bars], dtype=np.int64)

        return cls(
            instrument, bars, column("open"), column("high"), column("low"), column("close"), column("opened")
        )

    def events(self, first: int, end: int, held_sign: HeldSign) -> Iterator[TapeEvent]:
        """Yield bars ``first`` to ``end`` - 1 as a replay does: each whole, then its four points."""
        for bar in self.bars[first:end]:
            yield bar
            yield from walk(bar, held_sign(bar.instrument))
