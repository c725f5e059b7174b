"""A candle as the four points by which venue and engine both live through it (DESIGN section 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bot.domain.market import Candle, CandlePoint

Walk = tuple[CandlePoint, CandlePoint, CandlePoint, CandlePoint]


def walk(candle: Candle, held_sign: int) -> Walk:
    """Return open, adverse extreme, favourable extreme and close, at 0, 1/3, 2/3 and the last ns of the bar.

    ``held_sign`` is the sign of the position held in the instrument when the bar opens: the low is adverse
    to a long, the high to a short; without a position the low comes first. Thirds are rounded down. The
    volume is on the last point alone, since nobody knew it earlier.
    """
    opened, span, index = candle.opened, candle.span, candle.instrument
    first, second = (candle.high, candle.low) if held_sign < 0 else (candle.low, candle.high)
    third, two_thirds, last = opened + span // 3, opened + 2 * span // 3, opened + span - 1
    return (
        CandlePoint(opened, opened, index, candle.open, 0, span),
        CandlePoint(third, third, index, first, 0, span),
        CandlePoint(two_thirds, two_thirds, index, second, 0, span),
        CandlePoint(last, last, index, candle.close, candle.volume, span),
    )


def walk_all(candles: Iterable[Candle], held_sign: Callable[[Candle], int]) -> Iterator[CandlePoint]:
    """Yield the points of each candle; ``held_sign`` is asked once a bar, after its open was consumed.

    Asking any earlier would use the position of the bar before: a merge looks one point ahead of the
    consumer, and an order sent at a close is filled after it.
    """
    for candle in candles:
        yield walk(candle, 0)[0]
        yield from walk(candle, held_sign(candle))[1:]
