"""Generated markets by name: what ``MARKET[:SEED][,COIN=PRICE]`` on the command line stands for.

A market is one of the scenarios of ``paper.generate`` and has every kind of fact. A seed alone is the demonstration's
market: the crash, trades only. Coins begin where their figures say, or at the price that stands behind the market.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from bot.adapters.tapes.kinds import FACT_KINDS, TapeFact, types_of
from bot.adapters.tapes.packed import Header
from bot.adapters.tapes.source import parse_tape_argument
from bot.app.bound_tapes import HeldSign
from bot.app.config import Config
from bot.app.first_prices import AS_MEASURED, FirstPrices, split_first_prices
from bot.app.markets import FIRST_SECOND, GeneratedMarket, MarketSource, RecordedMarket, TapeEvent, instruments_of
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.run import TapeSource
from bot.domain.scale import NS_PER_SECOND
from paper.generate.scenario import SCENARIOS, Scenario, scenario_of

SEED_DEFAULT = 3                     # that of the demonstration: its lows lie near those of 2020
SYMBOL_DEFAULT = "BTC/USDT:USDT"
_FORM = re.compile(r"(?P<kind>[a-z_]+)(:(?P<seed>[0-9]+))?")


@dataclass(frozen=True)
class ScenarioMarket:
    """A generated market of one kind, with books, marks, funding and forced closings."""

    scenario: Scenario
    seed: int
    instruments: tuple[Instrument, ...]
    first: FirstPrices = AS_MEASURED

    @classmethod
    def open(cls, kind: str, seed: int, symbols: Sequence[str], first: FirstPrices = AS_MEASURED) -> ScenarioMarket:
        """Make the instruments; raises InputError for a kind that is not there, or symbols it has no model for."""
        first.require(symbols)
        market = cls(scenario_of(kind), seed, instruments_of(symbols, first), first)
        market.events(lambda _: 0)       # refuses at once what cannot be generated
        return market

    @property
    def sources(self) -> tuple[TapeSource, ...]:
        """Return kind and seed in place of a file, so that a run is taken up over the same prices only."""
        return (TapeSource(f"generated {self.scenario.name}, seed {self.seed}{self.first.suffix}", ""),)

    @property
    def modelled(self) -> tuple[str, ...]:
        return (
            f"market: generated, {self.scenario.name}, seed {self.seed}{self.first.suffix}; no price of it was ever "
            "traded",
            "book: generated, and it does not answer to our orders beyond what they take",
            *self.first.modelled,
        )

    @property
    def span(self) -> tuple[int, int]:
        return FIRST_SECOND, FIRST_SECOND + self.scenario.span_seconds * NS_PER_SECOND

    def events(self, held_sign: HeldSign) -> Iterator[TapeEvent]:
        """Yield the generated facts; ``held_sign`` plays no part, since nothing of them needs walking."""
        from paper.generate.market import generate  # numpy, which a replay of candles need not load

        del held_sign
        return cast("Iterator[TapeEvent]", generate(
            self.scenario, self.seed, self.instruments, start=FIRST_SECOND, characters=self.first.characters,
        ))


def open_generated(text: str, symbols: Sequence[str]) -> GeneratedMarket | ScenarioMarket:
    """Return the market that ``MARKET[:SEED][,COIN=PRICE]``, or a seed alone, stands for; raises InputError."""
    market, first = split_first_prices(text, f"--generate {text}")
    if market.isascii() and market.isdigit():
        return GeneratedMarket.open(int(market), symbols, first)
    kind, seed = _parse(market, f"--generate {text}")
    return ScenarioMarket.open(kind, seed, symbols, first)


def open_prices(config: Config, tapes: Sequence[str], generate: str | None, *, where: str) -> MarketSource:
    """Return recorded or generated prices for a configuration; raises InputError unless exactly one is asked for."""
    if (generate is None) == (not tapes):
        raise InputError(f"{where}: a paper account needs prices; give either --tape or --generate")
    return RecordedMarket.of(config, tapes) if generate is None else open_generated(generate, config.symbols)


@dataclass(frozen=True)
class GeneratedTape:
    """One instrument of a generated market, to be written to a file: all of its facts, or those of one kind."""

    header: Header
    market: ScenarioMarket
    types: frozenset[type]

    def facts(self) -> Iterator[TapeFact]:
        """Yield the facts in time order."""
        return (fact for fact in self.market.events(lambda _: 0) if type(fact) in self.types)


def open_generated_tape(text: str) -> GeneratedTape:
    """Return what ``[SYMBOL[@KIND]=]MARKET[:SEED][,COIN=PRICE]`` stands for; raises InputError."""
    where = f"tape generate {text}"
    argument = parse_tape_argument(text)
    named, first = split_first_prices(str(argument.path), where)
    kind, seed = _parse(named, where)
    symbol = argument.symbol or SYMBOL_DEFAULT
    market = ScenarioMarket.open(kind, seed, [symbol], first)
    (instrument,) = market.instruments
    types = types_of(argument.kind)
    codes = tuple(each.code for each in FACT_KINDS if each.fact in types)
    header = Header(symbol, instrument.price_digits, instrument.quantity_digits, codes)
    return GeneratedTape(header, market, types)


def _parse(text: str, where: str) -> tuple[str, int]:
    found = _FORM.fullmatch(text)
    if found is None or found["kind"] not in SCENARIOS:
        raise InputError(
            f"{where}: is no market that can be generated; write one of {', '.join(SCENARIOS)}, or MARKET:SEED"
        )
    return found["kind"], SEED_DEFAULT if found["seed"] is None else int(found["seed"])
