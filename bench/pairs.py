"""Every two bundled rules on one book through generated markets: no undoing of each other, every goal accounted for.

    python -m bench.pairs [--markets N] [--first M] [--rule NAME]

What must hold is in ``tests.engine.pairs``: positions only shrink, never below the deepest of the plans (wishes are
not added up), a deleverage leaves no greater net behind, and whatever is not done in a calm has a reason. Market by
market, so that a run that is cut short has seen all pairs. Prints one JSON object last; exits 1 when any pair failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter

from tests.engine.pairs import bundled, judged, pairs

MARKETS = 200


def main(arguments: list[str] | None = None) -> int:
    """Run the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.pairs")
    parser.add_argument("--markets", type=int, default=MARKETS, help="how many markets each pair goes through")
    parser.add_argument("--first", type=int, default=0, help="the number of the first market")
    parser.add_argument("--rule", choices=tuple(bundled()), help="only pairs with this one")
    asked = parser.parse_args(arguments)
    started = time.perf_counter()
    chosen = [pair for pair in pairs() if asked.rule is None or asked.rule in pair]
    fired: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    unmet: Counter[str] = Counter()
    failures: list[str] = []
    orders = runs = together = 0
    for number in range(asked.first, asked.first + asked.markets):
        for pair in chosen:
            runs += 1
            try:
                found = judged(pair, number)
            except AssertionError as error:
                failures.append(f"{' + '.join(pair)} in market {number}: {str(error).splitlines()[0]}")
                print(failures[-1], file=sys.stderr)
                continue
            fired += found.fired
            ends += found.ends
            unmet.update(found.unmet)
            orders += found.orders
            together += len(found.fired) == len(pair)
        print(f"market {number}: {runs} runs, {len(failures)} failures", file=sys.stderr, flush=True)
    print(json.dumps({
        "pairs": len(chosen), "markets": asked.markets, "runs": runs, "both_fired": together, "orders": orders,
        "fires": dict(sorted(fired.items())), "episode_ends": dict(sorted(ends.items())),
        "unmet_with_reason": dict(sorted(unmet.items())), "failures": failures,
        "seconds": round(time.perf_counter() - started, 1),
    }))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
