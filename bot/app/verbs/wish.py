"""``penstock override RUN CONTROL`` and ``penstock rearm RUN RULE``: a wish, written where a run sees it at once.

Like a latch it takes no journal, no engine and no socket. Unlike a latch it is heard only by a run that goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.adapters.latch import ALL
from bot.adapters.wishes import WishFile
from bot.app.cli_codes import EXIT_GOOD
from bot.app.verbs.shut import is_running, login
from bot.app.wishes import OVERRIDE, REARM
from bot.domain.denials import CONTROLS, DenialCode
from bot.domain.errors import InputError
from bot.domain.scale import NS_PER_SECOND
from bot.domain.units import Place
from bot.settings.node import Scalar
from bot.settings.quantities import read_duration


@dataclass(frozen=True, slots=True)
class Signed:
    """Who wishes something, for which account (None: all), and why."""

    account: str | None
    reason: str
    by: str | None


def override(run: Path, control: str, *, lasts: str, signed: Signed, as_json: bool) -> int:
    """Wish that one control rests for a time; raises InputError for one that never does."""
    known = [code.name for code, each in CONTROLS.items() if each.is_overridable]
    if control not in known:
        what = "never rests" if control in DenialCode.__members__ else "is unknown"
        raise InputError(f"override: the control {what}, was {control!r}; those that may rest are {', '.join(known)}")
    place = Place("override", 1, 1)
    length = read_duration(Scalar(lasts, quoted=False, place=place, content=place, source=lasts), "--for")
    if length <= 0:
        raise InputError(f"override: --for must be above 0, was {lasts}; write 10m")
    wish = {"verb": OVERRIDE, "control": control, "seconds": length / NS_PER_SECOND}
    return _say(run, wish, f"{control} rests for {lasts}", signed, as_json=as_json)


def rearm(run: Path, rule: str, *, scope: str | None, signed: Signed, as_json: bool) -> int:
    """Wish that a rule forgets how often it has fired; ``scope`` is a market, in hedge mode with its leg."""
    what = rule if scope is None else f"{rule} of {scope}"
    return _say(run, {"verb": REARM, "rule": rule, "scope": scope}, f"{what} is re-armed", signed, as_json=as_json)


def write_wish(run: Path, wish: Mapping[str, Any], signed: Signed) -> dict[str, Any]:
    """Write a wish with who wants it, why and when, and return it whole.

    Raises InputError for a folder of no run, one where none goes on, and a wish that nobody signs.
    """
    verb = wish["verb"]
    require_running(run, verb)
    who, reason = (signed.by or login()).strip(), signed.reason.strip()
    if not who or not reason:
        raise InputError(f"{verb}: needs a name and a reason, were {who!r} and {reason!r}; give --by and --reason")
    at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    whole = {**wish, "account": signed.account or ALL, "reason": reason, "by": who, "at": at}
    WishFile(run).say(whole)
    return whole


def require_running(run: Path, verb: str) -> None:
    """Raise InputError for a folder in which no run goes on."""
    if not run.is_dir():
        raise InputError(f"{verb} {run}: is no folder; give the folder of a run, its --out")
    if not is_running(run):
        raise InputError(f"{verb} {run}: no run is going on there, and none would hear it later; take the run up first")


def _say(run: Path, wish: dict[str, Any], what: str, signed: Signed, *, as_json: bool) -> int:
    whole = write_wish(run, wish, signed)
    if as_json:
        print(json.dumps({"run": str(run), **whole}))
    else:
        by = whole["by"]
        print(f"{signed.account or 'all accounts'}: {what}, by {by}; the run hears it within a second and says so")
    return EXIT_GOOD
