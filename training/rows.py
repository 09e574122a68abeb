"""Reads rows from wherever they are: a file, a folder of splits, the hub, `datasets`, a list.

Notable: files are read row by row each time one iterates (`redheart.tables`), so that one larger than memory can be
streamed. What a row must hold is in `schema`; here it is any mapping.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..configuration.labels import closest
from ..tables import READERS, check_row, ending, read_table
from .examples import DataError
from .schema import Row

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


class Rows:
    """Rows that can be gone through again and again, if the source allows it. name: where they are from."""

    def __init__(self, name: str, source: Callable[[], Iterable[Any]], column_names: Mapping[str, str | None]) -> None:
        self.name, self.source, self.column_names = name, source, column_names

    def __iter__(self) -> Iterator[Row]:
        for number, row in enumerate(self.source()):
            try:
                check_row(row)
            except ValueError as error:
                raise DataError(f"{self.name}, row {number} {error}") from error
            yield self._renamed(row, number) if self.column_names else row

    def _renamed(self, row: Row, number: int) -> Row:
        if number == 0 and (absent := [name for name in self.column_names if name not in row]):
            hint = closest(absent[0], map(str, row))
            raise DataError(f"{self.name} has no column {absent[0]!r} to rename; {hint}")
        renamed: dict[str, Any] = {}
        for name, value in row.items():
            new = self.column_names.get(name, name)
            if new in renamed:
                raise DataError(f"{self.name}, row {number} gets two columns {new!r} by `column_names`. Drop one.")
            if new is not None:
                renamed[new] = value
        return renamed


def _file_rows(path: Path) -> Callable[[], Iterable[Any]]:
    if ending(path) not in READERS:
        raise DataError(f"{path} must end in one of {', '.join(READERS)}, got {path.suffix or 'no ending'!r}.")

    def rows() -> Iterator[Any]:
        for line in read_table(path):
            if line.problem:
                raise DataError(f"{line.where} {line.problem}")
            yield line.row

    return rows


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
    column_names: Mapping[str, str | None] | None = None,
) -> Rows:
    """Rows of a source, to be gone through.

    source: a `datasets` data set (or a dict of them by split), any iterable of mappings, the path of a .jsonl, .json,
    .csv, .tsv or .parquet file, a folder with one such file per split, or a hub name as ``"owner/name"``. split: which
    one, for a folder, a hub name or a dict. streaming: do not download a hub data set first. config, revision: of the
    hub data set. column_names: new name of a column of the source; None leaves the column out.

    Raises `DataError`: no such file, split or data set, a wrong ending, a row that cannot be read (with its number).
    """
    names = dict(column_names or {})
    if isinstance(source, Mapping):
        if split not in source:
            raise DataError(f"There is no split {split!r}; there are {list(source)}.")
        return read_rows(source[split], split, column_names=names)
    if not isinstance(source, str | Path):
        if not isinstance(source, Iterable):
            raise DataError(f"`source` must be rows, a path or a hub name, got {type(source).__name__}.")
        given: Iterable[Any] = source
        return Rows(str(getattr(source, "name", split)), lambda: given, names)
    path = Path(source)
    if path.is_dir():
        path = _of_split(path, split)
    if path.is_file():
        return Rows(str(path), _file_rows(path), names)
    if isinstance(source, Path) or ending(path) in READERS or not HUB_NAME.fullmatch(source):
        raise DataError(f"There is no file or folder {str(source)!r}. (A hub name is written 'owner/name'.)")
    data = _hub_rows(source, split, streaming, config, revision)
    return Rows(source, lambda: data, names)


__all__ = ["READERS", "Rows", "read_rows"]
