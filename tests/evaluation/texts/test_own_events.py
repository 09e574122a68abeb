"""People's own events: a reading is compared with what the writer rated, beside one reader and five."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redheart.configuration.labels import BENTHAM
from redheart.data.loading import Array, DataError
from redheart.evaluation.measurement.results import MODEL
from redheart.evaluation.measurement.rows import EVENTS as SET
from redheart.evaluation.texts.own_events import CLAIMS, FIVE_READERS, ONE_READER, own_events

TEXTS = 40
RATED = ("intensity", "predict_event", "effort", "pleasantness", "unpleasantness", "self_control")
DURATIONS = ("seconds", "minutes", "hours", "days", "weeks", "months", "years")


def _write(folder: Path, readers: int = 5, duration: str | None = None) -> list[dict[str, Any]]:
    """A set whose readers see what the writer rated, each with an error of their own."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    chance = np.random.default_rng(0)
    written = [
        {"text_id": row, "text": f"I felt joy {row}", "text_hidden": f"I felt ... {row}",
         "event_duration": duration or DURATIONS[chance.integers(7)],
         **{name: int(chance.integers(1, 6)) for name in RATED}}
        for row in range(TEXTS)
    ]  # fmt: skip
    read = [
        {**row, "reader": reader, **{name: int(np.clip(row[name] + chance.integers(-3, 4), 1, 5)) for name in RATED}}
        for row in written
        for reader in range(readers)
    ]
    (folder / SET).mkdir()
    pq.write_table(pa.Table.from_pylist(written), folder / SET / "validation.parquet")
    pq.write_table(pa.Table.from_pylist(read), folder / SET / "validation_readers.parquet")
    return written


class _Reader:
    """Reads the intensity that was rated off, and everything else at random."""

    def __init__(self, written: list[dict[str, Any]]) -> None:
        self.written = written
        self.seen: list[str] = []

    def texts(self, texts: Sequence[str]) -> dict[str, Array]:
        self.seen = list(texts)
        chance = np.random.default_rng(1)
        bentham = chance.random((len(texts), len(BENTHAM)))
        bentham[:, BENTHAM.index("intensity")] = [row["intensity"] / 5 for row in self.written]
        return {"bentham_labels": bentham, "affect_labels": chance.random((len(texts), 3))}


def test_r_is_with_the_writer_and_people_stand_beside(tmp_path: Path) -> None:
    reader = _Reader(_write(tmp_path))
    found = {(item.output, item.system): item for item in own_events(reader, tmp_path)}  # type: ignore[arg-type]
    assert set(found) == {(name, system) for name in CLAIMS for system in (MODEL, ONE_READER, FIVE_READERS)}
    assert found["bentham.intensity", MODEL].value == pytest.approx(1)
    assert abs(found["bentham.vulnerability", MODEL].value) < 0.5
    one, five = (found["bentham.intensity", system].value for system in (ONE_READER, FIVE_READERS))
    assert 0 < one < five < 1  # five people know more than one
    assert f"one reader {one:.2f}, mean of five readers {five:.2f}" in found["bentham.intensity", MODEL].rule
    assert {item.rows for item in found.values()} == {TEXTS}


def test_the_word_for_the_emotion_is_hidden(tmp_path: Path) -> None:
    reader = _Reader(_write(tmp_path))
    own_events(reader, tmp_path)  # type: ignore[arg-type]
    assert not any("joy" in text for text in reader.seen)


@pytest.mark.parametrize(
    ("readers", "duration", "message"),
    [(0, None, "have no reader"), (5, "a while", "'a while' is not a duration")],
)
def test_what_is_missing_is_named(tmp_path: Path, readers: int, duration: str | None, message: str) -> None:
    reader = _Reader(_write(tmp_path, readers, duration))
    with pytest.raises(DataError, match=message):
        own_events(reader, tmp_path)  # type: ignore[arg-type]


def test_a_missing_set_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        own_events(_Reader([]), tmp_path)  # type: ignore[arg-type]
