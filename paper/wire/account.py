"""An account's balances and totals, and what the venue states of it: v2 and v3 of the account pages, fees, brackets.

Source: Binance USDⓈ-M futures API, "Account Information", "Futures Account Balance", "Notional and Leverage
Brackets", read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.account import MarginMode
from bot.domain.scale import CASH_UNIT
from paper.exchange import RATE_UNIT as FEE_UNIT
from paper.exchange import Exchange
from paper.margin import available, cross_pool, initial_margin, maintenance_of, pool_totals, unrealised
from paper.spec import AssetMode
from paper.state import Account
from paper.wire.contracts import Contract
from paper.wire.floor import Call, Floor
from paper.wire.income import income_row
from paper.wire.positions import (
    account_rows,
    account_rows_v2,
    position_margin,
    risk_rows,
    risk_rows_v2,
)
from paper.wire.values import Json, Row, cash, ms, quotient

TIERS_RATE_UNIT = 100_000


@dataclass(frozen=True, slots=True)
class Sums:
    """One asset of an account, cash; ``wallet`` holds what isolated positions have, ``cross_wallet`` does not."""

    wallet: int
    cross_wallet: int
    profit: int
    cross_profit: int
    maintenance: int
    position_margin: int
    order_margin: int
    available: int

    @property
    def equity(self) -> int:
        return self.wallet + self.profit

    @property
    def initial_margin(self) -> int:
        return self.position_margin + self.order_margin

    @property
    def withdrawable(self) -> int:
        return max(0, min(self.available, self.cross_wallet))


def sums(exchange: Exchange, account: Account, asset: str) -> Sums:
    """Return how one asset of an account stands at the present marks."""
    cross_wallet = account.wallets.get(asset, 0)
    wallet, profit, cross_profit, maintenance, own = cross_wallet, 0, 0, 0, 0
    for holding in account.holdings:
        if exchange.instruments[holding.key.instrument].settle != asset:
            continue
        gained = unrealised(exchange, holding)
        profit += gained
        maintenance += maintenance_of(exchange, holding)
        own += position_margin(exchange, account, holding)
        if holding.key.mode is MarginMode.CROSS:
            cross_profit += gained
        wallet += holding.margin
    isolated = sum(
        position_margin(exchange, account, holding) for holding in account.holdings
        if holding.key.mode is MarginMode.ISOLATED and exchange.instruments[holding.key.instrument].settle == asset
    )
    needed = initial_margin(exchange, account, asset)
    return Sums(
        wallet=wallet, cross_wallet=cross_wallet, profit=profit, cross_profit=cross_profit, maintenance=maintenance,
        position_margin=own, order_margin=max(0, needed + isolated - own),
        available=available(exchange, account, asset),
    )


def assets_of(account: Account, exchange: Exchange) -> list[str]:
    """Return the assets that an account has to do with, its first one at the front."""
    settled = [instrument.settle for instrument in exchange.instruments]
    return list(dict.fromkeys([account.asset, *account.wallets, *settled]))


def account_v3(floor: Floor, call: Call) -> Json:
    """GET /fapi/v3/account: only what is held or has orders."""
    account = floor.account(call.account)
    return _totals(floor, account) | {
        "positions": account_rows(
            floor.exchange, account, floor.contracts.all, updated=floor.reports.updated[account.index]
        ),
    }


def account_v2(floor: Floor, call: Call) -> Json:
    """GET /fapi/v2/account: every position, flat ones too."""
    account = floor.account(call.account)
    head: Row = {
        "feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "updateTime": 0,
        "multiAssetsMargin": account.asset_mode is AssetMode.MULTI, "tradeGroupId": -1,
    }
    body = _totals(floor, account)
    assets = body["assets"]
    assert isinstance(assets, list), "the totals hold the assets as rows"
    body["assets"] = [{**row, "marginAvailable": True} for row in assets]
    return head | body | {
        "positions": account_rows_v2(
            floor.exchange, account, floor.contracts.all, updated=floor.reports.updated[account.index]
        ),
    }


def balance(floor: Floor, call: Call) -> Json:
    """GET /fapi/v2/balance and /fapi/v3/balance."""
    account = floor.account(call.account)
    rows: list[Json] = []
    for asset in assets_of(account, floor.exchange):
        own = sums(floor.exchange, account, asset)
        rows.append({
            "accountAlias": f"penstock{account.index}", "asset": asset, "balance": cash(own.wallet),
            "crossWalletBalance": cash(own.cross_wallet), "crossUnPnl": cash(own.cross_profit),
            "availableBalance": cash(own.available), "maxWithdrawAmount": cash(own.withdrawable),
            "marginAvailable": True, "updateTime": ms(floor.reports.updated[account.index]),
        })
    return rows


def position_risk_v3(floor: Floor, call: Call) -> Json:
    """GET /fapi/v3/positionRisk."""
    contracts = floor.contracts.asked_or_all(call.params)
    return risk_rows(
        floor.exchange, floor.account(call.account), contracts, updated=floor.reports.updated[call.account]
    )


def position_risk_v2(floor: Floor, call: Call) -> Json:
    """GET /fapi/v2/positionRisk."""
    contracts = floor.contracts.asked_or_all(call.params)
    return risk_rows_v2(
        floor.exchange, floor.account(call.account), contracts, updated=floor.reports.updated[call.account]
    )


def leverage_brackets(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/leverageBracket: tiers with their deductions."""
    return [
        {"symbol": contract.symbol, "notionalCoef": 1.0, "brackets": _brackets(contract)}
        for contract in floor.contracts.asked_or_all(call.params)
    ]


def symbol_config(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/symbolConfig."""
    account = floor.account(call.account)
    return [
        {
            "symbol": contract.symbol,
            "marginType": "ISOLATED" if account.mode_of(contract.index) is MarginMode.ISOLATED else "CROSSED",
            "isAutoAddMargin": False,
            "leverage": account.leverage_of(contract.index),
            "maxNotionalValue": str(contract.brackets.notional_max(account.leverage_of(contract.index)) // CASH_UNIT),
        }
        for contract in floor.contracts.asked_or_all(call.params)
    ]


def account_config(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/accountConfig."""
    account = floor.account(call.account)
    return {
        "feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": False,
        "dualSidePosition": account.position_mode.value == "hedge", "updateTime": 0,
        "multiAssetsMargin": account.asset_mode is AssetMode.MULTI, "tradeGroupId": -1,
    }


def commission_rate(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/commissionRate."""
    contract = floor.contracts.asked(call.params)
    rates = floor.exchange.fee_tiers[0]
    return {
        "symbol": contract.symbol, "makerCommissionRate": _rate(rates.maker), "takerCommissionRate": _rate(rates.taker),
    }


def api_restrictions(floor: Floor, call: Call) -> Json:
    """GET /sapi/v1/account/apiRestrictions: what the key may do; never withdraw."""
    return {
        "ipRestrict": False, "createTime": ms(floor.reports.updated[call.account]), "enableReading": True,
        "enableWithdrawals": False, "enableInternalTransfer": False, "enableMargin": False, "enableFutures": True,
        "permitsUniversalTransfer": False, "enableVanillaOptions": False, "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": False,
    }


def incomes(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/income: what moved the balances, oldest first."""
    params = call.params
    start, end = params.moment("startTime", 0), params.moment("endTime", floor.now)
    found = [
        income_row(number, income) for number, income in enumerate(floor.reports.incomes.of(call.account), 1)
        if start <= income.at <= end
        and params.text_or("incomeType", income.kind) == income.kind
        and params.text_or("symbol", income.symbol) == income.symbol
    ]
    limit = params.limit(100, 1_000)
    return found[:limit] if start else found[-limit:]


def _totals(floor: Floor, account: Account) -> Row:
    exchange = floor.exchange
    own = {asset: sums(exchange, account, asset) for asset in assets_of(account, exchange)}
    first = own[account.asset]
    if account.asset_mode is AssetMode.MULTI:
        pool = pool_totals(exchange, cross_pool(exchange, account, account.asset))
        wallet, equity, maintenance = pool.wallet, pool.equity, pool.maintenance
    else:
        wallet, equity, maintenance = first.wallet, first.equity, first.maintenance
    return {
        "totalInitialMargin": cash(first.initial_margin),
        "totalMaintMargin": cash(maintenance),
        "totalWalletBalance": cash(wallet),
        "totalUnrealizedProfit": cash(equity - wallet),
        "totalMarginBalance": cash(equity),
        "totalPositionInitialMargin": cash(first.position_margin),
        "totalOpenOrderInitialMargin": cash(first.order_margin),
        "totalCrossWalletBalance": cash(first.cross_wallet),
        "totalCrossUnPnl": cash(first.cross_profit),
        "availableBalance": cash(first.available),
        "maxWithdrawAmount": cash(first.withdrawable),
        "assets": [
            {
                "asset": asset,
                "walletBalance": cash(each.wallet),
                "unrealizedProfit": cash(each.profit),
                "marginBalance": cash(each.equity),
                "maintMargin": cash(each.maintenance),
                "initialMargin": cash(each.initial_margin),
                "positionInitialMargin": cash(each.position_margin),
                "openOrderInitialMargin": cash(each.order_margin),
                "crossWalletBalance": cash(each.cross_wallet),
                "crossUnPnl": cash(each.cross_profit),
                "availableBalance": cash(each.available),
                "maxWithdrawAmount": cash(each.withdrawable),
                "updateTime": ms(floor.reports.updated[account.index]),
            }
            for asset, each in own.items()
        ],
    }


def _brackets(contract: Contract) -> Json:
    table = contract.brackets
    floors = (0, *table.caps)
    return [
        {
            "bracket": place + 1,
            "initialLeverage": table.leverages[place],
            "notionalCap": table.caps[place] // CASH_UNIT,
            "notionalFloor": floors[place] // CASH_UNIT,
            "maintMarginRatio": table.rates[place] / TIERS_RATE_UNIT,
            "cum": table.cums[place] / CASH_UNIT,
        }
        for place in range(len(table.rates))
    ]


def _rate(rate: int) -> str:
    return quotient(rate, FEE_UNIT, 6)


def order_limits(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/rateLimit/order."""
    del call
    limits = floor.spec.limits
    return [
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": limits.orders_10s},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": limits.orders_1m},
    ]
