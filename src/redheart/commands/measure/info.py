"""The command `redheart info`: what is recorded about a model and each of its outputs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ...configuration.shipped import DEFAULT_MODEL, checkpoint_path
from ...formats.printable import printable
from ..options import known_model


def info(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", callback=known_model, help="A shipped checkpoint, or a folder.")
    ] = DEFAULT_MODEL,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show for each output what it learned from, who rated that, and how far it may be trusted.

    [bold]redheart info[/bold]
    the shipped checkpoint

    [bold]redheart info runs/mine/model --json[/bold]
    your own model, for a program; it has figures after `redheart evaluate FOLDER --json FOLDER/evaluation.json`
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ...configuration import RedHeartConfig
    from ...evaluation.measurement.results import Evaluation
    from ...hub_upload.output_record import HEADS, output_record
    from ...hub_upload.staging import RESULTS
    from ...modeling_redheart.guarantees import guarantee_lines, read_guarantee

    folder = Path(checkpoint_path(model))
    if not (folder / "config.json").is_file():
        raise typer.BadParameter(f"{folder} has no config.json; give a shipped checkpoint, or the folder of a model.")
    config = RedHeartConfig.from_pretrained(folder)
    results = folder / RESULTS
    evaluation = Evaluation.load(results) if results.is_file() else None
    record = output_record(config, evaluation)
    guarantee = read_guarantee(config.guarantee)
    name = evaluation.model if evaluation is not None else folder.resolve().name
    if as_json:
        facts = {"name": name, "outputs": [asdict(row) for row in record], "guarantee": config.guarantee or None}
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    console = Console(highlight=False)
    console.print(Text(printable(name), style="bold"))
    if config.is_classifier:
        kind = config.problem_type or "not trained"
        labels = printable(", ".join(config.class_names))
        console.print(f"A classifier ({kind}): {labels}.", markup=False)
        return
    if not record:
        console.print("Its config records no training data, so its readings mean nothing.")
        return
    if evaluation is None:
        console.print(f"It has no figures, because it has no {RESULTS}; `redheart evaluate` writes one.")
    for row in record:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, style="dim")
        table.add_column(overflow="fold")
        for head, cell in zip(HEADS[1:], row.cells()[1:], strict=True):
            if cell:
                table.add_row(f"  {head}", Text(printable(cell)))
        console.print()
        console.print(Text(printable(row.part), style="bold"))
        console.print(table)
    if guarantee is not None:
        console.print()
        console.print(Text("guarantee", style="bold"))
        for line in guarantee_lines(guarantee):
            console.print(Text(f"  {printable(line)}"))


__all__ = ["info"]
