"""Orders and accounts by ccxt's unified methods over the wire: what became of them, told as facts, exactly once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.adapters.ccxt.outcome import BINANCE
from bot.adapters.ccxt.unified import reading
from bot.domain.account import Balance
from bot.domain.events import (
    AccountSnapshot,
    FillOrigin,
    OpenOrderGone,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderTriggered,
)
from bot.domain.order import OrderClass, OrderStatus, Side, TimeInForce
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from tests.adapters.ccxt.bench import take_a_stop_and_end_it
from tests.adapters.ccxt.unified.wired import Wired, wired
from tests.wire.builders import account, run, steer

BY_LISTS = {"asks_by_name": False, "cancels_by_name": False}


def sold(bench: Wired) -> dict[str, int]:
    """Return what was filled of each order, each trade once."""
    fills = {fill.trade_id: fill for fill in bench.of(OrderFilled)}
    found: dict[str, int] = {}
    for fill in fills.values():
        found[fill.name] = found.get(fill.name, 0) + fill.quantity
    return found


def placed(bench: Wired) -> int:
    """Return how many orders the exchange has ever taken."""
    return len(bench.server.exchange.floor.register.shelf(0).orders)


def test_unified_order_that_fills_is_asked_for_and_told_without_any_stream() -> None:
    """Accepted, filled at the exchange's price, ended: in this order, by questions alone."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            name = bench.place(bench.request(quantity=10))
            await bench.until(lambda: bench.of(OrderEnded))
            kinds = [type(fact) for fact in bench.facts]
            assert kinds.index(OrderAccepted) < kinds.index(OrderFilled) < kinds.index(OrderEnded)
            (fill,) = bench.of(OrderFilled)
            assert (fill.name, fill.side, fill.quantity, fill.origin) == (name, Side.SELL, 10, FillOrigin.OURS)
            assert fill.fee > 0
            assert (bench.of(OrderEnded)[0].status, bench.of(OrderEnded)[0].filled) == (OrderStatus.FILLED, 10)
            assert bench.troubles == []

    run(scenario)


def test_unified_order_that_the_exchange_refuses_is_rejected_and_one_too_late_never_leaves() -> None:
    """Nothing is held, so nothing can be reduced; and what was decided too long ago is not sent."""
    async def scenario() -> None:
        async with wired(account(), dialect=BINANCE) as bench:
            refused = bench.place(bench.request())
            late = bench.place(bench.request(), valid_for=-1.0)
            await bench.until(lambda: len(bench.facts) == 2)
            assert [fact.name for fact in bench.of(OrderRejected)] == [refused]
            assert [fact.name for fact in bench.of(OrderNotSent)] == [late]

    run(scenario)


def test_unified_refusal_in_words_that_nobody_knows_is_unknown_and_its_look_up_says_absent() -> None:
    """Of an exchange without a table of codes, what ccxt calls no more than an error may have been taken."""
    async def scenario() -> None:
        async with wired(account()) as bench:
            name = bench.place(bench.request())
            await bench.until(lambda: bench.facts)
            assert [fact.name for fact in bench.of(OrderOutcomeUnknown)] == [name]
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderNotFound))

    run(scenario)


@pytest.mark.parametrize("changed", [{}, BY_LISTS], ids=["asked by name", "looked for in lists"])
@pytest.mark.parametrize("fault", ["executed_lost", "empty", "html", "truncated"])
def test_unified_order_whose_answer_is_lost_is_unknown_and_then_found_filled_once(
    fault: str, changed: dict[str, Any]
) -> None:
    """The order is there, the answer is not: unknown, never sent again, and its look-up tells of the one fill."""
    async def scenario() -> None:
        async with wired(account(btc=50), changed=changed) as bench:
            bench.harm({"fault": fault, "method": "POST", "path": "/fapi/v1/order"})
            name = bench.place(bench.request(quantity=10))
            await bench.until(lambda: bench.facts)
            assert [fact.name for fact in bench.of(OrderOutcomeUnknown)] == [name]
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderEnded))
            assert sold(bench) == {name: 10}
            assert placed(bench) == 1

    run(scenario)


def test_unified_order_that_never_arrived_is_absent_by_name_at_once_and_by_lists_only_after_a_while() -> None:
    """An exchange asked by name says so itself; lists lag behind, so a fresh order that is on none says nothing."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            bench.harm({"fault": "lost", "method": "POST", "path": "/fapi/v1/order"})
            name = bench.place(bench.request())
            await bench.until(lambda: bench.of(OrderOutcomeUnknown))
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderNotFound))
        async with wired(account(btc=50), changed=BY_LISTS) as bench:
            bench.harm({"fault": "lost", "method": "POST", "path": "/fapi/v1/order"})
            name = bench.place(bench.request())
            await bench.until(lambda: bench.of(OrderOutcomeUnknown))
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.troubles)
            assert bench.of(OrderNotFound) == [] and bench.troubles[0].code == "look_up_unanswered"
            bench.venue.questions.note_sent(name, bench.time.now() - 11 * NS_PER_SECOND)
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderNotFound))

    run(scenario)


@pytest.mark.parametrize("changed", [{}, BY_LISTS], ids=["by name", "by number"])
def test_unified_order_that_rests_is_cancelled_after_a_restart_too(changed: dict[str, Any]) -> None:
    """What this process did not place itself it cancels by name, or by the number that the open orders show."""
    async def scenario() -> None:
        async with wired(account(btc=50), changed=changed) as bench:
            resting = bench.request(price="61000", time_in_force=TimeInForce.POST_ONLY, order_class=OrderClass.COST)
            name = bench.place(resting)
            await bench.until(lambda: bench.of(OrderAccepted))
            bench.venue.questions._numbers.clear()
            bench.venue.cancel(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderEnded))
            assert bench.of(OrderEnded)[0].status is OrderStatus.CANCELED
            assert bench.troubles == []

    run(scenario)


def test_unified_stop_is_accepted_when_read_back_and_ended_on_its_own_page() -> None:
    """Reduce-only, at the trigger, watching the mark: as the exchange has it, not as we asked."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            await take_a_stop_and_end_it(bench)

    run(scenario)


@pytest.mark.parametrize("changed", [{}, BY_LISTS], ids=["asked by name", "looked for in lists"])
def test_unified_stop_that_its_pages_show_late_is_accepted_and_never_missed(changed: dict[str, Any]) -> None:
    """Pages are copies that lag: a stop that was taken and is looked for in vain at first is not missing."""
    hidden = (
        {"fault": "code", "code": -2013, "method": "GET", "path": "/fapi/v1/algoOrder", "times": 2},
        {"fault": "no_trades", "method": "GET", "path": "/fapi/v1/openAlgoOrders", "times": 2},
        {"fault": "no_trades", "method": "GET", "path": "/fapi/v1/allAlgoOrders", "times": 2},
    )

    async def scenario() -> None:
        async with wired(account(btc=50), dialect=BINANCE, changed=changed) as bench:
            bench.harm(*hidden)
            name = bench.place(bench.stop())
            await bench.until(lambda: bench.facts)
            assert [fact.name for fact in bench.of(OrderAccepted)] == [name]
            assert bench.of(OrderNotFound) == []

    run(scenario)


def test_unified_market_whose_trades_cannot_be_read_at_first_is_caught_up_with_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The account waits for it: else the engine would decide on what is held without knowing who sold it."""
    monkeypatch.setattr(reading, "TRADES_AGAIN", 0)      # as if all of it had happened long ago

    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            since = bench.time.now() - 60 * NS_PER_SECOND
            await bench.trade_by_hand("sell", 0.01, reduceOnly=True)
            await asyncio.sleep(0.3)
            bench.harm({"fault": "code", "code": -1001, "method": "GET", "path": "/fapi/v1/userTrades", "times": 2})
            bench.venue.catch_up(bench.time.now(), 0, 0, since)
            bench.venue.report_account(bench.time.now(), 0)
            await bench.until(lambda: bench.of(AccountSnapshot))
            first = next(index for index, fact in enumerate(bench.facts) if isinstance(fact, AccountSnapshot))
            assert any(isinstance(fact, OrderFilled) for fact in bench.facts[:first])

    run(scenario)


def test_unified_stop_that_triggers_is_told_as_triggered_filled_and_ended_under_its_own_name() -> None:
    """What it became has another number; its fill is the stop's, whoever is asked first."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            name = bench.place(bench.stop("59000", quantity=50))
            await bench.until(lambda: bench.of(OrderAccepted))
            bench.facts.clear()
            steer(bench.server, "58000.0", quantity=100_000)
            await asyncio.sleep(0.1)
            bench.venue.catch_up(bench.time.now(), 0, 0, bench.time.now() - 60 * NS_PER_SECOND)
            await bench.until(lambda: bench.of(OrderFilled))
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderTriggered) and isinstance(bench.facts[-1], OrderEnded))
            assert [fact.name for fact in bench.of(OrderTriggered)] == [name]
            assert sold(bench) == {name: 50}
            assert bench.of(OrderEnded)[-1].status is OrderStatus.FILLED

    run(scenario)


def test_unified_stop_of_an_exchange_without_any_is_refused_in_words_and_nothing_is_sent() -> None:
    """The engine hears that it was rejected, and guards the position itself."""
    async def scenario() -> None:
        async with wired(account(btc=50), changed={"stop": None}) as bench:
            name = bench.place(bench.stop())
            await bench.until(lambda: bench.facts)
            assert [(fact.name, fact.code) for fact in bench.of(OrderRejected)] == [(name, "unsupported")]
            assert not bench.server.exchange.floor.register.shelf(0).open_algos

    run(scenario)


def test_unified_account_is_read_with_wallet_positions_orders_and_the_owners_trade() -> None:
    """The wallet without unrealised profit, what is held and at which price, what is open, and whose trade it was."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            steer(bench.server, "61000.0")
            stop = bench.place(bench.stop())
            await bench.until(lambda: bench.of(OrderAccepted))
            asked = bench.time.now()
            await bench.venue.read()
            (snapshot,) = bench.of(AccountSnapshot)
            assert Balance("USDT", 10_000 * CASH_UNIT) in snapshot.balances
            (position,) = snapshot.positions
            instrument = bench.markets.instruments[0]
            assert position.quantity == 50
            assert position.entry_value == instrument.value(price=60_000 * 10**instrument.price_digits, quantity=50)
            assert asked - NS_PER_SECOND < snapshot.taken <= bench.time.now()
            assert [order.name for order in snapshot.orders] == [stop]
            await bench.trade_by_hand("sell", 0.02)
            await asyncio.sleep(0.3)
            await bench.venue.read()
            assert [(fill.origin, fill.quantity) for fill in bench.of(OrderFilled)] == [(FillOrigin.EXTERNAL, 20)]
            assert bench.of(AccountSnapshot)[-1].positions[0].quantity == 30
            await bench.venue.read()
            assert len(bench.of(OrderFilled)) == 1

    run(scenario)


def test_unified_empty_page_of_positions_is_doubted_and_believed_only_when_it_lasts() -> None:
    """Empty is not flat: the first empty page is not told, one that is empty five seconds later still is."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            await bench.venue.read()
            bench.harm({"fault": "no_positions", "path": "/fapi/v3/positionRisk"})
            await bench.venue.read()
            assert len(bench.of(AccountSnapshot)) == 1
            assert [trouble.code for trouble in bench.troubles] == ["account_doubted"]
            await asyncio.sleep(5.0)
            await bench.venue.read()
            assert bench.of(AccountSnapshot)[-1].positions == ()

    run(scenario)


def test_unified_page_that_cannot_be_read_leaves_the_account_as_it_was() -> None:
    """A page that is no page is no word on anything."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            bench.harm({"fault": "html", "path": "/fapi/v3/account"})
            await bench.venue.read()
            assert bench.facts == [] and [trouble.code for trouble in bench.troubles] == ["account_unread"]

    run(scenario)


def test_unified_order_of_a_stranger_is_cancelled_by_its_number_stops_too() -> None:
    """Orders and stops have numbers of their own: each is ended on the page that it is on."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            await bench.connection.ask("create_order", "BTC/USDT:USDT", "limit", "buy", 0.01, 50_000.0, {})
            await bench.connection.ask(
                "create_order", "BTC/USDT:USDT", "market", "sell", 0.01, None, {"stopLossPrice": 50_000.0}
            )
            await bench.venue.read()
            for order in bench.of(AccountSnapshot)[-1].orders:
                bench.venue.cancel_foreign(bench.time.now(), 0, order)
            await bench.until(lambda: len(bench.of(OpenOrderGone)) == 2)
            await bench.venue.read()
            assert bench.of(AccountSnapshot)[-1].orders == ()

    run(scenario)


def test_unified_kill_cancels_orders_of_ours_and_leaves_stops_and_strangers() -> None:
    """What ``kill`` does when the daemon hangs needs neither journal nor engine: the names say whose they are."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            name = bench.place(
                bench.request(price="61000", time_in_force=TimeInForce.POST_ONLY, order_class=OrderClass.COST)
            )
            bench.place(bench.stop())
            await bench.connection.ask("create_order", "BTC/USDT:USDT", "limit", "buy", 0.01, 50_000.0, {})
            await bench.until(lambda: len(bench.of(OrderAccepted)) == 2)
            cancelled = await bench.api.cancel_ours(
                bench.connection, marker="pen", account=0, symbols=["BTC/USDT:USDT", "ETH/USDT:USDT"]
            )
            assert cancelled == [name]
            shelf = bench.server.exchange.floor.register.shelf(0)
            assert len(shelf.open_algos) == 1 and len(shelf.open) == 1

    run(scenario)


def test_unified_trade_that_is_listed_late_is_not_counted_on_top_of_the_page_that_shows_it() -> None:
    """Positions show it, the list of trades not yet: the reading is dated after it, and its fill changes nothing."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            await bench.venue.read()
            ask = bench.connection.ask

            async def lagging(method: str, *arguments: Any, **more: Any) -> Any:
                return [] if method == "fetch_my_trades" else await ask(method, *arguments, **more)

            bench.connection.ask = lagging  # type: ignore[method-assign]  # an exchange whose list lags behind
            await bench.trade_by_hand("sell", 0.02)
            await asyncio.sleep(0.2)
            await bench.venue.read()
            assert bench.of(OrderFilled) == []
            snapshot = bench.of(AccountSnapshot)[-1]
            assert snapshot.positions[0].quantity == 30
            bench.connection.ask = ask  # type: ignore[method-assign]
            bench.venue.catch_up(bench.time.now(), 0, 0, bench.time.now() - 60 * NS_PER_SECOND)
            await bench.until(lambda: bench.of(OrderFilled))
            assert bench.of(OrderFilled)[0].stamp <= snapshot.taken

    run(scenario)


def test_unified_account_that_is_flat_after_our_sale_is_read_at_once() -> None:
    """What our own fills explain needs no second look."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            await bench.venue.read()
            bench.place(bench.request(quantity=50))
            await bench.until(lambda: bench.of(OrderEnded))
            await asyncio.sleep(0.3)
            began = bench.time.now()
            await bench.venue.read()
            assert bench.of(AccountSnapshot)[-1].positions == ()
            assert bench.troubles == [] and bench.of(AccountSnapshot)[-1].taken >= began - NS_PER_SECOND

    run(scenario)
