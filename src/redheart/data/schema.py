"""The row schema: the columns that a row of training data may have, and how a row becomes examples.

A row is a mapping (a dict, a row of `datasets.Dataset`, a line of a file). `text` is required, every other column is
optional, and a missing value (no column, None, NaN, or an empty cell) is masked: it is not trained on.

| column | value | meaning |
| --- | --- | --- |
| `text` | text | the text to read |
| `context` | text | put before `text` (and before `rejected`), separated by a space |
| `rejected` | text | the other text of a pair; `text` is the better one |
| `ranking` | `utility`, `acceptability`, `branch` | what the pair ranks: events, conduct, or courses of events |
| `better`, `worse` | text | what could have been: a better and a worse course of events than that of `text` |
| `group` | text | what the row belongs to (a story, a person); a group is never split |
| `id`, `language`, `kind` | anything | ignored |
| `emotion` | names or ids, a list or `joy, anger` | the emotions that are present; every other one is absent |
| `emotion.joy` | 0..1 | one emotion: 0 or 1, or a probability |
| `intensity.joy` | 0..1 | how strong it is |
| `nuance.joy` | 0..4, or `slight`, `moderate`, `strong`, `extreme` | its level, 0 = absent |
| `affect.valence` | -1..1 | unpleasant to pleasant |
| `affect.arousal`, `affect.dominance` | 0..1 | calm to stirred; controlled to in control |
| `bentham.duration` and the nine others | 0..1; `bentham.valence` -1..1 | one dimension |
| `regret.action.better` | -1..1 | one of seven types of regret in one of three views; below 0 is rejoicing |
| `utility.actual` | -1..1 | how good one course of events is for all concerned: better, actual or worse |
| `counterfactual.plausibility.better` | 0..1 | how likely one course was |
| `verdict` | `author`, `other`, `everybody`, `nobody`, `info` | who is in the wrong |
| `verdict.author` and the four others | 0 or more | votes or shares, brought to the sum 1 |
| `acceptability` | 0..1 | how acceptable the narrator's own conduct is |
| `perspectives.self`, `perspectives.other` | as `verdict` | the verdict as the narrator, or the other side, gives it |
| `perspectives.self.author` | as `verdict.author` | the votes of one side |
| `emotion_labels` and so on | numbers in its shape | a whole target, as the model takes it (`examples.SHAPES`) |

Notable: names and their order are those of `configuration.labels`. Two columns for one target (`emotion` beside
`emotion.joy`) are an error, as is a column that is not in the table. Targets of a pair's row belong to its `text`. Rows
are counted from 0, as in `dataset[0]`.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

from ..configuration.errors import DataError
from ..configuration.inputs import check_text
from ..configuration.labels import closest
from ..formats.tables import is_table
from .column_map import IN_PYTHON, Row, Unmapped, remedy
from .columns import COLUMNS, DISTRIBUTIONS, WrongValueError, element, empty, is_missing
from .examples import PAIRS, Array, Example, is_known
from .problems import Problem, refuse
from .rows import mapping_of, read_rows

RANKINGS: dict[str, str] = {name.removesuffix("_pair_labels"): name for name in PAIRS}
TEXTS = ("text", "context", "rejected", "ranking", "group", "better", "worse")
IGNORED = ("id", "language", "kind")
NAMES = (*TEXTS, *IGNORED, *COLUMNS)


@lru_cache(maxsize=256)
def _wrong_columns(names: tuple[str, ...], option: str) -> tuple[tuple[str, str], ...]:
    """(column, message) for columns that are unknown, or that give the same target as another."""
    wrong = []
    for name in names:
        if name not in NAMES:
            hint = closest(str(name), [*TEXTS, *COLUMNS]) if len(str(name)) < 80 else ""
            hint = hint if hint.startswith("did") else "see `redheart.data.schema` for the columns."
            wrong.append((str(name), f"There is no such column; {hint} {remedy(str(name), option)}"))
    known = [(name, COLUMNS[name]) for name in names if name in COLUMNS]
    for number, (name, column) in enumerate(known):
        for other, earlier in known[:number]:
            shared = min(len(column.place), len(earlier.place))
            if column.target == earlier.target and column.place[:shared] == earlier.place[:shared]:
                wrong.append((name, f"It gives the same target as column {other!r}. Keep one of them."))
                break
    if "text" not in names:
        wrong.append(("text", f"There is no such column, and each row needs it; there are {list(names)}."))
    return tuple(wrong)


def column_problems(row: Row, number: int, source: str, option: str = IN_PYTHON) -> list[Problem]:
    """Problems with the columns of a row, whatever their values; ``option`` is as in `column_map.remedy`."""
    return [Problem(source, number, name, message) for name, message in _wrong_columns(tuple(row), option)]


def _text(row: Row, name: str) -> str:
    """The value of a text column; ``""`` where it is missing. A group may be a number."""
    value = row.get(name)
    if isinstance(value, Unmapped):
        raise WrongValueError(value.value, value.template)
    if name != "text" and is_missing(value):
        return ""
    if name == "group" and isinstance(value, int | np.integer):
        return str(value)
    return check_text(value, subject="It")


def _texts(row: Row) -> tuple[dict[str, str], list[tuple[str, ValueError | str]]]:
    """The columns of `TEXTS`, and (column, problem)."""
    texts: dict[str, str] = dict.fromkeys(TEXTS, "")
    wrong: list[tuple[str, ValueError | str]] = []
    for name in (name for name in TEXTS if name in row):
        try:
            texts[name] = _text(row, name)
        except ValueError as error:
            wrong.append((name, error))
    if texts["worse"] and texts["ranking"] and not texts["rejected"]:
        wrong.append(
            ("worse", "It is what could have been, worse than `text`; use `rejected` for the other text of a pair.")
        )
    if texts["rejected"]:
        if texts["ranking"] not in RANKINGS:
            known = f"{{}} must be one of {', '.join(RANKINGS)} where `rejected` is given."
            wrong.append(("ranking", WrongValueError(texts["ranking"], known)))
        if texts["rejected"].split() == texts["text"].split():
            wrong.append(("rejected", "It is the same as `text`, and equal texts cannot be ranked. Leave the row out."))
    return texts, wrong


def _share_problems(targets: dict[str, Array]) -> Iterator[tuple[str, ValueError | str]]:
    """Scale each distribution to the sum 1; yields (column, problem) where that cannot be done."""
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
                yield name, "It is missing, and the other shares are not; write 0 for no votes."
            elif not shares.sum() > 0:
                yield element(target, place), "The shares sum to 0: there are no votes. Leave them or the row out."
            else:
                targets[target][place] = shares / shares.sum()


def _problem(source: str, number: int, name: str, what: ValueError | str) -> Problem:
    if isinstance(what, WrongValueError):
        return Problem(source, number, name, what.template, what.value)
    return Problem(source, number, name, str(what))


def read_row(row: Row, number: int, source: str, pair: int | None = None) -> tuple[list[Example], list[Problem]]:
    """Read the values of a row.

    `column_problems` finds a missing `text` column, and columns that are not in the schema.

    Args:
        row: The row.
        number: Number of the row, for the messages.
        source: Name of the set.
        pair: Id of its pair, unique in the set; None = ``number``.

    Returns:
        The examples, two for a pair and else one, none for a row with problems or without the column `text`; and the
        problems of its values.
    """
    texts, wrong = _texts(row)
    targets: dict[str, Array] = {}
    for name, value in row.items():
        column = COLUMNS.get(name)
        if column is None or is_missing(value):
            continue
        if isinstance(value, Unmapped):
            wrong.append((name, WrongValueError(value.value, value.template)))
            continue
        try:
            parsed = column.parse(value)
        except ValueError as error:
            wrong.append((name, error))
            continue
        if column.target not in targets:
            targets[column.target] = empty(column.target, np.size(parsed))
        targets[column.target][column.place] = parsed
    if texts["rejected"] and (given := [name for name in PAIRS if name in targets]):
        wrong.append((given[0], "It and `rejected` both make a pair of the row. Keep one of them."))
    wrong += _share_problems(targets) if not wrong else ()
    if wrong or "text" not in row:
        return [], [_problem(source, number, name, what) for name, what in wrong]
    targets = {name: value for name, value in targets.items() if is_known(name, value)}
    before = f"{texts['context']} " if texts["context"] else ""
    first = Example(before + texts["text"], source, targets, texts["group"], texts["better"], texts["worse"])
    if not texts["rejected"]:
        return [first], []
    ranking = RANKINGS[texts["ranking"]]
    pair = number if pair is None else pair
    targets[ranking] = np.array([pair, 1], dtype=np.int64)
    second = Example(before + texts["rejected"], source, {ranking: np.array([pair, 0], dtype=np.int64)}, texts["group"])
    return [first, second], []


def row_examples(row: Row, number: int, source: str, option: str = IN_PYTHON) -> list[Example]:
    """The examples of a row. Raises `DataError` for a row that does not fit, which names each wrong column."""
    problems = column_problems(mapping_of(row, number, source), number, source, option)
    examples, more = read_row(row, number, source)
    refuse([*problems, *more])
    return examples


def iter_examples(rows: Iterable[Row], source: str | None = None) -> Iterator[Example]:
    """The examples of rows, one row at a time, for streamed data. Otherwise as `to_examples`."""
    if is_table(rows):
        rows = read_rows(rows, source or "rows")
    source = source or str(getattr(rows, "name", None) or "rows")
    for number, row in enumerate(rows):
        yield from row_examples(row, number, source, getattr(rows, "option", IN_PYTHON))


def to_examples(rows: Iterable[Row], source: str | None = None) -> list[Example]:
    """The examples of rows in the schema of this module.

    Args:
        rows: Mappings, or a table as `read_rows` takes it.
        source: Name of the set, by which sets are mixed; None = the name of the source that `read_rows` read.

    Returns:
        The examples.

    Raises:
        DataError: Without rows, and at the first row that does not fit; the message names it and each wrong column
            (`check.check` checks all rows).
    """
    examples = list(iter_examples(rows, source))
    if not examples:
        raise DataError(f"{source or getattr(rows, 'name', 'rows')} has no rows.")
    return examples


__all__ = [
    "NAMES",
    "RANKINGS",
    "Problem",
    "Row",
    "column_problems",
    "iter_examples",
    "read_row",
    "refuse",
    "row_examples",
    "to_examples",
]
