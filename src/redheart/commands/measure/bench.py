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
        str, typer.Option(metavar="NAME", callback=known_preset, help="What to measure.")
    ] = "redheart-730m",
    tokens: Annotated[int, typer.Option(metavar="N", min=1, help="Length of each text.")] = 128,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Texts per run.")] = 1,
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Threads of torch.")] = 2,
    runs: Annotated[int, typer.Option(metavar="N", min=1, help="Measured runs of each model, in turn.")] = 15,
    dtype: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Repeatable; float32 and bfloat16 by default.")
    ] = None,
    depth: Annotated[
        str, typer.Option(metavar="NAME", callback=depth_option, help="full, or fast: the heads' direct reading.")
    ] = "full",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", callback=new_file, help="Also write everything here.")
    ] = None,
    workdir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", exists=True, file_okay=False, help="Where the weights lie meanwhile."),
    ] = None,
) -> None:
    """Measure speed and memory beside a plain encoder with as many parameters, in turn.

    [bold]redheart bench[/bold]
    the full model; takes 6 GB of disk for a few minutes, and a machine that does nothing else

    [bold]redheart bench --preset redheart-100m --dtype float32 --depth fast --json fast.json[/bold]
    a smaller one, its heads only
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
