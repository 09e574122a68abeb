"""The figures of some of the cases: of a language, or of a kind.

Notable: the variants of a situation are not independent of each other, so that intervals are over groups of variants
and not over texts: a resample holds whole groups.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...configuration.labels import AFFECT, BENTHAM, EMOTIONS, PERSPECTIVES, VIEWS
from ...data.loading import Array
from ...modeling_redheart.asserted import asserted_emotions
from ...statistics.calibration import fit_threshold
from ...statistics.measures import Interval, right_verdicts
from ...statistics.selective import auroc, risk_at_coverage
from ..measurement.figures import FAULTLESS, LIKELIEST, ONE, STORED
from ..measurement.predict import expected_losses
from ..measurement.results import CONSTANT, MODEL, Figure
from ..measurement.verdict_figures import BY_CONFIDENCE, LIKELY, NAMED
from ..reports.terminal_report import CASES, ENTROPY, KINDS
from .case_statistics import both_right, correlations, cross_entropies, interval, mean_correlation, moments, ratio

BOTH_RIGHT = "pairs of variants, both right"

# Target -> output, and the names of the columns that have figures of their own.
_CORRELATED: dict[str, tuple[str, tuple[str, ...]]] = {
    "acceptability_labels": ("acceptability", ("",)),
    "affect_labels": ("affect", AFFECT),
    "bentham_labels": ("bentham", BENTHAM),
    "regret_labels": ("regret", ()),
    "utility_labels": ("utility", VIEWS),
}

_MEAN = ("bentham", "regret")  # outputs with the mean over their columns


@dataclass(frozen=True)
class Case:
    """What the file holds of a text beside its targets.

    Attributes:
        text: The text.
        group: Group of variants that the text belongs to.
        language: Of `cases.LANGUAGES`.
        kind: Kind of case.
        votes: Votes as counted, in the order of `VERDICTS`.
    """

    text: str
    group: str
    language: str
    kind: str
    votes: tuple[float, ...]


class CasePart:
    """Some of the cases, and the predictions of each system about them.

    Args:
        cases: All cases.
        targets: Targets of all cases, by name: ``(texts, ...)``.
        systems: Predictions of each system about all cases.
        chosen: Places of the cases that this part has.
        about: Split of the figures.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        targets: Mapping[str, Array],
        systems: Mapping[str, Mapping[str, Array]],
        chosen: Array,
        about: str,
    ) -> None:
        self.targets = {name: values[chosen] for name, values in targets.items()}
        self.systems = {
            system: {name: values[chosen] for name, values in predictions.items()}
            for system, predictions in systems.items()
        }
        self.group = np.unique([cases[place].group for place in chosen], return_inverse=True)[1]
        self.texts, self.about = len(chosen), about
        self.members = [np.flatnonzero(self.group == number) for number in range(int(self.group.max()) + 1)]

    def figures(self, thresholds: Mapping[str, float], verdict_threshold: float) -> list[Figure]:
        """Return what is measured of a language.

        Args:
            thresholds: Thresholds of the config, by emotion.
            verdict_threshold: The probability from which on a verdict is named.

        Returns:
            The figures.
        """
        figures = self._verdicts(CASES, "verdict")
        shares = self.targets["verdict_labels"]
        floor = self._sum(ratio, np.stack((cross_entropies(shares, shares), np.ones(self.texts)), axis=1))
        figures.append(self._figure("verdict", ENTROPY, MODEL, floor))
        for system, predictions in self.systems.items():
            if "verdict_labels" in predictions:
                right = right_verdicts(predictions["verdict_labels"], shares)
                pairs = both_right(self.group, shares, right)
                rule = f"{pairs[:, 0].sum():.0f} pairs: the author alone has the most votes in one, the other in one"
                found = interval(lambda drawn: ratio(drawn.sum(axis=0)[::-1]), pairs)
                figures.append(self._figure("verdict", BOTH_RIGHT, system, found, rule))
        for target in _CORRELATED:
            for system, predictions in self.systems.items():
                if target in self.targets and target in predictions:
                    figures += self._correlated(system, predictions[target], target)
        figures += self._emotions(thresholds)
        if "perspective_labels" in self.targets:
            figures += self._perspectives()
        return figures + self._confidence(thresholds, verdict_threshold)

    def of_kind(self) -> list[Figure]:
        """Return what is measured of a kind."""
        shares = self.targets["verdict_labels"]
        floor = float(cross_entropies(shares, shares).mean())
        floors = [Figure(KINDS, self.about, "verdict by kind", ENTROPY, MODEL, floor, self.texts)]
        return self._verdicts(KINDS, "verdict by kind") + floors

    def _verdicts(self, dataset: str, output: str) -> list[Figure]:
        shares, figures = self.targets["verdict_labels"], []
        for system, predictions in self.systems.items():
            if "verdict_labels" not in predictions:
                continue
            scores = predictions["verdict_labels"]
            columns = {
                ("accuracy", LIKELY): right_verdicts(scores, shares),
                ("soft cross entropy", ""): cross_entropies(scores, shares),
            }
            for (measure, rule), values in columns.items():
                found = self._sum(ratio, np.stack((values, np.ones(self.texts)), axis=1))
                figures.append(self._figure(output, measure, system, found, rule, dataset))
        return figures

    def _correlated(self, system: str, predictions: Array, target: str) -> list[Figure]:
        output, names = _CORRELATED[target]
        columns = moments(predictions.reshape(self.texts, -1), self.targets[target].reshape(self.texts, -1))
        figures = []
        if output in _MEAN:
            varied = correlations(columns.sum(axis=0))[1]
            rule = f"{varied.sum()} of {len(varied)}, those with a spread"
            found = self._sum(mean_correlation, columns)
            figures.append(self._figure(output, "mean Pearson r", system, found, rule))
        for place, name in enumerate(names):
            found = self._sum(lambda sums: float(correlations(sums)[0][0]), columns[:, place :: columns.shape[1] // 6])
            figures.append(self._figure(f"{output}.{name}" if name else output, "Pearson r", system, found))
        return figures

    def _emotions(self, thresholds: Mapping[str, float]) -> list[Figure]:
        """Micro F1 of each system, by the rule for that system.

        The model is measured at the thresholds of its config, TF-IDF at the one threshold that is best here, and the
        constant answer by its most frequent emotion.

        Returns:
            One figure per system.
        """
        actual, figures = self.targets["emotion_labels"].astype(bool), []
        for system, predictions in self.systems.items():
            if "emotion_labels" not in predictions:
                continue
            scores, rule = predictions["emotion_labels"], STORED
            if system == MODEL:
                asserted = asserted_emotions(scores, thresholds)
            elif system == CONSTANT:
                asserted, rule = np.eye(len(EMOTIONS), dtype=bool)[scores.argmax(axis=1)], "most frequent"
            else:
                one = fit_threshold(np.clip(scores, 0, 1), actual)
                asserted, rule = asserted_emotions(scores, dict.fromkeys(EMOTIONS, one)), ONE
            hits = (asserted & actual).sum(axis=1)
            counts = np.stack((2 * hits, asserted.sum(axis=1) + actual.sum(axis=1)), axis=1)
            figures.append(self._figure("emotion", "micro F1", system, self._sum(ratio, counts), rule))
        return figures

    def _perspectives(self) -> list[Figure]:
        figures = []
        for place, name in enumerate(PERSPECTIVES):
            shares = self.targets["perspective_labels"][:, place]
            known: Array = np.asarray(np.isfinite(shares).all(axis=1))
            shares = np.where(known[:, None], shares, 0)
            for system, predictions in self.systems.items():
                if "perspective_labels" in predictions and known.any():
                    losses = cross_entropies(predictions["perspective_labels"][:, place], shares)
                    found = self._sum(ratio, np.stack((losses, known), axis=1))
                    figures.append(self._figure(f"perspectives.{name}", "soft cross entropy", system, found))
        return figures

    def _confidence(self, thresholds: Mapping[str, float], verdict_threshold: float) -> list[Figure]:
        """Figures of whether a confident answer is right, and how many of the named verdicts are wrong."""
        predictions, shares = self.systems[MODEL], self.targets["verdict_labels"]
        figures = []
        right = right_verdicts(predictions["verdict_labels"], shares)
        if "expected_loss" in predictions:
            expected = expected_losses(predictions)
            actual, scores = self.targets["emotion_labels"].astype(bool), predictions["emotion_labels"]
            asserted = asserted_emotions(scores, thresholds)
            answers = (
                ("verdict", BY_CONFIDENCE, right),
                ("emotion", LIKELIEST, np.take_along_axis(actual, scores.argmax(axis=1)[:, None], axis=1)[:, 0]),
                ("emotion", FAULTLESS, ~(asserted & ~actual).any(axis=1)),
            )
            for name, rule, outcomes in answers:
                found = self._rows(auroc, outcomes.astype(np.int64), np.exp(-expected[name].astype(np.float64)))
                figures.append(self._figure(f"confidence.{name}", "AUROC of right", MODEL, found, rule))
        named = predictions["verdict_labels"].max(axis=1) >= verdict_threshold
        coverage = self._sum(ratio, np.stack((named, np.ones(self.texts)), axis=1))
        figures.append(self._figure("verdict", "coverage", MODEL, coverage, NAMED))
        if not named.any():
            return figures
        coverage_rule = f"coverage {coverage.value:.2f} of the texts, {NAMED}"
        wrong = self._sum(ratio, np.stack((named & ~right, named), axis=1))
        figures.append(self._figure("verdict", "wrong among named", MODEL, wrong, coverage_rule))
        for system, other in self.systems.items():
            if system != MODEL and "verdict_labels" in other:
                scores = other["verdict_labels"]
                missed = (~right_verdicts(scores, shares)).astype(np.float64)
                risk = risk_at_coverage(missed, scores.max(axis=1), coverage.value)
                without_interval = Interval(risk, math.nan, math.nan)
                figures.append(self._figure("verdict", "wrong among named", system, without_interval, coverage_rule))
        return figures

    def _figure(
        self, output: str, measure: str, system: str, found: Interval, rule: str = "", dataset: str = CASES
    ) -> Figure:
        return Figure(
            dataset, self.about, output, measure, system, found.value, self.texts, found.low, found.high, rule
        )

    def _sum(self, combine: Callable[[Array], float], columns: Array) -> Interval:
        """A function of the sums of ``columns`` (texts, ...) over the texts, with its interval."""
        sums = np.zeros((len(self.members), columns.shape[1]))
        np.add.at(sums, self.group, columns.astype(np.float64))
        return interval(lambda drawn: combine(drawn.sum(axis=0)), sums)

    def _rows(self, measure: Callable[..., float], *arrays: Array) -> Interval:
        """A measure that cannot be computed from sums, with its interval."""

        def of_groups(drawn: Array) -> float:
            rows = np.concatenate([self.members[number] for number in drawn])
            return measure(*(array[rows] for array in arrays))

        return interval(of_groups, np.arange(len(self.members)))


__all__ = [
    "BOTH_RIGHT",
    "Case",
    "CasePart",
]
