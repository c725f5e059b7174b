"""Books of positions for the sums: small builders, in the units that a trader says aloud."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.instrument import Filters, Instrument, InstrumentKind
from bot.domain.scale import CASH_UNIT
from bot.risk.binance_tiers import tier_table
from bot.risk.margin import Holding
from bot.risk.tiers import TierTable, table


def instrument(
    index: int = 0,
    base: str = "BTC",
    *,
    price_digits: int = 2,
    quantity_digits: int = 3,
    lot: int = 1,
    contract_size: Decimal = Decimal(1),
) -> Instrument:
    """A linear perpetual against USDT."""
    return Instrument(
        index=index, symbol=f"{base}/USDT:USDT", underlying=base, kind=InstrumentKind.LINEAR, base=base,
        quote="USDT", settle="USDT", price_digits=price_digits, quantity_digits=quantity_digits,
        filters=Filters(tick=1, lot=lot, quantity_min=lot, quantity_max=10**15, notional_min=5 * CASH_UNIT),
        contract_size=contract_size,
    )


def flat_table(rate: str, *, cum: int = 0) -> TierTable:
    """One bracket without end at ``rate``; ``cum`` in cash units."""
    (tier,) = table([(0, rate, 20)], source="made for a test").tiers
    return TierTable((replace(tier, cum=cum),), "made for a test")


def holding(
    quantity: int,
    *,
    mark: float,
    entry: float | None = None,
    base: str = "BTC",
    index: int = 0,
    lot: int = 1,
    tiers: TierTable | None = None,
) -> Holding:
    """A position of thousandths of a coin; ``mark`` and ``entry`` in USDT, entered at the mark unless told."""
    perpetual = instrument(index, base, lot=lot)
    entry_value = perpetual.value(price=round((mark if entry is None else entry) * 100), quantity=quantity)
    return Holding(
        key=PositionKey(0, index), instrument=perpetual, tiers=tier_table(base) if tiers is None else tiers,
        quantity=quantity, entry_value=entry_value, mark=round(mark * 100),
    )


def usdt(amount: float) -> int:
    """Cash units of an amount of USDT."""
    return round(amount * CASH_UNIT)


def sizes(holdings: Sequence[Holding]) -> list[int]:
    """Unsigned quantities."""
    return [abs(held.quantity) for held in holdings]
