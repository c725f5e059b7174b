"""A person who has positions let out, and what is told of it."""

from __future__ import annotations

from typing import Any

from bot.domain.account import PositionKey
from bot.domain.effects import (
    EndEpisode,
    RaiseAlarm,
)
from bot.domain.events import Command, CommandKind
from bot.domain.market import MarkPrice
from bot.domain.sale import RefuseSale, Sale, SaleTerms
from bot.domain.scale import NS_PER_SECOND
from tests.builders import KEY, T0, snapshot, trade
from tests.engine.driver import Driver, Trader, engine

S = NS_PER_SECOND
NO_RULES = "rules: {}"


def sale(
    name: str = "first", quantity: int | None = 500, *, share: float | None = None, over: float = 0,
    tactic: str = "taker", key: PositionKey = KEY, **terms: Any,
) -> Sale:
    return Sale(name, key, SaleTerms(round(over * S), tactic, **terms), quantity, share)


def say(driver: Driver, seconds: float, what: Sale, kind: CommandKind = CommandKind.SELL, **more: Any) -> None:
    driver.step(Command(T0 + round(seconds * S), 0, kind, "a test", by="ann", sale=what, **more))


def take_back(driver: Driver, seconds: float, name: str) -> None:
    driver.step(Command(T0 + round(seconds * S), 0, CommandKind.END_SALE, "enough", rule=name, by="ann"))


def command(driver: Driver, seconds: float, kind: CommandKind) -> None:
    driver.step(Command(T0 + round(seconds * S), 0, kind, "a test", by="ann"))


def alarms(driver: Driver) -> list[str]:
    return [alarm.code for alarm in driver.found(RaiseAlarm)]


def refusals(driver: Driver) -> list[str]:
    return [refusal.why for refusal in driver.found(RefuseSale)]


def ends(driver: Driver) -> list[str]:
    return [end.reason for end in driver.found(EndEpisode)]


def mark(seconds: int) -> MarkPrice:
    return MarkPrice(T0 + seconds * S, T0 + seconds * S, 0, 800_000)


def short_of(btc: int) -> Trader:
    driver = Trader(engine(NO_RULES))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=-btc, entry=8_000))
    return driver
