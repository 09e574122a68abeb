"""What to install where a package is missing: one wording everywhere, with a pip line that works for this copy.

Notable: this package need not come from an index, and then pip finds no ``redheart[train]`` there. So the line names
the checkout that the code runs in, or the folder that pip recorded when it installed the package (``direct_url.json``,
PEP 610). Only the standard library is needed here.
"""

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .errors import MissingPackageError
from .shipped import PACKAGE

# Of `pyproject.toml`, without "dev".
EXTRAS = ("train", "tables", "peft", "quantize", "demo", "onnx", "sentence", "serve", "ray", "spark", "docs")
_PACKAGE = "redheart"
_ROOT = PACKAGE.resolve().parents[1]  # of the checkout; of an installed copy, a folder of Python's


def missing(what: str, extra: str) -> MissingPackageError:
    """The error for missing packages of ``extra``; ``what`` says who needs which: "Adapters need the library PEFT"."""
    return MissingPackageError(f"{what}: pip install {pip_argument(extra)}")


def pip_argument(extra: str) -> str:
    """The argument of ``pip install`` for one of `EXTRAS`; any other name raises `ValueError`."""
    if extra not in EXTRAS:
        raise ValueError(f"There is no extra {extra!r}; known are {', '.join(EXTRAS)}.")
    if _is_checkout(_ROOT):
        return f"-e {_quoted(f'{_ROOT}[{extra}]')}"
    origin = _origin()
    folder = Path(url2pathname(urlsplit(origin["url"]).path)) if "dir_info" in origin else None
    if folder is None or not _is_checkout(folder):  # from an index, an archive or a repository; or it has been deleted
        return _quoted(f"{_PACKAGE}[{extra}]")
    return ("-e " if origin["dir_info"].get("editable") else "") + _quoted(f"{folder}[{extra}]")


def extra_with(distribution: str) -> str | None:
    """The first of `EXTRAS` that includes ``distribution``; None if none does, or that is unknown."""
    pattern = re.compile(rf"{re.escape(distribution)}(?![\w.-])")
    requirements = _requirements()
    return next((extra for extra in EXTRAS if any(map(pattern.match, requirements.get(extra, ())))), None)


def _requirements() -> dict[str, list[str]]:
    """Extra -> its requirements."""
    if _is_checkout(_ROOT):
        project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return dict(project["optional-dependencies"])
    try:
        lines = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:  # a copy that is not installed
        lines = []
    found: dict[str, list[str]] = {}
    for line in lines:
        requirement, _, marker = line.partition(";")
        if named := re.search(r'extra == "(\w+)"', marker):
            found.setdefault(named[1], []).append(requirement)
    return found


def _is_checkout(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file()


def _origin() -> dict[str, Any]:
    """What pip recorded about the origin of the package; {} for an index, and without a record."""
    try:
        written = metadata.distribution(_PACKAGE).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return {}
    origin: dict[str, Any] = json.loads(written or "{}")
    return origin


def _quoted(word: str) -> str:
    """``word`` in quotes, which a shell needs around brackets."""
    return "'" + word.replace("'", "'\"'\"'") + "'"


__all__ = ["EXTRAS", "extra_with", "missing", "pip_argument"]
