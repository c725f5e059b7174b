"""A million random steps through the engine, every one looked at.

    python -m bench.storm [--steps N] [--seed N]

Seeds alternate between the storms of ``tests.engine.storm`` (the bundled rules, all orders immediate-or-cancel), those
of ``tests.recovery.storms`` (every schedule and tactic, resting orders, cancel races, ADL, funding, lost facts) and
those of ``tests.recovery.guarded_storms`` (the same with stops at the venue, per position and per group) and of
``tests.recovery.hedge_storms`` (the same over coins that are hedged), each alone, with others who trade, and with
restarts. Prints one JSON object last; exits 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter

from tests.engine.storm import Storm
from tests.engine.test_always import Invariants
from tests.recovery import guarded_storms, hedge_storms
from tests.recovery.storms import KINDS, survive

STEPS = 1_000_000
PRICES = 1_500                       # of one storm, and the seconds of calm after it
CALM = 200
TURNS = 5                            # of each kind: one rough, guarded and hedged, two plain, which decide far less


def main(arguments: list[str] | None = None) -> int:
    """Live through storms until so many steps were taken; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.storm")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=100, help="the first; each storm takes the next")
    asked = parser.parse_args(arguments)
    started = time.perf_counter()
    steps = orders = storms = 0
    steps_of: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    broken: list[str] = []
    seed = asked.seed
    while steps < asked.steps:
        kind = KINDS[seed % len(KINDS)]
        weather, live = _WEATHERS[seed // len(KINDS) % TURNS]
        try:
            taken, sent, ended = live(kind, seed)
        except AssertionError as error:
            broken.append(f"{weather} storm, {kind}, seed {seed}: {error}")
            print(broken[-1], file=sys.stderr, flush=True)
        else:
            steps += taken
            steps_of[weather] += taken
            orders += sent
            endings.update(ended)
        storms += 1
        seed += 1
    found = {
        "steps": steps, "steps_of": dict(steps_of), "storms": storms, "orders": orders, "endings": dict(endings),
        "broken": broken, "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(found))
    return 1 if broken else 0


def _rough(kind: str, seed: int) -> tuple[int, int, list[str]]:
    storm, watcher = survive(kind, seed, steps=PRICES, calm=CALM)
    return storm.steps, len(watcher.used), [reason.value for reason in watcher.ended.values()]


def _guarded(kind: str, seed: int) -> tuple[int, int, list[str]]:
    per = ("position", "group")[seed % 2]
    storm, watcher = guarded_storms.survive(f"{per}, {kind}", seed, steps=PRICES, calm=CALM)
    return storm.steps, len(watcher.used), [reason.value for reason in watcher.ended.values()]


def _hedged(kind: str, seed: int) -> tuple[int, int, list[str]]:
    storm, watcher = hedge_storms.survive(kind, seed, steps=PRICES, calm=CALM)
    return storm.steps, len(watcher.used), [reason.value for reason in watcher.ended.values()]


def _plain(kind: str, seed: int) -> tuple[int, int, list[str]]:
    watcher = Invariants()
    storm = Storm(seed, watcher, others_trade=kind == "with others", restarts=kind == "with restarts")
    storm.run(PRICES)
    storm.calm_down(CALM)
    assert storm.engine.book.quantity == storm.venue.quantity, "positions are not the venue's"
    return storm.steps, watcher.orders, [reason.value for reason in watcher.ended.values()]


_WEATHERS = (("rough", _rough), ("guarded", _guarded), ("hedged", _hedged), ("plain", _plain), ("plain", _plain))


if __name__ == "__main__":
    sys.exit(main())
