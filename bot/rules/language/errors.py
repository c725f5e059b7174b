"""What the language says when a text is wrong, and where.

    InputError
    +-- LanguageError       the text is not a rule of the language
        +-- NotBuiltYet     it would be one, in a later version (also Unsupported)
"""

from __future__ import annotations

from bot.domain.errors import InputError, Unsupported
from bot.domain.units import Place, SourceText

SHOWN_MAX = 60                       # characters of the user's text in one message: one terminal line


class LanguageError(InputError):
    """A rule's text is wrong; the message is ``path:line:column: what, was <found>; what to do``."""


class NotBuiltYet(LanguageError, Unsupported):
    """The name is of the language, but this version does not have it."""


class Fault(Exception):
    """A mistake at an offset of the text; becomes a LanguageError where the text's place is known."""

    error: type[LanguageError] = LanguageError

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


class NotYetFault(Fault):
    """A name that a later version will know."""

    error = NotBuiltYet


def located(source: SourceText, fault: Fault) -> LanguageError:
    """Return the error that shows ``fault`` at its place in the user's file."""
    return fault.error(f"{place_of(source, fault.offset)}: {fault.message}")


def place_of(source: SourceText, offset: int) -> Place:
    """Return where the character at ``offset`` stands in the file.

    On the first line of the text the column counts on from the text's own; lines below are taken as they
    stand, which is true for block scalars but for their indentation.
    """
    before = source.text[:offset]
    lines = before.count("\n")
    if lines == 0:
        return Place(source.place.path, source.place.line, source.place.column + len(before))
    return Place(source.place.path, source.place.line + lines, offset - before.rfind("\n"))


def shown(text: str) -> str:
    """Return a piece of the user's text, quoted, short, and in ASCII: it may hold controls or surrogates."""
    short = text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 3] + "..."
    return ascii(short)
