"""How the venue closes a pool that no longer covers its maintenance margin.

1. The open orders that share the pool are cancelled: of the whole cross account, or of the isolated instrument.
2. The position with the largest maintenance margin goes first, whole, as one immediate-or-cancel order at its
   bankruptcy price. What the market takes inside that price fills there.
3. The rest is taken over at the bankruptcy price: by the insurance fund, which sells it on at once and bears what
   the market takes beyond that price; or, when the fund cannot, by the accounts and others that gain most from
   the move (see ``paper.adl``).
4. A liquidation fee goes to the fund, never more than what is left.
5. Equity and maintenance are compared again after each position; the rest stays when it is covered.
6. A flat currency with less than nothing is brought to zero by the fund: even by an empty one, whose owner is the
   venue. Other collateral pays first.

An isolated position goes alone, at the bankruptcy price of its own margin.

Source: Binance FAQ "Binance Futures Liquidation Protocols" (updated 2024-05-29).
"""

from __future__ import annotations

from bot.domain.account import MarginMode
from bot.domain.events import CashMoved, FillOrigin, LiquidationStage, Liquidity, OrderFilled
from bot.domain.order import OrderStatus, Side
from paper import adl, collateral, warnings
from paper.exchange import Exchange, charge
from paper.holdings import book, direction
from paper.impact import depth
from paper.liquidity import Piece, facing, market_fill
from paper.margin import (
    Pool,
    bankruptcy_price,
    maintenance_of,
    must_liquidate,
    pool_asset,
    pool_totals,
    pools,
    unrealised,
)
from paper.orders import end
from paper.spec import AssetMode
from paper.state import Account, Holding

NAME_PREFIX = "autoclose-"           # Binance names liquidation orders so


def liquidate(exchange: Exchange, account: Account) -> None:
    """Close ``account`` out as far as needed, and whoever is drawn into it; warn those who are near.

    Nothing happens to a pool while its equity exceeds its maintenance margin.
    """
    waiting = [account]
    while waiting:                   # each round closes positions for good, so it ends
        judged = waiting.pop(0)
        if judged.asset_mode is AssetMode.MULTI:
            collateral.pay_debts(exchange, judged, worth_over=exchange.spec.auto_exchange_debt)
        while (pool := next((each for each in pools(exchange, judged) if must_liquidate(exchange, each)), None)):
            _cancel_orders(exchange, pool)
            waiting += _close(exchange, pool, max(pool.holdings, key=lambda holding: maintenance_of(exchange, holding)))
        cover_deficit(exchange, judged)
        warnings.warn(exchange, judged)


def cover_deficit(exchange: Exchange, account: Account) -> None:
    """Let the insurance fund pay what a flat currency owes."""
    if account.starting or all(amount >= 0 for amount in account.wallets.values()):
        return
    backing = {
        pool_asset(exchange, account, holding.key.instrument)
        for holding in account.holdings if holding.key.mode is MarginMode.CROSS
    }
    is_multi = account.asset_mode is AssetMode.MULTI
    if is_multi and account.asset in backing:
        return
    if is_multi:
        collateral.pay_debts(exchange, account, worth_over=0)
    for asset in sorted(asset for asset, amount in account.wallets.items() if amount < 0 and asset not in backing):
        deficit = -account.wallets[asset]
        account.pay(asset, deficit)
        exchange.ledger(asset).insurance -= deficit
        stamp = exchange.fill_stamp(account)
        exchange.tell(account, CashMoved(exchange.told, stamp, account.index, asset, deficit, "insurance fund"))


def fund_gain(*, side: Side, bankrupt_value: int, market_value: int, gains_with_value: int) -> int:
    """Return what the fund makes of a position taken over at its bankruptcy price, cash; negative is a loss.

    ``side`` is that of the order that closes it; ``gains_with_value`` is +1 for linear contracts, -1 for inverse.
    """
    return (bankrupt_value - market_value) * side.sign * gains_with_value


def _cancel_orders(exchange: Exchange, pool: Pool) -> None:
    account = pool.account
    own = pool.holdings[0].key.instrument
    for order in [*account.resting.values(), *account.conditional.values()]:
        index = order.request.key.instrument
        if index == own or (
            not pool.isolated and account.mode_of(index) is MarginMode.CROSS
            and pool_asset(exchange, account, index) == pool.asset
        ):
            end(exchange, account, order, OrderStatus.CANCELED)


def _close(exchange: Exchange, pool: Pool, holding: Holding) -> list[Account]:
    """Close one holding of a pool whole; return the other accounts whose positions were used for it."""
    key = holding.key
    instrument = exchange.instruments[key.instrument]
    side = Side.SELL if holding.quantity > 0 else Side.BUY
    bankrupt = bankruptcy_price(exchange, pool, holding)
    exchange.state.autocloses += 1
    name = f"{NAME_PREFIX}{exchange.state.autocloses}"
    rest = abs(holding.quantity)
    value = fee = 0
    for piece in _inside(exchange, key.instrument, side=side, quantity=rest, limit=bankrupt):
        rest -= piece.quantity
        value += instrument.value(price=piece.price, quantity=piece.quantity)
        fee += _fill(exchange, pool, holding, name, side=side, piece=piece)
    touched: list[Account] = []
    if rest:
        value += instrument.value(price=bankrupt, quantity=rest)
        fee += _fill(exchange, pool, holding, name, side=side, piece=Piece(bankrupt, rest, modelled=True))
        if _fund_bears(exchange, key.instrument, side=side, quantity=rest, bankrupt=bankrupt):
            _sell_on(exchange, key.instrument, side=side, quantity=rest, bankrupt=bankrupt)
        else:
            touched = adl.deleverage(exchange, key, side=side, quantity=rest, price=bankrupt)
    account = pool.account
    exchange.tell(account, LiquidationStage(exchange.told, account.index, key, value, fee, "liquidation"))
    return touched


def _fill(
    exchange: Exchange, pool: Pool, holding: Holding, name: str, *, side: Side, piece: Piece
) -> int:
    """Book and report one fill of a liquidation order; return the fee."""
    account = pool.account
    key = holding.key
    settle = exchange.instruments[key.instrument].settle
    value = exchange.instruments[key.instrument].value(price=piece.price, quantity=piece.quantity)
    equity = pool_totals(exchange, pool).equity
    before = unrealised(exchange, holding)
    profit = book(exchange, account, key, signed=piece.quantity * side.sign, price=piece.price, fee=0)
    after = unrealised(exchange, holding) if holding.quantity else 0
    left = equity + profit + after - before
    fee = max(0, min(charge(value, exchange.liquidation_fees[key.instrument]), left))
    account.pay(settle, -fee)
    exchange.ledger(settle).insurance += fee
    exchange.tell(
        account,
        OrderFilled(
            now=exchange.told,
            stamp=exchange.fill_stamp(account),
            account=account.index,
            name=name,
            trade_id=exchange.next_trade_id(),
            key=key,
            side=side,
            price=piece.price,
            quantity=piece.quantity,
            fee=fee,
            liquidity=Liquidity.TAKER,
            origin=FillOrigin.LIQUIDATION,
            modelled=piece.modelled,
        ),
    )
    return fee


def _inside(exchange: Exchange, index: int, *, side: Side, quantity: int, limit: int) -> list[Piece]:
    """Take what the market has at ``limit`` or better; before any print that is everything, at the mark."""
    supply = facing(exchange, index, side)
    if supply is not None:
        within = supply.within(limit)
        return supply.take(quantity if within is None else min(quantity, within), limit)
    mark = exchange.mark_of_held(index)
    return [Piece(mark, quantity, modelled=True)] if (mark - limit) * side.sign <= 0 else []


def _fund_bears(exchange: Exchange, index: int, *, side: Side, quantity: int, bankrupt: int) -> bool:
    """True when the fund can bear what selling a position on would cost it, as the model prices that."""
    instrument = exchange.instruments[index]
    fund = exchange.fund(instrument.settle)
    if fund is None:
        return True
    met = depth(exchange.markets[index], instrument, exchange.spec.impact, side=side, now=exchange.at)
    price = exchange.mark_of_held(index) if met is None else met.price(quantity)
    gain = fund_gain(
        side=side,
        bankrupt_value=instrument.value(price=bankrupt, quantity=quantity),
        market_value=instrument.value(price=price, quantity=quantity),
        gains_with_value=direction(instrument),
    )
    return fund + gain >= 0


def _sell_on(exchange: Exchange, index: int, *, side: Side, quantity: int, bankrupt: int) -> None:
    """Let the fund, which took a position over at ``bankrupt``, close it in the market at any price."""
    instrument = exchange.instruments[index]
    pieces = market_fill(exchange, index, side=side, quantity=quantity)
    pieces = pieces or [Piece(exchange.mark_of_held(index), quantity, modelled=True)]
    gain = fund_gain(
        side=side,
        bankrupt_value=instrument.value(price=bankrupt, quantity=quantity),
        market_value=sum(instrument.value(price=piece.price, quantity=piece.quantity) for piece in pieces),
        gains_with_value=direction(instrument),
    )
    ledger = exchange.ledger(instrument.settle)
    ledger.insurance += gain
    ledger.counterparty -= gain
