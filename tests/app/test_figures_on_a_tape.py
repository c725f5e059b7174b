"""The performance figures of a replay of recorded days, from its fills and the tape alone, by other arithmetic."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import sqrt
from statistics import fmean, stdev
from typing import Any

import pytest

from tests.app.runs import ETH, NO_STOPS, long_of, one_object, penstock, write_config
from tests.shared_data import shared

TAPE = "data/candles/perp_binance-usdm_1m/2025-06_jun21-22-iran_ETHUSDT-PERP_1m.csv.gz"
HELD, CASH = 6.0, 3_000.0
TWO_RULES = """
rules:
  early:
    for_each: position
    when: position.loss_ratio > 2%
    do: {reduce: {share: 50%}}
    execute: {algo: twap, over: 10m, collar: 2%}
  late:
    for_each: account
    when: account.drawdown > 12%
    do: {deleverage: {to: {leverage: 0.2}}}
    execute: {algo: twap, over: 5m, collar: 2%}
"""


@dataclass(frozen=True, slots=True)
class Days:
    """A replay's summary, and what its account was worth when each minute opened, and at the end."""

    told: dict[str, Any]
    minutes: list[float]
    end: float
    alone: float

    @property
    def main(self) -> dict[str, Any]:
        found: dict[str, Any] = self.told["accounts"]["main"]
        return found

    @property
    def returns(self) -> list[float]:
        """Of whole hours since the start."""
        return [after / before - 1 for before, after in pairwise(self.minutes[::60])]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    """Four days and a half with 6 ETH long, about five times leveraged, of which two rules sell."""
    tape = shared(TAPE)
    folder = tmp_path_factory.mktemp("tape")
    config = write_config(
        folder, {ETH: long_of(f"{HELD:g}")}, usdt=f"{CASH:g}", books=[TWO_RULES], instruments=[ETH], more=NO_STOPS
    )
    run = penstock("replay", config, "--tape", f"{ETH}={tape}", "--json")
    assert run.returncode == 0, run.stderr
    told = one_object(run.stdout)
    with gzip.open(tape, "rt") as lines:
        bars = [(int(row["ts_ms"]) / 1000, float(row["open"]), float(row["close"])) for row in csv.DictReader(lines)]
    fills = [
        (
            datetime.fromisoformat(fill["ts"]).timestamp(),
            float(fill["quantity"]) * (1 if fill["side"] == "buy" else -1), float(fill["price"]), float(fill["fee"]),
        )
        for fill in told["fills"]
    ]
    first, last = bars[0][1], bars[-1][2]

    def worth(at: float, price: float) -> float:
        """Cash after all that was paid and got by then, and what is held at the price."""
        done = [fill for fill in fills if fill[0] <= at]
        paid = HELD * first + sum(size * fill_price + fee for _, size, fill_price, fee in done)
        return CASH - paid + (HELD + sum(size for _, size, _, _ in done)) * price

    return Days(
        told, [worth(at, price) for at, price, _ in bars], worth(1e18, last), CASH + HELD * (last - first)
    )


def test_ends_of_recorded_days_are_those_of_their_fills(days: Days) -> None:
    """Equity at the end, left alone, fees, and what was kept of the first fire."""
    assert len(days.told["fires"]) == 2 and len(days.told["fills"]) > 40
    assert float(days.main["equity_end"]) == pytest.approx(days.end, abs=1e-6)
    assert float(days.told["baselines"]["main"]["do_nothing"]["equity_end"]) == pytest.approx(days.alone, abs=1e-6)
    assert float(days.main["fees"]) == pytest.approx(sum(float(fill["fee"]) for fill in days.told["fills"]), abs=1e-6)
    assert float(days.main["equity_start"]) == CASH
    # the first rule read a drawdown from the highest equity until then, which no minute's opening passed by much
    read = days.told["fires"][0]["readings"]["account.drawdown"]
    peak = days.end / days.main["recovery_rate"] / (1 - read)
    assert max(days.minutes) <= peak <= max(days.minutes) * 1.01


def test_ratios_of_recorded_days_are_those_of_their_hours(days: Days) -> None:
    """Sharpe, Sortino and Calmar of 106 hours, by the statistics of the standard library."""
    mean, year = fmean(days.returns), 365 * 24
    downside = sqrt(fmean([min(each, 0.0) ** 2 for each in days.returns]))
    assert len(days.returns) > 100
    assert days.main["sharpe"] == pytest.approx(mean / stdev(days.returns) * sqrt(year), rel=1e-9)
    assert days.main["sortino"] == pytest.approx(mean / downside * sqrt(year), rel=1e-9)
    assert days.main["calmar"] == pytest.approx(mean * year / days.main["max_drawdown"], rel=1e-9)


def test_drawdown_of_recorded_days_is_at_least_that_of_their_minutes(days: Days) -> None:
    """It may lie between two minutes, and then a little deeper."""
    peak = deepest = 0.0
    for value in days.minutes:
        peak = max(peak, value)
        deepest = max(deepest, 1 - value / peak)
    assert deepest - 1e-12 <= days.main["max_drawdown"] <= deepest + 0.005


def test_worth_of_rules_on_recorded_days_adds_up_to_the_whole(days: Days) -> None:
    """Each has the gain by what it traded, its own cost against arrival, and no false fire where we did better."""
    fills, parents = days.told["fills"], {parent["id"]: parent for parent in days.told["parents"]}
    traded = sum(float(fill["quantity"]) * float(fill["price"]) for fill in fills)
    assert days.end > days.alone
    for name, rule in days.told["rules"].items():
        own = [fill for fill in fills if parents[fill["parent"]]["rules"] == [name]]
        value = sum(float(fill["quantity"]) * float(fill["price"]) for fill in own)
        cost = sum(
            float(fill["quantity"]) * (float(parents[fill["parent"]]["arrival_price"]) - float(fill["price"]))
            + float(fill["fee"]) for fill in own
        )
        assert (rule["fires"], rule["false_fires"]) == (1, 0)
        assert float(rule["saved"]) == pytest.approx((days.end - days.alone) * value / traded, abs=1e-4)
        assert float(rule["cost"]) == pytest.approx(cost, abs=1e-4)
