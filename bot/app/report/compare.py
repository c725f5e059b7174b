"""Two runs over the same market, figure by figure: what another rule, another goal or another size would have come to.

Everything is taken from the two summaries. Runs over different markets are not compared: the difference would be the
market's, and would read like a rule's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.app.report.story import AccountStory, Row, currency_of_rule, stories
from bot.app.wording import count
from bot.domain.errors import InputError
from bot.domain.run import RunHead

Pair = dict[str, Any]
"""A figure of both runs, ``{"a": ..., "b": ...}``, each as its summary has it; null where it has none."""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One of the two: as a person named it, with its journal's head, its summary and the markets of its accounts."""

    name: str
    head: RunHead
    summary: Row
    markets: Mapping[str, list[str]] = field(default_factory=dict)


def compare_runs(a: ComparedRun, b: ComparedRun) -> dict[str, Any]:
    """Return both runs' figures side by side; raises InputError when they are not over the same market."""
    require_one_tape(a, b)
    ours, theirs = (stories(run.summary, run.markets) for run in (a, b))
    return {
        "runs": _pair(a.name, b.name),
        "is_same_configuration": a.head.config_hash == b.head.config_hash,
        "tape": {key: a.summary["tape"][key] for key in ("events", "first_ts", "last_ts")},
        "accounts": _both(*({story.name: _figures(story) for story in told} for told in (ours, theirs))),
        "rules": _both(_rules(a.summary, ours), _rules(b.summary, theirs)),
        "denials": _denials(a.summary["denials"], b.summary["denials"]),
    }


def require_one_tape(a: ComparedRun, b: ComparedRun) -> None:
    """Raise InputError unless both were over the same files, by their hashes, as far as each other.

    A generated market has no file: it is the same when it was asked for in the same words.
    """
    if _sources(a) != _sources(b):
        raise _refusal(a, b, f"its tape was {_paths(a)}, and {_paths(b)}")
    if _span(a) != _span(b):
        raise _refusal(a, b, f"it was {_span(a)}, and {_span(b)}")


def _refusal(a: ComparedRun, b: ComparedRun, difference: str) -> InputError:
    return InputError(
        f"report {a.name} {b.name}: the two runs are not over the same market, {difference}; what differs between them "
        "would be the market's doing, so replay one of them over the other's tape"
    )


def _paths(run: ComparedRun) -> str:
    return ", ".join(sorted(source.path for source in run.head.tapes)) or "none"


def _span(run: ComparedRun) -> str:
    tape = run.summary["tape"]
    return f"{count(tape['events'])} events from {tape['first_ts']} to {tape['last_ts']}"


def _sources(run: ComparedRun) -> list[str]:
    return sorted(source.sha256 or source.path for source in run.head.tapes)


def _rules(summary: Row, told: Sequence[AccountStory]) -> dict[str, Row]:
    return {name: {"currency": currency_of_rule(name, told), **row} for name, row in summary["rules"].items()}


def _figures(story: AccountStory) -> dict[str, Any]:
    """Return what of an account is compared; cash in its settlement currency, ratios fractions."""
    figures = story.figures
    return {
        "currency": story.currency,
        "equity_start": figures.get("equity_start"),
        "equity_end": figures.get("equity_end"),
        "equity_min": figures.get("equity_min"),
        "saved": story.saved,
        "liquidations": len(story.liquidations),
        "liquidation_distance_min": figures.get("liquidation_distance_min"),
        "margin_ratio_max": figures.get("margin_ratio_max"),
        "max_drawdown": figures.get("max_drawdown"),
        "recovery_rate": figures.get("recovery_rate"),
        "fires": len(story.fires),
        "parents": len(story.parents),
        "children": sum(int(row.get("children") or 0) for row in story.parents),
        "shortfall": story.cost_quote,
        "shortfall_bps": story.cost_bps,
        "fees": figures.get("fees"),
        "funding": figures.get("funding"),
        "sharpe": figures.get("sharpe"),
        "sortino": figures.get("sortino"),
        "calmar": figures.get("calmar"),
    }


def _both(a: Mapping[str, Row], b: Mapping[str, Row]) -> dict[str, dict[str, Pair]]:
    """Return the figures of all that either run has, by name; the first run's come first."""
    return {
        name: {key: _pair((a.get(name) or {}).get(key), (b.get(name) or {}).get(key))
               for key in _names(a.get(name) or {}, b.get(name) or {})}
        for name in _names(a, b)
    }


def _denials(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, Pair]:
    return {code: _pair(a.get(code, 0), b.get(code, 0)) for code in sorted({*a, *b})}


def _names(a: Iterable[str], b: Iterable[str]) -> list[str]:
    return list(dict.fromkeys((*a, *b)))


def _pair(a: object, b: object) -> Pair:
    return {"a": a, "b": b}
