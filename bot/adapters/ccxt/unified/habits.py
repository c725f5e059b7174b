"""What each exchange does in its own way and ccxt does not unify. What is not here is not guessed.

A line also says that somebody has read what ccxt sends to it: that a name, reduce-only and immediate-or-cancel, where
ccxt passes them on as they are, are the exchange's own words for them.

``cash`` says where the page of balances has the wallet without unrealised profit: ccxt's ``total`` is that at one
exchange and equity at another. An exchange without a line needs ``exchange.total`` in the configuration.

Source: ccxt 4.5.90, ``parse_balance``, ``create_order_request`` and ``fetch_order`` of each class, with the sample
answers of the exchanges' own pages in their comments (read 2026-11). Only Binance's was met over a wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

Steps = tuple[str | int, ...]
"""Keys and places that lead into a page, outermost first."""


class Total(Enum):
    """What ccxt's ``total`` of a currency is."""

    WALLET = "wallet"                # cash, without unrealised profit
    EQUITY = "equity"                # with it


@dataclass(frozen=True, slots=True)
class CashPage:
    """Where a page has cash: rows at ``rows``, of the asset under ``asset``, ``plus`` less ``minus``."""

    rows: Steps
    asset: str
    plus: str
    minus: str | None = None


@dataclass(frozen=True, slots=True)
class Habits:
    """One exchange's. ``by_mark`` makes a stop watch the mark, ``asking`` goes with questions for one order."""

    cash: CashPage | Total | None = None
    by_mark: Mapping[str, object] = field(default_factory=dict)
    asking: Mapping[str, object] = field(default_factory=dict)
    name_is_id: bool = False         # our name stands where the exchange's number would
    stop_name: str | None = None     # what a stop's name is called where it is not that of other orders
    became: str | None = None        # where a triggered stop's row names the order that it became
    immediate: str = "IOC"           # ccxt's word for immediate or cancel
    always_mark: bool = False        # a stop can watch nothing but the mark
    stop_needs_price: bool = False   # a market order states the worst price that it takes
    stops_apart: bool | None = None  # stops are on pages of their own; None where ccxt's word is right
    tiers_in_contracts: bool = False     # brackets begin at contracts, not at cash
    bars_in_coins: bool = False      # volume of candles is in coins though other amounts are contracts
    tiers_by_leverage: bool = False      # maintenance is half of the initial margin at the greatest leverage
    options: Mapping[str, object] = field(default_factory=dict)      # of ccxt's client


_BINANCE = Habits(
    cash=CashPage(("assets",), "asset", "walletBalance"),
    by_mark={"workingType": "MARK_PRICE"},
    became="actualOrderId",
)
_OKX = Habits(
    cash=CashPage(("data", 0, "details"), "ccy", "cashBal"),
    by_mark={"slTriggerPxType": "mark"},
    stop_name="algoClOrdId",
    became="ordId",
    tiers_in_contracts=True,
    bars_in_coins=True,
)
_BYBIT = Habits(
    cash=Total.WALLET, by_mark={"triggerBy": "MarkPrice"}, asking={"acknowledged": True}, stops_apart=False,
)
HABITS: Mapping[str, Habits] = {
    "binance": _BINANCE,
    "binanceusdm": _BINANCE,
    "bybit": _BYBIT,
    "bybitid": _BYBIT,
    "okx": _OKX,
    "okxus": _OKX,
    "myokx": _OKX,
    "bitget": Habits(
        cash=CashPage(("data",), "marginCoin", "accountEquity", "unrealizedPL"),
        always_mark=True, became="executeOrderId",       # by ccxt's own default
    ),
    "gate": Habits(cash=Total.WALLET, by_mark={"price_type": 1}, became="trade_id", name_is_id=True),
    "kucoinfutures": Habits(
        cash=CashPage(("data",), "currency", "accountEquity", "unrealisedPNL"), always_mark=True,    # as above
    ),
    "hyperliquid": Habits(
        cash=Total.EQUITY, always_mark=True, stop_needs_price=True, tiers_by_leverage=True,
        options={"builderFee": False},           # else ccxt has every order pay its maker a fee
    ),
    # In capitals ccxt 4.5.90 leaves it out without a word, and the order rests.
    "krakenfutures": Habits(cash=Total.WALLET, by_mark={"triggerSignal": "mark"}, immediate="ioc"),
}


def habits_of(exchange_id: str) -> Habits:
    """Return what is known of an exchange; of one that nobody looked at, nothing."""
    return HABITS.get(exchange_id, Habits())
