"""Rows of files (.jsonl, .json, .csv, .tsv, .parquet) and of tables in memory (`datasets`, pandas, polars, pyarrow).

Notable: rows are read one at a time, except those of a `.json` array, and none of more than 16 MiB, so that a file of
any size takes little memory. A row that cannot be read gives its problem, and the rows after it are still read:
training stops there, `redheart analyze` reports it. Only a problem of the whole file is raised. A label that is stored
as a number with a name (`datasets.ClassLabel`) is given as its name.
"""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..configuration.errors import DataError
from ..configuration.extras import missing
from .label_names import names_of, stored_names, with_names
from .lines import BOM, LONGEST_ROW, Line, byte_lines, decode, text_lines
from .strict_json import parse_json

# Most bytes of a .json array, which is read as a whole and takes some ten times as much memory.
_LARGEST_ARRAY = 2**29
# Most characters of a cell; Python's own limit, 131,072, is too small for long texts.
_LONGEST_CELL = 2**31 - 1
# The start of pandas' name for the column of an unnamed index.
_INDEX = "__index_level_"
# Formats of `datasets` in which a row is not plain Python.
_FORMATS = ("arrow", "jax", "numpy", "pandas", "polars", "tensorflow", "torch")


def check_row(row: Any) -> Mapping[str, Any]:
    """Return ``row`` if it is a mapping of columns; the message of the `ValueError` continues after the row's place."""
    if not isinstance(row, Mapping):
        raise ValueError(f"must be a mapping of columns, got {row!r:.80}; in a file, write a JSON object for each row.")
    return row


def _json_lines(path: Path) -> Iterator[Line]:
    for number, line in enumerate(text_lines(path)):
        row, problem = None, line.problem
        try:
            row = None if problem else parse_json(line.raw)
        except ValueError as error:
            array = number == 0 and line.raw.startswith("[")
            problem = f"{error}{' A file that is one JSON array must end in .json.' if array else ''}"
        yield Line(line.where, row, problem, line.raw)


def _json(path: Path) -> Iterator[Line]:
    if (size := path.stat().st_size) > _LARGEST_ARRAY:
        raise DataError(
            f"{path} has {size:,} bytes, and an array is read as a whole: at most {_LARGEST_ARRAY:,}. Write one JSON "
            "object in each line, in a file that ends in .jsonl; such a file can have any size."
        )
    text, problem = decode(path.read_bytes(), _LARGEST_ARRAY)
    if problem:
        raise DataError(f"{path} {problem}")
    try:
        rows = parse_json(text)
    except ValueError as error:
        hint = " A file with one JSON object in each line must end in .jsonl." if "Extra data" in str(error) else ""
        raise DataError(f"{path} {error}{hint}") from error
    if not isinstance(rows, list):
        raise DataError(f"{path} must hold one JSON array of rows, got {type(rows).__name__}.")
    for number, row in enumerate(rows):
        yield Line(f"{path}, row {number}", row)


class _CsvLines:
    """The lines of a CSV file for a reader that takes all lines of a row; lines that it took can be given back."""

    def __init__(self, lines: Iterator[tuple[int, bytes]]) -> None:
        self.lines, self.waiting = lines, deque[tuple[int, bytes]]()
        self.taken: list[tuple[int, bytes]] = []
        self.size = 0  # bytes of the lines that were taken

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        number, data = self.waiting.popleft() if self.waiting else next(self.lines)
        self.taken.append((number, data))
        self.size = len(data) + (self.size if len(self.taken) > 1 else 0)
        if self.size > LONGEST_ROW:
            raise csv.Error(f"the row has more than {LONGEST_ROW:,} bytes, as where a quote is never closed")
        return data.removeprefix(BOM if number == 1 else b"").decode("utf-8", errors="surrogateescape")

    def give_back(self) -> None:
        """Give back all lines but the first: they follow a quote that is never closed."""
        self.waiting.extendleft(reversed(self.taken[1:]))

    def problem(self) -> str:
        """What is wrong with the bytes of the lines that were taken; empty if nothing is."""
        return next((wrong for _, data in self.taken if (wrong := decode(data)[1])), "")

    def raw(self) -> str:
        """The text of the lines that were taken, as it is in the file."""
        return "".join(decode(data)[0] for _, data in self.taken).rstrip("\r\n")


def _next_cells(reader: Any) -> list[str] | None:
    """The cells of the next row; None after the last one."""
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        cells: list[str] | None = next(reader, None)
    finally:
        csv.field_size_limit(before)
    return cells


def _csv_header(path: Path, reader: Any, lines: _CsvLines, delimiter: str) -> list[str]:
    try:
        header = _next_cells(reader)
    except csv.Error as error:
        raise DataError(f"{path}, line 1 cannot be read: {error}.") from error
    if not header:
        blank = any(data.endswith((b"\n", b"\r")) for _, data in lines.taken)
        what = "begins with a blank line, which" if blank else "is empty; its first line"
        raise DataError(f"{path} {what} must name the columns.")
    if problem := lines.problem():
        raise DataError(f"{path}, line 1 {problem}")
    _check_names(str(path), header)
    others = [mark for mark in (",", ";", "\t") if mark != delimiter and len(header) == 1 and mark in header[0]]
    if others:
        raise DataError(
            f"The first line of {path} has {others[0]!r} between its columns, and a file that ends in {path.suffix} "
            f"must have {delimiter!r}. Save it in that form{', or as .tsv' if others[0] == chr(9) else ''}."
        )
    return header


def _check_names(source: str, names: list[Any]) -> None:
    if repeated := sorted({str(name) for name in names if names.count(name) > 1}):
        raise DataError(f"{source} names the columns {repeated} twice; give each a different name.")


def _csv(path: Path, delimiter: str) -> Iterator[Line]:
    with path.open("rb") as stream:
        lines = _CsvLines(byte_lines(stream, str(path)))
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        header, number = _csv_header(path, reader, lines, delimiter), 0
        while True:
            lines.taken = []
            try:
                cells = _next_cells(reader)
            except csv.Error as error:
                lines.give_back()
                lines.taken = lines.taken[:1]
                yield Line(f"{path}, line {lines.taken[0][0]}", None, f"cannot be read: {error}.", lines.raw())
                number += 1
                continue
            if cells is None:
                return
            if _has_content(cells, lines):
                yield _csv_row(path, number, header, cells, lines, delimiter)
                number += 1


def _has_content(cells: list[str], lines: _CsvLines) -> bool:
    """Whether a line is not blank, nor only commas as spreadsheets leave them; an empty text alone is in quotes."""
    return any(cell.strip() for cell in cells) or (len(cells) == 1 and bool(lines.raw().strip()))


def _csv_row(path: Path, number: int, header: list[str], cells: list[str], lines: _CsvLines, delimiter: str) -> Line:
    where, problem = f"{path}, row {number} (line {lines.taken[-1][0]})", lines.problem()
    if not problem and len(cells) != len(header):
        problem = (
            f"has {len(cells)} cells, and the first line names {len(header)} columns. "
            f"Put texts that hold {delimiter!r} in quotes."
        )
    row = None if problem else dict(zip(header, cells, strict=True))
    return Line(where, row, problem, lines.raw() if problem else "")


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise missing("Reading tables needs pyarrow", "train") from error
    return pyarrow


def _parquet_file(path: Path) -> Any:
    pa = _arrow()
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is not a whole parquet file ({error}). Copy it again.") from error


def _parquet(path: Path, label_names: bool = True) -> Iterator[Line]:
    with _parquet_file(path) as file:
        _check_names(str(path), file.schema_arrow.names)
        try:
            yield from _arrow_lines(str(path), file.iter_batches(), file.schema_arrow, label_names)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is not a whole parquet file ({error}). Copy it again.") from error


def _arrow_lines(name: str, batches: Iterable[Any], schema: Any, label_names: bool) -> Iterator[Line]:
    """The rows of Arrow batches, without the index of a data frame."""
    names = stored_names(schema) if label_names else {}
    indices = [column for column in schema.names if column.startswith(_INDEX)]
    rows = (found for batch in batches for found in _batch_rows(batch))
    for number, (row, problem) in enumerate(rows):
        for column in () if row is None else indices:
            del row[column]
        yield _line(f"{name}, row {number}", row, problem, names)


def _line(where: str, row: Any, problem: str, names: Mapping[str, Sequence[str]]) -> Line:
    """A row with the names of its labels."""
    try:
        return Line(where, row if problem else with_names(row, names), problem)
    except ValueError as error:
        return Line(where, None, str(error))


def _batch_rows(batch: Any) -> Iterator[tuple[Any, str]]:
    """Each row, and what is wrong with it."""
    try:
        yield from ((row, "") for row in batch.to_pylist())
    except (ValueError, OverflowError) as error:  # such as a time that Python cannot represent
        if batch.num_rows == 1:
            columns = zip(batch.schema.names, batch.columns, strict=True)
            column = next(name for name, values in columns if _fails(values))
            yield None, f"has a value in the column {column!r} that cannot be read: {error}. Write it there as a text."
            return
        for place in range(batch.num_rows):
            yield from _batch_rows(batch.slice(place, 1))


def _fails(values: Any) -> bool:
    """Whether a column of Arrow has a value that Python cannot represent."""
    try:
        values.to_pylist()
    except (ValueError, OverflowError):
        return True
    return False


READERS: dict[str, Callable[..., Iterable[Line]]] = {
    ".jsonl": _json_lines,
    ".json": _json,
    ".csv": lambda path: _csv(path, ","),
    ".tsv": lambda path: _csv(path, "\t"),
    ".parquet": _parquet,
}


def ending(path: Path) -> str:
    """The ending of a file's name, in lower case."""
    return path.suffix.lower()


def check_ending(path: Path) -> Path:
    """Return ``path`` if it ends in one of `READERS`; raise `DataError` otherwise."""
    if ending(path) not in READERS:
        raise DataError(f"{path} must end in one of {', '.join(READERS)}, got {path.suffix or 'no ending'!r}.")
    return path


def read_table(path: Path, label_names: bool = True) -> Iterator[Line]:
    """Read the rows of a file.

    Args:
        path: A file that ends in one of `READERS`.
        label_names: False leaves labels as the numbers that they are.

    Yields:
        Each row, or what is wrong with it.

    Raises:
        DataError: For a problem of the whole file (another ending, no header, half a file).
    """
    kind = ending(check_ending(path))
    yield from _parquet(path, label_names) if kind == ".parquet" else READERS[kind](path)


def is_table(source: Any) -> bool:
    """Whether ``source`` is a table in memory: a data set of `datasets`, or an object with an Arrow stream."""
    return _features(source) is not None or hasattr(source, "__arrow_c_stream__")


def _features(source: Any) -> Mapping[str, Any] | None:
    """The features of a data set of `datasets`, as plain data; a table may have a column of that name."""
    known: Any = getattr(source, "features", None) if hasattr(type(source), "features") else None
    return known.to_dict() if hasattr(known, "to_dict") else None


def memory_table(source: Any, name: str, label_names: bool = True) -> Iterator[Line]:
    """Read the rows of a table in memory.

    Args:
        source: A table (`is_table`).
        name: Name of the table, for messages.
        label_names: As in `read_table`.

    Yields:
        Each row as plain Python, or what is wrong with it.

    Raises:
        DataError: For a problem of the whole table.
    """
    features = _features(source)
    if features is not None:
        names = names_of(features) if label_names else {}
        if (getattr(source, "format", None) or {}).get("type") in _FORMATS:
            source = source.with_format(None)
        for number, row in enumerate(source):
            yield _line(f"{name}, row {number}", row, "", names)
        return
    try:  # what Arrow raises, and pandas on the way to it
        reader = _arrow().RecordBatchReader.from_stream(source)
    except (ValueError, TypeError, OverflowError, NotImplementedError) as error:
        yield from _frame_lines(source, name, error)
        return
    _check_names(name, reader.schema.names)
    yield from _arrow_lines(name, reader, reader.schema, label_names)


def _frame_lines(frame: Any, name: str, error: Exception) -> Iterator[Line]:
    """The rows of a data frame with half a character or mixed types, which Arrow refuses with ``error``."""
    if not hasattr(frame, "itertuples"):
        raise DataError(f"{name} cannot be read as a table ({error}). Give each column one kind of value.") from error
    columns = [str(column) for column in frame.columns]
    _check_names(name, columns)
    for number, values in enumerate(frame.itertuples(index=False, name=None)):
        yield Line(f"{name}, row {number}", dict(zip(columns, values, strict=True)))


def columns_of(path: Path) -> list[str] | None:
    """The columns that a file names once; None if each row has its own, and for a pipe; may raise `DataError`."""
    if path.exists() and not path.is_file():
        return None
    if ending(path) == ".parquet":
        with _parquet_file(path) as file:
            return [name for name in file.schema_arrow.names if not name.startswith(_INDEX)]
    if ending(path) not in (".csv", ".tsv"):
        return None
    with path.open("rb") as stream:
        lines = _CsvLines(byte_lines(stream, str(path)))
        delimiter = "," if ending(path) == ".csv" else "\t"
        return _csv_header(path, csv.reader(lines, delimiter=delimiter, strict=True), lines, delimiter)


__all__ = [
    "READERS",
    "check_ending",
    "check_row",
    "columns_of",
    "ending",
    "is_table",
    "memory_table",
    "read_table",
]
