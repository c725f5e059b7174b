"""Readings that are worked out from others: windows over a value, and indicators on closed bars.

Each becomes a reading of its own, with a column in the engine, so that conditions need no node for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE
from bot.rules.language.currency import currencies_of
from bot.rules.language.dimension import DURATION, NUMBER, Dimension, price_of, quotient
from bot.rules.language.errors import Fault
from bot.rules.language.explain import expression_text
from bot.rules.language.functions import (
    BAR_LONGEST,
    BAR_SHORTEST,
    FUNCTIONS,
    INDICATORS,
    PERIODS_MAX,
    PERIODS_MIN,
    WIDTH_MAX,
    WINDOW_FUNCTIONS,
    WINDOW_LONGEST,
    WINDOW_SHORTEST,
    Function,
)
from bot.rules.language.measures import Subject
from bot.rules.language.names import REACHABLE, refuse_unknown_market
from bot.rules.language.syntax import CallSyntax, ReadingSyntax, Syntax
from bot.rules.language.typed import Derived, Literal, Negate, Read, ReadingRef, Scope, Value, reads_in
from bot.rules.language.wording import duration_text

CLOSE: Final = "close"               # the only series that indicators are of


def window_of(syntax: CallSyntax, values: tuple[Value, ...]) -> Read | None:
    """Return the window that a call means, its arguments checked as values; None for a plain function.

    ``max(x, 15m)`` is the largest x of 15 minutes; the larger of two durations is ``max(15m, x)``. Raises
    Fault for a window that is none.
    """
    function = WINDOW_FUNCTIONS.get(syntax.name)
    if function is None:
        return None
    window = values[1] if len(values) == 2 else None
    if not isinstance(window, Literal) or window.dimension != DURATION:
        if syntax.name in FUNCTIONS:
            return None
        raise Fault(syntax.offset, f"{function.name}: wants {function.signature} with a duration, was given "
                                   f"{', '.join(map(expression_text, values)) or 'nothing'}; "
                                   f"write for example {function.name}(account.equity, 15m)")
    operand = values[0]
    _refuse_odd_window(syntax, operand, window)
    subject, symbol = _subject_of(syntax, operand)
    dimension = quotient(operand.dimension, DURATION) if function.name == "rate" else operand.dimension
    text = f"{function.name}({expression_text(operand)}, {duration_text(window.value)})"
    derived = Derived(text, subject, dimension.unit, operand)
    return Read(ReadingRef(function.name, (int(window.value),), symbol, derived), dimension)


def _refuse_odd_window(syntax: CallSyntax, operand: Value, window: Literal) -> None:
    if operand.dimension == DURATION and syntax.name in FUNCTIONS:
        raise Fault(syntax.offset,
                    f"{syntax.name}: a duration as the second of two arguments is a window, was "
                    f"{window.text}; for the {'larger' if syntax.name == 'max' else 'smaller'} of two "
                    f"durations write {syntax.name}({window.text}, {expression_text(operand)})")
    if not WINDOW_SHORTEST <= window.value <= WINDOW_LONGEST:
        raise Fault(syntax.arguments[1].offset,
                    f"{syntax.name}: its window is from {duration_text(WINDOW_SHORTEST)} to "
                    f"{duration_text(WINDOW_LONGEST)}, was {window.text}; choose one between")


def _subject_of(syntax: CallSyntax, operand: Value) -> tuple[Subject, str | None]:
    """Return what a window over ``operand`` is kept for, and the market where only named ones are read."""
    refs = [read.ref for read in reads_in(operand)]
    if not refs:
        raise Fault(syntax.arguments[0].offset, f"{syntax.name}: a window looks at what changes, was "
                                                f"{expression_text(operand)}; name a measure")
    own = [ref.subject for ref in refs if ref.symbol is None]
    own += [Subject.ACCOUNT for ref in refs if ref.subject is Subject.UNDERLYING]
    for subject in own:
        if subject is Subject.TIME:
            raise Fault(syntax.arguments[0].offset, f"{syntax.name}: time passes by itself, was "
                                                    f"{expression_text(operand)}; a window looks at other measures")
    if not own:
        return Subject.MARKET, refs[0].symbol
    if Subject.POSITION in own or (Subject.MARKET in own and set(own) != {Subject.MARKET}):
        return Subject.POSITION, None
    return Subject.ACCOUNT if Subject.ACCOUNT in own else own[0], None


def indicator_of(
    syntax: CallSyntax, *, scope: Scope, symbols: Sequence[str], value_of: Callable[[Syntax], Value]
) -> Read:
    """Return the indicator that a call means; raises Fault for arguments that do not fit.

    Its arguments are, after the series, periods, for ``bollinger`` the width, and the length of a bar.
    """
    function = INDICATORS[syntax.name]
    written = list(syntax.arguments)
    has_series = bool(written) and isinstance(written[0], ReadingSyntax)
    if len(written) != function.arguments_max - (not has_series and function.name == "atr"):
        raise Fault(syntax.offset, f"{function.name}: wants {function.signature}, was given {len(written)} "
                                   f"argument{'' if len(written) == 1 else 's'}")
    symbol = None
    if has_series or function.name != "atr":
        symbol = _series(written.pop(0), function)
    symbol = _market(syntax, symbol, scope, symbols)
    values = [value_of(argument) for argument in written]
    numbers: list[float] = [_periods(function, values[0], written[0].offset)]
    if function.name == "bollinger":
        numbers.append(_width(function, values[1], written[1].offset))
    bar = _bar(function, values[-1], written[-1].offset)
    close = "market.close" if symbol is None else f'market("{symbol}").close'
    series = [close] if symbol is not None or function.name != "atr" else []
    text = f"{function.name}({', '.join([*series, *map(expression_text, values)])})"
    dimension = _dimension(function, symbol, symbols)
    derived = Derived(text, Subject.MARKET, dimension.unit)
    return Read(ReadingRef(function.name, (*numbers, bar), symbol, derived), dimension)


def _series(argument: Syntax, function: Function) -> str | None:
    is_close = (isinstance(argument, ReadingSyntax) and argument.subject == "market" and argument.name == CLOSE
                and argument.arguments is None)
    if not isinstance(argument, ReadingSyntax) or not is_close:
        raise Fault(argument.offset, f"{function.name}: is of closed bars; write {function.signature}, with "
                                     'market.close or market("SYMBOL").close first')
    return argument.symbol


def _market(syntax: CallSyntax, symbol: str | None, scope: Scope, symbols: Sequence[str]) -> str | None:
    if symbol is not None:
        refuse_unknown_market(syntax, symbol, symbols)
    elif Subject.MARKET not in REACHABLE[scope]:
        one = symbols[0] if symbols else "BTC/USDT:USDT"
        raise Fault(syntax.offset, f"{syntax.name}: a rule for each {scope.value} has no market of its own; name one: "
                                   f'{syntax.name}(market("{one}").close, ...)')
    return symbol


def _dimension(function: Function, symbol: str | None, symbols: Sequence[str]) -> Dimension:
    if function.name == "rsi":
        return NUMBER
    currencies = currencies_of(symbols if symbol is None else (symbol,))
    return price_of(quote=currencies.quote, base=currencies.base)


def _periods(function: Function, value: Value, offset: int) -> int:
    is_whole = isinstance(value, Literal) and value.dimension == NUMBER and value.value == int(value.value)
    if not isinstance(value, Literal) or not is_whole or not PERIODS_MIN <= value.value <= PERIODS_MAX:
        raise Fault(offset, f"{function.name}: its periods are a whole number from {PERIODS_MIN} to {PERIODS_MAX}, "
                            f"was {expression_text(value)}; write {function.signature}")
    return int(value.value)


def _width(function: Function, value: Value, offset: int) -> float:
    bare = value.operand if isinstance(value, Negate) else value
    is_plain = isinstance(bare, Literal) and bare.dimension == NUMBER
    if not isinstance(bare, Literal) or not is_plain or not 0.0 < bare.value <= WIDTH_MAX:
        raise Fault(offset, f"{function.name}: its width is a number of deviations up to {WIDTH_MAX:g}, negative for "
                            f"the lower band, was {expression_text(value)}; write 2 or -2")
    return bare.value if bare is value else -bare.value


def _bar(function: Function, value: Value, offset: int) -> int:
    is_duration = isinstance(value, Literal) and value.dimension == DURATION
    if not isinstance(value, Literal) or not is_duration or not BAR_SHORTEST <= value.value <= BAR_LONGEST or (
        NS_PER_DAY % int(value.value) or int(value.value) % NS_PER_MINUTE
    ):
        raise Fault(offset, f"{function.name}: its bars are whole minutes that fill a day, such as 1m, 5m, 1h, 1d, "
                            f"was {expression_text(value)}; choose one of them")
    return int(value.value)
