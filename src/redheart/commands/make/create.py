"""The command `redheart create`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..options import known_preset


class Dtype(StrEnum):
    """Type of the weights."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


def create(
    name: Annotated[
        str, typer.Argument(metavar="NAME", callback=known_preset, help="A preset, such as redheart-730m.")
    ],
    output: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder to create; by default ./NAME.")] = None,
    dtype: Annotated[
        Dtype | None,
        typer.Option(help="Type of the weights; by default that of the trained weights, float32 for random ones."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random weights.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a checkpoint that is already in the folder.")] = False,
) -> None:
    """Create a checkpoint folder: config, weights, tokenizer, code. Weights that do not ship are random.

    [bold]redheart create redheart-730m --dtype bfloat16[/bold]
    the full model, to be trained, in ./redheart-730m

    [bold]redheart create redheart-tiny --output tiny --seed 1[/bold]
    a very small model, for tests
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from transformers.utils import logging

    from ...storage.create import create_checkpoint

    logging.disable_progress_bar()
    columns = (TextColumn(name), BarColumn(), TextColumn("{task.completed:,} of {task.total:,}"), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=1)
        options: dict[str, Any] = {} if dtype is None else {"dtype": dtype.value}
        folder = create_checkpoint(
            name,
            output or Path(name),
            seed=seed,
            force=force,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
            **options,
        )
    typer.echo(folder)


__all__ = ["Dtype", "create"]
