"""The command `redheart bench`."""

import json
import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..options import depth_option, known_preset, new_file


def bench(
    preset: Annotated[
        str, typer.Option(metavar="NAME", callback=known_preset, help="Preset to measure, with random weights.")
    ] = "redheart-730m",
    tokens: Annotated[int, typer.Option(metavar="N", min=1, help="Length of each text in tokens.")] = 128,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Texts of a batch.")] = 1,
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Threads of torch.")] = 2,
    runs: Annotated[
        int, typer.Option(metavar="N", min=1, help="Measured runs of each model; the models take turns.")
    ] = 15,
    dtype: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Type of the weights; repeatable; float32 and bfloat16 by default."),
    ] = None,
    depth: Annotated[
        str,
        typer.Option(
            metavar="NAME", callback=depth_option, help="full: every module; fast: the heads alone, with fewer outputs."
        ),
    ] = "full",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", callback=new_file, help="Also write all results to this file."),
    ] = None,
    workdir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", exists=True, file_okay=False, help="Folder for the temporary weights."),
    ] = None,
) -> None:
    """Compare speed and memory with a plain encoder of as many parameters; the two take turns.

    [bold]redheart bench[/bold]
    the full model; it takes 6 GB of disk for a few minutes, on a machine that does nothing else

    [bold]redheart bench --preset redheart-100m --dtype float32 --depth fast --json fast.json[/bold]
    a smaller model, its heads only
    """
    from rich.console import Console

    from ...benchmarking import benchmark
    from ...benchmarking.measuring import Setting
    from ...storage.quiet import silence_libraries

    try:
        dtypes = tuple(dict.fromkeys(dtype)) if dtype else Setting().dtypes
        setting = Setting(preset, tokens, batch, threads, runs, depth, dtypes)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    silence_libraries()
    with redirect_stdout(sys.stderr), Console(stderr=True).status(preset) as status:
        report = benchmark.run_benchmark(setting, workdir, status.update)
    if json_file is not None:
        json_file.write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    benchmark.render(report, Console(highlight=False, emoji=False, markup=False))


__all__ = ["bench"]
