"""Fold what changes an account's cash, its holdings and the marks that its drawdowns are counted from.

Part of ``bot.engine.record.fold``, and called from there only.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil
from typing import Any

from bot.domain.account import MarginMode
from bot.domain.effects import MarkBest, MarkHighWater, NoteJump
from bot.domain.events import (
    AccountSnapshot,
    AssetsExchanged,
    CashMoved,
    FundingPaid,
    LiquidationStage,
    MarginCall,
    OrderFilled,
)
from bot.engine.record.book import AccountBook, Book
from bot.engine.record.fold_open_orders import OPEN_ORDER_FOLDERS, take_list
from bot.engine.record.heard import hear, hear_stage
from bot.engine.record.margin_calls import called_at

JUMP_TOLERANCE = 0.01                # of a movement of cash: a jump is measured with fees and funding in it


def move_position(book: Book, fact: OrderFilled) -> None:
    """Book a fill at average cost: realised profit to the wallet, the rest of the entry value stays.

    An isolated position takes its initial margin out of what the wallet has free, rounded up, and gives back the
    share that is closed, rounded down; the next snapshot says what the venue made of it.
    """
    position = book.layout.position(fact.key)
    instrument = book.layout.instrument_of(position)
    held = book.quantity[position]
    signed = fact.quantity * fact.side.sign
    closing = min(abs(held), fact.quantity) if held * signed < 0 else 0
    if closing:
        entry = book.entry_value[position]
        part = entry * closing // abs(held) if entry >= 0 else -(-entry * closing // abs(held))
        proceeds = instrument.value(price=fact.price, quantity=closing) * (1 if held > 0 else -1)
        profit = instrument.profit(entry_value=part, value=proceeds)
        book.entry_value[position] = entry - part
        book.margin[position] -= book.margin[position] * closing // abs(held)
        account = book.accounts[fact.account]
        account.realised += profit
        account.wallet += profit
    opening = fact.quantity - closing
    if opening:
        if held == 0 or closing:
            _begin_position(book, position, fact.now)
        value = instrument.value(price=fact.price, quantity=opening)
        book.entry_value[position] += value * fact.side.sign
        if fact.key.mode is MarginMode.ISOLATED:
            leverage = book.layout.accounts[fact.account].leverage_of(instrument.index)
            book.margin[position] += ceil(value / Fraction(leverage))
    book.quantity[position] = held + signed


def _begin_position(book: Book, position: int, now: int) -> None:
    book.opened[position] = now
    book.best_mark[position] = None


def _funding_paid(book: Book, fact: FundingPaid) -> None:
    account = book.accounts[fact.account]
    if not hear(account, fact.number):
        return
    account.last_cash = max(account.last_cash, fact.stamp)
    account.funding += fact.amount
    if is_in_snapshot(account, fact.stamp):
        return
    account.wallet -= fact.amount
    if fact.key.mode is MarginMode.ISOLATED:
        book.margin[book.layout.position(fact.key)] -= fact.amount


def _cash_moved(book: Book, fact: CashMoved) -> None:
    """Count a deposit or withdrawal; one that the last snapshot holds may explain a jump, and moves nothing."""
    account = book.accounts[fact.account]
    if not hear(account, fact.number):
        return
    account.last_cash = max(account.last_cash, fact.stamp)
    is_held = is_in_snapshot(account, fact.stamp)
    if fact.asset != book.layout.accounts[fact.account].settle:
        if not is_held:
            account.assets[fact.asset] = account.assets.get(fact.asset, 0) + fact.amount
        return
    account.flow += fact.amount
    if not is_held:
        account.wallet += fact.amount
        return
    rest = account.unexplained - fact.amount
    if account.unexplained * fact.amount > 0 and abs(fact.amount) <= abs(account.unexplained) * (1 + JUMP_TOLERANCE):
        account.unexplained = rest if abs(rest) > abs(fact.amount) * JUMP_TOLERANCE else 0


def _assets_exchanged(book: Book, fact: AssetsExchanged) -> None:
    account = book.accounts[fact.account]
    if not hear(account, fact.number):
        return
    account.last_cash = max(account.last_cash, fact.stamp)
    if is_in_snapshot(account, fact.stamp):
        return
    for asset, amount in ((fact.sold.asset, -fact.sold.amount), (fact.bought.asset, fact.bought.amount)):
        if asset == book.layout.accounts[fact.account].settle:
            account.wallet += amount
        else:
            account.assets[asset] = account.assets.get(asset, 0) + amount


def _margin_call(book: Book, fact: MarginCall) -> None:
    """Keep the newest call; one that was long on its way is as old as the venue says."""
    account = book.accounts[fact.account]
    hear(account, fact.number)
    account.margin_called = max(account.margin_called or 0, called_at(fact))


def _liquidation_stage(book: Book, fact: LiquidationStage) -> None:
    """Only note that it was heard: its fills say what it changed."""
    hear_stage(book.accounts[fact.account], fact)


def is_in_snapshot(account: AccountBook, stamp: int) -> bool:
    """True of what happened no later than the last snapshot that was adopted."""
    return account.adopted and stamp <= account.snapshot_taken


def _snapshot(book: Book, fact: AccountSnapshot) -> None:
    """Adopt the venue's word, unless a fill, a movement of cash or an earlier snapshot is newer than it."""
    account = book.accounts[fact.account]
    if account.adopted and fact.taken < max(account.last_fill, account.last_cash, account.snapshot_taken):
        return
    if not account.adopted:
        account.facts_through = max(account.facts_through, fact.number)
        account.facts_beyond = [number for number in account.facts_beyond if number > account.facts_through]
    account.adopted = True
    account.snapshot_taken = fact.taken
    take_list(account, fact)
    settle = book.layout.accounts[fact.account].settle
    account.assets = {balance.asset: balance.amount for balance in fact.balances if balance.asset != settle}
    for balance in fact.balances:
        if balance.asset == settle:
            account.wallet = balance.amount
    reported = {report.key: report for report in fact.positions}
    for position in book.layout.positions_of[fact.account]:
        report = reported.get(book.layout.keys[position])
        quantity = report.quantity if report else 0
        if quantity and book.quantity[position] * quantity <= 0:
            _begin_position(book, position, fact.now)
        book.quantity[position] = quantity
        book.entry_value[position] = report.entry_value if report else 0
        book.margin[position] = (report.isolated_margin or 0) if report else 0


def _mark_high_water(book: Book, effect: MarkHighWater) -> None:
    account = book.accounts[effect.account]
    account.high_water = effect.equity
    account.flow = 0


def _mark_best(book: Book, effect: MarkBest) -> None:
    book.best_mark[book.layout.position(effect.key)] = effect.price


def _note_jump(book: Book, effect: NoteJump) -> None:
    book.accounts[effect.account].unexplained += effect.amount


ACCOUNT_FOLDERS: dict[type, Callable[[Book, Any], None]] = {
    FundingPaid: _funding_paid,
    CashMoved: _cash_moved,
    AssetsExchanged: _assets_exchanged,
    MarginCall: _margin_call,
    LiquidationStage: _liquidation_stage,
    AccountSnapshot: _snapshot,
    MarkHighWater: _mark_high_water,
    MarkBest: _mark_best,
    NoteJump: _note_jump,
    **OPEN_ORDER_FOLDERS,
}
