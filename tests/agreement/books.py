"""Random books that belong to neither implementation: instruments, brackets, prices, wallets and positions.

A book is made from its number alone, so a disagreement is found again by ``book(number)``. Scales are fine enough
that a part in 10^8 of a price is more than a unit of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from bot.domain.account import MarginMode, PositionSide
from bot.domain.instrument import Filters, Instrument, InstrumentKind
from bot.domain.scale import CASH_UNIT
from bot.risk.binance_tiers import tier_table_of
from bot.risk.tiers import TierTable, table
from paper.spec import AssetMode, PositionMode
from paper.tiers import Brackets, brackets_of, chained

NO_END = 10**30
MADE_UP = 48                         # tables of each kind: enough that bounds and rates differ from book to book
NUMERAIRE = "USDT"


def _instrument(
    index: int, symbol: str, *, price_digits: int, quantity_digits: int, contract_size: int = 1
) -> Instrument:
    base, _, rest = symbol.partition("/")
    quote, _, settle = rest.partition(":")
    settle = settle.partition("-")[0]
    kind = InstrumentKind.INVERSE if settle == base else InstrumentKind.LINEAR
    return Instrument(
        index=index, symbol=symbol, underlying=base, kind=kind, base=base, quote=quote, settle=settle,
        price_digits=price_digits, quantity_digits=quantity_digits, contract_size=Decimal(contract_size),
        filters=Filters(tick=1, lot=1, quantity_min=1, quantity_max=10**18, notional_min=0),
    )


INSTRUMENTS = (
    _instrument(0, "BTC/USDT:USDT", price_digits=5, quantity_digits=3),
    _instrument(1, "ETH/USDT:USDT", price_digits=5, quantity_digits=3),
    _instrument(2, "SOL/USDT:USDT", price_digits=7, quantity_digits=1),
    _instrument(3, "SUI/USDT:USDT", price_digits=11, quantity_digits=0, contract_size=1_000),
    _instrument(4, "BTC/USDC:USDC", price_digits=5, quantity_digits=3),
    _instrument(5, "ETH/USDC:USDC", price_digits=5, quantity_digits=3),
    _instrument(6, "BTC/USD:BTC", price_digits=5, quantity_digits=0, contract_size=100),
    _instrument(7, "ETH/USD:ETH", price_digits=5, quantity_digits=0, contract_size=10),
    _instrument(8, "BTC/USD:BTC-261225", price_digits=5, quantity_digits=0, contract_size=100),
    _instrument(9, "BTC/USDT:USDT-261225", price_digits=5, quantity_digits=3),     # never held: prices of collateral
    _instrument(10, "ETH/USDT:USDT-261225", price_digits=5, quantity_digits=3),
)
LINEAR = range(6)
HELD = range(9)
PRICE_SOURCES = {"BTC": 9, "ETH": 10}
PRICES = {"BTC": 63_210.5, "ETH": 3_000.0, "SOL": 155.55, "SUI": 0.37}


@dataclass(frozen=True, slots=True)
class Rows:
    """One table of brackets in both forms, each built by its own side."""

    ours: TierTable
    venue: Brackets


@dataclass(frozen=True, slots=True)
class Position:
    """Signed quantity and entry price; ``margin`` is the own wallet of an isolated one, None for cross."""

    instrument: Instrument
    side: PositionSide
    quantity: int
    entry_price: int
    margin: int | None = None

    @property
    def mode(self) -> MarginMode:
        return MarginMode.CROSS if self.margin is None else MarginMode.ISOLATED

    @property
    def entry_value(self) -> int:
        """Signed value at entry, cash."""
        return self.instrument.value(price=self.entry_price, quantity=self.quantity)


@dataclass(frozen=True, slots=True)
class Haircut:
    """What an asset counts for: a fixed price (10^-8) or that of an instrument, and a rate in ppm."""

    price: int
    rate_ppm: int
    source: int | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """Everything there is to know of one account; prices, tables and leverages by instrument."""

    number: int
    asset_mode: AssetMode
    position_mode: PositionMode
    prices: tuple[int, ...]
    tables: tuple[Rows, ...]
    leverages: dict[int, int]
    wallets: dict[str, int]
    haircuts: dict[str, Haircut]
    positions: tuple[Position, ...]


def _made_up(draw: Random, *, lowest: float, highest: float) -> Rows:
    """Return one to seven brackets with bounds between 10^lowest and 10^highest whole units."""
    bounds = sorted({round(10 ** draw.uniform(lowest, highest)) for _ in range(draw.randrange(7))} - {0})
    rates = sorted(draw.sample(range(100, 60_000, 25), len(bounds) + 1))
    leverages = [max(1, min(125, 50_000 // rate)) for rate in rates]
    ours = table(
        [(floor, str(Decimal(rate).scaleb(-5)), most)
         for floor, rate, most in zip([0, *bounds], rates, leverages, strict=True)],
        source="made for a test",
    )
    return Rows(ours, chained([*(bound * CASH_UNIT for bound in bounds), NO_END], rates, leverages))


_REAL = tuple(Rows(tier_table_of(each), brackets_of(each)) for each in INSTRUMENTS)
_PRICES = tuple(round(PRICES[each.base] * 10**each.price_digits) for each in INSTRUMENTS)
_draw = Random(4)
_LINEAR_TABLES = tuple(_made_up(_draw, lowest=3, highest=9) for _ in range(MADE_UP))
_COIN_TABLES = tuple(_made_up(_draw, lowest=0, highest=5) for _ in range(MADE_UP))


def book(number: int) -> Book:
    """Return the book of that number: from far beyond liquidation to idle, most of them near the line."""
    draw = Random(number)
    asset_mode = draw.choice(tuple(AssetMode))
    position_mode = draw.choice(tuple(PositionMode))
    chosen = draw.sample(LINEAR if asset_mode is AssetMode.MULTI else HELD, draw.choice((1, 1, 2, 2, 3, 4)))
    prices, tables = list(_PRICES), list(_REAL)
    for index in (*chosen, *PRICE_SOURCES.values()):
        prices[index] = round(_PRICES[index] * draw.uniform(0.5, 2.0))
        if draw.random() < 0.6:
            is_linear = INSTRUMENTS[index].kind is InstrumentKind.LINEAR
            tables[index] = draw.choice(_LINEAR_TABLES if is_linear else _COIN_TABLES)
    positions: list[Position] = []
    for index in chosen:
        is_isolated = asset_mode is AssetMode.SINGLE and draw.random() < 0.35
        for side in _legs(draw, position_mode):
            positions.append(_position(draw, index, side, prices[index], tables[index], is_isolated=is_isolated))
    del positions[6:]
    haircuts = _haircuts(draw, prices) if asset_mode is AssetMode.MULTI else {}
    wallets = _wallets(draw, positions, prices, tables, haircuts)
    leverages = {index: _leverage(draw, positions, index, prices, tables) for index in chosen}
    return Book(
        number, asset_mode, position_mode, tuple(prices), tuple(tables), leverages, wallets, haircuts, tuple(positions)
    )


def _legs(draw: Random, mode: PositionMode) -> tuple[PositionSide, ...]:
    if mode is PositionMode.ONE_WAY:
        return (PositionSide.NET,)
    both = (PositionSide.LONG, PositionSide.SHORT)
    return both if draw.random() < 0.6 else (draw.choice(both),)


def _position(
    draw: Random, index: int, side: PositionSide, price: int, rows: Rows, *, is_isolated: bool
) -> Position:
    instrument = INSTRUMENTS[index]
    is_inverse = instrument.kind is InstrumentKind.INVERSE
    one = instrument.value(price=price, quantity=1_000)
    whole = 10 ** (draw.uniform(-0.5, 5.5) if is_inverse else draw.uniform(2.0, 9.3))       # coins, or quote units
    size = max(1, round(whole * CASH_UNIT * 1_000 / one))
    sign = {PositionSide.LONG: 1, PositionSide.SHORT: -1}.get(side) or draw.choice((1, -1))
    bare = Position(instrument, side, size * sign, max(1, round(price * draw.uniform(0.6, 1.6))))
    if not is_isolated:
        return bare
    return Position(instrument, side, bare.quantity, bare.entry_price, _wanted(draw, [bare], price, rows))


def _wanted(draw: Random, positions: list[Position], price: int, rows: Rows) -> int:
    """Return a margin for positions of one instrument, in the currency that it settles in."""
    need = sum(_need(each, price, rows) for each in positions)
    size = sum(abs(each.instrument.value(price=price, quantity=each.quantity)) for each in positions)
    return need + round(size * _cushion(draw))


def _need(position: Position, price: int, rows: Rows) -> int:
    """Return maintenance less profit, cash; only for choosing wallets, so whose sum it is does not matter."""
    value = position.instrument.value(price=price, quantity=position.quantity)
    profit = position.instrument.profit(entry_value=position.entry_value, value=value)
    return rows.ours.maintenance(abs(value)) - profit


def _cushion(draw: Random) -> float:
    """Return what stands above maintenance, as a fraction of what is held; one in four stands below."""
    return float(10 ** draw.uniform(-6.0, 0.6) * draw.choice((1, 1, 1, -1)))


def _haircuts(draw: Random, prices: Sequence[int]) -> dict[str, Haircut]:
    """Return the terms of every asset but the numeraire; what contracts settle in counts in full."""
    found = {"USDC": Haircut(draw.choice((CASH_UNIT, 99_910_000, 100_070_000)), 1_000_000)}
    for asset, source in PRICE_SOURCES.items():
        rate = draw.choice((1_000_000, 975_000, 950_000, 900_000, 500_000, 0))
        digits = INSTRUMENTS[source].price_digits
        found[asset] = Haircut(prices[source] * CASH_UNIT // 10**digits, rate, source)
    return found


def _wallets(
    draw: Random, positions: list[Position], prices: Sequence[int], tables: Sequence[Rows],
    haircuts: dict[str, Haircut],
) -> dict[str, int]:
    """Return a wallet for every currency, owed ones among them, so that the cross pools stand near their line."""
    need: dict[str, int] = {}
    size: dict[str, int] = {}
    for each in positions:
        if each.margin is not None:
            continue
        index, settle = each.instrument.index, each.instrument.settle
        need[settle] = need.get(settle, 0) + _need(each, prices[index], tables[index])
        value = abs(each.instrument.value(price=prices[index], quantity=each.quantity))
        size[settle] = size.get(settle, 0) + value
    if not haircuts:
        return {asset: need[asset] + round(size[asset] * _cushion(draw)) for asset in need}
    wallets = {}
    counted = 0
    gross = sum(size.values())
    for asset, terms in haircuts.items():
        worth = gross * draw.choice((0.0, 0.0, -0.02, 0.01, 0.3)) * draw.random()
        wallets[asset] = round(worth * CASH_UNIT / terms.price)
        counted += wallets[asset] * terms.price * (terms.rate_ppm if worth > 0 else 10**6) // (CASH_UNIT * 10**6)
    owed = need.get(NUMERAIRE, 0) + need.get("USDC", 0) * haircuts["USDC"].price // CASH_UNIT
    return {NUMERAIRE: owed - counted + round(gross * _cushion(draw)), **wallets}


def _leverage(
    draw: Random, positions: list[Position], index: int, prices: Sequence[int], tables: Sequence[Rows]
) -> int:
    """Return a leverage that the venue's table offers for everything held of an instrument."""
    largest = max((
        abs(each.instrument.value(price=prices[index], quantity=each.quantity))
        for each in positions if each.instrument.index == index
    ), default=0)
    venue = tables[index].venue
    offered = next((most for cap, most in zip(venue.caps, venue.leverages, strict=True) if cap >= largest), 1)
    return min(draw.choice((1, 2, 3, 5, 10, 20, 50, 75, 125)), offered)
