"""Which cuts let so much cash leave an account: the cheapest that leave it standing when the cash is gone.

    can leave = wallet + what the cuts realise - their expected cost + any loss of what is kept - its initial margin

Profit that is not realised cannot leave. What is kept must stand a distance from liquidation with the cash gone. Cuts
are those that bring down the gross exposure most cheaply, hedged books evenly, as far as it takes; the exposure that
does is found by halving. Where instruments have leverages of their own, others could be a little cheaper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.effects import Goal, GoalKind
from bot.domain.scale import CASH_UNIT, cash_text
from bot.engine.deciding.plans import Case
from bot.engine.desk import Desk
from bot.risk.margin import distances_if_worth

HALVINGS = 12                        # the exposure to a part in 4,096; each asks for a plan, which takes milliseconds


@dataclass(frozen=True, slots=True)
class CashCuts:
    """Unsigned quantities to be let out, by position column."""

    quantities: tuple[tuple[int, int], ...]


def cash_cuts(desk: Desk, account: int, *, cash: int, distance: float, kept: dict[int, int]) -> CashCuts | str:
    """Return the cuts after which ``cash`` can leave, or why there are none.

    ``distance`` to liquidation must then be left, a fraction; ``kept`` is what sales under way leave of positions.
    """
    if not desk.layout.is_plain(account):
        return "cash is raised only in accounts of linear cross contracts and one currency"
    settle = desk.layout.accounts[account].settle
    case = desk.case(account)
    before = [
        min(abs(holding.quantity), kept.get(position, abs(holding.quantity)))
        for position, holding in zip(case.positions, case.holdings, strict=True)
    ]
    if _can_leave(desk, case, before) >= cash and _stands(desk, case, before, cash) >= distance:
        return f"{cash_text(cash)} {settle} can leave already, with nothing more sold"
    found = [0] * len(before)
    most = _can_leave(desk, case, found)
    if most < cash:
        return f"selling everything raises {cash_text(max(0, most))} {settle} and no more, was {cash_text(cash)}"
    low, high = 0.0, desk.columns.gross[account] / CASH_UNIT     # of exposure: enough is sold, not enough
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if not middle > 0:
            break
        goal = Goal(GoalKind.GROSS_NOTIONAL, middle, settle)
        keeps = list(desk.plan(goal, case, keeps=before, lowest=[0] * len(before)).keeps)
        if _can_leave(desk, case, keeps) >= cash and _stands(desk, case, keeps, cash) >= distance:
            low, found = middle, keeps
        else:
            high = middle
    return CashCuts(tuple(
        (position, had - keep) for position, had, keep in zip(case.positions, before, found, strict=True) if had > keep
    ))


def _can_leave(desk: Desk, case: Case, keeps: Sequence[int]) -> int:
    """Return what can leave when no more than ``keeps`` is held, cash; negative where that is not even enough."""
    slot = desk.layout.accounts[case.account]
    wallet, lost, margin = _wallet(desk, case), 0, 0
    for place, (holding, keep) in enumerate(zip(case.holdings, keeps, strict=True)):
        held = abs(holding.quantity)
        kept_profit = holding.unrealised * keep // held
        wallet += holding.unrealised - kept_profit
        lost += kept_profit
        if keep < held:
            wallet -= int(case.cost_of(place, held - keep))
        value = abs(holding.instrument.value(price=holding.mark, quantity=keep))
        margin += int(value / slot.leverage_of(holding.key.instrument))
    return wallet + min(0, lost) - margin


def _stands(desk: Desk, case: Case, keeps: Sequence[int], cash: int) -> float:
    """Return how far what is kept stands from liquidation once the cash has left, a fraction."""
    equity = _wallet(desk, case) - cash
    held, values = [], []
    for place, (holding, keep) in enumerate(zip(case.holdings, keeps, strict=True)):
        size = abs(holding.quantity)
        equity += holding.unrealised
        if keep < size:
            equity -= int(case.cost_of(place, size - keep))
        if keep:
            signed = keep if holding.quantity > 0 else -keep
            held.append(holding)
            values.append(holding.instrument.value(price=holding.mark, quantity=signed))
    return distances_if_worth(equity, held, values).nearest


def _wallet(desk: Desk, case: Case) -> int:
    """Return the wallet, less what the venue counts the account worse than we do."""
    return desk.book.accounts[case.account].wallet - desk.columns.withheld[case.account]
