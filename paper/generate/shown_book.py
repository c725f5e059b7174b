"""The book that makers show: best prices around the path, levels behind them, and how much is on each.

Levels behind the best lie on a grid, so that most of them stay where they are when the price moves. How much they hold
goes with the depth: the regime's, less what movement has used up, which grows back with a mean life of five minutes.
A third of the levels is renewed at a time; the others stand as they were.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bot.domain.instrument import Instrument
from bot.domain.market import BookUpdate, Quote
from bot.domain.scale import units_per_one
from paper.generate.character import Character
from paper.generate.decay import Floats, decayed, keep_of_mean_life
from paper.generate.prints import amounts

LEVELS = 20                          # of each side: Binance's fullest partial stream
GRID = 0.0002                        # of the opening price, between two levels
DEPTH_OF_HOUR = 0.02                 # of the usual hourly volume, within 10 bps on each side of a quiet market
DEPTH_REACH = 0.0010
GROWS_BACK_KEEP = keep_of_mean_life(300)
USED_UP = 20.0                       # per log move within the memory: 5 % halve the depth
RENEWED_SHARE = 1.0 / 3.0
LEVEL_LOG_SIGMA = 0.5
_DEEPER = 0.05                       # each level further out holds this much more of the first

Ints = NDArray[np.int64]
Levels = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class ShownBook:
    """One instrument's book as it was last shown, and the number of its last change."""

    instrument: Instrument
    character: Character
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    number: int = 0
    touch: tuple[int, int, int, int] = (0, 0, 0, 0)
    used_up: float = 0.0

    def depth(self, log_mids: Floats, offered: Floats) -> Floats:
        """Return the share of usual depth at the block's start and at the end of every second; moves it on."""
        used = np.concatenate(([self.used_up], decayed(np.abs(np.diff(log_mids)), GROWS_BACK_KEEP, self.used_up)))
        self.used_up = float(used[-1])
        depth: Floats = offered / (1.0 + USED_UP * used)
        return depth

    def plan(self, bids: Ints, asks: Ints, depth: Floats, random: np.random.Generator) -> BookPlan:
        """Return what a book around the best prices would hold, one row each."""
        prices = self._ladder(bids, -1), self._ladder(asks, 1)
        profile = 1.0 + _DEEPER * np.arange(LEVELS)
        profile[0] = 0.5             # the touch is thin
        per_level = self.character.hourly_notional * DEPTH_OF_HOUR * GRID / DEPTH_REACH
        quantities = []
        for side in prices:
            noise = np.exp(LEVEL_LOG_SIGMA * random.standard_normal(side.shape) - LEVEL_LOG_SIGMA**2 / 2)
            worth = per_level * depth[:, None] * profile * noise
            scale = units_per_one(self.instrument.price_digits)
            wanted = amounts(self.instrument, np.maximum(side, 1) / scale, worth)
            steps = np.rint(wanted * units_per_one(self.instrument.quantity_digits) / self.instrument.filters.lot)
            quantities.append(np.maximum(steps, 1).astype(np.int64) * self.instrument.filters.lot)
        renewed = random.random((2, *bids.shape, LEVELS)) < RENEWED_SHARE
        return BookPlan(prices[0], prices[1], quantities[0], quantities[1], renewed[0], renewed[1])

    def show(self, now: int, row: PlanRow) -> list[BookUpdate | Quote]:
        """Return the changes that lead to the planned book, the first time all of it, and the quote if it changed."""
        at = self.instrument.index
        self.bids, bid_changes = _moved(self.bids, *row.bids)
        self.asks, ask_changes = _moved(self.asks, *row.asks)
        count = len(bid_changes) + len(ask_changes)
        told: list[BookUpdate | Quote] = []
        if self.number == 0:
            self.number = count
            told.append(BookUpdate(now, now, at, bid_changes, ask_changes, True, 0, self.number))
        elif count:
            before = self.number
            self.number += count
            told.append(
                BookUpdate(now, now, at, bid_changes, ask_changes, False, before + 1, self.number, before)
            )
        bid, ask = row.bids[0][0], row.asks[0][0]
        touch = (bid, self.bids[bid], ask, self.asks[ask])
        if touch != self.touch:
            self.touch = touch
            told.append(Quote(now, now, at, *touch))
        return told

    def _ladder(self, best: Ints, sign: int) -> Ints:
        """Return the prices of all levels: the best, then the points of the grid beyond it; 0 or less is none."""
        tick = self.instrument.filters.tick
        opening = self.character.open_price * units_per_one(self.instrument.price_digits)
        grid = max(1, round(opening * GRID / tick)) * tick
        first = best // grid + 1 if sign > 0 else -(-best // grid) - 1
        beyond = (first[:, None] + sign * np.arange(LEVELS - 1)) * grid
        ladder: Ints = np.concatenate((best[:, None], beyond), axis=1)
        return ladder


Side = tuple[list[int], list[int], list[bool]]


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One moment of a plan: prices from the best outwards, quantities, and which of them are renewed."""

    bids: Side
    asks: Side


@dataclass(frozen=True, slots=True)
class BookPlan:
    """What a book would hold if all of it were renewed, one row a moment, one column a level."""

    bids: Ints
    asks: Ints
    bid_quantities: Ints
    ask_quantities: Ints
    bids_renewed: NDArray[np.bool_]
    asks_renewed: NDArray[np.bool_]

    def rows(self) -> list[PlanRow]:
        """Return the moments one by one."""
        bids = zip(self.bids.tolist(), self.bid_quantities.tolist(), self.bids_renewed.tolist(), strict=True)
        asks = zip(self.asks.tolist(), self.ask_quantities.tolist(), self.asks_renewed.tolist(), strict=True)
        return [PlanRow(bid, ask) for bid, ask in zip(bids, asks, strict=True)]


def _moved(shown: dict[int, int], prices: list[int], wanted: list[int], renewed: list[bool]) -> tuple[
    dict[int, int], Levels
]:
    """Return a side as it is from now on, and what of it changed; a removed level has quantity 0."""
    side: dict[int, int] = {}
    changes: list[tuple[int, int]] = []
    for price, quantity, is_renewed in zip(prices, wanted, renewed, strict=True):
        if price <= 0:
            break                    # bids cannot go further down
        before = shown.get(price)
        if before is None or (is_renewed and before != quantity):
            changes.append((price, quantity))
            side[price] = quantity
        else:
            side[price] = before
    gone = [(price, 0) for price in shown if price not in side]
    return side, (*changes, *gone)
