"""Figures of the bench of rescues, counted by hand."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bench.rescue.outcome import Outcome
from bench.rescue.page import write_page
from bench.rescue.rows import Passed, losses_of, rows_of, rows_together, verdict
from bench.rescue.strategy import DEFAULT, DO_NOTHING, VENUE
from bot.domain.errors import InputError

MINUTE = 60_000_000_000


def outcome(
    strategy: str, opened: int, end: int, *, fired: bool = False, liquidated: int | None = None, leverage: int = 10
) -> Outcome:
    """Return an outcome of an account that began with 100 of equity behind a position of 1,000."""
    return Outcome(
        opened=opened, leverage=leverage, strategy=strategy, is_run=fired, notional=1_000, equity_start=100,
        equity_end=end, fires=(("rule", opened + 1),) if fired else (), liquidated=liquidated,
        distance_open=None if liquidated is None else 0.05, bar_move=None if liquidated is None else 0.07,
    )


def passed(*outcomes: Outcome, kind: str = "crash", is_major: bool = True, sign: int = 1) -> Passed:
    return Passed("tape", kind, is_major, sign, outcomes)


FOUR = passed(
    outcome(DO_NOTHING, 0, 0, liquidated=5), outcome(DO_NOTHING, 1, -3, liquidated=6),
    outcome(DO_NOTHING, 2, 120), outcome(DO_NOTHING, 3, 90),
    outcome(DEFAULT, 0, 40, fired=True), outcome(DEFAULT, 1, 10, fired=True, liquidated=6),
    outcome(DEFAULT, 2, 70, fired=True), outcome(DEFAULT, 3, 95, fired=True),
)


def test_rows_of_four_entries_are_as_counted_by_hand() -> None:
    """Two doomed entries keep 0.4 and 0.1; of two that live one fire cost 50 and was false, one gained 5."""
    row = next(row for row in rows_of([FOUR]) if row.strategy == DEFAULT)
    assert (row.n, row.doomed, row.run, row.fired, row.false_fires) == (4, 2, 4, 4, 1)
    assert row.liquidated_share == 0.25
    assert row.liquidated_of_doomed == 0.5
    assert row.equity_kept == 0.25
    assert row.cost_bps == pytest.approx(225.0)       # (50 - 5) / 2 of 1,000
    assert row.cost_share == pytest.approx(0.225)


def test_rows_of_doing_nothing_lose_all_of_the_doomed_and_cost_nothing() -> None:
    """What a debt leaves is nothing, not less; and doing nothing is what costs are counted from."""
    row = next(row for row in rows_of([FOUR]) if row.strategy == DO_NOTHING)
    assert (row.liquidated_share, row.liquidated_of_doomed, row.equity_kept, row.cost_bps) == (0.5, 1.0, 0.0, 0.0)


def test_rows_of_the_venue_are_those_that_it_liquidated() -> None:
    """The venue's own liquidation is shown for the accounts that it came to."""
    row = next(row for row in rows_of([FOUR]) if row.strategy == VENUE)
    assert (row.n, row.liquidated_share, row.cost_bps) == (2, 1.0, None)


def test_rows_together_weigh_every_entry_alike() -> None:
    """Two tapes of unlike length are one set of entries, not a mean of means."""
    other = passed(outcome(DO_NOTHING, 0, 100), outcome(DEFAULT, 0, 100))
    row = next(row for row in rows_together("both", [FOUR, other]) if row.strategy == DEFAULT)
    assert (row.tape, row.n) == ("both", 5)
    assert row.cost_share == pytest.approx(0.15)


def test_rows_without_any_doomed_keep_nothing_to_tell() -> None:
    """Where doing nothing never dies there is no share of equity kept, and it is not 0."""
    row = next(row for row in rows_of([passed(outcome(DO_NOTHING, 0, 100))]))
    assert (row.doomed, row.equity_kept, row.liquidated_of_doomed) == (0, None, None)


def test_losses_are_grouped_by_the_bar_that_took_them() -> None:
    """Accounts that one minute takes are one line, with how far they stood from liquidation before it."""
    found = losses_of([passed(
        outcome(DO_NOTHING, 0, 0, liquidated=1), outcome(DO_NOTHING, 1, 0, liquidated=1),
        outcome(DEFAULT, 0, 0, liquidated=MINUTE + 5), outcome(DEFAULT, 1, 0, liquidated=2 * MINUTE - 1),
        outcome(DO_NOTHING, 0, 0, liquidated=1, leverage=20), outcome(DEFAULT, 0, 0, liquidated=5, leverage=20),
    )])
    assert [(loss["accounts"], loss["minute_ns"], loss["leverage"]) for loss in found] == [(2, MINUTE, 10)]
    assert found[0]["distance_before_max"] == 0.05


def test_losses_of_accounts_that_a_stop_emptied_are_counted_as_lost() -> None:
    """A stop that was filled below bankruptcy leaves as little as liquidation: it is told apart, and not left out."""
    emptied = msgspec.structs.replace(outcome(DEFAULT, 0, 0, fired=True), stopped=3 * MINUTE + 7, distance_open=0.04)
    each = passed(outcome(DO_NOTHING, 0, 0, liquidated=1), emptied)
    row = next(row for row in rows_of([each]) if row.strategy == DEFAULT)
    assert (row.liquidated_of_doomed, row.lost_of_doomed) == (0.0, 1.0)
    found = losses_of([each])
    assert [(loss["minute_ns"], loss["accounts"], loss["liquidated"]) for loss in found] == [(3 * MINUTE, 1, 0)]


def test_verdict_counts_majors_all_and_calm_days_apart() -> None:
    """The line that the project is held to is of accounts up to 10x that doing nothing loses, and of calm days."""
    alt = passed(outcome(DO_NOTHING, 0, 0, liquidated=1), outcome(DEFAULT, 0, 50, fired=True), is_major=False)
    calm = passed(outcome(DO_NOTHING, 0, 100), outcome(DEFAULT, 0, 99, fired=True), kind="calm")
    calm_alt = passed(
        outcome(DO_NOTHING, 0, 100), outcome(DEFAULT, 0, 99, fired=True), outcome(DO_NOTHING, 1, 100),
        outcome(DEFAULT, 1, 100), kind="calm", is_major=False,
    )
    wild = passed(
        outcome(DO_NOTHING, 0, 0, liquidated=1, leverage=20), outcome(DEFAULT, 0, 0, liquidated=1, leverage=20)
    )
    assert verdict([FOUR, alt, calm, calm_alt, wild]) == {
        "majors_doomed": 2, "majors_liquidated": 1, "majors_lost": 1,
        "all_doomed": 3, "all_liquidated": 1, "all_lost": 1,
        "calm_majors_entries": 1, "calm_majors_fired": 1, "calm_entries": 3, "calm_fired": 2,
    }


def test_write_page_replaces_what_stands_between_its_markers(tmp_path: Path) -> None:
    """Made figures change, and every word around them stays."""
    page = tmp_path / "rescue.md"
    page.write_text("before\n<!-- rescue:a -->\nold\n<!-- /rescue:a -->\nafter\n", encoding="utf-8")
    write_page(page, {"a": "new"})
    assert page.read_text(encoding="utf-8") == (
        "before\n<!-- rescue:a -->\n\nnew\n\n<!-- /rescue:a -->\nafter\n"
    )


def test_write_page_without_markers_is_refused(tmp_path: Path) -> None:
    """A page that has no place for the figures is not guessed at."""
    page = tmp_path / "rescue.md"
    page.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(InputError, match="has no place for a"):
        write_page(page, {"a": "new"})
