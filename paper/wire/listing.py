"""What each contract's market has shown: trades, bars, index, funding, open interest, forced orders.

Last and mark price are not kept here: they are the core venue's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bot.domain.market import (
    CandlePoint,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarketFact,
    MarkPrice,
    OpenInterest,
    Trade,
)
from bot.domain.order import Side
from paper.exchange import Exchange
from paper.wire import depth
from paper.wire.bars import Bars
from paper.wire.contracts import Contract, Contracts
from paper.wire.hub import Hub
from paper.wire.values import Row, fixed, ms, quotient

TRADES_KEPT = 1_000                  # GET /fapi/v1/trades gives no more
FUNDING_KEPT = 1_000
RATE_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Print:
    """A trade that everybody saw; ``is_buy`` is the taker's side."""

    number: int
    at: int
    price: int
    quantity: int
    value: int
    is_buy: bool


@dataclass(slots=True)
class Listing:
    """One contract's market."""

    contract: Contract
    trades: deque[Print] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))
    bars: Bars = field(default_factory=Bars)
    mark_bars: Bars = field(default_factory=Bars)
    index_bars: Bars = field(default_factory=Bars)
    shown: depth.Shown = field(default_factory=depth.Shown)
    touch: tuple[int, int, int, int] = (0, 0, 0, 0)      # best bid and ask with their quantities, as last told
    traded: int = 0
    index_price: int | None = None
    funding_rate: int = 0
    funding_at: int = 0
    funding: deque[FundingRate] = field(default_factory=lambda: deque(maxlen=FUNDING_KEPT))     # paid
    open_interest: int = 0


class Board:
    """All listings; takes in the tape's facts and tells subscribers at once what is told at once."""

    def __init__(self, exchange: Exchange, contracts: Contracts, hub: Hub) -> None:
        self._exchange = exchange
        self._hub = hub
        self.listings = tuple(Listing(contract) for contract in contracts.all)

    def of(self, contract: Contract) -> Listing:
        """Return the listing of a contract."""
        return self.listings[contract.index]

    def fold(self, fact: MarketFact, *, now: int) -> None:
        """Take in a fact that the venue has taken in."""
        listing = self.listings[fact.instrument]
        match fact:
            case Trade(price=price, quantity=quantity, side=side):
                self.trade(listing, price=price, quantity=quantity, is_buy=side > 0, now=now)
            case CandlePoint(price=price, volume=volume):
                # a walked bar's volume stands at its close; the points before it are prints of the least size
                least = listing.contract.instrument.filters.lot
                self.trade(listing, price=price, quantity=max(volume, least), is_buy=False, now=now)
            case MarkPrice(price=price):
                listing.mark_bars.price(now, price)
            case IndexPrice(price=price):
                listing.index_price = price
                listing.index_bars.price(now, price)
            case FundingRate():
                self._fund(listing, fact)
            case OpenInterest(quantity=quantity):
                listing.open_interest = quantity
            case ForcedTrade(price=price, quantity=quantity, side=side):
                self.force(listing, price=price, quantity=quantity, is_buy=side > 0, now=now)
            case _:
                pass
        self.tell_touch(listing, now=now)

    def trade(self, listing: Listing, *, price: int, quantity: int, is_buy: bool, now: int) -> None:
        """Take in a trade of the tape or of a client, and tell of it."""
        contract = listing.contract
        listing.traded += 1
        number = listing.traded
        value = contract.instrument.value(price=price, quantity=quantity)
        listing.trades.append(Print(number, now, price, quantity, value, is_buy))
        listing.bars.trade(now, price, quantity=quantity, value=value, is_buy=is_buy, number=number)
        name = contract.symbol.lower()
        if f"{name}@aggTrade" in self._hub.wanted:
            self._hub.publish(f"{name}@aggTrade", {
                "e": "aggTrade", "E": ms(now), "a": number, "s": contract.symbol, "p": contract.price(price),
                "q": contract.quantity(quantity), "f": number, "l": number, "T": ms(now), "m": not is_buy,
            })
        if f"{name}@trade" in self._hub.wanted:
            self._hub.publish(f"{name}@trade", {
                "e": "trade", "E": ms(now), "T": ms(now), "s": contract.symbol, "t": number,
                "p": contract.price(price), "q": contract.quantity(quantity), "X": "MARKET", "m": not is_buy,
            })

    def force(self, listing: Listing, *, price: int, quantity: int, is_buy: bool, now: int) -> None:
        """Tell of a position closed by force."""
        contract = listing.contract
        event: Row = {"e": "forceOrder", "E": ms(now), "o": {
            "s": contract.symbol, "S": "BUY" if is_buy else "SELL", "o": "LIMIT", "f": "IOC",
            "q": contract.quantity(quantity), "p": contract.price(price), "ap": contract.price(price), "X": "FILLED",
            "l": contract.quantity(quantity), "z": contract.quantity(quantity), "T": ms(now),
        }}
        self._hub.publish(f"{contract.symbol.lower()}@forceOrder", event)
        self._hub.publish("!forceOrder@arr", event)

    def tell_touch(self, listing: Listing, *, now: int) -> None:
        """Tell of new best prices, if anybody listens."""
        contract = listing.contract
        name = f"{contract.symbol.lower()}@bookTicker"
        if name not in self._hub.wanted and "!bookTicker" not in self._hub.wanted:
            return
        bid, ask = (depth.touch(self._exchange, contract.index, side) for side in Side)
        touch = (*bid, *ask)
        if touch == listing.touch or not bid[0] or not ask[0]:
            return
        listing.touch = touch
        listing.shown.number += 1
        event: Row = {
            "e": "bookTicker", "u": listing.shown.number, "s": contract.symbol,
            "b": contract.price(bid[0]), "B": contract.quantity(bid[1]),
            "a": contract.price(ask[0]), "A": contract.quantity(ask[1]), "T": ms(now), "E": ms(now),
        }
        self._hub.publish(name, event)
        self._hub.publish("!bookTicker", event)

    def _fund(self, listing: Listing, fact: FundingRate) -> None:
        if listing.funding_at and fact.next_at > listing.funding_at:
            listing.funding.append(
                FundingRate(fact.now, fact.stamp, fact.instrument, listing.funding_rate, listing.funding_at)
            )
        listing.funding_rate, listing.funding_at = fact.rate, fact.next_at


def mark_event(listing: Listing, mark: int, *, now: int) -> Row:
    """Return an event of the mark price stream."""
    contract = listing.contract
    index = mark if listing.index_price is None else listing.index_price
    return {
        "e": "markPriceUpdate", "E": ms(now), "s": contract.symbol, "p": contract.price(mark),
        "i": contract.price(index), "P": contract.price(mark), "r": fixed(listing.funding_rate, RATE_DIGITS),
        "T": ms(listing.funding_at),
    }


def day_numbers(listing: Listing, last: int, *, now: int, span: int) -> Row:
    """Return what 24 hours have been, by the names that the REST reply has; flat when nothing was traded."""
    contract = listing.contract
    bar = listing.bars.since(now - span)
    opened, high, low = (last, last, last) if bar is None else (bar.open, bar.high, bar.low)
    quantity, value = (0, 0) if bar is None else (bar.quantity, bar.value)
    whole = contract.instrument.value_multiplier
    mean = value // (whole * quantity) if quantity else last
    newest = listing.trades[-1] if listing.trades else None
    return {
        "symbol": contract.symbol,
        "priceChange": contract.price(last - opened),
        "priceChangePercent": quotient(100 * (last - opened), opened, 3),
        "weightedAvgPrice": contract.price(mean),
        "lastPrice": contract.price(last),
        "lastQty": contract.quantity(newest.quantity if newest else 0),
        "openPrice": contract.price(opened),
        "highPrice": contract.price(high),
        "lowPrice": contract.price(low),
        "volume": contract.quantity(quantity),
        "quoteVolume": fixed(value, RATE_DIGITS),
        "openTime": ms(now - span),
        "closeTime": ms(now),
        "firstId": bar.first if bar else 0,
        "lastId": bar.last if bar else 0,
        "count": bar.trades if bar else 0,
    }
