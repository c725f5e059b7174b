"""The report: what it says, that it says it safely, and that it opens without a network."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from bot.app.record import AccountSeries, RunRecord, from_json, to_json
from bot.app.report.html import render
from bot.app.report.story import Move, Verdict, headline, is_of_account, moves_of, stories
from bot.domain.errors import ContractError, JournalError
from tests.app.report_page import (
    NOT_SHOWN,
    PAGE,
    PLOTLY,
    RECORD,
    Reader,
    nulled,
    plain,
)
from tests.app.sample_record import (
    BTC,
    ETH,
    GUARD,
    LIQUIDATED,
    NS,
    iso,
    ns,
    quiet_record,
    sample_series,
    sample_summary,
)

# Words ----------------------------------------------------------------------------------------------------


def test_page_of_a_crash_tells_it_in_one_sentence() -> None:
    """The headline says what happened, what doing nothing meant, what was done, and the plainest alternative."""
    assert (
        "BTC fell 53 % and ETH 57 %. Doing nothing was liquidated at 10:59. "
        "Penstock sold 1.5 BTC and 12.6 ETH in 13 min of selling, kept 34 % of its equity. "
        "Selling as much at the first fire would have kept 75 %." in Reader(PAGE).text
    )


def test_page_shows_tiles_tables_and_reasons() -> None:
    """Every figure a trader asks for first is on the page, with rules' reasons and refusals' meanings."""
    text = Reader(PAGE).text
    for expected in (
        "Lowest distance 3.12 %", "Sell at once 75 %", "Do nothing 0 % 0.00 USDT; liquidated 10:59:40",
        "account.liquidation_distance 7.75 % < clamp(6 * account.sigma(15m) 1.34 %, 5 %, 8 %) = 8 %",
        "margin_emergency fired", "goal met", "superseded", "RATE_EXCEEDED 2 more orders in the last second",
        "The market is generated (seed 7)", "Fills come from a model", "31 of 31 fills are modelled",
    ):
        assert expected in text


def test_page_draws_every_chart_with_fires_and_fills() -> None:
    """Prices of both markets, distance, equity and position are drawn, with diamonds and triangles."""
    figures = Reader(PAGE).figures
    names = [[line["name"] for line in figure["data"]] for figure in figures]
    assert names[0] == ["Mark price", "Sell fills", "margin_guard fired", "margin_emergency fired", "stop_loss fired"]
    assert names[2][:3] == ["Distance", "margin_guard fires below", "margin_emergency fires below"]
    assert names[3] == ["Do nothing", "Sell at once", "Penstock"]
    assert names[4] == [BTC, ETH]
    assert len(figures[0]["data"][1]["x"]) == 17          # 14 children of the guard and 3 of the emergency


def test_page_draws_a_fire_on_the_line_where_it_fired() -> None:
    """A diamond stands on the price at its moment, between two samples if need be."""
    series = AccountSeries(
        ts=[ns(0), ns(2)], equity=[1.0, 1.0], distance=[0.2, 0.2], margin_ratio=[0.1, 0.1],
        marks={BTC: [100.0, 200.0]}, quantities={BTC: [1.0, 1.0]},
    )
    fire = {"ts": iso(1), "rule": "guard", "scope": "main", "why": "", "readings": None, "goal": None}
    summary = quiet_record().summary | {"fires": [fire]}
    page = render(replace(quiet_record(), summary=summary, series={"main": series}))
    diamonds = Reader(page).figures[0]["data"][-1]
    assert (diamonds["x"], diamonds["y"]) == ([ns(1) // 1_000_000], [150.0])


def test_page_draws_a_fire_at_the_distance_that_the_rule_read() -> None:
    """In a crash the samples around a fire are far from what the rule saw; its own reading is drawn."""
    diamonds = Reader(PAGE).figures[2]["data"]
    assert {line["name"]: line["y"] for line in diamonds}["margin_emergency fired"] == [pytest.approx(3.12)]


def test_page_of_a_long_run_offers_a_closer_look_at_what_happened() -> None:
    """Ten minutes of action in 16 hours can be zoomed to; where the action is most of the run, or none, nothing is
    offered."""
    summary = sample_summary()
    summary |= {"fires": summary["fires"][:1], "parents": summary["parents"][:2]}
    tags = Reader(render(replace(RECORD, summary=summary))).tags
    closer = [attributes for tag, attributes in tags if tag == "button" and "data-start" in attributes]
    # from the fire at 800 to the liquidation of doing nothing at 900, 100 points of 20 s: a quarter is below 15 minutes
    assert closer[0]["data-start"] == str((ns(GUARD) - 15 * 60 * NS) // 1_000_000)
    assert closer[0]["data-end"] == str((ns(LIQUIDATED + 1) + 15 * 60 * NS) // 1_000_000)
    for record in (RECORD, quiet_record()):
        assert not [tag for tag, _ in Reader(render(record)).tags if tag == "button"]


def test_page_of_a_quiet_run_says_that_nothing_fired() -> None:
    """A run without fires is no failure: it says so, and shows no empty table."""
    text = Reader(render(quiet_record())).text
    assert "Nothing fired; the account kept 100 % of its equity." in text
    assert "Doing nothing kept" not in text
    assert "No parent order was opened." in text
    assert "The gate refused nothing." in text


def test_page_of_a_run_without_samples_still_opens() -> None:
    """A tape that ended before the first sample gives a page without charts."""
    empty = AccountSeries(ts=[], equity=[], distance=[], margin_ratio=[], marks={}, quantities={})
    reader = Reader(render(replace(quiet_record(), series={"main": empty})))
    assert reader.figures == []
    assert Reader(render(replace(quiet_record(), series={}))).figures == []


def test_page_of_a_run_without_accounts_says_so() -> None:
    """Even a summary with no account at all is a page."""
    page = render(RunRecord(title="Empty", summary={}, series={}))
    assert "The run has no account." in Reader(page).text


def test_page_of_two_accounts_keeps_their_orders_apart() -> None:
    """Each account has its own sentence, made of its own parents and fires only."""
    summary = sample_summary()
    summary["accounts"]["main2"] = dict(summary["accounts"]["main"])
    summary["baselines"]["main2"] = {"do_nothing": {"equity_end": "100", "liquidations": []}, "sell_at_once": None}
    first, second = stories(summary)
    assert len(first.fires) == 3 and len(first.parents) == 3
    assert second.fires == [] and second.parents == []
    text = Reader(render(replace(RECORD, summary=summary, series={"main": sample_series()}))).text
    assert "Account main2 Nothing fired" in text


@pytest.mark.parametrize(
    ("scope", "account", "expected"),
    [("main", "main", True), ("main BTC/USDT:USDT", "main", True), ("main2", "main", False), (None, "main", False),
     ("main-2 BTC/USDT:USDT", "main", False), ("main_b", "main", False)],
)
def test_scope_belongs_to_the_account_it_begins_with(scope: object, account: str, expected: bool) -> None:
    """An account's name that begins like another one's does not take its fires."""
    assert is_of_account(scope, account) is expected


# The story ------------------------------------------------------------------------------------------------


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
    assert headline(story, []).startswith("Doing nothing kept 100 % of its equity. Penstock sold")
    assert "less than doing nothing" in Reader(render(replace(RECORD, summary=summary))).text


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


# Safety ---------------------------------------------------------------------------------------------------


def test_page_escapes_what_venues_and_files_say() -> None:
    """A rule or a symbol that looks like markup is shown as text, in tables, charts and legends."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    summary = sample_summary()
    series = sample_series()
    for row in [*summary["parents"], *summary["fills"]]:
        row["symbol"] = row["symbol"].replace(BTC, evil)
    for fire in summary["fires"]:
        fire |= {"rule": evil, "why": evil, "scope": f"main {evil}"}
    summary["rules"] = {evil: {"fires": 1}}
    summary["denials"] = {evil: 1}
    summary["tape"]["modelled"] = [evil]
    marks = {evil: series.marks[BTC]}
    held = {evil: series.quantities[BTC]}
    record = replace(
        RECORD, title=evil, summary=summary, story_facts=[evil],
        series={"main": replace(series, marks=marks, quantities=held, thresholds={evil: series.distance})},
    )
    reader = Reader(render(record))
    assert sum(tag == "script" for tag, _ in reader.tags) == 3
    assert not [tag for tag, _ in reader.tags if tag == "img"]
    assert not [key for _, attributes in reader.tags for key in attributes if key.startswith("on")]
    drawn = [(line["name"], line.get("text")) for figure in reader.figures for line in figure["data"]]
    assert "<script" not in json.dumps(drawn) and "<img" not in json.dumps(drawn)


def test_page_fills_no_slot_from_what_was_filled_in() -> None:
    """A title that looks like a slot of the template stays a title."""
    assert "{{plotly}}" in Reader(render(replace(quiet_record(), title="{{plotly}}"))).text


def test_page_names_no_resource_of_the_network() -> None:
    """Nothing is loaded: no element refers anywhere, and the browser is told to forbid it."""
    reader = Reader(PAGE)
    assert not [attributes for _, attributes in reader.tags if {"src", "href", "srcset", "action"} & set(attributes)]
    policy = next(
        attributes["content"] for tag, attributes in reader.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None and policy.startswith("default-src 'none'") and "http" not in policy
    assert PLOTLY.startswith("/**\n* plotly.js")
    ours = PAGE.replace(PLOTLY, "")
    assert not re.search(r"https?://|@import|url\(", ours)


def test_page_stays_below_eight_megabytes_however_long_the_run() -> None:
    """A year of minutes is thinned to what can be seen."""
    count = 60_000
    line = [float(place % 977) for place in range(count)]
    long = AccountSeries(
        ts=[ns(0) + place * 60_000_000_000 for place in range(count)], equity=line, distance=[0.1] * count,
        margin_ratio=[0.05] * count, marks={BTC: line}, quantities={BTC: [1.0] * count},
    )
    page = render(replace(quiet_record(), series={"main": long}))
    assert len(page.encode()) < 8_000_000
    assert all(len(line["x"]) <= 1500 for figure in Reader(page).figures for line in figure["data"])


def test_page_of_one_record_is_the_same_to_the_byte() -> None:
    """Two runs that differ in speed only have one report."""
    summary = sample_summary()
    summary["timing"] = {"wall_seconds": 99.0, "events_per_second": 1}
    assert render(replace(RECORD, summary=summary)) == PAGE


# What is missing ------------------------------------------------------------------------------------------


def test_page_shows_missing_figures_as_not_available() -> None:
    """With every figure null the page still reads, and nobody meets None or nan."""
    reader = Reader(render(replace(RECORD, summary=nulled(sample_summary()))))
    assert NOT_SHOWN.findall(reader.text) == []
    assert "n/a" in reader.text


def test_page_shows_figures_that_are_no_numbers_as_not_available() -> None:
    """Infinite, not-a-number and broken series are gaps in a chart, not a broken page."""
    bad = [float("nan"), float("inf"), None, 3.0]
    series = AccountSeries(
        ts=[ns(place) for place in range(4)], equity=bad, distance=bad, margin_ratio=bad, marks={BTC: bad},
        quantities={BTC: bad}, thresholds={"guard": bad},
    )
    reader = Reader(render(replace(quiet_record(), series={"main": series})))
    assert reader.figures[0]["data"][0]["y"] == [None, None, None, 3.0]
    assert NOT_SHOWN.findall(reader.text) == []


def test_page_gives_the_reason_of_a_ratio_that_is_null() -> None:
    """An infinite ratio is null in the summary, and its reason stands beside it on the page."""
    summary = sample_summary()
    summary["accounts"]["main"] |= {"margin_ratio_max": None, "why": {"margin_ratio_max": "infinite: equity was gone"}}
    assert "n/a (infinite: equity was gone)" in Reader(render(replace(RECORD, summary=summary))).text


def test_report_of_a_short_run_says_why_it_has_no_sharpe() -> None:
    """A reader is not left to guess whether n/a is a mistake of ours."""
    summary = sample_summary()
    summary["accounts"]["main"] |= {"sharpe": 1.234, "why": {"sortino": "no hour lost"}}
    text = Reader(render(replace(RECORD, summary=summary))).text
    assert "n/a (no hour lost)" in text
    assert "1.23" in text


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


# The record -----------------------------------------------------------------------------------------------


def test_record_stored_and_read_again_gives_the_same_page() -> None:
    """The report made from the journal is the report made after the run, to the byte."""
    assert render(from_json(to_json(RECORD))) == PAGE


def test_record_with_infinite_figures_comes_back_without_them() -> None:
    """JSON has no infinity: such a figure is stored as not available."""
    series = AccountSeries([1], [float("nan")], [float("inf")], [None], {BTC: [1.0]}, {BTC: [2.0]})
    back = from_json(to_json(RunRecord("t", {}, {"main": series}))).series["main"]
    assert (back.equity, back.distance) == ([None], [None])


@pytest.mark.parametrize("stored", [b"", b"{", b"[]", b'{"title": 1}', b"\xff\xfe"])
def test_record_that_is_none_is_a_journal_error(stored: bytes) -> None:
    """Broken storage is the journal's fault, not a crash of ours."""
    with pytest.raises(JournalError, match="replay the run"):
        from_json(stored)


def test_record_whose_lists_differ_in_length_is_refused() -> None:
    """A series with a missing point would shift every later one; it is refused when made, also from storage."""
    with pytest.raises(ContractError, match=r"marks\[BTC/USDT:USDT\]: must be as long as its times \(2\), was 1"):
        AccountSeries([1, 2], [1, 2], [1, 2], [1, 2], {BTC: [1.0]}, {})
    stored = to_json(RECORD).replace(b'"equity":[', b'"equity":[1.0,', 1)
    with pytest.raises(JournalError, match="series equity"):
        from_json(stored)
