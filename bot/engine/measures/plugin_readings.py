"""Columns of the measures of plug-ins: worked out when an input has changed, from inputs that are all available."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.domain.errors import ContractError
from bot.engine.measures.plugin_calls import PluginCalls, Tell
from bot.engine.measures.storage import Column
from bot.rules.bound_plugins import BoundPlugins
from bot.rules.language.compile import compile_value
from bot.rules.language.measures import Subject
from bot.rules.language.typed import ReadingRef

if TYPE_CHECKING:
    from bot.engine.measures.readings import Readings

InputsOf = Callable[[int, int, int], list[float] | None]
NONE = -1                            # the index of what a measure is not of


class PluginReadings:
    """Makes the columns; ``calls`` has the functions that are in force."""

    def __init__(self, readings: Readings) -> None:
        self.readings = readings
        self.calls = PluginCalls()
        self._kept: list[dict[int, tuple[list[float], float | None]]] = []

    def take(self, plugins: BoundPlugins, tell: Tell) -> None:
        """Take other plug-ins; what the same file's functions gave is worked out anew. ``tell`` takes the alarms."""
        self.calls.take(plugins, tell)
        for kept in self._kept:
            kept.clear()

    def make(self, ref: ReadingRef) -> Column:
        """Return the column of a plug-in's measure, made to be refreshed after what it reads."""
        readings = self.readings
        layout = readings.layout
        inputs_of = self._inputs_of(ref)
        update = self._updater(ref)
        column: Column
        match ref.subject:
            case Subject.POSITION:
                keys, quantity = layout.keys, readings.book.quantity

                def of_position(position: int) -> float | None:
                    key = keys[position]
                    is_held = quantity[position] != 0
                    return update(position, inputs_of(position, key.account, key.instrument) if is_held else None)

                column = readings.blank(len(keys))
                readings.of_position.append((column, of_position))
                readings.of_position_elsewhere.append((column, of_position))
            case Subject.ACCOUNT:
                column = [None] * len(layout.accounts)
                readings.of_account.append((column, lambda a: update(a, inputs_of(NONE, a, NONE))))
            case Subject.MARKET:
                column = readings.blank(len(layout.instruments))
                readings.of_market.append((column, lambda i: update(i, inputs_of(NONE, NONE, i))))
            case _:
                raise ContractError(f"reading: {ref} is of no subject that a plug-in's measure may have")
        return column

    def _inputs_of(self, ref: ReadingRef) -> InputsOf:
        assert ref.derived is not None
        readings = self.readings
        getters = [compile_value(read, readings.column_of, readings.element_of) for read in ref.derived.inputs]

        def inputs_of(position: int, account: int, instrument: int) -> list[float] | None:
            found: list[float] = []
            for get in getters:
                value = get(position, account, instrument)
                if value is None:
                    return None
                found.append(float(value))
            return found

        return inputs_of

    def _updater(self, ref: ReadingRef) -> Callable[[int, list[float] | None], float | None]:
        """Return what gives the value for an element's inputs, calling the plug-in only when they have changed."""
        assert ref.derived is not None
        calls, derived = self.calls, self.readings.derived
        name, sha256 = ref.measure.partition(".")[2], ref.derived.sha256
        kept: dict[int, tuple[list[float], float | None]] = {}
        self._kept.append(kept)

        def update(element: int, inputs: list[float] | None) -> float | None:
            # Old prices met another book, and a failure over them says nothing of today.
            if inputs is None or derived.warm_at is not None:
                return None
            last = kept.get(element)
            if last is not None and last[0] == inputs:
                return last[1]
            value = calls.measure(name, sha256, inputs)
            kept[element] = inputs, value
            return value

        return update

