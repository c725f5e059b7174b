"""Everything the program raises on purpose, by who is at fault.

    PenstockError
    +-- InputError          the user's file or command line: exit 2
    |   +-- Unsupported     well formed, but not built yet: exit 2
    +-- CredentialError     keys: exit 3
    +-- JournalError        the journal cannot be read or written: exit 4
    +-- ContractError       a caller broke a promise of ours: exit 70

A refusal of an order is no error: the gate returns ``Denied``. An unknown outcome is an event.
"""

from __future__ import annotations


class PenstockError(Exception):
    """Base of all our errors; ``exit_code`` is what the command line ends with."""

    exit_code = 70


class InputError(PenstockError):
    """Something the user gave is wrong; the message says where, what was found, and what to do."""

    exit_code = 2


class Unsupported(InputError):
    """Well formed, but this version does not do it."""


class CredentialError(PenstockError):
    """A key is missing, refused, or may do more than it should."""

    exit_code = 3


class JournalError(PenstockError):
    """The journal cannot be opened, read or written, or contradicts itself."""

    exit_code = 4


class ContractError(PenstockError):
    """A promise between two parts of the program was broken: our bug."""

    exit_code = 70
