"""Read single values from text: numbers, switches, words, paths. Units are in ``quantities``.

Every reader takes the node and the ``subject`` (the dotted key, for messages) and returns a value or
raises SettingsError. Numbers are decimal digits, optionally grouped by ``_``; what YAML 1.1 would make
of octal, sexagesimal or ``on`` is refused with the reason.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from bot.domain.units import SourceText
from bot.settings.errors import SettingsError, show
from bot.settings.node import Node, Scalar, describe

# Digits that fixed-point integers and Decimal's 28-digit context both hold exactly, whatever the scale.
WHOLE_DIGITS_MAX = 18
DECIMALS_MAX = 18
DIGITS_MAX = 28

_DIGITS = r"[0-9](?:_?[0-9])*"
_NUMBER = re.compile(rf"[-+]?{_DIGITS}(?:\.{_DIGITS})?(?:[eE][-+]?[0-9]{{1,2}})?")
_INTEGER = re.compile(rf"[-+]?{_DIGITS}")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]")
_NUMBER_CURES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[-+]?0[0-9_][0-9_.eE+-]*"), "drop the leading zero: some programs read such numbers as octal"),
    (re.compile(r"[-+]?0[xXoObB][0-9a-fA-F_]*"), "write it in decimal"),
    (re.compile(r"[-+]?[0-9_]+(:[0-9_.]+)+"), "write a plain number: some programs read the colon as base 60"),
    (re.compile(r"[-+]?\.?(nan|inf|infinity)", re.IGNORECASE), "write a finite number: no limit works with NaN"),
    (re.compile(r"[-+]?[0-9]+(,[0-9]+)+(\.[0-9]+)?"), "group digits with _ and write decimals after a point"),
    (re.compile(r"[-+]?\.[0-9]+"), "write a digit before the point"),
    (re.compile(r"[-+]?[0-9]+\."), "write a digit after the point, or drop it"),
)
_BOOLEAN_WORDS = {
    "yes": "true", "on": "true", "y": "true", "true": "true", "1": "true",
    "no": "false", "off": "false", "n": "false", "false": "false", "0": "false",
}


def scalar_of(node: Node, subject: str, kind: str, example: str) -> Scalar:
    """Return the node as non-empty single text; ``kind`` and ``example`` say what should stand there."""
    if not isinstance(node, Scalar):
        raise SettingsError(node.place, f"{subject} must be {kind}", describe(node), f"write {example}")
    if node.is_null:
        raise SettingsError(
            node.place, f"{subject} has no value", describe(node), f"write {kind} such as {example}, or remove the key"
        )
    return node


def number_cure(text: str) -> str | None:
    """Return what to do about a text that is nearly a number; None when it is none of the known traps."""
    for pattern, cure in _NUMBER_CURES:
        if pattern.fullmatch(text):
            return cure
    return None


def parse_number(text: str, otherwise: str = "write a decimal number such as 1_000 or 2.5") -> Decimal:
    """Return the finite decimal number in ``text``; raises ValueError with the cure as its message.

    ``otherwise`` is the cure for a text that is nothing like a number.
    """
    if _LEADING_ZERO.match(text) or _NUMBER.fullmatch(text) is None:
        raise ValueError(number_cure(text) or otherwise)
    if len(text) > 3 * DIGITS_MAX:
        raise ValueError(f"write at most {DIGITS_MAX} digits")
    number = Decimal(text.replace("_", ""))
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)                    # the pattern lets no NaN or infinity through
    whole = max(len(digits) + exponent, 0) if number else 1
    if whole > WHOLE_DIGITS_MAX or -exponent > DECIMALS_MAX or whole + max(-exponent, 0) > DIGITS_MAX:
        raise ValueError(
            f"write at most {WHOLE_DIGITS_MAX} digits before the point, {DECIMALS_MAX} after, {DIGITS_MAX} in all"
        )
    return number


def _unquoted(node: Node, subject: str, kind: str, example: str) -> Scalar:
    scalar = scalar_of(node, subject, kind, example)
    if scalar.quoted:
        raise SettingsError(scalar.place, f"{subject} must be {kind}", f"text in quotes, {show(scalar.text)}",
                            "remove the quotes")
    return scalar


def read_decimal(node: Node, subject: str) -> Decimal:
    """Return the exact number written there."""
    scalar = _unquoted(node, subject, "a number", "2.5")
    try:
        return parse_number(scalar.text)
    except ValueError as error:
        raise SettingsError(scalar.place, f"{subject} is not a number", show(scalar.text), str(error)) from None


def read_float(node: Node, subject: str) -> float:
    """Return the nearest float64 to the number written there."""
    return float(read_decimal(node, subject))


def read_integer(node: Node, subject: str) -> int:
    """Return the whole number written there; an exponent or a point is refused, even before zeros."""
    scalar = _unquoted(node, subject, "a whole number", "10")
    try:
        number = parse_number(scalar.text)
    except ValueError as error:
        raise SettingsError(scalar.place, f"{subject} is not a whole number", show(scalar.text), str(error)) from None
    if _INTEGER.fullmatch(scalar.text) is None:
        cure = f"write {int(number)}" if number == int(number) else "write it without a fraction"
        raise SettingsError(scalar.place, f"{subject} is not a whole number", show(scalar.text), cure)
    return int(number)


def read_boolean(node: Node, subject: str) -> bool:
    """Return the switch written there: ``true`` or ``false``, and no other word."""
    scalar = _unquoted(node, subject, "true or false", "true")
    if scalar.text in ("true", "false"):
        return scalar.text == "true"
    meant = _BOOLEAN_WORDS.get(scalar.text.casefold())
    cure = f"write {meant}" if meant is not None else "write true or false"
    raise SettingsError(scalar.place, f"{subject} must be true or false", show(scalar.text), cure)


def read_text(node: Node, subject: str) -> str:
    """Return the text written there, quoted or not; numbers and ``on`` are text here."""
    scalar = scalar_of(node, subject, "text", '"text"')
    if scalar.text.startswith("env:"):
        raise SettingsError(
            scalar.place, f"{subject} is not a secret", show(scalar.text),
            "write the value itself: only secrets are taken from the environment by name",
        )
    return scalar.text


def read_source(node: Node, subject: str) -> SourceText:
    """Return the text as it stands in the file, line breaks included, and the place of its first character.

    Lines below the first keep their indentation: the column of an offset in them is its column in the file.
    """
    scalar = scalar_of(node, subject, "an expression", "position.loss_ratio > 8%")
    if not scalar.text.strip():
        raise SettingsError(scalar.place, f"{subject} has no value", "blank", "write an expression")
    return SourceText(scalar.source, scalar.content)


def read_path(node: Node, subject: str) -> Path:
    """Return the path written there, relative to the file that holds it.

    A path given by an override is relative to the working directory, as on a command line.
    """
    scalar = scalar_of(node, subject, "a path", "../data/tape.csv")
    if not scalar.text.strip() or "\n" in scalar.text:
        raise SettingsError(scalar.place, f"{subject} is not a path", show(scalar.text), "write the path on one line")
    if scalar.text.startswith("~"):
        raise SettingsError(
            scalar.place, f"{subject} starts with ~, which is not expanded", show(scalar.text), "write the whole path"
        )
    base = Path(scalar.place.path).parent if scalar.place.line else Path()
    return base / scalar.text
