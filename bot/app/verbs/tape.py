"""``penstock tape inspect|import|convert|cut|generate``: markets, looked over and written in our forms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.app.cli_codes import EXIT_GOOD
from bot.app.generated import open_generated_tape
from bot.app.tape.cutting import cut, read_time
from bot.app.tape.inspection import inspect_tape, render
from bot.app.tape.source import open_market
from bot.app.tape.writing import write_tape
from bot.domain.errors import InputError


def tape_verb(
    action: str, tapes: Sequence[str], *, start: str | None, end: str | None, out: Path | None, as_json: bool
) -> int:
    """Do one action; raises InputError when its arguments do not go together."""
    if (start is not None or end is not None) is not (action == "cut"):
        raise InputError(f"tape {action}: --from and --to go with cut, and cut needs one of them; see `tape --help`")
    if action == "inspect":
        if out is not None:
            raise InputError("tape inspect: writes nothing, was given --out; leave it out")
        return _inspect(tapes, as_json=as_json)
    if out is None:
        raise InputError(f"tape {action}: needs --out FILE; end it in .tape, .csv, .csv.gz or .parquet")
    if action != "import" and len(tapes) > 1:
        raise InputError(f"tape {action}: takes one tape, was {len(tapes)}; `tape import` puts several into one")
    if action == "generate":
        return _generate(tapes[0], out, as_json=as_json)
    return _write(tapes, read_time("--from", start), read_time("--to", end), out, as_json=as_json)


def _inspect(tapes: Sequence[str], *, as_json: bool) -> int:
    found = [market for text in tapes for market in inspect_tape(text)]
    if as_json:
        print(json.dumps({"tapes": found}))
    else:
        print("\n\n".join(render(market) for market in found))
    return EXIT_GOOD


def _generate(text: str, out: Path, *, as_json: bool) -> int:
    tape = open_generated_tape(text)
    written = write_tape(out, tape.header, tape.facts())
    if as_json:
        print(json.dumps({"out": str(out), "symbol": tape.header.symbol, "facts": written}))
    else:
        print(f"{out}: {written:,} facts of {tape.header.symbol}, generated")
    return EXIT_GOOD


def _write(tapes: Sequence[str], start: int | None, end: int | None, out: Path, *, as_json: bool) -> int:
    market = open_market(tapes)
    facts = market.facts()
    written = write_tape(out, market.header, facts if start is None and end is None else cut(facts, start, end))
    done: dict[str, Any] = {
        "out": str(out),
        "symbol": market.symbol or None,
        "facts": written,
        "bad_rows": sum(faults.rows_bad for faults in market.faults),
        "duplicates": sum(faults.duplicates for faults in market.faults),
        "book_gaps": sum(faults.book_gaps for faults in market.faults),
    }
    if as_json:
        print(json.dumps(done))
    else:
        print(f"{out}: {written:,} facts of {market.symbol or 'a market without a name'}; left out "
              f"{done['bad_rows']} bad rows and {done['duplicates']} repeated")
    return EXIT_GOOD
