"""The tables as Markdown, and the page of the docs that holds them between markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill
from typing import Any

from bench.rescue.frontier import CURVE_LEVERAGE, frontier_table
from bench.rescue.rows import Passed, Row, groups, rows_of, rows_together
from bench.rescue.strategy import DEFAULT, DO_NOTHING, VENUE
from bot.domain.errors import InputError
from bot.domain.scale import NS_PER_SECOND

FRONTIER_SECTION = "frontier"
SECTIONS = ("verdict", "together", "tapes", FRONTIER_SECTION)
_FIRST = (DO_NOTHING, VENUE)
_HEAD = (
    "| strategy | leverage | entries | doomed | liquidated | lost of the doomed | equity kept | cost, bps "
    "| cost of equity | fired | false |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


def table(label: str, rows: Sequence[Row]) -> str:
    """Return rows as a table under a heading, by leverage."""
    lines = [
        f"| {row.strategy} | {row.leverage}x | {row.n} | {row.doomed} | {_percent(row.liquidated_share)} "
        f"| {_percent(row.lost_of_doomed)} | {_share(row.equity_kept)} | {_bps(row.cost_bps)} "
        f"| {_percent(row.cost_share)} | {row.fired} | {row.false_fires} |"
        for row in sorted(rows, key=lambda row: (row.leverage, row.strategy not in _FIRST, row.strategy))
    ]
    return "\n".join([f"### {label[0].upper()}{label[1:]}", "", _HEAD, *lines, ""])


def sections(passed: Sequence[Passed], body: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands between the page's markers, by their names."""
    together = [table(label, rows_together(label, some)) for label, some in groups(passed)]
    parts = {
        "verdict": _verdict(body),
        "together": "\n".join(together),
        "tapes": _tapes(passed),
        FRONTIER_SECTION: _frontier(passed),
    }
    said = _settings(passed, body)       # each part may be of another command, with other entries
    return {name: f"{said}\n\n{part}" for name, part in parts.items()}


def write_page(path: Path, parts: Mapping[str, str]) -> None:
    """Replace what stands between ``<!-- rescue:NAME -->`` and ``<!-- /rescue:NAME -->`` for every part.

    Raises InputError where the page has no such markers.
    """
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        opening, closing = f"<!-- rescue:{name} -->", f"<!-- /rescue:{name} -->"
        if opening not in text or closing not in text:
            raise InputError(f"{path}: has no place for {name}; add {opening} and {closing}")
        before, _, rest = text.partition(opening)
        _, _, after = rest.partition(closing)
        text = f"{before}{opening}\n\n{part.strip()}\n\n{closing}{after}"
    path.write_text(text, encoding="utf-8")


def _settings(passed: Sequence[Passed], body: Mapping[str, Any]) -> str:
    plan = body["plan"]
    outcomes = sum(len(each.outcomes) for each in passed)
    runs = sum(outcome.is_run for each in passed for outcome in each.outcomes)
    others = plan["others_every_minutes"]
    steps = f"every {plan['every_minutes']} minutes"
    if others != plan["every_minutes"] and not all(each.is_major for each in passed):
        steps += f" on BTC and ETH, every {others} on the others"
    return fill(
        f"{body['tapes']} tapes; an entry {steps}, each worth {plan['notional']:,} USDT and watched for "
        f"{plan['horizon_hours']} hours or to the tape's end. Of {outcomes:,} outcomes {runs:,} come from runs of "
        f"engine and venue; the other {outcomes - runs:,} were settled by arithmetic: no price came near anything.",
        width=120,
    )


def _verdict(body: Mapping[str, Any]) -> str:
    found = body["verdict"]
    lines = [
        "| up to 10x, the default | asked | found |",
        "|---|---|---|",
        f"| liquidated where doing nothing is, BTC and ETH | at most 1 % "
        f"| {_of(found['majors_liquidated'], found['majors_doomed'])} |",
        f"| the same over all coins | at most 5 % | {_of(found['all_liquidated'], found['all_doomed'])} |",
        f"| of these, lost: liquidated or left with nothing, BTC and ETH | "
        f"| {_of(found['majors_lost'], found['majors_doomed'])} |",
        f"| the same over all coins | | {_of(found['all_lost'], found['all_doomed'])} |",
        f"| entries that fired on calm days, BTC and ETH | none "
        f"| {_of(found['calm_majors_fired'], found['calm_majors_entries'])} |",
        f"| the same over all coins | none | {_of(found['calm_fired'], found['calm_entries'])} |",
        "",
    ]
    losses = body["losses"]
    if not losses:
        return "\n".join([*lines, "No account up to 10x was lost."])
    lines += [
        "Every bar that took an account of the default up to 10x, by the venue or by its stop in the gap:",
        "",
        "| tape | leverage | minute, UTC | accounts | by the venue | distance before it | what it went against them |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {loss['tape']} | {loss['leverage']}x "
        f"| {datetime.fromtimestamp(loss['minute_ns'] / NS_PER_SECOND, UTC):%Y-%m-%d %H:%M} | {loss['accounts']} "
        f"| {loss['liquidated']} | {_percent(loss['distance_before_min'])} to {_percent(loss['distance_before_max'])} "
        f"| {_percent(loss['bar_move'])} |"
        for loss in losses
    ]
    return "\n".join(lines)


def _tapes(passed: Sequence[Passed]) -> str:
    """Return what the default did on every tape."""
    rows = [row for row in rows_of(passed) if row.strategy == DEFAULT]
    head = (
        "| tape | leverage | entries | doomed | lost of them | equity kept | cost, bps | fired | false |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    lines = [
        f"| {row.tape} | {row.leverage}x | {row.n} | {row.doomed} | {_percent(row.lost_of_doomed)} "
        f"| {_share(row.equity_kept)} | {_bps(row.cost_bps)} | {row.fired} | {row.false_fires} |"
        for row in rows
    ]
    return "\n".join([head, *lines])


def _frontier(passed: Sequence[Passed]) -> str:
    wild = [each for each in passed if each.kind != "calm"]
    return (
        f"At {CURVE_LEVERAGE}x, over the crashes and squeezes among them; costs are shares of equity at entry.\n\n"
        + frontier_table(rows_together("", wild), CURVE_LEVERAGE)
    )


def _of(part: int, whole: int) -> str:
    return f"{_percent(part / whole)} ({part:,} of {whole:,})" if whole else "no such entry"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _bps(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
