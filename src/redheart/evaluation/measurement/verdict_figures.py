"""The figures of the verdict on one split: the most probable one, what is named, the perspectives, and pairs.

Notable: a verdict is right that has the most votes, or as many as another (`measures.right_verdicts`). The share of
wrong ones among the named means nothing without the share of the texts of which one is named: both are in one row.
"""

import numpy as np

from ...configuration.claims import Claim
from ...configuration.labels import VERDICTS
from ...data.loading import Array
from ...statistics.calibration import expected_calibration_error, reliability, top_label
from ...statistics.measures import pair_accuracy, right_verdicts, soft_cross_entropy, verdict_f1
from ...statistics.selective import risk_at_coverage
from .fitting import fit_naming_threshold
from .predict import expected_losses, target_column
from .results import MODEL, Confusion, Evaluation, Figure
from .split import (
    MIN_ROWS,
    Split,
    add_auroc,
    add_ranked_losses,
    add_reliability,
    add_risk,
    mean,
    mean_of_known,
    rule_over_occurring,
)

LIKELY = "most probable"
NAMED, NAMED_ELSEWHERE = "threshold of the config", "threshold cross-fitted"
BY_CONFIDENCE, BY_PROBABILITY = "by the expected loss", "by the probability of the most probable"
# In a text about others whoever does wrong is "other", or among "everybody".
WRONGDOERS = [VERDICTS.index(name) for name in ("other", "everybody")]
_FOLDS = 5


def verdict_figures(split: Split, threshold: float, report: Evaluation) -> None:
    """Add the figures of the verdict.

    Args:
        split: The split, with the predictions of each system.
        threshold: The probability from which on the most probable verdict is named.
        report: The evaluation that the figures are added to.
    """
    shares, places = target_column(split.units, "verdict_labels")
    named_in = rule_over_occurring(LIKELY, shares.argmax(axis=1)[:, None] == np.arange(len(VERDICTS)))
    for system, predictions in split.systems.items():
        if "verdict_labels" in predictions:
            scores = predictions["verdict_labels"][places]
            hits = right_verdicts(scores, shares).astype(np.float64)
            report.figures += [
                split.figure("verdict", "accuracy", system, mean, hits, rule=LIKELY),
                split.figure("verdict", "macro F1", system, verdict_f1, scores, shares, rule=named_in),
                split.figure("verdict", "soft cross entropy", system, soft_cross_entropy, scores, shares),
            ]
    predictions = split.systems[MODEL]
    scores, expected = predictions["verdict_labels"][places], expected_losses(predictions)["verdict"][places]
    confidence, occurred = top_label(scores, shares)
    right = right_verdicts(scores, shares)
    _named(split, report, places, shares, confidence >= threshold, NAMED)
    if len(shares) >= 2 * _FOLDS:
        _named(split, report, places, shares, _cross_fitted(scores, shares), NAMED_ELSEWHERE)
    error = expected_calibration_error(confidence, occurred)
    report.figures.append(split.point_estimate("verdict", "ECE", error, len(occurred), LIKELY))
    add_reliability(split, report, "verdict", reliability(confidence, occurred))
    add_risk(split, report, "verdict", (~right).astype(np.float64), -expected)
    losses = -(shares * np.log(np.clip(scores, 1e-9, None))).sum(axis=1)
    add_ranked_losses(split, report, "verdict", expected, losses)
    add_auroc(split, report, "verdict", right.astype(np.int64), -expected, BY_CONFIDENCE)
    add_auroc(split, report, "verdict", right.astype(np.int64), confidence, BY_PROBABILITY)
    counts = np.zeros((len(VERDICTS), len(VERDICTS)), dtype=np.int64)
    np.add.at(counts, (shares.argmax(axis=1), scores.argmax(axis=1)), 1)
    report.confusions.append(Confusion(split.dataset, split.split, "verdict", list(VERDICTS), counts.tolist()))


def _named(split: Split, report: Evaluation, places: Array, shares: Array, named: Array, rule: str) -> None:
    """Add the share of the texts of which a verdict is named, and of those the share that is wrong.

    A system of the floor, which has no threshold, is measured on the same share of the texts, its most confident ones.
    """
    coverage = float(named.mean())
    report.figures.append(split.figure("verdict", "coverage", MODEL, mean, named.astype(np.float64), rule=rule))
    if not coverage:
        return
    coverage_rule = f"coverage {coverage:.2f} of the texts, {rule}"
    for system, predictions in split.systems.items():
        if "verdict_labels" not in predictions:
            continue
        scores = predictions["verdict_labels"][places]
        wrong = (~right_verdicts(scores, shares)).astype(np.float64)
        if system == MODEL and named.sum() >= MIN_ROWS:
            found = split.figure(
                "verdict", "wrong among named", system, _share_of_wrong, wrong, named, rule=coverage_rule
            )
        else:
            risk = mean(wrong[named]) if system == MODEL else risk_at_coverage(wrong, scores.max(axis=1), coverage)
            found = split.point_estimate("verdict", "wrong among named", risk, len(wrong), coverage_rule, system)
        report.figures.append(found)


def _share_of_wrong(wrong: Array, named: Array) -> float:
    return float(wrong[named].mean()) if named.any() else float("nan")


def _cross_fitted(scores: Array, shares: Array) -> Array:
    """Whether the verdict of each text is named, by the threshold that the texts of the other folds give."""
    fold = np.random.default_rng(0).permutation(len(scores)) % _FOLDS
    named = np.zeros(len(scores), dtype=bool)
    for current in range(_FOLDS):
        held_out = fold == current
        named[held_out] = scores[held_out].max(axis=1) >= fit_naming_threshold(scores[~held_out], shares[~held_out])
    return named


def share_figures(split: Split, target: str, claim: Claim, report: Evaluation) -> None:
    """Add the figures of each distribution of a claim, such as each perspective's.

    And, where the model expects a loss of it, whether the expected loss ranks the texts.

    Args:
        split: The split, with the predictions of each system.
        target: Name of the target.
        claim: The claim that the target is of.
        report: The evaluation that the figures are added to.
    """
    actual, places = target_column(split.units, target)
    for place, key in zip(np.ndindex(actual.shape[1:-1]), claim.keys, strict=True):
        at = (slice(None), *place)
        rows = np.isfinite(actual[at]).all(axis=1)
        if rows.sum() < MIN_ROWS:
            continue
        shares = actual[at][rows]
        for system, predictions in split.systems.items():
            if target in predictions:
                scores = predictions[target][places][at][rows]
                right = right_verdicts(scores, shares).astype(np.float64)
                report.figures += [
                    split.figure(key, "accuracy", system, mean, right, rule=LIKELY),
                    split.figure(key, "soft cross entropy", system, soft_cross_entropy, scores, shares),
                ]
    if claim.rated is not None:
        predictions = split.systems[MODEL]
        losses = -(actual * np.log(np.clip(predictions[target][places], 1e-9, None))).sum(axis=-1)
        expected = expected_losses(predictions)[claim.name][places]
        add_ranked_losses(split, report, claim.name, expected, mean_of_known(losses))


def pairs_by_verdict(split: Split, target: str, output: str, better: Array, worse: Array) -> list[Figure]:
    """How often the better text of a pair has the lower P(other) + P(everybody).

    Its floor is what learned the ranking itself from the pairs.

    Args:
        split: The split, with the predictions of each system.
        target: Name of the ranking's target.
        output: Name of the output in the figures.
        better: Places of the better texts among the texts, ``(pairs,)``.
        worse: Places of the worse texts among the texts, ``(pairs,)``.

    Returns:
        Figures of the model and of its floor.
    """
    wrong = split.systems[MODEL]["verdict_labels"][:, WRONGDOERS].sum(axis=1)
    rule = "P(other) + P(everybody), lower for the better"
    found = [split.figure(output, "pair accuracy", MODEL, pair_accuracy, wrong[worse], wrong[better], rule=rule)]
    for system, predictions in split.systems.items():
        if system != MODEL and target in predictions:
            scores, learned = predictions[target], "learned from the pairs"
            found.append(
                split.figure(output, "pair accuracy", system, pair_accuracy, scores[better], scores[worse],
                             rule=learned)
            )  # fmt: skip
    return found


__all__ = [
    "BY_CONFIDENCE",
    "BY_PROBABILITY",
    "LIKELY",
    "NAMED",
    "NAMED_ELSEWHERE",
    "pairs_by_verdict",
    "share_figures",
    "verdict_figures",
]
