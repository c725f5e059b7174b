"""Binance's pages of an account as facts: balances and positions, and the history of income.

One page has both, read by the venue in one go; a second one, of positions alone, is the other witness. What a snapshot
holds is everything up to the newest ``updateTime`` on it: the time at which it was asked for, a little earlier, is
the least that it can be. Entry values are notional less unrealised profit, both at the venue's mark, which is exact;
and the mark is notional by quantity, so that the venue's sums can be held against ours at the prices that it used.

Source: Binance USD-M futures API, "Account Information V3", "Position Information V3", "Get Income History"
(read 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.binance_orders import Ask
from bot.adapters.ccxt.replies import Row
from bot.adapters.ccxt.witnesses import AccountRead
from bot.domain.account import Balance, MarginMode, MarginReport, PositionKey, PositionReport
from bot.domain.events import AccountFact, AccountSnapshot, CashMoved, FundingPaid
from bot.domain.scale import CASH_DIGITS, NS_PER_MS, to_fixed, to_fixed_rounded

ACCOUNT = Ask("fapiPrivateV3GetAccount", {}, 5)
POSITIONS = Ask("fapiPrivateV3GetPositionRisk", {}, 5)
SEEN_MAX = 10_000                    # movements remembered by their numbers; a page holds a thousand


def incomes_since(since: int) -> Ask:
    """Return the call for everything that moved cash from a time on (ns)."""
    return Ask("fapiPrivateGetIncome", {"startTime": str(since // NS_PER_MS), "limit": "1000"}, 30)


def read_account(page: Row, view: AccountView, *, now: int, asked: int) -> AccountRead:
    """Return what the account page says; ``asked`` is the venue's time, ns, before which it was not read.

    Raises what reading a field of the wrong shape raises.
    """
    positions, strays, marks, newest = [], [], dict[int, int](), asked
    for row in page["positions"]:
        symbol = str(row["symbol"])
        newest = max(newest, int(row["updateTime"]) * NS_PER_MS)
        instrument = view.instruments.get(symbol)
        if instrument is None:
            if float(row["positionAmt"]):
                strays.append(f"{symbol} {row['positionAmt']}")
            continue
        quantity = to_fixed(str(row["positionAmt"]), instrument.quantity_digits)
        if not quantity:
            continue
        key = view.key(instrument, str(row["positionSide"]))
        isolated = _cash(row["isolatedWallet"]) if key.mode is MarginMode.ISOLATED else None
        notional = _cash(row["notional"])
        marks[instrument.index] = round(Fraction(notional, quantity * instrument.value_multiplier))
        entry_value = notional - _cash(row["unrealizedProfit"])
        positions.append(PositionReport(key, quantity, entry_value, isolated))
    balances = []
    for row in page["assets"]:
        newest = max(newest, int(row["updateTime"]) * NS_PER_MS)
        balances.append(Balance(str(row["asset"]), _cash(row["walletBalance"])))
    margin = MarginReport(
        _cash(page["totalMarginBalance"]), _cash(page["totalMaintMargin"]), tuple(sorted(marks.items()))
    )
    snapshot = AccountSnapshot(
        now, newest, view.account, tuple(balances), tuple(positions), margin=margin
    )
    return AccountRead(snapshot, tuple(strays))


def read_positions(page: Sequence[Row], view: AccountView) -> dict[PositionKey, int]:
    """Return what the page of positions says is held, by key, flat ones left out."""
    held = {}
    for row in page:
        instrument = view.instruments.get(str(row["symbol"]))
        if instrument is None:
            continue
        quantity = to_fixed(str(row["positionAmt"]), instrument.quantity_digits)
        if quantity:
            held[view.key(instrument, str(row["positionSide"]))] = quantity
    return held


@dataclass(slots=True)
class Incomes:
    """Funding and transfers out of the history of income, each once; what is older than the start is none of ours."""

    since: int                           # ns, the venue's time
    _seen: dict[tuple[str, str], None] = field(default_factory=dict)

    def facts(self, rows: Sequence[Row], view: AccountView, *, now: int) -> Iterator[AccountFact]:
        """Yield the facts of movements that were not told before, oldest first."""
        for row in sorted(rows, key=lambda each: (int(each["time"]), str(each["tranId"]))):
            kind, stamp = str(row["incomeType"]), int(row["time"]) * NS_PER_MS
            number = (kind, str(row["tranId"]))
            if number in self._seen or stamp < self.since - NS_PER_MS:
                continue
            self._seen[number] = None
            while len(self._seen) > SEEN_MAX:
                del self._seen[next(iter(self._seen))]
            self.since = max(self.since, stamp)
            amount = _cash(row["income"])
            if kind == "FUNDING_FEE":
                instrument = view.instruments.get(str(row["symbol"]))
                if instrument is not None:
                    yield FundingPaid(now, stamp, view.account, view.whole(instrument), -amount)
            elif kind == "INSURANCE_CLEAR":
                yield CashMoved(now, stamp, view.account, str(row["asset"]), amount, "insurance_clear")


def _cash(value: object) -> int:
    return to_fixed_rounded(str(value), CASH_DIGITS)
