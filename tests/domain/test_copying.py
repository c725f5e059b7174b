"""Copies of values with some fields changed, whatever kind of class they are of."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from bot.domain.copying import replace


@dataclass(frozen=True)
class Plain:
    a: int
    b: int = 2


class Quick(msgspec.Struct, frozen=True):
    a: int
    b: int = 2


@pytest.mark.parametrize("kind", [Plain, Quick])
def test_copy_has_the_changes_and_the_rest(kind: type[Plain] | type[Quick]) -> None:
    """And what it was made from is as it was."""
    before = kind(1)
    after = replace(before, b=5)
    assert (after, before) == (kind(1, 5), kind(1))
    assert type(after) is kind


@pytest.mark.parametrize("value", [Plain(1), Quick(1), 7])
def test_copy_with_a_field_that_is_not_there_is_refused(value: object) -> None:
    """A word spelled wrong must not be lost in silence."""
    with pytest.raises(TypeError):
        replace(value, c=3)
