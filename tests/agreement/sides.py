"""A book as each side sees it: the pools of ``bot.risk``, and an exchange of ``paper`` at which the account sits."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.account import PositionKey
from bot.domain.instrument import InstrumentKind
from bot.risk.collateral import Asset
from bot.risk.holding import Holding
from bot.risk.pool import Pool, isolated_pool
from paper import margin as venue_margin
from paper.exchange import Exchange
from paper.spec import AssetMode, Collateral, VenueSpec
from paper.state import Account, Market, VenueState
from paper.state import Holding as VenueHolding
from tests.agreement.books import INSTRUMENTS, NUMERAIRE, Book, Position


@dataclass(frozen=True, slots=True)
class Pair:
    """One pool as both sides have it, and the name of the currency in which it is counted."""

    asset: str
    ours: Pool
    venue: venue_margin.Pool

    @property
    def roundings(self) -> int:
        """Cash units by which two right sums may differ: two of each position, one of each asset."""
        return 2 * len(self.ours.holdings) + len(self.ours.assets)


class Seat:
    """An exchange that is furnished anew for each book; making one for each would take most of the time."""

    def __init__(self) -> None:
        self.exchange = Exchange(VenueSpec(), INSTRUMENTS, VenueState([Market() for _ in INSTRUMENTS], []))
        self.account = Account(0, NUMERAIRE, {}, leverage=20)

    def take(self, book: Book) -> list[Pair]:
        """Let the account of ``book`` sit down; return its pools in the venue's order."""
        exchange = self.exchange
        for market, price in zip(exchange.markets, book.prices, strict=True):
            market.last = price
        exchange.brackets = tuple(rows.venue for rows in book.tables)
        exchange.spec = VenueSpec(collateral={
            asset: Collateral(terms.rate_ppm / 10**6, terms.price, terms.source)
            for asset, terms in book.haircuts.items()
        })
        self.account = Account(
            0, NUMERAIRE, dict(book.wallets), leverage=20, position_mode=book.position_mode, asset_mode=book.asset_mode,
            leverages=dict(book.leverages),
            isolated=sorted({each.instrument.index for each in book.positions if each.margin is not None}),
            holdings=[
                VenueHolding(_key(each), each.quantity, each.entry_value, each.margin or 0) for each in book.positions
            ],
        )
        exchange.state.accounts[:] = [self.account]
        theirs = venue_margin.pools(exchange, self.account)
        return [Pair(pool.asset, ours, pool) for pool, ours in zip(theirs, _ours(book), strict=True)]

    def spare(self, pair: Pair) -> int:
        """Return the venue's equity less maintenance of a pool at the present marks, cash."""
        now = venue_margin.pool_totals(self.exchange, pair.venue)
        return now.equity - now.maintenance

    def spare_at(self, pair: Pair, index: int, price: int) -> int:
        """Return the same with another price of one instrument."""
        market = self.exchange.markets[index]
        before, market.last = market.last, price
        found = self.spare(pair)
        market.last = before
        return found

    def spare_after(self, pair: Pair, factor: float) -> int:
        """Return the same with every price, of contracts and of collateral, at ``factor`` of what it is."""
        before = [market.last or 1 for market in self.exchange.markets]
        for market, price in zip(self.exchange.markets, before, strict=True):
            market.last = max(1, round(price * factor))
        found = self.spare(pair)
        for market, price in zip(self.exchange.markets, before, strict=True):
            market.last = price
        return found


def _key(position: Position) -> PositionKey:
    return PositionKey(0, position.instrument.index, position.side, position.mode)


def _ours(book: Book) -> list[Pool]:
    """Return the cross pools, in the order in which something is first held in them, then the isolated ones."""
    cross: dict[str, list[Holding]] = {}
    isolated: list[Pool] = []
    for each in book.positions:
        index = each.instrument.index
        holding = Holding(
            _key(each), each.instrument, book.tables[index].ours, each.quantity, each.entry_value, book.prices[index]
        )
        if each.margin is not None:
            isolated.append(isolated_pool(holding, each.margin))
        else:
            asset = NUMERAIRE if book.asset_mode is AssetMode.MULTI else each.instrument.settle
            cross.setdefault(asset, []).append(holding)
    return [Pool(_assets(book, asset, held), tuple(held)) for asset, held in cross.items()] + isolated


def _assets(book: Book, asset: str, held: list[Holding]) -> tuple[Asset, ...]:
    """Return the wallets behind a cross pool: its own, or all of them with their haircuts."""
    if book.asset_mode is AssetMode.SINGLE:
        of = held[0].instrument
        moved_by = of.underlying if of.kind is InstrumentKind.INVERSE else None
        return (Asset(asset, book.wallets[asset], underlying=moved_by),)
    others = [
        Asset(name, book.wallets[name], terms.price, terms.rate_ppm, name if terms.source is not None else None)
        for name, terms in book.haircuts.items()
    ]
    return (Asset(NUMERAIRE, book.wallets[NUMERAIRE]), *others)
