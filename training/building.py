"""What a recipe names, made: units from sources, and a model with its tokenizer."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from transformers import AutoTokenizer, PreTrainedTokenizerBase, TrainingArguments
from transformers.distributed.configuration_utils import DistributedConfig

from ..compression.quantize import SCHEMES
from ..configuration.configuration_redheart import RedHeartConfig, load_preset
from ..hub_upload.checkpoint import checkpoint_path, load_strict
from ..modeling_redheart.masked_lm import RedHeartForMaskedLM
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..modeling_redheart.stored_int8 import keeps_integers
from .check import check
from .collator import source_sizes
from .data import DataError, Unit, held_out, load, load_hub, normalised, overlap, texts_of, to_units
from .dilemmas import dilemma_halves
from .pretraining import load_encoder
from .recipe import DataRecipe, ModelRecipe, Source
from .rows import read_rows
from .schema import to_examples

logger = logging.getLogger(__name__)

TOKENIZER = Path(__file__).resolve().parent.parent / "configuration" / "tokenizer"


def build_units(recipe: DataRecipe, seed: int) -> tuple[list[Unit], list[Unit]]:
    """The units to train and to validate on.

    Raises `DataError` for what `check.check` refuses in a file, and for a text of a file that is in both.
    """
    train = [(source, _units(source, "train", seed)) for source in recipe.train]
    if not recipe.validation:
        units, validation = held_out([unit for _, some in train for unit in some], recipe.held_out, seed)
    else:
        validation = [unit for source in recipe.validation for unit in _units(source, "validation", seed)]
        units = [unit for source, some in train for unit in _unlike(some, validation, source)]
    if not units or not validation:
        raise DataError(
            f"There are {len(units)} units to train on and {len(validation)} to validate on; both need some."
        )
    return units, validation


def _unlike(units: list[Unit], validation: Sequence[Unit], source: Source) -> list[Unit]:
    """The units without a text of ``validation``: those of a public set are left out, since two sets may have the same
    few words; a file's are an error."""
    shared = overlap(chain.from_iterable(units), chain.from_iterable(validation))
    if not shared:
        return units
    if source.name is None:
        raise DataError(
            f"{len(shared)} texts of {source.path} are validated on, too, as {min(shared)[:60]!r}; drop them there."
        )
    kept = [unit for unit in units if not any(normalised(item.text) in shared for item in unit)]
    logger.warning("Left out %d units of %s that are validated on.", len(units) - len(kept), source.label)
    return kept


def _units(source: Source, split: str, seed: int) -> list[Unit]:
    split = source.split or split
    if source.path is not None:
        options: dict[str, Any] = {"config": source.config, "revision": source.revision, "column_names": source.columns}
        check(read_rows(source.path, split, **options))
        examples = to_examples(read_rows(source.path, split, **options), source.label)
    elif source.root == "hub":
        examples = list(load_hub(str(source.name), split, revision=source.revision))
    else:
        examples = load(str(source.name), source.root, split)
    units = to_units(examples)
    if source.half is not None:
        train, scored = dilemma_halves(units)
        units = train if source.half == "train" else scored
    if source.rows is not None and source.rows < len(units):
        chosen = np.random.default_rng(seed).permutation(len(units))[: source.rows]
        units = [units[place] for place in sorted(chosen.tolist())]
    return units


def build_options(kind: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """What ``kind``, such as training arguments, makes of the recipe's ``options``.

    Raises `ValueError` for one that does not exist.
    """
    try:
        return kind(**options)
    except TypeError as error:  # as a dataclass says it: "unexpected keyword argument 'x'"
        raise ValueError(f"training: {error}") from error


def build_sizes(recipe: DataRecipe, units: Sequence[Unit]) -> dict[str, int] | None:
    """Units of each source per epoch; None where each comes once."""
    weights: dict[str, float] = {}
    for source in recipe.train:
        if weights.setdefault(source.label, source.weight) != source.weight:
            raise DataError(f"The source {source.label!r} is there twice, with different weights.")
    plain = set(weights.values()) == {1.0} and recipe.temperature == 1 and recipe.units_per_epoch is None
    if plain:
        return None
    available: dict[str, int] = {}
    for unit in units:
        available[unit[0].source] = available.get(unit[0].source, 0) + 1
    wanted = {name: weights[name] * count ** (1 / recipe.temperature) for name, count in available.items()}
    total = recipe.units_per_epoch
    if total is None:
        total = round(sum(weights[name] * count for name, count in available.items()))
    return source_sizes(available, total=total, weights=wanted)


def build_texts(sources: Sequence[Source]) -> Iterator[str]:
    """The texts of sources, one after the other, for pre-training. A .txt file has a text per line."""
    for source in sources:
        yield from islice(_texts(source), source.rows)


def _texts(source: Source) -> Iterator[str]:
    split = source.split or "train"
    if source.name is not None:
        yield from texts_of(source.name, source.root, split)
    elif Path(str(source.path)).suffix == ".txt":
        try:
            with open(str(source.path), encoding="utf-8") as lines:
                yield from (line.strip() for line in lines if line.strip())
        except OSError as error:
            raise DataError(f"{source.path} cannot be read: {error.strerror}.") from error
    else:
        rows = read_rows(source.path, split, streaming=True, config=source.config, revision=source.revision,
                         column_names=source.columns)  # fmt: skip
        for number, row in enumerate(rows):
            text = row.get("text")
            if not isinstance(text, str):
                raise DataError(f"{source.path}, row {number}: the column 'text' holds {text!r:.40}, not a text.")
            yield text


def build_model(
    recipe: ModelRecipe, seed: int, args: TrainingArguments | None = None
) -> tuple[RedHeartModel, PreTrainedTokenizerBase]:
    """The model in float32, and its tokenizer. Random weights depend on ``seed`` only.

    args: the arguments of the run, whose device and precision a quantised model is made for. A sharded model needs the
    processes to know each other, as they do once there are training arguments.
    """
    torch.manual_seed(seed)
    if recipe.checkpoint is not None:
        folder = checkpoint_path(recipe.checkpoint)
        how: dict[str, Any] = {}
        if recipe.sharded:
            how = {"distributed_config": _shards()}
        elif recipe.quantize is not None:
            how = _quantised(folder, recipe.quantize, args)
        loaded: Any = load_strict(folder, RedHeartModel, dtype=torch.float32, **how)
        return loaded, _tokenizer(recipe.tokenizer or folder)
    options = {**(load_preset(recipe.preset) if recipe.preset else {}), **recipe.options}
    if recipe.encoder is not None:
        wanted = options.pop("encoder_config", None)
        model = RedHeartModel.from_text_encoder(recipe.encoder, **options)
        if wanted is not None:
            _check_encoder(wanted, model.config.encoder_config, recipe)
    else:
        if options.get("encoder_config") is not None:
            raise ValueError(
                f"{recipe.preset} is made for a pre-trained text encoder; name it as `model.encoder` "
                f"({options['encoder_config'].get('model_type')}, {options['encoder_config'].get('hidden_size')} wide)."
            )
        model = RedHeartModel(RedHeartConfig(**options))
    if recipe.pretrained is not None:
        load_encoder(model, Path(recipe.pretrained))
    return model, _tokenizer(recipe.tokenizer or recipe.encoder or str(TOKENIZER))


def _quantised(folder: str, scheme: str, args: TrainingArguments | None) -> dict[str, Any]:
    """Options of loading in a scheme of `quantize.SCHEMES`. Raises `ValueError` for a checkpoint saved quantised."""
    if keeps_integers(RedHeartConfig.get_config_dict(folder)[0]):
        raise ValueError(f"{folder} is quantised as it is: leave `model.quantize` out.")
    config = deepcopy(SCHEMES[scheme])
    config.bnb_4bit_compute_dtype = torch.bfloat16 if args is not None and args.bf16 else torch.float32
    return {"quantization_config": config, "device_map": {"": "cpu" if args is None else args.device}}


def _shards() -> DistributedConfig:
    """One part of the weights for each process. Raises `ValueError` for a single one."""
    count = dist.get_world_size() if dist.is_initialized() else 1
    if count == 1:
        raise ValueError("`model.sharded` needs several processes: start the run with `accelerate launch` or torchrun.")
    return DistributedConfig(fsdp_size=count)


def _check_encoder(wanted: dict[str, Any], real: Any, recipe: ModelRecipe) -> None:
    for name in ("hidden_size", "num_hidden_layers", "intermediate_size", "vocab_size"):
        if wanted.get(name) != getattr(real, name):
            raise ValueError(
                f"{recipe.preset} is made for an encoder with {name}={wanted.get(name)}; {recipe.encoder} has "
                f"{getattr(real, name)}. Name the encoder alone, and its own sizes are taken."
            )


def _tokenizer(place: str) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(place)
    return tokenizer


def build_masked_lm(recipe: ModelRecipe, seed: int) -> tuple[RedHeartForMaskedLM, PreTrainedTokenizerBase]:
    """The masked language model of a preset's encoder, and the tokenizer."""
    if recipe.preset is None:
        raise ValueError("Pre-training starts from a `preset`; a checkpoint or a text encoder has been pre-trained.")
    torch.manual_seed(seed)
    config = RedHeartConfig(**{**load_preset(recipe.preset), **recipe.options})
    return RedHeartForMaskedLM(config), _tokenizer(recipe.tokenizer or str(TOKENIZER))


__all__ = ["build_masked_lm", "build_model", "build_options", "build_sizes", "build_texts", "build_units"]
