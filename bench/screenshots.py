"""The pictures of the docs, made anew from the program as it is.

    python -m bench.screenshots [--out docs/images] [--json]

Runs the demonstration on a terminal without a window, and a second run over the same market without the stop-loss;
pictures the terminal on the way and at the end, the report wide and on a phone, light and dark, and the page of the
two runs. Needs Chromium (or one named in $PENSTOCK_BROWSER); says so, and exits with 3, where there is none. Takes
about a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.browser import Browser, NoBrowser, Screen
from bench.terminal import Cells, watch

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "images"
DEMO_CONFIG = ROOT / "bot" / "app" / "default.yaml"
DEMO_MARKET = "3"                                # the seed of what ``penstock run`` shows without a configuration
NO_BROWSER = 3
COLUMNS, ROWS = 100, 34
DEMO_SECONDS_MAX = 300.0                         # on a busy machine; 20 on a quiet one
BYTES_MAX = 300_000                              # of one picture, so that the repository stays small

WIDE = (1280, 800)
PHONE = (390, 844)
_HALF_DONE = re.compile(r"^(?:sell|buy) .* (\d+) %  avg", re.MULTILINE)


class Photographer:
    """Keeps the screen of the demonstration as it was while the first orders were half done."""

    def __init__(self) -> None:
        self.working: str | None = None

    def look(self, cells: Cells) -> None:
        """Keep the screen once, when an order is half filled."""
        if self.working is None:
            found = _HALF_DONE.search(cells.text())
            if found is not None and 45 <= int(found[1]) <= 90:
                self.working = cells.html("penstock run")


def run_demo(folder: Path) -> dict[str, str]:
    """Run the demonstration on a terminal; return its screens as HTML by the name of the picture."""
    photographer = Photographer()
    cells = Cells(COLUMNS, ROWS)
    environ = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLORTERM", "COLUMNS")}
    command = [sys.executable, "-m", "bot", "run"]
    code = watch(
        command, cells, environ={**environ, "PYTHONPATH": str(ROOT)}, look=photographer.look,
        seconds_max=DEMO_SECONDS_MAX, folder=folder,
    )
    if code:
        raise RuntimeError(f"screenshots: the demonstration ended with {code}; run it by hand: penstock run")
    if photographer.working is None:
        raise RuntimeError("screenshots: no order of the demonstration was seen half filled; run it by hand to see why")
    return {"terminal-rescue": photographer.working, "terminal-summary": cells.html("penstock run")}


def run_other(folder: Path) -> None:
    """Run the same account over the same market without its stop-loss, and write the page of the two."""
    text = DEMO_CONFIG.read_text(encoding="utf-8")
    head = text[:text.index("strategies:")]
    config = folder / "guard_only.yaml"
    config.write_text(f"{head}strategies: [{ROOT / 'strategies' / 'margin_guard.yaml'}]\n", encoding="utf-8")
    for arguments in (
        ["replay", "guard_only.yaml", "--generate", DEMO_MARKET, "--out", "guard_only", "--json"],
        ["report", "guard_only", "penstock-demo", "--out", "page", "--json"],
    ):
        subprocess.run(
            [sys.executable, "-m", "bot", *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL, check=True,
        )


def take_pictures(folder: Path, screens: dict[str, str]) -> dict[str, bytes]:
    """Return every picture by its name."""
    pictures = {}
    report = folder / "penstock-demo" / "report.html"
    with Browser() as browser:
        for scheme in ("light", "dark"):
            browser.look_at(report, Screen(*WIDE, scheme))
            pictures[f"report-wide-{scheme}"] = browser.picture()
            browser.look_at(report, Screen(*PHONE, scheme, scale=1.5, is_touch=True))
            pictures[f"report-phone-{scheme}"] = browser.picture()
        browser.look_at(report, Screen(*WIDE))
        browser.evaluate("document.querySelector('.looks button').click()")
        browser.evaluate("new Promise(done => setTimeout(() => done(0), 800))")      # the zoom is animated
        browser.evaluate("scrollTo(0, document.querySelector('.charts').offsetTop - 10)")
        pictures["report-charts"] = browser.picture()
        browser.evaluate("scrollTo(0, document.querySelector('.part').offsetTop - 14)")
        pictures["report-orders"] = browser.picture()
        browser.look_at(folder / "page" / "comparison.html", Screen(*WIDE))
        pictures["comparison"] = browser.picture()
        for name, html in screens.items():
            page = folder / f"{name}.html"
            page.write_text(html, encoding="utf-8")
            browser.look_at(page, Screen(COLUMNS * 9 + 50, 400, scale=1.25))
            pictures[name] = browser.picture(is_whole_page=True)
    return pictures


def main() -> int:
    """Make the pictures and print what was made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parsed = parser.parse_args()
    try:
        with Browser():
            pass                     # before a minute is spent on what it is to look at
    except NoBrowser as error:
        print(error, file=sys.stderr)
        print(json.dumps({"error": str(error)}))
        return NO_BROWSER
    with tempfile.TemporaryDirectory(prefix="screenshots") as temporary:
        folder = Path(temporary)
        screens = run_demo(folder)
        run_other(folder)
        pictures = take_pictures(folder, screens)
    parsed.out.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        (parsed.out / f"{name}.png").write_bytes(picture)
        if not parsed.json:
            print(f"{name}.png  {len(picture) / 1000:,.0f} kB{'  TOO LARGE' if len(picture) > BYTES_MAX else ''}")
    sizes = {f"{name}.png": len(picture) for name, picture in pictures.items()}
    print(json.dumps({"out": str(parsed.out), "bytes": sizes, "bytes_in_all": sum(sizes.values())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
