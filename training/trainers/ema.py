"""The moving average of the weights, which evaluation and saving use.

Notable: outside training the average replaces the weights (`ExponentialAverage.in_use`), so that everything that reads
the model then - evaluation, a saved checkpoint, a callback that takes a snapshot - sees one and the same model.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from transformers import TrainerCallback

WEIGHTS_IN_TRAINING = "weights_in_training.safetensors"


class ExponentialAverage:
    """Average of a model's floating parameters (Polyak & Juditsky 1992; Tarvainen & Valpola 2017, arXiv:1703.01780).

    Args:
        model: The model whose trainable parameters are averaged, in float32 or in their own type where it is wider.
        decay: Share of the average that is kept in each step.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.parameters = {name: item for name, item in model.named_parameters() if item.requires_grad}
        self.averages = {name: self._copy(item) for name, item in self.parameters.items()}
        self.used = False

    @staticmethod
    def _copy(parameter: Tensor) -> Tensor:
        # In bfloat16 a step of 1 - decay = 0.001 would be lost in rounding.
        return parameter.detach().to(torch.promote_types(parameter.dtype, torch.float32), copy=True)

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the weights; called after each optimiser step."""
        average = list(self.averages.values())
        weights: list[Tensor] = [self.parameters[name].to(mean.dtype) for name, mean in self.averages.items()]
        get_ema_multi_avg_fn(self.decay)(average, weights, 0)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Give the model the averaged weights inside the context.

        What is changed in them meanwhile is kept, in the weights and in the average.

        Yields:
            Nothing.
        """
        if self.used:
            yield
            return
        raw = {name: item.detach().clone() for name, item in self.parameters.items()}
        self._fill(self.averages)
        versions = {name: item._version for name, item in self.parameters.items()}
        self.used = True
        try:
            yield
        finally:
            self.used = False
            for name, item in self.parameters.items():
                if item._version != versions[name]:  # for example restored to a snapshot
                    self.averages[name].copy_(item.detach())
                    raw[name].copy_(item.detach())
            self._fill(raw)

    @torch.no_grad()
    def _fill(self, values: dict[str, Tensor]) -> None:
        for name, item in self.parameters.items():
            item.copy_(values[name])

    @torch.no_grad()
    def embed(self, model: nn.Module, text: dict[str, Tensor]) -> Tensor:
        """Return the embedding of a batch of texts under the averaged weights, without dropout: (batch, hidden)."""
        training = model.training
        model.eval()
        try:
            averages = {name: value.to(self.parameters[name].dtype) for name, value in self.averages.items()}
            output = torch.func.functional_call(model, averages, kwargs={**text, "outputs": ("embedding",)})
        finally:
            model.train(training)
        embedding: Tensor = output.embedding
        return embedding

    def apply(self) -> None:
        """Give the model the averaged weights for good."""
        self._fill(self.averages)

    def save_weights(self, folder: Path) -> None:
        """Write the weights in training, and the average at full precision, into a checkpoint, for `load`."""
        tensors = {name: item.detach().contiguous() for name, item in self.parameters.items()}
        save_file(tensors | {f"average.{name}": value for name, value in self.averages.items()},
                  folder / WEIGHTS_IN_TRAINING)  # fmt: skip

    def load(self, folder: Path) -> None:
        """Continue from a checkpoint of `save_weights`.

        Args:
            folder: The checkpoint.

        Raises:
            ValueError: When the file is missing or belongs to a model with other parameters.
        """
        file = folder / WEIGHTS_IN_TRAINING
        if not file.is_file():
            raise ValueError(
                f"{folder} has no {WEIGHTS_IN_TRAINING}: it was saved without `ema_decay`. Leave `ema_decay` out."
            )
        tensors = load_file(file)
        wanted = {*self.parameters, *(f"average.{name}" for name in self.averages)}
        if tensors.keys() != wanted:
            odd = sorted(tensors.keys() ^ wanted)[0]
            raise ValueError(
                f"{file} is of a model with other trainable parameters: {odd!r} is in only one of the two."
            )
        for name, average in self.averages.items():
            average.copy_(tensors[f"average.{name}"])
        self._fill({name: tensors[name] for name in self.parameters})


def refuse_without_average(folder: Path) -> None:
    """Refuse a checkpoint of `ExponentialAverage.save_weights` in a run without ``ema_decay``.

    Its weights are the average, and the optimiser's state belongs to the weights in training.

    Args:
        folder: The checkpoint.

    Raises:
        ValueError: When the checkpoint was saved with ``ema_decay``.
    """
    if (folder / WEIGHTS_IN_TRAINING).is_file():
        raise ValueError(
            f"{folder} was saved with `ema_decay`, and its weights are the average: set `ema_decay` to continue, or "
            "start a new run from these weights."
        )


class UpdateAverage(TrainerCallback):
    """Updates a moving average after each optimiser step.

    Args:
        get: Returns the average, or None where there is none.
    """

    def __init__(self, get: Callable[[], ExponentialAverage | None]) -> None:
        self.get = get

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Update the average: the weights have changed."""
        average = self.get()
        if average is not None:
            average.update()


__all__ = ["WEIGHTS_IN_TRAINING", "ExponentialAverage", "UpdateAverage", "refuse_without_average"]
