"""Kill -9 over the wire: at the n-th HTTP request, heard or not, and at the n-th commit; then up again, to the end.

The exchange and the script go on while nobody guards. What must hold in the end is what an undisturbed run comes to,
by the venue's own books: the same positions, never more sold than that takes, no client id twice, one stop at most for
what is held and none for what is not.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.domain.account import PositionSide
from bot.domain.scale import CASH_UNIT
from paper.spec import AccountStart, PositionMode, PositionStart
from paper.wire.exchange import Request
from paper.wire.faults import Fate
from paper.wire.mischief import Mischief
from tests.live.guarded import CLOSE_ALL, OWNERS, Guarded, guarded
from tests.wire.builders import account

SETTLE = 0.6                         # seconds without an order at work, after which a script's end is looked at
END_MAX = 90.0
FALL = "57000.0"


class Killer(Mischief):
    """Kills the daemon when the exchange hears its n-th request: an odd one is lost, an even one is carried out."""

    def __init__(self, at: int | None) -> None:
        super().__init__()
        self.at = at
        self.heard_of = 0
        self.kill: Callable[[], None] = lambda: None

    def fate(self, now: int, request: Request) -> Fate:
        """Count the daemon's own requests, and kill at the chosen one."""
        del now
        if request.address.startswith(OWNERS) or self.at is None:
            return Fate()
        self.heard_of += 1
        if self.heard_of == self.at:
            self.kill()
            return Fate(hearings=0 if self.at % 2 else 1)
        return Fate()


@dataclass(frozen=True)
class Script:
    """A story on the wire: how it begins, what happens when the daemon guards, and when it is over."""

    name: str
    books: tuple[str, ...]
    happen: Callable[[Guarded], Coroutine[Any, Any, None]]
    is_over: Callable[[Guarded], bool]
    start: AccountStart = field(default_factory=lambda: account(btc=500))
    more: str = ""


@dataclass(frozen=True)
class End:
    """What a story came to, by the venue's books."""

    is_killed: bool
    held: tuple[float, ...]
    sold: float
    client_ids_twice: tuple[str, ...]
    stops: tuple[str, ...]


async def tell(folder: Path, script: Script, *, request: int | None = None, commit: int | None = None) -> End:
    """Tell one story, with a kill at a request or a commit, and return its end."""
    killer = Killer(request)
    async with guarded(folder, *script.books, start=script.start, carrier=killer, more=script.more) as home:
        def kill() -> None:
            if home.is_alive:
                assert home.process is not None
                os.kill(home.process.pid, signal.SIGKILL)

        killer.kill = kill
        await home.start(**({} if commit is None else {"TEST_DIE_AT_COMMIT": str(commit)}))
        happening = asyncio.create_task(script.happen(home))
        is_killed = await _until_over(home, script, happening)
        killer.at = None
        if is_killed:
            await home.start()
            await _until_over(home, script, happening, is_second=True)
        await asyncio.wait_for(happening, END_MAX)
        await home.stop()
        return _end(home, is_killed=is_killed)


async def _until_over(
    home: Guarded, script: Script, happening: asyncio.Task[None], *, is_second: bool = False
) -> bool:
    """Wait until the story is over and nothing is at work any more; True when the daemon was killed before that."""
    calm, deadline = 0.0, time.monotonic() + END_MAX
    while calm < SETTLE:
        if not home.is_alive:
            assert not is_second, f"{script.name}: it died a second time: {home.log()}"
            return True
        main = await home.status()
        is_over = happening.done() and script.is_over(home)
        at_work = not main or not main["ready"] or main["orders"] or main["parents"] or main["unprotected"]
        calm = calm + 0.1 if is_over and not at_work else 0.0
        assert time.monotonic() < deadline, (
            f"{script.name}: it did not end: {_end(home, is_killed=is_second)} {main} {home.log()}"
        )
        await asyncio.sleep(0.1)
    return False


def _end(home: Guarded, *, is_killed: bool) -> End:
    rows = home.venue("GET", "/fapi/v3/positionRisk")
    ids = Counter(
        str(order["clientOrderId"]) for symbol in ("BTCUSDT", "ETHUSDT")
        for order in home.venue("GET", "/fapi/v1/allOrders", symbol=symbol)
    )
    trades = [trade for symbol in ("BTCUSDT", "ETHUSDT") for trade in home.trades(symbol)]
    return End(
        is_killed=is_killed,
        held=tuple(round(float(row["positionAmt"]), 6) for row in rows),
        sold=round(sum(float(trade["qty"]) for trade in trades), 6),
        client_ids_twice=tuple(sorted(name for name, count in ids.items() if count > 1)),
        stops=tuple(sorted(f"{stop['symbol']} {stop['side']} {stop['positionSide']}" for stop in home.stops())),
    )


# The six stories ------------------------------------------------------------------------------------------

async def _falls(home: Guarded) -> None:
    await _when_guarded(home)
    home.price(FALL)


async def _when_guarded(home: Guarded) -> None:
    """Wait until a daemon guards: it has the venue's word, and what needs a stop has one that the venue shows."""
    async with asyncio.timeout(END_MAX):
        while True:
            main = await home.status()
            if main and main["ready"] and not main["unprotected"] and home.stops():
                return
            await asyncio.sleep(0.1)


def _is_flat(home: Guarded) -> bool:
    return home.held() == 0 and home.held("ETHUSDT") == 0 and not home.stops()


REDUCE = """
rules:
  trim:
    for_each: position
    when: position.loss_ratio > 4%
    max_fires: 1
    do: {reduce: 40%}
    execute: {algo: twap, over: 1500ms, slice: 500ms, collar: 5%}
"""
URGENT = """
rules:
  urgent:
    for_each: position
    when: position.loss_ratio > 6%
    do: close
    execute: {algo: now, collar: 5%}
"""
SLOW = """
rules:
  slow:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 20s, slice: 1s, collar: 5%}
"""


async def _both_fall(home: Guarded) -> None:
    await _when_guarded(home)
    home.price("2850.00", index=1)
    home.price(FALL)


async def _falls_twice(home: Guarded) -> None:
    await _falls(home)
    await home.until(lambda: home.held() < 0.5)
    home.price("56000.0")


async def _owner_halves(home: Guarded) -> None:
    await _when_guarded(home)
    home.venue("POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.250",
               reduceOnly="true")


async def _owner_closes(home: Guarded) -> None:
    await _falls(home)
    await home.until(lambda: home.held() < 0.5)
    left = home.held()
    if left:
        home.venue("POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity=f"{left:.3f}",
                   reduceOnly="true")


def _stop_of_half(home: Guarded) -> bool:
    stops = home.stops()
    return home.held() == 0.25 and len(stops) == 1 and float(stops[0]["quantity"]) == 0.25


def scripts() -> dict[str, Script]:
    """The six stories by name."""
    two = AccountStart(
        0, "USDT", 10_000 * CASH_UNIT, positions=(PositionStart(0, 500), PositionStart(1, 5_000)), leverage=20
    )
    hedged = AccountStart(
        0, "USDT", 10_000 * CASH_UNIT, leverage=20, position_mode=PositionMode.HEDGE,
        positions=(PositionStart(0, 500, side=PositionSide.LONG), PositionStart(0, -200, side=PositionSide.SHORT)),
    )
    told = [
        Script("stop_loss", (CLOSE_ALL,), _falls, _is_flat),
        Script("reduce_two", (REDUCE,), _both_fall,
               lambda home: (home.held(), home.held("ETHUSDT"), len(home.stops())) == (0.3, 3.0, 2), start=two),
        Script("replace_stop", (CLOSE_ALL,), _owner_halves, _stop_of_half, more="    protect: {replace_every: 1s}\n"),
        Script("supersede", (SLOW, URGENT), _falls_twice, _is_flat),
        Script("hedge_mode", (CLOSE_ALL,), _falls, lambda home: home.held() == -0.2 and len(home.stops()) == 1,
               start=hedged),
        Script("external_close", (SLOW,), _owner_closes, _is_flat),
    ]
    return {script.name: script for script in told}


def judge(undisturbed: End, end: End) -> list[str]:
    """Return what is wrong with a story's end; nothing where all is well."""
    faults = []
    if end.held != undisturbed.held:
        faults.append(f"holds {end.held}, undisturbed {undisturbed.held}")
    if end.sold != undisturbed.sold:
        faults.append(f"traded {end.sold}, undisturbed {undisturbed.sold}")
    if end.client_ids_twice:
        faults.append(f"client ids twice: {', '.join(end.client_ids_twice)}")
    if end.stops != undisturbed.stops:
        faults.append(f"stops {end.stops}, undisturbed {undisturbed.stops}")
    return faults
