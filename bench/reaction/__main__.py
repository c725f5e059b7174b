"""Runs the contestants one after the other, each against a server of its own, and prints their reactions."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.reaction.terms import KEY, SECRET, THRESHOLD

RULES = f"""rules:
  react:
    for_each: position
    when: market.last_price < {THRESHOLD} USDT
    do: {{reduce: 0.0005%}}
    execute: {{algo: now, collar: 1%}}
"""
CONFIG = """accounts:
  main:
    mode: live
    exchange:
      id: binanceusdm
      apiKey: env:BENCH_KEY
      secret: env:BENCH_SECRET
      endpoints: {{rest: "http://127.0.0.1:{port}", streams: "ws://127.0.0.1:{port}/ws"}}
    instruments: ["BTC/USDT:USDT"]
    protect: {{per: none}}
limits:
  order_notional_max: 1_000_000_000 USDT
  order_rate_max: 1000/s
strategies: [rules.yaml]
"""
CONTESTANTS = ("floor", "ccxt", "penstock")


def main() -> None:
    """Print one JSON object: per contestant the median and the 99th percentile, us, and the ratios of the medians."""
    parser = argparse.ArgumentParser(prog="bench.reaction")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--only", default=",".join(CONTESTANTS))
    asked = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for name in asked.only.split(","):
        took = sorted(_reactions(name, asked.events))
        found[name] = {
            "p50_us": round(took[len(took) // 2] / 1e3, 1), "p99_us": round(took[len(took) * 99 // 100] / 1e3, 1),
            "events": len(took),
        }
        print(name, found[name], file=sys.stderr, flush=True)
    if {"floor", "penstock"} <= found.keys():
        found["penstock"]["times_floor"] = round(found["penstock"]["p50_us"] / found["floor"]["p50_us"], 2)
    if {"ccxt", "penstock"} <= found.keys():
        found["penstock"]["times_ccxt"] = round(found["penstock"]["p50_us"] / found["ccxt"]["p50_us"], 2)
    print(json.dumps(found))


def _reactions(name: str, events: int) -> list[int]:
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.reaction.server", "--events", str(events)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    port = int(json.loads(server.stdout.readline())["port"])
    with tempfile.TemporaryDirectory(prefix="reaction-") as folder:
        bot = _start(name, port, Path(folder))
        try:
            took: list[int] = json.loads(server.stdout.readline())["took"]
        finally:
            bot.terminate()
            bot.wait()
            server.wait()
    return took


def _start(name: str, port: int, folder: Path) -> subprocess.Popen[bytes]:
    words = {"floor": ["-m", "bench.reaction.floor", str(port)], "ccxt": ["-m", "bench.reaction.plain", str(port)]}
    environ: Mapping[str, str] = {**os.environ, "BENCH_KEY": KEY, "BENCH_SECRET": SECRET}
    if name == "penstock":
        (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
        (folder / "config.yaml").write_text(CONFIG.format(port=port), encoding="utf-8")
        words[name] = ["-m", "bot", "run", str(folder / "config.yaml"), "--live", "--out", str(folder / "run")]
    return subprocess.Popen([sys.executable, *words[name]], env=environ)


if __name__ == "__main__":
    main()
