"""The row schema: which columns a row of training data may have, and how a row becomes examples.

A row is a mapping (a dict, a row of `datasets.Dataset`, a line of a file). `text` is required, every other column is
optional, and a missing value (no column, None, NaN, or an empty cell) is masked: it is not trained on.

| column | value | what it says |
| --- | --- | --- |
| `text` | text | what is read |
| `context` | text | put before `text` (and before `rejected`), a space between |
| `rejected` | text | the other text of a pair, of which `text` is the better one |
| `ranking` | `utility`, `acceptability`, `branch` | what the pair ranks: events, conduct, or courses of events |
| `better`, `worse` | text | what could have been, better and worse than what `text` tells |
| `group` | text | what the row belongs to (a story, a person); a group is never split |
| `id`, `language`, `kind` | anything | passed over |
| `emotion` | names or ids, a list or `joy, anger` | the emotions there are; every other one is absent |
| `emotion.joy` | 0..1 | one emotion: 0 or 1, or a probability |
| `intensity.joy` | 0..1 | how strong it is |
| `nuance.joy` | 0..4, or `slight` .. `extreme` | its level, 0 = absent |
| `affect.valence`, `bentham.duration` | 0..1; valence -1..1 | one dimension |
| `regret.action.better` | -1..1 | one type of regret in one view |
| `utility.actual` | -1..1 | how good one course of events is for all concerned: better, actual or worse |
| `counterfactual.plausibility.better` | 0..1 | how likely one course was |
| `verdict` | a name | who is in the wrong |
| `verdict.author` and the four others | 0 or more | votes or shares, brought to the sum 1 |
| `acceptability` | 0..1 | how acceptable the narrator's own conduct is |
| `perspectives.self`, `.self.author` | as `verdict` | the verdict as the narrator (or the `other` side) would give it |
| `emotion_labels`, and all of `examples.SHAPES` | numbers in its shape | a whole target, as the model takes it |

Notable: names and their order are those of `configuration.labels`. Two columns for one target (`emotion` beside
`emotion.joy`) are an error, as is a column that is not in the table. Targets of a pair's row belong to its `text`. Rows
are counted from 0, as in `dataset[0]`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from ..configuration.inputs import check_text
from ..configuration.labels import closest
from .columns import COLUMNS, DISTRIBUTIONS, element, empty, is_missing
from .examples import PAIRS, Array, DataError, Example

Row: TypeAlias = Mapping[str, Any]

RANKINGS: dict[str, str] = {name.removesuffix("_pair_labels"): name for name in PAIRS}
TEXTS = ("text", "context", "rejected", "ranking", "group", "better", "worse")
IGNORED = ("id", "language", "kind")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one column of one row."""

    source: str
    row: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"{self.source}, row {self.row}, column {self.column!r}: {self.message}"


def refuse(problems: Sequence[Problem], hidden: int = 0) -> None:
    """Raise a `DataError` that names every problem, if there is one. hidden: how many more there are."""
    if not problems:
        return
    lines = [str(problem) for problem in problems]
    if len(lines) > 1 or hidden:
        more = f" (the first {len(lines)} are named)" if hidden else ""
        lines.insert(0, f"{len(lines) + hidden} problems{more}:")
    raise DataError("\n  ".join(lines))


@lru_cache(maxsize=256)
def _wrong_columns(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(column, what is wrong) for columns that are unknown, or that say the same thing twice."""
    wrong = []
    for name in names:
        if name not in COLUMNS and name not in TEXTS and name not in IGNORED:
            hint = closest(str(name), [*TEXTS, *COLUMNS]) if len(str(name)) < 80 else ""
            hint = hint if hint.startswith("did") else "the columns there are stand in `redheart.training.schema`."
            wrong.append((str(name), f"There is no such column; {hint} Rename it or leave it out with `column_names`."))
    known = [(name, COLUMNS[name]) for name in names if name in COLUMNS]
    for number, (name, column) in enumerate(known):
        for other, earlier in known[:number]:
            shared = min(len(column.place), len(earlier.place))
            if column.target == earlier.target and column.place[:shared] == earlier.place[:shared]:
                wrong.append((name, f"It says the same as column {other!r}. Keep one of them."))
                break
    if "text" not in names:
        wrong.append(("text", f"There is no such column, and each row needs it; there are {list(names)}."))
    return tuple(wrong)


def column_problems(row: Row, number: int, source: str) -> list[Problem]:
    """What is wrong with the columns that a row has, whatever they hold."""
    return [Problem(source, number, name, message) for name, message in _wrong_columns(tuple(row))]


def _text(row: Row, name: str) -> str:
    """A column that holds text; ``""`` where it is missing. A group may be numbered."""
    value = row.get(name)
    if is_missing(value):
        return ""
    if name == "group" and isinstance(value, int):
        return str(value)
    return check_text(value, subject="It")


def _texts(row: Row) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The columns of TEXTS, and (column, what is wrong with it)."""
    texts, wrong = dict.fromkeys(TEXTS, ""), []
    for name in TEXTS:
        try:
            texts[name] = check_text(row.get(name, ""), subject="It") if name == "text" else _text(row, name)
        except ValueError as error:
            wrong.append((name, str(error)))
    if texts["worse"] and texts["ranking"] and not texts["rejected"]:
        wrong.append(
            ("worse", "It is what could have been, worse than `text`; the other text of a pair is `rejected`.")
        )
    if texts["rejected"]:
        if texts["ranking"] not in RANKINGS:
            wrong.append(
                ("ranking", f"{texts['ranking']!r} must be one of {', '.join(RANKINGS)} where `rejected` is given.")
            )
        if texts["rejected"].split() == texts["text"].split():
            wrong.append(("rejected", "It is the same as `text`, and equal texts cannot be ranked. Leave the row out."))
    return texts, wrong


def _share_problems(targets: dict[str, Array]) -> Iterator[tuple[str, str]]:
    """Bring each distribution to the sum 1; yields (column, what is wrong) where that cannot be done."""
    for target in DISTRIBUTIONS:
        if target not in targets:
            continue
        for place in np.ndindex(targets[target].shape[:-1]):
            shares = targets[target][place]
            absent = np.isnan(shares)
            if absent.all():
                continue
            if absent.any():
                name = element(target, (*place, int(absent.argmax())))
                yield name, "It is missing beside the others; write 0 where nobody voted so."
            elif not shares.sum() > 0:
                yield element(target, place), "The shares sum to 0: there are no votes. Leave them out, or the row."
            else:
                targets[target][place] = shares / shares.sum()


def read_row(row: Row, number: int, source: str, pair: int | None = None) -> tuple[list[Example], list[Problem]]:
    """The examples of a row, two for a pair and else one, and what is wrong with its values.

    number: of the row, for the messages. pair: the id of its pair, unique in the set; None = ``number``. Columns that
    are not of the schema are passed over: `column_problems` finds them.
    """
    texts, wrong = _texts(row)
    targets: dict[str, Array] = {}
    for name, value in row.items():
        column = COLUMNS.get(name)
        if column is None or is_missing(value):
            continue
        try:
            parsed = column.parse(value)
        except ValueError as error:
            wrong.append((name, str(error)))
            continue
        if column.target not in targets:
            targets[column.target] = empty(column.target, np.size(parsed))
        targets[column.target][column.place] = parsed
    if texts["rejected"] and (given := [name for name in PAIRS if name in targets]):
        wrong.append((given[0], "It and `rejected` both make a pair of the row. Keep one of them."))
    wrong += _share_problems(targets) if not wrong else ()
    if wrong:
        return [], [Problem(source, number, name, message) for name, message in wrong]
    before = f"{texts['context']} " if texts["context"] else ""
    first = Example(before + texts["text"], source, targets, texts["group"], texts["better"], texts["worse"])
    if not texts["rejected"]:
        return [first], []
    ranking = RANKINGS[texts["ranking"]]
    pair = number if pair is None else pair
    targets[ranking] = np.array([pair, 1], dtype=np.int64)
    second = Example(before + texts["rejected"], source, {ranking: np.array([pair, 0], dtype=np.int64)}, texts["group"])
    return [first, second], []


def iter_examples(rows: Iterable[Row], source: str | None = None) -> Iterator[Example]:
    """The examples of rows, one row at a time, for data that is streamed. As `to_examples`."""
    source = source or str(getattr(rows, "name", None) or "rows")
    for number, row in enumerate(rows):
        problems = column_problems(row, number, source)
        examples, more = read_row(row, number, source)
        refuse([*problems, *more])
        yield from examples


def to_examples(rows: Iterable[Row], source: str | None = None) -> list[Example]:
    """The examples of rows in the schema of this module.

    source: the name of the set, by which sets are mixed; None = the name of what `read_rows` read. Raises `DataError`
    at the first row that does not fit, naming it and each wrong column (`check.check` goes through all rows).
    """
    examples = list(iter_examples(rows, source))
    if not examples:
        raise DataError(f"{source or getattr(rows, 'name', 'rows')} has no rows.")
    return examples


__all__ = [
    "RANKINGS",
    "Problem",
    "Row",
    "column_problems",
    "iter_examples",
    "read_row",
    "refuse",
    "to_examples",
]
