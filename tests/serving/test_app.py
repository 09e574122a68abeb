"""The app over HTTP: readings that do not depend on batching, limits, errors in one form, and no text in the log."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
from fastapi import FastAPI

from redheart import EthicalAnalysisPipeline, __version__
from redheart.configuration.labels import EMOTIONS, OUTPUTS
from redheart.serving.app import create_app
from redheart.serving.limits import Limits
from redheart.serving.wire import Cause

PATIENCE = 30.0
FOREVER = 3600.0
SECRET = "xylophone"
TEXTS = (
    "I told my sister's secret to her fiancé, and now the wedding is off.",
    "We split the bill evenly.",
    "친구의 비밀을 말해 버려서 너무 미안하다.",
    "My boss read my messages. Then he asked me to apologise for them! I did, and I am ashamed of that, too.",
    "No.",
    "She lied so that he could sleep.",
)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), PATIENCE))


def make(pipeline: Any, **limits: Any) -> FastAPI:
    return create_app("tiny", lambda: pipeline, Limits(**limits))


def assert_close(one: Any, other: Any) -> None:
    """Equal, and numbers up to rounding."""
    if isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            assert_close(one[name], other[name])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_close(left, right)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-5)
    else:
        assert one == other


def assert_problem(answer: Any, status: int, cause: str, *words: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["cause"] == cause
    assert problem["detail"]
    assert problem["remedy"]
    for word in words:
        assert word in str(problem)
    return problem


# Readings


def test_readings_do_not_depend_on_batching(reader: EthicalAnalysisPipeline, gated: Any, talk_to: Any) -> None:
    alone = [reader(text) for text in TEXTS]

    async def test() -> None:
        app = make(gated, batch=len(TEXTS), batch_wait=FOREVER)
        async with talk_to(app) as client:
            gated.batches.clear()
            answers = await asyncio.gather(*(client.post("/read", json={"text": text}) for text in TEXTS))
        assert [sorted(batch) for batch in gated.batches] == [sorted(TEXTS)]
        for answer, expected in zip(answers, alone, strict=True):
            assert answer.status_code == 200
            assert_close(answer.json()["readings"], [expected])

    run(test)


def test_a_request_of_several_texts_keeps_their_order(reader: EthicalAnalysisPipeline, talk_to: Any) -> None:
    options = {"outputs": ["verdict", "embedding"], "token_budget": 5}
    expected = [reader(text, **options) for text in TEXTS]

    async def test() -> None:
        async with talk_to(make(reader, batch=4, batch_wait=0)) as client:
            answer = await client.post("/read", json={"texts": TEXTS, **options})
        assert_close(answer.json()["readings"], expected)

    run(test)


def test_what_is_withheld_is_absent(lively_model: Any, tokenizer: Any, talk_to: Any) -> None:
    pipeline = EthicalAnalysisPipeline(model=lively_model(supervision={"verdict": ["made-up"]}), tokenizer=tokenizer)

    async def test() -> None:
        async with talk_to(make(pipeline)) as client:
            supervised = (await client.post("/read", json={"text": TEXTS[0]})).json()["readings"][0]
            everything = {"text": TEXTS[0], "include_untrained": True}
            more = (await client.post("/read", json=everything)).json()["readings"][0]
        assert set(supervised) == {"text", "verdict", "rationale", "rated_by", "ranges", "flags"}
        assert {"emotion", "regret", "bentham"} <= set(more)

    run(test)


# What there is to know about the server


def test_health_readiness_and_facts(reader: EthicalAnalysisPipeline, talk_to: Any) -> None:
    async def test() -> None:
        async with talk_to(make(reader, texts=3)) as client:
            assert (await client.get("/health")).json() == {"status": "alive"}
            assert (await client.get("/ready")).json() == {"status": "ready"}
            facts = (await client.get("/model")).json()
            assert facts["name"] == "tiny"
            assert facts["version"] == __version__
            assert facts["parameters"] == reader.model.num_parameters()
            assert facts["supervision"]["verdict"] == ["made-up"]
            assert facts["limits"]["texts"] == 3
            assert facts["outputs"] == list(OUTPUTS)
            await client.post("/read", json={"texts": TEXTS[:2]})
            counted = (await client.get("/metrics")).text
            assert 'redheart_requests_total{key="",path="/read",status="200"} 1.0' in counted
            assert "redheart_batch_texts_sum 2.0" in counted

    run(test)


def test_before_the_model_is_there_the_server_lives_and_is_not_ready(gated: Any) -> None:
    async def test() -> None:
        import httpx2

        gated.close()
        app = make(gated)
        async with app.router.lifespan_context(app):
            assert await asyncio.to_thread(gated.begun.wait, PATIENCE)  # the warm-up
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as client:
                assert (await client.get("/health")).status_code == 200
                for answer in (await client.get("/ready"), await client.post("/read", json={"text": "a"})):
                    assert_problem(answer, 503, "not_ready", "being loaded")
                    assert answer.headers["retry-after"] == "1"
                gated.open.set()
                await app.state.service.loading
                assert (await client.get("/ready")).status_code == 200

    run(test)


def test_a_model_that_fails_to_load_is_reported(talk_to: Any) -> None:
    calls = []

    def load() -> Any:
        raise ValueError("the weights are torn")

    async def test() -> None:
        app = create_app("torn", load, on_failure=lambda: calls.append(True))
        async with talk_to(app) as client:
            assert_problem(await client.get("/ready"), 503, "not_ready", "ValueError")
        assert str(app.state.service.failure) == "the weights are torn"
        assert calls == [True]

    run(test)


def test_openapi_says_everything(reader: EthicalAnalysisPipeline, talk_to: Any) -> None:
    async def test() -> None:
        async with talk_to(make(reader, characters=123, texts=7)) as client:
            api = (await client.get("/openapi.json")).json()
        schemas = api["components"]["schemas"]
        assert set(api["paths"]) == {"/read", "/health", "/ready", "/model", "/metrics"}
        assert tuple(schemas["EmotionLabels"]["properties"]) == EMOTIONS
        texts = next(item for item in schemas["ReadRequest"]["properties"]["texts"]["anyOf"] if "items" in item)
        assert texts["maxItems"] == 7
        assert texts["items"]["maxLength"] == 123
        answers = api["paths"]["/read"]["post"]["responses"]
        assert set(answers) == {"200", "408", "413", "422", "500", "503", "504"}
        assert all(
            set(answers[status]["content"]) == {"application/problem+json"} for status in answers if status != "200"
        )
        assert schemas["Problem"]["properties"]["cause"]["enum"] == list(get_args(Cause))
        assert "HTTPValidationError" not in json.dumps(api["paths"])

    run(test)


# Limits and errors


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"text": "a" * 51}, "/text", ("at most 50 characters", "text of 51 characters", "Split")),
        ({"texts": ["a"] * 4}, "/texts", ("at most 3 items", "array of 4", "several requests")),
        ({"texts": ["a", " "]}, "/texts/1", ("blank", "leave it out")),
        ({"text": "\ud800"}, "/text", ("surrogate", "\\ud800")),
        ({"text": "a", "outputs": ["verdct"]}, "/outputs/0", ("did you mean 'verdict'",)),
        ({"text": "a", "dept": "fast"}, "/dept", ("no such field", "did you mean 'depth'")),
        ({"text": "a", "depth": "deep"}, "/depth", ("full", "fast")),
        ({}, "", ("either",)),
        ([1], "", ("array of 1",)),
    ],
)
def test_a_request_that_does_not_fit(
    reader: EthicalAnalysisPipeline, talk_to: Any, body: Any, pointer: str, words: tuple[str, ...]
) -> None:
    async def test() -> None:
        async with talk_to(make(reader, characters=50, texts=3)) as client:
            content = json.dumps(body).encode()
            answer = await client.post("/read", content=content, headers={"content-type": "application/json"})
            problem = assert_problem(answer, 422, "invalid_request", *words)
            assert problem["errors"][0]["pointer"] == pointer

    run(test)


def test_invalid_json_unknown_paths_and_methods(reader: EthicalAnalysisPipeline, talk_to: Any) -> None:
    async def test() -> None:
        async with talk_to(make(reader)) as client:
            for content in (b'{"text": ', b"\xff\xfe", b""):
                answer = await client.post("/read", content=content, headers={"content-type": "application/json"})
                assert_problem(answer, 422, "invalid_request")
            assert_problem(await client.get("/raed"), 404, "not_found")
            answer = await client.get("/read")
            assert_problem(answer, 405, "method_not_allowed")
            assert answer.headers["allow"] == "POST"

    run(test)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"text": "I lied\xff."}', "is not UTF-8 (byte 0xff at position 16)"),
        ('{"text": "그만"}'.encode("cp949"), "is not UTF-8"),
        ('{"text": "a"}'.encode("utf-16"), "is not UTF-8"),
        (b'{"text": "a", "token_budget": ' + b"9" * 5000 + b"}", "an integer of more than 4,300 digits"),
        (b'{"text": "a", "token_budget": NaN}', "NaN is not a number in JSON"),
        (b'{"text": "a", "token_budget": 1e999}', "the number 1e999 is too large"),
        (b"[" * 50_000, "nested too deeply"),
        (b'{"text": ' + b"9" * 4000 + b"}", "must be a str, got int"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_is_not_strict_json(
    reader: EthicalAnalysisPipeline, talk_to: Any, content: bytes, words: str
) -> None:
    """Other encodings and numbers: the status is in /openapi.json, and the answer has a remedy."""

    async def test() -> None:
        async with talk_to(make(reader)) as client:
            answer = await client.post("/read", content=content, headers={"content-type": "application/json"})
            problem = assert_problem(answer, 422, "invalid_request", words)
            assert len(str(problem)) < 1000
            assert "UTF-8" in problem["remedy"] or "/text" in problem["errors"][0]["pointer"]
            described = (await client.get("/openapi.json")).json()["paths"]["/read"]["post"]["responses"]
            assert str(answer.status_code) in described

    run(test)


def test_on_ready_is_called_when_the_model_is_ready(reader: EthicalAnalysisPipeline) -> None:
    calls: list[str] = []

    def fails() -> Any:
        raise ValueError("the weights are torn")

    async def test() -> None:
        for name, load in (("whole", lambda: reader), ("torn", fails)):
            app = create_app(name, load, on_ready=lambda: calls.append("ready"))
            async with app.router.lifespan_context(app):
                assert calls == []
                await app.state.service.loading
                assert calls == (["ready"] if name == "whole" else [])
                calls.clear()

    run(test)


def test_a_full_queue_and_a_deadline(gated: Any, talk_to: Any) -> None:
    async def test() -> None:
        app = make(gated, queue=2, texts=2, batch_wait=0, deadline=PATIENCE)
        service = app.state.service
        async with talk_to(app) as client:
            gated.close()
            begun = asyncio.create_task(client.post("/read", json={"text": "first"}))
            assert await asyncio.to_thread(gated.begun.wait, PATIENCE)
            service.limits = replace(service.limits, deadline=0.01)
            assert_problem(await client.post("/read", json={"text": "second"}), 504, "deadline", "0.01 seconds")
            service.limits = replace(service.limits, deadline=PATIENCE)
            waiting = asyncio.create_task(client.post("/read", json={"texts": ["third", "fourth"]}))
            while client_waits(client) != 2:
                await asyncio.sleep(0)
            answer = await client.post("/read", json={"text": "fifth"})
            assert_problem(answer, 503, "queue_full", "2 texts are waiting")
            assert int(answer.headers["retry-after"]) >= 1
            answer = await client.post("/read", content=unread())
            assert_problem(answer, 503, "queue_full", "1 more would be over the maximum of 2")
            gated.open.set()
            assert (await begun).status_code == (await waiting).status_code == 200
        assert gated.batches == [["first"], ["third", "fourth"]]  # the others had not begun

    run(test)


async def unread() -> AsyncIterator[bytes]:
    """A body that must not be read: the first piece of it fails."""
    raise AssertionError("The body was read.")
    yield b""


def client_waits(client: Any) -> int:
    """Texts that wait in the app that ``client`` talks to."""
    waiting: int = client._transport.app.state.service.batcher.waiting
    return waiting


def test_texts_of_a_client_that_disconnects_are_dropped(gated: Any, talk_to: Any) -> None:
    async def test() -> None:
        app = make(gated, batch_wait=0)
        async with talk_to(app) as client:
            gated.close()
            first = asyncio.create_task(client.post("/read", json={"text": "first"}))
            assert await asyncio.to_thread(gated.begun.wait, PATIENCE)
            gone = asyncio.Event()
            body = json.dumps({"text": "second"}).encode()
            messages = iter([{"type": "http.request", "body": body, "more_body": False}])

            async def receive() -> Any:
                if (message := next(messages, None)) is not None:
                    return message
                await gone.wait()
                return {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                pass

            leaving = asyncio.create_task(app(scope("/read"), receive, send))
            while client_waits(client) != 1:
                await asyncio.sleep(0)
            gone.set()
            await leaving
            assert client_waits(client) == 0
            gated.open.set()
            assert (await first).status_code == 200
        assert gated.batches == [["first"]]

    run(test)


def scope(path: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    kind = (b"content-type", b"application/json")
    request = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    return request | {"headers": [kind, *headers], "http_version": "1.1", "scheme": "http", "server": ("test", 80)}


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_not_read_to_its_end(
    reader: EthicalAnalysisPipeline, talk_to: Any, declared: bool
) -> None:
    async def test() -> None:
        app, received, sent = make(reader, body_bytes=1000), 0, []

        async def receive() -> Any:
            nonlocal received
            received += 1
            return {"type": "http.request", "body": b"a" * 400, "more_body": True}  # without end

        async def send(message: Any) -> None:
            sent.append(message)

        async with talk_to(app):
            headers = [(b"content-length", b"1000000000")] if declared else []
            await app(scope("/read", *headers), receive, send)
        assert sent[0]["status"] == 413
        assert json.loads(sent[1]["body"])["cause"] == "body_too_large"
        assert received == (0 if declared else 3)

    run(test)


def test_a_body_that_is_too_slow_and_too_many_requests(reader: EthicalAnalysisPipeline, talk_to: Any) -> None:
    async def test() -> None:
        app = make(reader, body_seconds=0.2, requests=1)
        statuses: list[int] = []

        async def receive() -> Any:
            await asyncio.sleep(FOREVER)

        async def send(message: Any) -> None:
            if "status" in message:
                statuses.append(message["status"])

        async with talk_to(app) as client:
            slow = asyncio.create_task(app(scope("/read"), receive, send))
            await asyncio.sleep(0)
            answer = await client.post("/read", json={"text": "a"})
            assert_problem(answer, 503, "too_many_requests")
            assert (await client.get("/health")).status_code == 200
            await slow
            assert statuses == [408]
            assert (await client.post("/read", json={"text": "a"})).status_code == 200

    run(test)


@pytest.mark.parametrize(
    ("error", "cause"), [(ValueError(f"not finite for {SECRET}"), "unreadable"), (KeyError(SECRET), "internal")]
)
def test_no_text_is_logged(
    gated: Any, talk_to: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], error: Exception,
    cause: str,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)

    async def test() -> None:
        async with talk_to(make(gated, characters=60, queue=1, texts=1)) as client:
            assert (await client.post("/read", json={"text": f"my {SECRET}"})).status_code == 200
            gated.error = error
            assert_problem(await client.post("/read", json={"text": f"my {SECRET}"}), 500, cause)
            gated.error = None
            for body in ({"text": f"my {SECRET}" * 10}, {"texts": [SECRET, 5]}, {SECRET: SECRET}):
                assert (await client.post("/read", json=body)).status_code == 422

    run(test)
    printed = capfd.readouterr()
    assert "POST /read 200" in caplog.text
    assert SECRET not in caplog.text + printed.out + printed.err


def test_a_path_or_query_is_not_logged(
    reader: EthicalAnalysisPipeline, talk_to: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "redheart.serving")

    async def test() -> None:
        async with talk_to(make(reader)) as client:
            await client.get(f"/{SECRET}")
            await client.post(f"/read?text={SECRET}", json={"text": "a"})
            assert SECRET not in (await client.get("/metrics")).text

    run(test)
    ours = [record.getMessage() for record in caplog.records if record.name == "redheart.serving"]
    assert any(line.startswith("GET - 404") for line in ours)
    assert SECRET not in "".join(ours)


class Exported:
    """Like the model of a pipeline, but with two outputs only, as an exported one may be."""

    outputs, depth = ["verdict", "emotion"], "full"

    def __init__(self, model: Any) -> None:
        self.config, self.device, self.num_parameters = model.config, model.device, model.num_parameters


def test_an_exported_model_serves_what_it_has(gated: Any, talk_to: Any) -> None:
    gated.model = Exported(gated.model)

    async def test() -> None:
        async with talk_to(make(gated)) as client:
            facts = (await client.get("/model")).json()
            assert facts["outputs"] == ["emotion", "verdict"]
            assert facts["dtype"] == "exported"
            answer = await client.post("/read", json={"texts": ["one text", "another text"]})
            for reading in answer.json()["readings"]:
                assert set(reading) & set(OUTPUTS) == {"emotion", "verdict"}
            for wrong in ({"outputs": ["surd"]}, {"depth": "fast"}, {"token_budget": 3}):
                answer = await client.post("/read", json={"text": "a", **wrong})
                assert_problem(answer, 422, "invalid_request", "exported")

    run(test)
