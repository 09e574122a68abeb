"""The house: folders stand on floors, imports go down, and a folder is small enough to be looked over.

Notable: read from the source, so that it needs nothing installed, and holds for imports inside functions, too.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "redheart"

pytestmark = pytest.mark.skipif(not SOURCE.is_dir(), reason="about a checkout; an installed package has none of this")

# From the ground up. A folder may import from lower floors, and not from its neighbours on its own.
FLOORS = (
    {"configuration", "version"},
    {"modeling_redheart"},
    {"formats", "rewording", "statistics"},
    {"data"},
    {"batches", "cards"},
    {"storage"},
    {"training.callbacks", "evaluation.measurement"},
    {"training.trainers", "evaluation.reports"},
    {"training.runs", "evaluation.texts"},
    {"evaluation"},
    {"compression", "hub_upload", "training"},
    {"views"},
    {"readers"},
    {"loading"},
    {"batch", "benchmarking", "demo", "serving"},
    {"clusters", "corpus"},
    {"client", "recipes", "commands"},
    {"commands.make", "commands.measure", "commands.read"},
    {"cli", "methods", "names"},
    {"moved", "registration"},
    {""},
    {"__main__"},
)
# Floor by folder; `""` is the package itself, and a loose file is a folder of its own.
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
MOST_FILES = 15
FLAT = "modeling_redheart"  # bundled flat for remote code


def _modules() -> dict[str, Path]:
    """Dotted name inside the package -> file."""
    found = {}
    roots = [path for path in SOURCE.iterdir() if path.is_symlink()]
    for base, root in [(SOURCE, SOURCE), *((ROOT, path.resolve()) for path in roots)]:
        for path in root.rglob("*.py"):
            parts = path.relative_to(base).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules() if SOURCE.is_dir() else {}


def _folder(module: str) -> str:
    if MODULES[module].name == "__init__.py":
        return module
    return module.rpartition(".")[0] or module


def _imports(module: str) -> Iterator[tuple[int, str]]:
    """Line and module of each import from the package."""
    path = MODULES[module]
    package = module.split(".") if module else []
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            name = node.module.split(".") if node.module else []
            if node.level:
                name = package[: len(package) - node.level + 1] + name
            elif name[:1] == ["redheart"]:
                name = name[1:]
            else:
                continue
            for alias in node.names:
                whole = ".".join([*name, alias.name])
                yield node.lineno, whole if whole in MODULES else ".".join(name)


def test_every_folder_has_a_floor() -> None:
    assert {_folder(module) for module in MODULES} == set(FLOOR)


@pytest.mark.parametrize("module", sorted(MODULES), ids=lambda name: name or "redheart")
def test_imports_go_down(module: str) -> None:
    for line, target in _imports(module):
        here, there = _folder(module), _folder(target)
        down = FLOOR[there] < FLOOR[here]
        assert here == there or down, f"{module}:{line} imports {target}; move what both need to a lower floor"


def test_training_and_evaluation_do_not_know_each_other() -> None:
    for module in MODULES:
        room, others = module.partition(".")[0], {"training", "evaluation"}
        if room in others:
            [other] = others - {room}
            assert not [name for _, name in _imports(module) if name.partition(".")[0] == other], module


def test_a_folder_can_be_looked_over() -> None:
    for folder in {path.parent for path in MODULES.values()}:
        if folder.name != FLAT:
            files = sorted(path.name for path in folder.glob("*.py"))
            assert len(files) <= MOST_FILES, f"{folder.relative_to(ROOT)} has {len(files)} files"


def test_no_module_asks_where_its_file_is() -> None:
    asking = [name for name, path in MODULES.items() if "__file__" in path.read_text(encoding="utf-8")]
    assert asking == []
