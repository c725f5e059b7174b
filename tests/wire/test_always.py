"""Whatever clients and the market do: the pages, the streams and the core venue tell one story."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.market import FundingRate
from bot.domain.scale import CASH_UNIT
from tests.wire.builders import BTC, SECOND, Bench, Listener, account

ORDER, ALGO = "/fapi/v1/order", "/fapi/v1/algoOrder"
TICKS = st.integers(-40, 40)             # tens of USDT around 60,000
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("market"), st.sampled_from(["BUY", "SELL"]), st.integers(2, 60)),
        st.tuples(st.just("limit"), st.sampled_from(["BUY", "SELL"]), st.integers(2, 60), TICKS),
        st.tuples(st.just("stop"), st.sampled_from(["BUY", "SELL"]), st.integers(2, 60), TICKS),
        st.tuples(st.just("trail"), st.sampled_from(["BUY", "SELL"]), st.integers(2, 60)),
        st.tuples(st.just("price"), TICKS),
        st.tuples(st.just("amend"), st.integers(2, 60), TICKS),
        st.tuples(st.just("cancel"), st.just(ORDER)),
        st.tuples(st.just("cancel"), st.just(ALGO)),
        st.tuples(st.just("funding"), st.integers(-50, 50)),
        st.tuples(st.just("wait"), st.integers(1, 90)),
    ),
    max_size=25,
)


def price_at(ticks: int) -> str:
    return f"{60_000 + 10 * ticks}.0"


def act(bench: Bench, action: tuple[Any, ...]) -> None:
    """Do one thing; a refusal is as good as a success."""
    match action:
        case ("market", side, size):
            bench.ask("POST", ORDER, symbol=BTC, side=side, type="MARKET", quantity=f"0.{size:03d}")
        case ("limit", side, size, ticks):
            bench.ask("POST", ORDER, symbol=BTC, side=side, type="LIMIT", timeInForce="GTC",
                      quantity=f"0.{size:03d}", price=price_at(ticks))
        case ("stop", side, size, ticks):
            bench.ask("POST", ALGO, symbol=BTC, side=side, type="STOP_MARKET", algoType="CONDITIONAL",
                      quantity=f"0.{size:03d}", triggerPrice=price_at(ticks), reduceOnly=size % 2 == 0)
        case ("trail", side, size):
            bench.ask("POST", ALGO, symbol=BTC, side=side, type="TRAILING_STOP_MARKET", algoType="CONDITIONAL",
                      quantity=f"0.{size:03d}", callbackRate="0.1", reduceOnly=size % 2 == 0)
        case ("price", ticks):
            bench.trade(price_at(ticks))
        case ("amend", size, ticks):
            for row in bench.get("/fapi/v1/openOrders")[:1]:
                bench.ask("PUT", ORDER, symbol=BTC, orderId=row["orderId"], side=row["side"],
                          quantity=f"0.{size:03d}", price=price_at(ticks))
        case ("cancel", path):
            name, rows = ("orderId", "openOrders") if path == ORDER else ("algoId", "openAlgoOrders")
            for row in bench.get(f"/fapi/v1/{rows}")[:1]:
                bench.good("DELETE", path, symbol=BTC, **{name: row[name]})
        case ("funding", rate):
            now = bench.now
            bench.exchange.market(now, FundingRate(now, now, 0, rate * 10_000, now + 5 * SECOND))
        case ("wait", seconds):
            bench.wait(seconds)


class Follower:
    """A client that believes its user stream alone."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.orders: dict[int, str] = {}
        self.position = 0.0
        self.wallet: str | None = None

    def read(self) -> None:
        """Take in what has come."""
        for event in self.listener.events():
            if event["e"] == "ORDER_TRADE_UPDATE":
                self.orders[event["o"]["i"]] = event["o"]["X"]
                sign = 1 if event["o"]["S"] == "BUY" else -1
                self.position += sign * float(event["o"]["l"])
            elif event["e"] == "ACCOUNT_UPDATE":
                self.wallet = event["a"]["B"][0]["wb"]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(actions=ACTIONS, balance=st.sampled_from([200, 10_000]))
def test_pages_streams_and_core_agree_after_anything(
    actions: list[tuple[Any, ...]], balance: int
) -> None:
    """Open orders, positions, trades, balances and income: each page against the core, and the stream against them."""
    bench = Bench.make(account(balance=balance, leverage=50))
    follower = Follower(bench.user_stream())
    for action in actions:
        act(bench, action)
        follower.read()
    core = bench.exchange.floor.account(0)
    floor = bench.exchange.floor
    open_orders = {row["orderId"]: row for row in bench.get("/fapi/v1/openOrders")}
    assert {floor.register.shelf(0).orders[number].core for number in open_orders} == set(core.resting)
    waiting = {algo.core for algo in floor.register.shelf(0).open_algos.values()}
    trailing = {trail.algo.core for trail in floor.trails if trail.algo.is_open}
    assert waiting == set(core.conditional) | trailing
    held = sum(holding.quantity for holding in core.holdings) / 1_000
    shown = sum(float(row["positionAmt"]) for row in bench.get("/fapi/v3/positionRisk"))
    trades = bench.get("/fapi/v1/userTrades", symbol=BTC, limit=1_000)
    traded = sum(float(row["qty"]) * (1 if row["buyer"] else -1) for row in trades)
    assert round(shown, 3) == round(traded, 3) == round(follower.position, 3) == held
    assert len({row["id"] for row in trades}) == len(trades)
    income = sum(round(float(row["income"]) * CASH_UNIT) for row in bench.get("/fapi/v1/income", limit=1_000))
    wallet = bench.get("/fapi/v3/account")["totalWalletBalance"]
    assert abs(income + balance * CASH_UNIT - round(float(wallet) * CASH_UNIT)) <= 1_000
    assert follower.wallet in (None, wallet)
    assert {number for number, state in follower.orders.items() if state in ("NEW", "PARTIALLY_FILLED")} == set(
        open_orders
    )
