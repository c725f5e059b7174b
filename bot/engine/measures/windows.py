"""What a value was over a window: extremes, time-weighted mean and deviation, change, rate, average.

A window is cut into 60 buckets that are aligned to the epoch; it looks back over the 60 whole ones and the one
that is under way. An update costs the same whatever came before: the bucket under way changes at once, the
whole ones are summed up only when one of them is full.

A value holds until the next one comes (time-weighted). While it is unavailable so is the window, and that
time counts for nothing; a gap longer than a tenth of the window starts it anew. A window is unavailable until
it has looked for its whole length. An infinite value is an extreme like any other, and unavailable elsewhere.

Everything is deterministic, and plain data when dumped: ``Window.dump`` and ``Window.load``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import fsum, inf, isfinite, sqrt
from typing import Final

from bot.domain.errors import JournalError

BUCKETS: Final = 60                  # a window sees its edge to a sixtieth: 15 s of 15 minutes
GAP_SHARE: Final = 10                # bridged up to a tenth: one lost feed must not blind a window for its length

Plain = list[int | float | str | None]


class Window(ABC):
    """One statistic of one value; ``update`` is called whenever the value may have changed, and in between."""

    takes_infinite = False

    def __init__(self, window: int) -> None:
        self.window: Final = window
        self.bucket: Final = -(-window // BUCKETS)
        self.since: int | None = None        # when the value became known
        self.lost: int | None = None         # when it became unavailable, while it is
        self.at = 0                          # how far time is accounted for
        self.number = 0                      # of the bucket under way, from the epoch
        self.value = 0.0                     # the last one that was known

    def update(self, now: int, value: float | None) -> float | None:
        """Take the value at ``now``; return the statistic, or None while it is unavailable."""
        if value is None or value != value or (not self.takes_infinite and not isfinite(value)):
            if self.since is not None and self.lost is None:
                self._pass(now, is_known=True)
                self.lost = now
            return None
        if self.since is None or (self.lost is not None and (now - self.lost) * GAP_SHARE > self.window):
            self.since, self.at, self.number = now, now, now // self.bucket
            self._begin(value)
        else:
            self._pass(now, is_known=self.lost is None)
        self.lost = None
        self.value = value
        self._take(value)
        return self._statistic() if now - self.since >= self.window else None

    def forget(self) -> None:
        """Begin again: what was seen is no longer about the same thing."""
        self.since = self.lost = None

    def interrupt(self) -> None:
        """Say that nobody has looked since the last update: a gap, as if the value had been unavailable."""
        if self.since is not None and self.lost is None:
            self.lost = self.at

    def dump(self) -> Plain:
        """Return the state as plain data for a checkpoint; infinite numbers as text."""
        numbers = (self.value, *self._numbers())
        whole: Plain = [self.window, self.since, self.lost, self.at, self.number]
        return [*whole, *(number if isfinite(number) else repr(number) for number in numbers)]

    def load(self, plain: Plain) -> None:
        """Take up a dumped state; raises JournalError when it is one of another window."""
        if len(plain) != len(self.dump()) or plain[0] != self.window:
            raise JournalError("window: a checkpoint's state does not fit the rule, since it was written "
                               "for another; start without it")
        since, lost, at, number = (None if entry is None else int(entry) for entry in plain[1:5])
        self.since, self.lost, self.at, self.number = since, lost, at or 0, number or 0
        self.value, *numbers = (float(entry) for entry in plain[5:] if entry is not None)
        self._restore(numbers)

    def _pass(self, now: int, *, is_known: bool) -> None:
        """Account for the time up to ``now``, in which the last value held, or nothing was known."""
        number = now // self.bucket
        if number == self.number:
            self._weigh(now - self.at if is_known else 0)
        else:
            self._weigh((self.number + 1) * self.bucket - self.at if is_known else 0)
            self._close(self.number % BUCKETS)
            # what lies more than a window back is pushed out again, so it need not be walked
            for whole in range(max(self.number + 1, number - BUCKETS), number):
                self._weigh(self.bucket if is_known else 0)
                self._close(whole % BUCKETS)
            self.number = number
            self._sum_up()
            self._weigh(now - number * self.bucket if is_known else 0)
        self.at = now

    @abstractmethod
    def _begin(self, value: float) -> None:
        """Forget all buckets."""

    @abstractmethod
    def _weigh(self, elapsed: int) -> None:
        """Let the last value hold for ``elapsed`` ns in the bucket under way."""

    @abstractmethod
    def _close(self, place: int) -> None:
        """Put the bucket under way into the ring, and begin the next one with the last value."""

    @abstractmethod
    def _sum_up(self) -> None:
        """Work out what all whole buckets amount to."""

    @abstractmethod
    def _take(self, value: float) -> None:
        """Take a value at this moment."""

    @abstractmethod
    def _statistic(self) -> float | None:
        """Return the statistic of the whole buckets and the one under way."""

    @abstractmethod
    def _numbers(self) -> list[float]:
        """Return all numbers of the state, in one order."""

    @abstractmethod
    def _restore(self, numbers: list[float]) -> None:
        """Take back what ``_numbers`` gave."""


class LargestWindow(Window):
    """The largest value that was seen or held."""

    takes_infinite = True
    sign = 1.0

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self._begin(-inf)

    def _begin(self, value: float) -> None:  # noqa: ARG002  # the first value is taken right after
        self.tops = [-inf] * BUCKETS
        self.whole = self.top = -inf

    def _weigh(self, elapsed: int) -> None:
        """Time adds nothing to an extreme."""

    def _close(self, place: int) -> None:
        self.tops[place] = self.top
        self.top = self.sign * self.value

    def _sum_up(self) -> None:
        self.whole = max(self.tops)

    def _take(self, value: float) -> None:
        if self.sign * value > self.top:
            self.top = self.sign * value

    def _statistic(self) -> float:
        return self.sign * (self.top if self.top > self.whole else self.whole)

    def _numbers(self) -> list[float]:
        return [self.top, *self.tops]

    def _restore(self, numbers: list[float]) -> None:
        self.top, *self.tops = numbers
        self._sum_up()


class SmallestWindow(LargestWindow):
    """The smallest value that was seen or held."""

    sign = -1.0


class MeanWindow(Window):
    """The mean over time, and what the deviation needs: weight, mean and sum of squares by bucket.

    Squares are of differences from the bucket's own mean and buckets are merged by Chan's formula, so that a
    price of 60,000 that moves by a cent still has a deviation.
    """

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self._begin(0.0)

    def _begin(self, value: float) -> None:  # noqa: ARG002  # a moment has no weight yet
        self.weights = [0.0] * BUCKETS
        self.means = [0.0] * BUCKETS
        self.squares = [0.0] * BUCKETS
        self.weight = self.mean = self.square = 0.0
        self.whole = (0.0, 0.0, 0.0)

    def _weigh(self, elapsed: int) -> None:
        if elapsed:
            self.weight, self.mean, self.square = _merged(
                self.weight, self.mean, self.square, float(elapsed), self.value, 0.0
            )

    def _close(self, place: int) -> None:
        self.weights[place], self.means[place], self.squares[place] = self.weight, self.mean, self.square
        self.weight = self.mean = self.square = 0.0

    def _sum_up(self) -> None:
        weight = fsum(self.weights)
        if not weight:
            self.whole = (0.0, 0.0, 0.0)
            return
        mean = fsum(each * part for each, part in zip(self.weights, self.means, strict=True)) / weight
        square = fsum(
            inner + each * (part - mean) * (part - mean)
            for each, part, inner in zip(self.weights, self.means, self.squares, strict=True)
        )
        self.whole = (weight, mean, square)

    def _take(self, value: float) -> None:
        """A moment has no weight."""

    def _statistic(self) -> float | None:
        weight, mean, _ = _merged(*self.whole, self.weight, self.mean, self.square)
        return mean if weight and isfinite(mean) else None

    def _numbers(self) -> list[float]:
        return [self.weight, self.mean, self.square, *self.weights, *self.means, *self.squares]

    def _restore(self, numbers: list[float]) -> None:
        self.weight, self.mean, self.square = numbers[:3]
        self.weights = numbers[3:3 + BUCKETS]
        self.means = numbers[3 + BUCKETS:3 + 2 * BUCKETS]
        self.squares = numbers[3 + 2 * BUCKETS:]
        self._sum_up()


class DeviationWindow(MeanWindow):
    """The standard deviation over time, of the population: 0 for a value that did not move."""

    def _statistic(self) -> float | None:
        weight, _, square = _merged(*self.whole, self.weight, self.mean, self.square)
        return sqrt(square / weight) if weight and isfinite(square) else None


class ChangeWindow(Window):
    """The value now minus the value that held at the beginning of the window's oldest bucket."""

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self._begin(0.0)

    def _begin(self, value: float) -> None:
        self.openings = [value] * BUCKETS
        self.opening = value

    def _weigh(self, elapsed: int) -> None:
        """Time adds nothing to a difference."""

    def _close(self, place: int) -> None:
        self.openings[place] = self.opening
        self.opening = self.value

    def _sum_up(self) -> None:
        """The oldest whole bucket is found by its place."""

    def _take(self, value: float) -> None:
        """The value now is the last one."""

    def _statistic(self) -> float | None:
        change = self.value - self.openings[self.number % BUCKETS]
        return change if isfinite(change) else None

    def _numbers(self) -> list[float]:
        return [self.opening, *self.openings]

    def _restore(self, numbers: list[float]) -> None:
        self.opening, *self.openings = numbers


class RateWindow(ChangeWindow):
    """The change per nanosecond, over the time from the beginning of the oldest bucket."""

    def _statistic(self) -> float | None:
        change = super()._statistic()
        elapsed = self.at - max((self.number - BUCKETS) * self.bucket, self.since or 0)
        return None if change is None else change / elapsed


class AverageWindow(Window):
    """An exponential average over time, in which what is a window old counts half."""

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self._begin(0.0)

    def _begin(self, value: float) -> None:
        self.average = value

    def _weigh(self, elapsed: int) -> None:
        decay = 0.5 ** (elapsed / self.window)
        self.average = decay * self.average + (1.0 - decay) * self.value

    def _pass(self, now: int, *, is_known: bool) -> None:
        self._weigh(now - self.at if is_known else 0)
        self.at = now

    def _close(self, place: int) -> None:
        """There are no buckets: the past fades by itself."""

    def _sum_up(self) -> None:
        """There are no buckets."""

    def _take(self, value: float) -> None:
        """A moment has no weight."""

    def _statistic(self) -> float:
        return self.average

    def _numbers(self) -> list[float]:
        return [self.average]

    def _restore(self, numbers: list[float]) -> None:
        self.average = numbers[0]


WINDOWS: Final[dict[str, type[Window]]] = {
    "max": LargestWindow,
    "min": SmallestWindow,
    "mean": MeanWindow,
    "stdev": DeviationWindow,
    "change": ChangeWindow,
    "rate": RateWindow,
    "ema": AverageWindow,
}


def _merged(
    weight: float, mean: float, square: float, other_weight: float, other_mean: float, other_square: float
) -> tuple[float, float, float]:
    """Return weight, mean and sum of squares of two parts together (Chan, Golub and LeVeque, 1979)."""
    if not other_weight:
        return weight, mean, square
    if not weight:
        return other_weight, other_mean, other_square
    total = weight + other_weight
    difference = other_mean - mean
    share = other_weight / total
    return (
        total,
        mean + difference * share,
        square + other_square + difference * difference * weight * share,
    )
