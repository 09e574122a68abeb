"""What a recipe names, made: units from sources, and a model with its tokenizer."""

import logging
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import fields
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from transformers import AutoTokenizer, PreTrainedTokenizerBase, TrainingArguments
from transformers.distributed.configuration_utils import DistributedConfig

from ...batches.collator import source_sizes
from ...configuration.configuration_redheart import RedHeartConfig, load_preset
from ...configuration.errors import InputError
from ...configuration.inputs import check_text
from ...configuration.labels import closest
from ...configuration.shipped import CONFIGURATION
from ...data.column_map import IN_RECIPE
from ...data.dilemmas import dilemma_halves
from ...data.loading import (
    DataError,
    Unit,
    find_split,
    held_out,
    load,
    load_hub,
    normalised,
    overlap,
    supervised,
    texts_of,
    to_units,
)
from ...data.own_rows import own_units
from ...data.rows import may_be_on_hub, read_rows
from ...formats.tables import ending, text_lines
from ...modeling_redheart.masked_lm import RedHeartForMaskedLM
from ...modeling_redheart.modeling_redheart import RedHeartModel
from ...modeling_redheart.quantization import SCHEMES
from ...modeling_redheart.stored_int8 import keeps_integers
from ...storage.strict_loading import checkpoint_path, load_strict, weight_files
from .pretraining import load_encoder
from .recipe import DataRecipe, ModelRecipe, Source

logger = logging.getLogger(__name__)

TOKENIZER = CONFIGURATION / "tokenizer"


def check_sources(recipe: DataRecipe) -> None:
    """Raises `DataError` for a source that is not there, or is not to be trained on; nothing is read."""
    for split, sources in (("train", recipe.train), ("validation", recipe.validation)):
        for source in sources:
            if source.name is not None:
                supervised(source.name)
            _check_place(source, split)


def _check_place(source: Source, split: str) -> None:
    """Raises `DataError` for a set, file or folder that is not there; what may be on the hub is not asked for."""
    split = source.split or split
    if source.name is not None:
        if source.root != "hub":
            find_split(source.name, source.root, split)
    elif Path(str(source.path)).exists() or not may_be_on_hub(str(source.path)):
        read_rows(str(source.path), split)


def check_texts(sources: Sequence[Source]) -> None:
    """Raises `DataError` for a source of texts that is not there; nothing is read."""
    for source in sources:
        if source.path is None or ending(Path(source.path)) != ".txt":
            _check_place(source, "train")
        elif not Path(source.path).is_file():
            raise DataError(f"There is no file {source.path!r}.")


def check_model(recipe: ModelRecipe) -> None:
    """Raises `ValueError` for a checkpoint, a folder or an option that is not there; nothing is loaded."""
    if recipe.checkpoint is not None:
        checkpoint_path(recipe.checkpoint)
    if recipe.pretrained is not None:
        weight_files(Path(recipe.pretrained))
    known = [item.name for item in fields(RedHeartConfig)]
    for name in recipe.options:
        if name not in known:
            raise InputError(f"There is no option model.options.{name}; {closest(name, known)}")
    if recipe.preset is not None and recipe.encoder is None:
        RedHeartConfig(**{**load_preset(recipe.preset), **recipe.options})


def build_units(
    recipe: DataRecipe, seed: int, labelled: bool = True, option: str = IN_RECIPE
) -> tuple[list[Unit], list[Unit]]:
    """The units to train and to validate on.

    labelled: whether rows of a file need labels, at least some of them. option: what their columns are renamed by, for
    messages (`column_map.remedy`). Raises `DataError` for what `check_sources`
    refuses, in a file for what `check.check` refuses, and for a text of a file that is in both.
    """
    check_sources(recipe)
    train = [(source, _units(source, "train", seed, labelled, option)) for source in recipe.train]
    if not recipe.validation:
        units, validation = held_out([unit for _, some in train for unit in some], recipe.held_out, seed)
    else:
        validation = [
            unit for source in recipe.validation for unit in _units(source, "validation", seed, labelled, option)
        ]
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


def _units(source: Source, split: str, seed: int, labelled: bool, option: str) -> list[Unit]:
    trained, split = split == "train", source.split or split
    if source.path is not None:
        options: dict[str, Any] = {"config": source.config, "revision": source.revision, "column_names": source.columns}
        units = own_units(
            source.path, source.label, split, trained=trained, labelled=labelled, option=option, **options
        )
    elif source.root == "hub":
        units = to_units(load_hub(str(source.name), split, revision=source.revision))
    else:
        units = to_units(load(str(source.name), source.root, split))
    if source.half is not None:
        train, scored = dilemma_halves(units)
        units = train if source.half == "train" else scored
    if source.rows is not None and source.rows < len(units):
        chosen = np.random.default_rng(seed).permutation(len(units))[: source.rows]
        units = [units[place] for place in sorted(chosen.tolist())]
    return units


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
    elif ending(Path(str(source.path))) == ".txt":
        for line in text_lines(Path(str(source.path))):
            yield _readable(line.row.strip(), line.where, line.problem)
    else:
        rows = read_rows(source.path, split, streaming=True, config=source.config, revision=source.revision,
                         column_names=source.columns, option=IN_RECIPE)  # fmt: skip
        for number, row in enumerate(rows):
            yield _readable(row.get("text"), f"{source.path}, row {number}, column 'text'")


def _readable(text: Any, where: str, problem: str = "") -> str:
    if problem:
        raise DataError(f"{where} {problem}")
    try:
        return check_text(text, subject="It")
    except ValueError as error:
        raise DataError(f"{where}: {error}") from error


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
            raise InputError(
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
        raise InputError(f"{folder} is quantised as it is: leave `model.quantize` out.")
    config = deepcopy(SCHEMES[scheme])
    config.bnb_4bit_compute_dtype = torch.bfloat16 if args is not None and args.bf16 else torch.float32
    return {"quantization_config": config, "device_map": {"": "cpu" if args is None else args.device}}


def _shards() -> DistributedConfig:
    """One part of the weights for each process. Raises `ValueError` for a single one."""
    count = dist.get_world_size() if dist.is_initialized() else 1
    if count == 1:
        raise InputError("`model.sharded` needs several processes: start the run with `accelerate launch` or torchrun.")
    return DistributedConfig(fsdp_size=count)


def _check_encoder(wanted: dict[str, Any], real: Any, recipe: ModelRecipe) -> None:
    for name in ("hidden_size", "num_hidden_layers", "intermediate_size", "vocab_size"):
        if wanted.get(name) != getattr(real, name):
            raise InputError(
                f"{recipe.preset} is made for an encoder with {name}={wanted.get(name)}; {recipe.encoder} has "
                f"{getattr(real, name)}. Name the encoder alone, and its own sizes are taken."
            )


def _tokenizer(place: str) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(place)
    return tokenizer


def build_masked_lm(recipe: ModelRecipe, seed: int) -> tuple[RedHeartForMaskedLM, PreTrainedTokenizerBase]:
    """The masked language model of a preset's encoder, and the tokenizer."""
    if recipe.preset is None:
        raise InputError("Pre-training starts from a `preset`; a checkpoint or a text encoder has been pre-trained.")
    torch.manual_seed(seed)
    config = RedHeartConfig(**{**load_preset(recipe.preset), **recipe.options})
    return RedHeartForMaskedLM(config), _tokenizer(recipe.tokenizer or str(TOKENIZER))


__all__ = [
    "build_masked_lm",
    "build_model",
    "build_sizes",
    "build_texts",
    "build_units",
    "check_model",
    "check_sources",
    "check_texts",
]
