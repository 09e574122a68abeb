"""The command `redheart memory`: how much memory a training step or a reading will take.

Notable: no weights are created and no text is read. The step runs on tensors without data, which takes some seconds
for a model of any size.
"""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..options import depth_option, known_preset, outputs_option

if TYPE_CHECKING:
    from rich.console import Console

    from ...training.runs.memory_planner import MemoryPlan


def memory(
    name: Annotated[
        str, typer.Argument(metavar="NAME", callback=known_preset, help="A preset, such as redheart-730m.")
    ],
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Texts of a batch.")] = 8,
    seq: Annotated[int, typer.Option(metavar="N", min=1, help="Tokens of each text, padding included.")] = 128,
    optim: Annotated[
        str, typer.Option(metavar="NAME", help="Optimiser: adamw, adamw_8bit, sgd or sgd_momentum.")
    ] = "adamw",
    dtype: Annotated[str, typer.Option(metavar="NAME", help="Type of the weights: float32 or bfloat16.")] = "float32",
    bf16: Annotated[bool, typer.Option("--bf16", help="Autocast to bfloat16, as the Trainer's bf16 does.")] = False,
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="Recompute each layer in the backward pass.")
    ] = False,
    accumulate: Annotated[int, typer.Option(metavar="N", min=1, help="Batches per update of the weights.")] = 1,
    output: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", callback=outputs_option, help="Compute only this output; repeatable."),
    ] = None,
    depth: Annotated[
        str,
        typer.Option(
            metavar="NAME", callback=depth_option, help="full: every module; fast: the heads alone, with fewer outputs."
        ),
    ] = "full",
    inference: Annotated[
        bool, typer.Option("--inference", help="Predict the memory of a reading instead of a training step.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, with sizes in bytes.")] = False,
) -> None:
    """Predict the memory of a training step: weights, gradients, optimiser, activations and the peak.

    [bold]redheart memory redheart-730m --dtype bfloat16 --optim adamw_8bit --checkpointing[/bold]
    the full model on a small GPU

    [bold]redheart memory redheart-100m --batch 32 --seq 512 --inference --json[/bold]
    what reading takes, for a program
    """
    from rich.console import Console

    from ...configuration import RedHeartConfig
    from ...training.runs.memory_planner import plan_memory

    options: dict[str, Any] = {
        "dtype": dtype,
        "mixed_precision": "bf16" if bf16 else None,
        "optimizer": optim,
        "gradient_checkpointing": checkpointing,
        "accumulation_steps": accumulate,
        "outputs": output or None,
        "depth": depth,
        "train": not inference,
    }
    try:
        config = RedHeartConfig.from_preset(name)
        with Console(stderr=True).status(name):
            plan = plan_memory(config, batch, seq, **options)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        sizes = asdict(plan)
        phase = sizes.pop("phase")
        setting = {"name": name, "batch": batch, "seq": seq, **options}
        typer.echo(json.dumps({"setting": setting, "bytes": sizes, "peak_phase": phase}))
        return
    used = (
        f"{batch} texts of {seq} tokens",
        dtype,
        "bf16 autocast" if bf16 else "",
        "reading only" if inference else optim,
        "checkpointing" if checkpointing and not inference else "",
        f"{accumulate} batches per update" if accumulate > 1 and not inference else "",
    )
    render(plan, f"{name}: {', '.join(filter(None, used))}", Console(highlight=False, emoji=False, markup=False))


def render(plan: "MemoryPlan", title: str, console: "Console") -> None:
    """Print the plan as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for name, size, what in plan.table():
        table.add_row(name, _size(size), what, style="bold" if name == "peak" else "")
    console.print(table)
    console.print("A GPU also needs about 0.5 GB for itself, and a tenth of the rest as a reserve.")


def _size(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


__all__ = ["memory", "render"]
