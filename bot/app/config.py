"""The main configuration file as the program sees it: accounts, limits, and which rule books to load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Literal

from bot.app.paper_config import PaperSpec
from bot.domain.account import MarginMode
from bot.domain.names import is_marker
from bot.domain.units import Duration, Ratio
from bot.engine.measures.layout import MARGIN_CALL_GRACE
from bot.engine.spec import BlindSpec, LimitsSpec, ProtectSpec, SurvivalSpec
from bot.settings.secret import Secret

MARKER_DEFAULT = "pen"


class Mode(Enum):
    """Where orders go: a simulated venue, the venue's demo, or the venue."""

    PAPER = "paper"
    DEMO = "demo"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class EndpointsSpec:
    """Other addresses than the exchange's own."""

    rest: str = field(metadata={"doc": "Of REST, such as http://127.0.0.1:8080."})
    streams: str = field(metadata={"doc": "Of the streams, ending in /ws, such as ws://127.0.0.1:8080/ws."})


@dataclass(frozen=True, slots=True)
class ExchangeSpec:
    """ccxt's names; secrets by the name of an environment variable."""

    id: str = field(default="binanceusdm", metadata={"doc": "ccxt's name of the exchange."})
    apiKey: Secret | None = field(
        default=None, metadata={"doc": "The key, as env:NAME of the variable that holds it. Not read in paper mode."}
    )
    secret: Secret | None = field(
        default=None, metadata={"doc": "The key's secret, as env:NAME of the variable that holds it."}
    )
    password: Secret | None = field(
        default=None,
        metadata={"doc": "The passphrase that some exchanges (OKX, Bitget, KuCoin) want beside the key, as env:NAME."},
    )
    walletAddress: str | None = field(
        default=None, metadata={"doc": "The account's address at exchanges that know no keys (Hyperliquid)."}
    )
    privateKey: Secret | None = field(
        default=None, metadata={"doc": "The key that signs for it, as env:NAME; of an API wallet, never the owner's."}
    )
    total: Literal["wallet", "equity"] | None = field(
        default=None,
        metadata={
            "doc": "What ccxt's total of a balance is at an exchange that docs/live.md does not list: wallet, without"
            " unrealised profit, or equity, with it."
        },
    )
    endpoints: EndpointsSpec | None = field(
        default=None, metadata={"doc": "Other addresses than the exchange's own, such as those of `penstock exchange`."}
    )


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """One guarded account."""

    instruments: tuple[str, ...] = field(metadata={"doc": "ccxt symbols that the account trades, at least one."})
    exchange: ExchangeSpec = field(
        default_factory=ExchangeSpec, metadata={"doc": "The venue, in ccxt's names, and its keys."}
    )
    mode: Mode = field(
        default=Mode.PAPER, metadata={"doc": "Where orders go: a simulated venue, the venue's demo, or the venue."}
    )
    survival: SurvivalSpec = field(
        default_factory=SurvivalSpec, metadata={"doc": "The floor under every schedule of sale."}
    )
    margin_call_grace: Duration = field(
        default=MARGIN_CALL_GRACE,
        metadata={"doc": "How long account.margin_call stands after the venue's last word of it."},
    )
    collateral: Mapping[str, Ratio] = field(
        default_factory=dict,
        metadata={
            "doc": "Other currencies that back cross positions, and the share of their worth that counts, such as"
            " {BTC: 95%} (Binance: multi-assets mode). Priced by the account's own market on them."
        },
    )
    delta_band: Mapping[str, Decimal] = field(
        default_factory=dict,
        metadata={
            "doc": "How large cuts of `deleverage` may make the net delta of an underlying, in coins, such as"
            " {BTC: 0.5}; else no larger than it is. Given up where the goal is reached in no other way."
        },
    )
    protect: ProtectSpec = field(
        default_factory=ProtectSpec,
        metadata={"doc": "The stop that rests at the venue, for the day on which nothing of ours is left running."},
    )
    cancel_opening: bool = field(
        default=True,
        metadata={
            "doc": "In an emergency (a rule of the margin class acts, the account is flattened, or no price comes),"
            " cancel resting orders that are not ours and could open or add to a position."
        },
    )
    blind: BlindSpec = field(default_factory=BlindSpec, metadata={"doc": "What to do when no price comes any more."})
    paper: PaperSpec = field(
        default_factory=PaperSpec, metadata={"doc": "What the simulated account starts with, in paper mode and replay."}
    )

    def __post_init__(self) -> None:
        if not self.instruments:
            raise ValueError("instruments: needs at least one symbol, such as BTC/USDT:USDT")
        if len(set(self.instruments)) != len(self.instruments):
            raise ValueError("instruments: names a symbol twice")
        if self.margin_call_grace <= 0:
            raise ValueError("margin_call_grace: must be above 0; leave out rules on account.margin_call instead")
        listed = [order.symbol for order in self.paper.orders]
        listed += [interruption.symbol for interruption in self.paper.interruptions]
        for symbol in (*self.paper.positions, *self.paper.instruments, *listed):
            if symbol not in self.instruments:
                raise ValueError(
                    f"paper: holds {symbol}, which is not among instruments, was {', '.join(self.instruments)}; "
                    "add it there, or correct it"
                )
        for coin, band in self.delta_band.items():
            if band < 0:
                raise ValueError(f"delta_band: must not be below 0, was {coin}: {band}; write it without a sign")
            if not any(symbol.startswith(f"{coin}/") for symbol in self.instruments):
                raise ValueError(f"delta_band: no instrument is on {coin}; the instruments are {self.instruments}")
        for asset, rate in self.collateral.items():
            if not 0 < rate <= 1:
                raise ValueError(f"collateral: {asset} must count for above 0% and at most 100%, was {rate:.2%}")
        if self.collateral and any(self.paper.mode_of(symbol) is MarginMode.ISOLATED for symbol in self.instruments):
            raise ValueError("collateral: backs cross positions only; take out isolated, or the collateral")


@dataclass(frozen=True, slots=True)
class AlertsSpec:
    """Who is told, besides the log."""

    webhook: Secret | None = field(
        default=None,
        metadata={
            "doc": "Where every alarm and fire is posted as JSON with a `text`, as env:NAME of the variable that holds"
            " the https address; chat services give one. Only a daemon in live or demo mode posts."
        },
    )


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file. ``marker`` begins every order's name, so that we know our own."""

    accounts: Mapping[str, AccountSpec] = field(metadata={"doc": "The guarded accounts, by a name of your choice."})
    strategies: tuple[Path, ...] = field(metadata={"doc": "Rule books, by their paths relative to this file."})
    limits: LimitsSpec = field(
        default_factory=LimitsSpec, metadata={"doc": "What every order is held against; rules cannot raise it."}
    )
    plugins: tuple[Path, ...] = field(
        default=(),
        metadata={"doc": "Python plug-ins that rules may use, by their paths relative to this file; see plugins.md."},
    )
    alerts: AlertsSpec = field(default_factory=AlertsSpec, metadata={"doc": "Who is told of alarms, besides the log."})
    marker: str = field(
        default=MARKER_DEFAULT, metadata={"doc": "Begins every order's name, so that we know our own at the venue."}
    )

    def __post_init__(self) -> None:
        if not self.accounts:
            raise ValueError("accounts: needs at least one account")
        if not self.strategies:
            raise ValueError("strategies: needs at least one rule book; without one nothing is ever done")
        if not is_marker(self.marker):
            raise ValueError(
                f"marker: must be a letter and 1 to 5 letters or digits, all small, was {self.marker!r}; "
                f"leave it out for {MARKER_DEFAULT}"
            )

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return every symbol of every account, each once, in order of appearance."""
        return tuple(dict.fromkeys(symbol for account in self.accounts.values() for symbol in account.instruments))
