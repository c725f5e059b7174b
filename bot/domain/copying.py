"""A value like another, with some fields changed: of dataclasses and of Structs, as ``copy.replace`` of Python 3.13."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar, cast

import msgspec

Value = TypeVar("Value")


def replace(value: Value, /, **changes: Any) -> Value:
    """Return a copy with ``changes``; raises TypeError for a field that it has not, or a value that has no fields."""
    if isinstance(value, msgspec.Struct):
        return cast("Value", msgspec.structs.replace(value, **changes))
    return cast("Value", dataclasses.replace(cast("Any", value), **changes))
