"""The command `redheart analyze`: readings of texts, as tables for people or as JSON."""

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from ...batch import Reader
from ...batch.tables import check_table
from ...configuration.inputs import check_alpha, check_batch_size, check_options, check_token_budget
from ...configuration.labels import OUTPUTS, closest
from ...configuration.shipped import DEFAULT_MODEL
from ...formats.strict_json import json_line
from ...formats.tables import columns_of, ending
from ...loading import load_text_pipeline
from ..errors import print_error, wrong_usage
from ..options import checked, depth_option, known_model, outputs_option
from .table import write_table
from .texts import ENDINGS, Item, read_batches, read_items

TEXT_COLUMN = "text"


def analyze(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Texts to read; - reads one text per line from standard input."),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A .txt file (one text), or a table (one text per row: .jsonl, .json, .csv, .tsv, .parquet); "
            "repeatable.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            callback=known_model,
            help="Model to read with, also a classifier: a shipped checkpoint, a folder, or a Hugging Face Hub id.",
        ),
    ] = DEFAULT_MODEL,
    output: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            callback=outputs_option,
            help=f"Give only this output; repeatable. The outputs are {', '.join(OUTPUTS)}.",
        ),
    ] = None,
    depth: Annotated[
        str,
        typer.Option(
            metavar="[full|fast]",
            callback=depth_option,
            help="full: every module; fast: the heads alone, with fewer outputs.",
        ),
    ] = "full",
    token_budget: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            callback=checked(check_token_budget),
            help="Keep only the N most important tokens after the backbone; by default all.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per text, each on its own line, and nothing else.")
    ] = False,
    column: Annotated[
        str,
        typer.Option(
            "--column",
            "--jsonl-field",
            metavar="NAME",
            help="Column of a table (field of a .jsonl line) that has the text; --json and --to pass the others on.",
        ),
    ] = TEXT_COLUMN,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="Write a table (.csv, .jsonl, .parquet) of the rows of --file with the readings as columns, and an "
            "error column; a .txt file then has one text per line. A run that was stopped goes on where it was.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --to: begin again, and replace a table that is there.")
    ] = False,
    include_untrained: Annotated[
        bool,
        typer.Option("--include-untrained", help="Also show values that no training data supervised, and mark them."),
    ] = False,
    guarantee: Annotated[
        float | None,
        typer.Option(
            metavar="ALPHA",
            callback=checked(check_alpha),
            help="Also give the sets whose error is at most ALPHA, which `redheart calibrate` promised for the model.",
        ),
    ] = None,
    batch_size: Annotated[
        int,
        typer.Option(
            metavar="N",
            callback=checked(check_batch_size),
            help="Texts that are read together; with 1, each line is answered at once.",
        ),
    ] = 8,
) -> None:
    """Read texts: emotions, verdict, felicific calculus, regret, and how far to trust each.

    [bold]redheart analyze "I told my sister's secret to her fiancé."[/bold]
    one reading, as tables

    [bold]redheart analyze --output verdict --output emotion --file letter.txt[/bold]
    only the outputs that you need

    [bold]redheart analyze --json --file posts.csv --column body > readings.jsonl[/bold]
    one JSON object per row, with the other columns of the row

    [bold]redheart analyze --file posts.csv --column body --to readings.parquet[/bold]
    a table of any size, one row per row

    [bold]tail -f chat.log | redheart analyze --json --batch-size 1 - | jq .verdict.label[/bold]
    one answer per line, as the lines come

    The exit status is 0; 1 when a text could not be read or a file has no text (the others are answered); 2 for wrong
    usage.
    """
    if not texts and not file:
        wrong_usage("There is nothing to read; give a TEXT, - for standard input, or --file.", "TEXT")
    if to is not None and guarantee is not None:
        wrong_usage("A table has no columns for sets of labels; use --json instead of --to.", "--guarantee")
    _check_files(file or [], column)
    given = {"outputs": output or None, "depth": depth, "token_budget": token_budget, "guarantee": guarantee}
    try:
        options = check_options({**given, "include_untrained": include_untrained})
    except ValueError as error:
        wrong_usage(str(error), "--output")
    if to is not None or overwrite:
        _check_to(texts or [], file or [], to, as_json)
        reader = Reader(model, column=column, batch_size=batch_size, **options)
        if not write_table((file or [])[0], Path(str(to)), reader, overwrite):
            raise typer.Exit(1)
        return
    stdout = sys.stdout
    with redirect_stdout(sys.stderr):  # so that nothing that a library prints comes between the answers
        pipe = load_text_pipeline(model)
        if guarantee is not None:
            from ...modeling_redheart.guaranteed import valid_guarantee

            valid_guarantee(pipe.model).promise(guarantee)  # before the first text
        answers = read_batches(pipe, read_items(texts or [], file or [], column), options, batch_size)
        all_read = _write_json(answers, stdout) if as_json else _write_tables(answers, stdout)
    if not all_read:
        raise typer.Exit(1)


def _check_files(files: Iterable[Path], column: str) -> None:
    """Refuse a file of an unknown type, a table that does not have the column, and a column without a table."""
    files = list(files)
    if column != TEXT_COLUMN and all(ending(path) == ".txt" for path in files):
        wrong_usage("It names the column of a table; give a table as --file, or leave --column out.", "--column")
    for path in files:
        if ending(path) not in ENDINGS:
            wrong_usage(f"{path} ends in {path.suffix!r}; give a file of {', '.join(ENDINGS)}.", "--file")
        try:
            columns = columns_of(path)
        except ValueError:
            continue  # its error is reported in its place among the answers
        if columns is not None and column not in columns:
            wrong_usage(f"{path} has no column {column!r}; {closest(column, columns)}", "--column")


def _check_to(texts: list[str], files: list[Path], to: Path | None, as_json: bool) -> None:
    """Refuse a table that is not of one file, or that cannot be written."""
    if to is None:
        wrong_usage("It replaces the table of --to; give --to, or leave it out.", "--overwrite")
    if texts or as_json or len(files) != 1:
        wrong_usage("It writes a table of one --file; leave TEXT and --json out, and give one --file.", "--to")
    try:
        check_table(files[0], to)
    except ValueError as error:
        wrong_usage(str(error), "--to")


def _write_json(batches: Iterable[list[Item]], stdout: Any) -> bool:
    """Write one JSON object per text, and errors of whole sources on standard error; return whether all were read."""
    failed, sources = 0, 0
    for batch in batches:
        for item in batch:
            if item.is_source:
                print_error(str(item.error))
                sources += 1
                continue
            stdout.buffer.write(json_line(item.answer()).encode("utf-8") + b"\n")
            failed += item.error is not None
        stdout.buffer.flush()
    if failed:
        print_error(f'{failed} of the texts could not be read; their lines have an "error".')
    return not failed + sources


def _write_tables(batches: Iterable[list[Item]], stdout: Any) -> bool:
    """Print the readings as tables, and errors on standard error; return whether every text was read."""
    from rich.console import Console

    from .terminal import render

    stdout.reconfigure(errors="replace")  # a terminal that cannot show a letter must not end the run
    console = Console(file=stdout, highlight=False, emoji=False, markup=False)
    failed, shown = 0, 0
    for item in (item for batch in batches for item in batch):
        if item.reading is None:
            print_error(str(item.error))
            failed += 1
            continue
        if shown:
            console.print()
            console.rule(style="dim", characters="=")
        render(item.reading, console)
        shown += 1
        stdout.flush()
    return not failed


__all__ = ["analyze"]
