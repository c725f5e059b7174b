"""Generated markets: are their facts one market, is each kind what its name says, and is it the same every time?"""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.market import MarketEvent
from bot.domain.scale import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from paper.generate.character import CHARACTERS
from paper.generate.crash import black_thursday
from paper.generate.hours import market_hours
from paper.generate.market import generate
from paper.generate.path import OwnPart, follow
from paper.generate.scenario import SCENARIOS
from paper.generate.streams import stream
from paper.spec import VenueSpec
from paper.venue import PaperVenue
from tests.paper.builders import START, start
from tests.paper.generated import BOTH, TRADES, Seen, brief, coarse, facts_of, seen
from tests.shared_data import ROOT, shared

KINDS = tuple(SCENARIOS)
SEED = 4
FUNDING_NS = 8 * NS_PER_HOUR


@pytest.fixture(scope="module")
def markets() -> dict[str, list[MarketEvent]]:
    """One seed of every kind."""
    return {name: facts_of(name, SEED) for name in KINDS}


@pytest.fixture(scope="module")
def views(markets: dict[str, list[MarketEvent]]) -> dict[str, list[Seen]]:
    """What a stranger makes of them."""
    return {name: seen(facts) for name, facts in markets.items()}


def digest(facts: list[MarketEvent]) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def test_scenarios_are_the_seven_that_were_promised() -> None:
    """The names on the command line are a contract."""
    assert KINDS == ("calm", "trend", "gap", "wick", "crash", "depeg", "funding_spike")


# The facts are one market ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_generate_any_kind_tells_every_fact_in_time_order(markets: dict[str, list[MarketEvent]], name: str) -> None:
    """Time never runs back, nothing is known before its stamp, all lies within the span from its first second."""
    facts = markets[name]
    times = [fact.now for fact in facts]
    assert times == sorted(times)
    assert all(fact.now == fact.stamp for fact in facts)
    assert times[0] == START
    end = START + coarse(name).span_seconds * NS_PER_SECOND
    assert end - NS_PER_MINUTE < times[-1] < end


@pytest.mark.parametrize("name", KINDS)
def test_generate_any_kind_tells_all_sorts_of_facts(views: dict[str, list[Seen]], name: str) -> None:
    """A rule that reads any measure of a market finds something to read."""
    wanted = {"Trade", "Quote", "BookUpdate", "MarkPrice", "IndexPrice", "FundingRate", "OpenInterest"}
    for view in views[name]:
        assert wanted <= view.told.keys()


@pytest.mark.parametrize("name", KINDS)
def test_generate_best_bid_is_below_best_ask_and_all_is_positive(views: dict[str, list[Seen]], name: str) -> None:
    """No quote is crossed or locked, no price and no quantity of anything is zero or less."""
    for view in views[name]:
        assert all(0 < quote.bid < quote.ask for quote in view.quotes)
        assert all(quote.bid_quantity > 0 and quote.ask_quantity > 0 for quote in view.quotes)
        assert all(trade.price > 0 and trade.quantity > 0 for trade in view.trades)
        assert all(mark.price > 0 for mark in view.marks)
        assert all(index.price > 0 for index in view.indexes)
        assert all(interest.quantity > 0 for interest in view.interest)


@pytest.mark.parametrize("name", KINDS)
def test_generate_trades_print_at_the_quote_in_force_or_through_it(views: dict[str, list[Seen]], name: str) -> None:
    """Nobody buys below the ask or sells above the bid that was told last before it."""
    for view in views[name]:
        assert len(view.trades) > 100
        assert view.inside == []


@pytest.mark.parametrize("name", KINDS)
def test_generate_book_rebuilt_from_its_updates_is_the_quote_stream(views: dict[str, list[Seen]], name: str) -> None:
    """Whoever follows the book sees at every quote its prices and quantities, and the venue's own book has no gap."""
    for view in views[name]:
        assert view.unlike == []
        assert view.book.is_known
        assert view.book.gaps == 0
        assert len(view.updates) > 500


@pytest.mark.parametrize("name", KINDS)
def test_generate_book_updates_are_a_snapshot_and_then_numbered_without_a_hole(
    views: dict[str, list[Seen]], name: str
) -> None:
    """Each change has a number; an update names its first, its last and the one before it."""
    for view in views[name]:
        first, *others = view.updates
        assert first.is_snapshot and len(first.bids) == len(first.asks) == 20
        assert not any(update.is_snapshot for update in others)
        assert others[0].first == first.last + 1
        for before, update in pairwise(view.updates):
            assert (update.previous, update.first) == (before.last, before.last + 1)
            assert update.last - update.first + 1 == len(update.bids) + len(update.asks) > 0


@pytest.mark.parametrize("name", KINDS)
def test_generate_forced_trades_are_prints_too(views: dict[str, list[Seen]], name: str) -> None:
    """Every forced closing follows a trade of the same instant, price, quantity and side."""
    assert all(view.unprinted == [] for view in views[name])


# fraction by which the mark may stand off its index
MARK_BANDS: Mapping[str, float] = {
    "calm": 0.001, "trend": 0.004, "gap": 0.03, "wick": 0.12, "crash": 0.025, "depeg": 0.006, "funding_spike": 0.01,
}


@pytest.mark.parametrize("name", KINDS)
def test_generate_mark_stays_within_its_band_of_the_index(views: dict[str, list[Seen]], name: str) -> None:
    """Mark and index are told together and near each other: the band is that of the kind's premium."""
    for view in views[name]:
        assert [mark.now for mark in view.marks] == [index.now for index in view.indexes]
        off = [mark.price / index.price - 1.0 for mark, index in zip(view.marks, view.indexes, strict=True)]
        assert max(abs(each) for each in off) < MARK_BANDS[name]
        assert max(abs(each) for each in off) > 0.0001, "and it is no copy of it"


def test_generate_mark_is_the_median_that_the_venue_states(views: dict[str, list[Seen]]) -> None:
    """Computed anew from what was told, second by second: the median of three prices, to 0.02 %."""
    view = views["wick"][0]
    quotes, prints, rates = iter(view.quotes), iter(view.trades), iter(view.rates)
    quote, last, rate = next(quotes), None, next(rates)
    next_quote, next_print, next_rate = next(quotes, None), next(prints, None), next(rates, None)
    basis: list[float] = []
    for mark, index in zip(view.marks, view.indexes, strict=True):
        while next_quote is not None and next_quote.now <= mark.now:
            quote, next_quote = next_quote, next(quotes, None)
        while next_print is not None and next_print.now < mark.now:
            last, next_print = next_print.price, next(prints, None)
        while next_rate is not None and next_rate.now <= mark.now:
            rate, next_rate = next_rate, next(rates, None)
        basis = [*basis[-29:], (quote.bid + quote.ask) / 2 - index.price]
        by_rate = index.price * (1 + rate.rate / 1e8 * (rate.next_at - mark.now) / FUNDING_NS)
        by_basis = index.price + sum(basis) / len(basis)
        if last is not None:
            assert mark.price == pytest.approx(median((by_rate, by_basis, last)), rel=2e-4)


@pytest.mark.parametrize("name", ["crash", "funding_spike", "calm"])
def test_generate_funding_rate_follows_the_premiums_told(views: dict[str, list[Seen]], name: str) -> None:
    """From quotes and index alone anyone computes the rate: later premiums weigh more, the damper pulls to 0.01 %."""
    for view in views[name]:
        quotes = iter(view.quotes)
        quote, ahead = next(quotes), next(quotes, None)
        rates = {rate.now: rate for rate in view.rates}
        ends, weight, weights, weighted = 0, 0, 0, 0.0
        for index in view.indexes:
            while ahead is not None and ahead.now <= index.now:
                quote, ahead = ahead, next(quotes, None)
            if index.now >= ends:
                ends, weight, weights, weighted = index.now - index.now % FUNDING_NS + FUNDING_NS, 0, 0, 0.0
            premium = (max(0, quote.bid - index.price) - max(0, index.price - quote.ask)) / index.price
            weight, weights, weighted = weight + 1, weights + weight + 1, weighted + (weight + 1) * premium
            told = rates.get(index.now)
            if told is not None:
                mean = weighted / weights
                assert told.rate / 1e8 == pytest.approx(mean + min(0.0005, max(-0.0005, 0.0001 - mean)), abs=1e-8)
                assert told.next_at == ends > told.now
                assert mean <= 0 or told.rate > 0, "longs pay while the perpetual is dear"
                assert mean >= -0.00051 or told.rate < 0, "shorts pay while it is cheap"


@pytest.mark.parametrize("name", KINDS)
def test_generate_open_interest_loses_what_was_closed_by_force(views: dict[str, list[Seen]], name: str) -> None:
    """From minute to minute it falls by the forced quantities and otherwise only grows back, slowly."""
    for view in views[name]:
        closed = iter(view.forced)
        due = next(closed, None)
        usual = view.interest[0].quantity
        for before, after in pairwise(view.interest):
            gone = 0
            while due is not None and due.now < after.now:
                gone, due = gone + due.quantity, next(closed, None)
            grown = after.quantity - before.quantity + gone
            assert 0 <= grown <= usual / 1_400 + 1


@settings(derandomize=True, deadline=None, max_examples=12)
@given(seed=st.integers(0, 10**9), name=st.sampled_from(KINDS))
def test_generate_any_seed_in_haste_is_still_one_market(seed: int, name: str) -> None:
    """All regimes of a kind within half an hour, faster than any market: nothing comes apart."""
    (view,) = seen(generate(brief(name), seed, BOTH[:1], start=START, trades_per_second=0.5), BOTH[:1])
    assert not view.inside and not view.unlike and not view.unprinted
    assert view.book.is_known and view.book.gaps == 0
    assert all(0 < quote.bid < quote.ask for quote in view.quotes)
    assert all(mark.price > 0 for mark in view.marks)
    assert all(abs(rate.rate) <= 2_000_000 for rate in view.rates), "a rate is capped at 2 %"


def test_generate_stream_is_one_that_the_venue_can_live_through(markets: dict[str, list[MarketEvent]]) -> None:
    """The simulated venue takes every fact of the wick and holds an account against them."""
    venue = PaperVenue(VenueSpec(), BOTH, [start(100_000, (0, "1", None), (1, "-10", None))])
    for fact in markets["wick"]:
        venue.handle(fact.now, fact)         # type: ignore[arg-type]  # the generator makes nothing but market facts
    assert venue.is_started(0)
    assert venue.account_totals(0)[1] > 0
    assert {report.key.instrument for report in venue.positions(0)} == {0, 1}


# The same again -------------------------------------------------------------------------------------------


def test_generate_in_other_processes_is_the_same() -> None:
    """Two processes with different hash seeds and thread counts make the same facts, to the last one."""
    program = (
        "import hashlib\n"
        "from tests.paper.generated import facts_of\n"
        "print(hashlib.sha256(repr(facts_of('gap', 4)).encode()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": salt, "OMP_NUM_THREADS": threads},
        ).stdout
        for salt, threads in (("1", "1"), ("4242", "2"))
    }
    assert digests == {digest(facts_of("gap", 4)) + "\n"}


def test_generate_other_seed_is_another_market(markets: dict[str, list[MarketEvent]]) -> None:
    """Seeds differ, and so do kinds."""
    assert digest(facts_of("gap", SEED + 1)) != digest(markets["gap"])
    assert len({digest(facts[:5_000]) for facts in markets.values()}) == len(KINDS)


def test_generate_one_instrument_alone_is_the_same_as_among_others(markets: dict[str, list[MarketEvent]]) -> None:
    """Tapes of single instruments, written one by one, fit together."""
    alone = facts_of("gap", SEED, BOTH[:1])
    assert alone == [fact for fact in markets["gap"] if fact.instrument == 0]


def test_generate_crash_goes_the_way_of_the_demonstration(views: dict[str, list[Seen]]) -> None:
    """The crash with books is the calibrated crash: minute by minute the same price, to the width of a spread."""
    trades = black_thursday(SEED, BOTH[:1], start=START, trades_per_second=TRADES)
    shown = {trade.now // NS_PER_MINUTE: trade.price for trade in trades}
    met = {trade.now // NS_PER_MINUTE: trade.price for trade in views["crash"][0].trades}
    off = [abs(met[minute] / price - 1.0) for minute, price in shown.items() if minute in met]
    assert len(off) > 2_000
    assert float(np.median(off)) < 0.002


# Each kind is what its name says --------------------------------------------------------------------------


def paths_of(name: str, seed: int) -> np.ndarray:
    """BTC's log price by the second, without its opening price and without a peg."""
    own, noise = OwnPart(), stream(seed, "own BTC")
    parts = [
        (follow(hour.factor, CHARACTERS["BTC"], own, noise) + hour.leaps)[:-1]
        for hour in market_hours(SCENARIOS[name], seed)
    ]
    path: np.ndarray = np.concatenate(parts) - np.log(CHARACTERS["BTC"].open_price)
    return path


CALM_RECORDED = ("calm_2023-09", "calm_2025-08")


@pytest.mark.parametrize("recording", CALM_RECORDED)
def test_calm_volatility_and_range_are_those_of_recorded_quiet_half_days(recording: str) -> None:
    """The middle half day of a recorded quiet week is an ordinary draw: between the 10th and the 90th percentile."""
    with gzip.open(shared(f"data/candles/spot_binance_1m/{recording}_BTCUSDT_1m.csv.gz"), "rt") as lines:
        rows = np.array([[float(cell) for cell in line.split(",")] for line in list(lines)[1:]])
    half_days = [rows[at:at + 720] for at in range(0, len(rows) - 719, 720)]
    paths = [paths_of("calm", seed) for seed in range(40)]
    recorded = {
        "deviation": np.median([np.diff(np.log(day[:, 4])).std() for day in half_days]),
        "range": np.median([np.log(day[:, 2].max() / day[:, 3].min()) for day in half_days]),
    }
    drawn = {
        "deviation": [np.diff(path[::60]).std() for path in paths],
        "range": [path.max() - path.min() for path in paths],
    }
    for name, fact in recorded.items():
        low, high = np.percentile(drawn[name], [10, 90])
        assert low < fact < high, f"{name}: recorded {fact}, seeds from {low} to {high}"


def test_calm_has_hardly_a_forced_closing(views: dict[str, list[Seen]]) -> None:
    """Nobody is closed out of a quiet market, to speak of, while in the crash one trade in a hundred is forced."""
    assert sum(len(view.forced) for view in views["calm"]) < 5
    for view in views["crash"]:
        assert len(view.forced) > 0.01 * len(view.trades)
        falling = sum(forced.side < 0 for forced in view.forced)
        assert falling > 0.5 * len(view.forced), "and more of them are sold than bought"


def test_trend_goes_one_way_by_about_8_percent_up_or_down() -> None:
    """Half of the seeds rise and half fall; the end is far from the start beside what it wandered on the way."""
    ends = np.array([paths_of("trend", seed)[-1] for seed in range(40)])
    assert 0.05 < float(np.median(np.abs(ends))) < 0.11
    assert 8 < int((ends > 0).sum()) < 32


@pytest.mark.parametrize("seed", range(3))
def test_gap_jumps_over_its_prices_without_a_trade(seed: int) -> None:
    """Between two prints there are percents of nothing, in the index too, and the book is beyond it at once."""
    (view,) = seen(facts_of("gap", seed, BOTH[:1]), BOTH[:1])
    steps = [(abs(after.price / before.price - 1.0), before, after) for before, after in pairwise(view.trades)]
    step, before, after = max(steps, key=lambda each: each[0])
    assert 0.03 < step < 0.2
    assert after.now - before.now > 15 * NS_PER_SECOND, "nobody traded for a while"
    indexes = [(abs(late.price / early.price - 1.0), late.now) for early, late in pairwise(view.indexes)]
    index_step, when = max(indexes)
    assert index_step > 0.6 * step
    assert before.now <= when <= after.now
    assert sorted(steps, key=lambda each: each[0])[-2][0] < 0.25 * step, "and there is one of them"


@pytest.mark.parametrize("seed", range(3))
def test_wick_is_in_the_last_price_and_hardly_in_the_index(seed: int) -> None:
    """The last price is gone by more than 5 % and back within minutes; index and mark say that it was a wick."""
    (view,) = seen(facts_of("wick", seed, BOTH[:1]), BOTH[:1])
    mid = [(quote.now, (quote.bid + quote.ask) / 2) for quote in view.quotes]
    usual = float(np.median([price for _, price in mid]))
    when, extreme = max(mid, key=lambda each: abs(each[1] / usual - 1.0))
    depth = abs(extreme / usual - 1.0)
    assert 0.05 < depth < 0.35
    back = [price for now, price in mid if 0 < now - when - 3 * NS_PER_MINUTE < NS_PER_MINUTE]
    assert abs(float(np.median(back)) / usual - 1.0) < 0.3 * depth
    assert max(abs(index.price / usual - 1.0) for index in view.indexes) < 0.45 * depth
    assert max(abs(mark.price / usual - 1.0) for mark in view.marks) < 0.8 * depth


def test_crash_takes_most_of_the_depth_and_gives_it_back(views: dict[str, list[Seen]]) -> None:
    """Hour by hour, the quantity shown falls below a quarter of the first hour's, and comes back over a half of it."""
    for view in views["crash"]:
        hours: dict[int, list[int]] = {}
        for now, shown in view.depths:
            hours.setdefault((now - START) // NS_PER_HOUR, []).append(shown)
        means = [sum(hours[hour]) / len(hours[hour]) for hour in sorted(hours)]
        worst = min(means)
        assert worst < 0.25 * means[0]
        assert max(means[means.index(worst):]) > 2.0 * worst


def test_funding_spike_pays_ten_times_the_usual_and_then_turns(views: dict[str, list[Seen]]) -> None:
    """Longs pay 0.1 % and more at a funding time, then the sign turns; a calm day pays 0.01 %."""
    for view in views["funding_spike"]:
        settled = [before.rate for before, after in pairwise(view.rates) if after.next_at != before.next_at]
        assert len(settled) == 2
        assert max(settled) > 100_000
        assert min(rate.rate for rate in view.rates) < -10_000
    for view in views["calm"]:
        assert {rate.rate for rate in view.rates} == {10_000}


@pytest.mark.parametrize("name", ["calm", "trend", "crash", "funding_spike"])
def test_generate_instruments_move_together(views: dict[str, list[Seen]], name: str) -> None:
    """BTC's and ETH's marks, five minutes apart, have one factor in common."""
    returns = []
    for view in views[name]:
        prices = np.array([mark.price for mark in view.marks if (mark.now - START) % (5 * NS_PER_MINUTE) == 0])
        returns.append(np.diff(np.log(prices)))
    assert np.corrcoef(*returns)[0, 1] > 0.6
