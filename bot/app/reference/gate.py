"""``docs/gate.md``: why an order is not sent."""

from __future__ import annotations

from bot.app.reference.markdown import code, page, table
from bot.domain.denials import CONTROLS, DenialCode

_INTRODUCTION = """Every order passes one gate, an operator's too. What it refuses is journaled with one of these codes
and counted under `denials` in `summary.json`; `penstock explain RUN --order NAME` shows a single refusal.

A refusal is no error of the run: the parent order goes on and asks again when something has changed. The limits
come from `limits:` of the [configuration](configuration.md); no rule can raise them. Where
no setting stands, the limit is the venue's own, or there is no number to set.

The last column says what becomes of an exit, an order that can only reduce a position. Nothing of ours keeps one from
going out for good: what binds it makes it smaller, dearer or a little later."""

_OVERRIDES = """## Overrides

A person may let a control rest for a time, with a name and a reason: {codes}. It is journaled, lasts at most
`limits.override_max`, and ends by the engine's time without anybody's doing. No other control ever rests.
`penstock override RUN PRICES_DIVERGE --for 10m --reason "the feed is fine"` says so to a run that goes on; one that is
taken up later does not hear it. `penstock rearm RUN RULE` in the same way lets a rule that is latched fire again."""

_LATCHES = """## Freeze, kill, flatten

| command | does | undone by |
| --- | --- | --- |
| `freeze` | nothing goes out that could raise exposure; reducers and hedges go on, rules too | `resume` |
| `kill` | freeze; open episodes end, children are cancelled, stops stay. Rules of the cost class rest; a rule of the \
margin class that becomes true after it still reduces | `resume` |
| `flatten` | kill, then every position to zero along `limits.flatten_over`, all legs side by side; ends killed | \
`resume` |
| `resume` | opens the account again; rules that were cut short and are true still may fire | |

A latch is journaled, and lies in `penstock.latch` beside the journal as well, written through to the disk: a restart
reads both, and the stricter one holds. So an account that was killed stays so under a journal restored from before."""


def gate_page() -> str:
    """Return the page: every code with its one meaning, the control behind it, and what it does to exits."""
    rows = [
        (
            code(denial.name), denial.value, CONTROLS[denial].number,
            ", ".join(code(key) for key in CONTROLS[denial].settings), CONTROLS[denial].exits.value,
        )
        for denial in DenialCode
    ]
    resting = ", ".join(code(denial.name) for denial, control in CONTROLS.items() if control.is_overridable)
    return page(
        "Why the gate refuses an order",
        _INTRODUCTION,
        table(("code", "meaning", "control", "setting", "exits"), rows),
        _OVERRIDES.format(codes=resting),
        _LATCHES,
    )
