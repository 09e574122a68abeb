"""Remote code: puts Red Heart's own code into a checkpoint folder, so that it loads where redheart is not installed.

Notable: all remote code is made here (``register_for_auto_class`` fails on imports that cross folders). Every module
that the entry points need is written into one flat folder, and ``config.json`` points to one generated file,
``redheart_remote.py``. So all classes come from one dynamic module, and saving a model that was loaded this way copies
all of the code again. Nothing is written to the folder before everything is checked.
"""

import ast
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from transformers.dynamic_module_utils import get_relative_import_files

from ..configuration.shipped import PACKAGE

# Class -> the module that defines it, as a path inside the package. The first four are what `auto_map` needs.
ENTRY_POINTS: dict[str, str] = {
    "RedHeartConfig": "configuration/configuration_redheart.py",
    "RedHeartModel": "modeling_redheart/modeling_redheart.py",
    "RedHeartForSequenceClassification": "modeling_redheart/classification.py",
    "EthicalAnalysisPipeline": "modeling_redheart/pipeline_redheart.py",
}
AUTO_CLASSES: dict[str, str] = {
    "AutoConfig": "RedHeartConfig",
    "AutoModel": "RedHeartModel",
    "AutoModelForSequenceClassification": "RedHeartForSequenceClassification",
}
PIPELINES: dict[str, dict[str, Any]] = {
    "ethical-analysis": {"impl": "EthicalAnalysisPipeline", "pt": ["AutoModel"], "type": "text"},
}
# The generated module; no bundled module may have its name.
ENTRY_MODULE = "redheart_remote"

# Available wherever transformers loads a torch model. Anything else, the user would have to install.
_AVAILABLE = frozenset({"huggingface_hub", "numpy", "safetensors", "tokenizers", "torch", "transformers"})


@dataclass(frozen=True)
class _Module:
    path: Path
    source: str  # rewritten
    needs: tuple[Path, ...]


def bundle_code(folder: Path, package: Path = PACKAGE) -> list[str]:
    """Write the code that `ENTRY_POINTS` need into ``folder``, without subfolders.

    Args:
        folder: Folder of a checkpoint.
        package: Folder of the package to read; by default this one.

    Returns:
        The sorted names of the files.

    Raises:
        ValueError: For a missing entry point, and for an import that cannot be bundled, with file and line; nothing is
            written then.
    """
    sources = _own_bundle() if package == PACKAGE else _bundle(package)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=folder) as partial:
        _write(sources, Path(partial))
        for name in sources:
            os.replace(Path(partial, name), folder / name)
    return sorted(sources)


@lru_cache
def _own_bundle() -> dict[str, str]:
    """The bundle of this package, which every save of a model writes."""
    return _bundle(PACKAGE)


def _bundle(package: Path) -> dict[str, str]:
    """File name -> source of everything to bundle of ``package``, checked."""
    sources = _collect(package)
    sources[f"{ENTRY_MODULE}.py"] = _entry_source()
    with tempfile.TemporaryDirectory(prefix="redheart-bundle-") as partial:
        _write(sources, Path(partial))
        _check_what_transformers_copies(Path(partial), set(sources))
    return sources


def _write(sources: dict[str, str], folder: Path) -> None:
    for name, source in sources.items():
        (folder / name).write_text(source, encoding="utf-8")


def add_auto_map(folder: Path) -> None:
    """Add ``auto_map`` with the bundled classes, and for an analysis model ``custom_pipelines``, to ``config.json``.

    With ``custom_pipelines`` a classifier would load its body alone, without a warning.

    Args:
        folder: Folder of a checkpoint.

    Raises:
        ValueError: When there is no Red Heart config or no bundled code.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} has no config.json; save a config or a model there first.")
    if not (folder / f"{ENTRY_MODULE}.py").is_file():
        raise ValueError(f"{folder} has no bundled code ({ENTRY_MODULE}.py); call `bundle_code` first.")
    options = json.loads(path.read_text(encoding="utf-8"))
    if options.get("model_type") != "redheart":
        raise ValueError(f"{path} describes a {options.get('model_type')!r} model, not a 'redheart' one.")
    options["auto_map"] = {auto: f"{ENTRY_MODULE}.{name}" for auto, name in AUTO_CLASSES.items()}
    options.pop("custom_pipelines", None)
    if (options.get("architectures") or [AUTO_CLASSES["AutoModel"]])[0] == AUTO_CLASSES["AutoModel"]:
        options["custom_pipelines"] = {
            task: {**entry, "impl": f"{ENTRY_MODULE}.{entry['impl']}"} for task, entry in PIPELINES.items()
        }
    text = json.dumps(options, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    with tempfile.TemporaryDirectory(prefix=".config-", dir=folder) as partial:
        Path(partial, path.name).write_text(text, encoding="utf-8")
        os.replace(Path(partial, path.name), path)


def _collect(package: Path) -> dict[str, str]:
    """File name -> rewritten source of every module that the entry points need."""
    waiting = [package / place for place in dict.fromkeys(ENTRY_POINTS.values())]
    for name, place in ENTRY_POINTS.items():
        if not (package / place).is_file():
            raise ValueError(f"The entry point {name} has no file {place} in the package {package.name!r}.")
    found: dict[str, _Module] = {}
    while waiting:
        path = waiting.pop()
        known = found.get(path.name)
        if known is not None and known.path != path:
            raise ValueError(
                f"Two modules have the name {path.name}: {known.path.relative_to(package)} and "
                f"{path.relative_to(package)}. A bundle is flat; rename one."
            )
        if known is None:
            found[path.name] = _read(path, package)
            waiting += found[path.name].needs
    for name, place in ENTRY_POINTS.items():
        if name not in _defined(found[Path(place).name].source):
            raise ValueError(f"{place} does not define the entry point {name}.")
    if f"{ENTRY_MODULE}.py" in found:
        raise ValueError(f"A module has the name of the generated one, {ENTRY_MODULE}.py; rename it.")
    return {name: module.source for name, module in sorted(found.items())}


def _defined(source: str) -> set[str]:
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}


def _read(path: Path, package: Path) -> _Module:
    """The module at ``path`` with its relative imports made flat."""
    source = path.read_text(encoding="utf-8")
    lines = source.split("\n")
    needs: list[Path] = []
    place = path.relative_to(package)
    for node in ast.walk(ast.parse(source, filename=str(path))):
        where = f"{place}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            for alias in node.names:
                _check_absolute(alias.name, package, where)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            _check_absolute(node.module or "", package, where)
        elif isinstance(node, ast.ImportFrom):
            needs.append(_resolve(node, path, package, where))
            # The dots and the module name are on the first line of the statement, after `from`.
            line, start = lines[node.lineno - 1], node.col_offset
            old = "." * node.level + (node.module or "")
            if not line[start:].startswith(f"from {old} import"):
                raise ValueError(f"{where}: write this import as `from {old} import ...`, so that it can be rewritten.")
            end = start + len("from ") + len(old)
            lines[node.lineno - 1] = line[:start] + f"from .{needs[-1].stem}" + line[end:]
        elif isinstance(node, ast.Call) and _function_name(node) in ("import_module", "__import__"):
            raise ValueError(f"{where}: `{_function_name(node)}` hides what it imports; use an import statement.")
    return _Module(path, "\n".join(lines), tuple(needs))


def _function_name(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _check_absolute(module: str, package: Path, where: str) -> None:
    top = module.split(".")[0]
    if top == package.name:
        raise ValueError(f"{where}: `{module}` exists only where the package is installed; import it relatively.")
    if top not in _AVAILABLE and top not in sys.stdlib_module_names:
        raise ValueError(
            f"{where}: `{top}` comes with neither Python, torch nor transformers, so remote code cannot rely on it."
        )


def _resolve(node: ast.ImportFrom, path: Path, package: Path, where: str) -> Path:
    """The file that a relative import loads."""
    if node.module is None:
        names = ", ".join(alias.name for alias in node.names)
        raise ValueError(
            f"{where}: transformers does not follow `from . import {names}`; write `from .module import x`."
        )
    base = path.parent
    for _ in range(node.level - 1):
        base = base.parent
    target = base.joinpath(*node.module.split("."))
    if not target.is_relative_to(package):
        raise ValueError(f"{where}: the import leaves the package {package.name!r}.")
    if target.is_dir():
        raise ValueError(f"{where}: the import goes through the package {node.module!r}; name the module inside it.")
    file = target.with_suffix(".py")
    if not file.is_file():
        raise ValueError(f"{where}: there is no file {file.relative_to(package)}.")
    return file


def _entry_source() -> str:
    imports = "\n".join(f"from .{Path(place).stem} import {name}" for name, place in ENTRY_POINTS.items())
    classes = "".join(f"    {name},\n" for name in ENTRY_POINTS)
    return (
        '"""Red Heart, bundled for `trust_remote_code=True`. Generated: change the library instead."""\n\n'
        f"{imports}\n\n"
        "# `save_pretrained` copies the file that a class says it is from and what that imports: here, everything.\n"
        f"for _entry in (\n{classes}):\n"
        "    _entry.__module__ = __name__\n\n"
        f"__all__ = [\n{''.join(f'    {json.dumps(name)},{chr(10)}' for name in sorted(ENTRY_POINTS))}]\n"
    )


def _check_what_transformers_copies(folder: Path, names: set[str]) -> None:
    """Raise unless transformers' own search for imports finds exactly the files ``names``."""
    entry = folder / f"{ENTRY_MODULE}.py"
    rule = "it reads one `from .module import` per line, also inside docstrings"
    try:
        copied = {Path(file).name for file in get_relative_import_files(entry)} | {entry.name}
    except FileNotFoundError as error:
        raise ValueError(
            f"transformers would look for {Path(error.filename).name!r}, which is not there; {rule}."
        ) from error
    if copied != names:
        raise ValueError(f"transformers would leave out {sorted(names - copied)}; {rule}.")


__all__ = ["AUTO_CLASSES", "ENTRY_MODULE", "ENTRY_POINTS", "PIPELINES", "add_auto_map", "bundle_code"]
