"""The command `redheart compare`: how two texts, or two groups of a table, differ."""

import math
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...configuration.inputs import check_text
from ...configuration.shipped import DEFAULT_MODEL
from ...formats.printable import printable
from ...formats.strict_json import json_line
from ..errors import wrong_usage
from ..options import known_model

if TYPE_CHECKING:
    from ...corpus.compare import Difference


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A text; with --file, a group.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another text; with --file, another group.")],
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A table of readings, whose groups A and B are compared."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the table in which A and B are values.")
    ] = None,
    model: Annotated[
        str, typer.Option(callback=known_model, help="Model to read two texts with; a table has been read already.")
    ] = DEFAULT_MODEL,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Show so many differences.")] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every difference as a JSON object, each on its own line.")
    ] = False,
) -> None:
    """Compare two texts, or two groups of a table of readings.

    [bold]redheart compare "I lied to her." "I told her the truth."[/bold]
    what differs most between the readings of two texts

    [bold]redheart compare women men --file readings.parquet --by writer[/bold]
    which differences between two groups are more than chance
    """
    if (file is None) != (by is None):
        wrong_usage("A table and the column of its groups belong together; give --file and --by.", "--by")
    stdout = sys.stdout
    with redirect_stdout(sys.stderr):
        found = _texts(first, second, model) if file is None else _groups(first, second, file, str(by))
    if as_json:
        for item in found:
            stdout.buffer.write(json_line(_record(item)).encode("utf-8") + b"\n")
        return
    _print(found, most, (first, second), stdout)


def _texts(first: str, second: str, model: str) -> "list[Difference]":
    for text, name in ((first, "A"), (second, "B")):
        try:
            check_text(text)
        except ValueError as error:
            wrong_usage(str(error), name)

    from ...batch.columns import columns_of
    from ...batch.reader import pipeline_of
    from ...corpus.compare import compare_readings

    pipe = pipeline_of(model)
    if pipe.model.config.is_classifier:
        wrong_usage(f"{model} is a classifier, and this compares analyses; name an analysis model.", "--model")
    one, other = pipe([first, second])
    return compare_readings(columns_of(pipe.model.config), one, other)


def _groups(first: str, second: str, file: Path, by: str) -> "list[Difference]":
    from ...corpus.compare import compare_groups
    from ...corpus.readings import load_readings

    return compare_groups(load_readings(file, by), first, second)


def _record(item: "Difference") -> dict[str, Any]:
    ends = (item.apart.low, item.apart.high)
    known = not any(map(math.isnan, ends))
    record = {"name": item.name, "a": item.first, "b": item.second, "difference": item.apart.value}
    return record | ({} if item.named is None else {"interval": list(ends) if known else None, "named": item.named})


def _print(found: "Sequence[Difference]", most: int, names: tuple[str, str], stdout: Any) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stdout.reconfigure(errors="replace")
    console = Console(file=stdout, highlight=False, emoji=False, markup=False)
    of_groups = any(item.named is not None for item in found)
    table = Table(box=None, pad_edge=False)
    table.add_column("measure")
    for head in ("A", "B", "A - B", *(("95 % interval", "") if of_groups else ())):
        table.add_column(head, justify="right")
    for item in found[:most]:
        ends = "" if math.isnan(item.apart.low) else f"[{item.apart.low:+.3f}, {item.apart.high:+.3f}]"
        more = (ends, "*" if item.named else "") if of_groups else ()
        table.add_row(Text(item.name), f"{item.first:.3f}", f"{item.second:.3f}", f"{item.apart.value:+.3f}", *more)
    for letter, name in zip("AB", names, strict=True):
        console.print(Text(f"{letter}: {printable(' '.join(name.split()))[:200]}"))
    console.print(table)
    if of_groups:
        named = sum(bool(item.named) for item in found)
        console.print(
            Text(f"* {named} of {len(found)} differences are more than chance explains (false discovery rate 5 %).")
        )


__all__ = ["compare"]
