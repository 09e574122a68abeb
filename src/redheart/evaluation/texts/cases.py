"""The cases, by language and by kind: what a reading gets right of everyday texts that are easily confused.

    python -m redheart.recipes.evaluate_cases MODEL [--data DIR] [--split validation] [--json FILE] [--no-floors]

Notable: a pair is two variants of one group, in one of which the author alone has the most votes and in the other one
the other side: who reads the words and not the roles gets one of them wrong.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...configuration.labels import VERDICTS
from ...data.loading import OWN, Array, DataError, Unit, find_data, load, to_units
from ..measurement.floor import Floor
from ..measurement.predict import Predictor, target_column
from ..measurement.results import MODEL, Evaluation, Figure
from ..reports.terminal_report import WORST
from .case_part import Case, CasePart
from .case_statistics import cross_entropies

SET = "cases"
LANGUAGES = ("en", "ko")
BOTH = "all"
ABOVE_FLOOR = "soft cross entropy above the entropy of the votes"
MOST_WORST = 50
# The targets that figures are of, which the floor has to learn.
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


def read_cases(split: str, data: Path | str | None = None) -> list[Case]:
    """Read the cases of a split.

    Args:
        split: Name of the split.
        data: As in `data.find_data`.

    Returns:
        The cases, in the order of the file.

    Raises:
        DataError: For a split that is missing, and a file that does not hold cases.
    """
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
    """Return the case of each text of ``units``.

    Args:
        cases: Cases.
        units: Rows.

    Returns:
        One case per text, in the order of the texts.

    Raises:
        DataError: For a text that is not in a case, and for one that is in two.
    """
    known = {case.text.strip(): case for case in cases}
    if len(known) < len(cases):
        raise DataError(f"{len(cases) - len(known)} of the {len(cases)} cases have the text of another one.")
    texts = [item.text.strip() for unit in units for item in unit]
    if missing := [text for text in texts if text not in known]:
        raise DataError(f"{len(missing)} of {len(texts)} texts are not in any case, for example {missing[0][:60]!r}.")
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

    Args:
        cases: The case of each text of ``units``, in order (`in_order`).
        units: Rows.
        systems: Predictions of each system, `MODEL` among them, in the form of `Predictor`.
        thresholds: Thresholds of the config, by emotion.
        verdict_threshold: The probability from which on a verdict is named.
        split: Name of the split.

    Returns:
        The figures.

    Raises:
        DataError: For a text without votes or emotions.
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
            part = CasePart(cases, targets, systems, chosen, f"{split} ({language})")
            figures += part.figures(thresholds, verdict_threshold)
    for kind in sorted({case.kind for case in cases}):
        chosen = np.flatnonzero([case.kind == kind for case in cases])
        figures += CasePart(cases, targets, systems, chosen, f"{split} ({kind})").of_kind()
    return figures + worst(cases, systems[MODEL]["verdict_labels"], targets["verdict_labels"], split)


def worst(
    cases: Sequence[Case], probabilities: Array, shares: Array, split: str = "validation", most: int = MOST_WORST
) -> list[Figure]:
    """The texts whose soft cross entropy lies furthest above the entropy of their votes, the worst first.

    Args:
        cases: The case of each text.
        probabilities: Predicted verdicts, ``(texts, 5)``.
        shares: Shares of the votes, ``(texts, 5)``.
        split: Name of the split.
        most: Number of texts, at most.

    Returns:
        One figure per text, of the data set `WORST`: its output is the text, its rule the votes and the prediction.
    """
    above = cross_entropies(probabilities, shares) - cross_entropies(shares, shares)
    figures = []
    for place in np.argsort(-above, kind="stable")[:most]:
        case = cases[place]
        votes = _named(case.votes, lambda votes: f"{votes:g}", 0)
        prediction = _named(probabilities[place], lambda share: f"{share:.2f}", 0.005)
        rule = f"votes: {votes}; said: {prediction}"
        about = f"{split} ({case.language}, {case.kind})"
        figures.append(Figure(WORST, about, case.text, ABOVE_FLOOR, MODEL, float(above[place]), 1, rule=rule))
    return figures


def _named(values: Sequence[float] | Array, form: Callable[[float], str], least: float) -> str:
    """Verdicts with their values, those above ``least``, the largest first."""
    order = np.argsort(-np.asarray(values, dtype=np.float64), kind="stable")
    return ", ".join(f"{VERDICTS[place]} {form(float(values[place]))}" for place in order if values[place] > least)


def _targets(units: Sequence[Unit]) -> dict[str, Array]:
    """Of each target that some text has, all texts: ``(texts, ...)``, NaN where it is missing."""
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
    """Measure the figures of the cases alone.

    Args:
        name: Name of the model in the evaluation.
        model: The model.
        tokenizer: Its tokenizer.
        split: Name of the split.
        data: As in `data.find_data`.
        floors: Whether to measure the floor, too.

    Returns:
        The evaluation.

    Raises:
        DataError: As `load` does.
    """
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
    "LANGUAGES",
    "MOST_WORST",
    "TARGETS",
    "case_figures",
    "evaluate_cases",
    "in_order",
    "read_cases",
    "worst",
]
