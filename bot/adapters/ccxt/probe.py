"""What is asked of a venue before anything is trusted: its markets and quotas, its clock, and what a key may do.

A key that may withdraw is refused: what is stolen from a guard must not be able to empty the account. Modes are read
and not set: an account whose position mode, margin mode or leverage is not what the configuration says is a mistake of
one of the two, and only a person knows of which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.adapters.ccxt.clock import QUESTIONS, Stamps
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.instruments import instrument_of, quotas_of, tiers_of, trading_state_of
from bot.adapters.ccxt.limiter import Lane, Quota
from bot.adapters.ccxt.times import VenueTime
from bot.domain.account import MarginMode
from bot.domain.errors import CredentialError, InputError
from bot.domain.instrument import Instrument, TradingState
from bot.domain.scale import NS_PER_MS, NS_PER_SECOND
from bot.risk.tiers import TierTable

_MODES = {"CROSSED": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}


@dataclass(frozen=True, slots=True)
class Markets:
    """Some markets of a venue. ``symbols`` are its own, parallel to ``instruments``, as are ``states``."""

    instruments: tuple[Instrument, ...]
    symbols: tuple[str, ...]
    states: tuple[TradingState, ...]
    quotas: tuple[Quota, ...]

    @property
    def by_symbol(self) -> dict[str, Instrument]:
        return dict(zip(self.symbols, self.instruments, strict=True))


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """What an account is set to. ``modes``, ``leverages`` and ``tiers`` go by the venue's symbols."""

    is_hedged: bool
    is_multi_asset: bool
    modes: Mapping[str, MarginMode]
    leverages: Mapping[str, int]
    tiers: Mapping[str, TierTable]


async def read_markets(connection: Connection, wanted: Sequence[str]) -> Markets:
    """Return the markets of ccxt's symbols, in their order; raises InputError for one that the venue does not list."""
    page, found = await list_markets(connection)
    for symbol in wanted:
        if symbol not in found:
            raise InputError(f"instruments: {connection.access.exchange_id} does not list {symbol}; see its markets")
    markets = [found[symbol] for symbol in wanted]
    instruments = tuple(instrument_of(market, index) for index, market in enumerate(markets))
    for each in instruments:
        if each.venue_unit != 1:
            raise InputError(
                f"instruments: {each.symbol} is traded in contracts of {each.venue_unit.normalize():f} {each.base}, by "
                "which nothing here reads this venue's pages, as it has never had any; leave it out"
            )
    return Markets(
        instruments,
        tuple(str(market["id"]) for market in markets),
        tuple(trading_state_of(market) for market in markets),
        quotas_of(page.get("rateLimits", [])),
    )


async def list_markets(connection: Connection) -> tuple[Mapping[str, Any], dict[str, Mapping[str, Any]]]:
    """Return the venue's page of its markets, and ccxt's markets by ccxt's symbols."""
    page: Any = await connection.call("fapiPublicGetExchangeInfo", {}, Lane.READ, weight=1)
    return page, {
        market["symbol"]: market for row in page["symbols"] if (market := _parsed(connection, row)) is not None
    }


async def measure_time(connection: Connection, time: VenueTime) -> None:
    """Ask the venue's time a few times, and stamp requests with it from then on."""
    for _ in range(QUESTIONS):
        await ask_time(connection, time)


async def ask_time(connection: Connection, time: VenueTime) -> None:
    """Ask the venue's time once; it also keeps the connection warm."""
    sent = time.now()
    answer: Any = await connection.call("fapiPublicGetTime", {}, Lane.CANCEL, weight=1)
    told = int(answer["serverTime"]) * NS_PER_MS
    # The venue cuts its time to milliseconds; half of one is what it lost on average.
    time.learn(Stamps(sent, told + NS_PER_MS // 2, told + NS_PER_MS // 2, time.now()))
    connection.set_clock(time.ahead // NS_PER_MS)


async def read_terms(connection: Connection, markets: Markets, *, now: int) -> AccountTerms:
    """Return what the account is set to in those markets, with its brackets as of today (``now``, ns)."""
    as_of = datetime.fromtimestamp(now // NS_PER_SECOND, UTC).date().isoformat()
    config: Any = await connection.call("fapiPrivateGetAccountConfig", {}, Lane.READ, weight=5)
    rows: Any = await connection.call("fapiPrivateGetSymbolConfig", {}, Lane.READ, weight=5)
    brackets: Any = await connection.call("fapiPrivateGetLeverageBracket", {}, Lane.READ, weight=1)
    by_symbol = {str(row["symbol"]): row for row in rows}
    tiers = {str(row["symbol"]): row["brackets"] for row in brackets}
    for symbol in markets.symbols:
        if symbol not in by_symbol or symbol not in tiers:
            raise InputError(f"{symbol}: the venue tells no leverage or brackets of it; may the account trade it?")
    return AccountTerms(
        is_hedged=bool(config["dualSidePosition"]),
        is_multi_asset=bool(config["multiAssetsMargin"]),
        modes={symbol: _MODES[str(by_symbol[symbol]["marginType"])] for symbol in markets.symbols},
        leverages={symbol: int(by_symbol[symbol]["leverage"]) for symbol in markets.symbols},
        tiers={symbol: tiers_of(tiers[symbol], symbol=symbol, as_of=as_of) for symbol in markets.symbols},
    )


async def refuse_withdrawals(connection: Connection) -> None:
    """Raise CredentialError when the key may withdraw or transfer, or may not trade futures."""
    rights: Any = await connection.call("sapiGetAccountApiRestrictions", {}, Lane.READ, weight=1)
    for right in ("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer"):
        if rights.get(right) is True:
            raise CredentialError(
                f"exchange.apiKey: the key has the right {right}, which a guard must not have; make one that may "
                "read and trade futures and nothing else"
            )
    if rights.get("enableFutures") is not True:
        raise CredentialError("exchange.apiKey: the key may not trade futures; enable that right at the venue")


def _parsed(connection: Connection, row: Mapping[str, Any]) -> Any:
    """Return ccxt's market of a row, None for rows of kinds that it does not know."""
    try:
        return connection.exchange.parse_market(row)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
