"""Reads rows from wherever they are: a file, a folder of splits, the hub, `datasets`, a list.

Notable: files are read row by row each time one iterates, so that one larger than memory can be streamed; only a
`.json` array is read as a whole. What a row must hold is in `schema`; here it is any mapping.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..configuration.labels import closest
from .column_map import IN_PYTHON, ColumnMap, ColumnNames, Row
from .columns import is_missing
from .examples import DataError
from .tables import is_table, parquet_rows, table_rows

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_LONGEST_CELL = 2**31 - 1  # of a CSV file; the default of 131,072 characters is less than a long post


class Rows:
    """Rows that can be gone through again and again, if the source allows it.

    name: where they are from. columns: new names and values. `option` is what a person writes such a map with.
    """

    def __init__(
        self, name: str, source: Callable[[], Iterable[Any]], columns: ColumnMap | ColumnNames | None = None
    ) -> None:
        self.name, self.source = name, source
        self.columns = columns if isinstance(columns, ColumnMap) else ColumnMap(columns)
        self.option = self.columns.option

    def __iter__(self) -> Iterator[Row]:
        return self.columns.rows(self._checked(), self.name)

    def _checked(self) -> Iterator[tuple[int, Row]]:
        for number, row in enumerate(self.source()):
            if not isinstance(row, Mapping):
                raise DataError(f"{self.name}, row {number} must be a mapping of columns, got {row!r:.80}.")
            yield number, row


def text_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, with their ends. Raises `DataError` for one that is not UTF-8 or cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from file
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error}). Save it as UTF-8.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def _parsed(text: str, where: str, hint: str, after: str = "") -> Any:
    """JSON. hint: of the error ``after``, or of any. Raises `DataError` for what is none, for a key twice, a number too
    long and lists too deep."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise DataError(f"{where} is not JSON: {error}.{hint if after in ('', error.msg) else ''}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} cannot be read: {error}.") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it names {next(name for name in names if names.count(name) > 1)!r} twice")
    return found


def _json_lines(path: Path) -> Iterator[Any]:
    for number, line in enumerate(text_lines(path), start=1):
        if line.strip():
            array = " A file that is one JSON array must end in .json." if number == 1 and line.startswith("[") else ""
            yield _parsed(line, f"{path}, line {number}", array)


def _json(path: Path) -> Iterator[Any]:
    lines = " A file with one JSON object in each line must end in .jsonl."
    rows = _parsed("".join(text_lines(path)), str(path), lines, after="Extra data")
    if not isinstance(rows, list):
        raise DataError(f"{path} must hold one JSON array of rows, got {type(rows).__name__}.")
    yield from rows


def _csv(path: Path, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(text_lines(path), delimiter=delimiter, strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise DataError(f"{path} is empty; its first line must name the columns.")
        _check_header(path, header, delimiter)
        for number, cells in enumerate(filter(_has_content, reader)):
            if len(cells) != len(header):
                raise DataError(
                    f"{path}, row {number} (line {reader.line_num}) has {len(cells)} cells, and the first line names "
                    f"{len(header)} columns. Put texts that hold {delimiter!r} in quotes."
                )
            yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num} cannot be read: {error}.") from error


def _check_header(path: Path, header: list[str], delimiter: str) -> None:
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise DataError(f"{path} names the columns {twice} twice in its first line.")
    others = [mark for mark in (",", ";", "\t") if mark != delimiter and len(header) == 1 and mark in header[0]]
    if others:
        raise DataError(
            f"The first line of {path} has {others[0]!r} between its columns, and a file that ends in {path.suffix} "
            f"must have {delimiter!r}. Save it again so{', or as .tsv' if others[0] == chr(9) else ''}."
        )


def _has_content(cells: list[str]) -> bool:
    """Whether a line of a CSV file is no blank one; spreadsheets also leave lines of commas at the end."""
    return any(cell.strip() for cell in cells)


READERS: dict[str, Callable[..., Iterable[Any]]] = {
    ".jsonl": _json_lines,
    ".json": _json,
    ".csv": partial(_csv, delimiter=","),
    ".tsv": partial(_csv, delimiter="\t"),
    ".parquet": parquet_rows,
}


def _ending(path: Path) -> str:
    return path.suffix.lower()


def _file_rows(path: Path, label_names: bool) -> Callable[[], Iterable[Any]]:
    ending = _ending(path)
    if ending not in READERS:
        raise DataError(f"{path} must end in one of {', '.join(READERS)}, got {path.suffix or 'no ending'!r}.")
    return partial(parquet_rows, path, label_names) if ending == ".parquet" else partial(READERS[ending], path)


def _of_split(folder: Path, split: str) -> Path:
    files = sorted(path for path in folder.iterdir() if _ending(path) in READERS)
    chosen = [path for path in files if path.stem == split]
    if len(chosen) != 1:
        found = [path.name for path in chosen or files]
        raise DataError(
            f"{folder} must hold one file for the split {split!r}, such as {split}.jsonl, and holds {found}. "
            "Name the split that is wanted, or the file itself."
        )
    return chosen[0]


def _hub_rows(name: str, split: str, streaming: bool, config: str | None, revision: str | None) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise ImportError("Reading from the hub needs datasets: pip install 'redheart[train]'.") from error
    try:
        return datasets.load_dataset(name, config, split=split, streaming=streaming, revision=revision)
    # What can go wrong here (network, rights, files, names) has no common class; the cause is kept.
    except Exception as error:
        raise DataError(
            f"There is no file or folder {name!r} here, and the hub does not give the split {split!r} of a data set of "
            f"that name (config {config!r}): {type(error).__name__}: {error}"
        ) from error


def read_rows(
    source: Any,
    split: str = "train",
    *,
    streaming: bool = False,
    config: str | None = None,
    revision: str | None = None,
    column_names: ColumnNames | None = None,
    option: str = IN_PYTHON,
    label_names: bool = True,
) -> Rows:
    """Rows of a source, to be gone through.

    source: a `datasets` data set (or a dict of them by split), a table (pandas, polars, pyarrow), any iterable of
    mappings, the path of a .jsonl, .json, .csv, .tsv or .parquet file, a folder with one such file per split, or a hub
    name as ``"owner/name"``. split: which one, for a folder, a hub name or a dict. streaming: do not download a hub
    data set first. config, revision: of the hub data set. column_names: as `ColumnMap` takes them: new name of a
    column, None to leave it out, or its name and that of its values. option: what a person has written these with, for
    the messages. label_names: a label of `datasets` that is a number with a name comes out as its name.

    Raises `DataError`: no such file, split or data set, a wrong ending, a row that cannot be read (with its number).
    """
    columns = ColumnMap(column_names, option)
    if isinstance(source, Mapping):
        if split not in source:
            raise DataError(f"There is no split {split!r}; {closest(split, map(str, source))}")
        source = source[split]
    if not isinstance(source, str | Path):
        return Rows(*_given(source, split, label_names), columns)
    path = Path(source)
    if path.is_dir():
        path = _of_split(path, split)
    if path.is_file():
        return Rows(str(path), _file_rows(path, label_names), columns)
    if isinstance(source, Path) or not may_be_on_hub(source):
        raise DataError(
            f"There is no file or folder {str(source)!r}{_neighbour(path)}. (A hub name is written 'owner/name'.)"
        )
    data = _hub_rows(source, split, streaming, config, revision)
    return Rows(source, lambda: table_rows(data, label_names) if is_table(data) else data, columns)


def as_json(value: Any) -> Any:
    """A value of a row as JSON can hold it: nothing for NaN, dates as ISO 8601, what has no other form as text."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(name): as_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [as_json(item) for item in value]
    if is_missing(value):
        return None
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def may_be_on_hub(source: str) -> bool:
    """Whether a name that is no file or folder here may be that of a data set of the hub."""
    return HUB_NAME.fullmatch(source) is not None and _ending(Path(source)) not in READERS


def _given(source: Any, split: str, label_names: bool) -> tuple[str, Callable[[], Iterable[Any]]]:
    """The name and the rows of what is no path."""
    if is_table(source):
        return split, partial(table_rows, source, label_names)
    if not isinstance(source, Iterable):
        raise DataError(f"`source` must be rows, a path or a hub name, got {type(source).__name__}.")
    return str(getattr(source, "name", None) or split), lambda: source


def _neighbour(path: Path) -> str:
    """The file or folder whose name is nearest to that of ``path``, as a hint; "" where none is near."""
    folder = path.parent
    hint = closest(path.name, (item.name for item in folder.iterdir())) if folder.is_dir() else ""
    return f"; {hint.rstrip('?')} in {str(folder)!r}" if hint.startswith("did") else ""


__all__ = ["READERS", "Rows", "as_json", "may_be_on_hub", "read_rows", "text_lines"]
