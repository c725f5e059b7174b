"""The report in a real browser, where one is installed: it loads nothing, fails at nothing, and fits every screen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.browser import BROWSER_VARIABLE, Browser, NoBrowser, Screen, find_browser
from bot.app.report.html import render
from tests.app.report_page import PAGE, Reader
from tests.app.runs import ENDS_WITHIN, environment
from tests.app.sample_record import quiet_record
from tests.shared_data import ROOT

PHONE, LAPTOP, DESKTOP = (390, 844), (1280, 800), (1920, 1080)


def is_browser_there() -> bool:
    try:
        find_browser()
    except NoBrowser:
        return False
    return True


needs_browser = pytest.mark.skipif(not is_browser_there(), reason="no Chromium is installed here")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests: it takes seconds to start."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(Browser())
        except NoBrowser as error:
            pytest.skip(str(error))
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the sample run, as a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_asks_for_nothing_but_itself_and_draws_every_chart(browser: Browser, page: Path, scheme: str) -> None:
    """One request, the file; no script fails; each figure has become a drawing; colours follow the screen's."""
    browser.look_at(page, Screen(*LAPTOP, scheme))
    assert browser.requested() == [page.resolve().as_uri()]
    assert browser.complaints() == []
    drawn = browser.evaluate("document.querySelectorAll('.plot .main-svg').length > 0 && "
                             "[...document.querySelectorAll('.plot')].every(plot => plot.querySelector('.main-svg'))")
    assert drawn is True
    assert browser.evaluate("document.querySelectorAll('.plot').length") == len(Reader(PAGE).figures)
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(244, 245, 247)", "dark": "rgb(14, 17, 22)"}[scheme]


@needs_browser
@pytest.mark.parametrize("size", [PHONE, LAPTOP, DESKTOP], ids=["phone", "laptop", "desktop"])
def test_page_fits_its_screen_and_tells_the_story_on_the_first(
    browser: Browser, page: Path, size: tuple[int, int]
) -> None:
    """Nothing makes the page scroll sideways, and the verdict with its three sentences is seen without scrolling."""
    browser.look_at(page, Screen(*size, is_touch=size == PHONE))
    assert browser.evaluate("document.documentElement.scrollWidth") == size[0]
    assert browser.evaluate("document.querySelector('.told').getBoundingClientRect().bottom") < size[1]
    tiles = browser.evaluate("document.querySelector('.tiles').getBoundingClientRect().bottom")
    assert tiles < size[1]


@needs_browser
def test_page_is_printed_on_a_few_sheets(browser: Browser, page: Path) -> None:
    """It becomes a PDF; afterwards the charts are drawn for the screen again."""
    browser.look_at(page, Screen(*LAPTOP, "dark"))
    before = browser.evaluate("document.querySelector('.plot').clientWidth")
    sheets = browser.printed()
    assert sheets.startswith(b"%PDF") and 1 < sheets.count(b"/Type /Page\n") < 15
    assert browser.evaluate("document.querySelector('.plot').clientWidth") == before


@needs_browser
def test_page_without_charts_needs_no_script(browser: Browser, tmp_path: Path) -> None:
    """A run without samples gives a page without plotly, which fails at nothing."""
    path = tmp_path / "quiet.html"
    path.write_text(render(quiet_record()), encoding="utf-8")
    browser.look_at(path, Screen(*PHONE))
    assert browser.complaints() == []


def test_browser_that_is_not_there_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what was looked for and how to name another."""
    monkeypatch.setenv(BROWSER_VARIABLE, "no-such-browser")
    with pytest.raises(NoBrowser, match=r"was looked for as no-such-browser; install Chromium, or name one in \$"):
        find_browser()


def test_browser_that_ends_at_once_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name that is no browser, or one that may not start here."""
    monkeypatch.setenv(BROWSER_VARIABLE, "true")
    with pytest.raises(NoBrowser, match=r"true does not start, was .*start it by hand"), Browser():
        pass


def test_screenshots_without_a_browser_say_so_before_anything_runs() -> None:
    """Exit code 3, the reason on standard error, and one JSON object last, as of every program in bench."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.screenshots"], cwd=ROOT, env=environment(**{BROWSER_VARIABLE: "no-such-browser"}),
        capture_output=True, text=True, timeout=ENDS_WITHIN, check=False,
    )
    assert run.returncode == 3
    assert "install Chromium" in run.stderr
    assert "install Chromium" in json.loads(run.stdout)["error"]
