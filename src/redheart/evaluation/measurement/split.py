"""A split with the predictions of each system, and the figures that are made of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from ...data.loading import Array, Unit
from ...statistics.calibration import Reliability
from ...statistics.measures import Measure, bootstrap
from ...statistics.selective import augrc, auroc, risk_coverage
from .results import MODEL, Curve, Evaluation, Figure

MIN_ROWS = 10  # rows below which a label is not measured by itself


@dataclass(frozen=True)
class Split:
    """Rows to evaluate, and the predictions of each system.

    Attributes:
        dataset: Name of the data set.
        split: Name of the split.
        units: The rows.
        systems: System -> target -> ``(texts, ...)``.
    """

    dataset: str
    split: str
    units: Sequence[Unit]
    systems: Mapping[str, Mapping[str, Array]]

    def figure(
        self, output: str, measure: str, system: str, function: Measure, *arrays: Array, rule: str = ""
    ) -> Figure:
        """A measure with its interval over rows; without one where the rows are too few, or too similar, for it.

        Args:
            output: What the figure is about.
            measure: Name of the measure.
            system: Name of the system.
            function: The measure, a function of ``arrays``.
            *arrays: Shape ``(rows, ...)``, as in `bootstrap`.
            rule: How decisions were made; "" where none were.

        Returns:
            The figure.
        """
        try:
            found = bootstrap(function, *arrays)
        except ValueError:
            return self.point_estimate(output, measure, function(*arrays), len(arrays[0]), rule, system)
        return Figure(
            self.dataset, self.split, output, measure, system, found.value, len(arrays[0]), found.low, found.high, rule
        )

    def skip(self, report: Evaluation, what: str, why: str) -> None:
        """Record in ``report`` that ``what`` is not measured on this split, and why."""
        report.skipped[f"{what} of {self.dataset} ({self.split})"] = why

    def point_estimate(
        self, output: str, measure: str, value: float, rows: int, rule: str = "", system: str = MODEL
    ) -> Figure:
        """A number without an interval."""
        return Figure(self.dataset, self.split, output, measure, system, value, rows, rule=rule)


def rule_over_occurring(rule: str, actual: Array) -> str:
    """Add to the rule of a mean over labels how many of them occur in ``actual`` (texts, labels), where not all do."""
    present, every = int(actual.any(axis=0).sum()), actual.shape[1]
    note = f"over the {present} of {every} labels that occur"
    return rule if present == every else f"{rule}; {note}" if rule else note


def mean(values: Array) -> float:
    """The mean, as a measure for `Split.figure`."""
    return float(np.mean(values))


def add_risk(split: Split, report: Evaluation, output: str, losses: Array, confidence: Array) -> None:
    """Add the area under risk against coverage, and the curve."""
    report.figures.append(split.point_estimate(output, "AUGRC", augrc(losses, confidence), len(losses)))
    curve = risk_coverage(losses, confidence)
    keep = np.unique(np.linspace(0, len(curve.coverage) - 1, min(101, len(curve.coverage))).round().astype(int))
    report.curves.append(
        Curve("risk-coverage", split.dataset, split.split, output,
              curve.coverage[keep].tolist(), curve.risk[keep].tolist())
    )  # fmt: skip


def add_reliability(split: Split, report: Evaluation, output: str, curve: Reliability) -> None:
    """Add the curve of confidence against observed frequency."""
    points = curve.confidence.tolist(), curve.frequency.tolist(), curve.count.tolist()
    report.curves.append(Curve("reliability", split.dataset, split.split, output, *points))


def add_ranked_losses(split: Split, report: Evaluation, output: str, expected: Array, real: Array) -> None:
    """Add how well the loss that the model expects ranks the texts by the loss that it has."""
    known = np.isfinite(real)
    expected, real = expected[known], real[known]
    varied = len(real) > 1 and np.ptp(expected) > 0 and np.ptp(real) > 0
    found = float(spearmanr(expected, real).statistic) if varied else math.nan
    report.figures.append(
        split.point_estimate(f"confidence.{output}", "Spearman r with the real loss", found, len(real))
    )


def add_auroc(split: Split, report: Evaluation, output: str, right: Array, confidence: Array, rule: str) -> None:
    """Add whether the confidence separates right answers from wrong ones.

    Args:
        split: The split.
        report: The evaluation that the figure is added to.
        output: The part that the confidence is of.
        right: Shape ``(texts,)``, 0 or 1.
        confidence: Shape ``(texts,)``, on any scale.
        rule: What counts as right, and which confidence it is.
    """
    about = f"confidence.{output}", "AUROC of right"
    # An interval of resamples without a wrong answer, or without a right one, would mean nothing.
    if min(right.sum(), len(right) - right.sum()) < MIN_ROWS:
        report.figures.append(split.point_estimate(*about, auroc(right, confidence), len(right), rule))
    else:
        report.figures.append(split.figure(*about, MODEL, auroc, right, confidence, rule=rule))


def binary_losses(scores: Array, actual: Array) -> Array:
    """Mean cross entropy of each text's labels, ``(texts,)``; NaN for a text without labels."""
    inside = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    return mean_of_known(-(actual * np.log(inside) + (1 - actual) * np.log(1 - inside)))


def mean_of_known(losses: Array) -> Array:
    """Mean of each row over what is not NaN, ``(texts,)``; NaN where a row has nothing else."""
    losses = losses.reshape(len(losses), -1)
    present = np.isfinite(losses)
    count = present.sum(axis=1)
    total = np.where(present, losses, 0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(losses), math.nan), where=count > 0)


__all__ = [
    "MIN_ROWS",
    "Split",
    "add_auroc",
    "add_ranked_losses",
    "add_reliability",
    "add_risk",
    "binary_losses",
    "mean",
    "mean_of_known",
    "rule_over_occurring",
]
