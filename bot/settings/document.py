"""Parse YAML text into located nodes, strictly.

PyYAML's event stream is used and nothing above it: no constructor, no resolver, no composer. So no text
is turned into a value here, no object is built from a tag, and depth is bounded by us before anything
recurses. What the format allows and settings do not need is refused at its place: duplicate keys,
anchors, aliases, merge keys, tags, directives, several documents, keys that are not text. Their names
are not shown: a pasted password may start with ``!``, ``&`` or ``*``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from bot.domain.units import Place
from bot.settings.errors import SettingsError, show
from bot.settings.node import Entry, Mapping, Node, Scalar, Sequence
from bot.settings.syntax import diagnose

SIZE_MAX = 1 << 20       # 1 MiB: hundreds of times a real file
NODES_MAX = 20_000       # about 1 s of PyYAML; 1 MiB of `[1,1,1,...` would be 20 s
DEPTH_MAX = 20           # the deepest documented setting lies at 8

# Control characters, line breaks that only YAML 1.1 knows, marks that reorder text on screen, lone
# surrogates, the byte order mark inside text: they make a file read otherwise than it looks.
_TREACHEROUS = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff"
)
# Spaces that are none to YAML, and characters without width: harmless in a comment, a trap in a value.
_INVISIBLE = "\xa0\xad\u1680\u2000-\u200d\u202f\u205f\u2060-\u2064\u3000"
_BAD_IN_FILE = re.compile(f"[{_TREACHEROUS}]|^[^#\n]*?(?P<invisible>[{_INVISIBLE}])", re.MULTILINE)
_BAD_IN_VALUE = re.compile(f"[{_TREACHEROUS}{_INVISIBLE}]")
_BLOCK_START = re.compile(r"[^\n]*\n(?:[ ]*\n)*(?P<indent>[ ]*)")


def parse(text: str, name: str) -> Node:
    """Return the root node of the one document in ``text``; ``name`` is the path that places carry.

    Raises SettingsError, and nothing else, for every text whatever.
    """
    return _Parser(text, name, numbered=True).document()


def parse_inline(text: str, name: str) -> Node:
    """Return the root node of a value given outside any file; its places name ``name`` and no line."""
    return _Parser(text, name, numbered=False).document()


def inline_scalar(text: str, name: str) -> Scalar:
    """Return ``text`` as it is, as an unquoted value given outside any file."""
    place = Place(name, 0, 0)
    _refuse_treacherous_value(text, place)
    return Scalar(text, quoted=False, place=place, content=place, source=text)


def _refuse_treacherous_value(text: str, place: Place) -> None:
    bad = _BAD_IN_VALUE.search(text)
    if bad is not None:
        raise SettingsError(
            place, "the text holds an invisible or control character", show(bad[0]), "remove it, retype the text"
        )


_NodeStart = yaml.ScalarEvent | yaml.CollectionStartEvent


class _Parser:
    """One text on its way to nodes."""

    def __init__(self, text: str, name: str, *, numbered: bool) -> None:
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.name = name
        self.numbered = numbered
        self.nodes = 0

    def place(self, line: int, column: int) -> Place:
        """Return the place of a line and column counted from 0."""
        return Place(self.name, line + 1, column + 1) if self.numbered else Place(self.name, 0, 0)

    def document(self) -> Node:
        self._check_text()
        events = self._events()
        next(events)                                    # the start of the stream
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            raise SettingsError(self.name, "the file holds no settings", "empty", "write at least one key")
        self._check_document_start(event)
        root = self._node(next(events), events, depth=1)
        next(events)                                    # the end of the document
        event = next(events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise SettingsError(
                self._start(event), "a second document starts", "---", "keep one document in a file"
            )
        return root

    def _check_text(self) -> None:
        if len(self.text) > SIZE_MAX:
            raise SettingsError(
                self.name, f"the text is longer than {SIZE_MAX:_} characters", f"{len(self.text):_}",
                "settings are small: check that this is the right file",
            )
        bad = _BAD_IN_FILE.search(self.text)
        if bad is None:
            return
        index = bad.start("invisible") if bad["invisible"] is not None else bad.start()
        raise SettingsError(
            self._place_of_index(index), "an invisible or control character stands here",
            show(self.text[index]), "remove it; if the file is binary, give the path of a text file",
        )

    def _place_of_index(self, index: int) -> Place:
        line_start = self.text.rfind("\n", 0, index) + 1
        return self.place(self.text.count("\n", 0, index), index - line_start)

    def _start(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        assert mark is not None                         # the stubs allow it, the parser never does it
        return self.place(mark.line, mark.column)

    def _events(self) -> Iterator[yaml.Event]:
        """Yield PyYAML's events; every failure of its scanner and parser becomes a SettingsError."""
        loader = yaml.SafeLoader(self.text)
        while True:
            try:
                event = loader.get_event()  # type: ignore[no-untyped-call]
            except yaml.MarkedYAMLError as error:
                raise self._syntax_error(error) from None      # its own text quotes the line, and what that may hold
            except (yaml.YAMLError, ValueError, OverflowError, LookupError, TypeError, AttributeError):
                # PyYAML lets Python's own errors through: chr() for "\U00110000", int() for `%YAML 1.<5000 digits>`
                mark = loader.get_mark()
                raise SettingsError(
                    self.place(mark.line, mark.column), "the YAML cannot be read near here",
                    self._found_at(mark.index), "look for a wrong escape or directive",
                ) from None
            if event is None:
                return
            yield event

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> SettingsError:
        diagnosis = diagnose(error.problem or "", error.context or "")
        mark = error.problem_mark or error.context_mark
        if diagnosis.at_start and error.context_mark is not None:
            mark = error.context_mark
        if mark is None:
            return SettingsError(self.name, diagnosis.problem, "unreadable", diagnosis.cure)
        return SettingsError(
            self.place(mark.line, mark.column), diagnosis.problem, self._found_at(mark.index), diagnosis.cure
        )

    def _found_at(self, index: int) -> str:
        found = self.text[index:index + 1]
        return show(found) if found else "the end of the text"

    def _check_document_start(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent) and (event.version or event.tags):
            raise SettingsError(
                self._start(event), "a directive starts here", "%", "remove the line: settings need no directives"
            )

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        node = self._plain(event, depth)
        match node:
            case yaml.ScalarEvent():
                return self._scalar(node)
            case yaml.SequenceStartEvent():
                return self._sequence(node, events, depth)
            case _:
                return self._mapping(node, events, depth)

    def _plain(self, event: yaml.Event, depth: int) -> _NodeStart:
        """Return the event, now known to start a node without anchor, alias or tag, not too deep."""
        if isinstance(event, yaml.AliasEvent):
            raise SettingsError(
                self._start(event), "aliases are not read", "'*'",
                "write the value out; put text that starts with * in quotes",
            )
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        if event.anchor is not None:
            raise SettingsError(
                self._start(event), "anchors are not read", "'&'",
                "remove it; put text that starts with & in quotes",
            )
        if event.tag is not None:
            raise SettingsError(
                self._start(event), "tags are not read", "'!'",
                "remove it: the key decides the type; put text that starts with ! in quotes",
            )
        if depth > DEPTH_MAX:
            raise SettingsError(
                self._start(event), f"nested deeper than {DEPTH_MAX} levels", f"level {depth}",
                "no setting lies so deep: check the brackets and the indentation",
            )
        self.nodes += 1
        if self.nodes > NODES_MAX:
            raise SettingsError(
                self._start(event), f"more than {NODES_MAX:_} values and keys", f"{self.nodes:_}",
                "keep data in files of its own, and name their paths here",
            )
        return event

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        place = self._start(event)
        _refuse_treacherous_value(event.value, place)
        start, end = self._extent(event)
        source = self.text[start:end].rstrip()
        exact = source.split() == event.value.split()   # an escape, or '' in single quotes, is longer than its text
        return Scalar(
            event.value, quoted=event.style is not None, place=place, content=self._content(event, start),
            source=source if exact else event.value,
        )

    def _content(self, event: yaml.ScalarEvent, start: int) -> Place:
        """Return the place of index ``start``, counted on from the mark: from the top would be quadratic."""
        mark = event.start_mark
        assert mark is not None
        skipped = self.text[mark.index:start]
        lines = skipped.count("\n")
        column = len(skipped) - skipped.rfind("\n") - 1 if lines else mark.column + len(skipped)
        return self.place(mark.line + lines, column)

    def _extent(self, event: yaml.ScalarEvent) -> tuple[int, int]:
        """Return where the value itself begins and ends: without quotes, without a block's header."""
        assert event.start_mark is not None
        assert event.end_mark is not None
        start, end = event.start_mark.index, event.end_mark.index
        if event.style in ("|", ">"):
            header = _BLOCK_START.match(self.text, start, end)
            return (start if header is None else header.end()), end
        if event.style is None:
            return start, end
        inner = self.text[start + 1:end - 1]
        return start + 1 + len(inner) - len(inner.lstrip()), end - 1

    def _sequence(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Sequence:
        items = []
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            items.append(self._node(item, events, depth + 1))
        return Sequence(tuple(items), self._start(event))

    def _mapping(self, event: yaml.CollectionStartEvent, events: Iterator[yaml.Event], depth: int) -> Mapping:
        entries: list[Entry] = []
        first: dict[str, Place] = {}
        while not isinstance(item := next(events), yaml.MappingEndEvent):
            key = self._key(item, depth)
            if key.text in first:
                raise SettingsError(
                    key.place, "this key was given before", f"{show(key.text)} first at line {first[key.text].line}",
                    "keep one of the two",
                )
            first[key.text] = key.place
            entries.append(Entry(key, self._node(next(events), events, depth + 1)))
        return Mapping(tuple(entries), self._start(event), braced=event.flow_style is True)

    def _key(self, event: yaml.Event, depth: int) -> Scalar:
        node = self._plain(event, depth)
        if not isinstance(node, yaml.ScalarEvent):
            raise SettingsError(self._start(node), "a key must be text", "a list or mapping", "write `key: value`")
        key = self._scalar(node)
        if key.is_null or not key.text:
            raise SettingsError(key.place, "a key must be text", show(key.text), "write a name before the colon")
        if key.text == "<<" and not key.quoted:
            raise SettingsError(key.place, "merge keys are not read", "'<<'", "write the keys out")
        return key
