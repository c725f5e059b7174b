"""What stands behind the simulated accounts: collateral in other currencies, and the margin of isolated positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.app.config import AccountSpec, Config
from bot.app.symbols import perpetual_of
from bot.domain.account import MarginMode
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.scale import cash_text
from bot.domain.units import Money
from bot.engine.measures.layout import CollateralSlot, Layout
from bot.risk.tiers import PPM
from paper.spec import AccountStart, Collateral

# Currencies that are worth one unit of each other for margin, as far as this version knows.
DOLLARS = frozenset({"USD", "USDT", "USDC", "FDUSD", "BUSD", "TUSD"})


def settle_of(name: str, account: AccountSpec) -> str:
    """Return the currency in which everything of an account is settled; raises InputError where there are several.

    Nor may it hold cash that counts for nothing.
    """
    settles = list(dict.fromkeys(perpetual_of(symbol).settle for symbol in account.instruments))
    if len(settles) > 1:
        raise InputError(
            f"accounts.{name}.instruments: settle in {' and '.join(settles)}; an account has one settlement currency "
            "in this version: make one account for each"
        )
    for asset in account.paper.balances:
        if asset != settles[0] and asset not in account.collateral:
            raise InputError(
                f"accounts.{name}.paper.balances: holds {asset}, but the account settles in {settles[0]}; "
                f"take it out, or let it count: collateral: {{{asset}: 95%}}"
            )
    return settles[0]


def pricing_of(name: str, account: AccountSpec) -> dict[str, str | None]:
    """Return the symbol whose mark prices each collateral, None for one that is worth a unit of cash.

    Raises InputError for one that nothing prices, and for an account that no other currency can back.
    """
    settle = settle_of(name, account)
    if account.collateral and any(perpetual_of(symbol).is_inverse for symbol in account.instruments):
        raise InputError(
            f"accounts.{name}.collateral: backs linear contracts only, and the account trades inverse ones; "
            "make two accounts of it"
        )
    found: dict[str, str | None] = {}
    for asset in account.collateral:
        if asset == settle:
            raise InputError(
                f"accounts.{name}.collateral: names {asset}, in which the account settles; it counts in full, so take "
                "it out"
            )
        found[asset] = next((symbol for symbol in account.instruments if perpetual_of(symbol).base == asset), None)
        if found[asset] is None and not {asset, settle} <= DOLLARS:
            raise InputError(
                f"accounts.{name}.collateral: nothing prices {asset}; add {asset}/{settle}:{settle} to the account's "
                "instruments, with a tape"
            )
    return found


def require_accounts(config: Config) -> None:
    """Refuse accounts that cannot be margined, in words; needs no tape."""
    for name, account in config.accounts.items():
        pricing_of(name, account)
        limits = config.limits
        _require_currency("equity_min", limits.equity_min, settle_of(name, account), name)
        for symbol in account.instruments:
            _require_currency("order_notional_max", limits.order_notional_max, perpetual_of(symbol).quote, symbol)


def _require_currency(key: str, limit: Money, currency: str, where: str) -> None:
    """Refuse a limit in a currency that the gate does not count in: it would take 10 BTC for 10 USDT."""
    if limit.amount and limit.currency != currency and not {limit.currency, currency} <= DOLLARS:
        raise InputError(
            f"limits.{key}: is counted in {currency} for {where}, was {limit}; write the amount in {currency}"
        )


def backing_of(name: str, account: AccountSpec, by_symbol: Mapping[str, Instrument]) -> tuple[CollateralSlot, ...]:
    """Return how other currencies back an account."""
    slots = []
    for asset, symbol in pricing_of(name, account).items():
        priced_by = None if symbol is None else by_symbol[symbol].index
        slots.append(CollateralSlot(asset, round(account.collateral[asset] * PPM), priced_by))
    return tuple(slots)


def collateral_terms(config: Config, layout: Layout) -> dict[str, Collateral]:
    """Return how the venue counts every currency; raises InputError when accounts ask for different terms."""
    terms: dict[str, Collateral] = {}
    for slot in layout.accounts:
        for each in slot.collateral:
            found = Collateral(rate=config.accounts[slot.name].collateral[each.asset], instrument=each.instrument)
            if terms.setdefault(each.asset, found) != found:
                raise InputError(
                    f"accounts.{slot.name}.collateral: counts {each.asset} otherwise than another account; "
                    "the terms are the venue's, so write the same"
                )
    return terms


def require_margin(name: str, start: AccountStart, instruments: Sequence[Instrument]) -> None:
    """Refuse isolated positions whose margin the cash cannot pay, as far as their prices are written."""
    needed = 0
    for position in start.positions:
        if start.mode_of(position.instrument) is not MarginMode.ISOLATED or position.entry_price is None:
            continue
        value = abs(instruments[position.instrument].value(price=position.entry_price, quantity=position.quantity))
        needed += -(-value // start.leverages.get(position.instrument, start.leverage))
    if needed > start.balance:
        raise InputError(
            f"accounts.{name}.paper: isolated positions take {cash_text(needed)} {start.asset} of margin, "
            f"balances hold {cash_text(start.balance)}; add cash, or leverage"
        )
