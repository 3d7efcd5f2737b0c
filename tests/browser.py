"""A headless Chromium without a network, spoken to over a pipe (the DevTools protocol); needs no package."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio", "--no-first-run",
    "--autoplay-policy=no-user-gesture-required", "--window-size=1500,950", OFFLINE, "--remote-debugging-pipe",
)  # fmt: skip


def find_browser() -> str | None:
    """The browser's executable, where there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page. A context manager.

    Args:
        executable: of Chromium.
        profile: an empty folder.
    """

    def __init__(self, executable: str, profile: Path) -> None:
        reads, self._to = os.pipe()
        self._from, writes = os.pipe()
        # Chromium reads commands from 3 and writes to 4; the shell puts the pipes there.
        call = f'exec "$@" 3<&{reads} 4>&{writes}'
        args = [executable, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", call, "bash", *args], pass_fds=(reads, writes), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(reads)
        os.close(writes)
        self._left, self._number = b"", 0
        self.requests: list[str] = []
        """Addresses that pages asked for, but files and data."""
        self.faults: list[str] = []
        """Errors of the pages' scripts."""

    def __enter__(self) -> Self:
        targets = self._send("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self._send("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self._send(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._to)
        os.close(self._from)
        self._process.terminate()
        self._process.wait(20)

    _session: str | None = None

    def _send(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            part = os.read(self._from, 2**16)
            assert part, "the browser has ended"
            self._left += part
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
            if not url.startswith(("file:", "data:", "about:", "blob:")):
                self.requests.append(url)
        elif event.get("method") == "Runtime.exceptionThrown":
            self.faults.append(json.dumps(event["params"]["exceptionDetails"])[:500])

    def open(self, path: Path) -> None:
        """Open a file and wait until it is loaded."""
        self._send("Page.navigate", url=path.absolute().as_uri())
        wait_for(lambda: self.run("document.readyState") == "complete")

    def run(self, script: str, frame: str | None = None) -> Any:
        """The value of a script in the page, or in a frame of it."""
        where = {}
        if frame is not None:
            world = self._send("Page.createIsolatedWorld", frameId=frame)
            where = {"contextId": world["executionContextId"]}
        answer = self._send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, **where)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def frame(self) -> str:
        """The page's only frame inside."""
        (child,) = self._send("Page.getFrameTree")["frameTree"]["childFrames"]
        return child["frame"]["id"]

    def screenshot(self, path: Path) -> None:
        """Save what is to be seen as a PNG."""
        path.write_bytes(base64.b64decode(self._send("Page.captureScreenshot")["data"]))


def wait_for(ready: Callable[[], Any], seconds: float = 20) -> Any:
    """The first value that is true."""
    ends = time.monotonic() + seconds
    while not (value := ready()):
        assert time.monotonic() < ends, "nothing came"
        time.sleep(0.05)
    return value


@contextmanager
def opened(page: Path, folder: Path) -> Iterator[Browser]:
    """A browser with a page open; skips the test where there is no Chromium. Its profile lies in the folder."""
    executable = find_browser()
    if executable is None:
        pytest.skip(f"there is no Chromium here to open {page.name} in")
    profile = folder / "profile"
    profile.mkdir()
    with Browser(executable, profile) as browser:
        browser.open(page)
        yield browser
