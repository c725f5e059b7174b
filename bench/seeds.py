"""How near a hundred seeds of the generated crash come to the day: the table of ``docs/generated_market.md``.

    python -m bench.seeds [--seeds N]

Figures are counted by the code of ``tests.paper.minutes``, which counts those of recorded candles as well. Prints the
table and, last, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

import numpy as np

from tests.paper.minutes import figures, generated_minutes
from tests.paper.test_generate import BOTH, PUBLISHED, SEED_RATE

SEEDS = 100
QUANTILES = (0, 10, 50, 90, 100)     # least, 10 %, median, 90 %, most
FELL = 0.10                          # of ETH, which had come so far by 06:26 on the day
LATE_HOURS = 8.5
SECOND_LEG_HOURS = 20.0              # since the start: the first crash is over by then, the second has not begun

Words = Callable[[float], str]


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{value:.1%}".replace("-", "\N{MINUS SIGN}").replace("%", " %")


def _bps(value: float) -> str:
    return f"{value * 1e4:.0f}"


# what it is called, its name among the figures, how it is written
ROWS: tuple[tuple[str, str, Words], ...] = (
    ("BTC low", "btc_low", _whole), ("hours to BTC's low", "btc_low_hours", "{:.1f}".format),
    ("BTC worst hour", "btc_worst_hour", _percent), ("its end, hours", "btc_worst_hour_hours", "{:.1f}".format),
    ("BTC high over low", "btc_range", "{:.2f}".format), ("BTC at the end", "btc_close", _whole),
    ("BTC minute deviation, bps", "btc_sigma", _bps), ("BTC minute kurtosis", "btc_kurtosis", "{:.1f}".format),
    ("ETH low", "eth_low", _whole), ("ETH worst hour", "eth_worst_hour", _percent),
    ("ETH minute deviation, bps", "eth_sigma", _bps), ("ETH minute kurtosis", "eth_kurtosis", "{:.1f}".format),
    ("correlation", "correlation", "{:.3f}".format),
)


def main(arguments: list[str] | None = None) -> int:
    """Count the figures of so many seeds and print them beside what was published; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.seeds")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from 0 on")
    asked = parser.parse_args(arguments)
    rows, late = [], 0
    for seed in range(asked.seeds):
        btc, eth = generated_minutes(seed, BOTH, SEED_RATE)
        rows.append(figures(btc, eth))
        fallen = np.flatnonzero(eth.low <= (1 - FELL) * eth.open_price)
        late += not len(fallen) or bool(fallen[0] / 60 > LATE_HOURS)
    found = {name: np.percentile([row[name] for row in rows], QUANTILES).tolist() for name in rows[0]}
    print("| figure | published | least | 10 % | median | 90 % | most |")
    print("|---|---|---|---|---|---|---|")
    for label, name, words in ROWS:
        published = words(PUBLISHED[name]) if name in PUBLISHED else ""
        print(f"| {label} | {published} | {' | '.join(words(value) for value in found[name])} |")
    first = sum(row["btc_worst_hour_hours"] < SECOND_LEG_HOURS for row in rows)
    print(json.dumps({
        "seeds": asked.seeds, "quantiles": QUANTILES, "figures": found,
        "worst_hour_in_the_first_crash": first, "eth_down_10_percent_after_half_past_eight": late,
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
