"""Checks of a folder before it is uploaded: no pickle, no path of the machine, a complete card, file sizes.

Notable: each check returns the faults as sentences, so that all of them are reported at once. `load_strict` checks that
the weights load.
"""

import json
import pickletools
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open

from ..cards.plain_card import card_metadata, missing_parts
from ..evaluation.measurement.results import Evaluation
from ..storage.strict_loading import PICKLED_WEIGHTS, weight_files

MAX_FILE_SIZE = 50_000_000_000  # the hub's limit for one file
_PICKLES = frozenset(
    (*PICKLED_WEIGHTS, ".dill", ".joblib", ".keras", ".mar", ".npy", ".npz", ".pickle", ".pt2", ".ptl", ".pyc", ".pyo")
)
# A pickle without a protocol byte (protocols 0 and 1) is recognised by parsing it; these opcodes call something.
_CALLS = frozenset({"GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "REDUCE"})
_LARGEST_TEXT = 64_000_000
# Absolute paths as they occur in configs, logs and notebooks; not in URLs, nor after ~ or a dot.
_MACHINE = re.compile(
    r"(?<![\w.~/}])/(?:home|Users|root|tmp|mnt|scratch|workspace|private|media/[\w-]+|var/(?:folders|tmp)|content/drive)"
    r"/[\w./-]+"
    r"|(?<!\w)(?:[A-Z]:\\{1,2}(?!\\)[\w.-]{2,}|[a-z]:\\{1,2}(?:users|windows|temp)\b)"
    r"|\bfile:///?\w"
)


def pickled_files(folder: Path, names: Iterable[str]) -> list[str]:
    """A sentence for each file that is a pickle, by its ending or its content, or may contain one."""
    faults = []
    for name in names:
        path = folder / name
        if path.suffix.lower() in _PICKLES:
            faults.append(f"{name} may contain a pickle, which can run code; convert it to safetensors or remove it")
        elif path.suffix != ".safetensors" and _is_pickle(path):
            faults.append(f"{name} contains a pickle, which can run code; remove it")
    return faults


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2)
        if len(start) == 2 and start[0] == 0x80 and 2 <= start[1] <= 5:
            return True
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(Path(name).suffix.lower() in _PICKLES for name in archive.namelist())
    if path.stat().st_size > _LARGEST_TEXT:
        return False
    try:
        return any(code.name in _CALLS for code, _, _ in list(pickletools.genops(path.read_bytes())))
    except (ValueError, UnicodeDecodeError):
        return False  # not parsed to its end: not a pickle


def oversized_files(folder: Path, names: Iterable[str], limit: int = MAX_FILE_SIZE) -> list[str]:
    """A sentence for each file that the hub would refuse for its size."""
    sizes = {name: (folder / name).stat().st_size for name in names}
    return [
        f"{name} has {size:,} bytes and the hub takes {limit:,} in one file; give a smaller --max-shard-size"
        for name, size in sizes.items()
        if size > limit
    ]


def stray_weights(folder: Path) -> list[str]:
    """A sentence for each ``model*.safetensors`` outside the index, which would be loaded by mistake or ignored."""
    known = {path.name for path in weight_files(folder)}
    found = [path.name for path in sorted(folder.glob("model*.safetensors")) if path.name not in known]
    return [f"{name} belongs to other weights than {min(known)}; remove what is not of this save" for name in found]


def machine_paths(folder: Path, names: Iterable[str], own: Sequence[Path] = ()) -> list[str]:
    """Find absolute paths of a machine in text files, strings of JSON files, and metadata of safetensors files.

    The vocabulary of a tokenizer is not searched.

    Args:
        folder: Folder of the files.
        names: Their paths in it.
        own: Folders of this machine, searched for as they are written.

    Returns:
        A sentence for each file with such a path, with the line or the key where it is.
    """
    literal = [str(path) for path in own if len(path.parts) > 2]
    faults = []
    for name in names:
        for where, text in _texts(folder / name):
            match = _MACHINE.search(text)
            found = match.group() if match else next((path for path in literal if path in text), None)
            if found is not None:
                faults.append(f"{name} has the path {found!r} of a machine ({where}); make it relative, or remove it")
                break
    return faults


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """(where, text) for each text in a file."""
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            yield from (_strings(file.metadata() or {}, "metadata"))
        return
    if path.stat().st_size > _LARGEST_TEXT:
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return  # a picture, or other data
    if path.suffix == ".json":
        try:
            content = json.loads(text)
        except ValueError:
            content = None  # whoever loads it reports what is wrong
        if path.name == "tokenizer.json" and isinstance(content, dict):
            content = {key: value for key, value in content.items() if key not in ("model", "added_tokens")}
        if content is not None:
            yield from _strings(content, "")
            return
    yield from ((f"line {number}", line) for number, line in enumerate(text.splitlines(), 1))


def _strings(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            inside = f"{where}.{key}".lstrip(".")
            yield inside, str(key)
            yield from _strings(item, inside)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, f"{where}[{index}]")


def incomplete_card(folder: Path) -> list[str]:
    """A sentence for each part that README.md lacks."""
    card = folder / "README.md"
    if not card.is_file():
        return ["README.md, the model card, is missing"]
    return [f"README.md has {part}" for part in missing_parts(card.read_text(encoding="utf-8"))]


def foreign_figures(folder: Path, evaluation: Evaluation, supervision: dict[str, list[str]]) -> list[str]:
    """A sentence where the evaluation is not of this model, or the card's figures are not those of the evaluation."""
    from .model_card import model_index

    faults = []
    if evaluation.record != supervision:
        faults.append("the evaluation results record other supervision than config.json: they are of another model")
    try:
        header = card_metadata((folder / "README.md").read_text(encoding="utf-8"))
    except ValueError:
        return faults  # `incomplete_card` reports it
    if _figures(header.get("model-index") or []) != _figures(model_index(evaluation)):
        faults.append(
            "README.md has other figures in `model-index` than the evaluation results; write both together with "
            "`redheart evaluate --json FILE --card`, or remove README.md and it is generated again"
        )
    return faults


def _figures(index: Sequence[Mapping[str, Any]]) -> list[str]:
    """The figures of a ``model-index``, a line each, sorted, since other versions group them otherwise."""
    return sorted(
        json.dumps([result.get("task"), result.get("dataset"), metric], sort_keys=True)
        for model in index
        for result in model.get("results") or []
        for metric in result.get("metrics") or []
    )


__all__ = [
    "MAX_FILE_SIZE",
    "foreign_figures",
    "incomplete_card",
    "machine_paths",
    "oversized_files",
    "pickled_files",
    "stray_weights",
]
