"""Fills that are told again and again: known ones change nothing, and one that is told otherwise is an alarm."""

from __future__ import annotations

import json

import pytest

from bot.adapters.ccxt.fills import facts_of_fill
from bot.domain.copying import replace
from bot.domain.effects import RaiseAlarm, ReadAccount
from bot.domain.events import FillOrigin, Liquidity, OrderFilled
from bot.domain.order import Side
from bot.engine.record import checkpoint
from bot.engine.record.heard import was_heard
from tests.builders import T0, layout
from tests.engine.driver import Trader, long_of

S = 10**9


def after_a_fill() -> tuple[Trader, OrderFilled]:
    """A long of 1,000 lots of which a person sold 100; and the fill as it was told."""
    driver = long_of(1_000)
    driver.external(1, 100, price=8_000)
    (known,) = driver.engine.book.accounts[0].trade_ids
    now = T0 + 1 * S
    pattern = OrderFilled(
        now, now, 0, "web", known, driver.engine.layout.keys[0], Side.SELL, 800_000, 100, 0,
        liquidity=Liquidity.TAKER, origin=FillOrigin.EXTERNAL, modelled=False,
    )
    return driver, pattern


def codes(driver: Trader) -> list[str]:
    return [alarm.code for alarm in driver.found(RaiseAlarm)]


@pytest.mark.parametrize(
    "change", [{}, {"fee": 7}, {"name": "order 123"}, {"now": T0 + 60 * S}, {"stamp": T0 + 2 * S}],
    ids=["the same", "fee", "name", "heard later", "stamp"],
)
def test_fill_that_is_told_again_was_heard(change: dict[str, object]) -> None:
    """What pages and streams word in their own ways is the same trade: it is neither folded nor told again."""
    driver, known = after_a_fill()
    told = codes(driver)
    again = replace(known, **change)
    assert was_heard(driver.engine.book, again)
    driver.step(replace(again, now=T0 + 60 * S))
    assert driver.held == 900 and codes(driver) == told


@pytest.mark.parametrize(
    "change", [{"quantity": 101}, {"price": 800_001}, {"side": Side.BUY}], ids=["quantity", "price", "side"]
)
def test_other_fill_under_a_known_id_is_an_alarm_and_the_account_is_read(change: dict[str, object]) -> None:
    """Two stories of one trade: what was booked stays, a person hears it once, and the venue says what is held."""
    driver, known = after_a_fill()
    other = replace(known, now=T0 + 60 * S, **change)
    assert not was_heard(driver.engine.book, other)
    driver.step(other)
    assert driver.held == 900
    assert codes(driver)[-1] == "fill_differs" and driver.found(ReadAccount)
    assert was_heard(driver.engine.book, replace(other, now=T0 + 120 * S))


def test_checkpoint_keeps_what_is_known_of_fills_and_reads_one_that_kept_their_ids_alone() -> None:
    """A restart compares as before; of what an older version recorded, the id must do."""
    driver, known = after_a_fill()
    body = checkpoint.dump(driver.engine.book)
    again = checkpoint.load(body, layout())
    assert checkpoint.dump(again) == body
    assert was_heard(again, known) and not was_heard(again, replace(known, price=1))
    raw = json.loads(body)
    raw["accounts"][0]["trade_ids"] = [known.trade_id]
    older = checkpoint.load(json.dumps(raw).encode(), layout())
    assert was_heard(older, known) and was_heard(older, replace(known, price=1))


def test_liquidation_that_is_told_again_with_its_fill_was_heard() -> None:
    """A page tells of it at every reading; a person hears it once."""
    driver, known = after_a_fill()
    fill = replace(known, trade_id="BTCUSDT:7", origin=FillOrigin.LIQUIDATION)
    told = list(facts_of_fill(fill, driver.engine.layout.instruments[0]))
    for fact in told:
        assert not was_heard(driver.engine.book, fact)
        driver.step(replace(fact, now=driver.engine.book.now))
    assert codes(driver).count("liquidated") == 1
    assert all(was_heard(driver.engine.book, fact) for fact in told)
    body = checkpoint.dump(driver.engine.book)
    assert all(was_heard(checkpoint.load(body, layout()), fact) for fact in told)
    again = replace(fill, trade_id="BTCUSDT:8")
    other = list(facts_of_fill(again, driver.engine.layout.instruments[0]))
    assert not any(was_heard(driver.engine.book, fact) for fact in other)
