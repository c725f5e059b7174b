"""Assets that stand behind positions: what each counts for, and what a shortage of one costs in another.

    counted = balance x index price x collateral rate     where the balance is positive
            = balance x index price                       where it is owed

Source: Binance, "Multi-Assets mode" and "Portfolio Margin Pro maintenance margin ratio" (uniMMR), read 2026-11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf

from bot.domain.errors import ContractError
from bot.domain.scale import CASH_UNIT
from bot.risk.tiers import PPM


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset in the wallet of a margin pool.

    ``amount`` is in its own cash units, 10^-8, negative when owed, without unrealised profit. ``index_price`` is
    numeraire cash per whole asset: ``CASH_UNIT`` for the numeraire itself. ``underlying`` is what moves it in a
    common move, None for a currency that keeps its price. Raises ContractError for a price that is none.
    """

    name: str
    amount: int
    index_price: int = CASH_UNIT
    rate_ppm: int = PPM
    underlying: str | None = None

    def __post_init__(self) -> None:
        if self.index_price <= 0:
            raise ContractError(f"collateral {self.name}: index price must be above 0, was {self.index_price}")
        if not 0 <= self.rate_ppm <= PPM:
            raise ContractError(f"collateral {self.name}: rate must be 0 to {PPM} ppm, was {self.rate_ppm}")


class MarginStatus(Enum):
    """What a venue of portfolio margin lets an account do, by uniMMR (Binance PM Pro)."""

    FREE = "free"                                    # above 1.5
    REMINDER = "reminder"                            # above 1.2
    NO_NEW_ORDERS = "no_new_orders"                  # above 1.05
    LIQUIDATION = "liquidation"                      # 1.05 and below
    LIQUIDATION_AND_CLAIM = "liquidation_and_claim"  # 1 and below: less is left than must be held


_STATUS_ABOVE = (
    (1.5, MarginStatus.FREE), (1.2, MarginStatus.REMINDER), (1.05, MarginStatus.NO_NEW_ORDERS),
    (1.0, MarginStatus.LIQUIDATION),
)


def counted_value(asset: Asset, balance: int) -> int:
    """Return what ``balance`` of an asset counts for, numeraire cash, rounded down."""
    rate_ppm = asset.rate_ppm if balance > 0 else PPM
    return balance * asset.index_price * rate_ppm // (CASH_UNIT * PPM)


def collateral_value(assets: Sequence[Asset]) -> int:
    """Return what the assets count for together, numeraire cash; each rounded down."""
    return sum(counted_value(asset, asset.amount) for asset in assets)


def exchanged_for(deficit: int, *, rate_ppm: int) -> int:
    """Return the market value of collateral that a venue sells to cover ``deficit``, numeraire cash, rounded up.

    Auto-exchange gives the haircut away: 20,000 owed take 20,513 of an asset that counts for 97.5 %.
    """
    return -(-deficit * PPM // rate_ppm)


def uni_mmr(equity: int, maintenance: int) -> float:
    """Return counted equity over maintenance margin, the inverse of our margin ratio; +inf with none to hold."""
    return equity / maintenance if maintenance else inf


def margin_status(ratio: float) -> MarginStatus:
    """Return what an account at a uniMMR of ``ratio`` may still do."""
    for bound, status in _STATUS_ABOVE:
        if ratio > bound:
            return status
    return MarginStatus.LIQUIDATION_AND_CLAIM
