"""What could happen to an account between two bars, by arithmetic alone: a proof that a run can be left out.

Prices of bars bound every measure of an account with one position: its distance to liquidation is least at the worst
price, its loss is largest there, and so on. A rule whose condition no value between these bounds makes true cannot
fire (``bot.rules.intervals``); a stop whose highest possible trigger no price reaches cannot be sent; and an account
whose distance stays above zero is not liquidated. What is not bounded here may be anything, so that a rule that reads
it is never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from math import inf

import numpy as np

from bench.rescue.account import Entry, Holding
from bench.rescue.record import STOP_SIGMA, MarketRecord, is_of_market
from bench.rescue.tape import TapeBars
from bot.domain.scale import CASH_UNIT, NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.spec import Per, ProtectSpec
from bot.risk.binance_tiers import tier_table_of
from bot.risk.margin import distances_of
from bot.rules.intervals import Ranges, Span, narrowed
from bot.rules.language.typed import (
    Absolute,
    All,
    AnyOf,
    Arithmetic,
    Clamp,
    Compare,
    Negate,
    Not,
    Read,
    ReadingRef,
    Select,
    Truth,
    Value,
    reads_in,
)
from bot.rules.ruleset import Rule

# Bars that a run begins before anything can happen: the account must be known and its stop must rest.
LEAD_BARS = 3
SLACK = 1e-9                         # of a bound: two ways to divide the same integers differ by less
ADOPTED_AFTER = NS_PER_SECOND // 100     # an age counts from the venue's answer, which takes longer than this
# What a position reads alike however much of it was sold; a rule that reads nothing else can be silent for good.
OF_PRICE_ALONE = ("position.loss_ratio", "position.drawdown", "position.age", "position.side")
PEAKED = ("position.drawdown", "account.drawdown")


class Outlook:
    """Bounds of one market's accounts under one set of rules; without rules and stop, what the venue would do."""

    def __init__(
        self, tape: TapeBars, record: MarketRecord, rules: tuple[Rule, ...], protect: ProtectSpec, taker_fee: float
    ) -> None:
        self.tape = tape
        self.record = record
        self.rules = rules
        self.protect = protect
        self.taker_fee = taker_fee
        self.tiers = tier_table_of(tape.instrument)
        self.refs = refs_of(rules)
        self.texts = [repr(rule) for rule in rules]
        self.reads_peaks = any(ref.measure in PEAKED for ref in self.refs)
        # A window over an account, or an age, begins with the account: it has to be there from its first bar.
        self.reads_past = any(
            ref.measure.endswith(".age") or (ref.derived is not None and not is_of_market(ref)) for ref in self.refs
        )

    def first_doubt(self, entry: Entry) -> int | None:
        """Return the first bar in which something could happen to an untouched entry; None when nothing can."""
        return _first(
            entry.first, entry.end, lambda first, end: self.is_safe(entry.holding, first, end, since=entry.first)
        )

    def awake(self, entry: Entry) -> frozenset[str]:
        """Return the rules that may fire in the horizon, as texts that tell them apart, whatever the others sell.

        Strategies that agree in them, and in the stop, come to the same.
        """
        found = []
        for rule, text in zip(self.rules, self.texts, strict=True):
            refs = refs_of((rule,))
            is_of_price = all(is_of_market(ref) or ref.measure in OF_PRICE_ALONE for ref in refs)

            def is_silent(first: int, end: int, rule: Rule = rule) -> bool:
                return not self._may_fire((rule,), entry.holding, first, end, since=entry.first)

            if not is_of_price or _first(entry.first, entry.end, is_silent) is not None:
                found.append(text)
        return frozenset(found)

    def start(self, entry: Entry, doubt: int) -> int:
        """Return the bar at which a run of the entry may begin without missing anything that a rule reads."""
        if self.reads_past:
            return entry.first
        start = max(entry.first, doubt - LEAD_BARS)
        if self.reads_peaks:
            is_long = entry.holding.quantity > 0
            window = slice(entry.first, doubt + 1)
            best = self.tape.highs[window].argmax() if is_long else self.tape.lows[window].argmin()
            start = min(start, entry.first + int(best))
        return start

    def is_safe(self, holding: Holding, first: int, end: int, *, since: int | None) -> bool:
        """True when nothing can happen to a holding from bar ``first`` to before bar ``end``.

        ``since`` is the bar in which it was opened; None when some of it was sold since, so that its best is not
        known here.
        """
        if first >= end or not holding.quantity:
            return True
        low, high = int(self.tape.lows[first:end].min()), int(self.tape.highs[first:end].max())
        worst = low if holding.quantity > 0 else high
        if self._may_stop(self.distance(holding, worst), worst, first, end, is_long=holding.quantity > 0):
            return False
        return not self._may_fire(self.rules, holding, first, end, since=since)

    def _may_fire(self, rules: Sequence[Rule], holding: Holding, first: int, end: int, *, since: int | None) -> bool:
        """False when none of the rules can be true of a holding in bars ``first`` to ``end`` - 1."""
        if not rules:
            return False
        low, high = int(self.tape.lows[first:end].min()), int(self.tape.highs[first:end].max())
        ranges: dict[ReadingRef, Span] = {}
        missing: set[ReadingRef] = set()
        for ref in self.refs:
            if is_of_market(ref):
                span = self.record.span(ref, first, end)
                if span is None:
                    missing.add(ref)
                    continue
                ends: tuple[float, ...] | None = (span.low, span.high)
            else:
                ends = self._ends(ref.measure, holding, first, end, low=low, high=high, since=since)
            if ends is not None:
                ranges[ref] = Span(min(ends) - SLACK * (1 + abs(min(ends))), max(ends) + SLACK * (1 + abs(max(ends))))
        return any(_can_be_true(rule.when.root, ranges, missing) for rule in rules)

    def distance(self, holding: Holding, price: int) -> float:
        """Return the distance to liquidation at a price, a fraction; 0 at or past it."""
        value = holding.value(self.tape.instrument, price)
        return distances_of(holding.equity(self.tape.instrument, price), [value], [self.tiers]).nearest

    def _may_stop(self, distance: float, price: int, first: int, end: int, *, is_long: bool) -> bool:
        """True when the stop's highest trigger, or liquidation itself, is reached at a price so far from it."""
        buffer = 0.0
        if self.protect.per is not Per.NONE:
            sigma = self.record.span(STOP_SIGMA, first, end)
            wildest = self.protect.distance_max if sigma is None else sigma.high
            # a resting stop follows the right price only when that has moved by the tolerance
            buffer = self.protect.buffer(wildest, fee=self.taker_fee) + self.protect.tolerance
        room = 1e-6 + self.tape.instrument.filters.tick / price
        if is_long:
            return (1.0 - distance) * (1.0 + buffer) >= 1.0 - room
        return (1.0 + distance) * (1.0 - buffer) <= 1.0 + room

    def _ends(
        self, measure: str, holding: Holding, first: int, end: int, *, low: int, high: int, since: int | None
    ) -> tuple[float, ...] | None:
        """Return values between which a measure lies; None where it is not bounded here."""
        instrument = self.tape.instrument
        values = [holding.value(instrument, price) for price in (low, high)]
        equities = [holding.equity(instrument, price) for price in (low, high)]
        match measure:
            case "account.liquidation_distance" | "account.liquidation_distance_worst" | (
                "position.liquidation_distance"
            ):
                return tuple(self.distance(holding, price) for price in (low, high))
            case "position.loss_ratio":
                return tuple((holding.entry_value - value) / abs(holding.entry_value) for value in values)
            case "account.leverage":
                return tuple(
                    abs(value) / equity if equity > 0 else inf for value, equity in zip(values, equities, strict=True)
                )
            case "account.gross_notional" | "position.notional":
                return tuple(abs(value) / CASH_UNIT for value in values)
            case "account.net_notional":
                return tuple(value / CASH_UNIT for value in values)
            case "account.equity":
                return tuple(equity / CASH_UNIT for equity in equities)
            case "position.side":
                return (1.0 if holding.quantity > 0 else -1.0,)
            case "position.age":
                passed = int(self.tape.stamps[end - 1] - self.tape.stamps[first]) + NS_PER_MINUTE
                return 0.0, float(passed - ADOPTED_AFTER)
            case "position.drawdown" | "account.drawdown" if since is not None:
                return 0.0, self._drawdown(measure, holding, since, first, end)
        return None

    def _drawdown(self, measure: str, holding: Holding, since: int, first: int, end: int) -> float:
        """Return what can have been given back at most: from the best price so far to the worst of each bar."""
        lows, highs = self.tape.lows[since:end], self.tape.highs[since:end]
        if holding.quantity > 0:
            best, worst = np.maximum.accumulate(highs)[first - since:], lows[first - since:]
        else:
            best, worst = np.minimum.accumulate(lows)[first - since:], highs[first - since:]
        unit = float(holding.quantity * self.tape.instrument.value_multiplier)
        given = (best - worst) * unit
        if measure == "position.drawdown":
            return float(given.max()) / abs(holding.entry_value)
        peaks = holding.wallet + best * unit - float(holding.entry_value)
        return float((given / peaks).max())


def _first(first: int, end: int, is_safe: Callable[[int, int], bool]) -> int | None:
    """Return the first bar of ``first`` to ``end`` - 1 that is not safe by itself; None when all are together."""
    if is_safe(first, end):
        return None
    if end - first == 1:
        return first
    middle = (first + end) // 2
    earlier = _first(first, middle, is_safe)
    return earlier if earlier is not None else _first(middle, end, is_safe)


def refs_of(rules: Sequence[Rule]) -> tuple[ReadingRef, ...]:
    """Return everything that the rules' conditions for firing read, each once."""
    return tuple(dict.fromkeys(read.ref for rule in rules for read in _reads(rule.when.root)))


def _can_be_true(node: Truth, ranges: Ranges, missing: AbstractSet[ReadingRef]) -> bool:
    """False when no readings inside ``ranges``, none of them ``missing``, make a condition true."""
    match node:
        case All() if not all(_can_be_true(operand, ranges, missing) for operand in node.operands):
            return False
        case AnyOf():
            return any(_can_be_true(operand, ranges, missing) for operand in node.operands)
        case Compare() if any(_hangs_on(side, missing) for side in (node.left, node.right)):
            return False
    return narrowed(node, True, ranges) is not None


def _hangs_on(value: Value, missing: AbstractSet[ReadingRef]) -> bool:
    """True when a value is unavailable while something of ``missing`` is."""
    match value:
        case Read():
            return value.ref in missing
        case Negate() | Absolute():
            return _hangs_on(value.operand, missing)
        case Arithmetic():
            return _hangs_on(value.left, missing) or _hangs_on(value.right, missing)
        case Clamp():
            return any(_hangs_on(part, missing) for part in (value.operand, value.low, value.high))
        case Select():
            return any(_hangs_on(operand, missing) for operand in value.operands)
    return False


def _reads(node: Truth) -> Iterator[Read]:
    """Yield everything that a condition reads."""
    match node:
        case Compare():
            yield from reads_in(node.left)
            yield from reads_in(node.right)
        case Not():
            yield from _reads(node.operand)
        case All() | AnyOf():
            for operand in node.operands:
                yield from _reads(operand)
