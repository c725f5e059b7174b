"""An answer that says no, in the venue's form: ``{"code": -2019, "msg": "Margin is insufficient."}``.

Source: Binance USDⓈ-M futures API, "Error Codes" and "General Info", read 2026-11.
"""

from __future__ import annotations

from paper.admission import Refusal


class Refused(Exception):
    """What is asked is not done. ``status`` is HTTP's; ``retry_after`` whole seconds, with 429 and 418."""

    def __init__(self, code: int, message: str, *, status: int = 400, retry_after: int | None = None) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after


def answer_of(refusal: Refusal) -> Refused:
    """Return the core venue's refusal as an answer."""
    return Refused(int(refusal.code), refusal.detail)


def missing(name: str) -> Refused:
    """Return the answer to a request that lacks ``name`` or has nothing in it."""
    return Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def malformed(name: str, legal: str) -> Refused:
    """Return the answer to a parameter that cannot be read."""
    return Refused(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def unexpected(name: str) -> Refused:
    """Return the answer to a parameter that does not go with the others."""
    return Refused(-1106, f"Parameter '{name}' sent when not required.")


def invalid(name: str) -> Refused:
    """Return the answer to a value that is none of those there are."""
    return Refused(-1130, f"Data sent for parameter '{name}' is not valid.")


def unknown_symbol() -> Refused:
    """Return the answer to a symbol that is not listed."""
    return Refused(-1121, "Invalid symbol.")


def unknown_order() -> Refused:
    """Return the answer to a cancel of what is not open."""
    return Refused(-2011, "Unknown order sent.")


def no_such_order() -> Refused:
    """Return the answer to a query for what never was."""
    return Refused(-2013, "Order does not exist.")
