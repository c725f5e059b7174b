"""Wide books, whose positions are taken by column, against the same books taken one by one."""

from __future__ import annotations

from random import Random

import pytest

from bot.app.markets import make_instrument
from bot.domain.account import Balance, PositionKey, PositionReport
from bot.domain.events import AccountSnapshot
from bot.domain.market import Trade
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from bot.domain.units import Place, SourceText
from bot.engine.engine import Engine
from bot.engine.measures.layout import AccountSlot, Layout
from bot.engine.measures.storage import WIDE_AT_LEAST
from bot.engine.record.fold import fold
from bot.engine.spec import LimitsSpec, SurvivalSpec
from bot.risk.binance_tiers import tier_table
from bot.rules.language.typed import Scope
from bot.rules.ruleset import RuleSet, make_rule
from bot.rules.spec import Close, RuleSpec
from tests.builders import T0

WIDE = WIDE_AT_LEAST + 6
OWN = (
    "position.loss_ratio > 1%",
    "position.notional * position.loss_ratio > 20 USDT or market.mark_price < position.entry_price * 0.97",
    "max(position.loss_ratio, 30s) > 2%",
    "not position.unrealised_pnl / position.notional > 1% and position.side > 0",
)
SHARED = (
    "position.loss_ratio > 0.5% and account.leverage > 2",
    "account.margin_ratio > 1% or position.age > 20s",
    "position.liquidation_distance < 60%",
    "portfolio.equity < 3_000_000 USDT and position.loss_ratio > 0",
    'market("C3/USDT:USDT").return(1m) > 0.1% and position.loss_ratio > 0',
    "market.index_price > position.entry_price",
    "default(market.index_price, 200 USDT) > position.entry_price",
    "change(account.equity, 10s) < 0 USDT and position.notional > 1_000 USDT",
)


def made(texts: tuple[str, ...]) -> Engine:
    """An engine over a wide account and a narrow one that share three markets, with positions not taken yet."""
    instruments = tuple(
        make_instrument(index, f"C{index}/USDT:USDT", price_digits=2, quantity_digits=3) for index in range(WIDE)
    )
    shape = Layout(
        instruments=instruments,
        tiers=tuple(tier_table(each.base) for each in instruments),
        accounts=tuple(
            AccountSlot(name, "USDT", tuple(places), taker_fee=0.0005, leverage=20.0)
            for name, places in (("narrow", range(3)), ("wide", range(WIDE)))
        ),
    )
    symbols = [each.symbol for each in instruments]
    rules = RuleSet(tuple(
        make_rule(f"r{number}", RuleSpec(Scope.POSITION, SourceText(text, Place("test", 1, 1)), Close()), symbols)
        for number, text in enumerate(texts)
    ))
    return Engine(shape, rules, limits=LimitsSpec(), survival=(SurvivalSpec(),) * 2, marker="pen")


def take(engine: Engine, now: int, random: Random) -> None:
    """Have the venue report positions of both accounts; a tenth of them are flat."""
    for account, slot in enumerate(engine.layout.accounts):
        reports = []
        for index in slot.instruments:
            quantity = 0 if random.random() < 0.1 else random.choice((-1, 1)) * random.randrange(100, 5_000)
            if quantity:
                value = engine.layout.instruments[index].value(price=random.randrange(9_000, 30_000), quantity=quantity)
                reports.append(PositionReport(PositionKey(account, index), quantity, value))
        cash = Balance("USDT", random.randrange(100_000, 200_000) * CASH_UNIT)
        fold(engine.book, AccountSnapshot(now, now, account, (cash,), tuple(reports)))
        engine.columns.rebuild(account)
        engine.watch.look_again(account)


def storm(engine: Engine, steps: int) -> list[tuple[bool, list[int]]]:
    """Return, after every event, whether a look said that something changed, and the bits of all positions."""
    random = Random(5)
    seen = []
    now = T0
    looks: list[bool] = []
    look = engine.watch.look

    def noted(instrument: int) -> bool:
        looks.append(look(instrument))
        return looks[-1]

    engine.watch.look = noted  # type: ignore[method-assign]
    for step in range(steps):
        now += random.randrange(1, 3 * NS_PER_SECOND)
        if step % 60 == 0:
            take(engine, now, random)
        index = random.randrange(WIDE)
        if random.random() < 0.1:
            engine.market.index[index] = random.choice((None, random.randrange(9_000, 30_000)))
        engine.step(Trade(now, now, index, random.randrange(9_000, 30_000), 1_000, -1))
        seen.append((looks[-1], list(engine.watch.position_bits)))
    return seen


@pytest.mark.parametrize("texts", [OWN, SHARED, (*OWN, *SHARED)], ids=["own", "shared", "both"])
def test_watch_wide_book_says_what_the_same_book_says_one_by_one(
    texts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trades, closed positions, missing readings: no truth depends on how many are looked at together."""
    by_column = made(texts)
    assert list(by_column.watch.wide) == [1]
    monkeypatch.setattr("bot.engine.measures.watch.WIDE_AT_LEAST", 10_000)
    monkeypatch.setattr("bot.engine.measures.storage.WIDE_AT_LEAST", 10_000)
    one_by_one = made(texts)
    assert not one_by_one.watch.wide
    found = storm(by_column, 300)
    assert found == storm(one_by_one, 300)
    assert len({bits for _, row in found for bits in row}) > 8, "the storm must make truths differ"


def test_watch_account_one_short_of_wide_is_taken_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the limit arrays cost more than they save."""
    monkeypatch.setattr("bot.engine.measures.watch.WIDE_AT_LEAST", WIDE + 1)
    assert not made(OWN).watch.wide
    monkeypatch.setattr("bot.engine.measures.watch.WIDE_AT_LEAST", WIDE)
    assert list(made(OWN).watch.wide) == [1]


def test_watch_wide_position_that_changed_alone_is_changed_back_by_column() -> None:
    """A truth that one look at one position changed is not taken for old by the next look at all of them."""
    engine = made(("position.loss_ratio > 1%",))
    random = Random(2)
    for index in range(WIDE):
        engine.columns.move_price(index, 20_000)
    take(engine, T0, random)
    wide = engine.watch.wide[1]
    position = wide.first + 5
    before = engine.watch.position_bits[position]
    other = next(price for price in (5_000, 40_000) if _bits_at(engine, price, position) != before)
    assert engine.watch.position_bits[position] != before
    engine.columns.move_price(5, 5_000 if other == 40_000 else 40_000)
    engine.watch.look_again(1)
    assert engine.watch.position_bits[position] == before


def _bits_at(engine: Engine, price: int, position: int) -> int:
    """The bits of a position after a look at market 5 alone."""
    engine.columns.move_price(5, price)
    engine.watch.look(5)
    return engine.watch.position_bits[position]
