"""Indicators on closed bars, worked out by TA-Lib from exactly ten times as many bars as they have periods.

Wilder's averages never forget, so their value depends on where they began. Fed with a fixed number of bars
they are a function of those bars alone: a bot that was restarted reads the same as one that ran on.

TA-Lib is loaded when the first rule asks for an indicator, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.errors import ContractError, Unsupported
from bot.engine.measures.bars import Bars

if TYPE_CHECKING:
    import numpy

FED_PERIODS: Final = 10


class Indicator:
    """One indicator of one market; ``numbers`` are its periods and, for ``bollinger``, its width."""

    def __init__(self, name: str, numbers: tuple[int | float, ...], bar: int) -> None:
        require_talib(name)
        self.name: Final = name
        self.periods: Final = int(numbers[0])
        self.width: Final = float(numbers[1]) if len(numbers) > 1 else 0.0
        self.bars: Final = Bars(bar=bar, kept=FED_PERIODS * self.periods)
        self._value: float | None = None

    def update(self, now: int, price: float | None) -> float | None:
        """Take the price at ``now``; return the indicator of the bars that are closed, or None."""
        if price is None:
            return None
        if self.bars.take(now, price):
            self._value = self._work_out() if self.bars.is_full else None
        return self._value

    def _work_out(self) -> float | None:
        import numpy
        import talib

        closes = numpy.array(self.bars.closes)
        last: numpy.ndarray[tuple[int], numpy.dtype[numpy.float64]]
        match self.name:
            case "rsi":
                last = talib.RSI(closes, self.periods)
            case "sma":
                last = talib.SMA(closes, self.periods)
            case "atr":
                last = talib.ATR(numpy.array(self.bars.highs), numpy.array(self.bars.lows), closes, self.periods)
            case "bollinger":
                last = talib.BBANDS(closes, self.periods, self.width, self.width)[0]
            case _:
                raise ContractError(f"indicator: nothing works out {self.name}")
        value = float(last[-1])
        return value if value == value else None


def require_talib(name: str) -> None:
    """Raise Unsupported when TA-Lib is not installed and a rule needs it for ``name``."""
    try:
        import talib  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise Unsupported(
            f"{name}: is worked out by TA-Lib, which is not installed ({error}); install the package TA-Lib, "
            "or write the rule without indicators"
        ) from error
