"""Accounts that are not linear, cross, one-way and of one currency; a fall that liquidates each when left alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.app.runs import BTC, Bar, flat, slide, write_candles

INVERSE = "BTC/USD:BTC"
STARTS_AT, ENDS_AT = 10_000.0, 7_000.0


@dataclass(frozen=True)
class BookCase:
    """One account: its market, the lines of its paper section, and what stands beside that section."""

    symbol: str
    paper: tuple[str, ...]
    beside: tuple[str, ...] = ()


CASES = {
    "inverse long": BookCase(INVERSE, ("balances: {BTC: 1}", f'positions: {{"{INVERSE}": {{amount: 800}}}}')),
    "inverse short": BookCase(
        INVERSE, ("balances: {BTC: 1}", f'positions: {{"{INVERSE}": {{amount: -800}}}}', "margin_mode: isolated")
    ),
    "isolated long": BookCase(
        BTC,
        (
            "balances: {USDT: 5_000}", f'positions: {{"{BTC}": {{amount: 1.5}}}}',
            f'instruments: {{"{BTC}": {{margin_mode: isolated, leverage: 8}}}}',
        ),
    ),
    "hedged": BookCase(
        BTC,
        (
            "balances: {USDT: 1_500}", "position_mode: hedge",
            f'positions: {{"{BTC}": {{amount: 1.5, other_leg: {{amount: -0.5}}}}}}',
        ),
    ),
    "hedged and isolated": BookCase(
        BTC,
        (
            "balances: {USDT: 5_000}", "position_mode: hedge", "margin_mode: isolated", "leverage: 8",
            f'positions: {{"{BTC}": {{amount: 1.5, other_leg: {{amount: -0.5}}}}}}',
        ),
    ),
    "backed by a coin": BookCase(
        BTC,
        ("balances: {USDT: 500, BTC: 0.1}", f'positions: {{"{BTC}": {{amount: 0.8}}}}'),
        ("collateral: {BTC: 95%}",),
    ),
}


def bars_for(case: str) -> list[Bar]:
    """An hour in which the price goes against the position: down, or for a short up by as much."""
    end = ENDS_AT if not case.endswith("short") else STARTS_AT * STARTS_AT / ENDS_AT
    return [*flat(STARTS_AT, 5), *slide(STARTS_AT, end, 60, 50_000.0), *flat(end, 5)]


def write_book(folder: Path, case: str, *books: str | Path) -> tuple[Path, str]:
    """Write the configuration of a case and its tape; return the path and the ``--tape`` argument."""
    book = CASES[case]
    paths = []
    for number, rules in enumerate(books):
        path = folder / f"rules{number}.yaml" if isinstance(rules, str) else rules
        if isinstance(rules, str):
            path.write_text(rules, encoding="utf-8")
        paths.append(f"'{path}'")
    config = folder / "config.yaml"
    lines = [
        "accounts:", "  main:", f'    instruments: ["{book.symbol}"]', *(f"    {line}" for line in book.beside),
        "    paper:", *(f"      {line}" for line in book.paper), f"strategies: [{', '.join(paths)}]",
    ]
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config, f"{book.symbol}={write_candles(folder / 'bars.csv', bars_for(case))}"
