"""Whether two data sets have a row in common: what was used to choose must not be used to accept."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor


def row_keys(row: Any, main_input: str) -> Iterator[str]:
    """The keys by which a row is recognised: its texts, else its main input, else all of it.

    Args:
        row: A mapping with ``"text"`` or ``main_input``, a unit of `data.loading`, or anything else.
        main_input: Name of the main input ("input_ids").

    Yields:
        One key per text of the row, or a single one.
    """
    items = row if isinstance(row, list | tuple) else [row]
    if items and all(hasattr(item, "text") for item in items):
        yield from (f"text {item.text}" for item in items)
    elif isinstance(row, Mapping) and isinstance(row.get("text"), str):
        yield f"text {row['text']}"
    elif isinstance(row, Mapping) and main_input in row:
        yield _content(row[main_input])
    else:
        yield _content(row)


def _content(value: Any) -> str:
    """A key for a value: the same for the same numbers as a list, an array or a tensor."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_content(item)}" for key, item in sorted(value.items())) + "}"
    if isinstance(value, Tensor):
        value = value.detach().cpu().double().numpy() if value.is_floating_point() else value.cpu().numpy()
    if isinstance(value, list | tuple) and not all(isinstance(item, bool | int | float) for item in value):
        return "[" + ", ".join(_content(item) for item in value) + "]"
    if isinstance(value, bool | int | float | np.number | np.ndarray | list | tuple):
        array = np.asarray(value)
        if array.dtype.kind not in "iubf":
            return repr(value)
        numbers = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        return f"{numbers.shape} {hashlib.sha256(numbers.tobytes()).hexdigest()}"
    return repr(value)


def keys_of(dataset: Any, name: str, main_input: str) -> set[str]:
    """The keys of all rows; of several data sets by name, those of each.

    Args:
        dataset: Rows by number with a length, or several such data sets by name.
        name: Name of the split, for an error.
        main_input: Name of the main input, as in `row_keys`.

    Returns:
        The keys of `row_keys`.

    Raises:
        ValueError: For a data set that is empty or has no length.
    """
    if isinstance(dataset, Mapping):
        return {key for part, rows in dataset.items() for key in keys_of(rows, f"{name} ({part})", main_input)}
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise ValueError(f"The {name} split must have a length and rows by number, got a {type(dataset).__name__}.")
    if not len(dataset):
        raise ValueError(f"The {name} split is empty.")
    return {key for place in range(len(dataset)) for key in row_keys(dataset[place], main_input)}


def refuse_shared(splits: Mapping[str, Any], main_input: str) -> None:
    """Check that the first of the splits has no row or text in common with another.

    Args:
        splits: Data sets by name.
        main_input: Name of the main input, as in `row_keys`.

    Raises:
        ValueError: When the first split shares a row or a text with another one, and as `keys_of`.
    """
    (first, dataset), *others = splits.items()
    own = keys_of(dataset, first, main_input)
    for name, other in others:
        shared = own & keys_of(other, name, main_input)
        if shared:
            raise ValueError(
                f"The {first} split shares {len(shared)} rows with the {name} split, for example {min(shared)[:80]!r}. "
                "Its rows must not have been used to choose anything; remove the shared ones from one of the two."
            )


def count_rows(dataset: Any) -> int:
    """Return the number of rows of a data set, or of several by name."""
    return sum(map(len, dataset.values())) if isinstance(dataset, Mapping) else len(dataset)


__all__ = ["count_rows", "keys_of", "refuse_shared", "row_keys"]
