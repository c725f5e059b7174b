"""``docs/configuration.md``: every key of a configuration and of a rule book, from the spec dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, get_args, get_origin

from bot.app.config import Config
from bot.app.reference.markdown import code, page, table
from bot.domain.units import Money, SourceText, Unit
from bot.rules.language.wording import duration_text
from bot.rules.spec import RuleBook
from bot.settings.secret import Secret
from bot.settings.spec import SpecField, is_spec, literal_words, mapped_type, spec_fields, tag_of, union_members

_INTRODUCTION = """A configuration is one YAML file; paths in it are relative to that file. `NAME`, `SYMBOL` and `ASSET`
stand for names of your own. `penstock check CONFIG` says what was understood, or the line and column of what is
wrong. Secrets are never written in the file: `env:NAME` takes them from the environment. A key can be overridden by
an environment variable: `PENSTOCK__LIMITS__PRICE_COLLAR=1%`."""
_BOOK = """Files under `strategies:`. The conditions' language is described in [rules](rules.md)."""
_TYPES: dict[object, str] = {
    int: "whole number", float: "number", Decimal: "number", bool: "`true` or `false`", str: "text", Path: "path",
    Money: "amount, `250_000 USDT`", SourceText: "condition", Secret: "`env:NAME`",
}
_UNITS = {
    Unit.RATIO: "ratio, `2%` or `5bps`", Unit.DURATION: "duration, `90s`", Unit.RATE: "rate, `10/s`", Unit.PATH: "path",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """One key: its path from the top, what is written there, and its default ("required" where none)."""

    path: str
    form: str
    default: str
    doc: str


def configuration_page() -> str:
    """Return the page: the keys of both kinds of file."""
    files = ("## The configuration", _table(Config), "## A rule book", _BOOK, _table(RuleBook))
    return page("Configuration", _INTRODUCTION, *files)


def keys_of(spec: type) -> list[Key]:
    """Return every key that a file of this kind may hold, outer before inner."""
    return list(_keys(spec, ""))


def _table(spec: type) -> str:
    return table(
        ("key", "written as", "default", "meaning"),
        [(code(key.path), key.form, key.default, key.doc) for key in keys_of(spec)],
    )


def _keys(spec: type, prefix: str) -> Iterator[Key]:
    for field in spec_fields(spec):
        path = f"{prefix}{field.key}"
        yield Key(path, _form(field.annotation), _default(spec, field), field.doc)
        yield from _inner(field.annotation, path)


def _inner(annotation: object, path: str) -> Iterator[Key]:
    """Return the keys of what is written under a key."""
    for member in union_members(annotation):
        mapped = mapped_type(member)
        if mapped is not None:
            yield from _inner(mapped, f"{path}.{_placeholder(path)}")
        elif get_origin(member) is tuple:
            yield from _inner(get_args(member)[0], f"{path}[]")
        elif isinstance(member, type) and is_spec(member) and member not in _TYPES:
            tag = tag_of(member)
            if tag is not None:
                doc = (member.__doc__ or "").strip().splitlines()[0]
                yield Key(f"{path}.{tag}", "mapping" if spec_fields(member) else f"the word `{tag}`", "", doc)
            yield from _keys(member, f"{path}.{tag}." if tag is not None else f"{path}.")


def _placeholder(path: str) -> str:
    last = path.rpartition(".")[2]
    return {"positions": "SYMBOL", "balances": "ASSET"}.get(last, "NAME")


def _form(annotation: object) -> str:
    return " or ".join(dict.fromkeys(_one_form(member) for member in union_members(annotation)))


def _one_form(annotation: object) -> str:
    if get_origin(annotation) is Annotated:
        for note in get_args(annotation)[1:]:
            if isinstance(note, Unit):
                return _UNITS[note]
        return _form(get_args(annotation)[0])
    words = literal_words(annotation)
    if words:
        return " or ".join(code(word) for word in words)
    if mapped_type(annotation) is not None:
        return "mapping by name"
    if get_origin(annotation) is tuple:
        return f"list of {_form(get_args(annotation)[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(code(str(member.value)) for member in annotation)
    tag = tag_of(annotation)
    if tag is not None:
        return code(tag)
    return _TYPES.get(annotation, "mapping") if isinstance(annotation, type) else "mapping"


def _default(spec: type, wanted: SpecField) -> str:
    if wanted.required:
        return "required"
    field = next(field for field in dataclasses.fields(spec) if field.name == wanted.name)
    value = field.default if field.default is not dataclasses.MISSING else None
    return code(_value(value, wanted.annotation)) if value is not None else ""


def _value(value: object, annotation: object) -> str:
    """Return a default as a person would write it in the file."""
    units = [
        note for member in union_members(annotation) if get_origin(member) is Annotated
        for note in get_args(member)[1:] if isinstance(note, Unit)
    ]
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(str(each) for each in value)}]"
    if Unit.RATIO in units and isinstance(value, int | float):
        return f"{value * 100:g}%"
    if Unit.DURATION in units and isinstance(value, int):
        return duration_text(value) if value else "0"
    if Unit.RATE in units and isinstance(value, int | float):
        return f"{value:g}/s"
    return str(value)
