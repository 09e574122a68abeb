"""The model behind the server: loaded and warmed up in the worker thread, called through the batcher.

Notable: no text is kept, logged or put into the message of an exception.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from ..modeling_redheart.guaranteed import valid_guarantee
from ..modeling_redheart.guarantees import guarantee_lines, read_guarantee
from ..modeling_redheart.windows import MOST_WINDOWS
from ..version import __version__
from .batching import Batcher, ClosedError, DeadlineError, QueueFullError
from .limits import Limits
from .metrics import Metrics
from .problems import ProblemError
from .schema import Options
from .wire import ModelFacts

if TYPE_CHECKING:
    from ..modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline

logger = logging.getLogger("redheart.serving")

# Texts that are read before the first request, so that no client waits for the setup of the first forward pass.
_WARM_UP = ("This is read first.", "So is this, a little longer than the other one.")
# Upper bound on the mean length of a token; only the beginning of a text that exceeds all windows is counted.
_CHARACTERS_PER_TOKEN = 8


class Service:
    """A pipeline for many clients at the same time. Use it as an asynchronous context manager.

    Args:
        name: Name of the model, as clients see it.
        load: Creates the pipeline; called in the worker thread.
        limits: Limits of requests and batches.
        on_failure: Called when the pipeline could not be created; the error is then in ``failure``.
        on_ready: Called when the pipeline is created and warmed up.
        batcher: Puts texts of several requests together.
    """

    def __init__(
        self,
        name: str,
        load: "Callable[[], EthicalAnalysisPipeline]",
        limits: Limits,
        on_failure: Callable[[], None] = lambda: None,
        on_ready: Callable[[], None] = lambda: None,
        batcher: type[Batcher] = Batcher,
    ) -> None:
        self.name, self.load, self.limits = name, load, limits
        self.on_failure, self.on_ready = on_failure, on_ready
        self.pipeline: EthicalAnalysisPipeline | None = None
        self.failure: Exception | None = None
        self.metrics = Metrics(name, limits.queue, lambda: self.batcher.waiting, lambda: self.pipeline is not None)
        self.count_tokens: Callable[[str], int] = len
        self.batcher = batcher(
            self._read,
            size=lambda text: self.count_tokens(text),
            max_batch=limits.batch,
            max_tokens=limits.batch_tokens,
            max_wait=limits.batch_wait,
            max_queue=limits.queue,
            observe=self.metrics.batch,
        )
        self.loading: asyncio.Task[None] | None = None  # ends when the model is ready, or when it could not be loaded
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.batcher)
        self.loading = asyncio.create_task(self._load())
        self._stack.callback(self.loading.cancel)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.aclose()

    async def _load(self) -> None:
        try:
            pipeline = await self.batcher.in_worker(self._loaded)
        except Exception as error:
            self.failure = error
            self.on_failure()
        else:
            self.pipeline = pipeline
            logger.info("%s is ready", self.name)
            self.on_ready()

    def _loaded(self) -> "EthicalAnalysisPipeline":
        pipeline = self.load()
        _warm_up(pipeline)
        self.count_tokens = token_counter(pipeline)
        return pipeline

    async def answers(self) -> None:
        """Wait until the model is loaded, then read with it, ahead of the texts that wait; raises why it cannot."""
        if self.loading is not None:
            await self.loading
        if self.failure is not None:
            raise self.failure
        await self.batcher.in_worker(partial(_warm_up, self.ready()))

    def _read(self, texts: list[str], options: Options) -> Sequence[Any]:
        return self.ready()(texts, batch_size=len(texts), **dict(options))

    def _fitted(self, options: Options) -> Options:
        """``options`` for this model; raise `ProblemError` for what an exported model does not have."""
        model: Any = self.ready().model
        given, offered = dict(options), _outputs(model)
        if lacking := [name for name in given.get("outputs", ()) if name not in offered]:
            detail = f"{self.name} was exported without {lacking[0]!r}."
            raise ProblemError(422, "invalid_request", detail, f"It has {', '.join(offered)}.", lacking[0])
        if "guarantee" in given:
            try:
                valid_guarantee(model).promise(given["guarantee"])
            except ValueError as error:
                raise ProblemError(
                    422,
                    "invalid_request",
                    str(error),
                    "Leave `guarantee` out, or give one that /model lists.",
                    "guarantee",
                ) from None
        fixed = _exported(model)
        if fixed and (given["depth"] != fixed["depth"] or "token_budget" in given):
            detail = f"{self.name} was exported for the depth {fixed['depth']!r}, without a token budget."
            raise ProblemError(
                422, "invalid_request", detail, f"Ask for the depth {fixed['depth']!r}, with all tokens."
            )
        return tuple((fixed | given).items())

    def ready(self) -> "EthicalAnalysisPipeline":
        """Return the pipeline.

        Returns:
            The pipeline.

        Raises:
            ProblemError: While it is being loaded, or when it could not be loaded.
        """
        if self.pipeline is None:
            if self.failure is not None:
                kind = type(self.failure).__name__
                raise ProblemError(
                    503,
                    "not_ready",
                    f"{self.name} could not be loaded ({kind}).",
                    "Report it to the operator of the server; its log has the reason.",
                )
            raise ProblemError(
                503, "not_ready", f"{self.name} is being loaded.", "Try again later.", self.name, retry_after=1
            )
        return self.pipeline

    async def read(self, texts: Sequence[str], options: Options) -> list[Any]:
        """Read texts.

        Args:
            texts: What to read.
            options: Options of the pipeline, as `ReadRequest.options` gives them.

        Returns:
            The readings, in the order of the texts.

        Raises:
            ProblemError: When they cannot be read: the model is not ready or lacks what is asked for, the queue is
                full, the deadline is over, the server is stopping, or the model fails on a text.
        """
        options = self._fitted(options)
        limits = self.limits
        try:
            return await self.batcher.submit(texts, options, limits.deadline)
        except QueueFullError as error:
            raise self._queue_full(error, len(texts)) from None
        except DeadlineError:
            raise ProblemError(
                504,
                "deadline",
                f"The texts were not read within {limits.deadline:g} seconds.",
                "Send fewer or shorter texts, or try again when the server has less to do.",
                f"{len(texts)} texts",
            ) from None
        except ClosedError:
            raise ProblemError(503, "stopping", "The server is stopping.", "Try again later.", retry_after=5) from None
        except (ValueError, RuntimeError) as error:  # for example numbers that are not finite
            logger.error("a text could not be read: %s", type(error).__name__)
            raise ProblemError(
                500,
                "unreadable",
                f"The model failed on one of the texts ({type(error).__name__}).",
                "Send the texts one by one to find which, and report it to the operator of the server.",
                f"{len(texts)} texts",
            ) from None

    def check_room(self) -> None:
        """Raise `ProblemError` when the queue has no room for a single text."""
        try:
            self.batcher.check_room()
        except QueueFullError as error:
            raise self._queue_full(error, 1) from None

    def _queue_full(self, error: QueueFullError, texts: int) -> ProblemError:
        return ProblemError(
            503,
            "queue_full",
            f"{error.waiting} texts are waiting; {texts} more would be over the maximum of {self.limits.queue}.",
            f"Try again after {error.retry_after} s.",
            error.waiting,
            error.retry_after,
        )

    def facts(self) -> ModelFacts:
        """Return the facts about the model; `ready` has the errors."""
        pipeline = self.ready()
        config = pipeline.model.config
        return ModelFacts(
            name=self.name,
            version=__version__,
            revision=getattr(config, "_commit_hash", None),
            parameters=pipeline.model.num_parameters(),
            dtype=str(getattr(pipeline.model, "dtype", "exported")).removeprefix("torch."),
            device=str(pipeline.model.device),
            longest_text=config.longest_text,
            outputs=list(_outputs(pipeline.model)),
            supervision=dict(config.supervision),
            guarantee=_promised(config),
            limits=self.limits,
        )


def _warm_up(pipeline: Any) -> None:
    pipeline(list(_WARM_UP), batch_size=len(_WARM_UP), **_exported(pipeline.model))


def _outputs(model: Any) -> tuple[str, ...]:
    """Names of the outputs of ``model``; an exported model may have only some."""
    every = model.config.outputs_at("full")
    return tuple(name for name in every if name in getattr(model, "outputs", every))


def _promised(config: Any) -> list[str]:
    guarantee = read_guarantee(config.guarantee)
    return [] if guarantee is None else guarantee_lines(guarantee)


def _exported(model: Any) -> dict[str, Any]:
    """Options that ask an exported model for what it has; none for any other model."""
    if not hasattr(model, "outputs"):
        return {}
    outputs = _outputs(model)
    return {"outputs": tuple(name for name in outputs if name != "embedding") or outputs, "depth": model.depth}


def token_counter(pipeline: "EthicalAnalysisPipeline") -> Callable[[str], int]:
    """Return a function that counts tokens, also while the tokenizer of the pipeline is in use.

    Args:
        pipeline: The pipeline.

    Returns:
        Counts the tokens of a text as the pipeline reads it, at most those of all windows.
    """
    tokenizer: Any = pipeline.tokenizer
    longest = MOST_WINDOWS * min(pipeline.model.config.longest_text, tokenizer.model_max_length)
    # Two threads cannot use one tokenizer, so this is a copy.
    counting = type(tokenizer.backend_tokenizer).from_str(tokenizer.backend_tokenizer.to_str())
    counting.no_truncation()
    counting.no_padding()

    def count(text: str) -> int:
        # As a batch of one, since only batches let other threads run meanwhile.
        (encoded,) = counting.encode_batch_fast([text[: _CHARACTERS_PER_TOKEN * longest]])
        return min(len(encoded.ids), longest)

    return count


__all__ = ["Service", "token_counter"]
