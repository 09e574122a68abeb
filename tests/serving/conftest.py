"""What the tests of serving share: a pipeline that depends visibly on its texts, and one that can be held up."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from transformers import PreTrainedTokenizerBase

from redheart import EthicalAnalysisPipeline
from redheart.configuration.labels import OUTPUTS, record_keys

PATIENCE = 30.0  # seconds until a test that hangs fails


class Gated:
    """A pipeline whose readings come only while it is open, and which notes what it read."""

    def __init__(self, pipeline: EthicalAnalysisPipeline) -> None:
        self.pipeline, self.model, self.tokenizer = pipeline, pipeline.model, pipeline.tokenizer
        self.batches: list[list[str]] = []
        self.error: Exception | None = None
        self.begun, self.open = threading.Event(), threading.Event()
        self.open.set()

    def __call__(self, texts: list[str], **options: Any) -> Any:
        self.batches.append(texts)
        assert set(options.get("outputs", OUTPUTS)) <= set(getattr(self.model, "outputs", OUTPUTS))
        self.begun.set()
        assert self.open.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        return self.pipeline(texts, **options)

    def close(self) -> None:
        """Let nothing through from now on."""
        self.open.clear()
        self.begun.clear()
        self.batches.clear()


@pytest.fixture(scope="session")
def reader(lively_model: Callable[..., Any], tokenizer: PreTrainedTokenizerBase) -> EthicalAnalysisPipeline:
    """A tiny pipeline that withholds nothing."""
    model = lively_model(supervision={key: ["made-up"] for key in record_keys()})
    return EthicalAnalysisPipeline(model=model, tokenizer=tokenizer)


@pytest.fixture
def gated(reader: EthicalAnalysisPipeline) -> Gated:
    return Gated(reader)


Client = AbstractAsyncContextManager[httpx2.AsyncClient]


@pytest.fixture(scope="session")
def talk_to() -> Callable[[FastAPI], Client]:
    """Runs an app in this event loop, waits until it is ready or has failed, and gives a client of it."""

    @asynccontextmanager
    async def talk(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
        async with app.router.lifespan_context(app):
            await app.state.service.loading
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://test", timeout=PATIENCE) as client:
                yield client

    return talk
