"""A training run as data: the YAML file that `redheart train` reads.

    output: runs/first
    model:
      preset: redheart-mini          # or `checkpoint: FOLDER`, or `encoder: FOLDER or hub id`
      options: {hidden_dropout: 0.1} # of the config, over the preset's
      pretrained: runs/words         # the native encoder of a pre-training run
      sharded: true                  # with a checkpoint: each of several processes holds a part of the weights
      quantize: nf4                  # with a checkpoint and an adapter: its matrices in 4 bits, or in 8 with `int8`
    data:
      train:
        - {name: goemotions}         # a public set (`redheart.data.public_sets`), from the data folder or the hub
        - path: mine.jsonl
          weight: 2
          columns:                   # your name -> name of `data.schema`
            sentence: text
            ticket: null             # left out
            at_fault: {to: verdict, values: {yes: author, no: other}}
      validation:                    # without it, `held_out` of the training rows
        - {name: goemotions, split: validation}
    training: {num_train_epochs: 3, learning_rate: 5.0e-4}   # `RedHeartTrainingArguments`
    peft: {rank: 16, components: [emotion_head]}  # train an adapter of the checkpoint (`PeftRecipe`)
    sweet_spot: {}                   # options of `SweetSpotCallback`; leave the line out to run without it
    crossover: {}                    # options of `CrossoverCallback`
    lr_sweep: {}                     # options of `sweep_learning_rates`; a rate that it suggests is used
    confidence: {share: 0.05}        # share of the rows that is held out and trains the confidence at the end

    pretraining:                     # instead of `data` and the parts below it: plain text, masked
      texts: [{name: goemotions}, {path: book.txt}]
      training: {max_steps: 10000}

Notable: an option that does not exist is an error that names the nearest one. Paths are relative to the working folder.
"""

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
from ...modeling_redheart.quantization import SCHEMES
from ..callbacks.crossover_callback import CrossoverCallback
from ..callbacks.sweet_spot import SweetSpotCallback
from ..trainers.arguments import RedHeartTrainingArguments
from .lr_sweep import sweep_learning_rates
from .options import build_run, checked_options, read_options

# Options of the training arguments that a recipe sets elsewhere, or the command that runs it -> where.
ELSEWHERE = {
    "output_dir": "`output` names the folder of the run",
    "resume_from_checkpoint": "--resume continues a run",
    "push_to_hub": "`redheart push` uploads the trained model",
}


@dataclass(frozen=True)
class Source:
    """Where rows come from: a public set by its ``name``, or a file, folder or hub data set by its ``path``.

    Attributes:
        name: A public set.
        path: A file (.jsonl, .json, .csv, .tsv, .parquet), a folder with one file per split, or a data set of the hub
            as `owner/name`.
        root: For a public set: the folder that holds one folder per set, or `hub`; by default `REDHEART_DATA`.
        split: Which split; by default `train`, and `validation` among the validation sources.
        half: `train` or `scored`, for pairs whose actions are in several pairs (`scruples_dilemmas`): one side of a
            split by actions (`dilemma_halves`).
        columns: Column of the source -> its name in `data.schema`, null to leave it out, or a map of `to` and `values`.
        rows: Maximum number of units, chosen at random by the seed.
        weight: How often its units come in an epoch; 1 = each once.
        config: For a data set of the hub: its configuration.
        revision: For a data set of the hub: a branch, tag or commit.

    Raises:
        DataError: For neither or both of ``name`` and ``path``, an unknown set or column, and a value out of range; a
            `ValueError`.
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
        """Name of its units in batches and reports."""
        return self.name or Path(str(self.path)).stem


@dataclass(frozen=True)
class DataRecipe:
    """The data that a run trains and validates on.

    Attributes:
        train: Sources to train on.
        validation: Sources to validate on; without them, `held_out` of the training units.
        held_out: Share of the training units that is held out where `validation` names no source. Rows of one `group`
            stay together.
        temperature: Above 1, smaller sources come more often: a source of n units weighs n ** (1 / temperature).
        units_per_epoch: Units of an epoch, of all sources together; by default as many as there are, by their weights.
    """

    train: list[Source] = field(default_factory=list)
    validation: list[Source] = field(default_factory=list)
    held_out: float = 0.1
    temperature: float = 1.0
    units_per_epoch: int | None = None


@dataclass(frozen=True)
class ModelRecipe:
    """The model that a run trains.

    A ``preset`` with random weights, a ``checkpoint``, or a text ``encoder`` with a new model on it (in the preset's
    sizes, where one is named beside it).

    Attributes:
        preset: Random weights in the sizes of this member of the family.
        checkpoint: Trained weights: a name that ships, a folder, or a hub id. It defines the sizes: no `preset`,
            `encoder`, `options` or `pretrained` with it.
        encoder: A text encoder of transformers, by folder or hub id, with its weights and its tokenizer; a new model is
            built on it.
        tokenizer: Folder or hub id of another tokenizer; by default that of the checkpoint or the encoder, or the
            library's own.
        options: Options of `RedHeartConfig`, which override those of the preset.
        pretrained: Folder of a pre-training run (`pretraining`), whose encoder is used.
        sharded: With a checkpoint: each of several processes holds a part of the weights (FSDP2). It cannot be resumed,
            and needs `accelerate launch`.
        quantize: `int8` or `nf4`: the form of the checkpoint's matrices below an adapter (QLoRA).

    Raises:
        InputError: For options that do not go together and for names that do not exist; a `ValueError`.
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
                "`model.sharded` needs a `checkpoint` to load; `redheart create PRESET` makes one of a preset."
            )
        if self.checkpoint is not None and (self.preset or self.encoder or self.options or self.pretrained):
            raise InputError(
                "A `checkpoint` defines sizes and weights; leave out `preset`, `encoder`, `options` and `pretrained`."
            )
        if self.preset is None and self.checkpoint is None and self.encoder is None:
            raise InputError("`model` needs a `preset`, a `checkpoint` or an `encoder`.")
        if self.preset is not None and self.preset not in preset_names():
            raise InputError(f"There is no preset {self.preset!r}; {closest(self.preset, preset_names())}")


@dataclass(frozen=True)
class ConfidenceRecipe:
    """The last phase, which trains only the network that predicts losses, on rows that nothing else was trained on.

    Attributes:
        share: Share of the training units that is held out for this phase, above 0 and below 1.
        epochs: Epochs over these units.
        learning_rate: Learning rate of this phase.

    Raises:
        InputError: For ``share`` out of range; a `ValueError`.
    """

    share: float = 0.05
    epochs: float = 3.0
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise InputError(f"`confidence.share` must be above 0 and below 1, got {self.share}.")


@dataclass(frozen=True)
class PeftRecipe:
    """An adapter: low-rank changes to a checkpoint that itself is not changed (`training.runs.adapters`).

    Attributes:
        rank: Rank of the changes, 1 or more.
        alpha: The changes are multiplied by alpha / rank; 1 or more.
        dropout: Dropout of the inputs of the changes; 0 or above, below 1.
        components: Names of the components that are changed, of `COMPONENT_SIZES`; by default all.
        readouts: Components whose read-outs are trained whole, and saved with the adapter.
        dora: Learn sizes apart from directions (DoRA: Liu et al. 2024, arXiv:2402.09353).
        rslora: Multiply the changes by alpha / sqrt(rank) instead, for high ranks (Kalajdzievski 2023,
            arXiv:2312.03732).
        merge: Also write the whole model with the adapter merged into its weights.

    Raises:
        InputError: For a value out of range and for an unknown component; a `ValueError`.
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
            raise InputError("`peft.components` is empty; leave it out to adapt all components.")
        for component in (*(self.components or ()), *self.readouts):
            component_path(str(component))


@dataclass(frozen=True)
class PretrainingRecipe:
    """Masked language modelling of the native encoder.

    Attributes:
        texts: Sources of text; a .txt file has a text per line, of a table the column `text` is read.
        training: Options of `transformers.TrainingArguments`; `max_steps` must be among them.
        validation: Texts to evaluate on.
        masked: Share of the tokens that is masked.
        length: Tokens of a window.

    Raises:
        InputError: For an option of ``training`` that does not exist or has another type; a `ValueError`.
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
    """A run; the docstring of this module describes it as a whole.

    Attributes:
        output: Folder of the run; `--output` of `redheart train` replaces it.
        model: The model to train.
        data: The data to train and validate on.
        training: Options of the trainer.
        sweet_spot: Restore each module to its best evaluation and freeze it there.
        crossover: Combine the modules of the run's checkpoints at its end.
        lr_sweep: Sweep the learning rate first, and use the suggested one.
        confidence: Train the network that predicts losses, on separate rows.
        peft: Train an adapter, not the whole model.
        pretraining: Pre-training on plain text with masked tokens, instead of `data` and all parts above.

    Raises:
        InputError: For options that do not exist, have another type, or do not go together; a `ValueError`.
    """

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
            raise InputError("`pretraining` reads plain text only; use labelled `data` in a second run, on its result.")
        whole = [
            name for name in ("sweet_spot", "crossover", "confidence", "lr_sweep") if getattr(self, name) is not None
        ]
        if self.model.sharded and whole:
            raise InputError(
                f"`{whole[0]}` needs whole weights, but each process has only a part of them: leave it out."
            )
        if self.crossover is not None and self.training.get("eval_strategy", "no") == "no":
            raise InputError(
                "`crossover` combines evaluated checkpoints: set `training.eval_strategy` and `eval_steps`."
            )
        if self.sweet_spot is not None and self.training.get("eval_strategy", "no") == "no":
            raise InputError("`sweet_spot` needs evaluations: set `training.eval_strategy` and `eval_steps`.")
        self._check_peft()

    def _check_options(self) -> None:
        """Check options of training and of callbacks. Raises `InputError` for one that does not exist or fit."""
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
        """Raise `InputError` for what does not go together with an adapter, or without one."""
        if self.peft is None:
            if self.model.quantize is not None:
                raise InputError("Quantised matrices cannot be trained: `model.quantize` needs an adapter, `peft: {}`.")
            return
        if self.model.checkpoint is None:
            raise InputError(
                "`peft` trains an adapter of a `model.checkpoint`; `redheart create PRESET` makes one of a preset."
            )
        if self.model.sharded or self.pretraining is not None:
            other = "model.sharded" if self.model.sharded else "pretraining"
            raise InputError(f"`{other}` trains all weights, but `peft` only an adapter: leave one of the two out.")
        components = self.peft.components
        if self.confidence is not None and components is not None and "sweet_spot" not in components:
            raise InputError("`confidence` trains the network 'sweet_spot': add it to `peft.components`.")


def read_recipe(path: Path, output: Path | None = None) -> Recipe:
    """Read the run that a YAML file describes.

    Args:
        path: The file.
        output: Replaces the file's ``output``.

    Returns:
        The run.

    Raises:
        InputError: For anything wrong, with the file and the place of it; a `ValueError`.
    """
    return build_run(Recipe, read_options(path, output=None if output is None else str(output)), path)


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
