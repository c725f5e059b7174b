"""The terminal without a window that pictures for the docs are taken on: it shows what a terminal would show."""

from __future__ import annotations

import os
import sys
from io import StringIO

import pytest
from rich.console import Console

from bench.terminal import Cells, watch
from bot.app.progress import LiveView
from tests.app.sample_snapshot import snapshot

Seen = list[str]


def shown(sent: str, *, width: int = 10, height: int = 3) -> list[str]:
    cells = Cells(width, height)
    cells.feed(sent)
    return cells.text().split("\n")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("one\r\ntwo", ["one", "two", ""]),
        ("0123456789ab", ["0123456789", "ab", ""]),
        ("a\r\nb\r\nc\r\nd", ["b", "c", "d"]),
        ("old\rnew", ["new", "", ""]),
        ("one\r\ntwo\x1b[1A\r\x1b[2Knew", ["new", "two", ""]),
        ("abcdef\x1b[3D", ["abcdef", "", ""]),
        ("one\r\ntwo\x1b[2J\x1b[Hnew", ["new", "", ""]),
        ("\x1b[?25la\x1b[38;2m\x1b]0;title\x07b", ["ab", "", ""]),
        ("abc\b\bX", ["aXc", "", ""]),
    ],
    ids=["lines", "wraps", "scrolls", "overwrites", "goes up", "passes over", "wipes", "ignores", "steps back"],
)
def test_screen_shows_what_a_terminal_would(sent: str, expected: list[str]) -> None:
    """By hand, from what the sequences mean (ECMA-48)."""
    assert shown(sent) == expected


def test_screen_of_the_live_view_is_the_last_frame() -> None:
    """Rich draws each frame over the one before; what is left to see is the last."""
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=24, _environ={"TERM": "xterm-256color"})
    with LiveView(console, clock=iter(range(100)).__next__) as view:
        view.update(snapshot(parents=3, lines=1))
        view.update(snapshot(parents=0, lines=2))
    cells = Cells(80, 24)
    cells.feed(out.getvalue().replace("\n", "\r\n"))
    assert cells.text().count("Penstock  ") == 1
    assert "No order at work" in cells.text() and "Orders at work" not in cells.text()


def test_screen_as_a_page_escapes_its_text_and_keeps_its_colours() -> None:
    """What a program prints is text, and red stays red."""
    cells = Cells(20, 2)
    cells.feed("\x1b[1;31m<b>&\x1b[0m x")
    html = cells.html("<title>")
    assert "&lt;b&gt;&amp;" in html and "<b>" not in html and "&lt;title&gt;" in html
    assert 'style="color:#ff7b72;font-weight:700">&lt;b&gt;&amp;</span>' in html


def test_program_on_a_screen_is_seen_while_it_runs_and_gives_its_exit_code() -> None:
    """It believes that it has a terminal of that size; an escape sequence cut in two by the pipe is read whole."""
    program = (
        "import os, sys, time; print(os.get_terminal_size()); sys.stdout.write('\\x1b[3'); sys.stdout.flush(); "
        "time.sleep(0.05); sys.stdout.write('1mred\\n'); sys.exit(7)"
    )
    seen: Seen = []
    cells = Cells(60, 4)
    code = watch(
        [sys.executable, "-c", program], cells, environ=os.environ, look=lambda now: seen.append(now.text()),
        seconds_max=30,
    )
    assert code == 7
    assert "columns=60, lines=4" in seen[-1]
    assert seen[-1].split("\n")[1] == "red"


def test_program_that_does_not_end_is_ended() -> None:
    """A picture is no reason to wait for ever."""
    with pytest.raises(RuntimeError, match=r"is not done after 0\.2 s"):
        watch(
            [sys.executable, "-c", "import time; time.sleep(60)"], Cells(10, 2), environ=os.environ,
            look=lambda _: None, seconds_max=0.2,
        )
