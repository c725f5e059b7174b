"""Calls into plug-ins, with what becomes of a failure: unavailable, and after three of them no further call.

The count is kept for the life of an engine or until a reload, and not in checkpoints: a restart gives another chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bot.domain.effects import Goal
from bot.rules.bound_plugins import NO_PLUGINS, BoundPlugins, BoundRemedy
from bot.rules.language.plugged import PLUGIN
from bot.rules.plugins import FAILURES_MAX, PluginMeasure, PluginRemedy, require_goal, require_number

Tell = Callable[[str, str], None]
"""Takes the code and the detail of an alarm."""

FAILED = "plugin_failed"
DISABLED = "plugin_disabled"
_TEXT_MAX = 200                      # characters of a plug-in's own words in an alarm
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


class PluginCalls:
    """The plug-ins in force, and how often each function has failed."""

    def __init__(self) -> None:
        self.plugins = NO_PLUGINS
        self.failures: dict[str, int] = {}
        self.tell: Tell = _to_nobody

    def take(self, plugins: BoundPlugins, tell: Tell) -> None:
        """Take other plug-ins, or the same ones again: every function has all its chances."""
        self.plugins = plugins
        self.tell = tell
        self.failures.clear()

    def measure(self, name: str, sha256: str, values: Sequence[float]) -> float | None:
        """Return a measure for these inputs; None when it fails, is disabled, or its file is no longer in force."""
        plugged = self.plugins.plugged.get(name)
        if plugged is None or plugged.sha256 != sha256:
            return None
        declared = self.plugins.measures[name]
        if self.failures.get(f"{PLUGIN}.{name}", 0) >= FAILURES_MAX:
            return None
        try:
            return require_number(declared.function(*values))
        except Exception as error:  # noqa: BLE001  # a plug-in may raise anything; it must not end the engine's step
            self._count(declared, f"{PLUGIN}.{name}", error)
            return None

    def remedy(self, remedy: BoundRemedy, values: Sequence[float]) -> Goal | None:
        """Return the goal that a remedy gives for these inputs; None when it fails or is disabled."""
        declared = remedy.declared
        what = f"remedy {declared.name}"
        if self.failures.get(what, 0) >= FAILURES_MAX:
            return None
        try:
            return require_goal(declared.function(*values), declared.subject)
        except Exception as error:  # noqa: BLE001  # as above
            self._count(declared, what, error)
            return None

    def _count(self, declared: PluginMeasure | PluginRemedy, what: str, error: Exception) -> None:
        count = self.failures.get(what, 0) + 1
        self.failures[what] = count
        # An address in memory would make two replays differ.
        said = _ADDRESS.sub("0x..", f"{type(error).__name__}: {error}")[:_TEXT_MAX]
        # The file's name alone: its folder depends on where the run was started.
        where = f"{declared.place.path.rpartition('/')[2]}:{declared.place.line}"
        detail = f"{where}: {what} failed for the {count}. of {FAILURES_MAX} times, {said}"
        if count == FAILURES_MAX:
            self.tell(DISABLED, f"{detail}; it is off until a reload or a restart: correct the plug-in")
        else:
            self.tell(FAILED, f"{detail}; it is unavailable until an input changes")


def _to_nobody(code: str, detail: str) -> None:
    """Alarms have nowhere to go before an engine listens."""
