"""What holds under every sequence of messages: cash is conserved, reducers reduce, and restarts change nothing."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from bot.domain.account import PositionKey
from bot.domain.events import (
    AccountFact,
    AccountSnapshot,
    CashMoved,
    FillOrigin,
    FundingPaid,
    LiquidationStage,
    OrderEnded,
    OrderFilled,
)
from bot.domain.market import Trade
from paper.messages import Message, Wake
from paper.venue import Answers, PaperVenue
from tests.paper.builders import usd
from tests.paper.storm import ACCOUNTS, INSTRUMENTS, REDUCER, SPEC, storm, storm_accounts

SEEDS = [(1, False), (2, True), (3, False), (4, True)]
LENGTH = 12_500


def drive(venue: PaperVenue, messages: Iterable[tuple[int, Message]]) -> list[tuple[int, AccountFact]]:
    """Hand in every message, waking the venue for what is due before it; return all that was told."""
    told: list[tuple[int, AccountFact]] = []
    for now, message in messages:
        while (wake := venue.next_wake()) is not None and wake < now:
            told += venue.handle(wake, Wake())
        told += venue.handle(now, message)
    return told


def _venue() -> PaperVenue:
    return PaperVenue(SPEC, INSTRUMENTS, storm_accounts())


class Restless(PaperVenue):
    """A venue that never trusts a quiet range: it sums every account's margin on every print."""

    def _settle_quiet_ranges(self) -> None:
        super()._settle_quiet_ranges()
        for market in self._markets:
            market.low = market.high = market.mark_low = market.mark_high = 0


@dataclass
class Auditor:
    """Rebuilds every account from the facts alone, in its own way: cash flows, not realised profit.

    ``cash`` is the balance if every trade were paid in full; then wallet = cash + entry value of what is held.
    """

    cash: dict[int, int] = field(default_factory=dict)
    held: dict[PositionKey, int] = field(default_factory=dict)
    trades: set[tuple[int, str]] = field(default_factory=set)

    def audit(self, facts: Iterable[tuple[int, AccountFact]]) -> None:
        for _, fact in facts:
            match fact:
                case OrderFilled():
                    self._fill(fact)
                case FundingPaid():
                    self.cash[fact.account] -= fact.amount
                case CashMoved():
                    self.cash[fact.account] += fact.amount
                case _:
                    pass

    def _fill(self, fact: OrderFilled) -> None:
        if (fact.account, fact.trade_id) in self.trades:
            return
        self.trades.add((fact.account, fact.trade_id))
        signed = fact.quantity * fact.side.sign
        value = fact.price * fact.quantity * 1_000
        self.cash[fact.account] -= value * fact.side.sign + fact.fee
        assert fact.quantity > 0 and fact.quantity % INSTRUMENTS[fact.key.instrument].filters.lot == 0
        before = self.held.get(fact.key, 0)
        self.held[fact.key] = before + signed
        if fact.origin is FillOrigin.LIQUIDATION or fact.name.startswith(REDUCER):
            assert before * signed < 0 and fact.quantity <= abs(before), f"{fact.name} did not reduce"


@pytest.mark.parametrize(("seed", "marks"), SEEDS)
def test_cash_is_conserved_and_reducers_never_flip_under_random_messages(seed: int, marks: bool) -> None:
    """Over 50,000 messages every wallet is what its facts say, to the last unit, and no reducer opened anything."""
    venue = _venue()
    auditor = Auditor(cash={account.account: account.balance for account in storm_accounts()})
    messages = list(storm(seed, LENGTH, marks=marks))
    pending = dict(_starting())
    fills = liquidations = ends = 0
    for now, message in messages:
        told = drive(venue, [(now, message)])
        for key in [key for key in pending if venue.is_started(key.account)]:
            entry = {report.key: report.entry_value for report in venue.positions(key.account)}
            if not told:
                auditor.cash[key.account] -= entry[key]
                auditor.held[key] = pending.pop(key)
        auditor.audit(told)
        fills += any(isinstance(fact, OrderFilled) for _, fact in told)
        liquidations += any(isinstance(fact, LiquidationStage) for _, fact in told)
        ends += any(isinstance(fact, OrderEnded) for _, fact in told)
    for account in range(ACCOUNTS):
        held = venue.positions(account)
        assert {key: quantity for key, quantity in auditor.held.items() if quantity and key.account == account} == {
            report.key: report.quantity for report in held
        }
        entries = sum(report.entry_value for report in held)
        assert venue.account_totals(account)[0] == auditor.cash[account] + entries
        assert venue.account_totals(account)[0] >= 0 or held
    assert not pending
    _balance(venue)
    assert fills > 300 and ends > 500 and liquidations >= 2, "a storm in which nothing happens proves nothing"


def _balance(venue: PaperVenue) -> None:
    """Wallets less entry values, fees, funding, the fund and the other sides are what was brought in."""
    state = venue._exchange.state
    wallets = sum(account.wallets["USDT"] for account in state.accounts)
    entries = sum(holding.entry_value for account in state.accounts for holding in account.holdings)
    ledger = state.ledgers["USDT"]
    brought = sum(account.balance for account in storm_accounts())
    assert wallets - entries + ledger.fees + ledger.funding + ledger.insurance + ledger.counterparty == brought
    assert ledger.fees > 0 and ledger.funding != 0 and ledger.insurance != 0


def _starting() -> list[tuple[PositionKey, int]]:
    return [
        (PositionKey(account.account, position.instrument), position.quantity)
        for account in storm_accounts()
        for position in account.positions
    ]


@pytest.mark.parametrize(("seed", "marks"), SEEDS[:2])
def test_quiet_ranges_hide_nothing(seed: int, marks: bool) -> None:
    """A venue that counts margin on every print tells exactly what the fast one tells."""
    messages = list(storm(seed, LENGTH // 2, marks=marks))
    fast = drive(_venue(), messages)
    slow = drive(Restless(SPEC, INSTRUMENTS, storm_accounts()), messages)
    assert fast == slow
    assert any(isinstance(fact, LiquidationStage) for _, fact in fast)


@pytest.mark.parametrize(("seed", "marks"), SEEDS[2:])
def test_venue_restored_at_random_points_goes_on_as_if_nothing_had_happened(seed: int, marks: bool) -> None:
    """Killed and restored twenty times at random messages, it tells the same and ends in the same bytes."""
    messages = list(storm(seed, LENGTH // 2, marks=marks))
    whole = _venue()
    expected = drive(whole, messages)
    cuts = sorted(random.Random(seed).sample(range(1, len(messages)), 20))
    venue, told = _venue(), []
    for begin, end in zip([0, *cuts], [*cuts, len(messages)], strict=True):
        venue = PaperVenue.restore(SPEC, INSTRUMENTS, venue.snapshot())
        told += drive(venue, messages[begin:end])
    assert told == expected
    assert venue.snapshot() == whole.snapshot()


def test_answers_are_never_earlier_than_the_question_and_say_when_they_arrive() -> None:
    """The time beside a fact is the fact's own, and no answer comes before the message that caused it."""
    venue = _venue()
    for now, message in storm(5, 4_000, marks=True):
        answers: Answers = venue.handle(now, message)
        for at, fact in answers:
            assert at == fact.now >= now
            if isinstance(fact, AccountSnapshot):
                assert fact.taken <= now + SPEC.latency


def test_quiet_print_answers_with_nothing_and_still_moves_the_price() -> None:
    """The hot path keeps the last price and the volume."""
    venue = _venue()
    now = 1_583_971_200_000_000_000
    for index in (0, 1):
        venue.handle(now, Trade(now, now, index, 10_000, 1, 0))
    before = venue.account_totals(1)[1]
    assert venue.handle(now + 1, Trade(now + 1, now + 1, 0, 9_999, 5, 0)) == ()
    assert venue.account_totals(1)[1] - before == 30 * usd("0.01")
