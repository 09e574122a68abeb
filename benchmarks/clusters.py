"""Throughput of the engines that read on several machines, against a plain loop with the same cores.

    python benchmarks/clusters.py --json docs/results/clusters.json

Each engine reads the same texts with one worker that has all cores, and with two workers that have half of them each.
In every round the plain loop and all of them take turns, each in a new process, so that a busy machine disturbs all
alike; ratios are of the same round. A rate is that of the steady state: from when each worker has read its first batch
until the first of them has read its last. What comes before is the start: engine, workers, import, model, first batch.
Ray Serve is asked by the client over loopback, which shares the cores; it is steady once it has answered for a while.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from serving import machine

from redheart.batch import Reader
from redheart.benchmarking.sizes import SENTENCES
from redheart.clusters.spark import spark_schema
from redheart.configuration.shipped import DEFAULT_MODEL

BATCH = 16  # rows that an engine hands over at once
WORKERS = (1, 2)
AIM = 0.85

Row = dict[str, Any]


def rows(count: int) -> list[Row]:
    """The rows to read: sentences, one to four in a text."""
    return [
        {"id": number, "text": " ".join(SENTENCES[(number + add) % len(SENTENCES)] for add in range(1 + number % 4))}
        for number in range(count)
    ]


def noted(read: Callable[[Any], Any], batch: Any) -> Any:
    """Read a batch of pyarrow or pandas, and note in each row when it was done, and by which process."""
    found = read(batch)
    facts = {"read_at": time.time(), "process": os.getpid()}
    if hasattr(found, "assign"):
        return found.assign(**facts)
    for name, fact in facts.items():
        found = found.append_column(name, [[fact] * found.num_rows])
    return found


def steady(read: Sequence[Row], begun: float) -> dict[str, float]:
    """Seconds until each worker has read its first batch, and rows per second from then until one has no more."""
    ends: dict[int, list[float]] = {}
    for row in read:
        ends.setdefault(row["process"], []).append(row["read_at"])
    first, last = max(map(min, ends.values())), min(map(max, ends.values()))
    between = sum(first < row["read_at"] <= last for row in read)
    return {"start_s": first - begun, "rate": between / (last - first), "workers": len(ends), "rows": len(read)}


def plain(options: argparse.Namespace) -> dict[str, float]:
    """A loop in this process."""
    import pyarrow

    begun, given, reader = time.time(), rows(options.rows), Reader(options.model)
    chunks = (given[start : start + BATCH] for start in range(0, len(given), BATCH))
    read = [noted(reader, pyarrow.Table.from_pylist(chunk)) for chunk in chunks]
    return steady(pyarrow.concat_tables(read).to_pylist(), begun)


def ray_data(options: argparse.Namespace) -> dict[str, float]:
    """Ray Data: an actor for each worker."""
    import ray

    class Noting(Reader):
        """Of this function, so that its code travels with it."""

        def __call__(self, batch: Any) -> Any:
            return noted(partial(Reader.__call__, self), batch)

    begun = time.time()
    ray.init(num_cpus=options.cores + 1, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    read = ray.data.from_items(rows(options.rows), override_num_blocks=options.rows // BATCH).map_batches(
        Noting,
        fn_constructor_kwargs={"model": options.model},
        batch_format="pyarrow",
        batch_size=BATCH,
        num_cpus=options.cores // options.workers,
        compute=ray.data.ActorPoolStrategy(size=options.workers),
    )
    return steady(read.select_columns(["read_at", "process"]).take_all(), begun)


def spark(options: argparse.Namespace) -> dict[str, float]:
    """Spark: an executor for each worker."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    begun, cores = time.time(), options.cores // options.workers
    session = (
        SparkSession.builder.master(f"local-cluster[{options.workers},{cores},1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.task.cpus", cores)
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH)
        .getOrCreate()
    )
    given = [(row["id"], row["text"]) for row in rows(options.rows)]
    frame = session.createDataFrame(session.sparkContext.parallelize(given, options.workers), "id long, text string")
    reader = Reader(options.model)
    schema = spark_schema(reader, frame.schema).add("read_at", "double").add("process", "long")
    read = (
        frame.mapInPandas(lambda batches: map(partial(noted, reader), batches), schema)
        .select("read_at", "process")
        .collect()
    )
    session.stop()
    return steady([row.asDict() for row in read], begun)


def datasets_map(options: argparse.Namespace) -> dict[str, float]:
    """`datasets.map`: a process for each worker."""
    import datasets

    begun = time.time()
    datasets.disable_progress_bars()
    data = datasets.Dataset.from_list(rows(options.rows)).with_format("arrow")
    read = data.map(
        partial(noted, Reader(options.model)), batched=True, batch_size=BATCH, num_proc=options.workers,
        new_fingerprint=f"{options.workers}",
    )  # fmt: skip
    return steady(read.with_format(None).select_columns(["read_at", "process"]).to_list(), begun)


def ray_serve(options: argparse.Namespace) -> dict[str, float]:
    """Ray Serve: a replica for each worker, asked by clients that wait for their answers."""
    import ray
    from ray import serve

    from redheart.client import Client
    from redheart.clusters.ray_serve import Options, application

    begun = time.time()
    ray.init(num_cpus=options.cores + 1, include_dashboard=False, log_to_driver=False, logging_level="error")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve.start(http_options={"port": port})
    workers = {"min_replicas": options.workers, "max_replicas": options.workers}
    serve.run(application(Options(model=options.model, cpus=options.cores // options.workers, **workers)))
    texts = [row["text"] for row in rows(options.rows)]
    clients, ends = 4 * options.workers, []
    with Client(f"http://127.0.0.1:{port}", timeout=600) as client, ThreadPoolExecutor(clients) as threads:

        def ask(start: int) -> None:
            found = list(client.read_all(texts[start : start + BATCH]))
            ends.append((time.time(), len(found)))

        list(threads.map(ask, range(0, len(texts), BATCH)))
    serve.shutdown()
    # The first and the last answers of all clients are at its beginning and its end.
    first, last = ends[clients - 1][0], ends[-clients][0]
    between = sum(count for end, count in ends if first < end <= last)
    return {"start_s": first - begun, "rate": between / (last - first), "workers": options.workers, "rows": len(texts)}


ENGINES = {"plain": plain, "ray data": ray_data, "spark": spark, "datasets": datasets_map, "ray serve": ray_serve}


def measured(engine: str, workers: int, options: argparse.Namespace) -> dict[str, float]:
    """What `main` prints for one engine, in a new process that has as many threads for each worker as its cores."""
    words = [sys.executable, __file__, "--engine", engine, "--workers", str(workers)]
    for name in ("model", "rows", "cores"):
        words += [f"--{name}", str(getattr(options, name))]
    threads = str(options.cores // workers)
    with tempfile.TemporaryDirectory() as folder:
        variables = {"OMP_NUM_THREADS": threads, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": folder}
        variables |= {"RAY_USAGE_STATS_ENABLED": "0", "SPARK_LOCAL_IP": "127.0.0.1", "TOKENIZERS_PARALLELISM": "false"}
        done = subprocess.run(words, env={**os.environ, **variables}, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise RuntimeError(f"{engine} with {workers} workers ended with {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{engine:10} {workers} workers: {found['rate']:.2f} texts/s, start {found['start_s']:.1f} s", file=sys.stderr
    )
    return found | {"load": os.getloadavg()[0]}


def figures(rounds: list[dict[str, dict[str, float]]]) -> Iterator[dict[str, Any]]:
    """Medians over the rounds, and of the ratios within each round; keys of a round are "engine, workers"."""
    for key in rounds[0]:
        engine, workers = key.split(", ")
        against = [one[key]["rate"] / one["plain, 1"]["rate"] for one in rounds]
        two = [one[f"{engine}, 2"]["rate"] / one[f"{engine}, 1"]["rate"] for one in rounds if f"{engine}, 2" in one]
        yield {
            "engine": engine,
            "workers": int(workers),
            "rate": statistics.median(one[key]["rate"] for one in rounds),
            "start_s": statistics.median(one[key]["start_s"] for one in rounds),
            "to_plain": statistics.median(against),
            "to_plain_of_rounds": against,
            "two_to_one": statistics.median(two) if two and workers == "2" else None,
        }


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default=DEFAULT_MODEL, help="what to read with")
    parser.add_argument("--rows", type=int, default=320, help="texts that each of them reads; a multiple of 32")
    parser.add_argument("--cores", type=int, default=2, help="cores, shared by the workers")
    parser.add_argument("--rounds", type=int, default=3, help="rounds in which all take turns")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES)[1:], choices=list(ENGINES)[1:])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine is not None:
        print(json.dumps(ENGINES[options.engine](options)))
        return
    turns = [("plain", 1), *((engine, workers) for workers in WORKERS for engine in options.engines)]
    rounds = [
        {f"{engine}, {workers}": measured(engine, workers, options) for engine, workers in turns}
        for _ in range(options.rounds)
    ]
    setting = {name: getattr(options, name) for name in ("rows", "cores", "rounds")}
    setting |= {"model": Path(options.model).name, "batch": BATCH}
    loads = [one["load"] for each in rounds for one in each.values()]
    report = {
        "setting": setting,
        "machine": machine() | {"load_average": [min(loads), max(loads)]},
        "aim": AIM,
        "engines": list(figures(rounds)),
    }
    print(json.dumps(report, indent=1))
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
