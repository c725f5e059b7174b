"""Override single settings by environment variables: ``PENSTOCK__LIMITS__PRICE_COLLAR=1%``.

Two underscores separate keys, letter case does not matter. The value replaces what the file says, or is
added where the spec has such a key; it never makes a new member of a free mapping (a mistyped account
name would be a second account). A value that starts with ``[`` or ``{`` is YAML, any other is the text
itself, so that no quoting is needed. Whole sections come before their parts.
"""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, replace

from bot.domain.units import Place
from bot.settings.document import inline_scalar, parse_inline
from bot.settings.errors import SettingsError, pick_one, show
from bot.settings.node import Entry, Mapping, Node
from bot.settings.spec import is_spec, mapped_type, spec_fields, tag_of, union_members

OVERRIDE_PREFIX = "PENSTOCK__"
_SEPARATOR = "__"


@dataclass(frozen=True, slots=True)
class _Override:
    """One variable: where it points, and the node that goes there."""

    keys: tuple[str, ...]
    value: Node
    where: str


def override(root: Node, spec: type, environ: AbstractMapping[str, str], prefix: str) -> Node:
    """Return ``root`` with the variables of ``environ`` that start with ``prefix`` put in.

    ``spec`` says which keys there are. Raises SettingsError, at ``environment NAME``, for a variable that
    points at nothing, or at the same key as another.
    """
    for change in _overrides(environ, prefix):
        root = _put(root, spec, change, 0)
    return root


def _overrides(environ: AbstractMapping[str, str], prefix: str) -> list[_Override]:
    """Return all overrides, sections before their parts."""
    found: dict[tuple[str, ...], _Override] = {}
    for name in sorted(environ):
        if not name.startswith(prefix):
            continue
        where = f"environment {_printable(name)}"
        keys = tuple(part.casefold() for part in name.removeprefix(prefix).split(_SEPARATOR))
        if not all(keys):
            raise SettingsError(
                where, "a key between the underscores is empty", "nothing",
                f"write {prefix}SECTION__KEY, two underscores between keys and none at the end",
            )
        if keys in found:
            raise SettingsError(where, "this key is overridden twice", f"also {found[keys].where}", "unset one")
        found[keys] = _Override(keys, _value(environ[name], where), where)
    return sorted(found.values(), key=lambda change: (len(change.keys), change.keys))


def _printable(name: str) -> str:
    return name if name.isprintable() else show(name)


def _value(text: str, where: str) -> Node:
    return parse_inline(text, where) if text.startswith(("[", "{")) else inline_scalar(text, where)


def _put(node: Node | None, annotation: object, change: _Override, depth: int) -> Node:
    """Return ``node``, of the declared type, with the override put in below ``depth`` of its keys."""
    if depth == len(change.keys):
        return change.value
    mapping = node if isinstance(node, Mapping) else Mapping((), Place(change.where, 0, 0), braced=True)
    children = _children(mapping, annotation)
    wanted = change.keys[depth]
    matches = [key for key in children if key.casefold() == wanted]
    if not matches:
        parent = ".".join(change.keys[:depth]) or "the file"
        cure = pick_one(wanted, children) if children else f"override the whole of {parent} instead"
        raise SettingsError(change.where, f"{parent} has no key of this name", show(wanted), cure)
    if len(matches) > 1:
        raise SettingsError(
            change.where, "this could mean several keys", " or ".join(matches), "set it in the file instead"
        )
    key = matches[0]
    value = _put(mapping.get(key), children[key], change, depth + 1)
    return _with(mapping, key, value, change)


def _with(mapping: Mapping, key: str, value: Node, change: _Override) -> Mapping:
    """Return the mapping with ``key`` replaced in its place, or added at the end."""
    if mapping.get(key) is None:
        added = Entry(inline_scalar(key, change.where), value)
        return replace(mapping, entries=(*mapping.entries, added))
    return replace(mapping, entries=tuple(
        Entry(entry.key, value) if entry.key.text == key else entry for entry in mapping.entries
    ))


def _children(mapping: Mapping, annotation: object) -> dict[str, object]:
    """Return the keys that may be overridden inside a value of the declared type, with their types."""
    children: dict[str, object] = {}
    for member in union_members(annotation):
        tag, mapped = tag_of(member), mapped_type(member)
        if tag is not None:
            children[tag] = _Body(member)
        elif isinstance(member, _Body):
            children |= _fields(member.variant)
        elif mapped is not None:
            children |= dict.fromkeys(mapping.keys, mapped)
        elif is_spec(member):
            children |= _fields(member)
    return children


@dataclass(frozen=True, slots=True)
class _Body:
    """What stands under the tag of a variant: the variant's fields, without the tag again."""

    variant: object


def _fields(spec: object) -> dict[str, object]:
    assert isinstance(spec, type)
    return {field.key: field.annotation for field in spec_fields(spec)}
