"""Which tape speaks of which instrument, and its facts as an account lives through them.

A ``--tape`` is bound by the symbol the user wrote, else by the file's name, else by what the file calls its
markets; one file may hold several. An instrument takes any number of tapes, but each kind of fact once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.adapters.tapes.bars import price_of
from bot.adapters.tapes.contents import TapeSurvey
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.formats import read_tape
from bot.adapters.tapes.kinds import TapeFact
from bot.adapters.tapes.source import TapeArgument, TapeKind, match_symbol, parse_tape_argument, stands_for
from bot.adapters.tapes.survey import survey_markets
from bot.adapters.tapes.walk import walk
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.market import Candle

HeldSign = Callable[[int], int]
"""Instrument index -> sign of what the simulated venue's accounts hold of it."""

PRICED = frozenset({TapeKind.TRADES, TapeKind.CANDLES})
# What is traded, in the digits that it is traded in; a mark or an average has more.
TRADED = PRICED | {TapeKind.BOOK, TapeKind.QUOTES}


@dataclass(frozen=True, slots=True)
class BoundTape:
    """One market of one ``--tape``, for one instrument of the account."""

    argument: TapeArgument
    survey: TapeSurvey
    symbol: str

    @property
    def kinds(self) -> frozenset[TapeKind]:
        return frozenset(self.survey.kinds)


def bind_tapes(texts: Sequence[str], symbols: Sequence[str]) -> list[BoundTape]:
    """Survey the files named by ``--tape`` and say which of ``symbols`` they speak of, in the order given.

    Raises InputError when a tape fits none or several of them, or two tapes tell the same of one.
    """
    bound: list[BoundTape] = []
    for text in texts:
        for tape in _bind(text, symbols):
            for other in bound:
                if other.symbol == tape.symbol:
                    _refuse_twice(text, tape, other)
            bound.append(tape)
    return bound


def _bind(text: str, symbols: Sequence[str]) -> list[BoundTape]:
    argument = parse_tape_argument(text)
    named = match_symbol(argument, symbols)
    surveys = survey_markets(argument.path, argument.kind)
    if named is not None and len(surveys) == 1:
        return [BoundTape(argument, surveys[0], named)]      # another market may stand for it when the user says so
    wanted = symbols if named is None else [named]
    found = [
        BoundTape(argument, survey, symbol)
        for survey in surveys for symbol in wanted if survey.market and stands_for(survey.market, symbol)
    ]
    if not found:
        holds = ", ".join(survey.market for survey in surveys if survey.market)[:200]
        raise InputError(
            f"--tape {text}: which instrument is it? {f'it holds {holds}; ' if holds else ''}write one of "
            + ", ".join(f"{known}={argument.path}" for known in symbols)
        )
    for tape in found:
        fitting = [other.symbol for other in found if other.survey is tape.survey]
        if len(fitting) > 1:
            raise InputError(
                f"--tape {text}: stands for {' or '.join(fitting)}; say which: SYMBOL={argument.path}"
            )
    return found


def _refuse_twice(text: str, tape: BoundTape, other: BoundTape) -> None:
    same = tape.kinds & other.kinds or (PRICED if tape.kinds | other.kinds >= PRICED else frozenset())
    if same:
        words = " and ".join(kind.value for kind in TapeKind if kind in same)
        raise InputError(
            f"--tape {text}: there is a tape of {tape.symbol} with {words} already, {other.argument.path}; "
            f"give one, or take one kind of it: {tape.symbol}@KIND={tape.argument.path}"
        )


def digits_of(tapes: Sequence[BoundTape]) -> tuple[int, int]:
    """Return the price and quantity digits that hold what is traded on all the tapes of one instrument."""
    speaking = [tape.survey for tape in tapes if tape.kinds & TRADED] or [
        tape.survey for tape in tapes if tape.survey.high
    ]
    found = [survey.instrument_digits for survey in speaking]
    return max((price for price, _ in found), default=2), max((quantity for _, quantity in found), default=0)


def streams_of(
    tape: BoundTape, instrument: Instrument, faults: TapeFaults, held_sign: HeldSign
) -> Iterable[Iterator[TapeFact]]:
    """Return the tape's facts as streams in time order; bars are walked, the traded ones also come whole, first."""
    for stream in read_tape(tape.argument, tape.survey.market, instrument, faults):
        yield _walked(stream, held_sign) if tape.survey.span_ns is not None else stream


def _walked(facts: Iterator[TapeFact], held_sign: HeldSign) -> Iterator[TapeFact]:
    for fact in facts:
        if not isinstance(fact, Candle):
            yield fact
            continue
        if type(fact) is Candle:         # a bar of the mark is no bar of trades: the venue must not see it whole
            yield fact
        for point in walk(fact, held_sign(fact.instrument)):
            yield price_of(fact, point)
