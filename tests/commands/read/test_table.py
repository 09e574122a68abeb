"""`redheart analyze --to`: what it says while it reads, when it has read, and what it refuses."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from redheart.cli import main
from redheart.formats.tables import read_table


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    path = tmp_path / "posts.csv"
    path.write_text('id,body\n1,I lied.\n2," "\n3,He kept his word.\n')
    return path


def analyze(checkpoint: Path, *arguments: object) -> Result:
    words = ["analyze", "--model", checkpoint, "--depth", "fast", "--output", "verdict", *arguments]
    return CliRunner().invoke(main, [str(word) for word in words])


def test_it_writes_a_table_and_says_so(posts: Path, checkpoint: Path) -> None:
    to = posts.with_name("out.csv")
    result = analyze(checkpoint, "--file", posts, "--column", "body", "--to", to)
    assert result.exit_code == 1  # a text could not be read
    assert result.stdout == ""
    assert "3/3" in result.stderr
    assert "rows/s" in result.stderr
    assert f"3 rows in {to}." in result.stderr
    assert 'error: 1 of the texts could not be read; the column "error" says why.' in result.stderr
    rows = [line.row for line in read_table(to)]
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    again = analyze(checkpoint, "--file", posts, "--column", "body", "--to", to)
    assert (again.exit_code, "--overwrite" in again.stderr) == (1, True)
    posts.write_text("id,body\n1,I lied.\n")
    result = analyze(checkpoint, "--file", posts, "--column", "body", "--to", to, "--overwrite")
    assert result.exit_code == 0
    assert len(list(read_table(to))) == 1


def test_wrong_usage_is_refused_before_any_work(posts: Path, checkpoint: Path) -> None:
    to = posts.with_name("out.csv")
    for words, message in {
        ("I lied.", "--to", to): "one --file",
        ("--file", posts, "--file", posts, "--column", "body", "--to", to): "one --file",
        ("--file", posts, "--column", "body", "--json", "--to", to): "--json",
        ("--file", posts, "--column", "bdy", "--to", to): "did you mean 'body'",
        ("--file", posts, "--column", "body", "--to", posts): "another one",
        ("--file", posts, "--column", "body", "--to", "out.xlsx"): ".parquet",
        ("--file", posts, "--column", "body", "--to", posts.parent): "give a file of",
        ("--file", posts, "--column", "body", "--overwrite"): "give --to",
        ("--file", posts, "--column", "body", "--guarantee", "0.1", "--to", to): "use --json",
        ("--file", posts.parent, "--to", to): "is a directory",
    }.items():
        result = analyze(checkpoint, *words)
        assert result.exit_code == 2, words
        assert message in result.stderr
        assert not to.exists()


def test_a_large_file_is_said_to_be_looked_through_first(
    posts: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redheart.commands.read.table._LARGE", 10)
    result = analyze(checkpoint, "--file", posts, "--column", "body", "--to", posts.with_name("out.csv"))
    assert result.stderr.startswith(f"Looking through {posts} (0.0 GB) before the first text is read.\n")
