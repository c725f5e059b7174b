"""Books with a delta to hedge: coins in the wallet, and two contracts on one underlying."""

from __future__ import annotations

from bot.app.markets import make_instrument
from bot.domain.account import Balance, PositionKey, PositionReport, PositionSide
from bot.domain.copying import replace
from bot.domain.effects import OpenParent, PlaceOrder, PlanEpisode, RaiseAlarm
from bot.domain.events import AccountSnapshot, FillOrigin, Liquidity, OrderFilled, Restarted
from bot.domain.order import Side
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.measures.deltas import net_delta
from bot.engine.measures.layout import ONE_WAY, AccountSlot, Layout
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.spec import LimitsSpec, SurvivalSpec
from bot.risk.binance_tiers import tier_table
from bot.rules.ruleset import RuleSet, make_rule
from bot.rules.spec import RuleBook
from bot.settings.load import load_text
from tests.builders import BTC, ETH, T0, trade
from tests.engine.driver import WIDE, Trader

FUTURE = "BTC/USDT:USDT-261225"      # another contract on BTC
SYMBOLS = (BTC, ETH, FUTURE)
PERP_KEY, ETH_KEY, FUTURE_KEY = (PositionKey(0, instrument) for instrument in range(3))
HEDGE = """
rules:
  hedge:
    for_each: account
    when: abs(underlying("BTC").net_delta) > 0.5 BTC
    do: {hedge_delta: {with: "BTC/USDT:USDT", band: 0.5 BTC}}
    execute: {algo: now}
"""
TO_ZERO = HEDGE.replace("band: 0.5 BTC", "band: 0.5 BTC, to: 0 BTC")


def shape(sides: tuple[PositionSide, ...] = ONE_WAY, notional_min: int = 5 * CASH_UNIT) -> Layout:
    """BTC, ETH, and a second contract on BTC, all linear."""
    made = [
        make_instrument(index, symbol, price_digits=2, quantity_digits=3)
        for index, symbol in enumerate((BTC, ETH, BTC))
    ]
    made[2] = replace(made[2], symbol=FUTURE)
    made = [replace(each, filters=replace(each.filters, notional_min=notional_min)) for each in made]
    slot = AccountSlot("main", "USDT", (0, 1, 2), taker_fee=0.0005, leverage=20.0, sides=sides)
    return Layout(tuple(made), tuple(tier_table(each.base) for each in made), (slot,))


def hedge_rules(*texts: str) -> RuleSet:
    """Rules from YAML texts, over the three markets."""
    found = [
        make_rule(name, spec, SYMBOLS)
        for text in texts for name, spec in load_text(text, "rules.yaml", RuleBook, {}).rules.items()
    ]
    return RuleSet(tuple(found))


class Hedger(Trader):
    """Seconds count from T0, prices are quote units, quantities thousandths of a coin."""

    def __init__(
        self, *texts: str, limits: LimitsSpec = WIDE, book: Book | None = None,
        sides: tuple[PositionSide, ...] = ONE_WAY, notional_min: int = 5 * CASH_UNIT,
    ) -> None:
        self.texts, self.limits = texts, limits
        super().__init__(Engine(
            shape(sides, notional_min), hedge_rules(*texts), limits=limits, survival=(SurvivalSpec(),), marker="pen",
            book=book,
        ))

    def restart(self, seconds: float) -> Hedger:
        """Die, and come back from the checkpoint; nothing was answered meanwhile, and the prices are told again."""
        body = checkpoint.dump(self.engine.book)
        book = checkpoint.load(body, self.engine.layout)
        assert checkpoint.dump(book) == body
        other = Hedger(*self.texts, limits=self.limits, book=book)
        other.effects = list(self.effects)
        other.trades = self.trades
        other.step(Restarted(T0 + round(seconds * NS_PER_SECOND), "test"))
        other.mark(seconds)
        return other

    def tell(
        self, seconds: float, *, usdt: float = 20_000, coins: float = 0.0, perp: int = 0, future: int = 0, eth: int = 0,
        price: float = 8_000,
    ) -> None:
        """The venue's word; everything was entered at ``price``, ETH at a fortieth of it."""
        now = T0 + round(seconds * NS_PER_SECOND)
        balances = (Balance("USDT", round(usdt * CASH_UNIT)), Balance("BTC", round(coins * CASH_UNIT)))
        reports = []
        for key, quantity, entry in ((PERP_KEY, perp, price), (FUTURE_KEY, future, price), (ETH_KEY, eth, price / 40)):
            instrument = self.engine.layout.instruments[key.instrument]
            value = instrument.value(price=round(entry * 100), quantity=quantity)
            if quantity:
                reports.append(PositionReport(key, quantity, value))
        self.step(AccountSnapshot(now, now, 0, balances, tuple(reports)))

    def mark(self, seconds: float, price: float = 8_000) -> None:
        """Every market trades."""
        for instrument, each in enumerate((price, price / 40, price)):
            self.step(trade(seconds, each, instrument=instrument))

    def others_trade(self, seconds: float, key: PositionKey, side: Side, quantity: int, *, price: float = 8_000,
                     origin: FillOrigin = FillOrigin.EXTERNAL) -> None:
        """Somebody else's fill, the venue's ADL included."""
        now = T0 + round(seconds * NS_PER_SECOND)
        self.trades += 1
        self.step(OrderFilled(
            now, now, 0, "web", f"e{self.trades}", key, side, round(price * 100), quantity, 0,
            liquidity=Liquidity.TAKER, origin=origin, modelled=False,
        ))

    @property
    def delta(self) -> float:
        """BTC, in coins."""
        found = net_delta(self.engine.columns, 0, "BTC")
        assert found is not None
        return found / CASH_UNIT

    @property
    def holds(self) -> list[int]:
        """Perpetual, ETH, second contract."""
        return list(self.engine.book.quantity)

    @property
    def hedges(self) -> list[PlaceOrder]:
        """Every order that was not reduce-only."""
        return [order for order in self.orders if not order.approved.request.reduce_only]

    def quantity(self, key: PositionKey) -> int:
        """What is held of one leg, signed."""
        return self.engine.book.quantity[self.engine.layout.position(key)]

    def planned(self) -> list[dict[int, int]]:
        """The holdings of every plan, by instrument."""
        return [{each.key.instrument: each.quantity for each in plan.holdings} for plan in self.found(PlanEpisode)]

    def opened(self) -> list[tuple[int, Side, int, int | None]]:
        """Every parent: instrument, side, quantity, and what a hedge trades to."""
        return [
            (each.key.instrument, each.side, each.quantity, each.hedged_to) for each in self.found(OpenParent)
        ]

    def alarms(self) -> list[str]:
        return [alarm.code for alarm in self.found(RaiseAlarm)]


def hedger(
    *texts: str, limits: LimitsSpec = WIDE, notional_min: int = 5 * CASH_UNIT, **holds: float
) -> Hedger:
    """A driver at a price of 8,000 that has been told what it holds."""
    driver = Hedger(*(texts or (HEDGE,)), limits=limits, notional_min=notional_min)
    driver.mark(0)
    driver.tell(0.1, **holds)  # type: ignore[arg-type]  # words of ``tell``
    return driver
