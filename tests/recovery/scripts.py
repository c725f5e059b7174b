"""Eight short runs, each with another thing under way that a kill must not break."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.app.loading import load_all
from bot.app.markets import RecordedMarket
from bot.app.wiring import make_layout
from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.order import OrderClass, OrderRequest, Side, TimeInForce
from bot.engine.measures.layout import Layout
from tests.app.runs import BTC, ETH, SECOND, START, Print, long_of, write_config, write_trades

SOL = "SOL/USDT:USDT"
STRANGER = "by_hand"
PACE = "1000000"                     # nobody waits
NO_STOPS = "    protect: {per: none}\n"
STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 12s, slice: 3s, collar: 2%}
"""
DELEVERAGE = """
rules:
  guard:
    for_each: account
    when: account.liquidation_distance < 6%
    do: {deleverage: {to: {liquidation_distance: 20%}}}
    execute: {algo: twap, over: 9s, slice: 3s, collar: 2%}
"""
HALF = """
rules:
  half:
    for_each: position
    when: position.loss_ratio > 2%
    do: {reduce: 50%}
    execute: {algo: twap, over: 9s, slice: 3s, collar: 2%}
"""
URGENT = STOP + """
  urgent:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: now, collar: 2%}
"""

HEDGE = """
rules:
  hedge:
    for_each: account
    when: abs(underlying("BTC").net_delta) > 0.2 BTC
    do: {hedge_delta: {with: "BTC/USDT:USDT", band: 0.2 BTC, to: 0 BTC}}
    execute: {algo: twap, over: 12s, slice: 3s, collar: 2%}
"""


@dataclass(frozen=True)
class Script:
    """A configuration with its tapes; ``stranger`` is an order by hand that arrives at ``stranger_at``.

    ``tolerance`` is for goals that are measured in money: what is sold a second later is sold at another cost, and the
    plan follows what it did cost; and a goal that is met leaves the rest unsold.
    """

    name: str
    config: Path
    tapes: tuple[str, ...]
    stranger: OrderRequest | None = None
    stranger_at: int = 0
    tolerance: float = 0.0           # of what is traded, a fraction
    pace: str = PACE

    def words(self, out: Path) -> list[str]:
        """Return the arguments of ``penstock`` for a run into ``out``."""
        tapes = [word for tape in self.tapes for word in ("--tape", tape)]
        return ["run", str(self.config), *tapes, "--out", str(out), "--pace", self.pace, "--json"]

    def layout(self) -> Layout:
        """Return the columns of the run."""
        loaded = load_all(self.config, {})
        return make_layout(loaded.config, RecordedMarket.open(self.tapes, loaded.config.symbols))


def falling(*prices: float, seconds: int = 40) -> list[Print]:
    """A print a second: the first price for 3 s, each next one 6 s later, the last to the end."""
    found = []
    for second in range(seconds):
        step = 0 if second < 3 else min(len(prices) - 1, 1 + (second - 3) // 6)
        found.append((second * 1000, prices[step], 500.001))
    return found


def _script(
    name: str, folder: Path, books: Sequence[str], prices: dict[str, list[Print]], positions: dict[str, str], *,
    usdt: str = "3000", more: str = NO_STOPS, stranger: OrderRequest | None = None,
) -> Script:
    folder.mkdir(parents=True, exist_ok=True)
    config = write_config(
        folder, positions, usdt=usdt, books=books, instruments=list(prices), latency="300ms", more=more
    )
    tapes = tuple(
        f"{symbol}={write_trades(folder / f'{symbol[:3].lower()}.csv', prints)}" for symbol, prints in prices.items()
    )
    return Script(name, config, tapes, stranger, START + 10 * SECOND)


def stop_loss(folder: Path) -> Script:
    """One position is closed by a TWAP."""
    return _script("stop_loss", folder, [STOP], {BTC: falling(10_000, 9_550)}, {BTC: long_of("1.5")})


def sale(folder: Path) -> Script:
    """Nobody's rule fires: a person's sale is under way. At a pace at which his word is looked for every second."""
    script = _script("sale", folder, [STOP], {BTC: falling(10_000, 9_990)}, {BTC: long_of("1.5")})
    return replace(script, pace="20")


def deleverage(folder: Path) -> Script:
    """Three positions are cut until the account stands 20 % from liquidation."""
    prices = {BTC: falling(10_000, 9_500), ETH: falling(250, 237.5), SOL: falling(100, 95)}
    positions = {BTC: long_of("0.75"), ETH: long_of("30"), SOL: long_of("20")}
    return replace(_script("deleverage", folder, [DELEVERAGE], prices, positions, usdt="1700"), tolerance=0.025)


def stop_replacement(folder: Path) -> Script:
    """Half of a position is sold, and the stop that rests at the venue follows it."""
    more = "    protect: {replace_every: 2s, verify_every: 5s}\n"
    return _script("stop_replacement", folder, [HALF], {BTC: falling(10_000, 9_750)}, {BTC: long_of("1.5")}, more=more)


def hedged_stop(folder: Path) -> Script:
    """Half of the long leg of a hedge is sold, and the stop for what both legs come to follows it at every slice."""
    legs = "{amount: 1.5, entry_price: first, other_leg: {amount: -0.5, entry_price: first}}"
    more = "      position_mode: hedge\n    protect: {per: group, replace_every: 2s, verify_every: 5s}\n"
    prices = {BTC: falling(10_000, 9_750)}
    return _script("hedged_stop", folder, [HALF], prices, {BTC: legs}, usdt="2000", more=more)


def supersede(folder: Path) -> Script:
    """A deeper fall makes urgent what was being sold slowly."""
    return _script("supersede", folder, [URGENT], {BTC: falling(10_000, 9_550, 9_450)}, {BTC: long_of("1.5")})


def hedge_mode(folder: Path) -> Script:
    """A long and a short leg of one market: the long one is closed."""
    legs = "{amount: 1.5, entry_price: first, other_leg: {amount: -0.5, entry_price: first}}"
    more = "      position_mode: hedge\n" + NO_STOPS
    return _script("hedge_mode", folder, [STOP], {BTC: falling(10_000, 9_550)}, {BTC: legs}, more=more)


def external_close(folder: Path) -> Script:
    """In the midst of the TWAP a person sells a part of what is left by hand."""
    by_hand = OrderRequest(
        STRANGER, PositionKey(0, 0), Side.SELL, 400, None, TimeInForce.IOC, reduce_only=True,
        order_class=OrderClass.OPERATOR,
    )
    return _script(
        "external_close", folder, [STOP], {BTC: falling(10_000, 9_550)}, {BTC: long_of("1.5")}, stranger=by_hand
    )


def delta_hedge(folder: Path) -> Script:
    """A coin in the wallet: a long of its contract is let out, and the coin is sold short, reduce-only no more."""
    more = "    collateral: {BTC: 95%}\n" + NO_STOPS
    prices = {BTC: falling(10_000, 9_900, 10_050)}
    return _script("delta_hedge", folder, [HEDGE], prices, {BTC: long_of("0.25")}, usdt="3000, BTC: 1", more=more)


SCRIPTS: dict[str, Callable[[Path], Script]] = {
    make.__name__: make
    for make in (
        stop_loss, deleverage, stop_replacement, hedged_stop, supersede, hedge_mode, external_close, delta_hedge
    )
}
