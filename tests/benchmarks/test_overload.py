"""The load test at twice the capacity, against a server that answers, refuses or drops as it is told."""

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "overload.py"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="about a checkout")

READINGS, REFUSAL = (200, {}, b'{"readings": []}'), (503, {"Retry-After": "1"}, b"{}")


@pytest.fixture
def overload(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("bench_overload", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "bench_overload", module)  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


@contextmanager
def answering(answer: Callable[[int], Any]) -> Iterator[int]:
    """A server that gives each request its answer by number; None drops the connection."""
    numbers = count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            given = answer(next(numbers))
            if given is None:
                self.close_connection = True
                return
            self._send(*given)

        def do_GET(self) -> None:
            self._send(200, {}, b"process_resident_memory_bytes 1.048576e+06\n")

        def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def seen(overload: ModuleType, answer: Callable[[int], Any], requests: int) -> dict[str, Any]:
    async def run(port: int) -> Any:
        return await overload.put_under_load(overload.Clients(port), [b"{}"], requests, 1000.0)

    with answering(answer) as port:
        found: dict[str, Any] = overload.figures(asyncio.run(run(port)), requests)
    return found


def test_answers_and_refusals_are_counted(overload: ModuleType) -> None:
    found = seen(overload, lambda number: READINGS if number % 4 else REFUSAL, 80)
    assert (found["answered"], found["refused"], found["failed"], found["lost"]) == (60, 20, {}, {})
    assert found["memory_mib"] == [1.0] * 41
    assert found["memory_growth"] == 0


def test_what_is_dropped_is_lost_and_a_refusal_without_retry_after_has_failed(overload: ModuleType) -> None:
    wrong = [None, (503, {}, b""), (500, {}, b""), (200, {}, b"{}")]
    found = seen(overload, lambda number: wrong[number] if number < 4 else READINGS, 40)
    assert found["answered"] == 36
    assert sum(found["lost"].values()) == 1
    assert found["failed"] == {"503": 1, "500": 1, "200": 1}


def test_the_capacity_is_what_is_answered(overload: ModuleType) -> None:
    async def run(port: int, seconds: float) -> float:
        rate: float = await overload.capacity(overload.Clients(port), [b"{}"], 2, seconds)
        return rate

    for answer, some in ((READINGS, True), (REFUSAL, False)):
        with answering(lambda _, answer=answer: answer) as port:  # type: ignore[misc]
            assert (asyncio.run(run(port, 0.1)) > 0) == some
