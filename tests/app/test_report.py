"""The report of a run: its first screen, its charts, its panels and tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.app.record import AccountSeries, RunRecord, StopPath
from bot.app.report.html import render
from bot.app.report.sentences import headline
from bot.app.report.story import is_of_account, moves_of, stories
from tests.app.report_page import PAGE, RECORD, Reader, plain
from tests.app.sample_record import (
    BTC,
    EMERGENCY,
    ETH,
    GUARD,
    LIQUIDATED,
    NS,
    iso,
    ns,
    quiet_record,
    sample_paths,
    sample_series,
    sample_summary,
)

MS = 1_000_000

# Words ----------------------------------------------------------------------------------------------------


def test_terminal_tells_a_crash_in_one_breath() -> None:
    """The headline says what happened, what doing nothing meant, what was done, and the plainest alternative."""
    (story,) = stories(sample_summary())
    assert headline(story, moves_of(sample_series())) == (
        "BTC fell by up to 53 % and ETH 57 %. Left alone, the account would have been liquidated at 10:59. "
        "Penstock sold 1.5 BTC and 12.6 ETH in 13 min and kept 34 % of its equity; "
        "selling as much at the first fire would have kept 75 %."
    )


def test_page_of_a_crash_begins_with_the_verdict_and_three_sentences() -> None:
    """The first screen: the one thing to remember, what happened, what was done at what cost, what it came to."""
    text = Reader(PAGE).text
    for expected in (
        "493.61 USDT saved from a liquidation at 10:59. What happened BTC fell by up to 53 % and ETH 57 %. "
        "Left alone, the account would have been liquidated at 10:59 and ended with 0.00 USDT. What Penstock did",
        "margin_guard fired at 10:26 with 7.75 % left to liquidation, margin_emergency fired at 19:07 and "
        "stop_loss fired at 19:08. Penstock sold 1.5 BTC and 12.6 ETH in 13 min, in 31 orders. That cost",
        "It ended with 493.61 USDT, 34 % of what it began with: 493.61 USDT more than doing nothing, and "
        "600.59 USDT less than by selling as much at once at the first fire.",
    ):
        assert expected in text


def test_page_shows_tiles_tables_and_reasons() -> None:
    """Every figure a trader asks for first is on the page, with rules' reasons and refusals' meanings."""
    text = Reader(PAGE).text
    for expected in (
        "Nearest to liquidation 3.12 %", "Sell at once 75 %", "Do nothing 0 % 0.00 USDT; liquidated 10:59:40",
        "account.liquidation_distance 7.75 % < clamp(6 * account.sigma(15m) 1.34 %, 5 %, 8 %) = 8 %",
        "margin_emergency fired", "goal met", "superseded", "RATE_EXCEEDED 2 more orders in the last second",
        "The market is generated (seed 7)", "Fills come from a model", "31 of 31 fills are modelled",
        "BTC/USDT:USDT 2 6,400.00 6,400.00 6,100.00 never 0 n/a",
        "06:03:20 feed stale 3, the last at 06:30:00 BTC/USDT:USDT: no price for 5 s",
    ):
        assert expected in text


def test_page_draws_every_chart_with_fires_fills_and_the_stop() -> None:
    """Equity, prices of both markets, distance, margin ratio and position are drawn, and a panel for each order."""
    charts = Reader(PAGE).charts
    assert list(charts)[:6] == [
        "Equity against doing nothing", f"{BTC}: price", f"{ETH}: price", "Distance to liquidation", "Margin ratio",
        "Position",
    ]
    names = {title: [line["name"] for line in figure["data"]] for title, figure in charts.items()}
    assert names[f"{BTC}: price"] == [
        "Mark price", "Resting stop", "Sell fills", "margin_guard fired", "margin_emergency fired", "stop_loss fired",
    ]
    assert names["Distance to liquidation"][:3] == [
        "Distance", "margin_guard fires below", "margin_emergency fires below",
    ]
    assert names["Equity against doing nothing"] == ["Do nothing", "Sell at once", "Penstock"]
    assert names["Position"] == [BTC, ETH]
    fills = charts[f"{BTC}: price"]["data"][2]
    assert len(fills["x"]) == 17                          # 14 children of the guard and 3 of the emergency


def test_page_shades_the_time_in_which_orders_were_at_work() -> None:
    """Two parents side by side are one span, the third is another; a market's own chart has its own orders."""
    charts = Reader(PAGE).charts
    spans = {
        title: [(shape["x0"], shape["x1"]) for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
        for title, figure in charts.items()
    }
    last = (ns(EMERGENCY) // MS, ns(EMERGENCY + 6) // MS)
    assert spans["Equity against doing nothing"] == [(ns(GUARD) // MS, ns(832) // MS), last]
    assert spans[f"{BTC}: price"] == [(ns(GUARD) // MS, ns(830) // MS), last]
    assert spans[f"{ETH}: price"] == [(ns(GUARD) // MS, ns(832) // MS)]


def test_page_draws_each_order_against_what_was_due_on_its_own_span_of_time() -> None:
    """Filled begins at nothing and ends where the fills ended; the panel follows no other chart's zoom."""
    panels = {title: figure for title, figure in Reader(PAGE).charts.items() if figure.get("is_own")}
    assert len(panels) == 3
    first = panels["sell 1.35001 BTC/USDT, twap for margin_guard"]       # what was filled, not the 1.41 wanted
    due, filled = first["data"]
    assert (due["name"], filled["name"]) == ("Due", "Filled")
    assert (due["y"], filled["y"][0]) == ([0.0, 1.41], 0.0)
    assert filled["y"][-1] == filled["y"][-2] == pytest.approx(1.35, abs=2e-5)
    assert filled["x"][-1] == ns(830) // MS
    assert "goal met" in Reader(PAGE).text


def test_page_splits_the_cost_of_selling_by_where_it_came_from() -> None:
    """Three orders of 1 - 5 + 4 + 10 + 2: the sums stand beside bars that need no script."""
    text = Reader(PAGE).text
    assert "Delay , from the decision to the first price the order saw +3.00 USDT" in text
    assert "Market , it moved while the orders were at work -15.00 USDT" in text
    assert "Fees , paid to the venue +6.00 USDT In all +36.00 USDT" in text
    assert "10:26:40 sell BTC/USDT +1.00 -5.00 +4.00 +10.00 +2.00 +12.00" in text
    bars = [attributes["style"] for tag, attributes in Reader(PAGE).tags if tag == "i" and "style" in attributes]
    assert "left:25.0%;width:25.0%" in bars and "left:50.0%;width:50.0%" in bars


def test_page_tells_what_an_order_let_go_of_between_its_opening_and_its_end() -> None:
    """A step of the ladder stands among the decisions, at its time and with its reason."""
    paths = sample_paths()
    relaxed = replace(paths["p7a00sn000001"], steps=[(ns(805), "collar: an order did not fill")])
    text = Reader(render(replace(RECORD, parent_paths=paths | {"p7a00sn000001": relaxed}))).text
    assert f"10:28:20 order relaxed {BTC} collar: an order did not fill" in text


def test_page_says_of_how_many_orders_the_cost_is_not_known() -> None:
    """After a restart the sources of some fills are lost; the page counts them and does not guess."""
    paths = sample_paths()
    lost = replace(paths["p7a01sn000002"], costs=None)
    text = Reader(render(replace(RECORD, parent_paths=paths | {"p7a01sn000002": lost}))).text
    assert "Of 2 of 3 orders: of the others it is not known" in text
    assert "What selling cost" not in Reader(render(replace(RECORD, parent_paths={}))).text


def test_page_of_an_account_that_its_stop_saved_says_so() -> None:
    """No rule fired and no parent was opened; the venue's own order did it, and the story is that."""
    stop = StopPath("main", BTC, [(ns(1), 6_400.0), (ns(9), None)], 1, [ns(9)], 1.5, 6_380.0)
    summary = quiet_record().summary
    summary["accounts"]["main"]["equity_end"] = "900"
    summary["baselines"]["main"]["do_nothing"] = sample_summary()["baselines"]["main"]["do_nothing"]
    text = Reader(render(replace(quiet_record(), summary=summary, stops=[stop]))).text
    assert "900.00 USDT saved from a liquidation at 10:59." in text
    assert "No rule fired. The stop resting at the venue closed 1.5 BTC at 6,380.00." in text
    assert f"stop set off {BTC} the mark passed it; 1.5 closed at 6,380.00" in text
    assert "The stop resting at the venue closed 1.5 BTC" in " ".join(plain(summary, stops=[stop]).split())


def test_page_draws_a_fire_on_the_line_where_it_fired() -> None:
    """A diamond stands on the price at its moment, between two samples if need be."""
    series = AccountSeries(
        ts=[ns(0), ns(2)], equity=[1.0, 1.0], distance=[0.2, 0.2], margin_ratio=[0.1, 0.1],
        marks={BTC: [100.0, 200.0]}, quantities={BTC: [1.0, 1.0]},
    )
    fire = {"ts": iso(1), "rule": "guard", "scope": "main", "why": "", "readings": None, "goal": None}
    summary = quiet_record().summary | {"fires": [fire]}
    page = render(replace(quiet_record(), summary=summary, series={"main": series}))
    diamonds = Reader(page).charts[f"{BTC}: price"]["data"][-1]
    assert (diamonds["x"], diamonds["y"]) == ([ns(1) // 1_000_000], [150.0])


def test_page_draws_a_fire_at_the_distance_that_the_rule_read() -> None:
    """In a crash the samples around a fire are far from what the rule saw; its own reading is drawn."""
    diamonds = Reader(PAGE).charts["Distance to liquidation"]["data"]
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
    assert "Nothing fired. What happened" in text
    assert "No rule fired, and nothing was traded." in text
    assert "the same as doing nothing" in text
    assert "No alarm was raised." in text
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
    assert "Account main2 It ended" not in text and "Account main2 Nothing fired." in text


@pytest.mark.parametrize(
    ("scope", "account", "expected"),
    [("main", "main", True), ("main BTC/USDT:USDT", "main", True), ("main2", "main", False), (None, "main", False),
     ("main-2 BTC/USDT:USDT", "main", False), ("main_b", "main", False)],
)
def test_scope_belongs_to_the_account_it_begins_with(scope: object, account: str, expected: bool) -> None:
    """An account's name that begins like another one's does not take its fires."""
    assert is_of_account(scope, account) is expected
