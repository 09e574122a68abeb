"""The client against the real app, and against servers that drop connections, are busy, or are none of ours."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

import pytest

from redheart import EthicalAnalysisPipeline, __version__
from redheart.client import Client, Limits, Reading
from redheart.client.retries import Retries
from redheart.configuration.errors import (
    InputError,
    RedHeartError,
    ServerBusyError,
    ServerConnectionError,
    ServerError,
    ServerPermissionError,
    ServerRequestError,
)
from redheart.configuration.labels import OUTPUTS
from redheart.serving.app import create_app
from redheart.serving.keys import Key

from ..fixtures.processes import environment

KEY = "a-key-of-this-test"
FACTS = {
    "name": "made-up", "version": "9", "revision": None, "parameters": 1, "dtype": "float32", "device": "cpu",
    "longest_text": 10, "outputs": ["verdict"], "supervision": {}, "limits": asdict(Limits(texts=2)), "news": 1,
}  # fmt: skip


def answer(status: int, body: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    return status, headers, body if isinstance(body, bytes) else json.dumps(body).encode()


def problem(status: int, cause: str) -> dict[str, Any]:
    return {"title": "", "status": status, "cause": cause, "detail": f"It is {cause}.", "remedy": "Do this.", "new": 1}


def echo(body: bytes) -> tuple[int, dict[str, str], bytes]:
    return answer(200, {"readings": [{"text": text, "flags": {}} for text in json.loads(body)["texts"]]})


MODEL = answer(200, FACTS)


@pytest.fixture
def client(scripted: Any, waits: list[float]) -> Iterator[Client]:
    with Client(scripted.address, timeout=5, retries=3, longest_wait=10) as made:
        yield made


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have waited."""
    found: list[float] = []
    monkeypatch.setattr("redheart.client.client.Retries", partial(Retries, sleep=found.append))
    return found


# The real app


@pytest.fixture(scope="module")
def address(reader: EthicalAnalysisPipeline, serve_app: Any) -> Iterator[str]:
    limits = Limits(texts=2, characters=200, body_bytes=600, batch_wait=0)
    app = create_app("tiny", lambda: reader, limits, keys=[Key("test", KEY)])
    with serve_app(app) as found:
        with Client(found, KEY) as client:
            client.wait_until_ready()
        yield found


def test_readings_are_those_of_the_pipeline(address: str, reader: EthicalAnalysisPipeline) -> None:
    texts = ["I told her secret.", "그만 울었다. " * 15, "He kept his word.", "x" * 190, "No.", "We left."]
    with Client(address, KEY) as client:
        readings = list(client.read_all(iter(texts), outputs=["verdict", "embedding"]))
        one = client.read(texts[0], depth="fast")
    assert [reading.text for reading in readings] == texts
    for reading, text in zip(readings, texts, strict=True):
        expected = reader(text, outputs=["verdict", "embedding"])
        assert isinstance(reading, Reading)
        assert set(reading) == set(expected)
        assert reading.verdict["label"] == expected["verdict"]["label"]
        assert reading.embedding == pytest.approx(expected["embedding"], abs=1e-5)
        assert reading.emotion is None
    assert one.emotion["labels"].keys() == reader(texts[0])["emotion"]["labels"].keys()


def test_facts_are_typed(address: str) -> None:
    with Client(address, KEY) as client:
        facts = client.model()
        assert client.limits() == Limits(texts=2, characters=200, body_bytes=600, batch_wait=0)
    assert (facts.name, facts.version, facts.outputs) == ("tiny", __version__, list(OUTPUTS))


def test_what_the_server_refuses_is_an_error_of_the_family(address: str) -> None:
    with Client(address, KEY) as client, pytest.raises(ServerRequestError, match="Use one of those") as caught:
        client._ask("GET", "/read")
    assert caught.value.status == 405
    assert caught.value.problem.cause == "method_not_allowed"
    for key, cause in ((None, "no_key"), ("not-the-right-one", "wrong_key")):
        with Client(address, key) as client, pytest.raises(ServerPermissionError) as refused:
            client.read("a")
        assert refused.value.problem.cause == cause
        assert isinstance(refused.value, RedHeartError)


def test_bad_input_is_refused_before_it_is_sent(address: str) -> None:
    with Client(address, KEY) as client:
        for texts, words in (
            ("a", "give \\[text\\]"),
            ([1], "index 0 must be a str"),
            (["a", " "], "index 1 is blank"),
            (["x" * 201], "index 0 has 201 characters.*split"),
            (["한" * 199], "in 600 bytes"),
        ):
            with pytest.raises(InputError, match=words):
                list(client.read_all(texts))
        with pytest.raises(InputError, match="did you mean 'verdict'"):
            client.read_all(["a"], outputs=["verdct"])
        with pytest.raises(InputError, match="did you mean 'depth'"):
            client.read_all(["a"], dept="fast")  # type: ignore[call-arg]
        assert list(client.read_all([])) == []


@pytest.mark.parametrize(
    ("address", "options", "words"),
    [
        ("localhost:8000", {}, "http://host:port"),
        ("http://", {}, "http://host:port"),
        ("http://host:port", {}, "http://host:port"),
        ("http://host", {"key": "short"}, "16 or more"),
        ("http://host", {"key": "with a line break\n"}, "printable"),
        ("http://host", {"timeout": 0}, "above 0"),
        ("http://host", {"retries": -1}, "0 or more"),
    ],
)
def test_a_client_that_cannot_be(address: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        Client(address, **options)
    assert "line break" not in str(caught.value)


# Servers that fail


def test_many_texts_go_in_requests_that_fit(client: Client, scripted: Any) -> None:
    scripted.answers = [MODEL, echo]
    texts = [str(number) for number in range(5)]
    assert [reading.text for reading in client.read_all(texts)] == texts
    assert [json.loads(body)["texts"] for *_, body in scripted.asked[1:]] == [["0", "1"], ["2", "3"], ["4"]]
    assert scripted.connections == 1  # which stays open


def test_readings_come_before_the_error_behind_them(client: Client, scripted: Any) -> None:
    scripted.answers = [MODEL, echo, answer(500, problem(500, "unreadable"))]
    readings = client.read_all(map(str, range(9)))
    assert [next(readings).text, next(readings).text] == ["0", "1"]
    with pytest.raises(ServerError, match=r"It is unreadable\. Do this\.") as caught:
        next(readings)
    assert type(caught.value) is ServerError
    assert len(scripted.asked) == 3  # an internal error is not repeated


def test_a_dropped_connection_and_half_an_answer_are_repeated(
    client: Client, scripted: Any, waits: list[float]
) -> None:
    scripted.answers = [MODEL, "drop", "drop", "half", echo]
    assert client.read("a").text == "a"
    assert len(scripted.asked) == 5
    assert len(waits) == 2  # the first drop may have been of an idle connection: asked again at once
    assert all(0 <= wait <= 0.5 * 2**turn for turn, wait in enumerate(waits))


@pytest.mark.parametrize(("status", "cause"), [(503, "queue_full"), (429, "over_limit")])
def test_a_busy_server_is_asked_again_when_it_says(
    client: Client, scripted: Any, waits: list[float], status: int, cause: str
) -> None:
    busy = answer(status, problem(status, cause), **{"Retry-After": "7"})
    scripted.answers = [MODEL, busy, busy, echo]
    assert client.read("a").text == "a"
    assert [7 <= wait <= 7 + 2**turn for turn, wait in enumerate(waits)] == [True, True]


def test_it_gives_up_after_the_last_repetition(client: Client, scripted: Any, waits: list[float]) -> None:
    scripted.answers = [MODEL, answer(503, problem(503, "stopping"))]
    with pytest.raises(ServerBusyError, match="It is stopping") as caught:
        client.read("a")
    assert caught.value.problem.cause == "stopping"
    assert (len(scripted.asked), len(waits)) == (5, 3)


def test_it_does_not_wait_longer_than_allowed(client: Client, scripted: Any, waits: list[float]) -> None:
    scripted.answers = [MODEL, answer(503, b"", **{"Retry-After": "3600"})]
    with pytest.raises(ServerBusyError) as caught:
        client.read("a")
    assert caught.value.retry_after == 3600
    assert waits == []


def test_a_server_that_is_silent_or_absent(scripted: Any, waits: list[float]) -> None:
    scripted.answers = ["silence"]
    with (
        Client(scripted.address, timeout=0.1, retries=1) as client,
        pytest.raises(ServerConnectionError, match=r"0\.1 s"),
    ):
        client.model()
    assert len(scripted.asked) == 2
    with Client("http://127.0.0.1:1", retries=2) as client, pytest.raises(ServerConnectionError, match="refused"):
        client.read("a")
    assert len(waits) == 3


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (answer(200, b"<html>"), ServerError),
        (answer(200, []), ServerError),
        (answer(200, {"readings": []}), ServerError),
        (answer(404, b"<html>"), ServerRequestError),
        (answer(302, b"", Location="http://127.0.0.1:1/"), ServerError),
    ],
)
def test_a_server_of_another_kind(client: Client, scripted: Any, content: Any, kind: type[ServerError]) -> None:
    for answers in ([content], [MODEL, content]):
        scripted.answers = answers
        with pytest.raises(kind, match="redheart serve") as caught:
            client.read("a")
        assert type(caught.value) is kind


def test_threads_may_share_a_client(client: Client, scripted: Any) -> None:
    scripted.answers = [MODEL, echo]
    client.limits()
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        found[number] = [reading.text for reading in client.read_all([f"{number}.{k}" for k in range(10)])]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [f"{number}.{k}" for k in range(10)] for number in range(4)}


def test_it_needs_no_other_package() -> None:
    code = """
import sys
class Refuse:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {"torch", "transformers", "numpy", "fastapi", "pydantic", "rich", "typer",
                                      "starlette", "huggingface_hub", "prometheus_client", "httpx"}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from redheart.client import Client
from redheart.configuration.errors import ServerConnectionError
try: Client("http://127.0.0.1:1", retries=0).read("a")
except ServerConnectionError: print("refused")
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert done.stdout == "refused\n", done.stderr
