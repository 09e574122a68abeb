"""The batcher, with a reader that can be held up: what is read together, in which order, and what is dropped."""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from redheart.serving.batching import Batcher, ClosedError, DeadlineError, QueueFullError

PATIENCE = 30.0
FOREVER = 3600.0  # a wait that only a full batch ends


class Reader:
    """Gives each text back with the options; notes the batches, and holds them up while it is closed."""

    def __init__(self, closed: bool = False) -> None:
        self.batches: list[list[str]] = []
        self.begun, self.open = threading.Semaphore(0), threading.Event()
        if not closed:
            self.open.set()

    def __call__(self, texts: list[str], options: Any) -> Sequence[Any]:
        self.batches.append(texts)
        self.begun.release()
        assert self.open.wait(PATIENCE)
        if bad := [text for text in texts if text.startswith("bad")]:
            raise ValueError(bad[0])
        return [(text, options) for text in texts]

    async def has_begun(self) -> None:
        """Returns when one more batch is being read."""
        assert await asyncio.to_thread(self.begun.acquire, timeout=PATIENCE)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), PATIENCE))


async def queued(batcher: Batcher, count: int) -> None:
    """Returns when so many texts wait."""
    while batcher.waiting != count:
        await asyncio.sleep(0)


def test_requests_that_come_together_are_one_batch() -> None:
    async def test() -> None:
        reader = Reader()
        async with Batcher(reader, max_batch=4, max_wait=FOREVER) as batcher:
            one, other = await asyncio.gather(batcher.submit(["a", "b"], 1), batcher.submit(["c", "d"], 1))
        assert reader.batches == [["a", "b", "c", "d"]]
        assert one == [("a", 1), ("b", 1)]
        assert other == [("c", 1), ("d", 1)]

    run(test)


def test_a_batch_that_is_not_full_is_read_when_it_has_waited() -> None:
    async def test() -> None:
        reader = Reader()
        async with Batcher(reader, max_batch=4, max_wait=0.01) as batcher:
            assert await batcher.submit(["a"]) == [("a", None)]
        assert reader.batches == [["a"]]

    run(test)


def test_tokens_are_counted_outside_the_event_loop() -> None:
    """All slow work is done in a thread, so that other requests are answered meanwhile."""

    async def test() -> None:
        begun, go, threads = threading.Event(), threading.Event(), set()

        def size(text: str) -> int:
            threads.add(threading.current_thread().name.partition("_")[0])
            begun.set()
            assert go.wait(PATIENCE)
            return len(text)

        async with Batcher(Reader(), size=size, max_wait=0, max_queue=3) as batcher:
            first = asyncio.create_task(batcher.submit(["a", "b"]))
            assert await asyncio.to_thread(begun.wait, PATIENCE)  # the event loop continues while it is counted
            with pytest.raises(QueueFullError, match="2 texts are waiting"):
                await batcher.submit(["c", "d"])
            with pytest.raises(DeadlineError):
                await batcher.submit(["c"], timeout=0.01)
            go.set()
            assert await first == [("a", None), ("b", None)]
        assert threads == {"counter"}

    run(test)


def test_what_is_being_counted_when_it_closes_is_refused() -> None:
    async def test() -> None:
        begun, go = threading.Event(), threading.Event()

        def size(text: str) -> int:
            begun.set()
            assert go.wait(PATIENCE)
            return len(text)

        batcher = Batcher(Reader(), size=size)
        async with batcher:
            waiting = asyncio.create_task(batcher.submit(["a"]))
            assert await asyncio.to_thread(begun.wait, PATIENCE)
        go.set()
        with pytest.raises(ClosedError):
            await waiting

    run(test)


def test_a_request_larger_than_a_batch_keeps_its_order() -> None:
    async def test() -> None:
        reader, texts = Reader(), [str(i) for i in range(10)]
        async with Batcher(reader, max_batch=4, max_wait=0) as batcher:
            assert [text for text, _ in await batcher.submit(texts)] == texts
        assert reader.batches == [texts[:4], texts[4:8], texts[8:]]

    run(test)


def test_what_comes_while_a_batch_is_read_is_the_next_batch() -> None:
    async def test() -> None:
        reader = Reader(closed=True)
        async with Batcher(reader, max_wait=0) as batcher:
            first = asyncio.create_task(batcher.submit(["a"]))
            await reader.has_begun()
            others = [asyncio.create_task(batcher.submit([text])) for text in "bcd"]
            await queued(batcher, 3)
            reader.open.set()
            await asyncio.gather(first, *others)
        assert reader.batches == [["a"], ["b", "c", "d"]]

    run(test)


def test_other_options_are_another_batch_and_the_oldest_text_is_in_the_next_one() -> None:
    async def test() -> None:
        reader = Reader(closed=True)
        async with Batcher(reader, max_wait=0, max_batch=3) as batcher:
            tasks = [asyncio.create_task(batcher.submit(["first"], "x"))]
            await reader.has_begun()
            for text, options in (("a", "x"), ("b", "y"), ("c", "x"), ("d", "y"), ("e", "x"), ("f", "x")):
                tasks.append(asyncio.create_task(batcher.submit([text], options)))
            await queued(batcher, 6)
            reader.open.set()
            answers = await asyncio.gather(*tasks)
        assert reader.batches == [["first"], ["a", "c", "e"], ["b", "d"], ["f"]]
        assert answers[2] == [("b", "y")]

    run(test)


def test_a_long_text_does_not_make_short_ones_long() -> None:
    async def test() -> None:
        reader = Reader(closed=True)
        async with Batcher(reader, max_wait=0, max_tokens=10) as batcher:
            tasks = [asyncio.create_task(batcher.submit(["-"]))]
            await reader.has_begun()
            # 3 texts of 3 tokens are 9; with the one of 8 each would have 8. The one of 20 fits with nothing.
            texts = ["aaa", "b" * 8, "cc", "dd", "e" * 20, "f"]
            tasks.append(asyncio.create_task(batcher.submit(texts)))
            await queued(batcher, 6)
            reader.open.set()
            await asyncio.gather(*tasks)
        assert reader.batches[1:] == [["aaa", "cc", "dd"], ["b" * 8], ["e" * 20], ["f"]]

    run(test)


def test_a_full_queue_refuses_the_whole_request() -> None:
    async def test() -> None:
        reader = Reader(closed=True)
        async with Batcher(reader, max_wait=0, max_queue=3) as batcher:
            first = asyncio.create_task(batcher.submit(["a"]))
            await reader.has_begun()
            second = asyncio.create_task(batcher.submit(["b", "c"]))
            await queued(batcher, 2)
            with pytest.raises(QueueFullError) as caught:
                await batcher.submit(["d", "e"])
            assert caught.value.waiting == 2
            assert caught.value.retry_after >= 1
            third = asyncio.create_task(batcher.submit(["f"]))  # for which there is a place
            await queued(batcher, 3)
            reader.open.set()
            await asyncio.gather(first, second, third)
        assert reader.batches == [["a"], ["b", "c", "f"]]

    run(test)


def test_waiting_texts_are_dropped_after_the_deadline() -> None:
    async def test() -> None:
        reader = Reader(closed=True)
        async with Batcher(reader, max_wait=0) as batcher:
            first = asyncio.create_task(batcher.submit(["a"]))
            await reader.has_begun()
            with pytest.raises(DeadlineError):
                await batcher.submit(["b", "c"], timeout=0.01)
            assert batcher.waiting == 0
            reader.open.set()
            assert await first == [("a", None)]
            assert await batcher.submit(["d"]) == [("d", None)]
        assert reader.batches == [["a"], ["d"]]

    run(test)


def test_a_batch_that_has_begun_is_finished_after_a_deadline() -> None:
    async def test() -> None:
        reader = Reader(closed=True)
        async with Batcher(reader, max_wait=FOREVER, max_batch=2) as batcher:
            patient = asyncio.create_task(batcher.submit(["a"]))
            await queued(batcher, 1)
            with pytest.raises(DeadlineError):
                await batcher.submit(["b"], timeout=0.05)
            reader.open.set()
            assert await patient == [("a", None)]
        assert reader.batches == [["a", "b"]]

    run(test)


def test_a_caller_that_is_cancelled_leaves_the_queue() -> None:
    async def test() -> None:
        reader = Reader(closed=True)
        async with Batcher(reader, max_wait=0) as batcher:
            first = asyncio.create_task(batcher.submit(["a"]))
            await reader.has_begun()
            second = asyncio.create_task(batcher.submit(["b"]))
            await queued(batcher, 1)
            second.cancel()
            await queued(batcher, 0)
            reader.open.set()
            await first
        assert reader.batches == [["a"]]

    run(test)


def test_a_text_that_fails_fails_alone() -> None:
    async def test() -> None:
        reader = Reader()
        async with Batcher(reader, max_batch=3, max_wait=FOREVER) as batcher:
            answers = await asyncio.gather(
                *(batcher.submit([text]) for text in ("a", "bad", "c")), return_exceptions=True
            )
            assert answers[0] == [("a", None)]
            assert isinstance(answers[1], ValueError)
            assert answers[2] == [("c", None)]
        assert reader.batches == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]

    run(test)


def test_two_failures_of_one_request_are_one_error() -> None:
    async def test() -> None:
        unhandled: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        async with Batcher(Reader(), max_batch=3, max_wait=FOREVER) as batcher:
            with pytest.raises(ValueError, match="bad1"):
                await batcher.submit(["bad1", "a", "bad2"])
        assert unhandled == []

    run(test)


def test_a_reader_that_skips_a_text_is_an_error() -> None:
    async def test() -> None:
        async with Batcher(lambda texts, options: texts[1:], max_batch=2, max_wait=FOREVER) as batcher:
            with pytest.raises(RuntimeError, match="0 readings for 1 texts"):
                await batcher.submit(["a", "b"])

    run(test)


def test_a_timeout_of_the_reader_is_not_a_deadline() -> None:
    def read(texts: list[str], options: Any) -> Sequence[Any]:
        raise TimeoutError("a disk")

    async def test() -> None:
        async with Batcher(read, max_wait=0) as batcher:
            with pytest.raises(TimeoutError, match="a disk"):
                await batcher.submit(["a"], timeout=FOREVER)

    run(test)


def test_closing_finishes_what_has_begun_and_fails_what_waits() -> None:
    async def test() -> None:
        reader = Reader(closed=True)
        async with Batcher(reader, max_wait=0) as batcher:
            begun = asyncio.create_task(batcher.submit(["a"]))
            await reader.has_begun()
            waits = asyncio.create_task(batcher.submit(["b"]))
            await queued(batcher, 1)
            closing = asyncio.create_task(batcher.close())
            await asyncio.sleep(0)
            with pytest.raises(ClosedError):
                await batcher.submit(["c"])
            reader.open.set()
            await closing
            assert await begun == [("a", None)]
            with pytest.raises(ClosedError):
                await waits
        assert reader.batches == [["a"]]

    run(test)


def test_batches_are_observed() -> None:
    async def test() -> None:
        seen: list[int] = []
        batcher = Batcher(Reader(), max_batch=2, max_wait=0, observe=lambda texts, seconds: seen.append(texts))
        async with batcher:
            await batcher.submit(["a", "b", "c"])
        assert seen == [2, 1]

    run(test)


def test_every_request_gets_its_own_readings() -> None:
    async def test() -> None:
        random_ = random.Random(0)
        async with Batcher(Reader(), max_batch=7, max_tokens=60, max_wait=0.001, max_queue=10_000) as batcher:

            async def one(number: int) -> None:
                texts = [f"{number}.{place}" * random_.randint(1, 6) for place in range(random_.randint(1, 5))]
                options = number % 3
                assert await batcher.submit(texts, options) == [(text, options) for text in texts]

            await asyncio.gather(*(one(number) for number in range(300)))
            assert batcher.waiting == 0

    run(test)
