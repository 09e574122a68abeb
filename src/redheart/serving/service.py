"""The model behind the server: loaded and warmed in the worker thread, asked through the batcher.

Notable: no text is kept, logged or put into an exception's message.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from ..modeling_redheart.windows import MOST_WINDOWS
from ..version import __version__
from .batching import Batcher, ClosedError, DeadlineError, QueueFullError
from .limits import Limits
from .metrics import Metrics
from .problems import ProblemError
from .schema import ModelFacts, Options

if TYPE_CHECKING:
    from ..modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline

logger = logging.getLogger("redheart.serving")

# What is read once before the first request, so that no client waits for what the first forward sets up.
_WARM_UP = ("This is read first.", "So is this, a little longer than the other one.")
# A text has so many tokens at least; of a longer text only the beginning is counted.
_CHARACTERS_PER_TOKEN = 8


class Service:
    """A pipeline that many ask at the same time. Use it as an asynchronous context manager.

    name: of the model, as clients see it. load: makes the pipeline; is called in the worker thread. on_ready: is called
    when the pipeline is there and warm. on_failure: is called when it fails; the error is then in ``failure``.
    """

    def __init__(
        self,
        name: str,
        load: "Callable[[], EthicalAnalysisPipeline]",
        limits: Limits,
        on_failure: Callable[[], None] = lambda: None,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self.name, self.load, self.limits = name, load, limits
        self.on_failure, self.on_ready = on_failure, on_ready
        self.pipeline: EthicalAnalysisPipeline | None = None
        self.failure: Exception | None = None
        self.metrics = Metrics(lambda: self.batcher.waiting)
        self.count_tokens: Callable[[str], int] = len
        self.batcher = Batcher(
            self._read,
            size=lambda text: self.count_tokens(text),
            max_batch=limits.batch,
            max_tokens=limits.batch_tokens,
            max_wait=limits.batch_wait,
            max_queue=limits.queue,
            observe=self.metrics.batch,
        )
        self.loading: asyncio.Task[None] | None = None  # ends when the model is ready, or did not load
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
        pipeline(list(_WARM_UP), batch_size=len(_WARM_UP), **_exported(pipeline.model))
        self.count_tokens = token_counter(pipeline)
        return pipeline

    def _read(self, texts: list[str], options: Options) -> Sequence[Any]:
        return self.ready()(texts, batch_size=len(texts), **dict(options))

    def _fitted(self, options: Options) -> Options:
        """``options`` for this model. Raises `ProblemError` for what one that was exported does not have."""
        model: Any = self.ready().model
        given, offered = dict(options), _outputs(model)
        if lacking := [name for name in given.get("outputs", ()) if name not in offered]:
            detail = f"{self.name} was exported without {lacking[0]!r}."
            raise ProblemError(422, "invalid_request", detail, f"It has {', '.join(offered)}.", lacking[0])
        fixed = _exported(model)
        if fixed and (given["depth"] != fixed["depth"] or "token_budget" in given):
            detail = f"{self.name} was exported for the depth {fixed['depth']!r}, without a token budget."
            raise ProblemError(
                422, "invalid_request", detail, f"Ask for the depth {fixed['depth']!r}, with all tokens."
            )
        return tuple((fixed | given).items())

    def ready(self) -> "EthicalAnalysisPipeline":
        """The pipeline. Raises `ProblemError` while there is none."""
        if self.pipeline is None:
            if self.failure is not None:
                kind = type(self.failure).__name__
                raise ProblemError(
                    503, "not_ready", f"{self.name} did not load ({kind}).", "Tell who runs it; its log has the reason."
                )
            raise ProblemError(
                503, "not_ready", f"{self.name} is being loaded.", "Try again later.", self.name, retry_after=1
            )
        return self.pipeline

    async def read(self, texts: Sequence[str], options: Options) -> list[Any]:
        """The readings of ``texts``. Raises `ProblemError` for what keeps them from being read."""
        options = self._fitted(options)
        limits = self.limits
        try:
            return await self.batcher.submit(texts, options, limits.deadline)
        except QueueFullError as error:
            raise ProblemError(
                503,
                "queue_full",
                f"{error.waiting} texts are waiting, and with these {len(texts)} more than {limits.queue} would.",
                f"Try again after {error.retry_after} s.",
                error.waiting,
                error.retry_after,
            ) from None
        except DeadlineError:
            raise ProblemError(
                504,
                "deadline",
                f"It was not read within {limits.deadline:g} seconds.",
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
                "Send the texts one by one to find which; tell who runs the server.",
                f"{len(texts)} texts",
            ) from None

    def facts(self) -> ModelFacts:
        """What reads the texts. Raises `ProblemError` while nothing does."""
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
            limits=self.limits,
        )


def _outputs(model: Any) -> tuple[str, ...]:
    """Those that ``model`` can give; one that was exported may have only some."""
    every = model.config.outputs_at("full")
    return tuple(name for name in every if name in getattr(model, "outputs", every))


def _exported(model: Any) -> dict[str, Any]:
    """How to ask a model that was exported for what it has; nothing for any other."""
    if not hasattr(model, "outputs"):
        return {}
    outputs = _outputs(model)
    return {"outputs": tuple(name for name in outputs if name != "embedding") or outputs, "depth": model.depth}


def token_counter(pipeline: "EthicalAnalysisPipeline") -> Callable[[str], int]:
    """Counts the tokens of a text as the pipeline reads it, also while the pipeline's tokenizer is at work."""
    tokenizer: Any = pipeline.tokenizer
    longest = MOST_WINDOWS * min(pipeline.model.config.longest_text, tokenizer.model_max_length)
    # A tokenizer cannot be used by two threads, so this is one of its own.
    counting = type(tokenizer.backend_tokenizer).from_str(tokenizer.backend_tokenizer.to_str())
    counting.no_truncation()
    counting.no_padding()

    def count(text: str) -> int:
        # As a batch of one, since only then others may run meanwhile.
        (encoded,) = counting.encode_batch_fast([text[: _CHARACTERS_PER_TOKEN * longest]])
        return min(len(encoded.ids), longest)

    return count


__all__ = ["Service", "token_counter"]
