"""From file to file: rows keep their order and their columns, and a run that was killed goes on where it was."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from redheart.batch import Reader, tables
from redheart.batch.parts import Parts
from redheart.batch.tables import Summary, read_file
from redheart.configuration.errors import DataError, InputError
from redheart.formats.tables import read_table

from ..fixtures.processes import SOURCE, forking

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROWS = 40


class KilledError(BaseException):
    """Stands for a kill, which no code of the library catches."""


@pytest.fixture
def reader(checkpoint: Path) -> Reader:
    return Reader(str(checkpoint), outputs=["verdict"], depth="fast", batch_size=2)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PART_ROWS", 4)
    monkeypatch.setattr(tables, "CHUNK_BATCHES", 2)


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    """Rows of which every seventh has no text."""
    path = tmp_path / "posts.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "verdict.label"])
        writer.writerows([n, "" if n % 7 == 0 else f"I lied {n} times,\nto {n} people.", "mine"] for n in range(ROWS))
    return path


def killed_at(row: int) -> Callable[[int, int], None]:
    def report(done: int, rows: int) -> None:
        assert rows == ROWS
        if done >= row:
            raise KilledError

    return report


def torn(writer: Any, parts: list[Path], path: Path) -> None:
    path.write_bytes(parts[0].read_bytes())
    raise KilledError


def rows_of(path: Path) -> list[Any]:
    return [line.row for line in read_table(path)]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_rows_keep_their_order_and_columns(posts: Path, reader: Reader, ending: str) -> None:
    to = posts.with_name(f"readings{ending}")
    assert read_file(posts, to, reader) == Summary(ROWS, 6, 0)
    rows = rows_of(to)
    assert [int(row["id"]) for row in rows] == list(range(ROWS))
    assert [row["input.verdict.label"] for row in rows] == ["mine"] * ROWS
    assert ["empty" in (row["error"] or "") for row in rows] == [n % 7 == 0 for n in range(ROWS)]
    [alone] = reader([{"text": rows[3]["text"]}])
    assert float(rows[3]["verdict.author"]) == pytest.approx(alone["verdict.author"], abs=1e-5)
    assert {path.name for path in posts.parent.iterdir()} == {posts.name, to.name}  # no parts are left


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_a_killed_run_goes_on(posts: Path, reader: Reader, ending: str) -> None:
    """Killed three times, between parts and within one, and while the table is put together."""
    whole, to = posts.with_name(f"whole{ending}"), posts.with_name(f"readings{ending}")
    read_file(posts, whole, reader)
    for row in (0, 9, 23):
        with pytest.raises(KilledError):
            read_file(posts, to, reader, report=killed_at(row))
        assert not to.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables.WRITERS[ending], "join", torn)
        with pytest.raises(KilledError):
            read_file(posts, to, reader)
    assert not to.exists()
    assert read_file(posts, to, reader) == Summary(ROWS, 6, ROWS)
    assert rows_of(to) == rows_of(whole)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process that can be forked")
def test_a_process_that_is_killed_leaves_nothing_torn(posts: Path, checkpoint: Path, reader: Reader) -> None:
    """By a signal that no process can catch, in the middle of a part."""
    to = posts.with_name("readings.jsonl")
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(SOURCE)!r})
from pathlib import Path
pid = os.fork()
if pid == 0:
    from redheart.batch import Reader, tables
    tables.PART_ROWS, tables.CHUNK_BATCHES = 8, 2
    def report(done, rows):
        if done >= 20:
            os.kill(os.getpid(), signal.SIGKILL)
    reader = Reader({str(checkpoint)!r}, outputs=["verdict"], depth="fast", batch_size=2)
    tables.read_file(Path({str(posts)!r}), Path({str(to)!r}), reader, report=report)
    os._exit(0)
print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
"""
    with forking() as forks:
        assert forks.run(code).strip() == "9"
    assert not to.exists()
    assert Parts(to).done()[0] == 16
    assert read_file(posts, to, reader).resumed == 16
    assert [int(row["id"]) for row in rows_of(to)] == list(range(ROWS))


def test_parts_of_something_else_are_not_continued(posts: Path, reader: Reader, checkpoint: Path) -> None:
    to = posts.with_name("readings.csv")
    with pytest.raises(KilledError):
        read_file(posts, to, reader, report=killed_at(9))
    other = Reader(str(checkpoint), outputs=["verdict", "emotion"], depth="fast")
    with pytest.raises(InputError, match=r"begun with another options .*--overwrite"):
        read_file(posts, to, other)
    posts.write_text(posts.read_text().replace("I lied", "He lied"))
    with pytest.raises(InputError, match=r"begun with another input .*--overwrite"):
        read_file(posts, to, reader)
    assert Parts(to).done()[0] == 8  # the work is kept
    assert read_file(posts, to, reader, overwrite=True).resumed == 0
    with pytest.raises(InputError, match=r"readings\.csv exists; name another file"):
        read_file(posts, to, reader)


def test_a_batch_size_may_change_in_between(posts: Path, reader: Reader, checkpoint: Path) -> None:
    to = posts.with_name("readings.csv")
    with pytest.raises(KilledError):
        read_file(posts, to, reader, report=killed_at(9))
    larger = Reader(str(checkpoint), outputs=["verdict"], depth="fast", batch_size=16)
    assert read_file(posts, to, larger) == Summary(ROWS, 6, 8)


def test_one_process_at_a_time(posts: Path, reader: Reader) -> None:
    to = posts.with_name("readings.csv")
    with Parts(to).claimed({}, False), pytest.raises(InputError, match="Another process is writing"):
        read_file(posts, to, reader)


def test_types_are_kept(tmp_path: Path, reader: Reader) -> None:
    """Of parquet to parquet all; of JSON those that a column has throughout, and others as JSON."""
    from datetime import UTC, datetime
    from decimal import Decimal

    table = pa.table(
        {
            "text": ["I lied.", None, "He kept his word."],
            "at": [datetime(2024, 5, 1, tzinfo=UTC), None, datetime(2024, 5, 2, tzinfo=UTC)],
            "price": [Decimal("1.50"), Decimal("2.25"), None],
            "tags": [["a", "b"], [], None],
            "place": pa.array(["x", "y", "x"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    read_file(tmp_path / "in.parquet", tmp_path / "out.parquet", reader)
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.select(table.schema.names) == table
    read_file(tmp_path / "in.parquet", tmp_path / "out.csv", reader)
    assert rows_of(tmp_path / "out.csv")[0]["at"] == "2024-05-01T00:00:00+00:00"
    assert rows_of(tmp_path / "out.csv")[0]["tags"] == '["a", "b"]'
    lines = [{"text": "I lied.", "n": 1, "x": 1, "y": 1}, {"text": "a\ud800", "n": 2.5, "x": "1", "y": {"z": 2**70}}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*lines, {"text": 5}]))
    read_file(tmp_path / "in.jsonl", tmp_path / "of_json.parquet", reader)
    found = pq.read_table(tmp_path / "of_json.parquet").select(["text", "n", "x", "y"]).to_pylist()
    assert [row["n"] for row in found] == [1.0, 2.5, None]
    assert [row["x"] for row in found] == ["1", '"1"', None]
    assert [row["text"] for row in found] == ['"I lied."', '"a\\ud800"', "5"]
    assert json.loads(found[1]["y"]) == {"z": 2**70}
    read_file(tmp_path / "in.jsonl", tmp_path / "of_json.jsonl", reader)
    assert [row["y"] for row in rows_of(tmp_path / "of_json.jsonl")[:2]] == [1, {"z": 2**70}]


def test_a_text_file_has_a_text_per_line(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "lines.txt").write_bytes("I lied.\n\n그만\n".encode() + b"\xff\n")
    assert read_file(tmp_path / "lines.txt", tmp_path / "out.csv", reader) == Summary(3, 1, 0)
    rows = rows_of(tmp_path / "out.csv")
    assert [row["text"] for row in rows] == ["I lied.", "그만", "\ufffd"]
    assert "line 4 is not UTF-8" in rows[2]["error"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"id,Text\n1,x\n", "did you mean 'Text'"),
        ("a.csv", b"id,text\n", "has no rows"),
        ("a.csv", b"", "is empty"),
        ("a.jsonl", b'{"body": "x"}\n[1]\n', "No row of .* can be read"),
        ("a.parquet", b"PAR1, half a file", "not a whole parquet file"),
        ("a.xlsx", b"", "'.xlsx'"),
    ],
)
def test_a_file_that_cannot_be_read_begins_nothing(
    tmp_path: Path, reader: Reader, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_file(tmp_path / name, tmp_path / "out.csv", reader)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("to", "words"),
    [("out.txt", "'.txt'"), (".", "ends in ''"), ("folder.csv", "is a folder"), ("no/out.csv", "is not a folder"),
     ("posts.csv", "is the file of the texts")],
)  # fmt: skip
def test_a_table_that_cannot_be_written_is_refused(posts: Path, reader: Reader, to: str, words: str) -> None:
    posts.with_name("folder.csv").mkdir()
    with pytest.raises(InputError, match=words):
        read_file(posts, posts.parent / to, reader)
