"""The venue's state together with what every part of it needs: instruments, fees, and the report to clients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import heappush

from bot.domain.errors import ContractError, Unsupported
from bot.domain.events import AccountFact
from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.scale import CASH_UNIT
from paper import history
from paper.history import Unasked
from paper.spec import VenueSpec
from paper.state import Account, Due, Ledger, VenueState
from paper.tiers import brackets_of

RATE_UNIT = 10**8                    # fees and funding rates as integers


def rate_units(rate: float) -> int:
    """Return a fraction as an integer at 10^-8."""
    return round(rate * RATE_UNIT)


def charge(value: int, rate: int) -> int:
    """Return ``value`` x ``rate`` (10^-8) in cash units, rounded up: against the account, rebates too."""
    return -(-value * rate // RATE_UNIT)


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Rates at 10^-8 from a volume on, which is in cash units."""

    volume: int
    maker: int
    taker: int


class Exchange:
    """What the parts share. ``at`` is the venue's time of what happens now, ``told`` when clients learn of it."""

    __slots__ = (
        "accounts", "at", "brackets", "fee_tiers", "instruments", "liquidation_fees", "markets", "report_latency",
        "reports", "spec", "state", "told",
    )

    def __init__(self, spec: VenueSpec, instruments: Sequence[Instrument], state: VenueState) -> None:
        for place, instrument in enumerate(instruments):
            if instrument.index != place:
                raise ContractError(
                    f"venue: instruments must be given in the order of their indexes, "
                    f"was {instrument.symbol} with {instrument.index} at {place}"
                )
            if instrument.kind not in (InstrumentKind.LINEAR, InstrumentKind.INVERSE):
                raise Unsupported(
                    f"{instrument.symbol}: {instrument.kind.value} instruments are not simulated yet"
                )
        self.spec = spec
        self.instruments = tuple(instruments)
        self.state = state
        self.markets = state.markets
        self.accounts = {account.index: account for account in state.accounts}
        self.brackets = tuple(
            spec.brackets.get(instrument.symbol) or brackets_of(instrument) for instrument in instruments
        )
        self.fee_tiers = (
            FeeRates(0, rate_units(spec.maker_fee), rate_units(spec.taker_fee)),
            *(
                FeeRates(tier.volume * CASH_UNIT, rate_units(tier.maker), rate_units(tier.taker))
                for tier in spec.fee_tiers
            ),
        )
        self.report_latency = spec.latency if spec.report_latency is None else spec.report_latency
        self.liquidation_fees = tuple(
            rate_units(spec.liquidation_fee(instrument.symbol)) for instrument in instruments
        )
        self.reports: list[tuple[int, AccountFact]] = []
        self.at = 0
        self.told = 0

    def begin(self, *, at: int, now: int) -> None:
        """Enter the instant ``at``; ``now`` is when the driver brought us here, never earlier."""
        self.at = at
        self.told = max(at + self.report_latency, now)

    def schedule(self, at: int, due: Due) -> None:
        """Have ``due`` done at ``at``; of two things at one instant the one scheduled first comes first."""
        self.state.entered += 1
        heappush(self.state.due, (at, self.state.entered, due))

    def report(self, fact: AccountFact) -> None:
        """Send ``fact`` to its client; it was made with ``now=self.told``."""
        self.reports.append((self.told, fact))

    def tell(self, account: Account, fact: Unasked) -> None:
        """Send ``fact`` to its client unasked, under the account's next number, and keep it to be told again."""
        account.numbered += 1
        self.report(history.keep(account, replace(fact, number=account.numbered)))

    def ledger(self, asset: str) -> Ledger:
        """Return the ledger of an asset; a new one when nothing was ever booked in it."""
        return self.state.ledgers.setdefault(asset, Ledger())

    def fund(self, asset: str) -> int | None:
        """Return what the insurance fund has of an asset, cash units; None when it never runs dry."""
        if self.spec.insurance is None:
            return None
        return self.spec.insurance.get(asset, 0) + self.ledger(asset).insurance

    def mark(self, instrument: int) -> int | None:
        """Return what margin is counted at: the tape's mark, else the last price; None before the first."""
        market = self.markets[instrument]
        return market.last if market.mark is None else market.mark

    def mark_of_held(self, instrument: int) -> int:
        """Return the mark of an instrument in which something is held; there always is one."""
        mark = self.mark(instrument)
        if mark is None:
            raise ContractError(f"venue: {self.instruments[instrument].symbol} is held, but has no price")
        return mark

    def fill_stamp(self, account: Account) -> int:
        """Return the venue's time for a fill or a movement of cash: after the last snapshot, which does not hold it."""
        account.moved = max(self.at, account.taken + 1, account.moved)
        return account.moved

    def next_trade_id(self) -> str:
        """Return an id that no other trade of this venue has."""
        self.state.trades += 1
        return f"t{self.state.trades}"
