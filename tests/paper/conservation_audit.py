"""An auditor of the venue: believes nothing but the facts that clients are told, and the ledger's own sum.

Per account and asset: wallets and isolated margins, as if every position had been paid in full at its entry, are what
the told trades, fees, fundings and transfers make of what was there at the start. Per asset, over all accounts and the
ledger: what was brought in. Per leg: what the told fills add up to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.events import AccountFact, AssetsExchanged, CashMoved, FillOrigin, FundingPaid, OrderFilled
from bot.domain.instrument import InstrumentKind
from bot.domain.order import OrderRequest, Side
from paper.spec import AccountStart
from paper.state import Holding
from paper.venue import PaperVenue
from tests.paper.conservation_storm import INSTRUMENTS

_GAINS = tuple(-1 if each.kind is InstrumentKind.INVERSE else 1 for each in INSTRUMENTS)
_CLOSING = {PositionSide.LONG: Side.SELL, PositionSide.SHORT: Side.BUY}


class Auditor:
    """Starts from what a venue holds once every position is entered; ``tally`` counts what it has seen."""

    def __init__(self, venue: PaperVenue, accounts: Iterable[AccountStart]) -> None:
        self._venue = venue
        self.tally: Counter[str] = Counter()
        self._brought: Counter[str] = Counter()
        for start in accounts:
            self._brought[start.asset] += start.balance
            for balance in start.balances:
                self._brought[balance.asset] += balance.amount
        self._cash = self._found()
        self._held = {
            report.key: report.quantity for account in venue._exchange.state.accounts
            for report in venue.positions(account.index)
        }
        self._sent: dict[tuple[int, str], OrderRequest] = {}
        self._filled: Counter[tuple[int, str]] = Counter()
        self._trades: set[tuple[int, str]] = set()

    def send(self, request: OrderRequest) -> None:
        """Remember what a client asked for; a name always stands for one request."""
        self._sent[request.key.account, request.name] = request

    def hear(self, facts: Iterable[tuple[int, AccountFact]]) -> None:
        """Take in what clients are told; raises AssertionError for a fill that its order did not allow."""
        forced: Counter[int] = Counter()
        for _, fact in facts:
            self.tally[type(fact).__name__] += 1
            match fact:
                case OrderFilled():
                    if (fact.account, fact.trade_id) not in self._trades:
                        self._trades.add((fact.account, fact.trade_id))
                        self._fill(fact)
                        sign = {FillOrigin.LIQUIDATION: 1, FillOrigin.ADL: -1}.get(fact.origin, 0)
                        forced[fact.key.instrument] += sign * fact.quantity
                case FundingPaid():
                    self._cash[fact.account, INSTRUMENTS[fact.key.instrument].settle] -= fact.amount
                case CashMoved():
                    self._cash[fact.account, fact.asset] += fact.amount
                case AssetsExchanged(account=account, sold=sold, bought=bought):
                    self._cash[account, sold.asset] -= sold.amount
                    self._cash[account, bought.asset] += bought.amount
                case _:
                    pass
        assert min(forced.values(), default=0) >= 0, "more was deleveraged than liquidated"

    def check(self) -> None:
        """Compare everything that is held with everything that was told; raises AssertionError."""
        found = self._found()
        assert found == self._cash, {
            key: f"{found[key]} held, {self._cash[key]} told" for key in {**found, **self._cash}
            if found[key] != self._cash[key]
        }
        total: Counter[str] = Counter()
        for (_, asset), amount in found.items():
            total[asset] += amount
        for asset, ledger in self._venue._exchange.state.ledgers.items():
            total[asset] += ledger.fees + ledger.funding + ledger.insurance + ledger.counterparty + ledger.exchanged
        assert total == self._brought, f"in all there is {total}, brought in was {self._brought}"
        held: dict[PositionKey, int] = {}
        for account in self._venue._exchange.state.accounts:
            for holding in account.holdings:
                held[holding.key] = holding.quantity
                _assert_sane(holding)
        assert held == {key: quantity for key, quantity in self._held.items() if quantity}

    def _fill(self, fact: OrderFilled) -> None:
        instrument = INSTRUMENTS[fact.key.instrument]
        before, signed = self._held.get(fact.key, 0), fact.quantity * fact.side.sign
        closing = min(abs(before), fact.quantity) if before * signed < 0 else 0
        self._held[fact.key] = before + signed
        value = instrument.value(price=fact.price, quantity=closing)
        value += instrument.value(price=fact.price, quantity=fact.quantity - closing)
        self._cash[fact.account, instrument.settle] -= _GAINS[instrument.index] * value * fact.side.sign + fact.fee
        assert fact.quantity > 0 and fact.quantity % instrument.filters.lot == 0, fact
        self.tally[f"{fact.origin.value} {fact.liquidity.value}"] += 1
        self.tally["modelled" if fact.modelled else "recorded"] += 1
        if fact.origin is not FillOrigin.OURS:
            assert closing == fact.quantity, f"{fact} did not only reduce {before}"
            return
        request = self._sent[fact.account, fact.name]
        self._filled[fact.account, fact.name] += fact.quantity
        assert (fact.key, fact.side) == (request.key, request.side), fact
        assert self._filled[fact.account, fact.name] <= request.quantity, f"{fact} filled more than {request}"
        limit = request.limit_price
        assert limit is None or (limit - fact.price) * fact.side.sign >= 0, f"{fact} is beyond the limit {limit}"
        if request.reduce_only or _CLOSING.get(request.key.side) is request.side:
            assert closing == fact.quantity, f"{fact} of a reducer did not only reduce {before}"
            self.tally["reducing"] += 1

    def _found(self) -> Counter[tuple[int, str]]:
        """Return wallets and margins as if every position had been paid in full at its entry."""
        found: Counter[tuple[int, str]] = Counter()
        for account in self._venue._exchange.state.accounts:
            for asset, amount in account.wallets.items():
                found[account.index, asset] += amount
            for holding in account.holdings:
                index = holding.key.instrument
                found[account.index, INSTRUMENTS[index].settle] += holding.margin - _GAINS[index] * holding.entry_value
        return found


def _assert_sane(holding: Holding) -> None:
    """No leg has the other's sign, and no cross position a margin of its own."""
    key = holding.key
    assert holding.quantity and holding.entry_value * holding.quantity > 0, holding
    assert key.side is not PositionSide.LONG or holding.quantity > 0, holding
    assert key.side is not PositionSide.SHORT or holding.quantity < 0, holding
    assert key.mode is MarginMode.ISOLATED or holding.margin == 0, holding
