"""The answers of ``explain`` as lines for a person."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.app.explain.telling import Told
from bot.app.wording import cash, percent, price, short_symbol, signed_cash

WIDTH = 110
HASH_SHOWN = 12                      # letters; enough to tell two files apart
_TIED = "\N{NO-BREAK SPACE}"
Lines = list[str]


def fires_text(told: Told) -> Lines:
    """Return the list of fires."""
    lines: Lines = []
    for fire in told["fires"]:
        lines += [*_fire(fire), ""]
    if not told["fires"]:
        lines += ["nothing fired in this run", ""]
    if told["never_fired"]:
        lines.append(f"never fired: {', '.join(told['never_fired'])}; --why-not RULE says how near they came")
    for reload in told["reloads"]:
        lines += _wrapped(
            f"reloaded {_clock(reload['ts'])}: from here on the rules and limits of configuration "
            f"{reload['config_hash'][:HASH_SHOWN]}", 0,
        )
    for cancel in told["cancelled_orders"]:
        at = "" if cancel["price"] is None else f" at {cancel['price']}"
        lines += _wrapped(
            f"{_clock(cancel['ts'])} cancelled somebody's {cancel['side']} of {cancel['quantity']} of"
            f" {cancel['position']}{at} ({cancel['order']}): {cancel['why']}", 0,
        )
    for alarm in told["alarms"]:
        lines += _wrapped(f"alarm {_clock(alarm['ts'])} {alarm['code']}: {alarm['detail']}", 0)
    return lines


def fire_text(told: Told) -> Lines:
    """Return one fire with its alternatives and orders."""
    lines = [*_fire(told["fire"]), "", *_alternatives(told["alternatives"])]
    for order in told["orders"]:
        lines += ["", *_order(order)]
    return lines


def order_text(told: Told) -> Lines:
    """Return an order's chain: order, parent, duties, fires."""
    lines: Lines = []
    for order in told["orders"]:
        lines += [*_order(order), ""]
    for denial in told.get("denials", ()):
        lines += [f"{_clock(denial['ts'])} order {denial['order']}: {_asked(denial)}"]
        denied = denial["denied"]
        lines += [*_wrapped(f"the gate refused it: {denied['code']}, {denied['means']} ({denied['detail']})", 2), ""]
    if "parent" in told:
        lines += ["it belongs to", *_parent(told["parent"], 2), "", "which carries out"]
        for fire in told["fires"]:
            lines += [*_head(fire), *_readings(fire), *_plans(fire)]
    return lines


def why_not_text(told: Told) -> Lines:
    """Return how near a rule came."""
    hold = "" if told["hold"] == "0s" else f", for {told['hold']}"
    lines = [f"{told['rule']}: for each {told['for_each']}, when {told['when']}{hold}"]
    if told["fires"]:
        times = ", ".join(f"{_clock(fire['ts'])} (--fire {fire['fire']})" for fire in told["fires"])
        lines.append(f"  it did fire: {times}")
    for wait in told["waited"]:
        lasted = "until the run ended" if wait["seconds"] is None else f"for {wait['seconds']:g} s"
        cause = " and ".join(wait["waited_for"])
        lines += _wrapped(
            f"{_clock(wait['ts'])} {wait['scope']}: the condition held {lasted}, and the rule waited for {cause}", 2
        )
    for latch in told["latched"]:
        lines.append(f"  {_clock(latch['ts'])} {latch['scope']}: latched, it has fired as often as it may")
    near = told["nearest"]
    if near is None:
        lines.append("  its readings were never all there while something was held" if told["looked"] else
                     "  it was never looked at: this run held nothing that the rule looks at")
    else:
        missing = (
            "the condition held" if near["gap"] == 0 else f"{percent(near['gap'])} of the bound was missing"
            if near["gap"] is not None else "the distance has no measure"
        )
        lines += _wrapped(f"nearest {_clock(near['ts'])} {near['scope']}, {missing}: {near['why']}", 2)
    if told["looked"]:
        undecided = f"undecided {told['undecided']} times"
        lines.append(f"  looked {told['looked']} times, every {told['looked_every']}; {undecided}")
    for reading, times in told["unavailable"].items():
        lines.append(f"  unavailable {times} times: {reading}")
    return lines


def at_text(told: Told) -> Lines:
    """Return how the accounts stood."""
    lines = [f"at {told['at']}"]
    for name, sample in told["accounts"].items():
        if sample is None:
            lines.append(f"  {name}: not known yet")
            continue
        distance, ratio = percent(sample["liquidation_distance"]), percent(sample["margin_ratio"])
        lines.append(
            f"  {name}: equity {cash(sample['equity'], sample['currency'])}, distance to liquidation {distance}, "
            f"margin ratio {ratio} (sampled {_clock(sample['sampled'])})"
        )
        for symbol, quantity in sample["quantities"].items():
            if quantity:
                lines.append(f"    {short_symbol(symbol)}: {quantity:g} at mark {price(sample['marks'][symbol])}")
        for rule, bound in sample["fires_below"].items():
            lines.append(f"    {rule} fires below {percent(bound)}")
    for rule in told["rules"]:
        lines.append(f"  rule {rule['rule']} of {rule['scope']}: {rule['state']} since {_clock(rule['since'])}")
    for fire in told["fires"]:
        lines += ["  open:", *_indented(_head(fire))]
    for parent in told["parents"]:
        lines += [*_parent(parent, 2), f"    filled by then: {parent['filled_by_then']}"]
    return lines


def _fire(fire: Told) -> Lines:
    lines = _head(fire) + _readings(fire) + _plans(fire)
    for parent in fire["parents"]:
        lines += _parent(parent, 2)
    ended = fire["ended"]
    lines.append("  not ended" if ended is None else f"  ended {_clock(ended['ts'])}: {ended['reason']}")
    return lines


def _head(fire: Told) -> Lines:
    return [
        f"fire {fire['fire']}: {_clock(fire['ts'])} {fire['rule']} of {fire['scope']}, goal {fire['goal']}",
        *_wrapped(f"because {fire['why']}", 2),
    ]


def _readings(fire: Told) -> Lines:
    lines = []
    for reading in fire["readings"]:
        shown = _READ.get(reading["unit"], _plain)(reading["value"], reading["unit"])
        lines.append(f"  read {reading['reading']} = {shown}")
    return [*lines, f"  equity then {cash(fire['equity'], fire['currency'])}"]


def _plans(fire: Told) -> Lines:
    lines = []
    for plan in fire["plans"]:
        planned = {**plan["keep"], **plan["hold"]}
        keeps = ", ".join(f"{position} {quantity}" for position, quantity in planned.items()) or "everything"
        cost = cash(plan["estimated_cost"], fire["currency"])
        lines += _wrapped(f"plan {_clock(plan['ts'])}: keep {keeps}; expected cost {cost}", 2)
    return lines


def _parent(parent: Told, indent: int) -> Lines:
    ended = parent["ended"]
    end = "still open" if ended is None else f"{ended['reason']} {_clock(ended['ts'])}"
    shortfall, fees = signed_cash(parent["shortfall"], parent["currency"]), cash(parent["fees"], parent["currency"])
    text = (
        f"parent {parent['parent']}: {parent['side']} {parent['quantity']} of {parent['position']}, filled"
        f" {parent['filled']} in {len(parent['orders'])} orders, from {_clock(parent['started'])}, {end};"
        f" arrival {parent['arrival_price']}, shortfall {shortfall}, fees {fees}"
    )
    return [*_wrapped(text, indent), *_ladder(parent["ladder"], indent + 2), *_pauses(parent["pauses"], indent + 2)]


def _order(order: Told) -> Lines:
    lines = [f"{_clock(order['ts'])} order {order['order']}: {_asked(order)}"]
    for duty in order["obligations"]:
        collar = "the limits' collar" if duty["collar"] is None else f"collar {percent(duty['collar'])}"
        share = duty["participation_max"]
        cap = "" if share is None else f", at most {percent(share)} of the volume"
        straight = "" if duty["why_linear"] is None else f" ({duty['why_linear']})"
        lines += _wrapped(
            f"owed to {duty['rule']} (fire {duty['fire']}): {duty['quantity']} by {_clock(duty['deadline'])},"
            f" {duty['algo']}{straight} by {duty['tactic']}, {collar}{cap}", 2
        )
    lines += _ladder(order["ladder"], 2)
    for answer in order["answers"]:
        lines.append(f"  {_clock(answer['ts'])} {_answer(answer)}")
    return lines


def _asked(order: Told) -> str:
    only = ", reduce-only" if order["reduce_only"] else ""
    return (
        f"{order['side']} {order['quantity']} of {order['position']} at {order['limit_price']}"
        f" {order['time_in_force']}, class {order['class']}{only}"
    )


def _answer(answer: Told) -> str:
    if answer["what"] == "filled" and "price" in answer:
        modelled = ", modelled" if answer["modelled"] else ""
        terms = f"fee {cash(answer['fee'], answer['currency'])}, {answer['liquidity']}{modelled}"
        return f"filled {answer['quantity']} at {answer['price']}, {terms}"
    return f"{answer['what']}: {answer['why']}" if "why" in answer else str(answer["what"])


def _pauses(pauses: Iterable[Told], indent: int) -> Lines:
    return [
        line for pause in pauses
        for line in _wrapped(f"paused {_clock(pause['ts'])} with {pause['residual']} to go: {pause['why']}", indent)
    ]


def _ladder(steps: Iterable[Told], indent: int) -> Lines:
    return [
        line for step in steps
        for line in _wrapped(
            f"ladder {_clock(step['ts'])}: {step['what']}{_reached(step['to'])}, {step['why']}", indent
        )
    ]


def _reached(to: float | None) -> str:
    """Return how far a step goes; most have no measure."""
    return "" if to is None else f" to {percent(to)}"


def _alternatives(told: Told) -> Lines:
    lines = ["instead:"]
    nothing, at_once, deposit = told["do_nothing"], told["sell_at_once"], told["deposit"]
    currency = told["currency"]
    if "why" in told:
        lines.append(f"  doing nothing, selling at once: not known, {told['why']}")
    else:
        lines.append(f"  as it was: the run ended with equity {cash(told['equity_end'], currency)}")
    if nothing is not None:
        stages = nothing["liquidations"]
        fate = f", liquidated {_clock(stages[0]['ts'])}" if stages else ", not liquidated"
        lines.append(f"  doing nothing: {cash(nothing['equity_end'], currency)}{fate}")
    if at_once is not None:
        lines.append(f"  selling the same lots at once at the first fire: {cash(at_once['equity_end'], currency)}")
    if deposit is not None and deposit["estimated_from"] is None:
        lines.append(f"  a deposit of {cash(deposit['amount'], deposit['asset'])} would have reached the goal")
    elif deposit is not None:
        lines.append(
            f"  a deposit of about {cash(deposit['amount'], currency)} would have reached the goal"
            f" (estimated from the sample of {_clock(deposit['estimated_from'])})"
        )
    return lines


def _plain(value: Any, unit: str) -> str:
    return "unavailable or infinite" if value is None else f"{value:,.6g} {unit}"


def _ratio(value: Any, unit: str) -> str:
    del unit
    return "unavailable or infinite" if value is None else percent(value)


def _duration(value: Any, unit: str) -> str:
    return _plain(value, unit) if value is None else f"{value / 1e9:,.6g} s"


_READ: Mapping[str, Callable[[Any, str], str]] = {"ratio": _ratio, "duration": _duration}


def _clock(ts: str) -> str:
    """Return a time of an answer to the second, and finer where it is not a whole one."""
    return ts.replace("T", " ").removesuffix("Z").removesuffix(".000000")


def _wrapped(text: str, indent: int) -> Lines:
    """Return text in lines, none of which parts a number from its percent sign."""
    lines = textwrap.wrap(
        text.replace(" %", f"{_TIED}%"), WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 4),
        break_on_hyphens=False, break_long_words=False,
    )
    return [line.replace(_TIED, " ") for line in lines]


def _indented(lines: Lines) -> Lines:
    return [f"  {line}" for line in lines]
