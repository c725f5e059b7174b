"""What holds for every kind of pool under every sequence of messages."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.events import (
    AccountFact,
    AssetsExchanged,
    CashMoved,
    FillOrigin,
    FundingPaid,
    LiquidationStage,
    MarginCall,
    OrderFilled,
    SettingAnswered,
)
from bot.domain.market import Trade
from paper.holdings import direction
from paper.messages import Message
from paper.venue import PaperVenue
from tests.paper.builders import START
from tests.paper.pool_storm import INSTRUMENTS, SPEC, pool_accounts, pool_storm
from tests.paper.test_always import drive

SEEDS = [(11, False), (12, True)]
LENGTH = 10_000


def _venue() -> PaperVenue:
    return PaperVenue(SPEC, INSTRUMENTS, pool_accounts())


class Restless(PaperVenue):
    """A venue that never trusts a quiet range: it sums every pool's margin on every print."""

    def _settle_quiet_ranges(self) -> None:
        super()._settle_quiet_ranges()
        for market in self._markets:
            market.low = market.high = market.mark_low = market.mark_high = 0


def _assert_balanced(venue: PaperVenue) -> None:
    """Per asset, wallets, margins, what is held and the ledger add up to what was brought in."""
    state = venue._exchange.state
    brought: Counter[str] = Counter()
    for start in pool_accounts():
        brought[start.asset] += start.balance
        for balance in start.balances:
            brought[balance.asset] += balance.amount
    found: Counter[str] = Counter()
    for account in state.accounts:
        found.update(account.wallets)
        for holding in account.holdings:
            instrument = INSTRUMENTS[holding.key.instrument]
            found[instrument.settle] += holding.margin - direction(instrument) * holding.entry_value
    for asset, ledger in state.ledgers.items():
        found[asset] += ledger.fees + ledger.funding + ledger.insurance + ledger.counterparty + ledger.exchanged
    assert found == brought


def _assert_sane(venue: PaperVenue) -> None:
    """No leg has the other's sign, no cross position has a margin of its own, no flat currency is owed."""
    for account in venue._exchange.state.accounts:
        for holding in account.holdings:
            assert holding.quantity != 0
            assert holding.key.side is not PositionSide.LONG or holding.quantity > 0
            assert holding.key.side is not PositionSide.SHORT or holding.quantity < 0
            assert holding.key.mode is account.mode_of(holding.key.instrument)
            assert holding.key.mode is MarginMode.ISOLATED or holding.margin == 0
        held = {INSTRUMENTS[holding.key.instrument].settle for holding in account.holdings}
        assert all(amount >= 0 or asset in held for asset, amount in account.wallets.items())


def _cash(facts: list[AccountFact], held: Counter[PositionKey]) -> Counter[tuple[int, str]]:
    """What the facts say that each account paid and received, trades in full, by asset; ``held`` at the start."""
    cash: Counter[tuple[int, str]] = Counter()
    seen: set[str] = set()
    for fact in facts:
        match fact:
            case OrderFilled() if fact.trade_id not in seen:
                seen.add(fact.trade_id)
                instrument = INSTRUMENTS[fact.key.instrument]
                before, signed = held[fact.key], fact.quantity * fact.side.sign
                closing = min(abs(before), fact.quantity) if before * signed < 0 else 0
                assert fact.origin is FillOrigin.OURS or closing == fact.quantity, f"{fact.name} did not only reduce"
                value = instrument.value(price=fact.price, quantity=closing)
                value += instrument.value(price=fact.price, quantity=fact.quantity - closing)
                held[fact.key] += signed
                cash[fact.account, instrument.settle] -= direction(instrument) * value * fact.side.sign + fact.fee
            case FundingPaid():
                cash[fact.account, INSTRUMENTS[fact.key.instrument].settle] -= fact.amount
            case CashMoved():
                cash[fact.account, fact.asset] += fact.amount
            case AssetsExchanged():
                cash[fact.account, fact.sold.asset] -= fact.sold.amount
                cash[fact.account, fact.bought.asset] += fact.bought.amount
            case _:
                pass
    return cash


@pytest.mark.parametrize(("seed", "marks"), SEEDS)
def test_cash_of_every_asset_is_conserved_whatever_is_sent(seed: int, marks: bool) -> None:
    """Over 20,000 messages no coin is made or lost, whether by liquidation, ADL, auto-exchange or a change of mode."""
    venue = _venue()
    told: list[AccountFact] = []
    for number, (now, message) in enumerate(pool_storm(seed, LENGTH, marks=marks)):
        told += [fact for _, fact in drive(venue, [(now, message)])]
        if number % 50 == 0:
            _assert_balanced(venue)
            _assert_sane(venue)
    _assert_balanced(venue)
    kinds = Counter(type(fact) for fact in told)
    origins = Counter(fact.origin for fact in told if isinstance(fact, OrderFilled))
    codes = {fact.code for fact in told if isinstance(fact, SettingAnswered)}
    assert kinds[LiquidationStage] >= 4 and kinds[MarginCall] >= 2 and kinds[FundingPaid] > 20, kinds
    assert origins[FillOrigin.ADL] >= 1 and origins[FillOrigin.OURS] > 100, origins
    assert codes >= {None, "-4046", "-4048", "-4059", "-4028", "-4054"}, codes


def test_facts_explain_every_wallet() -> None:
    """What an account was told adds up to what it has, asset by asset: a client needs no other source."""
    venue = _venue()
    for instrument in INSTRUMENTS:
        assert drive(venue, [(START, Trade(START, START, instrument.index, 10_000, 1, 0))]) == []
    before = _cash_and_entries(venue)
    reports = [report for start in pool_accounts() for report in venue.positions(start.account)]
    held = Counter({report.key: report.quantity for report in reports})
    told = [fact for _, fact in drive(venue, pool_storm(13, LENGTH // 4, marks=False))]
    after = _cash_and_entries(venue)
    moved = {key: after[key] - before[key] for key in {*before, *after} if after[key] != before[key]}
    assert moved == {key: amount for key, amount in _cash(told, held).items() if amount}
    assert len(moved) >= 8


def _cash_and_entries(venue: PaperVenue) -> Counter[tuple[int, str]]:
    """Wallets and margins as if every position had been paid in full at its entry."""
    found: Counter[tuple[int, str]] = Counter()
    for account in venue._exchange.state.accounts:
        for asset, amount in account.wallets.items():
            found[account.index, asset] += amount
        for holding in account.holdings:
            instrument = INSTRUMENTS[holding.key.instrument]
            found[account.index, instrument.settle] += holding.margin - direction(instrument) * holding.entry_value
    return found


@pytest.mark.parametrize(("seed", "marks"), SEEDS)
def test_quiet_ranges_of_pools_hide_nothing(seed: int, marks: bool) -> None:
    """A venue that counts every pool on every print tells exactly what the fast one tells, margin calls included."""
    messages: list[tuple[int, Message]] = list(pool_storm(seed, LENGTH // 4, marks=marks))
    fast = drive(_venue(), messages)
    slow = drive(Restless(SPEC, INSTRUMENTS, pool_accounts()), messages)
    assert fast == slow
    assert {MarginCall, LiquidationStage} <= {type(fact) for _, fact in fast}


def test_venue_of_pools_restored_at_random_points_goes_on_as_if_nothing_had_happened() -> None:
    """Killed and restored ten times, modes, margins, warnings and ledgers included, it ends in the same bytes."""
    messages = list(pool_storm(14, LENGTH // 4, marks=True))
    whole = _venue()
    expected = drive(whole, messages)
    cuts = sorted(random.Random(14).sample(range(1, len(messages)), 10))
    venue, told = _venue(), []
    for begin, end in zip([0, *cuts], [*cuts, len(messages)], strict=True):
        venue = PaperVenue.restore(SPEC, INSTRUMENTS, venue.snapshot())
        told += drive(venue, messages[begin:end])
    assert told == expected
    assert venue.snapshot() == whole.snapshot()
