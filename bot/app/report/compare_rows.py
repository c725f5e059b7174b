"""What of two runs is compared, in which order and in which words; the terminal and the page share it."""

from __future__ import annotations

from collections.abc import Callable

from bot.app.report.compare import Pair
from bot.app.wording import NA, bps, cash, count, distance_words, number, percent, ratio

Words = Callable[[object], str]

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


def difference(pair: Pair, words: Words) -> str:
    """Return B less A in the figure's own words, with its sign; nothing where both are the same."""
    a, b = number(pair["a"]), number(pair["b"])
    if a is None or b is None:
        return NA
    if a == b:
        return ""
    return ("+" if b > a else "") + words(b - a)
