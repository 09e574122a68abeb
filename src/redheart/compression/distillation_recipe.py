"""A distillation as data: the YAML file that `redheart.compression.distill` reads.

    output: runs/distilled
    teacher: redheart-100m            # a folder, the name of a shipped checkpoint, or a hub id
    student: {preset: redheart-mini}  # as `model` of a training recipe
    cut: {layers: 3, embedding: 96}   # instead: a student cut from the teacher, see `student.Cut`
    embeddings: path-or-hub-id        # a text encoder, whose sentence embeddings are learned instead of the teacher's
    distillation: {share: 0.7}        # see `distillation_losses.Distillation`
    data: {...}                       # as in a training recipe; rows without labels are useful, too
    training: {...}                   # `RedHeartTrainingArguments`
    confidence: {share: 0.05}         # as in a training recipe: the student's own, from labelled rows

Notable: what is left out has a default, the data included; only `output` and one of `student` and `cut` are required.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..configuration.errors import InputError
from ..training.runs.options import build_run, checked_options, read_options
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

    Args:
        root: Folder of the sets, as in `Source`.
        names: Names of sets instead of those.
        units: Training units per epoch; None = all.
        judged: Rows of each validation split; None = all.

    Returns:
        The sources to train on and, where a set is used for validation, to validate on.
    """
    validated = [name for name in names or _SETS if name in _VALIDATED]
    return DataRecipe(
        [Source(name, root=root) for name in names or _SETS],
        [Source(name, root=root, split="validation", rows=judged) for name in validated],
        units_per_epoch=units,
    )


@dataclass(frozen=True)
class DistillationRecipe:
    """A run. The module's docstring describes the whole file.

    Attributes:
        output: Folder of the run.
        teacher: Name of a shipped checkpoint, a folder, or a hub id.
        student: The student, as `model` of a training recipe, but neither `sharded` nor `quantize`.
        cut: Instead of a `student`: one that is cut from the teacher.
        embeddings: A text encoder whose sentence embeddings are learned instead of those of the teacher.
        distillation: How the student is taught.
        data: By default the public sets that redistributable weights may learn from.
        training: By default 2 epochs, a learning rate of 3e-4, texts of 256 tokens.
        confidence: As in a training recipe: from labelled rows.

    Raises:
        InputError: For unknown training options, for both or neither of `student` and `cut`, for a student that is
            sharded or quantised, and without a source of training texts.
    """

    output: str
    teacher: str = "redheart-100m"
    student: ModelRecipe | None = None
    cut: Cut | None = None
    embeddings: str | None = None
    distillation: Distillation = field(default_factory=Distillation)
    data: DataRecipe = field(default_factory=public_sets)
    training: dict[str, Any] = field(default_factory=_TRAINING.copy)
    confidence: ConfidenceRecipe | None = None

    def __post_init__(self) -> None:
        training = checked_options(RedHeartTrainingArguments, self.training, "training.", ELSEWHERE)
        object.__setattr__(self, "training", training)
        if (self.student is None) == (self.cut is None):
            raise InputError(
                "A distillation has either a `student`, such as {preset: redheart-mini}, or a `cut` of its teacher."
            )
        if self.student is not None and (self.student.sharded or self.student.quantize is not None):
            raise InputError("A student is trained with all of its weights: leave `sharded` and `quantize` out.")
        if not self.data.train:
            raise InputError("`data.train` names no source of training texts; add one.")

    @property
    def student_name(self) -> str:
        """Name of the student in reports."""
        if self.student is None:
            return "cut from the teacher"
        return display_name(self.student.preset or self.student.checkpoint or self.student.encoder or "")


def read_distillation(
    path: Path | None, output: Path | None = None, teacher: str | None = None, student: str | None = None
) -> DistillationRecipe:
    """The run that a YAML file describes.

    Args:
        path: The file; None = a run of defaults.
        output: Output folder, instead of the file's.
        teacher: Teacher, instead of the file's.
        student: Preset of the student, instead of the file's ``student`` and ``cut``.

    Returns:
        The run.

    Raises:
        InputError: For a file that is wrong; the message names the file and the place of the error.
    """
    given = {"output": output and str(output), "teacher": teacher, "student": student and {"preset": student}}
    content = read_options(path, **given)
    if student is not None:
        content.pop("cut", None)
    return build_run(DistillationRecipe, content, path or "distillation")


def display_name(place: str) -> str:
    """Name of a model in reports: of a folder, its last part, since its path means nothing on another machine."""
    return Path(place).resolve().name if Path(place).is_dir() else place


__all__ = ["DistillationRecipe", "display_name", "public_sets", "read_distillation"]
