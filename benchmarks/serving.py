"""Load test of `redheart serve` on this machine: throughput and latency, with batching and without.

    python benchmarks/serving.py --rounds 3 --seconds 20 --json docs/results/serving.json

Starts two servers of the same model, one that batches and one that reads each text alone (`--batch 1`). In every round
each of them in turn serves 1, 4 and 16 clients, so that a busy machine disturbs both alike; the other server waits. A
client sends its next request when it has the answer to the last one. The clients are threads of one process that shares
the cores with the servers. Time and number of requests are limited, and only the loopback address is used.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection
from itertools import count, cycle, islice
from pathlib import Path
from statistics import quantiles
from threading import Lock
from typing import Any

import redheart
from redheart.benchmarking.sizes import SENTENCES
from redheart.configuration.shipped import DEFAULT_MODEL

CODE = "from redheart.cli import main; main()"
BATCHING, ALONE = "batching", "alone"
START_SECONDS = 120.0
HOST = "127.0.0.1"


@dataclass
class Load:
    """Measurements of one server with one number of clients, over all rounds.

    Attributes:
        server: `BATCHING` or `ALONE`.
        clients: Number of clients.
        seconds: Duration of all rounds together.
        requests: Number of requests.
        refused: Requests that were answered with 503.
        failed: Requests that were answered with any other error.
        latencies: Seconds of each answered request.
    """

    server: str
    clients: int
    seconds: float = 0.0
    requests: int = 0
    refused: int = 0
    failed: int = 0
    latencies: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return requests per second, percentiles of the latency in milliseconds, and the shares of errors."""
        answered = len(self.latencies)
        cuts = quantiles(self.latencies, n=100, method="inclusive") if answered > 1 else [float("nan")] * 99
        return {
            "server": self.server,
            "clients": self.clients,
            "requests": self.requests,
            "requests_per_second": answered / self.seconds,
            "p50_ms": 1000 * cuts[49],
            "p95_ms": 1000 * cuts[94],
            "p99_ms": 1000 * cuts[98],
            "refused": self.refused / self.requests,
            "failed": self.failed / self.requests,
        }


@contextmanager
def server(options: argparse.Namespace, batch: int) -> Iterator[int]:
    """Run a server in another process.

    Args:
        options: Of the command line.
        batch: Maximum texts of a batch.

    Yields:
        The port, once the model is ready.

    Raises:
        RuntimeError: When the server ends, or is not ready in time.
    """
    source = str(Path(redheart.__file__).parents[1])
    paths = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    limits = ["--batch", str(batch), "--queue", str(options.queue), "--batch-wait", str(options.batch_wait)]
    limits += ["--texts", "1"]  # a queue shorter than the longest request is refused
    command = [sys.executable, "-c", CODE, "serve", "--model", options.model, "--host", HOST, "--port", "0", *limits]
    command += ["--threads", str(options.threads)]
    process = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": str(options.threads)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            raise RuntimeError(f"The server ended with {process.wait()}; see why with: redheart serve {options.model}")
        port = int(address.rpartition(":")[2])
        until = time.monotonic() + START_SECONDS
        while ask(HTTPConnection(HOST, port, timeout=START_SECONDS), "GET", "/ready") != 200:
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError(f"The server was not ready within {START_SECONDS:g} s.")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def ask(connection: HTTPConnection, method: str, path: str, body: bytes | None = None) -> int:
    """Send a request, read the whole answer, and return its status."""
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def put_under_load(load: Load, port: int, bodies: list[bytes], seconds: float, requests: int) -> None:
    """Send requests from ``load.clients`` clients until the time is over or ``requests`` are sent.

    Args:
        load: Where the measurements are added.
        port: Of the server.
        bodies: Of the requests, in turn.
        seconds: Maximum time.
        requests: Maximum number of requests.
    """
    tickets, lock = count(), Lock()
    start = time.perf_counter()

    def client(number: int) -> None:
        connection = HTTPConnection(HOST, port, timeout=START_SECONDS)
        for body in islice(cycle(bodies), number, None):
            begin = time.perf_counter()
            if begin - start >= seconds or next(tickets) >= requests:
                break
            status = ask(connection, "POST", "/read", body)
            took = time.perf_counter() - begin
            with lock:
                load.requests += 1
                load.refused += status == 503
                load.failed += status not in (200, 503)
                if status == 200:
                    load.latencies.append(took)
        connection.close()

    with ThreadPoolExecutor(load.clients) as clients:
        list(clients.map(client, range(load.clients)))
    load.seconds += time.perf_counter() - start


def measure(options: argparse.Namespace) -> list[Load]:
    """Measure both servers with each number of clients."""
    given = {"outputs": options.output} if options.output else {}
    bodies = [json.dumps({"text": text, **given}).encode() for text in SENTENCES]
    loads = [Load(name, clients) for clients in options.clients for name in (BATCHING, ALONE)]
    with ExitStack() as stack:
        ports = {
            BATCHING: stack.enter_context(server(options, options.batch)),
            ALONE: stack.enter_context(server(options, 1)),
        }
        for port in ports.values():  # so that the setup of the first requests is not measured
            put_under_load(Load("warm-up", 4), port, bodies, options.seconds, 4 * len(bodies))
        for turn in range(options.rounds):
            for load in loads:
                print(f"round {turn + 1}: {load.server}, {load.clients} clients", file=sys.stderr)
                put_under_load(load, ports[load.server], bodies, options.seconds, options.requests)
    return loads


def add_server_options(parser: argparse.ArgumentParser, queue: int, threads: int) -> None:
    """Add the options of `server`; ``queue`` and ``threads`` are defaults."""
    parser.add_argument("--batch", type=int, default=16, help="maximum texts of a batch of the batching server")
    parser.add_argument("--batch-wait", type=float, default=0.005, help="maximum seconds that a text waits for others")
    parser.add_argument("--queue", type=int, default=queue, help="maximum texts that may wait")
    parser.add_argument("--threads", type=int, default=threads, help="threads of each server")
    parser.add_argument("--json", type=Path, help="also write all results to this file")


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the options."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "redheart": redheart.__version__,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| clients | server | requests/s | p50 | p95 | p99 | refused |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        times = " | ".join(f"{row[name]:,.0f} ms" for name in ("p50_ms", "p95_ms", "p99_ms"))
        speed = f"{row['requests_per_second']:.1f}"
        lines.append(f"| {row['clients']} | {row['server']} | {speed} | {times} | {row['refused']:.1%} |")
    return "\n".join(lines)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default=DEFAULT_MODEL, help="model that both servers read with")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16], help="numbers of clients")
    parser.add_argument("--rounds", type=int, default=3, help="rounds over all loads")
    parser.add_argument("--seconds", type=float, default=20.0, help="maximum seconds of each load")
    parser.add_argument("--requests", type=int, default=2000, help="maximum requests of each load")
    parser.add_argument("--output", action="append", help="ask only for this output; repeatable; all by default")
    add_server_options(parser, queue=256, threads=2)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers also end
    before = os.getloadavg()[0]
    loads = measure(options)
    rows = [load.figures() for load in loads]
    print(table(rows))
    if options.json is not None:
        setting = {name: value for name, value in vars(options).items() if name != "json"}
        facts = {**machine(), "load_average": before}
        report = {"setting": setting, "machine": facts, "loads": rows, "raw": [asdict(load) for load in loads]}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
