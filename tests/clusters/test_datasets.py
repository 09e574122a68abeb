"""The reader in `datasets.map`: in two processes of its own."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from redheart.batch import Reader

from .conftest import ROWS

datasets = pytest.importorskip("datasets")

pytestmark = pytest.mark.slow

Check = Callable[[list[dict[str, Any]]], None]


@pytest.fixture
def rows(tmp_path: Path) -> Any:
    """`ROWS` in a file, since what `map` has done is kept beside that."""
    path = tmp_path / "rows.jsonl"
    datasets.Dataset.from_list(ROWS).to_json(path)
    return datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))


@pytest.fixture
def verdicts(checkpoint: Path) -> Reader:
    return Reader(str(checkpoint), outputs=["verdict"])


def test_two_processes_read_all_rows_in_order(rows: Any, verdicts: Reader, check: Check) -> None:
    read = rows.with_format("arrow").map(verdicts, batched=True, batch_size=10, num_proc=2).with_format(None)
    assert read["id"][:] == [row["id"] for row in ROWS]
    assert read.features.arrow_schema.field("error").type == verdicts.schema().field("error").type
    check(list(read))


def test_it_reads_in_processes_that_are_forked_from_one_that_has_read(
    rows: Any, verdicts: Reader, check: Check
) -> None:
    verdicts([{"text": "I lied."}])
    check(list(rows.with_format("arrow").map(verdicts, batched=True, batch_size=10, num_proc=2).with_format(None)))


def test_a_killed_process_is_told_and_the_next_run_reads_only_what_it_lacks(
    rows: Any, verdicts: Reader, check: Check, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()

    class Dying(Reader):
        """Notes what it reads; the process with the last row is killed once, when the other one has ended."""

        def __call__(self, batch: Any) -> Any:
            ids = batch["id"].to_pylist()
            (notes / f"{ids[0]} read by {os.getpid()}").touch()
            if ROWS[-1]["id"] in ids and not (notes / "died").exists():
                while not list(tmp_path.rglob("cache-once_00000_of_00002.arrow")):
                    time.sleep(0.05)
                (notes / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return Reader.__call__(self, batch)

    options = {"batched": True, "batch_size": 10, "num_proc": 2, "new_fingerprint": "once"}
    dying, arrow = Dying(verdicts.model, verdicts.outputs), rows.with_format("arrow")
    with pytest.raises(RuntimeError, match="abruptly died"):
        arrow.map(dying, **options)
    check(list(arrow.map(dying, **options).with_format(None)))
    assert [len(list(notes.glob(f"{number} read by *"))) for number in (0, len(ROWS) // 2)] == [1, 2]


def test_a_wrong_column_is_told(rows: Any, checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="no column 'txt'; did you mean 'text'"):
        rows.with_format("arrow").map(Reader(str(checkpoint), column="txt"), batched=True)
