"""The page of live trading names every alarm that its adapter can raise."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADAPTER = ROOT / "bot" / "adapters" / "ccxt"
_RAISED = re.compile(r'(?:_trouble|Trouble|_tell_answer)\([^"]*?"([a-z_]+)"')


def test_every_alarm_of_the_live_adapter_is_on_its_page() -> None:
    """Whoever is woken by a code finds what it means and what to do."""
    raised = {code for path in ADAPTER.rglob("*.py") for code in _RAISED.findall(path.read_text())}
    page = (ROOT / "docs" / "live.md").read_text()
    assert len(raised) > 10
    assert [code for code in sorted(raised) if f"`{code}`" not in page] == []


def test_every_alarm_on_the_page_can_be_raised() -> None:
    """A code that nobody raises any more would be looked for in vain."""
    files = [*ADAPTER.rglob("*.py"), ROOT / "bot" / "app" / "daemon" / "live_connection.py"]
    source = "".join(path.read_text() for path in files)
    page = (ROOT / "docs" / "live.md").read_text().partition("## Alarms")[2].partition("\n## ")[0]
    rows = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `")]
    told = {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)}
    assert len(told) > 10
    assert [code for code in sorted(told) if f'"{code}"' not in source] == []
