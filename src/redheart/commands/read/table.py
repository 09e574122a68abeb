"""`redheart analyze --to`: a file of texts becomes a table of readings, with progress on standard error."""

import sys
from pathlib import Path
from typing import Any

import typer
from tqdm import tqdm

from ...batch import Reader
from ...batch.tables import read_file
from ..errors import print_error

_LARGE = 10**8  # bytes of a file that takes more than a few seconds to look through


def write_table(file: Path, to: Path, reader: Reader, overwrite: bool) -> bool:
    """Read a file into a table, and say on standard error how far it is and what was done.

    Args:
        file: The file of texts.
        to: The table.
        reader: Reads the texts.
        overwrite: Begin again, and replace a table that is there.

    Returns:
        Whether every text was read.
    """
    bar: Any = None
    if (size := file.stat().st_size) >= _LARGE:
        typer.echo(f"Looking through {file} ({size / 1e9:.1f} GB) before the first text is read.", err=True)

    def report(done: int, rows: int) -> None:
        nonlocal bar
        if bar is None:  # a log gets a line now and then, a terminal one that moves
            every = 0.5 if sys.stderr.isatty() else 30.0
            bar = tqdm(total=rows, initial=done, unit=" rows", mininterval=every, file=sys.stderr, dynamic_ncols=True)
        bar.update(done - bar.n)

    try:
        summary = read_file(file, to, reader, overwrite, report)
    finally:
        if bar is not None:
            bar.close()
    before = f" {summary.resumed:,} of them had been read before." if summary.resumed else ""
    typer.echo(f"{summary.rows:,} rows in {to}.{before}", err=True)
    if summary.errors:
        print_error(f'{summary.errors:,} of the texts could not be read; the column "error" says why.')
    return not summary.errors


__all__ = ["write_table"]
