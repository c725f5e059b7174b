"""What the bundled rules save and cost on recorded crashes, and on calm days.

    python -m bench.rescue [--tapes DIR] [--every 15m] [--leverage 5,10,20] [--docs FILE] [--jobs N] [--json]

Every entry is an account of its own; see ``bench.rescue``. Progress goes to standard error. Prints a table of all
tapes together and, last, one JSON object with a row for each tape, strategy and leverage.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.rescue.frontier import CURVE_LEVERAGE, frontier_books, frontier_svg
from bench.rescue.page import FRONTIER_SECTION, SECTIONS, sections, table, write_page
from bench.rescue.passage import HORIZON, Plan
from bench.rescue.rows import groups, losses_of, rows_of, rows_together, verdict
from bench.rescue.strategy import Strategy, bundled, of_files, written
from bench.rescue.tape import RescueTape, find_tapes
from bench.rescue.work import Task, work_through
from bot.domain.errors import InputError
from bot.domain.scale import CASH_UNIT, NS_PER_HOUR, NS_PER_MINUTE

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the table; return the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        tapes, left_out = find_tapes(asked.tapes)
        with tempfile.TemporaryDirectory() as folder:
            own = tuple(of_files(text) for text in asked.book)
            return _perform(asked, tapes, left_out, (*_chosen(asked.strategies, Path(folder)), *own))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2


def _perform(
    asked: argparse.Namespace,
    tapes: list[RescueTape],
    left_out: list[tuple[str, str]],
    chosen: tuple[Strategy, ...],
) -> int:
    started = time.perf_counter()
    tapes = [tape for tape in tapes if not asked.only or any(word in tape.name for word in asked.only)]
    tasks = [
        Task(tape, sign, chosen, _plan(asked, is_major=tape.is_major), asked.keep)
        for tape in tapes for sign in tape.kind.signs
    ]
    passed = list(work_through(tasks, asked.jobs))
    body = {
        "plan": {
            "every_minutes": asked.every, "others_every_minutes": asked.others_every or asked.every,
            "leverages": asked.leverage, "horizon_hours": HORIZON // NS_PER_HOUR, "notional": asked.notional,
        },
        "tapes": len(tapes),
        "left_out": left_out,
        "verdict": verdict(passed),
        "losses": losses_of(passed),
        "together": [row for label, some in groups(passed) for row in rows_together(label, some)],
        "rows": rows_of(passed),
        "seconds": round(time.perf_counter() - started, 1),
    }
    if asked.docs is not None:
        parts = sections(passed, body)
        write_page(asked.docs, {name: parts[name] for name in asked.sections or parts})
        if FRONTIER_SECTION in (asked.sections or parts):
            wild = rows_together("", [each for each in passed if each.kind != "calm"])
            drawing = frontier_svg(wild, CURVE_LEVERAGE)
            asked.docs.with_name(f"{asked.docs.stem}-frontier.svg").write_text(drawing, encoding="utf-8")
    if not asked.json:
        for label, some in groups(passed):
            print(table(label, rows_together(label, some)))
    print(msgspec.json.encode(body).decode())
    return 0


def _chosen(names: str, folder: Path) -> tuple[Strategy, ...]:
    """Return strategies by name, or by the name of a group; books made for this are written to ``folder``."""
    groups = {"bundled": bundled(), "frontier": written(frontier_books(), folder)}
    known = {strategy.name: strategy for group in groups.values() for strategy in group}
    chosen: dict[str, Strategy] = {}
    for name in (part.strip() for part in names.split(",")):
        if name not in groups and name not in known:
            raise InputError(f"--strategies {names}: there is no {name!r}; there are {', '.join((*groups, *known))}")
        chosen |= {strategy.name: strategy for strategy in groups.get(name) or (known[name],)}
    return tuple(chosen.values())


def _plan(asked: argparse.Namespace, *, is_major: bool) -> Plan:
    every = asked.every if is_major or not asked.others_every else asked.others_every
    return Plan(
        every=every * NS_PER_MINUTE, leverages=tuple(asked.leverage), notional=asked.notional * CASH_UNIT
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench.rescue", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = Path(os.environ.get("PENSTOCK_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--tapes", type=Path, default=shared / "data" / "candles", help="folder of minute candles")
    parser.add_argument("--only", action="append", default=[], help="only tapes with this in their name; may repeat")
    parser.add_argument("--every", type=_minutes, default=15, help="time between entries, such as 15m")
    parser.add_argument("--others-every", type=_minutes, help="the same for coins other than BTC and ETH")
    parser.add_argument("--leverage", type=_leverages, default=[5, 10, 20], help="such as 5,10,20")
    parser.add_argument("--notional", type=int, default=100_000, help="value of the position at entry, USDT")
    parser.add_argument(
        "--strategies", default="bundled", help="names or groups, with commas: bundled, frontier, or some of them"
    )
    parser.add_argument(
        "--book", action="append", default=[], metavar="FILE[+FILE]",
        help="a strategy of your own: rule books that are loaded together; may repeat",
    )
    parser.add_argument("--docs", type=Path, help="write the tables into this page, between its markers")
    parser.add_argument(
        "--section", action="append", dest="sections", choices=SECTIONS, help="of the page, only this; may repeat"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--keep", type=Path, help="folder for results, so that a sweep can be resumed")
    parser.add_argument("--json", action="store_true", help="print the JSON object and nothing else")
    return parser


def _minutes(text: str) -> int:
    number = text.removesuffix("m").removesuffix("h")
    if not number.isdigit() or not int(number):
        raise argparse.ArgumentTypeError(f"must be minutes such as 15m, was {text}")
    return int(number) * (60 if text.endswith("h") else 1)


def _leverages(text: str) -> list[int]:
    found = [int(part) for part in text.split(",") if part.strip().isdigit()]
    if not found or not all(1 < leverage <= 20 for leverage in found):
        raise argparse.ArgumentTypeError(f"must be whole numbers from 2 to 20 with commas, was {text}")
    return found


if __name__ == "__main__":
    sys.exit(main())
