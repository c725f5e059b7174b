"""What a simulated venue and its accounts start with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.domain.account import Balance, MarginMode, PositionSide
from bot.domain.errors import ContractError
from bot.domain.instrument import TradingState
from bot.domain.order import Side
from bot.domain.scale import CASH_UNIT, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS
from paper.tiers import Brackets

# Binance USD-M, GET /fapi/v1/exchangeInfo, field liquidationFee of BTCUSDT, 2024: 0.012500. Other symbols
# range from 0.01 to 0.02 there; 0.0125 stands for those not named in ``VenueSpec.liquidation_fees``.
LIQUIDATION_FEE_DEFAULT = 0.0125

# Binance's page of the MARGIN_CALL event says only that it is pushed "when the user's position risk ratio is too
# high" (developer documentation, USDⓈ-M user data streams, read 2026-11); level and pause are ours. Four fifths of
# the way to liquidation is late enough to matter, and a warning an hour is not read as noise.
MARGIN_CALL_LEVEL = 0.8
MARGIN_CALL_PAUSE = NS_PER_HOUR

# Binance, "Multi-Assets Mode" (trading rules, read 2024): a negative balance worth more than 10,000 USD is
# exchanged against other assets without asking.
AUTO_EXCHANGE_DEBT = 10_000 * CASH_UNIT


class PositionMode(Enum):
    """Whether an account holds one net position per instrument, or a long and a short leg."""

    ONE_WAY = "one_way"
    HEDGE = "hedge"


class AssetMode(Enum):
    """Whether each currency backs its own contracts only, or all wallets together back the linear ones."""

    SINGLE = "single"
    MULTI = "multi"


@dataclass(frozen=True, slots=True)
class Collateral:
    """What one unit of an asset is worth in multi-assets mode, in the account's first asset.

    ``rate`` is the fraction that counts of a positive balance; a negative one counts in full. The price is that of
    the mark of ``instrument`` (its index; linear or spot), or the fixed ``price`` at 10^-8.
    """

    rate: float = 1.0
    price: int = CASH_UNIT
    instrument: int | None = None


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
class FeeTier:
    """Rates from a 30-day volume on, ``volume`` in whole quote units; see ``paper.fees``."""

    volume: int
    maker: float
    taker: float


@dataclass(frozen=True, slots=True)
class Interruption:
    """The venue takes only some orders in an instrument, or none, for a time; ns, from its first price on."""

    instrument: int
    state: TradingState
    after: int
    lasts: int


@dataclass(frozen=True, slots=True)
class VenueSpec:
    """Fees are fractions of notional (a negative maker fee is a rebate); ``latency`` is ns one way.

    ``maker_fee`` and ``taker_fee`` hold below the first of ``fee_tiers``, which rise by volume. A report takes
    ``report_latency`` to reach its client; None: as long as an order takes to arrive.
    """

    maker_fee: float = 0.0002
    taker_fee: float = 0.0005
    latency: int = 50 * NS_PER_MS
    report_latency: int | None = None
    fee_tiers: tuple[FeeTier, ...] = ()
    impact: ImpactSpec = field(default_factory=ImpactSpec)
    liquidation_fees: Mapping[str, float] = field(default_factory=dict)      # by symbol
    brackets: Mapping[str, Brackets] = field(default_factory=dict)           # by symbol; else those of paper.tiers
    insurance: Mapping[str, int] | None = None       # what the fund begins with, by asset; None: it never runs dry
    collateral: Mapping[str, Collateral] = field(default_factory=dict)       # by asset, for multi-assets mode
    auto_exchange_debt: int = AUTO_EXCHANGE_DEBT     # cash; what a debt may be worth in multi-assets mode
    margin_call_level: float = MARGIN_CALL_LEVEL     # of maintenance to margin balance
    margin_call_pause: int = MARGIN_CALL_PAUSE       # ns between two warnings while it lasts
    interruptions: tuple[Interruption, ...] = ()

    def __post_init__(self) -> None:
        if not 0.5 <= self.margin_call_level <= 1.0:     # no bracket's rate is above a half: see ``margin.quiet_range``
            raise ContractError(
                f"venue: margin_call_level must be from 0.5 to 1, was {self.margin_call_level}; choose one between"
            )

    def liquidation_fee(self, symbol: str) -> float:
        """Return the fraction of notional charged on what the venue closes by force."""
        return self.liquidation_fees.get(symbol, LIQUIDATION_FEE_DEFAULT)


@dataclass(frozen=True, slots=True)
class PositionStart:
    """A position held from the first price on; ``entry_price`` None is that first price.

    ``side`` is NET in one-way mode; in hedge mode the leg, whose sign ``quantity`` has.
    """

    instrument: int
    quantity: int                            # signed
    entry_price: int | None = None
    side: PositionSide = PositionSide.NET


@dataclass(frozen=True, slots=True)
class OrderStart:
    """A limit order that somebody else than the client has resting from the instrument's first price on."""

    instrument: int
    side: Side
    quantity: int
    limit_price: int
    reduce_only: bool = False
    leg: PositionSide = PositionSide.NET


@dataclass(frozen=True, slots=True)
class AccountStart:
    """One account: ``balance`` is cash (10^-8) of ``asset``, its first one, in which its totals are counted.

    ``balances`` are further wallets. ``mode`` is the margin mode of every instrument at the start, and
    ``leverage`` the leverage, but for those in ``modes`` and ``leverages`` (by index); both can be changed per
    instrument later.
    """

    account: int
    asset: str
    balance: int
    positions: tuple[PositionStart, ...] = ()
    leverage: int = 20
    mode: MarginMode = MarginMode.CROSS
    position_mode: PositionMode = PositionMode.ONE_WAY
    asset_mode: AssetMode = AssetMode.SINGLE
    balances: tuple[Balance, ...] = ()
    modes: Mapping[int, MarginMode] = field(default_factory=dict)
    leverages: Mapping[int, int] = field(default_factory=dict)
    orders: tuple[OrderStart, ...] = ()

    def mode_of(self, instrument: int) -> MarginMode:
        """Return how an instrument is held at the start."""
        return self.modes.get(instrument, self.mode)
