"""``summary.json``: the contract of the command line, every key there from the first version.

Times are ISO 8601 UTC, quantities, prices and cash decimal strings in base and quote units, ratios
fractions. An account's figure that is infinite, or that the run cannot tell, is null with its reason in ``why``. All
but ``timing`` is the same to the byte whenever the same run is made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isinf
from typing import Any

from bot import __version__
from bot.app.performance import max_drawdown, performance, unit_values
from bot.app.recorder import ParentRecord, RunRecorder
from bot.app.wording import cash, iso_time, quantity
from bot.app.worth import Baselines, rule_worth
from bot.domain.effects import Goal, OpenEpisode, ScopeElement
from bot.domain.events import LiquidationStage, OrderFilled
from bot.domain.instrument import Instrument
from bot.domain.names import child_name
from bot.domain.order import Side
from bot.domain.scale import cash_text, to_text
from bot.engine.measures.layout import Layout
from bot.rules.ruleset import Rule

BPS = 10_000
_CHILD_LETTERS = len(child_name("", 0))


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the run took, without the baselines, by the wall clock."""

    wall_seconds: float
    events: int


def summarise(
    recorder: RunRecorder,
    *,
    config_hash: str,
    modelled: Sequence[str],
    timing: Timing,
    baselines: Baselines,
    rules: Sequence[str],
) -> dict[str, Any]:
    """Return the whole summary of a run that has ended."""
    layout = recorder.engine.layout
    parents = [_parent(record, layout) for record in recorder.parents.values()]
    return {
        "version": __version__,
        "config_hash": config_hash,
        "tape": {
            "events": recorder.consumed,
            "first_ts": None if recorder.first_ts is None else iso_time(recorder.first_ts),
            "last_ts": None if recorder.first_ts is None else iso_time(recorder.last_ts),
            "modelled": list(modelled),
        },
        "timing": {
            "wall_seconds": round(timing.wall_seconds, 3),
            "events_per_second": round(timing.events / timing.wall_seconds) if timing.wall_seconds > 0 else None,
        },
        "accounts": {
            slot.name: _account(recorder, account) for account, slot in enumerate(layout.accounts)
        },
        "rules": {name: rule_worth(recorder, name, baselines) for name in rules},
        "fires": [_fire(fire, layout, recorder.ways_out.text(fire.episode)) for fire in recorder.fires],
        "parents": parents,
        "fills": [_fill(fill, layout) for fill in recorder.fills],
        "denials": dict(sorted(recorder.denials.items())),
        "baselines": {name: dict(found) for name, found in baselines.items()},
    }


def liquidation_entry(stage: LiquidationStage, layout: Layout) -> dict[str, Any]:
    """Return one stage of a liquidation as the contract writes it."""
    return {
        "ts": iso_time(stage.now),
        "symbol": layout.instruments[stage.key.instrument].symbol,
        "notional": cash_text(stage.notional),
        "fee": cash_text(stage.fee),
        "kind": stage.kind,
    }


def shortfall_bps(*, side: Side, arrival: int, value: int, quantity: int) -> float | None:
    """Return what a trade cost against its arrival price, in bps of it; positive is cost, fees not counted.

    ``value`` is the sum of price x quantity of the fills. Source: Perold (1988), "The implementation
    shortfall: paper versus reality".
    """
    if quantity == 0 or arrival == 0:
        return None
    average = value / quantity
    return round((average - arrival) * side.sign / arrival * BPS, 4)


def _account(recorder: RunRecorder, account: int) -> dict[str, Any]:
    engine = recorder.engine
    book = engine.book.accounts[account]
    columns = engine.columns
    extremes = columns.extremes[account]
    start = recorder.equity_start.get(account)
    at_fire = recorder.equity_at_fire.get(account)
    end = columns.equity[account]
    why: dict[str, str] = {}
    ratio = extremes.margin_ratio
    distance = extremes.distance
    if ratio is not None and isinf(ratio):
        ratio, why["margin_ratio_max"] = None, "infinite: equity was gone"
    if distance is not None and isinf(distance):
        distance, why["liquidation_distance_min"] = None, "infinite: no position, or no move liquidates it"
    recovery_rate = None
    if at_fire is None:
        why["recovery_rate"] = "nothing fired"
    elif at_fire <= 0:
        why["recovery_rate"] = "equity was gone at the first fire"
    else:
        recovery_rate = end / at_fire
    lines = recorder.lines[account]
    values = unit_values(lines.ts, lines.equity, lines.flows)
    drawdown = _deepest(max_drawdown(values), start=start, lowest=None if lines.flows else extremes.equity)
    ratios = performance(values, drawdown=drawdown)
    why.update(ratios.why)
    return {
        "equity_start": None if start is None else cash_text(start),
        "equity_end": cash_text(end),
        "equity_min": None if extremes.equity is None else cash_text(extremes.equity),
        "margin_ratio_max": ratio,
        "liquidation_distance_min": distance,
        "liquidations": [
            liquidation_entry(stage, engine.layout) for stage in recorder.liquidations if stage.account == account
        ],
        "realised_pnl": cash_text(book.realised),
        "unrealised_pnl": cash_text(columns.unrealised(account)),
        "fees": cash_text(book.fees),
        "funding": cash_text(book.funding),
        "recovery_rate": recovery_rate,
        "max_drawdown": drawdown,
        "sharpe": ratios.sharpe,
        "sortino": ratios.sortino,
        "calmar": ratios.calmar,
        "why": why,
    }


def _deepest(sampled: float | None, *, start: int | None, lowest: int | None) -> float | None:
    """Return the deepest drawdown, a fraction: of the points of a series, or to a low that lay between two of them."""
    if sampled is None or not start or start < 0 or lowest is None:
        return sampled
    return min(1.0, max(sampled, 1 - lowest / start))


def _fire(fire: OpenEpisode, layout: Layout, ways_out: str | None) -> dict[str, Any]:
    """Return a fire; where a deposit would have done instead, its reason ends with that."""
    why = fire.why if ways_out is None else f"{fire.why}; {ways_out}"
    readings: dict[str, float | None] = {}
    for reading in fire.readings:
        infinite = reading.value is not None and isinf(reading.value)
        readings[reading.text] = None if infinite else reading.value
        if infinite:
            why += f"; {reading.text} is infinite"
    return {
        "ts": iso_time(fire.now),
        "rule": fire.rule,
        "scope": _scope(fire.element, layout),
        "why": why,
        "readings": readings,
        "goal": goal_text(fire.goal),
    }


def goal_text(goal: Goal) -> str:
    """Return a goal as a person says it: ``liquidation_distance 30%``, ``gross_notional 200,000 USDT``."""
    if goal.target is None:
        return goal.kind.value
    if goal.hedge is not None:
        left = "" if goal.hedge.to == goal.target else f", to {quantity(goal.hedge.to)} {goal.currency}"
        return f"{goal.kind.value} within {quantity(goal.target)} {goal.currency} by {goal.hedge.symbol}{left}"
    if goal.currency is not None:
        return f"{goal.kind.value} {cash(goal.target, goal.currency)}"
    number = f"{goal.target:g}" if goal.kind.value == "leverage" else f"{goal.target * 100:g}%"
    return f"{goal.kind.value} {number}"


def remedy_text(rule: Rule) -> str:
    """Return what a rule does as a person says it: its goal, or whom it asks for one."""
    goal = goal_text(rule.goal)
    return goal if rule.remedy is None else f"plug-in {rule.remedy.declared.name}, otherwise {goal}"


def _scope(element: ScopeElement, layout: Layout) -> str:
    return layout.accounts[element.account].name if element.key is None else layout.position_label(element.key)


def _parent(record: ParentRecord, layout: Layout) -> dict[str, Any]:
    opened, ended = record.opened, record.ended
    instrument = layout.instruments[opened.key.instrument]
    digits = instrument.quantity_digits
    market = ended.market_volume if ended is not None else None
    market_vwap = (
        _average(ended.market_turnover, ended.market_volume, instrument) if ended is not None else None
    )
    return {
        "id": opened.parent,
        "rules": list(record.rules),
        "account": layout.accounts[opened.key.account].name,
        "symbol": instrument.symbol,
        "side": opened.side.value,
        "algo": record.algo,
        "quantity": to_text(record.quantity, digits),
        "filled": to_text(record.filled, digits),
        "residual": to_text(max(0, record.quantity - record.filled), digits),
        "arrival_price": to_text(opened.arrival_price, instrument.price_digits),
        "average_price": _average(record.value, record.filled, instrument),
        "market_vwap": market_vwap,
        "shortfall_bps": shortfall_bps(
            side=opened.side, arrival=opened.arrival_price, value=record.value, quantity=record.filled
        ),
        "fees": cash_text(record.fees),
        "participation": record.filled / (record.filled + market) if market is not None and record.filled else None,
        "children": record.children,
        "started": iso_time(opened.now),
        "ended": iso_time(ended.now) if ended is not None else None,
        "end_reason": ended.reason.value if ended is not None else None,
    }


def _average(value: int, quantity: int, instrument: Instrument) -> str | None:
    """Return a volume-weighted price as decimal text, two digits finer than the instrument's."""
    if quantity == 0:
        return None
    finer = instrument.price_digits + 2
    return to_text(round(Decimal(value) * 100 / quantity), finer)


def _fill(fill: OrderFilled, layout: Layout) -> dict[str, Any]:
    instrument = layout.instruments[fill.key.instrument]
    return {
        "ts": iso_time(fill.now),
        "parent": fill.name[:-_CHILD_LETTERS],
        "child": fill.name,
        "symbol": instrument.symbol,
        "side": fill.side.value,
        "quantity": to_text(fill.quantity, instrument.quantity_digits),
        "price": to_text(fill.price, instrument.price_digits),
        "fee": cash_text(fill.fee),
        "liquidity": fill.liquidity.value,
        "modelled": fill.modelled,
    }

