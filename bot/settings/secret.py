"""A secret of the user: named in the file, held in the environment, shown nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Never

from bot.domain.errors import CredentialError
from bot.settings.errors import SettingsError
from bot.settings.node import Node, Scalar

_PREFIX = "env:"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Secret:
    """The value of one environment variable; ``repr``, ``str``, copies and pickles never carry it.

    A missing variable is no error until ``reveal``: paper mode and ``check`` need no keys.
    """

    __slots__ = ("_value", "name")

    def __init__(self, name: str, value: str | None) -> None:
        self.name = name
        self._value = value

    @property
    def is_present(self) -> bool:
        """True when the variable is set and not empty."""
        return bool(self._value)

    def reveal(self) -> str:
        """Return the value itself; raises CredentialError when the variable is not set, or empty."""
        if self._value is None:
            raise CredentialError(f"environment {self.name}: is not set, was absent; set it to the secret")
        if not self._value:
            raise CredentialError(f"environment {self.name}: is empty, was ''; set it to the secret")
        return self._value

    def __repr__(self) -> str:
        return f"Secret({_PREFIX}{self.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self.name, self._value) == (other.name, other._value)

    def __hash__(self) -> int:
        return hash(self.name)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> Never:
        raise TypeError(f"{self!r}: a secret is never written; keep its name instead")


def read_secret(node: Node, subject: str, environ: Mapping[str, str]) -> Secret:
    """Return the secret that ``env:NAME`` names; a literal is refused, and never shown."""
    name = node.text.removeprefix(_PREFIX) if isinstance(node, Scalar) else ""
    if not isinstance(node, Scalar) or not node.text.startswith(_PREFIX) or _NAME.fullmatch(name) is None:
        raise SettingsError(
            node.place, f"{subject} must be the name of an environment variable",
            "empty" if isinstance(node, Scalar) and not node.text else "something else (not shown)",
            "write env:NAME, put the secret into that variable, and if it stood in a file, replace it at the venue",
        )
    return Secret(name, environ.get(name))
