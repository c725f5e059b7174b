"""Paper accounts on live prices: real sockets and real ccxt for prices, the simulated venue in the daemon's process."""

from __future__ import annotations

import signal
from pathlib import Path

from bot.domain.effects import OpenEpisode
from tests.live.guarded import CLOSE_ALL, Guarded, guarded
from tests.wire.builders import run


def write_paper_config(home: Guarded, exchange: str = "id: binanceusdm") -> None:
    """Write a paper account, long 0.5 BTC from the first price on, whose prices come from the exchange here."""
    port = home.server.port
    (home.folder / "rules0.yaml").write_text(CLOSE_ALL, encoding="utf-8")
    home.config.write_text(
        f"""accounts:
  main:
    exchange:
      {exchange}
      endpoints: {{rest: "http://127.0.0.1:{port}", streams: "ws://127.0.0.1:{port}/ws"}}
    instruments: ["BTC/USDT:USDT"]
    paper:
      balances: {{USDT: 10_000}}
      positions: {{"BTC/USDT:USDT": {{amount: 0.5, entry_price: first}}}}
strategies: [rules0.yaml]
""",
        encoding="utf-8",
    )


def test_paper_on_live_prices_sells_on_its_own_venue_and_not_on_the_real_one(tmp_path: Path) -> None:
    """The real venue gives prices and sees no order; the paper account outlives a kill."""
    async def scene() -> None:
        async with guarded(tmp_path) as home:
            write_paper_config(home)
            await home.start(mode="--live-prices")
            await home.until_ready()
            assert await home.stop(signal.SIGKILL) == -signal.SIGKILL
            await home.start(mode="--live-prices")
            await home.until_ready()
            home.price("57000.0")
            await home.until_status(lambda main: main["positions"] == 0 and not main["orders"])
            assert await home.stop() == 0
            assert [episode.rule for episode in home.recorded(OpenEpisode)] == ["stop"]
            assert home.held() == 0.5 and home.trades() == []

    run(scene, seconds=150)
