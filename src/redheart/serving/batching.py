"""Dynamic batching: texts of requests that arrive about the same time are read together, in one worker thread.

Notable: everything but the reading and the counting of tokens happens in the event loop, so there are no locks; these
two have a thread each, since a request of the largest size takes a second to count. Texts are read in the order in
which they came, except that one whose options or length do not go with the oldest waits for a batch of its own kind; as
the oldest is in every batch, none waits for ever. A text that fails in a batch fails alone.
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

# texts, options -> a reading for each
Read: TypeAlias = Callable[[list[str], Any], Sequence[Any]]
Observe: TypeAlias = Callable[[int, float], None]

# How much the newest batch counts in the mean time of a text.
_NEWEST = 0.2


class QueueFullError(RedHeartError):
    """The queue has no place for a request. waiting: texts in it. retry_after: seconds until there may be one."""

    def __init__(self, waiting: int, retry_after: int) -> None:
        super().__init__(f"{waiting} texts are waiting.")
        self.waiting, self.retry_after = waiting, retry_after


class DeadlineError(RedHeartError):
    """A request was not answered in time."""


class ClosedError(RedHeartError):
    """The batcher takes no more texts."""


@dataclass(eq=False, slots=True)
class _Item:
    """A text that waits. size: its tokens. arrived: time of the loop's clock."""

    text: str
    options: Hashable
    size: int
    arrived: float
    reading: asyncio.Future[Any]


class Batcher:
    """Collects texts and reads them in batches. Use it as an asynchronous context manager.

    read: is called in the worker thread with texts and the options that they have in common. size: tokens of a text, is
    called in a thread of its own. max_batch: texts of a batch. max_tokens: of a batch, padding included (texts x the
    longest). max_wait: seconds that a text waits for others; while a batch is read, others gather anyway. max_queue:
    texts that may wait. observe: is told the texts and the seconds of each batch.
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
        self._coming = 0  # texts that are being counted, and have their place in the queue
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
        """Texts that wait."""
        return len(self._waiting)

    async def submit(self, texts: Sequence[str], options: Hashable = None, timeout: float | None = None) -> list[Any]:
        """The readings of ``texts``, in their order.

        options: what `read` is called with; only texts with equal options are read together. timeout: seconds.

        Raises `QueueFullError`, `DeadlineError`, `ClosedError`, and what `read` raises for one of the texts. Whichever
        it is, also when the caller is cancelled, texts whose reading has not begun are not read any more.
        """
        if self._closing or self._task is None:
            raise ClosedError("The server is stopping.")
        if (waiting := len(self._waiting) + self._coming) + len(texts) > self.max_queue:
            raise QueueFullError(waiting, self._retry_after())
        limit = asyncio.timeout(timeout)
        items: list[_Item] = []
        try:
            async with limit:
                items = await self._counted(texts, options)
                self._waiting += items
                self._news.set()
                return list(await asyncio.gather(*(item.reading for item in items)))
        except TimeoutError as error:
            if not limit.expired():  # the reader's own
                raise
            raise DeadlineError(f"Not read within {timeout:g} seconds.") from error
        finally:
            for item in items:
                item.reading.cancel()
            self._waiting = [item for item in self._waiting if not item.reading.done()]

    async def _counted(self, texts: Sequence[str], options: Hashable) -> list[_Item]:
        """The items of texts that have come now. Raises `ClosedError` when the batcher was closed meanwhile."""
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
        """What ``function`` returns in the worker thread, between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    async def close(self) -> None:
        """Take no more texts, finish the batch that is being read, and fail what still waits with `ClosedError`."""
        self._closing = True
        self._news.set()
        if self._task is not None:
            await self._task
        self._executor.shutdown()
        self._counter.shutdown(wait=False)  # what it still counts finds the batcher closed

    def _retry_after(self) -> int:
        """Whole seconds until what waits now is likely read, at least 1."""
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
            self._closing = True
            waiting, self._waiting = self._waiting, []
            for item in waiting:
                if not item.reading.done():
                    item.reading.set_exception(ClosedError("The server is stopping."))

    async def _wait(self, seconds: float | None) -> None:
        """Wait for news, at most so long."""
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
        """The next batch: the oldest text, and those after it that go with it."""
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
        """The next batch, no longer waiting."""
        batch = self._fitting()
        taken = set(map(id, batch))
        self._waiting = [item for item in self._waiting if id(item) not in taken]
        return batch

    async def _read_batch(self, batch: list[_Item]) -> None:
        """Read the texts together, and one by one when that fails."""
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
            raise RuntimeError(f"The reader gave {len(readings)} readings for {len(batch)} texts.")
        return readings


__all__ = ["Batcher", "ClosedError", "DeadlineError", "QueueFullError"]
