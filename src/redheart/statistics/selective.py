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
    """The working points, one per confidence that occurs, from the highest down. Every field is (points,)."""

    threshold: Array  # texts of this confidence or more are answered
    coverage: Array  # share of the texts that is answered, 0..1, rising
    risk: Array  # mean loss of the answered texts
    generalised: Array  # risk times coverage: loss of the answered texts by all texts (Traub et al. 2024)


@dataclass(frozen=True)
class SelectiveRisk:
    """How much of what is asserted is wrong, with how much is answered at all: neither means anything alone."""

    risk: float  # wrong / asserted, 0..1; NaN when nothing is asserted
    coverage: float  # answered / texts, 0..1
    wrong: int  # labels asserted of an answered text that it does not have
    asserted: int  # labels asserted of answered texts
    answered: int  # texts
    silent: int  # answered texts of which no label is asserted
    texts: int


def risk_coverage(losses: Array, confidence: Array) -> RiskCoverage:
    """The risk against the coverage (El-Yaniv & Wiener 2010).

    losses: (texts,), 0..1 if an area shall be too. confidence: (texts,), on any scale, the higher the surer. Raises
    `ValueError` for shapes that differ and values that are not finite.
    """
    losses, confidence = (value.astype(np.float64) for value in aligned(1, losses=losses, confidence=confidence))
    levels, places, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    lost, answered = np.bincount(places, weights=losses).cumsum(), counts.cumsum()
    return RiskCoverage(-levels, answered / len(losses), lost / answered, lost / len(losses))


def augrc(losses: Array, confidence: Array) -> float:
    """Area under the generalised risk against the coverage (Traub et al. 2024, arXiv:2407.01032).

    The mean over all coverages of the share of texts that are answered and wrong: for losses of 0 and 1, 0..0.5, and
    half the error rate when confidence says nothing. Arguments and errors are those of `risk_coverage`.
    """
    curve = risk_coverage(losses, confidence)
    return float(np.trapezoid(np.append(0, curve.generalised), np.append(0, curve.coverage)))


def coverage_at_risk(losses: Array, confidence: Array, risk: float) -> float:
    """The largest coverage of a working point whose risk is at most ``risk``, 0..1; 0 where none is.

    Chosen on the rows that it is reported on, it is too good; fit the threshold on others. Arguments and errors are
    those of `risk_coverage`.
    """
    curve = risk_coverage(losses, confidence)
    return float(curve.coverage[curve.risk <= risk].max(initial=0))


def risk_at_coverage(losses: Array, confidence: Array, coverage: float) -> float:
    """The risk when the surest share ``coverage`` of the texts, above 0 and at most 1, is answered.

    Of equal confidences as many are answered as are needed, at random, and the risk is the mean over that. Arguments
    and errors are those of `risk_coverage`, and `ValueError` for a coverage that is out of range.
    """
    if not 0 < coverage <= 1:
        raise ValueError(f"`coverage` is a share of the texts, above 0 and at most 1, got {coverage}.")
    curve = risk_coverage(losses, confidence)
    return float(np.interp(coverage, np.append(0, curve.coverage), np.append(0, curve.generalised)) / coverage)


def auroc(right: Array, confidence: Array) -> float:
    """Area under the receiver operating characteristic of "right", by the confidence, 0..1; 0.5 when it says nothing.

    The share of the pairs of a right and a wrong text in which the right one has the higher confidence; equal ones
    count half. right: (texts,), 1 where the answer is right and 0 where it is not. confidence: (texts,), on any scale.
    NaN where all are right, or none is. Raises `ValueError` for shapes that differ and other values.
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

    asserted, actual: (texts, labels), 0 or 1. abstained: (texts,), 1 for a text that is not answered, whatever
    ``asserted`` says of it. Raises `ValueError` for shapes that do not fit and other values.
    """
    asserted, actual = decisions(asserted=asserted, actual=actual)
    if np.shape(abstained) != (len(asserted),):
        raise ValueError(f"`abstained` must be ({len(asserted)},), one value per text, got {np.shape(abstained)}.")
    (withheld,) = decisions(abstained=np.asarray(abstained)[:, None])
    answered = ~withheld[:, 0]
    said = asserted[answered]
    wrong, count = int((said & ~actual[answered]).sum()), int(said.sum())
    return SelectiveRisk(
        risk=wrong / count if count else math.nan,
        coverage=float(answered.mean()),
        wrong=wrong,
        asserted=count,
        answered=int(answered.sum()),
        silent=int((~said.any(axis=1)).sum()),
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
