"""Accounts that the venue liquidates at the market's first price: an amount with a digit too many, mostly."""

from __future__ import annotations

from bot.app.config import Config
from bot.app.record import RunRecord
from bot.app.wording import cash, currency_of, number, spoken


def gone_at_once(config: Config, record: RunRecord) -> list[str]:
    """Return a sentence for each account that was liquidated before any rule could see it."""
    notes = []
    for name, figures in (record.summary.get("accounts") or {}).items():
        stages = figures.get("liquidations") or []
        if (number(figures.get("equity_start")) or 0.0) > 0 or not stages or name not in config.accounts:
            continue
        currency = currency_of(spoken(stages[0].get("symbol")))
        held = sum(number(stage.get("notional")) or 0.0 for stage in stages)
        balance = config.accounts[name].paper.balances.get(currency)
        notes.append(
            f"{name}: was liquidated at the market's first price, before a rule could look at it; it held "
            f"{cash(held, currency)} on a balance of {cash(None if balance is None else str(balance), currency)}; "
            "look at amount, balances and entry_price"
        )
    return notes
