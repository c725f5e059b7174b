"""The deposit that would do: how much more of an asset puts a pool at a wanted distance.

What a pool has to spare is concave in a common move, so a distance d is reached when nothing lacks after a move
of d down and of d up; a deposit adds to both. A coin is worth less after the fall it is deposited against, and
counts at its collateral rate once what is owed of it is paid back. Exact, rounded up to a cash unit.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from bot.domain.errors import ContractError
from bot.risk.holding import Holding
from bot.risk.pool import Pool, isolated_pool, settled_parts
from bot.risk.settled import Settled, spare_at
from bot.risk.tiers import PPM


def top_up(pool: Pool, *, distance: float, asset: str) -> int | None:
    """Return the least deposit of ``asset`` with which ``pool_distances(...).nearest`` is at least ``distance``.

    In cash units of the asset, 0 when the pool stands there already; None when no amount of it would do (a coin
    against a fall to nothing, an asset that does not count). Raises ContractError for an asset that the pool does
    not list: give it with an amount of 0.
    """
    names = [member.name for member in pool.assets]
    if asset not in names:
        raise ContractError(f"top-up: {asset} must be one of the pool's assets, was none of {names}")
    parts = settled_parts(pool)
    part = parts[names.index(asset)]
    fall, rise = -min(Fraction(1), Fraction(distance)), Fraction(distance)
    needs = [_need(part, lack=-spare_at(parts, move), move=move) for move in (fall, rise)]
    deposits = [ceil(need) for need in needs if need is not None]
    return max(deposits) if len(deposits) == len(needs) else None


def add_margin(holding: Holding, *, margin: int, distance: float) -> int | None:
    """Return what to add to an isolated position's ``margin`` for a ``distance``, cash of its settlement currency.

    Rounded up; 0 when it stands there already, None when no amount would do.
    """
    return top_up(isolated_pool(holding, margin), distance=distance, asset=holding.instrument.settle)


def _need(part: Settled, *, lack: Fraction, move: Fraction) -> Fraction | None:
    """Return the deposit into one part that adds ``lack`` atoms after a move, cash units of its asset."""
    if lack <= 0:
        return Fraction(0)
    price = part.price_after(move)
    if price == 0:
        return None
    constant, slope = part.balance(float(move))
    owed = max(Fraction(0), -(constant + slope * move)) * part.index_price * PPM     # paid back it counts in full
    if lack <= owed:
        return lack / (price * PPM)
    return (owed / PPM + (lack - owed) / part.rate_ppm) / price if part.rate_ppm else None
