"""What of an account must be known to read what a venue says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.adapters.ccxt.names import NameCode
from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.instrument import Instrument

_SIDES = {"BOTH": PositionSide.NET, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account; ``instruments`` go by the venue's symbols, ``mode_of`` by an instrument's index."""

    account: int
    marker: str
    names: NameCode
    instruments: Mapping[str, Instrument]
    mode_of: Callable[[int], MarginMode]
    is_hedged: bool = False

    def key(self, instrument: Instrument, side: str) -> PositionKey:
        """Return the holding that Binance's positionSide means."""
        return PositionKey(self.account, instrument.index, _SIDES[side], self.mode_of(instrument.index))

    def whole(self, instrument: Instrument) -> PositionKey:
        """Return the holding that something is booked to which names no leg; in hedge mode the long one."""
        return self.key(instrument, "LONG" if self.is_hedged else "BOTH")

    def name_of(self, identity: str) -> str:
        """Return our name of a client id, or the id itself where it is none of ours."""
        return self.names.decode(identity) or identity
