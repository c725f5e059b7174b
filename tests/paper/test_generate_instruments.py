"""Generated markets of other instruments than the usual two perpetuals, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from bot.domain.copying import replace
from bot.domain.errors import InputError, Unsupported
from bot.domain.instrument import Instrument, InstrumentKind
from paper.generate.character import CHARACTERS, Character
from paper.generate.hours import market_hours
from paper.generate.market import generate
from paper.generate.scenario import SCENARIOS, scenario_of
from tests.paper.builders import START, perpetual
from tests.paper.generated import BOTH, facts_of, seen

KINDS = tuple(SCENARIOS)


def test_depeg_falls_to_about_88_cents_and_comes_back() -> None:
    """Over seeds the coin's worst is 0.85 to 0.91 in the middle, and a day later it is worth 0.97 or more."""
    pegs = [np.concatenate([hour.peg for hour in market_hours(SCENARIOS["depeg"], seed)]) for seed in range(20)]
    worst = [float(np.exp(peg.min())) for peg in pegs]
    assert 0.85 < float(np.median(worst)) < 0.91
    assert min(worst) > 0.75
    assert max(worst) < 0.97
    assert min(float(np.exp(peg[-1])) for peg in pegs) > 0.97


def test_depeg_of_a_base_moves_its_pair_and_of_a_quote_all_that_is_priced_in_it() -> None:
    """USDC among the instruments loses its peg against USDT; without it USDT does, and BTC rises in it."""
    scenario = replace(SCENARIOS["depeg"], quote_seconds=60)
    coin = replace(perpetual(1, "USDC"), price_digits=4)
    with_coin = seen(generate(scenario, 1, (BOTH[0], coin), start=START, trades_per_second=0.05), (BOTH[0], coin))
    (alone,) = seen(generate(scenario, 1, BOTH[:1], start=START, trades_per_second=0.05), BOTH[:1])
    lows = [min(index.price for index in view.indexes) for view in with_coin]
    highs = [max(index.price for index in view.indexes) for view in (*with_coin, alone)]
    assert 0.80 < lows[1] / 10_000 < 0.95
    assert 0.995 < highs[1] / 10_000 < 1.01
    assert highs[2] > 1.06 * highs[0]


def test_generate_spot_is_the_index_and_has_no_contract_facts() -> None:
    """Spot has trades, quotes and books at the index of its perpetual: the premium is the perpetual's alone."""
    spot = replace(perpetual(1, "BTC"), symbol="BTC/USDT", kind=InstrumentKind.SPOT)
    scenario = replace(SCENARIOS["funding_spike"], quote_seconds=60)
    pair = (BOTH[0], spot)
    perp_view, spot_view = seen(generate(scenario, 2, pair, start=START, trades_per_second=0.05), pair)
    assert set(spot_view.told) == {"Trade", "Quote", "BookUpdate"}
    index = {each.now: each.price for each in perp_view.indexes}
    off = [(quote.bid + quote.ask) / 2 / index[quote.now] - 1.0 for quote in spot_view.quotes]
    assert max(abs(each) for each in off) < 1e-4


def test_generate_dated_future_pays_no_funding() -> None:
    """A future with an expiry has a mark and an index, and no funding rate."""
    dated = replace(BOTH[0], symbol="BTC/USDT:USDT-200327", expiry=START + 10**16)
    (view,) = seen(facts_of("gap", 1, (dated,)), (dated,))
    assert "FundingRate" not in view.told
    assert view.told["MarkPrice"] == view.told["IndexPrice"] > 1_000


def test_generate_inverse_contract_shows_and_trades_contracts() -> None:
    """An inverse contract of 100 USD has as much money in its book as the linear one: contracts are money."""
    inverse = replace(
        perpetual(1, "BTC"), symbol="BTC/USD:BTC", kind=InstrumentKind.INVERSE, quote="USD", settle="BTC",
        contract_size=Decimal(100), quantity_digits=0,
    )
    pair = (BOTH[0], inverse)
    scenario = replace(SCENARIOS["gap"], quote_seconds=60)
    linear_view, inverse_view = seen(generate(scenario, 2, pair, start=START, trades_per_second=0.2), pair)
    linear = float(np.mean([shown for _, shown in linear_view.depths])) / 1_000 * 8_000
    assert float(np.mean([shown for _, shown in inverse_view.depths])) * 100 == pytest.approx(linear, rel=0.15)
    assert inverse_view.interest[0].quantity * 100 == pytest.approx(
        linear_view.interest[0].quantity / 1_000 * CHARACTERS["BTC"].open_price, rel=0.01
    )


def test_generate_hardly_any_price_left_still_has_two_sides() -> None:
    """A coin whose price is below its tick is quoted at one tick and asked at two, and nothing is at zero."""
    dust = {"BTC": Character(open_price=1e-6, beta=1.0, own=0.2, hourly_notional=59e6)}
    scenario = replace(SCENARIOS["gap"], quote_seconds=60)
    facts = generate(scenario, 1, BOTH[:1], start=START, trades_per_second=0.05, characters=dust)
    (view,) = seen(facts, BOTH[:1])
    assert {(quote.bid, quote.ask) for quote in view.quotes} == {(1, 2)}
    assert {trade.price for trade in view.trades} == {1, 2}
    assert {mark.price for mark in view.marks} <= {1, 2}
    assert not view.inside and not view.unlike


def test_generate_on_coarse_filters_keeps_to_tick_and_lot() -> None:
    """Every price traded or shown is a multiple of the tick, every quantity of the lot."""
    rough = perpetual(0, "BTC", tick=50, lot=40)
    scenario = replace(SCENARIOS["wick"], quote_seconds=60)
    (view,) = seen(generate(scenario, 1, (rough,), start=START, trades_per_second=0.1), (rough,))
    assert all(price % 50 == 0 for update in view.updates for price, _ in (*update.bids, *update.asks))
    assert all(quantity % 40 == 0 for update in view.updates for _, quantity in (*update.bids, *update.asks))
    assert all(trade.price % 50 == 0 and trade.quantity % 40 == 0 for trade in view.trades)
    assert not view.inside and not view.unlike


def coin_margined() -> Instrument:
    return replace(BOTH[0], symbol="BTC/USD:BTC", quote="USD", settle="BTC", kind=InstrumentKind.INVERSE)


@pytest.mark.parametrize(
    ("name", "seed", "instruments", "begins", "rate", "error", "words"),
    [
        ("calm", -1, BOTH, START, 0.1, InputError, "seed"),
        ("calm", 0, BOTH, START + 1, 0.1, InputError, "whole second"),
        ("calm", 0, BOTH, START, 0.0, InputError, "trades_per_second must be positive.*was 0.0"),
        ("calm", 0, BOTH, START, float("nan"), InputError, "was nan"),
        ("calm", 0, (perpetual(0, "SOL"),), START, 0.1, InputError, "no character for SOL"),
        ("calm", 0, (replace(BOTH[0], kind=InstrumentKind.OPTION),), START, 0.1, Unsupported, "option"),
        ("depeg", 0, (coin_margined(),), START, 0.1, InputError, "no stablecoin among BTC/USD:BTC"),
    ],
    ids=["negative seed", "start between seconds", "no trades", "NaN rate", "unknown coin", "option", "no stablecoin"],
)
def test_generate_bad_input_is_refused_at_once(
    name: str, seed: int, instruments: tuple[Instrument, ...], begins: int, rate: float, error: type[Exception],
    words: str,
) -> None:
    """What cannot be generated is said when it is asked for, not when the first fact is due."""
    with pytest.raises(error, match=words):
        generate(SCENARIOS[name], seed, instruments, start=begins, trades_per_second=rate)


def test_generate_no_instruments_is_an_empty_market() -> None:
    """Nothing asked for, nothing told, even where a peg is lost."""
    assert list(generate(SCENARIOS["depeg"], 0, (), start=START)) == []


def test_scenario_of_unknown_name_lists_those_that_there_are() -> None:
    """A misspelt kind is answered with all kinds."""
    with pytest.raises(InputError, match="was 'crush'; choose one of calm, trend, gap, wick, crash, depeg"):
        scenario_of("crush")


@pytest.mark.parametrize("name", KINDS)
def test_scenario_quotes_fall_on_the_first_second_of_every_hour(name: str) -> None:
    """Otherwise trades of one hour would meet quotes of another."""
    assert 3_600 % SCENARIOS[name].quote_seconds == 0
