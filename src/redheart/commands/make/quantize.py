"""The command `redheart quantize`."""

from pathlib import Path
from typing import Annotated

import typer

from ...configuration.shipped import checkpoint_path
from ..options import (
    known_model,
)


def quantize(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", callback=known_model, help="A shipped checkpoint, or a folder.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Type of the quantised matrices: int8 or nf4.")],
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder to create; by default ./MODEL-NAME.")
    ] = None,
) -> None:
    """Write a checkpoint whose matrices are integers (bitsandbytes); read-outs and norms stay in floats.

    [bold]redheart quantize redheart-730m --to nf4[/bold]
    0.41 GB of weights in ./redheart-730m-nf4, which loads like any other checkpoint
    """
    from ...compression.quantize import quantize as run
    from ...storage.quiet import silence_libraries

    silence_libraries()
    typer.echo(run(Path(checkpoint_path(model)), output or Path(f"{Path(model).name}-{to}"), to))


__all__ = ["quantize"]
