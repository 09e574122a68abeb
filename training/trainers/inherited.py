"""Options that `RedHeartTrainer` inherits from transformers and cannot use: setting one is an error, not ignored.

Notable: batches are built by tokens, not by rows, and metrics are computed on what was collected by target; options for
the other way would have no effect.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from transformers import TrainingArguments

_BATCHES = "batches hold texts of one set and of similar length, up to `batch_tokens`, and every unit is in one"
_METRICS = "`compute_metrics` is called once, with what was predicted of each target"

# Option of `TrainingArguments` -> why it has no effect.
WITHOUT_EFFECT: dict[str, str] = {
    "dataloader_drop_last": _BATCHES,
    "train_sampling_strategy": _BATCHES,
    "length_column_name": _BATCHES,
    "label_names": "the targets of a batch are those that its texts have",
    "average_tokens_across_devices": "the loss of a step is the mean over its texts in all processes",
    "include_for_metrics": _METRICS,
    "batch_eval_metrics": _METRICS,
    "eval_accumulation_steps": _METRICS,
    "eval_do_concat_batches": _METRICS,
    "eval_use_gather_object": _METRICS,
}
# Parameter of `Trainer` -> what to do instead.
_PARAMETERS: dict[str, str] = {
    "preprocess_logits_for_metrics": "`compute_metrics` gets the reading of each target; do it there",
}
# A stream is read by transformers' own loader, which these are about.
_OF_STREAMS = ("dataloader_drop_last",)


def refuse_without_effect(args: TrainingArguments, options: Mapping[str, Any], streamed: bool) -> None:
    """Refuse an option that is set and would have no effect.

    Args:
        args: The training arguments.
        options: Parameters of the trainer beside its own.
        streamed: Whether the training set is a stream.

    Raises:
        ValueError: When such an option is set.
    """
    for item in fields(TrainingArguments):
        reason = WITHOUT_EFFECT.get(item.name)
        if reason is None or (streamed and item.name in _OF_STREAMS):
            continue
        if getattr(args, item.name) not in (item.default, [], None):
            raise ValueError(f"`{item.name}` has no effect here: {reason}. Leave it out.")
    for name, remedy in _PARAMETERS.items():
        if options.get(name) is not None:
            raise ValueError(f"`{name}` has no effect here: {remedy}.")


__all__ = ["WITHOUT_EFFECT", "refuse_without_effect"]
