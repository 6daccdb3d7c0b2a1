"""Headless Chromium, driven over its DevTools protocol on a pair of pipes; it can reach no host."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.waiting import HANG_S

# The same names as in tests/peers/browser.sh.
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_LEAST_FD = 10
# Chromium reads commands from descriptor 3 and answers on 4; the pipes are moved there between fork and exec.
_LAUNCHER = (
    "import os,sys; os.dup2(int(sys.argv[1]),3); os.dup2(int(sys.argv[2]),4); os.execvp(sys.argv[3],sys.argv[3:])"
)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)


class Page:
    """One open page: what it asked for, what it complained about, and what it says when asked."""

    def __init__(self, browser: "Browser") -> None:
        self._browser = browser
        target = browser.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = browser.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, params: dict | None = None) -> dict:
        return self._browser.call(method, params or {}, self._session)

    def open(self, file: Path) -> None:
        """Returns when the page and everything in it is loaded."""
        self.call("Page.navigate", {"url": file.as_uri()})
        self._browser.wait_for_event("Page.loadEventFired", self._session)

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        """light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", {"features": features})

    def evaluate(self, expression: str) -> object:
        """The value of an expression; a promise is awaited. Raises RuntimeError where it throws."""
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = self.call("Runtime.evaluate", asked)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Until a condition in the page holds."""
        self.evaluate(
            "new Promise((done, fail) => { const from = Date.now(); const look = () => "
            f"({condition}) ? done() : Date.now() - from > {HANG_S * 1000:.0f} "
            f"? fail({json.dumps('never: ' + condition)}) : setTimeout(look, 50); look(); }})"
        )

    def screenshot(self, file: Path) -> None:
        """The whole page, not only what the window shows."""
        picture = self.call("Page.captureScreenshot", {"captureBeyondViewport": True})["data"]
        file.write_bytes(base64.b64decode(picture))

    def requests(self) -> list[str]:
        """Addresses that the page asked for, without those that stay within it."""
        asked = [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]
        return [url for url in asked if not url.startswith(("data:", "blob:", "about:"))]

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, and exceptions."""
        logged = [event["entry"] for event in self._events("Log.entryAdded")]
        return [
            *(entry["text"] for entry in logged if entry["level"] in ("error", "warning")),
            *(
                json.dumps(event["args"])
                for event in self._events("Runtime.consoleAPICalled")
                if event["type"] in ("error", "warning", "assert")
            ),
            *(json.dumps(event["exceptionDetails"]) for event in self._events("Runtime.exceptionThrown")),
        ]

    def _events(self, method: str) -> list[dict]:
        return [
            event["params"]
            for event in self._browser.events
            if event["method"] == method and event.get("sessionId") == self._session
        ]


class Browser:
    """A running Chromium."""

    def __init__(self, program: str, profile: Path) -> None:
        to_browser, self._commands = _pipe()
        self._answers, from_browser = _pipe()
        self.events: list[dict] = []
        self._buffer = b""
        self._next_id = 0
        launcher = [sys.executable, "-c", _LAUNCHER, str(to_browser), str(from_browser)]
        self._process = subprocess.Popen(
            [*launcher, program, *_FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)

    def call(self, method: str, params: dict, session: str | None = None) -> dict:
        """A command and its answer; events that come before it are kept."""
        self._next_id += 1
        command = {"id": self._next_id, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self._read()
            if message.get("id") == self._next_id:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def wait_for_event(self, method: str, session: str) -> None:
        """Until the page has told of an event, now or before."""
        while not any(event["method"] == method and event.get("sessionId") == session for event in self.events):
            message = self._read()
            if "method" in message:
                self.events.append(message)

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=HANG_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._commands)
        os.close(self._answers)

    def _read(self) -> dict:
        while b"\0" not in self._buffer:
            part = os.read(self._answers, 1 << 16)
            if not part:
                raise RuntimeError("chromium has ended")
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(line)


@contextmanager
def running_browser(profile: Path) -> Iterator[Browser]:
    """A browser; skips with a reason where there is none, which under CI is a failure."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        reason = "no browser: sh tests/peers/browser.sh says why"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    browser = Browser(program, profile)
    try:
        yield browser
    finally:
        browser.close()


def _pipe() -> tuple[int, int]:
    """Above the descriptors that the launcher overwrites."""
    ends = os.pipe()
    moved = []
    for end in ends:
        copies = [os.dup(end)]
        while copies[-1] < _LEAST_FD:
            copies.append(os.dup(end))
        for extra in (end, *copies[:-1]):
            os.close(extra)
        moved.append(copies[-1])
    return moved[0], moved[1]
