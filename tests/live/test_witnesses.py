"""What the daemon believes of its account while the venue's pages, streams and the journal's disk fail it."""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.app.running import JOURNAL_NAME
from bot.domain.account import PositionSide
from bot.domain.effects import OpenEpisode
from bot.domain.events import FillOrigin, OrderFilled
from bot.domain.scale import CASH_UNIT
from paper.spec import AccountStart, PositionMode, PositionStart
from tests.live.guarded import CLOSE_ALL, Guarded, guarded, play

SLOW = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 5s, slice: 500ms, collar: 5%}
"""
PAGES = tuple({"fault": "no_positions", "path": f"/fapi/v3/{page}"} for page in ("account", "positionRisk"))
SELL_ALL = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET"}


def failing(
    folder: Path, scenario: Callable[[Guarded], Awaitable[None]], book: str = CLOSE_ALL,
    start: AccountStart | None = None,
) -> None:
    """Run a scenario with an exchange and prices; the scenario starts the daemon."""
    play(guarded(folder, book, start=start), scenario)


def touch(home: Guarded, leverage: int) -> None:
    """Let the user stream say something that is about no order."""
    home.venue("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=str(leverage))


def sold(home: Guarded) -> float:
    """Return how much was traded in all, by the venue's books."""
    return sum(float(trade["qty"]) for trade in home.trades())


def names_twice(home: Guarded) -> list[str]:
    """Return the client ids that the venue has seen more than once."""
    rows = home.venue("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
    return [name for name, count in Counter(row["clientOrderId"] for row in rows).items() if count > 1]


@pytest.mark.parametrize("pages", [PAGES, PAGES[:1]], ids=["both pages empty, for a moment", "one page empty"])
def test_live_empty_positions_are_doubted_and_neither_stop_nor_position_is_given_up(
    tmp_path: Path, pages: tuple[dict[str, str], ...]
) -> None:
    """Empty is not flat: the daemon says that it doubts, keeps the stop that rests, and sells the position later."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        (stop,) = home.stops()
        home.harm({"fault": "disconnected", "stream": "user", "times": 1}, *pages)
        touch(home, 7)                               # the stream is lost, and everything is asked for again
        await home.until(lambda: "account_doubted" in home.alarms())
        home.harm()
        main = await home.until_status(lambda main: main["ready"])
        assert main["positions"] == 1 and "position_differs" not in home.alarms()
        assert [row["algoId"] for row in home.stops()] == [stop["algoId"]] and home.trades() == []
        home.price("57000.0")
        await home.until(lambda: home.held() == 0)
        assert await home.stop() == 0
        assert sold(home) == pytest.approx(0.5)

    failing(tmp_path, scenario)


def test_live_user_stream_lost_expired_and_no_page_answered_ends_in_one_sale(tmp_path: Path) -> None:
    """While it sells, the stream drops with the fills in it, its key expires, every page is 503: one sale, booked."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        home.harm(
            {"fault": "disconnected", "stream": "user", "times": 3},
            {"fault": "unavailable_503", "method": "GET"}, {"fault": "unavailable_503", "path": "/fapi/v1/listenKey"},
        )
        home.price("57000.0")
        await home.until(lambda: 0 < home.held() < 0.5)
        floor = home.server.exchange.floor
        floor.listen_keys.expire(2 * floor.now)
        await asyncio.sleep(4.0)
        await home.until(lambda: "user_stream_lost" in home.alarms())
        assert home.is_alive
        home.harm()
        await home.until(lambda: home.held() == 0)
        await home.until_status(lambda main: main["positions"] == 0 and not main["parents"])
        assert await home.stop() == 0
        fills = [fill for fill in home.recorded(OrderFilled) if fill.origin is FillOrigin.OURS]
        assert sorted({fill.trade_id for fill in fills}) == sorted(f"BTCUSDT:{row['id']}" for row in home.trades())
        assert sold(home) == pytest.approx(0.5) and names_twice(home) == []
        assert len(home.recorded(OpenEpisode)) == 1

    failing(tmp_path, scenario, SLOW)


def test_live_leg_closed_by_its_owner_while_we_sell_never_turns_round(tmp_path: Path) -> None:
    """Hedge mode has no reduce-only: the owner closes the long leg under our sale, and the short one stays."""
    start = AccountStart(
        0, "USDT", 10_000 * CASH_UNIT, leverage=20, position_mode=PositionMode.HEDGE,
        positions=(PositionStart(0, 500, side=PositionSide.LONG), PositionStart(0, -200, side=PositionSide.SHORT)),
    )

    def leg(home: Guarded, side: str) -> float:
        rows = home.venue("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT")
        return sum(float(row["positionAmt"]) for row in rows if row["positionSide"] == side)

    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        home.price("57000.0")
        await home.until(lambda: 0 < leg(home, "LONG") < 0.5)
        home.venue("POST", "/fapi/v1/order", **SELL_ALL, positionSide="LONG", quantity=f"{leg(home, 'LONG'):.3f}")
        await home.until_status(lambda main: main["positions"] == 1 and not main["parents"])
        await asyncio.sleep(1.5)                     # three slices, had there been any left
        assert (leg(home, "LONG"), leg(home, "SHORT")) == (0, -0.2)
        assert await home.stop() == 0
        assert sold(home) == pytest.approx(0.5) and {row["positionSide"] for row in home.trades()} == {"LONG"}
        assert FillOrigin.EXTERNAL in {fill.origin for fill in home.recorded(OrderFilled)}

    failing(tmp_path, scenario, SLOW, start)


def test_live_journal_that_takes_no_more_is_told_and_the_rescue_goes_on_and_is_recorded(tmp_path: Path) -> None:
    """The journal's files may not grow: an alarm, a frozen account, a sale all the same; afterwards all is recorded."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        assert home.process is not None
        files = [path.stat().st_size for path in home.out.glob(f"{JOURNAL_NAME}*") if not path.name.endswith("-shm")]
        unlimited = resource.prlimit(home.process.pid, resource.RLIMIT_FSIZE, (max(files), resource.RLIM_INFINITY))
        home.price("57000.0")
        await home.until(lambda: home.held() == 0)
        await home.until_status(lambda main: main["positions"] == 0 and main["latch"] == "frozen")
        await home.until(lambda: "journal_failed" in home.alarms())
        assert (home.out / "journal.spare").exists()
        resource.prlimit(home.process.pid, resource.RLIMIT_FSIZE, unlimited)
        await home.until(lambda: "journal_recovered" in home.alarms())
        assert await home.stop() == 0
        assert not (home.out / "journal.spare").exists()
        ours = {fill.trade_id for fill in home.recorded(OrderFilled) if fill.origin is FillOrigin.OURS}
        assert ours == {f"BTCUSDT:{row['id']}" for row in home.trades()}
        assert sold(home) == pytest.approx(0.5)

    failing(tmp_path, scenario)


def test_live_older_journal_put_back_in_the_middle_of_a_sale_ends_in_one_sale(tmp_path: Path) -> None:
    """A backup from before the sale: what we sold since is found by its names, told, and no name is used again."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        assert await home.stop() == 0
        backup = home.folder / "backup"
        shutil.copytree(home.out, backup)
        await home.start()
        await home.until_ready()
        home.price("57000.0")
        await home.until(lambda: 0 < home.held() < 0.5)
        assert await home.stop(signal.SIGKILL) == -signal.SIGKILL
        shutil.rmtree(home.out)
        shutil.copytree(backup, home.out)
        await home.start()
        await home.until(lambda: home.held() == 0)
        await home.until_status(lambda main: main["positions"] == 0 and not main["parents"])
        await home.until(lambda: not home.stops())
        assert await home.stop() == 0
        assert "order_unrecorded" in home.alarms()
        assert sold(home) == pytest.approx(0.5) and names_twice(home) == []

    failing(tmp_path, scenario)


def test_live_disk_that_takes_nothing_at_all_lets_what_was_reserved_leave(tmp_path: Path) -> None:
    """Neither journal nor spare file nor latch can be written: frozen and told, sold by names that were durable."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        assert home.process is not None
        unlimited = resource.prlimit(home.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        home.price("57000.0")
        await home.until(lambda: home.held() == 0)
        await home.until_status(
            lambda main: main["positions"] == 0 and not main["parents"] and main["latch"] == "frozen"
        )
        assert "nothing is recorded" in (await home.ask("status"))["health"]["journal"]
        resource.prlimit(home.process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert await home.stop() == 0
        ours = {fill.trade_id for fill in home.recorded(OrderFilled) if fill.origin is FillOrigin.OURS}
        assert ours == {f"BTCUSDT:{row['id']}" for row in home.trades()}
        assert sold(home) == pytest.approx(0.5)

    failing(tmp_path, scenario)
