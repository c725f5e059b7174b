"""``penstock status RUN`` and ``penstock positions RUN``: how a running daemon stands, by its own word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from bot.adapters.control.client import ask
from bot.app.cli_codes import EXIT_GOOD
from bot.app.console import table_console

UNKNOWN = "unknown"


def status_of(run: Path, *, as_json: bool) -> int:
    """Print the daemon's health and its accounts; raises InputError when no daemon runs there."""
    found = ask(run, "status", {})
    if as_json:
        print(json.dumps(found))
        return EXIT_GOOD
    console = table_console()
    for line in _health(found):
        console.print(line)
    console.print(_accounts(found["accounts"]))
    console.print(_markets(found["markets"]))
    for name, account in found["accounts"].items():
        for sale in account["sales"]:
            console.print(f"{name}: sale {sale['name']} by {sale['by']}, {sale['left']} of {sale['position']} left")
    return EXIT_GOOD


def positions_of(run: Path, *, as_json: bool) -> int:
    """Print what the daemon's accounts hold, and the stop that covers each position."""
    found = ask(run, "positions", {})
    if as_json:
        print(json.dumps(found))
        return EXIT_GOOD
    rows = found["positions"]
    if not rows:
        print("no account holds anything")
        return EXIT_GOOD
    table = _table("account", "market", "amount", "mark", "stop at", "parent at work")
    for row in rows:
        leg = "" if row["side"] == "net" else f" {row['side']}"
        stop = "none" if row["stop"] is None else row["stop"]["trigger_price"]
        table.add_row(
            row["account"], row["symbol"] + leg, row["amount"], row["mark_price"] or UNKNOWN, stop, row["parent"] or ""
        )
    table_console().print(table)
    return EXIT_GOOD


def _health(found: dict[str, Any]) -> list[str]:
    health = found["health"]
    lines = [f"{found['time']}  {found['steps']:,} events"]
    if health["failure"] is not None:
        lines.append(f"FAILING: {health['failure']}")
    if health["journal"] is not None:
        lines.append(f"JOURNAL: {health['journal']}")
    if health["undelivered_alarms"]:
        lines.append(f"{health['undelivered_alarms']} alarms reached nobody: see the webhook")
    return lines


def _accounts(accounts: dict[str, Any]) -> Table:
    table = _table("account", "latch", "equity", "distance", "margin ratio", "positions", "unprotected", "at work")
    for name, account in accounts.items():
        is_known = account["ready"] and account["equity"] is not None
        table.add_row(
            name, account["latch"],
            f"{account['equity']} {account['currency']}" if is_known else UNKNOWN,
            _ratio(account, "liquidation_distance"), _ratio(account, "margin_ratio"),
            str(account["positions"]), ", ".join(account["unprotected"]) or "none",
            f"{len(account['parents'])} parents, {len(account['orders'])} orders",
        )
    return table


def _markets(markets: dict[str, Any]) -> Table:
    table = _table("market", "mark", "age", "state")
    for symbol, market in markets.items():
        age = UNKNOWN if market["age_seconds"] is None else f"{market['age_seconds']:.1f} s"
        table.add_row(symbol, market["mark_price"] or UNKNOWN, age, market["state"])
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")     # a market whose name is cut is no answer
    return table


def _ratio(account: dict[str, Any], figure: str) -> str:
    """Return a figure of an account in percent, else why it has no number."""
    ratio = account[figure]
    return account["why"].get(figure, UNKNOWN) if ratio is None else f"{ratio:.2%}"
