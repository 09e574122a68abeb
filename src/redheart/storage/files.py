"""Files that are written completely or not at all, and the sums by which they are recognised."""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file so that after a kill there is the old file or the new one, never a part of one.

    Args:
        path: The file.

    Yields:
        A temporary path beside it to write to, which replaces it when the block ends well.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, record: Any) -> None:
    """Write a record as JSON; a number that is not finite, which JSON cannot express, becomes null."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps(_finite(record), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def update_json(path: Path, values: Mapping[str, Any]) -> None:
    """Replace or add some values of a JSON object in a file, and change nothing else."""
    record = json.loads(path.read_text(encoding="utf-8")) | dict(values)
    with whole_file(path) as partial:
        partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def file_sum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sum_lines(files: Iterable[Path]) -> str:
    """The text of ``SHA256SUMS`` for ``files``, in the format of `sha256sum --check`."""
    return "".join(f"{file_sum(path)}  {path.name}\n" for path in files)


__all__ = ["file_sum", "sum_lines", "update_json", "whole_file", "write_json"]
