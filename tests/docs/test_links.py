"""The docs' links among each other."""

from __future__ import annotations

from pathlib import Path

from bot.app.operator_log import LOG_NAME
from bot.app.running import JOURNAL_NAME, REPORT_NAME, SUMMARY_NAME, VENUE_NAME
from bot.app.starter import book_names
from bot.domain.effects import TriggerState
from tests.shared_data import ROOT

DOCS = ROOT / "docs"


def test_links_between_pages_lead_to_files() -> None:
    """A link to a page that was renamed fails here, and so does one to a heading that is gone."""
    for path in sorted(DOCS.glob("*.md")):
        for target in _links(path):
            name, _, heading = target.partition("#")
            page = path.parent / name if name else path
            assert page.exists(), f"{path.name} links to {target}"
            if heading:
                headings = [
                    line.lstrip("# ").lower().replace(" ", "-")
                    for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")
                ]
                assert heading in headings, f"{path.name} links to {target}"


def test_running_names_every_rule_book_and_every_file_of_a_run() -> None:
    """A rule book or a file of a run that was added and not explained fails here."""
    text = (DOCS / "running.md").read_text(encoding="utf-8")
    for name in book_names():
        assert f"| `{name}` |" in text
    for name in (JOURNAL_NAME, f"{JOURNAL_NAME}.lock", VENUE_NAME, LOG_NAME, SUMMARY_NAME, REPORT_NAME):
        assert f"`{name}`" in text
    for state in TriggerState:
        assert f"| {state.value} |" in text


def _links(path: Path) -> list[str]:
    parts = path.read_text(encoding="utf-8").split("](")[1:]
    targets = [part.partition(")")[0] for part in parts]
    return [target for target in targets if not target.startswith("http")]
