"""What people type from the habit of other languages, and what it is here: the cures of syntax errors."""

from __future__ import annotations

import re

PLAIN_CURE = "a condition looks like account.liquidation_distance < 5%"

# by the character that no word of the language begins with
_BY_CHARACTER = {
    "=": "compare with <, >, <= or >=",
    "&": "write the word and",
    "|": "write the word or",
    "!": "write the word not, or != between two values",
    "'": 'there is no text but in market("SYMBOL")',
    '"': 'there is no text but in market("SYMBOL"), on one line',
    "^": "there are no powers",
    "@": "there is no such operator",
    "[": "there are no lists; use parentheses",
    "{": "there are no sets; use parentheses",
    ":": "a time of day has four digits, from 00:00 to 23:59",
    ".": "write 0.5, and one dot only in account.equity",
    "$": "write the currency behind the number: 500 USDT",
}
_FOREIGN = {
    "≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "÷": "/", "−": "-", "–": "-", "—": "-", "％": "%", "‰": "0.1%",
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'",
}
_WORDS = ("and", "or", "not")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT_NUMBER = re.compile(r"[0-9.]+[ ]*[A-Za-z0-9]+$")
_LAST_WORD = re.compile(r"([A-Za-z]+)[ \t]*$")


def foreign_cure(letter: str) -> str:
    """Return what to write for a character outside printable ASCII."""
    meant = _FOREIGN.get(letter)
    return f"write {meant}" if meant is not None else "type it again in plain letters"


def character_cure(text: str, offset: int) -> str:
    """Return what to write for a character that begins no word of the language."""
    pair = text[offset:offset + 2]
    if pair in ("=>", "=<"):
        return f"write {pair[::-1]}"
    return _BY_CHARACTER.get(text[offset], PLAIN_CURE)


def token_cure(text: str, start: int, token: str, kind: str) -> str:
    """Return what to do about a word of the language that stands where it cannot; ``kind`` is the grammar's."""
    before = text[:start].rstrip()
    if kind == "COMPARE":
        return "comparisons do not chain; write a < b and b < c"
    if kind == "STRING":
        return _BY_CHARACTER['"']
    if kind == "PRODUCT_SIGN" and before.endswith(token):
        return _BY_CHARACTER["^"] if token == "*" else "there is no whole division; write one /"
    if kind == "DOT":
        return _BY_CHARACTER["."]
    if kind == "COMMA" and before[-1:].isdigit() and text[start + 1:start + 2].isdigit():
        return "write 1_500 for a thousand and a half, and 1.5 for one and a half"
    if kind in ("NUMBER", "CLOCK", "NAME", "DOTTED"):
        return _missing_operator(before, token, kind)
    if kind == "RPAR" and text[:start].count("(") <= text[:start].count(")"):
        return "there is no parenthesis to close"
    return PLAIN_CURE


def _missing_operator(before: str, token: str, kind: str) -> str:
    last = _LAST_WORD.search(before)
    for word in (token, last[1] if last else ""):
        if word.lower() in _WORDS and word not in _WORDS:
            return f"write {word.lower()} in small letters"
    if kind == "CLOCK" and last and last[1].lower() in _DAYS:
        return f"write {last[1][:3].lower()} {token}"
    if kind == "NAME" and re.search(r"[0-9]:[0-9]{2}$", before):
        return "all times are UTC: leave the zone out"
    if kind == "NAME" and token.isupper() and _SHORT_NUMBER.search(before):
        return f"write the number in full, such as 1_500 {token}"
    return "an operator is missing before it"
