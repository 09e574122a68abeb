"""A distillation as data: the YAML file that `redheart.compression.distill` reads.

    output: runs/distilled
    teacher: redheart-100m            # a folder, a checkpoint that ships, or a hub id
    student: {preset: redheart-mini}  # as `model` of a training recipe
    cut: {layers: 3, embedding: 96}   # instead: a student cut from the teacher, see `student.Cut`
    embeddings: path-or-hub-id        # a text encoder, whose sentence embeddings are learned instead of the teacher's
    distillation: {share: 0.7}        # see `distillation_losses.Distillation`
    data: {...}                       # as in a training recipe; rows without labels are useful, too
    training: {...}                   # `RedHeartTrainingArguments`
    confidence: {share: 0.05}         # as in a training recipe: the student's own, from labelled rows

Notable: what is left out has a default, the data among them; only `output` and one of `student` and `cut` must be said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..configuration.errors import InputError
from ..formats.yaml_file import read_yaml
from ..training.runs.options import build_part, checked_options
from ..training.runs.recipe import ELSEWHERE, ConfidenceRecipe, DataRecipe, ModelRecipe, Source
from ..training.trainers.arguments import RedHeartTrainingArguments
from .distillation_losses import Distillation
from .student import Cut

_SETS = (
    "cases",
    "goemotions",
    "goemotions_ko",
    "emobank",
    "emotion_intensity_en",
    "scruples_anecdotes",
    "ethics_utilitarianism",
    "moral_stories",
)
_VALIDATED = ("cases", "goemotions", "goemotions_ko", "emobank", "scruples_anecdotes", "moral_stories")
_TRAINING = {
    "num_train_epochs": 2,
    "learning_rate": 3e-4,
    "warmup_steps": 0.03,
    "per_device_train_batch_size": 16,
    "longest_text": 256,
    "save_total_limit": 1,
}


def public_sets(
    root: str | None = None, names: Sequence[str] = (), units: int | None = None, judged: int | None = None
) -> DataRecipe:
    """The public sets that the redistributable checkpoints are trained on, or those of ``names``.

    root: as in `Source`. units: per epoch; judged: of each validation split; None = as many as there are.
    """
    validated = [name for name in names or _SETS if name in _VALIDATED]
    return DataRecipe(
        [Source(name, root=root) for name in names or _SETS],
        [Source(name, root=root, split="validation", rows=judged) for name in validated],
        units_per_epoch=units,
    )


@dataclass(frozen=True)
class DistillationRecipe:
    """A run. The whole is described in the module's docstring."""

    output: str
    """Folder of the run."""
    teacher: str = "redheart-100m"
    """A name that ships, a folder, or a hub id."""
    student: ModelRecipe | None = None
    """The student, as `model` of a training recipe, but neither `sharded` nor `quantize`."""
    cut: Cut | None = None
    """Instead of a `student`: one that is cut from the teacher."""
    embeddings: str | None = None
    """A text encoder whose sentence embeddings are learned instead of those of the teacher."""
    distillation: Distillation = field(default_factory=Distillation)
    """How it is taught."""
    data: DataRecipe = field(default_factory=public_sets)
    """By default the public sets that redistributable weights may learn from."""
    training: dict[str, Any] = field(default_factory=_TRAINING.copy)
    """By default 2 epochs, a learning rate of 3e-4, texts of 256 tokens."""
    confidence: ConfidenceRecipe | None = None
    """As in a training recipe: from labelled rows."""

    def __post_init__(self) -> None:
        training = checked_options(RedHeartTrainingArguments, self.training, "training.", ELSEWHERE)
        object.__setattr__(self, "training", training)
        if (self.student is None) == (self.cut is None):
            raise InputError(
                "A distillation has either a `student`, such as {preset: redheart-mini}, or a `cut` of its teacher."
            )
        if self.student is not None and (self.student.sharded or self.student.quantize is not None):
            raise InputError("A student has whole weights to be trained: leave `sharded` and `quantize` out.")
        if not self.data.train:
            raise InputError("`data.train` names no source of texts to teach on.")

    @property
    def student_name(self) -> str:
        """What the student is called in reports."""
        if self.student is None:
            return "cut from the teacher"
        return called(self.student.preset or self.student.checkpoint or self.student.encoder or "")


def read_distillation(
    path: Path | None, output: Path | None = None, teacher: str | None = None, student: str | None = None
) -> DistillationRecipe:
    """The run that a YAML file describes; without one, of defaults. output, teacher, student (a preset): instead of the
    file's.

    Raises `ValueError` that names the file and the place of what is wrong.
    """
    content = {} if path is None else read_yaml(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds {type(content).__name__}, not the options of a run.")
    given = {"output": output and str(output), "teacher": teacher, "student": student and {"preset": student}}
    content = {**content, **{name: value for name, value in given.items() if value is not None}}
    if student is not None:
        content.pop("cut", None)
    try:
        return build_part(DistillationRecipe, content, "")
    except ValueError as error:
        raise InputError(f"{path or 'distillation'}: {error}") from error


def called(place: str) -> str:
    """What a model is called: its name without the folders around it, which say nothing elsewhere."""
    return Path(place).resolve().name if Path(place).is_dir() else place


__all__ = ["DistillationRecipe", "called", "public_sets", "read_distillation"]
