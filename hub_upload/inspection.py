"""What is checked before a folder leaves this machine: no pickle, no path of the machine, a complete card, sizes.

Notable: each check returns what is wrong as sentences, so that a folder's owner learns of all of it at once. That the
weights load is `load_strict`'s to say.
"""

import json
import pickletools
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
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
# A pickle without a protocol byte (protocols 0 and 1) is recognised by parsing it; it calls something by these.
_CALLS = frozenset({"GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "REDUCE"})
_LARGEST_TEXT = 64_000_000
# Absolute paths as they occur in configs, logs and notebooks. Not in addresses, nor behind ~ or a dot.
_MACHINE = re.compile(
    r"(?<![\w.~/}])/(?:home|Users|root|tmp|mnt|scratch|workspace|private|media/[\w-]+|var/(?:folders|tmp)|content/drive)"
    r"/[\w./-]+"
    r"|(?<!\w)(?:[A-Z]:\\{1,2}(?!\\)[\w.-]{2,}|[a-z]:\\{1,2}(?:users|windows|temp)\b)"
    r"|\bfile:///?\w"
)


def pickled_files(folder: Path, names: Iterable[str]) -> list[str]:
    """A sentence for each of the files that is a pickle, by its ending or by its content, or may hold one."""
    told = []
    for name in names:
        path = folder / name
        if path.suffix.lower() in _PICKLES:
            told.append(f"{name} may hold a pickle, which can run code; convert it to safetensors or take it out")
        elif path.suffix != ".safetensors" and _is_pickle(path):
            told.append(f"{name} holds a pickle, which can run code; take it out")
    return told


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
        return False  # not parsed to its end: no pickle


def oversized_files(folder: Path, names: Iterable[str], limit: int = MAX_FILE_SIZE) -> list[str]:
    """A sentence for each file that the hub would refuse for its size."""
    sizes = {name: (folder / name).stat().st_size for name in names}
    return [
        f"{name} has {size:,} bytes and the hub takes {limit:,} in one file; take a smaller --max-shard-size"
        for name, size in sizes.items()
        if size > limit
    ]


def stray_weights(folder: Path) -> list[str]:
    """A sentence for each ``model*.safetensors`` that no index names and that would be read instead, or by nobody."""
    known = {path.name for path in weight_files(folder)}
    found = [path.name for path in sorted(folder.glob("model*.safetensors")) if path.name not in known]
    return [f"{name} belongs to other weights than {min(known)}; take out what is not of this save" for name in found]


def machine_paths(folder: Path, names: Iterable[str], own: Sequence[Path] = ()) -> list[str]:
    """A sentence for each file with an absolute path of a machine, with the line or the key where it stands.

    own: folders of this machine, looked for as they are written. Reads text files, the strings of JSON files, and what
    safetensors files say about themselves; not the words of a tokenizer.
    """
    literal = [str(path) for path in own if len(path.parts) > 2]
    told = []
    for name in names:
        for where, text in _texts(folder / name):
            match = _MACHINE.search(text)
            found = match.group() if match else next((path for path in literal if path in text), None)
            if found is not None:
                told.append(f"{name} has the path {found!r} of a machine ({where}); write it relative, or take it out")
                break
    return told


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """(where, text) of all that a file says."""
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
            content = None  # what is wrong with it, its reader says
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

    told = []
    if evaluation.record != supervision:
        told.append("the evaluation results record other supervision than config.json: they are of another model")
    try:
        header = card_metadata((folder / "README.md").read_text(encoding="utf-8"))
    except ValueError:
        return told  # `incomplete_card` tells of it
    there = [model.get("results") for model in header.get("model-index") or []]
    if there != [model["results"] for model in model_index(evaluation)]:
        told.append(
            "README.md has other figures in `model-index` than the evaluation results; write both in one go with "
            "`redheart evaluate --json FILE --card`, or take README.md out and it is made anew"
        )
    return told


__all__ = [
    "MAX_FILE_SIZE",
    "foreign_figures",
    "incomplete_card",
    "machine_paths",
    "oversized_files",
    "pickled_files",
    "stray_weights",
]
