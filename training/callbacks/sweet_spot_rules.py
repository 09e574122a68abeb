"""When a module is at its sweet spot: four rules on its validation loss and its generalisation gap."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

from ...statistics.series import check, mann_kendall, noise, relative_gain, rises_over_best, sen_slope


@dataclass(frozen=True)
class Rules:
    """When a module is at its sweet spot.

    A decision that is late costs time only, as the module is put back to its best; an early one cannot be mended. So
    the window is long: in a shorter one, a loss that scatters by more than it falls looks like a plateau.

    Raises `ValueError` for values with which no decision could be made.
    """

    window: int = 8  # evaluations that a trend is looked for in
    minimum: int = 8  # evaluations before the first decision
    alpha: float = 0.05  # probability, per evaluation, of a trend where there is none
    min_delta: float = 0.005  # gain over the window that still counts, as a share of the loss
    slack: float = 1.0  # of the cumulative sum, in standard deviations of the noise
    threshold: float = 4.0  # of the cumulative sum, in the same

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"`alpha` must lie between 0 and 1, got {self.alpha}.")
        if self.window < 3 or 1 / factorial(min(self.window, 20)) >= self.alpha:
            raise ValueError(
                f"In a window of {self.window} evaluations no trend can be significant at {self.alpha}; take more."
            )
        if self.minimum < self.window:
            raise ValueError(f"`minimum` ({self.minimum}) must not be below `window` ({self.window}).")
        if min(self.min_delta, self.slack) < 0 or self.threshold <= 0:
            raise ValueError(
                f"`min_delta` ({self.min_delta}) and `slack` ({self.slack}) must be 0 or above, and `threshold` "
                f"({self.threshold}) above 0."
            )


@dataclass(frozen=True)
class Finding:
    """Why a module is at its sweet spot."""

    rule: str  # "rising", "cusum", "gap" or "plateau"
    reason: str


def judge(values: Sequence[float], gaps: Sequence[float | None], rules: Rules) -> Finding | None:
    """Whether a module is at its sweet spot: the first rule that holds, or None while it may still improve.

    values: its validation loss at each evaluation, finite. gaps: its generalisation gap at each, None where unknown.

    A significant fall over the window means that it improves. Otherwise it is at its sweet spot when the loss rises
    significantly (Mann-Kendall); when the sum of its rises over the best, less a slack, is above the threshold (CUSUM,
    Page 1954, in units of the noise, which is at least ``min_delta`` of the best; one evaluation adds at most half the
    threshold, so that it takes three); when the gap widens significantly
    and the last loss is not the best; or on a plateau: less than ``min_delta`` gained over the window. Tests that are
    repeated at each evaluation are wrong more often than ``alpha`` over a whole run; a larger window is the remedy.
    """
    check(values, 0)
    if len(values) < rules.minimum:
        return None
    window, best = rules.window, min(values)
    recent = values[-window:]
    trend = mann_kendall(recent)
    if trend.p_fall < rules.alpha:
        return None
    over = f"over the last {window} evaluations"
    if trend.p_rise < rules.alpha:
        words = f"Mann-Kendall S = {trend.statistic}, p = {trend.p_rise:.3g}, slope {sen_slope(recent):+.3g} each"
        return Finding("rising", f"validation rises {over} ({words})")
    scale = max(noise(values), rules.min_delta * abs(best), 1e-12)
    total = rises_over_best(values, rules.slack, scale, most=rules.threshold / 2)[-1]
    if total > rules.threshold:
        words = f"CUSUM {total:.3g} is above {rules.threshold:g} standard deviations of {scale:.3g}"
        return Finding("cusum", f"validation stays above its best {best:.4g} ({words})")
    known = [gap for gap in gaps[-window:] if gap is not None]
    if len(known) == window and values[-1] > best:
        widening = mann_kendall(known)
        if widening.p_rise < rules.alpha:
            words = f"from {known[0]:.3g} to {known[-1]:.3g}, Mann-Kendall p = {widening.p_rise:.3g}"
            return Finding("gap", f"the generalisation gap widens {over} ({words}) while validation does not improve")
    gain = relative_gain(min(values[: len(values) - window + 1]), min(recent[1:]))
    if gain < rules.min_delta:
        words = f"gain {gain:.3g} is below {rules.min_delta:g}, Mann-Kendall p = {trend.p_fall:.3g} for a fall"
        return Finding("plateau", f"validation no longer improves {over} ({words})")
    return None


__all__ = ["Finding", "Rules", "judge"]
