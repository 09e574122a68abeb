"""A training run as data: the YAML file that `redheart train` reads.

    output: runs/first
    model:
      preset: redheart-mini          # or `checkpoint: FOLDER`, or `encoder: FOLDER or hub id`
      options: {hidden_dropout: 0.1} # of the config, over the preset's
      pretrained: runs/words         # the native encoder of a pre-training run
      sharded: true                  # of a checkpoint: each of several processes holds a part of the weights
      quantize: nf4                  # of a checkpoint that gets an adapter: its matrices in 4 bits, or in 8 with `int8`
    data:
      train:
        - {name: goemotions}         # a public set (`redheart.data.public_sets`), from the data folder or the hub
        - path: mine.jsonl
          weight: 2
          columns:                   # of yours -> of `data.schema`
            sentence: text
            ticket: null             # left out
            at_fault: {to: verdict, values: {yes: author, no: other}}
      validation:                    # without it, `held_out` of the training rows
        - {name: goemotions, split: validation}
    training: {num_train_epochs: 3, learning_rate: 5.0e-4}   # `RedHeartTrainingArguments`
    peft: {rank: 16, components: [emotion_head]}  # train an adapter of the checkpoint (`PeftRecipe`)
    sweet_spot: {}                   # options of `SweetSpotCallback`; leave it out to go without
    crossover: {}                    # of `CrossoverCallback`
    lr_sweep: {}                     # of `sweep_learning_rates`; its suggestion is taken when it finds one
    confidence: {share: 0.05}        # rows held out of training, on which the confidence is trained at the end

    pretraining:                     # instead of `data` and what is under it: plain text, masked
      texts: [{name: goemotions}, {path: book.txt}]
      training: {max_steps: 10000}

Notable: an option that does not exist is an error that names the nearest one. Paths are relative to the working folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from ...configuration.configuration_redheart import component_path, preset_names
from ...configuration.errors import InputError
from ...configuration.labels import closest
from ...data.column_map import IN_RECIPE, ColumnMap
from ...data.loading import SETS, DataError
from ...data.schema import NAMES
from ...formats.yaml_file import read_yaml
from ...modeling_redheart.quantization import SCHEMES
from ..callbacks.crossover_callback import CrossoverCallback
from ..callbacks.sweet_spot import SweetSpotCallback
from ..trainers.arguments import RedHeartTrainingArguments
from .lr_sweep import sweep_learning_rates
from .options import build_part, checked_options

# Options of the training arguments that a recipe, or the command that runs it, says elsewhere.
ELSEWHERE = {
    "output_dir": "`output` says where the run is written",
    "resume_from_checkpoint": "a run is gone on with by --resume",
    "push_to_hub": "`redheart push` uploads the model when it is trained",
}


@dataclass(frozen=True)
class Source:
    """Where rows come from: a public set by its ``name``, or a file, folder or hub data set by its ``path``.

    root: folder of the public sets (`find_data`), or "hub". split: which one; by default "train", and "validation"
    among the validation sources. half: "train" or "scored", of pairs whose actions are in several pairs: those of one
    side of the cut by actions (`dilemma_halves`). columns: new names of a source's columns, null to leave one out, or
    ``{to: name, values: {value: new value}}`` (`ColumnMap`). rows: at most so many units. weight: how often its units
    come in an epoch, 1 = each once. config, revision: of a hub data set.
    """

    name: str | None = None
    path: str | None = None
    root: str | None = None
    split: str | None = None
    half: str | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    rows: int | None = None
    weight: float = 1.0
    config: str | None = None
    revision: str | None = None

    def __post_init__(self) -> None:
        if (self.name is None) == (self.path is None):
            raise DataError(
                "A source has either a `name` (of a public set) or a `path` (of a file, folder or hub set)."
            )
        if self.name is not None and self.name not in SETS:
            raise DataError(f"There is no set {self.name!r}; {closest(self.name, SETS)}")
        for name, target in ColumnMap(self.columns, IN_RECIPE).targets.items():
            if target.name is not None and target.name not in NAMES:
                raise DataError(f"The column {name!r} cannot become {target.name!r}; {closest(target.name, NAMES)}")
        if self.half not in (None, "train", "scored"):
            raise DataError(f"`half` of {self.label!r} must be 'train' or 'scored', got {self.half!r}.")
        if self.rows is not None and self.rows < 1:
            raise DataError(f"`rows` of {self.label!r} must be 1 or more, got {self.rows}.")
        if self.weight <= 0:
            raise DataError(f"`weight` of {self.label!r} must be above 0, got {self.weight}; leave the source out.")

    @property
    def label(self) -> str:
        """What its units are called in batches and reports."""
        return self.name or Path(str(self.path)).stem


@dataclass(frozen=True)
class DataRecipe:
    """What is trained and validated on.

    held_out: share of the training units to validate on, where no ``validation`` is given. temperature: above 1,
    smaller sources come more often (`collator.source_sizes`). units_per_epoch: of all sources together; None = as many
    as there are, by their weights.
    """

    train: list[Source] = field(default_factory=list)
    validation: list[Source] = field(default_factory=list)
    held_out: float = 0.1
    temperature: float = 1.0
    units_per_epoch: int | None = None


@dataclass(frozen=True)
class ModelRecipe:
    """What is trained: a ``preset`` with random weights, a ``checkpoint``, or a text ``encoder`` with a new model on it
    (of the preset's sizes, where one is named beside it).

    sharded: cut the weights of the checkpoint, their gradients and the optimiser up among the processes (FSDP2), also
    on a CPU. Such a run cannot be resumed. quantize: "int8" or "nf4" (`quantize.SCHEMES`), the form of the checkpoint's
    matrices below an adapter.
    """

    preset: str | None = None
    checkpoint: str | None = None
    encoder: str | None = None
    tokenizer: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    pretrained: str | None = None
    sharded: bool = False
    quantize: str | None = None

    def __post_init__(self) -> None:
        if self.quantize is not None and self.quantize not in SCHEMES:
            raise InputError(f"`model.quantize` cannot be {self.quantize!r}; {closest(self.quantize, SCHEMES)}")
        if self.sharded and self.checkpoint is None:
            raise InputError(
                "`model.sharded` reads its part of a `checkpoint`; `redheart create PRESET` makes one of a preset."
            )
        if self.checkpoint is not None and (self.preset or self.encoder or self.options or self.pretrained):
            raise InputError(
                "A `checkpoint` brings its sizes and weights; give no `preset`, `encoder` or others with it."
            )
        if self.preset is None and self.checkpoint is None and self.encoder is None:
            raise InputError("`model` needs a `preset`, a `checkpoint` or an `encoder`.")
        if self.preset is not None and self.preset not in preset_names():
            raise InputError(f"There is no preset {self.preset!r}; {closest(self.preset, preset_names())}")


@dataclass(frozen=True)
class ConfidenceRecipe:
    """The last phase, in which only the network that predicts losses is trained, on rows that nothing else saw.

    share: of the training units. epochs: over them. learning_rate: of this phase.
    """

    share: float = 0.05
    epochs: float = 3.0
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise InputError(f"`confidence.share` must lie between 0 and 1, got {self.share}.")


@dataclass(frozen=True)
class PeftRecipe:
    """An adapter: low-rank changes to a checkpoint that itself stays as it is (`training.runs.adapters`).

    rank: of the changes. alpha: they are multiplied by alpha / rank. dropout: of what goes into them. components: which
    ones are changed (`COMPONENT_SIZES`, or "bridge"), None for all. readouts: components whose read-outs are trained
    whole, and saved with the adapter. dora: sizes are learned apart from directions (DoRA: Liu et al. 2024,
    arXiv:2402.09353). rslora: alpha / sqrt(rank) instead, for high ranks (Kalajdzievski 2023, arXiv:2312.03732). merge:
    also write the whole model with the adapter in its weights.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    components: list[str] | None = None
    readouts: list[str] = field(default_factory=list)
    dora: bool = False
    rslora: bool = False
    merge: bool = False

    def __post_init__(self) -> None:
        for name in ("rank", "alpha"):
            if getattr(self, name) < 1:
                raise InputError(f"`peft.{name}` must be 1 or more, got {getattr(self, name)}.")
        if not 0 <= self.dropout < 1:
            raise InputError(f"`peft.dropout` must be in 0 <= rate < 1, got {self.dropout}.")
        if self.components == []:
            raise InputError("`peft.components` names none; leave it out to adapt all of them.")
        for component in (*(self.components or ()), *self.readouts):
            component_path(str(component))


@dataclass(frozen=True)
class PretrainingRecipe:
    """Masked language modelling of the native encoder. masked: share of the tokens. length: tokens of a window.

    validation: texts to measure on, as ``texts``.
    """

    texts: list[Source]
    training: dict[str, Any]
    validation: list[Source] = field(default_factory=list)
    masked: float = 0.3
    length: int = 256

    def __post_init__(self) -> None:
        checked = checked_options(TrainingArguments, self.training, "pretraining.training.", ELSEWHERE)
        object.__setattr__(self, "training", checked)


@dataclass(frozen=True)
class Recipe:
    """A run. Each part is described by its class, and the whole in the module's docstring."""

    output: str
    model: ModelRecipe
    data: DataRecipe = field(default_factory=DataRecipe)
    training: dict[str, Any] = field(default_factory=dict)
    sweet_spot: dict[str, Any] | None = None
    crossover: dict[str, Any] | None = None
    lr_sweep: dict[str, Any] | None = None
    confidence: ConfidenceRecipe | None = None
    peft: PeftRecipe | None = None
    pretraining: PretrainingRecipe | None = None

    def __post_init__(self) -> None:
        self._check_options()
        if self.pretraining is None and not self.data.train:
            raise InputError("`data.train` names no source to train on.")
        if self.pretraining is not None and self.data.train:
            raise InputError("`pretraining` reads plain text; labelled `data` are for a second run, on its result.")
        whole = [
            name for name in ("sweet_spot", "crossover", "confidence", "lr_sweep") if getattr(self, name) is not None
        ]
        if self.model.sharded and whole:
            raise InputError(f"`{whole[0]}` needs whole weights, of which a process has a part only: leave it out.")
        if self.crossover is not None and self.training.get("eval_strategy", "no") == "no":
            raise InputError(
                "`crossover` combines evaluated checkpoints: set `training.eval_strategy` and `eval_steps`."
            )
        if self.sweet_spot is not None and self.training.get("eval_strategy", "no") == "no":
            raise InputError("`sweet_spot` looks at evaluations: set `training.eval_strategy` and `eval_steps`.")
        self._check_peft()

    def _check_options(self) -> None:
        """Raises `ValueError` for an option of training or of a callback that there is not, or of another type."""
        givers: dict[str, tuple[Any, dict[str, str]]] = {
            "training": (RedHeartTrainingArguments, ELSEWHERE),
            "sweet_spot": (SweetSpotCallback, {}),
            "crossover": (CrossoverCallback, dict.fromkeys(("trainer", "selection", "acceptance"), "the run gives it")),
            "lr_sweep": (sweep_learning_rates, {"trainer": "the run gives it"}),
        }
        for part, (kind, without) in givers.items():
            if (options := getattr(self, part)) is not None:
                object.__setattr__(self, part, checked_options(kind, options, f"{part}.", without))

    def _check_peft(self) -> None:
        """Raises `ValueError` for what does not go together with an adapter, or without one."""
        if self.peft is None:
            if self.model.quantize is not None:
                raise InputError(
                    "Matrices of integers cannot be trained: `model.quantize` needs an adapter, `peft: {}`."
                )
            return
        if self.model.checkpoint is None:
            raise InputError(
                "`peft` trains an adapter of a `model.checkpoint`; `redheart create PRESET` makes one of a preset."
            )
        if self.model.sharded or self.pretraining is not None:
            other = "model.sharded" if self.model.sharded else "pretraining"
            raise InputError(f"`{other}` trains all weights, and `peft` an adapter only: leave one of the two out.")
        components = self.peft.components
        if self.confidence is not None and components is not None and "sweet_spot" not in components:
            raise InputError("`confidence` trains the network 'sweet_spot': name it among `peft.components`, too.")


def read_recipe(path: Path, output: Path | None = None) -> Recipe:
    """The run that a YAML file describes. output: instead of the file's.

    Raises `ValueError` that names the file and the place of what is wrong.
    """
    content = read_yaml(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds {type(content).__name__}, not the options of a run.")
    if output is not None:
        content = {**content, "output": str(output)}
    try:
        return build_part(Recipe, content, "")
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


__all__ = [
    "ELSEWHERE",
    "ConfidenceRecipe",
    "DataRecipe",
    "ModelRecipe",
    "PeftRecipe",
    "PretrainingRecipe",
    "Recipe",
    "Source",
    "read_recipe",
]
