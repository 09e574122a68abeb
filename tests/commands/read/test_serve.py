"""`redheart serve` as a process: it answers, stops in order, logs no text, and reports each error in one line."""

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import IO

import httpx2
import pytest
from typer.testing import CliRunner

from redheart.cli import main
from redheart.configuration.extras import pip_argument

from ...fixtures.processes import REDHEART, environment

SECRET = "xylophone"
PATIENCE = 120.0

Start = subprocess.Popen[str]


def start(*arguments: object) -> Start:
    """The command in a process of its own."""
    command = [*REDHEART, "serve", "--port", "0", *map(str, arguments)]
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def server(checkpoint: Path) -> Iterator[Start]:
    """A server of the tiny checkpoint that reads only full batches of two, or after an hour."""
    process = start("--model", checkpoint, "--batch", 2, "--batch-wait", 3600, "--deadline", PATIENCE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(lines: IO[str], words: str) -> str:
    """What is written up to the line that has ``words``, with it."""
    written = ""
    for line in lines:
        written += line
        if words in line:
            return written
    raise AssertionError(f"{words!r} did not come: {written}")


def wait_until(happens: Callable[[], bool]) -> None:
    """Ask every few milliseconds, and fail where the answer stays no."""
    end = monotonic() + PATIENCE
    while not happens():
        assert monotonic() < end, f"it did not happen in {PATIENCE:.0f} s"
        sleep(0.02)


def accepts(address: str) -> bool:
    try:
        httpx2.get(f"{address}/health", timeout=PATIENCE)
    except httpx2.TransportError:
        return False
    return True


@pytest.mark.slow
def test_it_answers_logs_no_text_and_finishes_what_it_accepted(server: Start) -> None:
    assert server.stdout is not None
    assert server.stderr is not None
    address = server.stdout.readline().strip()
    log = until(server.stderr, "is ready")
    with httpx2.Client(base_url=address, timeout=PATIENCE) as client:
        answer = client.post("/read", json={"texts": [f"my {SECRET}", "her piano"], "outputs": ["verdict"]})
        assert [reading["text"] for reading in answer.json()["readings"]] == [f"my {SECRET}", "her piano"]
        assert client.post(f"/read?q={SECRET}", json={"text": SECRET, "depth": SECRET}).status_code == 422
        assert client.post("/read", content=b"a" * 2_000_000).status_code == 413
        assert client.post("/read", content=iter([b"a" * 100_000] * 20)).status_code == 413  # of unknown length

        half = HTTPConnection(address.removeprefix("http://"), timeout=PATIENCE)
        body = json.dumps({"text": "his drum"}).encode()
        half.putrequest("POST", "/read")
        half.putheader("Content-Type", "application/json")
        half.putheader("Content-Length", str(len(body)))
        half.endheaders(body[:5])
        waiting: list[httpx2.Response] = []
        thread = Thread(target=lambda: waiting.append(client.post("/read", json={"text": f"a {SECRET}"})))
        thread.start()  # it waits for a second text
        wait_until(lambda: "redheart_waiting_texts 1.0" in httpx2.get(f"{address}/metrics", timeout=PATIENCE).text)
        server.send_signal(signal.SIGTERM)
        wait_until(lambda: not accepts(address))
        half.send(body[5:])
        assert half.getresponse().status == 200
        thread.join(PATIENCE)
        assert waiting[0].json()["readings"][0]["text"] == f"a {SECRET}"
    _, rest = server.communicate(timeout=PATIENCE)
    assert server.returncode == 0
    log += rest
    assert "POST /read 200" in log
    assert "POST /read 413" in log
    assert SECRET not in log


def test_a_model_that_fails_to_load_ends_the_server(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "redheart"}))
    result = CliRunner().invoke(main, ["serve", "--port", "0", "--model", str(tmp_path)])
    logging.getLogger("redheart.serving").setLevel(logging.NOTSET)  # the command has set it
    assert result.exit_code == 1
    assert result.stdout == ""  # no address, since no server answers there
    assert "error: " in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--model", "redheart-100"), 1, "did you mean 'redheart-100m'?"),
        (("--model", "redheart-730m"), 1, "redheart create redheart-730m"),
        (("--texts", "99", "--queue", "9"), 2, "would never fit"),
        (("--deadline", "0"), 2, "`deadline` must be above 0"),
        (("--host", "192.0.2.1", "--port", "0"), 1, "name another --host or --port"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], status: int, words: str) -> None:
    result = CliRunner().invoke(main, ["serve", *arguments])
    assert result.exit_code == status
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 1
    assert result.stderr == f"error: `redheart serve` needs uvicorn: pip install {pip_argument('serve')}\n"


def test_help_has_examples() -> None:
    result = CliRunner().invoke(main, ["serve", "--help"])
    assert result.exit_code == 0
    assert "redheart serve --model" in result.stdout
