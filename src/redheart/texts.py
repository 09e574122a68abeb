"""The texts that a command line names: arguments, lines of standard input, .txt and .jsonl files; and their reading.

Notable: read as they come, never all at once; what cannot be decoded or parsed is an item with an error in its place.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, NoReturn

from .configuration.labels import OUTPUTS, closest

# What an answer has of its own: fields of a JSON line with these names go under "input".
_ANSWER_KEYS = frozenset(
    {"text", "error", "input", "rationale", "ranges", "rated_by", "flags", "classification", *OUTPUTS}
)

# Endings of the files that can be read.
ENDINGS = (".txt", ".jsonl")


@dataclass
class Item:
    """A text to read: where it comes from, the other fields of its line, and why it cannot be read."""

    text: str | None
    where: str
    fields: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    reading: dict[str, Any] | None = None

    def answer(self) -> dict[str, Any]:
        """The JSON object: the reading or the error, and the fields, under "input" where their names collide."""
        given = {"text": self.text, "error": {"type": type(self.error).__name__, "message": str(self.error)}}
        answer = given if self.reading is None else dict(self.reading)
        answer |= {name: value for name, value in self.fields.items() if name not in _ANSWER_KEYS}
        collided = {name: value for name, value in self.fields.items() if name in _ANSWER_KEYS}
        return answer | ({"input": collided} if collided else {})


def read_items(texts: Iterable[str], files: Iterable[Path], name: str) -> Iterator[Item]:
    """The texts of the command line, standard input and the files, in order, as they come."""
    for number, text in enumerate(texts, 1):
        if text == "-":
            yield from _lines(sys.stdin.buffer, "standard input")
        else:
            yield Item(text, f"text {number}")
    for path in files:
        if path.suffix == ".txt":
            yield _decoded(path.read_bytes(), str(path))
            continue
        with path.open("rb") as stream:
            for item in _lines(stream, str(path)):
                yield item if item.error else _parsed(item, name)


def _lines(stream: IO[bytes], source: str) -> Iterator[Item]:
    for number, line in enumerate(stream, 1):
        yield _decoded(line, f"{source}, line {number}")


def _decoded(data: bytes, where: str) -> Item:
    data = data.removeprefix(b"\xef\xbb\xbf")
    while data.endswith((b"\n", b"\r")):
        data = data[:-1]
    try:
        return Item(data.decode("utf-8"), where)
    except UnicodeDecodeError as error:
        reason = f"byte 0x{data[error.start]:02x} at position {error.start} is not UTF-8; convert the input to UTF-8."
        return Item(data.decode("utf-8", errors="replace"), where, error=ValueError(reason))


def _parsed(item: Item, name: str) -> Item:
    """The item of a JSON line: its text is the field ``name``."""
    line, item.text = item.text or "", None
    try:
        fields = json.loads(line, parse_constant=_refuse_constant)
        if not isinstance(fields, dict):
            raise ValueError(f"a line must be a JSON object, got {line[:40]!r}.")
        if name not in fields:
            raise ValueError(f"no field {name!r} (--jsonl-field); {closest(name, fields)}")
    except (ValueError, RecursionError) as error:
        item.text, item.error = line, ValueError(f"not a line of .jsonl: {error}")
        return item
    item.text = fields.pop(name)
    item.fields = fields
    return item


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


def read_batches(pipe: Any, items: Iterable[Item], options: dict[str, Any], size: int) -> Iterator[list[Item]]:
    """The items with their reading or error, batch by batch, as they come.

    pipe: an `EthicalAnalysisPipeline`. options: of its call. size: items of a batch.
    """
    from .modeling_redheart.pipeline_redheart import check_text

    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        for item in batch:
            if item.error is None:
                try:
                    check_text(item.text)
                except ValueError as error:
                    item.error = error
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
            batch[0].error = error
            return
        for item in batch:
            _read(pipe, [item], options)
        return
    for item, reading in zip(batch, readings, strict=True):
        item.reading = reading


__all__ = ["ENDINGS", "Item", "read_batches", "read_items"]
