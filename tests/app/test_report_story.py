"""What the report says of a run, better or worse, on the page and on a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.app.record import AccountSeries
from bot.app.report.html import render
from bot.app.report.sentences import headline
from bot.app.report.story import Move, Verdict, moves_of, stories
from tests.app.report_page import NOT_SHOWN, RECORD, Reader, nulled, plain
from tests.app.sample_record import BTC, sample_series, sample_summary


def test_story_when_liquidated_says_it_plainly() -> None:
    """When the guard failed, the first thing read is that the venue liquidated the account."""
    summary = sample_summary()
    summary["accounts"]["main"]["liquidations"] = summary["baselines"]["main"]["do_nothing"]["liquidations"]
    (story,) = stories(summary)
    assert story.verdict is Verdict.BAD
    assert "but the account was liquidated at 10:59" in headline(story, [])
    assert "yes, 10:59" in plain(summary).split("Do nothing")[0]


def test_story_when_doing_nothing_was_better_says_it_plainly() -> None:
    """A rescue that cost more than it saved is shown as what it is."""
    summary = sample_summary()
    summary["baselines"]["main"]["do_nothing"] = {"equity_end": "1450", "liquidations": []}
    (story,) = stories(summary)
    assert story.verdict is Verdict.DEAR
    assert headline(story, []).startswith(
        "Left alone, the account would have kept 100 % of its equity. Penstock sold"
    )
    text = Reader(render(replace(RECORD, summary=summary))).text
    assert "It cost 956.39 USDT: doing nothing would have kept more." in text
    assert "956.39 USDT less than doing nothing" in text


def test_story_of_a_short_tells_of_the_rise_and_of_buying_back() -> None:
    """What is adverse depends on the side held: a short is hurt by a rise."""
    series = AccountSeries(
        ts=[1, 2, 3], equity=[1, 1, 1], distance=[None] * 3, margin_ratio=[None] * 3,
        marks={BTC: [100.0, 90.0, 130.0]}, quantities={BTC: [-1.0, -1.0, 0.0]},
    )
    assert moves_of(series) == [Move(BTC, pytest.approx(0.3))]
    summary = sample_summary()
    for parent in summary["parents"]:
        parent["side"] = "buy"
    (story,) = stories(summary)
    assert headline(story, moves_of(series)).startswith("BTC rose 30 %.")
    assert "bought back 1.5 BTC and 12.6 ETH" in headline(story, [])


def test_story_of_cost_weighs_orders_by_their_value() -> None:
    """100 bps on 1,000 and 10 bps on 9,000 are 19 bps together: hand arithmetic."""
    summary = sample_summary()
    first, second, _ = summary["parents"]
    first |= {"filled": "1", "arrival_price": "1000", "shortfall_bps": 100}
    second |= {"filled": "3", "arrival_price": "3000", "shortfall_bps": 10}
    summary["parents"] = [first, second]
    (story,) = stories(summary)
    assert story.cost_bps == pytest.approx(19)
    assert story.cost_quote == pytest.approx(19)


def test_story_counts_only_the_time_with_orders_at_work() -> None:
    """Two orders hours apart, one of them beside another, took their own minutes, not the hours between."""
    (story,) = stories(sample_summary())
    assert story.selling_ns == (32 + 6) * 20 * 1_000_000_000


# On a terminal ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 120])
def test_text_fits_its_terminal_and_shows_the_three_outcomes(width: int) -> None:
    """At 80 and at 120 columns no line is longer, and Penstock stands beside the two alternatives."""
    text = plain(sample_summary(), width, {"main": sample_series()})
    assert max(len(line) for line in text.splitlines()) <= width
    assert text.startswith("BTC fell 53 % and ETH 57 %.")
    rows = {line[:12].strip(): line.split() for line in text.splitlines()}
    assert rows["Penstock"][1:] == ["493.61", "USDT", "34", "%", "no", "68", "bps"]
    assert rows["Do nothing"][2:] == ["0.00", "USDT", "0", "%", "yes,", "10:59", "-"]
    assert rows["Sell at once"][3:] == ["1,094", "USDT", "75", "%", "-", "121", "bps"]
    assert "above 0 was paid, below 0 gained" in text
    assert "margin_emergency" in text and "sell twap" in text and "RATE_EXCEEDED 2" in text


def test_text_where_figures_are_missing_reads_not_available() -> None:
    """The terminal summary of an all-null run shows n/a and no Python."""
    text = plain(nulled(sample_summary()))
    assert NOT_SHOWN.findall(text) == [] and "n/a" in text


def test_text_without_a_terminal_has_no_escape_codes() -> None:
    """Piped into a file, the summary is plain text; markup in names stays literal."""
    summary = sample_summary()
    summary["fires"][0]["rule"] = "[red]\x1b[31mguard"
    text = plain(summary)
    assert "\x1b" not in text and "[red]" in text


def test_text_of_a_long_run_lists_the_first_and_counts_the_rest() -> None:
    """Forty fires do not scroll the outcome away."""
    summary = sample_summary()
    summary["fires"] = summary["fires"] * 20
    assert "and 48 more, in the report" in plain(summary)
    assert "more, in the report" not in plain(summary | {"fires": summary["fires"][:12]})
