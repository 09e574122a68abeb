"""Builds what a recipe names: units from sources, and a model with its tokenizer."""

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
from ...formats.lines import text_lines
from ...formats.tables import ending
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
    """Check that all sources exist and may be trained on; nothing is read.

    Args:
        recipe: The data of a recipe.

    Raises:
        DataError: When a source does not exist or may not be trained on.
    """
    for split, sources in (("train", recipe.train), ("validation", recipe.validation)):
        for source in sources:
            if source.name is not None:
                supervised(source.name)
            _check_place(source, split)


def _check_place(source: Source, split: str) -> None:
    """Check that a set, file or folder exists, except on the hub. Raises `DataError` where it does not."""
    split = source.split or split
    if source.name is not None:
        if source.root != "hub":
            find_split(source.name, source.root, split)
    elif Path(str(source.path)).exists() or not may_be_on_hub(str(source.path)):
        read_rows(str(source.path), split)


def check_texts(sources: Sequence[Source]) -> None:
    """Check that all sources of texts exist; nothing is read.

    Args:
        sources: The sources.

    Raises:
        DataError: When a source does not exist.
    """
    for source in sources:
        if source.path is None or ending(Path(source.path)) != ".txt":
            _check_place(source, "train")
        elif not Path(source.path).is_file():
            raise DataError(f"The file {source.path!r} does not exist; correct its `path` in the recipe.")


def check_model(recipe: ModelRecipe) -> None:
    """Check that the checkpoint, folders and options of a model exist; nothing is loaded.

    Args:
        recipe: The model of a recipe.

    Raises:
        InputError: For an unknown option; a `ValueError`.
        ValueError: For a checkpoint or a folder that does not exist.
    """
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
    """Build the units to train and to validate on.

    Args:
        recipe: The data of a recipe.
        seed: Seed of random choices.
        labelled: Whether the rows of a file need labels, at least some of them.
        option: How the user renames columns, for messages (`column_map.remedy`).

    Returns:
        Units to train on, and units to validate on.

    Raises:
        DataError: For what `check_sources` refuses, in a file for what `check.check` refuses, for a text of a file that
            is in both, and when either is empty.
    """
    check_sources(recipe)
    train = [(source, _units(source, "train", seed, labelled, option)) for source in recipe.train]
    if not recipe.validation:
        units, validation = held_out([unit for _, some in train for unit in some], recipe.held_out, seed)
    else:
        validation = [
            unit for source in recipe.validation for unit in _units(source, "validation", seed, labelled, option)
        ]
        units = [unit for source, some in train for unit in _without_shared_texts(some, validation, source)]
    if not units or not validation:
        raise DataError(
            f"There are {len(units)} units to train on and {len(validation)} to validate on; both need some."
        )
    return units, validation


def _without_shared_texts(units: list[Unit], validation: Sequence[Unit], source: Source) -> list[Unit]:
    """Drop units that have a text of ``validation``.

    Those of a public set are dropped, since two sets may have the same short texts; those of a file are an error.

    Returns:
        The other units.

    Raises:
        DataError: When a text of a file is validated on, too.
    """
    shared = overlap(chain.from_iterable(units), chain.from_iterable(validation))
    if not shared:
        return units
    if source.name is None:
        raise DataError(
            f"{len(shared)} texts of {source.path} are also validated on, such as {min(shared)[:60]!r}; remove them."
        )
    kept = [unit for unit in units if not any(normalised(item.text) in shared for item in unit)]
    logger.warning("Left out %d units of %s that are also validated on.", len(units) - len(kept), source.label)
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
    """Compute the units of each source per epoch.

    Args:
        recipe: The data of a recipe.
        units: The units to train on.

    Returns:
        Source -> units; None where each unit comes once.

    Raises:
        DataError: When a source is named twice, with different weights.
    """
    weights: dict[str, float] = {}
    for source in recipe.train:
        if weights.setdefault(source.label, source.weight) != source.weight:
            raise DataError(f"The source {source.label!r} is named twice, with different weights; give it one weight.")
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
    """Read the texts of sources, one after the other, for pre-training.

    Args:
        sources: The sources; a .txt file has a text per line.

    Yields:
        Texts.
    """
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
    """Build the model in float32, and its tokenizer.

    Args:
        recipe: The model of a recipe. A sharded model needs several processes that are connected, as they are once
            training arguments exist.
        seed: The only thing that random weights depend on.
        args: Arguments of the run, for whose device and precision a quantised model is made.

    Returns:
        The model and its tokenizer.

    Raises:
        InputError: For a preset that needs an encoder, an encoder of another size, a checkpoint that is stored
            quantised where ``quantize`` is given, and a sharded model in one process; a `ValueError`.
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
                f"{recipe.preset} needs a pre-trained text encoder; name one as `model.encoder` "
                f"({options['encoder_config'].get('model_type')}, {options['encoder_config'].get('hidden_size')} wide)."
            )
        model = RedHeartModel(RedHeartConfig(**options))
    if recipe.pretrained is not None:
        load_encoder(model, Path(recipe.pretrained))
    return model, _tokenizer(recipe.tokenizer or recipe.encoder or str(TOKENIZER))


def _quantised(folder: str, scheme: str, args: TrainingArguments | None) -> dict[str, Any]:
    """Options of loading in a scheme of `quantize.SCHEMES`. Raises `InputError` for one stored quantised."""
    if keeps_integers(RedHeartConfig.get_config_dict(folder)[0]):
        raise InputError(f"{folder} is already quantised: leave `model.quantize` out.")
    config = deepcopy(SCHEMES[scheme])
    config.bnb_4bit_compute_dtype = torch.bfloat16 if args is not None and args.bf16 else torch.float32
    return {"quantization_config": config, "device_map": {"": "cpu" if args is None else args.device}}


def _shards() -> DistributedConfig:
    """One part of the weights for each process. Raises `InputError` for a single process."""
    count = dist.get_world_size() if dist.is_initialized() else 1
    if count == 1:
        raise InputError("`model.sharded` needs several processes: start the run with `accelerate launch` or torchrun.")
    return DistributedConfig(fsdp_size=count)


def _check_encoder(wanted: dict[str, Any], real: Any, recipe: ModelRecipe) -> None:
    for name in ("hidden_size", "num_hidden_layers", "intermediate_size", "vocab_size"):
        if wanted.get(name) != getattr(real, name):
            raise InputError(
                f"{recipe.preset} is made for an encoder with {name}={wanted.get(name)}; {recipe.encoder} has "
                f"{getattr(real, name)}. Leave `preset` out to use the encoder's own sizes."
            )


def _tokenizer(place: str) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(place)
    return tokenizer


def build_masked_lm(recipe: ModelRecipe, seed: int) -> tuple[RedHeartForMaskedLM, PreTrainedTokenizerBase]:
    """Build the masked language model of a preset's encoder, and the tokenizer.

    Args:
        recipe: The model of a recipe; it needs a preset.
        seed: Seed of the random weights.

    Returns:
        The model and its tokenizer.

    Raises:
        InputError: Without a preset; a `ValueError`.
    """
    if recipe.preset is None:
        raise InputError("Pre-training starts from a `preset`; a checkpoint or a text encoder is already pre-trained.")
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
