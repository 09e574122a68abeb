"""Plain views: models that read without this package what a Red Heart model taught them.

    redheart distill --plain emotions --output runs/plain-emotions
    redheart distill --plain embedding --output runs/plain-embedding

The first is a classifier for `pipeline("text-classification", model=..., top_k=None)`, the second a folder for
`SentenceTransformer(...)`, both without `trust_remote_code`. The student begins as the teacher's text encoder; its last
layers and a new head learn what the teacher says of texts, without any label.

Notable: the thresholds of the classifier are in its config (``thresholds``, by label). They are those by which it
agrees best with what the teacher asserts, on texts that were held out of training; no label of a person is used for
them, so that figures on validation splits are of rows that the student never saw.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments

from ..compression.distillation_recipe import display_name
from ..configuration.labels import EMOTIONS
from ..evaluation.measurement.fitting import fit_emotion_thresholds
from ..modeling_redheart.asserted import asserted_emotions
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..storage.files import write_json
from ..storage.folders import whole_or_nothing
from ..storage.output_folder import MODEL, claim_output
from ..storage.strict_loading import checkpoint_path, load_strict
from ..training.runs.building import build_units
from .recipe import PlainRecipe
from .students import STUDENTS, PlainStudent

REPORT = "distillation.json"
_FITTING_TEXTS = 1024  # training texts that a head is fitted to before it is trained
_READ_TEXTS = 32  # texts of a batch without training
Batches = list[dict[str, Tensor]]


class PlainTrainer(Trainer):
    """Teaches a `PlainStudent` what the teacher says of the same tokens.

    Args:
        student: The student.
        args: The training arguments; ``learning_rate`` is that of the encoder's layers.
        teacher: The model to learn from.
        head_learning_rate: Learning rate of the parameters that the encoder does not have.
        **options: Of `transformers.Trainer`.
    """

    def __init__(
        self,
        student: PlainStudent,
        args: TrainingArguments,
        *,
        teacher: RedHeartModel,
        head_learning_rate: float,
        **options: Any,
    ) -> None:
        super().__init__(student, args, **options)
        self.student, self.head_learning_rate = student, head_learning_rate
        self.teacher = teacher.requires_grad_(False).eval().to(args.device)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The distance of the student from the teacher on a batch."""
        found = model(**inputs)
        loss = self.student.loss(found, self.student.target(self.teacher, **inputs))
        return (loss, {"found": found}) if return_outputs else loss

    def create_optimizer(self, model: Any = None) -> Any:
        """AdamW, with a rate of its own for what the encoder does not have."""
        if self.optimizer is None:
            new = {id(parameter) for parameter in self.student.new_parameters()}
            trained = [parameter for parameter in self.student.parameters() if parameter.requires_grad]
            groups = [
                {"params": [value for value in trained if (id(value) in new) == is_new], "lr": rate}
                for is_new, rate in ((False, self.args.learning_rate), (True, self.head_learning_rate))
            ]
            self.optimizer = torch.optim.AdamW(
                [group for group in groups if group["params"]], weight_decay=self.args.weight_decay
            )
        return self.optimizer


def make_plain_view(recipe: PlainRecipe, resume: bool = False, overwrite: bool = False) -> dict[str, Any]:
    """Train what ``recipe`` describes.

    Args:
        recipe: The recipe.
        resume: Continue from the newest whole checkpoint in the output folder.
        overwrite: Replace what an earlier run has trained there.

    Returns:
        The report, which is also in the output folder as ``distillation.json``, beside the student (``model``).

    Raises:
        ValueError: When the output folder holds an earlier run and neither ``resume`` nor ``overwrite`` is given, and
            for a teacher that cannot be had in a plain form.
        ImportError: For an embedding without sentence-transformers.
    """
    output = Path(recipe.output)
    claim_output(output, resume, overwrite)
    args = TrainingArguments(output_dir=str(output), remove_unused_columns=False, **recipe.training)
    torch.manual_seed(args.seed)
    place = checkpoint_path(recipe.teacher)
    teacher: Any = load_strict(place, RedHeartModel, dtype=torch.float32).eval()
    student = STUDENTS[recipe.plain](teacher, AutoTokenizer.from_pretrained(place), recipe.include_untrained)
    student.freeze_below(recipe.trained_layers)
    train, unseen = (
        sorted({item.text for unit in units for item in unit}) for units in build_units(recipe.data, args.seed, False)
    )
    collator = DataCollatorWithPadding(student.tokenizer)
    longest = min(recipe.longest_text, teacher.config.longest_text)
    rows, held_back = _tokens(student, train, longest), _tokens(student, unseen, longest)
    student.fit_head(teacher, _batches(rows[:: -(-len(rows) // _FITTING_TEXTS)], collator))
    held = _batches(held_back, collator)
    wanted = _read(held, lambda batch: student.target(teacher, **batch))
    before = student.loss(_student_output(student, held), wanted)
    fitted = {name: value.clone() for name, value in student.state_dict().items()}
    trainer = PlainTrainer(
        student, args, teacher=teacher, head_learning_rate=recipe.head_learning_rate, train_dataset=rows,
        data_collator=collator,
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=resume or None)
    found = _student_output(student.to("cpu"), held)
    after = student.loss(found, wanted)
    if not after < before:  # the fitted head alone was nearer to the teacher
        student.load_state_dict(fitted)
        found = _student_output(student, held)
    report = {
        "teacher": display_name(recipe.teacher),
        "view": recipe.plain,
        "parameters": sum(value.numel() for value in student.parameters()),
        "trained parameters": sum(value.numel() for value in student.parameters() if value.requires_grad),
        "texts": {"train": len(train), "held out": len(unseen)},
        "steps": trainer.state.global_step,
        "distance": {"before": float(before), "after": float(after)},
        "put back": not after < before,
    }
    if recipe.plain == "emotions":
        student.encoder.config.thresholds = _thresholds(found.sigmoid(), wanted, teacher.config.thresholds)
    _save(student, output)
    write_json(output / REPORT, report)
    return report


def _tokens(student: PlainStudent, texts: Sequence[str], longest: int) -> list[dict[str, Any]]:
    encoded = student.tokenizer(list(texts), truncation=True, max_length=longest)
    return [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]


def _batches(rows: Sequence[dict[str, Any]], collator: Any) -> Batches:
    """Batches of rows of similar length."""
    ordered = sorted(rows, key=lambda row: len(row["input_ids"]))
    return [dict(collator(ordered[start : start + _READ_TEXTS])) for start in range(0, len(ordered), _READ_TEXTS)]


def _read(batches: Batches, read: Any) -> Tensor:
    with torch.inference_mode():
        return torch.cat([read(batch) for batch in batches])


def _student_output(student: PlainStudent, batches: Batches) -> Tensor:
    return _read(batches, lambda batch: student.eval()(**batch))


def _thresholds(found: Tensor, wanted: Tensor, theirs: Mapping[str, float]) -> dict[str, float]:
    """The thresholds by which a student agrees best with what the teacher asserts of the same texts.

    Args:
        found: Probabilities of the student, ``(texts, 28)``.
        wanted: Probabilities of the teacher, in the same shape.
        theirs: Thresholds of the teacher.

    Returns:
        Emotion -> threshold; the teacher's own, where it asserts nothing of these texts.
    """
    asserted = asserted_emotions(wanted.numpy(), theirs).astype(np.float64)
    if not asserted.any():
        return dict(theirs)
    fitted = fit_emotion_thresholds(found.double().numpy(), asserted)
    return {name: round(float(value), 4) for name, value in zip(EMOTIONS, fitted, strict=True)}


def _save(student: PlainStudent, output: Path) -> None:
    needed = sum(value.nbytes for value in student.state_dict().values())
    with whole_or_nothing(output / MODEL, needed) as partial:
        student.save(partial)


def summary(report: Mapping[str, Any]) -> str:
    """The report as text for a terminal."""
    texts, distance = report["texts"], report["distance"]
    return "\n".join((
        f"plain {report['view']} of {report['teacher']}: {report['parameters']:,} parameters, "
        f"{report['trained parameters']:,} of them trained",
        f"{texts['train']:,} texts, {report['steps']} steps; on {texts['held out']:,} other texts the distance from "
        f"the teacher went from {distance['before']:.4f} to {distance['after']:.4f}"
        + ("; the training was put back" if report["put back"] else ""),
    ))  # fmt: skip


__all__ = ["REPORT", "PlainTrainer", "make_plain_view", "summary"]
