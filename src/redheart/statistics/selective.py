"""Selective prediction: what is gained by not answering where confidence is low.

Notable: equal confidences are one working point, answered together or not at all, because no threshold splits them.
Under an area, they count as answered in random order, by its mean. So nothing depends on the order of the rows.
"""

import math
from dataclasses import dataclass

import numpy as np

from .measures import Array, aligned, decisions


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The working points, one per confidence that occurs, from the highest down.

    Attributes:
        threshold: Texts of this confidence or more are answered, ``(points,)``.
        coverage: Share of the texts that is answered, ``(points,)``, 0..1, rising.
        risk: Mean loss of the answered texts, ``(points,)``.
        generalised: Risk times coverage, ``(points,)``: loss of the answered texts divided by all texts (Traub et al.
            2024).
    """

    threshold: Array
    coverage: Array
    risk: Array
    generalised: Array


@dataclass(frozen=True)
class SelectiveRisk:
    """How much of what is asserted is wrong, with how much is answered at all: neither means anything alone.

    Attributes:
        risk: Wrong / asserted, 0..1; NaN when nothing is asserted.
        coverage: Answered / texts, 0..1.
        wrong: Labels asserted of an answered text that it does not have.
        asserted: Labels asserted of answered texts.
        answered: Number of answered texts.
        silent: Answered texts of which no label is asserted.
        texts: Number of texts.
    """

    risk: float
    coverage: float
    wrong: int
    asserted: int
    answered: int
    silent: int
    texts: int


def risk_coverage(losses: Array, confidence: Array) -> RiskCoverage:
    """The risk against the coverage (El-Yaniv & Wiener 2010).

    Args:
        losses: Shape ``(texts,)``, 0..1 if an area is to be 0..1, too.
        confidence: Shape ``(texts,)``, on any scale, higher for more certain.

    Returns:
        The working points.

    Raises:
        ValueError: For shapes that differ and values that are not finite.
    """
    losses, confidence = (value.astype(np.float64) for value in aligned(1, losses=losses, confidence=confidence))
    levels, places, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    lost, answered = np.bincount(places, weights=losses).cumsum(), counts.cumsum()
    return RiskCoverage(-levels, answered / len(losses), lost / answered, lost / len(losses))


def augrc(losses: Array, confidence: Array) -> float:
    """Area under the generalised risk against the coverage (Traub et al. 2024, arXiv:2407.01032).

    Args:
        losses: Shape ``(texts,)``.
        confidence: Shape ``(texts,)``, on any scale, higher for more certain.

    Returns:
        The mean over all coverages of the share of texts that are answered and wrong: for losses of 0 and 1, 0..0.5,
            and half the error rate when confidence holds no information.

    Raises:
        ValueError: As `risk_coverage`.
    """
    curve = risk_coverage(losses, confidence)
    return float(np.trapezoid(np.append(0, curve.generalised), np.append(0, curve.coverage)))


def coverage_at_risk(losses: Array, confidence: Array, risk: float) -> float:
    """The largest coverage of a working point whose risk is at most ``risk``.

    Chosen on the rows that it is reported on, it is too good; fit the threshold on others.

    Args:
        losses: Shape ``(texts,)``.
        confidence: Shape ``(texts,)``, on any scale, higher for more certain.
        risk: Highest risk that is accepted.

    Returns:
        The coverage, 0..1; 0 where no working point has so low a risk.

    Raises:
        ValueError: As `risk_coverage`.
    """
    curve = risk_coverage(losses, confidence)
    return float(curve.coverage[curve.risk <= risk].max(initial=0))


def risk_at_coverage(losses: Array, confidence: Array, coverage: float) -> float:
    """The risk when the most confident share of the texts is answered.

    Of equal confidences as many are answered as are needed, at random, and the risk is the mean over that.

    Args:
        losses: Shape ``(texts,)``.
        confidence: Shape ``(texts,)``, on any scale, higher for more certain.
        coverage: Share of the texts, above 0 and at most 1.

    Returns:
        The risk.

    Raises:
        ValueError: As `risk_coverage`, and for a coverage that is out of range.
    """
    if not 0 < coverage <= 1:
        raise ValueError(f"`coverage` is a share of the texts, above 0 and at most 1, got {coverage}.")
    curve = risk_coverage(losses, confidence)
    return float(np.interp(coverage, np.append(0, curve.coverage), np.append(0, curve.generalised)) / coverage)


def auroc(right: Array, confidence: Array) -> float:
    """Area under the receiver operating characteristic of "right", by the confidence.

    Args:
        right: Shape ``(texts,)``, 1 where the answer is right and 0 where it is not.
        confidence: Shape ``(texts,)``, on any scale.

    Returns:
        The share of the pairs of a right and a wrong text in which the right one has the higher confidence; equal ones
        count half. 0..1, 0.5 when confidence holds no information; NaN where all are right, or none is.

    Raises:
        ValueError: For shapes that differ and values other than 0 and 1.
    """
    right, confidence = aligned(1, right=right, confidence=confidence)
    (chosen,) = decisions(right=right[:, None])
    above, below = confidence[chosen[:, 0]], np.sort(confidence[~chosen[:, 0]])
    if not len(above) or not len(below):
        return math.nan
    lower, upper = (np.searchsorted(below, above, side) for side in ("left", "right"))
    return float((lower + upper).mean() / (2 * len(below)))


def selective_risk(asserted: Array, actual: Array, abstained: Array) -> SelectiveRisk:
    """The share of the asserted labels that is wrong.

    Args:
        asserted: Shape ``(texts, labels)``, 0 or 1.
        actual: Shape ``(texts, labels)``, 0 or 1.
        abstained: Shape ``(texts,)``, 1 for a text that is not answered, whatever ``asserted`` holds for it.

    Returns:
        The risk with its coverage and counts.

    Raises:
        ValueError: For shapes that do not fit and values other than 0 and 1.
    """
    asserted, actual = decisions(asserted=asserted, actual=actual)
    if np.shape(abstained) != (len(asserted),):
        raise ValueError(f"`abstained` must be ({len(asserted)},), one value per text, got {np.shape(abstained)}.")
    (withheld,) = decisions(abstained=np.asarray(abstained)[:, None])
    answered = ~withheld[:, 0]
    answered_labels = asserted[answered]
    wrong, count = int((answered_labels & ~actual[answered]).sum()), int(answered_labels.sum())
    return SelectiveRisk(
        risk=wrong / count if count else math.nan,
        coverage=float(answered.mean()),
        wrong=wrong,
        asserted=count,
        answered=int(answered.sum()),
        silent=int((~answered_labels.any(axis=1)).sum()),
        texts=len(asserted),
    )


__all__ = [
    "RiskCoverage",
    "SelectiveRisk",
    "augrc",
    "auroc",
    "coverage_at_risk",
    "risk_at_coverage",
    "risk_coverage",
    "selective_risk",
]
