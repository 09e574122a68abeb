"""New names for the columns of a source, and for the values in them.

    {"sentence": "text", "date": None, "at_fault": {"to": "verdict", "values": {"yes": "author", "no": "other"}}}

Notable: a value is looked up as text, so that 1, 1.0 and "1" are the same, as are true and "true": a CSV file has only
texts. A value that a map does not name is not a missing label but a problem, reported with those of the other rows.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..configuration.errors import DataError
from ..configuration.labels import closest
from .columns import is_missing

Row: TypeAlias = Mapping[str, Any]
ColumnNames: TypeAlias = Mapping[str, str | Mapping[str, Any] | None]

# How a column is renamed or left out, by the option with which a user gives the map.
IN_PYTHON, IN_RECIPE, ON_COMMAND_LINE = "column_names", "columns", "--column"
_REMEDIES = {
    IN_PYTHON: "Rename it with `column_names={{{0!r}: ...}}`, or leave it out with None instead of a name.",
    IN_RECIPE: "Rename it under the source with `columns: {{{0}: ...}}`, or leave it out with `{{{0}: null}}`.",
    ON_COMMAND_LINE: "Rename it with `--column '{0}=...'`, or leave it out with `--column '{0}='`.",
}


def remedy(column: str, option: str) -> str:
    """The remedy for a column that is not in the schema; ``option`` is a key of `_REMEDIES`."""
    plain = option != IN_RECIPE or re.fullmatch(r"[^\W\d][\w.]*", column)
    return _REMEDIES[option].format(column if plain else json.dumps(column, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A value that the map of its column does not name.

    Attributes:
        value: The value in the source.
        known: The values that the map names.
    """

    value: Any
    known: tuple[str, ...]

    @property
    def template(self) -> str:
        """The message, with ``{}`` in place of the value."""
        return f"{{}} is not one of the mapped `values`; {closest(written(self.value), self.known)}"


@dataclass(frozen=True, slots=True)
class _Target:
    """What becomes of a column.

    Attributes:
        name: The new name; None leaves the column out.
        values: New values by the text of the old ones; None = the values stay.
    """

    name: str | None
    values: Mapping[str, Any] | None = None


class ColumnMap:
    """Renames the columns of rows, maps their values, leaves columns out.

    Args:
        columns: By the name in the source: the new name, None, or ``{"to": name, "values": {value: new value}}``.
        option: The option with which the user gives the map, for the messages.

    Raises:
        DataError: For a map of another form.
    """

    def __init__(self, columns: ColumnNames | None = None, option: str = IN_PYTHON) -> None:
        self.option = option
        self.targets = {str(name): _target(str(name), given) for name, given in (columns or {}).items()}

    def rows(self, rows: Iterable[tuple[int, Row]], source: str) -> Iterator[Row]:
        """Rename the columns of rows.

        Args:
            rows: The rows with their numbers.
            source: Name of the source, for the messages.

        Yields:
            The rows under their new names.

        Raises:
            DataError: Where two columns get one name, and at the end for a column that no row has.
        """
        missing: list[str] = list(self.targets)
        seen: Row | None = None
        for number, row in rows:
            seen = row if seen is None else seen
            if missing:
                missing = [name for name in missing if name not in row]
            yield self._renamed(row, number, source) if self.targets else row
        if missing and seen is not None:
            hint = closest(missing[0], map(str, seen))
            raise DataError(f"{source} has no column {missing[0]!r} to rename; {hint}")

    def _renamed(self, row: Row, number: int, source: str) -> Row:
        renamed: dict[str, Any] = {}
        for name, value in row.items():
            target = self.targets.get(name) or _Target(name)
            if target.name is None:
                continue
            if target.name in renamed:
                raise DataError(
                    f"{source}, row {number} gets two columns {target.name!r} by `{self.option}`. Leave one out."
                )
            renamed[target.name] = value if target.values is None else mapped(value, target.values)
        return renamed


def _target(name: str, given: Any) -> _Target:
    if given is None or isinstance(given, str):
        return _Target(given)
    wanted = "a name, null, or {to: name, values: {value: new value}}"
    if not isinstance(given, Mapping):
        raise DataError(f"The column {name!r} must become {wanted}; got {given!r}.")
    for key in given:
        if key not in ("to", "values"):
            raise DataError(f"The column {name!r} has the option {key!r}; {closest(str(key), ('to', 'values'))}")
    values = given.get("values")
    if not isinstance(given.get("to"), str) or not isinstance(values, Mapping) or not values:
        raise DataError(f"The column {name!r} must become {wanted}; got {dict(given)!r}.")
    return _Target(given["to"], {written(key): new for key, new in values.items()})


def mapped(value: Any, values: Mapping[str, Any]) -> Any:
    """The new value; for a list, or texts separated by commas, that of each. `Unmapped` where there is none."""
    if isinstance(value, list | tuple | np.ndarray):
        return _each(list(value), values)
    if (key := written(value)) in values:
        return values[key]
    if is_missing(value):
        return None
    if isinstance(value, str) and "," in value:
        return _each(value.split(","), values)
    return Unmapped(value, tuple(values))


def _each(items: list[Any], values: Mapping[str, Any]) -> Any:
    found = [mapped(item, values) for item in items if not (isinstance(item, str) and "," in item)]
    return next((item for item in found if isinstance(item, Unmapped)), [item for item in found if item is not None])


def written(value: Any) -> str:
    """A value as the text that a text file would have."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def parse_columns(given: Iterable[str]) -> dict[str, str | dict[str, Any] | None]:
    """A map of columns from a command line.

    Args:
        given: Each ``yours=ours``, ``yours=`` to leave a column out, or ``yours=ours:yes=author,no=other`` with values.

    Returns:
        The map, as `ColumnMap` takes it.

    Raises:
        DataError: For anything else.
    """
    columns: dict[str, str | dict[str, Any] | None] = {}
    for item in given:
        name, equals, target = item.partition("=")
        new, colon, pairs = target.partition(":")
        values = [pair.partition("=") for pair in pairs.split(",")] if colon else []
        if not equals or not all(key and sign for key, sign, _ in values):
            raise DataError(
                f"{item!r} does not rename a column: write YOURS=OURS, YOURS= to leave it out, or "
                "YOURS=OURS:VALUE=NEW,VALUE=NEW."
            )
        columns[name] = {"to": new, "values": {key: new or None for key, _, new in values}} if colon else target or None
    return columns


__all__ = [
    "IN_PYTHON",
    "IN_RECIPE",
    "ON_COMMAND_LINE",
    "ColumnMap",
    "ColumnNames",
    "Row",
    "Unmapped",
    "mapped",
    "parse_columns",
    "remedy",
    "written",
]
