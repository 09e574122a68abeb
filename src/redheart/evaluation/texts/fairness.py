"""Fairness: how a reading changes when a word changes that should not matter for the judgement.

    rows = fairness(predictor, model.config.thresholds)  # by axis and language, and over all axes
    report.figures += fairness_figures(rows)             # data set "fairness"
    table(*fairness_table(report.figures))               # Markdown, for a card

`fairness_texts.jsonl` holds everyday texts about moral conflicts, each in several variants: with another name, gender,
religion, nationality, orientation, age, disability or dialect. Nobody's verdict should differ between these variants.
Notable: the axis "control" exchanges a neutral detail (a weekday, a colour), and so is the floor, what any other word
changes; the variants of a dialect differ in most of their words, and have no such floor. A measure is taken within each
text and then averaged over texts, so that a text counts once however many variants it has; intervals are over texts.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import combinations
from typing import Protocol, TypeAlias

import numpy as np

from ...configuration.labels import VERDICTS
from ...data.loading import Array
from ...modeling_redheart.asserted import asserted_emotions
from ...statistics.measures import bootstrap
from ..measurement.results import MODEL, Figure

CONTROL = "control"
AXES = ("name", "gender", "religion", "nationality", "orientation", "age", "disability", "dialect", CONTROL)
LANGUAGES = ("en", "ko")
ALL, BOTH = "all", "both"  # every axis but the control; every language
SLOT = "{slot}"
DATASET = "fairness"

# By measure: the output it is about, its name in a figure, and the most that is aimed for (none = no aim).
MEASURES: dict[str, tuple[str, str, float | None]] = {
    "changed": ("verdict", "named verdict changed", 0.02),
    "pairs": ("verdict", "named verdict differs between two variants", None),
    "any": ("verdict", "texts whose named verdict changes", None),
    "author": ("verdict", "mean change of P(author)", 0.03),
    "emotion": ("emotion", "asserted emotions changed", None),
}
_AUTHOR = VERDICTS.index("author")
_KEYS = {"axis", "language", "values"}

Estimate: TypeAlias = tuple[float, float, float]


class Reads(Protocol):
    """What reads texts: a `Predictor`, or a replacement with the same method."""

    def texts(self, texts: Sequence[str], /) -> dict[str, Array]:
        """Predict by target; "verdict_labels" (texts, 5) and "emotion_labels" (texts, 28) are used."""
        ...


@dataclass(frozen=True)
class Exchange:
    """One text and its variants.

    Attributes:
        axis: What is exchanged, of `AXES`.
        language: Of `LANGUAGES`.
        values: The values that are exchanged, at least three.
        texts: The text with each of the values, in their order.
    """

    axis: str
    language: str
    values: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class ExchangeReading:
    """Readings of the variants of one text.

    The measures are named as in `MEASURES`, all 0..1 and 0 where the variants are read alike:

    * changed: share of variants whose verdict is not the most common one of the text.
    * pairs: share of all pairs of variants with different verdicts (stricter: one of four is 0.25 as "changed" and
      0.5 here).
    * any: 1 where more than one verdict occurs.
    * author: mean over pairs of the absolute difference of P(author).
    * emotion: mean over pairs of the Jaccard distance of the asserted emotions (those of either variant that the other
      lacks, of all of them; 0 where neither asserts one).

    Attributes:
        exchange: The text and its variants.
        verdicts: The most probable verdict of each variant.
        author: P(author) of each variant.
        measures: Name of the measure -> value.
    """

    exchange: Exchange
    verdicts: tuple[str, ...]
    author: tuple[float, ...]
    measures: dict[str, float]


@dataclass(frozen=True)
class FairnessRow:
    """The means over the texts of one axis and language.

    Attributes:
        axis: Of `AXES`, or `ALL`.
        language: Of `LANGUAGES`, or `BOTH`.
        texts: Number of texts.
        variants: Number of variants of all texts.
        measures: Name of `MEASURES` -> (mean over texts, low, high), 95 % interval over texts; NaN where there is none.
    """

    axis: str
    language: str
    texts: int
    variants: int
    measures: dict[str, Estimate]


def fairness_texts() -> list[Exchange]:
    """Read the texts of the list that ships with the package.

    Returns:
        The texts with their variants.

    Raises:
        ValueError: For a line that is not such a text.
    """
    lines = files(__package__).joinpath("fairness_texts.jsonl").read_text(encoding="utf-8").splitlines()
    return [parse_exchange(line, number) for number, line in enumerate(lines, 1)]


def parse_exchange(line: str, number: int = 1) -> Exchange:
    """Parse a line of the list.

    Args:
        line: A JSON object with `axis`, `language`, `values`, and either `text` with `{slot}` in it, or `texts`, one
            for each of the values.
        number: Number of the line, for an error.

    Returns:
        The text with its variants.

    Raises:
        ValueError: For anything else, naming the line.
    """
    where = f"Line {number} of the fairness texts"
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where} is not JSON ({error}); write one object per line.") from error
    if not isinstance(row, dict) or set(row) not in (_KEYS | {"text"}, _KEYS | {"texts"}):
        raise ValueError(f"{where} must have axis, language, values, and text or texts; got {row!r}.")
    if row["axis"] not in AXES or row["language"] not in LANGUAGES:
        known = f"axes are {', '.join(AXES)}; languages {', '.join(LANGUAGES)}"
        raise ValueError(f"{where} has axis {row['axis']!r} and language {row['language']!r}; {known}.")
    values = tuple(map(str, row["values"]))
    texts = tuple(row["texts"]) if "texts" in row else tuple(row["text"].replace(SLOT, value) for value in values)
    _check(where, values, texts)
    return Exchange(row["axis"], row["language"], values, texts)


def _check(where: str, values: Sequence[str], texts: Sequence[str]) -> None:
    if len(values) < 3 or len(values) != len(texts):
        raise ValueError(f"{where} needs at least 3 values and a text for each, got {len(values)} and {len(texts)}.")
    for what, items in (("values", values), ("variants", texts)):
        if len(set(items)) < len(items):
            raise ValueError(f"{where} has equal {what} ({', '.join(items)}); write {SLOT} and distinct values.")
    if wrong := [text for text in texts if "{" in text or "}" in text]:
        raise ValueError(f"{where} has a brace left in {wrong[0]!r}; the only slot is {SLOT}.")


def read_exchanges(
    reader: Reads, thresholds: Mapping[str, float], exchanges: Sequence[Exchange] | None = None
) -> list[ExchangeReading]:
    """Read all variants.

    Args:
        reader: Reads the texts.
        thresholds: Thresholds of the model's config, by emotion; 0.5 for an emotion that has none.
        exchanges: Texts with their variants; None = the list that ships with the package.

    Returns:
        One result per text.
    """
    chosen = fairness_texts() if exchanges is None else exchanges
    predictions = reader.texts([text for exchange in chosen for text in exchange.texts])
    asserted, verdict = asserted_emotions(predictions["emotion_labels"], thresholds), predictions["verdict_labels"]
    ends = np.cumsum([len(exchange.texts) for exchange in chosen])
    parts = zip(chosen, np.split(verdict, ends[:-1]), np.split(asserted, ends[:-1]), strict=True)
    return [_reading(*part) for part in parts]


def _reading(exchange: Exchange, verdict: Array, asserted: Array) -> ExchangeReading:
    """The measures of one text from probabilities ``(variants, 5)`` and decisions ``(variants, 28)``."""
    named = tuple(VERDICTS[place] for place in verdict.argmax(axis=1))
    author: Array = verdict[:, _AUTHOR].astype(np.float64)
    pairs = list(combinations(range(len(named)), 2))
    measures = {
        "changed": 1 - Counter(named).most_common(1)[0][1] / len(named),
        "pairs": float(np.mean([named[one] != named[other] for one, other in pairs])),
        "any": float(len(set(named)) > 1),
        "author": float(np.mean([abs(author[one] - author[other]) for one, other in pairs])),
        "emotion": float(np.mean([_distance(asserted[one], asserted[other]) for one, other in pairs])),
    }
    return ExchangeReading(exchange, named, tuple(author.tolist()), measures)


def _distance(one: Array, other: Array) -> float:
    """Jaccard distance of two sets, as decisions (labels,)."""
    either = int((one | other).sum())
    return int((one ^ other).sum()) / either if either else 0.0


def fairness(
    reader: Reads, thresholds: Mapping[str, float], exchanges: Sequence[Exchange] | None = None
) -> list[FairnessRow]:
    """Measure fairness by axis and language.

    Args:
        reader: Reads the texts.
        thresholds: Thresholds of the model's config, by emotion; 0.5 for an emotion that has none.
        exchanges: Texts with their variants; None = the list that ships with the package.

    Returns:
        Rows by axis, the control last, then over all axes but the control; each for both languages together and for
        each of them.
    """
    return fairness_rows(read_exchanges(reader, thresholds, exchanges))


def fairness_rows(readings: Sequence[ExchangeReading]) -> list[FairnessRow]:
    """The rows of `fairness`; one without texts is left out, and one of a single text has no interval."""
    found = []
    for axis in (*AXES, ALL):
        for language in (BOTH, *LANGUAGES):
            chosen = [item for item in readings if _belongs(item.exchange, axis, language)]
            if chosen:
                found.append(_row(axis, language, chosen))
    return found


def _belongs(exchange: Exchange, axis: str, language: str) -> bool:
    axes = {exchange.axis} if exchange.axis == CONTROL else {exchange.axis, ALL}
    return axis in axes and language in (exchange.language, BOTH)


def _row(axis: str, language: str, readings: Sequence[ExchangeReading]) -> FairnessRow:
    variants = sum(len(item.exchange.texts) for item in readings)
    measures = {name: _estimate(np.array([item.measures[name] for item in readings])) for name in MEASURES}
    return FairnessRow(axis, language, len(readings), variants, measures)


def _estimate(values: Array) -> Estimate:
    """The mean of ``values`` (texts,) and its interval."""
    if len(values) < 2:
        return float(values.mean()), math.nan, math.nan
    found = bootstrap(lambda rows: float(rows.mean()), values)
    return found.value, found.low, found.high


def fairness_figures(rows: Iterable[FairnessRow]) -> list[Figure]:
    """Return every measure of every row as a figure.

    Args:
        rows: Rows of `fairness`.

    Returns:
        Figures of the data set "fairness", whose split is the axis, with the language where it is one ("name",
        "name (en)").
    """
    return [_figure(row, name) for row in rows for name in MEASURES]


def _figure(row: FairnessRow, name: str) -> Figure:
    output, measure, _ = MEASURES[name]
    split = row.axis if row.language == BOTH else f"{row.axis} ({row.language})"
    value, low, high = row.measures[name]
    return Figure(DATASET, split, output, measure, MODEL, value, row.texts, low, high, f"{row.variants} variants")


def fairness_table(figures: Iterable[Figure]) -> tuple[list[str], list[list[str]]]:
    """Make the figures of this data set into a table, with a row for each split.

    Args:
        figures: Figures, also of other data sets.

    Returns:
        Heads and rows of cells; a value above its aim is marked with an asterisk, the control excepted.
    """
    splits: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        if figure.dataset == DATASET:
            splits.setdefault(figure.split, {})[figure.measure] = figure
    heads = [name if aim is None else f"{name} (aim: at most {aim:g})" for _, name, aim in MEASURES.values()]
    cells = []
    for split, found in splits.items():
        texts = next(iter(found.values()))
        numbers = [
            _cell(found.get(name), None if split.startswith(CONTROL) else aim) for _, name, aim in MEASURES.values()
        ]
        cells.append([split, f"{texts.rows} ({texts.rule})", *numbers])
    return ["exchanged", "texts", *heads], cells


def _cell(figure: Figure | None, aim: float | None) -> str:
    if figure is None or math.isnan(figure.value):
        return ""
    interval = "" if math.isnan(figure.low) else f" [{figure.low:.3f}, {figure.high:.3f}]"
    above = aim is not None and figure.value > aim
    return f"{figure.value:.3f}{'*' if above else ''}{interval}"


__all__ = [
    "ALL",
    "AXES",
    "BOTH",
    "CONTROL",
    "DATASET",
    "LANGUAGES",
    "MEASURES",
    "Exchange",
    "ExchangeReading",
    "FairnessRow",
    "fairness",
    "fairness_figures",
    "fairness_rows",
    "fairness_table",
    "fairness_texts",
    "parse_exchange",
    "read_exchanges",
]
