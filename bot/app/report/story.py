"""What is worth saying about a run: per account, the few figures that a trader looks for first.

Every one is taken from the summary; what the summary has not is None here. ``sentences`` puts them into words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot.app.record import DO_NOTHING, SELL_AT_ONCE, AccountSeries, StopPath
from bot.app.symbols import contract_size
from bot.app.wording import base_of, currency_of, moment, number, spoken, unit_of

Row = Mapping[str, Any]
_TOLD_FROM = 3                       # times a small adverse move may be outdone before the other way is the news


class Verdict(Enum):
    """How the account came out of it."""

    GOOD = "good"                    # alive, and better off than without us
    NEUTRAL = "neutral"              # nothing was done, or it made no difference
    DEAR = "dear"                    # alive, but doing nothing would have kept more
    BAD = "bad"                      # the venue liquidated it, or nothing is left


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the account would have ended otherwise; ``liquidations`` are the venue's stages."""

    equity_end: float | None
    kept: float | None               # of the equity at the start
    liquidations: list[Row]
    shortfall_bps: float | None


@dataclass(frozen=True, slots=True)
class AccountStory:
    """One account's part of the summary, with what follows from it. Cash in quote units, ratios fractions."""

    name: str
    figures: Row
    currency: str
    equity_start: float | None
    equity_end: float | None
    kept: float | None
    liquidations: list[Row]
    do_nothing: Baseline
    sell_at_once: Baseline | None
    fires: list[Row]
    parents: list[Row]
    traded: dict[tuple[str, str], float]     # (side, base currency): quantity, in order of first trade
    cost_bps: float | None
    cost_quote: float | None
    selling_ns: int | None           # time with a parent open
    stopped: list[StopPath]          # positions of which a resting stop sold something

    @property
    def has_traded(self) -> bool:
        """True when anything of ours was filled, by a parent order or by a stop that rested at the venue."""
        return bool(self.traded or self.stopped)

    @property
    def saved(self) -> float | None:
        """Equity at the end above what doing nothing would have left; negative when it cost."""
        if self.equity_end is None or self.do_nothing.equity_end is None:
            return None
        return self.equity_end - self.do_nothing.equity_end

    @property
    def is_gone(self) -> bool:
        """True when nothing is left of the account."""
        return self.equity_end is not None and self.equity_end <= 0 < (self.equity_start or 0.0)

    @property
    def verdict(self) -> Verdict:
        if self.liquidations or self.is_gone:
            return Verdict.BAD
        if not self.has_traded or self.saved is None or self.saved == 0:
            return Verdict.NEUTRAL
        return Verdict.GOOD if self.saved > 0 else Verdict.DEAR


@dataclass(frozen=True, slots=True)
class Move:
    """The furthest a market went from where it began, and where it ended, as signed fractions."""

    symbol: str
    size: float
    end: float


def stories(
    summary: Row, markets: Mapping[str, list[str]] | None = None, stops: Sequence[StopPath] = ()
) -> list[AccountStory]:
    """Return the story of every account, in the summary's order.

    ``markets`` are the symbols by account, where they are known: a run without trades names none. ``stops`` are those
    of the run: what they sold is no parent order.
    """
    accounts = summary.get("accounts") or {}
    return [
        _story(
            summary, str(name), figures or {}, (markets or {}).get(name, []),
            [stop for stop in stops if stop.filled and stop.account == name], alone=len(accounts) == 1,
        )
        for name, figures in accounts.items()
    ]


def moves_of(series: AccountSeries) -> list[Move]:
    """Return how far each market went, those held from the start first.

    It is told the way that hurt what was held, unless the market went three times as far the other way.
    """
    found: list[tuple[bool, Move]] = []
    for symbol, line in series.marks.items():
        marks = [mark for mark in (number(value) for value in line) if mark]
        if not marks:
            continue
        held = next((size for size in series.quantities.get(symbol, ()) if size is not None), None) or None
        fall, rise = 1 - min(marks) / marks[0], max(marks) / marks[0] - 1
        if held is None:
            is_downward = fall >= rise
        else:
            is_downward = fall * _TOLD_FROM >= rise if held > 0 else rise * _TOLD_FROM < fall
        found.append((held is None, Move(symbol, -fall if is_downward else rise, marks[-1] / marks[0] - 1)))
    return [move for _, move in sorted(found, key=lambda pair: pair[0])]


def _story(
    summary: Row, name: str, figures: Row, symbols: list[str], stopped: list[StopPath], *, alone: bool
) -> AccountStory:
    parents = [row for row in summary.get("parents") or [] if alone or row.get("account") == name]
    baselines = (summary.get("baselines") or {}).get(name) or {}
    start, end = number(figures.get("equity_start")), number(figures.get("equity_end"))
    at_once = baselines.get(SELL_AT_ONCE)
    cost_quote, arrival_notional = _shortfall(parents)
    return AccountStory(
        name=name,
        figures=figures,
        currency=_currency(symbols or _symbols(summary, parents, name)),
        equity_start=start,
        equity_end=end,
        kept=_kept(end, start),
        liquidations=list(figures.get("liquidations") or []),
        do_nothing=_baseline(baselines.get(DO_NOTHING) or {}, start),
        sell_at_once=None if at_once is None else _baseline(at_once, start),
        fires=[row for row in summary.get("fires") or [] if alone or is_of_account(row.get("scope"), name)],
        parents=parents,
        traded=_traded(parents),
        cost_bps=cost_quote / arrival_notional * 10_000 if cost_quote is not None else None,
        cost_quote=cost_quote,
        selling_ns=_time_at_work(parents),
        stopped=stopped,
    )


def currency_of_rule(rule: str, told: Sequence[AccountStory]) -> str:
    """Return what a rule's cash is counted in: the currency of the accounts that it fired in; empty where they differ.

    Of a rule that never fired nothing is to be counted, so that any account's will do.
    """
    fired_in = [story for story in told if any(fire.get("rule") == rule for fire in story.fires)]
    found = {story.currency for story in fired_in or told}
    return found.pop() if len(found) == 1 else ""


def is_of_account(scope: object, account: str) -> bool:
    """Say whether a fire's scope is the account itself or one of its positions: ``main BTC/USDT:USDT``."""
    return str(scope) == account or str(scope).startswith(f"{account} ")


def _baseline(row: Row, start: float | None) -> Baseline:
    end = number(row.get("equity_end"))
    return Baseline(
        equity_end=end,
        kept=_kept(end, start),
        liquidations=list(row.get("liquidations") or []),
        shortfall_bps=number(row.get("shortfall_bps")),
    )


def _kept(end: float | None, start: float | None) -> float | None:
    return end / start if end is not None and start is not None and start > 0 else None


def _symbols(summary: Row, parents: list[Row], account: str) -> list[str]:
    """Return the markets that the summary itself names for an account."""
    baseline = ((summary.get("baselines") or {}).get(account) or {}).get(DO_NOTHING) or {}
    return [str(row.get("symbol", "")) for row in [*parents, *(baseline.get("liquidations") or [])]]


def _currency(symbols: list[str]) -> str:
    """Return what cash is counted in; empty where several currencies meet."""
    found = dict.fromkeys(currency_of(symbol) for symbol in symbols)
    return next(iter(found)) if len(found) == 1 else ""


def _traded(parents: list[Row]) -> dict[tuple[str, str], float]:
    traded: dict[tuple[str, str], float] = {}
    for row in parents:
        filled = number(row.get("filled"))
        if filled:
            what = (str(row.get("side")), unit_of(spoken(row.get("symbol"))))
            traded[what] = traded.get(what, 0.0) + filled
    return traded


def _shortfall(parents: list[Row]) -> tuple[float | None, float]:
    """Return what selling cost in the settlement currency, and the value at arrival of what it was counted on."""
    cost, notional = 0.0, 0.0
    for row in parents:
        filled, arrival, shortfall = (number(row.get(key)) for key in ("filled", "arrival_price", "shortfall_bps"))
        if filled and arrival and shortfall is not None:
            value = _value(spoken(row.get("symbol")), filled, arrival)
            notional += value
            cost += value * shortfall / 10_000
    return (cost, notional) if notional > 0 else (None, 0.0)


def _value(symbol: str, filled: float, price: float) -> float:
    """Return what was traded at a price, in the settlement currency: quote units, or coins for inverse contracts."""
    if unit_of(symbol) == base_of(symbol):
        return filled * price
    return filled * float(contract_size(base_of(symbol))) / price


def _time_at_work(parents: list[Row]) -> int | None:
    """Return how long at least one parent was open, ns: two hours apart they did not take two hours."""
    spans = sorted(
        (started, ended) for row in parents
        if (started := moment(row.get("started"))) is not None and (ended := moment(row.get("ended"))) is not None
    )
    if not spans:
        return None
    total, done = 0, spans[0][0]
    for started, ended in spans:
        total += max(0, ended - max(started, done))
        done = max(done, ended)
    return total
