"""Which column is whose: instruments, accounts and positions as indexes, fixed for the life of an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.errors import ContractError
from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.scale import NS_PER_MINUTE
from bot.risk.tiers import TierTable

# Venues do not say how often they repeat a call: long enough for one that does so each minute and misses three.
MARGIN_CALL_GRACE = 5 * NS_PER_MINUTE
ONE_WAY = (PositionSide.NET,)
HEDGE = (PositionSide.LONG, PositionSide.SHORT)


@dataclass(frozen=True, slots=True)
class CollateralSlot:
    """Another asset that backs an account's cross positions: a positive balance counts for ``rate_ppm`` of its worth.

    Its price is the mark of ``instrument`` (an index), or one unit of the settlement currency where that is None.
    """

    asset: str
    rate_ppm: int
    instrument: int | None


@dataclass(frozen=True, slots=True)
class AccountSlot:
    """What the engine must know of an account: its name, its cash, the instruments it may hold, and how.

    ``sides`` are the legs that each instrument may have, ``isolated`` the instruments (indexes) that are margined
    alone, ``leverages`` those of instruments that are not set to ``leverage``. ``delta_bands`` is how large cuts may
    make the net delta of an underlying, base units at 10^-8.
    """

    name: str
    settle: str
    instruments: tuple[int, ...]
    taker_fee: float                 # fraction
    leverage: float                  # at which positions are opened; sets the initial margin
    margin_call_grace: int = MARGIN_CALL_GRACE       # ns, how long a margin call stands that is not repeated
    sides: tuple[PositionSide, ...] = ONE_WAY
    isolated: tuple[int, ...] = ()
    leverages: Mapping[int, float] = field(default_factory=dict)
    collateral: tuple[CollateralSlot, ...] = ()
    delta_bands: Mapping[str, int] = field(default_factory=dict)

    def mode_of(self, instrument: int) -> MarginMode:
        """Return how an instrument is margined."""
        return MarginMode.ISOLATED if instrument in self.isolated else MarginMode.CROSS

    def leverage_of(self, instrument: int) -> float:
        """Return the leverage at which positions in an instrument are opened."""
        return self.leverages.get(instrument, self.leverage)


@dataclass(frozen=True)
class Layout:
    """The fixed shape of the state. ``tiers`` runs parallel to ``instruments``."""

    instruments: tuple[Instrument, ...]
    tiers: tuple[TierTable, ...]
    accounts: tuple[AccountSlot, ...]

    @cached_property
    def keys(self) -> tuple[PositionKey, ...]:
        """One key per account, instrument and leg that it may have: the position columns in order."""
        return tuple(
            PositionKey(account, instrument, side, slot.mode_of(instrument))
            for account, slot in enumerate(self.accounts)
            for instrument in slot.instruments
            for side in slot.sides
        )

    @cached_property
    def position_index(self) -> dict[PositionKey, int]:
        return {key: position for position, key in enumerate(self.keys)}

    def position(self, key: PositionKey) -> int:
        """Return the column of a key; raises ContractError for one the engine was not built for."""
        position = self.position_index.get(key)
        if position is None:
            raise ContractError(f"position: no column for {key}; the account trades something not configured")
        return position

    @cached_property
    def positions_on(self) -> tuple[tuple[int, ...], ...]:
        """Position columns by instrument."""
        return _group((key.instrument for key in self.keys), len(self.instruments))

    @cached_property
    def positions_of(self) -> tuple[tuple[int, ...], ...]:
        """Position columns by account."""
        return _group((key.account for key in self.keys), len(self.accounts))

    def instrument_of(self, position: int) -> Instrument:
        return self.instruments[self.keys[position].instrument]

    def is_plain(self, account: int) -> bool:
        """True of an account of linear cross contracts and one currency: one pool, and profit is value gained."""
        slot = self.accounts[account]
        are_linear = all(self.instruments[index].kind is InstrumentKind.LINEAR for index in slot.instruments)
        return are_linear and not slot.isolated and not slot.collateral

    def market_label(self, key: PositionKey) -> str:
        """Return what a person calls a position within its account: the symbol, and in hedge mode the leg."""
        return leg_label(self.instruments[key.instrument].symbol, key.side)

    def position_label(self, key: PositionKey) -> str:
        """Return what a person calls the position: account and symbol, and in hedge mode the leg."""
        return f"{self.accounts[key.account].name} {self.market_label(key)}"


def leg_label(symbol: str, side: PositionSide) -> str:
    """Return a symbol with the leg of it that is meant; in one-way mode there is only one."""
    return symbol if side is PositionSide.NET else f"{symbol} {side.value}"


def _group(owners: Iterable[int], count: int) -> tuple[tuple[int, ...], ...]:
    groups: list[list[int]] = [[] for _ in range(count)]
    for member, owner in enumerate(owners):
        groups[owner].append(member)
    return tuple(tuple(group) for group in groups)
