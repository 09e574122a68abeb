"""A headless Chromium, driven by its DevTools protocol over one socket per tab: no driver program to fit its version.

Run by itself it takes the picture of the README, of `redheart demo` at an address:

    redheart demo --port 7860 &
    python tests/demo/browser.py http://127.0.0.1:7860 docs/images/demo.png
"""

import argparse
import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from websocket import WebSocketTimeoutException, create_connection

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)


class Tab:
    """One page. requests: the address of everything that it asked for; errors: exceptions of its scripts."""

    def __init__(self, address: str, language: str, width: int, height: int, dark: bool) -> None:
        self._socket = create_connection(address, timeout=180, suppress_origin=True)
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Network"):
            self.send(f"{domain}.enable")
        agent = self.run("navigator.userAgent")
        self.send("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.resize(width, height)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol. Raises `RuntimeError` when it fails."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(message["params"]["exceptionDetails"])[:500])

    def listen(self, seconds: float) -> None:
        """Take in what the page does for so long."""
        self._socket.settimeout(seconds)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self._note(json.loads(self._socket.recv()))
            except WebSocketTimeoutException:
                break
        self._socket.settimeout(180)

    def resize(self, width: int, height: int) -> None:
        """Make the window so large."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def go(self, address: str) -> None:
        """Open a page and wait until it can be used."""
        self.send("Page.navigate", url=address)
        self.wait("document.querySelector('#text textarea')?.placeholder && document.querySelector('.rh.message')")

    def run(self, script: str) -> Any:
        """The value of a script. Raises `RuntimeError` when it throws."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 180) -> None:
        """Wait until a script gives something true. Raises `TimeoutError` after so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(f"Boolean({script})"):
                return
            self.listen(0.1)
        raise TimeoutError(f"{script} was not true in {seconds} s; the page says {self.text('body')[:600]!r}.")

    def click(self, selector: str) -> None:
        """Click the first element of a CSS selector."""
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def type(self, text: str) -> None:
        """Replace the text of the page's text field, as a keyboard would."""
        self.run("(() => { const field = document.querySelector('#text textarea'); field.focus(); field.select(); })()")
        self.send("Input.insertText", text=text) if text else self.run("document.execCommand('delete')")

    def text(self, selector: str) -> str:
        """The visible text of an element; empty where there is none."""
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''") or ""

    def picture(self, path: Path, height: int | None = None) -> None:
        """Save the page as PNG: all of it, or its first ``height`` pixels."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        self.resize(round(size["width"]), round(clip["height"]))
        self.listen(0.5)
        shot = self.send("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """Close the page. Each holds a connection to Gradio open, and a browser opens six to one address at most."""
        self.send("Page.close")
        self._socket.close()


class Browser:
    """The program, with an empty profile of its own; a context manager."""

    def __enter__(self) -> "Browser":
        if CHROMIUM is None:
            raise FileNotFoundError("There is no Chromium; on Debian: apt-get install chromium.")
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        command = [CHROMIUM, *_FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        written, end = Path(self._profile.name, "DevToolsActivePort"), time.monotonic() + 180
        while not (written.is_file() and written.read_text().strip()):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{CHROMIUM} did not start (exit status {self._process.poll()}).")
            time.sleep(0.1)
        self._port = int(written.read_text().split()[0])
        return self

    def open(self, address: str, language: str = "en", width: int = 1280, height: int = 900, dark: bool = False) -> Tab:
        """A new tab with the page at an address."""
        asked = urllib.request.Request(f"http://127.0.0.1:{self._port}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(asked) as answer:
            socket = json.load(answer)["webSocketDebuggerUrl"]
        tab = Tab(socket, language, width, height, dark)
        tab.go(address)
        return tab

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        self._profile.cleanup()


def main() -> None:
    """The command line: read an example and save the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--example", type=int, default=0, help="which of the page's examples, from 0")
    parser.add_argument("--language", default="en")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, help="of the picture; all of the page by default")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--words", action="store_true", help="also read again without each word")
    args = parser.parse_args()
    with Browser() as browser:
        tab = browser.open(args.address, args.language, args.width, dark=args.dark)
        tab.run(f"document.querySelectorAll('button.sample')[{args.example}].click()")
        tab.wait("document.querySelector('#cards .card')")
        if args.words:
            tab.click("#effects-button")
            tab.wait("document.querySelector('.rh.effects')")
        tab.listen(1)
        tab.picture(args.picture, args.height)


if __name__ == "__main__":
    main()
