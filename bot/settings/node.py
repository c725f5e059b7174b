"""What a parsed document is made of: text, lists and mappings, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.units import Place
from bot.settings.errors import show

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})     # YAML 1.2 core schema, section 10.2.1.1


@dataclass(frozen=True, slots=True)
class Scalar:
    """One piece of text as its author wrote it; what it means depends on the type that is expected.

    ``quoted`` is true for quotes and block scalars: such text is text, never a number or null.
    ``source`` is the same text with the line breaks and indentation of the file, from ``content`` on, so
    that an offset in it is a place in the file; where escapes forbid that it is ``text``.
    """

    text: str
    quoted: bool
    place: Place
    content: Place
    source: str

    @property
    def is_null(self) -> bool:
        """True for an empty or null value."""
        return not self.quoted and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``key: value`` of a mapping."""

    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """Entries in the order written, no key twice; ``braced`` when written as ``{...}``."""

    entries: tuple[Entry, ...]
    place: Place
    braced: bool

    @property
    def keys(self) -> list[str]:
        """The keys' text, in the order written."""
        return [entry.key.text for entry in self.entries]

    def get(self, key: str) -> Node | None:
        """Return the value under ``key``, or None."""
        for entry in self.entries:
            if entry.key.text == key:
                return entry.value
        return None


Node = Scalar | Sequence | Mapping


def describe(node: Node) -> str:
    """Return what stands there in words, for "was ..."."""
    match node:
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"
        case Scalar():
            return show(node.text)
