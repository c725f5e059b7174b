"""The book that a market shows: the tape's, or the model's where the tape has none, and what clients have resting.

The rule of the depth stream: each event carries the numbers of its first and last change and the last one of the
event before (U, u, pu). A snapshot's number lies inside the next event, which a client applies first: its
U <= lastUpdateId <= u. Source: Binance USDⓈ-M futures API, "How to manage a local order book correctly".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from bot.domain.order import Side
from paper.crossing import resting
from paper.exchange import Exchange
from paper.liquidity import ModelSupply, facing
from paper.wire.contracts import Contract
from paper.wire.values import Json, Row, ms

LEVELS_MOST = 1_000
MODEL_LEVELS = 20
MODEL_STEP = 5_000                   # one level of a modelled book every 1/5000 of the price: 2 bps
FIRST_NUMBER = 1_000_000
Levels = dict[int, int]
OTHER = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}


@dataclass(slots=True)
class Chain:
    """What subscribers of one speed were told: the levels, and the number of the last change in them."""

    bids: Levels
    asks: Levels
    told: int


@dataclass(slots=True)
class Shown:
    """The numbering of one contract's book. ``number`` is that of the newest change that anybody was told of."""

    number: int = FIRST_NUMBER
    bids: Levels = field(default_factory=dict)
    asks: Levels = field(default_factory=dict)
    chains: dict[int, Chain] = field(default_factory=dict)       # by speed, ms

    def look(self, exchange: Exchange, index: int) -> None:
        """Take in how the book stands now."""
        bids, asks = levels(exchange, index, Side.BUY), levels(exchange, index, Side.SELL)
        self.number += len(changes(self.bids, bids)) + len(changes(self.asks, asks))
        self.bids, self.asks = bids, asks

    def follow(self, speed: int) -> None:
        """Begin to tell subscribers of a speed, from the present book on."""
        if speed not in self.chains:
            self.chains[speed] = Chain(dict(self.bids), dict(self.asks), self.number)

    def snapshot(self) -> int:
        """Return the number of a snapshot taken now: newer than all that was told, so that the next event has it."""
        self.number = max(self.number, *(chain.told + 1 for chain in self.chains.values()), 0)
        return self.number

    def event(self, contract: Contract, speed: int, *, now: int) -> Row | None:
        """Return what changed since subscribers of ``speed`` were told last, or None."""
        chain = self.chains[speed]
        bids, asks = changes(chain.bids, self.bids), changes(chain.asks, self.asks)
        if not bids and not asks:
            return None
        before = chain.told
        self.number = max(self.number, before + 1)
        chain.bids, chain.asks, chain.told = dict(self.bids), dict(self.asks), self.number
        return {
            "e": "depthUpdate", "E": ms(now), "T": ms(now), "s": contract.symbol,
            "U": before + 1, "u": chain.told, "pu": before,
            "b": rows(contract, bids), "a": rows(contract, asks),
        }

    def top(self, contract: Contract, count: int, *, now: int) -> Row:
        """Return the best ``count`` levels as an event of the partial book stream."""
        return {
            "e": "depthUpdate", "E": ms(now), "T": ms(now), "s": contract.symbol,
            "U": self.number, "u": self.number, "pu": self.number - 1,
            "b": rows(contract, best(self.bids, Side.BUY, count)),
            "a": rows(contract, best(self.asks, Side.SELL, count)),
        }


def levels(exchange: Exchange, index: int, side: Side, count: int = LEVELS_MOST) -> Levels:
    """Return quantity by price of the bids (BUY) or asks (SELL): the tape's best ``count``, and all of our clients."""
    book = exchange.markets[index].book
    if book is not None and book.is_known:
        found = dict(islice(book.own(side).levels(), count))
    else:
        found = _modelled(exchange, index, side, min(count, MODEL_LEVELS))
    for _, order in resting(exchange, index):
        price = order.request.limit_price
        if order.request.side is side and price is not None:
            found[price] = found.get(price, 0) + order.leaves
    return found


def touch(exchange: Exchange, index: int, side: Side) -> tuple[int, int]:
    """Return the best bid (BUY) or ask (SELL) and what is there; zeros when there is none."""
    found = levels(exchange, index, side, 1)
    if not found:
        return 0, 0
    price = max(found) if side is Side.BUY else min(found)
    return price, found[price]


def changes(before: Levels, after: Levels) -> list[tuple[int, int]]:
    """Return the levels that differ, with their quantities afterwards; 0 for one that is gone."""
    found = [(price, quantity) for price, quantity in after.items() if before.get(price) != quantity]
    return found + [(price, 0) for price in before if price not in after]


def best(side: Levels, which: Side, count: int) -> list[tuple[int, int]]:
    """Return the best ``count`` levels of a side, best first."""
    return sorted(side.items(), reverse=which is Side.BUY)[:count]


def rows(contract: Contract, found: list[tuple[int, int]]) -> Json:
    """Return levels as the venue writes them."""
    return [[contract.price(price), contract.quantity(quantity)] for price, quantity in found]


def _modelled(exchange: Exchange, index: int, side: Side, count: int) -> Levels:
    """Return the best levels at which the fill model would trade, each with what it gives before the next one."""
    supply = facing(exchange, index, OTHER[side])
    first = None if supply is None else supply.touch()
    if not isinstance(supply, ModelSupply) or first is None:
        return {}
    tick = exchange.instruments[index].filters.tick
    away = 1 if side is Side.SELL else -1
    step = max(1, first // MODEL_STEP // tick) * tick * away
    price = -(-first // tick) * tick if side is Side.SELL else first // tick * tick
    found: Levels = {}
    given = 0
    for _ in range(count):
        total = supply.within(price + step) if price + step > 0 else None
        if total is None:
            break
        if total > given:
            found[price] = total - given
            given = total
        price += step
    return found
