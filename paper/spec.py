"""What a simulated venue and its accounts start with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.account import MarginMode
from bot.domain.scale import NS_PER_MINUTE, NS_PER_MS

# Binance USD-M, GET /fapi/v1/exchangeInfo, field liquidationFee of BTCUSDT, 2024: 0.012500. Other symbols
# range from 0.01 to 0.02 there; 0.0125 stands for those not named in ``VenueSpec.liquidation_fees``.
LIQUIDATION_FEE_DEFAULT = 0.0125


@dataclass(frozen=True, slots=True)
class ImpactSpec:
    """Constants of the fill model; ratios are fractions of price. See ``paper.impact`` for the law and sources."""

    y: float = 1.0                           # of order one in every study cited there
    half_spread_min: float = 0.5e-4          # half a basis point: BTC and ETH perpetuals in calm hours
    half_spread_of_minute_sigma: float = 0.1     # quotes widen with volatility: a tenth of a minute's move
    memory_half_life: int = 5 * NS_PER_MINUTE    # depth that we took grows back within minutes
    wide_bar_factor: float = 5.0             # a bar this many times the median range is wide
    wide_bar_share: float = 0.5              # of a wide bar's range, the least a fill in it costs
    sigma_year_prior: float = 0.8            # before there is data: crypto majors, long-run
    sigma_year_min: float = 0.1              # no market is calmer than this; a flat tape is a dead feed
    volume_day_prior: float = 200e6          # quote units a day: a mid-sized perpetual
    volume_day_min: float = 2e6              # 1 % of the prior, so that a quiet hour is no wall


@dataclass(frozen=True, slots=True)
class VenueSpec:
    """Fees are fractions of notional (a negative maker fee is a rebate); ``latency`` is ns one way."""

    maker_fee: float = 0.0002
    taker_fee: float = 0.0005
    latency: int = 50 * NS_PER_MS
    impact: ImpactSpec = field(default_factory=ImpactSpec)
    liquidation_fees: Mapping[str, float] = field(default_factory=dict)      # by symbol

    def liquidation_fee(self, symbol: str) -> float:
        """Return the fraction of notional charged on what the venue closes by force."""
        return self.liquidation_fees.get(symbol, LIQUIDATION_FEE_DEFAULT)


@dataclass(frozen=True, slots=True)
class PositionStart:
    """A position held from the first price on; ``entry_price`` None is that first price."""

    instrument: int
    quantity: int                            # signed
    entry_price: int | None = None


@dataclass(frozen=True, slots=True)
class AccountStart:
    """One account: ``balance`` is cash (10^-8) of ``asset``, in which all its instruments settle."""

    account: int
    asset: str
    balance: int
    positions: tuple[PositionStart, ...] = ()
    leverage: int = 20
    mode: MarginMode = MarginMode.CROSS
