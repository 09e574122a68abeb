"""Dynamic batching: texts of requests that arrive about the same time are read together, in one worker thread.

Notable: everything but the reading and the counting of tokens happens in the event loop, so there are no locks. These
two have a thread each, since the largest request takes a second to count. Texts are read in the order of their arrival,
except that a text whose options or length do not fit the oldest text waits for a later batch; since every batch has the
oldest text, none waits forever. When a batch fails, its texts are read one by one, so that only the faulty ones fail.
"""

import asyncio
import math
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias

from ..configuration.errors import RedHeartError

# Texts, options -> a reading for each text.
Read: TypeAlias = Callable[[list[str], Any], Sequence[Any]]
Observe: TypeAlias = Callable[[int, float], None]

# Weight of the newest batch in the moving average of the time of a text.
_NEWEST = 0.2


class QueueFullError(RedHeartError):
    """The queue has no room for a request.

    Attributes:
        waiting: Texts in the queue.
        retry_after: Seconds until there may be room.
    """

    def __init__(self, waiting: int, retry_after: int) -> None:
        super().__init__(f"{waiting} texts are waiting.")
        self.waiting, self.retry_after = waiting, retry_after


class DeadlineError(RedHeartError):
    """A request was not answered in time."""


class ClosedError(RedHeartError):
    """The batcher does not accept texts any more."""


@dataclass(eq=False, slots=True)
class _Item:
    """A text that waits, with its size in tokens and its time of arrival by the clock of the event loop."""

    text: str
    options: Hashable
    size: int
    arrived: float
    reading: asyncio.Future[Any]


class Batcher:
    """Collects texts and reads them in batches. Use it as an asynchronous context manager.

    Args:
        read: Reads texts that have the same options; called in the worker thread.
        size: Counts the tokens of a text; called in another thread.
        max_batch: Maximum texts of a batch.
        max_tokens: Maximum tokens of a batch, padding included (texts x the longest); a longer text is read alone.
        max_wait: Maximum seconds that a text waits for others; others may also join while a batch is being read.
        max_queue: Maximum texts that may wait.
        observe: Called with the number of texts and the seconds of each batch.
    """

    def __init__(
        self,
        read: Read,
        *,
        size: Callable[[str], int] = len,
        max_batch: int = 16,
        max_tokens: int = 4096,
        max_wait: float = 0.005,
        max_queue: int = 256,
        observe: Observe = lambda texts, seconds: None,
    ) -> None:
        self.read, self.size, self.observe = read, size, observe
        self.max_batch, self.max_tokens, self.max_wait, self.max_queue = max_batch, max_tokens, max_wait, max_queue
        self._waiting: list[_Item] = []
        self._coming = 0  # texts that are being counted; they already have a place in the queue
        self._news = asyncio.Event()
        self._closing = False
        self._seconds_per_text = 0.0
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")
        self._counter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="counter")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def waiting(self) -> int:
        """Number of texts that wait."""
        return len(self._waiting)

    def check_room(self, texts: int = 1) -> None:
        """Raise `QueueFullError` when the queue has no room for that many ``texts``."""
        if (waiting := len(self._waiting) + self._coming) + texts > self.max_queue:
            raise QueueFullError(waiting, self._retry_after())

    async def submit(self, texts: Sequence[str], options: Hashable = None, timeout: float | None = None) -> list[Any]:
        """Read texts. After an error or a cancellation, those whose reading has not begun are not read any more.

        Args:
            texts: What to read.
            options: What `read` is called with; only texts with equal options are read together.
            timeout: Maximum seconds; None for no limit.

        Returns:
            The readings, in the order of the texts. An exception of `read` for one of the texts is raised.

        Raises:
            QueueFullError: When the queue has no room for all texts.
            DeadlineError: When the texts were not read within ``timeout``.
            ClosedError: When the batcher is closed, or closes before the texts are read.
            TimeoutError: When `read` itself raises it.
        """
        if self._closing or self._task is None:
            raise ClosedError("The server is stopping.")
        self.check_room(len(texts))
        limit = asyncio.timeout(timeout)
        items: list[_Item] = []
        try:
            async with limit:
                items = await self._counted(texts, options)
                self._waiting += items
                self._news.set()
                return list(await asyncio.gather(*(item.reading for item in items)))
        except TimeoutError as error:
            if not limit.expired():  # raised by the reader
                raise
            raise DeadlineError(f"Not read within {timeout:g} seconds.") from error
        finally:
            for item in items:
                item.reading.cancel()
            self._waiting = [item for item in self._waiting if not item.reading.done()]

    async def _counted(self, texts: Sequence[str], options: Hashable) -> list[_Item]:
        """Count the tokens of new texts; raise `ClosedError` when the batcher was closed meanwhile."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._coming += len(texts)
        try:
            sizes = await loop.run_in_executor(self._counter, lambda: [self.size(text) for text in texts])
        finally:
            self._coming -= len(texts)
        if self._closing:
            raise ClosedError("The server is stopping.")
        return [_Item(text, options, size, now, loop.create_future()) for text, size in zip(texts, sizes, strict=True)]

    async def in_worker(self, function: Callable[[], Any]) -> Any:
        """Call ``function`` in the worker thread, between two batches, and return what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    async def close(self) -> None:
        """Accept no more texts, finish the batch that is being read, and fail waiting texts with `ClosedError`."""
        self._closing = True
        self._news.set()
        if self._task is not None:
            await self._task
        self._executor.shutdown()
        self._counter.shutdown(wait=False)  # texts that are still being counted get `ClosedError`

    def _retry_after(self) -> int:
        """Estimated seconds, at least 1, until the texts that wait now are read."""
        return max(1, math.ceil(len(self._waiting) * self._seconds_per_text))

    async def _run(self) -> None:
        try:
            while not self._closing:
                if not self._waiting:
                    await self._wait(None)
                elif (left := self._left()) > 0:
                    await self._wait(left)
                else:
                    await self._read_batch(self._take())
        finally:
            self._fail_waiting()

    def _fail_waiting(self) -> None:
        """Close, and fail the texts that wait."""
        self._closing = True
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            if not item.reading.done():
                item.reading.set_exception(ClosedError("The server is stopping."))

    async def _wait(self, seconds: float | None) -> None:
        """Wait for a new text or the end, at most ``seconds``."""
        self._news.clear()
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                await self._news.wait()
        except TimeoutError:
            if not limit.expired():
                raise

    def _left(self) -> float:
        """Seconds that the next batch may wait for more texts; 0 when it is full."""
        if len(self._fitting()) >= self.max_batch:
            return 0.0
        return self._waiting[0].arrived + self.max_wait - asyncio.get_running_loop().time()

    def _fitting(self) -> list[_Item]:
        """The next batch: the oldest text, and those after it that fit it."""
        oldest = self._waiting[0]
        batch, longest = [oldest], oldest.size
        for item in self._waiting[1:]:
            if len(batch) == self.max_batch:
                break
            together = max(longest, item.size)
            if item.options == oldest.options and together * (len(batch) + 1) <= self.max_tokens:
                batch.append(item)
                longest = together
        return batch

    def _take(self) -> list[_Item]:
        """Remove the next batch from the waiting texts, and return it."""
        batch = self._fitting()
        taken = set(map(id, batch))
        self._waiting = [item for item in self._waiting if id(item) not in taken]
        return batch

    async def _read_batch(self, batch: list[_Item]) -> None:
        """Read the texts together, or one by one when that fails."""
        start = time.perf_counter()
        try:
            readings = await self.in_worker(lambda: self._checked(batch))
        except Exception as error:
            if len(batch) > 1:
                for item in batch:
                    if not item.reading.done():
                        await self._read_batch([item])
            elif not batch[0].reading.done():
                batch[0].reading.set_exception(error)
            return
        seconds = time.perf_counter() - start
        newest = seconds / len(batch)
        self._seconds_per_text += (newest - self._seconds_per_text) * (_NEWEST if self._seconds_per_text else 1)
        self.observe(len(batch), seconds)
        for item, reading in zip(batch, readings, strict=True):
            if not item.reading.done():
                item.reading.set_result(reading)

    def _checked(self, batch: list[_Item]) -> Sequence[Any]:
        readings = self.read([item.text for item in batch], batch[0].options)
        if len(readings) != len(batch):
            raise RuntimeError(f"The reader returned {len(readings)} readings for {len(batch)} texts.")
        return readings


__all__ = ["Batcher", "ClosedError", "DeadlineError", "QueueFullError"]
