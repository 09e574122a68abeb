"""Middleware before the routes: limits of a body, and a log that contains no text.

Notable: both are plain ASGI. A body is read here, within the limits of size and time, and only then passed on. A
failure is logged by its type and place, since its message may quote a text.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import key_name
from .limits import Limits
from .logs import FIELDS
from .metrics import Metrics
from .problems import ProblemError

logger = logging.getLogger("redheart.serving")

TEXTS = "redheart.texts"  # where a request carries the number of its texts
REQUEST_ID = b"x-request-id"


class Guard:
    """Logs and counts each request by its path, and answers with an error when nothing else caught an exception.

    Args:
        app: The application behind it.
        paths: The known paths; any other is logged as "-", since a client may have put a text there.
        metrics: Where requests are counted.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str], metrics: Metrics) -> None:
        self.app, self.paths, self.metrics = app, paths, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0
        number = uuid4().hex  # made here, since one that a client sends may have a text in it
        self.metrics.running.inc()

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (REQUEST_ID, number.encode())]}
            await send(message)

        try:
            await self.app(scope, receive, send_and_note_status)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            logger.error(
                "%s in %s, line %s", type(error).__name__, last.name, last.lineno, extra={FIELDS: {"request": number}}
            )
            if status:  # the answer has begun: the connection can only be cut
                raise ConnectionAbortedError(f"{type(error).__name__} after the answer had begun") from None
            problem = ProblemError(
                500,
                "internal",
                f"The server failed with {type(error).__name__}.",
                "Report it to the operator of the server; its log has the place.",
            )
            await problem.response()(scope, receive, send_and_note_status)
        finally:
            self.metrics.running.dec()
            self._note(scope, status, time.perf_counter() - start, number)

    def _note(self, scope: Scope, status: int, seconds: float, number: str) -> None:
        """Count and log a request."""
        path = scope["path"] if scope["path"] in self.paths else "-"
        key, texts = key_name(scope), scope.get(TEXTS, 0)
        self.metrics.request(path, status, seconds, key)
        if status == HTTPStatus.OK and texts:
            self.metrics.read(texts, key)
        fields = {
            "request": number,
            "method": scope["method"],
            "path": path,
            "status": status,
            "ms": round(1000 * seconds, 1),
            "key": key,
            "texts": texts,
        }
        words = (scope["method"], path, status or "gone", 1000 * seconds, f" {key}" if key else "")
        logger.info("%s %s %s %.0f ms%s", *words, extra={FIELDS: fields})


class BodyLimit:
    """Reads the body of each request within the limits; beyond them it answers 413, 408 or 503.

    A request that would be refused whatever is in it is refused unread, so that a server with too much to do spends
    its time on texts that it reads.

    Args:
        app: The application behind it.
        limits: The limits.
        check_room: Raises `ProblemError` when no text could be read now.
    """

    def __init__(self, app: ASGIApp, limits: Limits, check_room: Callable[[], None]) -> None:
        self.app, self.limits, self.check_room, self.open = app, limits, check_room, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when its body has arrived."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        self.open += 1
        try:
            try:
                body = await self._body(scope, receive)
            except ProblemError as error:
                await error.response()(scope, receive, send)
                return
            if body is not None:
                await self.app(scope, _replay(body, receive), send)
        finally:
            self.open -= 1

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """Receive the whole body; return None when the client disconnects."""
        limits = self.limits
        if self.open > limits.requests:
            raise ProblemError(
                503,
                "too_many_requests",
                f"The server already handles {limits.requests} requests, its maximum.",
                "Try again later.",
                limits.requests,
                retry_after=1,
            )
        self.check_room()
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit():
            self._check(int(declared))
        chunks, size = [], 0
        limit = asyncio.timeout(limits.body_seconds)
        try:
            async with limit:
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    self._check(size)
                    chunks.append(chunk)
                    more = message.get("more_body", False)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ProblemError(
                408,
                "body_too_slow",
                f"The body did not arrive within {limits.body_seconds:g} seconds.",
                "Send the whole body at once.",
                f"{size:,} bytes",
            ) from error
        return b"".join(chunks)

    def _check(self, size: int) -> None:
        if size > self.limits.body_bytes:
            raise ProblemError(
                413,
                "body_too_large",
                f"The body may have at most {self.limits.body_bytes:,} bytes.",
                "Send the texts in several requests.",
                f"{size:,} bytes or more",
            )


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receiver that returns ``body`` first, and then what ``receive`` returns."""
    replayed = False

    async def receive_again() -> Any:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


__all__ = ["TEXTS", "BodyLimit", "Guard", "logger"]
