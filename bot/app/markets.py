"""Where a run's prices come from: recorded tapes, or the generator. Both offer the same three things.

Instruments (with the digits that the prices have), the merged events in time order, and what of it is
modelled rather than recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.kinds import TapeFact
from bot.adapters.tapes.merge import merge
from bot.adapters.tapes.source import TapeKind, tape_hash
from bot.app.bound_tapes import PRICED, BoundTape, HeldSign, bind_tapes, digits_of, streams_of
from bot.app.config import Config
from bot.app.first_prices import AS_MEASURED, FirstPrices
from bot.app.symbols import perpetual_of
from bot.domain.errors import InputError
from bot.domain.instrument import Filters, Instrument
from bot.domain.run import TapeSource
from bot.domain.scale import CASH_DIGITS, CASH_UNIT, NS_PER_SECOND, units_per_one

TapeEvent = TapeFact

LOT_DIGITS_MAX = 3                   # Binance lists no finer lot for a USD-M perpetual
QUANTITY_MAX_UNITS = 1_000_000       # recorded tapes say nothing of the venue's largest order
NOTIONAL_MIN = 5 * CASH_UNIT         # Binance USD-M, most symbols
FIRST_SECOND = 1_583_971_200 * NS_PER_SECOND     # 2020-03-12 00:00 UTC, the day the generator is named after


class MarketSource(Protocol):
    """What a run needs of its market."""

    @property
    def instruments(self) -> tuple[Instrument, ...]: ...

    @property
    def modelled(self) -> tuple[str, ...]: ...

    @property
    def sources(self) -> tuple[TapeSource, ...]: ...

    @property
    def span(self) -> tuple[int, int]: ...

    def events(self, held_sign: HeldSign) -> Iterator[TapeEvent]: ...


def make_instrument(index: int, symbol: str, *, price_digits: int, quantity_digits: int) -> Instrument:
    """Return a perpetual whose tick is one unit of its scale, and its lot one or a thousandth; or one contract.

    Inverse contracts are traded whole; finer digits are there for the volumes of a tape.
    """
    named = perpetual_of(symbol)
    lot = units_per_one(quantity_digits if named.is_inverse else max(0, quantity_digits - LOT_DIGITS_MAX))
    return Instrument(
        index=index,
        symbol=symbol,
        underlying=named.base,
        kind=named.kind,
        base=named.base,
        quote=named.quote,
        settle=named.settle,
        price_digits=price_digits,
        quantity_digits=quantity_digits,
        filters=Filters(
            tick=1,
            lot=lot,
            quantity_min=lot,
            quantity_max=QUANTITY_MAX_UNITS * units_per_one(quantity_digits),
            notional_min=0 if named.is_inverse else NOTIONAL_MIN,
        ),
        contract_size=named.size,
    )


def instruments_of(symbols: Sequence[str], first: FirstPrices) -> tuple[Instrument, ...]:
    """Return the perpetuals of a generated market, in the digits that their prices need."""
    return tuple(
        make_instrument(index, symbol, price_digits=first.digits_of(symbol.partition("/")[0]), quantity_digits=3)
        for index, symbol in enumerate(symbols)
    )


@dataclass(frozen=True)
class RecordedMarket:
    """Tapes from files; each instrument has any number of them, of different kinds."""

    instruments: tuple[Instrument, ...]
    tapes: tuple[BoundTape, ...]
    sources: tuple[TapeSource, ...]
    faults: dict[str, TapeFaults] = field(default_factory=dict)

    @classmethod
    def open(cls, texts: Sequence[str], symbols: Sequence[str]) -> RecordedMarket:
        """Survey the files named by ``--tape`` and make the instruments of ``symbols`` from their digits."""
        order = {symbol: index for index, symbol in enumerate(symbols)}
        # By instrument, and within one as they were given: at equal times that is the order of their facts.
        tapes = tuple(sorted(bind_tapes(texts, symbols), key=lambda tape: order[tape.symbol]))
        return cls(
            instruments=tuple(
                _instrument(index, symbol, [tape for tape in tapes if tape.symbol == symbol])
                for index, symbol in enumerate(symbols)
            ),
            tapes=tapes,
            sources=tuple(TapeSource(str(tape.argument.path), tape_hash(tape.argument.path)) for tape in tapes),
        )

    @classmethod
    def of(cls, config: Config, texts: Sequence[str]) -> RecordedMarket:
        """Open the tapes of a configuration; raises InputError when a position it begins with has no prices."""
        market = cls.open(texts, config.symbols)
        priced = {tape.symbol for tape in market.tapes if tape.kinds & PRICED}
        for name, account in config.accounts.items():
            for symbol in account.paper.positions:
                if symbol not in priced:
                    raise InputError(
                        f"accounts.{name}: holds {symbol}, and no --tape has its trades or candles; "
                        f"add --tape {symbol}=PATH"
                    )
        return market

    @property
    def modelled(self) -> tuple[str, ...]:
        """Return what is not recorded, in words."""
        notes = []
        for tape in self.tapes:
            if tape.kinds & PRICED:
                kinds = {kind for other in self.tapes if other.symbol == tape.symbol for kind in other.kinds}
                notes += _modelled(tape, kinds)
        if not any(TapeKind.FUNDING in tape.kinds for tape in self.tapes):
            notes.append("funding: none, there is no funding tape")
        return tuple(notes)

    @property
    def span(self) -> tuple[int, int]:
        """Return the first and last moment of the tapes, ns."""
        return min(tape.survey.first_ts for tape in self.tapes), max(tape.survey.last_ts for tape in self.tapes)

    def events(self, held_sign: HeldSign) -> Iterator[TapeEvent]:
        """Yield all tapes in time order; a bar comes first whole, for the venue alone, then as its points."""
        streams: list[Iterable[TapeEvent]] = []
        for tape in self.tapes:
            instrument = next(each for each in self.instruments if each.symbol == tape.symbol)
            faults = self.faults[f"{tape.symbol} {tape.argument.path}"] = TapeFaults()
            streams += streams_of(tape, instrument, faults, held_sign)
        return merge(streams)


def _modelled(tape: BoundTape, kinds: set[TapeKind]) -> list[str]:
    """What the prices of one instrument leave out, all its tapes together being of ``kinds``."""
    symbol = tape.symbol
    notes = [f"{symbol}: prices of {tape.argument.path.name} stand for the perpetual"]
    if perpetual_of(symbol).is_inverse:
        notes.append(f"{symbol}: volumes of {tape.argument.path.name} are counted in contracts")
    if TapeKind.MARK not in kinds:
        notes.append(f"{symbol}: mark = last price, there is no mark tape")
    if TapeKind.BOOK not in kinds:
        notes.append(f"{symbol}: fills by half spread and square-root impact, there is no book tape")
    if TapeKind.CANDLES in kinds:
        notes.append(f"{symbol}: bars are walked open, adverse extreme, favourable extreme, close")
    return notes


@dataclass(frozen=True)
class GeneratedMarket:
    """The generated crash."""

    seed: int
    instruments: tuple[Instrument, ...]
    first: FirstPrices = AS_MEASURED
    kept: list[TapeEvent] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def open(cls, seed: int, symbols: Sequence[str], first: FirstPrices = AS_MEASURED) -> GeneratedMarket:
        """Make the instruments; raises InputError for a coin that the generator has no model for."""
        first.require(symbols)
        return cls(
            seed,
            instruments_of(symbols, first),
            first,
        )

    @property
    def sources(self) -> tuple[TapeSource, ...]:
        """Return the seed in place of a file, so that a run is taken up over the same prices only."""
        return (TapeSource(f"generated, seed {self.seed}{self.first.suffix}", ""),)

    @property
    def modelled(self) -> tuple[str, ...]:
        return (
            f"market: generated, seed {self.seed}{self.first.suffix}, calibrated to facts of 2020-03-12; no price of "
            "it was ever traded",
            "mark = last price; fills by half spread and square-root impact; no funding",
            *self.first.modelled,
        )

    @property
    def story(self) -> tuple[str, ...]:
        """Return where the prices come from, for the reader of a report."""
        from paper.generate.facts import BTC_FACTS, ETH_FACTS

        return (
            f"The market is generated (seed {self.seed}), not recorded. It is calibrated to published facts of "
            f"12 and 13 March 2020: BTC {BTC_FACTS.open_price:,.0f} to {BTC_FACTS.low:,.0f} USDT, worst hour "
            f"{BTC_FACTS.worst_hour:.0%}; ETH {ETH_FACTS.open_price:,.0f} to {ETH_FACTS.low:,.0f}, worst hour "
            f"{ETH_FACTS.worst_hour:.0%}. Source: {BTC_FACTS.source}.",
        )

    @property
    def span(self) -> tuple[int, int]:
        from paper.generate.crash import GENERATED_SPAN

        return FIRST_SECOND, FIRST_SECOND + GENERATED_SPAN

    def events(self, held_sign: HeldSign) -> Iterator[TapeEvent]:
        """Yield the generated trades; ``held_sign`` plays no part, since trades need no walking."""
        del held_sign
        return iter(self.kept) if self.kept else self._made()

    def _made(self) -> Iterator[TapeEvent]:
        """Yield the trades and keep them, once all are there: the baselines live through the same again."""
        from paper.generate.crash import black_thursday  # numpy, which a replay of candles need not load

        made: list[TapeEvent] = []
        characters = self.first.characters
        for event in black_thursday(self.seed, self.instruments, start=FIRST_SECOND, characters=characters):
            made.append(event)
            yield event
        self.kept[:] = made


def _instrument(index: int, symbol: str, tapes: Sequence[BoundTape]) -> Instrument:
    if not tapes:
        return make_instrument(index, symbol, price_digits=2, quantity_digits=LOT_DIGITS_MAX)
    price_digits, tape_digits = digits_of(tapes)
    # Never coarser than the lot, or an amount of 1.5 could not be held on a tape of whole volumes; finer only where
    # single quantities count, since a small one would round to nothing.
    coarsest = min(LOT_DIGITS_MAX, CASH_DIGITS - price_digits)
    is_single = any(kind in tape.kinds for tape in tapes for kind in (TapeKind.TRADES, TapeKind.BOOK, TapeKind.QUOTES))
    quantity_digits = max(coarsest, min(tape_digits, CASH_DIGITS - price_digits)) if is_single else coarsest
    return make_instrument(index, symbol, price_digits=price_digits, quantity_digits=quantity_digits)


def sign_of(quantity: int) -> int:
    """Return -1, 0 or +1."""
    return (quantity > 0) - (quantity < 0)
