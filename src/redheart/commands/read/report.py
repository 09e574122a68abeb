"""The command `redheart report`: a page of a corpus, from a table of its readings."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import wrong_usage
from ..options import reachable


def report(
    table: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="A table of readings, as `redheart analyze --to` writes it."),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            file_okay=False,
            callback=reachable,
            help="Write the page (index.html) and its plots (.png) to this folder; by default TABLE-report.",
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Column to compare groups by; its dates become days, weeks, months or years."
        ),
    ] = None,
    column: Annotated[str, typer.Option(metavar="NAME", help="Column that has the texts.")] = "text",
    examples: Annotated[
        int, typer.Option(metavar="N", min=0, help="Texts at each end of a measure; 0 shows no text.")
    ] = 3,
) -> None:
    """Write a page about a corpus: distributions, groups, examples at the extremes, and what was withheld.

    [bold]redheart analyze --file posts.csv --to readings.parquet[/bold]
    first the readings

    [bold]redheart report readings.parquet --by date[/bold]
    then the page, over time
    """
    from ...corpus.page import write_corpus_page
    from ...corpus.readings import load_readings

    folder = to or table.with_name(f"{table.stem}-report")
    if folder.exists() and not folder.is_dir():
        wrong_usage(f"{folder} is a file; name a folder.", "--to")
    page = write_corpus_page(load_readings(table, by), table, folder, column, by, examples)
    typer.echo(f"Written: {page}")


__all__ = ["report"]
