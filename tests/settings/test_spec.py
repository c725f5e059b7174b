"""What a spec may declare, how its keys are listed, and that a wrong spec is our bug and not the user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pytest

from bot.domain.errors import ContractError
from bot.domain.units import Place, Ratio
from bot.settings.load import load_text
from bot.settings.spec import SpecField, place_fields, spec_fields


@dataclass(frozen=True)
class Sample:
    here: Place
    ratio: Ratio = field(metadata={"doc": "a share", "key": "share"})
    slice_: int | None = None
    computed: int = field(init=False, default=0)


@dataclass(frozen=True)
class FixedTuple:
    value: tuple[int, int]


@dataclass(frozen=True)
class BareList:
    value: list[int]


@dataclass(frozen=True)
class NumberedKeys:
    value: Mapping[int, str]


@dataclass(frozen=True)
class TwoTypes:
    value: int | str


@dataclass(frozen=True)
class NumberedWords:
    value: Literal[1, 2]


@dataclass(frozen=True)
class Anything:
    value: object


def test_spec_fields_lists_keys_as_they_are_written() -> None:
    """Schema, docs and overrides see the keys that a person writes, with their docs."""
    assert spec_fields(Sample) == (
        SpecField("share", "ratio", Ratio, required=True, doc="a share"),
        SpecField("slice", "slice_", int | None, required=False, doc=""),
    )
    assert place_fields(Sample) == ("here",)


@pytest.mark.parametrize("spec", [FixedTuple, BareList, NumberedKeys, TwoTypes, NumberedWords, Anything])
def test_load_text_into_a_type_that_cannot_be_read_is_our_bug(spec: type) -> None:
    """A spec that the loader does not understand is told to its programmer, with another exit code."""
    with pytest.raises(ContractError, match="settings spec"):
        load_text("value: 1", "c.yaml", spec, {})


def test_load_text_into_annotations_that_do_not_resolve_is_our_bug() -> None:
    """A spec whose types are not importable is told to its programmer."""
    spec: type = dataclass(type("Broken", (), {"__annotations__": {"value": "Nowhere"}}))
    with pytest.raises(ContractError, match="do not resolve"):
        load_text("value: 1", "c.yaml", spec, {})
