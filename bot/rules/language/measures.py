"""The table of measures: what a rule can read. The checker, the docs and ``penstock rules`` are made of it.

A measure describes an account, a position, a market, or all accounts together; its column in the engine is
indexed so. The engine computes it; here stands only what it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE
from bot.rules.language.currency import Currencies
from bot.rules.language.dimension import DURATION, NUMBER, RATIO, Dimension, amount_of, price_of


class Subject(Enum):
    """What a measure is a measure of."""

    ACCOUNT = "account"
    POSITION = "position"
    MARKET = "market"
    UNDERLYING = "underlying"        # of an account in it; always named
    PORTFOLIO = "portfolio"
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


class ArgumentKind(Enum):
    """What a measure is asked with."""

    DURATION = "duration"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Argument:
    """A constant that a measure is asked with; both bounds are allowed. Durations are in ns."""

    name: str
    kind: ArgumentKind
    lowest: float
    highest: float
    example: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One row. ``name`` is as written in a rule, ``edges`` is what it is where the sum has no answer.

    ``is_optional`` marks what a healthy feed may lack: a rule that must act should not hang on it.
    """

    name: str
    subject: Subject
    unit: MeasureUnit
    source: str
    meaning: str
    edges: str
    arguments: tuple[Argument, ...] = ()
    is_optional: bool = False

    @property
    def signature(self) -> str:
        """The name with its arguments: ``account.sigma(window: duration)``."""
        if not self.arguments:
            return self.name
        given = ", ".join(f"{argument.name}: {argument.kind.value}" for argument in self.arguments)
        return f"{self.name}({given})"

    @property
    def example(self) -> str:
        """The name as it may be written: ``account.sigma(15m)``, ``underlying("BTC").net_delta``."""
        if self.subject is Subject.UNDERLYING:
            return f'underlying("BTC").{self.name.partition(".")[2]}'
        if not self.arguments:
            return self.name
        return f"{self.name}({', '.join(argument.example for argument in self.arguments)})"


_QUOTES = "best quotes, or the order book where none come"
_LEVELS = "order book, or the best quotes where none comes"
_ONE_SIDED = (
    "unavailable without quotes on both sides, and of a book that crosses itself or misses changes until its next"
    " snapshot"
)
_COVERED = "counted in sixtieths of the window; unavailable until it is covered"
_BOOK = "balances and positions of the venue, marks"
_UNMARKED = "unavailable until every held market has a mark"
# Shorter than a bar of the volatility's returns says nothing; a month is longer than any guard looks ahead.
_WINDOW = Argument("window", ArgumentKind.DURATION, NS_PER_MINUTE, 30 * NS_PER_DAY, "15m")
# A basis point is about what quotes are apart; beyond a tenth of the price nobody's book is a promise.
_BAND = Argument("distance", ArgumentKind.RATIO, 0.0001, 0.1, "10bps")

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
    Measure("account.liquidation_distance_worst", Subject.ACCOUNT, MeasureUnit.RATIO,
            f"{_BOOK}, tiers of the venue",
            "the smallest move of every position against itself, longs down and shorts up, that brings equity"
            " to maintenance margin",
            "infinite without a position or where no move does it; 0 when equity is 0 or less with one;"
            f" {_UNMARKED}"),
    Measure("account.collateral_value", Subject.ACCOUNT, MeasureUnit.ACCOUNT_MONEY, "balances of the venue",
            "what the venue counts as margin before unrealised profit",
            "the settlement currency alone is counted in this version; unavailable until the venue has reported"),
    Measure("account.drawdown", Subject.ACCOUNT, MeasureUnit.RATIO, f"{_BOOK}, deposits and withdrawals",
            "fall of the net asset value per unit from its highest since adoption; deposits and withdrawals buy"
            " and redeem units, so they are neither profit nor loss",
            "0 at the high; above 1 when equity is below 0; unavailable while a jump in equity is unexplained, or"
            f" price sources of a held market disagree; {_UNMARKED}"),
    Measure("account.margin_call", Subject.ACCOUNT, MeasureUnit.NUMBER, "margin calls of the venue",
            "1 while the venue's margin call stands, else 0; write account.margin_call > 0",
            "a call stands until margin_call_grace (5m) has passed since the venue's last word of it, for it repeats"
            " a call but never says that it is over; always 0 where the venue sends none"),
)
_POSITION = (
    Measure("position.side", Subject.POSITION, MeasureUnit.NUMBER, "positions of the venue",
            "+1 for a long, -1 for a short", "0 when flat"),
    Measure("position.amount", Subject.POSITION, MeasureUnit.BASE_QUANTITY, "positions of the venue",
            "what is held, in base units (inverse contracts: their worth in the coin); negative for a short",
            "0 when flat; of inverse contracts unavailable without a mark"),
    Measure("position.notional", Subject.POSITION, MeasureUnit.QUOTE_MONEY, "positions of the venue, mark",
            "size at mark, long or short; never negative", "0 when flat; unavailable without a mark"),
    Measure("position.entry_price", Subject.POSITION, MeasureUnit.PRICE, "fills, positions of the venue",
            "average price at which it was entered", "unavailable when flat"),
    Measure("position.unrealised_pnl", Subject.POSITION, MeasureUnit.SETTLE_MONEY,
            "positions of the venue, mark", "profit (positive) or loss if closed at mark, before costs",
            "0 when flat; unavailable without a mark or while price sources disagree"),
    Measure("position.loss_ratio", Subject.POSITION, MeasureUnit.RATIO, "positions of the venue, mark",
            "loss over entry notional; negative in profit",
            "0 when flat; unavailable without a mark or while price sources disagree"),
    Measure("position.age", Subject.POSITION, MeasureUnit.DURATION, "fills, time",
            "time since it was opened, or since it was adopted at start", "unavailable when flat"),
    Measure("position.expiry", Subject.POSITION, MeasureUnit.DURATION, "contract terms of the venue, time",
            "time until the contract expires", "unavailable when flat, of perpetuals, and from its moment on",
            is_optional=True),
    Measure("position.drawdown", Subject.POSITION, MeasureUnit.RATIO, "positions of the venue, mark",
            "what was given back since the best mark since it was opened, over entry notional",
            "0 at the best mark; the first mark after adoption counts as the first; unavailable when flat, without"
            " a mark or while price sources disagree"),
    Measure("position.liquidation_price", Subject.POSITION, MeasureUnit.PRICE, f"{_BOOK}, tiers of the venue",
            "mark at which the account is liquidated while all other marks stay",
            "unavailable when flat and where no price does it"),
    Measure("position.liquidation_distance", Subject.POSITION, MeasureUnit.RATIO, f"{_BOOK}, tiers of the venue",
            "move of this market alone from its mark to position.liquidation_price",
            "infinite where no price does it; 0 at or past liquidation; unavailable when flat"),
    Measure("position.margin_ratio", Subject.POSITION, MeasureUnit.RATIO, "margin of an isolated position",
            "maintenance margin over what the position's own margin is worth",
            "unavailable in cross margin, where account.margin_ratio is meant; this version has cross only",
            is_optional=True),
    Measure("position.adl_rank", Subject.POSITION, MeasureUnit.NUMBER, "ADL queue of the venue",
            "place in the venue's queue for auto-deleveraging, 1 to 5, of which 5 is the first to go",
            "unavailable when flat, where the venue does not tell it, and five minutes after it last did",
            is_optional=True),
)
_MARKET = (
    Measure("market.mark_price", Subject.MARKET, MeasureUnit.PRICE, "mark stream of the venue",
            "what margin and liquidation are counted at", "unavailable when stale; the last price stands in"
            " on a tape without marks, and the summary says so"),
    Measure("market.last_price", Subject.MARKET, MeasureUnit.PRICE, "trades", "price of the last trade",
            "unavailable before the first trade and when stale"),
    Measure("market.index_price", Subject.MARKET, MeasureUnit.PRICE, "index stream of the venue",
            "the venue's spot index of the underlying", "unavailable when stale or not on the tape", is_optional=True),
    Measure("market.premium", Subject.MARKET, MeasureUnit.RATIO, "mark and index streams of the venue",
            "mark over index, less 1; negative below the index", "unavailable without a mark or an index",
            is_optional=True),
    Measure("market.mid", Subject.MARKET, MeasureUnit.PRICE, _QUOTES, "middle of best bid and best ask",
            _ONE_SIDED, is_optional=True),
    Measure("market.spread_bps", Subject.MARKET, MeasureUnit.RATIO, _QUOTES,
            "best ask less best bid, over mid; compare it with 5bps, not with 5", _ONE_SIDED, is_optional=True),
    Measure("market.depth", Subject.MARKET, MeasureUnit.QUOTE_MONEY, _LEVELS,
            "value that rests within the distance of mid, on the thinner side of the book",
            f"of quotes only the best level is known, so it is the least that rests there; {_ONE_SIDED}", (_BAND,),
            is_optional=True),
    Measure("market.imbalance", Subject.MARKET, MeasureUnit.RATIO, _LEVELS,
            "bids less asks over both, by quantity within the distance of mid; -1 only asks, +1 only bids",
            f"of quotes only the best level; unavailable when nothing rests so near; {_ONE_SIDED}", (_BAND,),
            is_optional=True),
    Measure("market.order_flow", Subject.MARKET, MeasureUnit.BASE_QUANTITY, "trades",
            "quantity that takers bought less what they sold in the window", f"{_COVERED}, and while a trade in it"
            " does not say who took, as on candles", (_WINDOW,), is_optional=True),
    Measure("market.volume", Subject.MARKET, MeasureUnit.BASE_QUANTITY, "trades",
            "quantity that others traded in the window", _COVERED, (_WINDOW,), is_optional=True),
    Measure("market.return", Subject.MARKET, MeasureUnit.RATIO, "mark stream of the venue",
            "mark over the mark at the beginning of the window, less 1", _COVERED, (_WINDOW,), is_optional=True),
    Measure("market.volatility", Subject.MARKET, MeasureUnit.RATIO, "prices, 1-minute log returns",
            "volatility over the window, as in account.sigma, of this market alone",
            "never 0: with less than 6 hours of history at least a prior (BTC 60 % a year, others 120 %)",
            (_WINDOW,)),
    Measure("market.open_interest", Subject.MARKET, MeasureUnit.BASE_QUANTITY, "open interest of the venue",
            "what all positions of one side hold together", "unavailable until the feed or tape has told it",
            is_optional=True),
    Measure("market.liquidations", Subject.MARKET, MeasureUnit.QUOTE_MONEY, "liquidation stream of the venue",
            "value that the venue closed by force in the window, longs and shorts added",
            "unavailable until the stream has told a first one and the window is covered since", (_WINDOW,),
            is_optional=True),

    Measure("market.funding_rate", Subject.MARKET, MeasureUnit.RATIO, "funding stream of the venue",
            "rate of the next funding, per interval; positive is paid by longs",
            "unavailable where there is no funding", is_optional=True),
    Measure("market.next_funding", Subject.MARKET, MeasureUnit.DURATION, "funding stream of the venue, time",
            "time until the next funding is paid", "unavailable where there is no funding, and from its moment on"
            " until the next one is told", is_optional=True),
    Measure("market.age", Subject.MARKET, MeasureUnit.DURATION, "mark stream of the venue, time",
            "time since the venue stamped the last mark", "unavailable before the first mark"),
)

_UNDERLYING = (
    Measure("underlying.net_delta", Subject.UNDERLYING, MeasureUnit.BASE_QUANTITY, "balances and positions of the"
            " venue, marks",
            "coins of it that the account gains or loses with: its balance of them, whole, and its linear and inverse"
            " positions on them; negative when short. It is always named: underlying(\"BTC\").net_delta",
            "0 without any; of an account that settles in the coin, its equity counts as the balance; unavailable until"
            " every held market has a mark"),
)
_TIME = (
    Measure("time.of_day", Subject.TIME, MeasureUnit.DURATION, "time", "time since midnight UTC; compare with 09:30",
            "never unavailable"),
    Measure("time.of_week", Subject.TIME, MeasureUnit.DURATION, "time",
            "time since Monday 00:00 UTC; compare with fri 20:00", "never unavailable"),
)


def _of_portfolio(row: Measure) -> Measure:
    """Return the row of the same measure over all accounts of this process."""
    is_money = row.unit is MeasureUnit.ACCOUNT_MONEY
    return replace(
        row,
        name=f"portfolio.{row.name.partition('.')[2]}",
        subject=Subject.PORTFOLIO,
        source=f"{row.name} of every account",
        meaning=f"{'sum over all accounts' if is_money else 'of the worst account'}: {row.meaning}",
        edges=f"unavailable when one account's is{', and where their currencies differ' if is_money else ''}",
    )


_PORTFOLIO = tuple(_of_portfolio(row) for row in _ACCOUNT)
MEASURES: dict[str, Measure] = {
    row.name: row for row in (*_ACCOUNT, *_POSITION, *_MARKET, *_UNDERLYING, *_PORTFOLIO, *_TIME)
}

# Names that a later version knows: asking for one says so, and not that it is misspelt.
PLANNED: dict[str, tuple[str, ...]] = {
    "account": ("var", "es", "stress"),
    "position": ("unwind_cost_bps", "unwind_time"),
    "market": ("cascade_score", "close"),
    "portfolio": ("var", "es", "stress"),
    "underlying": ("gamma", "vega", "theta"),
}
