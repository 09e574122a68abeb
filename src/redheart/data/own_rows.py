"""A person's own rows as units, in whatever form they are given: the one road from rows to training and evaluation."""

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
    """The units of rows, checked: whatever `rows.read_rows` takes.

    name: of the set, by which sets are mixed; None = the name of what was read. trained, labelled: as in `check.check`.
    options: of `read_rows`. Raises `DataError` that names what is wrong with the rows, all at once.
    """
    if isinstance(source, Iterator):
        source = list(source)  # it is gone through twice
    if name is None and isinstance(source, str | Path):
        name = Path(source).stem
    check(read_rows(source, split, **options), trained=trained, labelled=labelled)
    return to_units(to_examples(read_rows(source, split, **options), name))


__all__ = ["own_units"]
