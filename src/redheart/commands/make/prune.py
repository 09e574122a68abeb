"""The command `redheart prune`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...formats.printable import printable
from ..options import (
    ColumnsOption,
    known_model,
)

if TYPE_CHECKING:
    from ...training.runs.recipe import DataRecipe


def prune(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", callback=known_model, help="A shipped checkpoint, or a folder.")
    ],
    targets: Annotated[
        list[str],
        typer.Option(
            "--target", metavar="SIZE", help="Size of the pruned model: parameters (200m) or a share (0.5); repeatable."
        ),
    ],
    output: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder of the report, with a folder below it for each target.")
    ],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Folder of the public data sets.")
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME", help="Use only this public data set; repeatable.")
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Your own rows to train on, instead of the public data sets."),
    ] = None,
    validation: Annotated[
        str | None, typer.Option(metavar="FILE", help="Your own rows to validate on; needs --train.")
    ] = None,
    columns: ColumnsOption = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="How importance is measured; fisher: on training rows, magnitude: by the weights alone.",
        ),
    ] = "fisher",
    measured: Annotated[
        int, typer.Option(min=1, help="Training units (texts or pairs) that importance is measured on.")
    ] = 1024,
    judged: Annotated[int, typer.Option(min=1, help="Validation units of each public data set.")] = 500,
    units: Annotated[
        int | None, typer.Option(min=1, help="Training units of a recovery epoch; by default as many as there are.")
    ] = None,
    epochs: Annotated[float, typer.Option(min=0, help="Epochs of the recovery training; 0 = none.")] = 1.0,
    learning_rate: Annotated[float, typer.Option(help="Learning rate of the recovery training.")] = 1e-4,
    share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Weight of the original model as a teacher of the recovery; 0 = labels alone."),
    ] = 0.6,
    longest_text: Annotated[int, typer.Option(min=8, help="Maximum text length in tokens.")] = 256,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the units that are sampled, and of the recovery training.")
    ] = 0,
) -> None:
    """Remove the least important layers, heads and feed-forward units, and train the rest for a while.

    [bold]redheart prune redheart-730m --target 200m --output runs/pruned[/bold]
    an ordinary checkpoint in runs/pruned/200m, with pruning.json and a plot beside it
    """
    from ...compression.prune import run, summary
    from ...storage.quiet import silence_libraries

    silence_libraries()
    training = {"longest_text": longest_text, "seed": seed, "per_device_train_batch_size": 32, "warmup_steps": 0.05}
    report = run(
        model,
        targets,
        _rows(data, sets, train, validation, units, judged, columns),
        output,
        method=method,
        measured=measured,
        epochs=epochs,
        learning_rate=learning_rate,
        share=share,
        training=training,
    )
    typer.echo(printable(summary(report)))


def _rows(
    data: Path | None,
    sets: list[str] | None,
    train: str | None,
    validation: str | None,
    units: int | None,
    judged: int,
    columns: list[str] | None,
) -> "DataRecipe":
    """The rows to train and validate on: the public sets, those that are named, or the user's own rows."""
    from ...compression.distillation_recipe import public_sets
    from ...data.column_map import parse_columns
    from ...training.runs.recipe import DataRecipe, Source

    if train is not None:
        if sets:
            raise typer.BadParameter(
                "--set names public data sets, but --train gives your own rows; leave --set out.", param_hint="--set"
            )
        named = parse_columns(columns or ())
        own = [Source(path=validation, columns=named)] if validation else []
        return DataRecipe([Source(path=train, columns=named)], own, units_per_epoch=units)
    if columns:
        raise typer.BadParameter(
            "It renames columns of your own rows; also give them as --train.", param_hint="--column"
        )
    if validation is not None:
        raise typer.BadParameter("Rows to train on are missing; also give --train.", param_hint="--validation")
    return public_sets(None if data is None else str(data), sets or (), units, judged)


__all__ = ["prune"]
