"""The two processes: the paper exchange, which says where it listens, and the daemon on a folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from bench.long_run.owner import KEY, SECRET

BALANCE = "1000000"
HELD = {"BTCUSDT": 2.0, "ETHUSDT": 40.0}
RULES = """rules:
  dip:
    for_each: position
    when: market.return(1m) < -0.4%
    do: {reduce: 2%}
    execute: {algo: now, collar: 5%}
  slump:
    for_each: position
    when: market.return(1m) < -0.9%
    do: {reduce: 3%}
    execute: {algo: twap, over: 3s, slice: 500ms, collar: 5%}
  recovery:
    for_each: position
    when: market.return(1m) > 0.5%
    do: {reduce: 1%}
    execute: {algo: twap, over: 5s, slice: 1s, tactic: passive, order_class: cost}
"""
CONFIG = """accounts:
  main:
    mode: live
    exchange:
      id: binanceusdm
      apiKey: env:BENCH_KEY
      secret: env:BENCH_SECRET
      endpoints: {{rest: "{rest}", streams: "{ws}"}}
    instruments: ["BTC/USDT:USDT", "ETH/USDT:USDT"]
strategies: [rules.yaml]
"""


async def start_exchange() -> tuple[Process, dict[str, str]]:
    """Start the exchange and return it with its addresses."""
    words = ["exchange", "--key", KEY, "--secret", SECRET, "--control", "--json", "--balance", BALANCE]
    for symbol, amount in (("BTC/USDT:USDT", HELD["BTCUSDT"]), ("ETH/USDT:USDT", HELD["ETHUSDT"])):
        words += ["--position", f"{symbol}={amount:g}"]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", *words, stdout=PIPE)
    assert process.stdout is not None
    return process, json.loads(await process.stdout.readline())


async def start_daemon(folder: Path, addresses: dict[str, str]) -> Process:
    """Start the daemon, its configuration and its run in ``folder``."""
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(**addresses), encoding="utf-8")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", str(config), "--live", "--out", str(folder / "run"), stdout=DEVNULL,
        env={**os.environ, "BENCH_KEY": KEY, "BENCH_SECRET": SECRET},
    )
