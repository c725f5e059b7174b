"""The docs' links among each other."""

from __future__ import annotations

from pathlib import Path

from tests.shared_data import ROOT

DOCS = ROOT / "docs"


def test_links_between_pages_lead_to_files() -> None:
    """A link to a page that was renamed fails here, and so does one to a heading that is gone."""
    for path in sorted(DOCS.glob("*.md")):
        for target in _links(path):
            name, _, heading = target.partition("#")
            page = path.parent / name
            assert page.exists(), f"{path.name} links to {target}"
            if heading:
                headings = [
                    line.lstrip("# ").lower().replace(" ", "-")
                    for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")
                ]
                assert heading in headings, f"{path.name} links to {target}"


def _links(path: Path) -> list[str]:
    parts = path.read_text(encoding="utf-8").split("](")[1:]
    targets = [part.partition(")")[0] for part in parts]
    return [target for target in targets if not target.startswith("http")]
