"""Orders of ours over the wire: what the venue made of them, told as facts, exactly once."""

from __future__ import annotations

import asyncio
import json

import pytest

from bot.adapters.ccxt import order_questions
from bot.adapters.ccxt import venue as venue_module
from bot.adapters.ccxt.limiter import BINANCE_QUOTAS, Lane, Limiter
from bot.domain.account import Balance, MarginReport
from bot.domain.events import (
    AccountSnapshot,
    Liquidity,
    OpenOrderGone,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
)
from bot.domain.order import OrderClass, OrderStatus, Side, TimeInForce
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from paper.wire.exchange import Reply, Request
from paper.wire.faults import Fate
from paper.wire.request_faults import refused
from tests.adapters.ccxt.bench import take_a_stop_and_end_it
from tests.adapters.ccxt.carriers import Plain
from tests.adapters.ccxt.wired import wired
from tests.wire.builders import account, run, steer


def test_order_that_fills_is_accepted_filled_and_ended() -> None:
    """A reducing order goes out, and its fill comes by the stream, at the price and with the fee of the venue."""
    async def scenario() -> None:
        async with wired(account(btc=50), streams=True) as bench:
            name = bench.place(bench.request(quantity=10))
            await bench.until(lambda: bench.of(OrderEnded))
            (fill,) = {fact.trade_id: fact for fact in bench.of(OrderFilled) if fact.name == name}.values()
            assert (fill.side, fill.quantity, fill.liquidity) == (Side.SELL, 10, Liquidity.TAKER)
            assert fill.fee > 0
            assert [(fact.status, fact.filled) for fact in bench.of(OrderEnded)][:1] == [(OrderStatus.FILLED, 10)]
            assert {fact.name for fact in bench.of(OrderAccepted)} == {name}

    run(scenario)


def test_order_that_the_venue_refuses_is_rejected_with_its_code() -> None:
    """Nothing is held, so nothing can be reduced: the engine hears the venue's own number."""
    async def scenario() -> None:
        async with wired(account()) as bench:
            name = bench.place(bench.request())
            await bench.until(lambda: bench.facts)
            assert [(fact.name, fact.code) for fact in bench.of(OrderRejected)] == [(name, "-2022")]

    run(scenario)


def test_order_that_waited_too_long_is_not_sent() -> None:
    """What was decided too long ago never leaves."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            name = bench.place(bench.request(), valid_for=-1.0)
            await bench.until(lambda: bench.facts)
            assert [fact.name for fact in bench.of(OrderNotSent)] == [name]

    run(scenario)


def test_order_that_rests_is_cancelled_and_found_again() -> None:
    """A post-only order rests; its cancel is its end, and a look-up says so; a name never sent is not there."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            resting = bench.request(price="61000", time_in_force=TimeInForce.POST_ONLY, order_class=OrderClass.COST)
            name = bench.place(resting)
            await bench.until(lambda: bench.of(OrderAccepted))
            bench.venue.cancel(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderEnded))
            assert bench.of(OrderEnded)[0].status is OrderStatus.CANCELED
            bench.facts.clear()
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderEnded))
            bench.venue.look_up(bench.time.now(), 0, bench.request().name)
            await bench.until(lambda: bench.of(OrderNotFound))
            assert bench.troubles == []

    run(scenario)


def test_cancel_of_a_filled_order_tells_what_it_filled() -> None:
    """The venue answers such a cancel as if it had never heard of the order; the look-up knows better."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            name = bench.place(bench.request(quantity=7))
            await bench.until(lambda: bench.of(OrderAccepted))
            bench.venue.cancel(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderEnded))
            assert sum(fact.quantity for fact in bench.of(OrderFilled)) == 7
            assert bench.of(OrderEnded)[0].filled == 7

    run(scenario)


def test_stop_counts_as_accepted_when_it_was_read_back_and_is_cancelled_on_its_own_page() -> None:
    """Stops live on endpoints of their own: placed, read back, looked up and ended there."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            await take_a_stop_and_end_it(bench)

    run(scenario)


def test_account_is_read_with_balances_positions_and_entry() -> None:
    """Both pages agree: the wallet, what is held, and at which price it was entered."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            asked = bench.time.now()
            bench.venue.report_account(asked, 0)
            await bench.until(lambda: bench.facts)
            (snapshot,) = bench.of(AccountSnapshot)
            assert Balance("USDT", 10_000 * CASH_UNIT) in snapshot.balances
            (position,) = snapshot.positions
            instrument = bench.markets.instruments[0]
            price = 60_000 * 10**instrument.price_digits
            assert position.quantity == 50
            assert position.entry_value == instrument.value(price=price, quantity=50)
            assert asked - NS_PER_SECOND < snapshot.taken <= bench.time.now()
            assert snapshot.margin == MarginReport(10_000 * CASH_UNIT, 12 * CASH_UNIT, ((0, price),))

    run(scenario)


def test_catch_up_tells_orders_fills_and_stops_since_a_time() -> None:
    """After a time in the dark, everything is told: a foreign trade as external, ours under its name."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            since = bench.time.now()
            name = bench.place(bench.request(quantity=10))
            stop = bench.place(bench.stop())
            await bench.until(lambda: len(bench.of(OrderAccepted)) == 2)
            by_hand = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.005"}
            await bench.connection.exchange.fapiPrivatePostOrder({**by_hand, "newClientOrderId": "web_1"})
            bench.facts.clear()
            bench.venue.catch_up(bench.time.now(), 0, 0, since)
            await bench.until(lambda: bench.of(OrderEnded))
            assert {(fact.name, fact.origin.value) for fact in bench.of(OrderFilled)} == {
                (name, "ours"), ("web_1", "external"),
            }
            assert [fact.name for fact in bench.of(OrderEnded)] == [name]
            assert [fact.name for fact in bench.of(OrderAccepted)] == [stop]

    run(scenario)


def test_catch_up_knows_orders_that_are_older_than_its_time() -> None:
    """An order and a stop rested before; both fill in the dark: their fills are told as ours, never as a stranger's."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            resting = bench.request(price="60500", time_in_force=TimeInForce.POST_ONLY, order_class=OrderClass.COST)
            name = bench.place(resting)
            stop = bench.place(bench.stop("59000"))
            await bench.until(lambda: len(bench.of(OrderAccepted)) == 2)
            await asyncio.sleep(0.25)                # more than what is asked for again
            since = bench.time.now()
            steer(bench.server, "60600.0", quantity=100)
            steer(bench.server, "58900.0", quantity=1_000)
            bench.facts.clear()
            bench.venue.catch_up(bench.time.now(), 0, 0, since)
            await bench.until(lambda: len({fact.name for fact in bench.of(OrderEnded)}) == 2)
            fills = {(fact.name, fact.origin.value) for fact in bench.of(OrderFilled)}
            assert fills == {(name, "ours"), (stop, "ours")}
            assert bench.troubles == []

    run(scenario)


@pytest.mark.parametrize(("valid_for", "window"), [(0.9, "1000"), (1.5, "1500"), (60.0, "2000")])
def test_order_tells_the_venue_how_late_it_may_come(valid_for: float, window: str) -> None:
    """What is stuck on its way is refused by the venue itself when it is no longer wanted."""
    seen: list[str] = []

    class Reads(Plain):
        def fate(self, now: int, request: Request) -> Fate:
            if request.method == "POST" and request.path.endswith("/order"):
                seen.append(request.params["recvWindow"])
            return super().fate(now, request)

    async def scenario() -> None:
        async with wired(account(btc=50), carrier=Reads()) as bench:
            bench.place(bench.request(), valid_for=valid_for)
            await bench.until(lambda: bench.of(OrderAccepted))

    run(scenario)
    assert seen == [window]


def test_order_of_the_margin_class_passes_a_hundred_queued_polls() -> None:
    """T8 on real sockets: polls that take 0.2 s each wait in line; the emergency goes before all that have not left."""
    came: list[str] = []

    class Slow(Plain):
        def fate(self, now: int, request: Request) -> Fate:
            came.append(request.path.rpartition("/")[2])
            if request.path.endswith("/depth"):
                return Fate(wait_before=NS_PER_SECOND // 5)
            return super().fate(now, request)

    async def scenario() -> None:
        async with wired(account(btc=50), carrier=Slow()) as bench:
            bench.connection.turnstile.limiter = Limiter(BINANCE_QUOTAS)
            polls = [
                asyncio.create_task(bench.connection.call(
                    "fapiPublicGetDepth", {"symbol": "BTCUSDT", "limit": 1000}, Lane.READ, weight=20
                ))
                for _ in range(100)
            ]
            await bench.until(lambda: "depth" in came)
            bench.place(bench.request())
            await bench.until(lambda: bench.of(OrderAccepted))
            assert came[: came.index("order")].count("depth") < 30
            for poll in polls:
                poll.cancel()
            await asyncio.wait(polls)

    run(scenario)


@pytest.mark.parametrize("one_by_one", [20, 0])
def test_account_lists_open_orders_of_everybody_and_ends_a_strangers(
    one_by_one: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's buy and his stop are on the list beside ours; both are ended by the ids that the list gave."""
    monkeypatch.setattr(order_questions, "SYMBOLS_ONE_BY_ONE", one_by_one)

    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            await bench.connection.exchange.fapiPrivatePostOrder({
                "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.005",
                "price": "59000", "newClientOrderId": "web_1",
            })
            await bench.connection.exchange.fapiPrivatePostAlgoOrder({
                "symbol": "BTCUSDT", "side": "BUY", "type": "STOP_MARKET", "algoType": "CONDITIONAL",
                "quantity": "0.007", "triggerPrice": "65000", "clientAlgoId": "web_2",
            })
            stop = bench.place(bench.stop())
            await bench.until(lambda: bench.of(OrderAccepted))
            bench.venue.report_account(bench.time.now(), 0)
            await bench.until(lambda: bench.of(AccountSnapshot))
            orders = {order.name: order for order in bench.of(AccountSnapshot)[0].orders}
            assert {name: order.leaves for name, order in orders.items()} == {"web_1": 5, "web_2": 7, stop: 10}
            assert (orders["web_1"].limit_price, orders["web_1"].trigger_price) == (59_000_000, None)
            assert (orders["web_2"].limit_price, orders["web_2"].trigger_price) == (None, 65_000_000)
            assert (orders["web_2"].closes_only, orders[stop].closes_only) == (False, True)
            for name in ("web_1", "web_2"):
                bench.venue.cancel_foreign(bench.time.now(), 0, orders[name])
            await bench.until(lambda: len(bench.of(OpenOrderGone)) == 2)
            bench.facts.clear()
            bench.venue.report_account(bench.time.now(), 0)
            await bench.until(lambda: bench.of(AccountSnapshot))
            assert [order.name for order in bench.of(AccountSnapshot)[0].orders] == [stop]
            assert bench.troubles == []

    run(scenario)


def test_order_under_way_when_the_venue_is_closed_is_told_as_unknown() -> None:
    """The process ends while an answer is on its way: the record says that the order may be there."""
    heard: list[str] = []

    class Slow(Plain):
        def fate(self, now: int, request: Request) -> Fate:
            if request.method == "POST" and request.path.endswith("/order"):
                heard.append(request.path)
                return Fate(wait_after=5 * NS_PER_SECOND)
            return super().fate(now, request)

    async def scenario() -> None:
        async with wired(account(btc=50), carrier=Slow()) as bench:
            name = bench.place(bench.request())
            await bench.until(lambda: heard)
            await bench.venue.close()
            assert [fact.name for fact in bench.of(OrderOutcomeUnknown)] == [name]

    run(scenario)


def test_stop_that_is_taken_and_cannot_be_seen_is_not_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue says yes and has no such stop: a position must not trust in it."""
    class Invisible(Plain):
        def fate(self, now: int, request: Request) -> Fate:
            if request.method == "POST" and request.path.endswith("/algoOrder"):
                taken = {"algoId": 5, "clientAlgoId": request.params["clientAlgoId"], "algoStatus": "NEW"}
                return Fate(hearings=0, answer=Reply(200, json.dumps(taken).encode()))
            return super().fate(now, request)

    async def scenario() -> None:
        async with wired(account(btc=50), carrier=Invisible()) as bench:
            name = bench.place(bench.stop())
            await bench.until(lambda: bench.facts)
            assert [fact.name for fact in bench.of(OrderNotFound)] == [name]
            assert bench.of(OrderAccepted) == []

    monkeypatch.setattr(venue_module, "READ_BACK_WAITS", (0.02, 0.05))
    run(scenario)


def test_stop_that_its_page_shows_late_is_accepted_and_never_missed() -> None:
    """The page is a copy that lags: one that is looked for twice and then there was there all the time."""
    class Lagging(Plain):
        def __init__(self) -> None:
            self.looks = 0

        def fate(self, now: int, request: Request) -> Fate:
            if request.method == "GET" and request.path.endswith("/algoOrder"):
                self.looks += 1
                if self.looks <= 2:
                    return Fate(hearings=0, answer=refused(-2013))
            return super().fate(now, request)

    async def scenario() -> None:
        async with wired(account(btc=50), carrier=Lagging()) as bench:
            name = bench.place(bench.stop())
            await bench.until(lambda: bench.facts)
            assert [fact.name for fact in bench.of(OrderAccepted)] == [name]
            assert bench.of(OrderNotFound) == [] and bench.troubles == []

    run(scenario)


@pytest.mark.parametrize(
    "first", [Fate(wait_after=NS_PER_SECOND // 2), Fate(answer=refused(-1001))], ids=["slow", "refused"]
)
def test_account_asked_for_while_catching_up_is_told_after_what_was_missed(first: Fate) -> None:
    """The engine decides on the account's word: by then it must know every order that a dead process had sent."""
    class Late(Plain):
        is_over = False

        def fate(self, now: int, request: Request) -> Fate:
            if request.path == "/fapi/v1/allOrders" and not self.is_over:
                self.is_over = True
                return first
            return super().fate(now, request)

    async def scenario() -> None:
        async with wired(account(btc=50), carrier=Late()) as bench:
            since = bench.time.now()
            name = bench.place(bench.request(quantity=10))
            await bench.until(lambda: bench.of(OrderAccepted))
            bench.facts.clear()
            bench.venue.catch_up(bench.time.now(), 0, 0, since)
            bench.venue.report_account(bench.time.now(), 0)
            await bench.until(lambda: bench.of(AccountSnapshot))
            told = [type(fact) for fact in bench.facts]
            assert {fact.name for fact in bench.of(OrderEnded)} == {name}
            assert told.index(OrderFilled) < told.index(OrderEnded) < told.index(AccountSnapshot)

    run(scenario)


def test_account_is_told_after_a_while_when_what_was_missed_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exit is worth more than certainty: a page that stays broken does not keep the account from being guarded."""
    class Broken(Plain):
        def fate(self, now: int, request: Request) -> Fate:
            if request.path == "/fapi/v1/allOrders":
                return Fate(answer=refused(-1001))
            return super().fate(now, request)

    async def scenario() -> None:
        monkeypatch.setattr(venue_module, "CATCH_UP_MAX", 0.2)
        async with wired(account(btc=50), carrier=Broken()) as bench:
            bench.venue.catch_up(bench.time.now(), 0, 0, bench.time.now())
            bench.venue.report_account(bench.time.now(), 0)
            await bench.until(lambda: bench.of(AccountSnapshot))
            assert "catch_up_failed" in {trouble.code for trouble in bench.troubles}

    run(scenario)
