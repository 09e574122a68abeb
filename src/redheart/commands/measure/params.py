"""The command `redheart params`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import known_preset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from ...configuration.budget import BudgetRow


def params(
    name: Annotated[
        str, typer.Argument(metavar="NAME", callback=known_preset, help="A preset, such as redheart-730m.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count the parameters of each component, and compare them with their budget.

    [bold]redheart params redheart-730m[/bold]
    the table; the exit status is 1 when a component does not have exactly its number of parameters
    """
    import torch

    from ...configuration import RedHeartConfig
    from ...configuration.budget import budget_table
    from ...modeling_redheart import RedHeartModel

    with torch.device("meta"):
        model = RedHeartModel(RedHeartConfig.from_preset(name))
    rows = budget_table(((key, value.numel()) for key, value in model.named_parameters()), name)
    if as_json:
        table, part_of = [], ""
        for row in rows:
            part_of = part_of if row.name.startswith(" ") else ""
            entry = {"component": row.name.strip(), "part_of": part_of or None, "parameters": row.parameters}
            table.append(entry | {"budget": row.target, "exact": row.exact})
            part_of = part_of or row.name
        typer.echo(json.dumps({"name": name, "components": table}))
    else:
        from rich.console import Console

        _render(rows, Console(highlight=False))
    if not all(row.exact for row in rows):
        raise typer.Exit(1)


def _render(rows: "Sequence[BudgetRow]", console: "Console") -> None:
    """Print the parameter budget as a table; the last line is the total."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("component")
    for name in ("parameters", "budget", "difference"):
        table.add_column(name, justify="right")
    for row in rows:
        target, difference = (
            ("", "") if row.target is None else (f"{row.target:,}", f"{row.parameters - row.target:+,}")
        )
        style = "bold" if row.name == "total" else "dim" if row.name.startswith(" ") else ""
        if not row.exact:
            style = "bold red"
        table.add_row(row.name, f"{row.parameters:,}", target, difference.replace("+0", "0"), style=style)
    console.print(table)


__all__ = ["params"]
