"""Every performance figure of ``summary.json`` once by hand, from prices, fills and the two other endings alone."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from tests.app.runs import (
    BTC,
    NEVER_FIRES,
    NO_STOPS,
    STOP_NOW,
    Bar,
    flat,
    long_of,
    one_object,
    penstock,
    slide,
    write_candles,
    write_config,
)

CASH = 10_000.0
HOURS = (
    10_000, 10_100, 10_050, 9_900, 9_950, 10_200, 10_150, 10_000, 9_700, 9_800, 9_900, 9_850, 9_950,
    10_050, 10_000, 9_900, 9_950, 10_000, 10_100, 10_150, 10_200, 10_150, 10_250, 10_300, 10_250, 10_200,
)
"""The price of each hour, 26 of them, in USDT; the deepest fall is from 10,200 to 9,700."""


def replayed(folder: Path, bars: list[Bar], book: str, usdt: str) -> dict[str, Any]:
    """1 BTC long through the bars, without a stop at the venue."""
    config = write_config(folder, {BTC: long_of("1")}, usdt=usdt, books=[book], instruments=[BTC], more=NO_STOPS)
    run = penstock("replay", config, "--tape", f"{BTC}={write_candles(folder / 'btc.csv', bars)}", "--json")
    assert run.returncode == 0, run.stderr
    return one_object(run.stdout)


def test_ratios_of_a_run_of_a_day_are_those_of_its_hourly_prices(tmp_path: Path) -> None:
    """1 BTC beside 10,000 USDT is worth the price: equity goes 10,000 + (price - 10,000), hour by hour."""
    bars = [bar for price in HOURS for bar in flat(price, 60)]
    main = replayed(tmp_path, bars, NEVER_FIRES, "10_000")["accounts"]["main"]
    # an hour counts from the first look on; the last price is looked at a moment before its hour is whole
    equity = [CASH + price - HOURS[0] for price in HOURS]
    returns = [after / before - 1 for before, after in pairwise(equity)]
    mean, year = fmean(returns), 365 * 24
    downside = sqrt(fmean([min(each, 0.0) ** 2 for each in returns]))
    deepest = 1 - 9_700 / 10_200
    assert main["max_drawdown"] == pytest.approx(deepest, rel=1e-9)
    assert main["sharpe"] == pytest.approx(mean / stdev(returns) * sqrt(year), rel=1e-9)
    assert main["sortino"] == pytest.approx(mean / downside * sqrt(year), rel=1e-9)
    assert main["calmar"] == pytest.approx(mean * year / deepest, rel=1e-9)
    assert (float(main["equity_start"]), float(main["equity_end"])) == (CASH, CASH + 200)
    assert (main["recovery_rate"], main["why"]["recovery_rate"]) == (None, "nothing fired")


@pytest.mark.parametrize(("last", "false_fires"), [(9_000.0, 0), (10_400.0, 1)], ids=["it goes on", "it comes back"])
def test_worth_of_a_stop_is_the_sum_of_its_fills(tmp_path: Path, last: float, false_fires: int) -> None:
    """It closes 1 BTC after a fall of 4 %: what it saved, cost and kept follows from fills, fees and the last price."""
    bars = [*flat(10_000, 3), *slide(10_000, 9_500, 10), *slide(9_500, last, 10), *flat(last, 2)]
    told = replayed(tmp_path, bars, STOP_NOW, "5_000")
    (parent,), rule, main = told["parents"], told["rules"]["stop"], told["accounts"]["main"]
    size = [float(fill["quantity"]) for fill in told["fills"]]
    got = sum(float(fill["price"]) * each for fill, each in zip(told["fills"], size, strict=True))
    fees = sum(float(fill["fee"]) for fill in told["fills"])
    assert sum(size) == 1
    assert fees == pytest.approx(got * 5e-4, rel=1e-6)
    end = 5_000 + (got - 10_000) - fees
    left_alone = 5_000 + (last - 10_000)
    assert float(main["equity_end"]) == pytest.approx(end, abs=1e-6)
    assert float(rule["saved"]) == pytest.approx(end - left_alone, abs=1e-6)
    assert float(rule["cost"]) == pytest.approx(float(parent["arrival_price"]) - got + fees, abs=1e-6)
    assert parent["shortfall_bps"] == pytest.approx(
        (float(parent["arrival_price"]) - got) / float(parent["arrival_price"]) * 10_000, abs=1e-4
    )
    assert (rule["fires"], rule["false_fires"]) == (1, false_fires)
    # it fires at the first mark more than 4 % below: the loss it read says which, and so the equity of that moment
    loss = told["fires"][0]["readings"]["position.loss_ratio"]
    assert 0.04 < loss < 0.05
    assert main["recovery_rate"] == pytest.approx(end / (5_000 - 10_000 * loss), rel=1e-9)
