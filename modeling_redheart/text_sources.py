"""Sources of texts: lists, arrays, Series, tables, data sets, streams; their texts are given in their own order.

Notable: a length and a ``[...]`` do not make a sequence: a Series looks ``series[0]`` up by label. So indices are used
only where they are guaranteed to be positions, and everything else is iterated.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

from torch.utils.data import Dataset, IterableDataset

from ..configuration.errors import InputError
from ..configuration.inputs import check_text
from ..configuration.labels import closest

TEXT_COLUMN = "text"


class CheckedTexts(Dataset[str]):
    """A data set of texts, whose error for an item that is not a text gives the index.

    Args:
        texts: Has a length, and items by position.
    """

    def __init__(self, texts: Any) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> str:
        return check_text(self.texts[index], index)


def texts_in(source: Any) -> str | list[str] | CheckedTexts | Iterator[str]:
    """Return the text or texts of ``source``, checked.

    A str, or an array without dimensions that holds one, is one text. What is in memory (a list, a tuple, an array, a
    Series) gives a list, all of which is checked here. A data set gives a data set and a stream an iterator, which
    check a text when it is read. A table (a DataFrame, a `datasets.Dataset`, an Arrow table) gives its column "text",
    as do the rows of a data set that is streamed.

    Args:
        source: Any of these.

    Returns:
        The text or texts.

    Raises:
        ValueError: When something is not a text (with its index), an array has several dimensions, or a table does not
            have the column.
    """
    if isinstance(source, (str, bytes, bytearray, Mapping)):
        return check_text(source)
    if isinstance(source, (list, tuple)):
        return _checked_list(source)
    if isinstance(source, IterableDataset):
        return _checked(_streamed(source))
    if isinstance(source, Dataset):
        return CheckedTexts(source)
    if (columns := _columns(source)) is not None:
        return texts_in(_text_column(source, columns))
    if hasattr(source, "to_pylist"):  # of Arrow, whose items are not str
        return _checked_list(source.to_pylist())
    if isinstance(dimensions := getattr(source, "ndim", None), int) and dimensions != 1:
        return _text_of_array(source, dimensions)
    sized, has_places = isinstance(source, Sized), hasattr(source, "__getitem__")
    if sized and has_places and (isinstance(source, Sequence) or not isinstance(source, Iterable)):
        return CheckedTexts(source)
    if isinstance(source, Iterable):
        return _checked_list(source) if sized and has_places else _checked(source)
    return check_text(source)


def _checked_list(texts: Iterable[Any]) -> list[str]:
    return list(_checked(texts))


def _checked(texts: Iterable[Any]) -> Iterator[str]:
    for index, text in enumerate(texts):
        yield check_text(text, index)


def _streamed(source: Iterable[Any]) -> Iterator[Any]:
    """Yield the items of a stream; if its rows are mappings (a streamed data set), their column of texts."""
    for item in source:
        yield item[TEXT_COLUMN] if isinstance(item, Mapping) and TEXT_COLUMN in item else item


def _columns(source: Any) -> list[Any] | None:
    """Return the names of the columns of a table; None for what is not a table."""
    for attribute in ("column_names", "columns"):
        names = getattr(source, attribute, None)
        if isinstance(names, Iterable) and not isinstance(names, (str, bytes)):
            return list(names)
    return None


def _text_column(table: Any, columns: Sequence[Any]) -> Any:
    count = columns.count(TEXT_COLUMN)
    if count == 1:
        return table[TEXT_COLUMN]
    kind = type(table).__name__
    if count > 1:
        raise InputError(f"The {kind} has {count} columns {TEXT_COLUMN!r}; give the one that has the texts.")
    hint = closest(TEXT_COLUMN, map(str, columns))
    name = columns[0] if columns else "name"
    raise InputError(
        f"The {kind} has no column {TEXT_COLUMN!r}; {hint} Give the column that has the texts, such as table[{name!r}]."
    )


def _text_of_array(array: Any, dimensions: int) -> str:
    """Return the text of an array without dimensions; raise `ValueError` for any other array."""
    if dimensions == 0:
        return check_text(array.item())
    shape = tuple(array.shape)
    raise InputError(f"An array of texts must have one dimension, got the shape {shape}; give one column of it.")


__all__ = ["TEXT_COLUMN", "CheckedTexts", "texts_in"]
