"""What ships: the folders, the links to them, and nothing of the machine it was made on."""

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "redheart"

pytestmark = pytest.mark.skipif(not SOURCE.is_dir(), reason="about a checkout; an installed package has none of this")

# Folders that tools make, and what git does not keep.
_MADE = re.compile(r"^(\..*|__pycache__|build|dist|runs|redheart-.*|.*\.egg-info)$")
_KEPT = {".ci", ".github"}


def _code_folders() -> list[str]:
    """Root folders that are packages."""
    return sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if not _MADE.match(path.parent.name))


def _files() -> Iterator[Path]:
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_symlink() or path.name == ".git":
                continue
            if path.is_file():
                yield path
            elif path.name in _KEPT or not _MADE.match(path.name):
                folders.append(path)


def test_each_link_leads_to_its_folder() -> None:
    links = {path.name: path for path in SOURCE.iterdir() if path.is_symlink()}
    assert sorted(links) == _code_folders()
    for name, link in links.items():
        assert link.readlink() == Path("..", "..", name)
        assert link.resolve() == ROOT / name


def _roots() -> dict[Path, Path]:
    """Folders of code -> what their names begin below."""
    own = [path for path in SOURCE.iterdir() if path.is_dir() and not path.is_symlink() and path.name != "__pycache__"]
    return dict.fromkeys((ROOT / name for name in _code_folders()), ROOT) | dict.fromkeys(own, SOURCE)


def _packages() -> list[str]:
    """The packages inside the package, by dotted name."""
    inside = {path.parent.relative_to(base) for root, base in _roots().items() for path in root.rglob("__init__.py")}
    return sorted(".".join(path.parts) for path in inside)


def test_the_packages_are_the_folders() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = setup["options"]["packages"].split()
    assert listed == ["redheart", *(f"redheart.{name}" for name in _packages())]
    mapped = dict(line.split(" = ") for line in setup["options"]["package_dir"].strip().splitlines()[1:])
    assert mapped == {f"redheart.{name}": name for name in _code_folders()}  # for systems without links
    with_data = [section for section in setup["options.package_data"] if section not in listed]
    assert with_data == []


def test_every_folder_of_code_is_a_package() -> None:
    inside = {path.parent.relative_to(base) for root, base in _roots().items() for path in root.rglob("*.py")}
    assert {".".join(path.parts) for path in inside} == set(_packages())


def test_nobody_imports_the_bare_folder_names() -> None:
    bare = set(_code_folders())
    for path in _files():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            wrong = [name for name in names if name.split(".")[0] in bare]
            assert not wrong, f"{path.relative_to(ROOT)}:{node.lineno} imports {wrong[0]}; write redheart.{wrong[0]}"


def test_no_file_has_the_path_of_a_machine() -> None:
    machine = re.compile(r"(?<![\w.~])/(?:work|root|home/\w+|Users/\w+)/\w")
    for path in _files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or weights
        found = machine.search(text)
        assert not found, f"{path.relative_to(ROOT)} has the path {found.group()!r}..."
