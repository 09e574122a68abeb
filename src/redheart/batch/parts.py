"""The parts of an unfinished table: a folder beside it, from which a killed run goes on.

Notable: a part appears only when it is whole, and its name says which rows it has (first, the one after the last, and
how many have an error), so nothing else needs to be kept up to date. What the parts were made from is in
`manifest.json`; a run with another input, model or options does not go on from them. The table itself appears at once,
and the folder is then removed.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..configuration.errors import InputError
from ..storage.files import whole_file, write_json

MANIFEST, LOCK = "manifest.json", "lock"


class Parts:
    """The parts of one table.

    Args:
        table: File of the table.
    """

    def __init__(self, table: Path) -> None:
        self.table, self.folder = table, table.with_name(f"{table.name}.parts")

    @contextmanager
    def claimed(self, made_from: Mapping[str, Any], overwrite: bool) -> Iterator[None]:
        """Keep the parts to this process.

        Args:
            made_from: What the table is made from, as JSON can hold it.
            overwrite: Remove what an earlier run left, and replace the table.

        Yields:
            Nothing.

        Raises:
            InputError: When there is a table already, when the parts there were made from something else, and when
                another process is making the table.
        """
        if self.table.exists() and not overwrite and not (self.folder / MANIFEST).is_file():
            raise InputError(f"{self.table} exists; name another file, or replace it with --overwrite.")
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise InputError(
                f"Another process is writing {self.table}; wait until it has ended, or name another file."
            ) from error
        try:
            self._begin(json.loads(json.dumps(made_from)), overwrite)
            yield
        finally:
            lock.release()

    def _begin(self, made_from: Any, overwrite: bool) -> None:
        manifest = self.folder / MANIFEST
        if overwrite:
            for path in self.folder.iterdir():
                if path.name != LOCK:
                    path.unlink()
        elif manifest.is_file():
            before = json.loads(manifest.read_text(encoding="utf-8"))
            if other := sorted(name for name in {*before, *made_from} if before.get(name) != made_from.get(name)):
                name = other[0]
                raise InputError(
                    f"The unfinished {self.table} was begun with another {name.replace('_', ' ')} "
                    f"({before.get(name)!r}, now {made_from.get(name)!r}). Give the same to continue it, name another "
                    "file, or begin again with --overwrite."
                )
        if not manifest.is_file():
            write_json(manifest, made_from)

    def whole(self) -> list[Path]:
        """The parts that continue one another from the first row on."""
        by_start = {_numbers(path)[0]: path for path in self.folder.glob(f"[0-9]*{self.table.suffix}")}
        found: list[Path] = []
        end = 0
        while end in by_start:
            found.append(by_start[end])
            end = _numbers(found[-1])[1]
        return found

    def done(self) -> tuple[int, int]:
        """How many rows there are, and how many of them have an error."""
        numbers = [_numbers(path) for path in self.whole()]
        return (numbers[-1][1] if numbers else 0), sum(errors for _, _, errors in numbers)

    @contextmanager
    def new(self, start: int, end: int, errors: int) -> Iterator[Path]:
        """Write a part.

        Args:
            start: Its first row.
            end: The row after its last.
            errors: How many of its rows have an error.

        Yields:
            The path to write to.
        """
        with whole_file(self.folder / f"{start:012}-{end:012}-{errors}{self.table.suffix}") as partial:
            yield partial

    def remove(self) -> None:
        """Remove the folder, after the table was written."""
        shutil.rmtree(self.folder, ignore_errors=os.name == "nt")


def _numbers(part: Path) -> tuple[int, int, int]:
    start, end, errors = map(int, part.stem.split("-"))
    return start, end, errors


__all__ = ["MANIFEST", "Parts"]
