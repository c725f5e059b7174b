"""The main configuration file as the program sees it: accounts, limits, and which rule books to load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Literal

from bot.domain.account import MarginMode
from bot.domain.scale import NS_PER_MS
from bot.domain.units import Duration, Ratio
from bot.engine.spec import BlindSpec, LimitsSpec, SurvivalSpec
from bot.settings.secret import Secret

LEVERAGE_MAX = 125
MARKER_DEFAULT = "pen"


class Mode(Enum):
    """Where orders go: a simulated venue, the venue's demo, or the venue."""

    PAPER = "paper"
    DEMO = "demo"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class ExchangeSpec:
    """ccxt's names; secrets by the name of an environment variable."""

    id: str = "binanceusdm"
    apiKey: Secret | None = None
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class PaperPositionSpec:
    """A position that the simulated account starts with; ``amount`` is signed, in base units."""

    amount: Decimal
    entry_price: Decimal | Literal["first"] = "first"

    def __post_init__(self) -> None:
        if self.amount == 0:
            raise ValueError("amount: must not be 0, was 0; leave the position out instead")
        if self.entry_price != "first" and self.entry_price <= 0:
            raise ValueError(f"entry_price: must be above 0, was {self.entry_price}; or write first")


@dataclass(frozen=True, slots=True)
class FeesSpec:
    maker: Ratio = 0.0002
    taker: Ratio = 0.0005


@dataclass(frozen=True, slots=True)
class PaperSpec:
    """What the simulated account starts with, and the venue's fees and latency (one way)."""

    balances: Mapping[str, Decimal] = field(default_factory=dict)
    positions: Mapping[str, PaperPositionSpec] = field(default_factory=dict)
    leverage: int = 20
    margin_mode: MarginMode = MarginMode.CROSS
    fees: FeesSpec = field(default_factory=FeesSpec)
    latency: Duration = 50 * NS_PER_MS

    def __post_init__(self) -> None:
        if not 1 <= self.leverage <= LEVERAGE_MAX:
            raise ValueError(f"leverage: must be 1 to {LEVERAGE_MAX}, was {self.leverage}")
        if self.margin_mode is not MarginMode.CROSS:
            raise ValueError("margin_mode: only cross is simulated in this version")
        if self.latency <= 0:
            raise ValueError("latency: must be above 0; an answer never comes before its question")


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """One guarded account."""

    instruments: tuple[str, ...]
    exchange: ExchangeSpec = field(default_factory=ExchangeSpec)
    mode: Mode = Mode.PAPER
    survival: SurvivalSpec = field(default_factory=SurvivalSpec)
    blind: BlindSpec = field(default_factory=BlindSpec)
    paper: PaperSpec = field(default_factory=PaperSpec)

    def __post_init__(self) -> None:
        if not self.instruments:
            raise ValueError("instruments: needs at least one symbol, such as BTC/USDT:USDT")
        if len(set(self.instruments)) != len(self.instruments):
            raise ValueError("instruments: names a symbol twice")
        for symbol in self.paper.positions:
            if symbol not in self.instruments:
                raise ValueError(f"paper: holds {symbol}, which is not among instruments; add it there")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file. ``marker`` begins every order's name, so that we know our own."""

    accounts: Mapping[str, AccountSpec]
    strategies: tuple[Path, ...]
    limits: LimitsSpec = field(default_factory=LimitsSpec)
    marker: str = MARKER_DEFAULT

    def __post_init__(self) -> None:
        if not self.accounts:
            raise ValueError("accounts: needs at least one account")
        if not self.strategies:
            raise ValueError("strategies: needs at least one rule book; without one nothing is ever done")

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return every symbol of every account, each once, in order of appearance."""
        return tuple(dict.fromkeys(symbol for account in self.accounts.values() for symbol in account.instruments))
