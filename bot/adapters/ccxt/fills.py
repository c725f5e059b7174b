"""A fill, from whichever page or stream it was read, as the facts that it is; no I/O."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.events import FillOrigin, LiquidationStage, OrderFilled
from bot.domain.instrument import Instrument


def facts_of_fill(fill: OrderFilled, instrument: Instrument) -> Iterator[OrderFilled | LiquidationStage]:
    """Yield a fill and, where the venue liquidates, that it does."""
    yield fill
    if fill.origin is FillOrigin.LIQUIDATION:
        notional = abs(instrument.notional(price=fill.price, quantity=fill.quantity))
        yield LiquidationStage(fill.now, fill.account, fill.key, notional, fill.fee, "liquidation", 0, fill.trade_id)
