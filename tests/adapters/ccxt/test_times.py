"""Stamps of a venue by a clock of ours that is wrong: what is believed, and what is not excused."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.ccxt.clock import ALARM_OFFSET, QUESTIONS, Stamps
from bot.adapters.ccxt.connection import Access, Connection
from bot.adapters.ccxt.decode import MarketDecoder, target_of
from bot.adapters.ccxt.limiter import Limiter
from bot.adapters.ccxt.times import QUICK, VALID, VenueTime
from bot.adapters.ccxt.turnstile import Turnstile
from bot.domain.market import MarkPrice
from bot.domain.scale import NS_PER_HOUR, NS_PER_MS, NS_PER_SECOND
from tests.adapters.ccxt.samples import MARKETS

S = NS_PER_SECOND
NOW = 1_795_286_880 * S


class Clock:
    """Our clock, set by hand, and a venue whose clock is so far ahead of it."""

    def __init__(self, ahead: int, *, way: int = 10 * NS_PER_MS) -> None:
        self.now, self.ahead, self.way = NOW, ahead, way
        self.time = VenueTime(lambda: self.now)

    def ask(self, times: int = QUESTIONS) -> None:
        """Ask the venue's time now, over a way of the same length there and back."""
        for _ in range(times):
            told = self.now + self.ahead
            self.time.learn(Stamps(self.now - self.way, told, told, self.now + self.way))

    @property
    def error(self) -> int:
        return self.way + NS_PER_MS

    def fresh(self) -> int:
        """How old a price that the venue makes right now is by our clock, ns."""
        return self.now - self.time.ours(self.now + self.ahead)


def test_stamp_is_believed_as_it_is_while_nothing_was_measured_or_clocks_agree() -> None:
    """A quarter of a second is no matter, and what was never measured excuses nothing."""
    unasked = Clock(-10 * S)
    assert unasked.fresh() == 10 * S
    near = Clock(-ALARM_OFFSET)
    near.ask()
    assert near.fresh() == ALARM_OFFSET


def test_price_is_as_old_as_it_is_by_a_clock_that_is_ahead() -> None:
    """Ten seconds ahead: a fresh price is fresh but for the error, and one of eight seconds ago is that old."""
    clock = Clock(-10 * S)
    clock.ask()
    assert clock.fresh() == clock.error
    assert clock.now - clock.time.ours(clock.now + clock.ahead - 8 * S) == 8 * S + clock.error


@pytest.mark.parametrize("ahead", [ALARM_OFFSET * 2, 10 * S, NS_PER_HOUR])
def test_price_is_as_old_as_it_is_by_a_clock_that_is_behind_however_long_ago_that_was_measured(ahead: int) -> None:
    """Such a clock makes everything look new; what makes older is believed without condition."""
    clock = Clock(ahead)
    clock.ask(1)
    clock.now += NS_PER_HOUR
    assert clock.fresh() == 0
    assert clock.now - clock.time.ours(clock.now + clock.ahead - 8 * S) == 8 * S


@pytest.mark.parametrize(("later", "is_excused"), [(VALID - S, True), (VALID + S, False)])
def test_offset_that_is_older_than_a_minute_excuses_nothing(later: int, is_excused: bool) -> None:
    """The venue's time could not be asked for a while: what is old by its stamp is old again."""
    clock = Clock(-10 * S)
    clock.ask()
    clock.now += later
    assert clock.fresh() == (clock.error if is_excused else 10 * S)


def test_offset_of_fewer_questions_than_a_start_asks_excuses_nothing() -> None:
    """One answer is no measurement."""
    clock = Clock(-10 * S)
    clock.ask(QUESTIONS - 1)
    assert clock.fresh() == 10 * S


@pytest.mark.parametrize(("way", "is_excused"), [(QUICK // 2, True), (QUICK // 2 + 1, False)])
def test_offset_of_a_slow_question_excuses_nothing(way: int, is_excused: bool) -> None:
    """It may be wrong by half of its round trip, and that is nearly what is stale."""
    clock = Clock(-10 * S, way=way)
    clock.ask()
    assert (clock.fresh() == clock.error) is is_excused


@pytest.mark.parametrize(("change", "is_excused"), [(ALARM_OFFSET, True), (ALARM_OFFSET + S, False)])
def test_offset_that_is_another_than_at_the_start_excuses_nothing(change: int, is_excused: bool) -> None:
    """Our clock does not step while a process lives: a page that tells the time wrong makes no old price young."""
    clock = Clock(-10 * S)
    clock.ask()
    clock.now += 10 * S
    clock.ahead -= change
    clock.ask()
    assert (clock.fresh() == clock.error) is is_excused


def test_offset_that_a_price_contradicts_excuses_nothing_for_a_minute() -> None:
    """By it a price would be from the future: it is the page of the time that is wrong, and not our clock."""
    clock = Clock(-10 * S)
    clock.ask()
    assert clock.time.ours(clock.now) == clock.now       # the streams tell our own time
    assert clock.fresh() == 10 * S
    clock.now += VALID
    clock.ask()
    assert clock.fresh() == 10 * S
    clock.now += 1
    assert clock.fresh() == clock.error


@given(
    ahead=st.integers(-2 * NS_PER_HOUR, 2 * NS_PER_HOUR), age=st.integers(0, 60 * S),
    ways=st.lists(st.tuples(st.integers(0, 3 * S), st.integers(0, 3 * S)), min_size=0, max_size=8),
)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_stamp_is_never_made_younger_than_it_is(ahead: int, age: int, ways: list[tuple[int, int]]) -> None:
    """However unequal the ways were by which the offset was measured: a clock that is ahead hides no age."""
    now = NOW
    moment = VenueTime(lambda: now)
    for there, back in ways:
        told = now + there + ahead
        moment.learn(Stamps(now, told, told, now + there + back))
    made = now - age                                         # by our clock
    found = moment.ours(made + ahead)
    assert found <= max(made, made + ahead) + max((there + back for there, back in ways), default=0)
    if ahead < 0:
        assert found <= made


def mark_of(clock: Clock, age: int) -> MarkPrice:
    """Return what our decoder makes now of a mark that the venue made so long ago."""
    decoder = MarketDecoder({symbol: target_of(each) for symbol, each in MARKETS.items()}, clock.time.ours)
    (mark,) = (fact for fact in decoder.decode(clock.now, {
        "e": "markPriceUpdate", "E": (clock.now + clock.ahead - age) // NS_PER_MS, "s": "BTCUSDT", "p": "60000.15",
        "i": "60001.62", "P": "60005.00", "r": "0.0001", "T": (NOW + NS_PER_HOUR) // NS_PER_MS,
    }) if isinstance(fact, MarkPrice))
    return mark


@pytest.mark.parametrize("ahead", [-10 * S, 10 * S])
@pytest.mark.parametrize("age", [0, 8 * S])
def test_decoder_reads_stamps_by_our_clock(ahead: int, age: int) -> None:
    """A fresh mark is fresh and one of eight seconds ago is eight seconds old, whichever way the clock is wrong."""
    clock = Clock(ahead)
    clock.ask()
    assert age <= clock.now - mark_of(clock, age).stamp <= age + clock.error + NS_PER_MS


@pytest.mark.parametrize("exchange_id", ["binanceusdm", "okx"])
def test_requests_are_stamped_by_the_clock_that_the_venues_was_measured_by(exchange_id: str) -> None:
    """The machine's clock is set by an hour while the daemon lives: its requests are as good as before."""
    async def scenario() -> None:
        at = NOW
        turnstile = Turnstile(Limiter(()), monotonic=time.monotonic_ns, wall=lambda: at)
        connection = Connection(Access(exchange_id), turnstile)
        await connection.open()
        try:
            assert connection.exchange.milliseconds() == NOW // NS_PER_MS
            at += 1_500 * NS_PER_MS
            connection.set_clock(250)
            if exchange_id == "binanceusdm":
                assert connection.exchange.nonce() == NOW // NS_PER_MS + 1_500 + 250
        finally:
            await connection.close()

    asyncio.run(scenario())
