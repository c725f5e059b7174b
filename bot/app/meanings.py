"""What the numbers of a rule mean before anything runs: in the other measures, per bracket, and in price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from typing import Any

from bot.app.loading import Loaded
from bot.app.starts import KnownPosition, Start, start_of
from bot.app.symbols import perpetual_of
from bot.domain.scale import CASH_UNIT, NS_PER_MINUTE
from bot.risk.levels import Book, Meaning, Single, meaning_of, move_to
from bot.risk.tiers import PPM, TierTable
from bot.risk.volatility import prior_variance
from bot.rules.language.explain import explain
from bot.rules.language.interpret import Lookup, interpret
from bot.rules.language.typed import ReadingRef, Scope
from bot.rules.levels import Level, levels_of
from bot.rules.ruleset import Rule

FORMULA = (
    "a position alone, of value V in a bracket of rate m and deduction c: mu = m - c/V; leverage = ratio / mu; "
    "distance = mu (1/ratio - 1) / (1 - m) for a long, / (1 + m) for a short, while the move stays in the bracket "
    "(figures at a bracket's upper end, of the last at its lower; a move that leaves a bracket is followed on)"
)


def levels(loaded: Loaded) -> list[dict[str, Any]]:
    """Return every level of an account that a rule names, with what it means in each bracket of each market."""
    return [
        {
            "rule": rule.name, "where": level.where, "measure": level.measure, "level": level.target,
            "brackets": {
                symbol: _brackets(level, perpetual_of(symbol).tiers)
                for symbol in loaded.config.symbols if not perpetual_of(symbol).is_inverse
            },
        }
        for rule in loaded.rules.rules for level in levels_of(rule) if level.is_of_margin
    ]


def prices(loaded: Loaded) -> list[dict[str, Any]]:
    """Return at which prices the accounts' starting positions reach the levels; only where all have a price."""
    found: list[dict[str, Any]] = []
    for start in _starts(loaded):
        if not start.is_known:
            continue
        for rule in loaded.rules.rules:
            for level in levels_of(rule):
                found += _prices(start, rule, level)
    return found


def unpriced(loaded: Loaded) -> dict[str, list[str]]:
    """Return the positions whose price only the tape will tell, by account."""
    return {start.name: list(start.unpriced) for start in _starts(loaded) if start.unpriced and start.is_plain}


def untold(loaded: Loaded) -> list[str]:
    """Return a warning for every account whose levels are not worked out in price before a run."""
    return [
        f"accounts.{start.name}: holds inverse contracts, isolated margin or collateral; what levels mean in price is "
        "not worked out for such an account before it runs, nor whether it starts inside a rule"
        for start in _starts(loaded) if not start.is_plain
    ]


def starts_liquidated(loaded: Loaded) -> list[str]:
    """Return a warning for every account whose cash does not carry its positions, so that the venue takes them."""
    return [
        f"accounts.{start.name}: starts liquidated: equity {start.equity / CASH_UNIT:,.2f} does not cover the "
        "maintenance margin of its positions; start with more cash or less position"
        for start in _starts(loaded) if start.is_known and _book(start).state().margin_ratio >= 1
    ]


def starts_inside(loaded: Loaded) -> list[str]:
    """Return a warning for every rule that is true at the start, and so would fire at once."""
    found = []
    for start in _starts(loaded):
        if not start.is_known:
            continue
        leverage = loaded.config.accounts[start.name].paper.leverage
        for rule in loaded.rules.rules:
            for position in start.positions if rule.scope is Scope.POSITION else (None,):
                lookup = _at_start(start, position, leverage)
                if interpret(rule.when, lookup) is True:
                    where = start.name if position is None else f"{start.name} {position.symbol}"
                    found.append(
                        f"accounts.{where}: starts inside {rule.name}, which would fire at once: "
                        f"{explain(rule.when, lookup)}; start with more cash or less position, or correct the rule"
                    )
    return found


def _starts(loaded: Loaded) -> list[Start]:
    return [start_of(name, account) for name, account in loaded.config.accounts.items()]


def _brackets(level: Level, table: TierTable) -> list[dict[str, Any]]:
    assert level.kind is not None
    return [
        {
            "value_max": None if tier.cap is None else tier.cap // CASH_UNIT,
            "rate": tier.rate_ppm / PPM,
            "long": _figures(meaning_of(level.kind, level.target, Single(table, tier.cap or tier.floor))),
            "short": _figures(meaning_of(level.kind, level.target, Single(table, -(tier.cap or tier.floor)))),
        }
        for tier in table.tiers
    ]


def _figures(meaning: Meaning) -> dict[str, float | None]:
    return {
        name: value if isfinite(value) else None
        for name, value in (
            ("liquidation_distance", meaning.liquidation_distance), ("margin_ratio", meaning.margin_ratio),
            ("leverage", meaning.leverage),
        )
    }


def _book(start: Start) -> Book:
    singles = tuple(Single(position.table, position.value) for position in start.positions if position.value)
    return Book(start.equity, singles)


def _prices(start: Start, rule: Rule, level: Level) -> list[dict[str, Any]]:
    common = None if level.kind is None else move_to(level.kind, level.target, _book(start))
    found = []
    for position in start.positions:
        move = common if level.kind is not None else -level.target if position.amount > 0 else level.target
        if move is not None and move <= -1:
            move = None                              # no market falls below nothing
        found.append({
            "rule": rule.name, "where": level.where, "measure": level.measure, "level": level.target,
            "account": start.name, "symbol": position.symbol, "entry_price": str(position.price), "move": move,
            "price": None if move is None else float(position.price) * (1 + move),
        })
    return found


def _at_start(start: Start, position: KnownPosition | None, leverage: int) -> Lookup:
    """Return the readings of an account as it starts, every position at its entry; volatility is the prior."""
    book = _book(start)
    state = book.state()
    gross = sum(abs(single.value) for single in book.singles) / CASH_UNIT
    equity = start.equity / CASH_UNIT
    known: dict[str, float] = {
        "account.equity": equity, "account.wallet": equity, "account.leverage": state.leverage,
        "account.margin_ratio": state.margin_ratio, "account.liquidation_distance": state.liquidation_distance,
        "account.maintenance_margin": state.margin_ratio * equity if equity > 0 else 0.0,
        "account.gross_notional": gross,
        "account.net_notional": sum(single.value for single in book.singles) / CASH_UNIT,
        "account.initial_margin": gross / leverage, "account.available": max(0.0, equity - gross / leverage),
    }
    if position is not None:
        known.update(_position(position))
    by_symbol = {each.symbol: float(each.price) for each in start.positions}

    def lookup(ref: ReadingRef) -> float | None:
        if ref.derived is not None:
            return None
        if ref.measure == "account.sigma":
            return _prior_sigma(start.positions, ref.args[0])
        if ref.measure in ("market.mark_price", "market.last_price"):
            symbol = ref.symbol or ("" if position is None else position.symbol)
            return by_symbol.get(symbol)
        return known.get(ref.measure)

    return lookup


def _position(position: KnownPosition) -> Mapping[str, float]:
    return {
        "position.side": 1.0 if position.amount > 0 else -1.0,
        "position.amount": float(position.amount),
        "position.notional": abs(position.value) / CASH_UNIT,
        "position.entry_price": float(position.price),
        "position.unrealised_pnl": 0.0,
        "position.loss_ratio": 0.0,
        "position.age": 0.0,
    }


def _prior_sigma(positions: Sequence[KnownPosition], window: int | float) -> float:
    """Return the volatility that a fresh engine assumes: each underlying's prior by |net value|."""
    net: dict[str, int] = {}
    for position in positions:
        net[position.base] = net.get(position.base, 0) + position.value
    weight = sum(abs(value) for value in net.values())
    if not weight:
        return max(sqrt(prior_variance(base) * (window / NS_PER_MINUTE)) for base in net)
    weighted = 0.0
    for base, value in net.items():
        weighted += abs(value) * sqrt(prior_variance(base) * (window / NS_PER_MINUTE))
    return weighted / weight
