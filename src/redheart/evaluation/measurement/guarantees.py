"""Calibrating a guarantee on held-out rows, and what it achieves on rows that were never used.

Notable: rows of a group (variants of a situation, posts of a person) are not independent, so that the unit of every
test is a group, and a text weighs as much as its share of its group. What each part promises:

* emotions: the share of a text's emotions, as rated, that the set lacks;
* verdicts: the share of a text's votes outside the set. That is the coverage of one reader drawn at random; the most
  frequent vote alone would hide that readers disagree, and ties would have to be broken;
* named: wrong verdicts among those that are named, where right is a verdict that no other has more votes than.
"""

import base64
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...configuration.errors import DataError
from ...data.examples import fraction
from ...data.loading import Array, Example, Unit
from ...modeling_redheart.guaranteed import label_sets, weights_sum
from ...modeling_redheart.guarantees import (
    ERRORS,
    GUARANTEED,
    Guarantee,
    Promise,
)
from ...statistics.measures import bootstrap, right_verdicts
from ...statistics.risk_control import group_means, last_promised, least_alpha
from ...storage.files import update_json
from .predict import Predictor
from .results import MODEL, Figure

TARGETS = ("emotion_labels", "verdict_labels")
# What new texts are compared with the calibrated ones by: readings, each number in 0..1.
COMPARED = ("emotion_labels", "verdict_labels", "acceptability_labels")
# What is promised where nothing else is asked for.
ALPHA, DELTA = 0.1, 0.1
# Thresholds in the order in which they are tested, fixed before any row is seen: sets from the largest on, and naming
# from where few verdicts are named; higher ones name so few that a moderate number of rows could never promise any.
SET_THRESHOLDS = tuple(round(0.001 * 1.03**step, 6) for step in range(230))
NAMING_THRESHOLDS = tuple(round(0.8 - step / 100, 2) for step in range(60))
_THRESHOLDS = {"emotions": SET_THRESHOLDS, "verdicts": SET_THRESHOLDS, "named": NAMING_THRESHOLDS}
_DIGITS = 8  # of a text's sum
DATASET = "guarantee"


@dataclass(frozen=True)
class Rated:
    """Texts with all ratings that a guarantee is about, in an order that does not depend on them.

    Attributes:
        texts: The texts.
        groups: Group of each.
        emotions: 0 or 1, ``(texts, 28)``.
        votes: Shares of the votes, ``(texts, 5)``.
        predictions: The model's, by target.
    """

    texts: list[str]
    groups: list[str]
    emotions: Array
    votes: Array
    predictions: Mapping[str, Array]


def rated_texts(units: Iterable[Unit]) -> list[Example]:
    """The texts with both emotions and votes, those of a group together, the groups in random but fixed order.

    Args:
        units: Rows; texts without all ratings are left out.

    Returns:
        The texts.

    Raises:
        DataError: Where there are none.
    """
    every = [item for unit in units for item in unit]
    found = [
        item
        for item in every
        if all(name in item.targets and np.isfinite(item.targets[name]).all() for name in TARGETS)
        and item.targets["emotion_labels"].sum() > 0
    ]
    if not found:
        raise DataError(
            f"None of the {len(every)} texts has both emotions (`emotion`, at least one) and votes (`verdict`), which "
            "a guarantee is about; rate both."
        )
    return sorted(found, key=lambda item: (fraction(group_of(item)), group_of(item), item.text))


def group_of(item: Example) -> str:
    """What a text belongs to; a text without a group is one by itself."""
    return f"group/{item.group}" if item.group else f"text/{item.text}"


def used_texts(guarantee: Guarantee) -> set[str]:
    """The sums of the texts that a guarantee was calibrated on."""
    return {guarantee.used[start : start + _DIGITS] for start in range(0, len(guarantee.used), _DIGITS)}


def never_used(units: Sequence[Unit], guarantee: Guarantee) -> list[Unit]:
    """The units without a text, or a group of texts, that the guarantee was calibrated on."""
    used = used_texts(guarantee)
    seen = {group_of(item) for unit in units for item in unit if _sum(item.text) in used}
    return [unit for unit in units if not any(group_of(item) in seen for item in unit)]


def calibrate(
    model: Any, predictor: Predictor, units: Sequence[Unit], name: str, alphas: Sequence[float], delta: float = DELTA
) -> Guarantee:
    """Calibrate a guarantee for a model.

    Args:
        model: The model.
        predictor: Reads with it.
        units: Held-out rows, on which nothing was trained or fitted.
        name: Name of the rows.
        alphas: The risks to promise.
        delta: Probability with which each promise may fail.

    Returns:
        The guarantee; a part that the rows do not allow to promise is in ``least`` of its promise.

    Raises:
        DataError: Where no text has all ratings.
        CheckpointError: For an exported model.
    """
    weights = weights_sum(model)  # first, since an exported model has none
    items = rated_texts(units)
    rated = read_rated(predictor, items)
    courses = {part: _by_threshold(rated, part) for part in GUARANTEED}
    promises = tuple(_promise(courses, alpha, delta) for alpha in sorted(set(alphas)))
    return Guarantee(
        data=name,
        data_sha256=_data_sum(items),
        rows=len(items),
        groups=len(set(rated.groups)),
        delta=delta,
        promises=promises,
        weights_sha256=weights,
        verdict_temperature=float(model.config.verdict_temperature),
        used="".join(_sum(item.text) for item in items),
        reference=_packed(one_per_group(readings(rated.predictions), rated.groups)),
    )


def store_guarantee(guarantee: Guarantee, folder: Path) -> None:
    """Store a guarantee in the config in ``folder``, in place of an earlier one, and change nothing else."""
    update_json(folder / "config.json", {"guarantee": guarantee.record()})


def read_rated(predictor: Predictor, items: Sequence[Example]) -> Rated:
    """Read texts of `rated_texts` with the model."""
    emotions, votes = (np.stack([np.asarray(item.targets[name], np.float64) for item in items]) for name in TARGETS)
    texts = [item.text for item in items]
    return Rated(texts, [group_of(item) for item in items], emotions, votes, predictor.texts(texts))


def losses(rated: Rated, part: str, threshold: float) -> tuple[Array, Array]:
    """What goes wrong for each text at a threshold of a part, and how much each counts: ``(texts,)`` twice, 0..1."""
    scores = rated.predictions["emotion_labels" if part == "emotions" else "verdict_labels"].astype(np.float64)
    if part == "named":
        named = (scores.max(axis=1) >= threshold).astype(np.float64)
        return named * ~right_verdicts(scores, rated.votes), named
    actual = rated.emotions if part == "emotions" else rated.votes
    outside = (actual * ~label_sets(scores, threshold)).sum(axis=1) / actual.sum(axis=1)
    return np.clip(outside, 0, 1), np.ones(len(outside))


def _by_threshold(rated: Rated, part: str) -> tuple[Array, Array]:
    """`losses` at each threshold in the order of the tests, by group: ``(thresholds, groups)`` twice."""
    pairs = [losses(rated, part, threshold) for threshold in _THRESHOLDS[part]]
    wrong, counted = (group_means(np.stack(column), rated.groups) for column in zip(*pairs, strict=True))
    return wrong, counted


def _promise(courses: Mapping[str, tuple[Array, Array]], alpha: float, delta: float) -> Promise:
    thresholds: dict[str, float] = {}
    least: dict[str, Any] = {}  # floats and None, which the types of the modules of the model do not tell apart
    for part, (wrong, counted) in courses.items():
        last = last_promised(wrong, counted, alpha, delta)
        if last is None:
            least[part] = least_alpha(wrong, counted, delta)
        else:
            thresholds[part] = _THRESHOLDS[part][last]
    return Promise(alpha, thresholds, least)


def achieved(guarantee: Guarantee, rated: Rated, split: str) -> list[Figure]:
    """What each promise achieves on rows that were not used for it, with the size of the sets.

    Args:
        guarantee: Of the model.
        rated: Rows that it was not calibrated on (`never_used`).
        split: Their name.

    Returns:
        Per promise and part the error beside what is promised, and how much it says: mean size of the sets, share of
        the texts with a named verdict.
    """
    figures = []
    for promise in guarantee.promises:
        for part, threshold in promise.thresholds.items():
            wrong, counted = (group_means(values, rated.groups) for values in losses(rated, part, threshold))
            sure = f"promised with probability {1 - guarantee.delta:g}, calibrated on {guarantee.data}"
            rule = f"share {ERRORS[part]}; {sure}"
            about = f"error, promised at most {promise.alpha:g}"
            figures.append(_figure(split, part, about, len(rated.texts), rule, wrong, counted))
            size, measure = counted, f"share named at {promise.alpha:g}"
            if part != "named":
                scores = rated.predictions["emotion_labels" if part == "emotions" else "verdict_labels"]
                size = group_means(label_sets(scores, threshold).sum(axis=1).astype(np.float64), rated.groups)
                measure = f"mean size of the set at {promise.alpha:g}, of {scores.shape[1]}"
            figures.append(_figure(split, part, measure, len(rated.texts), "every group weighs the same", size))
    return figures


def _figure(
    split: str, part: str, measure: str, rows: int, rule: str, values: Array, counted: Array | None = None
) -> Figure:
    def share(some: Array, of: Array) -> float:
        return float(some.sum() / of.sum()) if of.sum() else math.nan

    output = f"{DATASET}.{part}"
    counted = np.ones(len(values)) if counted is None else counted
    value = share(values, counted)
    try:
        found = bootstrap(share, values, counted)
    except ValueError:  # too few groups, or none that counts
        return Figure(DATASET, split, output, measure, MODEL, value, rows, rule=rule)
    return Figure(DATASET, split, output, measure, MODEL, value, rows, found.low, found.high, rule)


def readings(predictions: Mapping[str, Array]) -> Array:
    """The readings by which texts are compared, ``(texts, columns)``, 0..1."""
    columns = [predictions[name] for name in COMPARED if name in predictions]
    return np.concatenate([values.reshape(len(values), -1) for values in columns], axis=1).astype(np.float64)


def one_per_group(values: Array, groups: Sequence[str]) -> Array:
    """One row of each group, whose rows are not independent, chosen by chance that does not depend on the values."""
    members: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    return values[[rows[int(fraction(f"row of {group}") * len(rows))] for group, rows in members.items()]]


def reference(guarantee: Guarantee) -> Array:
    """The readings of one text of each calibrated group, ``(groups, columns)``; `DataError` where they are damaged."""
    try:
        packed = np.frombuffer(base64.b64decode(guarantee.reference, validate=True), np.uint8)
        return packed.reshape(guarantee.groups, -1) / 255
    except ValueError as error:
        raise DataError("The guarantee's reference is damaged; run `redheart calibrate` again.") from error


def _packed(values: Array) -> str:
    return base64.b64encode(quantised(values).tobytes()).decode()


def quantised(values: Array) -> Array:
    """Shares 0..1 as one byte each, as `reference` stores them."""
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _data_sum(items: Sequence[Example]) -> str:
    """SHA-256 of the texts and their ratings, in their order."""
    found = hashlib.sha256()
    for item in items:
        found.update(f"{item.text}\0{group_of(item)}\0".encode())
        for name in TARGETS:
            found.update(np.asarray(item.targets[name], "<f4").tobytes())
    return found.hexdigest()


__all__ = [
    "ALPHA",
    "DATASET",
    "DELTA",
    "NAMING_THRESHOLDS",
    "SET_THRESHOLDS",
    "TARGETS",
    "Rated",
    "achieved",
    "calibrate",
    "group_of",
    "losses",
    "never_used",
    "one_per_group",
    "quantised",
    "rated_texts",
    "read_rated",
    "readings",
    "reference",
    "store_guarantee",
    "used_texts",
]
