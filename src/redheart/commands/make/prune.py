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
        typer.Option("--target", metavar="SIZE", help="Parameters (200m), or a share (0.5); repeatable."),
    ],
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="A folder below it for each target, and the report.")],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Folder of the public sets.")
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME", help="Only this public set; repeatable.")
    ] = None,
    train: Annotated[str | None, typer.Option(metavar="FILE", help="Your own rows instead, to train on.")] = None,
    validation: Annotated[str | None, typer.Option(metavar="FILE", help="Your own rows to judge by.")] = None,
    columns: ColumnsOption = None,
    method: Annotated[str, typer.Option(metavar="NAME", help="fisher: by data; magnitude: by the weights.")] = "fisher",
    measured: Annotated[int, typer.Option(min=1, help="Training units that importance is measured on.")] = 1024,
    judged: Annotated[int, typer.Option(min=1, help="Units of each public set to judge by.")] = 500,
    units: Annotated[int | None, typer.Option(min=1, help="Training units of a recovery epoch.")] = None,
    epochs: Annotated[float, typer.Option(min=0, help="Of the recovery training; 0 = none.")] = 1.0,
    learning_rate: Annotated[float, typer.Option(help="Of the recovery training.")] = 1e-4,
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the original as its teacher; 0 = labels alone.")] = 0.6,
    longest_text: Annotated[int, typer.Option(min=8, help="Tokens from which on a text is cut.")] = 256,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Take out what matters least, by data: layers, heads, feed-forward units; then train what is left for a while.

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
    """The public sets, those that are named, or own rows."""
    from ...compression.distillation_recipe import public_sets
    from ...data.column_map import parse_columns
    from ...training.runs.recipe import DataRecipe, Source

    if train is not None:
        if sets:
            raise typer.BadParameter("--train are your own rows; leave --set out.", param_hint="--set")
        named = parse_columns(columns or ())
        own = [Source(path=validation, columns=named)] if validation else []
        return DataRecipe([Source(path=train, columns=named)], own, units_per_epoch=units)
    if columns:
        raise typer.BadParameter("they are about your own rows; give --train, too.", param_hint="--column")
    if validation is not None:
        raise typer.BadParameter("give --train, too.", param_hint="--validation")
    return public_sets(None if data is None else str(data), sets or (), units, judged)


__all__ = ["prune"]
