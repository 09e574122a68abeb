"""The figures of one split: what each system says about each target, measured in the same way.

Notable: a threshold or a rule that is fitted on the rows that it is reported on flatters a little, so that the figure
stands beside one whose rule was fitted on other folds of the rows ("cross-fitted").
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from ..configuration.labels import AFFECT, BENTHAM, EMOTIONS, PERSPECTIVES, REGRET_TYPES, VERDICTS, VIEWS
from ..training.data import PAIRS, Array, Unit
from .calibration import cross_fitted, expected_calibration_error, fit_threshold, fit_thresholds, reliability, top_label
from .fitting import fit_offsets
from .measures import (
    Measure,
    average_precision,
    bootstrap,
    label_f1,
    macro_f1,
    micro_f1,
    pair_accuracy,
    pearson,
    soft_cross_entropy,
    verdict_f1,
)
from .predict import expected_losses, target_column
from .results import FITTED_HERE, MODEL, Confusion, Curve, Evaluation, Figure, LabelTable
from .selective import augrc, coverage_at_risk, risk_coverage, selective_risk

ONE, EACH, OTHERS = f"one threshold, {FITTED_HERE}", f"a threshold per label, {FITTED_HERE}", "per label, cross-fitted"
STORED = "thresholds of the config"
LIKELY, OFFSETS = "most probable", "rule for rare verdicts, cross-fitted"
RISK = 0.1  # share of wrong assertions up to which a coverage is asked for
FEWEST = 10  # rows below which a label is not measured by itself

_PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "intensity_labels": ("intensity", EMOTIONS),
    "nuance_labels": ("nuance", EMOTIONS),
    "affect_labels": ("affect", AFFECT),
    "bentham_labels": ("bentham", BENTHAM),
    "plausibility_labels": ("counterfactual.plausibility", VIEWS),
    "regret_labels": ("regret", tuple(f"{name}.{view}" for name in REGRET_TYPES for view in VIEWS)),
}
_RANKED = {"utility_pair_labels": "utility", "action_pair_labels": "action", "branch_pair_labels": "counterfactual"}


@dataclass(frozen=True)
class Split:
    """Rows to evaluate, and what each system says about them: system -> target -> (texts, ...)."""

    dataset: str
    split: str
    units: Sequence[Unit]
    systems: Mapping[str, Mapping[str, Array]]

    def figure(
        self, output: str, measure: str, system: str, function: Measure, *arrays: Array, rule: str = ""
    ) -> Figure:
        """A measure with its interval over rows."""
        found = bootstrap(function, *arrays)
        return Figure(
            self.dataset, self.split, output, measure, system, found.value, len(arrays[0]), found.low, found.high, rule
        )

    def bare(self, output: str, measure: str, value: float, rows: int, rule: str = "", system: str = MODEL) -> Figure:
        """A number without an interval."""
        return Figure(self.dataset, self.split, output, measure, system, value, rows, rule=rule)


def measure(split: Split, thresholds: Mapping[str, float], report: Evaluation) -> None:
    """Add everything about one split to ``report``. thresholds: of the model's config, by emotion."""
    given = {name for unit in split.units for item in unit for name in item.targets}
    if "emotion_labels" in given:
        _emotion(split, thresholds, report)
    if "verdict_labels" in given:
        _verdict(split, report)
    for target in _PLACES:
        if target in given:
            _regressions(split, target, report)
    if "perspective_labels" in given:
        _perspectives(split, report)
    for target in PAIRS:
        if target in given:
            _ranking(split, target, report)


def _emotion(split: Split, thresholds: Mapping[str, float], report: Evaluation) -> None:
    actual, places = target_column(split.units, "emotion_labels")
    for system, said in split.systems.items():
        if "emotion_labels" in said:
            report.figures += _emotion_figures(split, system, actual, said["emotion_labels"][places])
    said = split.systems[MODEL]
    scores, whole = said["emotion_labels"][places], np.isfinite(actual).all()
    losses = expected_losses(said)
    _confidence(split, report, "emotion", losses["emotion"][places], _binary_losses(scores, actual))
    report.figures += _emotion_figures(split, MODEL, actual, said["arc"][places], output="arc")
    if not whole:
        return
    rule = np.array([thresholds.get(name, 0.5) for name in EMOTIONS])
    asserted = scores >= rule
    report.figures += [
        split.figure("emotion", "macro F1", MODEL, macro_f1, actual, asserted, rule=STORED),
        split.figure("emotion", "micro F1", MODEL, micro_f1, actual, asserted, rule=STORED),
        split.bare("emotion", "ECE", expected_calibration_error(scores.ravel(), actual.ravel()), len(actual)),
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
                    "threshold": float(rule[place]),
                    "texts": float(found.support[place]),
                    "mean probability": float(made[place]),
                }
                for place, name in enumerate(EMOTIONS)
            },
        )
    )  # fmt: skip
    curve = reliability(scores.ravel(), actual.ravel())
    report.curves.append(_reliability(split, "emotion", curve.confidence, curve.frequency, curve.count))
    _selective(split, report, actual.astype(bool), asserted, -losses["emotion"][places])


def _emotion_figures(split: Split, system: str, actual: Array, scores: Array, output: str = "emotion") -> list[Figure]:
    there = np.isfinite(actual)
    if not there.all():
        return _masked_emotion(split, system, actual, scores, output)
    figures = [split.figure(output, "average precision", system, average_precision, actual, scores)]
    if output != "emotion":
        return figures
    one, each = fit_threshold(scores, actual), fit_thresholds(scores, actual)
    figures += [
        split.figure(output, "macro F1", system, macro_f1, actual, scores >= one, rule=ONE),
        split.figure(output, "macro F1", system, macro_f1, actual, scores >= each, rule=EACH),
        split.figure(output, "macro F1", system, macro_f1, actual, cross_fitted(scores, actual), rule=OTHERS),
        split.figure(output, "micro F1", system, micro_f1, actual, scores >= one, rule=ONE),
    ]
    return figures


def _masked_emotion(split: Split, system: str, actual: Array, scores: Array, output: str) -> list[Figure]:
    """Of labels that are known on some rows only: means over the labels that are, each over its rows."""
    precisions, scores_of_labels = [], []
    for place in range(actual.shape[1]):
        rows = np.isfinite(actual[:, place])
        column, said = actual[rows][:, [place]], scores[rows][:, [place]]
        if rows.sum() >= FEWEST and 0 < column.sum() < len(column):
            precisions.append(average_precision(column, said))
            scores_of_labels.append(macro_f1(column, said >= fit_thresholds(said, column)))
    rule = f"{len(precisions)} labels, each over the rows that have it"
    figures = [split.bare(output, "average precision", float(np.mean(precisions)), len(actual), rule, system)]
    if output == "emotion":
        mean = float(np.mean(scores_of_labels))
        figures.append(split.bare(output, "macro F1", mean, len(actual), f"{EACH}; {rule}", system))
    return figures


def _selective(split: Split, report: Evaluation, actual: Array, asserted: Array, confidence: Array) -> None:
    """Wrong assertions of all that is asserted, with the share of texts that are answered beside it."""
    order = np.argsort(-confidence, kind="stable")
    for share in (1.0, 0.8, 0.5):
        abstained = np.ones(len(order), dtype=bool)
        abstained[order[: round(share * len(order))]] = False
        found = selective_risk(asserted, actual, abstained)
        rule = f"coverage {found.coverage:.2f} of the texts, {found.asserted} assertions"
        report.figures.append(split.bare("emotion", "selective risk", found.risk, found.texts, rule))
    wrong: Array = np.asarray((asserted & ~actual).any(axis=1), dtype=np.float64)
    reached = coverage_at_risk(wrong, confidence, RISK)
    rule = f"texts with a wrong assertion at most {RISK:.0%}"
    report.figures.append(split.bare("emotion", "coverage at risk", reached, len(wrong), rule))
    _risk(split, report, "emotion", wrong, confidence)


def _risk(split: Split, report: Evaluation, output: str, losses: Array, confidence: Array) -> None:
    report.figures.append(split.bare(output, "AUGRC", augrc(losses, confidence), len(losses)))
    curve = risk_coverage(losses, confidence)
    keep = np.unique(np.linspace(0, len(curve.coverage) - 1, min(101, len(curve.coverage))).round().astype(int))
    report.curves.append(
        Curve("risk-coverage", split.dataset, split.split, output,
              curve.coverage[keep].tolist(), curve.risk[keep].tolist())
    )  # fmt: skip


def _reliability(split: Split, output: str, confidence: Array, frequency: Array, count: Array) -> Curve:
    return Curve(
        "reliability", split.dataset, split.split, output, confidence.tolist(), frequency.tolist(), count.tolist()
    )


def _verdict(split: Split, report: Evaluation) -> None:
    shares, places = target_column(split.units, "verdict_labels")
    for system, said in split.systems.items():
        if "verdict_labels" not in said:
            continue
        scores = said["verdict_labels"][places]
        report.figures.append(split.figure("verdict", "macro F1", system, verdict_f1, scores, shares, rule=LIKELY))
        report.figures.append(split.figure("verdict", "soft cross entropy", system, soft_cross_entropy, scores, shares))
        ruled = _cross_fitted_rule(np.log(np.clip(scores, 1e-9, None)), shares)
        report.figures.append(split.figure("verdict", "macro F1", system, verdict_f1, ruled, shares, rule=OFFSETS))
        hit = (scores.argmax(axis=1) == shares.argmax(axis=1)).astype(np.float64)
        report.figures.append(split.bare("verdict", "accuracy", float(hit.mean()), len(hit), LIKELY, system))
    said = split.systems[MODEL]
    scores = said["verdict_labels"][places]
    confidence, occurred = top_label(scores, shares)
    report.figures.append(
        split.bare("verdict", "ECE", expected_calibration_error(confidence, occurred), len(occurred), LIKELY)
    )
    curve = reliability(confidence, occurred)
    report.curves.append(_reliability(split, "verdict", curve.confidence, curve.frequency, curve.count))
    asserted, majority = scores.argmax(axis=1), shares.argmax(axis=1)
    expected = expected_losses(said)["verdict"][places]
    _risk(split, report, "verdict", (asserted != majority).astype(np.float64), -expected)
    _confidence(split, report, "verdict", expected, -(shares * np.log(np.clip(scores, 1e-9, None))).sum(axis=1))
    counts = np.zeros((len(VERDICTS), len(VERDICTS)), dtype=np.int64)
    np.add.at(counts, (majority, asserted), 1)
    report.confusions.append(Confusion(split.dataset, split.split, "verdict", list(VERDICTS), counts.tolist()))


def _cross_fitted_rule(logits: Array, shares: Array, folds: int = 5) -> Array:
    """The logits with the offsets that the other folds give."""
    fold = np.random.default_rng(0).permutation(len(logits)) % folds
    ruled = logits.copy()
    for held in range(folds):
        ruled[fold == held] += fit_offsets(logits[fold != held], shares[fold != held])
    return ruled


def _regressions(split: Split, target: str, report: Evaluation) -> None:
    output, names = _PLACES[target]
    actual, places = target_column(split.units, target)
    actual = actual.reshape(len(actual), -1)
    for system, said in split.systems.items():
        if target not in said:
            continue
        values = said[target][places].reshape(len(actual), -1)
        found: list[float] = []
        for place, name in enumerate(names):
            rows = np.isfinite(actual[:, place])
            if rows.sum() < FEWEST or np.ptp(actual[rows, place]) == 0:
                continue
            column, truth = values[rows, place], actual[rows, place]
            if math.isnan(pearson(column, truth)):
                report.figures.append(
                    split.bare(f"{output}.{name}", "Pearson r", math.nan, int(rows.sum()), "", system)
                )
                continue
            figure = split.figure(f"{output}.{name}", "Pearson r", system, pearson, column, truth)
            report.figures.append(figure)
            found.append(figure.value)
        mean = float(np.mean(found)) if found else math.nan
        report.figures.append(split.bare(output, "mean Pearson r", mean, len(actual), "", system))
    rated = {"bentham_labels": "bentham", "affect_labels": "affect", "intensity_labels": "intensity"}.get(target)
    if rated:
        said = split.systems[MODEL]
        error = (said[target][places].reshape(len(actual), -1) - actual) ** 2
        _confidence(split, report, rated, expected_losses(said)[rated][places], np.nanmean(error, axis=1))


def _perspectives(split: Split, report: Evaluation) -> None:
    actual, places = target_column(split.units, "perspective_labels")
    for place, name in enumerate(PERSPECTIVES):
        rows = np.isfinite(actual[:, place]).all(axis=1)
        if rows.sum() < FEWEST:
            continue
        for system, said in split.systems.items():
            if "perspective_labels" in said:
                scores = said["perspective_labels"][places][rows, place]
                report.figures.append(
                    split.figure(f"perspectives.{name}", "soft cross entropy", system, soft_cross_entropy,
                                 scores, actual[rows, place])
                )  # fmt: skip


def _ranking(split: Split, target: str, report: Evaluation) -> None:
    pairs, places = target_column(split.units, target)
    better = {int(number): place for (number, rank), place in zip(pairs, places, strict=True) if rank == 1}
    worse = {int(number): place for (number, rank), place in zip(pairs, places, strict=True) if rank == 0}
    both = sorted(better.keys() & worse.keys())
    up, down = (np.array([side[number] for number in both]) for side in (better, worse))
    for system, said in split.systems.items():
        if target in said:
            scores = said[target]
            report.figures.append(
                split.figure(_RANKED[target], "pair accuracy", system, pair_accuracy, scores[up], scores[down])
            )


def _binary_losses(scores: Array, actual: Array) -> Array:
    inside = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    losses: Array = -np.nanmean(actual * np.log(inside) + (1 - actual) * np.log(1 - inside), axis=1)
    return losses


def _confidence(split: Split, report: Evaluation, output: str, expected: Array, real: Array) -> None:
    """Whether the loss that the model expects ranks the texts as the loss that it has."""
    found = float(spearmanr(expected, real).statistic) if np.ptp(expected) > 0 and np.ptp(real) > 0 else math.nan
    report.figures.append(split.bare(f"confidence.{output}", "Spearman r with the real loss", found, len(real)))


__all__ = ["EACH", "LIKELY", "OFFSETS", "ONE", "OTHERS", "RISK", "STORED", "Split", "measure"]
