"""What the wallets of an account are worth together, in multi-assets mode.

    value of an asset = amount x price x rate     for a positive amount
                        amount x price            for a debt

Prices are the marks of instruments or fixed, all in the account's first asset (see ``paper.spec.Collateral``).
A debt that grows beyond the venue's limit is paid by selling other assets at their collateral value, those that
count most first: 20,000 of debt against an asset at 97.5 % takes 20,513 worth of it.

Source: Binance, "Multi-Assets Mode" and its "Multi-Assets Info" page (collateral value ratios, auto-exchange),
retrieved 2024; POLICIES: a debt counts in full.
"""

from __future__ import annotations

from fractions import Fraction

from bot.domain.account import Balance
from bot.domain.events import AssetsExchanged
from bot.domain.scale import CASH_DIGITS, CASH_UNIT
from paper.exchange import RATE_UNIT, Exchange, rate_units
from paper.spec import Collateral
from paper.state import NEVER, Account

ITSELF = Collateral()                # the first asset, and others that are worth exactly as much


def terms(exchange: Exchange, account: Account, asset: str) -> Collateral | None:
    """Return how the venue counts ``asset``, or None when it is no collateral."""
    if asset == account.asset:
        return ITSELF
    return exchange.spec.collateral.get(asset)


def price_of(exchange: Exchange, collateral: Collateral) -> int:
    """Return what one unit is worth, 10^-8 of the first asset; 0 while its instrument has no price."""
    if collateral.instrument is None:
        return collateral.price
    instrument = exchange.instruments[collateral.instrument]
    return (exchange.mark(collateral.instrument) or 0) * int(10 ** (CASH_DIGITS - instrument.price_digits))


def counted(amount: int, *, price: int, rate: float) -> int:
    """Return what an amount counts for, cash; rounded down. ``price`` at 10^-8, ``rate`` a fraction."""
    share = rate_units(rate) if amount > 0 else RATE_UNIT
    return amount * price * share // (CASH_UNIT * RATE_UNIT)


def value(exchange: Exchange, account: Account) -> int:
    """Return what all wallets count for together, in the first asset; what is no collateral counts nothing."""
    total = 0
    for asset, amount in account.wallets.items():
        collateral = terms(exchange, account, asset)
        if collateral is not None:
            total += counted(amount, price=price_of(exchange, collateral), rate=collateral.rate)
    return total


def convert(exchange: Exchange, account: Account, asset: str, amount: int) -> int:
    """Return an amount of a settlement asset in the first asset, in full, rounded down."""
    if asset == account.asset:
        return amount
    collateral = terms(exchange, account, asset)
    return 0 if collateral is None else amount * price_of(exchange, collateral) // CASH_UNIT


def moving(exchange: Exchange, account: Account) -> list[tuple[int, int]]:
    """Return (instrument, amount) of every wallet whose worth moves with a mark."""
    found = []
    for asset, amount in account.wallets.items():
        collateral = terms(exchange, account, asset)
        if amount and collateral is not None and collateral.instrument is not None:
            found.append((collateral.instrument, amount))
    return found


def quiet_range(exchange: Exchange, index: int, amount: int, share: int) -> tuple[int, int]:
    """Return the open range of marks in which a wallet's worth cannot fall by more than ``share`` (cash).

    Nor may a debt grow to the venue's limit unseen.
    """
    mark = exchange.mark(index) or 0
    if amount < 0:
        debt = -amount * price_of(exchange, Collateral(instrument=index)) // CASH_UNIT
        left = exchange.spec.auto_exchange_debt - debt
        share = min(share, left) if left > 0 else share
    room = share * int(10 ** exchange.instruments[index].price_digits) // abs(amount)
    return (mark - room, NEVER) if amount > 0 else (0, mark + room)


def pay_debts(exchange: Exchange, account: Account, *, worth_over: int) -> None:
    """Exchange every debt that is worth more than ``worth_over`` (cash) against other assets, as far as they go."""
    for debt in sorted(asset for asset, amount in account.wallets.items() if amount < 0):
        collateral = terms(exchange, account, debt)
        if collateral is None:
            continue
        price = price_of(exchange, collateral)
        if -account.wallets[debt] * price <= worth_over * CASH_UNIT:
            continue
        for asset in _sellable(exchange, account):
            if account.wallets[debt] < 0:
                _sell(exchange, account, asset, debt=debt, debt_price=price)


def _sellable(exchange: Exchange, account: Account) -> list[str]:
    """Return the assets that can pay, the highest rate first."""
    ranked = []
    for asset, amount in account.wallets.items():
        collateral = terms(exchange, account, asset)
        if amount > 0 and collateral is not None and collateral.rate > 0 and price_of(exchange, collateral) > 0:
            ranked.append((-rate_units(collateral.rate), asset))
    return [asset for _, asset in sorted(ranked)]


def _sell(exchange: Exchange, account: Account, asset: str, *, debt: str, debt_price: int) -> None:
    collateral = terms(exchange, account, asset)
    assert collateral is not None, "only collateral is sold"
    each = Fraction(price_of(exchange, collateral) * rate_units(collateral.rate), debt_price * RATE_UNIT)
    owed = -account.wallets[debt]
    sold = min(account.wallets[asset], -(-owed // each))
    paid = min(owed, int(sold * each))
    for which, amount in ((asset, -sold), (debt, paid)):
        account.pay(which, amount)
        exchange.ledger(which).exchanged -= amount
    gone, come = Balance(asset, sold), Balance(debt, paid)
    exchange.tell(account, AssetsExchanged(exchange.told, exchange.fill_stamp(account), account.index, gone, come))
