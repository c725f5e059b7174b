"""The stable shape of ``summary.json``: a kind for every key, and what differs from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.denials import DenialCode

Kind = Callable[[Any], bool]
"""True of a value that is of a kind."""


def is_decimal(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?", value) is not None


def is_time(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value) is not None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_fraction(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(is_text(one) for one in value)


def is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def is_hash(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def is_null(value: Any) -> bool:
    return value is None


def is_words_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(is_text(key) and is_text(word) for key, word in value.items())


def is_numbers_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(or_null(is_number)(one) for one in value.values())


def or_null(kind: Kind) -> Kind:
    return lambda value: value is None or kind(value)


def one_of(*words: str) -> Kind:
    return lambda value: value in words


def any_of(kind: Any) -> Kind:
    """A list of things of one shape."""
    return lambda value: isinstance(value, list) and all(not wrong_in(one, kind, "") for one in value)


LIQUIDATION = {"ts": is_time, "symbol": is_text, "notional": is_decimal, "fee": is_decimal, "kind": is_text}
ACCOUNT = {
    "equity_start": is_decimal, "equity_end": is_decimal, "equity_min": is_decimal,
    "margin_ratio_max": or_null(is_number), "liquidation_distance_min": or_null(is_number),
    "liquidations": any_of(LIQUIDATION), "realised_pnl": is_decimal, "unrealised_pnl": is_decimal,
    "fees": is_decimal, "funding": is_decimal, "recovery_rate": or_null(is_number),
    "max_drawdown": or_null(is_fraction), "sharpe": or_null(is_number), "sortino": or_null(is_number),
    "calmar": or_null(is_number), "why": is_words_by_name,
}
RULE = {
    "fires": is_count, "false_fires": or_null(is_count), "saved": or_null(is_decimal), "cost": or_null(is_decimal)
}
FIRE = {
    "ts": is_time, "rule": is_text, "scope": is_text, "why": is_text, "readings": is_numbers_by_name, "goal": is_text
}
PARENT = {
    "id": is_text, "rules": is_texts, "account": is_text, "symbol": is_text, "side": one_of("buy", "sell"),
    "algo": is_text, "quantity": is_decimal, "filled": is_decimal, "residual": is_decimal,
    "arrival_price": is_decimal, "average_price": or_null(is_decimal), "market_vwap": or_null(is_decimal),
    "shortfall_bps": or_null(is_number), "fees": is_decimal, "participation": or_null(is_fraction),
    "children": is_count, "started": is_time, "ended": or_null(is_time), "end_reason": or_null(is_text),
}
FILL = {
    "ts": is_time, "parent": is_text, "child": is_text, "symbol": is_text, "side": one_of("buy", "sell"),
    "quantity": is_decimal, "price": is_decimal, "fee": is_decimal, "liquidity": one_of("maker", "taker"),
    "modelled": is_bool,
}
BASELINES = {
    "do_nothing": {"equity_end": is_decimal, "liquidations": any_of(LIQUIDATION)},
    "sell_at_once": {"equity_end": is_decimal, "shortfall_bps": or_null(is_number)},
}
RULES = ("margin_guard", "margin_emergency")
SUMMARY = {
    "version": is_text, "config_hash": is_hash,
    "tape": {"events": is_count, "first_ts": is_time, "last_ts": is_time, "modelled": is_texts},
    "timing": {"wall_seconds": is_number, "events_per_second": is_number},
    "accounts": {"main": ACCOUNT}, "rules": dict.fromkeys(RULES, RULE), "fires": any_of(FIRE),
    "parents": any_of(PARENT), "fills": any_of(FILL),
    "denials": lambda found: all(code in DenialCode.__members__ and is_count(n) for code, n in found.items()),
    "baselines": {"main": BASELINES},
}


def wrong_in(value: Any, shape: Any, where: str) -> list[str]:
    """Return what of ``value`` is not as ``shape`` says, by its path."""
    if callable(shape):
        return [] if shape(value) else [f"{where}: {value!r}"]
    if not isinstance(value, Mapping) or value.keys() != shape.keys():
        keys = sorted(value) if isinstance(value, Mapping) else value
        return [f"{where}: has {keys}, must have {sorted(shape)}"]
    return [wrong for key, inner in shape.items() for wrong in wrong_in(value[key], inner, f"{where}.{key}")]
