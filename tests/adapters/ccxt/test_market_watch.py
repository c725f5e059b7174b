"""The venue changes its mind about a market: told as a fact where the gate must know, else to a person, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.adapters.ccxt.market_watch import MarketWatch
from bot.domain.events import AccountFact, InstrumentStatus
from bot.domain.instrument import TradingState
from paper.wire.exchange import Reply, Request
from paper.wire.faults import Fate
from tests.adapters.ccxt.carriers import Plain
from tests.adapters.ccxt.wired import Wired, wired
from tests.wire.builders import run


class Changing(Plain):
    """Lets a test change the page of markets on its way."""

    def __init__(self) -> None:
        self.change: Callable[[dict[str, Any]], object] | None = None
        self.is_down = False

    def fate(self, now: int, request: Request) -> Fate:
        if not request.path.endswith("/exchangeInfo"):
            return super().fate(now, request)
        if self.is_down:
            return Fate(answer=Reply(503, b"Service Unavailable."))
        return Fate(rewrite=self.changed)

    def changed(self, reply: Reply) -> Reply:
        page = json.loads(reply.body)
        if self.change is not None:
            self.change(page)
        return Reply(200, json.dumps(page).encode(), reply.headers)


def watch(bench: Wired, facts: list[AccountFact]) -> MarketWatch:
    return MarketWatch(
        bench.connection, bench.markets, bench.time, tell=facts.append, report=bench.troubles.append
    )


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda page: page["symbols"][0].update(status="SETTLING"), TradingState.DELISTING),
        (lambda page: page["symbols"][0].update(status="BREAK"), TradingState.HALTED),
        (lambda page: page["symbols"].pop(0), TradingState.HALTED),
    ],
)
def test_market_that_stops_trading_is_a_fact_once_and_again_when_it_is_back(
    change: Callable[[dict[str, Any]], object], state: TradingState
) -> None:
    """Settling, broken or gone from the list; and back."""
    carrier = Changing()

    async def scenario() -> None:
        async with wired(carrier=carrier) as bench:
            facts: list[AccountFact] = []
            looking = watch(bench, facts)
            await looking.look()
            assert facts == []
            carrier.change = change
            await looking.look()
            await looking.look()
            carrier.change = None
            await looking.look()
            assert [(each.instrument, each.state) for each in facts if isinstance(each, InstrumentStatus)] == [
                (0, state), (0, TradingState.TRADING),
            ]
            assert bench.troubles == []

    run(scenario)


@pytest.mark.parametrize(("filter_type", "field", "value"), [
    ("PRICE_FILTER", "tickSize", "0.01"), ("LOT_SIZE", "stepSize", "0.010"), ("MIN_NOTIONAL", "notional", "5"),
])
def test_market_with_other_rules_is_told_to_a_person_once(filter_type: str, field: str, value: str) -> None:
    """A tick, a lot or a minimum changed: orders may be refused until a restart reads it."""
    carrier = Changing()

    def change(page: dict[str, Any]) -> None:
        row = page["symbols"][0]
        next(each for each in row["filters"] if each["filterType"] == filter_type)[field] = value
        row.pop("pricePrecision", None)
        row.pop("quantityPrecision", None)

    async def scenario() -> None:
        async with wired(carrier=carrier) as bench:
            looking = watch(bench, [])
            carrier.change = change
            await looking.look()
            await looking.look()
            assert [trouble.code for trouble in bench.troubles] == ["market_changed"]
            assert "BTC/USDT:USDT" in bench.troubles[0].detail

    run(scenario)


def test_markets_that_cannot_be_read_have_not_changed() -> None:
    """A page that is down halts nothing."""
    carrier = Changing()

    async def scenario() -> None:
        async with wired(carrier=carrier) as bench:
            facts: list[AccountFact] = []
            carrier.is_down = True
            await watch(bench, facts).look()
            assert facts == []
            assert [trouble.code for trouble in bench.troubles] == ["markets_unread"]

    run(scenario)
