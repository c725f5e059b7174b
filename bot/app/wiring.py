"""Put a run together: layout, engine, simulated venue, from a loaded configuration and a market."""

from __future__ import annotations

from decimal import Decimal

from bot.app.config import AccountSpec, Config
from bot.app.loading import Loaded
from bot.app.margins import backing_of, collateral_terms, require_margin, settle_of
from bot.app.markets import MarketSource
from bot.app.paper_config import PaperOrderSpec, PaperSpec
from bot.domain.account import Balance, MarginMode, PositionSide
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.order import Side
from bot.domain.scale import CASH_DIGITS, to_fixed, to_fixed_rounded
from bot.engine.engine import Engine
from bot.engine.measures.layout import HEDGE, ONE_WAY, AccountSlot, Layout
from bot.engine.record.book import Book
from bot.engine.spec import SafetySpec
from bot.risk.binance_tiers import tier_table_of
from paper.spec import (
    AccountStart,
    AssetMode,
    FeeTier,
    Interruption,
    OrderStart,
    PositionMode,
    PositionStart,
    VenueSpec,
)
from paper.venue import PaperVenue


def make_layout(config: Config, market: MarketSource) -> Layout:
    """Return the columns of a run; instruments are those of the market, in its order."""
    return layout_of(config, market.instruments)


def layout_of(config: Config, instruments: tuple[Instrument, ...]) -> Layout:
    """Return the columns of a run over instruments, in their order."""
    by_symbol = {instrument.symbol: instrument for instrument in instruments}
    return Layout(
        instruments=instruments,
        tiers=tuple(tier_table_of(instrument) for instrument in instruments),
        accounts=tuple(
            _slot(name, account, by_symbol) for name, account in config.accounts.items()
        ),
    )


def _slot(name: str, account: AccountSpec, by_symbol: dict[str, Instrument]) -> AccountSlot:
    paper = account.paper
    own = [by_symbol[symbol] for symbol in account.instruments]
    return AccountSlot(
        name=name,
        settle=settle_of(name, account),
        instruments=tuple(instrument.index for instrument in own),
        taker_fee=paper.fees.taker,
        leverage=float(paper.leverage),
        margin_call_grace=account.margin_call_grace,
        sides=HEDGE if paper.position_mode is PositionMode.HEDGE else ONE_WAY,
        isolated=tuple(each.index for each in own if paper.mode_of(each.symbol) is MarginMode.ISOLATED),
        leverages={by_symbol[symbol].index: float(paper.leverage_of(symbol)) for symbol in paper.instruments},
        collateral=backing_of(name, account, by_symbol),
        delta_bands={coin: to_fixed_rounded(band, CASH_DIGITS) for coin, band in account.delta_band.items()},
    )


def make_engine(loaded: Loaded, layout: Layout, *, book: Book | None = None) -> Engine:
    """Return the engine with the configuration's rules and limits."""
    return Engine(
        layout,
        loaded.rules,
        limits=loaded.config.limits,
        survival=tuple(account.survival for account in loaded.config.accounts.values()),
        marker=loaded.config.marker,
        safety=safety_specs(loaded.config),
        book=book,
    )


def safety_specs(config: Config) -> tuple[SafetySpec, ...]:
    """Return what each account has for the day on which nothing is seen or done."""
    return tuple(
        SafetySpec(account.protect, account.blind, account.cancel_opening) for account in config.accounts.values()
    )


def make_venue(config: Config, layout: Layout) -> PaperVenue:
    """Return the simulated venue with every account's starting balances and positions."""
    starts = [
        _start(index, name, account, layout) for index, (name, account) in enumerate(config.accounts.items())
    ]
    return PaperVenue(venue_spec(config, layout), layout.instruments, starts)


def restore_venue(config: Config, layout: Layout, snapshot: bytes) -> PaperVenue:
    """Return the simulated venue as it was when it made ``snapshot``."""
    return PaperVenue.restore(venue_spec(config, layout), layout.instruments, snapshot)


def venue_spec(config: Config, layout: Layout) -> VenueSpec:
    """Return the venue's terms; raises InputError when accounts ask for different ones."""
    first = next(iter(config.accounts.values())).paper
    for name, account in config.accounts.items():
        if _terms(account.paper) != _terms(first):
            raise InputError(
                f"accounts.{name}.paper: fees, latency, report_latency, insurance and interruptions are the venue's "
                "and must be the same for all accounts; accounts of several venues are not simulated together yet"
            )
    indexes = {instrument.symbol: instrument.index for instrument in layout.instruments}
    fund = None
    if first.insurance is not None:
        fund = {asset: to_fixed_rounded(cash, CASH_DIGITS) for asset, cash in first.insurance.items()}
    return VenueSpec(
        maker_fee=first.fees.maker,
        taker_fee=first.fees.taker,
        latency=first.latency,
        report_latency=first.report_latency,
        fee_tiers=tuple(FeeTier(tier.volume, tier.maker, tier.taker) for tier in first.fees.tiers),
        insurance=fund,
        collateral=collateral_terms(config, layout),
        interruptions=tuple(
            Interruption(indexes[each.symbol], each.state, each.after, each.lasts) for each in first.interruptions
        ),
    )


def _terms(paper: PaperSpec) -> tuple[object, ...]:
    """Return what the venue has for all."""
    return paper.fees, paper.latency, paper.report_latency, paper.insurance, paper.interruptions


def _start(index: int, name: str, account: AccountSpec, layout: Layout) -> AccountStart:
    slot = layout.accounts[index]
    by_symbol = {layout.instruments[i].symbol: layout.instruments[i] for i in slot.instruments}
    positions = []
    for symbol, position in account.paper.positions.items():
        instrument = by_symbol[symbol]
        where = f"accounts.{name}.paper.positions[{symbol}]"
        for leg in position.legs:
            entry = leg.entry_price
            positions.append(
                PositionStart(
                    instrument=instrument.index,
                    quantity=_fixed(leg.amount, instrument.quantity_digits, f"{where}.amount"),
                    entry_price=None
                    if entry == "first" else max(1, to_fixed_rounded(entry, instrument.price_digits)),
                    side=_side(account, leg.amount),
                )
            )
    orders = tuple(
        _order_start(account, order, by_symbol[order.symbol], f"accounts.{name}.paper.orders[{place}]")
        for place, order in enumerate(account.paper.orders)
    )
    cash = {
        asset: _fixed(amount, CASH_DIGITS, f"accounts.{name}.paper.balances[{asset}]")
        for asset, amount in account.paper.balances.items()
    }
    paper = account.paper
    start = AccountStart(
        account=index,
        asset=slot.settle,
        balance=cash.pop(slot.settle, 0),
        positions=tuple(positions),
        leverage=paper.leverage,
        mode=paper.margin_mode,
        position_mode=paper.position_mode,
        asset_mode=AssetMode.MULTI if account.collateral else AssetMode.SINGLE,
        balances=tuple(Balance(asset, amount) for asset, amount in cash.items()),
        modes={by_symbol[symbol].index: paper.mode_of(symbol) for symbol in paper.instruments},
        leverages={by_symbol[symbol].index: paper.leverage_of(symbol) for symbol in paper.instruments},
        orders=orders,
    )
    require_margin(name, start, layout.instruments)
    return start


def _order_start(account: AccountSpec, order: PaperOrderSpec, instrument: Instrument, where: str) -> OrderStart:
    """Return a person's order; in hedge mode it is on the leg that it opens, or closes where it is reduce-only."""
    leg = PositionSide.NET
    if account.paper.position_mode is PositionMode.HEDGE:
        leg = PositionSide.LONG if (order.side is Side.BUY) is not order.reduce_only else PositionSide.SHORT
    return OrderStart(
        instrument=instrument.index,
        side=order.side,
        quantity=_fixed(order.amount, instrument.quantity_digits, f"{where}.amount"),
        limit_price=max(1, to_fixed_rounded(order.price, instrument.price_digits)),
        reduce_only=order.reduce_only,
        leg=leg,
    )


def _side(account: AccountSpec, amount: Decimal) -> PositionSide:
    """Return the leg that a signed amount is held on."""
    if account.paper.position_mode is PositionMode.ONE_WAY:
        return PositionSide.NET
    return PositionSide.LONG if amount > 0 else PositionSide.SHORT


def _fixed(value: Decimal, digits: int, where: str) -> int:
    try:
        return to_fixed(value, digits)
    except ValueError as error:
        raise InputError(
            f"{where}: does not fit {digits} decimals, was {value}; the tape's sizes set their number: round it"
        ) from error
