"""The table of measures: what a rule can read. The checker, the docs and ``penstock rules`` are made of it.

A measure describes an account, a position or a market; its column in the engine is indexed so. The engine
computes it; here stands only what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE
from bot.rules.language.currency import Currencies
from bot.rules.language.dimension import DURATION, NUMBER, RATIO, Dimension, amount_of, price_of


class Subject(Enum):
    """What a measure is a measure of."""

    ACCOUNT = "account"
    POSITION = "position"
    MARKET = "market"
    TIME = "time"


class MeasureUnit(Enum):
    """What a measure is counted in; the currencies are those of the rule's markets."""

    NUMBER = "number"
    RATIO = "ratio"
    DURATION = "duration"
    ACCOUNT_MONEY = "account currency"
    QUOTE_MONEY = "quote currency"
    SETTLE_MONEY = "settlement currency"
    BASE_QUANTITY = "base currency"
    PRICE = "quote per base"

    def dimension(self, currencies: Currencies) -> Dimension:
        """Return the dimension, given the currencies of the markets a rule looks at."""
        match self:
            case MeasureUnit.NUMBER:
                return NUMBER
            case MeasureUnit.RATIO:
                return RATIO
            case MeasureUnit.DURATION:
                return DURATION
            case MeasureUnit.ACCOUNT_MONEY:
                return amount_of(currencies.account)
            case MeasureUnit.QUOTE_MONEY:
                return amount_of(currencies.quote)
            case MeasureUnit.SETTLE_MONEY:
                return amount_of(currencies.settle)
            case MeasureUnit.BASE_QUANTITY:
                return amount_of(currencies.base)
            case MeasureUnit.PRICE:
                return price_of(quote=currencies.quote, base=currencies.base)


@dataclass(frozen=True, slots=True)
class Argument:
    """A duration that a measure is asked with; both bounds are allowed."""

    name: str
    shortest_ns: int
    longest_ns: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One row. ``name`` is as written in a rule, ``edges`` is what it is where the sum has no answer."""

    name: str
    subject: Subject
    unit: MeasureUnit
    source: str
    meaning: str
    edges: str
    arguments: tuple[Argument, ...] = ()

    @property
    def signature(self) -> str:
        """The name with its arguments: ``account.sigma(window: duration)``."""
        if not self.arguments:
            return self.name
        return f"{self.name}({', '.join(f'{argument.name}: duration' for argument in self.arguments)})"


_BOOK = "balances and positions of the venue, marks"
_UNMARKED = "unavailable until every held market has a mark"
# Shorter than a bar of the volatility's returns says nothing; a month is longer than any guard looks ahead.
_WINDOW = Argument("window", NS_PER_MINUTE, 30 * NS_PER_DAY)

_ACCOUNT = (
    Measure("account.equity", Subject.ACCOUNT, MeasureUnit.ACCOUNT_MONEY, _BOOK,
            "wallet balance plus unrealised profit of all positions", _UNMARKED),
    Measure("account.wallet", Subject.ACCOUNT, MeasureUnit.ACCOUNT_MONEY, "balances of the venue",
            "cash, without unrealised profit", "unavailable until the venue has reported"),
    Measure("account.available", Subject.ACCOUNT, MeasureUnit.ACCOUNT_MONEY, _BOOK,
            "equity that no position's initial margin holds", f"never below 0; {_UNMARKED}"),
    Measure("account.initial_margin", Subject.ACCOUNT, MeasureUnit.ACCOUNT_MONEY, _BOOK,
            "margin that the positions hold at their leverage", f"0 without a position; {_UNMARKED}"),
    Measure("account.maintenance_margin", Subject.ACCOUNT, MeasureUnit.ACCOUNT_MONEY,
            f"{_BOOK}, tiers of the venue", "equity below which the venue liquidates",
            f"0 without a position; {_UNMARKED}"),
    Measure("account.margin_ratio", Subject.ACCOUNT, MeasureUnit.RATIO, f"{_BOOK}, tiers of the venue",
            "maintenance margin over equity; 100 % is liquidation",
            f"0 without a position; infinite when equity is 0 or less with one; {_UNMARKED}"),
    Measure("account.leverage", Subject.ACCOUNT, MeasureUnit.NUMBER, _BOOK,
            "gross notional over equity",
            f"0 without a position; infinite when equity is 0 or less with one; {_UNMARKED}"),
    Measure("account.gross_notional", Subject.ACCOUNT, MeasureUnit.ACCOUNT_MONEY, _BOOK,
            "value of all positions at mark, longs and shorts added", f"0 without a position; {_UNMARKED}"),
    Measure("account.net_notional", Subject.ACCOUNT, MeasureUnit.ACCOUNT_MONEY, _BOOK,
            "value of longs at mark minus that of shorts; negative when net short",
            f"0 without a position; {_UNMARKED}"),
    Measure("account.liquidation_distance", Subject.ACCOUNT, MeasureUnit.RATIO,
            f"{_BOOK}, tiers of the venue",
            "the smallest common move of all underlyings, up or down, that brings equity to maintenance"
            " margin",
            "infinite without a position or where no move does it; 0 when equity is 0 or less with one;"
            f" {_UNMARKED}"),
    Measure("account.liquidation_sigmas", Subject.ACCOUNT, MeasureUnit.NUMBER,
            "account.liquidation_distance and account.sigma(15m)",
            "distance to liquidation in units of the account's volatility over 15 minutes",
            "infinite without a position; unavailable when one of the two is"),
    Measure("account.sigma", Subject.ACCOUNT, MeasureUnit.RATIO, "marks, 1-minute log returns",
            "volatility over the window of equity per unit of common move; the larger of two EWMAs"
            " (half-lives 60 minutes and 1 day), weighted by |net delta notional|",
            "never 0: with less than 6 hours of history at least a prior (BTC 60 % a year, others 120 %)",
            (_WINDOW,)),
)
_POSITION = (
    Measure("position.side", Subject.POSITION, MeasureUnit.NUMBER, "positions of the venue",
            "+1 for a long, -1 for a short", "0 when flat"),
    Measure("position.amount", Subject.POSITION, MeasureUnit.BASE_QUANTITY, "positions of the venue",
            "what is held, in base units; negative for a short", "0 when flat"),
    Measure("position.notional", Subject.POSITION, MeasureUnit.QUOTE_MONEY, "positions of the venue, mark",
            "size at mark, long or short; never negative", "0 when flat; unavailable without a mark"),
    Measure("position.entry_price", Subject.POSITION, MeasureUnit.PRICE, "fills, positions of the venue",
            "average price at which it was entered", "unavailable when flat"),
    Measure("position.unrealised_pnl", Subject.POSITION, MeasureUnit.SETTLE_MONEY,
            "positions of the venue, mark", "profit (positive) or loss if closed at mark, before costs",
            "0 when flat; unavailable without a mark"),
    Measure("position.loss_ratio", Subject.POSITION, MeasureUnit.RATIO, "positions of the venue, mark",
            "loss over entry notional; negative in profit",
            "0 when flat; unavailable without a mark or while price sources disagree"),
    Measure("position.age", Subject.POSITION, MeasureUnit.DURATION, "fills, time",
            "time since it was opened, or since it was adopted at start", "unavailable when flat"),
)
_MARKET = (
    Measure("market.mark_price", Subject.MARKET, MeasureUnit.PRICE, "mark stream of the venue",
            "what margin and liquidation are counted at", "unavailable when stale; the last price stands in"
            " on a tape without marks, and the summary says so"),
    Measure("market.last_price", Subject.MARKET, MeasureUnit.PRICE, "trades", "price of the last trade",
            "unavailable before the first trade and when stale"),
    Measure("market.index_price", Subject.MARKET, MeasureUnit.PRICE, "index stream of the venue",
            "the venue's spot index of the underlying", "unavailable when stale or not on the tape"),
    Measure("market.funding_rate", Subject.MARKET, MeasureUnit.RATIO, "funding stream of the venue",
            "rate of the next funding, per interval; positive is paid by longs",
            "unavailable where there is no funding"),
    Measure("market.age", Subject.MARKET, MeasureUnit.DURATION, "mark stream of the venue, time",
            "time since the venue stamped the last mark", "unavailable before the first mark"),
)

_TIME = (
    Measure("time.of_day", Subject.TIME, MeasureUnit.DURATION, "time", "time since midnight UTC; compare with 09:30",
            "never unavailable"),
    Measure("time.of_week", Subject.TIME, MeasureUnit.DURATION, "time",
            "time since Monday 00:00 UTC; compare with fri 20:00", "never unavailable"),
)

MEASURES: dict[str, Measure] = {row.name: row for row in (*_ACCOUNT, *_POSITION, *_MARKET, *_TIME)}

# Names that a later version knows: asking for one says so, and not that it is misspelt.
PLANNED: dict[str, tuple[str, ...]] = {
    "account": ("drawdown", "liquidation_distance_worst", "collateral_value", "margin_call", "var", "es",
                "stress"),
    "position": ("drawdown", "margin_ratio", "liquidation_price", "liquidation_distance", "adl_rank",
                 "unwind_cost_bps", "unwind_time", "expiry"),
    "market": ("mid", "spread_bps", "depth", "imbalance", "order_flow", "volatility", "volume", "return",
               "next_funding", "open_interest", "liquidations", "premium", "cascade_score", "close"),
    "underlying": ("net_delta", "gamma", "vega", "theta"),
    "portfolio": ("equity", "wallet", "available", "initial_margin", "maintenance_margin", "margin_ratio",
                  "leverage", "gross_notional", "net_notional", "drawdown", "liquidation_distance",
                  "liquidation_distance_worst", "liquidation_sigmas", "sigma", "collateral_value",
                  "margin_call", "var", "es", "stress"),
}
