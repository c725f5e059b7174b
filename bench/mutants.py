"""Make each mistake of a table in a copy of the program, and see the named test notice it.

    python -m bench.mutants [--only TEXT]

The table is ``bench.mutant_table``. A mutant is killed when its test fails, and alive when it passes; a test that
could not run at all (no such test) counts as alive. Prints one JSON object last; exits 1 when any is alive.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.mutant_table import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    "bot", "paper", "tests", "bench", "strategies", "config", "docs", "pyproject.toml", "README.md", "CHANGELOG.md",
)
FAILED = 1                           # pytest's exit code when tests ran and some failed; 2 is an error in a file
TIME_MAX = 300                       # seconds for one test; a mutant that hangs is noticed, too


def main(arguments: list[str] | None = None) -> int:
    """Run the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.mutants")
    parser.add_argument("--only", default="", help="only those whose name holds this text")
    asked = parser.parse_args(arguments)
    started = time.perf_counter()
    alive: list[str] = []
    chosen = [mutant for mutant in MUTANTS if asked.only in mutant.name]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "program"
        copy.mkdir()
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy2(source, copy / name)
        for mutant in chosen:
            killed = _is_killed(mutant, copy)
            print(f"{'killed' if killed else 'ALIVE '}  {mutant.name}", file=sys.stderr, flush=True)
            if not killed:
                alive.append(mutant.name)
    found = {
        "mutants": len(chosen), "killed": len(chosen) - len(alive), "alive": alive,
        "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(found))
    return 1 if alive else 0


def mutated(mutant: Mutant, text: str) -> str:
    """Return the text of a file with the mistake in it; raises ValueError unless its place is there, once."""
    if text.count(mutant.old) != 1:
        raise ValueError(
            f"mutant {mutant.name!r}: its text stands {text.count(mutant.old)} times in {mutant.path}; "
            "let it follow the code"
        )
    return text.replace(mutant.old, mutant.new)


def _is_killed(mutant: Mutant, copy: Path) -> bool:
    path = copy / mutant.path
    sound = path.read_text(encoding="utf-8")
    path.write_text(mutated(mutant, sound), encoding="utf-8")
    shared = os.environ.get("PENSTOCK_SHARED", str(ROOT.parent / "shared"))
    environ = {**os.environ, "PENSTOCK_SHARED": shared, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", mutant.test],
            cwd=copy, env=environ, capture_output=True, timeout=TIME_MAX, check=False,
        )
        return done.returncode == FAILED
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_text(sound, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
