"""Training data, from the public sets or from your own rows, as examples.

    load("goemotions", "../shared/data", "train")                  # a public set from a folder of sets
    load_hub("goemotions", "train", streaming=True)                # the same from the hub
    list(examples_of("emobank", read_rows("emobank.csv"), "train"))  # from the file that its authors publish
    to_examples(read_rows("mine.jsonl"))                           # your own, in the columns of `schema`
    check("mine.jsonl", "mine-validation.jsonl")                   # refuses rows that would spoil training

Notable:

* Texts that the validation split also has are left out of train by default (`load(..., unlike=())` keeps them):
  a score on texts seen in training is not a score.
* `load` refuses a set that supervises nothing; `texts_of` gives its texts for pre-training.
* Sets under a non-commercial licence are only read with ``allow_non_commercial=True``.
* The parts are in files of their own: `examples` (texts, targets, units), `schema` and `columns` (the columns of a
  row), `rows` (files and the hub), `public_sets` (the public sets), `check` (the validator). This one joins them.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, product
from pathlib import Path
from typing import TypeAlias

from ..configuration.errors import DataError
from ..configuration.extras import missing
from ..configuration.labels import closest
from ..configuration.shipped import PACKAGE
from .check import check
from .column_map import Row
from .examples import (
    INTEGERS,
    MISSING,
    PAIRS,
    SHAPES,
    Array,
    Example,
    Unit,
    drop_seen,
    held_out,
    normalised,
    overlap,
    to_units,
)
from .problems import RowsError, refuse
from .public_sets import INTENSITY_EMOTIONS, NON_COMMERCIAL, SETS, PublicSet, SchemaRow, ranked
from .rows import read_rows
from .schema import iter_examples, read_row, to_examples

# A checkout has the project's own sets, and the public ones beside it; an installed package has neither.
_CHECKOUT = PACKAGE.resolve().parents[1]
OWN = _CHECKOUT / "data"

_Known: TypeAlias = tuple[int, Row, SchemaRow]  # row number, row of the set, row of the schema


def find_data(given: Path | str | None = None) -> Path:
    """The folder with one folder per set: ``given``, or REDHEART_DATA, or shared/data beside the repository."""
    if given is None:
        given = os.environ.get("REDHEART_DATA") or _CHECKOUT.parent / "shared" / "data"
    root = Path(given)
    if not root.is_dir():
        raise DataError(f"There is no data folder {root}. Name it, or set the environment variable REDHEART_DATA.")
    return root


def folder_of(name: str, data_root: Path | str | None) -> Path:
    """The folder of a set: in a checkout the project's own is beside the code, every other one in the data folder."""
    own = OWN / name
    return own if own.is_dir() else find_data(data_root) / name


def _split_file(folder: Path, split: str) -> Path:
    if not folder.is_dir():
        exist = sorted(path.name for path in folder.parent.iterdir() if path.is_dir()) if folder.parent.is_dir() else []
        raise DataError(
            f"There is no folder {folder}; {folder.parent} holds {exist or 'no folders'}. "
            "The data root must hold one folder per set, named as the set."
        )
    file = folder / f"{split}.parquet"
    if not file.is_file():
        splits = sorted(path.stem for path in folder.glob("*.parquet"))
        raise DataError(
            f"There is no file {file}; {folder} has the splits {splits}. "
            "Ask for one of them; where a set has no validation split, take it from train with `held_out`."
        )
    return file


def _read(folder: Path, split: str) -> Iterator[Row]:
    """The rows of a split, with the columns that the set needs, complete and without nulls, and the optional ones."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise missing("Reading data needs pyarrow", "train") from error

    file = _split_file(folder, split)
    try:
        columns, optional = _needed(folder.name, pq.read_schema(file).names, str(file))
        table = pq.read_table(file, columns=columns + optional)
    except pa.ArrowInvalid as error:
        raise DataError(f"{file} is not a whole parquet file ({error}). Copy it again.") from error
    for name in columns:
        if nulls := table[name].null_count:
            raise DataError(f"{file}: {nulls} of {table.num_rows} rows have no {name!r}. Drop or fill these rows.")
    for batch in table.to_batches(max_chunksize=1024):
        yield from batch.to_pylist()


def _needed(name: str, names: Sequence[str], where: str) -> tuple[list[str], list[str]]:
    """Which of the columns ``names`` to read: those that a set needs, and the optional ones."""
    one = SETS[name]
    form = min(one.columns, key=lambda form: sum(column not in names for column in form))
    if absent := [column for column in form if column not in names]:
        raise DataError(f"{where} has no column {absent}; it has {list(names)}. It must be the set {name!r}.")
    return list(form), [column for column in one.optional if column in names and column not in form]


def _public_set(name: str, allow_non_commercial: bool) -> PublicSet:
    if name not in SETS:
        raise DataError(f"There is no set {name!r}; {closest(name, SETS)}")
    if name in NON_COMMERCIAL and not allow_non_commercial:
        raise DataError(
            f"{name!r} is not used for training: {NON_COMMERCIAL[name]}. If that does not matter, pass "
            "`allow_non_commercial=True`."
        )
    return SETS[name]


def _schema_rows(name: str, rows: Iterable[Row], where: str, split: str | None = None) -> Iterator[_Known]:
    """The schema rows of each row of the split; checks the columns of the first row."""
    for number, row in enumerate(rows):
        if number == 0:
            _needed(name, list(row), where)
        # emobank.csv has all its splits, and the validation split is called dev.
        if name == "emobank" and split and row.get("split", split) not in (split, {"validation": "dev"}.get(split)):
            continue
        try:
            known = SETS[name].rows(row)
        except DataError as error:
            raise DataError(f"{where}, row {number}: {error}") from error
        for one in known:
            yield number, row, one


def _scenes(known: Iterable[_Known], same_scene: Callable[[Row, Row], bool]) -> Iterator[list[_Known]]:
    """Neighbouring rows of one scene, together."""
    scene: list[_Known] = []
    for item in known:
        if scene and not same_scene(scene[-1][1], item[1]):
            yield scene
            scene = []
        scene.append(item)
    if scene:
        yield scene


def _ranked(scene: Sequence[_Known]) -> Iterator[_Known]:
    """Pairs of every text of a scene labelled 1, as the better one, and every one labelled 0."""
    good, bad = ([item for item in scene if int(item[1]["label"]) == label] for label in (1, 0))
    for (number, row, better), (_, _, worse) in product(good, bad):
        for pair in ranked("acceptability", better["text"], worse["text"], better.get("group", "")):
            yield number, row, pair


def examples_of(
    name: str,
    rows: Iterable[Row],
    split: str | None = None,
    *,
    where: str | None = None,
    allow_non_commercial: bool = False,
) -> Iterator[Example]:
    """The examples of a public set from its rows, in its public columns or in those of our copies, one row at a time.

    A set that supervises nothing gives texts without targets.

    Args:
        name: Name of the set.
        rows: Rows of one split, in their order (`read_rows`); or those of emobank.csv.
        split: The split to take from the rows of emobank.csv.
        where: Name of the rows in an error.
        allow_non_commercial: Whether a set whose licence forbids commercial use may be read.

    Yields:
        The examples.

    Raises:
        DataError: For an unknown set, one that is not allowed, and at the first row that does not fit.
    """
    one = _public_set(name, allow_non_commercial)
    where = where or str(getattr(rows, "name", None) or name)
    known = _schema_rows(name, rows, where, split)
    if one.same_scene:
        known = chain.from_iterable(map(_ranked, _scenes(known, one.same_scene)))
    for pair, (number, _, row) in enumerate(known):
        examples, problems = read_row(row, number, name, pair)
        refuse(replace(problem, source=where) for problem in problems)
        yield from examples


def find_split(name: str, data_root: Path | str | None, split: str) -> Path:
    """The path of a split of a set, without reading it. Raises `DataError` as `load` does."""
    return _split_file(folder_of(name, data_root), split)


def _load_folder(folder: Path, split: str) -> list[Example]:
    name = folder.name
    return list(examples_of(name, _read(folder, split), where=f"{folder}/{split}", allow_non_commercial=True))


def supervised(name: str, allow_non_commercial: bool = False) -> PublicSet:
    """The set ``name``. Raises `DataError` for one that is unknown, supervises nothing, or is not allowed."""
    one = _public_set(name, allow_non_commercial)
    if one.why_not:
        raise DataError(f"{name!r} supervises nothing: {one.why_not}. Use `texts_of` to read its texts.")
    return one


def load(
    name: str,
    data_root: Path | str | None,
    split: str,
    *,
    unlike: Sequence[str] = ("validation",),
    allow_non_commercial: bool = False,
) -> list[Example]:
    """Load a split of a set from a folder of sets.

    Args:
        name: Name of the set.
        data_root: As in `find_data`.
        split: Name of the split.
        unlike: Splits whose texts (with their pair) are removed from train, by `normalised`; a split that the set does
            not have is ignored; ``()`` keeps every text.
        allow_non_commercial: Whether a set whose licence forbids commercial use may be loaded.

    Returns:
        The examples.

    Raises:
        DataError: For an unknown set, a missing folder, split or column, a licence that was not allowed, or a row that
            does not fit.
    """
    supervised(name, allow_non_commercial)
    folder = folder_of(name, data_root)
    examples = _load_folder(folder, split)
    if not examples:
        raise DataError(f"{folder}/{split}.parquet has no rows. Copy it again.")
    if split == "train":
        for other in unlike:
            if other != split and (folder / f"{other}.parquet").is_file():
                examples = drop_seen(examples, _load_folder(folder, other))
    return examples


def load_hub(
    name: str, split: str, *, streaming: bool = False, revision: str | None = None, allow_non_commercial: bool = False
) -> Iterator[Example]:
    """Load a split of a set from the hub, one row at a time.

    Args:
        name: Name of the set.
        split: Name of the split on the hub.
        streaming: Whether to read without downloading the set first.
        revision: Revision of the set on the hub.
        allow_non_commercial: Whether a set whose licence forbids commercial use may be loaded.

    Returns:
        The examples.

    Raises:
        DataError: As `load`, and for a set that has no known repository on the hub.
    """
    one = supervised(name, allow_non_commercial)
    if one.hub is None:
        exist = [known for known, other in SETS.items() if other.hub]
        raise DataError(
            f"{name!r} has no known repository on the hub; {', '.join(exist)} have one. Read its files with "
            "`read_rows` and pass them to `examples_of`."
        )
    hub, config = one.hub
    # The sets are written for the ids of their labels.
    rows = read_rows(hub, split, streaming=streaming, config=config, revision=revision, label_names=False)
    return examples_of(name, rows, split, where=f"{hub}/{split}", allow_non_commercial=allow_non_commercial)


def texts_of(
    name: str,
    data_root: Path | str | None = None,
    split: str = "train",
    *,
    rows: Iterable[Row] | None = None,
    allow_non_commercial: bool = False,
) -> Iterator[str]:
    """Every text of a public set once, in its order, for pre-training. All sets have texts.

    Args:
        name: Name of the set.
        data_root: As in `find_data`.
        split: Name of the split.
        rows: Rows to read instead of the folder.
        allow_non_commercial: Whether a set whose licence forbids commercial use may be read.

    Yields:
        The texts.
    """
    _public_set(name, allow_non_commercial)
    if rows is None:
        rows, where = _read(folder_of(name, data_root), split), f"{name}/{split}"
    else:
        where = str(getattr(rows, "name", None) or name)
    seen: set[str] = set()
    for _, _, row in _schema_rows(name, rows, where):
        before = f"{row['context']} " if row.get("context") else ""
        for text in (row["text"] or "", row.get("rejected") or ""):
            if text.strip() and before + text not in seen:
                seen.add(before + text)
                yield before + text


__all__ = [
    "INTEGERS",
    "INTENSITY_EMOTIONS",
    "MISSING",
    "NON_COMMERCIAL",
    "PAIRS",
    "SETS",
    "SHAPES",
    "Array",
    "DataError",
    "Example",
    "RowsError",
    "Unit",
    "check",
    "drop_seen",
    "examples_of",
    "find_data",
    "find_split",
    "held_out",
    "iter_examples",
    "load",
    "load_hub",
    "normalised",
    "overlap",
    "read_rows",
    "supervised",
    "texts_of",
    "to_examples",
    "to_units",
]
