"""What a tape holds of one market: the digits from which its instrument is made, span, range, faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.source import TapeKind
from bot.domain.scale import CASH_DIGITS


@dataclass(frozen=True)
class TapeSurvey:
    """The file at ``path``. Prices are integers at ``price_digits``, stamps are ns.

    ``rows`` counts the good rows; ``price_digits`` and ``quantity_digits`` are the decimals that they use,
    trailing zeros not counted. ``first_ts`` and ``last_ts`` are the stamps of the first and last good row,
    for candles their open times; ``span_ns`` is the length of a bar, None for trades. ``market`` is what the
    file calls it, "" where it does not. ``kinds`` counts the facts of each kind; ``kind`` is the one that tells
    most of the price. ``silence_max_ns`` is the longest time between two facts. Prices are 0 where it has none.
    ``digits_told`` are those of marks, averages and sums, in which nobody trades.
    """

    path: Path
    kind: TapeKind
    layout: str
    rows: int
    first_ts: int
    last_ts: int
    span_ns: int | None
    price_digits: int
    quantity_digits: int
    first_price: int
    last_price: int
    low: int
    high: int
    faults: TapeFaults
    market: str = ""
    kinds: Mapping[TapeKind, int] = field(default_factory=dict)
    silence_max_ns: int = 0
    digits_told: tuple[int, int] = (0, 0)

    @property
    def digits_exact(self) -> tuple[int, int]:
        """Price and quantity digits at which every number of the tape is exact."""
        return max(self.price_digits, self.digits_told[0]), max(self.quantity_digits, self.digits_told[1])

    @property
    def instrument_digits(self) -> tuple[int, int]:
        """Price and quantity digits for an instrument: those of the file, together no finer than cash.

        The price keeps its digits; quantities are then rounded when they are read.
        """
        price = min(self.price_digits, CASH_DIGITS)
        return price, min(self.quantity_digits, CASH_DIGITS - price)
