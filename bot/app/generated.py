"""Generated markets by name: what ``MARKET[:SEED]`` on the command line stands for.

A market is one of the scenarios of ``paper.generate`` and has every kind of fact. A seed alone is the demonstration's
market: the crash, trades only.
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
from bot.app.markets import FIRST_SECOND, GeneratedMarket, MarketSource, RecordedMarket, TapeEvent, make_instrument
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.run import TapeSource
from bot.domain.scale import NS_PER_SECOND
from paper.generate.scenario import SCENARIOS, Scenario, scenario_of

SEED_DEFAULT = 3                     # that of the demonstration: its lows lie near those of 2020
SYMBOL_DEFAULT = "BTC/USDT:USDT"
CHEAP_BELOW = 10                     # coins below this price are quoted in finer ticks
_FORM = re.compile(r"(?P<kind>[a-z_]+)(:(?P<seed>[0-9]+))?")


@dataclass(frozen=True)
class ScenarioMarket:
    """A generated market of one kind, with books, marks, funding and forced closings."""

    scenario: Scenario
    seed: int
    instruments: tuple[Instrument, ...]

    @classmethod
    def open(cls, kind: str, seed: int, symbols: Sequence[str]) -> ScenarioMarket:
        """Make the instruments; raises InputError for a kind that is not there, or symbols it has no model for."""
        _require_known(symbols)
        market = cls(
            scenario_of(kind), seed, tuple(_instrument(index, symbol) for index, symbol in enumerate(symbols))
        )
        market.events(lambda _: 0)       # refuses at once what cannot be generated
        return market

    @property
    def sources(self) -> tuple[TapeSource, ...]:
        """Return kind and seed in place of a file, so that a run is taken up over the same prices only."""
        return (TapeSource(f"generated {self.scenario.name}, seed {self.seed}", ""),)

    @property
    def modelled(self) -> tuple[str, ...]:
        return (
            f"market: generated, {self.scenario.name}, seed {self.seed}; no price of it was ever traded",
            "book: generated, and it does not answer to our orders beyond what they take",
        )

    @property
    def span(self) -> tuple[int, int]:
        return FIRST_SECOND, FIRST_SECOND + self.scenario.span_seconds * NS_PER_SECOND

    def events(self, held_sign: HeldSign) -> Iterator[TapeEvent]:
        """Yield the generated facts; ``held_sign`` plays no part, since nothing of them needs walking."""
        from paper.generate.market import generate  # numpy, which a replay of candles need not load

        del held_sign
        return cast("Iterator[TapeEvent]", generate(self.scenario, self.seed, self.instruments, start=FIRST_SECOND))


def _require_known(symbols: Sequence[str]) -> None:
    """Refuse a coin that no generated market has figures of."""
    from paper.generate.market import ALL_CHARACTERS

    for symbol in symbols:
        if symbol.partition("/")[0] not in ALL_CHARACTERS:
            raise InputError(
                f"generated market: has no figures of the coin, was {symbol}, known are "
                f"{', '.join(sorted(ALL_CHARACTERS))}; give recorded prices, --tape {symbol}=PATH, or take one of those"
            )


def _instrument(index: int, symbol: str) -> Instrument:
    from paper.generate.market import ALL_CHARACTERS

    found = ALL_CHARACTERS.get(symbol.partition("/")[0])
    is_cheap = found is not None and found.open_price < CHEAP_BELOW
    return make_instrument(index, symbol, price_digits=4 if is_cheap else 2, quantity_digits=3)


def open_generated(text: str, symbols: Sequence[str]) -> GeneratedMarket | ScenarioMarket:
    """Return the market that ``MARKET[:SEED]``, or a seed alone, stands for; raises InputError."""
    if text.isascii() and text.isdigit():
        return GeneratedMarket.open(int(text), symbols)
    kind, seed = _parse(text, f"--generate {text}")
    return ScenarioMarket.open(kind, seed, symbols)


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
    """Return what ``[SYMBOL[@KIND]=]MARKET[:SEED]`` stands for; raises InputError."""
    argument = parse_tape_argument(text)
    kind, seed = _parse(str(argument.path), f"tape generate {text}")
    symbol = argument.symbol or SYMBOL_DEFAULT
    market = ScenarioMarket.open(kind, seed, [symbol])
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
