"""The generated crash: is it like the day it is modelled on, is it a market, and is it the same every time?"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from itertools import islice

import numpy as np
import pytest

from bot.domain.copying import replace
from bot.domain.errors import InputError, Unsupported
from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.market import Trade
from bot.domain.scale import NS_PER_HOUR, NS_PER_MINUTE
from paper.generate.character import CHARACTERS, Character
from paper.generate.crash import GENERATED_SPAN, black_thursday, black_thursday_prints
from paper.generate.facts import BTC_FACTS, ETH_FACTS, MINUTE_CORRELATION, CrashFacts
from tests.paper.builders import START, perpetual
from tests.paper.minutes import figures, generated_minutes, recorded_minutes, worst_hour
from tests.shared_data import ROOT, shared

BOTH = (perpetual(0, "BTC"), perpetual(1, "ETH"))
SEEDS = range(100)
SEED_RATE = 0.25                     # trades a second: a third of the usual, along the same path
COARSE = 0.02
RECORDED = "data/candles/spot_binance_1m/2020-03_black-thursday_{}USDT_1m.csv.gz"

PUBLISHED: Mapping[str, float] = {
    "btc_low": BTC_FACTS.low, "eth_low": ETH_FACTS.low,
    "btc_low_hours": 26 + 16 / 60, "eth_low_hours": 26 + 16 / 60,
    "btc_worst_hour": BTC_FACTS.worst_hour, "eth_worst_hour": ETH_FACTS.worst_hour,
    "btc_worst_hour_hours": 10 + 48 / 60, "eth_worst_hour_hours": 11 + 1 / 60,
    "btc_rebound_high": BTC_FACTS.rebound_high, "eth_rebound_high": ETH_FACTS.rebound_high,
    "btc_close": BTC_FACTS.close_price, "eth_close": ETH_FACTS.close_price,
    "btc_sigma": BTC_FACTS.minute_sigma, "eth_sigma": ETH_FACTS.minute_sigma,
    "btc_kurtosis": BTC_FACTS.minute_kurtosis, "eth_kurtosis": ETH_FACTS.minute_kurtosis,
    "correlation": MINUTE_CORRELATION,
}

# figure: least and most of any seed, least and most of the median over seeds
BANDS: Mapping[str, tuple[float, float, float, float]] = {
    "btc_low": (1_500, 6_500, 3_300, 4_200),
    "eth_low": (30, 160, 75, 97),
    "btc_worst_hour": (-0.60, -0.12, -0.31, -0.23),
    "eth_worst_hour": (-0.65, -0.14, -0.34, -0.25),
    "btc_range": (1.3, 5.0, 1.9, 2.4),
    "eth_range": (1.4, 6.0, 2.0, 2.6),
    "btc_worst_hour_hours": (6, 34, 10, 20),
    "eth_worst_hour_hours": (6, 34, 10, 20),
    "btc_kurtosis": (8, 100, 15, 27),
    "eth_kurtosis": (8, 120, 14, 25),
    "btc_sigma": (0.004, 0.012, 0.0065, 0.0082),
    "eth_sigma": (0.005, 0.014, 0.0075, 0.0092),
    "correlation": (0.75, 0.93, 0.84, 0.89),
}


@pytest.fixture(scope="module")
def seeds() -> dict[str, np.ndarray]:
    """The figures of a hundred seeds, by name."""
    rows = [figures(*generated_minutes(seed, BOTH, SEED_RATE)) for seed in SEEDS]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module")
def coarse() -> list[Trade]:
    """One seed's trades, few of them."""
    return list(black_thursday(7, BOTH, start=START, trades_per_second=COARSE))


def digest(trades: list[Trade]) -> str:
    return hashlib.sha256(repr(trades).encode()).hexdigest()


@pytest.mark.parametrize(("name", "band"), BANDS.items(), ids=list(BANDS))
def test_black_thursday_over_seeds_stays_inside_its_bands(
    seeds: dict[str, np.ndarray], name: str, band: tuple[float, float, float, float]
) -> None:
    """A hundred seeds make crashes of this kind, none of them a freak, and the middle one much like the day."""
    least, most, median_least, median_most = band
    assert least <= seeds[name].min(), f"{name}: least {seeds[name].min()}"
    assert seeds[name].max() <= most, f"{name}: most {seeds[name].max()}"
    assert median_least <= np.median(seeds[name]) <= median_most, f"{name}: median {np.median(seeds[name])}"


@pytest.mark.parametrize(("name", "fact"), PUBLISHED.items(), ids=list(PUBLISHED))
def test_black_thursday_published_fact_lies_among_the_middle_of_seeds(
    seeds: dict[str, np.ndarray], name: str, fact: float
) -> None:
    """What really happened is an ordinary draw: between the 10th and the 90th percentile of the seeds."""
    low, high = np.percentile(seeds[name], [10, 90])
    assert low < fact < high, f"{name}: published {fact}, seeds from {low} to {high}"


def test_black_thursday_recorded_candles_lie_among_the_middle_of_seeds(seeds: dict[str, np.ndarray]) -> None:
    """Computed by one and the same code from the recorded candles, every figure is an ordinary draw as well."""
    recorded = figures(*(recorded_minutes(shared(RECORDED.format(base))) for base in ("BTC", "ETH")))
    outside = {
        name: (value, np.percentile(seeds[name], [10, 90]).tolist())
        for name, value in recorded.items()
        if not np.percentile(seeds[name], 10) < value < np.percentile(seeds[name], 90)
    }
    assert not outside


@pytest.mark.parametrize("facts", [BTC_FACTS, ETH_FACTS], ids=["BTC", "ETH"])
def test_facts_are_those_of_the_recorded_candles(facts: CrashFacts) -> None:
    """The figures typed in are what anyone computes from the public candles, to the digits given."""
    minutes = recorded_minutes(shared(RECORDED.format(facts.underlying)))
    fall, ended = worst_hour(minutes)
    low_at = int(minutes.low.argmin())
    assert minutes.open_price == facts.open_price
    assert minutes.low.min() == facts.low
    assert minutes.high[low_at:].max() == facts.rebound_high
    assert minutes.close[-1] == facts.close_price
    assert round(fall, 4) == facts.worst_hour
    assert round(float(minutes.returns.std()), 5) == facts.minute_sigma
    assert figures(minutes, minutes)["btc_kurtosis"] == pytest.approx(facts.minute_kurtosis, abs=0.05)
    assert facts.worst_hour_ends == f"2020-03-12 {clock(ended)}"
    assert facts.low_at == f"2020-03-13 {clock(low_at / 60 - 24)}"


def clock(hours: float) -> str:
    whole, minutes = divmod(round(hours * 60), 60)
    return f"{whole:02d}:{minutes:02d}"


def test_facts_correlation_is_that_of_the_recorded_candles() -> None:
    """BTC's and ETH's recorded minutes moved together as the facts say."""
    recorded = figures(*(recorded_minutes(shared(RECORDED.format(base))) for base in ("BTC", "ETH")))
    assert round(recorded["correlation"], 3) == MINUTE_CORRELATION


def test_black_thursday_other_seed_is_another_crash(seeds: dict[str, np.ndarray]) -> None:
    """Seeds differ in when the worst hour comes, how deep the low is and where it ends, not only in noise."""
    for name, spread in (("btc_worst_hour_hours", 3.0), ("btc_low_hours", 2.0), ("btc_low", 800), ("btc_close", 1_500),
                         ("eth_low", 20), ("btc_worst_hour", 0.07)):
        low, high = np.percentile(seeds[name], [10, 90])
        assert high - low > spread, f"{name}: only from {low} to {high}"


def test_black_thursday_in_other_processes_is_the_same() -> None:
    """Two processes with different hash seeds and thread counts make the same trades, to the last one."""
    program = (
        "import hashlib\n"
        "from tests.paper.builders import START, perpetual\n"
        "from paper.generate.crash import black_thursday\n"
        "both = (perpetual(0, 'BTC'), perpetual(1, 'ETH'))\n"
        "trades = list(black_thursday(7, both, start=START, trades_per_second=0.02))\n"
        "print(hashlib.sha256(repr(trades).encode()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": salt, "OMP_NUM_THREADS": threads},
        ).stdout
        for salt, threads in (("1", "1"), ("4242", "2"))
    }
    assert len(digests) == 1
    assert digests == {digest(list(black_thursday(7, BOTH, start=START, trades_per_second=COARSE))) + "\n"}


def test_black_thursday_trades_come_in_order_within_the_span(coarse: list[Trade]) -> None:
    """Time never runs back, both stamps are one, and all lies inside 36 hours from the start."""
    stamps = [trade.now for trade in coarse]
    assert stamps == sorted(stamps)
    assert all(trade.stamp == trade.now for trade in coarse)
    assert stamps[0] >= START
    assert stamps[-1] < START + GENERATED_SPAN
    assert stamps[-1] - stamps[0] > 35.5 * NS_PER_HOUR


def test_black_thursday_prices_and_quantities_pass_the_filters() -> None:
    """On coarse filters every price is a multiple of the tick, every quantity of the lot, and none is zero."""
    rough = perpetual(0, "BTC", tick=50, lot=4_000)
    trades = list(black_thursday(3, (rough,), start=START, trades_per_second=COARSE))
    assert all(trade.price > 0 and trade.price % 50 == 0 for trade in trades)
    assert all(trade.quantity > 0 and trade.quantity % 4_000 == 0 for trade in trades)
    assert min(trade.quantity for trade in trades) == 4_000, "small trades are one lot, not none"


def test_black_thursday_hardly_any_price_left_is_one_tick() -> None:
    """A coin whose model price is far below its tick prints the tick, never zero."""
    dust = {"BTC": replace(CHARACTERS["BTC"], open_price=1e-6)}
    trades = islice(black_thursday(3, BOTH[:1], start=START, trades_per_second=COARSE, characters=dust), 50)
    assert {trade.price for trade in trades} == {1}


@pytest.mark.parametrize("seed", [0, 1])
def test_black_thursday_at_the_usual_rate_has_about_200_000_trades(seed: int) -> None:
    """The demonstration is long enough to be a market and short enough to run while one watches."""
    hours = list(black_thursday_prints(seed, BOTH))
    counts = [sum(len(hour[at].times) for hour in hours) for at in (0, 1)]
    assert 150_000 <= sum(counts) <= 250_000
    assert max(counts) < 1.2 * min(counts)
    assert max(len(hour[0].times) for hour in hours) < 25_000, "one hour is what memory holds"


def test_black_thursday_trades_are_the_columns_in_time_order() -> None:
    """The stream of trades and the hourly columns are one market."""
    hour = next(black_thursday_prints(5, BOTH, trades_per_second=COARSE))
    columns = sorted(
        (time + START, index, price, quantity, side)
        for index, prints in enumerate(hour)
        for time, price, quantity, side in zip(
            prints.times.tolist(), prints.prices.tolist(), prints.quantities.tolist(), prints.sides.tolist(),
            strict=True,
        )
    )
    trades = islice(black_thursday(5, BOTH, start=START, trades_per_second=COARSE), len(columns))
    assert [(t.now, t.instrument, t.price, t.quantity, t.side) for t in trades] == columns


def test_black_thursday_instrument_alone_trades_as_beside_another(coarse: list[Trade]) -> None:
    """Which other instruments are asked for, and at which index, changes nothing of BTC's trades."""
    alone = list(black_thursday(7, (perpetual(4, "BTC"),), start=START, trades_per_second=COARSE))
    assert {trade.instrument for trade in alone} == {4}
    beside = [trade for trade in coarse if trade.instrument == 0]
    assert [(t.now, t.price, t.quantity, t.side) for t in alone] == [
        (t.now, t.price, t.quantity, t.side) for t in beside
    ]


def test_black_thursday_fewer_trades_run_along_the_same_path() -> None:
    """The rate decides how densely one path is sampled: hourly lows at a low and a high rate nearly agree."""
    few, many = (generated_minutes(11, BOTH[:1], rate)[0].low.reshape(36, 60).min(axis=1) for rate in (0.25, 0.75))
    assert np.abs(np.log(few / many)).max() < 0.01


def test_black_thursday_other_start_is_only_shifted(coarse: list[Trade]) -> None:
    """The start is where the stamps count from, and nothing else."""
    later = black_thursday(7, BOTH, start=START + 123, trades_per_second=COARSE)
    assert [(t.now - 123, t.price, t.side) for t in later] == [(t.now, t.price, t.side) for t in coarse]


@pytest.mark.parametrize("seed", range(4))
def test_black_thursday_takers_sell_as_it_falls_and_buy_as_it_rises(seed: int) -> None:
    """In minutes of a fall most trades are sales; in minutes of a rise most are purchases."""
    sides, moves = [], []
    for (prints,) in black_thursday_prints(seed, BOTH[:1], trades_per_second=SEED_RATE):
        minute = prints.times // NS_PER_MINUTE
        for number in range(int(minute[0]), int(minute[-1]) + 1):
            inside = minute == number
            if inside.sum() >= 10:
                sides.append(prints.sides[inside].mean())
                moves.append(float(prints.prices[inside][-1]) / float(prints.prices[inside][0]) - 1.0)
    assert len(moves) > 300
    order = np.argsort(moves)
    assert np.array(sides)[order[:50]].mean() < -0.2
    assert np.array(sides)[order[-50:]].mean() > 0.2


@pytest.mark.parametrize("seed", range(4))
def test_black_thursday_volume_rises_with_volatility(seed: int) -> None:
    """Hours of large minutes are hours of large volume, in trades and in money."""
    counts, notionals, sigmas = [], [], []
    for (prints,) in black_thursday_prints(seed, BOTH[:1], trades_per_second=SEED_RATE):
        counts.append(len(prints.times))
        notionals.append(float((prints.prices * prints.quantities).sum()))
        _, opened = np.unique(prints.times // NS_PER_MINUTE, return_index=True)
        sigmas.append(float(np.diff(np.log(prints.prices[opened])).std()))
    assert np.corrcoef(np.log(sigmas), np.log(notionals))[0, 1] > 0.8
    assert np.corrcoef(np.log(sigmas), np.log(counts))[0, 1] > 0.7


def test_black_thursday_described_coin_follows_with_its_beta() -> None:
    """A coin that a caller describes starts at its price and falls as much further as its beta says."""
    described = {
        "BTC": replace(CHARACTERS["BTC"], own=0.0),
        "SOL": Character(open_price=20.0, beta=1.5, own=0.0, hourly_notional=5e6),
    }
    btc, sol = generated_minutes(2, (BOTH[0], perpetual(1, "SOL")), SEED_RATE, characters=described)
    assert sol.open_price == pytest.approx(20.0, rel=0.002)
    assert np.log(sol.low.min() / 20.0) == pytest.approx(1.5 * np.log(btc.low.min() / btc.open_price), abs=0.02)


def test_black_thursday_inverse_contract_trades_in_contracts() -> None:
    """An inverse contract of 100 USD prints the same prices' worth: contracts are money, not coins."""
    inverse = replace(
        BOTH[0], symbol="BTC/USD:BTC", kind=InstrumentKind.INVERSE, quote="USD", settle="BTC",
        contract_size=Decimal(100), quantity_digits=0,
    )
    hours = list(black_thursday_prints(2, (BOTH[0], inverse), trades_per_second=SEED_RATE))
    linear = sum(float((hour[0].prices * hour[0].quantities).sum()) / 1e5 for hour in hours)
    contracts = sum(int(hour[1].quantities.sum()) for hour in hours)
    assert contracts * 100 == pytest.approx(linear, rel=0.1)


def option() -> Instrument:
    return replace(BOTH[0], symbol="BTC/USDT:USDT-200327-8000-P", kind=InstrumentKind.OPTION)


@pytest.mark.parametrize(
    ("seed", "instruments", "rate", "error", "words"),
    [
        (-1, BOTH, 0.1, InputError, "seed"),
        (0, BOTH, 0.0, InputError, "trades_per_second must be positive.*was 0.0"),
        (0, BOTH, -1.0, InputError, "was -1.0"),
        (0, BOTH, 100.1, InputError, "at most 100, was 100.1"),
        (0, BOTH, float("nan"), InputError, "was nan"),
        (0, BOTH, float("inf"), InputError, "was inf"),
        (0, (perpetual(0, "SOL"),), 0.1, InputError, "no character for SOL"),
        (0, (option(),), 0.1, Unsupported, "option"),
    ],
    ids=[
        "negative seed", "no trades", "negative rate", "rate above the limit", "NaN rate", "endless rate",
        "unknown coin", "option",
    ],
)
def test_black_thursday_bad_input_is_refused_at_once(
    seed: int, instruments: tuple[Instrument, ...], rate: float, error: type[Exception], words: str
) -> None:
    """What cannot be generated is said when it is asked for, not when the first trade is due."""
    with pytest.raises(error, match=words):
        black_thursday(seed, instruments, start=START, trades_per_second=rate)


def test_black_thursday_no_instruments_is_an_empty_market() -> None:
    """Nothing asked for, nothing traded."""
    assert list(black_thursday(0, (), start=START, trades_per_second=COARSE)) == []
