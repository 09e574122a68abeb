"""Rows of tables, which know their columns: parquet files, `datasets`, and what gives Arrow (pandas, polars, pyarrow).

Notable: a label that is stored as a number with a list of names (`datasets.ClassLabel`) comes out as its name. The
order of those names is the table's own, and its numbers are no ids of ours.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .column_map import Row
from .examples import DataError

if TYPE_CHECKING:
    import pyarrow as pa

# Where `datasets` keeps its features in an Arrow schema, and what pandas adds of an index without a name.
_FEATURES = b"huggingface"
_INDEX = "__index_level_"
# Formats of `datasets` in which a row is no plain Python.
_FORMATS = ("arrow", "jax", "numpy", "pandas", "polars", "tensorflow", "torch")


def is_table(source: Any) -> bool:
    """Whether ``source`` is a data set of `datasets`, or gives Arrow."""
    return _features(source) is not None or hasattr(source, "__arrow_c_stream__")


def _features(source: Any) -> Mapping[str, Any] | None:
    """The features of a data set of `datasets`, as plain data. A table may have a column of that name."""
    known: Any = getattr(source, "features", None) if hasattr(type(source), "features") else None
    return known.to_dict() if hasattr(known, "to_dict") else None


def table_rows(source: Any, label_names: bool = True) -> Iterable[Row]:
    """The rows of a table (`is_table`), as plain Python. label_names: False leaves labels the numbers that they are.

    Raises `DataError` for a table that Arrow cannot hold, such as one with a column of numbers and texts.
    """
    features = _features(source)
    if features is not None:
        if (getattr(source, "format", None) or {}).get("type") in _FORMATS:
            source = source.with_format(None)
        yield from _named(source, names_of(features) if label_names else {})
        return
    pa = _arrow()
    try:
        reader = pa.RecordBatchReader.from_stream(source)
        yield from _batches(reader, reader.schema, label_names)
    except pa.ArrowException as error:
        kind = type(source).__name__
        raise DataError(
            f"This {kind} cannot be read as a table ({error}). Give each column one kind of value."
        ) from error


def parquet_rows(path: Path, label_names: bool = True) -> Iterator[Row]:
    """The rows of a parquet file, some at a time."""
    pa = _arrow()
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield from _batches(file.iter_batches(), file.schema_arrow, label_names)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is not a whole parquet file ({error}). Copy it again.") from error


def names_of(features: Mapping[str, Any]) -> dict[str, list[str]]:
    """Column -> the names of its labels, for those that have names. features: `datasets.Features` as plain data."""
    found = {column: _label_names(feature) for column, feature in features.items()}
    return {column: names for column, names in found.items() if names}


def _label_names(feature: Any) -> list[str]:
    """The names of a label, or of the labels of a list, in any of the forms that lists have had."""
    if isinstance(feature, list):
        return _label_names(feature[0]) if feature else []
    if not isinstance(feature, Mapping):
        return []
    return (
        list(feature.get("names") or ())
        if feature.get("_type") == "ClassLabel"
        else _label_names(feature.get("feature"))
    )


def _batches(batches: Iterable["pa.RecordBatch"], schema: "pa.Schema", label_names: bool) -> Iterator[Row]:
    stored = (schema.metadata or {}).get(_FEATURES)
    features = json.loads(stored).get("info", {}).get("features") if stored and label_names else None
    rows = (row for batch in batches for row in batch.to_pylist())
    if any(name.startswith(_INDEX) for name in schema.names):
        rows = ({name: value for name, value in row.items() if not name.startswith(_INDEX)} for row in rows)
    yield from _named(rows, names_of(features or {}))


def _named(rows: Iterable[Row], names: Mapping[str, Sequence[str]]) -> Iterator[Row]:
    for row in rows:
        if names and isinstance(row, Mapping):
            row = {name: _name(value, name, names[name]) if name in names else value for name, value in row.items()}
        yield row


def _name(value: Any, column: str, names: Sequence[str]) -> Any:
    """The name of a label, or of each of a list. -1 is how `datasets` says that there is none."""
    if isinstance(value, list | tuple | np.ndarray):
        return [_name(item, column, names) for item in value]
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        return value
    if not -1 <= value < len(names):
        raise DataError(f"The column {column!r} has the label {value}, and names for 0..{len(names) - 1}.")
    return None if value == -1 else names[int(value)]


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError("Reading tables needs pyarrow: pip install 'redheart[train]'.") from error
    return pyarrow


__all__ = ["is_table", "names_of", "parquet_rows", "table_rows"]
