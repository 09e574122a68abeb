"""The server on a cluster: what clients see is `redheart serve`, with one replica, two, and a new one."""

import asyncio
import json
import shutil
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from redheart.client import Client
from redheart.configuration.errors import CheckpointError, InputError, ServerPermissionError
from redheart.loading import load_pipeline

pytest.importorskip("ray.serve", reason="Ray Serve is not installed (extra `ray`)")

from ray.serve.exceptions import RayServeException

from redheart.clusters.ray_serve import Options, ServeBatcher, application
from redheart.serving.batching import ClosedError, DeadlineError, QueueFullError
from redheart.serving.limits import Limits

pytestmark = pytest.mark.slow

InReplica = Callable[[Callable[[], Awaitable[Any]]], Any]

PATIENCE = 240.0  # seconds until a test that hangs fails


# ---- batches ----


class Read:
    """Notes batches; fails for a text."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[str], Any]] = []

    def __call__(self, texts: list[str], options: Any) -> list[str]:
        self.batches.append((texts, options))
        time.sleep(0.05)
        if "bad" in texts:
            raise ValueError("It cannot be read.")
        return [text.upper() for text in texts]


@pytest.fixture(scope="module")
def in_replica(port: int) -> Iterator[InReplica]:
    """Calls an asynchronous function in a replica, the one place where `serve.batch` makes batches."""
    from ray import cloudpickle, serve

    class Place:
        async def __call__(self, function: Callable[[], Awaitable[Any]]) -> Any:
            return await asyncio.wait_for(function(), PATIENCE)

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import the tests
    place = serve.deployment(Place).options(ray_actor_options={"num_cpus": 0})
    handle = serve.run(place.bind(), name="batches", route_prefix=None)
    yield lambda function: handle.remote(function).result(timeout_s=PATIENCE)
    serve.delete("batches")
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def test_texts_are_read_in_batches_that_fit_and_have_the_same_options(in_replica: InReplica) -> None:
    async def ask() -> tuple[list[list[str]], list[tuple[list[str], Any]], int]:
        read = Read()
        async with ServeBatcher(read, max_batch=4, max_tokens=40, max_wait=0.05) as batcher:
            asked = [batcher.submit([f"text {n}"], options) for n in range(6) for options in ("a", "b")]
            found: list[list[str]] = await asyncio.gather(*asked, batcher.submit(["long " * 30], "a"))
            return found, read.batches, batcher.waiting

    found, batches, waiting = in_replica(ask)
    assert waiting == 0
    assert found == [[f"TEXT {n}"] for n in range(6) for _ in "ab"] + [[("long " * 30).upper()]]
    assert sum(len(texts) for texts, _ in batches) == 13
    assert len(batches) < 13
    for texts, _ in batches:
        assert len(texts) <= 4
        assert len(texts) == 1 or len(texts) * max(map(len, texts)) <= 40


def test_a_text_that_fails_fails_alone(in_replica: InReplica) -> None:
    async def ask() -> list[Any]:
        async with ServeBatcher(Read(), max_wait=0.05) as batcher:
            asked = (batcher.submit([text]) for text in ("good", "bad"))
            return await asyncio.gather(*asked, return_exceptions=True)

    good, bad = in_replica(ask)
    assert good == ["GOOD"]
    assert isinstance(bad, ValueError)


def test_queue_deadline_and_end_are_those_of_the_server(in_replica: InReplica) -> None:
    async def ask() -> tuple[list[Any], list[tuple[list[str], Any]]]:
        read = Read()
        async with ServeBatcher(read, max_batch=1, max_queue=3) as batcher:
            with pytest.raises(QueueFullError):
                await batcher.submit(["a"] * 4)
            with pytest.raises(DeadlineError):
                await batcher.submit(["a", "b", "late"], timeout=0.07)
            assert await batcher.submit(["d"]) == ["D"]
            waiting = asyncio.gather(*(batcher.submit([name]) for name in "efg"), return_exceptions=True)
            await asyncio.sleep(0.01)
        return await waiting, read.batches

    ended, batches = in_replica(ask)
    assert ["late"] not in [texts for texts, _ in batches]  # nobody waits for it any more
    assert any(isinstance(one, ClosedError) for one in ended)
    assert all(isinstance(one, ClosedError) or one in (["E"], ["F"], ["G"]) for one in ended)


def test_a_text_that_cannot_be_handed_over_gets_the_reason() -> None:
    async def ask() -> None:
        async with ServeBatcher(Read()) as batcher:
            await batcher.submit(["a"])

    with pytest.raises(RayServeException, match="replica"):  # here is none
        asyncio.run(asyncio.wait_for(ask(), PATIENCE))


# ---- the application ----


@pytest.fixture(scope="session")
def port(ray_cluster: Any) -> Iterator[int]:
    from ray import serve

    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    serve.start(http_options={"host": "127.0.0.1", "port": number})
    yield number
    serve.shutdown()


@pytest.fixture(scope="session")
def address(port: int, checkpoint: Path) -> str:
    """Of the application, with at most two replicas."""
    from ray import serve

    serve.run(application(Options(model=str(checkpoint), limits=Limits(batch=2))), name="redheart")
    return f"http://127.0.0.1:{port}"


def replicas() -> list[Any]:
    """The processes of its replicas."""
    psutil = pytest.importorskip("psutil")
    found = psutil.Process().children(recursive=True)
    return [one for one in found if "ServeReplica:redheart" in " ".join(one.cmdline())]


def test_the_client_reads_with_the_numbers_of_the_pipeline(address: str, checkpoint: Path) -> None:
    texts = [f"I lied to her {number} times." for number in range(12)]
    pipe: Any = load_pipeline(str(checkpoint))
    with Client(address, timeout=PATIENCE) as client:
        readings = list(client.read_all(texts, outputs=["verdict"]))
    assert [reading.text for reading in readings] == texts
    for reading, own in zip(readings, pipe(texts, outputs=["verdict"]), strict=True):
        assert reading.verdict["acceptability"] == pytest.approx(own["verdict"]["acceptability"], abs=1e-5)
    assert json.load(urlopen(f"{address}/ready"))["status"] == "ready"
    assert json.load(urlopen(f"{address}/model"))["name"] == checkpoint.name


def test_a_killed_replica_is_replaced_and_no_request_is_lost(address: str) -> None:
    killed = replicas()
    for process in killed:
        process.kill()
    with Client(address, timeout=PATIENCE, retries=30) as client:
        assert client.read("I lied.", outputs=["verdict"]).verdict
    assert not set(replicas()) & set(killed)


def test_a_second_replica_comes_under_load(address: str) -> None:
    end = time.monotonic() + PATIENCE
    with Client(address, timeout=PATIENCE) as client, ThreadPoolExecutor(12) as threads:
        while len(replicas()) < 2:
            assert time.monotonic() < end, "There was no second replica."
            assert all(threads.map(client.read, ["I lied to my mother."] * 48))


def test_keys_are_asked_for(port: int, checkpoint: Path, tmp_path: Path) -> None:
    from ray import serve

    keys = tmp_path / "keys.toml"
    keys.write_text('[web]\nkey = "0123456789abcdef"\n', encoding="utf-8")
    serve.delete("redheart")
    serve.run(application(Options(model=str(checkpoint), max_replicas=1, keys=keys)), name="keyed")
    address = f"http://127.0.0.1:{port}"
    with Client(address, "0123456789abcdef", timeout=PATIENCE) as client:
        assert client.read("I lied.").verdict
    with pytest.raises(ServerPermissionError), Client(address, timeout=PATIENCE) as client:
        client.read("I lied.")
    serve.delete("keyed")


def test_what_cannot_be_served_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="redheart-mini"):
        application(Options(model="redheart-mino"))
    with pytest.raises(InputError):
        application(Options(keys=tmp_path / "none.toml"))
    with pytest.raises(ValueError, match="replicas"):
        Options(replicas=2)  # type: ignore[call-arg]


def test_a_replica_whose_model_fails_gets_no_requests(port: int, checkpoint: Path, tmp_path: Path) -> None:
    """The folder is there, and its weights are not."""
    from ray import serve

    broken = shutil.copytree(checkpoint, tmp_path / "broken")
    for path in broken.glob("*.safetensors"):
        path.unlink()
    with pytest.raises(RuntimeError, match="Deploying application broken failed"):
        serve.run(application(Options(model=str(broken), max_replicas=1)), name="broken")
    message = serve.status().applications["broken"].deployments["Replica"].message
    assert "CheckpointError" in message
    serve.delete("broken")
