"""Pools for the sums: linear and inverse contracts, coins as collateral, in the units that a trader says aloud."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from bot.domain.account import PositionKey, PositionSide
from bot.domain.instrument import Filters, Instrument, InstrumentKind
from bot.domain.scale import CASH_UNIT, to_fixed
from bot.risk.binance_tiers import tier_table
from bot.risk.collateral import Asset
from bot.risk.holding import Holding
from bot.risk.pool import Pool, pool_margin
from bot.risk.tiers import TierTable, table
from tests.risk.books import flat_table, instrument

PRICES = {"BTC": "63210.5", "ETH": "3000", "SOL": "155.55"}

# In coins, as COIN-M states them; made for the tests, rates and bounds like the venue's.
COIN_TABLE = table(
    [(0, "0.004", 125), (5, "0.005", 100), (10, "0.01", 50), (20, "0.025", 20), (50, "0.05", 10), (100, "0.1", 5)],
    source="made for a test",
)


def inverse(index: int = 0, base: str = "BTC", *, face: int = 100, expiry: str = "") -> Instrument:
    """A contract of ``face`` USD, settled in the coin."""
    return Instrument(
        index=index, symbol=f"{base}/USD:{base}{expiry}", underlying=base, kind=InstrumentKind.INVERSE, base=base,
        quote="USD", settle=base, price_digits=2, quantity_digits=0, contract_size=Decimal(face),
        filters=Filters(tick=1, lot=1, quantity_min=1, quantity_max=10**15, notional_min=0),
    )


def held(
    of: Instrument, quantity: int, *, mark: float | str, entry: float | str | None = None,
    tiers: TierTable | None = None, side: PositionSide = PositionSide.NET,
) -> Holding:
    """A position at a mark, entered there unless told, in brackets of its kind unless told."""
    usual = COIN_TABLE if of.kind is InstrumentKind.INVERSE else tier_table(of.base)
    price = to_fixed(str(mark), of.price_digits)
    entered = price if entry is None else to_fixed(str(entry), of.price_digits)
    return Holding(
        key=PositionKey(0, of.index, side), instrument=of, tiers=usual if tiers is None else tiers, quantity=quantity,
        entry_value=of.value(price=entered, quantity=quantity), mark=price,
    )


def coin(base: str = "BTC", amount: float = 0.0, *, rate: float = 1.0, price: str | None = None) -> Asset:
    """A coin in the wallet at its price in USDT."""
    index_price = to_fixed(PRICES[base] if price is None else price, 8)
    return Asset(base, round(amount * CASH_UNIT), index_price, round(rate * 1_000_000), underlying=base)


def usdt_asset(amount: float = 0.0, *, rate: float = 1.0) -> Asset:
    """The numeraire."""
    return Asset("USDT", round(amount * CASH_UNIT), rate_ppm=round(rate * 1_000_000))


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """A unified account: linear legs in USDT, inverse ones in coins, coins owed and owned, from dead to idle."""
    bases = draw(st.lists(st.sampled_from(sorted(PRICES)), min_size=1, max_size=3, unique=True))
    assets, holdings = [], []
    for place, base in enumerate(bases):
        price = float(PRICES[base])
        assets.append(coin(base, draw(st.sampled_from([0.0, 0.0, -0.3, 0.7, 4.0])) * 60_000 / price,
                           rate=draw(st.sampled_from([0.95, 0.9, 1.0, 0.5]))))
        for number, of in enumerate((instrument(3 * place, base), inverse(3 * place + 1, base),
                                     inverse(3 * place + 2, base, expiry="-261225"))):
            notional = draw(st.sampled_from([0.0, 0.0, 1e3, 7e4, 1.3e6, -5e3, -2e5, -4e6]))
            quantity = round(notional / (price / 1_000 if number == 0 else 100))
            if quantity:
                entry = f"{price * draw(st.sampled_from([0.7, 0.97, 1.0, 1.2])):.2f}"
                mark = f"{price * draw(st.sampled_from([1.0, 1.004])):.2f}"
                holdings.append(held(of, quantity, mark=mark, entry=entry))
    bare = Pool((usdt_asset(), *assets), tuple(holdings))
    totals = pool_margin(bare)
    cushion = 10 ** draw(st.floats(-4.0, 0.7)) * draw(st.sampled_from([1, 1, 1, -1]))
    wallet = totals.maintenance - totals.equity + round(max(totals.gross, 10**10) * cushion)
    currency = Asset("USDT", wallet, rate_ppm=draw(st.sampled_from([1_000_000, 999_000])))
    return Pool((currency, *assets), bare.holdings)


__all__ = ["COIN_TABLE", "PRICES", "coin", "flat_table", "held", "instrument", "inverse", "pools", "usdt_asset"]
