"""The message for a missing package is the same everywhere, with a pip line that works for this copy."""

import ast
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from redheart.configuration import extras
from redheart.configuration.extras import EXTRAS, extra_with, missing, pip_argument

ROOT = Path(__file__).resolve().parents[2]
CODE = ("configuration", "modeling_redheart", "training", "hub_upload")

of_a_checkout = pytest.mark.skipif(not (ROOT / "src" / "redheart").is_dir(), reason="about a checkout")


def _sources() -> Iterator[Path]:
    for folder in (*CODE, "src/redheart"):
        yield from (ROOT / folder).rglob("*.py")


def _install(folder: Path, origin: object, version: str = "0.1.0") -> None:
    """What pip leaves behind in ``folder`` of an installed package."""
    info = folder / f"redheart-{version}.dist-info"
    info.mkdir(parents=True)
    extra = (
        'Provides-Extra: peft\nRequires-Dist: peft>=0.21; extra == "peft"\nRequires-Dist: peftlike; extra == "demo"\n'
    )
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: redheart\nVersion: {version}\n{extra}")
    if origin is not None:
        (info / "direct_url.json").write_text(json.dumps(origin))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed copy, as if this code ran there."""
    site = tmp_path / "site"
    monkeypatch.setattr(extras, "_ROOT", site / "redheart")
    monkeypatch.syspath_prepend(str(site))
    return site


@of_a_checkout
def test_in_a_checkout_it_is_that_checkout() -> None:
    assert pip_argument("train") == f"-e '{ROOT}[train]'"
    assert str(missing("Plots need matplotlib", "train")) == f"Plots need matplotlib: pip install -e '{ROOT}[train]'"


@pytest.mark.parametrize(("editable", "before"), [(True, ["-e"]), (False, [])])
def test_an_installed_copy_names_the_folder_that_pip_took_it_from(
    editable: bool, before: list[str], installed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "my own checkout's"
    folder.mkdir()
    _install(installed, {"url": folder.as_uri(), "dir_info": {"editable": True} if editable else {}})
    assert pip_argument("onnx") == "'redheart[onnx]'"  # the folder is not a checkout, or no longer one
    (folder / "pyproject.toml").touch()
    assert shlex.split(pip_argument("onnx")) == [*before, f"{folder}[onnx]"]


@pytest.mark.parametrize(
    "origin",
    [
        None,
        {"url": "https://example.org/redheart-0.1.0-py3-none-any.whl", "archive_info": {}},
        {"url": "https://example.org/redheart.git", "vcs_info": {"vcs": "git", "commit_id": "0" * 40}},
    ],
)
def test_from_an_index_or_an_archive_it_is_the_name(origin: object, installed: Path) -> None:
    _install(installed, origin)
    assert pip_argument("serve") == "'redheart[serve]'"


def test_a_copy_that_nobody_installed_has_the_name_alone(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_PACKAGE", "redheart-which-nobody-has")
    assert pip_argument("serve") == "'redheart-which-nobody-has[serve]'"
    assert extra_with("peft") is None


def test_the_extra_of_a_package_is_known_installed_or_not(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(installed, None)
    assert [extra_with(name) for name in ("peft", "pef", "peftlike", "torch")] == ["peft", None, "demo", None]
    monkeypatch.setattr(extras, "_ROOT", ROOT)
    names = ("pyarrow", "peft", "bitsandbytes", "gradio", "onnxruntime", "uvicorn", "ruff")
    assert [extra_with(name) for name in names] == ["train", "peft", "quantize", "demo", "onnx", "serve", None]


def test_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="There is no extra 'training'"):
        pip_argument("training")


@of_a_checkout
def test_every_extra_that_is_named_exists() -> None:
    """In a message, in the guide and in the examples."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    offered = project["optional-dependencies"]
    assert set(EXTRAS) == set(offered) - {"dev"}
    asked = [
        ast.literal_eval(node.args[1])
        for path in _sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "missing"
        and isinstance(node.args[1], ast.Constant)  # one place hands on what `extra_with` found
    ]
    assert len(asked) > 10
    assert set(asked) <= set(EXTRAS)
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").iterdir()]
    text = "\n".join(path.read_text(encoding="utf-8") for path in pages if path.is_file())
    named = {name for names in re.findall(r"redheart\[([\w,]+)\]", text) for name in names.split(",")}
    assert named <= set(offered)


@of_a_checkout
def test_no_message_names_an_extra_by_itself() -> None:
    """Of its kind: the next message that says what to install."""
    for path in _sources():
        assert "redheart[" not in path.read_text(encoding="utf-8").replace("``redheart[train]``", ""), path


def test_it_needs_the_standard_library_alone() -> None:
    """It and the modules beside it that it imports."""
    waiting, seen = ["extras"], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        tree = ast.parse(Path(extras.__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
        froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        waiting += {str(node.module) for node in froms if node.level == 1} - seen
        modules = {str(node.module) for node in froms if node.level != 1}
        modules |= {item.name for node in ast.walk(tree) if isinstance(node, ast.Import) for item in node.names}
        assert {module.partition(".")[0] for module in modules} <= set(sys.stdlib_module_names), name
    assert {"errors", "shipped"} <= seen
