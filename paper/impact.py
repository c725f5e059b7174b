"""What a fill costs where there is no book: half spread, square-root impact, and the memory of our own takings.

    average price = touched price x (1 -+ (half spread + average impact))
    impact of a parent of size Q: I(Q) = Y x sigma_day x sqrt(Q / V_day), averaged over the parent
    next child of q after m: ((m + q) I(m + q) - m I(m)) / q

so that a hundred children within a second pay what one of their total would. ``m`` is what was taken on the
same side lately; it fades with a half-life. The last piece of a child pays the slope, 1.5 I(m + q): a limit
admits only what its last piece can pay, as a book would. With a quote on the tape the touched price is the
quote and no half spread is added. In a candle bar wider than 5x the median of the last 60, a fill lies at
least half of the range away from the last price.

Sources: Almgren, Thum, Hauptmann, Li (2005), "Direct Estimation of Equity Market Impact", Risk 18(7);
Toth et al. (2011), "Anomalous Price Impact and the Critical Nature of Liquidity in Financial Markets",
Phys. Rev. X 1, 021006. Y of order one and the exponent 1/2 are theirs; the memory is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, sqrt

from bot.domain.instrument import Instrument
from bot.domain.order import Side
from paper.activity import MINUTES_PER_DAY, sigma_minute, volume_day
from paper.spec import ImpactSpec
from paper.state import Market


@dataclass(frozen=True, slots=True)
class Depth:
    """The liquidity that one side meets now; ratios are fractions of ``base``."""

    side: Side
    base: int                        # the price from which distances count
    half_spread: float
    scale: float                     # Y sigma_day / sqrt(V_day)
    taken: float                     # quantity units, recently, on the same side
    least: float                     # the distance that a wide bar imposes

    def touch(self) -> int:
        """Return the price of the first piece, rounded against the taker."""
        away = self.side.sign * max(self.half_spread, self.least)
        price = self.base * (1.0 + away)
        return ceil(price) if self.side is Side.BUY else max(1, floor(price))

    def distance(self, quantity: int) -> float:
        """Return how far from ``base`` the average price of ``quantity`` lies."""
        after = self.taken + quantity
        spent = self.scale * (after * sqrt(after) - self.taken * sqrt(self.taken))
        return max(self.half_spread + spent / quantity, self.least)

    def price(self, quantity: int) -> int:
        """Return the average price, rounded against the taker, at least one unit."""
        away = self.distance(quantity)
        if self.side is Side.BUY:
            return ceil(self.base * (1.0 + away))
        return max(1, floor(self.base * (1.0 - away)))

    def quantity_within(self, limit: int) -> int:
        """Return how much fits inside a limit price; 0 when not even the first piece does."""
        room = self.side.sign * (limit - self.base) / self.base
        if room < self.least or room <= self.half_spread:
            return 0
        root = (room - self.half_spread) / (1.5 * self.scale)
        return max(0, floor(root * root - self.taken))


def depth(market: Market, instrument: Instrument, spec: ImpactSpec, *, side: Side, now: int) -> Depth | None:
    """Return what ``side`` meets at ``now``, or None when the instrument has no price yet."""
    if market.last is None:
        return None
    sigma = sigma_minute(market, spec)
    quoted = market.ask if side is Side.BUY else market.bid
    base = quoted or market.last
    tick_ratio = instrument.filters.tick / base
    spread = max(tick_ratio, spec.half_spread_min, spec.half_spread_of_minute_sigma * sigma)
    bought, sold = _faded(market, spec, now)
    return Depth(
        side=side,
        base=base,
        half_spread=0.0 if quoted else spread,
        scale=spec.y * sigma * sqrt(MINUTES_PER_DAY / volume_day(market, instrument, spec)),
        taken=bought if side is Side.BUY else sold,
        least=market.bar_floor / base if now < market.bar_ends else 0.0,
    )


def remember(market: Market, spec: ImpactSpec, *, side: Side, quantity: int, now: int) -> None:
    """Add what was taken to the memory of its side."""
    market.bought, market.sold = _faded(market, spec, now)
    market.pressed_at = now
    if side is Side.BUY:
        market.bought += quantity
    else:
        market.sold += quantity


def _faded(market: Market, spec: ImpactSpec, now: int) -> tuple[float, float]:
    left = 0.5 ** ((now - market.pressed_at) / spec.memory_half_life)
    return market.bought * left, market.sold * left
