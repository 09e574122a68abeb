"""What ships, by name: the presets, the trained checkpoints, and the default model.

Notable: nothing here needs torch or transformers, so that a misspelt name is reported at once.
"""

import json
import re
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

from .errors import CheckpointError, InputError
from .labels import closest

# Of the pipeline, every command, the page and the server.
DEFAULT_MODEL = "redheart-100m"

# PEFT's file by which the folder of an adapter is recognised.
ADAPTER = "adapter_config.json"

# Entry points by which another package brings a trained checkpoint: its name = the package that has its files.
CHECKPOINTS = "redheart.checkpoints"

# A model on the Hugging Face Hub: owner/name.
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
# Folders of the package. Remote code has neither presets nor weights.
PACKAGE = Path(str(files(__package__.partition(".")[0])))
CONFIGURATION = Path(str(files(__package__)))
_PRESETS = CONFIGURATION / "presets"
_SHIPPED = PACKAGE / "checkpoints"


def preset_names() -> list[str]:
    """Names that `load_preset` knows, the largest model first."""
    names = (path.stem for path in _PRESETS.glob("*.json"))
    return sorted(names, key=lambda name: (-int("0" + "".join(filter(str.isdigit, name))), name))


def load_preset(name: str) -> dict[str, Any]:
    """The options of the preset ``name`` as plain data; an unknown name raises `InputError`."""
    path = _PRESETS / f"{name}.json"
    if not _PRESETS.is_dir():
        raise InputError(f"Presets such as {name!r} come with the package, not with a checkpoint: pip install redheart")
    if name not in preset_names():
        raise InputError(f"No preset {name!r}; {closest(name, preset_names())}")
    options: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return options


def _checkpoints() -> dict[str, Path]:
    """Folder of each trained checkpoint, those of this package before those of others."""
    installed = {entry.name: Path(str(files(entry.value))) for entry in entry_points(group=CHECKPOINTS)}
    return installed | {path.parent.name: path.parent for path in _SHIPPED.glob("*/config.json")}


def list_checkpoints() -> list[str]:
    """Names of the trained checkpoints that ship inside this package, or in another one that is installed."""
    return sorted(_checkpoints())


def shipped_folder(name: str) -> Path:
    """The folder of the shipped checkpoint ``name``; any other name raises `CheckpointError`."""
    folders = _checkpoints()
    if name not in folders:
        raise CheckpointError(f"No checkpoint {name!r} is installed; {closest(name, sorted(folders))}")
    return folders[name]


def checkpoint_path(name_or_path: str) -> str:
    """Find where to load a model from, without loading anything.

    Args:
        name_or_path: A folder, a checkpoint that ships, or an id on the Hugging Face Hub; tried in this order.

    Returns:
        The folder, or the Hub id as it is.

    Raises:
        CheckpointError: For a preset without weights here, and for a name that is none of these; the message has the
            nearest name.
    """
    if Path(name_or_path).is_dir():
        return name_or_path
    if name_or_path in list_checkpoints():
        return str(shipped_folder(name_or_path))
    if name_or_path in preset_names():
        raise CheckpointError(
            f"{name_or_path!r} has no trained weights installed and no folder here. "
            f"`redheart create {name_or_path}` makes that folder, with random weights to train."
        )
    if not _HUB_ID.fullmatch(name_or_path):
        parent = Path(name_or_path).parent
        folders = [str(path) for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
        known = list(dict.fromkeys([*list_checkpoints(), *preset_names()]))
        hint = closest(name_or_path, [*known, *folders])
        if not hint.startswith("did"):
            hint = closest(name_or_path, known)  # and not every folder that happens to be there
        raise CheckpointError(f"No checkpoint or folder {name_or_path!r}; {hint}")
    return name_or_path


__all__ = [
    "ADAPTER",
    "CHECKPOINTS",
    "CONFIGURATION",
    "DEFAULT_MODEL",
    "PACKAGE",
    "checkpoint_path",
    "list_checkpoints",
    "load_preset",
    "preset_names",
    "shipped_folder",
]
