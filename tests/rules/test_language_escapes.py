"""What the language must not let through: ways out of expression evaluators, and inputs made to hurt."""

from __future__ import annotations

import contextlib
import time

import pytest

from bot.rules.language.errors import LanguageError
from tests.rules.language_builders import BTC, condition

# Collected from advisories about expression libraries (asteval, simpleeval, RestrictedPython) and from what
# Python's own parser dies of. Each stands alone, and beside a condition that is good.
ESCAPES = {
    "subclasses": "().__class__.__base__.__subclasses__()",
    "mro": "''.__class__.__mro__[1]",
    "getattr": "getattr((),'__cl'+'ass__')",
    "format": '"{0.__class__}".format(x)',
    "modulo_format": "'%s'.__mod__",
    "f_string": 'f"{x!r:{y.__class__}}"',
    "reduce": "print.__reduce__()",
    "comprehension": "[x for x in ().__class__.__bases__]",
    "lambda_yield": "(lambda: (yield))()",
    "generator_frame": "(x for x in y).gi_frame.f_back.f_globals",
    "coroutine_frame": "(await x).cr_frame",
    "globals": "x.__init__.__globals__",
    "type": "type('X',(),{})",
    "import": "__import__('os')",
    "import_double_quotes": '__import__("os").system',
    "breakpoint": "breakpoint()",
    "walrus": "(a:=1)",
    "matmul": "x @ y.__matmul__",
    "raise": "raise SystemExit",
    "power_tower": "10**10**10",
    "string_times": "'a'*10**10",
    "nines": "9**9**9",
    "parentheses": "(" * 300 + "1" + ")" * 300,
    "open_parentheses": "(" * 300,
    "minuses": "-" * 100_000 + "1",
    "minuses_within_length": "-" * 1_990 + "1",
    "nots": "not " * 490 + "x",
    "fullwidth": "\uff45val(1)",
    "fullwidth_digits": "account.leverage > \uff13",
    "homoglyph": "\u0430ccount.equity > 1 USDT",
    "zero_width": "account.\u200bequity > 1 USDT",
    "zero_width_joiner": "account.equity\u200d > 1 USDT",
    "no_break_space": "account.equity\u00a0> 1 USDT",
    "bidi_override": "account.equity \u202e> 1 USDT",
    "bidi_isolate": "\u2066account.equity\u2069 > 1 USDT",
    "combining": "account.equity\u0301 > 1 USDT",
    "nul": "account.equity\x00 > 1 USDT",
    "escape_code": "account.equity \x1b[2J > 1 USDT",
    "lone_surrogate": "account.\ud800 > 1",
    "huge_integer": "account.leverage > " + "9" * 4_301,
    "huge_integer_within_length": "account.leverage > " + "9" * 1_900,
    "negative_zero": "-0.0",
    "beyond_float": "1e309",
    "infinity": "account.leverage < inf",
    "nan": "account.leverage != nan",
    "statement": "account.leverage > 1; import os",
    "newline_statement": "account.leverage > 1\nimport os",
    "comment": "account.leverage > 1 # off",
    "dunder_measure": "account.__class__ > 1",
    "dunder_call": "account.__class__() > 1",
    "column_name": "c0[0] > 1",
    "symbol_injection": 'market("x\'] + exit() #").age > 1s',
    "symbol_nul": f'market("{BTC}\x00").age > 1s',
    "symbol_surrogate": 'market("\udc80").age > 1s',
    "symbol_bidi": f'market("\u202e{BTC}").age > 1s',
    "symbol_newline": 'market("BTC\n").age > 1s',
    "symbol_unclosed": 'market("BTC).age > 1s',
    "escaped_quote": 'market("BTC\\").age > 1s").age > 1s',
    "keyword_argument": "abs(x=account.leverage) > 1",
    "star_arguments": "max(*account.leverage) > 1",
}


@pytest.mark.parametrize("name", ESCAPES)
def test_check_escape_is_refused(name: str) -> None:
    """None of the known ways out of an expression language is a text of ours."""
    for text in (ESCAPES[name], f"account.leverage > 3 and {ESCAPES[name]}"):
        with pytest.raises(LanguageError) as caught:
            condition(text)
        message = str(caught.value)
        assert message.isprintable() and message.isascii(), "a terminal must not be steered by a message"
        assert len(message) < 500


SLOW = {
    **ESCAPES,
    "many_or": " or ".join(["account.leverage>1"] * 82),
    "many_readings": " and ".join(
        f"account.sigma({minutes}m)>account.sigma({minutes + 1}m)" for minutes in range(1, 65, 2)
    ),
    "many_arguments": f"max({','.join(['1'] * 160)}) > account.leverage",
    "many_sums": "account.leverage > " + "+".join(["1"] * 48),
    "long_name": "account." + "e" * 1_900,
    "long_word": "e" * 1_990,
    "long_symbol": f'market("{"B" * 1_900}").age > 1s',
    "near_misses": " or ".join(["account.marginratio>1"] * 78),
}


PLAIN = "position.loss_ratio > 8%"   # takes 0.1 ms where the slowest text of all takes 5


@pytest.mark.parametrize("name", SLOW)
def test_check_any_text_takes_less_than_10_ms(name: str) -> None:
    """A hostile or silly file costs no more than an honest one; a slow machine is measured by a plain rule."""
    rounds = [(_seconds_of(SLOW[name]), _seconds_of(PLAIN)) for _ in range(9)]
    best, plain = (min(times) for times in zip(*rounds, strict=True))
    assert best < max(0.010, 150 * plain), f"took {best * 1e3:.1f} ms, a plain rule {plain * 1e3:.3f} ms"


def _seconds_of(text: str) -> float:
    began = time.process_time()
    with contextlib.suppress(LanguageError):
        condition(text)
    return time.process_time() - began
