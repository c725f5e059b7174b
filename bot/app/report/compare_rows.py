"""What of two runs is compared, in which order and in which words; the terminal and the page share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from bot.app.report.compare import Pair
from bot.app.wording import NA, bps, cash, count, distance_words, number, percent, ratio, spoken

Words = Callable[[object], str]
Told = tuple[str, str, str, str]
"""A figure's name, A, B, and B less A."""

ACCOUNT_ROWS: tuple[tuple[str, str, Words], ...] = (
    ("equity_start", "Equity at the start", cash),
    ("equity_end", "Equity at the end", cash),
    ("equity_min", "Lowest equity", cash),
    ("saved", "Above doing nothing", cash),
    ("liquidations", "Liquidated, stages", count),
    ("liquidation_distance_min", "Lowest distance to liquidation", distance_words),
    ("margin_ratio_max", "Highest margin ratio", percent),
    ("max_drawdown", "Deepest drawdown", percent),
    ("recovery_rate", "Kept since the first fire", percent),
    ("fires", "Fires", count),
    ("parents", "Parent orders", count),
    ("children", "Child orders", count),
    ("shortfall", "Shortfall, paid to the market", cash),
    ("shortfall_bps", "Shortfall of what was traded", bps),
    ("fees", "Fees, paid to the venue", cash),
    ("funding", "Funding", cash),
    ("sharpe", "Sharpe", ratio),
    ("sortino", "Sortino", ratio),
    ("calmar", "Calmar", ratio),
)
RULE_ROWS: tuple[tuple[str, str, Words], ...] = (
    ("fires", "fires", count), ("false_fires", "false fires", count), ("saved", "saved", cash), ("cost", "cost", cash),
)


def account_rows(figures: Mapping[str, Pair]) -> list[Told]:
    """Return an account's figures in words, one row each."""
    return [(label, *_told(figures[key], words, figures["currency"])) for key, label, words in ACCOUNT_ROWS]


def rule_rows(rules: Mapping[str, Mapping[str, Pair]]) -> list[Told]:
    """Return the figures of every rule in words, one row each."""
    return [
        (f"{spoken(name)}: {label}", *_told(figures[key], words, figures["currency"]))
        for name, figures in rules.items() for key, label, words in RULE_ROWS
    ]


def denial_rows(denials: Mapping[str, Pair]) -> list[Told]:
    """Return how often the gate refused for each reason."""
    return [(code, *_told(pair, count, {"a": "", "b": ""})) for code, pair in denials.items()]


def _told(pair: Pair, words: Words, currency: Pair) -> tuple[str, str, str]:
    """Return A, B and B less A, cash with its currency; no difference where both are the same."""
    if words is not cash:
        return words(pair["a"]), words(pair["b"]), _difference(pair, words)
    of_a, of_b = currency["a"] or currency["b"] or "", currency["b"] or currency["a"] or ""
    less = _difference(pair, partial(cash, currency=of_a)) if of_a == of_b else NA
    return cash(pair["a"], of_a), cash(pair["b"], of_b), less


def _difference(pair: Pair, words: Words) -> str:
    a, b = number(pair["a"]), number(pair["b"])
    if a is None or b is None:
        return NA
    if a == b:
        return ""
    return ("+" if b > a else "") + words(b - a)
