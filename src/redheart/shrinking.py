"""The commands that make a model smaller, `quantize`, `prune`, `distill` and `export`, and the one that says what each
way gives, `sizes`."""

import json
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .configuration.shipped import DEFAULT_MODEL, checkpoint_path
from .options import (
    ColumnsOption,
    depth_option,
    has_random_weights,
    known_model,
    known_source,
    new_file,
    outputs_option,
)
from .printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from .sizes import Size, SizeSetting
    from .training.recipe import DataRecipe

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
        list[str] | None, typer.Option("--form", metavar="NAME", help="Only this one; repeatable. All by default.")
    ] = None,
    others: Annotated[
        list[Path] | None,
        typer.Option(
            "--beside", metavar="FOLDER", exists=True, file_okay=False, help="Another checkpoint; repeatable."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folder of the public sets: every figure of each form, too.",
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Units of each split, for the figures.")] = 1000,
    runs: Annotated[int, typer.Option(min=1, help="Timed readings of each form, in turn with float32.")] = 15,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each form.")] = 2,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", callback=new_file, help="Also write everything here.")
    ] = None,
    workdir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", exists=True, file_okay=False, help="Where the forms lie meanwhile."),
    ] = None,
) -> None:
    """Measure each form of a model: size on disk, resident memory, time beside float32, change of every figure.

    [bold]redheart sizes --data DATA[/bold]
    the shipped checkpoint

    [bold]redheart sizes redheart-730m[/bold]
    the full model, with random weights: sizes, memory and time
    """
    random = has_random_weights(model)
    if random and data is not None:
        raise typer.BadParameter(f"{model} has random weights, whose figures say nothing.", param_hint="--data")
    from rich.console import Console

    from .compression.forms import FORMS
    from .evaluation.rows import public_rows
    from .hub_upload.create import create_checkpoint
    from .measuring import quiet
    from .sizes import SizeSetting, measure_sizes

    quiet()
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
        report = {"model": title, "setting": asdict(setting), "sizes": [asdict(item) for item in found]}
        json_file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    render(title, setting, found, Console(highlight=False))


def quantize(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", callback=known_model, help="A shipped checkpoint, or a folder.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="int8 or nf4.")],
    output: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where to; ./MODEL-NAME by default.")] = None,
) -> None:
    """Write a checkpoint whose matrices are integers (bitsandbytes); read-outs and norms stay as they are.

    [bold]redheart quantize redheart-730m --to nf4[/bold]
    0.41 GB of weights in ./redheart-730m-nf4, which loads as any other checkpoint
    """
    from .compression.quantize import quantize as run
    from .measuring import quiet

    quiet()
    typer.echo(run(Path(checkpoint_path(model)), output or Path(f"{Path(model).name}-{to}"), to))


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
    from .compression.prune import run, summary
    from .measuring import quiet

    quiet()
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
    from .compression.distillation_recipe import public_sets
    from .training.column_map import parse_columns
    from .training.recipe import DataRecipe, Source

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


def distill(
    recipe: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, metavar="[RECIPE]", help="YAML file of the run.")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(metavar="MODEL", callback=known_model, help="Instead of the recipe's.")
    ] = None,
    student: Annotated[str | None, typer.Option(metavar="PRESET", help="Instead of the recipe's student.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Instead of the recipe's.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest whole checkpoint.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what an earlier run has trained in the output folder.")
    ] = False,
) -> None:
    """Teach a smaller model what a trained one reads. redheart.compression.distillation_recipe says what one holds.

    [bold]redheart distill examples/distill-mini.yaml[/bold]
    a trained redheart-mini to a quarter of its parameters, on two CPU cores

    [bold]redheart distill --teacher runs/730m/model --student redheart-100m[/bold]
    the full model to redheart-100m
    """
    from .compression.distill import distill as run
    from .compression.distill import summary
    from .compression.distillation_recipe import read_distillation

    if recipe is None and student is None:
        raise typer.BadParameter("give a RECIPE, or the preset of a --student.", param_hint="RECIPE")
    if recipe is None and output is None:
        output = Path("runs", str(student))
    typer.echo(printable(summary(run(read_distillation(recipe, output, teacher, student), resume, overwrite))))


def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", callback=known_model, help="A shipped checkpoint, or a folder.")
    ] = DEFAULT_MODEL,
    output: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where to; ./MODEL-onnx by default.")] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option("--output-name", metavar="NAME", callback=outputs_option, help="Only this output; repeatable."),
    ] = None,
    depth: Annotated[
        str, typer.Option(metavar="NAME", callback=depth_option, help="full, or fast for the heads' direct reading.")
    ] = "full",
    int8: Annotated[bool, typer.Option("--int8", help="Weights and products in 8 bits, for CPUs.")] = False,
) -> None:
    """Write a model as ONNX, for any number of texts of any length, checked against the model's own outputs.

    [bold]redheart export redheart-100m --int8[/bold]
    ./redheart-100m-onnx, which onnxruntime reads without this package
    """
    from .compression.onnx_export import export_onnx
    from .measuring import quiet

    quiet()
    options: dict[str, Any] = {} if outputs is None else {"outputs": tuple(outputs)}
    target = output or Path(f"{Path(model).name}-onnx")
    options["progress"] = partial(typer.echo, err=True)
    typer.echo(export_onnx(Path(checkpoint_path(model)), target, depth=depth, quantize=int8, **options))


def render(title: str, setting: "SizeSetting", found: "list[Size]", console: "Console") -> None:
    """Print what was measured as one table of the forms, and one of their figures."""
    from rich.table import Table

    from .sizes import changes

    console.width = width = _WIDTH  # a pipe or a narrow terminal wraps the lines, and cuts no figure off
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
        "imports, after loading and one reading, and until then. x float32: median ratio of runs in turn. emotion: "
        "mean difference of a probability from float32's; verdict: total variation distance; over a few sentences.",
        style="dim",
        width=width,
    )
    if not found[0].figures:
        return
    # A figure's name on a line of its own: beside ten forms there is no room for it.
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
    console.print(f"\nchange of the {len(spread[0])} figures that are not of a confidence, in the mean", style="italic")
    console.print(line(f"{sum(each) / max(len(each), 1):.3f}" for each in spread), width=width)
    console.print("and at most", style="italic")
    console.print(line(f"{max(each, default=0.0):.3f}" for each in spread), width=width)


__all__ = ["distill", "export", "prune", "quantize", "render", "sizes"]
