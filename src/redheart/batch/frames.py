"""Batches in the forms that engines hand over: their texts, and the same batch with more columns.

Notable: a batch comes back in the form in which it came. Columns that it had stay as they are, apart from the name of
one that is the name of a new column (`columns.kept_name`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..configuration.errors import InputError
from ..configuration.labels import closest
from .columns import ColumnType, arrow, arrow_types, kept_name

Values = Mapping[str, list[Any]]
Types = Mapping[str, ColumnType]


def texts_of(batch: Any, column: str) -> list[Any]:
    """The values of the column with the texts.

    Args:
        batch: A list of rows, a mapping of columns, or a table of pyarrow or pandas.
        column: Name of the column.

    Returns:
        One value for each row; anything, for it is not checked.

    Raises:
        InputError: For a batch of another form, and for one without the column.
    """
    if isinstance(batch, list):
        for number, row in enumerate(batch):
            if not isinstance(row, Mapping):
                raise InputError(
                    f"Row {number} of the batch must be a mapping of columns, got {type(row).__name__}; give for each "
                    f"text {{{column!r}: text}}."
                )
            check_column(column, list(row))
        return [row[column] for row in batch]
    check_column(column, _names(batch))
    values = batch[column]
    if hasattr(values, "to_pylist"):
        return list(values.to_pylist())
    return [value if isinstance(value, str) else _plain(value) for value in values]


def check_column(column: str, names: list[str]) -> None:
    """Raise `InputError` where the columns ``names`` of a batch do not have that of the texts."""
    if column not in names:
        raise InputError(f"The batch has no column {column!r}; {closest(column, map(str, names))}")


def _plain(value: Any) -> Any:
    """A missing value of a data frame as None."""
    missing = isinstance(value, float) and value != value
    return None if missing or type(value).__name__ in ("NAType", "NaTType") else value


def _names(batch: Any) -> list[str]:
    if isinstance(batch, Mapping):
        return list(batch)
    if is_arrow(batch):
        return list(batch.schema.names)
    if is_pandas(batch):
        return list(batch.columns)
    raise InputError(
        f"A batch must be a list of rows, a mapping of columns, or a table of pyarrow or pandas; got a "
        f"{type(batch).__name__}."
    )


def is_arrow(batch: Any) -> bool:
    """Whether ``batch`` is a table or a record batch of pyarrow."""
    return type(batch).__module__.partition(".")[0] == "pyarrow" and hasattr(batch, "schema")


def is_pandas(batch: Any) -> bool:
    """Whether ``batch`` is a data frame of pandas."""
    return type(batch).__module__.partition(".")[0] == "pandas" and hasattr(batch, "columns")


def with_columns(batch: Any, values: Values, types: Types) -> Any:
    """The batch with more columns, in the form in which it came.

    Args:
        batch: As in `texts_of`.
        values: Values of the new columns by name, one for each row.
        types: Type of each new column.

    Returns:
        A list of rows, a mapping of columns (arrays if its columns were arrays), or a table of the same library.
    """
    if isinstance(batch, list):
        rows = ({kept_name(str(name), types): value for name, value in row.items()} for row in batch)
        return [
            {**row, **dict(zip(values, new, strict=True))}
            for row, new in zip(rows, zip(*values.values(), strict=True), strict=True)
        ]
    if is_arrow(batch):
        return _with_arrow(batch, values, types)
    if is_pandas(batch):
        import pandas

        new = arrow().table(_arrays(values, types)).to_pandas()
        new.index = batch.index
        return pandas.concat([batch.rename(columns=lambda name: kept_name(name, types)), new], axis=1)
    kept = {kept_name(name, types): column for name, column in batch.items()}
    as_arrays = any(hasattr(column, "dtype") for column in batch.values())
    return kept | {name: _array(column, types[name]) if as_arrays else column for name, column in values.items()}


def _arrays(values: Values, types: Types) -> dict[str, Any]:
    kinds = arrow_types()
    return {name: arrow().array(column, kinds[types[name]]) for name, column in values.items()}


def _with_arrow(batch: Any, values: Values, types: Types) -> Any:
    pa = arrow()
    fields = [field.with_name(kept_name(field.name, types)) for field in batch.schema]
    new = _arrays(values, types)
    schema = pa.schema([*fields, *((name, array.type) for name, array in new.items())])
    return type(batch).from_arrays([*batch.columns, *new.values()], schema=schema)


def _array(values: Sequence[Any], kind: ColumnType) -> Any:
    """Values as numpy holds them: null is NaN among numbers, and None elsewhere."""
    import numpy as np

    if kind == "float":
        return np.array([np.nan if value is None else value for value in values], np.float32)
    found = np.empty(len(values), object)
    found[:] = values
    return found


__all__ = ["Types", "Values", "is_arrow", "is_pandas", "texts_of", "with_columns"]
