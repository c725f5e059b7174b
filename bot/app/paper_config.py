"""What a simulated account and its venue start with, as the configuration has it under ``paper:``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from bot.domain.account import MarginMode
from bot.domain.instrument import TradingState
from bot.domain.order import Side
from bot.domain.scale import NS_PER_MS, NS_PER_SECOND
from bot.domain.units import Duration, Ratio
from paper.spec import PositionMode

LEVERAGE_MAX = 125
LATENCY_MAX = 60 * NS_PER_SECOND     # one that a person could beat by hand is a slip of the unit
FEE_MAX = 0.05                       # of the value; no venue comes near, so more is a slip of the unit


@dataclass(frozen=True, slots=True)
class PaperLegSpec:
    """One leg of a position in hedge mode; ``amount`` as in ``PaperPositionSpec``."""

    amount: Decimal = field(metadata={"doc": "As of the position; of the other sign."})
    entry_price: Decimal | Literal["first"] = field(
        default="first",
        metadata={"doc": "Average entry price, rounded to the digits of the tape; `first`: the market's first price."},
    )

    def __post_init__(self) -> None:
        _require_position(self.amount, self.entry_price)


@dataclass(frozen=True, slots=True)
class PaperPositionSpec:
    """A position that the simulated account starts with; ``amount`` is signed, in base units, or in contracts."""

    amount: Decimal = field(
        metadata={"doc": "Base units held, or contracts of an inverse market; negative for a short position."}
    )
    entry_price: Decimal | Literal["first"] = field(
        default="first",
        metadata={"doc": "Average entry price, rounded to the digits of the tape; `first`: the market's first price."},
    )
    other_leg: PaperLegSpec | None = field(
        default=None, metadata={"doc": "In hedge mode, what is held on the other side of the same market."}
    )

    def __post_init__(self) -> None:
        _require_position(self.amount, self.entry_price)
        if self.other_leg is not None and self.other_leg.amount * self.amount > 0:
            raise ValueError(
                f"other_leg: must be of the other sign, were {self.amount} and {self.other_leg.amount}; "
                "a long and a short leg are held beside each other"
            )

    @property
    def legs(self) -> tuple[PaperPositionSpec | PaperLegSpec, ...]:
        """Return what is held, leg by leg."""
        return (self,) if self.other_leg is None else (self, self.other_leg)


@dataclass(frozen=True, slots=True)
class PaperOrderSpec:
    """A limit order that a person has resting in the simulated account from the first price on: none of ours."""

    symbol: str = field(metadata={"doc": "ccxt symbol, one of the account's instruments."})
    side: Side = field(metadata={"doc": "buy or sell."})
    amount: Decimal = field(metadata={"doc": "Base units, or contracts of an inverse market; above 0."})
    price: Decimal = field(metadata={"doc": "At which it rests; rounded to the digits of the tape."})
    reduce_only: bool = field(default=False, metadata={"doc": "It only ever closes what is held."})

    def __post_init__(self) -> None:
        for name, value in (("amount", self.amount), ("price", self.price)):
            if value <= 0:
                raise ValueError(f"{name}: must be above 0, was {value}; `side` says which way the order goes")


@dataclass(frozen=True, slots=True)
class PaperInterruptionSpec:
    """A time in which the simulated venue takes only some orders in an instrument, or none."""

    symbol: str = field(metadata={"doc": "ccxt symbol, one of the account's instruments."})
    after: Duration = field(metadata={"doc": "When it begins, counted from the market's first price."})
    lasts: Duration = field(metadata={"doc": "How long it lasts; then the venue trades again."})
    state: TradingState = field(
        default=TradingState.HALTED, metadata={"doc": "halted, cancel_only, post_only, reduce_only or delisting."}
    )

    def __post_init__(self) -> None:
        if self.state is TradingState.TRADING:
            raise ValueError("state: trading is no interruption, was trading; leave it out")
        if self.after <= 0 or self.lasts <= 0:
            raise ValueError("after, lasts: must be above 0; write times such as 10m")


@dataclass(frozen=True, slots=True)
class PaperInstrumentSpec:
    """What is set for one instrument otherwise than for the account."""

    margin_mode: MarginMode | None = field(
        default=None, metadata={"doc": "cross or isolated; by default as the account."}
    )
    leverage: int | None = field(
        default=None, metadata={"doc": f"1 to {LEVERAGE_MAX}; by default as the account."}
    )

    def __post_init__(self) -> None:
        if self.leverage is not None:
            _require_leverage(self.leverage)


def _require_position(amount: Decimal, entry_price: Decimal | Literal["first"]) -> None:
    if amount == 0:
        raise ValueError("amount: must not be 0, was 0; leave the position out instead")
    if entry_price != "first" and entry_price <= 0:
        raise ValueError(f"entry_price: must be above 0, was {entry_price}; or write first")


def _require_leverage(leverage: int) -> None:
    if not 1 <= leverage <= LEVERAGE_MAX:
        raise ValueError(f"leverage: must be 1 to {LEVERAGE_MAX}, was {leverage}")


@dataclass(frozen=True, slots=True)
class FeeTierSpec:
    """Lower fees for those who trade much."""

    volume: int = field(metadata={"doc": "Traded in the 30 days before today, in quote units, from which it holds."})
    maker: Ratio = field(metadata={"doc": "For an order that rested in the book."})
    taker: Ratio = field(metadata={"doc": "For an order that took from the book."})

    def __post_init__(self) -> None:
        if self.volume <= 0:
            raise ValueError(f"volume: must be above 0, was {self.volume}; the fees below it stand beside `tiers`")
        _require_fees(self.maker, self.taker)


@dataclass(frozen=True, slots=True)
class FeesSpec:
    """What the venue charges on the value of a fill; negative is a rebate."""

    maker: Ratio = field(default=0.0002, metadata={"doc": "For an order that rested in the book."})
    taker: Ratio = field(default=0.0005, metadata={"doc": "For an order that took from the book."})
    tiers: tuple[FeeTierSpec, ...] = field(
        default=(), metadata={"doc": "Other fees from a traded volume on, the smallest volume first."}
    )

    def __post_init__(self) -> None:
        _require_fees(self.maker, self.taker)
        volumes = [tier.volume for tier in self.tiers]
        if sorted(set(volumes)) != volumes:
            raise ValueError(f"tiers: volumes must rise, were {', '.join(map(str, volumes))}; put them in order")


def _require_fees(maker: float, taker: float) -> None:
    for name, fee in (("maker", maker), ("taker", taker)):
        if not -FEE_MAX <= fee <= FEE_MAX:
            raise ValueError(
                f"{name}: must lie between -{FEE_MAX:.0%} and {FEE_MAX:.0%} of the value, was {fee:.2%}; "
                "write 2bps for 0.02%"
            )


@dataclass(frozen=True, slots=True)
class PaperSpec:
    """What the simulated account starts with, and the venue's fees and latency (one way)."""

    balances: Mapping[str, Decimal] = field(
        default_factory=dict,
        metadata={"doc": "Cash by currency, such as {USDT: 1_200}; coins for inverse markets, such as {BTC: 0.5}."},
    )
    positions: Mapping[str, PaperPositionSpec] = field(
        default_factory=dict, metadata={"doc": "Positions by ccxt symbol."}
    )
    orders: tuple[PaperOrderSpec, ...] = field(
        default=(), metadata={"doc": "Limit orders that a person has resting there, to see what is done about them."}
    )
    leverage: int = field(
        default=20, metadata={"doc": f"At which positions are opened, 1 to {LEVERAGE_MAX}; sets the initial margin."}
    )
    margin_mode: MarginMode = field(
        default=MarginMode.CROSS,
        metadata={"doc": "cross: positions share the account's cash; isolated: each has its own margin."},
    )
    position_mode: PositionMode = field(
        default=PositionMode.ONE_WAY,
        metadata={"doc": "one_way: one net position per market; hedge: a long and a short leg beside each other."},
    )
    instruments: Mapping[str, PaperInstrumentSpec] = field(
        default_factory=dict, metadata={"doc": "Margin mode and leverage of single instruments, by ccxt symbol."}
    )
    interruptions: tuple[PaperInterruptionSpec, ...] = field(
        default=(), metadata={"doc": "When the venue pauses an instrument; the same for all accounts."}
    )
    fees: FeesSpec = field(default_factory=FeesSpec, metadata={"doc": "The venue's fees, the same for all accounts."})
    latency: Duration = field(
        default=50 * NS_PER_MS, metadata={"doc": "One way, between us and the venue; the same for all accounts."}
    )
    report_latency: Duration | None = field(
        default=None, metadata={"doc": "How long the venue's reports take to reach us; else as long as `latency`."}
    )
    insurance: Mapping[str, Decimal] | None = field(
        default=None,
        metadata={
            "doc": "What the venue's insurance fund holds at the start, such as {USDT: 1_000_000}; when it is empty, "
            "winners are deleveraged. Else it never runs dry."
        },
    )

    def __post_init__(self) -> None:
        _require_leverage(self.leverage)
        for name, latency in (("latency", self.latency), ("report_latency", self.report_latency)):
            if latency is not None and not 0 < latency <= LATENCY_MAX:
                raise ValueError(
                    f"{name}: must be above 0 and at most {LATENCY_MAX // NS_PER_SECOND}s; write a time such as 50ms"
                )
        for asset, cash in (self.insurance or {}).items():
            if cash < 0:
                raise ValueError(f"insurance: must not be below 0, was {asset}: {cash}; write 0 for an empty fund")
        for asset, cash in self.balances.items():
            if cash < 0:
                raise ValueError(
                    f"balances: must not be below 0, was {asset}: {cash}; write what the wallet holds"
                )
        for symbol, position in self.positions.items():
            if position.other_leg is not None and self.position_mode is not PositionMode.HEDGE:
                raise ValueError(
                    f"positions: {symbol} has two legs, but position_mode is {self.position_mode.value}; "
                    "write position_mode: hedge, or the net amount"
                )

    def mode_of(self, symbol: str) -> MarginMode:
        """Return how an instrument is margined."""
        own = self.instruments.get(symbol)
        return self.margin_mode if own is None or own.margin_mode is None else own.margin_mode

    def leverage_of(self, symbol: str) -> int:
        """Return the leverage at which positions in an instrument are opened."""
        own = self.instruments.get(symbol)
        return self.leverage if own is None or own.leverage is None else own.leverage
