"""`DistillationTrainer`: a student learns from labels and from what a teacher reads in the same texts.

Notable: the teacher and the student may have different tokenizers; a batch then holds the tokens of both. Rows without
labels are useful, too. Losses that need no label keep their full weight, whatever the teacher's share: without them the
bridge would not learn about the student's own modules.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase
from transformers.trainer_utils import unwrap_peft_model

from ..configuration.claims import TARGET_OUTPUTS, output_of
from ..configuration.labels import EMOTIONS, UNLABELLED_LOSSES, record_keys
from ..data.loading import Unit
from ..modeling_redheart.layers import masked_mean
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..training.trainers.arguments import RedHeartTrainingArguments
from ..training.trainers.trainer import RedHeartTrainer
from .distillation_losses import (
    OUTPUT_COSTS,
    Distillation,
    Read,
    hidden_costs,
    output_costs,
    state_costs,
    taught_claims,
)

_THEIRS = "teacher_"  # before the name of a tensor that the teacher reads
_TEXT = ("input_ids", "attention_mask", "token_type_ids")
# Losses that are logged beside those of labels: the distance of the student from the teacher, in all and by part.
DISTILLED = ("distill", *(f"distill_{name}" for name in (*OUTPUT_COSTS, "states", "hidden")))


class DistillationTrainer(RedHeartTrainer):
    """A `RedHeartTrainer` whose model also learns from a ``teacher``, any trained member of the family.

    The teacher reads in float32, without dropout and without a gradient; its weights are frozen. Only what labels
    supervised in it is taught.

    ``loss_distill_NAME`` and ``eval_loss_distill_NAME`` are the distances of the student from the teacher, and
    ``loss_distill`` is their weighted sum; ``loss`` has ``share`` of that, and the rest is the loss of the labels. A
    batch with `embedding_labels` has them in place of the teacher's embedding, and with their full weight.

    Args:
        model: The student.
        args: The training arguments.
        teacher: The model to learn from.
        distillation: How the student is taught; None = the defaults of `Distillation`.
        teacher_tokenizer: Tokenizer of the teacher; None = that of the student.
        **options: Options of `RedHeartTrainer`.

    Raises:
        ValueError: For a teacher that nothing supervised, and for one that cannot read what the student reads.
    """

    needs_labels = False  # the teacher teaches on every text

    def __init__(
        self,
        model: nn.Module,
        args: RedHeartTrainingArguments,
        *,
        teacher: RedHeartModel,
        distillation: Distillation | None = None,
        teacher_tokenizer: PreTrainedTokenizerBase | None = None,
        **options: Any,
    ) -> None:
        self.student: Any = unwrap_peft_model(model)
        self.claims = _taught_by(teacher)
        _refuse_unfit(self.student, teacher, self.claims, args)
        super().__init__(model, args, **options)
        collator: Any = self.data_collator
        tokenizer: Any = self.processing_class
        self.same_tokens = teacher_tokenizer is None or _rules(teacher_tokenizer) == _rules(tokenizer)
        if teacher_tokenizer is None or self.same_tokens:
            _refuse_unreadable(teacher, tokenizer, args.longest_text)
        else:
            self.data_collator = TeacherCollator(
                collator, tokenizer, args.longest_text, teacher_tokenizer, teacher.config.longest_text
            )
        self.distillation = distillation or Distillation()
        self.teacher = teacher.requires_grad_(False).eval().to(args.device, torch.float32)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """As in the base class, with the teacher's part in the losses of the student's output."""
        taught: Any = _TaughtModel(model, self._teach)
        return super().compute_loss(taught, inputs, return_outputs, num_items_in_batch)

    def _teach(self, model: nn.Module, inputs: dict[str, Any]) -> Any:
        """The student's output on a batch, with the teacher's part in its losses."""
        theirs = {name: inputs.pop(name) for name in list(inputs) if name.startswith(_THEIRS)}
        theirs = {name.removeprefix(_THEIRS): value for name, value in theirs.items()} or {
            name: inputs[name] for name in _TEXT if name in inputs
        }
        ids = inputs["input_ids"]
        if not inputs.keys() & TARGET_OUTPUTS.keys():
            # With one target, even with missing values, the model gives the losses that need no label.
            inputs["emotion_labels"] = torch.full((len(ids), len(EMOTIONS)), torch.nan, device=ids.device)
        layers = self.distillation.hidden > 0
        output = model(**inputs, output_hidden_states=layers, output_heads=True)
        student = Read(output, output.heads, inputs["attention_mask"])
        taught = [name for name in self.teacher.config.outputs_at("full") if name != "confidence"]
        with torch.autocast(self.args.device.type, enabled=False):
            with torch.no_grad():
                reading = self.teacher(**theirs, outputs=taught, output_hidden_states=layers, output_heads=True)
            costs = self._costs(student, Read(reading, reading.heads, theirs["attention_mask"]))
        if "embedding_labels" in inputs:
            costs.pop("embedding", None)
        self._add(output, costs)
        return output

    def _costs(self, student: Read, teacher: Read) -> dict[str, Tensor]:
        costs = output_costs(student, teacher, self.claims, self.distillation.temperature)
        if self.distillation.states:
            costs["states"] = state_costs(student, teacher, self.claims, self.student.config.modules)
        if self.distillation.hidden:
            costs["hidden"] = hidden_costs(student, teacher, self.same_tokens)
        return costs

    def _add(self, output: Any, costs: dict[str, Tensor]) -> None:
        """Add the teacher's part, ``costs`` of shape (batch,) by name, to the losses of ``output``."""
        weight, share = self.student.config.loss_weight, self.distillation.share
        texts = torch.tensor(len(output.joint), device=output.joint.device)
        learned = [
            (1 if name in (*UNLABELLED_LOSSES, "embedding") else 1 - share)
            * weight(name) * mean.float() * output.loss_texts[name] / texts
            for name, mean in output.losses.items()
        ]  # fmt: skip
        weights = {"states": self.distillation.states, "hidden": self.distillation.hidden}
        means = {f"distill_{name}": cost.mean() for name, cost in costs.items()}
        labelled = torch.stack(learned).sum()
        weighted = (weights.get(name, weight(name)) * cost.mean() for name, cost in costs.items())
        means["distill"] = sum(weighted, start=labelled.new_zeros(()))
        output.loss = labelled + share * means["distill"]
        output.losses |= means
        output.loss_texts |= dict.fromkeys(means, texts)

    def _needed(self, inputs: Any) -> tuple[str, ...]:
        return self.student.config.outputs_at("full")  # the teacher teaches all of them on every text

    def _drain(self, phase: str, names: Sequence[str]) -> dict[str, float]:
        return super()._drain(phase, (*names, *DISTILLED))


class _TaughtModel:
    """A student that is called as a model is, and whose output has the losses of distillation."""

    def __init__(self, model: nn.Module, teach: Callable[[nn.Module, dict[str, Any]], Any]) -> None:
        self.model, self.teach, self.training = model, teach, model.training

    def __call__(self, **inputs: Any) -> Any:
        return self.teach(self.model, inputs)


class TeacherCollator:
    """Makes batches that also hold the tokens of another tokenizer, under names that begin with ``teacher_``.

    The teacher reads what is left of a text after it is cut for the student.

    Args:
        collator: Collator of the student.
        tokenizer: Tokenizer of the student.
        longest_text: Maximum text length of the student, in tokens.
        teacher_tokenizer: Tokenizer of the teacher.
        teacher_longest: Maximum text length of the teacher, in tokens.
    """

    def __init__(
        self,
        collator: Callable[[Sequence[Unit]], dict[str, Tensor]],
        tokenizer: PreTrainedTokenizerBase,
        longest_text: int,
        teacher_tokenizer: PreTrainedTokenizerBase,
        teacher_longest: int,
    ) -> None:
        self.collator, self.tokenizer, self.longest_text = collator, tokenizer, longest_text
        self.teacher_tokenizer, self.teacher_longest = teacher_tokenizer, teacher_longest

    def __call__(self, units: Sequence[Unit]) -> dict[str, Tensor]:
        """The batch of the student's collator, with `teacher_input_ids` and so on, (batch, teacher's tokens)."""
        texts = [item.text for unit in units for item in unit]
        read = self.tokenizer(texts, truncation=True, max_length=self.longest_text, return_offsets_mapping=True)
        ends = [max((end for _, end in places), default=0) for places in read["offset_mapping"]]
        cut = [text[:end] for text, end in zip(texts, ends, strict=True)]
        theirs = self.teacher_tokenizer(
            cut, truncation=True, max_length=self.teacher_longest, padding=True, padding_side="right",
            return_tensors="pt",
        )  # fmt: skip
        return {**self.collator(units), **{f"{_THEIRS}{name}": value for name, value in theirs.items()}}


def _rules(tokenizer: Any) -> dict[str, Any]:
    """The rules by which a tokenizer cuts texts into tokens, without those of padding and truncation.

    Args:
        tokenizer: A fast tokenizer.

    Returns:
        The rules, by name.

    Raises:
        ValueError: For a tokenizer that does not give the position of its tokens in a text.
    """
    if not tokenizer.is_fast:
        raise ValueError(f"{type(tokenizer).__name__} does not give the position of its tokens; use a fast tokenizer.")
    rules: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    return {name: value for name, value in rules.items() if name not in ("padding", "truncation")}


def _taught_by(teacher: RedHeartModel) -> set[str]:
    """The record keys that ``teacher`` can teach: known ones, of outputs that it has."""
    known, outputs = set(record_keys()), teacher.config.outputs_at("full")
    return {key for key in taught_claims(teacher.config.supervision) if key in known and output_of(key) in outputs}


def _refuse_unfit(student: Any, teacher: RedHeartModel, claims: set[str], args: RedHeartTrainingArguments) -> None:
    """Raise `ValueError` where the teacher has nothing to teach, or the two models cannot be compared."""
    if not claims:
        raise ValueError(
            "The teacher's config records nothing that labels supervised, so it has nothing to teach. "
            "Take a trained model; `config.supervision` is its record."
        )
    own, theirs = student.config.num_segments, teacher.config.num_segments
    if own != theirs:
        raise ValueError(
            f"The student has {own} `num_segments` and the teacher {theirs}, and the course of the emotions can only "
            "be compared over the same number: give both the same."
        )
    if student.config.modules != teacher.config.modules:
        apart = sorted(set(student.config.modules) ^ set(teacher.config.modules))
        raise ValueError(
            f"Only the student or only the teacher has the component {apart[0]!r}, so their states cannot be compared; "
            "give both the same heads and analyzers."
        )
    if args.full_every > 1:
        raise ValueError(
            f"`full_every` is {args.full_every}, but every batch of a distillation runs all modules: leave it out."
        )


def _refuse_unreadable(teacher: RedHeartModel, tokenizer: Any, longest_text: int) -> None:
    """Raise `ValueError` where the teacher cannot read the student's tokens."""
    embeddings: Any = teacher.get_input_embeddings()
    if len(tokenizer) > embeddings.num_embeddings:
        raise ValueError(
            f"The student's tokenizer has {len(tokenizer)} tokens and the teacher knows {embeddings.num_embeddings}: "
            "give the teacher's own as `teacher_tokenizer`."
        )
    if longest_text > teacher.config.longest_text:
        raise ValueError(
            f"`longest_text` is {longest_text}, but the teacher reads at most {teacher.config.longest_text} tokens: "
            "set it to that or less."
        )


@torch.no_grad()
def with_embeddings(units: Sequence[Unit], encoder: str, longest_text: int, batch_size: int = 64) -> list[Unit]:
    """The units, each text with its sentence embedding by a text encoder of transformers as `embedding_labels`.

    The embedding is the mean of the last layer's states (Reimers & Gurevych 2019, arXiv:1908.10084) and of any width: a
    model learns how similar texts are to the encoder.

    Args:
        units: The units.
        encoder: Path or hub id of the text encoder.
        longest_text: Maximum text length in tokens; longer texts are cut.
        batch_size: Texts that the encoder reads at a time.

    Returns:
        New units with the additional target, in the same order.

    Raises:
        ValueError: For an encoder-decoder.
    """
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    model = AutoModel.from_pretrained(encoder, dtype=torch.float32).eval()
    if model.config.is_encoder_decoder:
        raise ValueError(f"{encoder} is an encoder-decoder ({model.config.model_type}); name a text encoder.")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    texts = sorted({item.text for unit in units for item in unit}, key=len)
    known: dict[str, Any] = {}
    for start in range(0, len(texts), batch_size):
        chunk = texts[start : start + batch_size]
        batch = tokenizer(
            chunk, truncation=True, max_length=min(longest_text, tokenizer.model_max_length), padding=True,
            padding_side="right", return_tensors="pt",
        ).to(device)  # fmt: skip
        states = model(**batch).last_hidden_state
        known |= zip(chunk, masked_mean(states, batch["attention_mask"].bool()).cpu().numpy(), strict=True)
    return [
        tuple(replace(item, targets={**item.targets, "embedding_labels": known[item.text]}) for item in unit)
        for unit in units
    ]


__all__ = ["DISTILLED", "DistillationTrainer", "TeacherCollator", "with_embeddings"]
