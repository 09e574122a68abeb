"""The app with keys: who gets in, what each may ask, and what is counted under whose name."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI

from redheart import EthicalAnalysisPipeline
from redheart.serving.access import OPEN
from redheart.serving.app import create_app
from redheart.serving.keys import Key
from redheart.serving.limits import Limits

PATIENCE = 30.0
WEB, BATCH, SCRAPER = "key-of-the-web-page", "key-of-the-batches", "key-of-prometheus"
KEYS = (
    Key("web", WEB, requests_per_minute=3),
    Key("batch", BATCH, texts_per_minute=4),
    Key("prometheus", SCRAPER, metrics=True),
)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), PATIENCE))


def make(pipeline: Any, **limits: Any) -> FastAPI:
    return create_app("tiny", lambda: pipeline, Limits(**{"texts": 2, "batch_wait": 0, **limits}), keys=KEYS)


def bearing(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    ("header", "cause"),
    [
        (None, "no_key"),
        ("", "no_key"),
        ("Bearer", "no_key"),
        (f"Basic {WEB}", "no_key"),
        ("Bearer wrong", "wrong_key"),
        (f"Bearer {WEB}x", "wrong_key"),
        (f"Bearer {WEB[:-1]}", "wrong_key"),
        ("Bearer é", "wrong_key"),
    ],
)
def test_without_a_known_key_nothing_is_read(
    reader: EthicalAnalysisPipeline, talk_to: Any, header: str | None, cause: str
) -> None:
    async def test() -> None:
        async with talk_to(make(reader)) as client:
            headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
            for method, path in (("POST", "/read"), ("GET", "/model"), ("GET", "/metrics"), ("GET", "/absent")):
                answer = await client.request(method, path, headers=headers)
                assert (answer.status_code, answer.json()["cause"]) == (401, cause)
                assert answer.headers["www-authenticate"] == "Bearer"
                assert "Authorization: Bearer" in answer.json()["remedy"]
            for path in OPEN:
                assert (await client.get(path)).status_code == 200

    run(test)


def test_a_body_is_not_read_without_a_key(reader: EthicalAnalysisPipeline, talk_to: Any) -> None:
    async def test() -> None:
        app, sent = make(reader), []

        async def receive() -> Any:
            raise AssertionError("the body was asked for")

        async def send(message: Any) -> None:
            sent.append(message)

        async with talk_to(app):
            scope = {"type": "http", "method": "POST", "path": "/read", "headers": [], "query_string": b""}
            await app(scope, receive, send)
        assert sent[0]["status"] == 401

    run(test)


def test_a_key_opens_what_it_may_ask(reader: EthicalAnalysisPipeline, talk_to: Any) -> None:
    async def test() -> None:
        async with talk_to(make(reader)) as client:
            assert (await client.get("/model", headers=bearing(WEB))).status_code == 200
            assert (await client.post("/read", json={"text": "a"}, headers=bearing(WEB))).status_code == 200
            answer = await client.get("/metrics", headers=bearing(WEB))
            assert (answer.status_code, answer.json()["cause"]) == (403, "not_allowed")
            metrics = (await client.get("/metrics", headers=bearing(SCRAPER))).text
        assert 'redheart_requests_total{key="web",path="/read",status="200"} 1.0' in metrics
        assert 'redheart_requests_total{key="web",path="/metrics",status="403"} 1.0' in metrics
        assert 'redheart_texts_total{key="web"} 1.0' in metrics
        assert "redheart_ready 1.0" in metrics
        assert "redheart_running_requests 1.0" in metrics  # this one
        assert WEB not in metrics

    run(test)


def test_limits_are_those_of_each_key(reader: EthicalAnalysisPipeline, talk_to: Any) -> None:
    async def test() -> None:
        async with talk_to(make(reader)) as client:

            async def statuses(key: str, texts: list[str], number: int) -> list[int]:
                answers = [
                    await client.post("/read", json={"texts": texts}, headers=bearing(key)) for _ in range(number)
                ]
                refused = [answer for answer in answers if answer.status_code == 429]
                for answer in refused:
                    assert answer.json()["cause"] == "over_limit"
                    assert 1 <= int(answer.headers["retry-after"]) <= 60
                return [answer.status_code for answer in answers]

            assert await statuses(WEB, ["a"], 4) == [200, 200, 200, 429]
            assert await statuses(BATCH, ["a", "b"], 3) == [200, 200, 429]
            assert await statuses(SCRAPER, ["a", "b"], 5) == [200] * 5

    run(test)


def test_a_request_without_room_is_not_counted(gated: Any, talk_to: Any) -> None:
    async def test() -> None:
        async with talk_to(make(gated, queue=2)) as client:

            async def ask(key: str) -> Any:
                return await client.post("/read", json={"texts": ["a", "b"]}, headers=bearing(key))

            gated.close()
            first = asyncio.create_task(ask(SCRAPER))
            assert await asyncio.to_thread(gated.begun.wait, PATIENCE)
            second = asyncio.create_task(ask(SCRAPER))
            while client._transport.app.state.service.batcher.waiting != 2:
                await asyncio.sleep(0)
            assert [(await ask(BATCH)).status_code for _ in range(5)] == [503] * 5  # not 429
            gated.open.set()
            await asyncio.gather(first, second)
            assert [(await ask(BATCH)).status_code for _ in range(3)] == [200, 200, 429]

    run(test)


def test_neither_keys_nor_texts_are_logged(
    reader: EthicalAnalysisPipeline, talk_to: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def test() -> None:
        async with talk_to(make(reader)) as client:
            answer = await client.post("/read", json={"text": "my xylophone"}, headers=bearing(WEB))
            await client.post("/read", json={"text": "a"}, headers=bearing("guessed-xylophone"))
            assert answer.headers["x-request-id"] in {record.redheart["request"] for record in ours()}

    def ours() -> list[Any]:
        return [record for record in caplog.records if hasattr(record, "redheart")]

    run(test)
    first, second = [record.redheart for record in ours() if record.redheart["path"] == "/read"]
    assert (first["key"], first["texts"], first["status"]) == ("web", 1, 200)
    assert (second["key"], second["texts"], second["status"]) == ("", 0, 401)
    assert "xylophone" not in caplog.text + json.dumps([record.redheart for record in ours()])
    assert WEB not in caplog.text


def test_openapi_says_that_a_key_is_needed(reader: EthicalAnalysisPipeline, talk_to: Any) -> None:
    async def test() -> None:
        async with talk_to(make(reader)) as client:
            api = (await client.get("/openapi.json")).json()
        [scheme] = api["components"]["securitySchemes"].values()
        assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
        operations = {path: next(iter(methods.values())) for path, methods in api["paths"].items()}
        assert {path for path in operations if "security" in operations[path]} == {"/read", "/model", "/metrics"}
        assert {"401", "429"} <= set(operations["/read"]["responses"])
        for status in ("401", "403"):
            assert set(operations["/metrics"]["responses"][status]["content"]) == {"application/problem+json"}

    run(test)
