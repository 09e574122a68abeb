"""The command `redheart export`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ...configuration.labels import closest
from ...configuration.shipped import DEFAULT_MODEL, checkpoint_path
from ..options import (
    depth_option,
    known_model,
    outputs_option,
)

ONNX, SENTENCES = "onnx", "sentence-transformers"


def _form(name: str) -> str:
    if name not in (ONNX, SENTENCES):
        raise typer.BadParameter(f"No form {name!r}; {closest(name, (ONNX, SENTENCES))}")
    return name


def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", callback=known_model, help="A shipped checkpoint, or a folder.")
    ] = DEFAULT_MODEL,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder to create; by default ./MODEL-FORM.")
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            callback=_form,
            help="onnx: for onnxruntime; sentence-transformers: the embedding, with the code that it needs.",
        ),
    ] = ONNX,
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
    include_untrained: Annotated[
        bool,
        typer.Option("--include-untrained", help="Write an embedding that nothing supervised, too, and say so in it."),
    ] = False,
) -> None:
    """Write a model for another library, checked against the model's own outputs.

    [bold]redheart export redheart-100m --int8[/bold]
    ./redheart-100m-onnx, which onnxruntime runs without this package, for any number of texts of any length

    [bold]redheart export runs/mine/model --form sentence-transformers[/bold]
    a folder for SentenceTransformer(..., trust_remote_code=True), which does not need this package either
    """
    from ...storage.quiet import silence_libraries

    silence_libraries()
    if form == SENTENCES:
        if outputs is not None or depth != "full" or int8:
            raise typer.BadParameter(
                "--output-name, --depth and --int8 are about ONNX; leave them out.", param_hint="--form"
            )
        from ...views.sentence_folder import write_sentence_folder

        place = output or Path(f"{Path(model).name}-{SENTENCES}")
        typer.echo(write_sentence_folder(Path(checkpoint_path(model)), place, include_untrained))
        return
    if include_untrained:
        raise typer.BadParameter(
            "An ONNX graph has every output; leave it out, or give --form sentence-transformers.",
            param_hint="--include-untrained",
        )
    from ...compression.onnx_export import export_onnx

    options: dict[str, Any] = {} if outputs is None else {"outputs": tuple(outputs)}
    target = output or Path(f"{Path(model).name}-{ONNX}")
    options["progress"] = partial(typer.echo, err=True)
    typer.echo(export_onnx(Path(checkpoint_path(model)), target, depth=depth, quantize=int8, **options))


__all__ = ["export"]
