"""What is asked of an exchange at the start, by unified methods: markets, modes, leverage, brackets.

Linear swaps and futures in one-way, cross-margined accounts are guarded; anything else is refused in words. What an
exchange does not say (its mode where nothing is held, its leverage) is taken as stated here and told.

Source of Hyperliquid's maintenance: its docs, "Margining" (half of the initial margin at maximum leverage; 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.instruments import Market, instrument_of, trading_state_of
from bot.adapters.ccxt.limiter import Lane, Quota, Unit
from bot.adapters.ccxt.market_watch import MarketWatch
from bot.adapters.ccxt.outcome import dialect_of, outcome_of_error
from bot.adapters.ccxt.probe import AccountTerms, Markets
from bot.adapters.ccxt.replies import as_row, as_rows
from bot.adapters.ccxt.unified.habits import Habits
from bot.adapters.ccxt.unified.numbers import Row
from bot.adapters.ccxt.unified.orders import mode_named
from bot.domain.account import MarginMode
from bot.domain.errors import InputError
from bot.domain.instrument import InstrumentKind
from bot.domain.scale import NS_PER_SECOND
from bot.risk.brackets import tier_table_from
from bot.risk.tiers import TierTable

TICK_SIZE = 4                        # ccxt's precisionMode in which steps are steps
# What ccxt says a request costs is so many milliseconds of a bucket that leaks one a millisecond. Exchanges count in
# windows of seconds to a minute: a burst may take twice that rate for ten seconds, a minute no more than all of it.
QUOTAS = (
    Quota(Unit.WEIGHT, 10 * NS_PER_SECOND, 20_000),
    Quota(Unit.WEIGHT, 60 * NS_PER_SECOND, 60_000),
)
JOINT_MAX = 0.01                     # by so much may a bracket begin above the end of the last: some count lots
NOTIONAL_MOST = 1e12                 # where the last bracket has no end


async def read_markets(connection: Connection, wanted: Sequence[str]) -> Markets:
    """Return the markets of ccxt's symbols, in their order; raises InputError for what is not linear, or not listed."""
    found = await load_markets(connection)
    for symbol in wanted:
        if symbol not in found:
            raise InputError(f"instruments: {connection.access.exchange_id} does not list {symbol}; see its markets")
    instruments = tuple(instrument_of(found[symbol], index) for index, symbol in enumerate(wanted))
    for each in instruments:
        if each.kind is not InstrumentKind.LINEAR:
            raise InputError(
                f"instruments: {each.symbol} is {each.kind.value}; of this exchange only linear swaps and futures are "
                "guarded: leave it out"
            )
        _ = each.value_multiplier                # raises where its scales are too fine together
    states = tuple(trading_state_of(found[symbol]) for symbol in wanted)
    return Markets(instruments, tuple(wanted), states, QUOTAS)


async def load_markets(connection: Connection) -> Mapping[str, Market]:
    """Return the linear markets by ccxt's symbols, and let the client know them."""
    exchange = connection.exchange
    if exchange.precisionMode != TICK_SIZE:
        raise InputError(f"exchange.id: ccxt gives {exchange.id} no steps of price and amount; use another exchange")
    found: Mapping[str, Market] = await connection.ask("load_markets")
    return found


class UnifiedMarketWatch(MarketWatch):
    """Looks at any exchange's list of markets now and then."""

    look_every = 300.0                           # s: some have four pages of it, and thousands of markets

    async def listed(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the exchange's markets by ccxt's symbols; raises what ccxt raises."""
        rows = as_rows(await self._connection.ask("fetch_markets"))
        return {str(row["symbol"]): row for row in rows}


async def read_terms(
    connection: Connection, markets: Markets, habits: Habits, *, now: int
) -> tuple[AccountTerms, list[str]]:
    """Return how the account is set, and what the exchange did not say of it; raises InputError for hedge mode."""
    symbols, lacks = markets.symbols, list[str]()
    held = {str(row.get("symbol")): row for row in as_rows(await connection.ask("fetch_positions"))}
    if await _is_hedged(connection, symbols[0], held, lacks):
        raise InputError(
            "exchange: the account is in hedge mode, in which reduce-only means another thing at every exchange; "
            "set it to one-way mode, or use binanceusdm"
        )
    modes, leverages, tiers = dict[str, MarginMode](), dict[str, int](), dict[str, TierTable]()
    as_of = datetime.fromtimestamp(now // NS_PER_SECOND, UTC).date().isoformat()
    for symbol in symbols:
        row = held.get(symbol, {})
        modes[symbol] = await _mode(connection, symbol, row, lacks)
        leverages[symbol] = await _leverage(connection, symbol, row, lacks)
        tiers[symbol] = tier_table_from(
            await _brackets(connection, symbol, habits), where=f"{symbol}: leverage brackets",
            source="the exchange, by ccxt", as_of=as_of,
        )
    return AccountTerms(False, False, modes, leverages, tiers), lacks


async def _mode(connection: Connection, symbol: str, row: Row, lacks: list[str]) -> MarginMode:
    told = mode_named(row.get("marginMode"))
    if told is None:
        told = mode_named(await _said(connection, "MarginMode", symbol, "marginMode"))
    if told is MarginMode.ISOLATED:
        raise InputError(
            f"instruments: {symbol} is margined alone, which ccxt shows in another way for every exchange; "
            "set it to cross, or use binanceusdm"
        )
    if told is None:
        lacks.append(f"{symbol}: its margin mode is not said and taken as cross")
    return MarginMode.CROSS


async def _leverage(connection: Connection, symbol: str, row: Row, lacks: list[str]) -> int:
    told = row.get("leverage") or await _said(connection, "Leverage", symbol, "longLeverage")
    if not told:
        lacks.append(f"{symbol}: its leverage is not said and taken as 1")
        return 1
    return max(1, int(float(str(told))))


async def _is_hedged(connection: Connection, symbol: str, held: Mapping[str, Row], lacks: list[str]) -> bool:
    if any(row.get("hedged") is True for row in held.values()):
        return True
    told = await _said(connection, "PositionMode", symbol, "hedged")
    if told is None and not held:
        lacks.append("its position mode is not said and taken as one-way")
    return told is True


async def _said(connection: Connection, what: str, symbol: str, key: str) -> object:
    """Return what an exchange says of one setting, None where ccxt cannot ask, or it does not say."""
    if not connection.exchange.has.get(f"fetch{what}"):
        return None
    method = {"MarginMode": "fetch_margin_mode", "Leverage": "fetch_leverage", "PositionMode": "fetch_position_mode"}
    try:
        return as_row(await connection.ask(method[what], symbol)).get(key)
    except Exception as error:  # a refusal is an answer here; that it cannot be asked is none
        dialect = dialect_of(connection.access.exchange_id)
        if outcome_of_error(error, dialect).outcome.value == "rejected":
            return None
        raise


async def _brackets(connection: Connection, symbol: str, habits: Habits) -> list[dict[str, Any]]:
    """Return the brackets of maintenance as cash, each beginning where the last one ends."""
    exchange = connection.exchange
    if exchange.has.get("fetchMarketLeverageTiers"):
        rows = as_rows(await connection.ask("fetch_market_leverage_tiers", symbol))
    elif exchange.has.get("fetchLeverageTiers"):
        rows = as_rows(as_row(await connection.ask("fetch_leverage_tiers", [symbol])).get(symbol))
    elif habits.tiers_by_leverage:
        most = float(exchange.market(symbol)["limits"]["leverage"]["max"])
        rows = [{"minNotional": 0, "maxNotional": None, "maintenanceMarginRate": 0.5 / most, "maxLeverage": most}]
    else:
        raise InputError(
            f"exchange.id: ccxt cannot ask {exchange.id} for the brackets of maintenance margin, without which no "
            "distance to liquidation is known; use another exchange"
        )
    unit = 1.0
    if habits.tiers_in_contracts:
        last = as_row(await connection.ask("fetch_ticker", symbol)).get("last")
        unit = float(last or 0) * float(exchange.market(symbol)["contractSize"])
    return joined(rows, unit)


def joined(rows: Sequence[Row], unit: float) -> list[dict[str, Any]]:
    """Return brackets with their limits times ``unit``, a small step between two closed; nothing else is mended."""
    found: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda each: float(each["minNotional"])):
        info = row.get("info")
        floor, cap = float(row["minNotional"]) * unit, row.get("maxNotional")
        if found and 0 <= floor - found[-1]["maxNotional"] <= JOINT_MAX * found[-1]["maxNotional"]:
            floor = found[-1]["maxNotional"]
        found.append({
            "minNotional": floor, "maxNotional": NOTIONAL_MOST if cap is None else float(cap) * unit,
            "maintenanceMarginRate": row["maintenanceMarginRate"], "maxLeverage": row.get("maxLeverage") or 1,
            "info": {"cum": info["cum"]} if isinstance(info, Mapping) and "cum" in info else {},
        })
    return found


async def ask_clock(connection: Connection) -> int | None:
    """Return the exchange's time, ms; None where it tells none."""
    if not connection.exchange.has.get("fetchTime"):
        return None
    told = await connection.ask("fetch_time", lane=Lane.CANCEL)
    return int(told)
