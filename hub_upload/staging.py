"""The folder that goes up: links to what a checkpoint has, and beside them what is generated for the hub.

Notable: it lies apart, so that a user's folder stays as it is, and it needs not survive an interruption: the hub knows
a file by its content, what is staged depends on the checkpoint alone, and so a second push finds what has arrived.
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
from ..storage.remote_code import add_auto_map, bundle_code
from ..storage.strict_loading import SUMS, checkpoint_path, load_strict, sum_lines, weight_files
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
    """A file that goes up. name: its place in the repository. what: said for people. size: bytes."""

    name: str
    what: str
    size: int


@dataclass(frozen=True)
class Stage:
    """A checked folder that can go up. left_out: files of the checkpoint that stay. made_card: whether its card is
    generated."""

    folder: Path
    files: list[StagedFile]
    left_out: list[str]
    made_card: bool


@dataclass(frozen=True)
class Extras:
    """What goes beside the checkpoint. results: file of `redheart evaluate --json`, by default the folder's own
    ``evaluation.json``. data_sets: facts for a generated card. tags: of a generated card. max_shard_size: most bytes in
    a weight file. dtype: what the weights go up in, such as `torch.bfloat16`; by default as the checkpoint stores them.
    tokenizer: whether one must be there."""

    results: Path | None = None
    data_sets: DataSets | None = None
    tags: Sequence[str] = ()
    max_shard_size: int = MAX_SHARD_SIZE
    dtype: torch.dtype | None = None
    tokenizer: bool = True


@contextmanager
def staged(folder: str | Path, name: str, extras: Extras | None = None, workdir: Path | None = None) -> Iterator[Stage]:
    """A checked copy of a checkpoint with everything that a repository of it has, as long as the block runs.

    folder: of a checkpoint, or the name of one that ships. name: of the repository, such as user/name, for a generated
    card. workdir: where the copy lies; weights take space there only if they are sharded anew, all else are links and
    small files.

    Raises `ValueError` that names every fault: weights that do not load strictly, pickles, paths of the machine, an
    incomplete card, results of another model, files too large for the hub.
    """
    extras = extras or Extras()
    source = _source(folder)
    names, left_out = _listed(source)
    _refuse(folder, pickled_files(source, names))
    _refuse(folder, stray_weights(source))  # before anything is written in the place of a weight file
    model = load_strict(source)
    if extras.tokenizer:
        _check_tokenizer(source, model)
    with tempfile.TemporaryDirectory(prefix="redheart-push-", dir=workdir) as place:
        stage = Path(place)
        for one in names:
            (stage / one).parent.mkdir(parents=True, exist_ok=True)
            (stage / one).symlink_to((source / one).resolve())
        _write_anew(stage, extras.max_shard_size, extras.dtype)
        made = _generate(stage, isinstance(model, RedHeartModel))
        results = extras.results or source / RESULTS
        evaluation = Evaluation.load(results) if extras.results is not None or results.is_file() else None
        if evaluation is not None and not isinstance(model, RedHeartModel):
            raise ValueError(f"{results} is of an analysis model, and {folder} holds a classifier; leave it out.")
        if evaluation is not None:
            _put(stage / RESULTS, results.read_text(encoding="utf-8"))
        if not (stage / CARD).is_file():
            _put(stage / CARD, _card(name, model, evaluation, extras))
            made.add(CARD)
        files = _described(stage, source, made)
        there = [file.name for file in files]
        faults = [*pickled_files(stage, there), *oversized_files(stage, there), *incomplete_card(stage)]
        faults += machine_paths(stage, there, [Path.home(), source.resolve()])
        faults += [] if evaluation is None else foreign_figures(stage, evaluation, model.config.supervision)
        faults += _licence_faults(stage, made)
        _refuse(folder, faults)
        yield Stage(stage, files, left_out, CARD in made)


def _source(folder: str | Path) -> Path:
    place = Path(checkpoint_path(str(folder)))
    if not place.is_dir():
        raise ValueError(f"There is no folder {str(folder)!r} here, and no checkpoint of that name ships.")
    return place


def _listed(source: Path) -> tuple[list[str], list[str]]:
    """The files that go up and those that stay, by their place: hidden ones and caches are of tools or secret."""
    names: list[str] = []
    left_out: list[str] = []
    for path in sorted(source.rglob("*")):
        place = path.relative_to(source)
        if path.is_file():
            stays = any(part.startswith(".") or part == "__pycache__" for part in place.parts)
            (left_out if stays else names).append(place.as_posix())
    return names, left_out


def _refuse(folder: str | Path, faults: Sequence[str]) -> None:
    if faults:
        raise ValueError(f"{folder} does not go up as it is: {'; '.join(faults)}.")


def _check_tokenizer(source: Path, model: RedHeartPreTrainedModel) -> None:
    """Raise unless there is a tokenizer that the pipeline takes for ``model``."""
    if not (source / "tokenizer.json").is_file():
        raise ValueError(f"{source} has no tokenizer.json; save the tokenizer there, too (tokenizer.save_pretrained).")
    tokenizer = AutoTokenizer.from_pretrained(source)
    if isinstance(model, RedHeartModel):
        EthicalAnalysisPipeline(model=model, tokenizer=tokenizer)


def _write_anew(stage: Path, most: int, dtype: torch.dtype | None) -> None:
    """Write the weights anew where they are to be in ``dtype`` and are not, and where a file has tensors of more than
    ``most`` bytes; and in any case their sums."""
    weights = weight_files(stage)
    slots = stored_slots(weights)
    wanted = slots if dtype is None else float_slots(weights, dtype)
    held = [stored_slots([path]).values() for path in weights]
    if wanted == slots and all(sum(slot.nbytes for slot in some) <= most or len(some) == 1 for some in held):
        if not (stage / SUMS).is_file():
            _put(stage / SUMS, sum_lines(weights))
        return
    needed, free = sum(slot.nbytes for slot in wanted.values()), shutil.disk_usage(stage).free
    if needed > free:
        raise OSError(
            f"Writing the weights anew takes {needed:,} bytes, and {stage.parent} has {free:,}; give a folder on "
            "another disk (--workdir)."
        )
    read = [path.resolve() for path in weights]
    for path in (*weights, stage / INDEX, stage / SUMS):
        path.unlink(missing_ok=True)
    write_weights(stage, wanted, stored_tensors(read) if dtype is None else float_tensors(read), most)
    if dtype is not None:
        _say_floats(stage)
    load_strict(stage)


def _say_floats(stage: Path) -> None:
    """Take the word of weights in 8 bits out of the config."""
    options = json.loads((stage / CONFIG).read_text(encoding="utf-8"))
    if is_stored_int8(options):
        del options["quantization_config"]
        _put(stage / CONFIG, json.dumps(options, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def _generate(stage: Path, analysis: bool) -> set[str]:
    """Write code, for an analysis model the label schema, handler and, where there is none, the licence; returns their
    names."""
    made = {*bundle_code(stage), HANDLER}
    add_auto_map(stage)
    if analysis:
        _put(stage / label_schema.NAME, label_schema.label_schema_text())
        made.add(label_schema.NAME)
    _put(stage / HANDLER, (_HERE / HANDLER).read_text(encoding="utf-8"))
    if not (stage / LICENCE).is_file():
        _put(stage / LICENCE, (_HERE / LICENCE).read_text(encoding="utf-8"))
        made.add(LICENCE)
    return made


def _card(name: str, model: RedHeartPreTrainedModel, evaluation: Evaluation | None, extras: Extras) -> str:
    known: dict[str, Any] = {"place": name, "data_sets": extras.data_sets or DATA_SETS, "tags": extras.tags}
    title = name.rpartition("/")[2]
    if not isinstance(model, RedHeartModel):
        return classifier_card(title, model.num_parameters(), model.config, **known)
    if evaluation is None:
        return plain_card(title, model.num_parameters(), model.config, **known)
    from .model_card import model_card  # its figures and plots need what only some commands do

    return model_card(evaluation, model.config, **known)


def _licence_faults(stage: Path, made: set[str]) -> list[str]:
    """A sentence where the licence that is added is not the one that the card names."""
    try:
        named = card_metadata((stage / CARD).read_text(encoding="utf-8")).get("license")
    except ValueError:
        return []  # `incomplete_card` tells of it
    if LICENCE not in made or named in (None, "apache-2.0"):
        return []
    return [f"README.md names the licence {named!r}, and its text is not there; put it into a file {LICENCE}"]


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


def _put(path: Path, text: str) -> None:
    """Write a file of the stage, in the place of a link to the user's, which stays as it is."""
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")


__all__ = ["CARD", "RESULTS", "Extras", "Stage", "StagedFile", "staged"]
