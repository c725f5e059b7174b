"""From outcomes to the figures of a table: what share was liquidated, what was kept, what it cost where nothing came.

``doomed`` entries are those that are liquidated when nothing is done; the others live. ``equity_kept`` is the mean,
over the doomed, of equity at the end over equity at the start; ``lost`` are those that the venue took and those that
a stop in a gap left with nothing. ``cost`` is the mean, over the living, of what doing
nothing ended with above what the strategy ended with: negative where acting gained. A fire is false when the entry
would have lived and ended with more: ``false_fires`` counts such entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import fsum
from typing import Any

import msgspec

from bench.rescue.outcome import Outcome
from bench.rescue.strategy import DEFAULT, DO_NOTHING, VENUE
from bot.domain.scale import NS_PER_MINUTE

GAP_LEVERAGE_MAX = 10                # of the losses that are listed one by one


class Passed(msgspec.Struct, frozen=True):
    """All outcomes of one side of one tape."""

    tape: str
    kind: str
    is_major: bool
    sign: int
    outcomes: tuple[Outcome, ...]

    @property
    def label(self) -> str:
        return self.tape if self.sign > 0 else f"{self.tape} short"


class Row(msgspec.Struct, frozen=True):
    """One line: ``cost_bps`` of the position's value at entry, ``cost_share`` of equity at entry; None without any."""

    tape: str
    strategy: str
    leverage: int
    n: int
    run: int
    doomed: int
    liquidated_share: float
    liquidated_of_doomed: float | None
    lost_of_doomed: float | None
    equity_kept: float | None
    cost_bps: float | None
    cost_share: float | None
    fired: int
    false_fires: int
    stopped: int


def groups(passed: Sequence[Passed]) -> list[tuple[str, list[Passed]]]:
    """Return the tapes that are shown together: what happened to BTC and ETH, to the others, and on calm days."""
    wild = [each for each in passed if each.kind != "calm"]
    found = [
        ("crashes and squeezes, BTC and ETH", [each for each in wild if each.is_major]),
        ("crashes and squeezes, other coins", [each for each in wild if not each.is_major]),
        ("calm days", [each for each in passed if each.kind == "calm"]),
    ]
    return [(label, some) for label, some in found if some]


def rows_of(passed: Sequence[Passed]) -> list[Row]:
    """Return the rows of every tape, strategy and leverage."""
    return [row for each in passed for row in _rows(each.label, [each])]


def rows_together(label: str, passed: Sequence[Passed]) -> list[Row]:
    """Return rows over several tapes, every entry counting alike."""
    return _rows(label, passed) if passed else []


def _rows(label: str, passed: Sequence[Passed]) -> list[Row]:
    cells: dict[tuple[str, int], list[tuple[Outcome, Outcome]]] = {}
    for each in passed:
        alone = {(o.leverage, o.opened): o for o in each.outcomes if o.strategy == DO_NOTHING}
        for outcome in each.outcomes:
            left = alone[outcome.leverage, outcome.opened]
            cells.setdefault((outcome.strategy, outcome.leverage), []).append((outcome, left))
            if outcome.strategy == DO_NOTHING and outcome.liquidated is not None:
                cells.setdefault((VENUE, outcome.leverage), []).append((outcome, left))
    return [_row(label, strategy, leverage, pairs) for (strategy, leverage), pairs in cells.items()]


def _row(label: str, strategy: str, leverage: int, pairs: Sequence[tuple[Outcome, Outcome]]) -> Row:
    doomed = [outcome for outcome, left in pairs if left.liquidated is not None]
    living = [(outcome, left) for outcome, left in pairs if left.liquidated is None]
    lost = [left.equity_end - outcome.equity_end for outcome, left in living]
    return Row(
        tape=label,
        strategy=strategy,
        leverage=leverage,
        n=len(pairs),
        run=sum(outcome.is_run for outcome, _ in pairs),
        doomed=len(doomed),
        liquidated_share=round(sum(outcome.liquidated is not None for outcome, _ in pairs) / len(pairs), 5),
        liquidated_of_doomed=_mean(float(outcome.liquidated is not None) for outcome in doomed),
        lost_of_doomed=_mean(float(outcome.is_lost) for outcome in doomed),
        equity_kept=_mean(outcome.kept for outcome in doomed),
        cost_bps=_mean(1e4 * cash / outcome.notional for cash, (outcome, _) in zip(lost, living, strict=True)),
        cost_share=_mean(cash / outcome.equity_start for cash, (outcome, _) in zip(lost, living, strict=True)),
        fired=sum(bool(outcome.fires) for outcome, _ in pairs),
        false_fires=sum(bool(outcome.fires) and cash > 0 for cash, (outcome, _) in zip(lost, living, strict=True)),
        stopped=sum(outcome.stopped is not None for outcome, _ in pairs),
    )


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return round(fsum(found) / len(found), 5) if found else None


def losses_of(passed: Sequence[Passed], strategy: str = DEFAULT) -> list[dict[str, Any]]:
    """Return where a strategy lost accounts up to 10x, one line for each bar that took them, and by what."""
    bars: dict[tuple[str, int, int], list[Outcome]] = {}
    for each in passed:
        for outcome in each.outcomes:
            if outcome.strategy == strategy and outcome.is_lost and outcome.leverage <= GAP_LEVERAGE_MAX:
                minute = (outcome.liquidated or outcome.stopped or outcome.opened) // NS_PER_MINUTE
                bars.setdefault((each.label, outcome.leverage, minute), []).append(outcome)
    return [
        {
            "tape": tape,
            "leverage": leverage,
            "minute_ns": minute * NS_PER_MINUTE,
            "accounts": len(found),
            "liquidated": sum(outcome.liquidated is not None for outcome in found),
            "distance_before_max": max(outcome.distance_open or 0.0 for outcome in found),
            "distance_before_min": min(outcome.distance_open or 0.0 for outcome in found),
            "bar_move": found[0].bar_move,
        }
        for (tape, leverage, minute), found in sorted(bars.items())
    ]


def verdict(passed: Sequence[Passed], strategy: str = DEFAULT) -> Mapping[str, Any]:
    """Return the figures of the line that the project is held to: accounts up to 10x, where doing nothing dies."""
    majors = _doomed([each for each in passed if each.is_major], strategy)
    everything = _doomed(passed, strategy)
    calm = _calm(passed, strategy)
    calm_majors = _calm([each for each in passed if each.is_major], strategy)
    return {
        "majors_doomed": len(majors),
        "majors_liquidated": sum(outcome.liquidated is not None for outcome in majors),
        "majors_lost": sum(outcome.is_lost for outcome in majors),
        "all_doomed": len(everything),
        "all_liquidated": sum(outcome.liquidated is not None for outcome in everything),
        "all_lost": sum(outcome.is_lost for outcome in everything),
        "calm_majors_entries": len(calm_majors),
        "calm_majors_fired": sum(bool(outcome.fires) for outcome in calm_majors),
        "calm_entries": len(calm),
        "calm_fired": sum(bool(outcome.fires) for outcome in calm),
    }


def _calm(passed: Iterable[Passed], strategy: str) -> list[Outcome]:
    return [
        outcome for each in passed if each.kind == "calm" for outcome in each.outcomes
        if outcome.strategy == strategy and outcome.leverage <= GAP_LEVERAGE_MAX
    ]


def _doomed(passed: Iterable[Passed], strategy: str) -> list[Outcome]:
    found = []
    for each in passed:
        dead = {
            (o.leverage, o.opened) for o in each.outcomes if o.strategy == DO_NOTHING and o.liquidated is not None
        }
        found += [
            outcome for outcome in each.outcomes
            if outcome.strategy == strategy and outcome.leverage <= GAP_LEVERAGE_MAX
            and (outcome.leverage, outcome.opened) in dead
        ]
    return found
