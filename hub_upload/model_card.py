"""The model card of a trained checkpoint, made from what was measured and from what its config records.

Notable: a card without a licence for all data, limits, or figures with their split is refused. What is known about a
data set stands in `DATA_SETS` and nowhere else, and a card tells of the sets that supervised its model only.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import EMOTIONS
from ..evaluation.figures import FITTED_HERE
from ..evaluation.html_report import ABOUT, HOW, LIMITS, label_rows, record_rows
from ..evaluation.results import CONSTANT, LINEAR, MODEL, Consistency, Evaluation, LabelTable
from ..evaluation.terminal_report import (
    LEAST_ALPHA,
    STANDING,
    UNSUPPORTED,
    Row,
    comparisons,
    interval,
    number,
    unsupported_rows,
)
from ..modeling_redheart.derived import PREFIX
from ..training.sets import NON_COMMERCIAL, SETS
from ..training.snapshots import whole_file
from ..training.yaml_file import read_yaml


@dataclass(frozen=True)
class DataSet:
    """Facts about a data set. texts: what they are, and of which community. raters: who gave the labels. languages: as
    codes. limit: what follows for the model, in a sentence."""

    title: str
    texts: str
    raters: str
    languages: tuple[str, ...]
    licence: str
    limit: str = ""


_Sets: TypeAlias = Mapping[str, DataSet]

_CROWD = "crowd workers of Mechanical Turk"
_ETHICS = ("scenes written for the data set", f"{_CROWD} and the authors", ("en",), "MIT")
_SCRUPLES = "Apache-2.0; its authors intend it for research only"

DATA_SETS: dict[str, DataSet] = {
    "goemotions": DataSet(
        "GoEmotions",
        "comments on Reddit",
        "82 native speakers of English from India, of whom two or more agree on a label",
        ("en",),
        "CC BY 4.0",
        "Emotions are what readers from one country saw in comments on one site.",
    ),
    "goemotions_ko": DataSet(
        "GoEmotions-Korean",
        "the same comments, translated into Korean by a machine",
        "those of GoEmotions, who read the English; nobody labelled the Korean",
        ("ko",),
        "Apache-2.0 (the comments: CC BY 4.0)",
        "Its Korean is a machine's, poor by its makers' own account: text that Koreans wrote may be read worse.",
    ),
    "kote": DataSet("KOTE", "Korean comments on the web", "five crowd workers for each comment", ("ko",), "MIT"),
    "emotion_intensity_en": DataSet(
        "BRIGHTER, SemEval-2025 task 11, intensities",
        "short English texts",
        "annotators of the BRIGHTER project",
        ("en",),
        "CC BY 4.0; the task's own repository still says research only",
        "Strength is known of anger, fear, joy, sadness and surprise only.",
    ),
    "emobank": DataSet(
        "EmoBank",
        "English sentences of several genres",
        "crowd workers, about five for each side, the writer's and the reader's",
        ("en",),
        "CC BY-SA 4.0",
    ),
    "scruples_anecdotes": DataSet(
        "Scruples, anecdotes",
        'posts in "Am I the asshole?" on Reddit, November 2018 to April 2019',
        "members of that forum, whose votes are counted (median: 8 for a post)",
        ("en",),
        _SCRUPLES,
        "The forum mostly sides with whoever posts, and few votes stand behind a post; so does the verdict.",
    ),
    "scruples_dilemmas": DataSet(
        "Scruples, dilemmas",
        "pairs of short actions, taken from the titles of these posts",
        f"five {_CROWD} for each pair",
        ("en",),
        _SCRUPLES,
    ),
    "moral_stories": DataSet(
        "Moral Stories",
        "short stories written for the data set, with a moral and an immoral action",
        f"{_CROWD}, who wrote the stories",
        ("en",),
        "MIT",
        "Which of two actions is better was said by those who made both up.",
    ),
    **{f"ethics_{name}": DataSet(f"ETHICS, {name}", *_ETHICS) for name in ("utilitarianism", "deontology", "justice")},
}

# Sources of a record that are no data set: other models, with their place on the hub, and rows of the other sources.
_MODELS = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
_ROWS = "rows held out of training"
# Measures that the hub shows beside other models' figures, by its own names for them.
_METRICS = {
    "macro F1": "f1",
    "micro F1": "f1",
    "average precision": "average_precision",
    "Pearson r": "pearsonr",
    "mean Pearson r": "pearsonr",
    "pair accuracy": "accuracy",
    "soft cross entropy": "cross_entropy",
}
_OUT_OF_SCOPE = (
    "Advice: it knows the text and nothing else, and says how it reads, not what to do.",
    "Decisions on people: work, credit, insurance, custody, school, moderation without a human, police and courts.",
    "Diagnosing: an emotion in a text is no state of health of its writer.",
    "Monitoring people: at work, at school, on platforms, or anywhere without their consent.",
)
_USE = """```python
from transformers import pipeline
import redheart  # registers the model and the task

read = pipeline("ethical-analysis", model="{model}")  # this folder, or its place on the hub
reading = read("I told my sister's secret to her fiancé.")
reading["emotion"]["asserted"]  # emotions above their threshold
reading["verdict"]["probabilities"]  # author, other, everybody, nobody, info
reading["confidence"]["verdict"]  # expected loss, and exp(-expected loss)
reading["flags"]["withheld"]  # what nothing supervised
```

Where the package `redheart` is not installed, pass `trust_remote_code=True` and leave the import out."""


def model_card(
    evaluation: Evaluation,
    config: RedHeartConfig,
    *,
    data_sets: _Sets = DATA_SETS,
    limits: Sequence[str] = LIMITS,
) -> str:
    """The card as Markdown under a YAML header.

    evaluation: of the model that ``config`` is of. data_sets: facts by the names in ``config.supervision``; for your
    own data pass ``DATA_SETS | {...}``. limits: sentences; those of the data sets are added.

    Raises `ValueError` for an evaluation of another model or without figures, a figure without a split, a source
    without a licence or under one that Apache-2.0 weights cannot keep, and no limits.
    """
    sets = _data_sets(evaluation, config, data_sets)
    rows = [row for groups in comparisons(evaluation).values() for some in groups.values() for row in some]
    if not any(math.isfinite(row.model.value) for row in rows):
        raise ValueError("The evaluation has no figure of the model; a card without figures is refused.")
    for row in rows:
        if not row.model.split or not row.model.dataset:
            raise ValueError(f"{row.model.measure} of {row.model.output} does not say on which data and split it is.")
    if not limits:
        raise ValueError("The card has no limits; say what the model must not be trusted with.")
    limits = [*limits, *(one.limit for one in sets.values() if one.limit)]
    header = yaml.safe_dump(_header(evaluation, config, sets, rows), sort_keys=False, allow_unicode=True, width=120)
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in _sections(evaluation, config, sets, rows, limits))
    return f"---\n{header}---\n\n# {escape(evaluation.model)}\n\n{ABOUT}\n\n{body}\n"


def read_facts(path: Path) -> dict[str, DataSet]:
    """The facts about your own data sets, from a YAML file: a name, and under it the fields of `DataSet`.

    Raises `ValueError` where the file is no such thing, naming the set.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold names of data sets with their facts under them, got {content!r}.")
    known = [field.name for field in fields(DataSet)]
    facts = {}
    for name, given in content.items():
        if not isinstance(given, dict) or not set(given) <= set(known):
            raise ValueError(f"{path}: the facts of {name!r} must be {', '.join(known)}; got {given!r}.")
        if missing := [one for one in known[:-1] if not given.get(one)]:
            raise ValueError(f"{path}: {name!r} has no {', '.join(missing)}.")
        languages = given["languages"]
        if not isinstance(languages, list):
            raise ValueError(f"{path}: `languages` of {name!r} must be a list of codes, got {languages!r}.")
        facts[str(name)] = DataSet(**given | {"languages": tuple(map(str, languages))})
    return facts


def write_model_card(
    evaluation: Evaluation, config: RedHeartConfig, folder: Path, *, data_sets: _Sets = DATA_SETS
) -> None:
    """Write the card of `model_card` to README.md in ``folder``; raises as it does."""
    card = model_card(evaluation, config, data_sets=data_sets)
    with whole_file(folder / "README.md") as partial:
        partial.write_text(card, encoding="utf-8")


def _sources(config: RedHeartConfig) -> list[str]:
    """All sources of the record, but for the rules of what is derived from other claims."""
    named = {source: None for sources in config.supervision.values() for source in sources}
    return [source for source in named if not source.startswith(PREFIX)]


def _data_sets(evaluation: Evaluation, config: RedHeartConfig, known: _Sets) -> dict[str, DataSet]:
    """The sets that supervised the model, in the order of ``known``."""
    if evaluation.record != config.supervision:
        raise ValueError("The evaluation records other supervision than the config: it is of another model.")
    names = [source for source in _sources(config) if source not in (*_MODELS, _ROWS)]
    if not names:
        raise ValueError("The config records no data set that supervised the model; there is nothing to tell of it.")
    for name in names:
        if name in NON_COMMERCIAL:
            raise ValueError(f"{name!r} cannot be in weights under Apache-2.0: {NON_COMMERCIAL[name]}.")
        if name not in known or not known[name].licence:
            raise ValueError(f"No licence is known of {name!r}; give its facts (`--facts`, or `data_sets`).")
    return {name: one for name, one in known.items() if name in names}


def _header(evaluation: Evaluation, config: RedHeartConfig, sets: _Sets, rows: Sequence[Row]) -> dict[str, Any]:
    base = [_MODELS[source] for source in _sources(config) if source in _MODELS]
    on_hub = dict.fromkeys(hub[0] for name in sets if name in SETS and (hub := SETS[name].hub))
    results: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for figure in (row.model for row in rows):
        if figure.measure in _METRICS and math.isfinite(figure.value) and FITTED_HERE not in figure.rule:
            name = f"{figure.measure} ({figure.rule})" if figure.rule else figure.measure
            metric = {"type": _METRICS[figure.measure], "name": name, "value": round(figure.value, 4)}
            results.setdefault((figure.output, figure.dataset, figure.split), []).append(metric)
    return {
        "license": "apache-2.0",
        "language": sorted({language for one in sets.values() for language in one.languages}),
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "tags": ["redheart", "ethics", "emotion", "moral-conflict"],
        **({"datasets": list(on_hub)} if on_hub else {}),
        **({"base_model": base} if base else {}),
        "model-index": [
            {"name": evaluation.model, "results": [_result(*key, found) for key, found in results.items()]}
        ],
    }


def _result(output: str, dataset: str, split: str, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    hub = SETS[dataset].hub if dataset in SETS else None
    return {
        "task": {"type": "text-classification", "name": output},
        "dataset": {"name": dataset, "type": hub[0] if hub else dataset, "split": split},
        "metrics": metrics,
    }


def _sections(
    evaluation: Evaluation, config: RedHeartConfig, sets: _Sets, rows: Sequence[Row], limits: Sequence[str]
) -> Iterator[tuple[str, str]]:
    yield "What it is", (
        f"A model of {evaluation.parameters:,} parameters. One forward pass gives the whole reading, and each part has "
        "its own confidence. It describes a text; where nothing supervised a part, it says nothing.")  # fmt: skip
    yield "Intended use", (
        "For people who study, moderate or counsel on moral conflict in text, read the texts themselves, and want more "
        "than one number; and as a start for training on one's own labelled data.")  # fmt: skip
    yield "Out of scope", "It is not for:\n\n" + _list(_OUT_OF_SCOPE)
    yield "How to use", _USE.format(model=evaluation.model)
    facts = ([name, one.title, one.texts, one.raters, ", ".join(one.languages)] for name, one in sets.items())
    yield "Who rated the data", _table(("name", "data", "texts", "raters", "language"), facts)
    heads = ("data", "measure", "rule", CONSTANT, LINEAR, f"{MODEL}, 95 % interval", "")
    yield "Figures", STANDING + "\n\n" + _table(heads, map(_figure, rows))
    if evaluation.tables:
        yield "Label by label", "\n\n".join(map(_labels, evaluation.tables))
    record = _table(("part", "claims", "how", "from"), record_rows(config.supervision))
    yield "What is supervised, derived and withheld", f"{HOW}\n\n{record}"
    yield "Calibration and abstention", _calibration(evaluation, config)
    if evaluation.consistency:
        yield "Consistency", (
            "Krippendorff's alpha over readings of a text and of variants that mean the same; below "
            f"{LEAST_ALPHA:.2f} in bold. The page of `redheart evaluate --report` has the intervals.\n\n"
            + _consistency(evaluation.consistency))  # fmt: skip
    yield "Limits", _list(limits)
    licences = _table(("name", "licence"), ([name, one.licence] for name, one in sets.items()))
    yield "Licences", f"Weights and code: Apache-2.0. The data keep their own:\n\n{licences}"
    yield "Reproduce", f"    {evaluation.command}"


def _calibration(evaluation: Evaluation, config: RedHeartConfig) -> str:
    fitted = sum(name in config.thresholds for name in EMOTIONS)
    lines = [
        f"An emotion is asserted from its threshold on: {fitted} of {len(EMOTIONS)} are fitted, the others are 0.5.",
        f"The verdict's logits are divided by {config.verdict_temperature:g}; its label is the most probable one"
        + (", with what was fitted for rare verdicts added." if config.verdict_offsets else "."),
        "To abstain, compare `expected_loss` of a part with a limit of your own: it was trained on texts that the rest "
        "of the model had not seen. How well it works is in the figures: selective risk, AUGRC, Spearman r.",
    ]
    claimed = unsupported_rows(evaluation)
    more = "\n\nTexts that carry no signal, and claims on them:\n\n" + _table(UNSUPPORTED, claimed) if claimed else ""
    return _list(lines) + more


def _consistency(found: Sequence[Consistency]) -> str:
    """A row for each family and data set, a column for each output."""
    outputs = list(dict.fromkeys(output for item in found for output in item.alpha))
    rows = []
    for item in found:
        values = (item.alpha.get(output, (math.nan,))[0] for output in outputs)
        cells = [f"**{value:.2f}**" if value < LEAST_ALPHA else number(value, 2) for value in values]
        rows.append([f"{item.family}, {item.dataset}", f"{item.units:,}", *cells])
    return _table(("variants", "texts", *outputs), rows)


def _figure(row: Row) -> list[str]:
    figure = row.model
    value = f"{number(figure.value)} {interval(figure.low, figure.high)}".strip()
    about = f"{figure.dataset}, {figure.split}, {figure.rows:,} rows"
    return [about, row.title, figure.rule, number(row.constant), number(row.linear), value, row.standing]


def _labels(table: LabelTable) -> str:
    heads, *rows = label_rows(table)
    return f"{table.output}, {table.dataset}, {table.split}:\n\n" + _table(heads, rows)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A row of one cell is a heading of those below it."""
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        cells = [escape(" ".join(cell.split()), quote=False).replace("|", "\\|") for cell in row]
        lines.append(cells if len(cells) > 1 else [f"**{cells[0]}**", *[""] * (len(heads) - 1)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


__all__ = ["DATA_SETS", "DataSet", "model_card", "read_facts", "write_model_card"]
