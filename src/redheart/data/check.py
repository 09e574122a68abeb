"""The validator: refuses rows that would spoil training, naming the row and the column of each problem.

    check("mine.jsonl", "mine-validation.jsonl")

Notable: it reads the rows once and keeps a few bytes per text, so it works on streamed data; `max_rows` ends an endless
stream. All problems are reported together, in a line for each kind of problem, up to `limit` kinds.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..configuration.inputs import check_text
from ..formats.tables import is_table
from .column_map import IN_PYTHON, Row
from .columns import AXES, COLUMNS, DISTRIBUTIONS, element, is_missing, outside, shown
from .examples import INTEGERS, MISSING, PAIRS, SHAPES, Example, is_labelled, normalised
from .problems import Findings, Problem
from .rows import mapping_of, read_rows
from .schema import column_problems, read_row


@dataclass(slots=True)
class _First:
    """The first value of a column."""

    value: Any
    number: int
    digest: bytes
    count: int = 0
    changed: bool = False


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=8).digest()


class _Constants:
    """Finds columns whose value never changes."""

    def __init__(self) -> None:
        self.seen: dict[str, _First] = {}

    def add(self, name: str, value: Any, number: int) -> None:
        try:
            data = value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode("utf-8", "replace")
        except ValueError:  # of an integer of more than 4,300 digits, which its column refuses
            return
        digest = _digest(data)
        first = self.seen.setdefault(name, _First(value, number, digest))
        first.count += 1
        first.changed |= digest != first.digest

    def problems(self, source: str) -> Iterator[Problem]:
        for name, first in self.seen.items():
            if not first.changed and first.count > 1:
                message = (
                    f"It is {first.value!r:.60} in all {first.count} rows that have it, and nothing can be learned "
                    "from a constant. Leave the column out, or add rows where it differs."
                )
                yield Problem(source, first.number, name, message)


class _Flags:
    """Finds an `emotion` column whose ids are only 0 and 1, which are flags and not ids."""

    def __init__(self) -> None:
        self.count, self.only, self.first = 0, True, 0

    def add(self, value: Any, number: int) -> None:
        items = value.split(",") if isinstance(value, str) else value
        given = [str(item).strip() for item in items] if isinstance(items, list | tuple | np.ndarray) else []
        self.only &= all(item in ("0", "1") for item in given)
        if given:
            self.first = self.first if self.count else number
            self.count += 1

    def problems(self, source: str) -> Iterator[Problem]:
        if self.count > 1 and self.only:
            message = (
                f"It has only 0 and 1 in all {self.count} rows that have it, which would be two emotions by id. "
                "Whether an emotion is present goes in `emotion.NAME`."
            )
            yield Problem(source, self.first, "emotion", message)


def _by_target(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The values by column; the shares of one distribution together, since a single share may be constant."""
    merged: dict[str, Any] = {}
    for name, value in values:
        column = COLUMNS.get(name)
        if column is None or name in PAIRS or is_missing(value):
            continue
        if column.target in DISTRIBUTIONS and name not in SHAPES:
            axes = AXES[column.target][1]
            whole = element(column.target, column.place[: len(axes) - 1])
            merged.setdefault(whole, []).append(value)
        else:
            merged[name] = value
    return merged


def _example_problems(item: Example, number: int, source: str) -> Iterator[Problem]:
    """The problems of an example, as `schema.read_row` reports them for a row."""
    try:
        check_text(item.text, subject="It")
    except ValueError as error:
        yield Problem(source, number, "text", str(error))
    for name, value in item.targets.items():
        if name not in SHAPES:
            continue
        array = np.asarray(value, dtype=np.float64)
        if SHAPES[name] is not None and array.shape != SHAPES[name]:
            yield Problem(source, number, name, f"It must have the shape {SHAPES[name]}, got {array.shape}.")
            continue
        if name in INTEGERS:
            array[array == MISSING] = np.nan
        wrong = outside(array, name)
        sums = array.sum(axis=-1) if name in DISTRIBUTIONS else np.ones(1)
        if wrong is None and not np.allclose(sums[np.isfinite(sums)], 1, atol=1e-4):
            wrong = f"The shares must sum to 1, got {array.tolist()}."
        if wrong is not None:
            yield Problem(source, number, name, wrong)


class _Side:
    """The state of the check of one of the two sets."""

    def __init__(self, source: str, found: Findings, option: str) -> None:
        self.source, self.found, self.option = source, found, option
        self.constants, self.flags = _Constants(), _Flags()
        self.count, self.labelled = 0, False
        self.columns: set[Problem] = set()
        self.halves: dict[tuple[str, str, int], str] = {}

    def add(self, item: Row | Example, number: int) -> list[Example]:
        """Record the problems of an item; returns its examples."""
        values: Iterable[tuple[str, Any]]
        self.count += 1
        if isinstance(item, Example):
            examples, values = [item], item.targets.items()
            self.found.add(_example_problems(item, number, self.source))
            self.found.add(self._equal_halves(item, number))
        else:
            values = mapping_of(item, number, self.source).items()
            self._add_columns(item, number)
            examples, wrong = read_row(item, number, self.source)
            self.found.add(wrong)
        for name, value in _by_target(values).items():
            self.constants.add(name, value, number)
            if name == "emotion":
                self.flags.add(value, number)
        # A row with problems may have a label.
        self.labelled |= not examples or any(map(is_labelled, examples))
        return examples

    def _add_columns(self, row: Row, number: int) -> None:
        """Name each wrong column once, at the first row that has it."""
        for one in column_problems(row, number, self.source, self.option):
            known = replace(one, row=0)
            if known not in self.columns:
                self.columns.add(known)
                self.found.add([one])

    def _equal_halves(self, item: Example, number: int) -> Iterator[Problem]:
        for name in PAIRS:
            if name in item.targets:
                key = (item.source, name, int(item.targets[name][0]))
                other = self.halves.pop(key, None)
                if other is None:
                    self.halves[key] = item.text
                elif other.split() == item.text.split():
                    yield Problem(self.source, number, name, "Both texts of the pair are {}.", shown(item.text))


def _named(data: Any, split: str, options: dict[str, Any]) -> tuple[str, Iterable[Any]]:
    if isinstance(data, str | Path | Mapping) or not isinstance(data, Iterable) or is_table(data) or options:
        data = read_rows(data, split, **options)
    return str(getattr(data, "name", None) or split), data


def check(
    train: Any,
    validation: Any = None,
    *,
    max_rows: int | None = None,
    limit: int = 20,
    trained: bool = True,
    labelled: bool = False,
    **options: Any,
) -> None:
    """Check training data.

    These are errors: an unknown column, or two for the same target; a value that does not fit the type or range of its
    column; shares that sum to 0; a text that cannot be read; two equal texts as a pair; a column of train whose value
    never changes; a text of validation that train has, too (by `examples.normalised`); and no rows at all. Single rows
    without a label are allowed: a trainer leaves them out, and reports how many.

    Args:
        train: Rows in the columns of `schema`, or anything that `rows.read_rows` takes, or examples; None = none.
        validation: The same, of the validation split; None = none.
        max_rows: Check only this number of rows of each; None = all.
        limit: Name at most this number of kinds of problems.
        trained: False for rows that are only used to measure, where a column may be constant.
        labelled: True to refuse rows none of which has a label.
        **options: Options of `rows.read_rows`.

    Raises:
        DataError: For data with problems; the message names each kind of problem.
    """
    found = Findings(limit)
    seen: dict[bytes, int] = {}  # digest of a text of train -> the first row with it
    train_name = ""
    for data, split in ((train, "train"), (validation, "validation")):
        if data is None:
            continue
        name, rows = _named(data, split, options)
        side = _Side(name, found, getattr(rows, "option", IN_PYTHON))
        for number, item in enumerate(islice(rows, max_rows)):
            for example in side.add(item, number):
                text = _digest(normalised(example.text).encode("utf-8", "surrogatepass"))
                if split == "train":
                    seen.setdefault(text, number)
                elif text in seen:
                    same = f"{shown(example.text)} (row {seen[text]})"
                    found.add(
                        [Problem(name, number, "text", f"It is also a text of {train_name}: {{}}. Drop one.", same)]
                    )
        if not side.count:
            found.add([Problem(name, 0, "text", "There are no rows.")])
        elif labelled and not side.labelled:
            message = f"None of the {side.count} rows has a label; `redheart.data.schema` names the columns for labels."
            found.add([Problem(name, 0, "text", message)])
        found.add(side.flags.problems(name))
        if split == "train":
            found.add(side.constants.problems(name) if trained else ())
            train_name = name
    found.refuse()


__all__ = ["check"]
