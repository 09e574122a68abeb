"""`RedHeartTrainer`: a Trainer that takes batches of units, logs every loss by its name, and spares a pre-trained
encoder."""

from typing import Any

from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import Trainer

from ..configuration.labels import OUTPUTS
from ..modeling_redheart.modeling_redheart import TARGET_OUTPUTS
from .collator import LengthBatches

# Parameters of a text encoder that came with pre-trained weights.
_ENCODER = "backbone.encoder.model."


class RedHeartTrainer(Trainer):
    """Trains a Red Heart model on units (`training.data`).

    batches: which units share a batch. encoder_learning_rate: learning rate of a pre-trained text encoder; everything
    else takes ``args.learning_rate``. full_every: a batch runs only the modules that its targets train, and every
    so many batches all of them, which is what trains the bridge to predict and rebuild the states of the others.
    """

    def __init__(
        self, *args: Any, batches: LengthBatches, encoder_learning_rate: float, full_every: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.batches = batches
        self.full_every = full_every
        self._seen_batches = 0
        self.encoder_learning_rate = encoder_learning_rate
        self._sums: dict[str, tuple[float, int]] = {}

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The units in the batches that the sampler decides."""
        units: Any = self.train_dataset
        loader: DataLoader[Any] = DataLoader(units, batch_sampler=self.batches, collate_fn=self.data_collator)
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def create_optimizer(self, model: nn.Module | None = None) -> Any:
        """AdamW with a learning rate of its own for a pre-trained encoder; no decay for norms, biases and queries."""
        module: Any = self.model if model is None else model
        if self.optimizer is None:
            decayed = set(self.get_decay_parameter_names(module))
            groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
            for name, parameter in module.named_parameters():
                if parameter.requires_grad:
                    matrix = name in decayed and not name.endswith("queries.weight")
                    groups.setdefault((_ENCODER in name, matrix), []).append(parameter)
            optimizer, options = self.get_optimizer_cls_and_kwargs(self.args, module)
            self.optimizer = optimizer(
                [
                    {
                        "params": parameters,
                        "lr": self.encoder_learning_rate if encoder else self.args.learning_rate,
                        "weight_decay": self.args.weight_decay if matrix else 0.0,
                    }
                    for (encoder, matrix), parameters in sorted(groups.items())
                ],
                **options,
            )
        return self.optimizer

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The weighted sum; the losses behind it are remembered for the next log."""
        outputs: tuple[str, ...] = OUTPUTS
        if model.training:
            self._seen_batches += 1
            if self._seen_batches % self.full_every:
                outputs = tuple({TARGET_OUTPUTS[name][0] for name in inputs if name in TARGET_OUTPUTS})
        output = model(**inputs, outputs=outputs)
        if model.training:
            for name, value in output.losses.items():
                if value != 0:  # a loss without a target in this batch
                    total, count = self._sums.get(name, (0.0, 0))
                    self._sums[name] = (total + value.item(), count + 1)
        return (output.loss, output) if return_outputs else output.loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the mean of each named loss since the last log."""
        if "loss" in logs:
            logs |= {f"loss_{name}": round(total / count, 4) for name, (total, count) in sorted(self._sums.items())}
            self._sums.clear()
        super().log(logs, start_time)


__all__ = ["RedHeartTrainer"]
