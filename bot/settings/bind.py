"""Bind nodes to types: fill the dataclasses that a room declares from what a person wrote.

A field's type decides how its text is read: ``str``, ``int``, ``float``, ``bool``, ``Decimal``, ``Path``,
``Ratio``, ``Duration``, ``Rate``, ``Money``, ``SourceText``, ``Secret``, an ``Enum`` (by value),
``Literal`` words, ``tuple[T, ...]``, ``Mapping[str, T]`` (in the order written), ``T | None``, a dataclass
(a mapping with its fields as keys), and unions of

- words and one other type: ``Decimal | Literal["first"]``;
- variants, dataclasses with ``tag: ClassVar[str]``: ``{deleverage: {to: ...}}``; the bare word ``close``
  when every field has a default; and ``{reduce: 50%}`` when the variant has one field only.

A field of type ``Place`` is not read: it takes the place of its mapping, for checks that come later. A
``ValueError`` from ``__post_init__`` is reported at the mapping, or at the value when its message starts
with that value's key and a colon.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as AbstractMapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Annotated, TypeVar, cast, get_args, get_origin

from bot.domain.errors import ContractError
from bot.domain.units import Money, SourceText, Unit
from bot.settings.errors import SettingsError, listed, pick_one, show
from bot.settings.node import Entry, Mapping, Node, Scalar, Sequence, describe
from bot.settings.quantities import read_duration, read_money, read_rate, read_ratio
from bot.settings.scalars import (
    read_boolean,
    read_decimal,
    read_float,
    read_integer,
    read_path,
    read_source,
    read_text,
    scalar_of,
)
from bot.settings.secret import Secret, read_secret
from bot.settings.spec import (
    is_spec,
    literal_words,
    mapped_type,
    place_fields,
    spec_fields,
    tag_of,
    union_members,
)

T = TypeVar("T")

_READERS: dict[object, Callable[[Node, str], object]] = {
    str: read_text,
    int: read_integer,
    float: read_float,
    bool: read_boolean,
    Decimal: read_decimal,
    Path: read_path,
    SourceText: read_source,
    Money: read_money,
    Unit.RATIO: read_ratio,
    Unit.DURATION: read_duration,
    Unit.RATE: read_rate,
    Unit.PATH: lambda node, subject: str(read_path(node, subject)),
}


def bind(node: Node, spec: type[T], environ: AbstractMapping[str, str]) -> T:
    """Return ``node`` as a value of type ``spec``; ``environ`` holds the secrets that it names.

    Raises SettingsError for the first thing wrong, in the order written, then for missing keys; and
    ContractError when ``spec`` declares what the loader cannot read.
    """
    return cast(T, _Binder(environ).value(node, spec, ""))


class _Binder:
    """The walk over nodes and types. ``subject`` is the dotted key, for messages; "" is the whole file."""

    def __init__(self, environ: AbstractMapping[str, str]) -> None:
        self.environ = environ

    def value(self, node: Node, annotation: object, subject: str) -> object:
        """Return ``node`` read as ``annotation`` says."""
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = _unit_of(annotation)
        if annotation is Secret:
            return read_secret(node, subject, self.environ)
        if annotation in _READERS:
            return _READERS[annotation](node, subject)
        if origin is tuple:
            return self._items(node, _item_type(annotation), subject)
        mapped = mapped_type(annotation)
        if mapped is not None:
            return self._mapped(node, mapped, subject)
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return _choice(node, {str(member.value): member for member in annotation}, subject)
        if isinstance(annotation, type) and is_spec(annotation) and tag_of(annotation) is None:
            return self._spec(node, annotation, subject)
        return self._alternatives(node, annotation, subject)

    def _items(self, node: Node, item: object, subject: str) -> tuple[object, ...]:
        if not isinstance(node, Sequence):
            raise SettingsError(
                node.place, f"{subject} must be a list", describe(node), "write [a, b], or one `- ` line each"
            )
        return tuple(self.value(child, item, f"{subject}[{index}]") for index, child in enumerate(node.items))

    def _mapped(self, node: Node, item: object, subject: str) -> dict[str, object]:
        mapping = _mapping_of(node, subject)
        return {
            entry.key.text: self.value(entry.value, item, _child(subject, entry.key.text))
            for entry in mapping.entries
        }

    def _spec(self, node: Node, spec: type, subject: str) -> object:
        mapping = _mapping_of(node, subject)
        fields = {field.key: field for field in spec_fields(spec)}
        values: dict[str, object] = {}
        for entry in mapping.entries:
            field = fields.get(entry.key.text)
            if field is None:
                raise _unknown_key(mapping, entry, subject, list(fields))
            values[field.name] = self.value(entry.value, field.annotation, _child(subject, field.key))
        missing = [field.key for field in fields.values() if field.required and field.name not in values]
        if missing:
            raise SettingsError(
                mapping.place, f"{subject or 'the file'} lacks the key {missing[0]}",
                _written(mapping), f"add `{missing[0]}: ...`",
            )
        values |= dict.fromkeys(place_fields(spec), mapping.place)
        return _construct(spec, values, mapping, subject)

    def _alternatives(self, node: Node, annotation: object, subject: str) -> object:
        """Read a union: null, then its words, then its variants, then the one other type it may hold."""
        members = union_members(annotation)
        if isinstance(node, Scalar) and node.is_null and NoneType in get_args(annotation):
            return None
        words = [word for member in members for word in literal_words(member)]
        variants = {tag: member for member in members if (tag := tag_of(member)) is not None}
        others = [member for member in members if not literal_words(member) and tag_of(member) is None]
        if len(others) > 1 or others == [annotation] or not members:
            raise ContractError(f"settings spec: {subject} has a type the loader cannot read, was {annotation!r}; "
                                "see the list in bot.settings.bind")
        if isinstance(node, Scalar) and node.text in words:
            return node.text
        if variants and not (others and not _names_variant(node, variants)):
            return self._variant(node, variants, words, subject)
        if not others:
            return _choice(node, {word: word for word in words}, subject)
        try:
            return self.value(node, others[0], subject)
        except SettingsError as error:
            named = [*words, *variants]
            if not named or error.place != node.place:
                raise
            raise SettingsError(
                error.place, error.problem, error.found, f"{error.cure}; or write {' or '.join(named)}"
            ) from None

    def _variant(self, node: Node, variants: dict[str, object], words: list[str], subject: str) -> object:
        if isinstance(node, Sequence):
            raise SettingsError(node.place, f"{subject} must be one thing", "a list", pick_one("", [*words, *variants]))
        if isinstance(node, Scalar):
            _choice(node, {word: word for word in [*words, *variants]}, subject)
            body: Node = Mapping((), node.place, braced=True)
            return self._variant_body(body, node.text, variants[node.text], subject)
        if len(node.entries) != 1:
            raise SettingsError(
                node.place, f"{subject} must hold exactly one of {listed(variants)}",
                f"{len(node.entries)} keys" if node.entries else "an empty mapping", "keep one",
            )
        entry = node.entries[0]
        if entry.key.text not in variants:
            raise SettingsError(
                entry.key.place, f"{subject} has no choice of this name", show(entry.key.text),
                pick_one(entry.key.text, [*words, *variants]),
            )
        return self._variant_body(entry.value, entry.key.text, variants[entry.key.text], subject)

    def _variant_body(self, body: Node, tag: str, variant: object, subject: str) -> object:
        assert isinstance(variant, type)
        subject = _child(subject, tag)
        fields = spec_fields(variant)
        if isinstance(body, Scalar) and body.is_null and not any(field.required for field in fields):
            body = Mapping((), body.place, braced=True)
        elif len(fields) == 1 and not isinstance(body, Mapping):
            value = self.value(body, fields[0].annotation, subject)
            empty = Mapping((), body.place, braced=True)
            return _construct(variant, {fields[0].name: value} | dict.fromkeys(place_fields(variant), body.place),
                              empty, subject)
        return self._spec(body, variant, subject)


def _unit_of(annotation: object) -> object:
    """Return the unit of an annotated number, or the type itself where no unit is given."""
    base, *extras = get_args(annotation)
    return next((extra for extra in extras if isinstance(extra, Unit)), base)


def _item_type(annotation: object) -> object:
    arguments = get_args(annotation)
    if len(arguments) != 2 or arguments[1] is not Ellipsis:
        raise ContractError(f"settings spec: a list is declared tuple[T, ...], was {annotation!r}; declare it so")
    return arguments[0]


def _child(subject: str, key: str) -> str:
    """Return the dotted key of ``key`` inside ``subject``; keys that are no plain words are quoted."""
    if not key.replace("-", "_").isidentifier():
        return f"{subject}[{show(key)}]"
    return f"{subject}.{key}" if subject else key


def _mapping_of(node: Node, subject: str) -> Mapping:
    if isinstance(node, Mapping):
        return node
    empty = isinstance(node, Scalar) and node.is_null
    raise SettingsError(
        node.place, f"{subject or 'the file'} must hold keys", describe(node),
        "write its keys on indented lines below, or remove it" if empty and subject else "write `key: value` lines",
    )


def _written(mapping: Mapping) -> str:
    return f"the keys {listed(mapping.keys)}" if mapping.entries else "an empty mapping"


def _unknown_key(mapping: Mapping, entry: Entry, subject: str, keys: list[str]) -> SettingsError:
    cure = pick_one(entry.key.text, keys)
    if mapping.braced and isinstance(entry.value, Scalar) and not entry.value.text and not entry.value.quoted:
        cure = "inside {...} a comma ends a value: put text with a comma in quotes; " + cure
    where = subject or "the file"
    return SettingsError(entry.key.place, f"{where} has no key of this name", show(entry.key.text), cure)


def _choice(node: Node, choices: dict[str, T], subject: str) -> T:
    scalar = scalar_of(node, subject, "one word", next(iter(choices)))
    if scalar.text in choices:
        return choices[scalar.text]
    raise SettingsError(
        scalar.place, f"{subject} is none of its choices", show(scalar.text), pick_one(scalar.text, choices)
    )


def _names_variant(node: Node, variants: dict[str, object]) -> bool:
    match node:
        case Scalar():
            return node.text in variants
        case Mapping():
            return any(key in variants for key in node.keys)
        case Sequence():
            return False


def _construct(spec: type, values: dict[str, object], mapping: Mapping, subject: str) -> object:
    """Make the dataclass; what its own check refuses is reported where its message says."""
    try:
        return spec(**values)
    except ValueError as error:
        raise _refusal(str(error), spec, mapping, subject) from error


def _refusal(message: str, spec: type, mapping: Mapping, subject: str) -> SettingsError:
    """Return a spec's ``[key: ]problem[, was found][; cure]`` as an error at its place."""
    problem, _, cure = message.partition("; ")
    place, where, found = mapping.place, subject or "the file", _written(mapping)
    named, colon, rest = problem.partition(": ")
    for field in spec_fields(spec):
        if colon and named in (field.key, field.name):
            node = mapping.get(field.key)
            where, problem = _child(subject, field.key), rest
            place, found = (place, "its default") if node is None else (node.place, describe(node))
    if colon and named == subject.rpartition(".")[2]:
        problem = rest
    problem, was, stated = problem.partition(", was ")
    return SettingsError(place, f"{where}: {problem}", stated if was else found, cure or "change it")
