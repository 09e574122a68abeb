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
    """Where rows come from: a public set by its ``name``, or a file, folder or hub data set by its ``path``."""

    name: str | None = None
    """A public set."""
    path: str | None = None
    """A file (.jsonl, .json, .csv, .tsv, .parquet), a folder with one file per split, or a data set of the hub as
    `owner/name`."""
    root: str | None = None
    """Of a public set: the folder that holds one folder per set, or `hub`; by default `REDHEART_DATA`."""
    split: str | None = None
    """Which split; by default `train`, and `validation` among the validation sources."""
    half: str | None = None
    """`train` or `scored`, of pairs whose actions are in several pairs (`scruples_dilemmas`): one side of a cut by
    actions (`dilemma_halves`)."""
    columns: dict[str, Any] = field(default_factory=dict)
    """New names of the columns of the source, see below."""
    rows: int | None = None
    """At most so many units, drawn at random by the seed."""
    weight: float = 1.0
    """How often its units come in an epoch; 1 = each once."""
    config: str | None = None
    """Of a data set of the hub: its configuration."""
    revision: str | None = None
    """Of a data set of the hub: a branch, tag or commit."""

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
    """What is trained and validated on."""

    train: list[Source] = field(default_factory=list)
    """What is trained on."""
    validation: list[Source] = field(default_factory=list)
    """What is validated on; without it a share of the training units is held out."""
    held_out: float = 0.1
    """That share. Rows of one `group` stay together."""
    temperature: float = 1.0
    """Above 1, smaller sources come more often: a source of n units weighs n ** (1 / temperature)."""
    units_per_epoch: int | None = None
    """Units of an epoch, of all sources together; by default as many as there are, by their weights."""


@dataclass(frozen=True)
class ModelRecipe:
    """What is trained: a ``preset`` with random weights, a ``checkpoint``, or a text ``encoder`` with a new model on it
    (of the preset's sizes, where one is named beside it)."""

    preset: str | None = None
    """Random weights in the sizes of this member of the family."""
    checkpoint: str | None = None
    """Trained weights: a name that ships, a folder, or a hub id. It brings its sizes: no `preset`, `encoder`,
    `options` or `pretrained` with it."""
    encoder: str | None = None
    """A text encoder of transformers, by folder or hub id, with its weights and its tokenizer; a new model stands on
    it."""
    tokenizer: str | None = None
    """Folder or hub id of another tokenizer; by default that of the checkpoint or the encoder, or the library's own."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of `RedHeartConfig`, over those of the preset."""
    pretrained: str | None = None
    """Folder of a pre-training run (`pretraining`), whose encoder is taken."""
    sharded: bool = False
    """Of a checkpoint: each of several processes holds a part of the weights (FSDP2). It cannot be resumed, and needs
    `accelerate launch`."""
    quantize: str | None = None
    """`int8` or `nf4`: the form of the checkpoint's matrices below an adapter (QLoRA)."""

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
    """The last phase, in which only the network that predicts losses is trained, on rows that nothing else saw."""

    share: float = 0.05
    """Share of the training units that is held out for it."""
    epochs: float = 3.0
    """Epochs over these units."""
    learning_rate: float = 1e-3
    """Learning rate of this phase."""

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise InputError(f"`confidence.share` must lie between 0 and 1, got {self.share}.")


@dataclass(frozen=True)
class PeftRecipe:
    """An adapter: low-rank changes to a checkpoint that itself stays as it is (`training.runs.adapters`)."""

    rank: int = 16
    """Rank of the changes."""
    alpha: int = 32
    """The changes are multiplied by alpha / rank."""
    dropout: float = 0.0
    """Dropout of what goes into the changes."""
    components: list[str] | None = None
    """Which components are changed; by default all. Names below."""
    readouts: list[str] = field(default_factory=list)
    """Components whose read-outs are trained whole, and saved with the adapter."""
    dora: bool = False
    """Sizes are learned apart from directions (DoRA: Liu et al. 2024, arXiv:2402.09353)."""
    rslora: bool = False
    """alpha / sqrt(rank) instead, for high ranks (Kalajdzievski 2023, arXiv:2312.03732)."""
    merge: bool = False
    """Also write the whole model with the adapter in its weights."""

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
    """Masked language modelling of the native encoder."""

    texts: list[Source]
    """Sources of text; a .txt file has a text per line, of a table the column `text` is read."""
    training: dict[str, Any]
    """Options of `transformers.TrainingArguments`; `max_steps` must be among them."""
    validation: list[Source] = field(default_factory=list)
    """Texts to measure on."""
    masked: float = 0.3
    """Share of the tokens that is masked."""
    length: int = 256
    """Tokens of a window."""

    def __post_init__(self) -> None:
        checked = checked_options(TrainingArguments, self.training, "pretraining.training.", ELSEWHERE)
        object.__setattr__(self, "training", checked)


@dataclass(frozen=True)
class Recipe:
    """A run. The whole is described in the module's docstring."""

    output: str
    """Folder of the run; `--output` of `redheart train` takes its place."""
    model: ModelRecipe
    """What is trained."""
    data: DataRecipe = field(default_factory=DataRecipe)
    """What it is trained and validated on."""
    training: dict[str, Any] = field(default_factory=dict)
    """Options of the trainer."""
    sweet_spot: dict[str, Any] | None = None
    """Put each module back to its best evaluation and freeze it there."""
    crossover: dict[str, Any] | None = None
    """Combine the modules of the checkpoints of the run at its end."""
    lr_sweep: dict[str, Any] | None = None
    """Look for a learning rate first, and take the one that is suggested."""
    confidence: ConfidenceRecipe | None = None
    """Train the network that predicts losses, on rows of its own."""
    peft: PeftRecipe | None = None
    """Train an adapter, not the whole model."""
    pretraining: PretrainingRecipe | None = None
    """Masked words instead of `data` and all that is above."""

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
