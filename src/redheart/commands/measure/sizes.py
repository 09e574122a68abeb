"""The command `redheart sizes`: what each form of a model costs, and what it changes."""

import json
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...configuration.shipped import DEFAULT_MODEL, checkpoint_path
from ..options import (
    has_random_weights,
    known_source,
    new_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from ...benchmarking.sizes import Size, SizeSetting

_WIDTH = 100


def sizes(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            callback=known_source,
            help="A shipped checkpoint, a folder, or a preset (random weights).",
        ),
    ] = DEFAULT_MODEL,
    forms: Annotated[
        list[str] | None,
        typer.Option("--form", metavar="NAME", help="Measure only this form; repeatable; all forms by default."),
    ] = None,
    others: Annotated[
        list[Path] | None,
        typer.Option(
            "--beside",
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Also measure the checkpoint in this folder; repeatable.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folder of the public data sets, to also compute every figure of each form.",
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Units (texts or pairs) of each split, for the figures.")] = 1000,
    runs: Annotated[int, typer.Option(min=1, help="Timed readings of each form, which takes turns with float32.")] = 15,
    threads: Annotated[int, typer.Option(min=1, help="Threads that each form runs on.")] = 2,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", callback=new_file, help="Also write all results to this file."),
    ] = None,
    workdir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", exists=True, file_okay=False, help="Folder for the temporary checkpoints."),
    ] = None,
) -> None:
    """Measure each form of a model: size on disk, resident memory, time relative to float32, change of every figure.

    [bold]redheart sizes --data DATA[/bold]
    the shipped checkpoint

    [bold]redheart sizes redheart-730m[/bold]
    the full model, with random weights: sizes, memory and time
    """
    random = has_random_weights(model)
    if random and data is not None:
        raise typer.BadParameter(
            f"{model} has random weights, so its figures mean nothing; leave --data out.", param_hint="--data"
        )
    from rich.console import Console

    from ...benchmarking.measuring import machine_facts
    from ...benchmarking.sizes import SizeSetting, measure_sizes
    from ...compression.forms import FORMS
    from ...evaluation.measurement.rows import public_rows
    from ...storage.create import create_checkpoint
    from ...storage.quiet import silence_libraries

    silence_libraries()
    machine = machine_facts()
    setting = SizeSetting(tuple(forms) if forms else FORMS, threads=threads, runs=runs, rows=rows)
    with (
        tempfile.TemporaryDirectory(prefix="redheart-sizes-", dir=workdir) as place,
        redirect_stdout(sys.stderr),
        Console(stderr=True).status(model) as status,
    ):
        source = Path(place, "source")
        if random:
            create_checkpoint(model, source, dtype="float32")
        else:
            source = Path(checkpoint_path(model))
        splits = public_rows(data, floor=False) if data is not None else ()
        found = measure_sizes(source, Path(place), setting, others or (), splits, status.update)
    name = Path(model).name
    title = f"{name}, random weights" if random else name
    if json_file is not None:
        report = {
            "model": title,
            "setting": asdict(setting),
            "machine": machine,
            "sizes": [asdict(item) for item in found],
        }
        json_file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    render(title, setting, found, Console(highlight=False))


def render(title: str, setting: "SizeSetting", found: "list[Size]", console: "Console") -> None:
    """Print a table of the forms, and one of their figures when they were computed.

    Args:
        title: Title of the first table.
        setting: What was measured.
        found: The sizes of each form, float32 first.
        console: Where to print; it is made 100 columns wide.
    """
    from rich.table import Table

    from ...benchmarking.sizes import changes

    console.width = width = _WIDTH  # a pipe or a narrow terminal then wraps the lines and does not cut figures off
    options: dict[str, Any] = {"box": None, "pad_edge": False, "padding": (0, 2, 0, 0), "header_style": "dim"}
    table = Table(title=title, title_justify="left", **options)
    table.add_column("")
    for head in (
        "parameters",
        "on disk",
        "resident",
        "peak",
        "p50",
        "x float32",
        "emotion",
        "verdict",
    ):
        table.add_column(head, justify="right")
    for item in found:
        memory = (f"{value / 1e6:,.0f} MB" for value in (item.disk, item.memory, item.peak))
        table.add_row(item.name, f"{item.parameters:,}", *memory, f"{item.milliseconds:,.1f} ms", f"{item.ratio:.2f}",
                      f"{item.emotion:.4f}", f"{item.verdict:.4f}")  # fmt: skip
    console.print(table, width=width)
    console.print(
        f"One text of {setting.tokens} tokens, all outputs, {setting.threads} threads. Resident, peak: above the "
        "imports, after loading and one reading, and until then. x float32: median ratio of alternating runs. emotion: "
        "mean difference of a probability from float32's; verdict: total variation distance; over a few sentences.",
        style="dim",
        width=width,
    )
    if not found[0].figures:
        return
    # The name of a figure has its own line, since there is no room for it beside ten forms.
    columns = [max(len(item.name), 7) + 2 for item in found]

    def line(cells: "Iterable[str]") -> str:
        return "".join(f"{cell:>{column}}" for cell, column in zip(cells, columns, strict=True))

    console.print("\nfigures, and their change", style="italic")
    console.print(line(item.name for item in found), style="dim", width=width)
    for key, value in found[0].figures.items():
        moved = (f"{item.figures.get(key, float('nan')) - value:+.3f}" for item in found[1:])
        console.print(key, style="dim", width=width)
        console.print(line([f"{value:.3f}", *moved]), width=width)
    spread = [changes(item, found[0]) for item in found]
    console.print(f"\nmean change of the {len(spread[0])} figures that are not about confidence", style="italic")
    console.print(line(f"{sum(each) / max(len(each), 1):.3f}" for each in spread), width=width)
    console.print("largest change", style="italic")
    console.print(line(f"{max(each, default=0.0):.3f}" for each in spread), width=width)


__all__ = ["render", "sizes"]
