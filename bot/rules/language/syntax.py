"""Text to an untyped tree. Knows the words of the language, not what they mean.

The tree's nodes carry the offset at which they start, for messages, and their depth, so that nothing that
walks a tree can run out of stack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from bot.rules.language.errors import Fault, shown
from bot.rules.language.habits import PLAIN_CURE, character_cure, foreign_cure, token_cure

TEXT_LENGTH_MAX = 2_000              # the longest bundled rule has 90 characters
WORDS_MAX = 330                      # 64 readings, compared in pairs; the parser takes 3 ms for so many
DEPTH_MAX = 50                       # deeper than any person reads; far from Python's own limits


@dataclass(frozen=True, slots=True)
class NumberSyntax:
    """A literal: its digits as written, and its unit (``%``, ``bps``, ``s``, ``USDT``) or None."""

    offset: int
    depth: int
    digits: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class ClockSyntax:
    """A time of day, ``09:30``, of one day of the week or of every day (None)."""

    offset: int
    depth: int
    day: str | None
    clock: str


@dataclass(frozen=True, slots=True)
class ReadingSyntax:
    """``subject.name(arguments)``, or ``market("symbol").name(arguments)``. No parentheses: None.

    An underlying is named as a market is, by its own name.
    """

    offset: int
    depth: int
    subject: str
    name: str
    arguments: tuple[Syntax, ...] | None
    symbol: str | None


@dataclass(frozen=True, slots=True)
class NameSyntax:
    """A word by itself; nothing in the language is one, and the checker says what was meant."""

    offset: int
    depth: int
    name: str


@dataclass(frozen=True, slots=True)
class CallSyntax:
    offset: int
    depth: int
    name: str
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class SignSyntax:
    offset: int
    depth: int
    sign: str
    operand: Syntax


@dataclass(frozen=True, slots=True)
class ArithmeticSyntax:
    offset: int
    depth: int
    sign: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class ComparisonSyntax:
    offset: int
    depth: int
    sign: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class NotSyntax:
    offset: int
    depth: int
    operand: Syntax


@dataclass(frozen=True, slots=True)
class LogicSyntax:
    """``and`` or ``or`` (the word) over two or more operands."""

    offset: int
    depth: int
    word: str
    operands: tuple[Syntax, ...]


Syntax = (
    NumberSyntax | ClockSyntax | ReadingSyntax | NameSyntax | CallSyntax | SignSyntax | ArithmeticSyntax
    | ComparisonSyntax | NotSyntax | LogicSyntax
)


def parse(text: str) -> Syntax:
    """Return the tree of ``text``; raises Fault, at the offset, for whatever is not of the language."""
    _refuse_oversize(text)
    _refuse_characters(text)
    try:
        tree: Syntax = _parser().parse(text)  # type: ignore[assignment]  # the builder returns no lark Tree
    except UnexpectedInput as error:
        raise _explained(text, error) from None
    return tree


def _refuse_oversize(text: str) -> None:
    if len(text) > TEXT_LENGTH_MAX:
        raise Fault(0, f"condition: is longer than {TEXT_LENGTH_MAX} characters, was {len(text)}; "
                       "split it into several rules")
    if not text.strip():
        raise Fault(0, "condition: is empty; write one such as account.liquidation_distance < 5%")
    words = len(_WORD.findall(text))
    if words > WORDS_MAX:
        raise Fault(0, f"condition: has more than {WORDS_MAX} words and signs, was {words}; "
                       "split it into several rules")


_WORD = re.compile(r'[\w.]+%?|"[^"\n]*"|[<>=!]=|\S')
_NUMBER = re.compile(r"([0-9_.]+)\s*(.*)")
_FOREIGN = re.compile(r"[^\x20-\x7e\t\r\n]")
_NAMED_MARKET = re.compile(r'((?:market|underlying)[ \t\r\n]*\([ \t\r\n]*")([^"\n]*)"')


def _refuse_characters(text: str) -> None:
    """Look-alike letters, invisible characters and controls stop here, before anything reads a word."""
    if _FOREIGN.search(text) is None:
        return
    bare = _NAMED_MARKET.sub(lambda found: found[1] + "x" * len(found[2]) + '"', text)
    found = _FOREIGN.search(bare)
    if found is not None:
        raise Fault(found.start(), "condition: a character outside printable ASCII, "
                                   f"was U+{ord(found[0]):04X}; {foreign_cure(found[0])}")


@cache
def _parser() -> Lark:
    return Lark.open_from_package(
        __name__, "grammar.lark", parser="lalr", lexer="basic", transformer=_Builder(),
        maybe_placeholders=True,
    )


_Node = TypeVar("_Node", bound=Syntax)


def _bounded(node: _Node) -> _Node:
    if node.depth > DEPTH_MAX:
        raise Fault(node.offset, f"condition: is nested deeper than {DEPTH_MAX}; split it into several rules")
    return node


@v_args(inline=True)
class _Builder(Transformer[Token, Syntax]):
    """Called by the parser for each rule of the grammar, innermost first."""

    def group(self, inner: Syntax) -> Syntax:
        return _bounded(replace(inner, depth=inner.depth + 1))

    def number(self, number: Token) -> Syntax:
        digits, unit = _NUMBER.fullmatch(number).groups()  # type: ignore[union-attr]  # the grammar's NUMBER
        return NumberSyntax(_start(number), 1, digits, unit or None)

    def clock(self, word: Token) -> Syntax:
        *day, clock = word.split()
        return ClockSyntax(_start(word), 1, day[0] if day else None, clock)

    def bare_name(self, name: Token) -> Syntax:
        return NameSyntax(_start(name), 1, str(name))

    def arguments(self, *arguments: Syntax | None) -> tuple[Syntax, ...]:
        return tuple(argument for argument in arguments if argument is not None)

    def call(self, name: Token, arguments: tuple[Syntax, ...]) -> Syntax:
        return _bounded(CallSyntax(_start(name), _deepest(arguments) + 1, str(name), arguments))

    def reading(self, dotted: Token, arguments: tuple[Syntax, ...] | None) -> Syntax:
        depth = _deepest(arguments or ()) + 1
        subject, _, name = dotted.partition(".")
        return _bounded(ReadingSyntax(_start(dotted), depth, subject, name, arguments, None))

    def named_reading(
        self, subject: Token, symbol: Token, name: Token, arguments: tuple[Syntax, ...] | None
    ) -> Syntax:
        if subject not in ("market", "underlying"):
            raise Fault(_start(symbol), f"condition: text in quotes names a market only, was {subject}(...); "
                                        'write market("SYMBOL").mark_price')
        depth = _deepest(arguments or ()) + 1
        return _bounded(
            ReadingSyntax(_start(subject), depth, str(subject), str(name), arguments, str(symbol)[1:-1])
        )

    def sign(self, sign: Token, operand: Syntax) -> Syntax:
        return _bounded(SignSyntax(_start(sign), operand.depth + 1, str(sign), operand))

    def arithmetic(self, left: Syntax, sign: Token, right: Syntax) -> Syntax:
        depth = _deepest((left, right)) + 1
        return _bounded(ArithmeticSyntax(left.offset, depth, str(sign), left, right))

    def comparison(self, left: Syntax, sign: Token, right: Syntax) -> Syntax:
        depth = _deepest((left, right)) + 1
        return _bounded(ComparisonSyntax(left.offset, depth, str(sign), left, right))

    def inversion(self, operand: Syntax) -> Syntax:
        return _bounded(NotSyntax(operand.offset, operand.depth + 1, operand))

    def conjunction(self, *operands: Syntax) -> Syntax:
        return _bounded(LogicSyntax(operands[0].offset, _deepest(operands) + 1, "and", operands))

    def disjunction(self, *operands: Syntax) -> Syntax:
        return _bounded(LogicSyntax(operands[0].offset, _deepest(operands) + 1, "or", operands))


def _start(token: Token) -> int:
    assert token.start_pos is not None
    return token.start_pos


def _deepest(nodes: tuple[Syntax, ...]) -> int:
    return max((node.depth for node in nodes), default=0)


def _explained(text: str, error: UnexpectedInput) -> Fault:
    if isinstance(error, UnexpectedCharacters):
        offset = error.pos_in_stream or 0
        letter = text[offset]
        return Fault(offset, f"condition: a character that the language does not have, was {shown(letter)}; "
                             f"{character_cure(text, offset)}")
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        token = error.token
        return Fault(_start(token), f"condition: out of place here, was {shown(str(token))}; "
                                    f"{token_cure(text, _start(token), str(token), token.type)}")
    return Fault(len(text.rstrip()), "condition: ends too early; "
                                     + ("close the parenthesis" if _is_open(text) else PLAIN_CURE))


def _is_open(text: str) -> bool:
    return text.count("(") > text.count(")")
