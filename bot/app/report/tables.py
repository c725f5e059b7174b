"""Tables of the page: every cell is plain text until it is escaped, in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from bot.app.record import AlarmCount, ParentPath, StopPath
from bot.app.report.story import AccountStory, Row, currency_of_rule
from bot.app.wording import (
    NA,
    amount,
    bps,
    cash,
    clock,
    count,
    currency_of,
    distance_words,
    duration,
    moment,
    percent,
    price,
    quantity,
    ratio,
    signed_cash,
    spoken,
)
from bot.domain.denials import DenialCode

ROWS_MAX = 300                       # what a person scrolls through; the journal has all


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to be drawn. ``words`` names the columns that hold text: they align left and may wrap."""

    heading: str
    columns: Sequence[str]
    words: frozenset[str]
    rows: list[Sequence[str]]
    empty: str                       # the sentence when there are no rows


def parents_table(story: AccountStory, pattern: str) -> Table:
    """Return every parent order: what it was to do, what it did, at what cost, why it ended."""
    return Table(
        "Parent orders",
        ("Started", "Market", "Order", "Filled", "Of", "Average", "Arrival", "Shortfall", "Fees", "Children",
         "Took", "Ended"),
        frozenset({"Started", "Market", "Order", "Ended"}),
        [
            (
                clock(row.get("started"), pattern=pattern), spoken(row.get("symbol")),
                f"{spoken(row.get('side'))} {spoken(row.get('algo'))}",
                quantity(row.get("filled")), quantity(row.get("quantity")), price(row.get("average_price")),
                price(row.get("arrival_price")), bps(row.get("shortfall_bps")),
                amount(row.get("fees"), story.currency),
                count(row.get("children")), _span(row), _reason(row.get("end_reason")),
            )
            for row in story.parents
        ],
        "No parent order was opened.",
    )


def decisions_table(
    story: AccountStory, paths: Mapping[str, ParentPath], stops: Sequence[StopPath], pattern: str
) -> Table:
    """Return the run in order of time: what fired and why, what was opened, what it let go of, how it ended."""
    events: list[tuple[int, int, Sequence[str]]] = []
    for fire in story.fires:
        goal = "" if fire.get("goal") is None else f"; goal: {spoken(fire.get('goal'))}"
        events.append(_event(fire.get("ts"), 0, pattern, (
            f"{spoken(fire.get('rule'))} fired", spoken(fire.get("scope")), f"{spoken(fire.get('why'))}{goal}",
        )))
    for row in story.parents:
        what = f"{spoken(row.get('side'))} {quantity(row.get('quantity'))}, {spoken(row.get('algo'))}"
        rules = spoken(row.get("rules")) if row.get("rules") else NA
        events.append(_event(row.get("started"), 1, pattern, (
            "order opened", spoken(row.get("symbol")), f"{what}; for {rules}",
        )))
        path = paths.get(str(row.get("id")))
        events += [
            _event(at, 2, pattern, ("order relaxed", spoken(row.get("symbol")), spoken(text)))
            for at, text in (() if path is None else path.steps)
        ]
        events.append(_event(row.get("ended"), 3, pattern, (
            "order ended", spoken(row.get("symbol")),
            f"{_reason(row.get('end_reason'))}; filled {quantity(row.get('filled'))} "
            f"at {price(row.get('average_price'))}, shortfall {bps(row.get('shortfall_bps'))}",
        )))
    for stop in stops:
        what = f"the mark passed it; {quantity(stop.filled)} closed at {price(stop.average)} by stops of this position"
        events += [_event(at, 4, pattern, ("stop set off", spoken(stop.symbol), what)) for at in stop.triggered]
    for row in story.liquidations:
        events.append(_event(row.get("ts"), 5, pattern, ("LIQUIDATED by the venue", *_liquidation(row))))
    events.sort(key=lambda event: event[:2])
    return Table(
        "Decisions", ("Time", "What", "Where", "Why"), frozenset({"Time", "What", "Where", "Why"}),
        [cells for _, _, cells in events], "Nothing fired, so nothing was decided.",
    )


def liquidations_table(story: AccountStory, pattern: str) -> Table:
    """Return what the venue would have done to the account without us."""
    return Table(
        "Liquidations had we done nothing", ("Time", "Market", "Stage"), frozenset({"Time", "Market", "Stage"}),
        [(clock(row.get("ts"), pattern=pattern), *_liquidation(row)) for row in story.do_nothing.liquidations],
        "Doing nothing would not have been liquidated.",
    )


def account_table(story: AccountStory) -> Table:
    """Return all figures of the account."""
    figures, money = story.figures, story.currency
    return Table(
        "Account figures", ("Figure", "Value"), frozenset({"Figure"}),
        [
            ("Equity at the start", cash(story.equity_start, money)),
            ("Equity at the end", cash(story.equity_end, money)),
            ("Lowest equity", cash(figures.get("equity_min"), money)),
            ("Kept of the equity at the first fire", _with_reason(figures, "recovery_rate")),
            ("Lowest distance to liquidation", _with_reason(figures, "liquidation_distance_min", distance_words)),
            ("Highest margin ratio (100 % is liquidation)", _with_reason(figures, "margin_ratio_max")),
            ("Deepest drawdown", percent(figures.get("max_drawdown"))),
            ("Realised profit and loss", signed_cash(figures.get("realised_pnl"), money)),
            ("Unrealised profit and loss", signed_cash(figures.get("unrealised_pnl"), money)),
            ("Fees paid", cash(figures.get("fees"), money)),
            ("Funding", signed_cash(figures.get("funding"), money)),
            ("Sharpe", _with_reason(figures, "sharpe", ratio)),
            ("Sortino", _with_reason(figures, "sortino", ratio)),
            ("Calmar", _with_reason(figures, "calmar", ratio)),
        ],
        "",
    )


def rules_table(summary: Row, told: Sequence[AccountStory]) -> Table:
    """Return what each rule did and was worth against doing nothing, in the currency of its accounts."""
    rules = summary.get("rules") or {}
    return Table(
        "Rules", ("Rule", "Fires", "False fires", "Saved", "Cost"), frozenset({"Rule"}),
        [
            (spoken(name), count(row.get("fires")), count(row.get("false_fires")),
             cash(row.get("saved"), currency), cash(row.get("cost"), currency))
            for name, row, currency in ((name, row or {}, currency_of_rule(name, told)) for name, row in rules.items())
        ],
        "No rule was armed.",
    )


def stops_table(stops: Sequence[StopPath], pattern: str) -> Table:
    """Return the stops that rested at the venue, one row for each position."""
    return Table(
        "Stops resting at the venue",
        ("Position", "Placed", "First at", "Highest", "Lowest", "Set off", "Sold", "Average"),
        frozenset({"Position", "Set off"}),
        [
            (
                spoken(stop.symbol), count(stop.placed), price(levels[0] if levels else None),
                price(max(levels, default=None)), price(min(levels, default=None)),
                clock(stop.triggered[0], pattern=pattern) if stop.triggered else "never", quantity(stop.filled),
                price(stop.average),
            )
            for stop in stops
            for levels in [[level for _, level in stop.levels if level is not None]]
        ],
        "No stop rested at the venue.",
    )


def alarms_table(alarms: Sequence[AlarmCount], pattern: str) -> Table:
    """Return what a person was told of, one row for each kind."""
    return Table(
        "Alarms", ("First", "What", "Times", "The first one said"),
        frozenset({"First", "What", "Times", "The first one said"}),
        [
            (clock(alarm.first, pattern=pattern), _reason(alarm.code), _times(alarm, pattern), spoken(alarm.detail))
            for alarm in alarms
        ],
        "No alarm was raised.",
    )


def _times(alarm: AlarmCount, pattern: str) -> str:
    return "once" if alarm.times == 1 else f"{alarm.times:,}, the last at {clock(alarm.last, pattern=pattern)}"


def denials_table(summary: Row) -> Table:
    """Return what the gate refused, with the meaning of each code."""
    return Table(
        "Orders the gate refused", ("Code", "Times", "Meaning"), frozenset({"Code", "Meaning"}),
        [
            (spoken(code), count(times), DenialCode[code].value if code in DenialCode.__members__ else NA)
            for code, times in (summary.get("denials") or {}).items()
        ],
        "The gate refused nothing.",
    )


def drawn(table: Table) -> str:
    """Return the table as HTML, its heading above; long ones end with what was left out."""
    heading = f"<h3>{escape(table.heading)}</h3>" if table.heading else ""
    if not table.rows:
        return f'{heading}<p class="quiet">{escape(table.empty)}</p>'
    head = "".join(f"<th{_class(table, name)}>{escape(name)}</th>" for name in table.columns)
    body = "".join(_row(table, row) for row in table.rows[:ROWS_MAX])
    left = len(table.rows) - ROWS_MAX
    kind = "pairs" if len(table.columns) == 2 else "log" if table.words.issuperset(table.columns) else "grid"
    more = f'<p class="quiet">{left:,} more rows are in the journal.</p>' if left > 0 else ""
    return (
        f'{heading}<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}"
    )


def _row(table: Table, cells: Iterable[str]) -> str:
    drawn_cells = (
        f'<td{_class(table, name)} data-column="{escape(name)}">{escape(cell)}</td>'
        for name, cell in zip(table.columns, cells, strict=True)
    )
    return f"<tr>{''.join(drawn_cells)}</tr>"


def _class(table: Table, column: str) -> str:
    return "" if column in table.words else ' class="figure"'


def _event(ts: object, order: int, pattern: str, cells: Sequence[str]) -> tuple[int, int, Sequence[str]]:
    """Return a row with what it is sorted by; one without a time comes last."""
    at = moment(ts)
    return (at if at is not None else 1 << 62, order, (clock(ts, pattern=pattern), *cells))


def _with_reason(figures: Row, key: str, words: Callable[[object], str] = percent) -> str:
    """Return a ratio; one that is null with the summary's reason for it."""
    reason = (figures.get("why") or {}).get(key)
    shown = words(figures.get(key))
    return shown if reason is None else f"{shown} ({spoken(reason)})"


def _liquidation(row: Row) -> tuple[str, str]:
    symbol = spoken(row.get("symbol"))
    worth, fee = (cash(row.get(key), currency_of(symbol)) for key in ("notional", "fee"))
    return symbol, f"{_reason(row.get('kind'))}, notional {worth}, fee {fee}"


def _reason(code: Any) -> str:
    return spoken(code).replace("_", " ")


def _span(row: Row) -> str:
    started, ended = moment(row.get("started")), moment(row.get("ended"))
    return duration(ended - started) if started is not None and ended is not None else NA
