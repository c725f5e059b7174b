"""The sums of the long run, and its weather: what two hours of it are judged by."""

from __future__ import annotations

import json
import os
from itertools import islice, pairwise
from random import Random

import numpy as np
import pytest

from bench.long_run.books import compare
from bench.long_run.vitals import MIB, look, slope
from bench.long_run.weather import TROUBLES, Market, troubles
from bot.domain.account import PositionKey, PositionSide
from bot.domain.events import FillOrigin, Liquidity, OrderFilled
from bot.domain.order import Side
from paper.wire.mischief import Mischief


def filled(trade_id: str, *, quantity: int = 100, side: Side = Side.SELL) -> OrderFilled:
    """Return a fill as the journal has it."""
    key = PositionKey(0, 0, PositionSide.NET)
    return OrderFilled(
        1, 1, 0, "name", trade_id, key, side, 60_000, quantity, 0, Liquidity.TAKER, FillOrigin.OURS, False
    )


def traded(number: int, *, qty: str = "0.100", side: str = "SELL") -> dict[str, object]:
    """Return a fill as the venue's page has it."""
    return {"id": number, "qty": qty, "side": side}


def test_slope_of_noisy_points_is_that_of_numpy() -> None:
    """The climb of memory is the least-squares line through the samples."""
    random = Random(3)
    points = [(30.0 * step, 150.0 + 0.01 * step + random.gauss(0.0, 2.0)) for step in range(200)]
    theirs = np.polyfit([x for x, _ in points], [y for _, y in points], 1)[0]
    assert slope(points) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(1.0, 2.0), (1.0, 3.0)]])
def test_slope_of_one_moment_is_refused(points: list[tuple[float, float]]) -> None:
    """A line needs two different moments."""
    with pytest.raises(ValueError, match="two points apart"):
        slope(points)


def test_look_at_this_process_sees_what_it_takes() -> None:
    """Sixty-four mebibytes and one descriptor more are seen as such."""
    before = look(os.getpid(), 0.0)
    held = bytearray(os.urandom(1)) * (64 * MIB)
    descriptor = os.open(os.devnull, os.O_RDONLY)
    try:
        after = look(os.getpid(), 1.0)
    finally:
        os.close(descriptor)
    assert len(held) / MIB - 4 < after.rss_mib - before.rss_mib < len(held) / MIB + 16
    assert after.descriptors == before.descriptors + 1
    assert after.threads >= 1 and after.cpu_seconds >= before.cpu_seconds > 0.0


def test_compare_where_both_have_the_same_agrees() -> None:
    """The same numbers, sides and quantities on both sides: nothing differs."""
    books = compare({"BTCUSDT": [traded(1), traded(2)]}, [filled("BTCUSDT:1"), filled("BTCUSDT:2")])
    assert books.agree and (books.fills_at_venue, books.fills_in_journal) == (2, 2)


def test_compare_names_what_either_side_lacks_or_has_otherwise() -> None:
    """Each way of differing stands in a list of its own."""
    trades = {"BTCUSDT": [traded(1), traded(2), traded(3, qty="0.101")], "ETHUSDT": [traded(2, side="BUY")]}
    fills = [filled("BTCUSDT:1"), filled("BTCUSDT:1"), filled("BTCUSDT:3"), filled("ETHUSDT:2"), filled("ETHUSDT:9")]
    books = compare(trades, fills)
    assert books.not_in_journal == ["BTCUSDT:2"]
    assert books.not_at_venue == ["ETHUSDT:9"]
    assert books.told_again == 1
    assert books.otherwise == ["BTCUSDT:3", "ETHUSDT:2"]
    assert not books.agree


def test_troubles_of_one_seed_come_again_and_each_kind_in_every_round() -> None:
    """A run can be told again, and a short one has met every kind before any comes twice."""
    first, again = (list(islice(troubles(Random("7")), 3 * len(TROUBLES))) for _ in range(2))
    assert first == again
    for begin in range(0, len(first), len(TROUBLES)):
        names = {trouble.name for _, trouble in first[begin:begin + len(TROUBLES)]}
        assert names == {trouble.name for trouble in TROUBLES}
    assert [at for at, _ in first] == sorted(at for at, _ in first)


@pytest.mark.parametrize("name", [trouble.name for trouble in TROUBLES if trouble.rules])
def test_trouble_is_a_plan_that_the_exchange_takes(name: str) -> None:
    """A fault that the exchange does not know would be refused in the second hour."""
    trouble = next(each for each in TROUBLES if each.name == name)
    Mischief().follow(json.dumps({"rules": trouble.rules}))


def test_market_dips_deep_enough_for_a_rule_and_comes_back() -> None:
    """In ten minutes prices fall by half a percent several times, and are near the start in between."""
    market = Market("BTCUSDT", 60_000.0, 1, Random("btc"))
    prices = [float(market.trade(step / 100)["price"]) for step in range(60_000)]
    low = [price < 60_000.0 * 0.996 for price in prices]
    dips = sum(1 for before, after in pairwise(low) if after and not before)
    assert 5 <= dips <= 40
    assert np.median(prices) == pytest.approx(60_000.0, rel=0.003)
