"""Lines of a file of any size: each whole and numbered, whatever ends it, and none too large for the memory."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from redheart.configuration.errors import DataError
from redheart.formats.lines import BOM, byte_lines, decode, text_lines
from redheart.formats.tables import read_table

from ..fixtures.processes import environment


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """A row has at most 12 bytes."""
    for name in ("redheart.formats.lines.LONGEST_ROW", "redheart.formats.tables.LONGEST_ROW"):
        monkeypatch.setattr(name, 12)
    return 12


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=repr)
@pytest.mark.parametrize("last", [b"", b"end"], ids=["ended", "open"])
def test_lines_are_whole_wherever_the_reading_stops(small: int, end: bytes, last: bytes) -> None:
    """Of every length, so that each end lies at and across the limit of what is read at once."""
    expected = [bytes([97 + n]) * n + end for n in range(small - len(end) + 1)] + ([last] if last else [])
    assert [line for _, line in byte_lines(BytesIO(b"".join(expected)), "it")] == expected
    assert [number for number, _ in byte_lines(BytesIO(b"".join(expected)), "it")] == [*range(1, len(expected) + 1)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=repr)
def test_a_line_that_is_too_long_costs_itself_alone(tmp_path: Path, small: int, end: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(end.join(["one", "x" * 500, "two", "y" * 13, "z" * 12, ""]).encode())
    found = [(line.where.rpartition(" ")[2], line.problem) for line in text_lines(path)]
    long = "has more than 12 bytes; shorten it."
    assert found == [("1", ""), ("2", long), ("3", ""), ("4", long), ("5", "")]


def test_a_mark_of_the_order_of_bytes_is_not_counted(small: int) -> None:
    assert decode(BOM + b"a" * small) == ("a" * small, "")
    assert decode(BOM + b"a" * (small + 1))[1]
    [(_, line)] = byte_lines(BytesIO(BOM + b"a" * 400), "it")
    assert decode(line)[1]


def test_a_row_of_a_csv_that_is_too_long_costs_itself_alone(tmp_path: Path, small: int) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'text,id\none,1\n{"x" * 40},2\n"two,3\nthree,4\nfour,5\n', encoding="utf-8")
    found = list(read_table(path))
    assert [line.row["text"] for line in found if not line.problem] == ["one", "three", "four"]
    assert all("the row has more than 12 bytes, as where a quote" in line.problem for line in found if line.problem)


def test_an_array_that_is_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redheart.formats.tables._LARGEST_ARRAY", 10)
    path = tmp_path / "a.json"
    path.write_text('[{"text": "I lied."}]', encoding="utf-8")
    with pytest.raises(DataError, match=r"has 21 bytes.*at most 10.*ends in \.jsonl; such a file can have any size"):
        list(read_table(path))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl"])
def test_a_gigabyte_without_a_line_takes_little_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as stream:
        stream.write(b'text\n"' if name == "a.csv" else b"")
        stream.truncate(2**30)  # zeros that take no disk
    code = f"""
import resource
from pathlib import Path
from redheart.formats.lines import text_lines
from redheart.formats.tables import read_table
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path = Path({str(path)!r})
rows = list((text_lines if path.suffix == ".txt" else read_table)(path))
assert len(rows) == 1 and "more than 16,777,216 bytes" in rows[0].problem, rows
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300  # MiB
