"""Every bundled rule book: one case in which it fires, and one near it in which it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.effects import OpenEpisode, PlanEpisode, PlannedCut, ScopeElement
from bot.domain.market import FundingRate
from bot.domain.scale import NS_PER_HOUR, NS_PER_SECOND
from bot.engine.engine import Engine
from tests.builders import KEY, STRATEGIES, T0, engine, snapshot, trade

HOUR = 3_600.0


def guarded(name: str, *, usdt: float, btc: int, entry: float = 8_000.0, eth: int = 0) -> Engine:
    """An account with a BTC position, and ETH at 2,000, guarded by one of the bundled rule books."""
    run = engine((STRATEGIES / f"{name}.yaml").read_text(encoding="utf-8"))
    run.step(trade(0, entry))
    run.step(trade(0, 2_000.0, instrument=1))
    run.step(snapshot(0.1, usdt=usdt, btc=btc, entry=entry, eth=eth, eth_entry=2_000.0))
    return run


def prices(run: Engine, *path: tuple[float, float]) -> list[str]:
    """Step (seconds, price) pairs, and return the names of the rules that fired."""
    fired = []
    for seconds, price in path:
        effects, _ = run.step(trade(seconds, price))
        fired += [effect.rule for effect in effects if isinstance(effect, OpenEpisode)]
    return fired


def funding(run: Engine, seconds: float, rate: int) -> None:
    """Tell the engine a funding rate, 10^-8."""
    now = T0 + round(seconds * NS_PER_SECOND)
    run.step(FundingRate(now, now, 0, rate, now + NS_PER_HOUR))


def test_every_bundled_rule_book_has_a_case_here() -> None:
    """A rule book that nobody saw fire is a promise."""
    here = Path(__file__).read_text(encoding="utf-8")
    for book in STRATEGIES.glob("*.yaml"):
        assert f'guarded("{book.stem}"' in here, f"{book.name} has no case"


def test_stop_loss_fires_past_eight_percent_and_not_before() -> None:
    """8 % of 8,000 is 640: at 7,360 the loss is at the level, a cent lower it is past it."""
    assert prices(guarded("stop_loss", usdt=4_000, btc=1_000), (10, 7_360.0)) == []
    assert prices(guarded("stop_loss", usdt=4_000, btc=1_000), (10, 7_359.0)) == ["stop_loss"]


def test_volatility_stop_in_a_calm_market_fires_past_four_percent() -> None:
    """BTC's prior moves 0.32 % in 15 minutes, four times that is less than 4 %: 320 of 8,000 are at the level."""
    assert prices(guarded("volatility_stop", usdt=4_000, btc=1_000), (10, 7_680.0)) == []
    assert prices(guarded("volatility_stop", usdt=4_000, btc=1_000), (10, 7_679.0)) == ["volatility_stop"]


def test_volatility_stop_in_a_wild_market_waits_for_eight_percent_and_no_longer() -> None:
    """Where every minute moves by 3 % a loss of 7 % is a dip like many; past 8 % it is sold all the same."""
    swings = [(60.0 * minute, 8_000.0 if minute % 2 else 8_240.0) for minute in range(1, 40)]
    assert prices(guarded("volatility_stop", usdt=4_000, btc=1_000), *swings, (2_400, 7_440.0), (2_401, 7_361.0)) == []
    assert prices(guarded("volatility_stop", usdt=4_000, btc=1_000), *swings, (2_400, 7_359.0)) == ["volatility_stop"]


def hours(*closes: float) -> list[tuple[float, float]]:
    """Prices at the ends of quarters of an hour, each seen twice so that windows roll."""
    return [(900.0 * number + more, price) for number, price in enumerate(closes, start=1) for more in (0.0, 1.0)]


def test_crash_stop_fires_on_a_fast_loss_and_leaves_a_slow_one_alone() -> None:
    """The same 4 %: within the last hour of five it is a crash, over sixteen hours it is a market."""
    fast = hours(*[8_000.0] * 17, 7_840.0, 7_700.0, 7_679.0)
    slow = hours(*(8_000.0 - 5.0 * number for number in range(1, 65)), 7_679.0)
    assert prices(guarded("crash_stop", usdt=1_000, btc=1_000), *fast[:-2]) == []
    assert prices(guarded("crash_stop", usdt=1_000, btc=1_000), *fast) == ["crash_stop"]
    assert prices(guarded("crash_stop", usdt=1_000, btc=1_000), *slow) == []


def test_crash_stop_of_a_short_fires_when_prices_rise_fast() -> None:
    """4 % against a short is a rise."""
    fast = hours(*[8_000.0] * 17, 8_160.0, 8_300.0, 8_321.0)
    assert prices(guarded("crash_stop", usdt=1_000, btc=-1_000), *fast) == ["crash_stop"]
    assert prices(guarded("crash_stop", usdt=1_000, btc=1_000), *fast) == []


def test_crash_stop_leaves_accounts_alone_that_are_far_from_liquidation() -> None:
    """With 3,100 USDT behind 8,000 some 36 % are left after the fall, with 3,000 less than 35 %."""
    fast = hours(*[8_000.0] * 17, 7_840.0, 7_700.0, 7_679.0)
    assert prices(guarded("crash_stop", usdt=3_100, btc=1_000), *fast) == []
    assert prices(guarded("crash_stop", usdt=3_000, btc=1_000), *fast) == ["crash_stop"]


def test_crash_stop_without_four_hours_of_prices_waits() -> None:
    """How fast a market falls cannot be told from one hour of it."""
    assert prices(guarded("crash_stop", usdt=1_000, btc=1_000), *hours(8_000.0, 7_700.0, 7_500.0)) == []


def test_margin_guard_fires_when_the_way_is_short_and_not_before() -> None:
    """1,000 USDT behind 8,000: liquidation lies 12 % below, so 5 % are left after a fall of about 7.6 %."""
    assert prices(guarded("margin_guard", usdt=1_000, btc=1_000), (10, 7_420.0), (12, 7_420.5)) == []
    assert prices(guarded("margin_guard", usdt=1_000, btc=1_000), (10, 7_380.0), (12, 7_380.5)) == ["margin_guard"]


@pytest.mark.parametrize(("entry", "past"), [(8_000.0, 9_201.0), (100.0, 115.5)])
def test_take_profit_fires_past_fifteen_percent_that_last(entry: float, past: float) -> None:
    """A gain that is there for one print is a wick, one that holds for 5 s is a profit."""
    assert prices(guarded("take_profit", usdt=4_000, btc=1_000, entry=entry), (10, entry * 1.149), (20, entry)) == []
    assert prices(guarded("take_profit", usdt=4_000, btc=1_000, entry=entry), (10, past), (12, entry)) == []
    assert prices(guarded("take_profit", usdt=4_000, btc=1_000, entry=entry), (10, past), (16, past + 0.01)) == [
        "take_profit"
    ]


def test_take_profit_of_a_short_fires_when_prices_fall() -> None:
    """A profit is a profit whichever way the market went."""
    run = guarded("take_profit", usdt=4_000, btc=-1_000)
    assert prices(run, (10, 6_700.0), (16, 6_701.0)) == ["take_profit"]


def test_delta_hedge_fires_past_half_a_coin_that_lasts_and_not_before() -> None:
    """At half a coin it is inside its band; a thousandth more, for 5 s, is hedged, two coins more at once."""
    assert prices(guarded("delta_hedge", usdt=4_000, btc=500), (10, 8_000.0), (20, 8_001.0)) == []
    assert prices(guarded("delta_hedge", usdt=4_000, btc=501), (4, 8_001.0)) == []
    assert prices(guarded("delta_hedge", usdt=4_000, btc=501), (4, 8_001.0), (6, 8_002.0)) == ["delta_hedge"]
    assert guarded("delta_hedge", usdt=4_000, btc=2_001).book.live_episode("delta_hedge_now", ScopeElement(0))


def test_time_stop_fires_on_an_old_loser_and_leaves_an_old_winner_alone() -> None:
    """A day is over after 24 hours; what is in profit by then may stay."""
    assert prices(guarded("time_stop", usdt=4_000, btc=1_000), (23.9 * HOUR, 7_990.0)) == []
    assert prices(guarded("time_stop", usdt=4_000, btc=1_000), (24.1 * HOUR, 8_010.0)) == []
    assert prices(guarded("time_stop", usdt=4_000, btc=1_000), (24.1 * HOUR, 7_990.0)) == ["time_stop"]


def test_funding_stop_fires_on_the_side_that_pays_a_rate_that_lasts() -> None:
    """11 bps for ten minutes close the long that pays them; the short receives them and stays."""
    for btc, rate, expected in (
        (1_000, 110_000, ["funding_stop"]),
        (1_000, 100_000, []),
        (-1_000, 110_000, []),
        (-1_000, -110_000, ["funding_stop"]),
    ):
        run = guarded("funding_stop", usdt=4_000, btc=btc)
        funding(run, 5, rate)
        assert prices(run, (10, 8_000.5), (300, 8_001.0)) == []
        assert prices(run, (620, 8_000.5)) == expected


def test_funding_stop_without_a_rate_neither_fires_nor_clears() -> None:
    """What is not known is no reason to sell."""
    assert prices(guarded("funding_stop", usdt=4_000, btc=1_000), (10, 8_001.0), (700, 8_002.0)) == []


def test_leverage_cap_fires_above_five_and_not_at_less() -> None:
    """8,000 on 1,650 is 4.85x; a fall of 100 makes it 5.1x."""
    assert prices(guarded("exposure_caps", usdt=1_650, btc=1_000), (10, 7_990.0), (30, 7_991.0)) == []
    assert prices(guarded("exposure_caps", usdt=1_650, btc=1_000), (10, 7_900.0), (30, 7_901.0)) == ["leverage_cap"]


@pytest.mark.parametrize("side", [1, -1])
def test_gross_cap_fires_above_a_quarter_million_and_not_at_less(side: int) -> None:
    """20 BTC at 8,000 against 44 ETH at 2,000 are 248,000 in all, against 46 ETH 252,000; the net is below its cap."""
    for eth, fired in ((44_000, []), (46_000, ["gross_cap"])):
        run = guarded("exposure_caps", usdt=1_000_000, btc=side * 20_000, eth=-side * eth)
        assert prices(run, (10, 8_000.5), (30, 8_000.0)) == fired


@pytest.mark.parametrize("side", [1, -1])
def test_net_cap_fires_on_either_side_and_a_hedge_keeps_it_still(side: int) -> None:
    """15.6 BTC at 8,000 are 124,800, 15.7 are 125,600; with 3 ETH against them the net is within the cap again."""
    for btc, eth, fired in ((15_600, 0, []), (15_700, 0, ["net_cap"]), (15_700, -3_000, [])):
        run = guarded("exposure_caps", usdt=1_000_000, btc=side * btc, eth=side * eth)
        assert prices(run, (10, 8_000.5), (30, 8_000.0)) == fired


@pytest.mark.parametrize("side", [1, -1])
def test_net_cap_sells_of_the_heavy_side_only(side: int) -> None:
    """Of 20 BTC against 10 ETH the net is 140,000: 5 BTC go, and no ETH, whichever way the book leans."""
    run = guarded("exposure_caps", usdt=1_000_000, btc=side * 20_000, eth=side * -10_000)
    plans = [
        effect for seconds, price in ((10, 8_000.5), (30, 8_000.0)) for effect in run.step(trade(seconds, price))[0]
        if isinstance(effect, PlanEpisode)
    ]
    assert [plan.cuts for plan in plans] == [(PlannedCut(KEY, 15_000),)]


def test_trailing_stop_follows_a_winner_up_and_fires_on_the_way_back() -> None:
    """6 % of 8,000 is 480: from a best of 9,000 it closes below 8,520, though that is still a profit."""
    assert prices(guarded("trailing_stop", usdt=4_000, btc=1_000), (10, 9_000.0), (20, 8_530.0), (30, 8_531.0)) == []
    assert prices(
        guarded("trailing_stop", usdt=4_000, btc=1_000), (10, 9_000.0), (20, 8_510.0), (30, 8_511.0)
    ) == ["trailing_stop"]
    assert prices(guarded("trailing_stop", usdt=4_000, btc=1_000), (10, 7_530.0), (20, 7_531.0)) == []


def test_drawdown_guard_fires_on_a_loss_of_the_account_and_not_on_a_smaller_one() -> None:
    """1,000 USDT of 4,000 are 25 %; 560 are 14 %, 640 are 16 %."""
    assert prices(guarded("drawdown_guard", usdt=4_000, btc=1_000), (10, 7_440.0), (20, 7_441.0)) == []
    assert prices(guarded("drawdown_guard", usdt=4_000, btc=1_000), (10, 7_360.0), (20, 7_361.0)) == ["drawdown_guard"]
