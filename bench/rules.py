"""What 20 rules cost on 1 to 1000 positions, beside hand-written Python and numpy that decide the same.

    python -m bench.rules [--json]

* rules: the compiled conditions over columns of readings that are there already, as the engine's watch evaluates
  them: "all" by column and held against the last truths where the book is wide, else one by one.
* scalar: the conditions one by one, whatever the width. differ: by column where the bits of every position are
  other than the last time, each of which becomes an integer again; in live trading few do.
* hand: the same conditions written out in plain Python over the same columns; it tests for missing readings.
* numpy: the same conditions over arrays. It knows no missing readings.
* look: the engine's whole watch of a price: readings worked out anew, conditions, truths held against the last.
  A price is one event, so "all" is as many looks. again: the watch of a whole account after a fill or a minute.
* shared: a look at one price when a rule also reads the account, so that every position's truths may change.
* hand_look: plain Python that does the same from quantity, entry value and value at mark.

"one" is one price that changed, "all" is every price: rare in live trading, where prices come one by one. Before
anything is timed, rules, hand, numpy and the engine's watch are asserted to agree on every position. The best of
``ROUNDS`` rounds counts, all interleaved, and time is the process's own, since the machine may be busy.
Aims: 1.5 times hand-written at 1 and 10 positions, 3 times numpy at 1000.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from time import process_time
from timeit import timeit

import numpy as np
from numpy.typing import NDArray

from bot.app.markets import make_instrument
from bot.domain.account import Balance, PositionKey, PositionReport
from bot.domain.events import AccountSnapshot
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND, units_per_one
from bot.domain.units import Place, SourceText
from bot.engine.engine import Engine
from bot.engine.measures.layout import AccountSlot, Layout
from bot.engine.record.fold import fold
from bot.engine.spec import LimitsSpec, SurvivalSpec
from bot.risk.binance_tiers import tier_table
from bot.rules.language.typed import ReadingRef, Scope
from bot.rules.ruleset import RuleSet, make_rule
from bot.rules.spec import Close, RuleSpec

SIZES = (1, 10, 100, 1000)
ROUNDS = 5
SECONDS_PER_TIMING = 0.02
MARK_DIGITS, QUANTITY_DIGITS = 2, 3
CONDITIONS = (
    "position.loss_ratio > 8%",
    "position.loss_ratio > 5%",
    "position.loss_ratio < -10%",
    "position.notional > 50_000 USDT",
    "position.notional > 20_000 USDT and position.loss_ratio > 3%",
    "position.unrealised_pnl < -1_000 USDT",
    "position.unrealised_pnl > 2_000 USDT",
    "position.side * position.loss_ratio > 2%",
    "abs(position.loss_ratio) > 6%",
    "position.notional * position.loss_ratio > 1_500 USDT",
    "market.mark_price > position.entry_price",
    "market.mark_price < position.entry_price * 0.95",
    "market.mark_price > position.entry_price * 1.1 or position.loss_ratio > 12%",
    "not position.loss_ratio > 1% and position.notional > 10_000 USDT",
    "max(position.loss_ratio, 2%) > 4%",
    "clamp(position.loss_ratio, -5%, 5%) >= 5%",
    "position.unrealised_pnl / position.notional < -4%",
    "position.loss_ratio > 2% and (position.side < 0 or position.notional > 30_000 USDT)",
    "min(position.loss_ratio, 10%) > 7%",
    "position.unrealised_pnl + 500 USDT < 0 USDT",
)
READINGS = (
    "position.loss_ratio", "position.notional", "position.unrealised_pnl", "position.side", "position.entry_price",
    "market.mark_price",
)
MISSING = sum(2 << 2 * place for place in range(len(CONDITIONS)))

Floats = NDArray[np.float64]
Column = list[float | None]


SHARED = "position.loss_ratio > 8% and account.leverage > 3"


def make_engine(size: int, rng: random.Random, conditions: Sequence[str] = CONDITIONS) -> Engine:
    """Return an engine that watches ``size`` positions, each of its own market, long and short, up and down."""
    instruments = tuple(
        make_instrument(
            index, f"C{index}/USDT:USDT", price_digits=MARK_DIGITS, quantity_digits=QUANTITY_DIGITS
        )
        for index in range(size)
    )
    layout = Layout(
        instruments=instruments,
        tiers=tuple(tier_table(instrument.base) for instrument in instruments),
        accounts=(AccountSlot("main", "USDT", tuple(range(size)), taker_fee=0.0005, leverage=20.0),),
    )
    symbols = [instrument.symbol for instrument in instruments]
    place = Place("bench", 1, 1)
    rules = RuleSet(
        tuple(                       # looked at by name, so the names must sort like the numbers
            make_rule(f"r{number:02}", RuleSpec(Scope.POSITION, SourceText(text, place), Close()), symbols)
            for number, text in enumerate(conditions)
        )
    )
    engine = Engine(layout, rules, limits=LimitsSpec(), survival=(SurvivalSpec(),), marker="pen")
    reports = []
    for instrument in instruments:
        entry = rng.randrange(50_000, 2_000_000)
        quantity = rng.choice((-1, 1)) * rng.randrange(100, 8_000)
        value = instrument.value(price=entry, quantity=quantity)
        reports.append(PositionReport(PositionKey(0, instrument.index), quantity, value))
        engine.columns.move_price(instrument.index, entry * rng.randrange(85, 116) // 100)
    cash = Balance("USDT", 10_000_000 * CASH_UNIT)
    fold(engine.book, AccountSnapshot(NS_PER_SECOND, NS_PER_SECOND, 0, (cash,), tuple(reports)))
    engine.columns.rebuild(0)
    engine.watch.look_again(0)
    for index in range(size):
        engine.watch.look(index)
    return engine


def hand_bits(
    loss: float | None, notional: float | None, pnl: float | None, side: float | None, entry: float | None,
    mark: float | None,
) -> int:
    """Return the bits that the compiler gives, decided as a person would write it down."""
    if loss is None or notional is None or pnl is None or side is None or entry is None or mark is None:
        return MISSING
    bits = 0
    if loss > 0.08:
        bits |= 1
    if loss > 0.05:
        bits |= 1 << 2
    if loss < -0.1:
        bits |= 1 << 4
    if notional > 50_000.0:
        bits |= 1 << 6
    if notional > 20_000.0 and loss > 0.03:
        bits |= 1 << 8
    if pnl < -1_000.0:
        bits |= 1 << 10
    if pnl > 2_000.0:
        bits |= 1 << 12
    if side * loss > 0.02:
        bits |= 1 << 14
    if abs(loss) > 0.06:
        bits |= 1 << 16
    if notional * loss > 1_500.0:
        bits |= 1 << 18
    if mark > entry:
        bits |= 1 << 20
    if mark < entry * 0.95:
        bits |= 1 << 22
    if mark > entry * 1.1 or loss > 0.12:
        bits |= 1 << 24
    if not loss > 0.01 and notional > 10_000.0:
        bits |= 1 << 26
    if max(loss, 0.02) > 0.04:
        bits |= 1 << 28
    if min(max(loss, -0.05), 0.05) >= 0.05:
        bits |= 1 << 30
    if pnl / notional < -0.04:
        bits |= 1 << 32
    if loss > 0.02 and (side < 0.0 or notional > 30_000.0):
        bits |= 1 << 34
    if min(loss, 0.1) > 0.07:
        bits |= 1 << 36
    if pnl + 500.0 < 0.0:
        bits |= 1 << 38
    return bits


def numpy_truths(
    loss: Floats, notional: Floats, pnl: Floats, side: Floats, entry: Floats, mark: Floats
) -> list[NDArray[np.bool_]]:
    """Return one array of truths per rule."""
    above_2, above_3 = loss > 0.02, loss > 0.03
    return [
        loss > 0.08, loss > 0.05, loss < -0.1, notional > 50_000.0, (notional > 20_000.0) & above_3, pnl < -1_000.0,
        pnl > 2_000.0, side * loss > 0.02, np.abs(loss) > 0.06, notional * loss > 1_500.0, mark > entry,
        mark < entry * 0.95, (mark > entry * 1.1) | (loss > 0.12), ~(loss > 0.01) & (notional > 10_000.0),
        np.maximum(loss, 0.02) > 0.04, np.minimum(np.maximum(loss, -0.05), 0.05) >= 0.05, pnl / notional < -0.04,
        above_2 & ((side < 0.0) | (notional > 30_000.0)), np.minimum(loss, 0.1) > 0.07, pnl + 500.0 < 0.0,
    ]


class Contest:
    """One size: the same book for all who decide, and what each of them does when one price or all change."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.engine = make_engine(size, random.Random(size))
        self.shared = make_engine(size, random.Random(size), (*CONDITIONS[1:], SHARED)).watch
        self.columns = [self.engine.readings.column_of(ReadingRef(name)) for name in READINGS]
        self.arrays = [np.array(column, dtype=np.float64) for column in self.columns]
        self.last = [0] * size
        self.values = self.engine.columns.value
        self.quantities = self.engine.book.quantity
        self.entries = self.engine.book.entry_value
        self.marks = self.engine.columns.mark
        self.at = size // 2
        self.slices = [array[self.at:self.at + 1] for array in self.arrays]
        multiplier = self.engine.layout.instruments[0].value_multiplier
        self.entry_unit = multiplier * units_per_one(MARK_DIGITS)

    def require_agreement(self) -> None:
        """Raise AssertionError where two who decide differ; the truths must differ between positions, too."""
        ours = [self.engine.watch.evaluate_position(place, 0, place) for place in range(self.size)]
        assert ours == self.hand_all(), "hand-written differs"
        assert ours == self.engine.watch.position_bits, "the engine's watch differs"
        shared = self.shared
        assert shared.position_bits == [shared.evaluate_position(place, 0, place) for place in range(self.size)]
        truths = numpy_truths(*self.arrays)
        assert ours == [
            sum(int(row[place]) << 2 * number for number, row in enumerate(truths)) for place in range(self.size)
        ], "numpy differs"
        self.hand_look_all()
        assert ours == self.last, "hand-written look differs"
        assert self.size < 10 or len(set(ours)) > 3

    def contenders(self) -> dict[str, Callable[[], object]]:
        """Return what is timed, by name."""
        watch, at = self.engine.watch, self.at
        evaluate, look, wide = watch.evaluate_position, watch.look, watch.wide.get(0)
        places = range(self.size)

        def scalar_all() -> None:
            for place in places:
                evaluate(place, 0, place)

        def differ_all() -> None:
            if wide is None:
                scalar_all()
                return
            np.logical_not(wide.last, out=wide.last)
            wide.changes()

        def look_all() -> None:
            for place in places:
                look(place)

        return {
            "rules_one": lambda: evaluate(at, 0, at),
            "hand_one": self.hand_one,
            "numpy_one": lambda: numpy_truths(*self.slices),
            "look_one": lambda: look(at),
            "hand_look_one": lambda: self.hand_look(at),
            "rules_all": scalar_all if wide is None else wide.changes,
            "scalar_all": scalar_all,
            "differ_all": differ_all,
            "hand_all": self.hand_all,
            "numpy_all": lambda: numpy_truths(*self.arrays),
            "look_all": look_all,
            "hand_look_all": self.hand_look_all,
            "again_all": lambda: watch.look_again(0),
            "shared_one": lambda: self.shared.look(at),
        }

    def hand_one(self) -> int:
        at = self.at
        loss, notional, pnl, side, entry, mark = self.columns
        return hand_bits(loss[at], notional[at], pnl[at], side[at], entry[at], mark[at])

    def hand_all(self) -> list[int]:
        return [hand_bits(*row) for row in zip(*self.columns, strict=True)]

    def hand_look(self, place: int) -> bool:
        """Work out the readings of one position and its truths; return whether they changed."""
        mark, quantity = self.marks[place], self.quantities[place]
        if mark is None or not quantity:
            bits = MISSING
        else:
            value, entry = self.values[place], self.entries[place]
            bits = hand_bits(
                (entry - value) / abs(entry), abs(value) / CASH_UNIT, (value - entry) / CASH_UNIT,
                1.0 if quantity > 0 else -1.0, entry / (quantity * self.entry_unit), mark / 100,
            )
        if bits == self.last[place]:
            return False
        self.last[place] = bits
        return True

    def hand_look_all(self) -> None:
        for place in range(self.size):
            self.hand_look(place)


def measure(size: int) -> dict[str, float]:
    """Return microseconds by contender, and ratios, for one size."""
    contest = Contest(size)
    contest.require_agreement()
    contenders = contest.contenders()
    numbers = {name: _repeats(act) for name, act in contenders.items()}
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(ROUNDS):
        for name, act in contenders.items():
            best[name] = min(best[name], timeit(act, timer=process_time, number=numbers[name]) / numbers[name] * 1e6)
    found = {f"{name}_us": round(us, 3) for name, us in best.items()}
    for how in ("one", "all"):
        found[f"rules_over_hand_{how}"] = round(best[f"rules_{how}"] / best[f"hand_{how}"], 2)
        found[f"rules_over_numpy_{how}"] = round(best[f"rules_{how}"] / best[f"numpy_{how}"], 2)
        found[f"look_over_hand_{how}"] = round(best[f"look_{how}"] / best[f"hand_look_{how}"], 2)
    return found


def _repeats(act: Callable[[], object]) -> int:
    act()
    once = min(timeit(act, timer=process_time, number=1) for _ in range(3))
    return max(1, int(SECONDS_PER_TIMING / max(once, 1e-7)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the JSON object and nothing else")
    parsed = parser.parse_args()
    found = {str(size): measure(size) for size in SIZES}
    if not parsed.json:
        print(f"{len(CONDITIONS)} rules{'':16}" + "".join(f"{size:>12,}" for size in SIZES) + "  positions")
        for name in found[str(SIZES[0])]:
            print(f"{name:24}" + "".join(f"{found[str(size)][name]:>12,.2f}" for size in SIZES))
    print(json.dumps({"rules": len(CONDITIONS), "positions": found}))


if __name__ == "__main__":
    main()
