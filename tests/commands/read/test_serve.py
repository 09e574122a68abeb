"""The command `redheart serve`: who gets in by default, and how it stops."""

import json
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from redheart.cli import main
from redheart.client import Client
from redheart.serving.keys import VARIABLE

from ...fixtures.processes import REDHEART, environment

KEY = "xylophone-xylophone"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "example.org"])
def test_other_machines_need_a_key(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    result = CliRunner().invoke(main, ["serve", "--host", host])
    assert result.exit_code == 2
    for word in ("API keys", "--keys FILE", VARIABLE, "--no-auth"):
        assert word in " ".join(result.stderr.split())


def test_files_of_keys_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(f'[web]\nkey = "{KEY}"\ntexts_per_minute = 5\n', encoding="utf-8")
    for arguments, status, words in (
        ([str(tmp_path)], 1, "cannot be read"),
        ([str(path), "--no-auth"], 2, "leave one of them out"),
        ([str(path)], 1, "fewer than a request may have"),
    ):
        result = CliRunner().invoke(main, ["serve", "--keys", *arguments])
        assert result.exit_code == status
        assert words in " ".join(result.stderr.split())
        assert KEY not in result.stderr


@pytest.mark.slow
def test_what_runs_at_sigterm_is_answered(checkpoint: Path) -> None:
    """A request that has begun is answered whole; then the process ends with status 0; its log has no texts."""
    command = [*REDHEART, "serve", "--model", str(checkpoint), "--port", "0", "--log", "json"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(**{VARIABLE: KEY}), **pipes) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        texts = [f"xylophone {number}: I told her secret. " + "Then I was sorry. " * 60 for number in range(32)]
        found: list[str] = []

        def ask() -> None:
            with Client(address, KEY, retries=0) as client:
                client.limits()
                started.set()
                found.extend(reading.text for reading in client.read_all(texts))

        started = threading.Event()
        thread = threading.Thread(target=ask)
        thread.start()
        assert started.wait(60)
        with Client(address, KEY) as client:
            while (
                client._connections.exchange("GET", "/metrics", None, client._headers).body.find(
                    b"redheart_running_requests 2.0"
                )
                < 0
            ):
                assert thread.is_alive()
        process.send_signal(signal.SIGTERM)
        thread.join(60)
        assert found == texts
        assert process.wait(60) == 0
        assert process.stderr is not None
        log = process.stderr.read()
    lines = [json.loads(line) for line in log.splitlines()]
    [read] = [line for line in lines if line.get("path") == "/read"]
    assert (read["status"], read["texts"], read["key"]) == (200, 32, "environment")
    assert "xylophone" not in log
