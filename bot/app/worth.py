"""What a rule was worth: its fires and its costs, against the same account with nobody looking after it.

``saved``: what the account ended with above what doing nothing ended with; negative when it cost. Several rules share
it by the value that each traded; a parent order of several rules counts for each of them in equal parts, and what a
stop resting at the venue traded counts for none. So the rules of an account never claim more than there was.

``false_fires``: a fire is false when the account, left alone, was never liquidated in the run and ended it with more
than it did with us. That is known of an account, not of one fire, so all of an account's fires are false or none is. It
is hindsight and nothing else: on a tape that ends at its low no fire is false.

``cost``: shortfall against arrival and fees, of every parent order in which the rule had a part, whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from bot.app.arrival import lost_to_arrival
from bot.app.record import DO_NOTHING
from bot.app.recorder import ParentRecord, RunRecorder
from bot.domain.instrument import InstrumentKind
from bot.domain.names import child_name
from bot.domain.scale import CASH_DIGITS, cash_text, to_fixed
from bot.engine.measures.layout import Layout

_CHILD_LETTERS = len(child_name("", 0))
Baselines = Mapping[str, Mapping[str, Any]]


def rule_worth(recorder: RunRecorder, name: str, baselines: Baselines) -> dict[str, Any]:
    """Return a rule's fires, false fires, saved and cost as the contract writes them.

    Cash is in the settlement currency of its accounts; null where they settle in several, which do not add up. What
    is counted against doing nothing is null where nobody knows how that would have ended.
    """
    layout = recorder.engine.layout
    fired_in = [fire.element.account for fire in recorder.fires if fire.rule == name]
    accounts = list(dict.fromkeys(fired_in))
    is_one_currency = len({layout.accounts[account].settle for account in accounts}) <= 1
    is_compared = all(baselines[layout.accounts[account].name][DO_NOTHING] is not None for account in accounts)
    cost = sum(_cost(record, layout) for record in recorder.parents.values() if name in record.rules)
    return {
        "fires": len(fired_in),
        "false_fires": sum(_is_false(recorder, account, baselines) for account in fired_in) if is_compared else None,
        "saved": (
            cash_text(sum(_saved(recorder, name, account, baselines) for account in accounts))
            if is_one_currency and is_compared else None
        ),
        "cost": cash_text(cost) if is_one_currency else None,
    }


def _gain(recorder: RunRecorder, account: int, baselines: Baselines) -> int:
    """Return equity at the end above that of doing nothing, cash."""
    left_alone = baselines[recorder.engine.layout.accounts[account].name][DO_NOTHING]
    return recorder.engine.columns.equity[account] - to_fixed(left_alone["equity_end"], CASH_DIGITS)


def _is_false(recorder: RunRecorder, account: int, baselines: Baselines) -> bool:
    left_alone = baselines[recorder.engine.layout.accounts[account].name][DO_NOTHING]
    return not left_alone["liquidations"] and _gain(recorder, account, baselines) < 0


def _saved(recorder: RunRecorder, name: str, account: int, baselines: Baselines) -> int:
    """Return the rule's share of an account's gain, cash, rounded half to even."""
    ours = Fraction(0)
    traded = 0
    for fill in recorder.fills:
        if fill.account != account:
            continue
        instrument = recorder.engine.layout.instruments[fill.key.instrument]
        value = instrument.value(price=fill.price, quantity=fill.quantity)
        traded += value
        record = recorder.parents.get(fill.name[:-_CHILD_LETTERS])
        if record is not None and name in record.rules:
            ours += Fraction(value, len(record.rules))
    return round(_gain(recorder, account, baselines) * ours / traded) if traded else 0


def _cost(record: ParentRecord, layout: Layout) -> int:
    """Return shortfall against arrival plus fees, cash."""
    instrument = layout.instruments[record.opened.key.instrument]
    lost = lost_to_arrival(
        side=record.opened.side,
        arrival=record.opened.arrival_price,
        turnover=record.value,
        quantity=record.filled,
        multiplier=instrument.value_multiplier,
        is_inverse=instrument.kind is InstrumentKind.INVERSE,
    )
    return lost + record.fees
