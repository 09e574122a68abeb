"""The cases, by language and by kind: what a reading gets right of everyday texts that are easily confused.

    python -m redheart.recipes.evaluate_cases MODEL [--data DIR] [--split validation] [--json FILE] [--no-floors]

Notable:

* The variants of a situation are not independent of each other, so that intervals are over groups of variants and not
  over texts: a resample holds whole groups.
* A pair is two variants of one group, in one of which the author alone has the most votes and in the other one the
  other side: who reads the words and not the roles gets one of them wrong.
* In a mean over correlations, a cell without a spread in its labels has no part, and one without a spread in the
  answers counts as 0.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...configuration.labels import AFFECT, BENTHAM, EMOTIONS, PERSPECTIVES, VERDICTS, VIEWS
from ...data.loading import OWN, Array, DataError, Unit, find_data, load, to_units
from ...modeling_redheart.asserted import asserted_emotions
from ...statistics.calibration import fit_threshold
from ...statistics.measures import SMALLEST, Interval, bootstrap, right_verdicts
from ...statistics.selective import auroc, risk_at_coverage
from ..measurement.figures import FAULTLESS, LIKELIEST, ONE, STORED
from ..measurement.floor import Floor
from ..measurement.predict import Predictor, expected_losses, target_column
from ..measurement.results import CONSTANT, MODEL, Evaluation, Figure
from ..measurement.verdict_figures import BY_CONFIDENCE, LIKELY, NAMED
from ..reports.terminal_report import CASES, ENTROPY, KINDS, WORST

SET = "cases"
LANGUAGES = ("en", "ko")
BOTH = "all"
BOTH_RIGHT = "pairs of variants, both right"
ABOVE_FLOOR = "soft cross entropy above the entropy of the votes"
MOST_WORST = 50
# The targets that a figure is of, and so what the floor has to learn.
TARGETS = (
    "emotion_labels",
    "affect_labels",
    "bentham_labels",
    "regret_labels",
    "utility_labels",
    "verdict_labels",
    "acceptability_labels",
    "perspective_labels",
)

_AUTHOR, _OTHER = VERDICTS.index("author"), VERDICTS.index("other")
_NO_SPREAD = 1e-10  # variance, as a share of the mean square, that rounding alone may leave
# Target -> output, and the names of the columns of which each is shown by itself.
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
    """What the file says of a text beside its targets. votes: as counted, in the order of `VERDICTS`."""

    text: str
    group: str
    language: str
    kind: str
    votes: tuple[float, ...]


def read_cases(split: str, data: Path | str | None = None) -> list[Case]:
    """The cases of a split. data: as in `data.find_data`. Raises `DataError` for a split that is not there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = OWN / SET if (OWN / SET).is_dir() else find_data(data) / SET
    file = folder / f"{split}.parquet"
    if not file.is_file():
        splits = sorted(path.stem for path in folder.glob("*.parquet"))
        raise DataError(f"There is no file {file}; {folder} has the splits {splits}.")
    votes = [f"verdict.{name}" for name in VERDICTS]
    try:
        rows = pq.read_table(file, columns=["text", "group", "language", "kind", *votes]).to_pylist()
    except pa.ArrowInvalid as error:
        raise DataError(f"{file} does not hold cases ({error}). Copy it again.") from error
    return [
        Case(row["text"], row["group"], row["language"], row["kind"], tuple(float(row[name]) for name in votes))
        for row in rows
    ]


def in_order(cases: Sequence[Case], units: Sequence[Unit]) -> list[Case]:
    """The case of each text of ``units``. Raises `DataError` for a text that is no case, and for one that is two."""
    known = {case.text.strip(): case for case in cases}
    if len(known) < len(cases):
        raise DataError(f"{len(cases) - len(known)} of the {len(cases)} cases have the text of another one.")
    texts = [item.text.strip() for unit in units for item in unit]
    if missing := [text for text in texts if text not in known]:
        raise DataError(f"{len(missing)} of {len(texts)} texts are in no case: {missing[0][:60]!r}, for example.")
    return [known[text] for text in texts]


def case_figures(
    cases: Sequence[Case],
    units: Sequence[Unit],
    systems: Mapping[str, Mapping[str, Array]],
    thresholds: Mapping[str, float],
    verdict_threshold: float = 0.0,
    split: str = "validation",
) -> list[Figure]:
    """Every figure of the cases, as the data sets `CASES` (by language), `KINDS` and `WORST` (`MOST_WORST` texts).

    cases: of each text of ``units``, in order (`in_order`). systems: what each says, `MODEL` among them, in the form
    of `Predictor`. thresholds: of the config, by emotion. verdict_threshold: the probability from which on a verdict
    is named. Raises `DataError` for a text without votes or emotions.
    """
    targets = _targets(units)
    for target in ("verdict_labels", "emotion_labels"):
        if not np.isfinite(targets.get(target, np.array(math.nan))).all():
            raise DataError(f"Every case must have votes and emotions; {target} is missing for at least one text.")
    languages = np.array([case.language for case in cases])
    figures: list[Figure] = []
    for language in (*LANGUAGES, BOTH):
        chosen = np.flatnonzero((languages == language) | (language == BOTH))
        if len(chosen):
            part = _Part(cases, targets, systems, chosen, f"{split} ({language})")
            figures += part.figures(thresholds, verdict_threshold)
    for kind in sorted({case.kind for case in cases}):
        chosen = np.flatnonzero([case.kind == kind for case in cases])
        figures += _Part(cases, targets, systems, chosen, f"{split} ({kind})").of_kind()
    return figures + worst(cases, systems[MODEL]["verdict_labels"], targets["verdict_labels"], split)


def worst(
    cases: Sequence[Case], probabilities: Array, shares: Array, split: str = "validation", most: int = MOST_WORST
) -> list[Figure]:
    """The texts whose soft cross entropy lies furthest above the entropy of their votes, the worst first.

    A figure each, of the data set `WORST`: its output is the text, its rule the votes and what was said.
    """
    above = cross_entropies(probabilities, shares) - cross_entropies(shares, shares)
    figures = []
    for place in np.argsort(-above, kind="stable")[:most]:
        case = cases[place]
        votes = _named(case.votes, lambda votes: f"{votes:g}", 0)
        said = _named(probabilities[place], lambda share: f"{share:.2f}", 0.005)
        told = f"votes: {votes}; said: {said}"
        about = f"{split} ({case.language}, {case.kind})"
        figures.append(Figure(WORST, about, case.text, ABOVE_FLOOR, MODEL, float(above[place]), 1, rule=told))
    return figures


def cross_entropies(probabilities: Array, shares: Array) -> Array:
    """The soft cross entropy of each text, in nats, (texts,); of the shares with themselves their entropy."""
    return np.asarray(-(shares * np.log(np.clip(probabilities.astype(np.float64), SMALLEST, None))).sum(axis=1))


def both_right(groups: Array, shares: Array, right: Array) -> Array:
    """Pairs of variants and those of them with both right, in each group, (groups, 2).

    groups: (texts,), numbers of groups. shares: (texts, 5). right: bool (texts,).
    """
    alone: Array = (shares == shares.max(axis=1, keepdims=True)).sum(axis=1) == 1
    top = shares.argmax(axis=1)
    counts = [
        np.bincount(groups, weights=chosen, minlength=int(groups.max()) + 1)
        for side in (_AUTHOR, _OTHER)
        for chosen in (alone & (top == side), alone & (top == side) & right)
    ]
    return np.stack((counts[0] * counts[2], counts[1] * counts[3]), axis=1)


def moments(predicted: Array, actual: Array) -> Array:
    """What the correlations of some columns are made of, for each text, to be summed: (texts, 6 x columns).

    Both (texts, columns), NaN where a value is not known.
    """
    predicted, actual = predicted.astype(np.float64), actual.astype(np.float64)
    known = np.isfinite(predicted) & np.isfinite(actual)
    first = known.argmax(axis=0)
    # Around a value that occurs: differences of equal numbers are exactly 0, and little is lost by squaring.
    x, y = (np.where(known, value - np.take_along_axis(value, first[None], axis=0), 0) for value in (predicted, actual))
    return np.hstack((known.astype(np.float64), x, y, x * x, y * y, x * y))


def correlations(sums: Array) -> tuple[Array, Array]:
    """Pearson's r of each column, NaN where one side has no spread, and whether the labels have one: (columns,) each.

    sums: of `moments`, over the texts.
    """
    count, x, y, xx, yy, xy = sums.reshape(6, -1)
    spread_x, spread_y = count * xx - x * x, count * yy - y * y
    varied_x, varied_y = spread_x > _NO_SPREAD * count * xx, spread_y > _NO_SPREAD * count * yy
    r, both = np.full(len(count), math.nan), varied_x & varied_y
    r[both] = (count * xy - x * y)[both] / np.sqrt(spread_x[both] * spread_y[both])
    return r, varied_y


def mean_correlation(sums: Array) -> float:
    """The mean r of the columns whose labels have a spread; NaN where no answer has one."""
    r, varied = correlations(sums)
    return float(np.nan_to_num(r[varied]).mean()) if np.isfinite(r).any() else math.nan


class _Part:
    """Some of the cases, and what each system says about them. about: what their figures have as their split."""

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
            system: {name: values[chosen] for name, values in said.items()} for system, said in systems.items()
        }
        self.group = np.unique([cases[place].group for place in chosen], return_inverse=True)[1]
        self.texts, self.about = len(chosen), about
        self.members = [np.flatnonzero(self.group == number) for number in range(int(self.group.max()) + 1)]

    def figures(self, thresholds: Mapping[str, float], verdict_threshold: float) -> list[Figure]:
        """What is measured of a language."""
        figures = self._verdicts(CASES, "verdict")
        shares = self.targets["verdict_labels"]
        floor = self._sum(_ratio, np.stack((cross_entropies(shares, shares), np.ones(self.texts)), axis=1))
        figures.append(self._figure("verdict", ENTROPY, MODEL, floor))
        for system, said in self.systems.items():
            if "verdict_labels" in said:
                right = right_verdicts(said["verdict_labels"], shares)
                pairs = both_right(self.group, shares, right)
                rule = f"{pairs[:, 0].sum():.0f} pairs: the author alone has the most votes in one, the other in one"
                found = _interval(lambda drawn: _ratio(drawn.sum(axis=0)[::-1]), pairs)
                figures.append(self._figure("verdict", BOTH_RIGHT, system, found, rule))
        for target in _CORRELATED:
            for system, said in self.systems.items():
                if target in self.targets and target in said:
                    figures += self._correlated(system, said[target], target)
        figures += self._emotions(thresholds)
        if "perspective_labels" in self.targets:
            figures += self._perspectives()
        return figures + self._confidence(thresholds, verdict_threshold)

    def of_kind(self) -> list[Figure]:
        """What is measured of a kind."""
        shares = self.targets["verdict_labels"]
        floor = float(cross_entropies(shares, shares).mean())
        floors = [Figure(KINDS, self.about, "verdict by kind", ENTROPY, MODEL, floor, self.texts)]
        return self._verdicts(KINDS, "verdict by kind") + floors

    def _verdicts(self, dataset: str, output: str) -> list[Figure]:
        shares, figures = self.targets["verdict_labels"], []
        for system, said in self.systems.items():
            if "verdict_labels" not in said:
                continue
            scores = said["verdict_labels"]
            columns = {
                ("accuracy", LIKELY): right_verdicts(scores, shares),
                ("soft cross entropy", ""): cross_entropies(scores, shares),
            }
            for (measure, rule), values in columns.items():
                found = self._sum(_ratio, np.stack((values, np.ones(self.texts)), axis=1))
                figures.append(self._figure(output, measure, system, found, rule, dataset))
        return figures

    def _correlated(self, system: str, said: Array, target: str) -> list[Figure]:
        output, names = _CORRELATED[target]
        columns = moments(said.reshape(self.texts, -1), self.targets[target].reshape(self.texts, -1))
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
        """Micro F1: of the model at the thresholds of its config, of TF-IDF at the one that is best here, and of the
        constant answer by its most frequent emotion."""
        actual, figures = self.targets["emotion_labels"].astype(bool), []
        for system, said in self.systems.items():
            if "emotion_labels" not in said:
                continue
            scores, rule = said["emotion_labels"], STORED
            if system == MODEL:
                asserted = asserted_emotions(scores, thresholds)
            elif system == CONSTANT:
                asserted, rule = np.eye(len(EMOTIONS), dtype=bool)[scores.argmax(axis=1)], "most frequent"
            else:
                one = fit_threshold(np.clip(scores, 0, 1), actual)
                asserted, rule = asserted_emotions(scores, dict.fromkeys(EMOTIONS, one)), ONE
            hits = (asserted & actual).sum(axis=1)
            counts = np.stack((2 * hits, asserted.sum(axis=1) + actual.sum(axis=1)), axis=1)
            figures.append(self._figure("emotion", "micro F1", system, self._sum(_ratio, counts), rule))
        return figures

    def _perspectives(self) -> list[Figure]:
        figures = []
        for place, name in enumerate(PERSPECTIVES):
            shares = self.targets["perspective_labels"][:, place]
            known: Array = np.asarray(np.isfinite(shares).all(axis=1))
            shares = np.where(known[:, None], shares, 0)
            for system, said in self.systems.items():
                if "perspective_labels" in said and known.any():
                    losses = cross_entropies(said["perspective_labels"][:, place], shares)
                    found = self._sum(_ratio, np.stack((losses, known), axis=1))
                    figures.append(self._figure(f"perspectives.{name}", "soft cross entropy", system, found))
        return figures

    def _confidence(self, thresholds: Mapping[str, float], verdict_threshold: float) -> list[Figure]:
        """Whether what is confident is right, and what is wrong among what is named."""
        said, shares = self.systems[MODEL], self.targets["verdict_labels"]
        figures = []
        right = right_verdicts(said["verdict_labels"], shares)
        if "expected_loss" in said:
            expected = expected_losses(said)
            actual, scores = self.targets["emotion_labels"].astype(bool), said["emotion_labels"]
            asserted = asserted_emotions(scores, thresholds)
            answers = (
                ("verdict", BY_CONFIDENCE, right),
                ("emotion", LIKELIEST, np.take_along_axis(actual, scores.argmax(axis=1)[:, None], axis=1)[:, 0]),
                ("emotion", FAULTLESS, ~(asserted & ~actual).any(axis=1)),
            )
            for name, rule, so in answers:
                found = self._rows(auroc, so.astype(np.int64), np.exp(-expected[name].astype(np.float64)))
                figures.append(self._figure(f"confidence.{name}", "AUROC of right", MODEL, found, rule))
        named = said["verdict_labels"].max(axis=1) >= verdict_threshold
        coverage = self._sum(_ratio, np.stack((named, np.ones(self.texts)), axis=1))
        figures.append(self._figure("verdict", "coverage", MODEL, coverage, NAMED))
        if not named.any():
            return figures
        told = f"coverage {coverage.value:.2f} of the texts, {NAMED}"
        wrong = self._sum(_ratio, np.stack((named & ~right, named), axis=1))
        figures.append(self._figure("verdict", "wrong among named", MODEL, wrong, told))
        for system, other in self.systems.items():
            if system != MODEL and "verdict_labels" in other:
                scores = other["verdict_labels"]
                missed = (~right_verdicts(scores, shares)).astype(np.float64)
                risk = risk_at_coverage(missed, scores.max(axis=1), coverage.value)
                alike = Interval(risk, math.nan, math.nan)
                figures.append(self._figure("verdict", "wrong among named", system, alike, told))
        return figures

    def _figure(
        self, output: str, measure: str, system: str, found: Interval, rule: str = "", dataset: str = CASES
    ) -> Figure:
        return Figure(
            dataset, self.about, output, measure, system, found.value, self.texts, found.low, found.high, rule
        )

    def _sum(self, combine: Callable[[Array], float], columns: Array) -> Interval:
        """What ``combine`` makes of the sums of ``columns`` (texts, ...) over the texts, with its interval."""
        sums = np.zeros((len(self.members), columns.shape[1]))
        np.add.at(sums, self.group, columns.astype(np.float64))
        return _interval(lambda drawn: combine(drawn.sum(axis=0)), sums)

    def _rows(self, measure: Callable[..., float], *arrays: Array) -> Interval:
        """A measure that no sums give."""

        def of_groups(drawn: Array) -> float:
            rows = np.concatenate([self.members[number] for number in drawn])
            return measure(*(array[rows] for array in arrays))

        return _interval(of_groups, np.arange(len(self.members)))


def _interval(measure: Callable[[Array], float], groups: Array) -> Interval:
    """Over groups; without an interval for a single one, or where most resamples leave the measure undefined."""
    try:
        return bootstrap(measure, groups)
    except ValueError:
        return Interval(measure(groups), math.nan, math.nan)


def _ratio(sums: Array) -> float:
    return float(sums[0] / sums[1]) if sums[1] else math.nan


def _named(values: Sequence[float] | Array, form: Callable[[float], str], least: float) -> str:
    """Verdicts with their values, those above ``least``, the largest first."""
    order = np.argsort(-np.asarray(values, dtype=np.float64), kind="stable")
    return ", ".join(f"{VERDICTS[place]} {form(float(values[place]))}" for place in order if values[place] > least)


def _targets(units: Sequence[Unit]) -> dict[str, Array]:
    """Of each target that some text has, all texts: (texts, ...), NaN where it is missing."""
    count = sum(len(unit) for unit in units)
    found = {}
    for target in TARGETS:
        if any(target in item.targets for unit in units for item in unit):
            values, places = target_column(units, target)
            found[target] = np.full((count, *values.shape[1:]), math.nan)
            found[target][places] = values
    return found


def evaluate_cases(
    name: str, model: Any, tokenizer: Any, split: str, data: Path | str | None = None, floors: bool = True
) -> Evaluation:
    """The figures of the cases alone. name: what the evaluation calls the model. Raises `DataError` as `load` does."""
    units = to_units(load(SET, data, split))
    cases = in_order(read_cases(split, data), units)
    systems: dict[str, Mapping[str, Array]] = {MODEL: Predictor(model, tokenizer)(units)}
    if floors:
        systems |= Floor(to_units(load(SET, data, "train", unlike=(split,))), TARGETS).predict(units)
    command = f"python -m redheart.recipes.evaluate_cases {name} --split {split}" + ("" if floors else " --no-floors")
    report = Evaluation(name, model.num_parameters(), command)
    report.record = dict(model.config.supervision)
    decisions = model.config.thresholds, model.config.verdict_threshold
    report.figures = case_figures(cases, units, systems, *decisions, split)
    return report


__all__ = [
    "ABOVE_FLOOR",
    "BOTH",
    "BOTH_RIGHT",
    "LANGUAGES",
    "MOST_WORST",
    "TARGETS",
    "Case",
    "both_right",
    "case_figures",
    "correlations",
    "cross_entropies",
    "evaluate_cases",
    "in_order",
    "mean_correlation",
    "moments",
    "read_cases",
    "worst",
]
