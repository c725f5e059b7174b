"""The place in the venue's queue for auto-deleveraging: as the venue last told it, and not for long."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.effects import OpenEpisode
from bot.domain.events import AccountSnapshot
from bot.domain.scale import NS_PER_SECOND
from bot.engine.measures.position_readings import RANKED_LATELY
from paper.messages import QueryAccount
from tests.builders import snapshot, trade
from tests.engine.driver import Trader, engine
from tests.paper.builders import Bench, start

FIRST_TO_GO = """
rules:
  step_aside:
    for_each: position
    when: position.adl_rank >= 5
    do: {reduce: 50%}
    execute: {algo: now}
"""
LATELY = RANKED_LATELY / NS_PER_SECOND


def word(seconds: float, rank: int | None) -> AccountSnapshot:
    """The venue's word on a long of 1, with its place in the queue."""
    told = snapshot(seconds, usdt=2_000, btc=1_000, entry=8_000)
    return replace(told, positions=tuple(replace(report, adl_rank=rank) for report in told.positions))


@pytest.mark.parametrize(("rank", "fires"), [(5, 1), (4, 0), (None, 0)])
def test_rule_on_the_queue_fires_at_its_rank(rank: int | None, fires: int) -> None:
    """Who is first to go may step aside; a venue that tells nothing fires nothing."""
    driver = Trader(engine(FIRST_TO_GO))
    driver.step(trade(0, 8_000))
    driver.step(word(1, rank))
    assert len(driver.found(OpenEpisode)) == fires


@pytest.mark.parametrize(("at", "fires"), [(LATELY - 1, 1), (LATELY, 0)], ids=["just young enough", "too old"])
def test_rank_is_no_longer_known_five_minutes_after_it_was_told(at: float, fires: int) -> None:
    """The venue told it at second 0, and we hear of it later: the queue has moved on."""
    driver = Trader(engine(FIRST_TO_GO))
    driver.step(trade(0, 8_000))
    told = word(0, 5)
    driver.step(replace(told, now=told.now + round(at * NS_PER_SECOND)))
    assert len(driver.found(OpenEpisode)) == fires


def test_rank_of_a_word_that_is_not_taken_is_not_taken_either() -> None:
    """An older snapshot that arrives late is of a queue of then."""
    driver = Trader(engine(FIRST_TO_GO))
    driver.step(trade(0, 8_000))
    driver.step(word(5, 1))
    late = word(1, 5)
    driver.step(replace(late, now=late.now + 6 * NS_PER_SECOND))
    assert driver.found(OpenEpisode) == []


@pytest.mark.parametrize(("price", "ranks"), [("101", [5, 1]), ("99", [1, 5]), ("100", [1, 1])])
def test_simulated_venue_ranks_whoever_is_in_profit_first(price: str, ranks: list[int]) -> None:
    """Its own accounts are a handful among many, so that a test meets auto-deleveraging whenever it can."""
    bench = Bench(start("100000", (0, "10", "100")), start("100000", (0, "-10", "100"), account=1))
    bench.price(price)
    told = [read(bench, account) for account in (0, 1)]
    assert [snapshot_.positions[0].adl_rank for snapshot_ in told] == ranks


def read(bench: Bench, account: int) -> AccountSnapshot:
    """Ask the venue for an account."""
    bench.say(QueryAccount(account))
    (found,) = [fact for fact in bench.finish() if isinstance(fact, AccountSnapshot)]
    return found
