"""The tables of functions: the only things a rule can call. Docs and ``penstock rules`` are made of them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Function:
    """One row; the number of arguments is from ``arguments_min`` to ``arguments_max``.

    ``arguments_max`` of 16 for min and max is far above what a person writes.
    """

    name: str
    signature: str
    arguments_min: int
    arguments_max: int
    unit: str
    meaning: str
    edges: str


_OF_ARGUMENTS = "that of its arguments"
_OF_X = "that of x"
_ANY_MISSING = "unavailable when one argument is"
_COVERED = ("unavailable while x is, and until x was known for the whole window; gaps of a tenth of it are bridged;"
            " it looks back by whole sixtieths of the window")
_FINITE = f"an infinite x counts as unavailable; {_COVERED}"
_FED = "unavailable before ten times as many closed bars as periods were seen; UTC bars, the first whole one on"

# All arguments of one call are of one dimension, and so is the result.
FUNCTIONS: dict[str, Function] = {
    row.name: row
    for row in (
        Function("abs", "abs(x)", 1, 1, _OF_ARGUMENTS, "x without its sign", _ANY_MISSING),
        Function("clamp", "clamp(x, low, high)", 3, 3, _OF_ARGUMENTS, "x, but at least low and at most high",
                 f"{_ANY_MISSING}, and when low is above high"),
        Function("default", "default(x, value)", 2, 2, _OF_ARGUMENTS,
                 "x, or the value while x is unavailable: what a rule is to assume when it cannot know",
                 "unavailable when both are"),
        Function("max", "max(a, b, ...)", 2, 16, _OF_ARGUMENTS, "the largest of two or more values", _ANY_MISSING),
        Function("min", "min(a, b, ...)", 2, 16, _OF_ARGUMENTS, "the smallest of two or more values", _ANY_MISSING),
    )
}

# ``max(x, 15m)``, with a duration literal as the second of two arguments, looks back over a window.
WINDOW_SHORTEST, WINDOW_LONGEST = NS_PER_SECOND, 30 * NS_PER_DAY
WINDOW_FUNCTIONS: dict[str, Function] = {
    row.name: row
    for row in (
        Function("max", "max(x, window)", 2, 2, _OF_X, "the largest x of the window, such as max(x, 15m)", _COVERED),
        Function("min", "min(x, window)", 2, 2, _OF_X, "the smallest x of the window", _COVERED),
        Function("mean", "mean(x, window)", 2, 2, _OF_X, "the mean of x over the window, weighted by time", _FINITE),
        Function("stdev", "stdev(x, window)", 2, 2, _OF_X,
                 "the standard deviation of x over the window, weighted by time", f"0 when x stood still; {_FINITE}"),
        Function("change", "change(x, window)", 2, 2, _OF_X, "x now minus x at the window's beginning", _FINITE),
        Function("rate", "rate(x, window)", 2, 2, "that of x per duration",
                 "the change over the window by the time it took; compare with 100 USDT / 1m", _FINITE),
        Function("ema", "ema(x, window)", 2, 2, _OF_X,
                 "the exponential average of x in which what is a window old counts half", _FINITE),
    )
}

PERIODS_MIN, PERIODS_MAX = 2, 200    # ten times the longest are 2,000 bars: 33 hours of minutes
BAR_SHORTEST, BAR_LONGEST = NS_PER_MINUTE, NS_PER_DAY
WIDTH_MAX = 10.0                     # deviations; no price was ever that far out for long
INDICATORS: dict[str, Function] = {
    row.name: row
    for row in (
        Function("rsi", "rsi(market.close, periods, bar)", 3, 3, "number",
                 "Wilder's relative strength index of closed bars, 0 to 100, such as rsi(market.close, 14, 1m)", _FED),
        Function("atr", "atr(periods, bar)", 2, 3, "quote per base",
                 "Wilder's average true range of closed bars; another market's by"
                 ' atr(market("SYMBOL").close, periods, bar)',
                 _FED),
        Function("sma", "sma(market.close, periods, bar)", 3, 3, "quote per base",
                 "the plain average of the last closes", _FED),
        Function("bollinger", "bollinger(market.close, periods, width, bar)", 4, 4, "quote per base",
                 "the average of the last closes plus width times their deviation; the lower band by a negative width",
                 _FED),
    )
}

EVERY_LASTS = NS_PER_MINUTE          # long enough to be seen in a chart, shorter than any period
EVERY_SHORTEST, EVERY_LONGEST = 2 * EVERY_LASTS, 7 * NS_PER_DAY
TIME_CONDITIONS: dict[str, Function] = {
    row.name: row
    for row in (
        Function("time.between", "time.between(from, to)", 2, 2, "condition",
                 "true from the first time of day until just before the second, UTC: time.between(09:30, 16:00);"
                 " over the week with days: time.between(fri 20:00, mon 06:00)",
                 "goes over midnight, or over the weekend, when the first is the later one"),
        Function("time.every", "time.every(period)", 1, 1, "condition",
                 "true for the first minute of each period, counted from Monday 00:00 UTC: time.every(8h)",
                 "a period that begins while the bot is down is seen only within its first minute"),
    )
}

FUNCTION_ROWS: tuple[Function, ...] = (
    *FUNCTIONS.values(), *WINDOW_FUNCTIONS.values(), *INDICATORS.values(), *TIME_CONDITIONS.values(),
)
