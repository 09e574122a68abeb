"""Arguments and options that several commands share: a model, outputs, a depth, a file to write.

Notable: they are checked while the command line is read, by the same functions that Python and the server use
(`configuration.inputs`, `configuration.shipped`). These need no torch, so a mistake is reported before any work.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..configuration.inputs import check_depth, check_outputs
from ..configuration.labels import closest
from ..configuration.shipped import checkpoint_path, list_checkpoints, preset_names


def checked(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a callback for an option that checks its value.

    Args:
        check: Takes the value and returns the checked one; its `ValueError` becomes `typer.BadParameter`, which is
            wrong usage. It is not called for an option that was not given (None, or an empty list).

    Returns:
        The callback.
    """

    def callback(value: Any) -> Any:
        if value is None or value == []:
            return value
        try:
            return check(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return callback


def known_model(name: str) -> str:
    """Return the name of a model that texts can be read with.

    Args:
        name: A shipped checkpoint, a folder, or a Hugging Face Hub id.

    Returns:
        ``name``, unchanged.

    Raises:
        ValueError: When no model has this name.
    """
    if name is not None:  # an option that was not given
        checkpoint_path(name)
    return name


def known_folder(name: str) -> str:
    """Return the name of a model that is on this machine.

    Args:
        name: A shipped checkpoint, or a folder.

    Returns:
        ``name``, unchanged.

    Raises:
        ValueError: When no folder or shipped checkpoint has this name.
    """
    if not Path(checkpoint_path(name)).is_dir():
        raise ValueError(f"{name!r} is neither a folder nor a shipped checkpoint; give the folder of a checkpoint.")
    return name


def known_source(name: str) -> str:
    """Return the name of a preset, which gets random weights, or of a model as `known_model` does."""
    return name if name in preset_names() else known_model(name)


def known_preset(name: str) -> str:
    """Return the name of a preset.

    Args:
        name: What was given.

    Returns:
        ``name``, unchanged.

    Raises:
        BadParameter: When it is not a preset.
    """
    if name not in preset_names():
        raise typer.BadParameter(f"There is no preset {name!r}; {closest(name, preset_names())}")
    return name


def has_random_weights(name: str) -> bool:
    """Whether ``name`` is a preset without trained weights on this machine."""
    return name in preset_names() and name not in list_checkpoints() and not Path(name).is_dir()


def new_file(path: Path | None) -> Path | None:
    """Return the path of a file to write.

    Args:
        path: What was given; None when nothing was.

    Returns:
        ``path``, unchanged.

    Raises:
        BadParameter: When it is a folder, or its folder does not exist.
    """
    if path is not None and path.is_dir():
        raise typer.BadParameter(f"{path} is a folder; name a file.")
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"{path.parent} is not a folder; create it, or name another folder.")
    return path


def reachable(path: Path | None) -> Path | None:
    """Return a path to write to, whose missing folders are created later.

    Args:
        path: What was given; None when nothing was.

    Returns:
        ``path``, unchanged.

    Raises:
        BadParameter: When one of its folders is a file.
    """
    for part in [] if path is None else path.parents:
        if part.exists() and not part.is_dir():
            raise typer.BadParameter(f"{path} cannot be written, because {part} is a file; name another path.")
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
        help="Rename a column of your rows; YOURS= leaves it out, and YOURS=OURS:yes=author,no=other also renames its "
        "values. Repeatable.",
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
