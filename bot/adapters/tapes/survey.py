"""What a tape holds, found in one pass."""

from __future__ import annotations

from pathlib import Path

from bot.adapters.tapes.contents import TapeSurvey
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.formats import detect
from bot.adapters.tapes.layout import Layout
from bot.adapters.tapes.source import TapeKind
from bot.adapters.tapes.survey_columns import survey_columns
from bot.adapters.tapes.survey_facts import survey_facts
from bot.domain.errors import InputError


def survey(path: Path, kind: TapeKind | None) -> TapeSurvey:
    """Read a tape of one market once and return what it holds; ``kind`` None takes what the columns say.

    Raises InputError when the file cannot be read, has no good row, or more bad rows than good ones: a
    tape of which most is refused would replay as a market that never was; and when it holds several markets.
    """
    found = survey_markets(path, kind)
    if len(found) > 1:
        names = ", ".join(each.market for each in found)
        raise InputError(f"tape {path}: holds {len(found)} markets, {names[:200]}; say which: SYMBOL={path}")
    return found[0]


def survey_markets(path: Path, kind: TapeKind | None) -> tuple[TapeSurvey, ...]:
    """Read a tape once and return what it holds of each market, in the order in which they appear."""
    found = detect(path, kind)
    faults = TapeFaults()
    if isinstance(found, Layout):
        surveys = survey_columns(path, found, faults)
    else:
        surveys = survey_facts(path, found, kind, faults)
    if not surveys and not faults.rows_bad:
        what = "fact" if kind is None else kind.value
        raise InputError(f"tape {path}: holds no {what}; `tape inspect` shows what it has")
    if sum(each.rows for each in surveys) <= faults.rows_bad:
        first = ""
        if faults.samples:
            sample = faults.samples[0]
            first = f"; {sample.place(path)}: {sample.reason.value}, was {sample.text[:60]!r}"
        rows_good = sum(each.rows for each in surveys)
        raise InputError(f"tape {path}: {rows_good} good rows and {faults.rows_bad} bad ones{first}; mend the file")
    return surveys
