"""Names of measures, markets and functions: what is meant, whether this scope has it, what was misspelt."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from bot.rules.language.currency import Currencies, currencies_of
from bot.rules.language.dimension import DURATION, RATIO
from bot.rules.language.errors import Fault, NotYetFault, shown
from bot.rules.language.explain import expression_text
from bot.rules.language.functions import FUNCTION_ROWS
from bot.rules.language.measures import MEASURES, PLANNED, Argument, ArgumentKind, Measure, Subject
from bot.rules.language.syntax import CallSyntax, NameSyntax, ReadingSyntax
from bot.rules.language.typed import Literal, Read, ReadingRef, Scope, Value
from bot.rules.language.wording import bps_text, duration_text

_SUBJECTS = tuple(subject.value for subject in Subject)
_SUBJECTS_HINT = f"measures begin with {', '.join(_SUBJECTS)} and a dot"
_GUESS_LENGTH_MAX = 40               # comparing long names takes time, and nobody mistypes one

# Which subjects a rule can read without naming a market.
REACHABLE: dict[Scope, tuple[Subject, ...]] = {
    Scope.ACCOUNT: (Subject.ACCOUNT, Subject.UNDERLYING, Subject.PORTFOLIO, Subject.TIME),
    Scope.PORTFOLIO: (Subject.PORTFOLIO, Subject.TIME),
    Scope.POSITION: (
        Subject.POSITION, Subject.ACCOUNT, Subject.MARKET, Subject.UNDERLYING, Subject.PORTFOLIO, Subject.TIME
    ),
}


def reading_of(
    syntax: ReadingSyntax,
    measure: Measure,
    arguments: tuple[Value, ...],
    *,
    scope: Scope,
    symbols: Sequence[str],
    currencies: Currencies,
) -> Read:
    """Return the reading of ``measure`` that the syntax asks for, its arguments already checked as values.

    ``currencies`` are those of all ``symbols``; a named market has its own. Raises Fault for wrong
    arguments, unknown markets, and what ``scope`` does not have.
    """
    if measure.subject is Subject.UNDERLYING:
        currencies = _underlying_named(syntax, scope, symbols)
    elif syntax.symbol is None:
        _refuse_unreachable(syntax, measure, scope, symbols)
    else:
        refuse_unknown_market(syntax, syntax.symbol, symbols)
        currencies = currencies_of((syntax.symbol,))
    ref = ReadingRef(measure.name, _arguments(syntax, measure, arguments), syntax.symbol)
    return Read(ref, measure.unit.dimension(currencies))


def measure_of(syntax: ReadingSyntax) -> Measure:
    """Return the measure that the syntax names; raises Fault, with a suggestion, where there is none."""
    name = f"{syntax.subject}.{syntax.name}"
    measure = MEASURES.get(name)
    if measure is not None:
        return measure
    planned = PLANNED.get(syntax.subject, ())
    if syntax.name in planned:
        raise NotYetFault(syntax.offset, f"{name}: this measure is not there yet; {_offer(syntax.subject)}")
    if syntax.subject not in _SUBJECTS and syntax.subject not in PLANNED:
        close = get_close_matches(name[:_GUESS_LENGTH_MAX], MEASURES, n=1)
        hint = f"did you mean {close[0]}?" if close else _SUBJECTS_HINT
        raise Fault(syntax.offset, f"measure: is not known, was {shown(name)}; {hint}")
    known = [row.partition(".")[2] for row in MEASURES if row.startswith(f"{syntax.subject}.")]
    close = get_close_matches(syntax.name[:_GUESS_LENGTH_MAX], [*known, *planned], n=1)
    hint = f"did you mean {syntax.subject}.{close[0]}?" if close else _offer(syntax.subject)
    raise Fault(syntax.offset, f"measure: is not known, was {shown(name)}; {hint}")


def _offer(subject: str) -> str:
    known = [row.partition(".")[2] for row in MEASURES if row.startswith(f"{subject}.")]
    return f"{subject} has {', '.join(known)}" if known else f"measures are of {', '.join(_SUBJECTS)}"


def _refuse_unreachable(
    syntax: ReadingSyntax, measure: Measure, scope: Scope, symbols: Sequence[str]
) -> None:
    if measure.subject in REACHABLE[scope]:
        return
    if measure.subject is Subject.UNDERLYING:
        raise Fault(syntax.offset, f"{measure.name}: the {scope.value} has none, each account has its own; write "
                                   "for_each: account")
    if measure.subject is Subject.MARKET:
        symbol = symbols[0] if symbols else "BTC/USDT:USDT"
        cure = f'name one: market("{symbol}").{syntax.name}'
        problem = f"a rule for each {scope.value} has no market of its own"
    else:
        cure = f"write for_each: {measure.subject.value}, or use a measure of the {scope.value}"
        many = "positions" if measure.subject is Subject.POSITION else "accounts"
        problem = f"a rule for each {scope.value} looks at many {many}, not one"
    raise Fault(syntax.offset, f"{measure.name}: {problem}; {cure}")


def _underlying_named(syntax: ReadingSyntax, scope: Scope, symbols: Sequence[str]) -> Currencies:
    """Return the currencies of the underlying that is named, its own name the base; raises Fault for any other."""
    _refuse_unreachable(syntax, MEASURES[f"{syntax.subject}.{syntax.name}"], scope, symbols)
    known = list(dict.fromkeys(currencies_of((symbol,)).base for symbol in symbols))
    if syntax.symbol is None:
        one = known[0] if known else "BTC"
        raise Fault(syntax.offset, f'underlying: is not named; write underlying("{one}").{syntax.name}')
    if syntax.symbol not in known:
        close = get_close_matches(syntax.symbol.upper().partition("/")[0], known, n=1)
        hint = f'did you mean underlying("{close[0]}")?' if close else f"the instruments are on {', '.join(known)}"
        raise Fault(syntax.offset, f"underlying: no instrument is on it, was {shown(syntax.symbol)}; {hint}")
    return currencies_of((syntax.symbol,))


def refuse_unknown_market(syntax: ReadingSyntax | CallSyntax, symbol: str, symbols: Sequence[str]) -> None:
    """Raise Fault for a market that is not among ``symbols``, with the nearest that is."""
    if symbol in symbols:
        return
    # BTC, BTC/USDT and BTCUSDT are what people call the market whose symbol is BTC/USDT:USDT
    close = [known for known in symbols if symbol and _bare(known).startswith(_bare(symbol))]
    close = close or get_close_matches(symbol[:_GUESS_LENGTH_MAX], symbols, n=1, cutoff=0.4)
    hint = f'did you mean market("{close[0]}")?' if close else "add it to the account's instruments"
    raise Fault(syntax.offset, f"market: is not among the instruments, was {shown(symbol)}; {hint}")


def _bare(symbol: str) -> str:
    return symbol.upper().replace("/", "")


def _arguments(syntax: ReadingSyntax, measure: Measure, arguments: tuple[Value, ...]) -> tuple[int | float, ...]:
    if syntax.arguments is not None and not measure.arguments:
        raise Fault(syntax.offset, f"{measure.name}: takes no arguments; write it without parentheses")
    if len(arguments) != len(measure.arguments):
        raise Fault(syntax.offset, f"{measure.name}: wants {measure.signature}, was given "
                                   f"{len(arguments) or 'no'} argument{'' if len(arguments) == 1 else 's'}; "
                                   f"write for example {measure.example}")
    written = syntax.arguments or ()
    return tuple(
        _constant(measure, argument, value, offset=node.offset)
        for argument, value, node in zip(measure.arguments, arguments, written, strict=True)
    )


def _constant(measure: Measure, argument: Argument, value: Value, *, offset: int) -> int | float:
    """Return an argument's value: nanoseconds as an int, a ratio as a float."""
    wanted, limit_text = _KINDS[argument.kind]
    if not isinstance(value, Literal) or value.dimension != wanted:
        raise Fault(offset, f"{measure.name}: its {argument.name} is a {argument.kind.value}, was "
                            f"{expression_text(value)}; write for example {measure.example}")
    if not argument.lowest <= value.value <= argument.highest:
        raise Fault(offset, f"{measure.name}: its {argument.name} is from {limit_text(argument.lowest)} "
                            f"to {limit_text(argument.highest)}, was {value.text}; choose one between")
    return int(value.value) if argument.kind is ArgumentKind.DURATION else value.value


_KINDS = {
    ArgumentKind.DURATION: (DURATION, duration_text),
    ArgumentKind.RATIO: (RATIO, bps_text),
}


# words that stand for a value elsewhere
_MEANT = {
    "long": "write position.side > 0",
    "short": "write position.side < 0",
    "buy": "write position.side > 0",
    "sell": "write position.side < 0",
    "true": "write the condition alone",
    "false": "write the word not before the condition",
}


def bare_name_fault(syntax: NameSyntax) -> Fault:
    """Return the fault for a word that stands alone, with the measure it may have meant."""
    if syntax.name.lower() in _MEANT:
        return Fault(syntax.offset, f"name: is not known, was {shown(syntax.name)}; {_MEANT[syntax.name.lower()]}")
    close = [name for name in MEASURES if name.partition(".")[2] == syntax.name]
    if not close:
        close = get_close_matches(syntax.name[:_GUESS_LENGTH_MAX], MEASURES, n=1)
    hint = f"did you mean {close[0]}?" if close else _SUBJECTS_HINT
    return Fault(syntax.offset, f"name: is not known, was {shown(syntax.name)}; {hint}")


def unknown_function_fault(syntax: CallSyntax) -> Fault:
    """Return the fault for a call of what is not in the table."""
    names = list(dict.fromkeys(row.name for row in FUNCTION_ROWS))
    close = get_close_matches(syntax.name[:_GUESS_LENGTH_MAX], names, n=1)
    meant = next((row.signature for row in FUNCTION_ROWS if close and row.name == close[0]), None)
    hint = f"did you mean {meant}?" if meant else f"there are {', '.join(names)}"
    return Fault(syntax.offset, f"function: is not known, was {shown(syntax.name)}; {hint}")
