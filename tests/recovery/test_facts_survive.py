"""What nobody could ask for by name is in the journal once, wherever between the venue's file and ours a run dies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.domain.events import LiquidationStage
from tests.app.killing import journal_of, venue_of
from tests.app.runs import BTC, NEVER_FIRES, long_of, write_config, write_trades
from tests.recovery.dying import live
from tests.recovery.scripts import NO_STOPS, Script

EVERY = 2                            # of the instants, a life and a half each
TAPE = [(0, 100.01, 5.001), (1_000, 100.01, 5.001), (2_000, 85, 5.001), (3_000, 84, 5.001), (9_000, 84, 5.001)]


def liquidated(folder: Path) -> Script:
    """A long of ten times its margin and no rule to save it."""
    folder.mkdir()
    config = write_config(
        folder, {BTC: long_of("1")}, usdt="10", books=[NEVER_FIRES], instruments=[BTC], latency="300ms", more=NO_STOPS
    )
    return Script("liquidated", config, (f"{BTC}={write_trades(folder / 'b.csv', TAPE)}",))


def numbers_in(out: Path) -> Iterator[int]:
    """The number of every numbered fact of the journal, in order."""
    with journal_of(out) as journal:
        for _, item in journal.read():
            number = getattr(item, "number", 0)
            if number and "taken" not in type(item).__slots__:           # a snapshot only says how many there were
                yield number


def test_facts_of_a_liquidation_are_journaled_once_wherever_the_run_dies(tmp_path: Path) -> None:
    """Its fills, its stage and what the fund paid: each number once and none missing, as the venue counted them."""
    script = liquidated(tmp_path / "script")
    instants = live(script, tmp_path / "calm")
    assert instants is not None and instants > 10
    (told,) = [account.numbered for account in venue_of(tmp_path / "calm").accounts]
    assert sorted(numbers_in(tmp_path / "calm")) == list(range(1, told + 1))
    assert told >= 2
    for last in range(0, instants, EVERY):
        out = tmp_path / f"run{last}"
        assert live(script, out, last=last) is None
        assert live(script, out) is not None
        assert sorted(numbers_in(out)) == list(range(1, told + 1)), f"killed at {last}"
        with journal_of(out) as journal:
            assert sum(isinstance(item, LiquidationStage) for _, item in journal.read()) == 1
