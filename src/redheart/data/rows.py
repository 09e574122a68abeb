"""Reads rows from a file, a folder of splits, the hub, `datasets`, a table or a list.

Notable: files are read row by row in each iteration (`formats.tables`), so that a file larger than memory can be
streamed. The columns of a row are in `schema`; here a row is any mapping.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..configuration.errors import DataError
from ..configuration.extras import missing
from ..configuration.labels import closest
from ..formats.lines import Line
from ..formats.tables import READERS, check_ending, check_row, ending, is_table, memory_table, read_table
from .column_map import IN_PYTHON, ColumnMap, ColumnNames, Row

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


class Rows:
    """Rows that can be iterated several times, if the source allows it.

    Args:
        name: Name of the source.
        source: Returns the rows; called for each iteration.
        columns: New names and values of columns.
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
            yield number, mapping_of(row, number, self.name)


def mapping_of(row: Any, number: int, source: str) -> Row:
    """Return ``row`` if it is a mapping of columns. Otherwise raises `DataError`, which names source and number."""
    try:
        return check_row(row)
    except ValueError as error:
        raise DataError(f"{source}, row {number} {error}") from error


def _read(lines: Iterable[Line]) -> Iterator[Any]:
    """The rows of the lines. Raises `DataError` for the first line that cannot be read."""
    for line in lines:
        if line.problem:
            raise DataError(f"{line.where} {line.problem}")
        yield line.row


def _of_split(folder: Path, split: str) -> Path:
    files = sorted(path for path in folder.iterdir() if ending(path) in READERS)
    chosen = [path for path in files if path.stem == split]
    if len(chosen) != 1:
        found = [path.name for path in chosen or files]
        raise DataError(
            f"{folder} must have one file for the split {split!r}, such as {split}.jsonl, and has {found}. "
            "Name another split, or the file itself."
        )
    return chosen[0]


def _hub_rows(name: str, split: str, streaming: bool, config: str | None, revision: str | None) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise missing("Reading from the hub needs datasets", "train") from error
    try:
        return datasets.load_dataset(name, config, split=split, streaming=streaming, revision=revision)
    # The possible errors (network, rights, files, names) have no common class; the cause is kept.
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
    """The rows of a source.

    Args:
        source: A `datasets` data set (or a dict of them by split), a table (pandas, polars, pyarrow), any iterable of
            mappings, the path of a .jsonl, .json, .csv, .tsv or .parquet file, a folder with one such file per split,
            or a hub name such as ``"owner/name"``.
        split: The split of a folder, a hub data set or a dict.
        streaming: Whether to read a hub data set without downloading it first.
        config: Config of the hub data set.
        revision: Revision of the hub data set.
        column_names: As `ColumnMap` takes them: by column its new name, None to leave it out, or its new name and new
            values.
        option: The option with which the user gives these, for the messages.
        label_names: Whether a label of `datasets` that is a number with a name becomes its name.

    Returns:
        The rows, which are read when they are iterated.

    Raises:
        DataError: For a missing file, split or data set, an unknown ending, or a row that cannot be read (with its
            number).
    """
    columns = ColumnMap(column_names, option)
    if isinstance(source, Mapping):
        if split not in source:
            raise DataError(f"There is no split {split!r}; {closest(split, map(str, source))}")
        source = source[split]
    if not isinstance(source, str | Path):
        return Rows(*_rows_in_memory(source, split, label_names), columns)
    path = Path(source)
    if path.is_dir():
        path = _of_split(path, split)
    if path.is_file():
        check_ending(path)
        return Rows(str(path), lambda: _read(read_table(path, label_names)), columns)
    if path.exists():
        raise DataError(f"{path} is not a regular file, and rows are read more than once; copy its content to a file.")
    if isinstance(source, Path) or not may_be_on_hub(source):
        raise DataError(
            f"There is no file or folder {str(source)!r}{_neighbour(path)}. (A hub name is written 'owner/name'.)"
        )
    data = _hub_rows(source, split, streaming, config, revision)
    return Rows(source, lambda: _read(memory_table(data, source, label_names)) if is_table(data) else data, columns)


def may_be_on_hub(source: str) -> bool:
    """Whether a name that is not a file or folder may be that of a hub data set."""
    return HUB_NAME.fullmatch(source) is not None and ending(Path(source)) not in READERS


def _rows_in_memory(source: Any, split: str, label_names: bool) -> tuple[str, Callable[[], Iterable[Any]]]:
    """The name and the rows of a source that is not a path."""
    if is_table(source):
        return split, lambda: _read(memory_table(source, split, label_names))
    if not isinstance(source, Iterable):
        raise DataError(f"`source` must be rows, a path or a hub name, got {type(source).__name__}.")
    return str(getattr(source, "name", None) or split), lambda: source


def _neighbour(path: Path) -> str:
    """A hint that names the file or folder whose name is nearest to that of ``path``; "" where none is near."""
    if path.is_symlink():
        return ": the link of that name leads nowhere"
    folder = path.parent
    hint = closest(path.name, (item.name for item in folder.iterdir())) if folder.is_dir() else ""
    return f"; {hint.rstrip('?')} in {str(folder)!r}" if hint.startswith("did") else ""


__all__ = ["Rows", "mapping_of", "may_be_on_hub", "read_rows"]
