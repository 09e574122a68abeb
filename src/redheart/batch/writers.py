"""Parts of a table, and the table of all parts: .csv, .jsonl and .parquet.

Notable: a part is a file of the format, and joining parts reads one at a time. Numbers of readings have the seven
digits that their 32 bits hold. What is not valid Unicode in a text (half a character) is kept as an escape.
"""

import csv
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..configuration.errors import DataError
from ..formats.strict_json import as_json, json_line
from .columns import ColumnType, arrow, arrow_types, kept_name
from .source import arrow_type

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Writer(ABC):
    """Writes parts of a table, and joins them.

    Attributes:
        kept: Type of each column of the input (`source.Source.kept`).
        added: Type of each new column.
    """

    kept: Mapping[str, Any]
    added: Mapping[str, ColumnType]

    def names(self) -> list[str]:
        """Names of all columns, in their order."""
        return [*(kept_name(name, self.added) for name in self.kept), *self.added]

    @abstractmethod
    def write(self, path: Path, rows: Sequence[Row], values: Mapping[str, Sequence[Any]]) -> None:
        """Write a part.

        Args:
            path: File of the part.
            rows: Rows of the input.
            values: Values of the new columns.
        """

    @abstractmethod
    def join(self, parts: Sequence[Path], path: Path) -> None:
        """Write the table of all parts.

        Args:
            parts: Files of the parts, in order.
            path: File of the table.
        """

    def _new_cells(self, values: Mapping[str, Sequence[Any]]) -> list[list[Any]]:
        """The new cells of each row, as JSON and CSV hold them."""
        columns = [[_rounded(value) for value in values[name]] for name in self.added]
        return [list(cells) for cells in zip(*columns, strict=True)]


class JsonLines(Writer):
    """One JSON object per row; a row has the columns that it had, and all new ones."""

    def write(self, path: Path, rows: Sequence[Row], values: Mapping[str, Sequence[Any]]) -> None:
        """Write a part; see `Writer`."""
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for row, cells in zip(rows, self._new_cells(values), strict=True):
                kept = {kept_name(name, self.added): as_json(value) for name, value in row.items()}
                file.write(json_line({**kept, **dict(zip(self.added, cells, strict=True))}) + "\n")

    def join(self, parts: Sequence[Path], path: Path) -> None:
        """Write the table of all parts; see `Writer`."""
        with path.open("wb") as file:
            _append(parts, file)


class Csv(Writer):
    """A line of names, and one line per row; null is an empty cell, and lists are JSON."""

    def write(self, path: Path, rows: Sequence[Row], values: Mapping[str, Sequence[Any]]) -> None:
        """Write a part, which has no line of names; see `Writer`."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            for row, cells in zip(rows, self._new_cells(values), strict=True):
                writer.writerow([_cell(value) for value in (*(row.get(name) for name in self.kept), *cells)])

    def join(self, parts: Sequence[Path], path: Path) -> None:
        """Write the table of all parts; see `Writer`."""
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow([_cell(name) for name in self.names()])
        with path.open("ab") as file:
            _append(parts, file)


class Parquet(Writer):
    """Columns with their types; one of several types of JSON is a text of JSON."""

    def schema(self) -> Any:
        """The Arrow schema of the table."""
        types = arrow_types()
        given = [arrow_type(kind) for kind in self.kept.values()]
        new = [types[kind] for kind in self.added.values()]
        return arrow().schema(list(zip(self.names(), [*given, *new], strict=True)))

    def write(self, path: Path, rows: Sequence[Row], values: Mapping[str, Sequence[Any]]) -> None:
        """Write a part; see `Writer`. A value that its column cannot hold raises `DataError`."""
        pa = arrow()
        import pyarrow.parquet as pq

        arrays, schema = [], self.schema()
        for field, (name, kind) in zip(schema, self.kept.items(), strict=False):
            cells = [_of_kind(row.get(name), kind) for row in rows]
            try:
                arrays.append(pa.array(cells, field.type))
            except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
                raise DataError(f"The column {name!r} cannot be kept ({error}); leave it out of the file.") from error
        arrays += [pa.array(values[name], schema.field(name).type) for name in self.added]
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd")

    def join(self, parts: Sequence[Path], path: Path) -> None:
        """Write the table of all parts; see `Writer`."""
        arrow()
        import pyarrow.parquet as pq

        with pq.ParquetWriter(path, self.schema(), compression="zstd") as writer:
            for part in parts:
                writer.write_table(pq.read_table(part, partitioning=None))


WRITERS: dict[str, type[Writer]] = {".csv": Csv, ".jsonl": JsonLines, ".parquet": Parquet}


def _append(parts: Iterable[Path], file: Any) -> None:
    for part in parts:
        with part.open("rb") as stream:
            shutil.copyfileobj(stream, file)


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _of_kind(value: Any, kind: Any) -> Any:
    """A value of the input as a column of this type of JSON holds it; an Arrow type takes it as it is."""
    if value is None or not isinstance(kind, str):
        return value
    if kind == "mixed":
        return json_line(as_json(value))
    return float(value) if kind == "number" else _unicode(value) if kind == "text" else value


def _unicode(value: Any) -> str:
    text = value if isinstance(value, str) else json_line(as_json(value))
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _cell(value: Any) -> str:
    plain = as_json(value)
    if plain is None:
        return ""
    return _unicode(plain) if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


__all__ = ["WRITERS", "Writer"]
