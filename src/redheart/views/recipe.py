"""A plain view as data: what `redheart.views.plain` trains, from options or a YAML file.

    output: runs/plain-emotions
    plain: emotions                   # or embedding
    teacher: redheart-100m            # a folder, the name of a shipped checkpoint, or a hub id
    trained_layers: 4                 # the encoder's last ones; those below stay the teacher's
    head_learning_rate: 3.0e-6        # of the head and the pooler, which begin fitted: a high rate undoes that
    longest_text: 128                 # tokens that are read in training
    include_untrained: false          # also learn what nothing supervised in the teacher
    data: {...}                       # as in a training recipe; labels are not read
    training: {...}                   # `transformers.TrainingArguments`

Notable: only `output` and `plain` are required. Nothing learns from labels, so any texts do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from transformers import TrainingArguments

from ..configuration.errors import InputError
from ..configuration.labels import closest
from ..formats.yaml_file import read_yaml
from ..training.runs.options import build_run, checked_options, read_options
from ..training.runs.recipe import ELSEWHERE, DataRecipe, Source

View = Literal["emotions", "embedding"]
VIEWS: tuple[str, ...] = get_args(View)
# Texts of each set, some 80,000 tokens together.
_ROWS = {"cases": 1200, "goemotions": 1400, "goemotions_ko": 500}
_TRAINING = {
    "num_train_epochs": 1,
    "learning_rate": 1e-5,
    "warmup_steps": 0.05,
    "per_device_train_batch_size": 16,
    "train_sampling_strategy": "group_by_length",
    "save_steps": 50,
    "save_total_limit": 1,
    "logging_steps": 20,
    "report_to": "none",
}
_TRAINER = {**ELSEWHERE, "remove_unused_columns": "it is always off", "eval_strategy": "the run evaluates at its ends"}


def _public_texts() -> DataRecipe:
    return DataRecipe([Source(name=name, rows=rows) for name, rows in _ROWS.items()], held_out=0.12)


@dataclass(frozen=True)
class PlainRecipe:
    """The making of a plain view; the docstring of this module describes its options.

    Raises:
        InputError: For unknown training options, an unknown view, numbers out of their range, and without a source of
            training texts.
    """

    output: str
    plain: View
    teacher: str = "redheart-100m"
    trained_layers: int = 4
    head_learning_rate: float = 3e-6
    longest_text: int = 128
    include_untrained: bool = False
    data: DataRecipe = field(default_factory=_public_texts)
    training: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.plain not in VIEWS:
            raise InputError(f"There is no plain view {self.plain!r}; {closest(self.plain, VIEWS)}")
        training = checked_options(TrainingArguments, self.training, "training.", _TRAINER)
        object.__setattr__(self, "training", {**_TRAINING, **training})
        for name, least in (("trained_layers", 0), ("longest_text", 8)):
            if getattr(self, name) < least:
                raise InputError(f"`{name}` must be {least} or more, got {getattr(self, name)}.")
        if not self.head_learning_rate > 0:
            raise InputError(f"`head_learning_rate` must be above 0, got {self.head_learning_rate}.")
        if not self.data.train:
            raise InputError("`data.train` names no source of training texts; add one.")


def describes_plain_view(path: Path) -> bool:
    """Return whether a YAML file is the recipe of a plain view, and not of another distillation."""
    content = read_yaml(path)
    return isinstance(content, Mapping) and "plain" in content


def read_plain_recipe(path: Path | None, **given: str | bool | None) -> PlainRecipe:
    """The recipe of a plain view.

    Args:
        path: A YAML file; None = a recipe of defaults.
        **given: Options instead of the file's; None leaves one as it is.

    Returns:
        The recipe.

    Raises:
        InputError: For a file that is wrong; the message names the file and the place of the error.
    """
    return build_run(PlainRecipe, read_options(path, **given), path or "plain view")


__all__ = ["VIEWS", "PlainRecipe", "View", "describes_plain_view", "read_plain_recipe"]
