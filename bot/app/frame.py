"""One frame of the live view: rows of text, as many whatever happens, so that nothing on the screen jumps.

The ladder shows where the account stands between liquidation (left end) and 30 % and more. Its scale is a
square root: the last few percent, where everything is decided, take half of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt

from rich.console import Group
from rich.text import Text

from bot.app.snapshot import AccountView, Decision, DecisionKind, Level, MarketView, ParentView, ProgressSnapshot
from bot.app.wording import (
    FAR_AWAY,
    NA,
    cash,
    change,
    clock,
    distance_words,
    percent,
    price,
    quantity,
    short_symbol,
    spoken,
)

DECISION_ROWS = 12                   # where the screen is high enough; 9 on one of 24 rows
PARENT_ROWS = 3
WIDTH_MIN, WIDTH_MAX = 40, 120       # narrower cannot be read, wider has nothing to add
ROOMY = 68                           # below it a year and what is left of the start give way to what is needed now
LADDER_END = 0.30                    # distance; beyond it nobody looks

_LABEL = 12                          # columns left of a ladder
_VALUE = 13                          # and right of it: "no position"
_TICKS = ((0.0, "0"), (0.01, "1"), (0.025, "2.5"), (0.05, "5"), (0.10, "10"), (0.20, "20"), (0.30, "30 %+"))
_TONES = {
    DecisionKind.FIRED: "yellow",
    DecisionKind.PARENT_OPENED: "cyan",
    DecisionKind.PARENT_RESIZED: "cyan",
    DecisionKind.PARENT_ENDED: "green",
    DecisionKind.LIQUIDATED: "bold red",
    DecisionKind.NOTE: "dim",
}


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What bars are drawn with."""

    full: str
    empty: str
    mark: str


LINES = Glyphs("\u2501", "\u2500", "\u2503")
ASCII = Glyphs("=", "-", "|")


def frame(snapshot: ProgressSnapshot, *, width: int, height: int, glyphs: Glyphs, left_seconds: float | None) -> Group:
    """Return the frame of a snapshot for a screen of ``width`` x ``height`` characters."""
    width = max(WIDTH_MIN, min(width, WIDTH_MAX))
    shown, hidden = _fitting(snapshot.accounts, height)
    rows = [_header(snapshot, width, glyphs, left_seconds), Text()]
    for account in shown:
        rows += _account(account, width, glyphs)
        rows.append(Text())
    if hidden:
        rows.append(_others(hidden))
    rows += _parents(snapshot.parents, width, glyphs)
    rows.append(Text())
    rows += _decisions(snapshot.decisions, max(1, min(DECISION_ROWS, height - len(rows) - 1)))
    for row in rows:
        row.no_wrap = True
        row.truncate(width, overflow="crop" if glyphs is ASCII else "ellipsis")
    return Group(*rows)


def ladder(distance: float | None, levels: tuple[float, ...], width: int, glyphs: Glyphs) -> Text:
    """Return the bar alone, ``width`` columns: full up to ``distance``, with a mark at each level."""
    filled = 0 if distance is None else _column(distance, width)
    marks = {min(_column(level, width), width - 1) for level in levels}
    tone = danger(distance, levels)
    bar = Text()
    for column in range(width):
        is_full = column < filled
        if column in marks:
            bar.append(glyphs.mark, style="bold" if distance is not None else "dim")
        else:
            bar.append(glyphs.full if is_full else glyphs.empty, style=tone if is_full else "dim")
    return bar


def danger(distance: float | None, levels: tuple[float, ...]) -> str:
    """Return the colour of a distance: green above all levels, yellow below the first, red below the next."""
    if distance is None:
        return "dim"
    below = sum(1 for level in dict.fromkeys(levels) if distance < level)
    if below == 0:
        return "green" if levels or distance > 0 else "bold red"
    return "yellow" if below == 1 and len(levels) > 1 else "bold red"


# Rows -----------------------------------------------------------------------------------------------------


def _header(snapshot: ProgressSnapshot, width: int, glyphs: Glyphs, left_seconds: float | None) -> Text:
    row = Text("Penstock  ", style="bold")
    pattern = "%d %b %Y %H:%M:%S UTC" if width >= ROOMY else "%d %b %H:%M"
    row.append(clock(snapshot.now, pattern=pattern) + "  ", style="not bold")
    if snapshot.tape_fraction is None:
        return row
    left = "" if left_seconds is None else f"{left_seconds:,.0f} s left"
    tail = f" {100 * min(max(snapshot.tape_fraction, 0.0), 1.0):3.0f} %  {left:>10}"
    row.append_text(_bar(snapshot.tape_fraction, max(4, width - len(row) - len(tail)), glyphs, "blue"))
    row.append(tail, style="not bold")
    return row


def _account(account: AccountView, width: int, glyphs: Glyphs) -> list[Text]:
    title = Text(spoken(account.name), style="bold")
    if account.is_liquidated:
        title.append("  ")
        title.append(" LIQUIDATED BY THE VENUE ", style="bold white on red")
    title.append(f"  equity {cash(account.equity, account.currency)}", style="not bold")
    if account.equity is not None and account.equity_start and width >= ROOMY:
        title.append(f" ({percent(account.equity / account.equity_start)} of start)", style="not bold dim")
    title.append(f"  margin ratio {percent(account.margin_ratio)}", style="not bold")
    bar_width = max(10, width - _LABEL - _VALUE)
    distances = tuple(level.distance for level in account.levels if isfinite(level.distance))
    bar = Text(f"{'liquidation':<{_LABEL}}")
    bar.append_text(ladder(account.distance, distances, bar_width, glyphs))
    far = "no position" if account.distance is None else _far_words(account.distance)
    bar.append(f"  {far}", style=danger(account.distance, distances))
    return [title, bar, _scale(bar_width), _levels(account), *(_market(market) for market in account.markets)]


def _far_words(distance: float) -> str:
    return "far away" if distance >= FAR_AWAY else f"{percent(distance)} away"


def _scale(width: int) -> Text:
    row = [" "] * (_LABEL + width + _VALUE)
    free_from = 0
    for distance, name in _TICKS:
        column = _LABEL + min(_column(distance, width), width - 1)
        if column >= free_from:
            row[column:column + len(name)] = name
            free_from = column + len(name) + 1
    return Text("".join(row).rstrip(), style="dim")


def _levels(account: AccountView) -> Text:
    """Return the levels in the order of their marks on the bar, each lit up once the account stands below it."""
    by_limit: dict[str, list[Level]] = {}
    for level in sorted(account.levels, key=lambda level: (level.distance, level.name)):
        by_limit.setdefault(_limit(level.distance), []).append(level)
    row = Text(f"{'acts below':<{_LABEL}}", style="dim")
    if not by_limit:
        row.append(NA)
    for place, (limit, levels) in enumerate(by_limit.items()):
        is_below = account.distance is not None and account.distance < levels[0].distance
        row.append("   " if place else "")
        row.append(
            f"{', '.join(spoken(level.name) for level in levels)} {limit}", style="not dim bold red" if is_below else ""
        )
    return row


def _market(market: MarketView) -> Text:
    row = Text(f"{short_symbol(spoken(market.symbol)):<14.14}{price(market.mark):>12}")
    moved = market.change
    row.append(f"{change(moved):>10}", style="" if moved is None else "red" if moved < 0 else "green")
    if market.quantity:
        row.append(f"   {'long' if market.quantity > 0 else 'short'} {quantity(abs(market.quantity))}")
    else:
        row.append("   flat", style="dim")
    return row


def _others(accounts: tuple[AccountView, ...]) -> Text:
    lowest = min((account.distance for account in accounts if account.distance is not None), default=None)
    far = "none with a position" if lowest is None else f"lowest distance {distance_words(lowest)}"
    return Text(f"and {len(accounts)} more accounts, {far}")


def _parents(parents: tuple[ParentView, ...], width: int, glyphs: Glyphs) -> list[Text]:
    rows = [Text("Orders at work" if parents else "No order at work", style="bold" if parents else "dim")]
    shown = parents if len(parents) <= PARENT_ROWS else parents[:PARENT_ROWS - 1]
    rows += [_parent(parent, width, glyphs) for parent in shown]
    if len(shown) < len(parents):
        rows.append(Text(f"and {len(parents) - len(shown)} more"))
    rows += [Text()] * (PARENT_ROWS + 1 - len(rows))
    return rows


def _parent(parent: ParentView, width: int, glyphs: Glyphs) -> Text:
    done = parent.filled / parent.quantity if parent.quantity > 0 else 1.0
    market = short_symbol(spoken(parent.symbol))
    what = f"{spoken(parent.side)} {quantity(parent.quantity)} {market} {spoken(parent.algo)}"
    tail = f" {100 * min(done, 1.0):3.0f} %  avg {price(parent.average):<10}"
    collar = f" collar {_limit(parent.collar)}" if parent.collar is not None else ""
    row = Text(f"{what:<28.28} ")
    row.append_text(_bar(done, max(6, width - len(row) - len(tail) - len(" collar 4.00 %")), glyphs, "cyan"))
    row.append(tail)
    row.append(collar, style="dim")
    return row


def _decisions(decisions: tuple[Decision, ...], rows: int) -> list[Text]:
    shown = decisions[-rows:]
    lines = [decision_line(decision, pattern="%H:%M:%S") for decision in shown]
    return lines + [Text() for _ in range(rows - len(lines))]


def decision_line(decision: Decision, *, pattern: str) -> Text:
    """Return a decision as one line, its time first."""
    row = Text(f"{clock(decision.ts, pattern=pattern)}  ", style="dim")
    row.append(spoken(decision.text), style=f"not dim {_TONES[decision.kind]}")
    return row


# Parts ----------------------------------------------------------------------------------------------------


def _bar(fraction: float, width: int, glyphs: Glyphs, tone: str) -> Text:
    full = round(min(max(fraction, 0.0), 1.0) * width)
    bar = Text(glyphs.full * full, style=f"not bold {tone}")
    bar.append(glyphs.empty * (width - full), style="not bold dim")
    return bar


def _limit(fraction: float) -> str:
    """Return a level that a person set, without the zeros he did not write: ``2.5 %``."""
    return f"{100 * fraction:.3g} %" if isfinite(fraction) else NA


def _column(distance: float, width: int) -> int:
    """Return how many of ``width`` columns lie below a distance."""
    return round(sqrt(min(max(distance, 0.0), LADDER_END) / LADDER_END) * width)


def _fitting(accounts: tuple[AccountView, ...], height: int) -> tuple[tuple[AccountView, ...], tuple[AccountView, ...]]:
    """Return the accounts that leave room for the rest of the frame, at least one, and those that do not."""
    room = height - 2 - 1 - (PARENT_ROWS + 2) - 3
    for count, account in enumerate(accounts):
        room -= 5 + len(account.markets)
        if room < 0 and count:
            return accounts[:count], accounts[count:]
    return accounts, ()
