"""What a price of a market that nobody holds costs: nothing, unless some rule reads that market itself."""

from __future__ import annotations

import pytest

from tests.builders import engine, snapshot, trade

RULE = "rules: {{r: {{for_each: {scope}, when: '{when}', do: {do}, execute: {{algo: now}}}}}}"
REDUCE = "{deleverage: {to: {leverage: 1}}}"


def ruled(when: str, scope: str = "account", do: str = REDUCE) -> str:
    """A rule book of one rule."""
    return RULE.format(scope=scope, when=when, do=do)


@pytest.mark.parametrize(
    ("book", "rests"),
    [
        (ruled("account.liquidation_distance < clamp(6 * account.sigma(15m), 5%, 8%)"), True),
        (ruled("account.drawdown > 5% and account.leverage > 2"), True),
        (ruled("position.loss_ratio > 8%", "position", "close"), True),
        (ruled('account.leverage > 2 and market("BTC/USDT:USDT").spread_bps > 3bps'), False),
        (ruled("position.loss_ratio > 8% and market.funding_rate > 10bps", "position", "close"), False),
        (ruled("max(account.leverage, 15m) > 2"), False),
        (ruled("account.leverage > 2 and time.of_day > 09:30"), False),
        (ruled("portfolio.leverage > 2", "portfolio"), False),
    ],
    ids=["distance", "drawdown", "loss", "named market", "own market", "window", "time", "portfolio"],
)
def test_watch_rests_unheld_only_while_rules_read_accounts_and_positions(book: str, rests: bool) -> None:
    """A spread, a window or the time moves a rule whether anything is held or not."""
    assert engine(book).watch.rests_unheld is rests


def test_watch_of_an_unheld_market_says_what_a_look_at_everything_says() -> None:
    """The price of ETH moves no truth of an account that holds BTC alone, and the price of BTC does."""
    run = engine(ruled("account.leverage > 5"))
    run.step(trade(0, 8_000.0))
    run.step(trade(0, 200.0, instrument=1))
    run.step(snapshot(0, usdt=1_700.0, btc=1_000, entry=8_000.0))
    for second, (price, instrument, is_true) in enumerate(
        [(100.0, 1, False), (7_900.0, 0, False), (300.0, 1, False), (7_800.0, 0, True), (90.0, 1, True)], 1
    ):
        run.step(trade(second, price, instrument=instrument))
        seen = run.watch.account_bits[0]
        assert bool(seen & 1) is is_true
        run.watch.look_again(0)
        assert run.watch.account_bits[0] == seen
