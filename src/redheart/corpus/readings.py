"""A table of readings, as `redheart analyze --to` writes it, as numbers by column.

Notable: only the columns that a page shows are read, in batches; texts are read again for the few rows that are shown.
"""

import math
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np

from ..batch.columns import BETWEEN, ERROR, WITHHELD
from ..configuration.claims import CLAIMS, Kind
from ..configuration.errors import DataError
from ..configuration.labels import EMOTIONS, VERDICTS, closest
from ..formats.tables import check_ending, columns_of, ending, read_table
from ..statistics.intervals import ANY
from ..statistics.measures import Array

_ROWS = 4096
VERDICT, ASSERTED, RISK = "verdict.label", "emotion.asserted", "flags.risk"
ABSTAINED = "not named"
# Numbers in a message, by which those of one kind differ; not that of a character, as U+D800.
_PLACE = re.compile(r"(?<![+\w])\d+")
# Numbers that a page shows, with their lowest and highest value: those on a scale, but not of a single emotion.
MEASURES: dict[str, tuple[float, float]] = {
    **{
        ".".join((claim.columns, *names)): (claim.span(names[-1] if names else "")[0], 1)
        for claim in CLAIMS.values()
        if claim.kind in (Kind.VALUE, Kind.GAUSSIAN, Kind.RATE, Kind.DEGREE) and EMOTIONS not in claim.axes
        for names in product(*claim.axes)
    },
    "bentham.felicific_value": ANY,
}
PROBABILITIES: tuple[str, ...] = tuple(
    f"{claim.columns}.{name}" for claim in (CLAIMS["emotion"], CLAIMS["verdict"]) for name in claim.axes[0]
)


@dataclass(frozen=True)
class Readings:
    """The readings of a corpus.

    Attributes:
        rows: Rows of the table.
        errors: Error -> rows that have it; its figures are left out of the message.
        withheld: What is null and why -> rows.
        numbers: Column -> its values, shape ``(read,)``; NaN where it was withheld.
        verdicts: The verdict of each text that was read, or `ABSTAINED`; empty where the table has none.
        asserted: Emotion -> whether each text asserts it, bool ``(read,)``; empty where the table has none.
        risk: What care is asked for -> texts.
        places: Row of each text that was read, ``(read,)``.
        groups: Value of the group column of each text that was read; empty without one.
    """

    rows: int
    errors: Mapping[str, int]
    withheld: Mapping[str, int]
    numbers: Mapping[str, Array]
    verdicts: Sequence[str]
    asserted: Mapping[str, Array]
    risk: Mapping[str, int]
    places: Array
    groups: Sequence[Any]

    @property
    def read(self) -> int:
        """How many texts were read."""
        return len(self.places)


def load_readings(path: Path, by: str | None = None) -> Readings:
    """Load a table of readings.

    Args:
        path: A .parquet, .csv or .jsonl file of `redheart analyze --to`.
        by: Name of a column with groups; None for none.

    Returns:
        Its readings.

    Raises:
        DataError: For a file that is no such table, has no text that was read, or has no column ``by``.
    """
    names = _names(path)
    if lacking := [name for name in (WITHHELD, ERROR) if name not in names]:
        raise DataError(
            f"{path} is not a table of readings (it has no column {lacking[0]!r}); make one with `redheart analyze "
            "--file TEXTS --to TABLE`."
        )
    if by is not None and by not in names:
        raise DataError(f"{path} has no column {by!r} to group by; {closest(by, names)}")
    shown = [name for name in (*MEASURES, *PROBABILITIES) if name in names]
    words = [name for name in (VERDICT, ASSERTED, RISK) if name in names]
    loading = _Loading(shown, by)
    wanted = dict.fromkeys([*shown, *words, WITHHELD, ERROR, *([by] if by else [])])
    for row in rows_of(path, list(wanted)):
        loading.add(row)
    if not loading.places:
        raise DataError(f"No text of {path} was read; its column {ERROR!r} says why.")
    return loading.readings(VERDICT in names, ASSERTED in names)


class _Loading:
    """Collects readings row by row."""

    def __init__(self, shown: Sequence[str], by: str | None) -> None:
        self.by, self.rows = by, 0
        self.numbers = {name: array("f") for name in shown}
        self.errors, self.withheld, self.risk = Counter[str](), Counter[str](), Counter[str]()
        self.verdicts: list[str] = []
        self.places = array("q")
        self.groups: list[Any] = []
        self.asserted = {name: bytearray() for name in EMOTIONS}
        self._words: dict[str, frozenset[str]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self.rows += 1
        if row[ERROR]:
            self.errors[_PLACE.sub("…", str(row[ERROR]))[:120]] += 1
            return
        self.places.append(self.rows - 1)
        for name, values in self.numbers.items():
            values.append(_number(row.get(name)))
        self.withheld.update(self._split(row[WITHHELD]))
        self.risk.update(self._split(row.get(RISK)))
        verdict = row.get(VERDICT)
        self.verdicts.append(verdict if verdict in VERDICTS else ABSTAINED)
        asserted = self._split(row.get(ASSERTED))
        for name, flags in self.asserted.items():
            flags.append(name in asserted)
        if self.by:
            self.groups.append(row[self.by])

    def _split(self, cell: Any) -> frozenset[str]:
        key = cell or ""
        if key not in self._words:
            self._words[key] = frozenset(filter(None, key.split(BETWEEN)))
        return self._words[key]

    def readings(self, has_verdict: bool, has_emotion: bool) -> Readings:
        """All that was added."""
        numbers = {name: np.array(values, np.float64) for name, values in self.numbers.items()}
        asserted = {name: np.frombuffer(bytes(flags), np.uint8) > 0 for name, flags in self.asserted.items()}
        return Readings(
            self.rows, self.errors, self.withheld,
            {name: values for name, values in numbers.items() if not np.isnan(values).all()},
            self.verdicts if has_verdict else [], asserted if has_emotion else {}, self.risk,
            np.array(self.places, np.int64), self.groups,
        )  # fmt: skip


def _number(value: Any) -> float:
    try:
        return math.nan if value in (None, "") else float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"The table has {value!r:.40} where a number of a reading should be; make it again.") from error


def _names(path: Path) -> list[str]:
    named = columns_of(check_ending(path))
    if named is not None:
        return named
    first = next(iter(read_table(path)), None)
    return list(first.row) if first is not None and isinstance(first.row, Mapping) else []


def rows_of(path: Path, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Read some columns of a table, row by row.

    Args:
        path: The table.
        columns: Names of the columns.

    Yields:
        The rows.

    Raises:
        DataError: For a row that cannot be read.
    """
    if ending(path) == ".parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS, columns=list(columns)):
                yield from batch.to_pylist()
        return
    for line in read_table(path):
        if line.problem:
            raise DataError(f"{line.where} {line.problem}")
        yield line.row


def texts_at(path: Path, column: str, places: Collection[int]) -> dict[int, str]:
    """The texts of some rows.

    Args:
        path: The table.
        column: Its column with the texts.
        places: Numbers of rows.

    Returns:
        Row -> text.

    Raises:
        DataError: When it has no such column.
    """
    if column not in (names := _names(path)):
        raise DataError(f"{path} has no column {column!r} with the texts; {closest(column, names)}")
    wanted = set(places)
    rows = enumerate(islice(rows_of(path, [column]), max(wanted, default=-1) + 1))
    return {place: str(row[column]) for place, row in rows if place in wanted}


def as_date(value: Any) -> date | None:
    """A value as a day: a date, a time, or either in ISO 8601; None for anything else."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value).date() if isinstance(value, str) and not value.isdigit() else None
    except ValueError:
        return None


__all__ = ["ABSTAINED", "MEASURES", "PROBABILITIES", "Readings", "as_date", "load_readings", "rows_of", "texts_at"]
