"""Leverage brackets as venues and ccxt hand them out, made into the tables that margin is counted with.

Two forms are read, each row a mapping whose numbers may be text:

    ccxt     minNotional, maxNotional, maintenanceMarginRate, maxLeverage, and the venue's own row under info
    Binance  notionalFloor, notionalCap (COIN-M: qtyFloor or qtylFloor, qtyCap, in coins), maintMarginRatio,
             initialLeverage, cum

Brackets change: a live account reads its own at start, and keeps the day it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from bot.domain.errors import InputError
from bot.domain.scale import CASH_UNIT
from bot.risk.tiers import PPM, Tier, TierTable

Row = Mapping[str, object]

_FLOOR = ("notionalFloor", "minNotional", "qtyFloor", "qtylFloor")     # the last as Binance's COIN-M page spells it
_CAP = ("notionalCap", "maxNotional", "qtyCap")
_RATE = ("maintMarginRatio", "maintenanceMarginRate")
_LEVERAGE = ("initialLeverage", "maxLeverage")
_CUM = ("cum",)

# Venues print the deduction to a cent: by so much of a bracket's floor may maintenance jump at it, and no more.
_JUMP_MAX_PPM = 10


def tier_table_from(rows: Sequence[Row], *, where: str, source: str, as_of: str) -> TierTable:
    """Return the table of one instrument's rows, in any order; cash units of quote, or of the coin for COIN-M.

    The deduction is the venue's where it is given and follows from floors and rates otherwise; the last bracket is
    left open, as in ``tiers.table``. Raises InputError, beginning with ``where``, for rows that do not follow on
    one another from 0, rates that do not rise or reach 1, and deductions that do not fit them.
    """
    ordered = sorted(rows, key=lambda row: _number(row, _FLOOR, where))
    found = [_tier(row, where) for row in ordered]
    if not found or found[0].floor:
        raise InputError(f"{where}: brackets must begin at 0, was {[tier.floor for tier in found[:1]]}; ask again")
    tiers: list[Tier] = []
    for row, tier, after in zip(ordered, found, [*found[1:], None], strict=True):
        tiers.append(_joined(row, tier, tiers[-1] if tiers else None, after, where))
    return TierTable(tuple(tiers), source, as_of)


def _tier(row: Row, where: str) -> Tier:
    return Tier(
        floor=_fixed(row, _FLOOR, CASH_UNIT, where), cap=_fixed(row, _CAP, CASH_UNIT, where),
        rate_ppm=_fixed(row, _RATE, PPM, where), cum=0, leverage_max=int(_number(row, _LEVERAGE, where)),
    )


def _joined(row: Row, tier: Tier, before: Tier | None, after: Tier | None, where: str) -> Tier:
    """Return a bracket with its deduction, checked against its neighbours."""
    if after is not None and tier.cap != after.floor:
        raise InputError(f"{where}: brackets must follow on one another, was {tier.cap} then {after.floor}; ask again")
    least = before.rate_ppm if before else 0
    if not least < tier.rate_ppm < PPM:
        raise InputError(f"{where}: rates must rise and stay below 1, was {tier.rate_ppm} ppm after {least}; ask again")
    derived = (before.cum if before else 0) + tier.floor * (tier.rate_ppm - least) // PPM
    cum = _fixed(row, _CUM, CASH_UNIT, where) if _value(row, _CUM) is not None else derived
    if abs(cum - derived) * PPM > tier.floor * _JUMP_MAX_PPM:
        raise InputError(f"{where}: deduction does not fit floors and rates, was {cum}, not {derived}; ask again")
    return Tier(tier.floor, tier.cap if after else None, tier.rate_ppm, cum, tier.leverage_max)


def _value(row: Row, names: Sequence[str]) -> object | None:
    info = row.get("info")
    places = [row, info] if isinstance(info, Mapping) else [row]
    for place in places:
        for name in names:
            if place.get(name) is not None:
                return place[name]
    return None


def _number(row: Row, names: Sequence[str], where: str) -> Decimal:
    value = _value(row, names)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise InputError(f"{where}: bracket needs a number for {' or '.join(names)}, was {value!r}; ask again")
    return number


def _fixed(row: Row, names: Sequence[str], unit: int, where: str) -> int:
    return round(_number(row, names, where) * unit)
