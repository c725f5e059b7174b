"""Net asset value by units: what an account earned, apart from what was paid in and taken out.

Deposits buy units and withdrawals redeem them at the value of the moment, so the value per unit moves by
profit and loss only. Units are integers, ``UNITS_PER_CASH`` of them for each cash unit at the opening, so that a
flow rounds away less than any account holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.errors import ContractError

UNITS_PER_CASH = 10**6


@dataclass(frozen=True, slots=True)
class Fund:
    """Units outstanding, and equity and units at the best value per unit so far; equity in cash."""

    units: int
    high_equity: int
    high_units: int


def opened(equity: int) -> Fund:
    """Return a fund worth ``equity`` cash, above 0; raises ContractError when it is not."""
    if equity <= 0:
        raise ContractError(f"nav: a fund opens with equity above 0, was {equity}")
    units = equity * UNITS_PER_CASH
    return Fund(units, equity, units)


def value_per_unit(fund: Fund, equity: int) -> float:
    """Return the value of what one cash unit bought at the opening, in cash units: 1.0 before any profit."""
    return equity * UNITS_PER_CASH / fund.units


def after_flow(fund: Fund, *, flow: int, equity: int) -> Fund:
    """Return the fund after cash of ``flow`` came in, or went out when negative; ``equity`` is that before it.

    Units are rounded down. Where nothing was left, or nothing is after it, a value per unit means nothing, and
    what there is opens anew; raises ContractError when that is nothing.
    """
    if equity <= 0 or equity + flow <= 0:
        return opened(equity + flow)
    return replace(fund, units=fund.units * (equity + flow) // equity)


def followed(fund: Fund, equity: int) -> Fund:
    """Return the fund with its high-water mark raised to the present value, if that is higher."""
    if equity * fund.high_units <= fund.high_equity * fund.units:
        return fund
    return replace(fund, high_equity=equity, high_units=fund.units)


def drawdown(fund: Fund, equity: int) -> float:
    """Return the fall of the value per unit from its high-water mark, a fraction of it, 0 or more."""
    return max(0.0, 1.0 - equity * fund.high_units / (fund.high_equity * fund.units))
