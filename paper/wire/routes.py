"""What can be asked over HTTP: one table. Weights and order counts are those of the venue's pages (read 2026-11)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from paper.wire import account, algo, amend, batch, countdown, market, place, settings, working
from paper.wire.floor import Call, Floor, Handler
from paper.wire.params import Params
from paper.wire.values import Json


class Access(Enum):
    """What a request must show."""

    OPEN = "open"
    KEY = "key"                      # the API key alone
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked. ``orders`` counts against the order limits; ``weigh`` against the address's."""

    access: Access
    handler: Handler
    weigh: Callable[[Params], int]
    orders: int = 0


def _flat(weight: int) -> Callable[[Params], int]:
    return lambda _: weight


def _by_symbol(one: int, every: int) -> Callable[[Params], int]:
    """Weigh a request for one symbol or for all."""
    return lambda params: one if params.has("symbol") else every


def _by_limit(default: int, *steps: tuple[int, int]) -> Callable[[Params], int]:
    """Weigh by how many rows are wanted: (up to so many, weight), rising; beyond the last as the last."""
    bounds = [bound for bound, _ in steps]
    weights = [weight for _, weight in steps]

    def weigh(params: Params) -> int:
        text = params.text_or("limit", str(default))
        wanted = int(text) if text.isdecimal() else default
        return weights[min(bisect_left(bounds, wanted), len(weights) - 1)]

    return weigh


_DEPTH = _by_limit(500, (50, 2), (100, 5), (500, 10), (1_000, 20))
_BARS = _by_limit(500, (99, 1), (499, 2), (1_000, 5), (1_500, 10))


def start_stream(floor: Floor, call: Call) -> Json:
    """POST /fapi/v1/listenKey."""
    return {"listenKey": floor.listen_keys.start(call.account, now=floor.now)}


def keep_stream(floor: Floor, call: Call) -> Json:
    """PUT /fapi/v1/listenKey."""
    return {"listenKey": floor.listen_keys.keep_alive(call.account, now=floor.now)}


def end_stream(floor: Floor, call: Call) -> Json:
    """DELETE /fapi/v1/listenKey."""
    floor.listen_keys.end(call.account)
    return {}


def _open(handler: Handler, weigh: Callable[[Params], int]) -> Route:
    return Route(Access.OPEN, handler, weigh)


def _signed(handler: Handler, weight: int | Callable[[Params], int], orders: int = 0) -> Route:
    return Route(Access.SIGNED, handler, _flat(weight) if isinstance(weight, int) else weight, orders)


def _key(handler: Handler, weight: int) -> Route:
    return Route(Access.KEY, handler, _flat(weight))


ROUTES: Mapping[tuple[str, str], Route] = {
    ("GET", "/fapi/v1/ping"): _open(market.ping, _flat(1)),
    ("GET", "/fapi/v1/time"): _open(market.server_time, _flat(1)),
    ("GET", "/fapi/v1/exchangeInfo"): _open(market.information, _flat(1)),
    ("GET", "/fapi/v1/depth"): _open(market.book, _DEPTH),
    ("GET", "/fapi/v1/trades"): _open(market.trades, _flat(5)),
    ("GET", "/fapi/v1/historicalTrades"): _key(market.trades, 20),
    ("GET", "/fapi/v1/aggTrades"): _open(market.aggregate_trades, _flat(20)),
    ("GET", "/fapi/v1/klines"): _open(market.bars, _BARS),
    ("GET", "/fapi/v1/markPriceKlines"): _open(market.mark_bars, _BARS),
    ("GET", "/fapi/v1/indexPriceKlines"): _open(market.index_bars, _BARS),
    ("GET", "/fapi/v1/premiumIndex"): _open(market.premium_index, _by_symbol(1, 10)),
    ("GET", "/fapi/v1/fundingRate"): _open(market.funding_rates, _flat(1)),
    ("GET", "/fapi/v1/fundingInfo"): _open(market.nothing, _flat(1)),
    ("GET", "/fapi/v1/openInterest"): _open(market.open_interest, _flat(1)),
    ("GET", "/fapi/v1/ticker/24hr"): _open(market.day, _by_symbol(1, 40)),
    ("GET", "/fapi/v1/ticker/price"): _open(market.last_price, _by_symbol(1, 2)),
    ("GET", "/fapi/v2/ticker/price"): _open(market.last_price, _by_symbol(1, 2)),
    ("GET", "/fapi/v1/ticker/bookTicker"): _open(market.best_prices, _by_symbol(2, 5)),

    ("POST", "/fapi/v1/order"): _signed(place.place, 0, orders=1),
    ("POST", "/fapi/v1/order/test"): _signed(place.place_test, 0),
    ("POST", "/fapi/v1/batchOrders"): _signed(batch.place, 5, orders=5),
    ("PUT", "/fapi/v1/order"): _signed(amend.amend, 1, orders=1),
    ("DELETE", "/fapi/v1/batchOrders"): _signed(batch.cancel, 1),
    ("DELETE", "/fapi/v1/order"): _signed(working.cancel, 1),
    ("DELETE", "/fapi/v1/allOpenOrders"): _signed(working.cancel_all, 1),
    ("GET", "/fapi/v1/order"): _signed(working.query, 1),
    ("GET", "/fapi/v1/openOrder"): _signed(working.query_open, 1),
    ("GET", "/fapi/v1/openOrders"): _signed(working.list_open, _by_symbol(1, 40)),
    ("GET", "/fapi/v1/allOrders"): _signed(working.list_all, 5),
    ("GET", "/fapi/v1/userTrades"): _signed(working.list_trades, 5),
    ("GET", "/fapi/v1/forceOrders"): _signed(working.list_forced, _by_symbol(20, 50)),
    ("POST", "/fapi/v1/countdownCancelAll"): _signed(countdown.set_countdown, 10),

    ("POST", "/fapi/v1/algoOrder"): _signed(algo.place, 0, orders=1),
    ("DELETE", "/fapi/v1/algoOrder"): _signed(algo.cancel, 1),
    ("GET", "/fapi/v1/algoOrder"): _signed(algo.query, 1),
    ("DELETE", "/fapi/v1/algoOpenOrders"): _signed(algo.cancel_all, 1),
    ("GET", "/fapi/v1/openAlgoOrders"): _signed(algo.list_open, _by_symbol(1, 40)),
    ("GET", "/fapi/v1/allAlgoOrders"): _signed(algo.list_all, 5),

    ("GET", "/fapi/v2/account"): _signed(account.account_v2, 5),
    ("GET", "/fapi/v3/account"): _signed(account.account_v3, 5),
    ("GET", "/fapi/v2/balance"): _signed(account.balance, 5),
    ("GET", "/fapi/v3/balance"): _signed(account.balance, 5),
    ("GET", "/fapi/v2/positionRisk"): _signed(account.position_risk_v2, 5),
    ("GET", "/fapi/v3/positionRisk"): _signed(account.position_risk_v3, 5),
    ("GET", "/fapi/v1/leverageBracket"): _signed(account.leverage_brackets, 1),
    ("GET", "/fapi/v1/symbolConfig"): _signed(account.symbol_config, 5),
    ("GET", "/fapi/v1/accountConfig"): _signed(account.account_config, 5),
    ("GET", "/fapi/v1/commissionRate"): _signed(account.commission_rate, 20),
    ("GET", "/fapi/v1/income"): _signed(account.incomes, 30),
    ("GET", "/fapi/v1/rateLimit/order"): _signed(account.order_limits, 1),

    ("POST", "/fapi/v1/leverage"): _signed(settings.set_leverage, 1),
    ("POST", "/fapi/v1/marginType"): _signed(settings.set_margin_mode, 1),
    ("POST", "/fapi/v1/positionMargin"): _signed(settings.add_margin, 1),
    ("GET", "/fapi/v1/positionSide/dual"): _signed(settings.position_mode, 30),
    ("POST", "/fapi/v1/positionSide/dual"): _signed(settings.set_position_mode, 1),
    ("GET", "/fapi/v1/multiAssetsMargin"): _signed(settings.asset_mode, 30),

    ("POST", "/fapi/v1/listenKey"): _key(start_stream, 1),
    ("PUT", "/fapi/v1/listenKey"): _key(keep_stream, 1),
    ("DELETE", "/fapi/v1/listenKey"): _key(end_stream, 1),

    # Spot pages that clients with keys ask for before they list futures, and what a careful bot asks of its key.
    ("GET", "/sapi/v1/capital/config/getall"): _signed(market.nothing, 1),
    ("GET", "/sapi/v1/margin/allPairs"): _key(market.nothing, 1),
    ("GET", "/sapi/v1/account/apiRestrictions"): _signed(account.api_restrictions, 1),
}
