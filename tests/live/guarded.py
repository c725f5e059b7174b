"""The whole live path: the daemon as a process, unmodified ccxt in it, and the paper exchange on real sockets here.

The exchange lives in the test's process, so it outlives every kill of the daemon, and its books are the judge.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from bot.adapters.control.client import ask
from bot.adapters.journal.reader import open_readonly
from bot.app.running import JOURNAL_NAME
from bot.domain.errors import PenstockError
from paper.spec import AccountStart, VenueSpec
from paper.wire.exchange import Request
from paper.wire.faults import Carrier
from paper.wire.mischief import Mischief
from paper.wire.server import WireServer
from tests.live.nursery import Born
from tests.live.stopwatch import Stopwatch
from tests.shared_data import ROOT
from tests.wire.builders import KEY, MS, SECRET, account, run, serving, steer

OWNERS = "10."                       # where the test asks from: each time another address, so that no quota ends
BEAT = 0.2                           # seconds between two prices of each market
WAIT = 60.0                          # seconds; a start takes two, on a busy machine ten
SCENE_MAX = 150.0                    # seconds; several waits, each of which ends well before its own deadline
CLOSE_ALL = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 2s, slice: 500ms, collar: 5%}
"""


def write_live_config(
    folder: Path, port: int, *books: str, symbols: Sequence[str] = ("BTC/USDT:USDT", "ETH/USDT:USDT"), more: str = "",
    exchange: str = "binanceusdm",
) -> Path:
    """Write a configuration of one live account whose exchange is the one at ``port``."""
    for number, book in enumerate(books):
        (folder / f"rules{number}.yaml").write_text(book, encoding="utf-8")
    names = ", ".join(f"rules{number}.yaml" for number in range(len(books)))
    config = folder / "config.yaml"
    config.write_text(
        f"""accounts:
  main:
    mode: live
    exchange:
      id: {exchange}
      apiKey: env:TEST_KEY
      secret: env:TEST_SECRET
      endpoints: {{rest: "http://127.0.0.1:{port}", streams: "ws://127.0.0.1:{port}/ws"}}
    instruments: {json.dumps(list(symbols))}
{more}strategies: [{names}]
""",
        encoding="utf-8",
    )
    return config


@dataclass
class Guarded:
    """An exchange, prices that beat, and the daemon of the moment."""

    server: WireServer
    folder: Path
    config: Path
    out: Path
    prices: dict[int, str] = field(default_factory=lambda: {0: "60000.0", 1: "3000.00"})
    process: Born | asyncio.subprocess.Process | None = None
    asked: int = 0

    @property
    def says(self) -> Path:
        """The file in which the daemon's standard output and error end up."""
        return self.folder / "says.txt"

    # The daemon --------------------------------------------------------------------------------------------

    async def start(self, *, mode: str = "--live", **environ: str) -> None:
        """Start a daemon; it is a run of its own, or takes up the one that lies there."""
        known = {"TEST_KEY": KEY, "TEST_SECRET": SECRET, **environ}
        self.process = await asyncio.to_thread(Born, self._words(mode), known, self.says)

    async def start_by_command(self) -> None:
        """Start one as a person does."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *self._words("--live"), cwd=ROOT, stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TEST_KEY": KEY, "TEST_SECRET": SECRET},
        )

    def _words(self, mode: str) -> list[str]:
        return ["run", str(self.config), mode, "--out", str(self.out)]

    async def ended(self, seconds: float = WAIT) -> int:
        """Wait for the daemon's end and return its code; negative when a signal ended it."""
        assert self.process is not None
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        assert self.process is not None
        self.process.send_signal(number)
        return await self.ended()

    async def clear(self) -> None:
        """End what is left of the daemon, by force."""
        if self.is_alive:
            await self.stop(signal.SIGKILL)

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def ask(self, verb: str, **arguments: object) -> Any:
        """Ask the daemon over its control socket."""
        return await asyncio.to_thread(ask, self.out, verb, arguments)

    async def status(self) -> dict[str, Any]:
        """Return the status of the main account, empty while the daemon cannot be asked."""
        try:
            found: dict[str, Any] = (await self.ask("status"))["accounts"]["main"]
        except PenstockError:
            return {}
        return found

    async def until_ready(self) -> None:
        """Wait until the daemon has the venue's word, and every position a stop that was read back."""
        await self.until_status(lambda main: main.get("ready") and not main["unprotected"])

    async def until_status(self, is_so: Callable[[dict[str, Any]], object], seconds: float = WAIT) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            main = await self.status()
            if main and is_so(main):
                return main
            assert self.is_alive, f"the daemon has ended: {self.log()}"
            assert time.monotonic() < deadline, f"it did not come to pass: {main} {self.log()}"
            await asyncio.sleep(0.05)

    async def until(self, is_so: Callable[[], object], seconds: float = WAIT) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, f"it did not come to pass: {self.log()}"
            await asyncio.sleep(0.02)

    def stopwatch(self) -> Stopwatch:
        """Start measuring how long the daemon and we take."""
        return Stopwatch([] if self.process is None else [self.process.pid])

    def log(self) -> str:
        """Return the ends of the daemon's log and of what it said besides."""
        paths = (self.out / "penstock.log", self.says)
        return "".join(path.read_text()[-4000:] for path in paths if path.exists())

    def recorded(self, kind: type) -> list[Any]:
        """Return what the journal holds of one kind."""
        with open_readonly(self.out / JOURNAL_NAME) as journal:
            return [item for _, item in journal.read() if isinstance(item, kind)]

    def alarms(self) -> list[str]:
        """Return the codes of all alarms in the log, the engine's and the house's, oldest first."""
        path = self.out / "penstock.log"
        lines = path.read_text().splitlines() if path.exists() else []
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [line["code"] for line in told if line.get("event") == "alarm"]

    # The venue ---------------------------------------------------------------------------------------------

    def harm(self, *rules: dict[str, Any]) -> None:
        """Let these faults befall requests and frames from now on, and no others; none end them."""
        assert isinstance(self.server.carrier, Mischief)
        self.server.carrier.follow(json.dumps({"rules": rules}))

    @property
    def met(self) -> Mapping[str, int]:
        """How often each fault has befallen something since the exchange began."""
        assert isinstance(self.server.carrier, Mischief)
        return self.server.carrier.counts

    def price(self, price: str, *, index: int = 0) -> None:
        """Let a market trade at a price from now on."""
        self.prices[index] = price
        steer(self.server, price, index=index, quantity=100_000)

    def venue(self, method: str, path: str, **params: str) -> Any:
        """Ask the exchange as the account's owner, past every socket and fault."""
        now = self.server.clock.now()
        values = {**params, "timestamp": str(now // MS)}
        query = urlencode(values)
        signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        query += f"&signature={signature}"
        asked = Request(
            method, path, query=query, params={**values, "signature": signature}, key=KEY, address=self._address()
        )
        reply = self.server.exchange.request(now, asked)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def _address(self) -> str:
        self.asked += 1
        return f"{OWNERS}{self.asked // 65_536}.{self.asked // 256 % 256}.{self.asked % 256}"

    def held(self, symbol: str = "BTCUSDT") -> float:
        """Return what the venue says is held, all legs added."""
        return sum(float(row["positionAmt"]) for row in self.venue("GET", "/fapi/v3/positionRisk", symbol=symbol))

    def trades(self, symbol: str = "BTCUSDT") -> list[Any]:
        """Return the account's fills."""
        found: list[Any] = self.venue("GET", "/fapi/v1/userTrades", symbol=symbol)
        return found

    def stops(self) -> list[Any]:
        """Return the conditional orders that rest."""
        found: list[Any] = self.venue("GET", "/fapi/v1/openAlgoOrders")
        return found

    async def beat(self) -> None:
        """Let every market trade at its price, for ever."""
        while True:
            for index, price in self.prices.items():
                steer(self.server, price, index=index, quantity=100_000)
            await asyncio.sleep(BEAT)


Home = TypeVar("Home", bound=Guarded)


@asynccontextmanager
async def guarded(
    folder: Path, *books: str, start: AccountStart | None = None, carrier: Carrier | None = None, more: str = "",
    exchange: str = "binanceusdm",
) -> AsyncIterator[Guarded]:
    """Serve an exchange with an account long 0.5 BTC at 60,000 and 10,000 USDT; no daemon runs yet."""
    async with housed(
        Guarded, folder, *books, start=start, carrier=carrier, more=more, exchange=exchange
    ) as home:
        yield home


@asynccontextmanager
async def housed(
    kind: type[Home], folder: Path, *books: str, start: AccountStart | None = None, carrier: Carrier | None = None,
    more: str = "", exchange: str = "binanceusdm", others: Sequence[AccountStart] = (),
    spec: VenueSpec | None = None,
) -> AsyncIterator[Home]:
    """Serve the same to a house of another kind, and to ``others``, whom nobody guards."""
    async with serving(account(btc=500) if start is None else start, *others, carrier=carrier, spec=spec) as server:
        config = write_live_config(folder, server.port, *(books or (CLOSE_ALL,)), more=more, exchange=exchange)
        home = kind(server, folder, config, folder / "run")
        beating = asyncio.create_task(home.beat())
        try:
            yield home
        finally:
            beating.cancel()
            await home.clear()


def play(
    opened: AbstractAsyncContextManager[Home], scenario: Callable[[Home], Awaitable[None]], *,
    seconds: float = SCENE_MAX,
) -> None:
    """Run a scenario at an exchange with prices; the scenario starts the daemon."""
    async def scene() -> None:
        async with opened as home:
            await scenario(home)

    run(scene, seconds=seconds)
