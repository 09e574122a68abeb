"""The command `redheart export`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ...configuration.shipped import DEFAULT_MODEL, checkpoint_path
from ..options import (
    depth_option,
    known_model,
    outputs_option,
)


def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", callback=known_model, help="A shipped checkpoint, or a folder.")
    ] = DEFAULT_MODEL,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder to create; by default ./MODEL-onnx.")
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option(
            "--output-name", metavar="NAME", callback=outputs_option, help="Export only this output; repeatable."
        ),
    ] = None,
    depth: Annotated[
        str,
        typer.Option(
            metavar="NAME", callback=depth_option, help="full: every module; fast: the heads alone, with fewer outputs."
        ),
    ] = "full",
    int8: Annotated[
        bool, typer.Option("--int8", help="Store weights and compute products in 8 bits, for CPUs.")
    ] = False,
) -> None:
    """Write a model as ONNX, for any number of texts of any length, checked against the model's own outputs.

    [bold]redheart export redheart-100m --int8[/bold]
    ./redheart-100m-onnx, which onnxruntime runs without this package
    """
    from ...compression.onnx_export import export_onnx
    from ...storage.quiet import silence_libraries

    silence_libraries()
    options: dict[str, Any] = {} if outputs is None else {"outputs": tuple(outputs)}
    target = output or Path(f"{Path(model).name}-onnx")
    options["progress"] = partial(typer.echo, err=True)
    typer.echo(export_onnx(Path(checkpoint_path(model)), target, depth=depth, quantize=int8, **options))


__all__ = ["export"]
