"""Minute tapes for the bench's tests, made from a seed: a quiet stretch, a crash, a recovery."""

from __future__ import annotations

import random
from pathlib import Path

START_MS = 1_583_971_200_000         # a whole hour
CALM, FALL, REST = 90, 60, 90        # minutes


def write_crash(folder: Path, *, name: str = "2020-01_made_BTCUSDT_1m.csv", fall: float = 0.25, seed: int = 5) -> Path:
    """Write four hours of minutes that fall by ``fall`` in the second one and regain half of it."""
    rng = random.Random(seed)
    levels = [1.0] * CALM + [1.0 - fall * (minute + 1) / FALL for minute in range(FALL)]
    levels += [1.0 - fall * (1.0 - 0.5 * (minute + 1) / REST) for minute in range(REST)]
    lines = ["ts_ms,open,high,low,close,volume"]
    last = 8_000.0
    for minute, level in enumerate(levels):
        close = 8_000.0 * level * (1.0 + rng.uniform(-4e-4, 4e-4))
        high = max(last, close) * (1.0 + rng.uniform(0.0, 5e-4))
        low = min(last, close) * (1.0 - rng.uniform(0.0, 5e-4))
        lines.append(
            f"{START_MS + 60_000 * minute},{last:.2f},{high:.2f},{low:.2f},{close:.2f},{rng.uniform(50, 200):.3f}"
        )
        last = round(close, 2)
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
