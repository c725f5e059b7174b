"""Look into a spec: which keys a dataclass reads, of which types, and which are required.

The binder, the overrides and whatever writes a schema or docs share this one view.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

from bot.domain.errors import ContractError
from bot.domain.units import Place


@dataclass(frozen=True, slots=True)
class SpecField:
    """One key of a mapping: ``name`` is the dataclass field that takes it."""

    key: str
    name: str
    annotation: object
    required: bool
    doc: str


def is_spec(annotation: object) -> bool:
    """True for a dataclass that is written as a mapping."""
    return isinstance(annotation, type) and dataclasses.is_dataclass(annotation)


def spec_fields(spec: type) -> tuple[SpecField, ...]:
    """Return the keys that ``spec`` reads, in the order declared; fields of type Place are none.

    A field's key is its name without trailing underscores, or ``metadata["key"]``; ``metadata["doc"]``
    describes it.
    """
    hints = _hints(spec)
    return tuple(
        SpecField(
            key=str(field.metadata.get("key", field.name.rstrip("_"))),
            name=field.name,
            annotation=hints[field.name],
            required=field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            doc=str(field.metadata.get("doc", "")),
        )
        for field in _init_fields(spec)
        if hints[field.name] is not Place
    )


def place_fields(spec: type) -> tuple[str, ...]:
    """Return the names of the fields that take the place of the mapping itself."""
    hints = _hints(spec)
    return tuple(field.name for field in _init_fields(spec) if hints[field.name] is Place)


def tag_of(annotation: object) -> str | None:
    """Return the word by which a variant of a union is written, or None for any other type."""
    tag = getattr(annotation, "tag", None)
    return tag if is_spec(annotation) and isinstance(tag, str) else None


def union_members(annotation: object) -> tuple[object, ...]:
    """Return the alternatives of a type, None left out; the type itself when there is only one."""
    if get_origin(annotation) in (Union, UnionType):
        return tuple(member for member in get_args(annotation) if member is not NoneType)
    return (annotation,)


def mapped_type(annotation: object) -> object | None:
    """Return T of ``Mapping[str, T]`` and ``dict[str, T]``, None for any other type."""
    if get_origin(annotation) not in (collections.abc.Mapping, dict):
        return None
    key, value = get_args(annotation)
    if key is not str:
        raise ContractError(f"settings spec: keys of a mapping must be str, was {key!r}; declare Mapping[str, T]")
    return value  # type: ignore[no-any-return]


def literal_words(annotation: object) -> tuple[str, ...]:
    """Return the words of a ``Literal``, none for any other type."""
    if get_origin(annotation) is not Literal:
        return ()
    words = get_args(annotation)
    if not all(isinstance(word, str) for word in words):
        raise ContractError(f"settings spec: a Literal must hold words, was {annotation!r}; use an Enum")
    return words


def _hints(spec: type) -> dict[str, object]:
    try:
        return get_type_hints(spec, include_extras=True)
    except NameError as error:
        raise ContractError(
            f"settings spec: annotations of {spec.__qualname__} do not resolve, was {error}; "
            "import the types at module level"
        ) from error


def _init_fields(spec: type) -> tuple[dataclasses.Field[object], ...]:
    if not dataclasses.is_dataclass(spec):
        raise ContractError(f"settings spec: must be a dataclass, was {spec!r}; declare one")
    return tuple(field for field in dataclasses.fields(spec) if field.init)
