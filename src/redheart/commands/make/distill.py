"""The command `redheart distill`."""

from pathlib import Path
from typing import Annotated

import typer

from ...formats.printable import printable
from ...storage.processes import is_first_process
from ..options import (
    known_model,
)


def distill(
    recipe: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, metavar="[RECIPE]", help="YAML file of the run.")
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", callback=known_model, help="Trained model to learn from, instead of the recipe's."
        ),
    ] = None,
    student: Annotated[
        str | None, typer.Option(metavar="PRESET", help="Preset of the smaller model, instead of the recipe's.")
    ] = None,
    plain: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Train a plain model, which needs no code of this package: emotions or embedding."
        ),
    ] = None,
    include_untrained: Annotated[
        bool, typer.Option("--include-untrained", help="With --plain: also learn what nothing supervised.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the run, instead of the recipe's.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the newest complete checkpoint.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what an earlier run trained in the output folder.")
    ] = False,
) -> None:
    """Train a smaller model to read as a trained one does; docs/recipe.md lists the options of its recipe.

    [bold]redheart distill examples/distill-mini.yaml[/bold]
    a trained redheart-mini into a model of a quarter of its parameters, on two CPU cores

    [bold]redheart distill --teacher runs/730m/model --student redheart-100m[/bold]
    the full model into redheart-100m

    [bold]redheart distill --plain emotions[/bold]
    redheart-100m's emotions into a classifier for pipeline("text-classification")
    """
    from ...compression.distill import distill as run
    from ...compression.distill import summary
    from ...compression.distillation_recipe import read_distillation

    if plain is not None or (recipe is not None and _is_plain(recipe)):
        _distill_plain(recipe, plain, teacher, student, output, resume, overwrite, include_untrained)
        return
    if include_untrained:
        raise typer.BadParameter("It is an option of --plain; leave it out.", param_hint="--include-untrained")
    if recipe is None and student is None:
        raise typer.BadParameter(
            "Nothing says what to train; give a RECIPE, a preset as --student, or --plain.", param_hint="RECIPE"
        )
    if recipe is None and output is None:
        output = Path("runs", str(student))
    report = run(read_distillation(recipe, output, teacher, student), resume, overwrite)
    if is_first_process():
        typer.echo(printable(summary(report)))


def _is_plain(recipe: Path) -> bool:
    from ...views.recipe import describes_plain_view

    return describes_plain_view(recipe)


def _distill_plain(
    recipe: Path | None,
    plain: str | None,
    teacher: str | None,
    student: str | None,
    output: Path | None,
    resume: bool,
    overwrite: bool,
    include_untrained: bool,
) -> None:
    from ...storage.quiet import silence_libraries
    from ...views.plain import make_plain_view, summary
    from ...views.recipe import read_plain_recipe

    if student is not None:
        raise typer.BadParameter(
            "A plain model has the teacher's encoder and no preset; leave --student out.", param_hint="--student"
        )
    if output is None and recipe is None:
        output = Path("runs", f"plain-{plain}")
    silence_libraries()
    given: dict[str, str | bool | None] = {
        "plain": plain,
        "teacher": teacher,
        "include_untrained": include_untrained or None,
        "output": None if output is None else str(output),
    }
    run = read_plain_recipe(recipe, **given)
    report = make_plain_view(run, resume, overwrite)
    if is_first_process():
        typer.echo(printable(summary(report)))


__all__ = ["distill"]
