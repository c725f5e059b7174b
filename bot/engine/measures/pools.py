"""The margin pools of one account that has several, or one that ``Columns`` cannot follow by differences.

A cross pool is the wallet, less what isolated positions hold of it, with all other assets that count; each isolated
position is a pool of its margin. A price works out anew the pools that it moves, by the sums of ``bot.risk.pool``:
tens of microseconds, where the plain account of linear cross contracts takes one.
"""

from __future__ import annotations

from math import inf

from bot.domain.account import MarginMode
from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.scale import CASH_DIGITS, units_per_one
from bot.engine.measures.layout import Layout
from bot.engine.record.book import Book
from bot.risk.collateral import Asset, counted_value
from bot.risk.holding import Holding
from bot.risk.margin import AccountMargin, account_margin, liquidation_distances
from bot.risk.pool import (
    Pool,
    pool_distances,
    pool_liquidation_price,
    pool_margin,
    pool_worst_distance,
)


class AccountPool:
    """What one liquidation takes: its position columns, and how it stands. ``pool`` is None until it can be known."""

    def __init__(self, positions: tuple[int, ...], *, moved_by: frozenset[int]) -> None:
        self.positions = positions
        self.moved_by = moved_by             # instruments
        self.held: tuple[int, ...] = ()      # the columns of ``pool.holdings``
        self.pool: Pool | None = None
        self.totals = AccountMargin(0, 0, 0, 0, 0)
        self.distance = inf

    def take(self, pool: Pool | None, held: tuple[int, ...]) -> None:
        """Measure the pool as it is now; one of a single asset by the shorter sums for that."""
        self.pool, self.held = pool, held
        if pool is None:
            return
        if len(pool.assets) == 1:
            wallet = pool.assets[0].amount
            self.totals = account_margin(wallet, pool.holdings)
            self.distance = liquidation_distances(wallet, pool.holdings).nearest
        else:
            self.totals = pool_margin(pool)
            self.distance = pool_distances(pool).nearest if held else inf    # a debt alone is no position


class AccountPools:
    """The pools of one account: the cross one first, then the isolated ones in the order of their columns."""

    def __init__(self, layout: Layout, book: Book, account: int, mark: list[int | None]) -> None:
        self.layout = layout
        self.book = book
        self.account = account
        self.mark = mark
        self.slot = layout.accounts[account]
        own = layout.positions_of[account]
        isolated = [position for position in own if layout.keys[position].mode is MarginMode.ISOLATED]
        together = tuple(position for position in own if position not in isolated)
        self.cross = AccountPool(together, moved_by=self._cross_moved_by(together))
        self.isolated = [
            AccountPool((position,), moved_by=frozenset((layout.keys[position].instrument,))) for position in isolated
        ]
        self.pools = (self.cross, *self.isolated)
        self.pool_at = {position: pool for pool in self.pools for position in pool.positions}
        # The coin that an inverse contract settles in falls with its market, and so does the account's wallet.
        self.settle_underlying = _coin([layout.instrument_of(position) for position in own])

    def _cross_moved_by(self, positions: tuple[int, ...]) -> frozenset[int]:
        held = [self.layout.keys[position].instrument for position in positions]
        return frozenset([*held, *(each.instrument for each in self.slot.collateral if each.instrument is not None)])

    # The account as a whole --------------------------------------------------------------------------------

    @property
    def is_known(self) -> bool:
        """True when everything that is held, or counts, has a price."""
        return all(pool.pool is not None for pool in self.pools)

    @property
    def equity(self) -> int:
        return sum(pool.totals.equity for pool in self.pools)

    @property
    def maintenance(self) -> int:
        return sum(pool.totals.maintenance for pool in self.pools)

    @property
    def net(self) -> int:
        return sum(pool.totals.net for pool in self.pools)

    @property
    def gross(self) -> int:
        return sum(pool.totals.gross for pool in self.pools)

    @property
    def collateral_value(self) -> int:
        """What all assets count for, cash of the settlement currency."""
        return sum(pool.totals.wallet for pool in self.pools)

    @property
    def distance(self) -> float:
        """The distance of the pool that is liquidated first."""
        return min(pool.distance for pool in self.pools)

    @property
    def margin_ratio(self) -> float:
        """The ratio of the worst pool."""
        return max(pool.totals.margin_ratio for pool in self.pools)

    def worst_distance(self) -> float:
        """Return the nearest distance of any pool when everything moves against its holder."""
        return min((pool_worst_distance(pool.pool) for pool in self.pools if pool.pool and pool.held), default=inf)

    def moving_values(self) -> dict[str, int]:
        """Return what of the account's equity moves with each underlying though it is no position, cash.

        Collateral in coins only: what an inverse account is counted in does not move against itself.
        """
        found: dict[str, int] = {}
        for asset in () if self.cross.pool is None else self.cross.pool.assets[1:]:
            if asset.underlying is not None:
                found[asset.underlying] = found.get(asset.underlying, 0) + counted_value(asset, asset.amount)
        return found

    def liquidation_price(self, position: int) -> float | None:
        """Return the price of a held position at which its pool goes, in price units; None when none does it."""
        pool = self.pool_at[position]
        return None if pool.pool is None else pool_liquidation_price(pool.pool, pool.held.index(position))

    # What moves it -----------------------------------------------------------------------------------------

    def move(self, instrument: int) -> None:
        """Work out anew what an instrument's price moves."""
        for pool in self.pools:
            if instrument in pool.moved_by:
                self._measure(pool)

    def rebuild(self) -> None:
        """Work everything out anew."""
        for pool in self.pools:
            self._measure(pool)

    def _measure(self, pool: AccountPool) -> None:
        held = tuple(position for position in pool.positions if self.book.quantity[position])
        holdings = [self.holding(position) for position in held]
        assets = self._cross_assets() if pool is self.cross else self._margin_of(pool)
        known = tuple(holding for holding in holdings if holding is not None)
        is_known = assets is not None and len(known) == len(held) and self.book.accounts[self.account].adopted
        pool.take(Pool(assets, known) if is_known and assets is not None else None, held)

    def holding(self, position: int) -> Holding | None:
        """Return a held position as the risk sums take it; None while it has no price."""
        key = self.layout.keys[position]
        mark = self.mark[key.instrument]
        if mark is None:
            return None
        return Holding(
            key=key,
            instrument=self.layout.instruments[key.instrument],
            tiers=self.layout.tiers[key.instrument],
            quantity=self.book.quantity[position],
            entry_value=self.book.entry_value[position],
            mark=mark,
        )

    def _margin_of(self, pool: AccountPool) -> tuple[Asset, ...]:
        return (Asset(self.slot.settle, self.book.margin[pool.positions[0]], underlying=self.settle_underlying),)

    def _cross_assets(self) -> tuple[Asset, ...] | None:
        """Return what backs the cross positions, the settlement currency first; None while a price is missing."""
        account = self.book.accounts[self.account]
        held = sum(self.book.margin[pool.positions[0]] for pool in self.isolated)
        assets = [Asset(self.slot.settle, account.wallet - held, underlying=self.settle_underlying)]
        for each in self.slot.collateral:
            amount = account.assets.get(each.asset, 0)
            if not amount:
                continue
            if each.instrument is None:
                assets.append(Asset(each.asset, amount, rate_ppm=each.rate_ppm))
                continue
            mark = self.mark[each.instrument]
            if mark is None:
                return None
            instrument = self.layout.instruments[each.instrument]
            price = mark * units_per_one(CASH_DIGITS - instrument.price_digits)
            assets.append(Asset(each.asset, amount, price, each.rate_ppm, instrument.underlying))
        return tuple(assets)


def _coin(instruments: list[Instrument]) -> str | None:
    """Return what moves the settlement currency of an account: a coin where contracts are inverse, else nothing."""
    return next((each.underlying for each in instruments if each.kind is InstrumentKind.INVERSE), None)
