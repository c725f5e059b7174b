"""What each fire left open, in words: ``deposit 12,400 USDT, or sell 3.1 BTC for about 34 bps``.

The deposit is the engine's own, of the moment; the sale is what the fire's first plan made its orders do, and its cost
what that plan expected.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.app.wording import bps, cash, quantity, unit_of
from bot.domain.account import Balance
from bot.domain.effects import Effect, OpenEpisode, OpenParent, PlanEpisode, ReviseParent
from bot.domain.obligation import Obligation
from bot.domain.scale import CASH_UNIT, units_per_one
from bot.engine.measures.layout import Layout

BPS = 10_000
_TOLD = re.compile(r"; (deposit [^;]+)")
WHOLE_FROM = 1_000                   # of which nobody counts the cents


@dataclass
class _WayOut:
    """Of one fire: ``sales`` are (instrument, quantity, verb), ``value`` what they are worth at arrival, cash."""

    opened: OpenEpisode
    expected_cost: int | None = None
    sales: list[tuple[int, int, str]] = field(default_factory=list)
    value: int = 0


class WaysOut:
    """Follows the fires of a run by their effects alone."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._by_episode: dict[int, _WayOut] = {}
        self._arrival: dict[str, OpenParent] = {}

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Keep each fire's deposit, first plan, and the duties that it began with."""
        for effect in effects:
            match effect:
                case OpenEpisode():
                    self._by_episode[effect.episode] = _WayOut(effect)
                case PlanEpisode():
                    way = self._by_episode.get(effect.episode)
                    if way is not None and way.expected_cost is None:
                        way.expected_cost = effect.estimated_cost
                case OpenParent():
                    self._arrival[effect.parent] = effect
                    self._keep(effect, effect.obligations)
                case ReviseParent():
                    self._keep(self._arrival[effect.parent], effect.obligations)
                case _:
                    pass

    def _keep(self, parent: OpenParent, duties: Sequence[Obligation]) -> None:
        """Add what a fire makes a parent sell at once; what it asks for later belongs to later plans."""
        for duty in duties:
            way = self._by_episode.get(duty.episode)
            if way is None or duty.start != way.opened.now or parent.now > way.opened.now:
                continue
            place = parent.key.instrument
            verb = parent.side.value
            if (place, duty.quantity, verb) in way.sales:
                continue                     # a parent that was revised tells its duties again
            way.sales.append((place, duty.quantity, verb))
            instrument = self.layout.instruments[place]
            way.value += instrument.value(price=parent.arrival_price, quantity=duty.quantity)

    def text(self, episode: int) -> str | None:
        """Return a fire's alternatives in a sentence; None where no deposit would have reached its goal."""
        way = self._by_episode.get(episode)
        if way is None or way.opened.deposit is None:
            return None
        deposit = f"deposit {deposit_text(way.opened.deposit)}"
        if not way.sales:
            return deposit
        verb = way.sales[0][2]
        sold = " and ".join(
            f"{'' if each == verb else each + ' '}{self._size(place, size)}" for place, size, each in way.sales
        )
        cost = ""
        if way.expected_cost is not None and way.value:
            cost = f" for about {bps(way.expected_cost / way.value * BPS)}"
        return f"{deposit}, or {verb} {sold}{cost}"

    def _size(self, place: int, size: int) -> str:
        instrument = self.layout.instruments[place]
        return f"{quantity(size / units_per_one(instrument.quantity_digits))} {unit_of(instrument.symbol)}"


def deposit_text(deposit: Balance) -> str:
    """Return a deposit as a person says it: ``12,400 USDT``, ``0.3123 BTC``."""
    amount = deposit.amount / CASH_UNIT
    if amount >= WHOLE_FROM:
        return cash(amount, deposit.asset)
    return f"{quantity(float(f'{amount:.4g}'))} {deposit.asset}"


def ways_out_of(why: str) -> str | None:
    """Return the alternatives that a fire's reason ends with in a summary; None where it has none."""
    found = _TOLD.search(why)
    return None if found is None else found[1]
