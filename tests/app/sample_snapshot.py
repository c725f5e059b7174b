"""Looks at a run on its way through a crash, for the live view."""

from __future__ import annotations

from bot.app.snapshot import (
    AccountView,
    Decision,
    DecisionKind,
    Level,
    MarketView,
    ParentView,
    ProgressSnapshot,
)
from tests.app.sample_record import BTC, ETH, GUARD, ns

LEVELS = (Level("floor", 0.025), Level("emergency", 0.037), Level("guard", 0.074))
WHY = "account.liquidation_distance 7.35 % < clamp(6 * account.sigma(15m) 1.23 %, 5 %, 8 %) = 7.4 %"


def account(distance: float | None = 0.0535, *, name: str = "main", is_liquidated: bool = False) -> AccountView:
    return AccountView(
        name=name, currency="USDT", equity=833.21, equity_start=1450.0, margin_ratio=0.083, distance=distance,
        levels=LEVELS, is_liquidated=is_liquidated,
        markets=(MarketView(BTC, 7598.4, -0.0407, 0.82), MarketView(ETH, 187.93, -0.0422, 0.0)),
    )


def decisions(count: int, *, first: int = 1) -> tuple[Decision, ...]:
    lines = (
        (DecisionKind.FIRED, f"margin_guard fired: {WHY}"),
        (DecisionKind.PARENT_OPENED, "sell 1.41 BTC/USDT by twap over 10m"),
        (DecisionKind.PARENT_ENDED, "BTC/USDT goal met: sold 1.35 at 7,736.69, 66 bps"),
        (DecisionKind.NOTE, "the collar of BTC/USDT widens to 4 %"),
        (DecisionKind.LIQUIDATED, "do nothing would be liquidated by now"),
    )
    return tuple(
        Decision(first + place, ns(GUARD + place), *lines[place % len(lines)]) for place in range(count)
    )


def snapshot(
    *accounts: AccountView, parents: int = 2, lines: int = 4, fraction: float | None = 0.31
) -> ProgressSnapshot:
    work = (
        ParentView(BTC, "sell", "twap", 0.62, 1.41, 7702.18, 0.02),
        ParentView(ETH, "sell", "now", 12.6, 12.6, 190.07, None),
        ParentView("SOL/USDT:USDT", "buy", "twap", 0.0, 250.0, None, 0.04),
        ParentView("1000PEPE/USDT:USDT", "sell", "twap", 120_000.0, 1_250_000.0, 0.00712, 0.08),
    )
    return ProgressSnapshot(ns(GUARD + 50), fraction, accounts or (account(),), work[:parents], decisions(lines))
