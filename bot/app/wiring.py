"""Put a run together: layout, engine, simulated venue, from a loaded configuration and a market."""

from __future__ import annotations

from decimal import Decimal

from bot.app.config import AccountSpec, Config
from bot.app.loading import Loaded
from bot.app.markets import MarketSource
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.scale import CASH_DIGITS, to_fixed
from bot.engine.book import Book
from bot.engine.engine import Engine
from bot.engine.layout import AccountSlot, Layout
from bot.risk.binance_tiers import tier_table
from paper.spec import AccountStart, PositionStart, VenueSpec
from paper.venue import PaperVenue


def make_layout(config: Config, market: MarketSource) -> Layout:
    """Return the columns of a run; instruments are those of the market, in its order."""
    by_symbol = {instrument.symbol: instrument for instrument in market.instruments}
    return Layout(
        instruments=market.instruments,
        tiers=tuple(tier_table(instrument.base) for instrument in market.instruments),
        accounts=tuple(
            AccountSlot(
                name=name,
                settle=_settle(name, account, by_symbol),
                instruments=tuple(by_symbol[symbol].index for symbol in account.instruments),
                taker_fee=account.paper.fees.taker,
                leverage=float(account.paper.leverage),
                margin_call_grace=account.margin_call_grace,
            )
            for name, account in config.accounts.items()
        ),
    )


def make_engine(loaded: Loaded, layout: Layout, *, book: Book | None = None) -> Engine:
    """Return the engine with the configuration's rules and limits."""
    return Engine(
        layout,
        loaded.rules,
        limits=loaded.config.limits,
        survival=tuple(account.survival for account in loaded.config.accounts.values()),
        marker=loaded.config.marker,
        book=book,
    )


def make_venue(config: Config, layout: Layout) -> PaperVenue:
    """Return the simulated venue with every account's starting balances and positions."""
    starts = [
        _start(index, name, account, layout) for index, (name, account) in enumerate(config.accounts.items())
    ]
    return PaperVenue(venue_spec(config), layout.instruments, starts)


def restore_venue(config: Config, layout: Layout, snapshot: bytes) -> PaperVenue:
    """Return the simulated venue as it was when it made ``snapshot``."""
    return PaperVenue.restore(venue_spec(config), layout.instruments, snapshot)


def venue_spec(config: Config) -> VenueSpec:
    """Return the venue's terms; raises InputError when accounts ask for different ones."""
    first = next(iter(config.accounts.values())).paper
    for name, account in config.accounts.items():
        if (account.paper.fees, account.paper.latency) != (first.fees, first.latency):
            raise InputError(
                f"accounts.{name}.paper: fees and latency are the venue's and must be the same for all accounts; "
                "accounts of several venues are not simulated together yet"
            )
    return VenueSpec(maker_fee=first.fees.maker, taker_fee=first.fees.taker, latency=first.latency)


def _settle(name: str, account: AccountSpec, by_symbol: dict[str, Instrument]) -> str:
    """Return the one currency in which everything of an account is settled."""
    settles = list(dict.fromkeys(by_symbol[symbol].settle for symbol in account.instruments))
    if len(settles) > 1:
        raise InputError(
            f"accounts.{name}.instruments: settle in {' and '.join(settles)}; one settlement currency per account "
            "is simulated in this version"
        )
    for asset in account.paper.balances:
        if asset != settles[0]:
            raise InputError(
                f"accounts.{name}.paper.balances: holds {asset}, but the account settles in {settles[0]}; "
                "other collateral is not simulated in this version"
            )
    return settles[0]


def _start(index: int, name: str, account: AccountSpec, layout: Layout) -> AccountStart:
    slot = layout.accounts[index]
    by_symbol = {layout.instruments[i].symbol: layout.instruments[i] for i in slot.instruments}
    positions = []
    for symbol, position in account.paper.positions.items():
        instrument = by_symbol[symbol]
        entry = position.entry_price
        where = f"accounts.{name}.paper.positions[{symbol}]"
        positions.append(
            PositionStart(
                instrument=instrument.index,
                quantity=_fixed(position.amount, instrument.quantity_digits, f"{where}.amount"),
                entry_price=None
                if entry == "first" else _fixed(entry, instrument.price_digits, f"{where}.entry_price"),
            )
        )
    balance = account.paper.balances.get(slot.settle, Decimal(0))
    return AccountStart(
        account=index,
        asset=slot.settle,
        balance=_fixed(balance, CASH_DIGITS, f"accounts.{name}.paper.balances"),
        positions=tuple(positions),
        leverage=account.paper.leverage,
    )


def _fixed(value: Decimal, digits: int, where: str) -> int:
    try:
        return to_fixed(value, digits)
    except ValueError as error:
        raise InputError(f"{where}: {error}; the tape's prices and sizes set the number of decimals") from error
