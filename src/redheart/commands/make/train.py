"""The command `redheart train`."""

from pathlib import Path
from typing import Annotated

import typer

from ...formats.printable import printable
from ...storage.processes import is_first_process


def train(
    recipe: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, metavar="RECIPE", help="YAML file of the run.")
    ],
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the newest complete checkpoint.")] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the run, instead of the recipe's.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what an earlier run trained in the output folder.")
    ] = False,
) -> None:
    """Train the model that a recipe describes; docs/recipe.md lists its options.

    [bold]redheart train examples/small-cpu.yaml[/bold]
    a small model on a CPU, in minutes; the folder of the run then has the model and the reports

    [bold]accelerate launch --num_processes 4 -m redheart train my.yaml[/bold]
    the same on four GPUs
    """
    from ...training.runs.recipe import read_recipe
    from ...training.runs.run import run, summary

    report = run(read_recipe(recipe, output=output), resume, overwrite)
    if is_first_process():
        typer.echo(printable(summary(report)))


__all__ = ["train"]
