"""The options of training: those of `transformers.TrainingArguments`, and what a Red Heart model adds."""

import json
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import TrainingArguments

from ...configuration.labels import LOSSES, closest


@dataclass
class RedHeartTrainingArguments(TrainingArguments):
    """Options of `RedHeartTrainer`.

    Of the inherited ones, ``label_smoothing_factor`` smooths the emotion and verdict targets, and a batch holds at most
    ``per_device_train_batch_size`` units (texts, or pairs of texts) and ``batch_tokens`` tokens.

    Raises `ValueError` for a value out of range and for a loss that does not exist.
    """

    batch_tokens: int = field(
        default=4096,
        metadata={"help": "Most tokens of a batch on one device, padding included; a longer unit is alone."},
    )
    longest_text: int = field(
        default=512, metadata={"help": "Maximum text length in tokens; at most what the model reads."}
    )
    pad_to_multiple_of: int = field(default=8, metadata={"help": "Lengths of batches are multiples of it."})
    loss_weights: dict[str, Any] | str | None = field(
        default=None,
        metadata={"help": "Weight of each loss, by its name, over those of the config. JSON on a command line."},
    )
    full_every: int = field(
        default=1,
        metadata={
            "help": "A batch runs only the modules that its targets train, and every so many batches all of them, "
            "which is what trains the bridge to predict and rebuild the states of the others."
        },
    )
    layer_decay: float = field(
        default=1.0, metadata={"help": "Learning rate of a layer as a share of the next one's, from the outputs down."}
    )
    encoder_learning_rate: float | None = field(
        default=None, metadata={"help": "Learning rate of a pre-trained text encoder; None = that of everything else."}
    )
    ema_decay: float | None = field(
        default=None,
        metadata={"help": "Keep a moving average of the weights with this decay; evaluation and saving use it."},
    )
    r_drop: float = field(
        default=0.0, metadata={"help": "Weight of the divergence between two passes that differ in dropout only."}
    )
    consistency: float = field(
        default=0.0,
        metadata={
            "help": "Weight of the loss that draws a text's embedding to its embedding under the averaged weights."
        },
    )
    oom_retry: bool = field(
        default=True,
        metadata={
            "help": "When memory runs out, repeat the batch in smaller pieces. With several processes their gradients "
            "are then added up after the backward pass, not during it."
        },
    )

    def __post_init__(self) -> None:
        self.remove_unused_columns = False  # examples are no columns
        if isinstance(self.loss_weights, str):
            self.loss_weights = json.loads(self.loss_weights)
        if self.accelerator_config is None:
            self.accelerator_config = {"even_batches": False}  # batches of tokens have no size to be evened to
        super().__post_init__()
        if self.use_cpu or not torch.accelerator.is_available():
            self.dataloader_pin_memory = False  # nothing to copy to; torch would warn
        for name in ("batch_tokens", "longest_text", "pad_to_multiple_of", "full_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {getattr(self, name)}.")
        if not 0 < self.layer_decay <= 1:
            raise ValueError(f"`layer_decay` must lie in 0..1 and not be 0, got {self.layer_decay}.")
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise ValueError(f"`ema_decay` must lie between 0 and 1, got {self.ema_decay}; None switches it off.")
        for name in ("r_drop", "consistency"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must be 0 or above, got {getattr(self, name)}.")
        if self.consistency and self.ema_decay is None:
            raise ValueError("`consistency` compares with the averaged weights: set `ema_decay`, too.")
        for name in self.loss_weights or ():
            if name not in LOSSES:
                raise ValueError(f"There is no loss {name!r}; {closest(name, LOSSES)}")


__all__ = ["RedHeartTrainingArguments"]
