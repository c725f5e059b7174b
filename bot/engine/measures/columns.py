"""Prices and what follows from them, in plain lists by index, changed by difference.

One price moves one instrument: its positions' values change by (new - old), their accounts' totals by the
same differences, and the distance to liquidation follows by one division. Everything here can be rebuilt
from the book and the market, so it is never journaled. That is so for a *plain* account: linear contracts that
share one wallet of one currency. The totals of any other are summed anew, pool by pool: see ``pools``.

Sums are integers (cash at 10^-8), so no order of events leaves a rounding residue behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from bot.engine.measures.layout import Layout
from bot.engine.measures.pools import AccountPools
from bot.engine.record.book import Book
from bot.risk.margin import Holding, distances_of
from bot.risk.tiers import PPM, TierTable

_NO_CAP = 10**30                     # cash; a value no position reaches, so that one comparison serves


@dataclass(slots=True)
class Extremes:
    """The worst an account has been, for the summary; None until it could be known."""

    equity: int | None = None
    margin_ratio: float | None = None
    distance: float | None = None

    def note(self, *, equity: int, distance: float, margin_ratio: float) -> None:
        """Take what is worse than anything before."""
        self.equity = equity if self.equity is None else min(self.equity, equity)
        self.distance = distance if self.distance is None else min(self.distance, distance)
        self.margin_ratio = margin_ratio if self.margin_ratio is None else max(self.margin_ratio, margin_ratio)


class Columns:
    """Derived state. ``mark[i]`` is None until a first price; an account's totals mean something only
    while it is ``known``."""

    def __init__(self, layout: Layout, book: Book) -> None:
        self.layout = layout
        self.book = book
        instruments = len(layout.instruments)
        positions = len(layout.keys)
        accounts = len(layout.accounts)
        self.mark: list[int | None] = [None] * instruments
        self.is_disputed = [False] * instruments     # its price sources contradict each other: see ``divergence``
        self.disputes = 0                            # how many are
        self.multiplier = [instrument.value_multiplier for instrument in layout.instruments]
        self.account_of = [key.account for key in layout.keys]
        self.positions_on = layout.positions_on
        self.value = [0] * positions                 # signed
        self.at_rate = [0] * positions               # unsigned value x rate of its bracket
        self.cum = [0] * positions
        self.rate_ppm = [0] * positions
        self.floor = [0] * positions                 # bounds of its bracket, cash
        self.cap = [-1] * positions                  # below any value: the first look finds the bracket
        self.net = [0] * accounts
        self.gross = [0] * accounts
        self.rates = [0] * accounts                  # sum of at_rate
        self.cums = [0] * accounts
        self.equity = [0] * accounts
        self.distance: list[float] = [inf] * accounts
        # No bracket floor lies nearer below, as a share of value, and no cap above; they may lie further off.
        self.lowest_bound = [0.0] * accounts
        self.highest_bound = [inf] * accounts
        self.adl_rank: list[int | None] = [None] * positions     # by the venue's last word on the account
        # What the venue's own sums say is worse than ours: see ``bot.engine.protection.venue_margin``.
        self.missing = [0] * accounts                # equity that it counts less
        self.extra = [0] * accounts                  # maintenance that it counts more
        self.withheld = [0] * accounts               # both
        self.is_questioned = [False] * accounts      # its sums and ours differ
        self.extremes = [Extremes() for _ in range(accounts)]
        self._holdings: list[Holding | None] = [None] * positions    # as they were last asked for
        self.known = [False] * accounts              # cash reported and every position marked
        self.pools = [                               # None of a plain account
            None if layout.is_plain(account) else AccountPools(layout, book, account, self.mark)
            for account in range(accounts)
        ]
        self.accounts_moved_together = [self._moved_together(instrument) for instrument in range(instruments)]

    def _moved_together(self, instrument: int) -> tuple[int, ...]:
        """Return the accounts on an instrument, if one of them has two legs of it or is not plain; else nothing."""
        on = [self.account_of[position] for position in self.positions_on[instrument]]
        accounts = tuple(dict.fromkeys(on))
        return accounts if len(accounts) < len(on) or any(self.pools[account] for account in accounts) else ()

    def maintenance(self, account: int) -> int:
        """Return the maintenance margin of an account, cash; the venue's where that is more."""
        return self.rates[account] - self.cums[account] + self.extra[account]

    def withhold(self, account: int, *, missing: int, extra: int) -> None:
        """Count so much less equity and so much more maintenance in every measure of margin; ``rebuild`` follows."""
        self.missing[account], self.extra[account] = missing, extra
        self.withheld[account] = missing + extra

    def backing(self, account: int) -> int:
        """Return the wallet of a plain account as far as it stands behind its positions by the worse count."""
        return self.book.accounts[account].wallet - self.withheld[account]

    def margin_ratio(self, account: int) -> float:
        """Return maintenance over equity, of the worst pool; +inf when equity is gone, 0 without a position."""
        pools = self.pools[account]
        if pools is not None:
            return pools.margin_ratio
        if not self.gross[account]:
            return 0.0
        equity = self.equity[account] - self.missing[account]
        return self.maintenance(account) / equity if equity > 0 else inf

    def holdings(self, account: int) -> tuple[list[int], list[Holding]]:
        """Return the account's open positions: their columns, and what the risk sums take.

        Only for an account that is ``known``.
        """
        positions: list[int] = []
        holdings: list[Holding] = []
        for position in self.layout.positions_of[account]:
            key = self.layout.keys[position]
            mark = self.mark[key.instrument]
            held = self.book.quantity[position]
            if held and mark is not None:
                positions.append(position)
                entry = self.book.entry_value[position]
                last = self._holdings[position]
                if last is None or last.mark != mark or last.quantity != held or last.entry_value != entry:
                    instrument, tiers = self.layout.instruments[key.instrument], self.layout.tiers[key.instrument]
                    last = self._holdings[position] = Holding(key, instrument, tiers, held, entry, mark)
                holdings.append(last)
        return positions, holdings

    def unrealised(self, account: int) -> int:
        """Return what closing all positions of an account at their marks would realise, cash."""
        return sum(holding.unrealised for holding in self.holdings(account)[1])

    def is_in_dispute(self, account: int) -> bool:
        """True while the account holds a market whose price sources contradict each other."""
        return self.disputes > 0 and any(
            self.is_disputed[self.layout.keys[position].instrument] and self.book.quantity[position]
            for position in self.layout.positions_of[account]
        )

    def distance_at(self, position: int) -> float:
        """Return the distance to liquidation of the pool that a position is in."""
        account = self.account_of[position]
        pools = self.pools[account]
        return self.distance[account] if pools is None else pools.pool_at[position].distance

    # The hot path -----------------------------------------------------------------------------------------

    def move_price(self, instrument: int, price: int) -> None:
        """Take a new mark and carry it through positions and totals."""
        first = self.mark[instrument] is None
        self.mark[instrument] = price
        if self.accounts_moved_together[instrument] and not first:
            self._move_together(instrument, price)
            return
        quantity = self.book.quantity
        for position in self.positions_on[instrument]:
            held = quantity[position]
            if first:
                self.rebuild(self.account_of[position])
            elif held:
                self._revalue(position, held * price * self.multiplier[instrument])
                self._measure(self.account_of[position])

    def _revalue(self, position: int, value: int) -> None:
        """Carry a position's new signed value into its account's totals."""
        account = self.account_of[position]
        old = self.value[position]
        self.value[position] = value
        change = value - old
        self.equity[account] += change
        self.net[account] += change
        size = value if value > 0 else -value
        self.gross[account] += size - (old if old > 0 else -old)
        if not self.floor[position] < size <= self.cap[position]:
            self._change_bracket(position, account, size)
        at_rate = size * self.rate_ppm[position] // PPM
        self.rates[account] += at_rate - self.at_rate[position]
        self.at_rate[position] = at_rate
        low = self.floor[position] / size
        if low > self.lowest_bound[account]:
            self.lowest_bound[account] = low
        high = self.cap[position] / size
        if high < self.highest_bound[account]:
            self.highest_bound[account] = high

    def _measure(self, account: int) -> None:
        """Work out the distance to liquidation, and note the worst.

        The line through the present brackets is exact as long as no bracket bound lies nearer than its
        zero; otherwise the bounds are walked.
        """
        if not self.known[account]:
            return
        rates = self.rates[account]
        equity = self.equity[account]
        maintenance = rates - self.cums[account]
        free = equity - maintenance - self.withheld[account]
        net = self.net[account]
        gross = self.gross[account]
        if not gross:
            distance = inf
        elif free <= 0:
            distance = 0.0
        elif net == gross and free + maintenance > net:
            distance = inf               # even a price of zero leaves something
        else:
            slope = net - rates
            distance = free / slope if slope > 0 else (free / -slope if slope else inf)
            # below longs and above shorts, no bracket bound may lie nearer; spelt out here, as most prices end here
            if not (
                (net == -gross or 1.0 - distance >= self.lowest_bound[account])
                and (net == gross or 1.0 + distance <= self.highest_bound[account])
            ):
                distance = self._look_past_bounds(account, distance)
        self.distance[account] = distance
        worst = self.extremes[account]
        if worst.distance is None or distance < worst.distance:
            worst.distance = distance
        if worst.equity is None or equity < worst.equity:
            worst.equity = equity
        ratio = maintenance / equity if equity > 0 else (inf if gross else 0.0)
        if worst.margin_ratio is None or ratio > worst.margin_ratio:
            worst.margin_ratio = ratio

    # Seldom ------------------------------------------------------------------------------------------------

    def _move_together(self, instrument: int, price: int) -> None:
        """Move all legs before their account is measured: a long leg alone would show a loss that nobody has."""
        for position in self.positions_on[instrument]:
            if self.pools[self.account_of[position]] is None and self.book.quantity[position]:
                self._revalue(position, self.book.quantity[position] * price * self.multiplier[instrument])
        for account in self.accounts_moved_together[instrument]:
            pools = self.pools[account]
            if pools is None:
                self._measure(account)
            else:
                pools.move(instrument)
                self._sum_up(account, pools)

    def _sum_up(self, account: int, pools: AccountPools) -> None:
        """Take an account's totals from its pools."""
        self.known[account] = pools.is_known
        for position in self.layout.positions_of[account]:
            instrument = self.layout.instrument_of(position)
            mark = self.mark[instrument.index]
            held = self.book.quantity[position]
            value = 0 if mark is None else instrument.value(price=mark, quantity=held)
            table = self.layout.tiers[instrument.index]
            self.value[position] = value
            self.rate_ppm[position] = table.tiers[table.index_of(abs(value))].rate_ppm
        self.equity[account] = pools.equity
        self.rates[account], self.cums[account] = pools.maintenance, 0
        self.net[account], self.gross[account] = pools.net, pools.gross
        self.distance[account] = pools.distance
        if self.known[account]:
            self.extremes[account].note(
                equity=pools.equity, distance=pools.distance, margin_ratio=pools.margin_ratio
            )

    def rebuild(self, account: int) -> None:
        """Work everything of one account out anew: after a fill, a snapshot, cash, a first mark."""
        pools = self.pools[account]
        if pools is not None:
            pools.rebuild()
            self._sum_up(account, pools)
            return
        book = self.book
        self.known[account] = book.accounts[account].adopted
        self.net[account] = self.gross[account] = self.rates[account] = self.cums[account] = 0
        self.equity[account] = book.accounts[account].wallet
        self.lowest_bound[account], self.highest_bound[account] = 0.0, inf
        for position in self.layout.positions_of[account]:
            self.value[position] = self.at_rate[position] = self.cum[position] = 0
            self.floor[position], self.cap[position] = 0, -1
            held = book.quantity[position]
            mark = self.mark[self.layout.keys[position].instrument]
            if not held:
                continue
            if mark is None:
                self.known[account] = False
                continue
            self.equity[account] -= book.entry_value[position]
            self._revalue(position, held * mark * self.multiplier[self.layout.keys[position].instrument])
        self._measure(account)

    def _change_bracket(self, position: int, account: int, size: int) -> None:
        table = self.layout.tiers[self.layout.keys[position].instrument]
        tier = table.tiers[table.index_of(size)]
        self.cums[account] += tier.cum - self.cum[position]
        self.cum[position] = tier.cum
        self.rate_ppm[position] = tier.rate_ppm
        self.floor[position] = tier.floor
        self.cap[position] = _NO_CAP if tier.cap is None else tier.cap

    def _look_past_bounds(self, account: int, distance: float) -> float:
        """Return the distance where the bounds that are kept are too near: found anew, or walked."""
        self._search_bounds(account)
        net, gross = self.net[account], self.gross[account]
        if (net == -gross or 1.0 - distance >= self.lowest_bound[account]) and (
            net == gross or 1.0 + distance <= self.highest_bound[account]
        ):
            return distance
        return self._walk(account)

    def _search_bounds(self, account: int) -> None:
        """Find the nearest bracket bounds of all the account's positions again."""
        lowest, highest = 0.0, inf
        for position in self.layout.positions_of[account]:
            size = abs(self.value[position])
            if not size:
                continue
            lowest = max(lowest, self.floor[position] / size)
            highest = min(highest, self.cap[position] / size)
        self.lowest_bound[account], self.highest_bound[account] = lowest, highest

    def _walk(self, account: int) -> float:
        values: list[int] = []
        tables: list[TierTable] = []
        for position in self.layout.positions_of[account]:
            value = self.value[position]
            if value:
                values.append(value)
                tables.append(self.layout.tiers[self.layout.keys[position].instrument])
        return distances_of(self.equity[account] - self.withheld[account], values, tables).nearest
