"""How each measure of a position is worked out from the state."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from bot.domain.account import MarginMode
from bot.domain.instrument import InstrumentKind
from bot.domain.scale import CASH_UNIT, NS_PER_MINUTE, units_per_one
from bot.engine.measures.columns import Columns
from bot.engine.measures.layout import Layout
from bot.engine.record.book import Book
from bot.engine.record.peaks import Peaks
from bot.risk.margin import Holding, liquidation_price

Compute = Callable[[int], float | None]

RANKED_LATELY = 5 * NS_PER_MINUTE    # the queue moves with every price, and lamps by fifths of it

# These follow the whole account: another market's price moves them.
ACCOUNT_WIDE = ("position.liquidation_price", "position.liquidation_distance")
# And these nothing but a fill and the position's own price.
OWN_PRICE_ONLY = tuple(
    f"position.{name}"
    for name in ("side", "amount", "notional", "entry_price", "unrealised_pnl", "loss_ratio", "drawdown")
)


class PositionReadings:
    """One function by position for each measure."""

    def __init__(self, layout: Layout, book: Book, columns: Columns, peaks: Peaks) -> None:
        self.layout = layout
        self.book = book
        self.columns = columns
        self.peaks = peaks
        self.instruments = [key.instrument for key in layout.keys]
        # by position: the wallet and holdings that a price was worked out for last, and the price
        self._liquidation: list[tuple[int, list[Holding], float | None] | None] = [None] * len(layout.keys)
        self._sums: dict[str, Compute] = {
            "side": lambda p: float((book.quantity[p] > 0) - (book.quantity[p] < 0)),
            "amount": self._amount,
            "notional": self._marked(self._notional),
            "entry_price": self._entry_price,
            "unrealised_pnl": self._agreed(lambda p: self._profit(p) / CASH_UNIT),
            "loss_ratio": self._agreed(self._loss_ratio),
            "age": lambda p: float(book.now - book.opened[p]) if book.quantity[p] else None,
            "expiry": self._expiry,
            "drawdown": peaks.position_drawdown,
            "liquidation_price": self._liquidation_price,
            "liquidation_distance": self._liquidation_distance,
            "margin_ratio": self._margin_ratio,
            "adl_rank": self._adl_rank,
        }

    def compute(self, measure: str) -> Compute:
        """Return what works out a measure by position."""
        name = measure.partition(".")[2]
        if name == "drawdown":
            self.peaks.is_of_positions = self.peaks.is_wanted = True
        return self._sums[name]

    def _marked(self, compute: Callable[[int], float]) -> Compute:
        mark, instruments = self.columns.mark, self.instruments
        return lambda p: compute(p) if mark[instruments[p]] is not None else None

    def _agreed(self, compute: Callable[[int], float]) -> Compute:
        mark, is_disputed, instruments = self.columns.mark, self.columns.is_disputed, self.instruments

        def agreed(position: int) -> float | None:
            instrument = instruments[position]
            return None if mark[instrument] is None or is_disputed[instrument] else compute(position)

        return agreed

    def _amount(self, position: int) -> float | None:
        """Return base units; of inverse contracts, which are of quote units, what they are worth in the coin."""
        instrument = self.layout.instrument_of(position)
        if instrument.kind is InstrumentKind.INVERSE:
            return self.columns.value[position] / CASH_UNIT if self.columns.mark[instrument.index] else None
        return self.book.quantity[position] / units_per_one(instrument.quantity_digits)

    def _notional(self, position: int) -> float:
        instrument = self.layout.instrument_of(position)
        if instrument.kind is InstrumentKind.INVERSE:
            return abs(instrument.notional(price=1, quantity=self.book.quantity[position])) / CASH_UNIT
        return abs(self.columns.value[position]) / CASH_UNIT

    def _profit(self, position: int) -> int:
        instrument = self.layout.instrument_of(position)
        return instrument.profit(entry_value=self.book.entry_value[position], value=self.columns.value[position])

    def _loss_ratio(self, position: int) -> float:
        entry = self.book.entry_value[position]
        return -self._profit(position) / abs(entry) if entry else 0.0

    def _entry_price(self, position: int) -> float | None:
        held = self.book.quantity[position]
        if not held:
            return None
        instrument = self.layout.instrument_of(position)
        whole, entry = held * instrument.value_multiplier, self.book.entry_value[position]
        unit = units_per_one(instrument.price_digits)
        return whole / (entry * unit) if instrument.kind is InstrumentKind.INVERSE else entry / (whole * unit)

    def _expiry(self, position: int) -> float | None:
        at, now = self.layout.instrument_of(position).expiry, self.book.now
        return None if at is None or not self.book.quantity[position] or at <= now else float(at - now)

    def _adl_rank(self, position: int) -> float | None:
        """Return the place in the queue while it is the venue's word of lately; the queue moves with every price."""
        rank = self.columns.adl_rank[position]
        account = self.book.accounts[self.columns.account_of[position]]
        is_old = self.book.now - account.snapshot_taken >= RANKED_LATELY
        return None if rank is None or is_old or not self.book.quantity[position] else float(rank)

    def _margin_ratio(self, position: int) -> float | None:
        """Return the ratio of an isolated position, which is a pool of its own; a cross one has none."""
        key = self.layout.keys[position]
        pools = self.columns.pools[key.account]
        if pools is None or key.mode is not MarginMode.ISOLATED or not self.columns.known[key.account]:
            return None
        return pools.pool_at[position].totals.margin_ratio

    def liquidation_units(self, position: int) -> float | None:
        """Return the liquidation price in price units; None where no price does it, or it cannot be known."""
        account = self.layout.keys[position].account
        if not self.book.quantity[position] or not self.columns.known[account]:
            return None
        pools = self.columns.pools[account]
        if pools is not None:
            return pools.liquidation_price(position)
        positions, holdings = self.columns.holdings(account)
        wallet = self.columns.backing(account)
        known = self._liquidation[position]
        if known is None or known[0] != wallet or known[1] != holdings:
            price = liquidation_price(wallet, holdings, positions.index(position))
            known = self._liquidation[position] = wallet, holdings, price
        return known[2]

    def _liquidation_price(self, position: int) -> float | None:
        price = self.liquidation_units(position)
        return None if price is None else price / units_per_one(self.layout.instrument_of(position).price_digits)

    def _liquidation_distance(self, position: int) -> float | None:
        account = self.layout.keys[position].account
        mark = self.columns.mark[self.instruments[position]]
        held = self.book.quantity[position]
        if not held or mark is None or not self.columns.known[account]:
            return None
        if self._is_past_liquidation(position, account):
            return 0.0
        price = self.liquidation_units(position)
        if price is None:
            return inf
        # on the safe side of maintenance no price but an adverse one leads to it, as no rate reaches 1
        return abs(price / mark - 1.0)

    def _is_past_liquidation(self, position: int, account: int) -> bool:
        pools = self.columns.pools[account]
        if pools is None:
            return self.columns.equity[account] - self.columns.missing[account] <= self.columns.maintenance(account)
        totals = pools.pool_at[position].totals
        return totals.equity <= totals.maintenance
