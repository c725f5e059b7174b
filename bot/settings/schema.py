"""JSON Schema of a spec, for editors: completion, descriptions, and red lines while one types.

The schema sees values as a YAML 1.2 parser hands them over, so it is coarser than ``bind``: it never
refuses what the loader takes, and what takes more than one value to judge (a limit below another, a rule
that cannot work) is left to ``penstock check``. Draft 7, which every YAML editor understands.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from bot.domain.errors import ContractError
from bot.domain.scale import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND
from bot.domain.units import Money, SourceText, Unit
from bot.settings.secret import Secret
from bot.settings.spec import (
    SpecField,
    is_spec,
    literal_words,
    mapped_type,
    spec_fields,
    tag_of,
    union_members,
)

DRAFT = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]

_WHOLE = "[-+]?(?:0|[1-9](?:_?[0-9])*)"
_NUMBER = rf"{_WHOLE}(?:\.[0-9](?:_?[0-9])*)?(?:[eE][-+]?[0-9]{{1,2}})?"
_GROUPED: Schema = {"type": "string", "pattern": f"^{_NUMBER}$"}  # 1_200 is text to a YAML 1.2 parser
_NUMERIC: Schema = {"anyOf": [{"type": "number"}, _GROUPED], "examples": [2.5, "1_000"]}
_DEFINITIONS: dict[str, Schema] = {
    "text": {"type": ["string", "number", "boolean"]},            # 5 and true are text where text is meant
    "switch": {"type": "boolean"},
    "whole_number": {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": f"^{_WHOLE}$"}]},
    "number": _NUMERIC,
    "money": {
        "type": "string", "pattern": f"^{_NUMBER} (?=[0-9]*[A-Z])[A-Z0-9]{{1,20}}$", "examples": ["250_000 USDT"],
    },
    "secret": {"type": "string", "pattern": "^env:[A-Za-z_][A-Za-z0-9_]*$", "examples": ["env:BINANCE_KEY"]},
    "ratio": {
        "anyOf": [
            {"type": "string", "pattern": f"^{_NUMBER} ?(?:%|bps)?$"},
            {"type": "number", "minimum": -1, "maximum": 1},
        ],
        "examples": ["5%", "25bps"],
    },
    "duration": {"type": "string", "pattern": f"^{_NUMBER} ?(?:ms|s|m|h|d)$", "examples": ["90s", "10m"]},
    "rate": {"type": "string", "pattern": f"^{_NUMBER}/(?:s|m|h)$", "examples": ["10/s"]},
}
_SIMPLE: dict[object, str] = {
    str: "text",
    Path: "text",
    SourceText: "text",
    bool: "switch",
    int: "whole_number",
    float: "number",
    Decimal: "number",
    Money: "money",
    Secret: "secret",
    Unit.RATIO: "ratio",
    Unit.DURATION: "duration",
    Unit.RATE: "rate",
    Unit.PATH: "text",
}


def schema_text(spec: type, *, title: str, comment: str) -> str:
    """Return the schema of files that are read as ``spec``: JSON, two spaces deep, the same every time.

    Raises ContractError when ``spec`` declares what the loader cannot read.
    """
    writer = _Writer()
    root = {
        "$schema": DRAFT, "$comment": comment, "title": title, "description": _first_line(spec), **writer.body(spec)
    }
    root["definitions"] = dict(sorted(writer.definitions.items()))
    return json.dumps(root, indent=2, ensure_ascii=False) + "\n"


class _Writer:
    """The walk over types; every dataclass becomes one definition."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}
        self.owners: dict[str, type] = {}

    def body(self, spec: type) -> Schema:
        """Return the object that a dataclass is written as."""
        fields = spec_fields(spec)
        found: Schema = {
            "type": "object",
            "properties": {field.key: self._property(spec, field) for field in fields},
            "additionalProperties": False,
        }
        required = [field.key for field in fields if field.required]
        return found | ({"required": required} if required else {})

    def _property(self, spec: type, field: SpecField) -> Schema:
        found: Schema = {"description": field.doc} if field.doc else {}
        default = _default_text(spec, field)
        if default is not None:
            found["default"] = default
        return found | self.value(field.annotation)

    def value(self, annotation: object) -> Schema:
        """Return what may stand where ``annotation`` is declared."""
        origin = get_origin(annotation)
        if origin is Annotated:
            base, *extras = get_args(annotation)
            return self.value(next((extra for extra in extras if isinstance(extra, Unit)), base))
        if annotation in _SIMPLE:
            return self._simple(_SIMPLE[annotation])
        if origin is tuple:
            return {"type": "array", "items": self.value(get_args(annotation)[0])}
        mapped = mapped_type(annotation)
        if mapped is not None:
            return {"type": "object", "additionalProperties": self.value(mapped)}
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return {"enum": [str(member.value) for member in annotation]}
        if isinstance(annotation, type) and is_spec(annotation) and tag_of(annotation) is None:
            return self._reference(annotation)
        return self._union(annotation)

    def _union(self, annotation: object) -> Schema:
        choices: list[Schema] = []
        members = union_members(annotation)
        words = [word for member in members for word in literal_words(member)]
        if words:
            choices.append({"enum": words})
        for member in members:
            if tag_of(member) is not None:
                choices.extend(self._variant(member))
            elif not literal_words(member):
                if member is annotation:
                    raise ContractError(
                        f"settings schema: a type is not known, was {annotation!r}; see the list in bot.settings.bind"
                    )
                choices.append(self.value(member))
        if NoneType in get_args(annotation):
            choices.append({"type": "null"})
        return choices[0] if len(choices) == 1 else {"anyOf": choices}

    def _variant(self, variant: object) -> list[Schema]:
        """Return the ways to write a variant: its tag over its body, and the bare tag when it needs none."""
        assert isinstance(variant, type)
        tag = tag_of(variant)
        fields = spec_fields(variant)
        bodies = [self._reference(variant)]
        if len(fields) == 1 and not _is_mapping(fields[0].annotation):
            bodies.append(self.value(fields[0].annotation))
        needs_nothing = not any(field.required for field in fields)
        if needs_nothing:
            bodies.append({"type": "null"})
        tagged: Schema = {
            "type": "object",
            "properties": {tag: bodies[0] if len(bodies) == 1 else {"anyOf": bodies}},
            "required": [tag],
            "additionalProperties": False,
        }
        word: Schema = {"description": _first_line(variant), "enum": [tag]}
        return [word, tagged] if needs_nothing else [tagged]

    def _simple(self, name: str) -> Schema:
        self.definitions[name] = _DEFINITIONS[name]
        return {"$ref": f"#/definitions/{name}"}

    def _reference(self, spec: type) -> Schema:
        name = spec.__name__
        if self.owners.setdefault(name, spec) is not spec:
            raise ContractError(f"settings schema: two specs have one name, was {name}; rename one")
        if name not in self.definitions:
            self.definitions[name] = {}              # first the name: a spec may hold itself
            self.definitions[name] = self.body(spec)
        return {"$ref": f"#/definitions/{name}"}


def _is_mapping(annotation: object) -> bool:
    return is_spec(annotation) or mapped_type(annotation) is not None


def _first_line(spec: type) -> str:
    return (spec.__doc__ or "").strip().partition("\n")[0]


# Defaults as a person would write them ---------------------------------------------------------------------


def _default_text(spec: type, field: SpecField) -> object:
    """Return a field's default in the file's own words; None where there is none, or it is a section."""
    assert dataclasses.is_dataclass(spec)
    declared = next(known for known in dataclasses.fields(spec) if known.name == field.name).default
    if declared is dataclasses.MISSING or declared is None:
        return None
    unit = next((extra for extra in _extras(field.annotation) if isinstance(extra, Unit)), None)
    if unit is not None:
        return _UNIT_TEXTS[unit](declared)
    if isinstance(declared, Enum):
        return str(declared.value)
    return declared if isinstance(declared, bool | int | float | str) else str(declared)


def _extras(annotation: object) -> tuple[object, ...]:
    return tuple(
        extra for member in union_members(annotation) if get_origin(member) is Annotated
        for extra in get_args(member)[1:]
    )


def _duration_text(length: Any) -> str:
    units = {"d": NS_PER_DAY, "h": NS_PER_HOUR, "m": NS_PER_MINUTE, "s": NS_PER_SECOND, "ms": NS_PER_MS}
    if not length:
        return "0s"
    return next((f"{length // size}{name}" for name, size in units.items() if length % size == 0), f"{length / 1e6}ms")


_UNIT_TEXTS: dict[Unit, Callable[[Any], str]] = {
    Unit.RATIO: lambda ratio: f"{ratio * 100:g}%",
    Unit.DURATION: _duration_text,
    Unit.RATE: lambda rate: f"{rate:g}/s",
}
