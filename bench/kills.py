"""Kill -9 at every instant of eight short runs: each comes to the end that an undisturbed run comes to.

    python -m bench.kills [--every N] [--script NAME] [--twice N]

An instant lies before and after every commit of the journal and every save of the venue (see
``tests.recovery.dying``). Each is a run of its own that dies there and is then taken up to the end of its tape;
with ``--twice`` every N-th dies a second time, as many instants after its restart. What must hold is in
``tests.recovery.judging``. Prints one JSON object last; exits 1 when any run ended otherwise.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.recovery.dying import live
from tests.recovery.judging import Outcome, judge, outcome
from tests.recovery.scripts import SCRIPTS, Script


def main(arguments: list[str] | None = None) -> int:
    """Run the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.kills")
    parser.add_argument("--every", type=int, default=1, help="only each N-th instant")
    parser.add_argument("--script", choices=SCRIPTS, action="append", help="only this one; may be given again")
    parser.add_argument("--twice", type=int, default=10, help="each N-th dies twice; 0 for none")
    asked = parser.parse_args(arguments)
    started = time.perf_counter()
    table: dict[str, Row] = {}
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        for name in asked.script or SCRIPTS:
            table[name] = _enumerate(SCRIPTS[name](Path(folder) / name), Path(folder), asked.every, asked.twice)
            print(name, table[name], file=sys.stderr)
    failures = sum(len(row.failures) for row in table.values())
    found = {
        "scripts": {name: asdict(row) for name, row in table.items()},
        "kills": sum(row.kills for row in table.values()), "failures": failures,
        "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(found))
    return 1 if failures else 0


@dataclass
class Row:
    """What came of one script: how many instants an undisturbed run has, and each kill that ended badly."""

    instants: int | None
    kills: int = 0
    failures: list[str] = field(default_factory=list)


def _enumerate(script: Script, folder: Path, every: int, twice: int) -> Row:
    """Kill one script at instant 0, ``every``, 2 x ``every``, ... until a run outlives its instant."""
    calm_out = folder / "calm"
    row = Row(live(script, calm_out))
    calm = outcome(calm_out)
    _forget(calm_out)
    last = 0
    while True:
        out = folder / "run"
        again = last if twice and last // every % twice == twice - 1 else None
        killed, wrong = die_and_go_on(script, out, calm, last=last, again=again)
        _forget(out)
        if not killed:
            return row
        row.kills += killed
        if wrong is not None:
            row.failures.append(f"at {last}: {wrong}")
        last += every


def die_and_go_on(
    script: Script, out: Path, calm: Outcome, *, last: int, again: int | None = None
) -> tuple[int, str | None]:
    """Kill a run, and perhaps what took it up; return how often it was killed, and what is wrong with its end."""
    try:
        if live(script, out, last=last) is not None:
            return 0, None
        kills = 1
        if again is not None and live(script, out, last=again) is None:
            kills += 1
        if (kills == 1 and again is not None) or live(script, out) is not None:
            judge(script, out, calm)
    except AssertionError as error:
        return 1, str(error)
    return kills, None


def _forget(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.with_suffix(".log").unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
