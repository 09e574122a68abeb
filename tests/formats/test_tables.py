"""Files of rows: the same rows whatever the ending and the lines, and what is wrong in the place where it is."""

import datetime
import json
import os
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from redheart.configuration.errors import DataError
from redheart.formats.lines import Line
from redheart.formats.tables import READERS, columns_of, read_table

ROWS = [{"text": 'I said "no", he left.', "id": "1"}, {"text": "그만.", "id": "2"}, {"text": "a\nb", "id": "3"}]


def lines_of(path: Path, content: bytes | str) -> list[Line]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_table(path))


def csv_text(end: str) -> str:
    return end.join(["text,id", '"I said ""no"", he left.",1', "그만.,2", '"a\nb",3', ""])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=repr)
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "marked"])
def test_every_end_of_a_line_gives_the_same_rows(tmp_path: Path, end: str, start: str) -> None:
    """Of its kind: files of Windows and of old Macs, with a mark of their order of bytes, with blank lines."""
    jsonl = end.join([start + json.dumps(ROWS[0]), "", json.dumps(ROWS[1]), "  ", json.dumps(ROWS[2]), "", ""])
    found = lines_of(tmp_path / "a.jsonl", jsonl)
    assert [line.row for line in found] == ROWS
    assert [line.where.rpartition(" ")[2] for line in found] == ["1", "3", "5"]
    assert [line.row for line in lines_of(tmp_path / "a.csv", start + csv_text(end))] == ROWS
    tsv = end.join(["text\tid", 'I said "no", he left.\t1', "그만.\t2", '"a\nb"\t3', ""])
    assert [line.row for line in lines_of(tmp_path / "a.tsv", start + tsv)] == ROWS


def test_a_bad_row_of_a_csv_keeps_the_others(tmp_path: Path) -> None:
    """Of its kind: too many and too few cells, a wrong quote, a quote that is never closed, another encoding."""
    rows = [b"text,id", b"one,1", b"two", b"three,3,3", b'four"s,4', b'"five"x,5', b"\xb1\xd7,6", b"", b"seven,7",
            b'"eight,8', b"nine,9"]  # fmt: skip
    found = lines_of(tmp_path / "a.csv", b"\n".join(rows))
    assert [line.row["id"] for line in found if not line.problem] == ["1", "4", "7", "9"]
    wrong = {int(line.where.rpartition("line ")[2].rstrip(")")): line for line in found if line.problem}
    assert list(wrong) == [3, 4, 6, 7, 10]
    assert "has 1 cells, and the first line names 2" in wrong[3].problem
    assert "has 3 cells" in wrong[4].problem
    assert "cannot be read" in wrong[6].problem
    assert "is not UTF-8 (byte 0xb1 at position 0)" in wrong[7].problem
    assert wrong[10].raw == '"eight,8'


def test_a_quote_that_is_never_closed_loses_no_row(tmp_path: Path) -> None:
    found = lines_of(tmp_path / "a.csv", 'text,id\n"one,1\ntwo,2\n"three,3\n"four\nfour",4\n')
    assert [line.row["text"] for line in found if line.row] == ["two", "four\nfour"]
    assert [line.raw for line in found if line.problem] == ['"one,1', '"three,3']


def test_a_cell_may_be_as_long_as_a_book(tmp_path: Path) -> None:
    long = "I lied. " * 100_000
    for name, content in (
        ("a.csv", f'text,id\n"{long}",1\n'),
        ("a.jsonl", json.dumps({"text": long, "id": "1"}) + "\n"),
        ("a.json", json.dumps([{"text": long, "id": "1"}])),
    ):
        assert [line.row for line in lines_of(tmp_path / name, content)] == [{"text": long, "id": "1"}]


def test_parquet_gives_every_kind_of_value(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    row = {"text": "I lied.", "at": datetime.datetime(2024, 5, 2), "cost": Decimal("1.10"), "list": [1, None]}
    pq.write_table(pa.Table.from_pylist([row, {"text": None}]), tmp_path / "a.PARQUET")
    first, second = read_table(tmp_path / "a.PARQUET")
    assert first.row == row
    assert second.row == dict.fromkeys(row)
    assert columns_of(tmp_path / "a.PARQUET") == list(row)


def test_labels_of_a_file_have_their_names_and_an_index_is_not_a_column(tmp_path: Path) -> None:
    """Of its kind: what `datasets` and pandas put beside the columns of a parquet file. A label without a name, as of
    another version of the set, is reported in its row."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pa.table({"text": ["a", "b", "c"], "verdict": [1, -1, 7], "__index_level_0__": [5, 6, 7]})
    features = {"verdict": {"names": ["other", "author"], "_type": "ClassLabel"}}
    stored = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(stored, tmp_path / "a.parquet")
    author, nobody, wrong = read_table(tmp_path / "a.parquet")
    assert author.row == {"text": "a", "verdict": "author"}
    assert nobody.row == {"text": "b", "verdict": None}
    assert wrong.problem == "has the label 7 in the column 'verdict', which has names for 0..1."
    assert [line.row["verdict"] for line in read_table(tmp_path / "a.parquet", label_names=False)] == [1, -1, 7]
    assert columns_of(tmp_path / "a.parquet") == ["text", "verdict"]


def test_empty_lines_of_a_spreadsheet_are_not_rows(tmp_path: Path) -> None:
    """Of its kind: blank lines, lines of commas, of spaces. An empty text of its own stands in quotes, and is a row."""
    several = lines_of(tmp_path / "a.csv", "text,id\n\na,1\n  ,\n,\n   \nb,\n,\n")
    assert [line.row["text"] for line in several] == ["a", "b"]
    alone = lines_of(tmp_path / "a.csv", 'text\na\n\n  \n""\nb\n')
    assert [line.row["text"] for line in alone] == ["a", "", "b"]


def test_a_value_that_python_cannot_represent_is_reported_in_its_row(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pa.table({"text": ["a", "b", "c"], "at": pa.array([0, 10**12, 0], pa.timestamp("s"))})
    pq.write_table(table, tmp_path / "a.parquet")
    lines = list(read_table(tmp_path / "a.parquet"))
    assert [bool(line.problem) for line in lines] == [False, True, False]
    assert "has a value in the column 'at' that cannot be read" in lines[1].problem


WHOLE: list[tuple[str, bytes, str]] = [
    ("a.csv", b"", "is empty"),
    ("a.csv", b"\xef\xbb\xbf", "is empty"),
    ("a.csv", b"\n\ntext\na\n", "begins with a blank line"),
    ("a.csv", b"a,a\n1,2\n", r"names the columns \['a'\] twice"),
    ("a.csv", b"text;emotion\na;joy\n", "first line of .*a.csv has ';' between its columns, and .* must have ','"),
    ("a.csv", b"text\temotion\na\tjoy\n", "or as .tsv"),
    ("a.tsv", b"text,emotion\na,joy\n", "has ',' between its columns"),
    ("a.csv", b"\xb1\xd7,b\n1,2\n", "line 1 is not UTF-8"),
    ("a.csv", b'"text\n', "line 1 cannot be read"),
    ("a.jsonl", '{"text": "a"}\n'.encode("utf-16"), "is UTF-16"),
    ("a.csv", b"\xfe\xff" + "text\na\n".encode("utf-16-be"), "is UTF-16"),
    ("a.json", b"\xff", "is not UTF-8"),
    ("a.json", b'{"text": "a"}', "one JSON array"),
    ("a.json", b'[{"text": 1e999}]', "1e999 is too large"),
    ("a.parquet", b"PAR1", "not a whole parquet file"),
    ("a.parquet", b"", "not a whole parquet file"),
    ("a.xlsx", b"", "must end in one of .jsonl, .json, .csv, .tsv, .parquet"),
    ("a", b"", "got 'no ending'"),
]


@pytest.mark.parametrize(("name", "content", "message"), WHOLE, ids=lambda value: repr(value)[:30])
def test_what_is_wrong_with_a_whole_file_is_raised(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        lines_of(tmp_path / name, content)


def test_a_link_is_read_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "blob").write_text(json.dumps(ROWS[0]), encoding="utf-8")
    (tmp_path / "a.jsonl").symlink_to(tmp_path / "blob")
    assert [line.row for line in read_table(tmp_path / "a.jsonl")] == ROWS[:1]


def test_columns_are_known_where_a_file_names_them(tmp_path: Path) -> None:
    known: Any = {".csv": ["text", "id"], ".tsv": ["text", "id"], ".jsonl": None, ".json": None}
    for ending, columns in known.items():
        path = tmp_path / f"a{ending}"
        path.write_text("text,id\n".replace(",", "\t" if ending == ".tsv" else ","))
        assert columns_of(path) == columns
    assert set(known) | {".parquet"} == set(READERS)


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """The names of its columns are not looked at beforehand, which would leave nothing to read, and wait for it."""
    path = tmp_path / "a.csv"
    os.mkfifo(path)
    writing = threading.Thread(target=path.write_text, args=("text,id\na,1\n",), daemon=True)
    writing.start()
    assert columns_of(path) is None
    assert [line.row for line in read_table(path)] == [{"text": "a", "id": "1"}]
    writing.join()
