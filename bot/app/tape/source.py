"""What is taken from one or several tapes of one market: every fact in time order, exactly, bars not walked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.adapters.tapes.contents import TapeSurvey
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.formats import read_tape
from bot.adapters.tapes.kinds import FACT_KINDS, TapeFact
from bot.adapters.tapes.merge import merge
from bot.adapters.tapes.packed import Header
from bot.adapters.tapes.source import TapeArgument, guess_market, parse_tape_argument, stands_for, venue_id
from bot.adapters.tapes.survey import survey_markets
from bot.app.tape.instruments import tape_instrument
from bot.domain.errors import InputError


@dataclass(frozen=True)
class MarketTapes:
    """Tapes of the market called ``symbol``; numbers are exact at the digits."""

    symbol: str
    price_digits: int
    quantity_digits: int
    tapes: tuple[tuple[TapeArgument, TapeSurvey], ...]

    @property
    def faults(self) -> list[TapeFaults]:
        return [survey.faults for _, survey in self.tapes]

    @property
    def header(self) -> Header:
        """Return the header of our own tape of them."""
        kinds = {kind for _, survey in self.tapes for kind in survey.kinds}
        codes = tuple(each.code for each in FACT_KINDS if each.kind in kinds)
        return Header(self.symbol, self.price_digits, self.quantity_digits, codes)

    def facts(self) -> Iterator[TapeFact]:
        """Yield the facts of all tapes by time; at equal times in the order in which the tapes were named."""
        instrument = tape_instrument(self.symbol, self.price_digits, self.quantity_digits)
        return merge([
            stream for argument, survey in self.tapes for stream in read_tape(argument, survey.market, instrument)
        ])


def open_market(texts: Sequence[str]) -> MarketTapes:
    """Survey tapes written as ``[SYMBOL[@KIND]=]PATH``; raises InputError when they are not of one market."""
    tapes = [_one(text) for text in texts]
    names = [argument.symbol or survey.market or guess_market(argument.path) for argument, survey in tapes]
    known = [name for name in names if name]
    symbol = known[0] if known else ""
    for name in known:
        if venue_id(name) != venue_id(symbol) and not stands_for(name, symbol):
            raise InputError(f"tape: one file holds one market, was {symbol} and {name}; write them to two")
    digits = [survey.digits_exact for _, survey in tapes]
    return MarketTapes(symbol, max(price for price, _ in digits), max(amount for _, amount in digits), tuple(tapes))


def _one(text: str) -> tuple[TapeArgument, TapeSurvey]:
    argument = parse_tape_argument(text)
    surveys = survey_markets(argument.path, argument.kind)
    symbol = argument.symbol
    if len(surveys) > 1:
        surveys = tuple(survey for survey in surveys if symbol is not None and stands_for(survey.market, symbol))
    if len(surveys) != 1:
        held = ", ".join(survey.market for survey in survey_markets(argument.path, argument.kind))[:200]
        raise InputError(f"tape {argument.path}: holds {held}; say which: SYMBOL={argument.path}")
    return argument, surveys[0]
