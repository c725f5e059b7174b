"""Tell a person what PyYAML's scanner and parser meant: its phrases on the left, ours on the right.

The table is tried from the top. No source line is ever shown, only the one character at the place: the
line may hold a key that somebody pasted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong and what to do; ``at_start`` when the place is where the construct began."""

    problem: str
    cure: str
    at_start: bool = False


_UNCLOSED_QUOTE = Diagnosis(
    "a quote is opened here and never closed", "close it with the same quote", at_start=True
)
_INDENT = Diagnosis(
    "the indentation does not fit the lines above",
    "give keys of one section the same indentation, in spaces, and put quotes around text with a quote in it",
)
_BLOCK_HEADER = Diagnosis(
    "a block of text has a wrong header",
    "write | or > alone, and the text indented on the lines below; or put text with > or ! at its start in quotes",
)
_ANCHOR = Diagnosis("an anchor or alias has no proper name", "put text that starts with & or * in quotes")
_DIRECTIVE = Diagnosis("a directive starts here", "remove the line: settings need no % directives")
_TAG = Diagnosis("a tag is not well formed", "put text that starts with ! in quotes")

_TABLE: tuple[tuple[str, Diagnosis], ...] = (
    (r"found character '\t'", Diagnosis("a tab is used for indentation", "use spaces")),
    ("that cannot start any token", Diagnosis("this character cannot start a value", "put the text in quotes")),
    ("found unexpected end of stream", _UNCLOSED_QUOTE),
    ("found unexpected document separator", _UNCLOSED_QUOTE),
    ("found unknown escape character", Diagnosis(
        "this escape is unknown in double quotes", "write \\\\ for a backslash, or use single quotes")),
    ("expected escape sequence", Diagnosis(
        "an escape lacks its hexadecimal digits", "write \\\\ for a backslash, or use single quotes")),
    ("could not find expected ':'", Diagnosis(
        "this line is neither `key: value` nor a list item",
        "write a colon and a space after a key, and indent what continues the line above", at_start=True)),
    ("mapping values are not allowed here", Diagnosis(
        "a colon stands where no key can be",
        "put text that holds a colon in quotes, write `key: value` with a space, or mend the indentation")),
    ("mapping keys are not allowed here", Diagnosis(
        "a key cannot stand here", "write `key: value` on a line of its own")),
    ("sequence entries are not allowed here", Diagnosis(
        "a list item cannot stand here", "start the list on the line below its key, each item with `- `")),
    ("but got '<stream end>'", Diagnosis(
        "a bracket is opened here and never closed", "close it with ] or }", at_start=True)),
    ("expected ',' or", Diagnosis(
        "a comma or the closing bracket is missing", "separate items with commas, and close with ] or }")),
    ("expected '<document start>'", Diagnosis(
        "something stands after the end of the document", "keep one document in a file")),
    ("expected <block end>", _INDENT),
    ("expected the node content", Diagnosis("a value is missing", "write a value, or put the text in quotes")),
    ("indentation indicator", _BLOCK_HEADER),
    ("chomping", _BLOCK_HEADER),
    ("expected alphabetic or numeric character", _ANCHOR),
    ("found undefined tag handle", _TAG),
)
_BY_CONTEXT: tuple[tuple[str, Diagnosis], ...] = (
    ("block scalar", _BLOCK_HEADER),
    ("directive", _DIRECTIVE),
    ("tag", _TAG),
)
_UNKNOWN = Diagnosis("the YAML cannot be read here", "look for a missing quote, colon, bracket or space")


def diagnose(problem: str, context: str) -> Diagnosis:
    """Return what PyYAML's ``problem`` (met in ``context``) means to the author of the file."""
    for phrase, diagnosis in _TABLE:
        if phrase in problem:
            return diagnosis
    for phrase, diagnosis in _BY_CONTEXT:
        if phrase in context:
            return diagnosis
    return _UNKNOWN
