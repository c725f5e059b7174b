"""Which column is whose: instruments, accounts and positions as indexes, fixed for the life of an engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from bot.domain.account import PositionKey
from bot.domain.errors import ContractError
from bot.domain.instrument import Instrument
from bot.domain.scale import NS_PER_MINUTE
from bot.risk.tiers import TierTable

# Venues do not say how often they repeat a call: long enough for one that does so each minute and misses three.
MARGIN_CALL_GRACE = 5 * NS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class AccountSlot:
    """What the engine must know of an account: its name, its cash, the instruments it may hold."""

    name: str
    settle: str
    instruments: tuple[int, ...]
    taker_fee: float                 # fraction
    leverage: float                  # at which positions are opened; sets the initial margin
    margin_call_grace: int = MARGIN_CALL_GRACE       # ns, how long a margin call stands that is not repeated


@dataclass(frozen=True)
class Layout:
    """The fixed shape of the state. ``tiers`` runs parallel to ``instruments``."""

    instruments: tuple[Instrument, ...]
    tiers: tuple[TierTable, ...]
    accounts: tuple[AccountSlot, ...]

    @cached_property
    def keys(self) -> tuple[PositionKey, ...]:
        """One key per account and instrument, one-way and cross: the position columns in order."""
        return tuple(
            PositionKey(account, instrument)
            for account, slot in enumerate(self.accounts)
            for instrument in slot.instruments
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

    def position_label(self, key: PositionKey) -> str:
        """Return what a person calls the position: account and symbol."""
        return f"{self.accounts[key.account].name} {self.instruments[key.instrument].symbol}"


def _group(owners: Iterable[int], count: int) -> tuple[tuple[int, ...], ...]:
    groups: list[list[int]] = [[] for _ in range(count)]
    for member, owner in enumerate(owners):
        groups[owner].append(member)
    return tuple(tuple(group) for group in groups)
