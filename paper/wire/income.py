"""What moved an account's balances, newest last: GET /fapi/v1/income."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from paper.wire.values import Row, cash, ms

INCOME_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Income:
    """One movement: ``amount`` is cash, signed; ``trade`` the trade it belongs to, 0 for none."""

    kind: str
    asset: str
    amount: int
    at: int
    symbol: str = ""
    trade: int = 0


@dataclass(slots=True)
class Incomes:
    """The movements of all accounts."""

    by_account: dict[int, deque[Income]] = field(default_factory=dict)

    def of(self, account: int) -> deque[Income]:
        """Return an account's movements."""
        return self.by_account.setdefault(account, deque(maxlen=INCOME_KEPT))

    def add(self, account: int, income: Income) -> None:
        """Enter a movement; one of nothing is none."""
        if income.amount:
            self.of(account).append(income)


def income_row(number: int, income: Income) -> Row:
    """Return a movement as the venue shows it."""
    return {
        "symbol": income.symbol,
        "incomeType": income.kind,
        "income": cash(income.amount),
        "asset": income.asset,
        "info": income.kind,
        "time": ms(income.at),
        "tranId": number,
        "tradeId": str(income.trade) if income.trade else "",
    }
