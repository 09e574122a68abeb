"""The load test, against a server that answers at once: what is counted, and that it ends."""

import importlib.util
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "serving.py"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="about a checkout")


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_serving", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def port() -> Iterator[int]:
    """A server that answers every fifth request with 503 and the others with 200."""
    numbers = count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200 if next(numbers) % 5 else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("clients", [1, 4])
def test_it_ends_after_its_requests_and_counts_them(bench: ModuleType, port: int, clients: int) -> None:
    load = bench.Load("batching", clients)
    for _ in range(2):  # rounds add up
        bench.put_under_load(load, port, [b"{}"], 3600.0, 50)
    figures = load.figures()
    assert figures["requests"] == 100
    assert figures["refused"] == 0.2
    assert figures["failed"] == 0
    assert len(load.latencies) == 80
    assert 0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"]


def test_it_ends_after_its_time(bench: ModuleType, port: int) -> None:
    load = bench.Load("batching", 2)
    bench.put_under_load(load, port, [b"{}"], 0.05, 10**9)
    assert load.requests >= 1  # of one of the clients at least: on a busy machine the other may begin too late


def test_percentiles_and_table(bench: ModuleType) -> None:
    load = bench.Load("alone", 4, seconds=2.0, requests=101, latencies=[place / 1000 for place in range(101)])
    figures = load.figures()
    assert figures["requests_per_second"] == 50.5
    assert figures["p50_ms"] == pytest.approx(50)
    assert figures["p99_ms"] == pytest.approx(99)
    assert "| 4 | alone | 50.5 | 50 ms | 95 ms | 99 ms | 0.0% |" in bench.table([figures])
    json.dumps(figures)
