"""How the venue closes an account that no longer covers its maintenance margin.

1. All open orders of the account are cancelled.
2. The position with the largest maintenance margin goes first, whole, as one immediate-or-cancel order at its
   bankruptcy price. Where the modelled market is better than that, it fills there; otherwise the insurance fund
   takes the position at the bankruptcy price and bears what the market takes beyond it.
3. A liquidation fee goes to the fund, never more than what is left.
4. Equity and maintenance are compared again after each position; the rest stays when it is covered.
5. A flat account with less than nothing is brought to zero by the fund.

Source: Binance FAQ "Binance Futures Liquidation Protocols" (updated 2024-05-29). The fund is unlimited here.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.events import CashMoved, FillOrigin, LiquidationStage, Liquidity, OrderFilled
from bot.domain.order import OrderStatus, Side
from paper.exchange import Exchange, charge
from paper.holdings import trade
from paper.impact import depth, remember
from paper.margin import bankruptcy_price, maintenance_of, must_liquidate, totals
from paper.state import Account, Holding, Order

NAME_PREFIX = "autoclose-"           # Binance names liquidation orders so
EndOrder = Callable[[Exchange, Account, Order, OrderStatus], None]


def liquidate(exchange: Exchange, account: Account, end_order: EndOrder) -> None:
    """Close ``account`` out as far as needed; nothing happens while equity exceeds maintenance margin."""
    if not must_liquidate(exchange, account):
        return
    for order in list(account.resting.values()):
        end_order(exchange, account, order, OrderStatus.CANCELED)
    while must_liquidate(exchange, account):
        _close(exchange, account, max(account.holdings, key=lambda holding: maintenance_of(exchange, holding)))
    cover_deficit(exchange, account)


def cover_deficit(exchange: Exchange, account: Account) -> None:
    """Let the insurance fund pay what a flat account owes."""
    if account.wallet >= 0 or account.holdings or account.starting:
        return
    deficit = -account.wallet
    account.wallet = 0
    exchange.state.ledger.insurance -= deficit
    exchange.report(CashMoved(exchange.told, account.index, account.asset, deficit, "insurance fund"))


def _close(exchange: Exchange, account: Account, holding: Holding) -> None:
    key = holding.key
    instrument = exchange.instruments[key.instrument]
    side = Side.SELL if holding.quantity > 0 else Side.BUY
    quantity = abs(holding.quantity)
    bankrupt = bankruptcy_price(exchange, account, holding)
    market_price = _market_price(exchange, holding, side)
    price = max(bankrupt, market_price) if side is Side.SELL else min(bankrupt, market_price)
    value = instrument.value(price=price, quantity=quantity)
    market_value = instrument.value(price=market_price, quantity=quantity)

    profit = trade(account, key, instrument, signed=quantity * side.sign, price=price)
    account.wallet += profit
    left = max(0, totals(exchange, account).equity)
    fee = min(charge(value, exchange.liquidation_fees[key.instrument]), left)
    account.wallet -= fee
    ledger = exchange.state.ledger
    ledger.insurance += fee + (value - market_value) * side.sign     # sold to the fund above market: its loss
    ledger.counterparty += market_value * side.sign
    exchange.state.autocloses += 1
    exchange.report(
        OrderFilled(
            now=exchange.told,
            stamp=exchange.fill_stamp(account),
            account=account.index,
            name=f"{NAME_PREFIX}{exchange.state.autocloses}",
            trade_id=exchange.next_trade_id(),
            key=key,
            side=side,
            price=price,
            quantity=quantity,
            fee=fee,
            liquidity=Liquidity.TAKER,
            origin=FillOrigin.LIQUIDATION,
            modelled=True,
        )
    )
    exchange.report(LiquidationStage(exchange.told, account.index, key, value, fee, "liquidation"))


def _market_price(exchange: Exchange, holding: Holding, side: Side) -> int:
    """Return the modelled average price of the whole holding; the mark where no price was printed."""
    index = holding.key.instrument
    quantity = abs(holding.quantity)
    market = exchange.markets[index]
    spec = exchange.spec.impact
    met = depth(market, exchange.instruments[index], spec, side=side, now=exchange.at)
    if met is None:
        return exchange.mark_of_held(index)
    remember(market, spec, side=side, quantity=quantity, now=exchange.at)
    return met.price(quantity)
