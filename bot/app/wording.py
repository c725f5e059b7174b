"""Numbers and times as a trader reads them; the report, the summary and the live view share these words.

What is missing, infinite or not a number reads ``n/a``: a person must never meet "None" or "nan". Figures
of a summary come as decimal text, as floats or as null, and ``number`` takes all of them.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from bot.domain.scale import NS_PER_DAY, NS_PER_SECOND

NA = "n/a"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAR_AWAY = 10.0                      # of the price: a hedged book may be liquidated at prices that nobody will see
_COUNTED_IN_CENTS = ("FDUSD", "BUSD", "TUSD", "DAI", "EUR", "GBP")       # beside all whose name begins with USD
_COIN_FIGURES = 4                    # significant: the fees of an inverse contract are thousandths of a coin
_FIGURES_KEPT = 6                    # significant: 5,123.46 and 0.0123457 both tell what happened


def number(value: object) -> float | None:
    """Return a figure as a float, or None when it is missing, not finite or no number at all."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        figure = float(value)
    except (ValueError, OverflowError):
        return None
    return figure if math.isfinite(figure) else None


def percent(fraction: object) -> str:
    """Return a fraction in percent, with fewer decimals the larger it is: ``4.93 %``, ``61 %``."""
    value = number(fraction)
    if value is None:
        return NA
    shown = 100 * value
    decimals = 2 if abs(shown) < 9.995 else 1 if abs(shown) < 19.95 else 0
    text = f"{shown:,.{decimals}f}"
    return f"{'0' if float(text.replace(',', '')) == 0 else text} %"


def distance_words(fraction: object) -> str:
    """Return a distance to liquidation in percent; beyond ten times the price nobody counts: ``over 1,000 %``."""
    value = number(fraction)
    return "over 1,000 %" if value is not None and value >= FAR_AWAY else percent(value)


def change(fraction: object) -> str:
    """Return a relative change with its sign, one decimal: ``-35.2 %``, ``+0.4 %``."""
    value = number(fraction)
    return NA if value is None else f"{100 * value:+,.1f} %"


def bps(value: object) -> str:
    """Return basis points: ``34 bps``, ``3.4 bps``; positive is a cost wherever it stands for one."""
    figure = number(value)
    if figure is None:
        return NA
    return f"{figure:,.{0 if abs(figure) >= 9.95 else 1}f} bps"


def amount(value: object, currency: str = "") -> str:
    """Return an amount of a currency without its name: whole units from 1,000 up, cents below, coins to four digits."""
    figure = number(value)
    if figure is None:
        return NA
    decimals = 0 if abs(figure) >= 999.5 else 2
    if decimals and figure and _is_coin(currency):
        decimals = max(2, min(8, _COIN_FIGURES - 1 - math.floor(math.log10(abs(figure)))))
    return f"{figure:,.{decimals}f}"


def cash(value: object, currency: str = "") -> str:
    """Return an amount with its currency where it is known: ``5,123 USDT``, ``493.61 USDT``, ``0.04812 BTC``."""
    text = amount(value, currency)
    return f"{text} {currency}" if currency and text != NA else text


def signed_amount(value: object, currency: str = "") -> str:
    """Return a gain or loss with its sign, without the currency's name."""
    figure = number(value)
    return NA if figure is None else ("+" if figure > 0 else "") + amount(figure, currency)


def signed_cash(value: object, currency: str = "") -> str:
    """Return a gain or loss with its sign."""
    figure = number(value)
    return NA if figure is None else ("+" if figure > 0 else "") + cash(figure, currency)


def price(value: object) -> str:
    """Return a price with six significant digits and separators: ``5,123.46``."""
    figure = number(value)
    if figure is None:
        return NA
    return f"{figure:,.{_decimals(figure)}f}"


def quantity(value: object) -> str:
    """Return a quantity with six significant digits at most, without trailing zeros."""
    figure = number(value)
    if figure is None:
        return NA
    text = f"{figure:,.{_decimals(figure)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: object) -> str:
    """Return a whole number with separators."""
    figure = number(value)
    return NA if figure is None else f"{figure:,.0f}"


def ratio(value: object) -> str:
    """Return a bare ratio such as Sharpe's, two decimals."""
    figure = number(value)
    return NA if figure is None else f"{figure:,.2f}"


def duration(span_ns: int | None) -> str:
    """Return a span in the two units that matter: ``48 s``, ``14 min``, ``2 h 05 min``, ``3 d 4 h``."""
    if span_ns is None or span_ns < 0:
        return NA
    seconds = round(span_ns / NS_PER_SECOND)
    if seconds < 1:
        return "less than a second"
    if seconds < 120:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24} h"


def moment(value: object) -> int | None:
    """Return nanoseconds UTC of an ISO 8601 text (or of nanoseconds); None when it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return (parsed - _EPOCH) // timedelta(microseconds=1) * 1000


def iso_time(now: int) -> str:
    """Return nanoseconds UTC as ISO 8601 with microseconds, rounded down: ``2020-03-12T10:44:00.000000Z``."""
    seconds, rest = divmod(now, NS_PER_SECOND)
    try:
        whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{now} ns"                # no such year: shown as it is, since a log must not raise
    return f"{whole}.{rest // 1000:06d}Z"


def clock(value: object, *, pattern: str = "%H:%M:%S") -> str:
    """Return a moment (nanoseconds or ISO text) as UTC time of day, or as ``pattern`` says."""
    ns = moment(value)
    if ns is None:
        return NA
    try:
        return (_EPOCH + timedelta(microseconds=ns // 1000)).strftime(pattern)
    except (OverflowError, ValueError):
        return NA


def clock_pattern(first: int | None, last: int | None) -> str:
    """Return the pattern for times between two moments: with the day once they are not within one."""
    if first is None or last is None or first // NS_PER_DAY != last // NS_PER_DAY:
        return "%d %b %H:%M:%S"
    return "%H:%M:%S"


def base_of(symbol: str) -> str:
    """Return the currency that is held: ``BTC`` of ``BTC/USDT:USDT``."""
    return symbol.split("/", 1)[0]


def currency_of(symbol: str) -> str:
    """Return the currency in which a symbol is settled, else quoted; empty when it names none."""
    pair, _, settle = symbol.partition(" ")[0].partition(":")
    quote = pair.partition("/")[2]
    return settle.partition("-")[0] or quote


def unit_of(symbol: str) -> str:
    """Return what quantities of a symbol are counted in: the base currency, or contracts where they are inverse."""
    return "contracts" if ":" in symbol and currency_of(symbol) == base_of(symbol) else base_of(symbol)


def short_symbol(symbol: str) -> str:
    """Return a linear perpetual without its settlement, which says nothing new: ``BTC/USDT``, ``BTC/USDT long``."""
    name, space, leg = symbol.partition(" ")
    pair, _, settle = name.partition(":")
    return f"{pair}{space}{leg}" if settle == pair.partition("/")[2] else symbol


def spoken(value: object) -> str:
    """Return any value of a summary as one line of printable text; control characters become ``?``."""
    if value is None:
        return NA
    if isinstance(value, float) and not math.isfinite(value):
        return NA
    if isinstance(value, dict):
        return ", ".join(f"{spoken(key)} {spoken(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(spoken(item) for item in value)
    return "".join(letter if letter.isprintable() else "?" for letter in str(value))


def _is_coin(currency: str) -> bool:
    """True of what a cent is too coarse for."""
    return bool(currency) and not currency.startswith("USD") and currency not in _COUNTED_IN_CENTS


def _decimals(figure: float) -> int:
    if figure == 0:
        return 0
    return max(0, min(8, _FIGURES_KEPT - 1 - math.floor(math.log10(abs(figure)))))
