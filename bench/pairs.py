"""Every two bundled rules on one book through generated markets: no undoing of each other, every goal accounted for.

    python -m bench.pairs [--markets N] [--first M] [--jobs N] [--kept FILE]

What must hold is in ``tests.engine.pairs``: positions only shrink, never below the deepest of the plans (wishes are
not added up), a deleverage leaves no greater net behind, and whatever is not done in a calm has a reason.

A market is generated once. In it every rule is run alone while all others watch, and then every pair that may meet;
for all other pairs the run of both is that of one alone, so it is judged already (``tests.engine.test_pairs`` runs
some of them all the same). With ``--kept`` what is done is kept, a line for each market, and a run that was cut short
goes on from there. Prints one JSON object last; exits 1 when any run failed, or when too few pairs ever fired together
to prove anything.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from multiprocessing import get_context
from pathlib import Path

import msgspec

from tests.engine.pairs import Verdict, alone, bundled, judged, may_meet, pairs

MARKETS = 200
JOBS = 2
MET_MIN = 0.75                       # of the pairs: a take-profit and a time stop for losers seldom fire on one book


class Found(msgspec.Struct):
    """What came of all rules and pairs in one market."""

    market: int
    solos: int = 0
    runs: int = 0                    # of pairs; all other pairs are settled by the solos
    both_fired: list[str] = []
    fires: dict[str, int] = {}
    ends: dict[str, int] = {}
    unmet: dict[str, int] = {}
    orders: int = 0
    failures: list[str] = []
    seconds: float = 0.0

    def add(self, verdict: Verdict) -> None:
        """Count a run."""
        self.fires = Counter(self.fires) + verdict.fired
        self.ends = Counter(self.ends) + verdict.ends
        self.unmet = Counter(self.unmet) + Counter(verdict.unmet)
        self.orders += verdict.orders


def look_at(market: int) -> Found:
    """Run every rule and every pair that may meet through one market."""
    found = Found(market)
    started = time.process_time()
    solos: dict[str, Verdict] = {}
    for name in bundled():
        found.solos += 1
        try:
            solos[name] = alone(name, market)
            found.add(solos[name])
        except AssertionError as error:
            found.failures.append(_failure((name,), market, error))
    for pair in pairs():
        if solos.keys() >= set(pair) and not may_meet(pair, solos):
            continue
        found.runs += 1
        try:
            verdict = judged(pair, market)
        except AssertionError as error:
            found.failures.append(_failure(pair, market, error))
            continue
        found.add(verdict)
        if len(verdict.fired) == len(pair):
            found.both_fired.append(" + ".join(pair))
    found.seconds = time.process_time() - started
    return found


def _failure(names: Iterable[str], market: int, error: AssertionError) -> str:
    return f"{' + '.join(names)} in market {market}: {str(error).splitlines()[0]}"


def main(arguments: list[str] | None = None) -> int:
    """Run the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.pairs")
    parser.add_argument("--markets", type=int, default=MARKETS, help="how many markets each pair goes through")
    parser.add_argument("--first", type=int, default=0, help="the number of the first market")
    parser.add_argument("--jobs", type=int, default=JOBS, help="processes")
    parser.add_argument("--kept", type=Path, help="a file of results to go on from, and to add to")
    asked = parser.parse_args(arguments)
    started = time.perf_counter()
    found = list(_kept(asked.kept, range(asked.first, asked.first + asked.markets)))
    todo = sorted(set(range(asked.first, asked.first + asked.markets)) - {each.market for each in found})
    with get_context("fork").Pool(asked.jobs) as pool:
        for each in pool.imap_unordered(look_at, todo):
            found.append(each)
            _keep(asked.kept, each)
            failures = sum(len(one.failures) for one in found)
            print(f"market {each.market}: {len(found)} markets, {failures} failures", file=sys.stderr, flush=True)
    return _report(found, asked.markets, time.perf_counter() - started)


def _report(found: list[Found], markets: int, seconds: float) -> int:
    counts: dict[str, Counter[str]] = {"fires": Counter(), "ends": Counter(), "unmet": Counter()}
    met: Counter[str] = Counter()
    for each in found:
        counts["fires"].update(each.fires)
        counts["ends"].update(each.ends)
        counts["unmet"].update(each.unmet)
        met.update(each.both_fired)
    failures = sorted(failure for each in found for failure in each.failures)
    runs, judgements = sum(each.runs for each in found), len(pairs()) * len(found)
    share = len(met) / len(pairs())
    print(json.dumps({
        "pairs": len(pairs()), "markets": len(found), "judged": judgements, "runs": runs,
        "settled_alone": judgements - runs, "solos": sum(each.solos for each in found),
        "both_fired": met.total(), "pairs_that_met": len(met), "pairs_that_met_share": round(share, 3),
        "never_met": [name for name in map(" + ".join, pairs()) if name not in met],
        "orders": sum(each.orders for each in found), "fires": dict(sorted(counts["fires"].items())),
        "episode_ends": dict(sorted(counts["ends"].items())),
        "unmet_with_reason": dict(sorted(counts["unmet"].items())), "failures": failures,
        "cpu_seconds": round(sum(each.seconds for each in found), 1), "seconds": round(seconds, 1),
    }))
    return 1 if failures or (markets >= MARKETS and share < MET_MIN) else 0


def _kept(path: Path | None, wanted: range) -> Iterator[Found]:
    """Yield the results of an earlier run for the markets that are asked for."""
    if path is None or not path.exists():
        return
    for line in path.read_bytes().splitlines():
        each = msgspec.json.decode(line, type=Found)
        if each.market in wanted:
            yield each


def _keep(path: Path | None, found: Found) -> None:
    if path is not None:
        with path.open("ab") as file:
            file.write(msgspec.json.encode(found) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
