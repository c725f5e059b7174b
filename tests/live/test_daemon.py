"""``penstock run --live`` against the exchange on the wire: the main job, and what must not go wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.domain.events import FillOrigin, OrderFilled
from tests.live.duties import finish_after_a_kill, sell_beyond_the_stop
from tests.live.guarded import Guarded, guarded, play


def live(folder: Path, scenario: Callable[[Guarded], Awaitable[None]], *books: str) -> None:
    """Run a scenario with an exchange and prices; it starts the daemon itself."""
    play(guarded(folder, *books), scenario)


def test_live_loss_beyond_the_stop_is_sold_in_slices_and_booked_fill_by_fill(tmp_path: Path) -> None:
    """A price on the wire, orders of an unmodified ccxt, a flat account; the journal has every fill of the venue."""
    async def scenario(home: Guarded) -> None:
        await home.start_by_command()
        await home.until_ready()
        assert [row["algoStatus"] for row in home.stops()] == ["NEW"]
        await sell_beyond_the_stop(home)
        fills = [fill for fill in home.recorded(OrderFilled) if fill.origin is FillOrigin.OURS]
        assert sorted(fill.trade_id for fill in fills) == sorted(f"BTCUSDT:{trade['id']}" for trade in home.trades())

    live(tmp_path, scenario)


def test_live_sale_by_the_owner_is_recognised_and_not_sold_again(tmp_path: Path) -> None:
    """The owner closes by hand while we sell: what he sold is external, and we end where he ended, flat."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        home.price("57000.0")
        await home.until(lambda: 0 < home.held() < 0.5)
        left = f"{home.held():.3f}"
        home.venue("POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity=left,
                   reduceOnly="true")
        await home.until_status(lambda main: main["positions"] == 0 and not main["parents"])
        assert await home.stop() == 0
        assert home.held() == 0
        assert {fill.origin for fill in home.recorded(OrderFilled)} == {FillOrigin.OURS, FillOrigin.EXTERNAL}

    live(tmp_path, scenario)


def test_live_killed_while_it_sells_finds_its_own_orders_and_finishes(tmp_path: Path) -> None:
    """Kill -9 between two slices: the next start asks the venue for what became of them, and sells the rest once."""
    live(tmp_path, finish_after_a_kill)


def test_live_market_without_trades_sells_nothing_and_keeps_its_stop(tmp_path: Path) -> None:
    """Nobody trades any more, only marks come: no order, and the stop rests at the venue all the while."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        home.prices.clear()
        await asyncio.sleep(3)
        assert home.trades() == [] and len(home.stops()) == 1
        assert await home.stop() == 0

    live(tmp_path, scenario)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"TEST_SECRET": "not-the-secret"}, "exchange.apiKey"),
        ({"TEST_KEY": "not-the-key"}, "exchange.apiKey"),
        ({"TEST_KEY": ""}, "TEST_KEY"),
    ],
    ids=["a secret that is not the key's", "a key that the venue does not know", "no key"],
)
def test_live_bad_key_ends_with_three_before_anything_is_sent(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    """Keys are proved before anything else, and an error never shows them."""
    async def scenario(home: Guarded) -> None:
        await home.start(**change)
        assert await home.ended() == 3
        told = home.says.read_text()
        assert said in told and "not-the" not in told

    live(tmp_path, scenario)
