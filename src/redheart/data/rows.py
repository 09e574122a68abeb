"""Reads rows from wherever they are: a file, a folder of splits, the hub, `datasets`, a table, a list.

Notable: files are read row by row each time one iterates (`formats.tables`), so that one larger than memory can be
streamed. What a row must hold is in `schema`; here it is any mapping.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..configuration.errors import DataError
from ..configuration.extras import missing
from ..configuration.labels import closest
from ..formats.tables import READERS, Line, check_ending, check_row, ending, is_table, memory_table, read_table
from .column_map import IN_PYTHON, ColumnMap, ColumnNames, Row

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


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
            yield number, mapping_of(row, number, self.name)


def mapping_of(row: Any, number: int, source: str) -> Row:
    """Return ``row`` if it is a mapping of columns. Raises `DataError`, which names it by its place, otherwise."""
    try:
        return check_row(row)
    except ValueError as error:
        raise DataError(f"{source}, row {number} {error}") from error


def _read(lines: Iterable[Line]) -> Iterator[Any]:
    """What stands in the lines. Raises `DataError` for the first one that cannot be read."""
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
            f"{folder} must hold one file for the split {split!r}, such as {split}.jsonl, and holds {found}. "
            "Name the split that is wanted, or the file itself."
        )
    return chosen[0]


def _hub_rows(name: str, split: str, streaming: bool, config: str | None, revision: str | None) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise missing("Reading from the hub needs datasets", "train") from error
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
        check_ending(path)
        return Rows(str(path), lambda: _read(read_table(path, label_names)), columns)
    if path.exists():
        raise DataError(f"{path} is no ordinary file, and rows are read more than once; copy what it gives into one.")
    if isinstance(source, Path) or not may_be_on_hub(source):
        raise DataError(
            f"There is no file or folder {str(source)!r}{_neighbour(path)}. (A hub name is written 'owner/name'.)"
        )
    data = _hub_rows(source, split, streaming, config, revision)
    return Rows(source, lambda: _read(memory_table(data, source, label_names)) if is_table(data) else data, columns)


def may_be_on_hub(source: str) -> bool:
    """Whether a name that is no file or folder here may be that of a data set of the hub."""
    return HUB_NAME.fullmatch(source) is not None and ending(Path(source)) not in READERS


def _given(source: Any, split: str, label_names: bool) -> tuple[str, Callable[[], Iterable[Any]]]:
    """The name and the rows of what is no path."""
    if is_table(source):
        return split, lambda: _read(memory_table(source, split, label_names))
    if not isinstance(source, Iterable):
        raise DataError(f"`source` must be rows, a path or a hub name, got {type(source).__name__}.")
    return str(getattr(source, "name", None) or split), lambda: source


def _neighbour(path: Path) -> str:
    """The file or folder whose name is nearest to that of ``path``, as a hint; "" where none is near."""
    if path.is_symlink():
        return ": the link of that name leads nowhere"
    folder = path.parent
    hint = closest(path.name, (item.name for item in folder.iterdir())) if folder.is_dir() else ""
    return f"; {hint.rstrip('?')} in {str(folder)!r}" if hint.startswith("did") else ""


__all__ = ["Rows", "mapping_of", "may_be_on_hub", "read_rows"]
