"""A user's own rows as units, in any form that `rows` reads: the one path from rows to training and evaluation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .check import check
from .examples import Unit, to_units
from .rows import read_rows
from .schema import to_examples


def own_units(
    source: Any,
    name: str | None = None,
    split: str = "train",
    *,
    trained: bool = True,
    labelled: bool = True,
    **options: Any,
) -> list[Unit]:
    """Read rows, check them and make units of them.

    Args:
        source: Anything that `rows.read_rows` takes.
        name: Name of the set, by which sets are mixed; None = the name of the source.
        split: Name of the split, where the source has several.
        trained: As in `check.check`.
        labelled: As in `check.check`.
        **options: Options of `read_rows`.

    Returns:
        The units.

    Raises:
        DataError: For rows with problems; the message names all of them.
    """
    if isinstance(source, Iterator):
        source = list(source)  # it is read twice
    if name is None and isinstance(source, str | Path):
        name = Path(source).stem
    check(read_rows(source, split, **options), trained=trained, labelled=labelled)
    return to_units(to_examples(read_rows(source, split, **options), name))


__all__ = ["own_units"]
