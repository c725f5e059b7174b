"""Pages of balances and positions, as ccxt unifies them, as one reading of an account.

Two pages, read one after the other: what happened between them is in one and not in the other. So a reading holds only
if no trade of the account fell into it, which its trades say; and its time is that before the first page.

What ccxt derives where the exchange is silent (maintenance margin, collateral, liquidation price) is not used, and its
times of positions are when they were opened. The exchange's own sums of margin are unified nowhere: ours stand alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.replies import BrokenReply, as_row
from bot.adapters.ccxt.unified.habits import CashPage, Steps, Total
from bot.adapters.ccxt.unified.numbers import Row, amount, cash_of, price_of
from bot.adapters.ccxt.unified.orders import mode_named
from bot.adapters.ccxt.witnesses import AccountRead
from bot.domain.account import Balance, MarginMode, PositionReport
from bot.domain.events import AccountSnapshot
from bot.domain.instrument import Instrument
from bot.domain.open_order import OpenOrder


def read_account(
    balance: Row, positions: Sequence[Row], view: AccountView, cash: CashPage | Total, *, now: int, taken: int
) -> AccountRead:
    """Return what both pages say, as of ``taken`` (the exchange's time, ns); raises BrokenReply for a broken one."""
    reports, strays = [], []
    for row in positions:
        instrument = view.instruments.get(str(row.get("symbol")))
        if instrument is None:
            if row.get("contracts"):
                strays.append(f"{row.get('symbol')} {row['contracts']}")
            continue
        report = _position(row, instrument, view)
        if report is not None:
            reports.append(report)
    if len({report.key for report in reports}) < len(reports):
        raise BrokenReply("positions: an instrument is on the page twice; is the account in hedge mode?")
    snapshot = AccountSnapshot(
        now, taken, view.account, tuple(balances_of(balance, positions, cash)), tuple(reports)
    )
    return AccountRead(snapshot, tuple(strays))


def with_orders(read: AccountRead, orders: Sequence[OpenOrder]) -> AccountSnapshot:
    """Return the reading with what is open."""
    return replace(read.snapshot, orders=tuple(orders))


def _position(row: Row, instrument: Instrument, view: AccountView) -> PositionReport | None:
    """Return what is held by a row, None where it is nothing."""
    size = abs(amount(row, "contracts", instrument))
    if not size:
        return None
    sign = {"long": 1, "short": -1}.get(str(row.get("side")))
    if sign is None:
        raise BrokenReply(f"side: long or short was expected of {instrument.symbol}, was {row.get('side')!r}")
    if mode_named(row.get("marginMode")) is MarginMode.ISOLATED:
        raise BrokenReply(f"marginMode: {instrument.symbol} is margined alone, which is not read of this exchange")
    entry = price_of(row.get("entryPrice"), instrument.price_digits)
    return PositionReport(view.whole(instrument), sign * size, instrument.value(price=entry, quantity=sign * size))


def balances_of(balance: Row, positions: Sequence[Row], cash: CashPage | Total) -> list[Balance]:
    """Return the wallet by asset, unrealised profit not in it; raises BrokenReply."""
    if isinstance(cash, CashPage):
        return _by_page(balance, cash)
    found = []
    for asset, total in as_row(balance.get("total")).items():
        if total is None:
            continue
        held = cash_of(total)
        if cash is Total.EQUITY:
            held -= sum(cash_of(row.get("unrealizedPnl")) for row in positions if _settles_in(row, asset))
        found.append(Balance(str(asset), held))
    if not found:
        raise BrokenReply("balance: names no currency at all")
    return found


def _by_page(balance: Row, page: CashPage) -> list[Balance]:
    """Return the wallet by the exchange's own page; raises BrokenReply where it is another one."""
    rows = follow(balance.get("info"), page.rows)
    if not isinstance(rows, list):
        where = ".".join(map(str, page.rows))
        raise BrokenReply(f"balance: a list was expected at {where}; is it another type of account?")
    found = []
    for row in rows:
        if not isinstance(row, Mapping) or page.asset not in row or page.plus not in row:
            raise BrokenReply(f"balance: {page.asset} and {page.plus} were expected; is it another type of account?")
        held = cash_of(row[page.plus] or 0)
        if page.minus is not None:
            held -= cash_of(row.get(page.minus) or 0)
        found.append(Balance(str(row[page.asset]), held))
    return found


def follow(page: Any, steps: Steps) -> Any:
    """Return what lies at the end of some steps into a page, None where they end early."""
    for step in steps:
        try:
            page = page[step]
        except (KeyError, IndexError, TypeError):
            return None
    return page


def _settles_in(row: Row, asset: str) -> bool:
    return str(row.get("symbol")).rpartition(":")[2].partition("-")[0] == asset
