"""Cross margin of one account as Binance counts it, and how far prices may move before it must be counted again.

    equity       wallet + sum of (quantity x mark - entry value)
    maintenance  sum of (notional x rate - cum) by bracket
    initial      per instrument max(|position + buys|, |position - sells|) / leverage, reduce-only left out
    liquidated   when equity <= maintenance and something is held

Source: Binance FAQ "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts" and "Leverage and Margin of
USDⓈ-M Futures", retrieved 2024-10-24. Nothing is kept up incrementally: totals are summed from what is held
whenever they are asked for, and ``quiet_range`` says how long nobody needs to ask.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.order import OrderRequest, Side
from paper.exchange import Exchange
from paper.state import NEVER, Account, Holding


@dataclass(frozen=True, slots=True)
class Totals:
    """An account in cash units."""

    wallet: int
    equity: int
    maintenance: int


def totals(exchange: Exchange, account: Account) -> Totals:
    """Return the totals of ``account`` at the present marks."""
    equity = account.wallet
    maintenance = 0
    for holding in account.holdings:
        equity += unrealised(exchange, holding)
        maintenance += maintenance_of(exchange, holding)
    return Totals(account.wallet, equity, maintenance)


def value_at_mark(exchange: Exchange, holding: Holding) -> int:
    """Return quantity x mark, signed, cash."""
    index = holding.key.instrument
    return exchange.instruments[index].value(price=exchange.mark_of_held(index), quantity=holding.quantity)


def unrealised(exchange: Exchange, holding: Holding) -> int:
    """Return the profit that closing at the mark would realise."""
    return value_at_mark(exchange, holding) - holding.entry_value


def maintenance_of(exchange: Exchange, holding: Holding) -> int:
    """Return the maintenance margin of one holding."""
    return exchange.brackets[holding.key.instrument].maintenance(abs(value_at_mark(exchange, holding)))


def must_liquidate(exchange: Exchange, account: Account) -> bool:
    """True when equity does not exceed maintenance margin; never before all starting positions are held."""
    if account.starting or not account.holdings:
        return False
    now = totals(exchange, account)
    return now.equity <= now.maintenance


def bankruptcy_price(exchange: Exchange, account: Account, holding: Holding) -> int:
    """Return the price at which closing ``holding`` leaves no equity, the others staying at their marks.

    Rounded so that what is left is not negative; at least one price unit.
    """
    others = totals(exchange, account).equity - unrealised(exchange, holding)
    wanted = holding.entry_value - others
    unit = exchange.instruments[holding.key.instrument].value_multiplier * abs(holding.quantity)
    price = -(-wanted // unit) if holding.quantity > 0 else -wanted // unit
    return max(1, price)


def initial_margin(exchange: Exchange, account: Account, extra: OrderRequest | None = None) -> int:
    """Return the initial margin of positions and resting orders, with ``extra`` as if it rested too."""
    buys: dict[int, int] = {}
    sells: dict[int, int] = {}
    asked = [(order.request, order.leaves) for order in account.resting.values()]
    if extra is not None:
        asked.append((extra, extra.quantity))
    for request, leaves in asked:
        if request.reduce_only or request.limit_price is None:
            continue
        index = request.key.instrument
        value = exchange.instruments[index].value(price=request.limit_price, quantity=leaves)
        book = buys if request.side is Side.BUY else sells
        book[index] = book.get(index, 0) + value
    held = {holding.key.instrument: value_at_mark(exchange, holding) for holding in account.holdings}
    exposure = 0
    for index in {**held, **buys, **sells}:
        value = held.get(index, 0)
        exposure += max(abs(value + buys.get(index, 0)), abs(value - sells.get(index, 0)))
    return -(-exposure // account.leverage)


def quiet_range(exchange: Exchange, account: Account, holding: Holding, slack: int) -> tuple[int, int]:
    """Return the open range of marks in which this holding cannot use up its share of the account's slack.

    ``slack`` is equity less maintenance at the present marks, divided evenly among the holdings. A long
    loses at most its value's fall; a short at most twice its value's rise, since the maintenance rate
    stays below one. One cash unit covers the rounding of maintenance. While every mark stays inside its
    range, equity stays above maintenance, so skipping the sum changes nothing.
    """
    mark = exchange.mark_of_held(holding.key.instrument)
    share = max(0, slack // len(account.holdings) - 1)
    unit = exchange.instruments[holding.key.instrument].value_multiplier * abs(holding.quantity)
    if holding.quantity > 0:
        return mark - share // unit, NEVER
    return 0, mark + share // (2 * unit)
