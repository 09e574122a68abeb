"""What people say of events of their own: how far a reading, and another person who reads the text, agree with them.

    redheart evaluate --set crowd_envent

Notable:

* The set (crowd-enVENT, Troiano et al. 2023) is measured and never trained on. The word for the emotion is hidden, so
  that it does not give the answer away.
* Beside the reading are one reader and the mean of five, who saw the same text as it did: people do not know what
  others felt either, and r with the writer means little without that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...configuration.labels import AFFECT, BENTHAM
from ...data.loading import Array, DataError, find_data, read_rows
from ...data.schema import Row
from ...statistics.measures import bootstrap, pearson
from ..measurement.predict import Predictor
from ..measurement.results import MODEL, Figure
from ..measurement.rows import EVENTS as SET

SPLIT = "validation"
ONE_READER, FIVE_READERS = "one reader", "mean of five readers"
MEASURE = "Pearson r"

# From short to long, as the set names them.
_DURATIONS = ("seconds", "minutes", "hours", "days", "weeks", "months", "years")


def _rated(column: str) -> Callable[[Row], float]:
    return lambda row: float(row[column])


def _pleasantness(row: Row) -> float:
    return float(row["pleasantness"]) - float(row["unpleasantness"])


def _duration(row: Row) -> float:
    if row["event_duration"] not in _DURATIONS:
        raise DataError(f"{SET}: {row['event_duration']!r} is not a duration; the set has {', '.join(_DURATIONS)}.")
    return float(_DURATIONS.index(row["event_duration"]))


@dataclass(frozen=True)
class _Claim:
    """A number of a reading, and what people rated it by."""

    target: str
    place: int
    rated: Callable[[Row], float]


# Output -> what it is compared with.
CLAIMS: dict[str, _Claim] = {
    "bentham.intensity": _Claim("bentham_labels", BENTHAM.index("intensity"), _rated("intensity")),
    "bentham.duration": _Claim("bentham_labels", BENTHAM.index("duration"), _duration),
    "bentham.certainty": _Claim("bentham_labels", BENTHAM.index("certainty"), _rated("predict_event")),
    "bentham.vulnerability": _Claim("bentham_labels", BENTHAM.index("vulnerability"), _rated("effort")),
    "bentham.valence": _Claim("bentham_labels", BENTHAM.index("valence"), _pleasantness),
    "affect.valence": _Claim("affect_labels", AFFECT.index("valence"), _pleasantness),
    "affect.dominance": _Claim("affect_labels", AFFECT.index("dominance"), _rated("self_control")),
}


def own_events(predictor: Predictor, root: Path | str | None = None) -> list[Figure]:
    """Pearson's r of each of `CLAIMS` with the writers' ratings: of the model, of one reader, and of the mean of five.

    Args:
        predictor: Reads the texts.
        root: As in `data.find_data`.

    Returns:
        Three figures for each claim.

    Raises:
        DataError: Where the set is missing or a text has no reader.
    """
    folder = find_data(root) / SET
    if not folder.is_dir():
        raise DataError(f"{folder} is not there")
    events = list(read_rows(folder / f"{SPLIT}.parquet"))
    readers: dict[int, list[Row]] = {}
    for row in read_rows(folder / f"{SPLIT}_readers.parquet"):
        readers.setdefault(row["text_id"], []).append(row)
    if missing := [row["text_id"] for row in events if row["text_id"] not in readers]:
        raise DataError(f"{folder}: {len(missing)} of {len(events)} texts have no reader, for example {missing[0]}.")
    predictions = predictor.texts([row["text_hidden"] for row in events])
    figures: list[Figure] = []
    for output, claim in CLAIMS.items():
        written = np.array([claim.rated(row) for row in events])
        read = np.array([[claim.rated(row) for row in readers[event["text_id"]]] for event in events])
        one, five = _one_reader(output, read, written), _figure(output, FIVE_READERS, read.mean(axis=1), written)
        beside = f"with the writer; {ONE_READER} {one.value:.2f}, {FIVE_READERS} {five.value:.2f}"
        figures += [_figure(output, MODEL, predictions[claim.target][:, claim.place], written, beside), one, five]
    return figures


def _figure(output: str, system: str, predicted: Array, written: Array, rule: str = "") -> Figure:
    found = bootstrap(pearson, predicted.astype(np.float64), written)
    return Figure(SET, SPLIT, output, MEASURE, system, found.value, len(written), found.low, found.high, rule)


def _one_reader(output: str, read: Array, written: Array) -> Figure:
    """Pearson's r over every pair of a reader and a writer; resamples are over texts."""

    def pooled(some: Array, own: Array) -> float:
        return pearson(some.ravel(), np.repeat(own, some.shape[1]))

    found = bootstrap(pooled, read, written)
    return Figure(SET, SPLIT, output, MEASURE, ONE_READER, found.value, len(written), found.low, found.high)


__all__ = ["CLAIMS", "FIVE_READERS", "MEASURE", "ONE_READER", "own_events"]
