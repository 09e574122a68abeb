"""The last phase of training: the network that predicts losses is trained on texts that nothing else was trained on.

Notable: on its own training texts a model's losses are lower than in use, so a confidence that is trained together with
the rest is too high (Yoo & Kweon 2019, arXiv:1905.03677, avoid it by unlabelled pools; here rows are held out).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn
from transformers import PreTrainedTokenizerBase
from transformers.trainer_utils import unwrap_peft_model

from ...data.loading import Unit
from ..trainers.arguments import RedHeartTrainingArguments
from ..trainers.trainer import RedHeartTrainer
from .recipe import ConfidenceRecipe

_NETWORK = "sweet_spot."

# The arguments of the run that are kept: those that do not affect what is learned.
_KEPT = frozenset(
    {"output_dir", "per_device_train_batch_size", "batch_tokens", "longest_text", "pad_to_multiple_of", "oom_retry",
     "use_cpu", "bf16", "logging_steps", "disable_tqdm", "report_to", "seed", "data_seed", "dataloader_num_workers"}
)  # fmt: skip


def train_confidence(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    units: Sequence[Unit],
    options: Mapping[str, Any],
    recipe: ConfidenceRecipe,
) -> list[dict[str, float]]:
    """Train ``model.sweet_spot`` on ``units``, with everything else as it is in use.

    Nothing is evaluated or saved meanwhile.

    Args:
        model: A `RedHeartModel`, or a `peft.PeftModel` of one, of which the adapter's part in the network is trained.
        tokenizer: Its tokenizer.
        units: Units that the model was not trained on.
        options: Arguments of the run, of which those about batches, precision and devices are kept.
        recipe: Epochs and learning rate of this phase.

    Returns:
        The log.

    Raises:
        ValueError: When nothing of the network may be trained.
    """
    own = RedHeartTrainingArguments(
        **{name: value for name, value in options.items() if name in _KEPT},
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        loss_weights={"confidence": 1.0},
        save_strategy="no",
    )
    base = unwrap_peft_model(model)
    weights = base.config.loss_weights
    with _only_the_network(base):
        trainer = RedHeartTrainer(model=model, args=own, train_dataset=units, processing_class=tokenizer)
        trainer.train()
    base.config.loss_weights = weights
    history: list[dict[str, float]] = trainer.state.log_history
    return history


@contextmanager
def _only_the_network(model: Any) -> Iterator[None]:
    """Inside, everything but the network keeps its weights, and dropout is off."""
    before = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    if not any(trained for name, trained in before.items() if name.startswith(_NETWORK)):
        raise ValueError(
            "No weight of the network that predicts losses may be trained: with an adapter, name 'sweet_spot' among "
            "the `components`; else leave `confidence` out."
        )
    rates = {module: module.p for module in model.modules() if isinstance(module, nn.Dropout)}
    attention = model.config.attention_dropout
    try:
        model.config.attention_dropout = 0.0
        for name, parameter in model.named_parameters():
            parameter.requires_grad = before[name] and name.startswith(_NETWORK)
        for module in rates:
            module.p = 0.0
        yield
    finally:
        model.config.attention_dropout = attention
        for module, rate in rates.items():
            module.p = rate
        for name, parameter in model.named_parameters():
            parameter.requires_grad = before[name]


__all__ = ["train_confidence"]
