"""A margin pool: what a venue liquidates together, and how far it is from that.

A pool is a cross account with all assets that stand behind it, of one settlement currency or of several
(multi-assets mode, unified accounts), or one isolated position with its margin. Its profit, margin and
distances do not depend on any other pool; an account's distance is its nearest pool's.

Assets and positions may be linear and inverse together: everything is counted in the pool's numeraire, the
asset whose index price is one. A move is common to all that has an underlying; a coin that stands as
collateral falls with its market, and a currency keeps its price (see ``settled`` for the sums).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from bot.domain.errors import ContractError, Unsupported
from bot.domain.instrument import InstrumentKind
from bot.domain.scale import CASH_UNIT
from bot.risk.collateral import Asset, collateral_value, counted_value
from bot.risk.crossing import Rest, crossing_price
from bot.risk.holding import Holding
from bot.risk.margin import AccountMargin, Distances
from bot.risk.settled import Coin, Currency, Leg, Settled, distances, line_of, worst_distance
from bot.risk.tiers import NO_MAINTENANCE


@dataclass(frozen=True, slots=True)
class Pool:
    """Assets, one of each name, and the positions settled in them; none of the holdings is empty.

    Raises ContractError for an empty holding or one whose settlement asset is missing, and Unsupported for contracts
    that are not of their asset's kind: a linear one settled in a coin that moves, an inverse one in a currency.
    """

    assets: tuple[Asset, ...]
    holdings: tuple[Holding, ...]

    def __post_init__(self) -> None:
        by_name = {asset.name: asset for asset in self.assets}
        if len(by_name) != len(self.assets):
            raise ContractError(f"pool: each asset must be given once, was {[asset.name for asset in self.assets]}")
        for holding in self.holdings:
            instrument = holding.instrument
            settled_in = by_name.get(instrument.settle)
            if settled_in is None:
                raise ContractError(f"pool: {instrument.symbol} settles in {instrument.settle}; give that asset too")
            if not holding.quantity:
                raise ContractError(f"pool: {instrument.symbol} is not held; leave it out")
            is_inverse = instrument.kind is InstrumentKind.INVERSE
            if is_inverse == (settled_in.underlying is None):
                raise Unsupported(
                    f"pool: {instrument.symbol} is {instrument.kind.value}; it needs a settlement asset that "
                    f"{'moves with its market' if is_inverse else 'keeps its price'}, was {settled_in.name} moved by "
                    f"{settled_in.underlying}"
                )


def isolated_pool(holding: Holding, margin: int) -> Pool:
    """Return the pool of an isolated position with ``margin``, cash of its settlement currency.

    Its numeraire is that currency, a coin too: what a coin is worth elsewhere does not change its distance.
    """
    instrument = holding.instrument
    moved_by = instrument.underlying if instrument.kind is InstrumentKind.INVERSE else None
    return Pool((Asset(instrument.settle, margin, underlying=moved_by),), (holding,))


def settled_parts(pool: Pool) -> list[Settled]:
    """Return each asset with what is settled in it, in the pool's order: the terms of its sums.

    A pool's sums are sums over these, so a caller who keeps them changes one part when one market moves.
    """
    parts: list[Settled] = []
    for asset in pool.assets:
        legs = tuple(
            Leg(holding.value, holding.entry_value, holding.tiers) for holding in pool.holdings
            if holding.instrument.settle == asset.name
        )
        kind = Currency if asset.underlying is None else Coin
        parts.append(kind(asset.amount, asset.index_price, asset.rate_ppm, legs))
    return parts


def pool_margin(pool: Pool) -> AccountMargin:
    """Return a pool's totals in its numeraire, cash: what counts as collateral, equity, maintenance, net, gross.

    Unrealised profit counts with the asset it settles in, so a collateral rate takes its share of it. Equity is
    rounded down and maintenance up. Net is what contracts gain by a rise (an inverse contract for its coin's
    value); assets are not in it.
    """
    equity = maintenance = net = gross = 0
    for asset in pool.assets:
        held = [holding for holding in pool.holdings if holding.instrument.settle == asset.name]
        price = asset.index_price
        equity += counted_value(asset, asset.amount + sum(holding.unrealised for holding in held))
        maintenance -= -sum(holding.maintenance for holding in held) * price // CASH_UNIT
        net += sum(holding.value for holding in held) * price // CASH_UNIT
        gross += sum(abs(holding.value) for holding in held) * price // CASH_UNIT
    return AccountMargin(collateral_value(pool.assets), equity, maintenance, net, gross)


def pool_distances(pool: Pool) -> Distances:
    """Return the common moves down and up that liquidate a pool: (0, 0) at or past it, (inf, inf) with no risk.

    A fall is followed to a price of nothing. Exact but for one division of integers.
    """
    return Distances(*distances(settled_parts(pool))) if _is_at_risk(pool) else Distances(inf, inf)


def pool_worst_distance(pool: Pool) -> float:
    """Return the move of everything against its holder that liquidates a pool; 0 at or past it, +inf if none does.

    Linear longs fall by it while linear shorts rise; a coin moves together with what is settled in it, in the
    direction that is worse for both.
    """
    return worst_distance(settled_parts(pool)) if _is_at_risk(pool) else inf


def account_distances(pools: Sequence[Pool]) -> Distances:
    """Return the nearest distances of an account's pools: the first liquidation of any of them."""
    found = [pool_distances(pool) for pool in pools]
    return Distances(
        min((distance.down for distance in found), default=inf), min((distance.up for distance in found), default=inf)
    )


def account_worst_distance(pools: Sequence[Pool]) -> float:
    """Return the nearest worst distance of an account's pools."""
    return min((pool_worst_distance(pool) for pool in pools), default=inf)


def pool_liquidation_price(pool: Pool, position: int) -> float | None:
    """Return the price of one holding at which its pool is liquidated, all other prices unchanged.

    As ``margin.liquidation_price``: in price units, both legs of an instrument together, None when no price does
    it. Index prices of collateral stay as well, which is how venues count it.
    """
    legs, rest = _split(pool, position)
    return crossing_price(rest, legs)


def pool_bankruptcy_price(pool: Pool, position: int) -> float | None:
    """Return the price of one holding at which its pool's equity is nothing, as ``pool_liquidation_price``."""
    bare = replace(pool, holdings=tuple(replace(holding, tiers=NO_MAINTENANCE) for holding in pool.holdings))
    return pool_liquidation_price(bare, position)


def _split(pool: Pool, position: int) -> tuple[list[Holding], Rest]:
    """Return the legs of a holding's instrument, and all that stays when its price moves."""
    moving = pool.holdings[position].instrument
    legs = [holding for holding in pool.holdings if holding.instrument.index == moving.index]
    others = tuple(holding for holding in pool.holdings if holding.instrument.index != moving.index)
    (own,) = [asset for asset in pool.assets if asset.name == moving.settle]
    beside = replace(pool, assets=tuple(asset for asset in pool.assets if asset is not own),
                     holdings=tuple(holding for holding in others if holding.instrument.settle != own.name))
    fellows = [holding for holding in others if holding.instrument.settle == own.name]
    spare = line_of(settled_parts(beside), 0.0).constant
    spare -= sum(holding.maintenance_ppm for holding in fellows) * own.index_price
    balance = own.amount + sum(holding.unrealised for holding in fellows)
    return legs, Rest(spare, balance, own.index_price, own.rate_ppm)


def _is_at_risk(pool: Pool) -> bool:
    return bool(pool.holdings) or any(asset.amount < 0 for asset in pool.assets)
