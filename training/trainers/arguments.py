"""The options of training: those of `transformers.TrainingArguments`, and what a Red Heart model adds."""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import TrainingArguments

from ...configuration.errors import InputError
from ...configuration.labels import LOSSES, closest
from .loss_means import LOGGED

_COUNTS = (
    "batch_tokens",
    "full_every",
    "gradient_accumulation_steps",
    "longest_text",
    "pad_to_multiple_of",
    "per_device_eval_batch_size",
    "per_device_train_batch_size",
)
# Names of metrics for which lower is better: a loss, also one that `RedHeartTrainer` logs as "loss_NAME" (transformers
# only recognises names that end in "loss"), and usual names of other such metrics.
_LOWER = re.compile(rf".*(?:loss(?:_(?:{'|'.join((*LOGGED, 'supervised'))}))?|error|entropy)")


@dataclass
class RedHeartTrainingArguments(TrainingArguments):
    """Options of `RedHeartTrainer`.

    Of the inherited ones, ``label_smoothing_factor`` smooths the emotion and verdict targets, and a batch holds at most
    ``per_device_train_batch_size`` units (texts, or pairs of texts) and ``batch_tokens`` tokens. ``greater_is_better``
    is, by default, False for a ``metric_for_best_model`` that is a loss (``eval_loss_supervised``), an error or an
    entropy.

    Attributes:
        batch_tokens: Maximum tokens of a batch on one device, padding included; a longer unit is a batch by itself.
        longest_text: Maximum text length in tokens; at most what the model reads.
        pad_to_multiple_of: Batches are padded to a length that is a multiple of this number.
        loss_weights: Loss -> weight, which overrides that of the config; also a JSON object, for a command line.
        full_every: A batch runs only the modules that its targets train; every ``full_every``-th batch runs all
            modules, which trains the bridge to predict and rebuild the states of the others.
        layer_decay: Learning rate of a layer as a share of the next one's, from the outputs down; above 0, at most 1.
        encoder_learning_rate: Learning rate of a pre-trained text encoder; None = ``learning_rate``.
        ema_decay: Decay of a moving average of the weights, above 0 and below 1; evaluation and saving use the average.
            None = no average.
        r_drop: Weight of the divergence between two passes that differ in dropout only; 0 or above.
        consistency: Weight of the loss that pulls a text's embedding towards its embedding under the averaged weights;
            0 or above, and needs ``ema_decay``.
        oom_retry: Whether a batch is repeated in smaller pieces when memory runs out. With several processes their
            gradients are then averaged after the backward pass, not during it.

    Raises:
        InputError: For a value out of range and for a loss that does not exist; a `ValueError`.
        ValueError: For inherited options with which nothing would be trained.
    """

    batch_tokens: int = field(
        default=4096,
        metadata={
            "help": "Maximum tokens of a batch on one device, padding included; a longer unit is a batch by itself."
        },
    )
    longest_text: int = field(
        default=512, metadata={"help": "Maximum text length in tokens; at most what the model reads."}
    )
    pad_to_multiple_of: int = field(
        default=8, metadata={"help": "Batches are padded to a length that is a multiple of this number."}
    )
    loss_weights: dict[str, Any] | str | None = field(
        default=None,
        metadata={
            "help": "Weight of each loss by its name, which overrides that of the config; JSON on a command line."
        },
    )
    full_every: int = field(
        default=1,
        metadata={
            "help": "A batch runs only the modules that its targets train; every `full_every`-th batch runs all "
            "modules, which trains the bridge to predict and rebuild the states of the others."
        },
    )
    layer_decay: float = field(
        default=1.0, metadata={"help": "Learning rate of a layer as a share of the next one's, from the outputs down."}
    )
    encoder_learning_rate: float | None = field(
        default=None, metadata={"help": "Learning rate of a pre-trained text encoder; None = `learning_rate`."}
    )
    ema_decay: float | None = field(
        default=None,
        metadata={
            "help": "Decay of a moving average of the weights, which evaluation and saving use; None = no average."
        },
    )
    r_drop: float = field(
        default=0.0, metadata={"help": "Weight of the divergence between two passes that differ in dropout only."}
    )
    consistency: float = field(
        default=0.0,
        metadata={"help": "Weight of the loss that pulls a text's embedding towards that under the averaged weights."},
    )
    oom_retry: bool = field(
        default=True,
        metadata={
            "help": "When memory runs out, repeat the batch in smaller pieces. With several processes their gradients "
            "are then averaged after the backward pass, not during it."
        },
    )

    def __post_init__(self) -> None:
        self.remove_unused_columns = False  # examples are not columns
        if isinstance(self.loss_weights, str):
            self.loss_weights = json.loads(self.loss_weights)
        if self.accelerator_config is None:
            self.accelerator_config = {"even_batches": False}  # batches of tokens have no fixed size to fill up to
        if self.greater_is_better is None and self.metric_for_best_model is not None:
            self.greater_is_better = _LOWER.fullmatch(self.metric_for_best_model) is None
        super().__post_init__()
        if self.use_cpu or not torch.accelerator.is_available():
            self.dataloader_pin_memory = False  # nothing to copy to; torch would warn
        self._check_inherited()
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise InputError(f"`{name}` must be 1 or more, got {getattr(self, name)}.")
        if not 0 < self.layer_decay <= 1:
            raise InputError(f"`layer_decay` must be above 0 and at most 1, got {self.layer_decay}.")
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise InputError(f"`ema_decay` must be above 0 and below 1, got {self.ema_decay}; None switches it off.")
        for name in ("r_drop", "consistency"):
            if getattr(self, name) < 0:
                raise InputError(f"`{name}` must be 0 or above, got {getattr(self, name)}.")
        if self.consistency and self.ema_decay is None:
            raise InputError("`consistency` compares with the averaged weights: set `ema_decay` as well.")
        for name in self.loss_weights or ():
            if name not in LOSSES:
                raise InputError(f"There is no loss {name!r}; {closest(name, LOSSES)}")

    def _check_inherited(self) -> None:
        """Refuse values that transformers accepts and then trains nothing with, or fails with during training."""
        if self.max_steps < 1 and self.max_steps != -1:
            raise ValueError(f"`max_steps` must be 1 or more, or -1 to count epochs instead, got {self.max_steps}.")
        if self.max_steps == -1 and not 0 < self.num_train_epochs < math.inf:
            raise ValueError(
                f"`num_train_epochs` must be above 0, got {self.num_train_epochs}: nothing would be trained."
            )
        for name in ("learning_rate", "weight_decay", "max_grad_norm"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"`{name}` must be a finite number of 0 or more, got {getattr(self, name)}.")


__all__ = ["RedHeartTrainingArguments"]
