"""The folder that is uploaded: links to the files of a checkpoint, and the files that are generated for the hub.

Notable: it is separate, so that a user's folder stays as it is. It need not survive an interruption: the hub knows a
file by its content, and the staged files depend on the checkpoint alone, so a second push finds what has arrived.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from ..cards.classifier_card import classifier_card
from ..cards.plain_card import card_metadata, plain_card
from ..data.facts import DATA_SETS, DataSets
from ..evaluation.measurement.results import Evaluation
from ..modeling_redheart.modeling_redheart import RedHeartModel, RedHeartPreTrainedModel
from ..modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline
from ..modeling_redheart.stored_int8 import is_stored_int8
from ..storage.files import sum_lines
from ..storage.remote_code import add_auto_map, bundle_code
from ..storage.strict_loading import SUMS, checkpoint_path, load_strict, weight_files
from ..storage.weights import MAX_SHARD_SIZE, float_slots, float_tensors, stored_slots, stored_tensors, write_weights
from . import label_schema
from .inspection import (
    foreign_figures,
    incomplete_card,
    machine_paths,
    oversized_files,
    pickled_files,
    stray_weights,
)

RESULTS = "evaluation.json"
CARD, CONFIG, HANDLER, LICENCE, INDEX = (
    "README.md", "config.json", "handler.py", "LICENSE", "model.safetensors.index.json"
)  # fmt: skip
_HERE = Path(str(files(__package__)))
_WHAT = {
    CARD: "model card",
    CONFIG: "config; names the code",
    HANDLER: "handler for Inference Endpoints",
    INDEX: "index of the weights",
    LICENCE: "licence",
    RESULTS: "evaluation results",
    SUMS: "sums of the weights",
    label_schema.NAME: "label schema",
}


@dataclass(frozen=True)
class StagedFile:
    """A file that is uploaded.

    Attributes:
        name: Its path in the repository.
        what: A description for people.
        size: Bytes.
    """

    name: str
    what: str
    size: int


@dataclass(frozen=True)
class Stage:
    """A checked folder that can be uploaded.

    Attributes:
        folder: Its path.
        files: What is uploaded.
        left_out: Files of the checkpoint that are not uploaded.
        made_card: Whether its card is generated.
    """

    folder: Path
    files: list[StagedFile]
    left_out: list[str]
    made_card: bool


@dataclass(frozen=True)
class Extras:
    """Options of a staged folder.

    Attributes:
        results: File of `redheart evaluate --json`; by default the folder's own ``evaluation.json``.
        data_sets: Facts for a generated card.
        tags: Tags of a generated card.
        max_shard_size: Most bytes in a weight file.
        dtype: Type of the uploaded weights, such as `torch.bfloat16`; by default as the checkpoint stores them.
        tokenizer: Whether the checkpoint must have a tokenizer.
    """

    results: Path | None = None
    data_sets: DataSets | None = None
    tags: Sequence[str] = ()
    max_shard_size: int = MAX_SHARD_SIZE
    dtype: torch.dtype | None = None
    tokenizer: bool = True


@contextmanager
def staged(folder: str | Path, name: str, extras: Extras | None = None, workdir: Path | None = None) -> Iterator[Stage]:
    """Make a checked copy of a checkpoint with everything that its repository needs, for the duration of the block.

    Args:
        folder: Folder of a checkpoint, or the name of one that ships.
        name: Name of the repository, such as user/name, for a generated card.
        extras: Options; by default those of `Extras`.
        workdir: Parent of the copy; by default that of temporary files. Weights take space there only if they are
            written again, everything else is links and small files.

    Yields:
        The copy, which is removed when the block ends.

    Raises:
        ValueError: For weights that do not load strictly, pickles, paths of the machine, an incomplete card, results of
            another model, and files too large for the hub; the message names every fault.
    """
    extras = extras or Extras()
    source = _source(folder)
    names, left_out = _listed(source)
    _raise_faults(folder, pickled_files(source, names))
    _raise_faults(folder, stray_weights(source))  # before anything replaces a weight file
    model = load_strict(source)
    if extras.tokenizer:
        _check_tokenizer(source, model)
    with tempfile.TemporaryDirectory(prefix="redheart-push-", dir=workdir) as place:
        stage = Path(place)
        for one in names:
            (stage / one).parent.mkdir(parents=True, exist_ok=True)
            (stage / one).symlink_to((source / one).resolve())
        _rewrite_weights(stage, extras.max_shard_size, extras.dtype)
        made = _generate(stage, isinstance(model, RedHeartModel))
        results = extras.results or source / RESULTS
        evaluation = Evaluation.load(results) if extras.results is not None or results.is_file() else None
        if evaluation is not None and not isinstance(model, RedHeartModel):
            raise ValueError(f"{results} is of an analysis model, and {folder} holds a classifier; leave it out.")
        if evaluation is not None:
            _replace(stage / RESULTS, results.read_text(encoding="utf-8"))
        if not (stage / CARD).is_file():
            _replace(stage / CARD, _card(name, model, evaluation, extras))
            made.add(CARD)
        files = _described(stage, source, made)
        there = [file.name for file in files]
        faults = [*pickled_files(stage, there), *oversized_files(stage, there), *incomplete_card(stage)]
        faults += machine_paths(stage, there, [Path.home(), source.resolve()])
        faults += [] if evaluation is None else foreign_figures(stage, evaluation, model.config.supervision)
        faults += _licence_faults(stage, made)
        _raise_faults(folder, faults)
        yield Stage(stage, files, left_out, CARD in made)


def _source(folder: str | Path) -> Path:
    place = Path(checkpoint_path(str(folder)))
    if not place.is_dir():
        raise ValueError(f"There is no folder {str(folder)!r} here, and no checkpoint of that name ships.")
    return place


def _listed(source: Path) -> tuple[list[str], list[str]]:
    """Paths of the files that are uploaded, and of those that are not: hidden ones and caches."""
    names: list[str] = []
    left_out: list[str] = []
    for path in sorted(source.rglob("*")):
        place = path.relative_to(source)
        if path.is_file():
            stays = any(part.startswith(".") or part == "__pycache__" for part in place.parts)
            (left_out if stays else names).append(place.as_posix())
    return names, left_out


def _raise_faults(folder: str | Path, faults: Sequence[str]) -> None:
    if faults:
        raise ValueError(f"{folder} cannot be uploaded as it is: {'; '.join(faults)}.")


def _check_tokenizer(source: Path, model: RedHeartPreTrainedModel) -> None:
    """Raise unless there is a tokenizer that the pipeline accepts for ``model``."""
    if not (source / "tokenizer.json").is_file():
        raise ValueError(f"{source} has no tokenizer.json; save the tokenizer there (tokenizer.save_pretrained).")
    tokenizer = AutoTokenizer.from_pretrained(source)
    if isinstance(model, RedHeartModel):
        EthicalAnalysisPipeline(model=model, tokenizer=tokenizer)


def _rewrite_weights(stage: Path, most: int, dtype: torch.dtype | None) -> None:
    """Write weights that are not in ``dtype``, or in files of over ``most`` bytes, again; always write their sums."""
    weights = weight_files(stage)
    slots = stored_slots(weights)
    wanted = slots if dtype is None else float_slots(weights, dtype)
    held = [stored_slots([path]).values() for path in weights]
    if wanted == slots and all(sum(slot.nbytes for slot in some) <= most or len(some) == 1 for some in held):
        if not (stage / SUMS).is_file():
            _replace(stage / SUMS, sum_lines(weights))
        return
    needed, free = sum(slot.nbytes for slot in wanted.values()), shutil.disk_usage(stage).free
    if needed > free:
        raise OSError(
            f"Writing the weights again takes {needed:,} bytes, and {stage.parent} has {free:,}; give a folder on "
            "another disk (--workdir)."
        )
    read = [path.resolve() for path in weights]
    for path in (*weights, stage / INDEX, stage / SUMS):
        path.unlink(missing_ok=True)
    write_weights(stage, wanted, stored_tensors(read) if dtype is None else float_tensors(read), most)
    if dtype is not None:
        _drop_int8_config(stage)
    load_strict(stage)


def _drop_int8_config(stage: Path) -> None:
    """Remove the 8-bit quantisation from the config, whose weights are now floats."""
    options = json.loads((stage / CONFIG).read_text(encoding="utf-8"))
    if is_stored_int8(options):
        del options["quantization_config"]
        _replace(stage / CONFIG, json.dumps(options, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def _generate(stage: Path, analysis: bool) -> set[str]:
    """Write code, label schema (of an analysis model), handler and a missing licence; return the names."""
    made = {*bundle_code(stage), HANDLER}
    add_auto_map(stage)
    if analysis:
        _replace(stage / label_schema.NAME, label_schema.label_schema_text())
        made.add(label_schema.NAME)
    _replace(stage / HANDLER, (_HERE / HANDLER).read_text(encoding="utf-8"))
    if not (stage / LICENCE).is_file():
        _replace(stage / LICENCE, (_HERE / LICENCE).read_text(encoding="utf-8"))
        made.add(LICENCE)
    return made


def _card(name: str, model: RedHeartPreTrainedModel, evaluation: Evaluation | None, extras: Extras) -> str:
    known: dict[str, Any] = {"place": name, "data_sets": extras.data_sets or DATA_SETS, "tags": extras.tags}
    title = name.rpartition("/")[2]
    if not isinstance(model, RedHeartModel):
        return classifier_card(title, model.num_parameters(), model.config, **known)
    if evaluation is None:
        return plain_card(title, model.num_parameters(), model.config, **known)
    from .model_card import model_card  # its figures and plots need packages that only some commands need

    return model_card(evaluation, model.config, **known)


def _licence_faults(stage: Path, made: set[str]) -> list[str]:
    """A sentence where the licence that is added is not the one that the card names."""
    try:
        named = card_metadata((stage / CARD).read_text(encoding="utf-8")).get("license")
    except ValueError:
        return []  # `incomplete_card` reports it
    if LICENCE not in made or named in (None, "apache-2.0"):
        return []
    return [f"README.md names the licence {named!r}, whose text is missing; put it into a file {LICENCE}"]


def _described(stage: Path, source: Path, made: set[str]) -> list[StagedFile]:
    weights = {path.name for path in weight_files(stage)}
    files = []
    for path in sorted(stage.rglob("*")):
        if path.is_dir():
            continue
        name = path.relative_to(stage).as_posix()
        what = _WHAT.get(name) or ("weights" if name in weights else _kind(name, made))
        if name in made:
            replaced = (source / name).is_file() and (source / name).read_bytes() != path.read_bytes()
            what += ", generated; replaces the folder's" if replaced else ", generated"
        files.append(StagedFile(name, what, path.stat().st_size))
    return files


def _kind(name: str, made: set[str]) -> str:
    if name.startswith("tokenizer"):
        return "tokenizer"
    return "remote code" if name in made else "other file of the folder"


def _replace(path: Path, text: str) -> None:
    """Write a file of the stage in place of a link to the user's file, which stays as it is."""
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")


__all__ = ["CARD", "RESULTS", "Extras", "Stage", "StagedFile", "staged"]
