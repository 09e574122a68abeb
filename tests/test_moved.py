"""The old names of modules: each imports, warns once where it is imported, and has the very objects of the new one."""

import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import redheart
from redheart.benchmarking import sizes
from redheart.moved import MOVED, find_moved_modules

PACKAGE = redheart.__name__


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Old modules are not imported before a test, and not left behind."""
    for name in [name for name in sys.modules if name.removeprefix(f"{PACKAGE}.") in MOVED]:
        monkeypatch.delitem(sys.modules, name)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.removeprefix(f"{PACKAGE}.") in MOVED:
            del sys.modules[name]


def _public(module: ModuleType) -> set[str]:
    """Its `__all__`; of a script without one, what it defines."""
    defined = {name for name, item in vars(module).items() if getattr(item, "__module__", "") == module.__name__}
    return set(getattr(module, "__all__", defined))


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_warns_once_and_gives_the_same_objects(old: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        module = import_module(f"{PACKAGE}.{old}")
        assert import_module(f"{PACKAGE}.{old}") is module
    warned = [item for item in caught if f"{PACKAGE}.{old} has moved to " in str(item.message)]
    assert [item.category for item in warned] == [DeprecationWarning]
    seen: set[str] = set()
    for new in map(import_module, (f"{PACKAGE}.{name}" for name in MOVED[old])):
        assert new.__name__ in str(warned[0].message)
        for name in _public(new) - seen:
            assert getattr(module, name) is getattr(new, name), name
        seen |= _public(new)
    assert seen or hasattr(new, "__path__")  # a folder has no names of its own


def test_the_warning_names_the_line_that_imports() -> None:
    with pytest.warns(
        DeprecationWarning, match=r"redheart\.sizes has moved to redheart\.benchmarking\.sizes"
    ) as caught:
        from redheart.sizes import BASE  # type: ignore[import-not-found]
    assert Path(caught[0].filename) == Path(__file__)
    assert BASE is sizes.BASE


def test_what_was_never_there_is_not_found() -> None:
    with pytest.warns(DeprecationWarning, match="has moved"):
        old = import_module("redheart.training.data")
    with pytest.raises(AttributeError, match=r"'redheart\.training\.data' has no attribute 'lod'"):
        old.lod  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match=r"redheart\.training\.date"):
        import_module("redheart.training.date")


def test_it_is_installed_once_and_no_new_module_hides_behind_an_old_name() -> None:
    before = list(sys.meta_path)
    find_moved_modules()
    assert sys.meta_path == before
    folder = Path(redheart.__path__[0])
    there = {path.relative_to(folder).with_suffix("").as_posix().replace("/", ".") for path in folder.rglob("*.py")}
    assert not there & set(MOVED)
