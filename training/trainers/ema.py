"""The moving average of the weights, which evaluation and saving use.

Notable: outside training it takes the place of the weights (`ExponentialAverage.in_use`), so that everything that looks
at the model then - evaluation, a saved checkpoint, a callback that takes a snapshot - sees one and the same model.
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

    model: whose trainable parameters are averaged, in float32 as long as they are not wider. decay: share that stays
    of the average in each step.
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
        """Draw the average towards the weights; after each optimiser step."""
        average = list(self.averages.values())
        weights: list[Tensor] = [self.parameters[name].to(mean.dtype) for name, mean in self.averages.items()]
        get_ema_multi_avg_fn(self.decay)(average, weights, 0)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The model has the averaged weights. What is changed in them meanwhile, the weights and the average keep."""
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
                if item._version != versions[name]:  # put back to a snapshot, say
                    self.averages[name].copy_(item.detach())
                    raw[name].copy_(item.detach())
            self._fill(raw)

    @torch.no_grad()
    def _fill(self, values: dict[str, Tensor]) -> None:
        for name, item in self.parameters.items():
            item.copy_(values[name])

    @torch.no_grad()
    def embed(self, model: nn.Module, text: dict[str, Tensor]) -> Tensor:
        """Embedding of a batch of texts under the averaged weights, without dropout: (batch, hidden)."""
        training = model.training
        model.eval()
        try:
            averages = {name: value.to(self.parameters[name].dtype) for name, value in self.averages.items()}
            output = torch.func.functional_call(model, averages, kwargs={**text, "outputs": ("embedding",)})
        finally:
            model.train(training)
        embedding: Tensor = output.embedding
        return embedding

    def settle(self) -> None:
        """The model has the averaged weights from now on."""
        self._fill(self.averages)

    def save_weights(self, folder: Path) -> None:
        """Write the weights in training beside the average that the checkpoint holds, for `load`."""
        tensors = {name: item.detach().contiguous() for name, item in self.parameters.items()}
        save_file(tensors | {f"average.{name}": value for name, value in self.averages.items()},
                  folder / WEIGHTS_IN_TRAINING)  # fmt: skip

    def load(self, folder: Path) -> None:
        """Go on from a checkpoint of `save_weights`. Raises `ValueError` where it is missing or of other parameters."""
        file = folder / WEIGHTS_IN_TRAINING
        if not file.is_file():
            raise ValueError(f"{folder} has no {WEIGHTS_IN_TRAINING}: it was saved without `ema_decay`. Leave it out.")
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
    """Raises `ValueError` for a checkpoint of `ExponentialAverage.save_weights`: its weights are the average, and the
    optimiser's state is that of others."""
    if (folder / WEIGHTS_IN_TRAINING).is_file():
        raise ValueError(
            f"{folder} was saved with `ema_decay`, and its weights are the average: set `ema_decay` to go on, or start "
            "anew from these weights."
        )


class UpdateAverage(TrainerCallback):
    """Moves the average that ``get`` returns, if any, after each optimiser step."""

    def __init__(self, get: Callable[[], ExponentialAverage | None]) -> None:
        self.get = get

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The weights have moved."""
        average = self.get()
        if average is not None:
            average.update()


__all__ = ["WEIGHTS_IN_TRAINING", "ExponentialAverage", "UpdateAverage", "refuse_without_average"]
