"""The meanings of a rule's levels as lines for a person: every bracket of a ratio, the lowest of anything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.app import wording
from bot.domain.effects import GoalKind
from bot.rules.feasibility import EXPOSURE_OF, MEASURE_OF

DISTANCE = MEASURE_OF[GoalKind.LIQUIDATION_DISTANCE]
RATIO = MEASURE_OF[GoalKind.MARGIN_RATIO]
LEVERAGE = MEASURE_OF[GoalKind.LEVERAGE]
_ROW = "  {:>15} {:>8} {:>15} {:>15} {:>9}  {}"


def meaning_lines(rule: str, levels: Sequence[dict[str, Any]], prices: Sequence[dict[str, Any]]) -> list[str]:
    """Return what the levels of one rule mean, and at which prices the starting positions reach them."""
    lines = []
    for level in levels:
        if level["rule"] == rule:
            lines += _table(level) if level["measure"] == RATIO else _shortly(level)
    by_level: dict[str, list[dict[str, Any]]] = {}
    for price in prices:
        if price["rule"] == rule:
            by_level.setdefault(f"{_level_text(price)}, {price['account']}", []).append(price)
    lines += [f"{told}: {', '.join(_price_text(price) for price in found)}" for told, found in by_level.items()]
    return lines


def _level_text(level: dict[str, Any]) -> str:
    measure = level["measure"]
    number = wording.percent(level["level"])
    if measure == LEVERAGE:
        number = f"{level['level']:g}"
    elif measure in EXPOSURE_OF.values():
        number = wording.cash(level["level"])
    return f"{level['where']} {measure.partition('.')[2]} {number}"


def _table(level: dict[str, Any]) -> list[str]:
    """Return one row per bracket; markets whose brackets agree share it."""
    symbols_of: dict[tuple[str, ...], list[str]] = {}
    for symbol, brackets in level["brackets"].items():
        for bracket in brackets:
            symbols_of.setdefault(_cells(bracket), []).append(symbol)
    return [
        f"{_level_text(level)}, for a position alone:",
        _ROW.format("value up to", "rate", "distance, long", "distance, short", "leverage", "on").rstrip(),
        *(_ROW.format(*cells, ", ".join(symbols)) for cells, symbols in symbols_of.items()),
    ]


def _cells(bracket: dict[str, Any]) -> tuple[str, ...]:
    limit = bracket["value_max"]
    return (
        "any" if limit is None else f"{limit:,}", wording.percent(bracket["rate"]),
        _distance(bracket["long"]), _distance(bracket["short"]), f"{bracket['long']['leverage']:.3g}",
    )


def _distance(figures: dict[str, float | None]) -> str:
    found = figures["liquidation_distance"]
    return "no move" if found is None else wording.percent(found)


def _shortly(level: dict[str, Any]) -> list[str]:
    symbols_of: dict[str, list[str]] = {}
    for symbol, (lowest, *_) in level["brackets"].items():
        long, short = lowest["long"], lowest["short"]
        figures = {
            DISTANCE: f"a distance of {_distance(long)} long, {_distance(short)} short",
            RATIO: f"a margin ratio of {wording.percent(long['margin_ratio'])}",
            LEVERAGE: f"a leverage of {long['leverage']:.3g}",
        }
        told = " and ".join(text for name, text in figures.items() if name != level["measure"])
        symbols_of.setdefault(f"{told} (alone, in the lowest bracket)", []).append(symbol)
    return [f"{_level_text(level)}: {told} on {', '.join(symbols)}" for told, symbols in symbols_of.items()]


def _price_text(price: dict[str, Any]) -> str:
    if price["move"] is None:
        return f"{price['symbol']} at no price before liquidation"
    if price["move"] == 0:
        return f"{price['symbol']} at its entry already"
    return f"{price['symbol']} at {wording.price(price['price'])} ({wording.change(price['move'])})"
