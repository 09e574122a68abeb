"""The pages: their tables equal their sources, the README is short, their links lead somewhere, the site builds."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BLOCKS = DOCS / "blocks"
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not BLOCKS.is_dir(), reason="about a checkout; an installed package has no docs")

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")


def pages() -> list[Path]:
    return [README, *sorted(DOCS.rglob("*.md"))]


@pytest.fixture(scope="module")
def markdown() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_markdown", BLOCKS / "markdown.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1", "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=env, capture_output=True, text=True)


# ---- Blocks ----


def test_what_is_between_the_comments_is_replaced(markdown: ModuleType) -> None:
    page = "before\n<!-- generated: one -->\nold\n<!-- end -->\nbetween\n<!-- generated: two -->\n<!-- end -->\n"
    new = markdown.written(page, {"one": lambda: "1", "two": lambda: "2\n"})
    assert new == (
        "before\n<!-- generated: one -->\n1\n<!-- end -->\nbetween\n<!-- generated: two -->\n2\n<!-- end -->\n"
    )
    assert markdown.written(new, {"one": lambda: "1", "two": lambda: "2"}) == new


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("<!-- generated: three -->\n<!-- end -->\n", "There is no block 'three'; the blocks are one"),
        ("<!-- generated: one -->\nold\n", "A block is not closed"),
    ],
)
def test_a_wrong_block_is_refused(markdown: ModuleType, page: str, message: str) -> None:
    with pytest.raises(markdown.BlockError, match=message):
        markdown.written(page, {"one": lambda: "1"})


def test_a_table_has_its_columns(markdown: ModuleType) -> None:
    assert markdown.table(("a", ""), [("1", "x|y")]) == "| a | |\n|---|---|\n| 1 | x\\|y |"
    with pytest.raises(markdown.BlockError, match="1 cells, and the table 2 columns"):
        markdown.table(("a", "b"), [("1",)])


def test_numbers_are_written_as_in_the_field(markdown: ModuleType) -> None:
    assert markdown.interval(0.6935, 0.651, 0.7340) == "0.69 [0.65, 0.73]"
    assert markdown.number(float("nan")) == "-"
    assert markdown.number(-0.001) == "0.00"
    assert markdown.percent(0.0336, 1) == "3.4 %"
    assert markdown.megabytes(2_920_132_280) == "2,920 MB"
    assert markdown.bold("0.69 [0.65, 0.73]") == "**0.69** [0.65, 0.73]"


@pytest.mark.slow
def test_every_block_equals_its_source() -> None:
    done = run("docs.blocks", "--check")
    assert done.returncode == 0, done.stderr


# ---- Pages ----


def test_the_readme_is_short() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 160
    long = [line for line in lines if len(line) > 120 and not line.startswith("|")]
    assert long == []


def _anchor(heading: str) -> str:
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return {_anchor(match) for match in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def _links(page: Path) -> Iterator[tuple[str, str]]:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    yield from (match.groups(default="") for match in _LINK.finditer(text))  # type: ignore[misc]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_its_links_lead_somewhere(page: Path) -> None:
    for place, anchor in _links(page):
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{page.name} links to {place}"
        if anchor and target.suffix == ".md":
            assert anchor in _anchors(target), f"{page.name} links to {place}#{anchor}"


# ---- Site ----


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs MkDocs: pip install 'redheart[docs]'")
    pytest.importorskip("material", reason="needs mkdocs-material: pip install 'redheart[docs]'")
    pytest.importorskip("mkdocstrings", reason="needs mkdocstrings: pip install 'redheart[docs]'")
    done = run("mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site"))
    assert done.returncode == 0, done.stderr
    home = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|<link[^>]*href)=["']?https?://""", home), "the site loads something from elsewhere"
    for built in (tmp_path / "site").rglob("*.html"):
        assert "```" not in built.read_text(encoding="utf-8"), f"{built} has a block that was not recognised"
    assert (tmp_path / "site" / "repository" / "CONTRIBUTING" / "index.html").is_file()
    assert not (tmp_path / "site" / "blocks").exists()
