"""The figures of one split: the predictions of each system about each target, measured in the same way.

Notable: a threshold or a rule that is fitted on the rows that it is reported on flatters a little, so that the figure
is beside one whose rule was fitted on other folds of the rows ("cross-fitted").
"""

import math
from collections.abc import Callable, Mapping
from itertools import product

import numpy as np

from ...configuration.claims import Claim, Kind, learned
from ...configuration.labels import EMOTIONS
from ...data.examples import PAIRS, RANKING_LOSSES, Array
from ...modeling_redheart.asserted import asserted_emotions, threshold_of
from ...statistics.calibration import (
    cross_fitted,
    expected_calibration_error,
    fit_threshold,
    fit_thresholds,
    reliability,
)
from ...statistics.measures import average_precision, label_f1, macro_f1, micro_f1, pair_accuracy, pearson
from ...statistics.selective import coverage_at_risk, selective_risk
from .predict import expected_losses, target_column
from .results import FITTED_HERE, MODEL, Evaluation, Figure, LabelTable
from .split import (
    MIN_ROWS,
    Split,
    add_auroc,
    add_ranked_losses,
    add_reliability,
    add_risk,
    binary_losses,
    mean_of_known,
    rule_over_occurring,
)
from .verdict_figures import LIKELY, NAMED, NAMED_ELSEWHERE, pairs_by_verdict, share_figures, verdict_figures

ONE, EACH, OTHERS = f"one threshold, {FITTED_HERE}", f"a threshold per label, {FITTED_HERE}", "per label, cross-fitted"
STORED = "thresholds of the config"
LIKELIEST = "right: the most probable emotion is one of the text's"
FAULTLESS = "right: every emotion that is asserted is one of the text's"
_FOLDS = 5  # a cross-fitted rule is fitted on all but one of them
RISK = 0.1  # share of wrong assertions up to which the coverage is measured

# Sets of stories about others. Acceptability is of the narrator's own conduct, and here the narrator does nothing: what
# a better action changes is whether somebody in the story is held to be in the wrong.
THIRD_PERSON = ("moral_stories",)


def measure(split: Split, thresholds: Mapping[str, float], report: Evaluation, verdict_threshold: float = 0.0) -> None:
    """Add everything about one split to ``report``.

    Args:
        split: The split, with the predictions of each system.
        thresholds: Thresholds of the model's config, by emotion.
        report: The evaluation that the figures are added to.
        verdict_threshold: Of the config: the probability from which on the most probable verdict is named.
    """
    targets = {name for unit in split.units for item in unit for name in item.targets}
    if "emotion_labels" in targets:
        _emotion(split, thresholds, report)
    if "verdict_labels" in targets:
        verdict_figures(split, verdict_threshold, report)
    for target, claim in learned():
        if target in targets and target not in ("emotion_labels", "verdict_labels") and claim.kind in _BY_KIND:
            _BY_KIND[claim.kind](split, target, claim, report)
    for target in PAIRS:
        if target in targets:
            _ranking(split, target, report)


def _emotion(split: Split, thresholds: Mapping[str, float], report: Evaluation) -> None:
    actual, places = target_column(split.units, "emotion_labels")
    if not (actual > 0).any():
        split.skip(report, "emotion", "no emotion occurs in its rows")
        return
    for system, predictions in split.systems.items():
        if "emotion_labels" in predictions:
            report.figures += _emotion_figures(split, system, actual, predictions["emotion_labels"][places])
    predictions = split.systems[MODEL]
    scores, whole = predictions["emotion_labels"][places], np.isfinite(actual).all()
    losses = expected_losses(predictions)
    confidence = -losses["emotion"][places]
    add_ranked_losses(split, report, "emotion", -confidence, binary_losses(scores, actual))
    _add_most_probable_auroc(split, report, actual, scores, confidence)
    report.figures += _emotion_figures(split, MODEL, actual, predictions["arc"][places], output="arc")
    if not whole:
        return
    asserted = asserted_emotions(scores, thresholds)
    report.figures += [
        split.figure(
            "emotion", "macro F1", MODEL, macro_f1, actual, asserted, rule=rule_over_occurring(STORED, actual)
        ),
        split.figure("emotion", "micro F1", MODEL, micro_f1, actual, asserted, rule=STORED),
        split.point_estimate("emotion", "ECE", expected_calibration_error(scores.ravel(), actual.ravel()), len(actual)),
    ]
    found, made = label_f1(actual, asserted), scores.mean(axis=0)
    report.tables.append(
        LabelTable(
            split.dataset, split.split, "emotion",
            {
                name: {
                    "F1": float(found.f1[place]),
                    "precision": float(found.precision[place]),
                    "recall": float(found.recall[place]),
                    "average precision": average_precision(actual[:, [place]], scores[:, [place]]),
                    "threshold": threshold_of(thresholds, name),
                    "texts": float(found.support[place]),
                    "mean probability": float(made[place]),
                }
                for place, name in enumerate(EMOTIONS)
            },
        )
    )  # fmt: skip
    add_reliability(split, report, "emotion", reliability(scores.ravel(), actual.ravel()))
    _selective(split, report, actual.astype(bool), asserted, confidence)


def _add_most_probable_auroc(split: Split, report: Evaluation, actual: Array, scores: Array, confidence: Array) -> None:
    """Add the AUROC of the confidence, on texts of which it is known whether they have their most probable emotion."""
    has = np.take_along_axis(actual, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
    known = np.isfinite(has)
    if known.any():
        add_auroc(split, report, "emotion", has[known].astype(np.int64), confidence[known], LIKELIEST)


def _emotion_figures(split: Split, system: str, actual: Array, scores: Array, output: str = "emotion") -> list[Figure]:
    there = np.isfinite(actual)
    if not there.all():
        return _masked_emotion(split, system, actual, scores, output)
    figures = [split.figure(output, "average precision", system, average_precision, actual, scores)]
    if output != "emotion":
        return figures
    one, each = fit_threshold(scores, actual), fit_thresholds(scores, actual)
    rules = {ONE: scores >= one, EACH: scores >= each}
    if len(actual) >= _FOLDS and not _too_few_for_folds(actual):
        rules[OTHERS] = cross_fitted(scores, actual, folds=_FOLDS)
    figures += [
        split.figure(output, "macro F1", system, macro_f1, actual, asserted, rule=rule_over_occurring(rule, actual))
        for rule, asserted in rules.items()
    ]
    figures.append(split.figure(output, "micro F1", system, micro_f1, actual, scores >= one, rule=ONE))
    return figures


def _too_few_for_folds(actual: Array) -> bool:
    """Whether so few rows have any emotion that one fold may hold all of them, which leaves nothing to fit on."""
    return int(actual.any(axis=1).sum()) <= -(-len(actual) // _FOLDS)


def _masked_emotion(split: Split, system: str, actual: Array, scores: Array, output: str) -> list[Figure]:
    """Figures of labels that are known on some rows only: means over these labels, each over its rows."""
    precisions, scores_of_labels = [], []
    for place in range(actual.shape[1]):
        rows = np.isfinite(actual[:, place])
        column, predictions = actual[rows][:, [place]], scores[rows][:, [place]]
        if rows.sum() >= MIN_ROWS and 0 < column.sum() < len(column):
            precisions.append(average_precision(column, predictions))
            scores_of_labels.append(macro_f1(column, predictions >= fit_thresholds(predictions, column)))
    if not precisions:
        return []
    rule = f"{len(precisions)} labels, each over the rows that have it"
    figures = [split.point_estimate(output, "average precision", float(np.mean(precisions)), len(actual), rule, system)]
    if output == "emotion":
        mean = float(np.mean(scores_of_labels))
        figures.append(split.point_estimate(output, "macro F1", mean, len(actual), f"{EACH}; {rule}", system))
    return figures


def _selective(split: Split, report: Evaluation, actual: Array, asserted: Array, confidence: Array) -> None:
    """Add wrong assertions as a share of all assertions, with the share of texts that are answered beside it."""
    order = np.argsort(-confidence, kind="stable")
    for share in (1.0, 0.8, 0.5):
        abstained = np.ones(len(order), dtype=bool)
        abstained[order[: round(share * len(order))]] = False
        found = selective_risk(asserted, actual, abstained)
        rule = f"coverage {found.coverage:.2f} of the texts, {found.asserted} assertions"
        report.figures.append(split.point_estimate("emotion", "selective risk", found.risk, found.texts, rule))
    wrong: Array = np.asarray((asserted & ~actual).any(axis=1), dtype=np.float64)
    reached = coverage_at_risk(wrong, confidence, RISK)
    rule = f"texts with a wrong assertion at most {RISK:.0%}"
    report.figures.append(split.point_estimate("emotion", "coverage at risk", reached, len(wrong), rule))
    add_risk(split, report, "emotion", wrong, confidence)
    add_auroc(split, report, "emotion", 1 - wrong.astype(np.int64), confidence, FAULTLESS)


def _labels(split: Split, target: str, claim: Claim, report: Evaluation) -> None:
    """Add figures of labels that are present or absent: whether likelier ones are present, and the ranked losses."""
    actual, places = target_column(split.units, target)
    actual = actual.reshape(len(actual), -1)
    if not (actual > 0).any():
        split.skip(report, claim.name, "no label of it occurs in its rows")
        return
    for system, predictions in split.systems.items():
        if target in predictions:
            scores = predictions[target][places].reshape(len(actual), -1)
            report.figures += _emotion_figures(split, system, actual, scores, output=claim.name)
    _ranked_losses(split, target, claim, report)


def _ranked_losses(split: Split, target: str, claim: Claim, report: Evaluation) -> None:
    """Add whether the expected loss ranks the texts as their real loss, where the real loss of a text is known."""
    if claim.rated is None or claim.kind not in _REAL_LOSSES:
        return
    actual, places = target_column(split.units, target)
    predictions = split.systems[MODEL]
    values = (array.reshape(len(actual), -1) for array in (predictions[target][places], actual))
    real = _REAL_LOSSES[claim.kind](*values)
    add_ranked_losses(split, report, claim.name, expected_losses(predictions)[claim.name][places], real)


def _squared(values: Array, actual: Array) -> Array:
    return mean_of_known((values - actual) ** 2)


def _regressions(split: Split, target: str, claim: Claim, report: Evaluation) -> None:
    output, names = claim.name, [".".join(labels) for labels in product(*claim.target_axes)]
    actual, places = target_column(split.units, target)
    actual = actual.reshape(len(actual), -1)
    if not any(np.isfinite(column).sum() >= MIN_ROWS and np.nanmin(column) < np.nanmax(column) for column in actual.T):
        split.skip(report, output, f"no value of it differs over {MIN_ROWS} rows or more")
        return
    for system, predictions in split.systems.items():
        if target not in predictions:
            continue
        values = predictions[target][places].reshape(len(actual), -1)
        found: list[float] = []
        for place, name in enumerate(names):
            rows = np.isfinite(actual[:, place])
            if rows.sum() < MIN_ROWS or np.ptp(actual[rows, place]) == 0:
                continue
            label = f"{output}.{name}" if name else output
            column, truth = values[rows, place], actual[rows, place]
            if math.isnan(pearson(column, truth)):
                report.figures.append(split.point_estimate(label, "Pearson r", math.nan, int(rows.sum()), "", system))
                continue
            figure = split.figure(label, "Pearson r", system, pearson, column, truth)
            report.figures.append(figure)
            found.append(figure.value)
        if len(names) > 1:
            mean = float(np.mean(found)) if found else math.nan
            report.figures.append(split.point_estimate(output, "mean Pearson r", mean, len(actual), "", system))
    _ranked_losses(split, target, claim, report)


def _ranking(split: Split, target: str, report: Evaluation) -> None:
    pairs, places = target_column(split.units, target)
    better = {int(number): place for (number, rank), place in zip(pairs, places, strict=True) if rank == 1}
    worse = {int(number): place for (number, rank), place in zip(pairs, places, strict=True) if rank == 0}
    both = sorted(better.keys() & worse.keys())
    up, down = (np.array([side[number] for number in both]) for side in (better, worse))
    if split.dataset in THIRD_PERSON:
        report.figures += pairs_by_verdict(split, target, f"{RANKING_LOSSES[target]} by verdict", up, down)
    for system, predictions in split.systems.items():
        if target in predictions:
            scores = predictions[target]
            report.figures.append(
                split.figure(RANKING_LOSSES[target], "pair accuracy", system, pair_accuracy, scores[up], scores[down])
            )


# Kind -> the real loss of a text, for the kinds whose predictions give one to compare with the expected loss.
_REAL_LOSSES: dict[Kind, Callable[[Array, Array], Array]] = {
    Kind.PROBABILITY: binary_losses,
    Kind.DEGREE: binary_losses,
    Kind.VALUE: _squared,
    Kind.GAUSSIAN: _squared,
    Kind.RATE: _squared,
}
# Kind -> its figures on a split; emotions and the verdict have figures of their own.
_BY_KIND: dict[Kind, Callable[[Split, str, Claim, Evaluation], None]] = {
    Kind.PROBABILITY: _labels,
    Kind.DEGREE: _regressions,
    Kind.LEVELS: _regressions,
    Kind.VALUE: _regressions,
    Kind.GAUSSIAN: _regressions,
    Kind.RATE: _regressions,
    Kind.SHARES: share_figures,
}

__all__ = [
    "EACH",
    "FAULTLESS",
    "LIKELIEST",
    "LIKELY",
    "NAMED",
    "NAMED_ELSEWHERE",
    "ONE",
    "OTHERS",
    "RISK",
    "STORED",
    "THIRD_PERSON",
    "Split",
    "measure",
]
