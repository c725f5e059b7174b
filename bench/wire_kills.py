"""Kill -9 over the wire at every HTTP request and every commit of six short stories (RELIABILITY T2).

    python -m bench.wire_kills [--every N] [--story NAME]

The daemon is a real process with unmodified ccxt in it; the exchange is the paper one on real sockets, and outlives it.
A kill at an odd request comes before the exchange hears it, at an even one after it was carried out; at an odd commit
before it, at an even one after. Each story is told again and again, killed one request (commit) later each time, until
it outlives its number. What must hold is in ``tests.live.killing``. Prints one JSON object last; exits 1 when any ended
otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.live.killing import End, Script, judge, scripts, tell

NUMBER_MAX = 400                     # a story has some sixty requests; one that never ends is a fault


@dataclass
class Row:
    """What came of one story: how many kills at requests and commits, and each that ended badly."""

    requests: int = 0
    commits: int = 0
    failures: list[str] = field(default_factory=list)


def main(arguments: list[str] | None = None) -> int:
    """Tell the stories; return the exit code."""
    known = scripts()
    parser = argparse.ArgumentParser(prog="bench.wire_kills")
    parser.add_argument("--every", type=int, default=1, help="only each N-th request and commit")
    parser.add_argument("--story", choices=known, action="append", help="only this one; may be given again")
    asked = parser.parse_args(arguments)
    began = time.perf_counter()
    table = {name: _enumerate(known[name], asked.every) for name in asked.story or known}
    failures = sum(len(row.failures) for row in table.values())
    print(json.dumps({
        "stories": {name: asdict(row) for name, row in table.items()},
        "kills": sum(row.requests + row.commits for row in table.values()), "failures": failures,
        "seconds": round(time.perf_counter() - began, 1),
    }))
    return 1 if failures else 0


def _enumerate(script: Script, every: int) -> Row:
    row = Row()
    whole = _told(script, {})
    if isinstance(whole, str) or whole.is_killed:
        row.failures.append(f"undisturbed: {whole}")
        return row
    for what in ("request", "commit"):
        for number in range(1, NUMBER_MAX, every):
            end = _told(script, {what: number})
            if isinstance(end, str):
                row.failures.append(f"{what} {number}: {end}")
                continue
            if not end.is_killed:
                break
            setattr(row, f"{what}s", getattr(row, f"{what}s") + 1)
            row.failures += [f"{what} {number}: {fault}" for fault in judge(whole, end)]
            print(script.name, what, number, row.failures[-1:], file=sys.stderr, flush=True)
    return row


def _told(script: Script, kill: dict[str, int]) -> End | str:
    """Return the end of a story, or what went wrong with telling it."""
    with tempfile.TemporaryDirectory(prefix="wire-") as folder:
        try:
            return asyncio.run(tell(Path(folder), script, **kill))
        except (AssertionError, TimeoutError) as error:
            return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
