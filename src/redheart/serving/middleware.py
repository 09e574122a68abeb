"""Middleware before the routes: limits of a body, and a log that contains no text.

Notable: both are plain ASGI. A body is read here, within the limits of size and time, and only then passed on. A
failure is logged by its type and place, since its message may quote a text.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Collection
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .limits import Limits
from .problems import ProblemError

logger = logging.getLogger("redheart.serving")

Count = Callable[[str, int, float], None]


class Guard:
    """Logs and counts each request by its path, and answers with an error when nothing else caught an exception.

    Args:
        app: The application behind it.
        paths: The known paths; any other is logged as "-", since a client may have put a text there.
        count: Called with path, status and seconds of each request.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str], count: Count) -> None:
        self.app, self.paths, self.count = app, paths, count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note_status)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            logger.error("%s in %s, line %s", type(error).__name__, last.name, last.lineno)
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
            seconds = time.perf_counter() - start
            path = scope["path"] if scope["path"] in self.paths else "-"
            self.count(path, status, seconds)
            logger.info("%s %s %s %.0f ms", scope["method"], path, status or "gone", 1000 * seconds)


class BodyLimit:
    """Reads the body of each request within the limits; beyond them it answers 413, 408 or 503.

    Args:
        app: The application behind it.
        limits: The limits.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits, self.open = app, limits, 0

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


__all__ = ["BodyLimit", "Count", "Guard", "logger"]
