"""Windows against a naive recomputation of the whole series, and at their edges."""

from __future__ import annotations

from math import inf, isclose, nan, sqrt
from random import Random

import msgspec
import pytest

from bot.domain.errors import JournalError
from bot.domain.scale import NS_PER_SECOND
from bot.engine.measures.windows import BUCKETS, GAP_SHARE, WINDOWS, Window

SECOND = NS_PER_SECOND
MINUTE = 60 * SECOND
Sample = tuple[int, float | None]


def feed(window: Window, samples: list[Sample]) -> list[float | None]:
    """What the window says after each sample."""
    return [window.update(at, value) for at, value in samples]


def naive(name: str, span: int, samples: list[Sample]) -> float | None:
    """The statistic from its definition, over the whole series every time."""
    now, last = samples[-1]
    bucket = -(-span // BUCKETS)
    begins = (now // bucket - BUCKETS) * bucket
    since, lost = None, None
    segments: list[tuple[int, int, float]] = []      # (from, to, value that held), known time only
    held: list[tuple[int, int, float]] = []          # the same, the last value carried over short gaps
    known: float | None = None
    before = 0
    for at, value in samples:
        if value is None:
            if since is not None and lost is None and known is not None:
                segments.append((before, at, known))
                lost = at
            continue
        if since is None or (lost is not None and (at - lost) * GAP_SHARE > span):
            since, segments, held = at, [], []
        elif lost is None and known is not None:
            segments.append((before, at, known))
            held.append((before, at, known))
        elif known is not None:
            held.append((before, at, known))
        known, before, lost = value, at, None
    if last is None or since is None or now - since < span:
        return None
    held.append((before, now, last))
    clipped = [(max(start, begins), end, value) for start, end, value in segments if end > begins]
    weight = sum(end - start for start, end, _ in clipped)
    mean = sum((end - start) * value for start, end, value in clipped) / weight
    at_start = next((value for start, end, value in held if start <= begins < end), held[0][2])
    in_sight = [value for start, end, value in held if end >= begins and (end > begins or start == end)]
    match name:
        case "max":
            return max(in_sight)
        case "min":
            return min(in_sight)
        case "mean":
            return mean
        case "stdev":
            return sqrt(sum((end - start) * (value - mean) ** 2 for start, end, value in clipped) / weight)
        case "change":
            return last - at_start
        case "rate":
            return (last - at_start) / (now - max(begins, since))
        case _:
            raise AssertionError(name)


def random_series(random: Random, span: int) -> list[Sample]:
    """Irregular times from one sample per bucket and more to none for several windows, with holes."""
    now = random.randrange(10**6) * SECOND + random.randrange(SECOND)
    level, samples = random.choice((1.0, 60_000.0, -3.0)), []
    for _ in range(150):
        now += round(span * random.choice((0.0, 0.001, 0.004, 1 / 60, 0.05, 0.1, 0.3)) * random.random())
        level += random.gauss(0, 0.01)
        is_hole = random.random() < 0.06
        samples.append((now, None if is_hole else level))
        if random.random() < 0.01:
            now += round(2.5 * span)
    return samples


@pytest.mark.parametrize("name", [name for name in WINDOWS if name != "ema"])
def test_window_of_random_irregular_series_equals_naive_recomputation(name: str) -> None:
    """Whatever the spacing and wherever the holes, the ring says what the whole series says."""
    random = Random(20200312)
    answers = {True: 0, False: 0}
    for _ in range(12):
        span = random.choice((7 * SECOND, MINUTE, 15 * MINUTE, 3_600 * SECOND + 1))
        window = WINDOWS[name](span)
        samples = random_series(random, span)
        for count, found in enumerate(feed(window, samples), start=1):
            expected = naive(name, span, samples[:count])
            answers[found is None] += 1
            assert (found is None) == (expected is None), (count, found, expected)
            if found is not None and expected is not None:
                assert isclose(found, expected, rel_tol=1e-6, abs_tol=1e-9), (count, found, expected)
    assert min(answers.values()) > 200, "the series must show both answers"


def test_window_before_and_at_its_length_is_unavailable_and_available() -> None:
    """One nanosecond short of its length a window says nothing; at its length it speaks."""
    for name, kind in WINDOWS.items():
        window = kind(15 * MINUTE)
        assert window.update(0, 5.0) is None, name
        assert window.update(15 * MINUTE - 1, 5.0) is None, name
        assert window.update(15 * MINUTE, 5.0) is not None, name


def test_window_with_hand_counted_values() -> None:
    """Ten minutes at 1 and five at 4: the mean is 2, the deviation root 2, the change 3."""
    samples: list[Sample] = [(0, 1.0), (10 * MINUTE, 4.0), (15 * MINUTE, 4.0)]
    found = {name: feed(kind(15 * MINUTE), samples)[-1] for name, kind in WINDOWS.items()}
    assert found["max"] == 4.0 and found["min"] == 1.0
    assert found["mean"] == 2.0 and found["stdev"] == pytest.approx(sqrt(2.0))
    assert found["change"] == 3.0 and found["rate"] == pytest.approx(3.0 / (15 * MINUTE))
    # ten minutes of 1, then 4 for a third of a half-life
    assert found["ema"] == pytest.approx(4.0 - 3.0 * 0.5 ** (1 / 3))


def test_window_extreme_leaves_after_the_window_and_a_bucket() -> None:
    """A spike is seen for the window's length, and is gone a sixtieth of it later."""
    window = WINDOWS["max"](15 * MINUTE)
    bucket = 15 * SECOND
    feed(window, [(0, 1.0), (16 * MINUTE, 9.0), (16 * MINUTE, 1.0)])
    assert window.update(31 * MINUTE + bucket - 1, 1.0) == 9.0
    assert window.update(31 * MINUTE + bucket, 1.0) == 1.0


@pytest.mark.parametrize("hole", [None, nan])
def test_window_value_unavailable_gives_nothing_and_a_short_gap_is_bridged(hole: float | None) -> None:
    """While the value is unavailable so is the window; a gap of a tenth is bridged, a longer one is not."""
    for name, kind in WINDOWS.items():
        for gap, is_bridged in ((6 * SECOND, True), (6 * SECOND + 1, False)):
            window = kind(MINUTE)
            feed(window, [(0, 1.0), (2 * MINUTE, 1.0)])
            assert window.update(2 * MINUTE, hole) is None
            found = window.update(2 * MINUTE + gap, 1.0)
            assert (found is not None) == is_bridged, (name, gap)


def test_window_gap_has_no_weight() -> None:
    """A value that was unavailable for a while is not taken to have stood still."""
    window = WINDOWS["mean"](MINUTE)
    feed(window, [(0, 1.0), (30 * SECOND, 7.0), (30 * SECOND, None), (36 * SECOND, 1.0)])
    assert window.update(60 * SECOND, 1.0) == 1.0


def test_window_infinite_value_is_an_extreme_and_nothing_else() -> None:
    """The distance of an account without positions is infinite: it can be a maximum, not a mean."""
    for name, kind in WINDOWS.items():
        found = feed(kind(MINUTE), [(0, 1.0), (30 * SECOND, inf), (30 * SECOND, 2.0), (61 * SECOND, 2.0)])
        assert found[1] is None
        assert (found[-1] == inf) == (name == "max"), name


def test_window_of_a_high_price_that_hardly_moves_has_a_deviation() -> None:
    """A cent on 60,000 for half of the time deviates by half a cent: no digit is lost to squares."""
    samples: list[Sample] = [(second * SECOND, 60_000.0 + 0.01 * (second % 2)) for second in range(901)]
    assert feed(WINDOWS["stdev"](15 * MINUTE), samples)[-1] == pytest.approx(0.005, rel=1e-6)


@pytest.mark.parametrize("name", WINDOWS)
def test_window_dumped_and_loaded_goes_on_to_the_last_bit(name: str) -> None:
    """A checkpoint written as JSON at any sample changes nothing that comes after it."""
    random = Random(7)
    span = 15 * MINUTE
    samples = random_series(random, span)
    whole = feed(WINDOWS[name](span), samples)
    for cut in (0, 1, 40, 90, 149):
        first, second = WINDOWS[name](span), WINDOWS[name](span)
        feed(first, samples[:cut])
        second.load(msgspec.json.decode(msgspec.json.encode(first.dump())))
        assert feed(second, samples[cut:]) == whole[cut:]


def test_window_load_of_another_window_is_refused() -> None:
    """A state of another length or kind is not taken for ours."""
    state = WINDOWS["max"](MINUTE).dump()
    for other in (WINDOWS["max"](2 * MINUTE), WINDOWS["mean"](MINUTE)):
        with pytest.raises(JournalError, match="does not fit"):
            other.load(state)


def test_window_forgotten_must_be_covered_anew() -> None:
    """What is about another position starts from nothing."""
    for kind in WINDOWS.values():
        window = kind(MINUTE)
        assert feed(window, [(0, 1.0), (MINUTE, 1.0)])[-1] is not None
        window.forget()
        assert feed(window, [(MINUTE, 2.0), (2 * MINUTE - 1, 2.0)])[-1] is None
        found = window.update(2 * MINUTE, 2.0)
        assert found == (0.0 if kind.__name__ in ("DeviationWindow", "ChangeWindow", "RateWindow") else 2.0)
