"""The core venue's facts, turned into changes of the register and events of the user streams.

Facts of one call belong together: after the orders' own events each account that was touched is told once how its
balances and positions stand. What a fill realised is counted at average cost on a copy of the holdings, which
follows the fills one by one; the core's own holdings are already those after the last of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.domain.account import PositionKey
from bot.domain.events import (
    AccountFact,
    AssetsExchanged,
    CashMoved,
    FillOrigin,
    FundingPaid,
    Liquidity,
    MarginCall,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderTriggered,
)
from bot.domain.order import OrderStatus, Side
from paper.exchange import Exchange
from paper.holdings import trade
from paper.state import Account
from paper.wire import user_events
from paper.wire.contracts import Contracts
from paper.wire.hub import Hub
from paper.wire.income import Income, Incomes
from paper.wire.listing import Board
from paper.wire.positions import POSITION_SIDES
from paper.wire.register import Algo, Fill, Order, Register, Terms

Facts = Sequence[tuple[int, AccountFact]]
_ENDINGS = {OrderStatus.CANCELED: "CANCELED", OrderStatus.EXPIRED: "EXPIRED"}


@dataclass(slots=True)
class _Touched:
    """What one call did to one account."""

    reason: str = "ORDER"
    keys: dict[PositionKey, None] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)


class Reports:
    """Takes facts in. ``updated`` is when each account's positions last changed, ns."""

    def __init__(
        self, exchange: Exchange, contracts: Contracts, register: Register, hub: Hub, board: Board, *, now: int
    ) -> None:
        self._exchange = exchange
        self._contracts = contracts
        self._register = register
        self._hub = hub
        self._board = board
        self._copies = {index: _copy(account) for index, account in exchange.accounts.items()}
        self.incomes = Incomes()
        self.updated = dict.fromkeys(exchange.accounts, now)

    def take(self, facts: Facts, *, now: int) -> None:
        """Take in what one call of the core told."""
        touched: dict[int, _Touched] = {}
        for place, (_, fact) in enumerate(facts):
            match fact:
                case OrderAccepted():
                    self._accepted(fact, now)
                case OrderTriggered():
                    self._triggered(fact, facts[place + 1:], now)
                case OrderFilled():
                    self._filled(fact, facts[place:], touched.setdefault(fact.account, _Touched()), now)
                case OrderEnded():
                    self._ended(fact, now)
                case FundingPaid() | CashMoved() | AssetsExchanged():
                    self._moved(fact, touched.setdefault(fact.account, _Touched()))
                case MarginCall():
                    account = self._exchange.accounts[fact.account]
                    event = user_events.margin_call_event(self._exchange, self._contracts, account, now=now)
                    self._hub.tell(fact.account, event)
                case _:
                    pass                 # refusals and settings are told to who asked
        for index, what in touched.items():
            self.tell_account(index, what.reason, list(what.keys), changed=what.changed, now=now)

    def start_afresh(self) -> None:
        """Take the copies of what is held anew: positions that an account starts with come without a fill."""
        self._copies = {index: _copy(account) for index, account in self._exchange.accounts.items()}

    def tell_account(
        self, index: int, reason: str, keys: Sequence[PositionKey], *, changed: dict[str, int], now: int
    ) -> None:
        """Tell an account how its balances stand, and its positions of ``keys``."""
        self.updated[index] = now
        account = self._exchange.accounts[index]
        self._hub.tell(index, user_events.account_event(
            self._exchange, self._contracts, account, reason, keys, changed=changed, now=now
        ))

    # Orders -----------------------------------------------------------------------------------------------

    def _accepted(self, fact: OrderAccepted, now: int) -> None:
        order = self._register.named(fact.name)
        if order is not None:
            if order.accepted_as:
                self._hub.tell(fact.account, user_events.order_event(order, order.accepted_as, None, now=now))
            return
        algo = self._register.algo_named(fact.name)
        if algo is not None:
            self._hub.tell(fact.account, user_events.algo_event(algo, now=now))

    def _triggered(self, fact: OrderTriggered, later: Facts, now: int) -> None:
        algo = self._register.algo_named(fact.name)
        if algo is None:
            return
        algo.triggered = now
        self.turn_algo(fact.account, algo, "TRIGGERING", now=now)
        first = next((each for _, each in later if getattr(each, "name", None) == fact.name), None)
        if isinstance(first, OrderEnded) and first.status is OrderStatus.EXPIRED and first.filled == 0:
            self.turn_algo(fact.account, algo, "REJECTED", now=now)
            return
        self.send_triggered(fact.account, algo, now=now)
        if algo.order is not None:
            self._hub.tell(fact.account, user_events.order_event(algo.order, "NEW", None, now=now))

    def send_triggered(self, account: int, algo: Algo, *, now: int) -> Order:
        """Enter the order that a triggered conditional order has become."""
        kind = "MARKET" if algo.request.limit_price is None else "LIMIT"
        order = Order(
            self._register.next_order(), algo.core, replace(algo.terms, kind=kind), created=now, updated=now,
            original_kind=algo.terms.kind,
        )
        self._register.enter(account, order)
        algo.order = order
        self.turn_algo(account, algo, "TRIGGERED", now=now)
        return order

    def turn(self, account: int, order: Order, status: str, *, now: int) -> None:
        """Give an order a new status, which is also the execution type by which its stream tells of it."""
        self._register.turn(account, order, status, now=now)
        self._hub.tell(account, user_events.order_event(order, status, None, now=now))

    def turn_algo(self, account: int, algo: Algo, status: str, *, now: int) -> None:
        """Give a conditional order a new status, and tell of it."""
        self._register.turn_algo(account, algo, status, now=now)
        self._hub.tell(account, user_events.algo_event(algo, now=now))

    def _filled(self, fact: OrderFilled, later: Facts, touched: _Touched, now: int) -> None:
        contract = self._contracts.all[fact.key.instrument]
        order = self._register.named(fact.name) or self._forced(fact, later, now)
        profit = trade(
            self._copies[fact.account], fact.key, contract.instrument,
            signed=fact.quantity * fact.side.sign, price=fact.price,
        ).profit
        value = contract.instrument.value(price=fact.price, quantity=fact.quantity)
        fill = Fill(
            number=int(fact.trade_id[1:]), at=fact.stamp, price=fact.price, quantity=fact.quantity, value=value,
            fee=fact.fee, profit=profit, is_maker=fact.liquidity is Liquidity.MAKER,
        )
        order.fills.append(fill)
        order.filled += fill.quantity
        order.value += value
        status = "FILLED" if order.filled >= order.terms.quantity else "PARTIALLY_FILLED"
        self._register.turn(fact.account, order, status, now=now)
        touched.keys[fact.key] = None
        execution = "CALCULATED" if fact.origin is FillOrigin.LIQUIDATION else "TRADE"
        self._hub.tell(fact.account, user_events.trade_event(order, fill, now=now))
        self._hub.tell(fact.account, user_events.order_event(order, execution, fill, now=now))
        settle, symbol = contract.instrument.settle, contract.symbol
        incomes = self.incomes
        incomes.add(fact.account, Income("REALIZED_PNL", settle, profit, fill.at, symbol, fill.number))
        paid = "INSURANCE_CLEAR" if fact.origin is FillOrigin.LIQUIDATION else "COMMISSION"
        incomes.add(fact.account, Income(paid, settle, -fact.fee, fill.at, symbol, fill.number))
        if fact.liquidity is Liquidity.TAKER and fact.origin is FillOrigin.OURS:
            listing = self._board.of(contract)
            self._board.trade(
                listing, price=fact.price, quantity=fact.quantity, is_buy=fact.side is Side.BUY, now=now
            )

    def _forced(self, fact: OrderFilled, later: Facts, now: int) -> Order:
        """Enter the venue's own order against an account, and tell everybody."""
        contract = self._contracts.all[fact.key.instrument]
        pieces = [each for _, each in later if isinstance(each, OrderFilled) and each.name == fact.name]
        total = sum(piece.quantity for piece in pieces)
        terms = Terms(
            contract=contract, client_id=fact.name, side=fact.side.value.upper(),
            position_side=POSITION_SIDES[fact.key.side], kind="LIMIT", time_in_force="IOC", quantity=total,
            price=pieces[-1].price, self_trade="NONE",
        )
        order = Order(self._register.next_order(), fact.name, terms, created=now, updated=now)
        self._register.enter(fact.account, order)
        self._hub.tell(fact.account, user_events.order_event(order, "NEW", None, now=now))
        if fact.origin is FillOrigin.LIQUIDATION:
            self._board.force(
                self._board.of(contract), price=fact.price, quantity=total, is_buy=fact.side is Side.BUY, now=now
            )
        return order

    def _ended(self, fact: OrderEnded, now: int) -> None:
        order, algo = self._register.named(fact.name), self._register.algo_named(fact.name)
        word = _ENDINGS.get(fact.status)
        if order is not None:
            if word is not None and order.is_open:
                self.turn(fact.account, order, word, now=now)
            if algo is not None and algo.status == "TRIGGERED":
                self.turn_algo(fact.account, algo, "FINISHED", now=now)
        elif algo is not None and algo.is_open and word is not None:
            self.turn_algo(fact.account, algo, word, now=now)

    # Cash -------------------------------------------------------------------------------------------------

    def _moved(self, fact: FundingPaid | CashMoved | AssetsExchanged, touched: _Touched) -> None:
        match fact:
            case FundingPaid(key=key, amount=amount):
                contract = self._contracts.all[key.instrument]
                settle = contract.instrument.settle
                touched.reason = "FUNDING_FEE"
                touched.keys[key] = None
                moves = [(settle, -amount)]
                self.incomes.add(fact.account, Income("FUNDING_FEE", settle, -amount, fact.stamp, contract.symbol))
            case CashMoved(asset=asset, amount=amount, reason=reason):
                touched.reason = "INSURANCE_CLEAR" if reason == "insurance fund" else "DEPOSIT"
                kind = "INSURANCE_CLEAR" if reason == "insurance fund" else "TRANSFER"
                moves = [(asset, amount)]
                self.incomes.add(fact.account, Income(kind, asset, amount, fact.stamp))
            case AssetsExchanged(sold=sold, bought=bought):
                touched.reason = "AUTO_EXCHANGE"
                moves = [(sold.asset, -sold.amount), (bought.asset, bought.amount)]
                for asset, amount in moves:
                    self.incomes.add(fact.account, Income("AUTO_EXCHANGE", asset, amount, fact.stamp))
        for asset, amount in moves:
            touched.changed[asset] = touched.changed.get(asset, 0) + amount


def _copy(account: Account) -> Account:
    """Return an account with holdings of its own, to follow fills on."""
    return Account(
        index=account.index, asset=account.asset, wallets={}, leverage=account.leverage,
        holdings=[replace(holding) for holding in account.holdings],
    )
