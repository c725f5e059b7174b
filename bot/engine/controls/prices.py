"""What the order is priced by and at: plausible data, a limit inside collar and band (C3, C13)."""

from __future__ import annotations

from bot.domain.denials import DenialCode, Denied
from bot.domain.order import OrderClass, Side
from bot.engine.controls.case import Case
from bot.engine.spec import LimitsSpec


def mark_price(case: Case) -> Denied | None:
    """No mark, no order; a stop at the venue knows the price when we do not."""
    if case.mark is None and not case.is_stop:
        return case.deny(DenialCode.MARK_UNAVAILABLE, "no mark price, or only an old one")
    return None


def plausible(case: Case) -> Denied | None:
    """Prices that contradict each other decide nothing but survival, which goes by the venue's own mark."""
    if case.is_survival or case.mark is None:
        return None
    instrument = case.instrument.index
    best = case.market.best(instrument, case.now)
    if best is not None and best[0] >= best[1]:
        return case.deny(
            DenialCode.QUOTE_CROSSED, f"bid was {case.price_text(best[0])}, ask {case.price_text(best[1])}"
        )
    is_old = case.market.is_old(case.market.trade_stamp[instrument], instrument, case.now)
    for what, price in (
        ("last", None if is_old else case.market.last[instrument]),
        ("index", case.market.index_price(instrument, case.now)),
    ):
        if price is not None and abs(price - case.mark) > case.limits.divergence * case.mark:
            return case.deny(
                DenialCode.PRICES_DIVERGE,
                f"mark was {case.price_text(case.mark)}, {what} {case.price_text(price)}; they may lie "
                f"{case.limits.divergence:.2%} apart",
            )
    return None


def limit_price(case: Case) -> Denied | None:
    """Never without a limit, on tick, and no further from the mark than class, limits and venue let it go."""
    limit, filters = case.request.limit_price, case.instrument.filters
    if case.is_stop:
        return None
    if limit is None or limit <= 0:
        return case.deny(DenialCode.PRICE_MISSING, f"limit price was {limit}")
    if limit % filters.tick:
        return case.deny(DenialCode.PRICE_OFF_TICK, f"limit price was {case.price_text(limit)}")
    if filters.price_max is not None and limit > filters.price_max:
        return case.deny(
            DenialCode.PRICE_ABOVE_MAX,
            f"limit price was {case.price_text(limit)}, the venue takes {case.price_text(filters.price_max)}",
        )
    return _collar(case, limit) or _band(case, limit)


def _collar(case: Case, limit: int) -> Denied | None:
    if case.mark is None:
        return None
    widest = collar_max(case.request.order_class, case.limits)
    away = (limit - case.mark) * case.request.side.sign / case.mark
    if away > widest:
        return case.deny(
            DenialCode.COLLAR_BREACHED,
            f"limit was {away:.3%} past the mark {case.price_text(case.mark)}, the collar is {widest:.3%}",
        )
    return None


def _band(case: Case, limit: int) -> Denied | None:
    """Binance PERCENT_PRICE: a buy no higher than mark x up, a sell no lower than mark x down."""
    filters = case.instrument.filters
    is_buy = case.request.side is Side.BUY
    factor = filters.price_up if is_buy else filters.price_down
    if factor is None or case.mark is None:
        return None
    edge = case.mark * factor
    if limit > edge if is_buy else limit < edge:
        return case.deny(
            DenialCode.PRICE_OUTSIDE_BAND,
            f"limit was {case.price_text(limit)}, the venue's band ends at {factor:g} x {case.price_text(case.mark)}",
        )
    return None


def trigger(case: Case) -> Denied | None:
    """A stop waits on the losing side of the mark, without a limit; nothing else waits at all."""
    price, filters = case.request.trigger_price, case.instrument.filters
    if (price is not None) is not case.is_stop:
        return case.deny(
            DenialCode.TRIGGER_UNEXPECTED,
            f"trigger price was {price}, of class {case.request.order_class.value}",
        )
    if price is None:
        return None
    if price <= 0 or price % filters.tick:
        return case.deny(DenialCode.PRICE_OFF_TICK, f"trigger price was {case.price_text(price)}")
    if filters.price_max is not None and price > filters.price_max:
        return case.deny(DenialCode.PRICE_ABOVE_MAX, f"trigger price was {case.price_text(price)}")
    if case.mark is not None and (price - case.mark) * case.request.side.sign <= 0:
        return case.deny(
            DenialCode.TRIGGER_MISPLACED,
            f"a {case.request.side.value} at {case.price_text(price)} is reached at {case.price_text(case.mark)}",
        )
    return None


def collar_max(order_class: OrderClass, limits: LimitsSpec) -> float:
    """Return how far past the mark an order of a class may be priced, a fraction."""
    return limits.margin_collar_max if order_class is OrderClass.MARGIN else limits.price_collar
