"""The texts of a command line (arguments, lines of standard input, .txt files, tables), and their readings.

Notable: texts are read as they come, never all at once. A text that cannot be read is an item with an error.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ...batch.reading import read_each
from ...batch.source import ENDINGS
from ...configuration.errors import DataError
from ...configuration.inputs import check_text
from ...configuration.labels import OUTPUTS, closest
from ...formats.lines import BOM, LONGEST_ROW, Line, byte_lines, decode
from ...formats.strict_json import as_json
from ...formats.tables import check_row, ending, read_table

# Keys of an answer; fields of a row with one of these names go under "input".
_ANSWER_KEYS = frozenset(
    {"text", "error", "input", "rationale", "ranges", "rated_by", "flags", "classification", *OUTPUTS}
)


@dataclass
class Item:
    """A text to read, where it comes from, and its reading or error.

    Attributes:
        text: The text; anything JSON can show where the value is not a text.
        where: The place that it comes from, in words, such as "text 1".
        fields: The other columns of its row.
        error: Why it cannot be read, with the place; None when it can.
        error_type: Name of the class of the error.
        is_source: Whether the error is about a whole source instead of one text.
        reading: The reading of the pipeline; None before it, or with an error.
    """

    text: Any
    where: str
    fields: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    error_type: str = "ValueError"
    is_source: bool = False
    reading: dict[str, Any] | None = None

    def answer(self) -> dict[str, Any]:
        """Return the JSON object: the reading or the error, and the fields, under "input" where names collide."""
        given = {"text": self.text, "error": {"type": self.error_type, "message": self.error}}
        answer = given if self.reading is None else dict(self.reading)
        answer |= {name: value for name, value in self.fields.items() if name not in _ANSWER_KEYS}
        collided = {name: value for name, value in self.fields.items() if name in _ANSWER_KEYS}
        return answer | ({"input": collided} if collided else {})


def read_items(texts: Iterable[str], files: Iterable[Path], column: str) -> Iterator[Item]:
    """Yield the texts of the command line and then those of the files, as they come.

    Args:
        texts: Texts; "-" stands for the lines of standard input.
        files: Paths of .txt files and tables.
        column: The column of the tables that has the text.

    Yields:
        An item for each text, and one for each source that has none or cannot be read to its end.
    """
    for number, text in enumerate(texts, 1):
        if text == "-":
            yield from _of_source("standard input", "lines", _stdin_items())
        else:
            yield Item(text, f"text {number}")
    for path in files:
        items = _txt_item(path) if ending(path) == ".txt" else _table_items(path, column)
        yield from _of_source(str(path), "rows", items)


def _of_source(name: str, of_what: str, items: Iterator[Item]) -> Iterator[Item]:
    """Yield ``items``, and an error when the source has none or cannot be read to its end."""
    count = 0
    try:
        for item in items:
            count += 1
            yield item
    except (DataError, OSError) as error:
        yield Item(None, name, error=str(error), error_type=type(error).__name__, is_source=True)
        return
    if not count:
        yield Item(None, name, error=f"{name} has no {of_what}; there is nothing to read.", is_source=True)


def _stdin_items() -> Iterator[Item]:
    for number, data in byte_lines(sys.stdin.buffer, "standard input"):
        yield _of_bytes(data, f"standard input, line {number}")


def _txt_item(path: Path) -> Iterator[Item]:
    with path.open("rb") as stream:
        yield _of_bytes(stream.read(LONGEST_ROW + len(BOM) + 1), str(path))  # more is one text that is too long


def _of_bytes(data: bytes, where: str) -> Item:
    text, problem = decode(data.rstrip(b"\r\n"))
    return Item(text, where, error=f"{where} {problem}" if problem else None)


def _table_items(path: Path, column: str) -> Iterator[Item]:
    for line in read_table(path):
        yield _of_line(line, column)


def _of_line(line: Line, column: str) -> Item:
    """The item of a row: its text is the cell in ``column``."""
    if line.problem:
        return Item(line.raw, line.where, error=f"{line.where} {line.problem}")
    try:
        row = check_row(line.row)
    except ValueError as error:
        return Item(line.raw, line.where, error=f"{line.where} {error}")
    if column not in row:
        hint = closest(column, map(str, row))
        return Item(line.raw or None, line.where, error=f"{line.where} has no column {column!r}; {hint}")
    return _of_row(row, line.where, column)


def _of_row(row: Mapping[str, Any], where: str, column: str) -> Item:
    """The item of a row that has the column."""
    item = Item(None, where)
    for name, value in row.items():
        try:
            item.fields[str(name)] = as_json(value)
            if name == column:
                item.text = item.fields.pop(column)  # as JSON can show it, also where it is not a text
                check_text(value)
        except ValueError as error:
            item.error = item.error or (f"{where}: {error}" if name == column else f"{where}, column {name!r}: {error}")
    return item


def read_batches(pipe: Any, items: Iterable[Item], options: dict[str, Any], size: int) -> Iterator[list[Item]]:
    """Yield the items with their reading or error, batch by batch.

    Args:
        pipe: An `EthicalAnalysisPipeline`.
        items: What to read.
        options: Options of the call of the pipeline.
        size: Items of a batch.

    Yields:
        Each batch, when it has been read.
    """
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        for item in batch:
            if item.error is None:
                try:
                    check_text(item.text)
                except ValueError as error:
                    item.error = f"{item.where}: {error}"
        _read(pipe, [item for item in batch if item.error is None], options)
        yield batch


def _read(pipe: Any, batch: Sequence[Item], options: dict[str, Any]) -> None:
    """Set the reading, or the error, of each item."""
    for item, found in zip(batch, read_each(pipe, [item.text for item in batch], options), strict=True):
        if isinstance(found, Exception):
            item.error, item.error_type = f"{item.where}: {found}", type(found).__name__
        else:
            item.reading = found


__all__ = ["ENDINGS", "Item", "read_batches", "read_items"]
