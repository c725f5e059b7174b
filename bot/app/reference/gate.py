"""``docs/gate.md``: why an order is not sent."""

from __future__ import annotations

from bot.app.reference.markdown import code, page, table
from bot.domain.denials import DenialCode

_INTRODUCTION = """Every order passes one gate, an operator's too. What it refuses is journaled with one of these codes
and counted under `denials` in `summary.json`; `penstock explain RUN --order NAME` shows a single refusal.

A refusal is no error of the run: the parent order goes on and asks again when something has changed. The limits
come from `limits:` of the [configuration](configuration.md); no rule can raise them."""


def gate_page() -> str:
    """Return the page: every code with its one meaning."""
    return page(
        "Why the gate refuses an order",
        _INTRODUCTION,
        table(("code", "meaning"), [(code(denial.name), denial.value) for denial in DenialCode]),
    )
