"""A position typed in at the price of another time is told so, beside the run that it spoils."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.runs import BTC, NEVER_FIRES, flat, long_of, penstock, write_candles, write_config


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("13001", "its entry price 13,001.0 lies 30 % above the market's first price 10,000.0"),
        ("6999", "its entry price 6,999.00 lies 30 % below the market's first price 10,000.0"),
        ("12999", None), ("first", None),
    ],
)
def test_replay_says_when_an_entry_price_is_of_another_time(tmp_path: Path, entry: str, said: str | None) -> None:
    """Beyond 30 % of the first price nobody with leverage is still there; the note says what to write instead."""
    config = write_config(tmp_path, {BTC: long_of("0.1", entry)}, usdt="1_000", books=[NEVER_FIRES], instruments=[BTC])
    tape = write_candles(tmp_path / "btc.csv", flat(10_000, 3))
    run = penstock("replay", config, "--tape", f"{BTC}={tape}")
    if said is None:
        assert "note:" not in run.stderr
    else:
        assert said in run.stderr and "write entry_price: first" in run.stderr


@pytest.mark.parametrize(("amount", "is_told"), [("100", True), ("1", False)])
def test_replay_says_when_an_account_is_gone_before_it_begins(tmp_path: Path, amount: str, is_told: bool) -> None:
    """An amount with two digits too many is liquidated at the first price, and no rule ever saw it."""
    config = write_config(tmp_path, {BTC: long_of(amount)}, usdt="1_600", books=[NEVER_FIRES], instruments=[BTC])
    tape = write_candles(tmp_path / "btc.csv", flat(10_000, 3))
    run = penstock("replay", config, "--tape", f"{BTC}={tape}")
    said = "main: was liquidated at the market's first price, before a rule could look at it; it held "
    assert (said in run.stderr) is is_told
    assert ("on a balance of 1,600 USDT; look at amount" in run.stderr) is is_told


def test_generated_market_of_an_unknown_coin_says_what_there_is(tmp_path: Path) -> None:
    """SOL has no figures: the message names those that have, and the way by a tape."""
    config = write_config(
        tmp_path, {"SOL/USDT:USDT": long_of("10")}, usdt="1_000", books=[NEVER_FIRES], instruments=["SOL/USDT:USDT"]
    )
    run = penstock("replay", config, "--generate", "gap")
    assert run.returncode == 2
    assert "known are BTC" in run.stderr and "--tape SOL/USDT:USDT=PATH" in run.stderr
