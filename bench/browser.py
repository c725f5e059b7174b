"""A browser without a window, for pictures of our pages and for asking what a page does when it is really opened.

It is spoken to in the DevTools protocol over two pipes: JSON messages, each ended by a zero byte. No port is opened,
and its profile is a folder that goes with it. Only local files are opened.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

BROWSER_VARIABLE = "PENSTOCK_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
ANSWER_SECONDS = 60                  # a busy machine takes ten to draw a report of 5 MB
_CHUNK = 1 << 16


class NoBrowser(Exception):
    """There is no browser on this machine that could be asked, or it does not start."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What a page is looked at on: CSS pixels, device pixels per CSS pixel, ``light`` or ``dark``."""

    width: int
    height: int
    scheme: str = "light"
    scale: float = 1.0
    is_touch: bool = False


def find_browser() -> str:
    """Return the path of a Chromium; raises NoBrowser where there is none."""
    asked = os.environ.get(BROWSER_VARIABLE)
    found = [shutil.which(name) for name in ([asked] if asked else NAMES)]
    path = next((each for each in found if each), None)
    if path is None:
        looked = asked or ", ".join(NAMES)
        raise NoBrowser(
            f"browser: none is installed, was looked for as {looked}; install Chromium, or name one in "
            f"${BROWSER_VARIABLE}"
        )
    return path


class Browser:
    """One browser process with one page."""

    def __init__(self) -> None:
        self._path = find_browser()
        self._count = 0
        self._left = b""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Browser:
        self._profile = tempfile.TemporaryDirectory(prefix="browser", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # the protocol is spoken on the descriptors 3 and 4, whatever numbers the pipes have here
        command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "browser", self._path, *self._flags(), "about:blank"],
            pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
            self._session = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.ask(f"{domain}.enable")
        except (RuntimeError, OSError) as error:
            self._end()
            raise NoBrowser(f"browser: {self._path} does not start, was {error}; start it by hand to see") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()

    def _flags(self) -> list[str]:
        flags = [
            "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self._profile.name}", "--no-first-run",
            "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--font-render-hinting=none",
            "--force-color-profile=srgb", "--disable-background-networking", "--disable-component-update",
        ]
        return [*flags, "--no-sandbox"] if os.geteuid() == 0 else flags      # it refuses to start as root with one

    # What it can be asked ---------------------------------------------------------------------------------

    def look_at(self, page: Path, screen: Screen) -> None:
        """Open a local file on a screen and return once it stands still."""
        self.ask("Emulation.setDeviceMetricsOverride", {
            "width": screen.width, "height": screen.height, "deviceScaleFactor": screen.scale,
            "mobile": screen.is_touch,
        })
        self.ask("Emulation.setTouchEmulationEnabled", {"enabled": screen.is_touch})
        self.ask("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": screen.scheme}],
        })
        self.events.clear()
        self.ask("Page.navigate", {"url": page.resolve().as_uri()})
        self._until("Page.loadEventFired")
        # two frames: charts are drawn after the page is loaded, and once more when they know their size
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")

    def picture(self, *, is_whole_page: bool = False, clip_height: int | None = None) -> bytes:
        """Return what is seen as PNG, or the whole page, as far down as ``clip_height`` CSS pixels."""
        asked: dict[str, Any] = {"format": "png", "captureBeyondViewport": is_whole_page}
        if is_whole_page:
            size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
            height = min(size["height"], clip_height or size["height"])
            asked["clip"] = {"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1}
        return base64.b64decode(self.ask("Page.captureScreenshot", asked)["data"])

    def printed(self) -> bytes:
        """Return the page as a PDF of A4 sheets."""
        found = self.ask("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": False})
        return base64.b64decode(found["data"])

    def evaluate(self, expression: str) -> Any:
        """Return what an expression of JavaScript is on the page, waiting for it when it is a promise."""
        found = self.ask("Runtime.evaluate", {
            "expression": expression, "awaitPromise": True, "returnByValue": True,
        })
        if "exceptionDetails" in found:
            raise RuntimeError(f"page: {expression!r} failed, was {found['exceptionDetails']}")
        return found["result"].get("value")

    def requested(self) -> list[str]:
        """Return every address that the page has asked for since it was opened, itself first."""
        return [event["params"]["request"]["url"] for event in self._of("Network.requestWillBeSent")]

    def complaints(self) -> list[str]:
        """Return what the page's scripts failed at, and what the browser logged of it."""
        failed = [str(event["params"]["exceptionDetails"]) for event in self._of("Runtime.exceptionThrown")]
        return failed + [str(event["params"]["entry"]["text"]) for event in self._of("Log.entryAdded")]

    def _of(self, method: str) -> list[dict[str, Any]]:
        self.evaluate("0")                   # what was sent before the answer is heard by now
        return [event for event in self.events if event["method"] == method]

    # The wire ---------------------------------------------------------------------------------------------

    def ask(self, method: str, asked: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the page one thing and return the answer."""
        return self._ask(method, asked or {}, session=self._session)

    def _ask(self, method: str, asked: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": asked}
        if session is not None:
            message["sessionId"] = session
        left = json.dumps(message).encode() + b"\0"
        while left:
            left = left[os.write(self._out, left):]
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            heard = self._hear(until)
            if heard.get("id") == self._count:
                if "error" in heard:
                    raise RuntimeError(f"browser: {method} failed, was {heard['error']}")
                return dict(heard["result"])
            if "method" in heard:
                self.events.append(heard)

    def _until(self, method: str) -> None:
        until = time.monotonic() + ANSWER_SECONDS
        while not any(event["method"] == method for event in self.events):
            self.events.append(self._hear(until))

    def _hear(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._in], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise RuntimeError(f"browser: did not answer in {ANSWER_SECONDS} s; try again, or close other programs")
            chunk = os.read(self._in, _CHUNK)
            if not chunk:
                raise RuntimeError(f"browser: {self._path} ended by itself; start it by hand to see why")
            self._left += chunk
        message, _, self._left = self._left.partition(b"\0")
        return dict(json.loads(message))
