"""What an account holds, as the venue's pages show it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.account import MarginMode, PositionKey, PositionSide
from paper.exchange import Exchange
from paper.margin import maintenance_of, notional_asked, unrealised, value_at_mark
from paper.opening import LEGS
from paper.state import Account, Holding
from paper.wire.closeout import closeout_price
from paper.wire.contracts import Contract
from paper.wire.values import Row, cash, ms, quotient

POSITION_SIDES = {PositionSide.NET: "BOTH", PositionSide.LONG: "LONG", PositionSide.SHORT: "SHORT"}
ENTRY_DIGITS_MORE = 4


def entry_price(contract: Contract, holding: Holding) -> str:
    """Return the average entry price as text."""
    whole = contract.instrument.value_multiplier * holding.quantity * 10**contract.price_digits
    return quotient(holding.entry_value, whole, contract.price_digits + ENTRY_DIGITS_MORE)


def held_of(account: Account, contract: Contract) -> list[Holding]:
    """Return the account's holdings of a contract."""
    return [holding for holding in account.holdings if holding.key.instrument == contract.index]


def position_margin(exchange: Exchange, account: Account, holding: Holding) -> int:
    """Return the initial margin of a position, cash, rounded up."""
    return -(-abs(value_at_mark(exchange, holding)) // account.leverage_of(holding.key.instrument))


def order_margin(exchange: Exchange, account: Account, contract: Contract) -> int:
    """Return the initial margin of a contract's open orders, cash, rounded up."""
    held, most = notional_asked(exchange, account, contract.index)
    return -(-(most - held) // account.leverage_of(contract.index))


def risk_rows(exchange: Exchange, account: Account, contracts: Sequence[Contract], *, updated: int) -> list[Row]:
    """Return GET /fapi/v3/positionRisk: what is held, and flat contracts with open orders."""
    found: list[Row] = []
    for contract in contracts:
        held = held_of(account, contract)
        asked = order_margin(exchange, account, contract)
        found += [_risk(exchange, account, contract, holding, asked, updated) for holding in held]
        if asked and not held:
            found.append(_flat(exchange, contract, account, asked, updated))
    return found


def risk_rows_v2(exchange: Exchange, account: Account, contracts: Sequence[Contract], *, updated: int) -> list[Row]:
    """Return GET /fapi/v2/positionRisk: every leg of every contract, flat ones too."""
    found: list[Row] = []
    for contract in contracts:
        held = {holding.key.side: holding for holding in held_of(account, contract)}
        for side in LEGS[account.position_mode]:
            holding = held.get(side)
            row = (
                _flat(exchange, contract, account, 0, 0, side) if holding is None
                else _risk(exchange, account, contract, holding, 0, updated)
            )
            for name in ("initialMargin", "maintMargin", "positionInitialMargin", "openOrderInitialMargin", "adl",
                         "bidNotional", "askNotional", "marginAsset"):
                del row[name]
            leverage = account.leverage_of(contract.index)
            found.append(row | {
                "leverage": str(leverage),
                "maxNotionalValue": str(contract.brackets.notional_max(leverage) // 10**8),
                "marginType": account.mode_of(contract.index).value,
                "isAutoAddMargin": "false",
            })
    return found


def account_rows(exchange: Exchange, account: Account, contracts: Sequence[Contract], *, updated: int) -> list[Row]:
    """Return the positions of GET /fapi/v3/account."""
    found: list[Row] = []
    for contract in contracts:
        for holding in held_of(account, contract):
            found.append({
                "symbol": contract.symbol,
                "positionSide": POSITION_SIDES[holding.key.side],
                "positionAmt": contract.quantity(holding.quantity),
                "unrealizedProfit": cash(unrealised(exchange, holding)),
                "isolatedMargin": cash(isolated_margin(exchange, holding)),
                "notional": cash(value_at_mark(exchange, holding)),
                "isolatedWallet": cash(holding.margin),
                "initialMargin": cash(position_margin(exchange, account, holding)),
                "maintMargin": cash(maintenance_of(exchange, holding)),
                "updateTime": ms(updated),
            })
    return found


def account_rows_v2(exchange: Exchange, account: Account, contracts: Sequence[Contract], *, updated: int) -> list[Row]:
    """Return the positions of GET /fapi/v2/account: every leg of every contract."""
    found: list[Row] = []
    for contract in contracts:
        held = {holding.key.side: holding for holding in held_of(account, contract)}
        asked = order_margin(exchange, account, contract)
        leverage = account.leverage_of(contract.index)
        for side in LEGS[account.position_mode]:
            holding = held.get(side)
            own = 0 if holding is None else position_margin(exchange, account, holding)
            found.append({
                "symbol": contract.symbol,
                "initialMargin": cash(own + asked),
                "maintMargin": cash(0 if holding is None else maintenance_of(exchange, holding)),
                "unrealizedProfit": cash(0 if holding is None else unrealised(exchange, holding)),
                "positionInitialMargin": cash(own),
                "openOrderInitialMargin": cash(asked),
                "leverage": str(leverage),
                "isolated": account.mode_of(contract.index) is MarginMode.ISOLATED,
                "entryPrice": contract.price(0) if holding is None else entry_price(contract, holding),
                "maxNotional": str(contract.brackets.notional_max(leverage) // 10**8),
                "bidNotional": "0",
                "askNotional": "0",
                "positionSide": POSITION_SIDES[side],
                "positionAmt": contract.quantity(0 if holding is None else holding.quantity),
                "updateTime": ms(updated) if holding is not None else 0,
            })
    return found


def isolated_margin(exchange: Exchange, holding: Holding) -> int:
    """Return what stands behind an isolated position, its profit included; 0 for a cross one."""
    return holding.margin + unrealised(exchange, holding) if holding.key.mode is MarginMode.ISOLATED else 0


def _risk(
    exchange: Exchange, account: Account, contract: Contract, holding: Holding, asked: int, updated: int
) -> Row:
    own = position_margin(exchange, account, holding)
    entry = entry_price(contract, holding)
    return {
        "symbol": contract.symbol,
        "positionSide": POSITION_SIDES[holding.key.side],
        "positionAmt": contract.quantity(holding.quantity),
        "entryPrice": entry,
        "breakEvenPrice": entry,
        "markPrice": contract.price(exchange.mark(contract.index)),
        "unRealizedProfit": cash(unrealised(exchange, holding)),
        "liquidationPrice": contract.price(closeout_price(exchange, account, holding)),
        "isolatedMargin": cash(isolated_margin(exchange, holding)),
        "notional": cash(value_at_mark(exchange, holding)),
        "marginAsset": contract.instrument.settle,
        "isolatedWallet": cash(holding.margin),
        "initialMargin": cash(own + asked),
        "maintMargin": cash(maintenance_of(exchange, holding)),
        "positionInitialMargin": cash(own),
        "openOrderInitialMargin": cash(asked),
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": ms(updated),
    }


def _flat(
    exchange: Exchange, contract: Contract, account: Account, asked: int, updated: int,
    side: PositionSide = PositionSide.NET,
) -> Row:
    """Return the row of a contract in which nothing is held."""
    key = PositionKey(account.index, contract.index, side, account.mode_of(contract.index))
    row = {
        name: cash(0)
        for name in ("unRealizedProfit", "isolatedMargin", "notional", "isolatedWallet", "maintMargin",
                     "positionInitialMargin")
    }
    return {
        "symbol": contract.symbol,
        "positionSide": POSITION_SIDES[key.side],
        "positionAmt": contract.quantity(0),
        "entryPrice": contract.price(0),
        "breakEvenPrice": contract.price(0),
        "markPrice": contract.price(exchange.mark(contract.index)),
        "liquidationPrice": contract.price(0),
        "marginAsset": contract.instrument.settle,
        "initialMargin": cash(asked),
        "openOrderInitialMargin": cash(asked),
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": ms(updated),
        **row,
    }
