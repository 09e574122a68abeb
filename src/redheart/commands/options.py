"""What several commands take, checked while the command line is read: a model, outputs, a depth, a file to write.

Notable: the checks are those of every other door (`configuration.inputs`, `configuration.shipped`) and need no torch,
so that what is wrong is answered before any work.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..configuration.inputs import check_depth, check_outputs
from ..configuration.labels import closest
from ..configuration.shipped import checkpoint_path, list_checkpoints, preset_names


def checked(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A callback of an option: what ``check`` returns; its `ValueError` is wrong usage. What is not given passes."""

    def callback(value: Any) -> Any:
        if value is None or value == []:
            return value
        try:
            return check(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return callback


def known_model(name: str) -> str:
    """Return the name of what can be read with. Raises `ValueError` for what is no model by its name."""
    if name is not None:  # an option that was not given
        checkpoint_path(name)
    return name


def known_folder(name: str) -> str:
    """As `known_model`, but for what lies here. Raises `ValueError` for what does not."""
    if not Path(checkpoint_path(name)).is_dir():
        raise ValueError(f"There is no folder {name!r} here, and no checkpoint of that name ships.")
    return name


def known_source(name: str) -> str:
    """As `known_model`, and the name of a preset, which gets random weights."""
    return name if name in preset_names() else known_model(name)


def known_preset(name: str) -> str:
    """Return the name of a preset. Raises `typer.BadParameter` for another."""
    if name not in preset_names():
        raise typer.BadParameter(f"no preset {name!r}; {closest(name, preset_names())}")
    return name


def has_random_weights(name: str) -> bool:
    """Whether ``name`` is a preset for which nothing trained is there."""
    return name in preset_names() and name not in list_checkpoints() and not Path(name).is_dir()


def new_file(path: Path | None) -> Path | None:
    """Return where a file is to be written. Raises `typer.BadParameter` where it cannot be."""
    if path is not None and path.is_dir():
        raise typer.BadParameter(f"{path} is a folder; name a file.")
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"{path.parent} is not a folder; make it first, or name another.")
    return path


def reachable(path: Path | None) -> Path | None:
    """Return where something is to be written, whose folders are made. Raises `typer.BadParameter` for a file above."""
    for part in [] if path is None else path.parents:
        if part.exists() and not part.is_dir():
            raise typer.BadParameter(f"{path} cannot be written: {part} is a file.")
    return path


def _known_columns(given: Sequence[str]) -> Sequence[str]:
    from ..data.column_map import parse_columns

    parse_columns(given)
    return given


ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="YOURS=OURS",
        callback=checked(_known_columns),
        help="A column of your rows under another name; YOURS= leaves it out, YOURS=OURS:yes=author,no=other also says "
        "what its values are. Repeatable.",
    ),
]
outputs_option = checked(check_outputs)
depth_option = checked(check_depth)


__all__ = [
    "ColumnsOption",
    "checked",
    "depth_option",
    "has_random_weights",
    "known_folder",
    "known_model",
    "known_preset",
    "known_source",
    "new_file",
    "outputs_option",
    "reachable",
]
