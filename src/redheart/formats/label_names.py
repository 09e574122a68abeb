"""The names of labels that a table stores as numbers (`datasets.ClassLabel`).

Notable: the order of those names is the table's own, so its numbers are not the library's label indices.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Where `datasets` keeps its features in an Arrow schema.
_FEATURES = b"huggingface"


def names_of(features: Mapping[str, Any]) -> dict[str, list[str]]:
    """Column -> names of its labels, for columns with names; ``features``: `datasets.Features` as plain data."""
    found = {column: _label_names(feature) for column, feature in features.items()}
    return {column: names for column, names in found.items() if names}


def stored_names(schema: Any) -> dict[str, list[str]]:
    """The `names_of` the features in an Arrow schema."""
    stored = (schema.metadata or {}).get(_FEATURES)
    return names_of(json.loads(stored).get("info", {}).get("features") or {}) if stored else {}


def _label_names(feature: Any) -> list[str]:
    """The names of a label, or of the labels of a list, in any of the forms that `datasets` has had for lists."""
    if isinstance(feature, list):
        return _label_names(feature[0]) if feature else []
    if not isinstance(feature, Mapping):
        return []
    if feature.get("_type") == "ClassLabel":
        return list(feature.get("names") or ())
    return _label_names(feature.get("feature"))


def with_names(row: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> Mapping[str, Any]:
    """Replace the numbers of labels by their names.

    Args:
        row: Column -> value.
        names: As `names_of` gives them.

    Returns:
        The row with names.

    Raises:
        ValueError: When a number has no name; the message continues a sentence that begins with the row's place.
    """
    if not names:
        return row
    return {column: _name(value, column, names[column]) if column in names else value for column, value in row.items()}


def _name(value: Any, column: str, names: Sequence[str]) -> Any:
    """The name of a label, or of each label of a list; -1 means "none" in `datasets`."""
    if isinstance(value, list | tuple | np.ndarray):
        return [_name(item, column, names) for item in value]
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        return value
    if not -1 <= value < len(names):
        raise ValueError(f"has the label {value} in the column {column!r}, which has names for 0..{len(names) - 1}.")
    return None if value == -1 else names[int(value)]


__all__ = ["names_of", "stored_names", "with_names"]
