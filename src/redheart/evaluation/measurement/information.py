"""The information decomposition of a data set: what the readings of three sources tell about the verdict of the labels.

Notable: the analyzer's parts are about the model's own verdict, text by text; this is about the labels, over many
texts, with what shuffled labels would give (`surd_estimator`) beside it.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ...configuration.labels import AFFECT, BENTHAM, SURD_SOURCES, VERDICTS
from ...data.loading import Array, Unit
from ...statistics.surd_estimator import Surd, estimate
from .predict import target_column

WRONG = [VERDICTS.index(name) for name in ("author", "everybody")]
READ_BY = {
    "emotion": "affect.valence",
    "bentham": "bentham.valence",
    "regret": "utility of the better course minus the actual one's",
}


def information(units: Sequence[Unit], predictions: dict[str, Array]) -> dict[str, Any]:
    """The decomposition of "the author is in the wrong" into the information of each source, in bits, with its null.

    Args:
        units: Rows with verdicts.
        predictions: Predictions about ``units``, of `Predictor`.

    Returns:
        The parts and their null, with the target, the sources, and the numbers of rows and of states.

    Raises:
        ValueError: Where there are too few rows (`surd_estimator.estimate`).
    """
    shares, places = target_column(units, "verdict_labels")
    target = (shares[:, WRONG].sum(axis=1) > 0.5).astype(np.int64)
    columns = {
        "emotion": predictions["affect_labels"][:, AFFECT.index("valence")],
        "bentham": predictions["bentham_labels"][:, BENTHAM.index("valence")],
        "regret": predictions["foregone"],
    }
    sources = np.stack([columns[name][places] for name in SURD_SOURCES], axis=1)
    found = estimate(target, sources, bins=3)
    return {
        "target": "the author is in the wrong (half of the votes or more)",
        "sources": {name: READ_BY[name] for name in SURD_SOURCES},
        "rows": found.rows,
        "states": {"target": found.target_states, "sources": found.source_states},
        **{
            name: _plain(getattr(found, name))
            for name in ("corrected", "plug_in", "null_mean", "null_low", "null_high")
        },
    }


def _plain(parts: Surd) -> dict[str, Any]:
    data = asdict(parts)
    for name in ("redundant_by", "synergy_by"):
        data[name] = {"+".join(SURD_SOURCES[place] for place in subset): value for subset, value in data[name].items()}
    data["unique"] = dict(zip(SURD_SOURCES, data["unique"], strict=True))
    return data


__all__ = ["READ_BY", "information"]
