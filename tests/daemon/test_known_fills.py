"""What pages tell again every minute is compared and not recorded again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.adapters.journal.reader import open_readonly
from bot.domain.copying import replace
from bot.domain.effects import RaiseAlarm
from bot.domain.events import OrderFilled
from tests.daemon.house import house
from tests.daemon.test_driver import STOP, is_flat


def recorded(folder: Path) -> list[OrderFilled]:
    with open_readonly(folder / "journal.sqlite") as journal:
        return [item for _, item in journal.read() if isinstance(item, OrderFilled)]


def test_fill_that_is_told_ten_times_is_journaled_once_and_one_told_otherwise_is_an_alarm(tmp_path: Path) -> None:
    """Ten readings of one page leave one row for each trade; a reading that says something else leaves its own."""
    async def live() -> None:
        async with house(tmp_path, STOP) as home:
            home.price(94)
            await home.until(lambda: is_flat(home) and not home.engine.book.orders)
            fills = [fact for fact in home.seen.facts if isinstance(fact, OrderFilled)]
            for _ in range(10):
                for fill in fills:
                    home.driver.inbox.tell(fill)
            other = replace(fills[0], price=fills[0].price - 1)
            for _ in range(10):
                home.driver.inbox.tell(other)
            await home.until(lambda: not home.driver.inbox)
            await home.until(lambda: any(
                isinstance(effect, RaiseAlarm) and effect.code == "fill_differs" for effect in home.seen.effects
            ))
            assert home.driver.failure is None
            told[:] = [*[fill.trade_id for fill in fills], other.trade_id]

    told: list[str] = []
    asyncio.run(live())
    assert [fill.trade_id for fill in recorded(tmp_path)] == told
