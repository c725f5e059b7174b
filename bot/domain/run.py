"""A run: what was started, from which code, configuration and tapes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TapeSource:
    """One market: its path as it was given, and the SHA-256 of the file in hexadecimal; "" of a generated one."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunHead:
    """What a journal begins with; deciding again needs all of it.

    ``version`` is Penstock's, ``config`` the configuration's text and ``config_hash`` its SHA-256 in
    hexadecimal, ``marker`` the start of every order's name, ``created`` ns UTC by the clock of the run.
    """

    version: str
    config_hash: str
    config: str
    marker: str
    created: int
    tapes: tuple[TapeSource, ...] = ()
