"""The floor under every figure: the predictions of the constant answer and of TF-IDF with a linear model.

    floor = Floor(train, cache=Path("floor"))
    predictions = floor.predict(validation)
    predictions[CONSTANT]["verdict_labels"], predictions[LINEAR]["verdict_labels"]

Notable:

* Its predictions have the form of `predict.Predictor`, for any target, so that the same measures serve the model and
  its floor. The constant of a ranking is a score of 0 for every text: chance.
* Each column (one emotion, one dimension, one perspective) is learned from the texts that have it. A column that no
  training text has is not known to any system: 0 for every text, or the uniform distribution.
* A target is fitted when it is first asked for: seconds to some minutes, and about 2 GB for 26,000 posts. With
  ``cache``, predictions are kept, in files named by the hash of all that they depend on, the models' source included.
"""

import hashlib
import os
import sys
import zipfile
from collections.abc import Iterable, Sequence
from inspect import getsource
from pathlib import Path

import numpy as np
import sklearn

from ...configuration.claims import Kind, learned
from ...configuration.labels import closest
from ...data.loading import PAIRS, SHAPES, Array, DataError, Unit
from . import linear
from .linear import Linear
from .predict import target_column
from .results import CONSTANT, LINEAR

BALANCED = f"{LINEAR}, balanced classes"

# How each kind is learned, as `linear.KINDS` names it.
_BY_KIND: dict[Kind, str] = {
    Kind.PROBABILITY: "probability",
    Kind.DEGREE: "value",
    Kind.LEVELS: "value",
    Kind.VALUE: "value",
    Kind.GAUSSIAN: "value",
    Kind.RATE: "value",
    Kind.SHARES: "shares",
}
# How each target is learned.
LEARNED: dict[str, str] = {
    **{target: _BY_KIND[claim.kind] for target, claim in learned() if claim.kind in _BY_KIND},
    **dict.fromkeys(PAIRS, "ranking"),
}
# How a second linear system learns a target.
ALSO: dict[str, dict[str, str]] = {"verdict_labels": {BALANCED: "balanced"}}

# The settings are in the source, so that a cached prediction is never of other settings.
_MADE_BY = "\n".join((sklearn.__version__, *(getsource(module) for module in (sys.modules[__name__], linear))))


class Floor:
    """The constant and the linear systems that some training units give.

    Args:
        train: Training units.
        targets: Of `LEARNED`; None = all that the units have.
        cache: Folder that predictions are kept in, made when it is needed; None keeps none.

    Raises:
        DataError: For a target that has no floor.
    """

    def __init__(self, train: Sequence[Unit], targets: Iterable[str] | None = None, cache: Path | None = None) -> None:
        wanted = list(LEARNED) if targets is None else list(targets)
        for target in wanted:
            if target not in LEARNED:
                raise DataError(f"There is no floor for {target!r}; {closest(target, LEARNED)}")
        rows = {target: _training_rows(train, target) for target in wanted}
        self._rows = {target: known for target, known in rows.items() if known[0]}
        self._linear: dict[str, Linear] = {}  # by the hash of its texts
        self.train = train
        self.cache = cache

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that the training units have."""
        return tuple(self._rows)

    def predict(self, units: Sequence[Unit]) -> dict[str, dict[str, Array]]:
        """The predictions of each system about every text of ``units``, in their order.

        Targets that no text of ``units`` has are left out, and so is a system that has none.

        Args:
            units: Rows.

        Returns:
            System -> target -> ``(texts, ...)``.

        Raises:
            DataError: For a file in the cache that is damaged.
        """
        texts = [item.text for unit in units for item in unit]
        given = {name for unit in units for item in unit for name in item.targets}
        predictions: dict[str, dict[str, Array]] = {CONSTANT: {}, LINEAR: {}, BALANCED: {}}
        for target in self._rows:
            if target in given:
                for system, values in self._cached(target, texts).items():
                    predictions[system][target] = values
        return {system: values for system, values in predictions.items() if values}

    def _cached(self, target: str, texts: Sequence[str]) -> dict[str, Array]:
        """The predictions of one target by system, from the cache if they are there."""
        if self.cache is None:
            return self._predict_target(target, texts)
        known, values = self._rows[target]
        file = self.cache / f"{target}-{_hash([_MADE_BY], known, values, texts)}.npz"
        if file.is_file():
            try:
                with np.load(file, allow_pickle=False) as stored:
                    return {system: stored[system] for system in stored.files}
            except (ValueError, EOFError, zipfile.BadZipFile) as error:
                raise DataError(f"{file} is not a whole file of predictions ({error}). Delete it.") from error
        predictions = self._predict_target(target, texts)
        self.cache.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")  # renamed when complete: other processes may be reading
        with part.open("wb") as out:
            np.savez(out, allow_pickle=False, **predictions)
        part.replace(file)
        return predictions

    def _predict_target(self, target: str, texts: Sequence[str]) -> dict[str, Array]:
        known, values = self._rows[target]
        kinds = {LINEAR: LEARNED[target], **ALSO.get(target, {})}
        _, columns, width = values.shape
        unknown = 1 / width if width > 1 else 0.0
        predictions = {system: np.full((len(texts), columns, width), unknown) for system in (CONSTANT, *kinds)}
        present = _present(values)
        features: dict[str, Array] = {}
        for column in np.flatnonzero(present.any(axis=0)):
            has_value = present[:, column]
            labels = values[has_value, column]
            predictions[CONSTANT][:, column] = labels.mean(axis=0)
            own_texts = [text for text, has in zip(known, has_value, strict=True) if has]
            key = _hash(own_texts)
            if key not in self._linear:
                self._linear[key] = Linear(own_texts)
            if key not in features:
                features[key] = self._linear[key].read(texts)
            for system, kind in kinds.items():
                predictions[system][:, column] = self._linear[key].model(kind, labels)(features[key])
        shape = () if target in PAIRS else SHAPES[target] or ()
        return {system: scores.reshape(len(texts), *shape) for system, scores in predictions.items()}


def _training_rows(units: Sequence[Unit], target: str) -> tuple[list[str], Array]:
    """The texts that have a target, and the target.

    The width is 1, or the number of classes of a distribution. Of pairs, the better texts and then the worse ones.

    Returns:
        Texts, and values ``(rows, columns, width)``, NaN where a value is missing.
    """
    if target in PAIRS:
        better, worse = _pairs(units, target)
        return better + worse, np.zeros((2 * len(better), 1, 1))
    every = [item.text for unit in units for item in unit]
    if not any(target in item.targets for unit in units for item in unit):
        return [], np.zeros((0, 1, 1))
    values, places = target_column(units, target)
    width = values.shape[-1] if LEARNED[target] == "shares" else 1
    values = values.reshape(len(values), -1, width)
    some = _present(values).any(axis=1)
    return [every[place] for place in places[some]], values[some]


def _present(values: Array) -> Array:
    """Which columns of which rows have a value, ``(rows, columns)``."""
    return np.asarray(np.isfinite(values).all(axis=2))


def _pairs(units: Sequence[Unit], target: str) -> tuple[list[str], list[str]]:
    """The better and the worse texts of the units that hold a pair."""
    better, worse = [], []
    for unit in units:
        sides = {int(item.targets[target][1]): item.text for item in unit if target in item.targets}
        if {0, 1} <= sides.keys():
            better.append(sides[1])
            worse.append(sides[0])
    return better, worse


def _hash(*parts: Sequence[str] | Array) -> str:
    """A hash of texts and arrays, in their order."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            blocks = [str((part.shape, part.dtype)).encode(), part.tobytes()]
        else:
            blocks = [text.encode("utf-8", "surrogatepass") for text in part]
        # With the lengths, so that the same bytes in other blocks give another hash.
        digest.update(str([len(block) for block in blocks]).encode())
        for block in blocks:
            digest.update(block)
    return digest.hexdigest()


__all__ = ["ALSO", "BALANCED", "LEARNED", "Floor"]
