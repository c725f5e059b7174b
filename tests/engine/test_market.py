"""What the market did lately: the sums behind participation and costs."""

from __future__ import annotations

from bot.domain.scale import NS_PER_SECOND
from tests.builders import T0, engine, trade


def test_traded_since_counts_the_trade_that_opens_a_bucket() -> None:
    """Volume that comes with the first event of a bucket belongs to the window, or a candle tape has none."""
    run = engine()
    run.step(trade(0, 100.0, quantity=5))
    run.step(trade(59.9, 100.0, quantity=700))
    now = T0 + 80 * NS_PER_SECOND
    assert run.market.traded_since(0, now - 60 * NS_PER_SECOND) == 700


def test_traded_since_leaves_out_what_is_older_than_the_window() -> None:
    """A minute ago is not lately."""
    run = engine()
    run.step(trade(0, 100.0, quantity=5))
    run.step(trade(30, 100.0, quantity=700))
    run.step(trade(200, 100.0, quantity=1))
    assert run.market.traded_since(0, T0 + 140 * NS_PER_SECOND) == 1
    assert run.market.traded_since(0, T0 + 201 * NS_PER_SECOND) == 0
