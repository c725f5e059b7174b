"""Small builders for engine tests: two linear perpetuals, one account, rules from text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from bot.app.markets import make_instrument
from bot.domain.account import Balance, PositionKey, PositionReport
from bot.domain.effects import Effect, PlaceOrder
from bot.domain.events import AccountSnapshot, FillOrigin, Liquidity, OrderEnded, OrderFilled
from bot.domain.instrument import Instrument
from bot.domain.market import Trade
from bot.domain.order import OrderStatus
from bot.domain.scale import CASH_UNIT, NS_PER_DAY, NS_PER_SECOND
from bot.domain.units import Money
from bot.engine.engine import Engine
from bot.engine.measures.layout import AccountSlot, Layout
from bot.engine.spec import LimitsSpec, SurvivalSpec
from bot.risk.binance_tiers import tier_table
from bot.rules.ruleset import Rule, RuleSet, make_rule
from bot.rules.spec import RuleBook
from bot.settings.load import load_text

T0 = 1_583_971_200 * NS_PER_SECOND
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
KEY = PositionKey(0, 0)
ETH_KEY = PositionKey(0, 1)

GUARD = """
rules:
  guard:
    for_each: account
    when: account.liquidation_distance < 6%
    do: {deleverage: {to: {liquidation_distance: 20%}}}
    execute: {algo: twap, over: 1m, slice: 5s, collar: 1%}
"""
STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: now}
"""


def instruments() -> tuple[Instrument, ...]:
    return (
        make_instrument(0, BTC, price_digits=2, quantity_digits=3),
        make_instrument(1, ETH, price_digits=2, quantity_digits=3),
    )


def layout() -> Layout:
    """One account on two instruments."""
    both = instruments()
    return Layout(
        instruments=both,
        tiers=tuple(tier_table(instrument.base) for instrument in both),
        accounts=(AccountSlot("main", "USDT", (0, 1), taker_fee=0.0005, leverage=20.0),),
    )


def rules(*texts: str) -> RuleSet:
    """Rules from YAML texts."""
    found: list[Rule] = []
    for text in texts:
        for name, spec in load_text(text, "rules.yaml", RuleBook, {}).rules.items():
            found.append(make_rule(name, spec, [BTC, ETH]))
    return RuleSet(tuple(found))


def engine(*texts: str, limits: LimitsSpec | None = None) -> Engine:
    """An engine with the given rules and wide limits."""
    wide = LimitsSpec(
        order_notional_max=Money(Decimal(10_000_000), "USDT"), order_rate_max=100.0, stale_after=30 * NS_PER_DAY
    )
    return Engine(
        layout(), rules(*texts), limits=wide if limits is None else limits, survival=(SurvivalSpec(),), marker="pen"
    )


def trade(seconds: float, price: float, *, instrument: int = 0, quantity: int = 1_000) -> Trade:
    """A trade ``seconds`` after T0, price in quote units, quantity in thousandths."""
    now = T0 + round(seconds * NS_PER_SECOND)
    return Trade(now, now, instrument, round(price * 100), quantity, -1)


def snapshot(seconds: float, *, usdt: float, btc: int = 0, entry: float = 0.0, eth: int = 0, eth_entry: float = 0.0,
             ) -> AccountSnapshot:
    """The venue's word: cash, and positions in thousandths at their entry prices."""
    now = T0 + round(seconds * NS_PER_SECOND)
    both = instruments()
    reports = []
    for key, quantity, price in ((KEY, btc, entry), (ETH_KEY, eth, eth_entry)):
        if quantity:
            value = both[key.instrument].value(price=round(price * 100), quantity=quantity)
            reports.append(PositionReport(key, quantity, value))
    return AccountSnapshot(
        now=now, taken=now, account=0, balances=(Balance("USDT", round(usdt * CASH_UNIT)),), positions=tuple(reports)
    )


def fill(order: PlaceOrder, seconds: float, quantity: int, price: float, *, trade_id: str = "t1") -> OrderFilled:
    """A fill of one of our orders."""
    request = order.approved.request
    now = T0 + round(seconds * NS_PER_SECOND)
    return OrderFilled(
        now=now, stamp=now, account=0, name=request.name, trade_id=trade_id, key=request.key, side=request.side,
        price=round(price * 100), quantity=quantity, fee=0, liquidity=Liquidity.TAKER, origin=FillOrigin.OURS,
        modelled=True,
    )


def ended(order: PlaceOrder, seconds: float, filled: int) -> OrderEnded:
    """The venue's last word on one of our orders."""
    request = order.approved.request
    status = OrderStatus.FILLED if filled == request.quantity else OrderStatus.EXPIRED
    return OrderEnded(T0 + round(seconds * NS_PER_SECOND), 0, request.name, status, filled)


def orders(effects: Sequence[Effect]) -> list[PlaceOrder]:
    """The orders among effects."""
    return [effect for effect in effects if isinstance(effect, PlaceOrder)]


STRATEGIES = Path(__file__).resolve().parents[1] / "strategies"
