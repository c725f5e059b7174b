"""The generated pages by file name; ``docs/README.md`` and the guides beside them are written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bot.app.reference.configuration import configuration_page
from bot.app.reference.exchanges import exchanges_page
from bot.app.reference.gate import gate_page
from bot.app.reference.rules import rules_page
from bot.app.reference.verbs import verbs_page

PAGES: Mapping[str, Callable[[], str]] = {
    "configuration.md": configuration_page,
    "gate.md": gate_page,
    "rules.md": rules_page,
    "verbs.md": verbs_page,
}
# Of what is installed beside us: another version of ccxt makes another page.
INSTALLED_PAGES: Mapping[str, Callable[[], str]] = {"exchanges.md": exchanges_page}


def write_pages(folder: Path) -> None:
    """Write every generated page into ``folder``."""
    for name, page in {**PAGES, **INSTALLED_PAGES}.items():
        (folder / name).write_text(page(), encoding="utf-8")
