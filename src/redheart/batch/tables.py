"""From a file of texts to a file of readings, of any size.

Notable: memory holds the rows of one part. The table appears when all rows are in it; until then they are in parts
beside it, from which a run that was killed goes on (`parts`).
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..configuration.errors import InputError
from ..configuration.shipped import checkpoint_path
from ..formats.tables import ending
from ..storage.files import sum_lines, whole_file
from ..version import __version__
from .columns import ERROR
from .parts import Parts
from .reader import Reader
from .source import Source, scan
from .writers import WRITERS, Writer

# A part ends with so many rows, or after so many seconds: a kill costs no more than that.
PART_ROWS, PART_SECONDS = 2048, 20.0
# Rows that the reader gets at once, in batches of its own size.
CHUNK_BATCHES = 4

# Takes the rows that are done, and how many there are.
Report = Callable[[int, int], Any]


@dataclass(frozen=True)
class Summary:
    """What a run has written.

    Attributes:
        rows: Rows of the table.
        errors: Rows with an error.
        resumed: Rows that an earlier run had read.
    """

    rows: int
    errors: int
    resumed: int


def check_table(file: Path, to: Path) -> Path:
    """Return ``to`` if a table can be written there.

    Args:
        file: The file of texts.
        to: The file of the readings.

    Returns:
        ``to``.

    Raises:
        InputError: For another ending, a folder, a missing folder, and the file of texts itself.
    """
    if ending(to) not in WRITERS:
        raise InputError(f"{to} ends in {to.suffix!r}; give a file of {', '.join(WRITERS)}.")
    if to.is_dir():
        raise InputError(f"{to} is a folder; name a file.")
    if not to.absolute().parent.is_dir():
        raise InputError(f"{to.parent} is not a folder; create it, or name another folder.")
    if to.exists() and to.samefile(file):
        raise InputError(f"{to} is the file of the texts; name another one.")
    return to


def read_file(file: Path, to: Path, reader: Reader, overwrite: bool = False, report: Report | None = None) -> Summary:
    """Read the texts of a file and write a table: its rows in order, their columns, and those of the readings.

    Args:
        file: A .csv, .tsv, .jsonl, .json or .parquet file, or a .txt file with one text per line.
        to: A .csv, .jsonl or .parquet file.
        reader: Reads the texts of its column.
        overwrite: Begin again, and replace a table that is there.
        report: Called after each batch.

    Returns:
        How many rows there are, and how many of them have an error.

    Raises:
        DataError: For a file that is not whole, has no rows or not the column (`source.scan`).
        InputError: As `check_table` and `Parts.claimed`.
    """
    check_table(file, to)
    source, parts = scan(file, reader.column), Parts(to)
    with parts.claimed(_made_from(source, reader), overwrite):
        writer = WRITERS[ending(to)](source.kept, reader.types())
        resumed, _ = parts.done()
        _write_parts(source, parts, writer, reader, report or (lambda done, rows: None))
        with whole_file(to) as partial:
            writer.join(parts.whole(), partial)
        rows, errors = parts.done()
    parts.remove()
    return Summary(rows, errors, resumed)


def _write_parts(source: Source, parts: Parts, writer: Writer, reader: Reader, report: Report) -> None:
    start, _ = parts.done()
    report(start, source.rows)
    rows: list[dict[str, Any]] = []
    values: dict[str, list[Any]] = {name: [] for name in writer.added}
    began = time.monotonic()

    def close() -> None:
        nonlocal start, began
        errors = sum(error is not None for error in values[ERROR])
        with parts.new(start, start + len(rows), errors) as path:
            writer.write(path, rows, values)
        start, began = start + len(rows), time.monotonic()
        for kept in (rows, *values.values()):
            kept.clear()

    for batch in source.read(start, reader.batch_size * CHUNK_BATCHES):
        for name, column in _read(batch, reader).items():
            values[name] += column
        rows += [row for row, _ in batch]
        report(start + len(rows), source.rows)
        if len(rows) >= PART_ROWS or time.monotonic() - began >= PART_SECONDS:
            close()
    if rows:
        close()


def _read(batch: list[tuple[dict[str, Any], str]], reader: Reader) -> dict[str, list[Any]]:
    """The values of the new columns; a row that could not be read has its problem as its error."""
    values = reader.read([None if problem else row.get(reader.column) for row, problem in batch])
    values[ERROR] = [problem or error for (_, problem), error in zip(batch, values[ERROR], strict=True)]
    return values


def _made_from(source: Source, reader: Reader) -> dict[str, Any]:
    """What decides what is in the table."""
    return {
        "input": f"{source.path.name}, sha256 {source.sha256}",
        "column": source.column,
        "model": f"{reader.model}, {_identity(reader)}",
        "options": reader.options(),
        "version of redheart": __version__,
    }


def _identity(reader: Reader) -> str:
    """The hash of the files of the folder of the reader's model, or the commit of one on the Hub."""
    folder = Path(checkpoint_path(reader.model))
    if not folder.is_dir():
        return f"commit {getattr(reader.pipeline().model.config, '_commit_hash', None)}"
    sums = sum_lines(sorted(path for path in folder.iterdir() if path.is_file()))
    return f"sha256 {hashlib.sha256(sums.encode()).hexdigest()}"


__all__ = ["CHUNK_BATCHES", "PART_ROWS", "PART_SECONDS", "Summary", "check_table", "read_file"]
