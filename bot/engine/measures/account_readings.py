"""How each measure of an account, and of all accounts together, is worked out from the state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import fsum, inf

from bot.domain.scale import CASH_UNIT, NS_PER_MINUTE
from bot.engine.measures.columns import Columns
from bot.engine.measures.deltas import net_delta
from bot.engine.measures.layout import Layout
from bot.engine.measures.market import Market
from bot.engine.record.book import Book
from bot.engine.record.margin_calls import is_standing
from bot.engine.record.peaks import Peaks
from bot.risk.margin import worst_distance_of
from bot.rules.language.measures import MEASURES, MeasureUnit

Compute = Callable[[int], float | None]

FIFTEEN_MINUTES = 15 * NS_PER_MINUTE
BY_MINUTE = ("account.sigma",)       # change only when a minute of returns is complete, or a position
SMALLEST_IS_WORST = ("liquidation_distance", "liquidation_distance_worst", "liquidation_sigmas")


class AccountReadings:
    """One function by account for each measure; None while the account is not known."""

    def __init__(self, layout: Layout, book: Book, columns: Columns, market: Market, peaks: Peaks) -> None:
        self.layout = layout
        self.book = book
        self.columns = columns
        self.market = market
        self.peaks = peaks
        self.moved_by = [                            # by account: each position, and what it moves with
            [(position, (thing := layout.instrument_of(position)).underlying, thing.index) for position in positions]
            for positions in layout.positions_of
        ]
        self._sums: dict[str, Compute] = {
            "equity": lambda a: columns.equity[a] / CASH_UNIT,
            "wallet": self._wallet,
            "collateral_value": self._collateral_value,
            "available": self.available,
            "initial_margin": self._initial_margin,
            "maintenance_margin": lambda a: columns.maintenance(a) / CASH_UNIT,
            "margin_ratio": columns.margin_ratio,
            "leverage": self._leverage,
            "gross_notional": lambda a: columns.gross[a] / CASH_UNIT,
            "net_notional": lambda a: columns.net[a] / CASH_UNIT,
            "liquidation_distance": columns.distance.__getitem__,
            "liquidation_distance_worst": self._distance_worst,
            "liquidation_sigmas": lambda a: columns.distance[a] / self.sigma(a, FIFTEEN_MINUTES),
            "drawdown": peaks.account_drawdown,
        }

    def compute(self, measure: str, args: Sequence[int | float]) -> Compute:
        """Return what works out a measure by account."""
        name = measure.partition(".")[2]
        if name == "sigma":
            window = int(args[0])
            return lambda account: self.sigma(account, window)
        if name == "drawdown":
            self.peaks.is_of_accounts = self.peaks.is_wanted = True
        if name == "margin_call":
            return lambda account: float(is_standing(self.layout, self.book, account))
        worked_out = self._sums[name]
        known = self.columns.known
        return lambda account: worked_out(account) if known[account] else None

    def compute_underlying(self, underlying: str) -> Compute:
        """Return what works out the net delta in one underlying by account."""

        def compute(account: int) -> float | None:
            delta = net_delta(self.columns, account, underlying)
            return None if delta is None else delta / CASH_UNIT

        return compute

    def compute_portfolio(self, measure: str, args: Sequence[int | float]) -> Compute:
        """Return what works out a measure over all accounts: a sum of money, else the worst account's."""
        name = measure.partition(".")[2]
        each = self.compute(f"account.{name}", args)
        accounts = range(len(self.layout.accounts))
        combine: Callable[[list[float]], float] = min if name in SMALLEST_IS_WORST else max
        if MEASURES[measure].unit is MeasureUnit.ACCOUNT_MONEY:
            if len({slot.settle for slot in self.layout.accounts}) > 1:
                return lambda _: None
            combine = fsum

        def over_all(_: int) -> float | None:
            found: list[float] = []
            for account in accounts:
                value = each(account)
                if value is None:
                    return None
                found.append(value)
            return combine(found)

        return over_all

    def sigma(self, account: int, window: int) -> float:
        """Return the volatility over ``window`` of equity per unit of common move, a fraction.

        The underlyings' volatilities weighted by |net value|; without a position the largest of them.
        """
        net: dict[str, int] = {}
        sigma: dict[str, float] = {}
        values, volatility = self.columns.value, self.market.volatility
        for position, underlying, instrument in self.moved_by[account]:
            net[underlying] = net.get(underlying, 0) + values[position]
            sigma[underlying] = volatility[instrument].sigma(window)
        pools = self.columns.pools[account]
        if pools is not None:
            for underlying, value in pools.moving_values().items():
                net[underlying] = net.get(underlying, 0) + value
        weight = sum(abs(value) for value in net.values())
        if not weight:
            return max(sigma.values())
        weighted = 0.0
        for underlying, value in net.items():
            weighted += abs(value) * sigma[underlying]
        return weighted / weight

    def _wallet(self, account: int) -> float:
        return self.book.accounts[account].wallet / CASH_UNIT

    def _leverage(self, account: int) -> float:
        gross, equity = self.columns.gross[account], self.columns.equity[account]
        if not gross:
            return 0.0
        return gross / equity if equity > 0 else inf

    def _initial_margin(self, account: int) -> float:
        """Return what opening all positions at the mark would take, those of isolated ones included."""
        slot = self.layout.accounts[account]
        if not slot.leverages:
            return self.columns.gross[account] / slot.leverage / CASH_UNIT
        return self._initial_margin_of(self.layout.positions_of[account])

    def _initial_margin_of(self, positions: Sequence[int]) -> float:
        total = 0.0
        for position in positions:
            key = self.layout.keys[position]
            total += abs(self.columns.value[position]) / self.layout.accounts[key.account].leverage_of(key.instrument)
        return total / CASH_UNIT

    def available(self, account: int) -> float:
        """Return what may back new cross positions, in whole units of the settlement currency.

        Isolated ones have their margin already, and keep it. Only for an account that is known.
        """
        pools = self.columns.pools[account]
        if pools is None:
            return max(0.0, self.columns.equity[account] / CASH_UNIT - self._initial_margin(account))
        cross = pools.cross
        return max(0.0, cross.totals.equity / CASH_UNIT - self._initial_margin_of(cross.positions))

    def _collateral_value(self, account: int) -> float:
        pools = self.columns.pools[account]
        return self._wallet(account) if pools is None else pools.collateral_value / CASH_UNIT

    def _distance_worst(self, account: int) -> float:
        columns, layout = self.columns, self.layout
        pools = columns.pools[account]
        if pools is not None:
            return pools.worst_distance()
        held = [position for position in layout.positions_of[account] if columns.value[position]]
        return worst_distance_of(
            columns.equity[account] - columns.withheld[account],
            [columns.value[position] for position in held],
            [layout.tiers[layout.keys[position].instrument] for position in held],
        )
