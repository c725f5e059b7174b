"""The server around the exchange: sockets, steering, true names over TLS, and the carrier through which all goes."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.abc
import ccxt.pro
import pytest

from bot.domain.errors import InputError
from bot.domain.market import Candle, FundingRate, Trade
from paper.wire.playback import played
from paper.wire.server import WireServer
from paper.wire.tls import make_tls
from tests.wire.builders import MS, SECOND, START, run, serving, steer
from tests.wire.clients import OPTIONS, ccxt_client

SYMBOL = "BTC/USDT:USDT"


class Loopback(aiohttp.abc.AbstractResolver):
    """Resolves every host to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.hosts: set[str] = set()

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[Any]:
        """Note the host that was asked for and lead it here."""
        del port
        self.hosts.add(host)
        return [{"hostname": host, "host": "127.0.0.1", "port": self.port, "family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Nothing is held."""


def test_true_names_over_tls_carry_rest_and_streams_of_a_client_that_knows_no_other(tmp_path: Path) -> None:
    """Addresses untouched, our resolver and our authority: and the errors then have the classes that they have live."""
    async def scenario() -> None:
        served = make_tls(tmp_path)
        async with serving(tls=served.context) as server:
            resolver = Loopback(server.tls_port)
            trust = ssl.create_default_context(cafile=str(served.ca))
            session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver, ssl=trust))
            client = ccxt.pro.binanceusdm({**OPTIONS, "session": session})
            try:
                await client.load_markets()
                with pytest.raises(ccxt.InsufficientFunds):
                    await client.create_order(SYMBOL, "market", "buy", 100)
                trades = asyncio.ensure_future(client.watch_trades(SYMBOL))
                while not server.exchange.floor.hub.wanted:
                    await asyncio.sleep(0.02)
                steer(server, "60100.0")
                assert (await trades)[-1]["price"] == 60_100
                order = await client.create_order_ws(SYMBOL, "limit", "buy", 0.01, 59_000)
                assert (await client.fetch_order(order["id"], SYMBOL))["status"] == "open"
                assert resolver.hosts == {"fapi.binance.com", "fstream.binance.com", "ws-fapi.binance.com"}
            finally:
                await client.close()
                await session.close()

    run(scenario)


def test_by_addresses_the_same_refusal_has_another_class() -> None:
    """Why the code counts and not the class: ccxt picks its error table by the address."""
    async def scenario() -> None:
        async with serving() as server, ccxt_client(server.port) as client:
            with pytest.raises(ccxt.ExchangeError, match="-2019") as caught:
                await client.create_order(SYMBOL, "market", "buy", 100)
            assert not isinstance(caught.value, ccxt.InsufficientFunds)

    run(scenario)


def test_client_that_does_not_trust_the_authority_does_not_get_in(tmp_path: Path) -> None:
    """The certificate is ours, not the world's."""
    async def scenario() -> None:
        async with serving(tls=make_tls(tmp_path).context) as server, aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(f"https://127.0.0.1:{server.tls_port}/fapi/v1/time")

    run(scenario)


def test_prices_are_steered_from_outside_only_where_that_is_switched_on() -> None:
    """Facts by HTTP; without the switch the path is one that the venue does not know."""
    async def scenario() -> None:
        facts = json.dumps([
            {"kind": "mark", "symbol": "BTCUSDT", "price": "59990.5"},
            {"kind": "trade", "symbol": "BTCUSDT", "price": "59980.0", "quantity": "0.5", "side": "sell"},
            {"kind": "book", "symbol": "BTCUSDT", "bids": [["59979.9", "1"]], "asks": [["59980.1", "2"]]},
            {"kind": "funding", "symbol": "BTCUSDT", "rate": "0.0001", "next_ms": 1_895_286_880_000},
        ])
        async with serving() as server, aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
            async with session.post("/control/facts", data=facts) as answer:
                assert answer.status == 200, await answer.text()
            async with session.get("/fapi/v1/premiumIndex?symbol=BTCUSDT") as answer:
                found = await answer.json()
            assert (found["markPrice"], found["lastFundingRate"]) == ("59990.50", "0.00010000")
            async with session.get("/fapi/v1/depth?symbol=BTCUSDT") as answer:
                assert (await answer.json())["asks"] == [["59980.10", "2.000"]]
            async with session.post("/control/facts", data='[{"kind": "rain", "symbol": "BTCUSDT"}]') as answer:
                assert answer.status == 400
            server._is_steerable = False
            async with session.post("/control/facts", data=facts) as answer:
                assert answer.status == 404

    run(scenario)


def test_time_can_be_advanced_to_see_what_takes_long() -> None:
    """An hour in one call: the listen key has expired."""
    async def scenario() -> None:
        async with serving() as server, aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
            async with session.post("/fapi/v1/listenKey", headers={"X-MBX-APIKEY": OPTIONS["apiKey"]}) as answer:
                key = (await answer.json())["listenKey"]
            async with session.ws_connect(f"/private/ws?listenKey={key}") as stream:
                async with session.post("/control/clock", data='{"advance_ms": 3600000}') as answer:
                    assert answer.status == 200
                assert (await stream.receive_json())["e"] == "listenKeyExpired"

    run(scenario)


@pytest.mark.parametrize(
    ("path", "is_combined"),
    [("/ws/btcusdt@aggTrade", False), ("/market/ws/btcusdt@aggTrade/ethusdt@aggTrade", False),
     ("/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade", True), ("/market/stream?streams=btcusdt@aggTrade", True)],
)
def test_streams_are_named_in_the_path_or_the_query_below_any_prefix(path: str, is_combined: bool) -> None:
    """Old and new addresses, raw and combined."""
    async def scenario() -> None:
        async with (
            serving() as server, aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{server.port}{path}") as stream,
        ):
            steer(server, "60100.0")
            event = await stream.receive_json()
            assert (event["data"] if is_combined else event)["e"] == "aggTrade"

    run(scenario)


def test_tape_is_played_from_the_servers_start_at_its_pace() -> None:
    """Times, stamps, funding and spans move together: at pace 60 a minute of tape is a second here."""
    began = 10**15
    tape = [
        Trade(began, began - 6 * SECOND, 0, 1, 1, 1),
        FundingRate(began + 60 * SECOND, began + 60 * SECOND, 0, 5, began + 120 * SECOND),
        Candle(began + 180 * SECOND, 60 * SECOND, 0, 1, 1, 1, 1, 0),
    ]
    trade, funding, candle = played(tape, starts=START, pace=60.0)
    assert isinstance(trade, Trade) and (trade.now, trade.stamp) == (START, START - SECOND // 10)
    assert isinstance(funding, FundingRate)
    assert (funding.now, funding.next_at) == (START + SECOND, START + 2 * SECOND)
    assert isinstance(candle, Candle) and (candle.opened, candle.span) == (START + 3 * SECOND, SECOND)


def test_server_plays_its_tape() -> None:
    """Two trades twenty seconds apart on the tape: one is there at the start, the other comes at pace 10."""
    async def scenario() -> None:
        async with serving() as first:
            clock, exchange = first.clock, first.exchange
            facts = [Trade(at, at, 0, price, 1, 1) for at, price in ((0, 6_100_000), (20 * SECOND, 6_200_000))]
            server = WireServer(exchange, clock, tape=played(facts, starts=clock.now(), pace=10.0))
            await server.start()
            assert exchange.floor.exchange.markets[0].last == 6_100_000
            while exchange.floor.exchange.markets[0].last == 6_100_000:
                await asyncio.sleep(0.01)
            assert exchange.floor.exchange.markets[0].last == 6_200_000
            await server.stop()

    run(scenario)


def test_exchange_verb_prints_its_addresses_serves_and_ends_on_sigterm() -> None:
    """One JSON line when ready; a reply; exit code 0."""
    words = [sys.executable, "-m", "bot", "exchange", "--venue", "binanceusdm", "--port", "0", "--key", "k",
             "--secret", "s", "--generate", "calm:1", "--position", f"{SYMBOL}=0.5", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            addresses = json.loads(process.stdout.readline() or process.stderr.read())
            assert set(addresses) == {"rest", "ws", "ws_api", "tls"}
            with urllib.request.urlopen(f"{addresses['rest']}/fapi/v1/ticker/price?symbol=BTCUSDT") as reply:
                assert float(json.load(reply)["price"]) > 0
            assert Path(addresses["tls"]["ca"]).exists()
        finally:
            process.terminate()
        assert process.wait(60) == 0
        assert process.stderr.read() == ""
    assert not Path(addresses["tls"]["ca"]).exists()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_server_that_is_stopped_just_when_somebody_has_asked_stops(turns: int) -> None:
    """The market is stirred by the last request of all, and cancelled a few turns of the loop later: it ends."""
    async def scenario() -> None:
        async with serving() as first:
            server = WireServer(first.exchange, first.clock)
            await server.start()
            for _ in range(10):
                await asyncio.sleep(0)           # it has come to its wait
            server._stir.set()
            for _ in range(turns):
                await asyncio.sleep(0)
            async with asyncio.timeout(30):
                await server.stop()

    run(scenario)


def test_tape_that_breaks_off_ends_the_server_with_its_error() -> None:
    """A market that silently stands still would be worse than none."""
    def broken(starts: int) -> Iterator[Trade]:
        yield Trade(starts, starts, 0, 6_100_000, 1, 1)
        raise InputError("tape: line 2 is no trade; mend it")

    async def scenario() -> None:
        async with serving() as first:
            server = WireServer(first.exchange, first.clock, tape=broken(first.clock.now() + 50 * MS))
            await server.start()
            with pytest.raises(InputError, match="line 2"):
                await server.serve_until(asyncio.Event())
            await server.stop()

    run(scenario)


def test_client_that_reads_too_slowly_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """No queue grows for ever: who is too far behind must connect anew."""
    monkeypatch.setattr("paper.wire.server.QUEUE_MOST", 5)

    async def scenario() -> None:
        async with (
            serving() as server, aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{server.port}/ws/btcusdt@trade") as stream,
        ):
            for _ in range(5):
                steer(server, "60100.0")
            assert (await stream.receive()).type is aiohttp.WSMsgType.TEXT
            for _ in range(20):
                steer(server, "60100.0")
            kinds = {(await stream.receive()).type for _ in range(8)}
            assert aiohttp.WSMsgType.CLOSED in kinds | {(await stream.receive()).type}

    run(scenario)
