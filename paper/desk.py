"""What arrives at the venue or falls due there, each at its own instant."""

from __future__ import annotations

from bot.domain.account import Balance, MarginMode, MarginReport, PositionReport
from bot.domain.copying import replace
from bot.domain.events import AccountSnapshot
from paper import funding, history, matching, modes, orders, status
from paper.collateral import moving
from paper.exchange import Exchange
from paper.liquidation import liquidate
from paper.margin import totals
from paper.messages import (
    AddMargin,
    CancelById,
    CancelRequest,
    QueryAccount,
    QueryHistory,
    QueryOrder,
    SetLeverage,
    SetMarginMode,
    SetPositionMode,
    SubmitOrder,
    SubmitOutside,
)
from paper.state import Account, Due, FundingDue, GoodUntil, StatusDue, WarningDue

ADL_FIRST, ADL_LAST = 5, 1           # Binance shows five lamps


def perform(exchange: Exchange, due: Due) -> None:
    """Do one thing at ``exchange.at``, when its time has come."""
    match due:
        case SubmitOrder(request):
            matching.submit(exchange, exchange.accounts[request.key.account], request)
        case SubmitOutside(request):
            matching.submit_outside(exchange, exchange.accounts[request.key.account], request)
        case CancelById(account, venue_id):
            orders.cancel_by_id(exchange, exchange.accounts[account], venue_id)
        case CancelRequest(account, name):
            orders.cancel(exchange, exchange.accounts[account], name)
        case QueryOrder(account, name):
            orders.look_up(exchange, exchange.accounts[account], name)
        case QueryAccount(account):
            _report_account(exchange, exchange.accounts[account])
        case QueryHistory(account, facts_after, orders_after):
            _tell_again(exchange, exchange.accounts[account], facts_after=facts_after, orders_after=orders_after)
        case GoodUntil(account, name):
            orders.expire(exchange, exchange.accounts[account], name)
        case SetMarginMode() | SetPositionMode() | SetLeverage() | AddMargin():
            modes.change(exchange, exchange.accounts[due.account], due)
        case WarningDue(account):
            liquidate(exchange, exchange.accounts[account])
        case StatusDue(instrument, state):
            status.change(exchange, instrument, state)
            matching.trigger(exchange, instrument)
        case FundingDue(instrument):
            funding.pay(exchange, instrument)
            judge(exchange, instrument)


def judge(exchange: Exchange, index: int) -> None:
    """Liquidate whoever an instrument's price brings to his maintenance margin: as a position, or as collateral."""
    for account in exchange.state.accounts:
        if any(holding.key.instrument == index for holding in account.holdings) or any(
            moved == index for moved, _ in moving(exchange, account)
        ):
            liquidate(exchange, account)


def position_reports(account: Account) -> tuple[PositionReport, ...]:
    """Return what the account holds, as the venue tells it."""
    return tuple(
        PositionReport(
            holding.key,
            holding.quantity,
            holding.entry_value,
            holding.margin if holding.key.mode is MarginMode.ISOLATED else None,
        )
        for holding in account.holdings
    )


def balances(exchange: Exchange, account: Account) -> tuple[Balance, ...]:
    """Return the cash of every asset, what isolated positions hold included."""
    total = dict(account.wallets)
    for holding in account.holdings:
        asset = exchange.instruments[holding.key.instrument].settle
        total[asset] = total.get(asset, 0) + holding.margin
    return tuple(Balance(asset, amount) for asset, amount in total.items())


def _report_account(exchange: Exchange, account: Account) -> None:
    account.taken = max(exchange.at, account.moved)
    exchange.report(
        AccountSnapshot(
            now=exchange.told,
            taken=account.taken,
            account=account.index,
            balances=balances(exchange, account),
            positions=tuple(_ranked(exchange, report) for report in position_reports(account)),
            number=account.numbered,
            orders=tuple(orders.listed(order) for order in orders.open_orders(account)),
            margin=_margin_report(exchange, account),
        )
    )


def _ranked(exchange: Exchange, report: PositionReport) -> PositionReport:
    """Return a report with its place in the queue of ``paper.adl``: whoever is in profit here is taken first."""
    instrument = exchange.instruments[report.key.instrument]
    mark = exchange.mark(instrument.index)
    if mark is None:
        return report
    value = instrument.value(price=mark, quantity=report.quantity)
    is_winning = instrument.profit(entry_value=report.entry_value, value=value) > 0
    return replace(report, adl_rank=ADL_FIRST if is_winning else ADL_LAST)


def _margin_report(exchange: Exchange, account: Account) -> MarginReport | None:
    """Return the venue's own sums of an account; None before there is a mark of all that it holds."""
    marks = {holding.key.instrument: exchange.mark(holding.key.instrument) for holding in account.holdings}
    known = tuple((index, mark) for index, mark in sorted(marks.items()) if mark is not None)
    if len(known) < len(marks):
        return None
    found = totals(exchange, account)
    return MarginReport(found.equity, found.maintenance, known)


def _tell_again(exchange: Exchange, account: Account, *, facts_after: int, orders_after: int) -> None:
    for fact in history.after(account, facts_after, now=exchange.told):
        exchange.report(fact)
    for name in orders.arrived_since(account, orders_after):
        orders.look_up(exchange, account, name)
