"""A file of texts as a source of rows: what it holds, found in one pass before any text is read, and its rows.

Notable: the pass finds what a long run needs before it begins: that the file is whole, its hash, how many rows it has,
and the types of its columns. Neither it nor the rows keep more than one row in memory (`formats.tables`). In a .txt
file each line that is not blank is a row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from ..configuration.errors import DataError
from ..configuration.labels import closest
from ..formats.lines import Line, text_lines
from ..formats.tables import READERS, check_row, columns_of, ending, read_table
from ..storage.files import file_sum
from .columns import arrow

# What the values of a column are: one type of JSON, several of them, or an Arrow type.
Kept = Literal["flag", "integer", "number", "text", "mixed"]

LINES = ".txt"
ENDINGS = (LINES, *READERS)
_LARGEST = 2**63


@dataclass(frozen=True)
class Source:
    """A file of texts.

    Attributes:
        path: The file.
        column: Name of the column with the texts.
        sha256: Hash of its bytes.
        rows: How many rows it has, unreadable ones included.
        kept: Type of each column, in the order of the file: a word of `Kept`, or an Arrow type.
    """

    path: Path
    column: str
    sha256: str
    rows: int
    kept: Mapping[str, Any]

    def read(self, start: int, size: int) -> Iterator[list[tuple[dict[str, Any], str]]]:
        """Read rows, each with what is wrong with it ("" for nothing).

        Args:
            start: The first row to give.
            size: Rows of a batch.

        Yields:
            Batches of rows. A row that cannot be read has its line, where it has one, in place of its text.
        """
        lines = islice(_lines(self.path, self.column), start, None)
        while batch := list(islice(lines, size)):
            yield [self._row(line) for line in batch]

    def _row(self, line: Line) -> tuple[dict[str, Any], str]:
        problem = _problem(line, self.column)
        return _cells(line, self.column), f"{line.where} {problem}" if problem else ""


def scan(path: Path, column: str) -> Source:
    """Look through a file.

    Args:
        path: A file that ends in one of `ENDINGS`.
        column: Name of the column with the texts.

    Returns:
        What it holds.

    Raises:
        DataError: For another ending, a file that is not whole, has no rows, or no column of this name.
    """
    if ending(path) not in ENDINGS:
        raise DataError(f"{path} ends in {path.suffix!r}; give a file of {', '.join(ENDINGS)}.")
    named = None if ending(path) == LINES else columns_of(path)
    if named is not None and column not in named:
        raise DataError(f"{path} has no column {column!r}; {closest(column, named)}")
    kept: dict[str, Any] = _stored_types(path, named)
    rows = readable = 0
    for line in _lines(path, column):
        rows += 1
        readable += not _problem(line, column)
        for name, value in _cells(line, column).items() if ending(path) in (".json", ".jsonl", LINES) else ():
            kept[name] = _merged(kept.get(name), value)
    if not rows:
        raise DataError(f"{path} has no rows; there is nothing to read.")
    if not readable:
        first = next(iter(_lines(path, column)))
        raise DataError(f"No row of {path} can be read. {first.where} {_problem(first, column)}")
    return Source(path, column, file_sum(path), rows, {name: kind or "text" for name, kind in kept.items()})


def _stored_types(path: Path, named: list[str] | None) -> dict[str, Any]:
    if ending(path) == ".parquet":
        import pyarrow.parquet as pq

        schema = pq.read_schema(path)
        return {name: schema.field(name).type for name in named or ()}
    return dict.fromkeys(named or (), "text")


def _lines(path: Path, column: str) -> Iterator[Line]:
    if ending(path) != LINES:
        yield from read_table(path, label_names=False)
        return
    for line in text_lines(path):
        yield Line(line.where, {column: line.row}, line.problem, line.raw)


def _cells(line: Line, column: str) -> dict[str, Any]:
    row = line.row if isinstance(line.row, Mapping) else {column: line.raw or None}
    return {str(name): value for name, value in row.items()}


def _problem(line: Line, column: str) -> str:
    if line.problem:
        return line.problem
    try:
        row = check_row(line.row)
    except ValueError as error:
        return str(error)
    return "" if column in row else f"has no column {column!r}; {closest(column, map(str, row))}"


def _merged(kind: Kept | None, value: Any) -> Kept | None:
    """The type of a column that has been ``kind`` and now has ``value``; None while all values were null."""
    found = _kind(value)
    if found is None or kind in (found, "mixed"):
        return kind
    return found if kind is None else "number" if {kind, found} == {"integer", "number"} else "mixed"


def _kind(value: Any) -> Kept | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int):
        return "integer" if -_LARGEST <= value < _LARGEST else "mixed"
    return "number" if isinstance(value, float) else "text" if isinstance(value, str) else "mixed"


def arrow_type(kind: Any) -> Any:
    """The Arrow type of a column of `Source.kept`."""
    pa = arrow()
    types = {"flag": pa.bool_(), "integer": pa.int64(), "number": pa.float64(), "text": pa.string()}
    return types.get(kind, pa.string()) if isinstance(kind, str) else kind


__all__ = ["ENDINGS", "Kept", "Source", "arrow_type", "scan"]
