"""That the page is safe to open, says n/a where a figure is missing, and comes back from the journal the same."""

from __future__ import annotations

import json
import re

import pytest

from bot.app.record import AccountSeries, AlarmCount, RunRecord, StopPath, from_json, to_json
from bot.app.report.html import render
from bot.domain.copying import replace
from bot.domain.errors import ContractError, JournalError
from tests.app.report_page import NOT_SHOWN, PAGE, PLOTLY, RECORD, Reader, nulled
from tests.app.sample_record import BTC, ns, quiet_record, sample_series, sample_summary

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
        series={"main": replace(
            series, marks=marks, quantities=held, thresholds={evil: series.distance},
            ratio_thresholds={evil: series.distance},
        )},
        stops=[StopPath("main", evil, [(ns(1), 6_400.0)], 1, [ns(2)], 1.0, 6_400.0)],
        alarms=[AlarmCount(evil, 1, ns(1), ns(1), evil)],
    )
    reader = Reader(render(record))
    assert reader.text.count("<script>alert(1)") > 20           # shown, as text
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
    assert reader.charts[f"{BTC}: price"]["data"][0]["y"] == [None, None, None, 3.0]
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
