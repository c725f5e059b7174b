"""Which rules are true, as one integer per element; the rest of the engine looks only when it changes.

Bits of an element: the conditions of its scope's rules, one rule after the other and each as
``Rule.conditions`` has them; the compiler gives each condition two bits, true and unavailable.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.engine.measures.ages import Ages
from bot.engine.measures.columns import Columns
from bot.engine.measures.layout import Layout
from bot.engine.measures.position_readings import ACCOUNT_WIDE
from bot.engine.measures.readings import Readings
from bot.engine.measures.storage import WIDE_AT_LEAST
from bot.engine.record.book import Book
from bot.rules.language.compile import Evaluate, compile_conditions
from bot.rules.language.measures import Subject
from bot.rules.language.moments import Beat, beats_of, next_moment
from bot.rules.language.typed import Condition, ReadingRef, Scope, reads_in
from bot.rules.ruleset import Rule, RuleSet
from bot.rules.triggers import Conditions

if TYPE_CHECKING:
    from bot.engine.measures.wide import WideAccount

NO_POSITION = -1
BITS_PER_CONDITION = 2
_TRUTHS = (False, True, None, None)  # by the pair of bits; the upper one says unavailable


class Watch:
    """Truth bits by account and by position, kept current price by price."""

    def __init__(self, layout: Layout, book: Book, columns: Columns, readings: Readings, rules: RuleSet) -> None:
        self.layout = layout
        self.book = book
        self.columns = columns
        self.readings = readings
        self.positions_on = layout.positions_on
        self.account_rules = rules.of_scope(Scope.ACCOUNT)
        self.position_rules = rules.of_scope(Scope.POSITION)
        self.portfolio_rules = rules.of_scope(Scope.PORTFOLIO)
        all_rules = (*self.account_rules, *self.position_rules, *self.portfolio_rules)
        self.evaluate_account = _compile(self.account_rules, readings)
        self.evaluate_position = _compile(self.position_rules, readings)
        self.evaluate_portfolio = _compile(self.portfolio_rules, readings)
        self.shift_of = {
            **_shifts(self.account_rules), **_shifts(self.position_rules), **_shifts(self.portfolio_rules)
        }
        self.account_bits = [0] * len(layout.accounts)
        self.position_bits = [0] * len(layout.keys)
        self.portfolio_bits = 0
        self.beats = _beats(all_rules)
        self.ages = Ages(
            layout, book, readings.market, _conditions(all_rules)
        )
        self.is_moved_by_time = bool(self.beats or self.ages)
        self.rests_unheld = not self.portfolio_rules and self._rests_unheld(all_rules)
        self.wide = _wide_accounts(layout, book, readings, _conditions(self.position_rules))
        self.accounts_to_look_at, self.positions_to_look_at = self._dependants()
        self.wide_to_look_at = [self._taken_whole(positions) for positions in self.positions_to_look_at]
        self.positions_alone = [
            tuple(position for position in positions if layout.keys[position].account not in whole)
            for positions, whole in zip(self.positions_to_look_at, self.wide_to_look_at, strict=True)
        ]

    def _rests_unheld(self, rules: tuple[Rule, ...]) -> bool:
        """True when a price changes no truth but through what is held: all that is read is of plain accounts alone."""
        return all(self.layout.is_plain(account) for account in range(len(self.layout.accounts))) and all(
            ref.derived is None and ref.subject in (Subject.ACCOUNT, Subject.POSITION) for ref in _measures(rules)
        )

    def _dependants(self) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Return, per instrument, whose conditions may change with its price."""
        count = len(self.layout.instruments)
        accounts: list[dict[int, None]] = [{} for _ in range(count)]
        positions: list[dict[int, None]] = [{} for _ in range(count)]
        all_accounts = range(len(self.layout.accounts))
        all_positions = range(len(self.layout.keys))
        for instrument in range(count):
            for position in self.layout.positions_on[instrument]:
                account = self.layout.keys[position].account
                if self.account_rules or _reads_account(self.position_rules):
                    accounts[instrument][account] = None
                if self.position_rules:
                    positions[instrument][position] = None
                if _reads_account(self.position_rules):
                    positions[instrument].update(dict.fromkeys(self.layout.positions_of[account]))
            if _reads_portfolio(self.account_rules):
                accounts[instrument].update(dict.fromkeys(all_accounts))
            if _reads_portfolio(self.position_rules):
                positions[instrument].update(dict.fromkeys(all_positions))
        for named in _named_markets(self.account_rules, self.readings):
            accounts[named].update(dict.fromkeys(all_accounts))
        for named in _named_markets(self.position_rules, self.readings):
            positions[named].update(dict.fromkeys(all_positions))
        return [tuple(found) for found in accounts], [tuple(found) for found in positions]

    def _taken_whole(self, positions: tuple[int, ...]) -> tuple[int, ...]:
        """Return the wide accounts of which all positions are among these."""
        looked_at = set(positions)
        return tuple(account for account in self.wide if looked_at.issuperset(self.layout.positions_of[account]))

    def accounts_moved_by(self) -> list[tuple[int, ...]]:
        """Return, per instrument, the accounts that hold it or have rules that look at it."""
        keys = self.layout.keys
        return [
            tuple(dict.fromkeys((
                *(keys[position].account for position in (*on, *self.positions_to_look_at[instrument])),
                *self.accounts_to_look_at[instrument],
            )))
            for instrument, on in enumerate(self.layout.positions_on)
        ]

    def look(self, instrument: int) -> bool:
        """Evaluate what depends on an instrument's price; return whether any truth changed."""
        changed = False
        readings = self.readings
        if self.rests_unheld:
            quantity = self.book.quantity
            for position in self.positions_on[instrument]:
                if quantity[position]:
                    break
            else:
                return False
        if readings.of_time:
            readings.refresh_time()
        if readings.of_market:
            readings.refresh_market(instrument)
        if readings.of_portfolio:
            readings.refresh_portfolio()
        if self.portfolio_rules and self._look_at_portfolio():
            changed = True
        for account in self.accounts_to_look_at[instrument]:
            for column, compute in readings.of_account:
                column[account] = compute(account)
            bits = self.evaluate_account(NO_POSITION, account, NO_POSITION)
            if bits != self.account_bits[account]:
                self.account_bits[account] = bits
                changed = True
        for account in self.wide_to_look_at[instrument]:
            for position in self.layout.positions_on[instrument]:
                if self.layout.keys[position].account == account:
                    readings.refresh_position(position)
            readings.refresh_elsewhere(account)
            if self._look_at_wide(self.wide[account]):
                changed = True
        for position in self.positions_alone[instrument]:
            if self._look_at_position(position):
                changed = True
        return changed

    def next_moment(self, account: int, now: int) -> int | None:
        """Return when time alone may change a truth of an account next, or None when it cannot."""
        if not self.is_moved_by_time:
            return None
        moments = (next_moment(self.beats, now), self.ages.next_moment(account, now))
        return min((moment for moment in moments if moment is not None), default=None)

    def look_again(self, account: int) -> bool:
        """Evaluate everything of one account anew, from readings that are all rewritten."""
        self.readings.refresh_all(account)
        bits = self.evaluate_account(NO_POSITION, account, NO_POSITION)
        changed = bits != self.account_bits[account]
        self.account_bits[account] = bits
        if self.portfolio_rules and self._look_at_portfolio():
            changed = True
        wide = self.wide.get(account)
        if wide is not None:
            wide.take_quantities()
            return self._look_at_wide(wide) or changed
        for position in self.layout.positions_of[account]:
            if self._look_at_position(position):
                changed = True
        return changed

    def _look_at_position(self, position: int) -> bool:
        key = self.layout.keys[position]
        bits = 0
        if self.position_rules and self.book.quantity[position]:
            self.readings.refresh_position(position)
            bits = self.evaluate_position(position, key.account, key.instrument)
        if bits == self.position_bits[position]:
            return False
        self.position_bits[position] = bits
        if key.account in self.wide:
            self.wide[key.account].note(position, bits)
        return True

    def _look_at_portfolio(self) -> bool:
        bits = self.evaluate_portfolio(NO_POSITION, NO_POSITION, NO_POSITION)
        changed = bits != self.portfolio_bits
        self.portfolio_bits = bits
        return changed

    def _look_at_wide(self, wide: WideAccount) -> bool:
        changes = wide.changes()
        for position, bits in changes:
            self.position_bits[position] = bits
        return bool(changes)

    def is_true(self, rule: Rule, bits: int) -> bool:
        """Say whether the bits of one of a rule's elements say that it should fire."""
        return bits >> self.shift_of[rule.name] & 3 == 1

    def conditions(self, rule: Rule, bits: int) -> Conditions:
        """Return what the conditions of a rule say, from the bits of one of its elements."""
        pairs = bits >> self.shift_of[rule.name]
        when, clear, has_clear = _TRUTHS[pairs & 3], None, rule.clear is not None
        if has_clear:
            pairs >>= BITS_PER_CONDITION
            clear = _TRUTHS[pairs & 3]
        confirm = True if rule.confirm is None else _TRUTHS[pairs >> BITS_PER_CONDITION & 3]
        return Conditions(when=when, clear=clear, has_clear=has_clear, confirm=confirm)


def _shifts(rules: tuple[Rule, ...]) -> dict[str, int]:
    """Return where the bits of each rule begin."""
    shifts: dict[str, int] = {}
    shift = 0
    for rule in rules:
        shifts[rule.name] = shift
        shift += BITS_PER_CONDITION * len(rule.conditions)
    return shifts


def _conditions(rules: tuple[Rule, ...]) -> list[Condition]:
    return [condition for rule in rules for condition in rule.conditions]


def _compile(rules: tuple[Rule, ...], readings: Readings) -> Evaluate:
    return compile_conditions(_conditions(rules), readings.column_of, readings.element_of)


def _wide_accounts(
    layout: Layout, book: Book, readings: Readings, conditions: list[Condition]
) -> dict[int, WideAccount]:
    """Return what takes the positions of an account all at once, for accounts where that is worth it."""
    wide = [account for account, positions in enumerate(layout.positions_of) if len(positions) >= WIDE_AT_LEAST]
    if not wide or not conditions:
        return {}
    from bot.engine.measures.wide import WideAccount  # numpy takes 0.1 s to load: not for a book of three positions

    return {account: WideAccount(layout, book, readings, account, conditions) for account in wide}


def _beats(rules: tuple[Rule, ...]) -> tuple[Beat, ...]:
    return tuple(dict.fromkeys(beat for condition in _conditions(rules) for beat in beats_of(condition)))


def _reads_account(rules: tuple[Rule, ...]) -> bool:
    of_account = (Subject.ACCOUNT, Subject.UNDERLYING)
    return any(ref.subject in of_account or ref.measure in ACCOUNT_WIDE for ref in _measures(rules))


def _reads_portfolio(rules: tuple[Rule, ...]) -> bool:
    return any(ref.subject is Subject.PORTFOLIO for ref in _measures(rules))


def _measures(rules: tuple[Rule, ...]) -> Iterator[ReadingRef]:
    """Return every reading, those that windows and plug-ins look at included."""
    for condition in _conditions(rules):
        for ref in condition.readings:
            yield from _with_inputs(ref)


def _with_inputs(ref: ReadingRef) -> Iterator[ReadingRef]:
    yield ref
    if ref.derived is None:
        return
    operand = () if ref.derived.operand is None else reads_in(ref.derived.operand)
    for read in (*operand, *ref.derived.inputs):
        yield from _with_inputs(read.ref)


def _named_markets(rules: tuple[Rule, ...], readings: Readings) -> list[int]:
    """Return the instruments that conditions name, each once, in order of appearance."""
    found: dict[int, None] = {}
    for ref in _measures(rules):
        element = readings.element_of(ref)
        if element is not None:
            found[element] = None
    return list(found)
