"""The user stream over real sockets: it outlives its key, its socket and bad frames, and misses nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from bot.adapters.ccxt import user_stream, venue
from bot.domain.account import PositionKey
from bot.domain.events import (
    AccountSnapshot,
    CashMoved,
    FillOrigin,
    LiquidationStage,
    MarginCall,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderTriggered,
)
from bot.domain.order import OrderClass, OrderStatus, TimeInForce
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from paper.wire.exchange import Reply, Request
from paper.wire.faults import Fate, Frame
from paper.wire.hub import Outgoing
from paper.wire.mischief import Mischief
from tests.adapters.ccxt.carriers import Plain
from tests.adapters.ccxt.wired import Wired, wired
from tests.wire.builders import account, run, steer


def fills_of(bench: Wired, name: str) -> int:
    """Return how much of an order was told to be filled, each trade once."""
    return sum({fact.trade_id: fact.quantity for fact in bench.of(OrderFilled) if fact.name == name}.values())


def test_stream_that_the_venue_closes_is_opened_again_and_nothing_is_missed() -> None:
    """A fill while the socket was away is told after it came back, by the lists."""
    async def scenario() -> None:
        async with wired(account(btc=50), streams=True) as bench:
            resting = bench.request(price="60500", time_in_force=TimeInForce.POST_ONLY, order_class=OrderClass.COST)
            name = bench.place(resting)
            await bench.until(lambda: bench.of(OrderAccepted))
            for socket in list(bench.server._sockets.values()):
                await socket.close()
            await bench.until(lambda: bench.troubles)
            steer(bench.server, "60600.0", quantity=100)
            await bench.until(lambda: fills_of(bench, name) == 10)
            await bench.until(lambda: bench.of(OrderEnded))
            assert bench.stream.is_open.is_set()
            assert {trouble.code for trouble in bench.troubles} == {"user_stream_lost"}

    run(scenario)


def test_stream_whose_key_expires_gets_another_one() -> None:
    """An hour passes at the venue in a moment: the old key ends, another is granted, and events come by it."""
    async def scenario() -> None:
        async with wired(account(btc=50), streams=True) as bench:
            bench.server.clock.advance(61 * NS_PER_MINUTE)
            bench.server._drive_once()
            await bench.until(lambda: bench.troubles)
            await bench.until(bench.stream.is_open.is_set)
            assert "expired" in bench.troubles[0].detail

    run(scenario)


def test_stream_tells_of_a_liquidation_as_the_venues_own() -> None:
    """The venue closes us out: its fills are not ours and not a person's, and a stage says what it was."""
    async def scenario() -> None:
        async with wired(account(balance=400, btc=100), streams=True) as bench:
            steer(bench.server, "56000.0", quantity=100_000)
            await bench.until(lambda: bench.of(LiquidationStage))
            (fill, *_) = bench.of(OrderFilled)
            assert fill.origin is FillOrigin.LIQUIDATION
            assert fill.name.startswith("autoclose-")

    run(scenario)


def test_stream_tells_of_a_margin_call() -> None:
    """The venue's warning comes before its sale."""
    async def scenario() -> None:
        async with wired(account(balance=400, btc=100), streams=True) as bench:
            steer(bench.server, "56260.0", quantity=10)
            await bench.until(lambda: bench.of(MarginCall) or bench.of(LiquidationStage))
            assert bench.of(MarginCall)

    run(scenario)


def test_stop_that_is_triggered_fills_under_its_own_name() -> None:
    """It rests, the mark reaches it, it becomes an order of the venue's: all of it is told of our stop."""
    async def scenario() -> None:
        async with wired(account(btc=50), streams=True) as bench:
            name = bench.place(bench.stop("59000", quantity=50))
            await bench.until(lambda: bench.of(OrderAccepted))
            steer(bench.server, "58900.0", quantity=1_000)
            await bench.until(lambda: fills_of(bench, name) == 50)
            await bench.until(lambda: bench.of(OrderEnded))
            assert {fact.name for fact in bench.of(OrderTriggered)} == {name}
            assert {fact.origin for fact in bench.of(OrderFilled)} == {FillOrigin.OURS}
            bench.facts.clear()
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderEnded))
            assert fills_of(bench, name) == 50
            assert bench.of(OrderEnded)[-1].status is OrderStatus.FILLED

    run(scenario)


class LostOnce(Plain):
    """Executes an order and loses the reply, once; and sends one user event broken, if asked."""

    def __init__(self, path: str = "", break_stream: bool = False) -> None:
        self.path = path
        self.break_stream = break_stream

    def fate(self, now: int, request: Request) -> Fate:
        if self.path and request.method == "POST" and request.path.endswith(self.path):
            self.path = ""
            return Fate(is_hung_up=True)
        return super().fate(now, request)

    def carried(self, now: int, outgoing: Outgoing) -> Sequence[Frame]:
        if self.break_stream and outgoing.stream == "user" and b"ORDER_TRADE_UPDATE" in outgoing.body:
            self.break_stream = False
            return [Frame(outgoing.connection, outgoing.body[:100])]
        return super().carried(now, outgoing)


@pytest.mark.parametrize("streams", [True, False])
def test_order_whose_reply_is_lost_is_unknown_then_settled_and_sold_once(streams: bool) -> None:
    """Executed, and the answer lost: unknown first, then by stream or look-up what it was. One order at the venue."""
    async def scenario() -> None:
        async with wired(account(btc=50), streams=streams, carrier=LostOnce("/order")) as bench:
            name = bench.place(bench.request(quantity=10))
            await bench.until(lambda: bench.of(OrderOutcomeUnknown))
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderEnded))
            assert fills_of(bench, name) == 10
            orders = bench.server.exchange.floor.register.shelf(0).orders
            assert [order.terms.client_id for order in orders.values()] == [name]

    run(scenario)


def test_stop_whose_reply_is_lost_is_found_by_its_name() -> None:
    """A stop is unknown after its answer is lost, and the look-up finds it where stops live."""
    async def scenario() -> None:
        async with wired(account(btc=50), carrier=LostOnce("/algoOrder")) as bench:
            name = bench.place(bench.stop())
            await bench.until(lambda: bench.of(OrderOutcomeUnknown))
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: bench.of(OrderAccepted))

    run(scenario)


def test_stream_message_that_is_broken_makes_us_ask() -> None:
    """Half a fill is no fill: it is told, and what it may have said is asked for."""
    async def scenario() -> None:
        async with wired(account(btc=50), streams=True, carrier=LostOnce(break_stream=True)) as bench:
            await bench.until(lambda: bench.of(AccountSnapshot))
            name = bench.place(bench.request(quantity=10))
            await bench.until(lambda: bench.troubles and fills_of(bench, name) == 10)
            assert {trouble.code for trouble in bench.troubles} == {"message_bad"}

    run(scenario)


def test_account_whose_pages_contradict_each_other_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """One page says flat and the other does not: nothing is believed, a person hears of it."""
    monkeypatch.setattr(venue, "READ_AGAIN", 0.01)

    class Empty(Plain):
        def fate(self, now: int, request: Request) -> Fate:
            if request.path.endswith("/positionRisk"):
                return Fate(answer=Reply(200, b"[]"))
            return super().fate(now, request)

    async def scenario() -> None:
        async with wired(account(btc=50), carrier=Empty()) as bench:
            bench.venue.report_account(bench.time.now(), 0)
            await bench.until(lambda: bench.troubles)
            assert bench.facts == []
            assert bench.troubles[0].code == "account_doubted"

    run(scenario)


def test_poll_reads_the_account_and_reconciles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the stream the account is read on a timer, and all lists less often."""
    monkeypatch.setattr(user_stream, "POLL_EVERY", 0.02)
    monkeypatch.setattr(user_stream, "RECONCILE_EVERY", 50_000_000)
    beats: list[int] = []

    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            polling = asyncio.create_task(bench.stream.poll(lambda: beats.append(1)))
            await bench.until(lambda: len(bench.of(AccountSnapshot)) > 2 and len(beats) > 3)
            assert {key for each in bench.of(AccountSnapshot) for key in (p.key for p in each.positions)} == {
                PositionKey(0, 0)
            }
            assert bench.of(CashMoved) == []
            assert bench.troubles == []
            polling.cancel()

    run(scenario)


def test_stream_whose_key_was_deleted_in_silence_gets_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program ends the key: the socket stays open and says nothing, and the next prolonging finds out."""
    async def scenario() -> None:
        async with wired(account(btc=50), streams=True) as bench:
            bench.server.exchange.floor.listen_keys.end(0)
            await bench.until(lambda: bench.troubles)
            await bench.until(bench.stream.is_open.is_set)
            assert "gone from the venue" in bench.troubles[0].detail
            name = bench.place(bench.request(quantity=10))
            await bench.until(lambda: fills_of(bench, name) == 10)       # nobody asks: the new stream tells it

    monkeypatch.setattr(user_stream, "PROLONG_EVERY", 0.1)
    run(scenario)


def test_stream_whose_key_was_replaced_moves_to_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program ends the key and gets one of its own: prolonging works, and is not about ours."""
    async def scenario() -> None:
        async with wired(account(btc=50), streams=True) as bench:
            keys, now = bench.server.exchange.floor.listen_keys, bench.server.clock.now()
            keys.end(0)
            keys.start(0, now=now)
            await bench.until(lambda: bench.troubles)
            await bench.until(bench.stream.is_open.is_set)
            assert "another took its place" in bench.troubles[0].detail

    monkeypatch.setattr(user_stream, "PROLONG_EVERY", 0.1)
    run(scenario)


def test_stream_whose_key_cannot_be_prolonged_now_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is down for a moment and the stream is well: to drop it would lose what it tells."""
    async def scenario() -> None:
        async with wired(account(btc=50), carrier=Mischief(), streams=True) as bench:
            assert isinstance(bench.server.carrier, Mischief)
            bench.server.carrier.follow('{"rules": [{"fault": "unavailable_503", "method": "PUT"}]}')
            await bench.until(lambda: len(bench.troubles) >= 2)
            assert {trouble.code for trouble in bench.troubles} == {"key_not_prolonged"}
            assert bench.stream.is_open.is_set()

    monkeypatch.setattr(user_stream, "PROLONG_EVERY", 0.1)
    run(scenario)


@pytest.mark.parametrize("is_deaf", [True, False], ids=["deaf", "only slower than the page"])
def test_stream_that_does_not_tell_what_a_page_tells_is_replaced(
    monkeypatch: pytest.MonkeyPatch, is_deaf: bool
) -> None:
    """The socket is open, the key lives, and a fill stands on the page alone: after a while that is no chance."""
    fault = {"fault": "gap"} if is_deaf else {"fault": "delayed", "delay_ms": 20}

    async def scenario() -> None:
        async with wired(account(btc=50), carrier=Mischief(), streams=True) as bench:
            assert isinstance(bench.server.carrier, Mischief)
            bench.server.carrier.follow(json.dumps({"rules": [{**fault, "stream": "user"}]}))
            name = bench.place(bench.request(quantity=10))
            await bench.until(lambda: bench.of(OrderAccepted))
            bench.venue.look_up(bench.time.now(), 0, name)
            await bench.until(lambda: fills_of(bench, name) == 10)
            if is_deaf:
                await bench.until(lambda: any("deaf" in trouble.detail for trouble in bench.troubles))
                return
            await asyncio.sleep(user_stream.DEAF_AFTER + 0.3)        # since then it has been judged
            assert bench.troubles == []

    monkeypatch.setattr(user_stream, "DEAF_AFTER", 0.5 if is_deaf else 3.0)
    monkeypatch.setattr(user_stream, "SETTLING", -NS_PER_SECOND)
    run(scenario)
