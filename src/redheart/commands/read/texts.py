"""The texts that a command line names: arguments, lines of standard input, .txt files and tables; and their reading.

Notable: read as they come, never all at once; what cannot be read is an item with an error in its place.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ...configuration.errors import DataError
from ...configuration.inputs import check_text
from ...configuration.labels import OUTPUTS, closest
from ...formats.strict_json import as_json
from ...formats.tables import READERS, Line, byte_lines, check_row, decode, ending, read_table

# What an answer has of its own: fields of a JSON line with these names go under "input".
_ANSWER_KEYS = frozenset(
    {"text", "error", "input", "rationale", "ranges", "rated_by", "flags", "classification", *OUTPUTS}
)

# Endings of the files that can be read.
ENDINGS = (".txt", *READERS)


@dataclass
class Item:
    """A text to read: where it comes from, the other columns of its row, and why it cannot be read.

    error: with the place. error_type: name of its class. is_source: the error is that of a whole source, and stands for
    no text.
    """

    text: Any
    where: str
    fields: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    error_type: str = "ValueError"
    is_source: bool = False
    reading: dict[str, Any] | None = None

    def answer(self) -> dict[str, Any]:
        """The JSON object: the reading or the error, and the fields, under "input" where their names collide."""
        given = {"text": self.text, "error": {"type": self.error_type, "message": self.error}}
        answer = given if self.reading is None else dict(self.reading)
        answer |= {name: value for name, value in self.fields.items() if name not in _ANSWER_KEYS}
        collided = {name: value for name, value in self.fields.items() if name in _ANSWER_KEYS}
        return answer | ({"input": collided} if collided else {})


def read_items(texts: Iterable[str], files: Iterable[Path], column: str) -> Iterator[Item]:
    """The texts of the command line, standard input ("-") and the files, in order, as they come.

    column: of the files that are tables, the one that has the text.
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
    """``items``, and an error where the source has none, or cannot be read on."""
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
    yield _of_bytes(path.read_bytes(), str(path))


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
                item.text = item.fields.pop(column)  # what a JSON line can show of it, also where it is no text
                check_text(value)
        except ValueError as error:
            item.error = item.error or (f"{where}: {error}" if name == column else f"{where}, column {name!r}: {error}")
    return item


def read_batches(pipe: Any, items: Iterable[Item], options: dict[str, Any], size: int) -> Iterator[list[Item]]:
    """The items with their reading or error, batch by batch, as they come.

    pipe: an `EthicalAnalysisPipeline`. options: of its call. size: items of a batch.
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
    """Give each item its reading; the texts of a batch that fails are read one by one, so that one fails alone."""
    if not batch:
        return
    try:
        readings = pipe([item.text for item in batch], batch_size=len(batch), **options)
    except (ValueError, RuntimeError) as error:
        if len(batch) == 1:
            batch[0].error, batch[0].error_type = f"{batch[0].where}: {error}", type(error).__name__
            return
        for item in batch:
            _read(pipe, [item], options)
        return
    for item, reading in zip(batch, readings, strict=True):
        item.reading = reading


__all__ = ["ENDINGS", "Item", "read_batches", "read_items"]
