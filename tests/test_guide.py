"""The text of the guide agrees with the code: options without effect, data sets, messages.

Notable: `tests/docs` compares generated tables with their sources.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from redheart.configuration.components import COMPONENT_SIZES
from redheart.configuration.configuration_redheart import RedHeartConfig
from redheart.configuration.shipped import DEFAULT_MODEL, preset_names, shipped_folder
from redheart.data.columns import AXES
from redheart.data.facts import DATA_SETS
from redheart.data.public_sets import NON_COMMERCIAL, SETS
from redheart.data.schema import IGNORED, NAMES, RANKINGS, TEXTS
from redheart.recipes.train_tokenizer import SOURCES
from redheart.training.runs.recipe import (
    ELSEWHERE,
    read_recipe,
)
from redheart.training.trainers.inherited import WITHOUT_EFFECT

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
FOLDERS = ("configuration", "modeling_redheart", "training", "hub_upload", "src/redheart")

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="about a checkout; an installed package has no docs")

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"``\s?(.+?)\s?``|`([^`]+)`")


def page(name: str) -> str:
    """A page without its snippets."""
    return _FENCE.sub("", (DOCS / f"{name}.md").read_text(encoding="utf-8"))


def sections(name: str) -> dict[str, list[list[str]]]:
    """The rows of the tables of a page, in cells, by the heading above them; without heads and lines."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in page(name).splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").strip("`")
        elif line.startswith("|"):
            found.setdefault(heading, []).append([cell.strip() for cell in line.strip("|").split(" | ")])
    return {heading: rows[2:] for heading, rows in found.items()}


def codes(cell: str) -> list[str]:
    """The code in a cell."""
    return [double or single for double, single in _CODE.findall(cell)]


# ---- docs/recipe.md ----


def test_options_set_elsewhere_or_without_effect_are_named() -> None:
    text = page("recipe")
    for name in (*ELSEWHERE, *WITHOUT_EFFECT, *COMPONENT_SIZES, *RANKINGS):
        assert name in RANKINGS or f"`{name}`" in text, name
    assert all(name in text for name in preset_names())


def test_its_recipes_are_recipes(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    text = (DOCS / "recipe.md").read_text(encoding="utf-8")
    path.write_text(text.split("```yaml file=all.yaml\n")[1].split("```")[0], encoding="utf-8")
    recipe = read_recipe(path)
    assert recipe.sweet_spot == {}
    assert recipe.data.train[1].weight == 2
    for example in sorted((ROOT / "examples").glob("*.yaml")):
        if not example.name.startswith("accelerate") and "-cpu.yaml" not in example.name.removeprefix("small"):
            assert f"`{example.name}`" in text, example.name


# ---- docs/data.md ----


def test_every_set_has_its_facts() -> None:
    rows = {codes(row[0])[0]: row for row in sections("data")["Public sets"]}
    assert list(rows) == list(SETS)
    for name, known in DATA_SETS.items():
        _, _, count, _, licence, _ = rows[name]
        assert licence == known.licence, name
        if known.rows is not None and name != "cases":  # of the cases more lie here than the shipped weights have read
            assert f"{known.rows:,}" in count, name


def test_what_ships_is_what_the_shipped_model_records() -> None:
    record = RedHeartConfig.from_pretrained(shipped_folder(DEFAULT_MODEL)).supervision
    taught = {source for sources in record.values() for source in sources}
    words = {source.folder for source in SOURCES} | {"cases"}
    for name, row in ((codes(row[0])[0], row) for row in sections("data")["Public sets"]):
        expected = (
            "weights" if name in taught else "never" if name in NON_COMMERCIAL else "words" if name in words else "no"
        )
        assert row[5] == expected, name


def test_the_page_lists_what_each_set_supervises() -> None:
    rows = sections("data")["What each supervises"]
    listed = {name: (row[1], row[2]) for row in rows for name in codes(row[0])}
    assert set(listed) == set(SETS)
    for name, one in SETS.items():
        assert listed[name][0].startswith("nothing") == bool(one.why_not), name
        assert one.hub is None or one.hub[0] in listed[name][1], name


def test_the_row_format_has_every_column_and_no_other() -> None:
    rows = sections("data")["The row format"]
    listed = [name for row in rows for name in codes(row[0])]
    assert not [name for name in listed if name not in NAMES]
    assert {*TEXTS, *IGNORED} <= set(listed)
    assert {prefix for prefix, _ in AXES.values()} <= {
        ".".join(name.split(".")[: prefix.count(".") + 1]) for name in listed for prefix, _ in AXES.values()
    }
    assert all(f"`{name}`" in page("data") for name in RANKINGS)


def test_the_cases_are_as_many_as_it_says() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = ROOT / "data" / "cases" / "train.parquet"
    if not file.is_file():
        pytest.skip("the cases are not here")
    languages = parquet.read_table(file, columns=["language"])["language"].to_pylist()
    text = page("data")
    assert f"| {len(languages):,} | a language model" in text
    assert f"{languages.count('ko'):,} of the {len(languages):,} training rows" in text


# ---- docs/troubleshooting.md ----


def literals(tree: ast.AST) -> Iterator[str]:
    """Every text in a source, with a zero where a value is put in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "\0" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from {node.value, re.sub(r"%[sdrg]|\{\}", "\0", node.value)}


@cache
def messages() -> str:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return "\n".join(text for path in files for text in literals(ast.parse(path.read_text(encoding="utf-8"))))


def quoted() -> list[str]:
    rows = [row for rows in sections("troubleshooting").values() for row in rows]
    return [double for row in rows for double, _ in _CODE.findall(row[0]) if double]


def test_it_quotes_many() -> None:
    assert len(quoted()) > 80
    assert all(len(row) == 3 for rows in sections("troubleshooting").values() for row in rows)


@pytest.mark.parametrize("message", quoted() if DOCS.is_dir() else [])
def test_a_quoted_message_is_one_of_the_library(message: str) -> None:
    parts = [re.escape(part) for part in message.split("…") if part]
    assert max(map(len, parts)) > 8, "too little of it to be known by"
    assert re.search("[^\n]*?".join(parts), messages()), message
