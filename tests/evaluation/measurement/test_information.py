"""The decomposition of a data set: it finds what the sources were given, and refuses too few rows."""

import numpy as np
import pytest

from redheart.configuration.labels import BENTHAM, VERDICTS
from redheart.data.loading import Array, Example, Unit
from redheart.evaluation.measurement.information import information

ROWS = 2400


def _units(wrong: Array) -> list[Unit]:
    shares = np.zeros((len(wrong), len(VERDICTS)), dtype=np.float32)
    shares[np.arange(len(wrong)), np.where(wrong, VERDICTS.index("author"), VERDICTS.index("nobody"))] = 1
    return [(Example(str(place), "posts", {"verdict_labels": row}),) for place, row in enumerate(shares)]


def test_what_only_one_source_knows_is_unique_to_it() -> None:
    generator = np.random.default_rng(0)
    valence, pleasure, foregone = generator.normal(size=(3, ROWS))
    affect, bentham = (np.stack([one] * count, axis=1) for one, count in ((valence, 3), (pleasure, len(BENTHAM))))
    predictions = {"affect_labels": affect, "bentham_labels": bentham, "foregone": foregone}
    found = information(_units(foregone > 0.43), predictions)
    parts = found["corrected"]
    assert parts["unique"]["regret"] > 0.5
    assert abs(parts["unique"]["emotion"]) < 0.02
    assert abs(parts["synergy"]) < 0.1
    assert found["null_high"]["unique"]["regret"] < 0.02
    assert found["rows"] == ROWS


def test_too_few_rows_are_refused() -> None:
    noise = np.random.default_rng(0).normal(size=(3, 100))
    predictions = {
        "affect_labels": noise.T,
        "bentham_labels": np.tile(noise[0], (len(BENTHAM), 1)).T,
        "foregone": noise[1],
    }
    with pytest.raises(ValueError, match="rows"):
        information(_units(noise[2] > 0), predictions)
