"""A million random steps through the engine, every one looked at.

    python -m bench.storm [--steps N] [--seed N]

Seeds alternate between the storms of ``tests.engine.storm`` (the bundled rules, all orders immediate-or-cancel) and
those of ``tests.recovery.storms`` (every schedule and tactic, resting orders, cancel races, ADL, funding, lost facts),
each alone, with others who trade, and with restarts. Prints one JSON object last; exits 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter

from tests.engine.storm import Storm
from tests.engine.test_always import Invariants
from tests.recovery.storms import KINDS, survive

STEPS = 1_000_000
PRICES = 1_500                       # of one storm, and the seconds of calm after it
CALM = 200
ROUGH_EVERY = 4                      # their engines decide ten times as often


def main(arguments: list[str] | None = None) -> int:
    """Live through storms until so many steps were taken; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.storm")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=100, help="the first; each storm takes the next")
    asked = parser.parse_args(arguments)
    started = time.perf_counter()
    steps = rough_steps = orders = storms = 0
    endings: Counter[str] = Counter()
    broken: list[str] = []
    seed = asked.seed
    while steps < asked.steps:
        kind = KINDS[seed % len(KINDS)]
        is_rough = seed // len(KINDS) % ROUGH_EVERY == 0
        try:
            taken, sent, ended = (_rough if is_rough else _plain)(kind, seed)
        except AssertionError as error:
            broken.append(f"{'rough' if is_rough else 'plain'} storm, {kind}, seed {seed}: {error}")
            print(broken[-1], file=sys.stderr, flush=True)
        else:
            steps += taken
            rough_steps += taken if is_rough else 0
            orders += sent
            endings.update(ended)
        storms += 1
        seed += 1
    found = {
        "steps": steps, "rough_steps": rough_steps, "storms": storms, "orders": orders, "endings": dict(endings),
        "broken": broken, "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(found))
    return 1 if broken else 0


def _rough(kind: str, seed: int) -> tuple[int, int, list[str]]:
    storm, watcher = survive(kind, seed, steps=PRICES, calm=CALM)
    return storm.steps, len(watcher.used), [reason.value for reason in watcher.ended.values()]


def _plain(kind: str, seed: int) -> tuple[int, int, list[str]]:
    watcher = Invariants()
    storm = Storm(seed, watcher, others_trade=kind == "with others", restarts=kind == "with restarts")
    storm.run(PRICES)
    storm.calm_down(CALM)
    assert storm.engine.book.quantity == storm.venue.quantity, "positions are not the venue's"
    return storm.steps, watcher.orders, [reason.value for reason in watcher.ended.values()]


if __name__ == "__main__":
    sys.exit(main())
