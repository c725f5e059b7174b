"""What a request carries, read parameter by parameter; what cannot be read is refused as the venue refuses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from bot.domain.scale import NS_PER_MS
from paper.admission import Refusal
from paper.wire.refusals import Refused, answer_of, invalid, malformed, missing

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_FLAGS = {"true": True, "false": False}
Choice = TypeVar("Choice", bound=Enum)


@dataclass(frozen=True, slots=True)
class Params:
    """Names and texts as they were sent."""

    values: Mapping[str, str]

    def has(self, name: str) -> bool:
        """True when ``name`` was sent with something in it."""
        return bool(self.values.get(name))

    def text(self, name: str) -> str:
        """Return a text that must be there."""
        found = self.values.get(name)
        if not found:
            raise missing(name)
        return found

    def text_or(self, name: str, default: str) -> str:
        """Return a text, or ``default``."""
        return self.values.get(name) or default

    def one_of(self, name: str, allowed: Mapping[str, Choice], refusal: Refusal | None = None) -> Choice:
        """Return what the text stands for; it must be there."""
        found = allowed.get(self.text(name))
        if found is None:
            raise invalid(name) if refusal is None else answer_of(refusal)
        return found

    def whole(self, name: str) -> int:
        """Return a whole number that must be there."""
        text = self.text(name)
        if _WHOLE.fullmatch(text) is None:
            raise malformed(name, "^[0-9]{1,20}$")
        return int(text)

    def whole_or(self, name: str, default: int) -> int:
        """Return a whole number, or ``default``."""
        return self.whole(name) if self.has(name) else default

    def limit(self, default: int, most: int) -> int:
        """Return how many rows are wanted, from 1 to ``most``."""
        wanted = self.whole_or("limit", default)
        if wanted < 1:
            raise invalid("limit")
        return min(wanted, most)

    def moment(self, name: str, default: int) -> int:
        """Return a time as ns; it was sent in ms. ``default`` is ns."""
        return self.whole(name) * NS_PER_MS if self.has(name) else default

    def flag(self, name: str) -> bool:
        """Return a truth value, False when it was not sent."""
        text = self.values.get(name) or "false"
        found = _FLAGS.get(text.lower())
        if found is None:
            raise malformed(name, "true, false")
        return found

    def fixed(self, name: str, digits: int) -> int:
        """Return a decimal that must be there as an integer at 10^-digits; finer ones are refused."""
        text = self.text(name)
        if _DECIMAL.fullmatch(text) is None:
            raise malformed(name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$")
        whole, _, fraction = text.partition(".")
        kept = fraction.rstrip("0")
        if len(kept) > digits:
            raise Refused(-1111, "Precision is over the maximum defined for this asset.")
        return int(whole + kept.ljust(digits, "0"))
