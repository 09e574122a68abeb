"""The server on a cluster: an application of Ray Serve, whose replicas each hold the model.

    serve run redheart.clusters.ray_serve:application model=redheart-100m

Notable: a replica runs the app of `serving`, so paths, problems, limits and the client are those of `redheart serve`.
`serve.batch` says when to read; Ray starts more replicas under load, and replaces one whose model no longer reads.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from ..configuration.extras import missing
from ..configuration.shipped import DEFAULT_MODEL, checkpoint_path
from ..loading import load_pipeline
from ..serving.app import create_app
from ..serving.batching import Batcher
from ..serving.keys import Accounts, Key, environment_key, read_keys
from ..serving.limits import Limits

try:
    from ray import serve
except ImportError as error:
    raise missing("The server on a cluster needs Ray", "ray") from error

# Seconds between two readings by which Ray sees that a replica answers, and in which each must be done.
_HEALTH_PERIOD, _HEALTH_PATIENCE = 10.0, 30.0


class ServeBatcher(Batcher):
    """A `Batcher` that reads when `serve.batch` has collected texts, which Ray's metrics count. Arguments as there.

    The batches are those of `Batcher`: `serve.batch` knows no options, and puts a text that does not fit behind all.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._together: Any = serve.batch(max_batch_size=self.max_batch, batch_wait_timeout_s=self.max_wait)(
            self._read_together
        )
        self._tasks: set[asyncio.Task[None]] = set()

    async def _run(self) -> None:
        """Hand each text over as it comes."""
        handed: set[Any] = set()
        try:
            while not self._closing:
                for item in self._waiting:
                    if item not in handed:
                        task = asyncio.create_task(self._hand(item))
                        self._tasks.add(task)
                        task.add_done_callback(self._tasks.discard)
                handed = set(self._waiting)
                await self._wait(None)
        finally:
            self._fail_waiting()
            await asyncio.gather(*self._tasks)

    async def _hand(self, item: Any) -> None:
        """Hand a text over; where that fails, as outside of a replica, the text gets the error."""
        try:
            await self._together(item)
        except Exception as error:
            if not item.reading.done():
                item.reading.set_exception(error)

    async def _read_together(self, items: list[Any]) -> list[None]:
        """Read batches, the oldest text of all in each, until ``items`` are read; an earlier call may have done so."""
        while any(item in self._waiting for item in items):
            await self._read_batch(self._take())
        return [None] * len(items)


@serve.deployment
@serve.ingress()
class Replica:
    """One model behind the app of `serving`.

    Args:
        model: A shipped checkpoint, a folder that every machine has, or a Hugging Face Hub id.
        limits: Limits of requests and batches.
        keys: API keys; none = no key is asked for.
    """

    def __init__(self, model: str, limits: Limits, keys: Sequence[Key]) -> None:
        name = Path(model).name
        self._served = create_app(name, partial(load_pipeline, model), limits, keys=keys, batcher=ServeBatcher)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._served

    async def check_health(self) -> None:
        """Read with the model. Ray sends no requests before the first success, and replaces a replica that fails."""
        await self._served.state.service.answers()


class Options(BaseModel):
    """What `serve run` takes as ``name=value``, and a configuration file of Ray Serve below ``args``."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(DEFAULT_MODEL, description="As of `Replica`.")
    min_replicas: int = Field(1, ge=1, description="Replicas while there is little to do.")
    max_replicas: int = Field(2, ge=1, description="Replicas under load.")
    cpus: int = Field(1, ge=1, description="Cores of a replica, and threads of its torch.")
    keys: Path | None = Field(None, description="File of API keys, beside that of the environment (REDHEART_KEY).")
    limits: Limits = Field(default_factory=Limits, description="Limits of each replica.")


def application(options: Options) -> serve.Application:
    """The application, for `serve run` and `serve.run`.

    Args:
        options: What to serve, and how.

    Returns:
        The application; it reads nothing until it runs.

    Raises:
        InputError: For keys that cannot be used.
        CheckpointError: For a model that is neither shipped nor a folder of this machine, nor a name of the hub.
    """
    limits = options.limits
    keys = (*(read_keys(options.keys) if options.keys is not None else ()), *environment_key())
    # Errors are told before anything is started.
    Accounts(keys, limits.texts)
    checkpoint_path(options.model)
    deployment: Any = Replica  # what the decorator makes of the class
    found: serve.Application = deployment.options(
        # A replica that has more than one batch to read gets company.
        autoscaling_config={
            "min_replicas": options.min_replicas,
            "max_replicas": options.max_replicas,
            "target_ongoing_requests": limits.batch,
        },
        max_ongoing_requests=limits.requests,
        health_check_period_s=_HEALTH_PERIOD,
        health_check_timeout_s=_HEALTH_PATIENCE,
        graceful_shutdown_timeout_s=limits.deadline,
        ray_actor_options={"num_cpus": options.cpus},
    ).bind(options.model, limits, keys)
    return found


__all__ = ["Options", "Replica", "ServeBatcher", "application"]
