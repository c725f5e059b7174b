"""What is asked before anything is trusted: markets, modes, brackets, rights, the clock."""

from __future__ import annotations

import json

import pytest

from bot.adapters.ccxt.connection import Access, Connection, Endpoints, Where
from bot.adapters.ccxt.limiter import Limiter
from bot.adapters.ccxt.probe import measure_time, read_markets, read_terms, refuse_withdrawals
from bot.adapters.ccxt.turnstile import Turnstile
from bot.domain.account import MarginMode
from bot.domain.errors import CredentialError, InputError
from bot.domain.instrument import TradingState
from bot.domain.scale import CASH_UNIT, NS_PER_MS
from paper.wire.exchange import Reply, Request
from paper.wire.faults import Fate
from tests.adapters.ccxt.bench import SYMBOLS
from tests.adapters.ccxt.carriers import Plain
from tests.adapters.ccxt.wired import wired
from tests.wire.builders import account, run


def test_probe_reads_markets_terms_and_rights() -> None:
    """Everything a start needs: filters, states, quotas, modes, leverage, and brackets with their deduction."""
    async def scenario() -> None:
        async with wired(account(leverage=7)) as bench:
            assert [each.symbol for each in bench.markets.instruments] == list(SYMBOLS)
            assert bench.markets.states == (TradingState.TRADING, TradingState.TRADING)
            assert bench.markets.symbols == ("BTCUSDT", "ETHUSDT")
            assert {quota.limit for quota in bench.markets.quotas} >= {2_400, 1_200, 300}
            terms = await read_terms(bench.connection, bench.markets, now=bench.time.now())
            assert (terms.is_hedged, terms.is_multi_asset) == (False, False)
            assert terms.modes == {"BTCUSDT": MarginMode.CROSS, "ETHUSDT": MarginMode.CROSS}
            assert terms.leverages == {"BTCUSDT": 7, "ETHUSDT": 7}
            assert terms.tiers["BTCUSDT"].maintenance(1_000_000 * CASH_UNIT) == (6_500 - 950) * CASH_UNIT
            await refuse_withdrawals(bench.connection)

    run(scenario)


def test_probe_of_a_market_that_is_not_listed_names_it() -> None:
    """A slip in the configuration is told by the symbol, not by a stack of ours."""
    async def scenario() -> None:
        async with wired() as bench:
            with pytest.raises(InputError, match="DOGE/USDT:USDT"):
                await read_markets(bench.connection, ["DOGE/USDT:USDT"])

    run(scenario)


@pytest.mark.parametrize("right", ["enableWithdrawals", "permitsUniversalTransfer", "enableInternalTransfer"])
def test_probe_refuses_a_key_that_may_move_money_out(right: str) -> None:
    """A guard's key reads and trades; what can empty the account does not start."""
    class Rights(Plain):
        def fate(self, now: int, request: Request) -> Fate:
            if not request.path.endswith("/apiRestrictions"):
                return super().fate(now, request)
            return Fate(rewrite=lambda reply: Reply(
                200, json.dumps(json.loads(reply.body) | {right: True}).encode(), reply.headers
            ))

    async def scenario() -> None:
        async with wired(carrier=Rights()) as bench:
            with pytest.raises(CredentialError, match=right):
                await refuse_withdrawals(bench.connection)

    run(scenario)


def test_probe_measures_the_clock_and_requests_are_stamped_with_the_venues() -> None:
    """The venue is 20 s ahead, twice its window: once measured, signed requests are taken all the same."""
    async def scenario() -> None:
        async with wired() as bench:
            bench.server.clock.advance(20_000 * NS_PER_MS)
            bench.venue.report_account(bench.time.now(), 0)
            await bench.until(lambda: bench.troubles)
            assert "-1021" in bench.troubles[0].detail
            await measure_time(bench.connection, bench.time)
            assert bench.time.offset is not None and bench.time.offset.is_alarming
            told_in = NS_PER_MS              # what the venue's clock is told in
            assert abs(bench.time.ahead - 20_000 * NS_PER_MS) <= bench.time.offset.round_trip // 2 + told_in
            bench.venue.report_account(bench.time.now(), 0)
            await bench.until(lambda: bench.facts)

    run(scenario)


@pytest.mark.parametrize(
    ("exchange", "where", "match"),
    [("nosuch", Where.LIVE, "nosuch"), ("kucoinfutures", Where.DEMO, "no demo")],
)
def test_connection_to_what_ccxt_does_not_have_is_an_error_of_input(exchange: str, where: Where, match: str) -> None:
    """An exchange without streams, a demo that does not exist: said at start, with what to do."""
    async def scenario() -> None:
        connection = Connection(Access(exchange, where), Turnstile(Limiter(()), monotonic=int, wall=int))
        try:
            with pytest.raises(InputError, match=match):
                await connection.open()
        finally:
            await connection.close()

    run(scenario)


def test_connection_to_the_demo_goes_to_the_demos_hosts() -> None:
    """ccxt's own switch: other hosts, same code; and keys are in no text that we make of an access."""
    async def scenario() -> None:
        access = Access("binanceusdm", Where.DEMO, key="k", secret="hidden")
        connection = Connection(access, Turnstile(Limiter(()), monotonic=int, wall=int))
        await connection.open()
        assert connection.exchange.urls["api"]["fapiPrivate"].startswith("https://demo-fapi.binance.com")
        assert connection.exchange.enableRateLimit is False
        await connection.close()
        assert "hidden" not in repr(access)
        assert Endpoints("a", "b").rest == "a"

    run(scenario)
