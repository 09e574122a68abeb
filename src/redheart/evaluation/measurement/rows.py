"""Which rows are evaluated: the splits of the public sets that are present, or a person's own.

Notable: the test splits of some sets are withheld by those who compare systems on them; a missing split is skipped,
and the evaluation names it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...configuration.labels import closest
from ...data.column_map import ON_COMMAND_LINE, ColumnNames
from ...data.dilemmas import SCORED, dilemma_halves
from ...data.examples import is_labelled
from ...data.loading import OWN, DataError, Unit, find_data, load, to_units
from ...data.own_rows import own_units

# Set -> the split that its floor is fitted on, and the splits that are evaluated.
PUBLIC: dict[str, tuple[str, tuple[str, ...]]] = {
    "cases": ("train", ("validation",)),
    "goemotions": ("train", ("validation",)),
    "goemotions_ko": ("train", ("validation",)),
    "kote": ("validation", ("test",)),
    "emotion_intensity_en": ("train", ("validation", "test")),
    "emobank": ("train", ("validation", "test")),
    "scruples_anecdotes": ("train", ("validation",)),
    "scruples_dilemmas": ("validation", ("validation",)),
    "moral_stories": ("train", ("validation", "test")),
    "ethics_utilitarianism": ("train", ("test", "test_hard")),
}
# People's ratings of their own events, which are not rows of the schema (`own_events`).
EVENTS = "crowd_envent"
# What is fitted on. Thresholds of the emotions, on both: the cases are everyday texts as people send them, English and
# Korean, but few, with a handful of texts for a rare emotion; GoEmotions has the rare ones, in comments of one site.
# The verdict's temperature and the threshold of naming, on the cases alone (GoEmotions has no verdict): a forum's posts
# are longer, and its votes lean to the author, so that what is fitted to them is wrong for everything else. They stay
# a set that is only measured.
FITTED_ON = (("cases", "validation"), ("goemotions", "validation"))

# Held back from training and fitting, for the shipped models' guarantee.
CALIBRATED_ON = ("cases", "calibration")


@dataclass(frozen=True)
class Rows:
    """A split to evaluate.

    Attributes:
        dataset: Name of the data set.
        split: Name of the split.
        units: The rows.
        train: Rows that its floor is fitted on; None = no floor.
        note: What is special about it; "" = nothing.
    """

    dataset: str
    split: str
    units: Sequence[Unit]
    train: Sequence[Unit] | None = None
    note: str = ""


def public_rows(
    root: Path | str | None, names: Sequence[str] = (), floor: bool = True
) -> Iterator[Rows | tuple[str, str]]:
    """The splits of the public sets, or of those named.

    Args:
        root: As in `data.find_data`; the project's own set needs none.
        names: Names of sets; none = all. `EVENTS` has no rows and is passed over.
        floor: Whether to read the training rows of the floor.

    Returns:
        The splits; for what is missing, its name and why.

    Raises:
        DataError: Before anything is read, for a name that is not such a set, and where there is no folder of sets.
    """
    for name in names:
        if name not in (*PUBLIC, EVENTS):
            raise DataError(f"{name!r} is not evaluated; {closest(name, (*PUBLIC, EVENTS))}")
    chosen = [name for name in names or PUBLIC if name != EVENTS]
    folders = {name: OWN / name if (OWN / name).is_dir() else find_data(root) / name for name in chosen}
    return _splits(root, folders, floor)


def _splits(root: Path | str | None, folders: Mapping[str, Path], floor: bool) -> Iterator[Rows | tuple[str, str]]:
    for name, folder in folders.items():
        fitted, splits = PUBLIC[name]
        if not folder.is_dir():
            yield name, f"{folder} is not there"
            continue
        if name == "scruples_dilemmas":
            train, scored = dilemma_halves(to_units(load(name, root, "validation")))
            note = f"pairs of a {SCORED:.0%} of the actions, none of which is in a pair that anything was trained on"
            yield Rows(name, "validation", scored, train if floor else None, note)
            continue
        train_units = to_units(load(name, root, fitted, unlike=splits)) if floor else None
        for split in splits:
            if (folder / f"{split}.parquet").is_file():
                yield Rows(name, split, to_units(load(name, root, split)), train_units)
            else:
                yield f"{name} ({split})", "the split is not there"


def fitting_units(root: Path | str | None) -> list[Unit]:
    """Return the validation rows of `FITTED_ON`."""
    return [unit for name, split in FITTED_ON for unit in to_units(load(name, root, split))]


def own_rows(path: str, train: str | None = None, columns: ColumnNames | None = None) -> Rows:
    """A person's own rows, in the columns of `data.schema`.

    Args:
        path: File of the rows.
        train: File of training rows for the floor; None = no floor.
        columns: Names of their columns, and of what is in them (`ColumnMap`).

    Returns:
        The rows.

    Raises:
        DataError: For rows that do not fit the schema, and where no row has a label.
    """
    return Rows(Path(path).stem, "all rows", _read(path, columns), _read(train, columns) if train else None)


def rows_to_calibrate(path: str | None, columns: ColumnNames | None = None) -> tuple[str, list[Unit]]:
    """Rows that a guarantee is calibrated on, or checked, with their name.

    Args:
        path: A person's own rows; None = the calibration split of the cases.
        columns: As in `own_rows`.

    Returns:
        The name, and the rows.

    Raises:
        DataError: For rows that do not fit the schema, and where there are none.
    """
    if path is None:
        dataset, split = CALIBRATED_ON
        return f"{dataset} ({split})", to_units(load(dataset, None, split))
    return Path(path).stem, _read(path, columns)


def to_check(own: Rows | None, root: Path | str | None) -> tuple[str, list[Unit]] | None:
    """Name and rows on which a guarantee is checked: a person's own, or the split of `CALIBRATED_ON` if it is there."""
    if own is not None:
        return own.dataset, list(own.units)
    dataset, split = CALIBRATED_ON
    try:
        return f"{dataset} ({split})", to_units(load(dataset, root, split))
    except DataError:
        return None


def unrated_rows(path: str, columns: ColumnNames | None = None) -> list[Unit]:
    """A person's own texts, which need no labels; raises `DataError` for rows that do not fit the schema."""
    return own_units(path, Path(path).stem, trained=False, labelled=False, column_names=columns, option=ON_COMMAND_LINE)


def _read(path: str, columns: ColumnNames | None) -> list[Unit]:
    # Rows of one class may be measured, although nothing can be learned from them.
    units = own_units(path, Path(path).stem, trained=False, column_names=columns, option=ON_COMMAND_LINE)
    return [unit for unit in units if any(map(is_labelled, unit))]


__all__ = [
    "CALIBRATED_ON",
    "EVENTS",
    "FITTED_ON",
    "PUBLIC",
    "Rows",
    "fitting_units",
    "own_rows",
    "public_rows",
    "rows_to_calibrate",
    "to_check",
    "unrated_rows",
]
