"""Data for a trainer, as units: from rows, tables, data sets, streams, examples, or units as they are."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch.utils.data import IterableDataset

from ..formats.tables import is_table
from .examples import Example, Unit, is_labelled, to_units
from .own_rows import own_units
from .rows import read_rows
from .schema import row_examples


def as_units(data: Any, split: str, labelled: bool = True) -> Any:
    """Make units of the data for a trainer.

    Args:
        data: Rows, a data set of `datasets`, a table, a path, examples, or units, which are returned as they are. A
            stream stays a stream.
        split: The purpose of the data, and the split to take where there are several.
        labelled: As in `own_rows.own_units`.

    Returns:
        The units.
    """
    if data is None or _first_is(data, lambda item: isinstance(item, list | tuple)):
        return data
    if _first_is(data, lambda item: isinstance(item, Example)):
        return to_units(data[place] for place in range(len(data)))
    if not isinstance(data, str | Path | Mapping):
        if not hasattr(data, "__len__"):
            return UnitStream(read_rows(data, split) if is_table(data) else data, split, labelled)
        if not is_table(data) and not len(data):
            return data
    return own_units(data, split=split, trained=split == "train", labelled=labelled)


def _first_is(data: Any, kind: Callable[[Any], bool]) -> bool:
    """Whether the first item of a sequence is of a kind; False for a table, whose first item is not a row."""
    if isinstance(data, str | Path | Mapping) or is_table(data):
        return False
    return hasattr(data, "__getitem__") and hasattr(data, "__len__") and len(data) > 0 and kind(data[0])


class UnitStream(IterableDataset[Unit]):
    """The units of a stream of rows or units, one at a time.

    Args:
        stream: The rows or units.
        name: Name of the set.
        labelled: Whether units without a label are left out.
    """

    def __init__(self, stream: Iterable[Any], name: str, labelled: bool = True) -> None:
        super().__init__()
        self.stream, self.name, self.labelled = stream, name, labelled

    def __iter__(self) -> Iterator[Unit]:
        for number, item in enumerate(self.stream):
            unit = tuple(row_examples(item, number, self.name)) if isinstance(item, Mapping) else tuple(item)
            if not self.labelled or any(map(is_labelled, unit)):
                yield unit

    def set_epoch(self, epoch: int) -> None:
        """Pass the epoch to the stream, which may shuffle by it."""
        if hasattr(self.stream, "set_epoch"):
            self.stream.set_epoch(epoch)


__all__ = ["UnitStream", "as_units"]
