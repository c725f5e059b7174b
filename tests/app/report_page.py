"""The page of the sample record, read as a browser would, and the text beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from io import StringIO
from typing import Any

from rich.console import Console

from bot.app.record import AccountSeries, StopPath
from bot.app.report.html import render
from bot.app.report.text import render_text
from tests.app.sample_record import (
    sample_record,
)

RECORD = sample_record()
PAGE = render(RECORD)
PLOTLY = max(re.findall(r"<script>(.*?)</script>", PAGE, re.DOTALL), key=len)
NOT_SHOWN = re.compile(r"\bNone\b|\bnan\b|\bNaN\b|\binf\b|\bInfinity\b|\bnull\b")


class Reader(HTMLParser):
    """Keeps the text a person sees, the tags with their attributes, and the content of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(page.replace(PLOTLY, "/* plotly.js */"))     # 5 MB that say nothing about us

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def charts(self) -> dict[str, dict[str, Any]]:
        """The figures by the titles under which they stand."""
        titles = [attributes["aria-label"] for _, attributes in self.tags if attributes.get("class") == "plot"]
        return dict(zip((str(title) for title in titles), self.figures, strict=True))

    @property
    def figures(self) -> list[dict[str, Any]]:
        (found,) = [script for script in self.scripts if script.startswith("[")]
        return list(json.loads(found))


def nulled(value: Any) -> Any:
    """The same summary with every figure missing: lists and tables stay, their leaves are null."""
    if isinstance(value, dict):
        return {key: nulled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [nulled(item) for item in value if isinstance(item, dict)]
    return None


def plain(
    summary: dict[str, Any], width: int = 80, series: dict[str, AccountSeries] | None = None,
    stops: Sequence[StopPath] = (),
) -> str:
    console = Console(width=width, file=StringIO())
    console.print(render_text(summary, series, stops))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()
