"""What arrives at the venue or falls due there, each at its own instant."""

from __future__ import annotations

from bot.domain.account import Balance, PositionReport
from bot.domain.events import AccountSnapshot
from paper import funding, matching, orders
from paper.exchange import Exchange
from paper.liquidation import liquidate
from paper.messages import CancelRequest, QueryAccount, QueryOrder, SubmitOrder
from paper.state import Account, Due, FundingDue, GoodUntil


def perform(exchange: Exchange, due: Due) -> None:
    """Do one thing at ``exchange.at``, when its time has come."""
    match due:
        case SubmitOrder(request):
            matching.submit(exchange, exchange.accounts[request.key.account], request)
        case CancelRequest(account, name):
            orders.cancel(exchange, exchange.accounts[account], name)
        case QueryOrder(account, name):
            orders.look_up(exchange, exchange.accounts[account], name)
        case QueryAccount(account):
            _report_account(exchange, exchange.accounts[account])
        case GoodUntil(account, name):
            orders.expire(exchange, exchange.accounts[account], name)
        case FundingDue(instrument):
            funding.pay(exchange, instrument)
            judge(exchange, instrument)


def judge(exchange: Exchange, index: int) -> None:
    """Liquidate every holder of an instrument whose equity no longer exceeds its maintenance margin."""
    for account in exchange.state.accounts:
        if any(holding.key.instrument == index for holding in account.holdings):
            liquidate(exchange, account, orders.end)


def position_reports(account: Account) -> tuple[PositionReport, ...]:
    """Return what the account holds, as the venue tells it."""
    return tuple(PositionReport(holding.key, holding.quantity, holding.entry_value) for holding in account.holdings)


def _report_account(exchange: Exchange, account: Account) -> None:
    account.taken = max(exchange.at, account.moved)
    exchange.report(
        AccountSnapshot(
            now=exchange.told,
            taken=account.taken,
            account=account.index,
            balances=(Balance(account.asset, account.wallet),),
            positions=position_reports(account),
        )
    )
