"""The floor under every figure: the constant answer, and TF-IDF with a linear model.

    python -m redheart.training.baselines --data DIR --json FILE

Notable: the settings are fixed and not tuned to a set; the rows are those that `data.load` gives, so a model trained on
the same rows stands beside these figures as it is. Takes some minutes on one core and about 2 GB.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..configuration.labels import AFFECT, EMOTIONS, VERDICTS
from .data import INTENSITY_EMOTIONS, Array, DataError, load, to_units

try:
    import sklearn
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import average_precision_score, f1_score
except ImportError as error:
    raise ImportError("The baselines need scikit-learn: pip install 'redheart[train]'.") from error

# A word or two, seen in two texts; posts are long and many, so there it takes five.
WORDS: dict[str, Any] = {"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True}
MIN_POSTS = 5
RIDGE_ALPHA = 2.0
SENTENCE_C = 4.0  # inverse penalty, sentences
POST_C = 1.0  # inverse penalty, posts
# Chosen on the validation split that it is reported on, as one threshold for all labels.
EMOTION_THRESHOLD = 0.10

Data: TypeAlias = Path | str | None


@dataclass(frozen=True)
class Figure:
    """What one system reaches on one split. A measure that is undefined (r of a constant) is NaN."""

    dataset: str
    split: str
    system: str
    rows: int
    measures: dict[str, float]


def pearson(predicted: Array, actual: Array) -> float:
    """Pearson's r of two vectors; NaN when one of them is constant."""
    # Asked of the range: the mean of equal numbers may differ from them in the last bit.
    if np.ptp(predicted) == 0 or np.ptp(actual) == 0:
        return math.nan
    first, second = predicted - predicted.mean(), actual - actual.mean()
    return float((first * second).sum() / math.sqrt((first**2).sum() * (second**2).sum()))


def soft_cross_entropy(probabilities: Array, shares: Array) -> float:
    """Mean cross entropy in nats against vote shares. Both (texts, classes)."""
    return float(-(shares * np.log(np.clip(probabilities, 1e-9, None))).sum(axis=1).mean())


def pair_accuracy(better: Array, worse: Array) -> float:
    """Share of pairs whose better text scores higher; a tie counts half."""
    return float(np.mean((better > worse) + 0.5 * (better == worse)))


def _columns(name: str, data: Data, split: str, target: str) -> tuple[list[str], Array]:
    """The texts of a split that have the target, and the target, (texts, ...)."""
    examples = [item for item in load(name, data, split) if target in item.targets]
    return [item.text for item in examples], np.stack([item.targets[target] for item in examples])


def _pairs(name: str, data: Data, split: str, target: str) -> tuple[list[str], list[str]]:
    """The better and the worse texts of the pairs that have the target."""
    units = [unit for unit in to_units(load(name, data, split)) if target in unit[0].targets]
    if not units:
        raise DataError(f"The split {split!r} of {name!r} has no pairs for `{target}`; leave this set out.")
    sides = [sorted(unit, key=lambda item: -int(item.targets[target][1])) for unit in units]
    return [pair[0].text for pair in sides], [pair[1].text for pair in sides]


def emotion_baselines(data: Data) -> list[Figure]:
    """GoEmotions: one logistic regression per label, one threshold."""
    texts, labels = _columns("goemotions", data, "train", "emotion_labels")
    held, actual = _columns("goemotions", data, "validation", "emotion_labels")
    vectoriser = TfidfVectorizer(**WORDS)
    features, seen = vectoriser.fit_transform(texts), vectoriser.transform(held)
    linear = np.stack([_probability(features, column, seen) for column in labels.T], axis=1)
    prior = np.tile(labels.mean(axis=0), (len(held), 1))

    def figure(system: str, probabilities: Array) -> Figure:
        asserted = probabilities >= EMOTION_THRESHOLD
        measures = {
            "macro_f1": f1_score(actual, asserted, average="macro", zero_division=0),
            "micro_f1": f1_score(actual, asserted, average="micro", zero_division=0),
            "average_precision": average_precision(actual, probabilities),
        }
        return Figure("goemotions", "validation", f"{system}, threshold {EMOTION_THRESHOLD:g}", len(held), measures)

    return [figure("label shares of train", prior), figure("TF-IDF logistic regression", linear)]


def average_precision(actual: Array, probabilities: Array) -> float:
    """Mean over the labels that occur."""
    present = np.flatnonzero(actual.any(axis=0))
    return float(np.mean([average_precision_score(actual[:, place], probabilities[:, place]) for place in present]))


def _probability(features: csr_matrix, labels: Array, seen: csr_matrix) -> Array:
    """Probability of one label for each row of ``seen``; a label that is always or never there stays so."""
    if np.ptp(labels) == 0:
        return np.full(seen.shape[0], labels[0], dtype=np.float64)
    model = LogisticRegression(C=SENTENCE_C, solver="liblinear", random_state=0).fit(features, labels)
    return model.predict_proba(seen)[:, 1]


def verdict_baselines(data: Data) -> list[Figure]:
    """Scruples: the vote shares of train, and logistic regressions on vote shares and on the majority's labels."""
    name = "scruples_anecdotes"
    texts, shares = _columns(name, data, "train", "verdict_labels")
    held, actual = _columns(name, data, "validation", "verdict_labels")
    vectoriser = TfidfVectorizer(**WORDS | {"min_df": MIN_POSTS})
    features, seen = vectoriser.fit_transform(texts), vectoriser.transform(held)

    def figure(system: str, probabilities: Array) -> Figure:
        majority, asserted = actual.argmax(axis=1), probabilities.argmax(axis=1)
        every = range(len(VERDICTS))
        measures = {
            "macro_f1": f1_score(majority, asserted, labels=every, average="macro", zero_division=0),
            "accuracy": float((majority == asserted).mean()),
            "soft_cross_entropy": soft_cross_entropy(probabilities, actual),
        }
        return Figure(name, "validation", system, len(held), measures)

    # A text counts once for each verdict it got, with the share of it.
    row, verdict = np.nonzero(shares)
    soft = LogisticRegression(C=POST_C, max_iter=200)
    soft.fit(features[row], verdict, sample_weight=shares[row, verdict])
    hard = LogisticRegression(C=POST_C, max_iter=200, class_weight="balanced").fit(features, shares.argmax(axis=1))
    return [
        figure("vote shares of train", np.tile(shares.mean(axis=0), (len(held), 1))),
        figure("TF-IDF logistic regression, vote shares", _spread(soft, seen)),
        figure("TF-IDF logistic regression, balanced majority labels", _spread(hard, seen)),
    ]


def _spread(model: LogisticRegression, seen: csr_matrix) -> Array:
    """The model's probabilities over all verdicts; 0 for those it never saw."""
    probabilities = np.zeros((seen.shape[0], len(VERDICTS)))
    probabilities[:, model.classes_] = model.predict_proba(seen)
    return probabilities


def ranking_baselines(name: str, target: str, splits: Sequence[str], data: Data, task: str = "") -> list[Figure]:
    """Which text of a pair is the better one: a linear score, fitted on the differences of the pairs."""
    better, worse = _pairs(name, data, "train", target)
    vectoriser = TfidfVectorizer(**WORDS).fit(better + worse)
    # A classifier needs both classes: every other difference is turned round.
    sign = np.where(np.arange(len(better)) % 2 == 0, 1.0, -1.0)
    differences = (vectoriser.transform(better) - vectoriser.transform(worse)).multiply(sign[:, None]).tocsr()
    model = LogisticRegression(C=SENTENCE_C, fit_intercept=False, max_iter=1000).fit(differences, sign)
    figures = []
    for split in splits:
        first, second = _pairs(name, data, split, target)
        scores = [vectoriser.transform(side) @ model.coef_[0] for side in (first, second)]
        for system, pair in (("chance", np.zeros((2, len(first)))), ("TF-IDF pairwise logistic regression", scores)):
            measures = {"pair_accuracy": pair_accuracy(pair[0], pair[1])}
            figures.append(Figure(name + task, split, system, len(first), measures))
    return figures


def regression_baselines(
    name: str, target: str, labels: Sequence[str], places: Sequence[int], splits: Sequence[str], data: Data
) -> list[Figure]:
    """The mean of train and a ridge regression. places: the columns of the target, named by ``labels``."""
    texts, values = _columns(name, data, "train", target)
    values = values[:, places].astype(np.float64)
    vectoriser = TfidfVectorizer(**WORDS)
    model = Ridge(alpha=RIDGE_ALPHA).fit(vectoriser.fit_transform(texts), values)
    figures = []
    for split in splits:
        held, every = _columns(name, data, split, target)
        actual = every[:, places].astype(np.float64)
        mean = np.tile(values.mean(axis=0), (len(held), 1))
        for system, predicted in (("mean of train", mean), ("TF-IDF ridge", model.predict(vectoriser.transform(held)))):
            r = {f"r_{label}": pearson(predicted[:, i], actual[:, i]) for i, label in enumerate(labels)}
            error = math.sqrt(float(np.square(predicted - actual).mean()))
            measures = r | {"r_mean": float(np.mean(list(r.values()))), "rmse": error}
            figures.append(Figure(name, split, system, len(held), measures))
    return figures


def _moral_stories(data: Data) -> list[Figure]:
    splits = ("validation", "test")
    bare = ranking_baselines("moral_stories", "action_pair_labels", splits, data, " (bare action)")
    return bare + ranking_baselines("moral_stories", "branch_pair_labels", splits, data, " (told action)")


def _ethics_utilitarianism(data: Data) -> list[Figure]:
    return ranking_baselines("ethics_utilitarianism", "utility_pair_labels", ("test", "test_hard"), data)


def _emobank(data: Data) -> list[Figure]:
    return regression_baselines("emobank", "affect_labels", AFFECT, range(len(AFFECT)), ("validation", "test"), data)


def _emotion_intensity_en(data: Data) -> list[Figure]:
    places = [EMOTIONS.index(name) for name in INTENSITY_EMOTIONS]
    name, target, splits = "emotion_intensity_en", "intensity_labels", ("validation", "test")
    return regression_baselines(name, target, INTENSITY_EMOTIONS, places, splits, data)


BASELINES: dict[str, Callable[[Data], list[Figure]]] = {
    "goemotions": emotion_baselines,
    "scruples_anecdotes": verdict_baselines,
    "moral_stories": _moral_stories,
    "ethics_utilitarianism": _ethics_utilitarianism,
    "emobank": _emobank,
    "emotion_intensity_en": _emotion_intensity_en,
}


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| set | split | rows | system | figures |", "| --- | --- | --- | --- | --- |"]
    for item in figures:
        values = ", ".join(
            f"{name} {'-' if math.isnan(value) else format(value, '.3f')}" for name, value in item.measures.items()
        )
        lines.append(f"| {item.dataset} | {item.split} | {item.rows:,} | {item.system} | {values} |")
    return "\n".join(lines)


def record(figures: Sequence[Figure]) -> dict[str, Any]:
    """The figures and the settings that made them, for a JSON file; what is undefined is null."""
    rows = [asdict(item) for item in figures]
    for row in rows:
        row["measures"] = {name: None if math.isnan(value) else value for name, value in row["measures"].items()}
    settings = {
        "words": WORDS,
        "min_posts": MIN_POSTS,
        "ridge_alpha": RIDGE_ALPHA,
        "sentence_c": SENTENCE_C,
        "post_c": POST_C,
        "emotion_threshold": EMOTION_THRESHOLD,
        "scikit_learn": sklearn.__version__,
    }
    return {"settings": settings, "figures": rows}


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m redheart.training.baselines", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with one folder per set (default: REDHEART_DATA)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--sets", nargs="+", choices=list(BASELINES), default=list(BASELINES), help="default: all")
    options = parser.parse_args(arguments)
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"the folder of --json {options.json} does not exist")
    figures: list[Figure] = []
    try:
        for name in options.sets:
            print(f"{name} ...", file=sys.stderr)
            figures += BASELINES[name](options.data)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps(record(figures), indent=2) + "\n", encoding="utf-8")
    return 0


__all__ = [
    "BASELINES",
    "Figure",
    "average_precision",
    "main",
    "pair_accuracy",
    "pearson",
    "record",
    "soft_cross_entropy",
    "table",
]

if __name__ == "__main__":
    sys.exit(main())
