"""The client: splits texts into requests that fit the server's limits, repeats what may succeed later, raises the rest.

    with Client("https://readings.example.org", key=os.environ["REDHEART_KEY"]) as client:
        for reading in client.read_all(texts, outputs=["verdict"]):
            ...

Notable: texts and options are checked as everywhere (`configuration.inputs`) before anything is sent. Readings come as
they are received, so that an error does not take away those before it.
"""

import json
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, Unpack

from ..configuration.errors import (
    InputError,
    ServerBusyError,
    ServerConnectionError,
    ServerError,
    ServerPermissionError,
    ServerRequestError,
)
from ..configuration.inputs import check_options, check_text
from ..serving.keys import check_key
from ..serving.limits import Limits
from ..serving.wire import ModelFacts, Problem
from ..version import __version__
from .connections import Answer, Connections
from .reading import Reading
from .retries import Retries, retry_after

# Statuses of a server, or of a proxy before it, that has no answer now.
_BUSY = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
_NEXT_LOOK = 0.5  # seconds between two questions whether the model is ready


class ReadOptions(TypedDict, total=False):
    """The options of a reading, which are those of the pipeline; see `configuration.inputs.check_options`."""

    outputs: Sequence[str] | None
    depth: Literal["full", "fast"] | None
    token_budget: int | None
    include_untrained: bool | None
    guarantee: float | None


class Client:
    """A client of one server. Use it as a context manager; several threads may share it.

    Args:
        address: Of the server, such as ``http://127.0.0.1:8000``.
        key: API key; None where the server wants none.
        timeout: Maximum seconds to connect, and to wait for the next bytes of an answer.
        retries: How often a request is repeated when the server cannot be reached, breaks off, or answers with 429,
            502, 503 or 504.
        longest_wait: Maximum seconds before a repetition. When the server asks for more, the error is raised at once.
        context: Certificates and versions of TLS; None for those of the system.

    Raises:
        InputError: For an address, a key or a number that cannot be used.
    """

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 6,
        longest_wait: float = 30.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if not timeout > 0:
            raise InputError(f"`timeout` must be a number of seconds above 0, got {timeout}.")
        self._retries = Retries(retries, longest_wait)
        self._connections = Connections(address, timeout, context)
        self._headers = {"User-Agent": f"redheart/{__version__}", "Accept": "application/json"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {check_key(key)}"
        self._limits: Limits | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the next request opens one again."""
        self._connections.close()

    def read(self, text: str, **options: Unpack[ReadOptions]) -> Reading:
        """Read a text.

        Args:
            text: What to read.
            **options: Options of the pipeline: ``outputs``, ``depth``, ``token_budget``, ``include_untrained``,
                ``guarantee``.

        Returns:
            The reading.

        Raises:
            InputError: When the text or an option cannot be used; it is not sent then.
            ServerError: When the server did not read it; the subclasses say why.
        """
        return next(self.read_all([check_text(text)], **options))

    def read_all(self, texts: Iterable[str], **options: Unpack[ReadOptions]) -> Iterator[Reading]:
        """Read any number of texts, as many per request as the server takes. Memory is bounded by one request.

        Args:
            texts: What to read; may be an iterator.
            **options: As of `read`.

        Returns:
            The readings in the order of the texts, each as soon as its request is answered.

        Raises:
            InputError: When an option cannot be used, or, on the way, a text.
            ServerError: On the way, when the server did not read a text; those before it have been given.
        """
        if isinstance(texts, (str, bytes)):
            raise InputError("`read_all` takes several texts; give [text], or use `read` for one.")
        return self._read_all(texts, check_options(options))

    def _read_all(self, texts: Iterable[str], options: dict[str, Any]) -> Iterator[Reading]:
        for body, number in self._bodies(texts, options):
            readings = self._ask("POST", "/read", body).get("readings")
            if not isinstance(readings, list) or len(readings) != number:
                raise ServerError(
                    f"{self._connections.address} did not send {number} readings; is it `redheart serve`?"
                )
            yield from map(Reading, readings)

    def _bodies(self, texts: Iterable[str], options: dict[str, Any]) -> Iterator[tuple[bytes, int]]:
        """The bodies of requests that fit the limits, and how many texts each has."""
        limits = self.limits()
        frame = len(_json({"texts": [], **options}))
        waiting: list[str] = []
        size = frame
        for index, text in enumerate(texts):
            check_text(text, index)
            more = len(_json(text)) + 2  # the comma and the space
            if len(text) > limits.characters or frame + more > limits.body_bytes:
                raise InputError(
                    f"The text at index {index} has {len(text):,} characters, and the server takes at most "
                    f"{limits.characters:,} in {limits.body_bytes:,} bytes; split it."
                )
            if waiting and (len(waiting) == limits.texts or size + more > limits.body_bytes):
                yield _json({"texts": waiting, **options}), len(waiting)
                waiting, size = [], frame
            waiting.append(text)
            size += more
        if waiting:
            yield _json({"texts": waiting, **options}), len(waiting)

    def limits(self) -> Limits:
        """The limits of the server, which is asked once; errors as of `read`."""
        if self._limits is None:
            self._limits = self.model().limits
        return self._limits

    def model(self) -> ModelFacts:
        """Ask for the facts about the model.

        Returns:
            The facts.

        Raises:
            ServerError: When the server did not answer, or not as `redheart serve` does.
        """
        body = self._ask("GET", "/model")
        try:
            return ModelFacts.from_json(body)
        except (TypeError, ValueError) as error:
            message = f"{self._connections.address} did not send facts about a model ({error}); is it `redheart serve`?"
            raise ServerError(message) from error

    def wait_until_ready(self, seconds: float = 120.0) -> None:
        """Wait until the server is up and its model loaded.

        Args:
            seconds: Maximum time.

        Raises:
            ServerConnectionError: When it cannot be reached even then.
            ServerBusyError: When the model is not loaded even then.
        """
        end = time.monotonic() + seconds
        while True:
            try:
                self._once("GET", "/ready", None)
                return
            except (ServerConnectionError, ServerBusyError):
                if time.monotonic() + _NEXT_LOOK > end:
                    raise
            time.sleep(_NEXT_LOOK)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        return self._retries.run(lambda: self._once(method, path, body))

    def _once(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        headers = self._headers | ({} if body is None else {"Content-Type": "application/json"})
        answer = self._connections.exchange(method, path, body, headers)
        if answer.status != HTTPStatus.OK:
            raise _error(answer, self._connections.address)
        try:
            content = json.loads(answer.body)
        except ValueError as error:
            raise ServerError(f"{self._connections.address} did not send JSON; is it `redheart serve`?", 200) from error
        if not isinstance(content, dict):
            raise ServerError(f"{self._connections.address} did not send an object; is it `redheart serve`?", 200)
        return content


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _error(answer: Answer, address: str) -> ServerError:
    """The error for an answer that is not 200."""
    problem: Problem | None = None
    try:
        problem = Problem.from_json(json.loads(answer.body))
        message = f"{problem.detail} {problem.remedy}"
    except (TypeError, ValueError):  # of a proxy, or of another program
        message = f"{address} answered with status {answer.status}, not as `redheart serve` does; check the address."
    kind: type[ServerError] = ServerError
    if answer.status in _BUSY:
        kind = ServerBusyError
    elif answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        kind = ServerPermissionError
    elif HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = ServerRequestError
    return kind(message, answer.status, problem, retry_after(answer.headers.get("retry-after")))


__all__ = ["Client", "ReadOptions"]
