"""Hand-made tapes and configurations, and the program run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.shared_data import ROOT

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
START_MS = 1_583_971_200_000         # 2020-03-12 00:00 UTC
START = START_MS * 10**6
SECOND = 10**9
MINUTE = 60 * SECOND
STRATEGIES = ROOT / "strategies"
ENDS_WITHIN = 300.0                  # seconds; most commands take one or two, on a busy machine ten times as long

Bar = tuple[float, float, float, float, float]
"""open, high, low, close, volume"""
Print = tuple[int, float, float]
"""ms after the start, price, quantity"""

NEVER_FIRES = """
rules:
  never:
    for_each: position
    when: position.loss_ratio > 95%
    do: close
    execute: {algo: now}
"""
NO_STOPS = "    protect: {per: none}\n"    # of the account, for runs that nothing is to save
STOP_NOW = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: now, collar: 2%}
"""


def write_candles(path: Path, bars: Sequence[Bar]) -> Path:
    """Write one-minute bars from 2020-03-12 00:00 UTC on."""
    lines = ["ts_ms,open,high,low,close,volume"]
    for number, bar in enumerate(bars):
        prices = ",".join(f"{price:.2f}" for price in bar[:4])
        lines.append(f"{START_MS + number * 60_000},{prices},{bar[4]:.3f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_trades(path: Path, prints: Sequence[Print]) -> Path:
    """Write Binance aggTrades; a path that ends in .zip is packed."""
    lines = ["agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"]
    for number, (ms, price, quantity) in enumerate(prints, 1):
        lines.append(f"{number},{price:.2f},{quantity:.3f},{number},{number},{START_MS + ms},true")
    text = "\n".join(lines) + "\n"
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.stem + ".csv", text)
    else:
        path.write_text(text, encoding="utf-8")
    return path


def flat(price: float, count: int, volume: float = 500.0) -> list[Bar]:
    """Bars in which nothing happens."""
    return [(price, price, price, price, volume)] * count


def slide(start: float, end: float, count: int, volume: float = 500.0) -> list[Bar]:
    """Bars that fall, or rise, in equal steps."""
    bars = []
    for number in range(count):
        first = start + (end - start) * number / count
        last = start + (end - start) * (number + 1) / count
        bars.append((first, max(first, last), min(first, last), last, volume))
    return bars


def crash() -> list[Bar]:
    """An hour in which the price falls from 10,000 to 8,000 and comes back a little."""
    return [*flat(10_000.01, 5), *slide(10_000.01, 8_000, 40), *slide(8_000, 8_600, 15)]


def write_config(
    folder: Path,
    positions: Mapping[str, str],
    *,
    usdt: str,
    books: Sequence[str | Path],
    instruments: Sequence[str] = (BTC, ETH),
    mode: str = "paper",
    latency: str = "50ms",
    more: str = "",
) -> Path:
    """Write a configuration; a book is the path of a rule file, or its text."""
    held = ", ".join(f'"{symbol}": {entry}' for symbol, entry in positions.items())
    paths = []
    for number, book in enumerate(books):
        if isinstance(book, str):
            path = folder / f"rules{number}.yaml"
            path.write_text(book, encoding="utf-8")
        else:
            path = book
        paths.append(json.dumps(str(path)))
    config = folder / "config.yaml"
    config.write_text(
        f"accounts:\n  main:\n    mode: {mode}\n    instruments: {json.dumps(list(instruments))}\n"
        f"    paper:\n      balances: {{USDT: {usdt}}}\n      positions: {{{held}}}\n      leverage: 20\n"
        f"      latency: {latency}\n{more}strategies: [{', '.join(paths)}]\n",
        encoding="utf-8",
    )
    return config


def long_of(amount: str, entry: str = "first") -> str:
    """A position as the configuration writes it."""
    return f"{{amount: {amount}, entry_price: {entry}}}"


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "bot", *(str(argument) for argument in arguments)]


def environment(**more: str) -> dict[str, str]:
    """The environment without anything of Penstock's, and no colours."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PENSTOCK__", "BINANCE"))}
    return {**clean, "NO_COLOR": "1", "COLUMNS": "120", **more}


def penstock(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m bot`` with the arguments and return what it printed and how it ended."""
    return subprocess.run(
        command(*arguments), cwd=ROOT, env=environment(**environ), capture_output=True, text=True,
        timeout=ENDS_WITHIN, check=False,
    )


def log_lines(out: Path) -> list[dict[str, Any]]:
    """Return what a run's log says, of one that goes on the lines that are whole."""
    log = out / "penstock.log"
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def one_object(text: str) -> dict[str, Any]:
    """Return the JSON object that is all of ``text``."""
    found = json.loads(text)             # refuses anything before or after it
    assert isinstance(found, dict)
    return found
