"""What a tape holds, for a person and for programs: span, rows, holes, repetitions, bad rows, the worst hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.adapters.tapes.contents import TapeSurvey
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.formats import read_tape
from bot.adapters.tapes.source import (
    BAR_KINDS,
    TapeArgument,
    TapeKind,
    files_of,
    guess_market,
    parse_tape_argument,
    stands_for,
)
from bot.adapters.tapes.survey import survey_markets
from bot.app.tape.hours import Hour, HourWatch
from bot.app.tape.instruments import tape_instrument
from bot.domain.market import Candle, IndexPrice, MarkPrice, Trade
from bot.domain.scale import to_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The hours are looked for in the kind that says most of what one could have traded at.
_HOURLY = (TapeKind.TRADES, TapeKind.CANDLES, TapeKind.MARK, TapeKind.INDEX)


def inspect_tape(text: str) -> list[dict[str, Any]]:
    """Return what ``[SYMBOL[@KIND]=]PATH`` holds, of each of its markets or of the one that is named.

    Raises InputError when it cannot be read.
    """
    argument = parse_tape_argument(text)
    surveys = survey_markets(argument.path, argument.kind)
    symbol = argument.symbol
    if symbol is not None and len(surveys) > 1:
        surveys = tuple(survey for survey in surveys if stands_for(survey.market, symbol))
    return [_described(survey, hours=_hours(argument, survey)) for survey in surveys]


def time_text(ns: int) -> str:
    """Return a time as ISO 8601 UTC, to the second, or to the microsecond where it is not whole."""
    return (_EPOCH + timedelta(microseconds=ns // 1_000)).isoformat().replace("+00:00", "Z")


def _described(survey: TapeSurvey, *, hours: HourWatch | None) -> dict[str, Any]:
    faults, price_digits = survey.faults, survey.price_digits
    has_prices = survey.high > 0
    return {
        "path": str(survey.path),
        "files": len(files_of(survey.path)),
        "format": survey.layout,
        "market": survey.market or guess_market(survey.path) or None,
        "kinds": {kind.value: rows for kind, rows in survey.kinds.items()},
        "rows": survey.rows,
        "first_ts": time_text(survey.first_ts),
        "last_ts": time_text(survey.last_ts),
        "bar_seconds": None if survey.span_ns is None else survey.span_ns / 1e9,
        "price_digits": price_digits,
        "quantity_digits": survey.quantity_digits,
        "low": to_text(survey.low, price_digits) if has_prices else None,
        "high": to_text(survey.high, price_digits) if has_prices else None,
        "gaps": {
            "count": faults.gaps,
            "bars_missing": faults.bars_missing,
            "longest_seconds": faults.gap_max_ns / 1e9,
            "book": faults.book_gaps,
            "longest_silence_seconds": survey.silence_max_ns / 1e9,
        },
        "duplicates": faults.duplicates,
        "left_out": faults.left_out,
        "bad_rows": faults.rows_bad,
        "faults": {reason.name.lower(): rows for reason, rows in sorted(faults.counts.items(), key=_by_name)},
        "samples": [
            {"place": sample.place(survey.path), "reason": sample.reason.value, "text": sample.text}
            for sample in faults.samples
        ],
        "worst_hour": {
            "fall": _hour(hours.fall if hours else None, survey.quantity_digits),
            "rise": _hour(hours.rise if hours else None, survey.quantity_digits),
        },
    }


def _by_name(entry: tuple[Any, int]) -> str:
    return str(entry[0].name)


def _hour(hour: Hour | None, quantity_digits: int) -> dict[str, Any] | None:
    if hour is None:
        return None
    return {"ts": time_text(hour.at), "ratio": hour.ratio, "volume": to_text(hour.volume, quantity_digits)}


def _hours(argument: TapeArgument, survey: TapeSurvey) -> HourWatch | None:
    kind = next((kind for kind in _HOURLY if kind in survey.kinds), None)
    if kind is None:
        return None
    instrument = tape_instrument(survey.market, survey.price_digits, survey.quantity_digits)
    watch = HourWatch(survey.span_ns if kind in BAR_KINDS else None)
    wanted = argument if argument.kind is not None or len(survey.kinds) == 1 else _only(argument, kind)
    for stream in read_tape(wanted, survey.market, instrument, TapeFaults()):
        for low, high, volume, now in _ranges(stream):
            watch.add(now=now, low=low, high=high, volume=volume)
    watch.close()
    return watch


def _only(argument: TapeArgument, kind: TapeKind) -> TapeArgument:
    return TapeArgument(argument.symbol, kind, argument.path)


def _ranges(facts: Iterator[Any]) -> Iterator[tuple[int, int, int, int]]:
    for fact in facts:
        match fact:
            case Candle():
                yield fact.low, fact.high, fact.volume, fact.opened
            case Trade():
                yield fact.price, fact.price, fact.quantity, fact.now
            case MarkPrice() | IndexPrice():
                yield fact.price, fact.price, 0, fact.now


def render(found: dict[str, Any]) -> str:
    """Return one market of a tape in lines for a person."""
    gaps = found["gaps"]
    bar = "" if found["bar_seconds"] is None else f", bars of {found['bar_seconds']:g} s"
    lines = [
        f"{found['path']}: {found['format']}{bar}" + (f", {found['files']} files" if found["files"] > 1 else ""),
        f"  market      {found['market'] or 'the file does not say'}",
        f"  holds       {', '.join(f'{rows:,} {kind}' for kind, rows in found['kinds'].items())}",
        f"  from        {found['first_ts']}",
        f"  to          {found['last_ts']}",
    ]
    if found["low"] is not None:
        lines.append(f"  prices      {found['low']} to {found['high']}, {found['price_digits']} decimals")
    lines += [
        f"  gaps        {gaps['count']} holes, {gaps['bars_missing']} bars missing, {gaps['book']} breaks of the book; "
        f"longest silence {gaps['longest_silence_seconds']:g} s",
        f"  left out    {found['duplicates']} repeated, {found['left_out']} without a fact for us",
        f"  bad rows    {found['bad_rows']}",
    ]
    lines += [f"    {sample['place']}: {sample['reason']}" for sample in found["samples"]]
    for word, hour in found["worst_hour"].items():
        if hour is not None:
            lines.append(f"  worst {word}  {hour['ratio']:+.2%} in the hour to {hour['ts']}, volume {hour['volume']}")
    return "\n".join(lines)
