"""The page of a corpus: what it counts, that it escapes texts, and that it needs nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from redheart.cli import main
from redheart.corpus.readings import ABSTAINED, load_readings

from ..evaluation.reports.test_html_report import Page

ROWS = 60


def reading(number: int, **more: Any) -> dict[str, Any]:
    """A row of a table, of which every third blames the author, and the later ones are sadder."""
    return {
        "text": f"<script>alert({number})</script> I lied & {number}.",
        "date": f"2024-{1 + number // 10:02}-15",
        "writer": "ab"[number % 2],
        "verdict.label": "author" if number % 3 == 0 else None,
        "verdict.author": 0.9 if number % 3 == 0 else 0.3,
        "emotion.asserted": "joy|love" if number % 2 else "neutral",
        "emotion.joy": number / ROWS,
        "affect.valence": -number / ROWS,
        "flags.risk": "abuse" if number == 7 else "",
        "withheld": "" if number % 3 == 0 else "verdict.label: not probable enough",
        "error": None,
        **more,
    }


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "readings.jsonl"
    bad = dict.fromkeys(reading(0)) | {"error": "The text is empty.", "date": "2024-01-15", "writer": "a"}
    rows = [*(reading(number) for number in range(ROWS)), bad]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_readings_are_counted(table: Path) -> None:
    found = load_readings(table, "writer")
    assert (found.rows, found.read, found.errors) == (61, 60, {"The text is empty.": 1})
    assert found.withheld == {"verdict.label: not probable enough": 40}
    assert found.verdicts.count("author") == 20
    assert found.verdicts.count(ABSTAINED) == 40
    assert found.asserted["joy"].sum() == 30
    assert found.risk == {"abuse": 1}


def test_the_page_is_whole_escaped_and_needs_nothing_else(table: Path) -> None:
    result = run("report", table, "--by", "date")
    folder = table.with_name("readings-report")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"Written: {folder / 'index.html'}\n"
    assert {path.name for path in folder.iterdir()} == {
        "index.html", "verdict.png", "emotions.png", "degrees.png", "groups.png",
    }  # fmt: skip
    page = Page(folder / "index.html")
    assert "script" not in {tag for tag, _ in page.tags}
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("href", "src")]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "20" in page.row("author", "0.333", "[0.227, 0.459]")  # Wilson's interval of 20 of 60
    assert page.row("row 59", "<script>alert(59)</script> I lied & 59.")
    assert page.row("verdict.label", "not probable enough", "40", "66.7%")
    assert page.row("abuse", "1", "1.7%")
    assert page.row("2024-06", "10")
    assert "1 could not be" in page.source
    assert "must not be used for decisions on people" in page.source


def test_texts_can_be_left_out(table: Path) -> None:
    assert run("report", table, "--examples", 0, "--to", table.with_name("page")).exit_code == 0
    assert "alert" not in (table.parent / "page" / "index.html").read_text()


def test_what_is_no_table_of_readings_is_refused(table: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("id,text\n1,x\n")
    (tmp_path / "a_file").write_text("")
    (tmp_path / "none.jsonl").write_text(json.dumps(reading(0, error="It is blank.")) + "\n")
    (tmp_path / "words.jsonl").write_text(json.dumps(reading(0, **{"affect.valence": "low"})) + "\n")
    for words, status, message in (
        ((tmp_path / "other.csv",), 1, "redheart analyze"),
        ((tmp_path / "none.jsonl",), 1, "No text of"),
        ((tmp_path / "words.jsonl",), 1, "'low' where a number"),
        ((table, "--by", "writr"), 1, "did you mean 'writer'"),
        ((table, "--column", "body"), 1, "no column 'body'"),
        ((table, "--to", tmp_path / "a_file"), 2, "is a file"),
        ((tmp_path,), 2, "is a directory"),
    ):
        result = run("report", *words)
        assert result.exit_code == status, result.stderr
        assert message in result.stderr


def test_errors_of_one_kind_are_counted_together(tmp_path: Path) -> None:
    """They differ by their places; the number of a character is not one."""
    path = tmp_path / "rows.jsonl"
    problems = [f"a.jsonl, line {n} has a lone surrogate, U+D800, at character {n + 3}." for n in (2, 40)]
    rows = [reading(0), *({**reading(1), "error": problem} for problem in problems)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = load_readings(path, "writer")
    assert found.errors == {"a.jsonl, line … has a lone surrogate, U+D800, at character ….": 2}
