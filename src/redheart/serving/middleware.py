"""What stands before the routes: the limits of a body, and a log that has nothing of a text.

Notable: both are plain ASGI. A body is read here, at most as long and for as long as the limits allow, and only then
handed on. A failure is logged by its type and place, since its message may quote a text.
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
    """Logs and counts each request by its path, and answers what nothing else has caught.

    paths: those there are; any other is "-", since a client may have put a text there. count: is told path, status and
    seconds.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str], count: Count) -> None:
        self.app, self.paths, self.count = app, paths, count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            logger.error("%s in %s, line %s", type(error).__name__, last.name, last.lineno)
            if status:  # the answer has begun: the connection can only be cut
                raise ConnectionAbortedError(f"{type(error).__name__} after the answer had begun") from None
            problem = ProblemError(
                500, "internal", f"The server failed with {type(error).__name__}.", "Tell who runs it; the log has it."
            )
            await problem.response()(scope, receive, noting)
        finally:
            seconds = time.perf_counter() - start
            path = scope["path"] if scope["path"] in self.paths else "-"
            self.count(path, status, seconds)
            logger.info("%s %s %s %.0f ms", scope["method"], path, status or "gone", 1000 * seconds)


class BodyLimit:
    """Reads the body of each request within the limits, and answers 413, 408 or 503 where it does not fit them."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits, self.open = app, limits, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when its body is there."""
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
        """The whole body; None when the client has gone."""
        limits = self.limits
        if self.open > limits.requests:
            raise ProblemError(
                503,
                "too_many_requests",
                "The server works on as many requests as it may.",
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
                f"The body was not there within {limits.body_seconds:g} seconds.",
                "Send the whole body at once.",
                f"{size:,} bytes",
            ) from error
        return b"".join(chunks)

    def _check(self, size: int) -> None:
        if size > self.limits.body_bytes:
            raise ProblemError(
                413,
                "body_too_large",
                f"The body may have {self.limits.body_bytes:,} bytes.",
                "Send the texts in several requests.",
                f"{size:,} bytes or more",
            )


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receiver that gives ``body``, and then what the real one has to say."""
    given = False

    async def again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


__all__ = ["BodyLimit", "Count", "Guard", "logger"]
