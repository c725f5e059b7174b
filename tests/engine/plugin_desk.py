"""Short plug-ins, and a trader whose rules ask them."""

from __future__ import annotations

from bot.domain.effects import OpenEpisode, RaiseAlarm
from tests.builders import snapshot, trade
from tests.engine.driver import Trader

LOSS = """
rules:
  loss:
    for_each: position
    when: plugin.loss > 5%
    do: close
    execute: {algo: now, order_class: cost}
"""
ASKING = """
rules:
  ask:
    for_each: position
    when: position.loss_ratio > 5%
    do: {plugin: {remedy: answer, otherwise: close}}
    execute: {algo: now, order_class: cost}
"""


def loss(body: str, *, inputs: str = '("position.loss_ratio",)', of: str = "position") -> str:
    """The plug-in's measure ``loss``; its argument is x."""
    return f'@measure("loss", of="{of}", unit="ratio", meaning="loss", inputs={inputs})\ndef loss(x):\n    {body}\n'


def answer(body: str, *, inputs: str = '("position.loss_ratio",)') -> str:
    """The plug-in's remedy ``answer``; its argument is x."""
    return f'@remedy("answer", of="position", meaning="says", inputs={inputs})\ndef answer(x):\n    {body}\n'


def holding(driver: Trader, *, usdt: float = 10_000, btc: int = 1_000) -> Trader:
    """A position bought at 8,000."""
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=usdt, btc=btc, entry=8_000))
    return driver


def alarms(driver: Trader) -> list[str]:
    """The codes of all alarms of plug-ins so far."""
    return [alarm.code for alarm in driver.found(RaiseAlarm) if alarm.code.startswith("plugin_")]


def fires(driver: Trader) -> list[str]:
    return [fire.rule for fire in driver.found(OpenEpisode)]
