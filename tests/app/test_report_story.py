"""What the report says of a run, better or worse, on the page and on a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.app.record import AccountSeries
from bot.app.report.html import render
from bot.app.report.sentences import clock_of, done_words, headline, saved_words, verdict_words
from bot.app.report.story import Move, Verdict, moves_of, stories
from bot.app.wording import percent
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
    (move,) = moves_of(series)
    assert move.symbol == BTC
    assert move.size == move.end == pytest.approx(0.3)
    summary = sample_summary()
    for parent in summary["parents"]:
        parent["side"] = "buy"
    (story,) = stories(summary)
    assert headline(story, moves_of(series)).startswith("BTC rose by up to 30 %.")
    assert "bought back 1.5 BTC and 12.6 ETH" in headline(story, [])


def moved(*marks: float, held: float) -> Move:
    """How one market is told whose marks were ``marks``, ``held`` being the position at the start."""
    series = AccountSeries(
        ts=list(range(len(marks))), equity=[1] * len(marks), distance=[None] * len(marks),
        margin_ratio=[None] * len(marks), marks={BTC: marks}, quantities={BTC: [held] * len(marks)},
    )
    (move,) = moves_of(series)
    return move


@pytest.mark.parametrize(
    ("marks", "held", "size"),
    [
        ((100, 90, 95), 1.0, -0.10),         # a long in a fall
        ((100, 99, 103), 1.0, -0.01),        # three times as far up: still the way that hurt
        ((100, 99, 104), 1.0, 0.04),         # further: the rise is what happened
        ((100, 104, 99), -1.0, 0.04),        # a short in a rise
        ((100, 102, 94), -1.0, 0.02),        # at three times
        ((100, 102, 93), -1.0, -0.07),       # beyond
        ((100, 105), 1.0, 0.05),             # never down at all: no fall of 0 %
        ((100, 93, 101), 0.0, -0.07),        # nothing held at the start, as in a book that is hedged later
        ((100, 99, 108), 0.0, 0.08),
        ((100,), 1.0, 0.0),                  # one point
    ],
)
def test_move_is_told_the_way_that_hurt_unless_the_other_is_the_news(
    marks: tuple[float, ...], held: float, size: float
) -> None:
    """What hurt what was held comes first; a dip of nothing in a rising market is not what happened."""
    move = moved(*marks, held=held)
    assert move.size == pytest.approx(size)
    assert move.end == pytest.approx(marks[-1] / marks[0] - 1)


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (Move(BTC, -0.51, -0.38), "BTC fell by up to 51 % and ended 38 % lower."),
        (Move(BTC, -0.07, 0.01), "BTC fell by up to 7.00 % and ended 1.00 % higher."),
        (Move(BTC, 0.08, 0.0), "BTC rose by up to 8.00 % and ended where it began."),
        (Move(BTC, -0.2, -0.2), "BTC fell by up to 20 %."),
    ],
)
def test_story_of_one_market_says_where_it_ended(move: Move, said: str) -> None:
    """The furthest point alone would be taken for the end."""
    (story,) = stories(sample_summary())
    assert headline(story, [move]).startswith(f"{said} Left alone")


def test_first_screen_says_which_deposit_would_have_done() -> None:
    """The cash that answers a margin fire stands in the sentences, at the first fire that has one, and once."""
    summary = sample_summary()
    (story,) = stories(summary)
    assert "would do" not in done_words(story)
    summary["fires"][0]["why"] += "; deposit 12,400 USDT, or sell 3.1 BTC for about 34 bps; account.x is infinite"
    summary["fires"][1]["why"] += "; deposit 1 USDT"
    (story,) = stories(summary)
    at = clock_of(summary["fires"][0]["ts"], story)
    said = f"At {at} either would do: deposit 12,400 USDT, or sell 3.1 BTC for about 34 bps. "
    assert said in done_words(story) and "deposit 1 USDT" not in done_words(story)
    summary["fires"][0]["why"] = "why"
    (story,) = stories(summary)
    assert "this would do: deposit 1 USDT." in done_words(story)


@pytest.mark.parametrize(("end", "is_gone"), [("0", True), ("-5", True), ("0.01", False), (None, False)])
def test_story_of_an_account_that_is_gone_is_no_draw(end: str | None, is_gone: bool) -> None:
    """A stop that sold through a gap left nothing: the same as doing nothing, and no comfort."""
    summary = sample_summary()
    summary["accounts"]["main"]["equity_end"] = end
    (story,) = stories(summary)
    assert story.is_gone is is_gone
    assert (verdict_words(story) == "Nothing is left of the account.") is is_gone
    assert (story.verdict is Verdict.BAD) is is_gone


def test_run_without_baselines_claims_nothing_of_doing_nothing() -> None:
    """A live run keeps no prices to let an account alone on: the page must not call that a draw."""
    summary = sample_summary()
    summary["baselines"]["main"] = {"do_nothing": None, "sell_at_once": None}
    (story,) = stories(summary)
    assert verdict_words(story) == f"{percent(story.kept)} of the account was kept."
    assert saved_words(story).endswith(" of what it began with. What doing nothing would have left is not known.")
    reader = Reader(render(replace(RECORD, summary=summary, baseline_series={})))
    assert "doing nothing would have ended" not in reader.text and "Equity against doing nothing" not in reader.text


def test_page_warns_of_the_ratios_of_a_short_run() -> None:
    """A Sharpe ratio of a day reads like one of a year to who does not know; without one there is nothing to say."""
    summary = sample_summary()
    summary["accounts"]["main"]["sharpe"] = None
    assert "brought to a year" not in Reader(render(replace(RECORD, summary=summary))).text
    summary["accounts"]["main"]["sharpe"] = -39.0
    assert "they say next to nothing" in Reader(render(replace(RECORD, summary=summary))).text
    summary["tape"] |= {"first_ts": "2020-01-01T00:00:00.000000Z", "last_ts": "2020-12-31T00:00:00.000000Z"}
    text = Reader(render(replace(RECORD, summary=summary))).text
    assert "This run has 365 d 0 h." in text and "next to nothing" not in text


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
    assert text.startswith("BTC fell by up to 53 % and ETH 57 %.")
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
