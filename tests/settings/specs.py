"""Specs in the shape of DESIGN section 4, and its three example files; only for these tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import ClassVar, Literal

from bot.domain.units import Duration, Money, Place, Rate, Ratio, SourceText
from bot.settings.secret import Secret


class Mode(Enum):
    PAPER = "paper"
    DEMO = "demo"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Exchange:
    id: str
    api_key: Secret | None = field(default=None, metadata={"key": "apiKey", "doc": "of the trading key"})
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Survival:
    distance: Ratio = 0.025
    sigmas: float = 3.0
    distance_max: Ratio = 0.04

    def __post_init__(self) -> None:
        if self.distance > self.distance_max:
            raise ValueError("distance: must not be above distance_max; lower it")


@dataclass(frozen=True, slots=True)
class Blind:
    verify_stop: bool = True
    else_reduce: Ratio = 0.5


@dataclass(frozen=True, slots=True)
class StartPosition:
    amount: Decimal
    entry_price: Decimal | Literal["first"] = "first"


@dataclass(frozen=True, slots=True)
class Fees:
    maker: Ratio
    taker: Ratio


@dataclass(frozen=True, slots=True)
class Paper:
    balances: Mapping[str, Decimal]
    positions: dict[str, StartPosition]
    leverage: int
    margin_mode: Literal["cross", "isolated"]
    fees: Fees
    latency: Duration


@dataclass(frozen=True, slots=True)
class Account:
    exchange: Exchange
    mode: Mode
    instruments: tuple[str, ...]
    survival: Survival = Survival()
    blind: Blind = Blind()
    paper: Paper | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    order_notional_max: Money
    price_collar: Ratio
    margin_collar_max: Ratio
    order_rate_max: Rate


@dataclass(frozen=True, slots=True)
class Penstock:
    accounts: Mapping[str, Account]
    limits: Limits
    strategies: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Close:
    tag: ClassVar[str] = "close"


@dataclass(frozen=True, slots=True)
class Reduce:
    tag: ClassVar[str] = "reduce"
    share: Ratio


@dataclass(frozen=True, slots=True)
class DeleverageTo:
    liquidation_distance: Ratio | None = None
    leverage: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.liquidation_distance is None) is (self.leverage is None):
            raise ValueError("to: needs exactly one of liquidation_distance and leverage")


@dataclass(frozen=True, slots=True)
class Deleverage:
    tag: ClassVar[str] = "deleverage"
    to: DeleverageTo


@dataclass(frozen=True, slots=True)
class Execute:
    algo: Literal["now", "twap"] = "now"
    over: Duration = 0
    slice_: Duration | None = None
    participation_max: Ratio | None = None
    collar: Ratio | None = None
    tactic: str = "taker"


@dataclass(frozen=True, slots=True)
class Rule:
    place: Place
    for_each: str
    when: SourceText
    do: Close | Reduce | Deleverage
    hold: Duration = 0
    clear: SourceText | None = None
    execute: Execute = Execute()


@dataclass(frozen=True, slots=True)
class RuleBook:
    rules: Mapping[str, Rule]


PENSTOCK_YAML = """\
# config/penstock.yaml
accounts:
  main:
    exchange:                     # ccxt's names; secrets by the name of an environment variable
      id: binanceusdm
      apiKey: env:BINANCE_KEY
      secret: env:BINANCE_SECRET
    mode: paper                   # paper | demo | live
    instruments: ["BTC/USDT:USDT", "ETH/USDT:USDT"]     # ccxt symbols
    survival: {distance: 2.5%, sigmas: 3, distance_max: 4%}   # the floor under every schedule
    blind: {verify_stop: true, else_reduce: 50%}
    paper:                        # what the simulated account starts with (paper and replay)
      balances: {USDT: 1_200}       # with 1.5 BTC: about 10x at the prices of March 2020
      positions: {"BTC/USDT:USDT": {amount: 1.5, entry_price: first}}   # signed, base units; a price or `first`
      leverage: 20
      margin_mode: cross
      fees: {maker: 2bps, taker: 5bps}
      latency: 50ms
limits:                           # the gate; rules cannot raise them
  order_notional_max: 250_000 USDT
  price_collar: 2%                # cost class; the ladder of the margin class goes no further than:
  margin_collar_max: 8%
  order_rate_max: 10/s
strategies: [../strategies/stop_loss.yaml, ../strategies/margin_guard.yaml]
"""

MARGIN_GUARD_YAML = """\
# strategies/margin_guard.yaml
rules:
  margin_guard:
    for_each: account
    when: account.liquidation_distance < clamp(6 * account.sigma(15m), 5%, 8%)
    hold: 1s
    clear: account.liquidation_distance > 25%
    do: {deleverage: {to: {liquidation_distance: 30%}}}
    execute: {algo: twap, over: 10m, participation_max: 10%, collar: 1%}
  margin_emergency:
    for_each: account
    when: account.liquidation_distance < clamp(3 * account.sigma(15m), 2.5%, 4%)
    do: {deleverage: {to: {liquidation_distance: 10%}}}
    execute: {algo: now, tactic: ladder}
"""

STOP_LOSS_YAML = """\
# strategies/stop_loss.yaml
rules:
  stop_loss:
    for_each: position
    when: position.loss_ratio > 8%
    do: close
    execute: {algo: twap, over: 3m, collar: 2%}
"""
