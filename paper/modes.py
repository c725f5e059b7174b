"""What a client may set: margin mode, position mode, leverage, and the margin of an isolated position.

Each request is made whole or refused with Binance's code ("Error Codes", USDⓈ-M futures, read 2024). Binance ties
isolated margin to single-asset mode, and lets leverage of an open isolated position only rise.
"""

from __future__ import annotations

from bot.domain.account import MarginMode
from bot.domain.events import SettingAnswered
from paper.admission import POSITION_TOO_LARGE, UNKNOWN_SYMBOL, Refusal
from paper.exchange import Exchange
from paper.holdings import find
from paper.margin import available, cross_pool, initial_margin, notional_asked, pool_asset, pool_totals, unrealised
from paper.messages import AddMargin, SetLeverage, SetMarginMode, SetPositionMode, Setting
from paper.spec import AssetMode
from paper.state import Account

LEVERAGE_TOO_LOW = Refusal("-2028", "Leverage is smaller than permitted: insufficient margin balance.")
LEVERAGE_INVALID = Refusal("-4028", "Leverage is not valid.")
SAME_MARGIN_MODE = Refusal("-4046", "No need to change margin type.")
MARGIN_MODE_WITH_ORDERS = Refusal("-4047", "Margin type cannot be changed if there exists open orders.")
MARGIN_MODE_WITH_POSITION = Refusal("-4048", "Margin type cannot be changed if there exists position.")
NOT_ISOLATED = Refusal("-4049", "Add margin only support for isolated position.")
WALLET_INSUFFICIENT = Refusal("-4050", "Cross balance insufficient.")
ISOLATED_INSUFFICIENT = Refusal("-4051", "Isolated balance insufficient.")
NO_POSITION = Refusal("-4054", "Cannot add position margin: position is 0.")
AMOUNT_NOT_POSITIVE = Refusal("-4055", "Amount must be positive.")
SAME_POSITION_MODE = Refusal("-4059", "No need to change position side.")
POSITION_MODE_WITH_ORDERS = Refusal("-4067", "Position side cannot be changed if there exists open orders.")
POSITION_MODE_WITH_POSITION = Refusal("-4068", "Position side cannot be changed if there exists position.")
LEVERAGE_OF_ISOLATED = Refusal(
    "-4161", "Leverage reduction is not supported in Isolated Margin Mode with open positions."
)
ISOLATED_IN_MULTI_ASSETS = Refusal(
    "-4168", "Unable to adjust to isolated-margin mode under the Multi-Assets mode."
)


def change(exchange: Exchange, account: Account, setting: Setting) -> None:
    """Make a change, or refuse it, and tell the client."""
    refused = _change(exchange, account, setting)
    code, detail = (None, "done") if refused is None else (refused.code, refused.detail)
    exchange.report(SettingAnswered(exchange.told, account.index, code, detail))


def _change(exchange: Exchange, account: Account, setting: Setting) -> Refusal | None:
    if isinstance(setting, SetPositionMode):
        return _set_position_mode(account, setting)
    index = setting.key.instrument if isinstance(setting, AddMargin) else setting.instrument
    if not 0 <= index < len(exchange.instruments):
        return UNKNOWN_SYMBOL
    match setting:
        case SetMarginMode():
            return _set_margin_mode(account, setting)
        case SetLeverage():
            return _set_leverage(exchange, account, setting)
        case AddMargin():
            return _add_margin(exchange, account, setting)


def _set_position_mode(account: Account, setting: SetPositionMode) -> Refusal | None:
    if account.position_mode is setting.mode:
        return SAME_POSITION_MODE
    if account.resting or account.conditional:
        return POSITION_MODE_WITH_ORDERS
    if account.holdings or account.starting:
        return POSITION_MODE_WITH_POSITION
    account.position_mode = setting.mode
    return None


def _set_margin_mode(account: Account, setting: SetMarginMode) -> Refusal | None:
    index = setting.instrument
    if account.asset_mode is AssetMode.MULTI:
        return ISOLATED_IN_MULTI_ASSETS
    if account.mode_of(index) is setting.mode:
        return SAME_MARGIN_MODE
    if _has_orders(account, index):
        return MARGIN_MODE_WITH_ORDERS
    if _has_position(account, index):
        return MARGIN_MODE_WITH_POSITION
    if setting.mode is MarginMode.ISOLATED:
        account.isolated = sorted([*account.isolated, index])
    else:
        account.isolated.remove(index)
    return None


def _set_leverage(exchange: Exchange, account: Account, setting: SetLeverage) -> Refusal | None:
    index, leverage = setting.instrument, setting.leverage
    brackets = exchange.brackets[index]
    before = account.leverage_of(index)
    if not 1 <= leverage <= brackets.leverage_max:
        return LEVERAGE_INVALID
    if leverage < before and account.mode_of(index) is MarginMode.ISOLATED and _has_position(account, index):
        return LEVERAGE_OF_ISOLATED
    _, most = notional_asked(exchange, account, index)
    if most > brackets.notional_max(leverage):
        return POSITION_TOO_LARGE
    account.leverages[index] = leverage
    if leverage < before and most:
        asset = pool_asset(exchange, account, index)
        equity = pool_totals(exchange, cross_pool(exchange, account, asset)).equity
        if initial_margin(exchange, account, asset) > max(0, equity):
            account.leverages[index] = before
            return LEVERAGE_TOO_LOW
    return None


def _add_margin(exchange: Exchange, account: Account, setting: AddMargin) -> Refusal | None:
    if setting.amount == 0:
        return AMOUNT_NOT_POSITIVE
    if setting.key.mode is not MarginMode.ISOLATED:
        return NOT_ISOLATED
    holding = find(account, setting.key)
    if holding is None:
        return NO_POSITION
    asset = exchange.instruments[setting.key.instrument].settle
    if setting.amount > available(exchange, account, asset):
        return WALLET_INSUFFICIENT
    if setting.amount < 0:
        index = setting.key.instrument
        held, _ = notional_asked(exchange, account, index)
        least = -(-held // account.leverage_of(index))
        free = holding.margin + min(0, unrealised(exchange, holding)) - least
        if -setting.amount > free:
            return ISOLATED_INSUFFICIENT
    account.pay(asset, -setting.amount)
    holding.margin += setting.amount
    return None


def _has_orders(account: Account, index: int) -> bool:
    orders = [*account.resting.values(), *account.conditional.values()]
    return any(order.request.key.instrument == index for order in orders)


def _has_position(account: Account, index: int) -> bool:
    keys = [holding.key for holding in account.holdings] + [starting.key for starting in account.starting]
    return any(key.instrument == index for key in keys)
