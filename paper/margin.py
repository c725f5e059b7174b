"""Margin as Binance counts it, and how far prices may move before it must be counted again.

What is liquidated together is a *pool*: the cross holdings of one settlement currency with the wallet of that
currency (in multi-assets mode all linear ones with all wallets), or one isolated holding with its own margin.

    equity       cash of the pool + sum of profits at the mark
    maintenance  sum of (notional x rate - cum) by bracket; of two legs each has its own
    initial      per instrument the worse of (position + buys) and (position - sells), or the sum of both legs,
                 over its leverage; what can only close is left out; isolated positions have theirs already
    liquidated   when equity <= maintenance and something is held

An inverse contract is worth contracts x size / price in its coin, and so are its margins.

Source: Binance FAQ "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts" (both legs of hedge mode have a
term with their own rate and amount there), "Leverage and Margin of USDⓈ-M Futures" and "... of COIN-M Futures",
retrieved 2024-10-24. Nothing is kept up incrementally: totals are summed from what is held whenever they are asked
for, and ``quiet_range`` says how long nobody needs to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from bot.domain.account import MarginMode, PositionSide
from bot.domain.instrument import InstrumentKind
from bot.domain.order import OrderRequest, Side
from paper import collateral
from paper.exchange import RATE_UNIT, Exchange, rate_units
from paper.holdings import closes_only
from paper.spec import AssetMode
from paper.state import NEVER, Account, Holding

INVERSE_REACH = 10                   # a bankruptcy price of an inverse contract is sought within 10x of the mark


@dataclass(frozen=True, slots=True)
class Totals:
    """An account or a pool in cash units."""

    wallet: int
    equity: int
    maintenance: int


@dataclass(frozen=True, slots=True)
class Pool:
    """What is liquidated together; ``asset`` is what its totals are counted in."""

    account: Account
    asset: str
    holdings: tuple[Holding, ...]
    isolated: bool

    @property
    def takes_all_wallets(self) -> bool:
        """True when every wallet of the account backs it."""
        return not self.isolated and self.account.asset_mode is AssetMode.MULTI and self.asset == self.account.asset


def pool_asset(exchange: Exchange, account: Account, index: int) -> str:
    """Return the currency in which the margin of an instrument is counted."""
    instrument = exchange.instruments[index]
    if account.asset_mode is AssetMode.MULTI and instrument.kind is InstrumentKind.LINEAR:
        return account.asset
    return instrument.settle


def pools(exchange: Exchange, account: Account) -> list[Pool]:
    """Return the pools in which something is held: the cross ones, then the isolated ones, by age."""
    cross: dict[str, list[Holding]] = {}
    isolated: list[Pool] = []
    for holding in account.holdings:
        asset = pool_asset(exchange, account, holding.key.instrument)
        if holding.key.mode is MarginMode.ISOLATED:
            isolated.append(Pool(account, asset, (holding,), isolated=True))
        else:
            cross.setdefault(asset, []).append(holding)
    return [Pool(account, asset, tuple(held), isolated=False) for asset, held in cross.items()] + isolated


def cross_pool(exchange: Exchange, account: Account, asset: str) -> Pool:
    """Return the cross pool of a currency, also when nothing is held in it."""
    held = tuple(
        holding for holding in account.holdings
        if holding.key.mode is MarginMode.CROSS and pool_asset(exchange, account, holding.key.instrument) == asset
    )
    return Pool(account, asset, held, isolated=False)


def pool_totals(exchange: Exchange, pool: Pool) -> Totals:
    """Return the totals of a pool at the present marks."""
    wallet = equity = _cash(exchange, pool)
    maintenance = 0
    for holding in pool.holdings:
        equity += _counted(exchange, pool, holding, unrealised(exchange, holding))
        maintenance -= _counted(exchange, pool, holding, -maintenance_of(exchange, holding))
    return Totals(wallet, equity, maintenance)


def totals(exchange: Exchange, account: Account) -> Totals:
    """Return the totals of an account in its first asset at the present marks, isolated positions included."""
    found = pool_totals(exchange, cross_pool(exchange, account, account.asset))
    wallet, equity, maintenance = found.wallet, found.equity, found.maintenance
    for pool in pools(exchange, account):
        if pool.isolated and pool.asset == account.asset:
            own = pool_totals(exchange, pool)
            wallet += own.wallet
            equity += own.equity
            maintenance += own.maintenance
    return Totals(wallet, equity, maintenance)


def value_at_mark(exchange: Exchange, holding: Holding) -> int:
    """Return what the holding is worth at the mark, signed like it, cash of its settlement currency."""
    index = holding.key.instrument
    return exchange.instruments[index].value(price=exchange.mark_of_held(index), quantity=holding.quantity)


def unrealised(exchange: Exchange, holding: Holding) -> int:
    """Return the profit that closing at the mark would realise."""
    instrument = exchange.instruments[holding.key.instrument]
    return instrument.profit(entry_value=holding.entry_value, value=value_at_mark(exchange, holding))


def maintenance_of(exchange: Exchange, holding: Holding) -> int:
    """Return the maintenance margin of one holding."""
    return exchange.brackets[holding.key.instrument].maintenance(abs(value_at_mark(exchange, holding)))


def must_liquidate(exchange: Exchange, pool: Pool) -> bool:
    """True when equity does not exceed maintenance margin; never before all starting positions are held."""
    if pool.account.starting or not pool.holdings:
        return False
    now = pool_totals(exchange, pool)
    return now.equity <= now.maintenance


def bankruptcy_price(exchange: Exchange, pool: Pool, holding: Holding) -> int:
    """Return the price at which closing ``holding`` leaves no equity, the others staying at their marks.

    Rounded so that what is left is not negative; at least one price unit. An inverse contract's is kept within
    ten times the mark either way: below no price, or above none, is there another answer.
    """
    profit = _counted(exchange, pool, holding, unrealised(exchange, holding))
    others = pool_totals(exchange, pool).equity - profit
    instrument = exchange.instruments[holding.key.instrument]
    if instrument.settle != pool.asset:
        others = others * RATE_UNIT // collateral.convert(exchange, pool.account, instrument.settle, RATE_UNIT)
    whole = instrument.value_multiplier * abs(holding.quantity)
    if instrument.kind is InstrumentKind.INVERSE:
        mark = exchange.mark_of_held(holding.key.instrument)
        worth = max(1, (holding.entry_value + others) * (1 if holding.quantity > 0 else -1))
        price = -(-whole // worth) if holding.quantity > 0 else whole // worth
        return min(max(price, mark // INVERSE_REACH, 1), mark * INVERSE_REACH)
    wanted = holding.entry_value - others
    price = -(-wanted // whole) if holding.quantity > 0 else -wanted // whole
    return max(1, price)


def notional_asked(
    exchange: Exchange, account: Account, index: int, extra: OrderRequest | None = None
) -> tuple[int, int]:
    """Return the unsigned notional held of an instrument, and the most that its open orders can make of it.

    ``extra`` counts as if it rested too; what can only close is left out. What waits for its trigger does not rest yet.
    """
    instrument = exchange.instruments[index]
    held = dict.fromkeys(PositionSide, 0)
    buys = dict.fromkeys(PositionSide, 0)
    sells = dict.fromkeys(PositionSide, 0)
    for holding in account.holdings:
        if holding.key.instrument == index:
            held[holding.key.side] += value_at_mark(exchange, holding)
    asked = [(order.request, order.leaves) for order in account.resting.values()]
    if extra is not None and extra.trigger_price is None:
        asked.append((extra, extra.quantity))
    for request, leaves in asked:
        if request.key.instrument != index or closes_only(request):
            continue
        price = exchange.mark(index) if request.limit_price is None else request.limit_price
        book = buys if request.side is Side.BUY else sells
        book[request.key.side] += instrument.value(price=price or 1, quantity=leaves)
    most = sum(max(abs(held[leg] + buys[leg]), abs(held[leg] - sells[leg])) for leg in PositionSide)
    return sum(abs(held[leg]) for leg in PositionSide), most


def initial_margin(exchange: Exchange, account: Account, asset: str, extra: OrderRequest | None = None) -> int:
    """Return the initial margin that the cross pool of ``asset`` must show for positions and open orders.

    Of an isolated instrument only what its orders would add: its position has its margin already.
    """
    indexes = [holding.key.instrument for holding in account.holdings]
    indexes += [order.request.key.instrument for order in account.resting.values()]
    if extra is not None:
        indexes.append(extra.key.instrument)
    needed = Fraction(0)
    for index in dict.fromkeys(indexes):
        if pool_asset(exchange, account, index) != asset:
            continue
        held, most = notional_asked(exchange, account, index, extra)
        own = most - held if account.mode_of(index) is MarginMode.ISOLATED else most
        settle = exchange.instruments[index].settle
        if settle != asset:
            own = -collateral.convert(exchange, account, settle, -own)
        needed += Fraction(own, account.leverage_of(index))
    return -(-needed.numerator // needed.denominator)


def available(exchange: Exchange, account: Account, asset: str) -> int:
    """Return what the cross pool of ``asset`` can still put up or pay out, cash; never below 0."""
    equity = pool_totals(exchange, cross_pool(exchange, account, asset)).equity
    return max(0, equity - initial_margin(exchange, account, asset))


def affords(exchange: Exchange, account: Account, request: OrderRequest) -> bool:
    """True when an order needs no more initial margin than there is equity, or none beyond what is shown now."""
    asset = pool_asset(exchange, account, request.key.instrument)
    needed = initial_margin(exchange, account, asset, request)
    if needed <= initial_margin(exchange, account, asset):
        return True
    return needed <= pool_totals(exchange, cross_pool(exchange, account, asset)).equity


def is_called(exchange: Exchange, pool: Pool) -> bool:
    """True when the margin ratio of a pool has risen to the level at which the venue warns."""
    if not pool.holdings or pool.account.starting:
        return False
    return _room_before_call(exchange, pool_totals(exchange, pool)) <= 0


def slack(exchange: Exchange, pool: Pool) -> int:
    """Return how much equity less maintenance may fall before something must be looked at, cash.

    Down to the margin call, and where that was made already down to liquidation.
    """
    now = pool_totals(exchange, pool)
    call = _room_before_call(exchange, now)
    return call if call > 0 else now.equity - now.maintenance


def quiet_range(exchange: Exchange, pool: Pool, holding: Holding, share: int) -> tuple[int, int]:
    """Return the open range of marks in which this holding cannot use up its share of the pool's slack (cash).

    A long linear position loses at most its value's fall; a short at most twice its value's rise, since maintenance
    at the level of a call stays below its value. Of an inverse one the value rises as the price falls, so the
    factors change places. Two cash units cover the roundings. While every mark stays inside its range the slack is
    not used up, so skipping the sum changes nothing.
    """
    index = holding.key.instrument
    instrument = exchange.instruments[index]
    mark = exchange.mark_of_held(index)
    if instrument.settle != pool.asset:
        share = share * RATE_UNIT // max(1, collateral.convert(exchange, pool.account, instrument.settle, RATE_UNIT))
    share = max(0, share - 2)
    whole = instrument.value_multiplier * abs(holding.quantity)
    if instrument.kind is InstrumentKind.INVERSE:
        worth = abs(value_at_mark(exchange, holding))
        if holding.quantity > 0:
            return -(-whole // max(1, worth + share // 2)), NEVER
        return 0, whole // (worth - share) if share < worth else NEVER
    if holding.quantity > 0:
        return mark - share // whole, NEVER
    return 0, mark + share // (2 * whole)


def _cash(exchange: Exchange, pool: Pool) -> int:
    if pool.isolated:
        return pool.holdings[0].margin
    if pool.takes_all_wallets:
        return collateral.value(exchange, pool.account)
    return pool.account.wallets.get(pool.asset, 0)


def _counted(exchange: Exchange, pool: Pool, holding: Holding, amount: int) -> int:
    """Return an amount of the holding's settlement currency in the pool's."""
    settle = exchange.instruments[holding.key.instrument].settle
    return amount if settle == pool.asset else collateral.convert(exchange, pool.account, settle, amount)


def _room_before_call(exchange: Exchange, now: Totals) -> int:
    """Return equity less maintenance / level: how much equity is left above the margin call."""
    return now.equity - -(-now.maintenance * RATE_UNIT // rate_units(exchange.spec.margin_call_level))
