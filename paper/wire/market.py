"""Public replies: book, trades, prices, bars, funding.

Source: Binance USDⓈ-M futures API, "Market Data Endpoints", read 2026-11.
"""

from __future__ import annotations

from bot.domain.order import Side
from bot.domain.scale import NS_PER_DAY
from paper.wire import depth
from paper.wire.bars import Bars, bar_reply, interval_of
from paper.wire.contracts import Contract, exchange_info
from paper.wire.floor import Call, Floor
from paper.wire.listing import RATE_DIGITS, Listing, Print, day_numbers
from paper.wire.refusals import Refused
from paper.wire.values import Json, Row, cash, fixed, ms

INTEREST_RATE = "0.00010000"
DEPTH_USUAL = 500
DEPTHS = (5, 10, 20, 50, 100, 500, 1_000)


def ping(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/ping."""
    del floor, call
    return {}


def server_time(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/time."""
    del call
    return {"serverTime": ms(floor.now)}


def information(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/exchangeInfo."""
    del call
    return exchange_info(floor.contracts, floor.spec.limits, now=floor.now)


def nothing(floor: Floor, call: Call) -> Json:
    """Answer an empty list: what spot pages hold, which some clients ask for first."""
    del floor, call
    return []


def book(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/depth: a snapshot whose number lies inside the next event of every depth stream."""
    contract = floor.contracts.asked(call.params)
    count = call.params.whole_or("limit", DEPTH_USUAL)
    if count not in DEPTHS:
        raise Refused(-4021, f"'{count}' is not valid depth limit.")
    shown = floor.board.of(contract).shown
    shown.look(floor.exchange, contract.index)
    for stream in floor.hub.streams():
        if stream.kind == "depth" and stream.contract is contract and not stream.levels:
            shown.follow(stream.every_ms)
    return {
        "lastUpdateId": shown.snapshot(), "E": ms(floor.now), "T": ms(floor.now),
        "bids": depth.rows(contract, depth.best(shown.bids, Side.BUY, count)),
        "asks": depth.rows(contract, depth.best(shown.asks, Side.SELL, count)),
    }


def trades(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/trades and /fapi/v1/historicalTrades: the newest."""
    contract = floor.contracts.asked(call.params)
    found = list(floor.board.of(contract).trades)[-call.params.limit(500, 1_000):]
    return [
        {
            "id": each.number, "price": contract.price(each.price), "qty": contract.quantity(each.quantity),
            "quoteQty": cash(each.value), "time": ms(each.at), "isBuyerMaker": not each.is_buy,
        }
        for each in found
    ]


def aggregate_trades(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/aggTrades; every trade stands alone here."""
    contract, params = floor.contracts.asked(call.params), call.params
    start, end, first = params.moment("startTime", 0), params.moment("endTime", floor.now), params.whole_or("fromId", 0)
    found = [
        each for each in floor.board.of(contract).trades if each.number >= first and start <= each.at <= end
    ]
    limit = params.limit(500, 1_000)
    return [_aggregate(contract, each) for each in (found[:limit] if first or start else found[-limit:])]


def bars(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/klines."""
    contract = floor.contracts.asked(call.params)
    return _bars(floor, call, contract, floor.board.of(contract).bars)


def mark_bars(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/markPriceKlines; where no marks are told, the mark is the last price."""
    contract = floor.contracts.asked(call.params)
    listing = floor.board.of(contract)
    return _bars(floor, call, contract, listing.mark_bars if listing.mark_bars.minutes else listing.bars)


def index_bars(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/indexPriceKlines."""
    contract = floor.contracts.named(call.params.text("pair"))
    return _bars(floor, call, contract, floor.board.of(contract).index_bars)


def premium_index(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/premiumIndex: mark, index and funding, of one symbol or of all."""
    found = [_premium(floor, floor.board.of(contract)) for contract in floor.contracts.asked_or_all(call.params)]
    return found[0] if call.params.has("symbol") else found


def funding_rates(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/fundingRate: what was paid, oldest first."""
    params = call.params
    start, end = params.moment("startTime", 0), params.moment("endTime", floor.now)
    rows: list[tuple[int, Row]] = []
    for contract in floor.contracts.asked_or_all(params):
        for paid in floor.board.of(contract).funding:
            if start <= paid.next_at <= end:
                rows.append((paid.next_at, {
                    "symbol": contract.symbol, "fundingTime": ms(paid.next_at),
                    "fundingRate": fixed(paid.rate, RATE_DIGITS), "markPrice": "",
                }))
    rows.sort(key=lambda pair: pair[0])
    limit = params.limit(100, 1_000)
    return [row for _, row in (rows[:limit] if start else rows[-limit:])]


def open_interest(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/openInterest."""
    contract = floor.contracts.asked(call.params)
    return {
        "openInterest": contract.quantity(floor.board.of(contract).open_interest), "symbol": contract.symbol,
        "time": ms(floor.now),
    }


def day(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/ticker/24hr."""
    found: list[Json] = []
    for contract in floor.contracts.asked_or_all(call.params):
        last = floor.exchange.markets[contract.index].last
        if last is not None:
            found.append(day_numbers(floor.board.of(contract), last, now=floor.now, span=NS_PER_DAY))
    return found[0] if call.params.has("symbol") and found else found


def last_price(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/ticker/price and v2."""
    found: list[Json] = [
        {
            "symbol": contract.symbol, "price": contract.price(floor.exchange.markets[contract.index].last),
            "time": ms(floor.now),
        }
        for contract in floor.contracts.asked_or_all(call.params)
    ]
    return found[0] if call.params.has("symbol") else found


def best_prices(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/ticker/bookTicker."""
    found: list[Json] = []
    for contract in floor.contracts.asked_or_all(call.params):
        bid, ask = (depth.touch(floor.exchange, contract.index, side) for side in Side)
        found.append({
            "symbol": contract.symbol, "bidPrice": contract.price(bid[0]), "bidQty": contract.quantity(bid[1]),
            "askPrice": contract.price(ask[0]), "askQty": contract.quantity(ask[1]), "time": ms(floor.now),
            "lastUpdateId": floor.board.of(contract).shown.number,
        })
    return found[0] if call.params.has("symbol") else found


def _bars(floor: Floor, call: Call, contract: Contract, of: Bars) -> Json:
    params = call.params
    interval = interval_of(params.text("interval"))
    start, end = params.moment("startTime", 0), params.moment("endTime", floor.now)
    found = of.spans(interval, start=start, end=end, limit=params.limit(500, 1_500))
    return [bar_reply(contract, bar, interval) for bar in found]


def _premium(floor: Floor, listing: Listing) -> Row:
    contract = listing.contract
    mark = floor.exchange.mark(contract.index)
    index = mark if listing.index_price is None else listing.index_price
    return {
        "symbol": contract.symbol, "markPrice": contract.price(mark), "indexPrice": contract.price(index),
        "estimatedSettlePrice": contract.price(index), "lastFundingRate": fixed(listing.funding_rate, RATE_DIGITS),
        "interestRate": INTEREST_RATE, "nextFundingTime": ms(listing.funding_at), "time": ms(floor.now),
    }


def _aggregate(contract: Contract, each: Print) -> Row:
    return {
        "a": each.number, "p": contract.price(each.price), "q": contract.quantity(each.quantity), "f": each.number,
        "l": each.number, "T": ms(each.at), "m": not each.is_buy,
    }
