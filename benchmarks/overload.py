"""Load test of `redheart serve` on this machine at twice its capacity: is a request lost, and does memory grow?

    python benchmarks/overload.py --json docs/results/serving-overload.json

First it measures how many requests per second the server answers when clients wait for their answers. Then it sends the
requests at `--factor` times that rate, whether the server keeps up or not, as many independent clients would. Each
must be answered: with readings, or with 503 and Retry-After. The server's own /metrics says how much memory it has.
Only the loopback address is used, and the model is the smallest, with random weights.
"""

import argparse
import asyncio
import json
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving import HOST, add_server_options, machine, server

from redheart.benchmarking.sizes import SENTENCES
from redheart.storage.create import create_checkpoint

PATIENCE = 120.0  # seconds until a request without an answer counts as lost
MEMORY = "process_resident_memory_bytes "
SAMPLES = 40  # of memory, over the whole run


@dataclass
class Seen:
    """What became of the requests.

    Attributes:
        answered: 200, with readings.
        refused: 503 with Retry-After.
        failed: Any other answer.
        lost: No whole answer.
        latencies: Seconds of each that was answered with 200.
        refusals: Seconds of each that was refused.
        memory: Bytes of the server, from the first request to the last.
    """

    answered: int = 0
    refused: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def note(self, status: int, headers: dict[str, str], content: bytes, seconds: float) -> None:
        """Count an answer."""
        if status == 200 and b'"readings"' in content:
            self.answered += 1
            self.latencies.append(seconds)
        elif status == 503 and headers.get("retry-after", "").isdecimal():
            self.refused += 1
            self.refusals.append(seconds)
        else:
            self.failed[str(status)] += 1


class Clients:
    """Connections that stay open; as many as there are requests at the same time.

    Args:
        port: Of the server.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.opened = 0

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """Send a request and return status, headers and content of its answer."""
        while self.idle:
            reader, writer = self.idle.pop()
            try:
                return await self._ask(reader, writer, method, path, body)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                # The server closes what has been idle for some seconds; then the request was not read.
                if getattr(error, "partial", b""):
                    raise
        self.opened += 1
        return await self._ask(*await asyncio.open_connection(HOST, self.port), method, path, body)

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
            content = await reader.readexactly(int(headers["content-length"]))
        except BaseException:
            writer.close()
            raise
        if headers.get("connection") == "close":
            writer.close()
        else:
            self.idle.append((reader, writer))
        return int(lines[0].split()[1]), headers, content

    async def memory(self) -> float:
        """Bytes of the server, by its own counter."""
        _, _, content = await self.ask("GET", "/metrics")
        return next(float(line[len(MEMORY) :]) for line in content.decode().splitlines() if line.startswith(MEMORY))


async def capacity(clients: Clients, bodies: list[bytes], at_once: int, seconds: float) -> float:
    """Requests per second that the server answers when ``at_once`` clients wait for their answers."""
    end, answered = time.perf_counter() + seconds, 0

    async def client(number: int) -> None:
        nonlocal answered
        while time.perf_counter() < end:
            status, _, _ = await clients.ask("POST", "/read", bodies[number % len(bodies)])
            answered += status == 200

    start = time.perf_counter()
    await asyncio.gather(*map(client, range(at_once)))
    return answered / (time.perf_counter() - start)


async def put_under_load(clients: Clients, bodies: list[bytes], requests: int, rate: float) -> Seen:
    """Send requests at a rate, without waiting for answers.

    Args:
        clients: The connections.
        bodies: Of the requests, in turn.
        requests: How many.
        rate: Requests per second.

    Returns:
        What became of them.
    """
    seen, running = Seen(), set()

    async def one(number: int) -> None:
        begin = time.perf_counter()
        try:
            answer = await asyncio.wait_for(clients.ask("POST", "/read", bodies[number % len(bodies)]), PATIENCE)
        except (OSError, EOFError, TimeoutError) as error:
            seen.lost[type(error).__name__] += 1
        else:
            seen.note(*answer, time.perf_counter() - begin)

    start = time.perf_counter()
    for number in range(requests):
        if number % max(1, requests // SAMPLES) == 0:
            seen.memory.append(await clients.memory())
        if (ahead := start + number / rate - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        elif number % 50 == 0:
            await asyncio.sleep(0)  # so that answers are received, too
        task = asyncio.create_task(one(number))
        running.add(task)
        task.add_done_callback(running.discard)
    sent = time.perf_counter() - start
    await asyncio.gather(*running)
    seen.memory.append(await clients.memory())
    print(f"sent {requests / sent:.0f} requests/s", file=sys.stderr)
    return seen


def figures(seen: Seen, requests: int) -> dict[str, Any]:
    """The shares, times and memory; the memory is compared after the first quarter, when all has been used once."""
    quarter = len(seen.memory) // 4
    before, after = statistics.median(seen.memory[quarter : 2 * quarter]), statistics.median(seen.memory[-quarter:])

    def percentile(seconds: list[float], part: int) -> float | None:
        cuts = statistics.quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else None
        return None if cuts is None else 1000 * cuts[part - 1]

    return {
        "requests": requests,
        "answered": seen.answered,
        "refused": seen.refused,
        "failed": dict(seen.failed),
        "lost": dict(seen.lost),
        "p50_ms": percentile(seen.latencies, 50),
        "p95_ms": percentile(seen.latencies, 95),
        "refusal_p95_ms": percentile(seen.refusals, 95),
        "memory_mib": [round(size / 2**20, 1) for size in seen.memory],
        "memory_growth": after / before - 1,
    }


async def measure(port: int, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the server behind a port."""
    asked = {"outputs": ["verdict"], "include_untrained": True}
    bodies = [json.dumps({"text": text, **asked}).encode() for text in SENTENCES]
    clients = Clients(port)
    await capacity(clients, bodies, 4, 2)  # the setup of the first requests
    able = await capacity(clients, bodies, options.at_once, options.seconds)
    print(f"capacity {able:.0f} requests/s", file=sys.stderr)
    seen = await put_under_load(clients, bodies, options.requests, options.factor * able)
    return {"capacity": able, "connections": clients.opened, **figures(seen, options.requests)}


def main() -> None:
    """Run the command line. The exit status is 1 when a request was lost or failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=20_000, help="how many requests")
    parser.add_argument("--factor", type=float, default=2.0, help="rate of the requests, as a multiple of the capacity")
    parser.add_argument("--at-once", type=int, default=64, help="clients while the capacity is measured")
    parser.add_argument("--seconds", type=float, default=10.0, help="seconds in which the capacity is measured")
    add_server_options(parser, queue=64, threads=1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server also ends
    with tempfile.TemporaryDirectory() as folder:
        options.model = str(create_checkpoint("redheart-tiny", Path(folder, "redheart-tiny")))
        with server(options, options.batch) as port:
            found = asyncio.run(measure(port, options))
    setting = {name: value for name, value in vars(options).items() if name not in ("json", "model")}
    report = {"setting": setting, "machine": machine(), **found}
    print(json.dumps(found, indent=1))
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    sys.exit(1 if found["failed"] or found["lost"] else 0)


if __name__ == "__main__":
    main()
