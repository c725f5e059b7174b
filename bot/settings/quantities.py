"""Read quantities with units: ratios, durations, rates, money (see ``bot.domain.units``).

A number without a unit is refused wherever two people could read it differently.
"""

from __future__ import annotations

import re
from decimal import Decimal

from bot.domain.scale import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND
from bot.domain.units import Money
from bot.settings.errors import SettingsError, show
from bot.settings.node import Node
from bot.settings.scalars import number_cure, parse_number, scalar_of

DURATION_MAX_DAYS = 36_500       # a century fits 63 bits of nanoseconds with room for adding a time to it

_NS_OF = {
    "ms": NS_PER_MS, "s": NS_PER_SECOND, "m": NS_PER_MINUTE, "h": NS_PER_HOUR, "d": NS_PER_DAY,
}
_PER_SECOND = {"s": 1, "m": 60, "h": 3600}
_DIVISOR = {"%": 100, "bps": 10_000}
_SPLIT = re.compile(r"(?P<number>[-+]?[0-9][0-9._]*(?:[eE][-+]?[0-9]+)?) ?(?P<unit>%|[A-Za-z]*)")
_CURRENCY = re.compile(r"(?=[0-9]*[A-Z])[A-Z0-9]{1,20}")
_RATIO_CURE = "write 5%, 25bps or 0.05"
_DURATION_CURE = "write a number with ms, s, m, h or d, such as 90s"
_RATE_CURE = "write a number with /s, /m or /h, such as 10/s"
_MONEY_CURE = "write a number and a currency, such as 250_000 USDT"


def read_ratio(node: Node, subject: str) -> float:
    """Return a fraction, signed: ``70%``, ``25bps`` or ``0.7``.

    A bare number is a fraction, so one beyond 1 is refused, and so is ``1``: it is 1 % to one person and
    100 % to another. ``1.0`` and ``100%`` are neither.
    """
    scalar = scalar_of(node, subject, "a ratio", "5%")
    try:
        number, unit = _split(scalar.text, _RATIO_CURE)
        if unit:
            if unit not in _DIVISOR:
                raise ValueError(_RATIO_CURE)
            return float(number / _DIVISOR[unit])
        if abs(number) > 1 or (abs(number) == 1 and "." not in scalar.text):
            raise ValueError(f"write the unit: {number:f}% or {number * 100:f}%")
    except ValueError as error:
        raise SettingsError(scalar.place, f"{subject} is not a ratio", show(scalar.text), str(error)) from None
    return float(number)


def read_duration(node: Node, subject: str) -> int:
    """Return a length of time in nanoseconds, zero or more: ``250ms``, ``90s``, ``1.5h``."""
    scalar = scalar_of(node, subject, "a length of time", "90s")
    try:
        number, unit = _split(scalar.text, _DURATION_CURE)
        if not unit:
            raise ValueError(f"write the unit, such as {scalar.text}s or {scalar.text}m")
        if unit not in _NS_OF:
            raise ValueError(_DURATION_CURE)
        length = number * _NS_OF[unit]
        if length < 0:
            raise ValueError("write a length of time of zero or more")
        if length > DURATION_MAX_DAYS * NS_PER_DAY:
            raise ValueError(f"write at most {DURATION_MAX_DAYS}d")
        if length != int(length):
            raise ValueError("write whole nanoseconds")
    except ValueError as error:
        raise SettingsError(scalar.place, f"{subject} is not a length of time", show(scalar.text), str(error)) from None
    return int(length)


def read_rate(node: Node, subject: str) -> float:
    """Return events per second, zero or more: ``10/s``, ``600/m``."""
    scalar = scalar_of(node, subject, "a rate", "10/s")
    text, slash, unit = scalar.text.partition("/")
    try:
        if not slash:
            raise ValueError(f"write per what, such as {scalar.text}/s" if text.isdecimal() else _RATE_CURE)
        number = parse_number(text, _RATE_CURE)
        if unit not in _PER_SECOND:
            raise ValueError(_RATE_CURE)
        if number < 0:
            raise ValueError("write a rate of zero or more")
    except ValueError as error:
        raise SettingsError(scalar.place, f"{subject} is not a rate", show(scalar.text), str(error)) from None
    return float(number / _PER_SECOND[unit])


def read_money(node: Node, subject: str) -> Money:
    """Return an exact amount, signed, and its currency in capitals: ``250_000 USDT``."""
    scalar = scalar_of(node, subject, "an amount of money", "250_000 USDT")
    text, space, currency = scalar.text.partition(" ")
    try:
        if not space:
            raise ValueError(number_cure(text) or _MONEY_CURE)
        amount = parse_number(text, _MONEY_CURE)
        if _CURRENCY.fullmatch(currency) is None:
            meant = currency.strip().upper()
            raise ValueError(f"write {text} {meant}" if _CURRENCY.fullmatch(meant) else _MONEY_CURE)
    except ValueError as error:
        raise SettingsError(
            scalar.place, f"{subject} is not an amount of money", show(scalar.text), str(error)
        ) from None
    return Money(amount, currency)


def _split(text: str, cure: str) -> tuple[Decimal, str]:
    """Return the number and the unit after it, "" when there is none; raises ValueError with what to do."""
    match = _SPLIT.fullmatch(text)
    if match is None:
        raise ValueError(number_cure(text) or cure)
    return parse_number(match["number"], cure), match["unit"]
