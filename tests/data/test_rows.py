"""Reading rows: every source gives the same rows, and what cannot be read is named."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from redheart.configuration.errors import DataError
from redheart.data.rows import Rows, read_rows
from redheart.data.schema import to_examples

ROWS: list[dict[str, Any]] = [
    {"text": "Great, thanks!", "affect.valence": 1.0},
    {"text": "그만.", "affect.valence": -1.0},
]


def write_all(folder: Path) -> None:
    """ROWS in every form a file may have."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (folder / "a.jsonl").write_text("\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS), encoding="utf-8")
    (folder / "a.json").write_text(json.dumps(ROWS), encoding="utf-8")
    (folder / "a.csv").write_text('\ufefftext,affect.valence\n"Great, thanks!",1\n그만.,-1\n', encoding="utf-8")
    (folder / "a.tsv").write_text("text\taffect.valence\nGreat, thanks!\t1\n그만.\t-1\n", encoding="utf-8")
    parquet.write_table(pa.Table.from_pylist(ROWS), folder / "a.parquet")


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "tsv", "parquet"])
def test_every_kind_of_file_gives_the_same_examples(tmp_path: Path, ending: str) -> None:
    write_all(tmp_path)
    rows = read_rows(str(tmp_path / f"a.{ending}"))
    for _ in range(2):  # a file can be read again
        examples = to_examples(rows, "mine")
        assert [item.text for item in examples] == ["Great, thanks!", "그만."]
        assert [float(item.targets["affect_labels"][0]) for item in examples] == [1, -1]
    assert rows.name.endswith(f"a.{ending}")


def test_a_folder_has_one_file_per_split(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"text": "a"}\n', encoding="utf-8")
    (tmp_path / "test.csv").write_text("text\nb\n", encoding="utf-8")
    assert [row["text"] for row in read_rows(tmp_path)] == ["a"]
    assert [row["text"] for row in read_rows(tmp_path, "test")] == ["b"]
    with pytest.raises(DataError, match=r"'validation'.*\['test.csv', 'train.jsonl'\]"):
        read_rows(tmp_path, "validation")
    (tmp_path / "train.csv").write_text("text\nb\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"one file for the split 'train'.*\['train.csv', 'train.jsonl'\]"):
        read_rows(tmp_path)


def test_data_sets_of_the_datasets_library(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    whole = datasets.Dataset.from_list(ROWS)
    splits = datasets.DatasetDict({"train": whole})
    for source in (whole, splits, whole.to_iterable_dataset(), ROWS, iter(ROWS)):
        assert [item.text for item in to_examples(read_rows(source), "mine")] == ["Great, thanks!", "그만."]
    with pytest.raises(DataError, match="no split 'test'; known are train"):
        read_rows(splits, "test")


def test_a_hub_name_goes_to_load_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    calls: list[Any] = []

    def load_dataset(*args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        if args[0] == "nobody/nothing":
            raise FileNotFoundError("Dataset 'nobody/nothing' doesn't exist on the Hub")
        return ROWS

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    rows = read_rows("someone/set", "validation", config="en", streaming=True)
    assert len(list(rows)) == len(list(rows)) == 2
    assert calls == [(("someone/set", "en"), {"split": "validation", "streaming": True, "revision": None})]
    with pytest.raises(DataError, match=r"no file or folder 'nobody/nothing' here.*FileNotFoundError.*doesn't exist"):
        read_rows("nobody/nothing")


def test_columns_are_renamed_or_left_out() -> None:
    rows = read_rows([{"sentence": "a", "date": 1}], column_names={"sentence": "text", "date": None})
    assert list(rows) == [{"text": "a"}]
    with pytest.raises(DataError, match="no column 'sentense' to rename; did you mean 'sentence'"):
        list(read_rows([{"sentence": "a"}], column_names={"sentense": "text"}))
    with pytest.raises(DataError, match="row 0 gets two columns 'text'"):
        list(read_rows([{"sentence": "a", "text": "b"}], column_names={"sentence": "text"}))


BROKEN: list[tuple[str, bytes, str]] = [
    ("a.jsonl", b'{"text": "a"}\n{"text": \n', "a.jsonl, line 2 is not JSON"),
    ("a.jsonl", b'[{"text": "a"},\n{"text": "b"}]', "must end in .json"),
    ("a.jsonl", b'{"text": "a"}\n[1]', r"a.jsonl, row 1 must be a mapping of columns, got \[1\]"),
    ("a.jsonl", b'{"text": "\xff"}', "not UTF-8"),
    ("a.json", b'{"text": "a"}\n{"text": "b"}', "must end in .jsonl"),
    ("a.json", b'{"text": "a"}', "one JSON array of rows, got dict"),
    ("a.csv", b"", "its first line must name the columns"),
    ("a.csv", b"text,text\na,b\n", r"the columns \['text'\] twice"),
    ("a.csv", b"text,group\na,1\nb, c,2\n", r"row 1 \(line 3\) has 3 cells.*2 columns.*quotes"),
    ("a.csv", b'text\n"a\n', "line 2 cannot be read"),
    ("a.parquet", b"PAR1 half a file", "not a whole parquet file"),
    ("a.jsonl", b'{"text": "a"}\n{"text": "b", "id": ' + b"9" * 5000 + b"}", "line 2 is not JSON .* 4,300 digits"),
    ("a.jsonl", b'{"text": "a", "id": ' + b"[" * 100_000 + b"}", "a.jsonl, line 1 is not JSON"),
    ("a.jsonl", b'{"text": "a", "text": "b"}', "line 1 is not JSON that can be read: it has 'text' twice"),
    ("a.json", b'[{"text": "a", "id": 1, "id": 2}]', "a.json is not JSON that can be read: it has 'id' twice"),
    ("a.jsonl", "{}".encode("utf-16"), "is UTF-16"),
]


@pytest.mark.parametrize(("name", "content", "message"), BROKEN)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read_rows(tmp_path / name))


def test_files_are_read_as_people_have_them(tmp_path: Path) -> None:
    """Endings in capitals, links, old line ends, long cells, blank lines, and the empty ones of spreadsheets."""
    long = "so " * 60_000
    (tmp_path / "A.CSV").write_bytes(f'\ufefftext,emotion\r\n\r\n"{long}",joy\r\n  ,\r\nb,anger\r\n,\r\n,\r\n'.encode())
    (tmp_path / "link.csv").symlink_to(tmp_path / "A.CSV")
    (tmp_path / "a.jsonl").write_bytes(b'\n{"text": "a"}\r\n   \r\n{"text": "b"}')
    for name in ("A.CSV", "link.csv"):
        assert [row["text"].strip() for row in read_rows(str(tmp_path / name))] == [long.strip(), "b"]
    assert [row["text"] for row in read_rows(tmp_path / "a.jsonl")] == ["a", "b"]
    assert list(read_rows([{"text": "a", "n": float("nan")}])) == [
        {"text": "a", "n": pytest.approx(float("nan"), nan_ok=True)}
    ]


def test_a_misspelt_file_is_named_with_its_nearest_neighbour(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text("text\na\n")
    with pytest.raises(DataError, match=r"no file or folder '.*answer.csv'; did you mean 'answers.csv' in "):
        read_rows(tmp_path / "answer.csv")


def test_missing_sources_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("")
    cases: list[tuple[Any, str]] = [
        (tmp_path / "a.xlsx", r"must end in one of .jsonl, .json, .csv, .tsv, .parquet, got '.xlsx'"),
        (tmp_path / "none", "no file or folder"),
        ("nowhere/data.csv", "no file or folder 'nowhere/data.csv'"),
        ("nothing at all", "A hub name is written 'owner/name'"),
        (3, "rows, a path or a hub name, got int"),
    ]
    for source, message in cases:
        with pytest.raises(DataError, match=message):
            read_rows(source)


def test_links_and_pipes_say_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="the link of that name leads nowhere"):
        read_rows(tmp_path / "link.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match=r"pipe.csv is not a regular file.*more than once"):
        read_rows(tmp_path / "pipe.csv")


def test_rows_keep_their_name() -> None:
    assert read_rows(Rows("mine", lambda: ROWS, {})).name == "mine"
    with pytest.raises(DataError, match=r"mine, row 0, column 'affect.valense'"):
        to_examples(Rows("mine", lambda: [{"text": "a", "affect.valense": 1}], {}))
