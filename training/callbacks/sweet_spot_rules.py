"""When a module is at its sweet spot: four rules on its validation loss and its generalisation gap."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

from ...statistics.series import check, mann_kendall, noise, relative_gain, rises_over_best, sen_slope


@dataclass(frozen=True)
class Rules:
    """When a module is at its sweet spot.

    A late decision costs only time, as the module is restored to its best evaluation; an early one cannot be undone. So
    the window is long: in a shorter one, a loss that scatters by more than it falls looks like a plateau.

    Attributes:
        window: Evaluations in which a trend is looked for.
        minimum: Evaluations before the first decision, at least ``window``.
        alpha: Probability, per evaluation, of finding a trend where there is none; above 0 and below 1.
        min_delta: Gain over the window that still counts, as a share of the loss; 0 or above.
        slack: Slack of the cumulative sum, in standard deviations of the noise; 0 or above.
        threshold: Threshold of the cumulative sum, in standard deviations of the noise; above 0.

    Raises:
        ValueError: For values with which no decision could be made.
    """

    window: int = 8
    minimum: int = 8
    alpha: float = 0.05
    min_delta: float = 0.005
    slack: float = 1.0
    threshold: float = 4.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"`alpha` must be above 0 and below 1, got {self.alpha}.")
        if self.window < 3 or 1 / factorial(min(self.window, 20)) >= self.alpha:
            raise ValueError(
                f"In a window of {self.window} evaluations no trend can be significant at {self.alpha}; increase "
                "`window`."
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
    """Why a module is at its sweet spot.

    Attributes:
        rule: "rising", "cusum", "gap" or "plateau".
        reason: The rule as a sentence, with its figures.
    """

    rule: str
    reason: str


def judge(values: Sequence[float], gaps: Sequence[float | None], rules: Rules) -> Finding | None:
    """Decide whether a module is at its sweet spot.

    A significant fall over the window means that it improves. Otherwise it is at its sweet spot when the loss rises
    significantly (Mann-Kendall); when the sum of its rises over the best, less a slack, is above the threshold (CUSUM,
    Page 1954, in units of the noise, which is at least ``min_delta`` of the best; one evaluation adds at most half the
    threshold, so that it takes three); when the gap widens significantly and the last loss is not the best; or on a
    plateau: less than ``min_delta`` gained over the window. Tests that are repeated at each evaluation are wrong more
    often than ``alpha`` over a whole run; increase the window against that.

    Args:
        values: The module's validation loss at each evaluation, finite.
        gaps: Its generalisation gap at each evaluation, None where unknown.
        rules: The limits of the decision.

    Returns:
        The first rule that holds, or None while the module may still improve.
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
        figures = f"Mann-Kendall S = {trend.statistic}, p = {trend.p_rise:.3g}, slope {sen_slope(recent):+.3g} each"
        return Finding("rising", f"validation rises {over} ({figures})")
    scale = max(noise(values), rules.min_delta * abs(best), 1e-12)
    total = rises_over_best(values, rules.slack, scale, most=rules.threshold / 2)[-1]
    if total > rules.threshold:
        figures = f"CUSUM {total:.3g} is above {rules.threshold:g} standard deviations of {scale:.3g}"
        return Finding("cusum", f"validation stays above its best {best:.4g} ({figures})")
    known = [gap for gap in gaps[-window:] if gap is not None]
    if len(known) == window and values[-1] > best:
        widening = mann_kendall(known)
        if widening.p_rise < rules.alpha:
            figures = f"from {known[0]:.3g} to {known[-1]:.3g}, Mann-Kendall p = {widening.p_rise:.3g}"
            return Finding("gap", f"the generalisation gap widens {over} ({figures}) while validation does not improve")
    gain = relative_gain(min(values[: len(values) - window + 1]), min(recent[1:]))
    if gain < rules.min_delta:
        figures = f"gain {gain:.3g} is below {rules.min_delta:g}, Mann-Kendall p = {trend.p_fall:.3g} for a fall"
        return Finding("plateau", f"validation no longer improves {over} ({figures})")
    return None


__all__ = ["Finding", "Rules", "judge"]
