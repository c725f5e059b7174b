"""The page on plug-ins: its example runs as it stands, and it names everything that a plug-in has."""

from __future__ import annotations

from pathlib import Path

from bot.app.loading import load_all
from bot.app.plugin_lint import BUILTINS
from bot.engine.deciding import plugin_remedies
from bot.engine.measures import plugin_calls
from bot.rules import plugins as contract
from bot.rules.language.measures import MeasureUnit
from bot.rules.plugins import FAILURES_MAX, INPUTS_MAX
from tests.app.runs import BTC, long_of, write_config
from tests.shared_data import ROOT

PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The page's first block of code in a language."""
    return PAGE.split(f"```{language}\n")[1].split("```")[0]


def test_example_of_the_page_loads_and_passes_check(tmp_path: Path) -> None:
    """Who copies both blocks from the page has a rule that works."""
    (tmp_path / "carry.py").write_text(block("python"), encoding="utf-8")
    config = write_config(
        tmp_path, {BTC: long_of("1")}, usdt="3000", books=[block("yaml")], instruments=[BTC],
        more="plugins: [carry.py]\n",
    )
    (rule,) = load_all(config, {}).rules.rules
    assert rule.remedy is not None and [str(ref) for ref in rule.when.readings] == ["plugin.daily_carry"]


def test_page_names_everything_that_a_plugin_may_use() -> None:
    """What stands on no page is found out by trial."""
    words = [
        *contract.__all__, *BUILTINS, *(unit.value for unit in MeasureUnit), plugin_calls.FAILED, plugin_calls.DISABLED,
        plugin_remedies.OTHERWISE, f"1 to {INPUTS_MAX} readings",
    ]
    assert [word for word in words if word not in PAGE] == []
    assert FAILURES_MAX == 3 and "After three failures" in PAGE
