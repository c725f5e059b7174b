"""The run in words: what happened, what was done, what it saved; as plainly when doing nothing would have been better.

    headline    all of it in one breath, for the terminal
    verdict     the one thing to remember, for the head of the page
    happened, done, saved      the three sentences below it
"""

from __future__ import annotations

from bot.app.record import StopPath
from bot.app.report.story import AccountStory, Move, Row, Verdict
from bot.app.ways_out import ways_out_of
from bot.app.wording import (
    base_of,
    bps,
    cash,
    clock,
    count,
    distance_words,
    duration,
    moment,
    number,
    percent,
    price,
    quantity,
    spoken,
    unit_of,
)
from bot.domain.scale import NS_PER_DAY

_MARKETS_TOLD = 3
_RULES_TOLD = 3


def headline(story: AccountStory, moves: list[Move]) -> str:
    """Return the run in three sentences: what happened, what doing nothing meant, what was done."""
    parts = [_moves_sentence(moves), _nothing_sentence(story), _ours_sentence(story)]
    return " ".join(part for part in parts if part)


def verdict_words(story: AccountStory) -> str:
    """Return the one sentence that the page begins with."""
    if story.liquidations:
        return f"The account was liquidated at {clock_of(story.liquidations[0].get('ts'), story)}."
    if story.is_gone:
        return "Nothing is left of the account."
    if not story.has_traded:
        return "Rules fired, and nothing was traded." if story.fires else "Nothing fired."
    if story.saved is None:
        return "Orders were filled." if story.kept is None else f"{percent(story.kept)} of the account was kept."
    if story.saved == 0:
        return "It ended where doing nothing would have ended."
    amount = cash(abs(story.saved), story.currency)
    if story.saved < 0:
        return f"It cost {amount}: doing nothing would have kept more."
    doomed = story.do_nothing.liquidations
    if doomed:
        return f"{amount} saved from a liquidation at {clock_of(doomed[0].get('ts'), story)}."
    return f"{amount} better than doing nothing."


def happened_words(story: AccountStory, moves: list[Move]) -> str:
    """Return what the markets did, and what that meant for the account left alone."""
    nothing = story.do_nothing
    end = cash(nothing.equity_end, story.currency)
    if nothing.liquidations:
        when = clock_of(nothing.liquidations[0].get("ts"), story)
        alone = f"Left alone, the account would have been liquidated at {when} and ended with {end}."
    elif nothing.equity_end is not None:
        alone = f"Left alone, the account would have lived and ended with {end}."
    else:
        alone = ""
    return " ".join(part for part in (_moves_sentence(moves), alone) if part)


def done_words(story: AccountStory) -> str:
    """Return which rules fired, how near liquidation was, and what was sold for it at what cost."""
    if not story.fires and not story.has_traded:
        return "No rule fired, and nothing was traded."
    parts = [_fires_sentence(story)] if story.fires else ["No rule fired."]
    if story.traded:
        orders = sum(int(number(row.get("children")) or 0) for row in story.parents)
        in_orders = f", in {count(orders)} {'order' if orders == 1 else 'orders'}" if orders else ""
        parts.append(f"Penstock {traded_words(story)}{in_orders}.")
        if story.cost_bps is not None:
            parts.append(_cost_sentence(story))
    parts += [_stop_sentence(stop) for stop in story.stopped]
    if not story.has_traded:
        parts.append("Nothing was traded.")
    return " ".join(parts)


def saved_words(story: AccountStory) -> str:
    """Return where the account ended, beside doing nothing and beside selling as much at the first fire."""
    end = f"It ended with {cash(story.equity_end, story.currency)}"
    share = "" if story.kept is None else f", {percent(story.kept)} of what it began with"
    if story.saved is None:
        return f"{end}{share}. What doing nothing would have left is not known."
    at_once = story.sell_at_once
    if at_once is None or at_once.equity_end is None or story.equity_end is None or not story.traded:
        return f"{end}{share}: {against_nothing(story)}."
    ahead = story.equity_end - at_once.equity_end
    size = cash(abs(ahead), story.currency)
    is_same = size == cash(0, story.currency)
    beside = "as much as" if is_same else f"{size} {'more' if ahead > 0 else 'less'} than"
    return f"{end}{share}: {against_nothing(story)}, and {beside} by selling as much at once at the first fire."


def against_nothing(story: AccountStory) -> str:
    """Return the difference to doing nothing in words, with the currency; only where it is known."""
    assert story.saved is not None
    if story.saved == 0:
        return "the same as doing nothing"
    return f"{cash(abs(story.saved), story.currency)} {'more' if story.saved > 0 else 'less'} than doing nothing"


def traded_words(story: AccountStory) -> str:
    """Return what was traded in how long: ``sold 12 BTC and 300 ETH in 13 min``."""
    words = {"sell": "sold", "buy": "bought back"}
    done = []
    verb = ""
    for (side, base), size in story.traded.items():
        again, verb = verb, words.get(side, spoken(side))
        done.append(f"{'' if verb == again else verb + ' '}{quantity(float(f'{size:.4g}'))} {base}")
    over = f" in {duration(story.selling_ns)}" if story.selling_ns else ""
    return listed(done) + over


def clock_of(value: object, story: AccountStory) -> str:
    """Return the minute of something, with the day when the account's run spans more than one."""
    stamps = [moment(row.get(key)) for row in [*story.fires, *story.parents] for key in ("ts", "started", "ended")]
    stamps += [moment(row.get("ts")) for row in [*story.liquidations, *story.do_nothing.liquidations]]
    days = {stamp // NS_PER_DAY for stamp in stamps if stamp is not None}
    return clock(value, pattern="%H:%M" if len(days) <= 1 else "%d %b %H:%M")


def listed(parts: list[str]) -> str:
    """Return several things as one says them: ``a, b and c``."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _moves_sentence(moves: list[Move]) -> str:
    told = []
    verb = ""
    for move in moves[:_MARKETS_TOLD]:
        again, verb = verb, f"{'fell' if move.size < 0 else 'rose'} by up to"
        told.append(f"{base_of(spoken(move.symbol))} {'' if verb == again else verb + ' '}{percent(abs(move.size))}")
    if len(told) == 1 and percent(moves[0].end) != percent(moves[0].size):
        told.append(_end_words(moves[0].end))
    return listed(told) + "." if told else ""


def _end_words(end: float) -> str:
    size = percent(abs(end))
    return "ended where it began" if size == percent(0) else f"ended {size} {'lower' if end < 0 else 'higher'}"


def _nothing_sentence(story: AccountStory) -> str:
    liquidations = story.do_nothing.liquidations
    if liquidations:
        return f"Left alone, the account would have been liquidated at {clock_of(liquidations[0].get('ts'), story)}."
    if story.do_nothing.kept is None or story.verdict is Verdict.NEUTRAL:
        return ""
    return f"Left alone, the account would have {_kept_words(story.do_nothing.kept)}."


def _ours_sentence(story: AccountStory) -> str:
    kept = _kept_words(story.kept) if story.kept is not None else ""
    if story.liquidations:
        when = clock_of(story.liquidations[0].get("ts"), story)
        done = f"Penstock {traded_words(story)}, but the" if story.traded else "The"
        return f"{done} account was liquidated at {when}" + (f" and {kept}." if kept else ".")
    stopped = " ".join(_stop_sentence(stop) for stop in story.stopped)
    if not story.traded and stopped:
        return f"{stopped} The account {kept}." if kept else stopped
    if not story.traded:
        fired = "Nothing fired" if not story.fires else f"{_times(len(story.fires))} fired and nothing was traded"
        return f"{fired}; the account {kept}." if kept else f"{fired}."
    ours = " and ".join(part for part in (traded_words(story), kept) if part)
    return " ".join(part for part in (f"Penstock {ours}{_at_once_words(story)}.", stopped) if part)


def _at_once_words(story: AccountStory) -> str:
    """Say what the plainest alternative would have come to, better or worse."""
    if story.sell_at_once is None or story.sell_at_once.kept is None:
        return ""
    return f"; selling as much at the first fire would have kept {percent(story.sell_at_once.kept)}"


def _fires_sentence(story: AccountStory) -> str:
    """Return the rules that fired, each with its first time; of the first fire the distance that was left."""
    by_rule: dict[str, list[Row]] = {}
    for fire in story.fires:
        by_rule.setdefault(spoken(fire.get("rule")), []).append(fire)
    told = [
        f"{rule} fired at {clock_of(fires[0].get('ts'), story)}" + (f" ({len(fires)} times)" if len(fires) > 1 else "")
        for rule, fires in list(by_rule.items())[:_RULES_TOLD]
    ]
    left = len(by_rule) - len(told)
    if left:
        told.append(f"{left} more")
    readings = story.fires[0].get("readings")
    distance = number(readings.get("account.liquidation_distance")) if isinstance(readings, dict) else None
    if distance is not None:
        told[0] += f" with {distance_words(distance)} left to liquidation"
    return " ".join(part for part in (listed(told) + ".", _ways_out_sentence(story)) if part)


def _ways_out_sentence(story: AccountStory) -> str:
    """Return what would have done at the first fire that a deposit could have answered."""
    for fire in story.fires:
        ways = ways_out_of(spoken(fire.get("why")))
        if ways is not None:
            these = "either" if ", or " in ways else "this"
            return f"At {clock_of(fire.get('ts'), story)} {these} would do: {ways}."
    return ""


def _stop_sentence(stop: StopPath) -> str:
    """Return what a stop that rested at the venue did."""
    symbol = spoken(stop.symbol)
    average = price(stop.average)
    return f"The stop resting at the venue closed {quantity(stop.filled)} {unit_of(symbol)} at {average}."


def _cost_sentence(story: AccountStory) -> str:
    """Return what trading cost or gained against the prices at which it began, and the fees."""
    what = "That cost" if (story.cost_quote or 0.0) >= 0 else "That gained"
    amount = cash(abs(story.cost_quote or 0.0), story.currency)
    fees = cash(story.figures.get("fees"), story.currency)
    return f"{what} {amount} ({bps(abs(story.cost_bps or 0.0))}) against arrival; fees were {fees}."


def _kept_words(kept: float) -> str:
    if kept > 1.0005:
        return f"ended with {percent(kept)} of its equity"
    if kept < 0:
        return f"ended with a debt of {percent(-kept)} of its equity"
    return f"kept {percent(kept)} of its equity"


def _times(fires: int) -> str:
    return "One rule" if fires == 1 else f"{fires} rules"
