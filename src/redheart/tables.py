"""Files of rows: .jsonl, .json, .csv, .tsv and .parquet, one row at a time.

Notable: a row that cannot be read has what is wrong with it in its place, and the rows after it come all the same;
whoever reads decides whether that ends the work (training) or is answered in its place (`redheart analyze`). Only what
is wrong with a file as a whole is raised. Only a `.json` array is read as a whole.
"""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .strict_json import parse_json
from .training.examples import DataError

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Of one cell, in characters; Python's own limit, 131,072, is below what a long text has.
_LONGEST_CELL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a file, or what is wrong with it.

    where: the file and the place in it. row: what stands there; a mapping, if it is as it should be (`check_row`).
    problem: goes on after ``where``; empty where the row could be read. raw: the line itself, of a file that has lines.
    """

    where: str
    row: Any = None
    problem: str = ""
    raw: str = ""


def check_row(row: Any) -> Mapping[str, Any]:
    """Return ``row`` if it is a mapping of columns. Raises `ValueError`, whose words go on after what names the row."""
    if not isinstance(row, Mapping):
        raise ValueError(f"must be a mapping of columns, got {row!r:.80}; in a file, write a JSON object for each row.")
    return row


def decode(data: bytes) -> tuple[str, str]:
    """The text of UTF-8 bytes, and what is wrong with them, empty where nothing is: goes on after what names them."""
    data = data.removeprefix(_BOM)
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        at = f"byte 0x{data[error.start]:02x} at position {error.start}"
        return data.decode("utf-8", errors="replace"), f"is not UTF-8 ({at}); convert it to UTF-8."


def byte_lines(stream: IO[bytes], source: str) -> Iterator[tuple[int, bytes]]:
    """The lines of ``stream``, counted from 1, as they come, with their ends: LF, CR LF or CR.

    source: what the stream is called. Raises `DataError` for UTF-16, whose lines end otherwise.
    """
    number = 0
    for chunk in stream:
        if number == 0 and chunk.startswith(_UTF16) and b"\0" in chunk:
            raise DataError(f"{source} is UTF-16, which is not UTF-8; save it as UTF-8.")
        for line in chunk.splitlines(keepends=True):
            number += 1
            yield number, line


def _json_lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as stream:
        for number, data in byte_lines(stream, str(path)):
            text, problem = decode(data.rstrip(b"\r\n"))
            where, row = f"{path}, line {number}", None
            if not problem and not text.strip():
                continue
            try:
                row = None if problem else parse_json(text)
            except ValueError as error:
                array = number == 1 and text.startswith("[")
                problem = f"{error}{' A file that is one JSON array must end in .json.' if array else ''}"
            yield Line(where, row, problem, text)


def _json(path: Path) -> Iterator[Line]:
    text, problem = decode(path.read_bytes())
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
    """The lines of a CSV file for a reader that takes as many as a row has; those it took can be given back."""

    def __init__(self, lines: Iterator[tuple[int, bytes]]) -> None:
        self.lines, self.waiting = lines, deque[tuple[int, bytes]]()
        self.taken: list[tuple[int, bytes]] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        number, data = self.waiting.popleft() if self.waiting else next(self.lines)
        self.taken.append((number, data))
        return data.removeprefix(_BOM if number == 1 else b"").decode("utf-8", errors="surrogateescape")

    def give_back(self) -> None:
        """All that was taken but the first line: a quote that is never closed has swallowed them."""
        self.waiting.extendleft(reversed(self.taken[1:]))

    def problem(self) -> str:
        """What is wrong with the bytes that were taken."""
        return next((wrong for _, data in self.taken if (wrong := decode(data)[1])), "")

    def raw(self) -> str:
        """What was taken, as it stands."""
        return "".join(decode(data)[0] for _, data in self.taken).rstrip("\r\n")


def _next_cells(reader: Any) -> list[str] | None:
    """The cells of the next row; None after the last one."""
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        cells: list[str] | None = next(reader, None)
    finally:
        csv.field_size_limit(before)
    return cells


def _csv_header(path: Path, reader: Any, lines: _CsvLines) -> list[str]:
    try:
        header = _next_cells(reader)
    except csv.Error as error:
        raise DataError(f"{path}, line 1 cannot be read: {error}.") from error
    if not header:
        raise DataError(f"{path} is empty; its first line must name the columns.")
    if problem := lines.problem():
        raise DataError(f"{path}, line 1 {problem}")
    _check_names(path, header)
    return header


def _check_names(path: Path, names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{path} names the columns {twice} twice in its first line.")


def _csv(path: Path, delimiter: str) -> Iterator[Line]:
    with path.open("rb") as stream:
        lines = _CsvLines(byte_lines(stream, str(path)))
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        header, number = _csv_header(path, reader, lines), 0
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
            if cells:
                yield _csv_row(path, number, header, cells, lines, delimiter)
                number += 1


def _csv_row(path: Path, number: int, header: list[str], cells: list[str], lines: _CsvLines, delimiter: str) -> Line:
    where, problem = f"{path}, row {number} (line {lines.taken[-1][0]})", lines.problem()
    if not problem and len(cells) != len(header):
        problem = (
            f"has {len(cells)} cells, and the first line names {len(header)} columns. "
            f"Put texts that hold {delimiter!r} in quotes."
        )
    row = None if problem else dict(zip(header, cells, strict=True))
    return Line(where, row, problem, lines.raw() if problem else "")


def _parquet_file(path: Path) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError("Reading parquet needs pyarrow: pip install 'redheart[train]'.") from error
    try:
        return pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is not a whole parquet file ({error}). Copy it again.") from error


def _parquet(path: Path) -> Iterator[Line]:
    with _parquet_file(path) as file:
        _check_names(path, file.schema_arrow.names)
        number = 0
        try:
            for batch in file.iter_batches():
                for row, problem in _batch_rows(batch):
                    yield Line(f"{path}, row {number}", row, problem)
                    number += 1
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is not a whole parquet file ({error}). Copy it again.") from error


def _batch_rows(batch: Any) -> Iterator[tuple[Any, str]]:
    """Each row, and what is wrong with it."""
    try:
        yield from ((row, "") for row in batch.to_pylist())
    except (ValueError, OverflowError) as error:  # a time that Python has not, for example
        if batch.num_rows == 1:
            yield None, f"has a value that cannot be read: {error}."
            return
        for place in range(batch.num_rows):
            yield from _batch_rows(batch.slice(place, 1))


READERS: dict[str, Callable[[Path], Iterable[Line]]] = {
    ".jsonl": _json_lines,
    ".json": _json,
    ".csv": lambda path: _csv(path, ","),
    ".tsv": lambda path: _csv(path, "\t"),
    ".parquet": _parquet,
}


def ending(path: Path) -> str:
    """The ending of a file's name, in small letters."""
    return path.suffix.lower()


def read_table(path: Path) -> Iterator[Line]:
    """The rows of a file that ends in one of `READERS`.

    Raises `DataError` for what is wrong with all of it (another ending, no header, half a file).
    """
    if ending(path) not in READERS:
        raise DataError(f"{path} must end in one of {', '.join(READERS)}, got {path.suffix or 'no ending'!r}.")
    yield from READERS[ending(path)](path)


def columns_of(path: Path) -> list[str] | None:
    """The names of the columns of a file that names them once; None where each row has its own. Raises `DataError`."""
    if ending(path) == ".parquet":
        with _parquet_file(path) as file:
            return list(file.schema_arrow.names)
    if ending(path) not in (".csv", ".tsv"):
        return None
    with path.open("rb") as stream:
        lines = _CsvLines(byte_lines(stream, str(path)))
        delimiter = "," if ending(path) == ".csv" else "\t"
        return _csv_header(path, csv.reader(lines, delimiter=delimiter, strict=True), lines)


__all__ = ["READERS", "Line", "byte_lines", "check_row", "columns_of", "decode", "ending", "read_table"]
